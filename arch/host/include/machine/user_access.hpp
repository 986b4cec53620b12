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

}  // namespace chorale::machine
