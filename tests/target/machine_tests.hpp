// What the tests ask of the machine below C++: raw calls, register contents, vector state, faults.
#pragma once

#include <actor/thread.hpp>
#include <chorus/calls.hpp>

#include <cstdint>
#include <span>

namespace chorale::test {

// The number of every call: call_number::sysTime.
namespace call_number {
#define CHORALE_CALL_NUMBER(number, name, ...) inline constexpr std::uint64_t name = number;
CHORUS_LEAF_CALLS(CHORALE_CALL_NUMBER)
CHORUS_BLOCK_CALLS(CHORALE_CALL_NUMBER)
#undef CHORALE_CALL_NUMBER
} // namespace call_number

struct RawCall {
    std::uint64_t number;
    std::uint64_t argument[6]{};
};

// A nucleus call with any number and any arguments.
extern "C" long raw_call(const RawCall& call);

// Every general register but the stack pointer, by the machine's own numbering.
struct Registers {
    std::uint64_t value[16];
};

// Loads the registers, makes the call that they describe, stores the registers.
extern "C" void call_with_registers(Registers* registers);

// Fills `registers` for a call of `number` with recognisable values in all others.
void describe_call(Registers& registers, const RawCall& call, std::uint64_t pattern);
// The name of a register that the call had to keep and did not, or that shows a nucleus value; nullptr: none.
[[nodiscard]] const char* broken_register(const Registers& before, const Registers& after);

// ---- vector registers: the tests themselves never use them otherwise ----
[[nodiscard]] bool has_wide_vectors();
void fill_vectors(std::uint64_t pattern);
[[nodiscard]] bool vectors_hold(std::uint64_t pattern);
[[nodiscard]] bool vectors_are_initial();

// ---- what must end an actor ----
struct Fault {
    const char* name;
    ThreadBody body;
};
[[nodiscard]] std::span<const Fault> faults();

// ---- strange but allowed: the thread goes on ----
[[nodiscard]] std::span<const Fault> oddities();

} // namespace chorale::test
