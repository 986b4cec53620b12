// What the file calls share.
#pragma once

#include "c_os/file_calls/file_calls.hpp"
#include "c_os/file/path.hpp"

namespace chorale::c_os {

// What Linux transfers at most in one call: whole pages, and the result fits an int.
inline constexpr std::size_t transfer_limit = 0x7ffff000;

[[nodiscard]] inline std::size_t transfer_size(u64 size) {
    return size < transfer_limit ? size : transfer_limit;
}

[[nodiscard]] inline Result<u64> no_value(const Done& done) {
    if (!done) return failed(done.error());
    return 0;
}

// A descriptor that was not opened with O_PATH only.
[[nodiscard]] Result<FileUse> use_opened(FileContext& context, int descriptor);

// The node of a path in the user's memory. Only one path at a time fits a thread's stack: these functions are
// not to be inlined where another one is.
[[nodiscard]] Result<Ref<Node>> resolve_user(FileContext& context, int directory, u64 path, u32 flags = 0);
[[nodiscard]] Done resolve_user_place(FileContext& context, int directory, u64 path, Place& place);
// Of calls with AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. Errors: einval, another flag.
[[nodiscard]] Result<u32> resolve_flags(u32 at_flags, u32 allowed);

} // namespace chorale::c_os
