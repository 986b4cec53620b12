// Machines that boot in other ways than the one of all other tests, and those that come to their end: each in
// a process of its own, by EXPECT_EXIT.
#pragma once

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

inline constexpr int aborted = 86;       // the process's exit code after a panic
inline constexpr int machine_ended = 10; // and the verdict, when the nucleus ended the machine

// In the child: what the console says goes where the test looks, and what an abort has covered counts.
void begin_child();
[[noreturn]] void leave_child(int code);
// Writes what was found wrong, which gtest does not do in a child. Whether there was something.
[[nodiscard]] bool report_failures();

// Boots with `settings`, and plays until the program or the machine ends. 0: the program did, and nobody had
// anything to say against it.
[[noreturn]] void play_in_child(const host::Settings& settings, const host::Program& program);

// The base of such tests.
class InChild : public testing::Test {
  protected:
    InChild() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

} // namespace chorale::test
