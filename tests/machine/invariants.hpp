// The invariants of docs/invariants.md, looked at from outside while no CPU is inside the nucleus: each is
// halted, or about to enter or to leave user mode. What is wrong comes back as text that begins with the
// invariant's number; 0: a count that differs, or an object that is reached twice or not at all.
//
// Not seen here, because they are about the past or about code: 1, 5, 7, 16, 20, 23, 25, 27 and 29 to 32.
#pragma once

#include "kernel/base/types.hpp"

#include <string>
#include <vector>

namespace chorale::test {

enum class Depth : u8 {
    call,  // threads, queues, pairs, timers, messages, names: cheap enough for after each call
    whole, // page tables, frames, object caches and TLBs too
    quiet, // and every CPU is idle: nothing is on its way
};

using Findings = std::vector<std::string>;

[[nodiscard]] Findings check_invariants(Depth depth);

} // namespace chorale::test
