#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

Result<FileUse> use_opened(FileContext& context, int descriptor) {
    Result<FileUse> file = context.files.use(descriptor);
    if (file && ((*file)->flags() & open_path) != 0) return failed(Error::ebadf);
    return file;
}

[[gnu::noinline]] Result<Ref<Node>> resolve_user(FileContext& context, int directory, u64 path, u32 flags) {
    UserPath text;
    if (const Done done = text.read(path, Error::enametoolong); !done) return failed(done.error());
    return resolve(context, directory, text.view(), flags);
}

[[gnu::noinline]] Done resolve_user_place(FileContext& context, int directory, u64 path, Place& place) {
    UserPath text;
    if (const Done done = text.read(path, Error::enametoolong); !done) return done;
    return resolve_place(context, directory, text.view(), place);
}

Result<u32> resolve_flags(u32 at_flags, u32 allowed) {
    if ((at_flags & ~allowed) != 0) return failed(Error::einval);
    u32 flags = 0;
    if ((at_flags & at_symlink_no_follow) != 0) flags |= resolve_no_follow;
    if ((at_flags & at_empty_path) != 0) flags |= resolve_empty_path;
    return flags;
}

} // namespace chorale::c_os
