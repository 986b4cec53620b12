// What the tests ask of the machine below C++: raw calls, register contents, vector state, faults.
#pragma once

#include <actor/thread.hpp>
#include <chorus/calls.hpp>
#include <chorus/message_registers.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace chorale::test {

// The number of the call with that index in the list.
[[nodiscard]] constexpr std::uint64_t call_of(std::uint64_t index) { return CHORUS_CALL_BASE + index; }

// The number of every call: call_number::sysTime.
namespace call_number {
#define CHORALE_CALL_NUMBER(number, name, ...) inline constexpr std::uint64_t name = call_of(number);
CHORUS_LEAF_CALLS(CHORALE_CALL_NUMBER)
CHORUS_BLOCK_CALLS(CHORALE_CALL_NUMBER)
#undef CHORALE_CALL_NUMBER
} // namespace call_number

struct RawCall {
    std::uint64_t number;
    std::uint64_t argument[6]{};
};

// A system call with any number and any arguments.
extern "C" long raw_call(const RawCall& call);
// Whether that number chooses a message call, so that what else is wrong with it is an error of that call.
[[nodiscard]] bool is_message_call(std::uint64_t number);

// Every general register but the stack pointer, by the machine's own numbering. A machine with fewer leaves
// the rest alone.
struct Registers {
    std::uint64_t value[32];
};

// Loads the registers, makes the call that they describe, stores the registers.
extern "C" void call_with_registers(Registers* registers);

// Fills `registers` for a call of `number` with recognisable values in all others.
void describe_call(Registers& registers, const RawCall& call, std::uint64_t pattern);
// The same for one of the register message calls, without a descriptor, to a port that does not exist.
void describe_message_call(Registers& registers, unsigned number, unsigned size, std::uint64_t pattern);
[[nodiscard]] long result_of(const Registers& after);
// The name of a register that the call had to keep and did not, or that shows a nucleus value; nullptr: none.
[[nodiscard]] const char* broken_register(const Registers& before, const Registers& after);
[[nodiscard]] const char* broken_by_message_call(const Registers& before, const Registers& after);
// The same for a system call that is not the nucleus's.
[[nodiscard]] const char* broken_by_foreign_call(const Registers& before, const Registers& after);
// What the handler of the tests makes of such a call (trap_argument() of trap_context.hpp).
[[nodiscard]] std::uint64_t foreign_sum(const Registers& before);

// ---- vector and floating-point registers: the tests themselves never use them otherwise ----
void fill_vectors(std::uint64_t pattern);
[[nodiscard]] bool vectors_hold(std::uint64_t pattern);
[[nodiscard]] bool vectors_are_initial();

// Something different for each of them.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t pattern, std::size_t index) {
    return (pattern + index) * 0x9e3779b97f4a7c15U;
}

// ---- what must end an actor ----
struct Fault {
    const char* name;
    ThreadBody body;
};
// A machine lists its own by name, for these: DECLARE for each, then FAULT for each in a table.
#define CHORALE_DECLARE_FAULT(name) extern "C" void fault_##name(std::uintptr_t);
#define CHORALE_DECLARE_ODDITY(name) extern "C" void oddity_##name(std::uintptr_t);
#define CHORALE_FAULT(name) {#name, fault_##name},
#define CHORALE_ODDITY(name) {#name, oddity_##name},
[[nodiscard]] std::span<const Fault> faults();
// The first bytes of a longer instruction.
[[nodiscard]] std::span<const unsigned char> half_an_instruction();

// ---- registers that another thread may set ----
// Tries to give the stopped thread, whose registers are `good`, what no program may have. True: none of it
// was taken over.
[[nodiscard]] bool harmless_context(KnThreadLid thread, const KnThreadCtx& good);

// ---- strange but allowed: the thread goes on ----
[[nodiscard]] std::span<const Fault> oddities();

} // namespace chorale::test
