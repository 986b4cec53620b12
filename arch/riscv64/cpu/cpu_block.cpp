// Binding a hart to its PerCpu, its stacks and its trap entry.
#include "arch/common/nucleus_tables.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/stacks.hpp"

#include <machine/call_entry.hpp>
#include <machine/cpu.hpp>

namespace chorale::machine {

namespace {

extern "C" {
void chorale_trap_entry();
void chorale_trap_entry_slow();
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

void use_call_entry(bool fast_path) {
    trap_entry = fast_path ? chorale_trap_entry : chorale_trap_entry_slow;
    load_trap_entry();
}

} // namespace chorale::machine
