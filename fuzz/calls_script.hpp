// An input of fuzz/calls: a small program for several threads of several actors on several CPUs, and the
// order in which the CPUs go on. Every sequence of bytes is one.
//
// What can be called comes from the call list (include/chorus/calls.hpp): a call that is added there is made
// here at once. Beyond the list there are the messages in registers and what else user mode can do.
#pragma once

#include "fuzz/target.hpp"
#include "kernel/base/types.hpp"

#include <chorus/calls.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace chorale::fuzz {

inline constexpr unsigned argument_limit = 6;

struct CallInfo {
    unsigned number{};
    const char* name{};
    const char* errors{}; // which it may return
    std::array<chorus::ArgumentInfo, argument_limit> arguments{};

    [[nodiscard]] constexpr unsigned count() const {
        unsigned count = 0;
        while (count < argument_limit && arguments[count].name != nullptr) ++count;
        return count;
    }
};

// What is no nucleus call has a number above all calls.
enum Special : unsigned {
    special_pause = 256,
    special_fpu,
    special_touch,           // user memory, by the thread itself
    special_fail_allocation, // the n-th allocation from now fails
    special_fail_copy,       // the n-th copy from or to user memory from now fails
    special_number,          // any call number
    special_repeat,          // the next operation several times: until a table is full, say
    special_enter,           // the list's next operations are made in supervisor mode (calls_supervisor.hpp)
    special_start,           // in supervisor mode: a thread that goes through a list there
    special_invoke,          // in supervisor mode: lapInvoke, a function there
    special_copy,            // in supervisor mode: svCopyIn, svCopyInString, svCopyOut
    special_line,            // a device wants something
};

inline constexpr unsigned enter_limit = 12; // operations made in supervisor mode at a time

[[nodiscard]] std::span<const CallInfo> known_calls();
// A number that is nobody's is called with six plain values.
[[nodiscard]] const CallInfo& call_of(unsigned number);

struct Operation {
    u8 list{}; // which thread does it
    u16 number{};
    std::array<u32, argument_limit> choices{}; // what each argument is made of (calls_values.hpp)
};

// Of a special_enter: how many of the list's next operations.
[[nodiscard]] constexpr unsigned entered(const Operation& operation) {
    return 1 + operation.choices[0] % enter_limit;
}

struct ThreadSetup {
    u8 actor, cpu, priority;
};

inline constexpr unsigned list_limit = 6;
inline constexpr unsigned fuzz_actors = 3;
inline constexpr unsigned fuzz_cpus = 4;
inline constexpr unsigned operation_limit = 96;

struct Script {
    std::vector<ThreadSetup> threads; // 1 to list_limit
    u8 end{};                         // when the actors are deleted, and in what order
    u8 pace{};                        // of preemption when `schedule` is used up; 0: none
    u8 seed{};                        // of the choices then
    std::vector<Operation> operations;
    std::vector<u8> schedule;
};

[[nodiscard]] Script decode(std::span<const u8> input);
[[nodiscard]] std::vector<u8> encode(const Script& script);

// One change that leaves it a script.
void mutate(Script& script, Chance& chance);
// The threads and order of the first, operations of both.
[[nodiscard]] Script cross(const Script& first, const Script& second, Chance& chance);

} // namespace chorale::fuzz
