// What is done to descriptors and open files as such.
#include "c_os/file/flock.hpp"
#include "c_os/file/pipe.hpp"
#include "c_os/file/record_lock.hpp"
#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

namespace {

enum FcntlCommand : int {
    duplicate = 0,
    get_descriptor_flags = 1,
    set_descriptor_flags = 2,
    get_status_flags = 3,
    set_status_flags = 4,
    get_record_lock = 5,
    set_record_lock_now = 6,
    set_record_lock_waiting = 7,
    duplicate_close_on_exec = 1030,
    set_pipe_size = 1031,
    get_pipe_size = 1032,
};
constexpr u64 descriptor_close_on_exec = 1; // FD_CLOEXEC

[[nodiscard]] Result<u64> duplicate_from(FileContext& context, int descriptor, u64 lowest,
                                         bool close_on_exec) {
    const Result<FileUse> file = context.files.use(descriptor);
    if (!file) return failed(file.error());
    if (lowest > FileTable::descriptor_limit) return failed(Error::einval);
    const Result<int> copy =
        context.files.add(Ref<OpenFile>{**file}, close_on_exec, static_cast<u32>(lowest));
    if (!copy) return failed(copy.error());
    return static_cast<u64>(*copy);
}

[[nodiscard]] Result<u64> duplicate_to(FileContext& context, int from, int to, bool close_on_exec) {
    const Result<FileUse> file = context.files.use(from);
    if (!file) return failed(file.error());
    if (const Done done = context.files.put(to, Ref<OpenFile>{**file}, close_on_exec); !done)
        return failed(done.error());
    return static_cast<u64>(to);
}

[[nodiscard]] Result<u64> change_status(FileContext& context, OpenFile& file, u32 flags) {
    const bool hides_access = (flags & ~file.flags() & open_no_access_time) != 0;
    const Credentials caller = context.credentials();
    if (hides_access && !caller.root() && caller.uid != file.node().attributes().uid)
        return failed(Error::eperm);
    file.change_flags(open_changeable, flags);
    return 0;
}

// ---- record locks ------------------------------------------------------------------------------------

// struct flock, as all machines have it.
struct LinuxRecord {
    std::int16_t kind, whence;
    std::int64_t start, size;
    int process;
};
constexpr std::int16_t no_lock = 2; // F_UNLCK; a lock's kind is RecordKind's number

// Errors: einval, eoverflow.
[[nodiscard]] Result<RecordRange> range_of(OpenFile& file, const LinuxRecord& record) {
    u64 base = 0;
    if (record.whence == static_cast<int>(Whence::current)) {
        const Result<u64> place = file.seek(0, Whence::current);
        if (!place) return failed(place.error());
        base = *place;
    } else if (record.whence == static_cast<int>(Whence::end)) {
        base = file.node().attributes().size;
    } else if (record.whence != static_cast<int>(Whence::start)) {
        return failed(Error::einval);
    }
    const Result<u64> first = moved_place(base, record.start);
    if (!first) return failed(first.error());
    if (record.size == 0) return RecordRange{*first, RecordRange::no_end};
    const Result<u64> end = moved_place(*first, record.size);
    if (!end) return failed(end.error());
    return record.size < 0 ? RecordRange{*end, *first} : RecordRange{*first, *end};
}

[[nodiscard]] Result<u64> tell_record_lock(u64 address, LinuxRecord record, const RecordLock& wanted) {
    const std::optional<RecordLock> found = find_record_lock(wanted);
    record.kind = no_lock;
    if (found) {
        const RecordRange range = found->range;
        const u64 size = range.end == RecordRange::no_end ? 0 : range.end - range.first;
        record = {static_cast<std::int16_t>(found->kind), 0, static_cast<std::int64_t>(range.first),
                  static_cast<std::int64_t>(size), found->process};
    }
    return no_value(put_to_user(address, record));
}

[[nodiscard]] Result<u64> lock_record(FileContext& context, OpenFile& file, int descriptor, int command,
                                      u64 address) {
    const Result<LinuxRecord> record = get_from_user<LinuxRecord>(address);
    if (!record) return failed(record.error());
    if (record->kind < 0 || record->kind > no_lock) return failed(Error::einval);
    const Result<RecordRange> range = range_of(file, *record);
    if (!range) return failed(range.error());
    const auto kind = static_cast<RecordKind>(record->kind);
    const RecordLock wanted{&context.files, context.job().process, &file.node(), *range, kind};
    if (command == get_record_lock) {
        if (kind == RecordKind::none) return failed(Error::einval);
        return tell_record_lock(address, *record, wanted);
    }
    if (kind == RecordKind::read && !file.readable()) return failed(Error::ebadf);
    if (kind == RecordKind::write && !file.writable()) return failed(Error::ebadf);
    const Done done = set_record_lock(wanted, command == set_record_lock_waiting);
    // Who has closed the descriptor meanwhile has found no lock to let go.
    const Result<FileUse> now = context.files.use(descriptor);
    if (!now || &(*now)->node() != &file.node()) forget_record_locks(context.files, file.node());
    return no_value(done);
}

[[nodiscard]] Result<u64> sync_file(FileContext& context, int descriptor) {
    const Result<FileUse> file = use_opened(context, descriptor);
    if (!file) return failed(file.error());
    const NodeKind kind = (*file)->node().kind();
    if (kind != NodeKind::regular && kind != NodeKind::directory) return failed(Error::einval);
    return 0; // memory is where it is to be
}

[[nodiscard]] Result<u64> new_pipe(FileContext& context, u64 address, u32 flags) {
    if ((flags & ~(open_close_on_exec | open_non_blocking)) != 0) return failed(Error::einval);
    Result<PipeEnds> ends = make_pipe(flags & open_non_blocking);
    if (!ends) return failed(ends.error());
    const bool close_on_exec = (flags & open_close_on_exec) != 0;
    const Result<int> to_read = context.files.reserve();
    if (!to_read) return failed(to_read.error());
    const Result<int> to_write = context.files.reserve();
    struct {
        int to_read, to_write;
    } const pair{*to_read, to_write ? *to_write : -1};
    const Done told = to_write ? put_to_user(address, pair) : failed(to_write.error());
    if (!told) {
        context.files.give_back(*to_read);
        if (to_write) context.files.give_back(*to_write);
        return failed(told.error());
    }
    context.files.fill(*to_read, std::move(ends->to_read), close_on_exec);
    context.files.fill(*to_write, std::move(ends->to_write), close_on_exec);
    return 0;
}

} // namespace

namespace file_calls {

Result<u64> dup(FileContext& context, const CallArguments& arguments) {
    return duplicate_from(context, arguments.integer(0), 0, false);
}

Result<u64> dup2(FileContext& context, const CallArguments& arguments) {
    const int from = arguments.integer(0), to = arguments.integer(1);
    if (from != to) return duplicate_to(context, from, to, false);
    const Result<FileUse> file = context.files.use(from);
    if (!file) return failed(file.error());
    return static_cast<u64>(to);
}

Result<u64> dup3(FileContext& context, const CallArguments& arguments) {
    const int from = arguments.integer(0), to = arguments.integer(1);
    const u32 flags = arguments.word(2);
    if (from == to || (flags & ~open_close_on_exec) != 0) return failed(Error::einval);
    return duplicate_to(context, from, to, flags != 0);
}

// Of owners of signals (F_SETOWN) and locks of open files' records (F_OFD_SETLK) there are none: einval.
Result<u64> fcntl(FileContext& context, const CallArguments& arguments) {
    const int descriptor = arguments.integer(0), command = arguments.integer(1);
    const Result<FileUse> file = context.files.use(descriptor);
    if (!file) return failed(file.error());
    switch (command) {
    case duplicate:
    case duplicate_close_on_exec:
        return duplicate_from(context, descriptor, arguments[2], command == duplicate_close_on_exec);
    case get_descriptor_flags: {
        const Result<bool> marked = context.files.close_on_exec(descriptor);
        if (!marked) return failed(marked.error());
        return *marked ? descriptor_close_on_exec : 0;
    }
    case set_descriptor_flags:
        return no_value(
            context.files.set_close_on_exec(descriptor, (arguments[2] & descriptor_close_on_exec) != 0));
    case get_status_flags:
        return (*file)->flags();
    case set_status_flags:
        if (((*file)->flags() & open_path) != 0) return failed(Error::ebadf);
        return change_status(context, **file, arguments.word(2));
    case get_record_lock:
    case set_record_lock_now:
    case set_record_lock_waiting:
        if (((*file)->flags() & open_path) != 0) return failed(Error::ebadf);
        return lock_record(context, **file, descriptor, command, arguments[2]);
    case set_pipe_size:
    case get_pipe_size:
        if ((*file)->node().kind() != NodeKind::fifo) return failed(Error::ebadf);
        // It has one size. Who wants no more has what he wants.
        if (command == set_pipe_size && arguments[2] > Pipe::capacity) return failed(Error::eperm);
        return u64{Pipe::capacity};
    default:
        return failed(Error::einval);
    }
}

Result<u64> ioctl(FileContext& context, const CallArguments& arguments) {
    constexpr u32 set_non_blocking = 0x5421, clear_close_on_exec = 0x5450, set_close_on_exec = 0x5451;
    constexpr u32 bytes_waiting = 0x541b;
    const int descriptor = arguments.integer(0);
    const u32 request = arguments.word(1);
    const Result<FileUse> file = use_opened(context, descriptor);
    if (!file) return failed(file.error());
    switch (request) {
    case set_non_blocking: {
        const Result<int> on = get_from_user<int>(arguments[2]);
        if (!on) return failed(on.error());
        (*file)->change_flags(open_non_blocking, *on != 0 ? open_non_blocking : 0);
        return 0;
    }
    case clear_close_on_exec:
    case set_close_on_exec:
        return no_value(context.files.set_close_on_exec(descriptor, request == set_close_on_exec));
    case bytes_waiting:
        if ((*file)->node().kind() == NodeKind::regular) {
            const Result<u64> place = (*file)->seek(0, Whence::current);
            if (!place) return place;
            const u64 size = (*file)->node().attributes().size;
            return no_value(put_to_user(arguments[2], static_cast<int>(size > *place ? size - *place : 0)));
        }
        break;
    default:
        break;
    }
    return (*file)->control(context, request, arguments[2]);
}

Result<u64> flock(FileContext& context, const CallArguments& arguments) {
    constexpr u32 shared = 1, exclusive = 2, non_blocking = 4, unlock = 8;
    const Result<FileUse> file = use_opened(context, arguments.integer(0));
    if (!file) return failed(file.error());
    const u32 operation = arguments.word(1);
    const bool blocks = (operation & non_blocking) == 0;
    switch (operation & ~non_blocking) {
    case shared:
        return no_value(take_flock(**file, FlockKind::shared, blocks));
    case exclusive:
        return no_value(take_flock(**file, FlockKind::exclusive, blocks));
    case unlock:
        release_flock(**file);
        return 0;
    default:
        return failed(Error::einval);
    }
}

Result<u64> pipe(FileContext& context, const CallArguments& arguments) {
    return new_pipe(context, arguments[0], 0);
}
Result<u64> pipe2(FileContext& context, const CallArguments& arguments) {
    return new_pipe(context, arguments[0], arguments.word(1));
}

Result<u64> fsync(FileContext& context, const CallArguments& arguments) {
    return sync_file(context, arguments.integer(0));
}
Result<u64> fdatasync(FileContext& context, const CallArguments& arguments) {
    return sync_file(context, arguments.integer(0));
}
Result<u64> sync(FileContext&, const CallArguments&) { return 0; }
Result<u64> syncfs(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = use_opened(context, arguments.integer(0));
    if (!file) return failed(file.error());
    return 0;
}
// Whatever is going to be read is in memory already.
Result<u64> fadvise64(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = use_opened(context, arguments.integer(0));
    if (!file) return failed(file.error());
    if ((*file)->node().kind() == NodeKind::fifo) return failed(Error::espipe);
    if (arguments.word(3) > 5) return failed(Error::einval);
    return 0;
}

} // namespace file_calls

} // namespace chorale::c_os
