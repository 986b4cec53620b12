// The tables that x86 wants in memory before it takes an interrupt or a system call.
#include "arch/x86_64/cpu/descriptors.hpp"

#include "arch/common/nucleus_tables.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "kernel/base/log.hpp"

#include <machine/cpu.hpp>
#include <machine/mmu.hpp>

#include <algorithm>

namespace chorale::machine {

namespace {

enum Selector : u16 { nucleus_code = 0x08, nucleus_data = 0x10, user_base = 0x18, task = 0x30 };

struct [[gnu::packed]] TaskState {
    u32 reserved0;
    u64 stack[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 port_map;
};
static_assert(sizeof(TaskState) == 104);

struct alignas(cache_line) CpuTables {
    u64 segments[8];
    alignas(16) TaskState state;
};

struct Gate {
    u16 offset_low, selector;
    u8 ist, type;
    u16 offset_middle;
    u32 offset_high, reserved;
};
static_assert(sizeof(Gate) == 16);

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

constinit CpuTables cpu_tables[max_cpus]{};
alignas(page_size) constinit Gate gates[256]{};
constinit void (*call_entry)() = nullptr;

extern "C" const u8 chorale_trap_stubs[];

// The order that SYSCALL and SYSRET want: nucleus code, nucleus data; user 32-bit code, user data, user code.
constexpr u64 segment_template[] = {0,
                                    0x00af'9b00'0000'ffff,
                                    0x00cf'9300'0000'ffff,
                                    0, // no 32-bit user code
                                    0x00cf'f300'0000'ffff,
                                    0x00af'fb00'0000'ffff};

[[nodiscard]] unsigned ist_of(unsigned vector) {
    switch (vector) {
    case 2:
        return ist_nmi;
    case 8:
        return ist_double_fault;
    case 18:
        return ist_machine_check;
    default:
        return ist_none;
    }
}

// The last word of an IST stack, from which trap.S puts GS right; the word above keeps the stack aligned.
[[nodiscard]] void** ist_block(CpuIndex cpu, unsigned ist) {
    return reinterpret_cast<void**>(ist_stack_end(cpu, ist) - sizeof(void*));
}

} // namespace

void make_stacks(CpuIndex cpu) {
    for (unsigned ist = ist_double_fault; ist < ist_end; ++ist) {
        const uword end = ist_stack_end(cpu, ist);
        boot_map_fresh(end - ist_stack_size, end);
        *ist_block(cpu, ist) = nullptr;
    }
    boot_map_fresh(main_stack_end(cpu) - main_stack_size, main_stack_end(cpu));
}

void make_interrupt_table() {
    constexpr u8 interrupt_gate = 0x8e, user_may_call = 0x60;
    constexpr unsigned breakpoint = 3, overflow = 4, exceptions = 32;
    const auto stubs = reinterpret_cast<uword>(chorale_trap_stubs); // 16 bytes for each exception, else 8
    for (unsigned vector = 0; vector < 256; ++vector) {
        const uword stub = stubs + 8 * (vector + std::min(vector, exceptions));
        u8 type = interrupt_gate;
        if (vector == breakpoint || vector == overflow) type |= user_may_call;
        gates[vector] = {static_cast<u16>(stub),
                         nucleus_code,
                         static_cast<u8>(ist_of(vector)),
                         type,
                         static_cast<u16>(stub >> 16),
                         static_cast<u32>(stub >> 32),
                         0};
    }
}

void load_descriptors(CpuIndex cpu) {
    CpuTables& tables = cpu_tables[cpu];
    __builtin_memcpy(tables.segments, segment_template, sizeof segment_template);
    const auto state = reinterpret_cast<uword>(&tables.state);
    constexpr u64 available_task = u64{0x89} << 40;
    tables.segments[task / 8] =
        (sizeof(TaskState) - 1) | ((state & 0xff'ffff) << 16) | available_task | ((state >> 24 & 0xff) << 56);
    tables.segments[task / 8 + 1] = state >> 32;
    tables.state.stack[0] = main_stack_end(cpu);
    tables.state.port_map = sizeof(TaskState); // beyond the limit: no ports for user mode
    for (unsigned ist = ist_double_fault; ist < ist_end; ++ist) {
        tables.state.ist[ist - 1] = ist_stack_end(cpu, ist) - 2 * sizeof(void*);
    }
    const TablePointer segments{sizeof tables.segments - 1, reinterpret_cast<uword>(tables.segments)};
    const TablePointer interrupts{sizeof gates - 1, reinterpret_cast<uword>(gates)};
    asm volatile("lgdt %0\n"
                 "lidt %1\n"
                 "pushq %2\n"
                 "leaq 1f(%%rip), %%rax\n"
                 "pushq %%rax\n"
                 "lretq\n"
                 "1: movl %3, %%eax\n"
                 "movl %%eax, %%ss\n"
                 "xorl %%eax, %%eax\n"
                 "movl %%eax, %%ds\n"
                 "movl %%eax, %%es\n"
                 "ltr %w4\n" ::"m"(segments),
                 "m"(interrupts), "i"(nucleus_code), "i"(nucleus_data), "r"(task)
                 : "rax", "memory");
}

void set_cpu_block(void* block, CpuIndex index) {
    for (unsigned ist = ist_double_fault; ist < ist_end; ++ist) *ist_block(index, ist) = block;
    auto* words = static_cast<u64*>(block);
    words[CPU_STACK_TOP / 8] = main_stack_end(index);
    words[CPU_SPACE_ROOT / 8] = nucleus_root();
    write_msr(Msr::gs_base, reinterpret_cast<uword>(block));
    write_msr(Msr::kernel_gs_base, 0);
}

void load_call_entry() {
    constexpr u64 cleared = 0x200 | 0x400 | 0x100 | 0x4'0000 | 0x4000; // IF, DF, TF, AC, NT
    write_msr(Msr::star, u64{nucleus_code} << 32 | u64{user_base} << 48);
    write_msr(Msr::lstar, reinterpret_cast<uword>(call_entry));
    write_msr(Msr::cstar, 0);
    write_msr(Msr::sfmask, cleared);
}

void set_call_entry(void (*entry)()) {
    call_entry = entry;
    load_call_entry();
}

} // namespace chorale::machine
