// Binding a hart to its PerCpu, its stacks and its trap entry.
#include "arch/common/nucleus_tables.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/stacks.hpp"
#include "kernel/trace/recorder.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>
#include <machine/call_entry.hpp>
#include <machine/cpu.hpp>

namespace chorale::machine {

extern "C" {
void chorale_traced_call(const u64* registers);
}

namespace {

extern "C" {
void chorale_trap_entry();
void chorale_trap_entry_slow();
void chorale_trap_entry_traced();
}

constinit void (*trap_entry)() = chorale_trap_entry;

void load_trap_entry() { CHORALE_WRITE_CSR("stvec", reinterpret_cast<u64>(trap_entry)); }

} // namespace

void make_stacks(CpuIndex cpu) {
    boot_map_fresh(stack_slot(cpu) - EMERGENCY_STACK_SIZE, stack_slot(cpu));
    boot_map_fresh(main_stack_end(cpu) - main_stack_size, main_stack_end(cpu));
    asm volatile("sfence.vma" ::: "memory"); // the next thing may be a push there
}

void set_cpu_block(void* block, CpuIndex index) {
    auto* words = static_cast<u64*>(block);
    words[CPU_STACK_TOP / 8] = main_stack_end(index) - LEAF_SIZE;
    words[CPU_SPACE_ROOT / 8] = nucleus_root();
    asm volatile("mv tp, %0" ::"r"(block) : "memory");
    load_trap_entry();
}

void use_call_entry(CallEntry entry) {
    using Function = void (*)();
    constexpr Function entries[] = {chorale_trap_entry, chorale_trap_entry_slow, chorale_trap_entry_traced};
    trap_entry = entries[static_cast<unsigned>(entry)];
    load_trap_entry();
}

// a0 to a7: as chorus/machine_registers.h has them.
void chorale_traced_call(const u64* registers) {
    const u64 number = registers[7], index = number - CHORUS_CALL_BASE;
    const auto message = [&](u32 which) {
        note_call(traced_message(which, registers[1], registers[2], registers[3] & MESSAGE_SIZE_MASK));
    };
    if (number >= reinterpret_cast<uword>(cpu_block())) return message(MESSAGE_CALL);
    if (static_cast<std::int64_t>(number) < 0) return message(MESSAGE_REPLY_RECEIVE);
    if (index == MESSAGE_SEND || index == MESSAGE_RECEIVE) return message(static_cast<u32>(index));
    const bool foreign = index >= chorus::call_limit;
    note_call({static_cast<u32>(foreign ? number : index),
               foreign,
               {registers[0], registers[1], registers[2], registers[3]}});
}

} // namespace chorale::machine
