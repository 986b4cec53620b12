// Tests of one program at a time, which knows exactly what every call must return.
#pragma once

#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

inline constexpr VirtAddr nowhere{0x1000}; // no memory of anybody's

// Plays `body` on the first stack of an actor of its own, and waits for it up to ten seconds.
[[nodiscard]] host::Task<void> in_actor(std::function<host::Task<void>()> body, CpuIndex cpu = 0,
                                        u32 privilege = K_SYSTEMACTOR);

// Fails the test if the scenario, or a program of it, found anything wrong.
void expect_clean(const host::Program& scenario, host::Chooser& chooser = host::plain_chooser(),
                  unsigned steps_per_look = 5);
void expect_clean(host::Task<void> (*body)(), CpuIndex cpu = 0); // in_actor

} // namespace chorale::test
