// Attributes: modes, owners, times, sizes.
#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

namespace {

using Time = AttributeChange::Time;
constexpr u32 nobody = ~u32{0}; // chown leaves as it is what is -1

struct UserTime {
    std::int64_t seconds, fraction;
};

[[nodiscard]] Result<u64> change(FileContext& context, const Result<Ref<Node>>& node,
                                 const AttributeChange& wanted) {
    if (!node) return failed(node.error());
    return no_value((*node)->change(context.credentials(), wanted));
}

[[nodiscard]] Result<Ref<Node>> opened_node(FileContext& context, int descriptor) {
    const Result<FileUse> file = use_opened(context, descriptor);
    if (!file) return failed(file.error());
    return Ref<Node>{(*file)->node()};
}

[[nodiscard]] AttributeChange new_mode(u32 mode) { return {.set_mode = true, .mode = mode & mode_mask}; }

[[nodiscard]] AttributeChange new_owner(u32 uid, u32 gid) {
    return {.set_uid = uid != nobody, .set_gid = gid != nobody, .uid = uid, .gid = gid};
}

[[nodiscard]] AttributeChange times_now() { return {.set_accessed = Time::now, .set_modified = Time::now}; }

// Times of fractions that are so many to a second.
[[nodiscard]] Result<AttributeChange> times_of(u64 address, std::int64_t per_second) {
    if (address == 0) return times_now();
    struct Two {
        UserTime accessed, modified;
    };
    const Result<Two> times = get_from_user<Two>(address);
    if (!times) return failed(times.error());
    const auto stamp = [&](const UserTime& time) {
        return TimeStamp{time.seconds, static_cast<u32>(time.fraction * (1'000'000'000 / per_second))};
    };
    for (const UserTime& time : {times->accessed, times->modified})
        if (time.fraction < 0 || time.fraction >= per_second) return failed(Error::einval);
    return AttributeChange{.set_accessed = Time::given,
                           .set_modified = Time::given,
                           .accessed = stamp(times->accessed),
                           .modified = stamp(times->modified)};
}

// As times_of(), with UTIME_NOW and UTIME_OMIT.
[[nodiscard]] Result<AttributeChange> times_of_utimensat(u64 address) {
    constexpr std::int64_t time_now = 0x3fffffff, time_omit = 0x3ffffffe;
    if (address == 0) return times_now();
    struct Two {
        UserTime time[2];
    };
    const Result<Two> times = get_from_user<Two>(address);
    if (!times) return failed(times.error());
    Time set[2]{};
    TimeStamp stamps[2]{};
    for (int i = 0; i < 2; ++i) {
        const UserTime& time = times->time[i];
        if (time.fraction == time_omit) continue;
        set[i] = time.fraction == time_now ? Time::now : Time::given;
        if (set[i] == Time::now) continue;
        if (time.fraction < 0 || time.fraction >= 1'000'000'000) return failed(Error::einval);
        stamps[i] = {time.seconds, static_cast<u32>(time.fraction)};
    }
    return AttributeChange{
        .set_accessed = set[0], .set_modified = set[1], .accessed = stamps[0], .modified = stamps[1]};
}

[[nodiscard]] Done may_be_size(FileContext& context, u64 size) {
    if (static_cast<std::int64_t>(size) < 0) return failed(Error::einval);
    if (size > context.file_size_limit()) return failed(Error::efbig);
    return {};
}

} // namespace

namespace file_calls {

Result<u64> chmod(FileContext& context, const CallArguments& arguments) {
    return change(context, resolve_user(context, at_current_directory, arguments[0]),
                  new_mode(arguments.word(1)));
}
Result<u64> fchmod(FileContext& context, const CallArguments& arguments) {
    return change(context, opened_node(context, arguments.integer(0)), new_mode(arguments.word(1)));
}
// The call has no flags; what the C library offers of them it does by itself.
Result<u64> fchmodat(FileContext& context, const CallArguments& arguments) {
    return change(context, resolve_user(context, arguments.integer(0), arguments[1]),
                  new_mode(arguments.word(2)));
}

Result<u64> chown(FileContext& context, const CallArguments& arguments) {
    return change(context, resolve_user(context, at_current_directory, arguments[0]),
                  new_owner(arguments.word(1), arguments.word(2)));
}
Result<u64> lchown(FileContext& context, const CallArguments& arguments) {
    return change(context, resolve_user(context, at_current_directory, arguments[0], resolve_no_follow),
                  new_owner(arguments.word(1), arguments.word(2)));
}
Result<u64> fchown(FileContext& context, const CallArguments& arguments) {
    return change(context, opened_node(context, arguments.integer(0)),
                  new_owner(arguments.word(1), arguments.word(2)));
}
Result<u64> fchownat(FileContext& context, const CallArguments& arguments) {
    const Result<u32> flags = resolve_flags(arguments.word(4), at_symlink_no_follow | at_empty_path);
    if (!flags) return failed(flags.error());
    return change(context, resolve_user(context, arguments.integer(0), arguments[1], *flags),
                  new_owner(arguments.word(2), arguments.word(3)));
}

Result<u64> utime(FileContext& context, const CallArguments& arguments) {
    AttributeChange wanted = times_now();
    if (arguments[1] != 0) {
        struct Two {
            std::int64_t accessed, modified;
        };
        const Result<Two> times = get_from_user<Two>(arguments[1]);
        if (!times) return failed(times.error());
        wanted = {.set_accessed = Time::given,
                  .set_modified = Time::given,
                  .accessed = {times->accessed, 0},
                  .modified = {times->modified, 0}};
    }
    return change(context, resolve_user(context, at_current_directory, arguments[0]), wanted);
}
Result<u64> utimes(FileContext& context, const CallArguments& arguments) {
    const Result<AttributeChange> wanted = times_of(arguments[1], 1'000'000);
    if (!wanted) return failed(wanted.error());
    return change(context, resolve_user(context, at_current_directory, arguments[0]), *wanted);
}
Result<u64> futimesat(FileContext& context, const CallArguments& arguments) {
    const Result<AttributeChange> wanted = times_of(arguments[2], 1'000'000);
    if (!wanted) return failed(wanted.error());
    return change(context, resolve_user(context, arguments.integer(0), arguments[1]), *wanted);
}
Result<u64> utimensat(FileContext& context, const CallArguments& arguments) {
    const Result<u32> flags = resolve_flags(arguments.word(3), at_symlink_no_follow | at_empty_path);
    if (!flags) return failed(flags.error());
    const Result<AttributeChange> wanted = times_of_utimensat(arguments[2]);
    if (!wanted) return failed(wanted.error());
    // Without a path: the descriptor's.
    if (arguments[1] == 0) return change(context, opened_node(context, arguments.integer(0)), *wanted);
    return change(context, resolve_user(context, arguments.integer(0), arguments[1], *flags), *wanted);
}

Result<u64> truncate(FileContext& context, const CallArguments& arguments) {
    if (const Done done = may_be_size(context, arguments[1]); !done) return failed(done.error());
    const Result<Ref<Node>> node = resolve_user(context, at_current_directory, arguments[0]);
    if (!node) return failed(node.error());
    if ((*node)->directory()) return failed(Error::eisdir);
    if ((*node)->kind() != NodeKind::regular) return failed(Error::einval);
    if (const Done done = (*node)->check_access(context.credentials(), access_write); !done)
        return failed(done.error());
    return no_value((*node)->truncate(arguments[1]));
}

Result<u64> ftruncate(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = use_opened(context, arguments.integer(0));
    if (!file) return failed(file.error());
    if (const Done done = may_be_size(context, arguments[1]); !done) return failed(done.error());
    if (!(*file)->writable() || (*file)->node().kind() != NodeKind::regular) return failed(Error::einval);
    return no_value((*file)->node().truncate(arguments[1]));
}

Result<u64> fallocate(FileContext& context, const CallArguments& arguments) {
    constexpr u32 keep_size = 1;
    const Result<FileUse> file = context.files.use_to_write(arguments.integer(0));
    if (!file) return failed(file.error());
    const u64 offset = arguments[2], size = arguments[3];
    const auto negative = [](u64 value) { return static_cast<std::int64_t>(value) < 0; };
    if (negative(offset) || negative(size) || size == 0) return failed(Error::einval);
    if ((arguments.word(1) & ~keep_size) != 0) return failed(Error::eopnotsupp);
    if ((*file)->node().kind() == NodeKind::fifo) return failed(Error::espipe);
    const u64 limit = context.file_size_limit();
    if (size > limit || offset > limit - size) return failed(Error::efbig);
    return no_value((*file)->allocate(offset, size, arguments.word(1) == keep_size));
}

} // namespace file_calls

} // namespace chorale::c_os
