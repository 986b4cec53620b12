// Starting the other CPUs: INIT to all, STARTUP to all, then one wait for all, as their ways up do not depend
// on each other.
#include "arch/x86_64/smp/secondary.hpp"

#include "arch/common/secondary_state.hpp"
#include "arch/x86_64/cpu/descriptors.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"
#include "arch/x86_64/smp/counters.hpp"
#include "arch/x86_64/trap/apic.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"

#include <machine/cpu.hpp>
#include <machine/ipi.hpp>
#include <machine/smp.hpp>
#include <machine/timer.hpp>

namespace chorale::machine {

// Read by start.S.
extern "C" {
extern u32 chorale_cpu_hardware_ids[max_cpus], chorale_cpu_known;
extern u64 chorale_boot_stacks[max_cpus];
u32 chorale_cpu_hardware_ids[max_cpus]{};
u32 chorale_cpu_known = 1;
u64 chorale_boot_stacks[max_cpus]{};
extern const u8 chorale_trampoline_begin[], chorale_trampoline_end[];
[[noreturn]] void chorale_secondary(u32 index);
}

namespace {

constinit PerCpu* const* cpu_blocks = nullptr;
constinit u64 trampoline_page = 0;

constexpr u64 microsecond = 1000, millisecond = 1000 * microsecond;

void wait(u64 nanoseconds) {
    for (const u64 end = now() + nanoseconds; now() < end;) relax();
}

void wake(unsigned count) {
    const auto page = static_cast<u8>(trampoline_page / page_size);
    for (CpuIndex cpu = 1; cpu < count; ++cpu) {
        if (cpu_awaited(cpu)) apic_send_startup(chorale_cpu_hardware_ids[cpu], page);
    }
}

[[nodiscard]] bool all_there(unsigned count) {
    for (CpuIndex cpu = 1; cpu < count; ++cpu) {
        if (cpu_awaited(cpu)) return false;
    }
    return true;
}

// While they come up, each compares its counter with this CPU's.
void compare_until_there(unsigned count, u64 patience) {
    for (const u64 end = now() + patience; !all_there(count) && now() < end; relax()) compare_counters();
}

void report_counters() {
    compare_counters();
    const u64 apart = counters_apart();
    if (apart == 0) return;
    log("time: the CPUs' cycle counters are {} ns apart: what one CPU reads may be earlier than what another "
        "one has read before",
        duration(apart));
}

} // namespace

void choose_trampoline(const boot::MemoryMap& memory, u64 bank_begin, u64 bank_length) {
    constexpr u64 lowest = 0x1000, highest = 0x9'f000;
    for (const boot::MemoryRange& range : memory.usable()) {
        for (u64 page = range.begin < lowest ? lowest : range.begin; page + page_size <= range.end;
             page += page_size) {
            if (page >= highest) return;
            if (bank_length != 0 && page + page_size > bank_begin && page < bank_begin + bank_length)
                continue;
            trampoline_page = page;
            return;
        }
    }
}

unsigned find_cpus(unsigned limit) {
    const u32 own = apic_id();
    chorale_cpu_hardware_ids[0] = own;
    unsigned count = 1;
    for (const boot::acpi::Cpu& cpu : firmware().cpus.all()) {
        if (count >= limit || count == max_cpus) break;
        constexpr u32 xapic_broadcast = 0xff;
        if (!cpu.enabled || cpu.apic_id == own || (!features.x2apic && cpu.apic_id >= xapic_broadcast))
            continue;
        chorale_cpu_hardware_ids[count++] = cpu.apic_id;
    }
    if (count > 1 && trampoline_page == 0) {
        log("smp: no memory below 1 MiB to start CPUs from");
        count = 1;
    }
    chorale_cpu_known = count;
    for (CpuIndex cpu = 0; cpu < count; ++cpu) chorale_boot_stacks[cpu] = main_stack_end(cpu);
    return count;
}

unsigned discover_cpus(unsigned limit) {
    return limit == 0 ? 1 : limit < chorale_cpu_known ? limit : chorale_cpu_known;
}

u32 hardware_id(CpuIndex index) { return chorale_cpu_hardware_ids[index]; }

u64 start_cpus(unsigned count, PerCpu* const* blocks) {
    count = discover_cpus(count);
    if (count == 1) return 1;
    cpu_blocks = blocks;
    __builtin_memcpy(direct(PhysAddr{trampoline_page}), chorale_trampoline_begin,
                     static_cast<std::size_t>(chorale_trampoline_end - chorale_trampoline_begin));
    for (CpuIndex cpu = 1; cpu < count; ++cpu) {
        expect_cpu(cpu); // it must see cpu_blocks and the trampoline
        apic_send_init(chorale_cpu_hardware_ids[cpu]);
    }
    constexpr u64 settle = 100 * microsecond, second_call = 10 * millisecond, patience = 4000 * millisecond;
    wait(settle); // 64-bit CPUs need none of the ten milliseconds that the 486 needed after INIT
    wake(count);
    compare_until_there(count, second_call);
    wake(count); // the manual's second STARTUP, for those that missed the first
    wait_for_cpus(count, patience);
    report_counters();
    return running_cpus(count);
}

void chorale_secondary(u32 index) {
    load_descriptors(index);
    enable_features();
    set_cpu_block(cpu_blocks[index], index);
    load_call_entry();
    apic_start_secondary();
    constexpr unsigned comparisons = 200;
    for (unsigned i = 0; i < comparisons; ++i) compare_counters();
    if (!report_running(index)) halt_here();
    nucleus_secondary();
}

const char* const hardware_id_name = "APIC";

void halt_here() {
    for (;;) asm volatile("cli; hlt");
}

void stop_others() {
    if (!apic_running()) return; // perhaps it is so early that there is no clock either
    const unsigned others = claim_stop();
    if (others == 0) return;
    apic_send_nmi_to_others();
    wait_for_stops(others, 100 * millisecond);
}

} // namespace chorale::machine
