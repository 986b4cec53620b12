// The only way to the memory of a caller, be it in user mode or a supervisor actor. A fault during the copy
// ends it: the exception table sends the CPU to the end of the copy, which then reports failure. What was
// copied before the fault stays copied.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/supervisor/reach.hpp"

#include <machine/mmu.hpp>

namespace chorale::machine {

extern "C" u64 chorale_copy_user(void* to, const void* from, std::size_t bytes); // 0: all copied

[[nodiscard]] inline bool user_range(VirtAddr start, std::size_t bytes) {
    return start.raw() <= user_limit() && bytes <= user_limit() - start.raw();
}

[[nodiscard]] inline bool copy_in(void* to, VirtAddr from, std::size_t bytes) {
    if (!user_range(from, bytes) && !supervisor_reach(from, bytes)) [[unlikely]]
        return false;
    return chorale_copy_user(to, reinterpret_cast<const void*>(from.raw()), bytes) == 0;
}

[[nodiscard]] inline bool copy_out(VirtAddr to, const void* from, std::size_t bytes) {
    if (!user_range(to, bytes) && !supervisor_reach(to, bytes)) [[unlikely]]
        return false;
    return chorale_copy_user(reinterpret_cast<void*>(to.raw()), from, bytes) == 0;
}

} // namespace chorale::machine
