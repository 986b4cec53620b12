// User memory of the host machine: what the simulated MMU reaches from the loaded root.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/mmu.hpp>

namespace chorale::machine {

[[nodiscard]] inline bool user_range(VirtAddr start, std::size_t bytes) {
    return start.raw() <= user_limit() && bytes <= user_limit() - start.raw();
}

// What was copied before a fault stays copied.
[[nodiscard]] bool copy_in(void* to, VirtAddr from, std::size_t bytes);
[[nodiscard]] bool copy_out(VirtAddr to, const void* from, std::size_t bytes);

// For tests: the n-th copy from now that would succeed faults instead, once. 0: none.
void fail_user_copy_after(u64 n);
[[nodiscard]] u64 user_copies_before_failure();

// The same accesses by a user program itself; false: it faults.
[[nodiscard]] bool user_read(void* to, VirtAddr from, std::size_t bytes);
[[nodiscard]] bool user_write(VirtAddr to, const void* from, std::size_t bytes);

} // namespace chorale::machine
