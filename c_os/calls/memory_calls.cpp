// Memory: brk(2), mmap(2) and their like.
#include "c_os/base/buffer.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

namespace {

Result<u64> call_brk(Task& task, const CallArguments& call) {
    return task.process.space.change_break(call.value[0]);
}

// Whether the descriptor is one, though not to be read.
[[nodiscard]] bool is_open(Task& task, const CallArguments& call) {
    return task.process.files.files.use(call.integer(4)).has_value();
}

// A shared mapping shows the file's own pages, if it has such. Where there is nothing to write, as in the
// bank, a copy shows the same.
[[nodiscard]] Result<u64> map_shared_file(Task& task, const CallArguments& call, OpenFile& file) {
    const u64 protection = call.value[2];
    if ((protection & prot_write) != 0 && !file.writable()) return failed(Error::eacces);
    return task.process.space.map_file(call.value[0], call.value[1], protection, call.value[3],
                                       {Ref<Node>{file.node()}, call.value[5] >> page_bits, file.writable()});
}

// A private mapping of a file is a copy of it: programs are never paged from files, and what one writes there
// nobody else sees.
[[nodiscard]] Result<u64> map_file(Task& task, const CallArguments& call) {
    AddressSpace& space = task.process.space;
    const u64 size = call.value[1], protection = call.value[2], flags = call.value[3], offset = call.value[5];
    if (offset % page_size != 0) return failed(Error::einval);
    const Result<FileUse> file = task.process.files.files.use_to_read(call.integer(4));
    if (!file)
        return failed(file.error() == Error::ebadf && is_open(task, call) ? Error::eacces : file.error());
    if ((flags & map_type) != map_private) {
        const Result<u64> shared = map_shared_file(task, call, **file);
        const bool constant = (*file)->node().kind() == NodeKind::regular && (protection & prot_write) == 0;
        if (shared || shared.error() != Error::enodev || !constant) return shared;
    }
    const Result<u64> place = space.map(call.value[0], size, prot_read | prot_write, flags);
    if (!place) return place;
    Buffer buffer = Buffer::of_user(*place, size);
    while (buffer.left() != 0) {
        const Result<std::size_t> count = (*file)->read_at(offset + buffer.done(), buffer);
        if (!count) {
            static_cast<void>(space.unmap(*place, size));
            return failed(count.error());
        }
        if (*count == 0) break;
    }
    if ((protection & prot_write) == 0) {
        if (const Done done = space.protect(*place, size, protection); !done) return failed(done.error());
    }
    return place;
}

Result<u64> call_mmap(Task& task, const CallArguments& call) {
    const u64 flags = call.value[3];
    if ((flags & map_anonymous) == 0) return map_file(task, call);
    return task.process.space.map(call.value[0], call.value[1], call.value[2], flags);
}

Result<u64> call_munmap(Task& task, const CallArguments& call) {
    return no_value(task.process.space.unmap(call.value[0], call.value[1]));
}

Result<u64> call_mprotect(Task& task, const CallArguments& call) {
    return no_value(task.process.space.protect(call.value[0], call.value[1], call.value[2]));
}

Result<u64> call_mremap(Task& task, const CallArguments& call) {
    constexpr u64 may_move = 1;
    if ((call.value[3] & ~may_move) != 0) return failed(Error::einval); // MREMAP_FIXED
    return task.process.space.remap(call.value[0], call.value[1], call.value[2],
                                    (call.value[3] & may_move) != 0);
}

Result<u64> call_madvise(Task& task, const CallArguments& call) {
    enum : u64 { dont_need = 4, free = 8, others_end = 26 };
    const u64 address = call.value[0], size = call.value[1], advice = call.value[2];
    if (advice == dont_need || advice == free) return no_value(task.process.space.discard(address, size));
    if (advice >= others_end || address % page_size != 0) return failed(Error::einval);
    return 0; // other advice may be ignored
}

// Shared mappings are the file.
Result<u64> call_msync(Task& task, const CallArguments& call) {
    enum : u64 { asynchronous = 1, invalidate = 2, synchronous = 4 };
    const u64 address = call.value[0], flags = call.value[2];
    const bool unknown = (flags & ~u64{asynchronous | invalidate | synchronous}) != 0;
    const bool both = (flags & (asynchronous | synchronous)) == (asynchronous | synchronous);
    if (unknown || both || address % page_size != 0) return failed(Error::einval);
    if (!task.process.space.covered(address, call.value[1])) return failed(Error::enomem);
    return 0;
}

Result<u64> call_nothing(Task&, const CallArguments&) { return 0; } // what is here is always there

} // namespace

std::span<const CallEntry> memory_call_entries() {
    static constexpr CallEntry entries[] = {
        {"brk", call_brk},           {"mmap", call_mmap},     {"munmap", call_munmap},
        {"mprotect", call_mprotect}, {"mremap", call_mremap}, {"madvise", call_madvise},
        {"msync", call_msync},       {"mlock", call_nothing}, {"munlock", call_nothing},
    };
    return entries;
}

} // namespace chorale::c_os
