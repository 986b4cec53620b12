// Starting the other CPUs: INIT to all, STARTUP to all, then one wait for all, as their ways up do not depend
// on each other. A CPU that is late finds itself written off and halts; one that is in time is never written
// off: both sides decide by one compare-and-exchange.
#include "arch/x86_64/smp/secondary.hpp"

#include "arch/x86_64/boot/boot_memory.hpp"
#include "arch/x86_64/cpu/descriptors.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"
#include "arch/x86_64/trap/apic.hpp"
#include "arch/x86_64/trap/trap_frame.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"

#include <machine/cpu.hpp>
#include <machine/ipi.hpp>
#include <machine/report.hpp>
#include <machine/smp.hpp>
#include <machine/timer.hpp>

#include <atomic>

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

enum class Life : u8 { absent, awaited, running, written_off };

constinit std::atomic<Life> lives[max_cpus]{};
constexpr u32 nobody = ~u32{0};
constinit std::atomic<u32> stopper{nobody}; // the CPU that has stopped all others
constinit std::atomic<unsigned> stopped{0};
constinit PerCpu* const* cpu_blocks = nullptr;
constinit u64 trampoline_page = 0;

constexpr u64 microsecond = 1000, millisecond = 1000 * microsecond;

void wait(u64 nanoseconds) {
    for (const u64 end = now() + nanoseconds; now() < end;) relax();
}

[[nodiscard]] bool awaited(CpuIndex cpu) {
    // acquire: pairs with the release in chorale_secondary(), so that what the CPU has set up is seen
    return lives[cpu].load(std::memory_order_acquire) == Life::awaited;
}

[[nodiscard]] unsigned count_awaited(unsigned count) {
    unsigned result = 0;
    for (CpuIndex cpu = 1; cpu < count; ++cpu) result += awaited(cpu) ? 1 : 0;
    return result;
}

// Until all are there, or no further one came for `patience`.
void wait_for_cpus(unsigned count, u64 patience) {
    unsigned left = count_awaited(count);
    for (u64 end = now() + patience; left != 0 && now() < end; relax()) {
        const unsigned still = count_awaited(count);
        if (still != left) end = now() + patience;
        left = still;
    }
}

void wake(unsigned count) {
    const auto page = static_cast<u8>(trampoline_page / page_size);
    for (CpuIndex cpu = 1; cpu < count; ++cpu) {
        if (awaited(cpu)) apic_send_startup(chorale_cpu_hardware_ids[cpu], page);
    }
}

[[nodiscard]] u64 running_cpus(unsigned count) {
    u64 running = 1;
    for (CpuIndex cpu = 1; cpu < count; ++cpu) {
        Life life = Life::awaited;
        // relaxed: on success the CPU halts without looking at anything of ours; acquire on failure: as in
        // awaited()
        if (lives[cpu].compare_exchange_strong(life, Life::written_off, std::memory_order_relaxed,
                                               std::memory_order_acquire)) {
            log("cpu {} (APIC {}) did not start in time: going on without it", cpu,
                chorale_cpu_hardware_ids[cpu]);
        } else if (life == Life::running) {
            running |= u64{1} << cpu;
        }
    }
    return running;
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
        // release: pairs with the acquire in chorale_secondary(); the CPU must see cpu_blocks and the
        // trampoline
        lives[cpu].store(Life::awaited, std::memory_order_release);
        apic_send_init(chorale_cpu_hardware_ids[cpu]);
    }
    constexpr u64 settle = 100 * microsecond, second_call = 10 * millisecond, patience = 4000 * millisecond;
    wait(settle); // 64-bit CPUs need none of the ten milliseconds that the 486 needed after INIT
    wake(count);
    wait_for_cpus(count, second_call);
    wake(count); // the manual's second STARTUP, for those that missed the first
    wait_for_cpus(count, patience);
    return running_cpus(count);
}

void chorale_secondary(u32 index) {
    Life life = Life::awaited;
    load_descriptors(index);
    enable_features();
    set_cpu_block(cpu_blocks[index], index);
    load_call_entry();
    apic_start_secondary();
    // acq_rel: release pairs with awaited(), acquire with the store in start_cpus()
    if (!lives[index].compare_exchange_strong(life, Life::running, std::memory_order_acq_rel,
                                              std::memory_order_relaxed)) {
        for (;;) asm volatile("cli; hlt");
    }
    nucleus_secondary();
}

bool stop_requested() {
    // relaxed: nothing else is read after. An NMI of other origin must not stop the CPU that reports.
    const u32 by = stopper.load(std::memory_order_relaxed);
    return by != nobody && by != cpu_number();
}

void stop_here() {
    stopped.fetch_add(1, std::memory_order_release); // release: pairs with the acquire in stop_others()
    for (;;) asm volatile("cli; hlt");
}

void stop_others() {
    u32 before = nobody;
    // seq_cst: visible before the NMI is
    if (!apic_running() || !stopper.compare_exchange_strong(before, cpu_number())) return;
    unsigned others = 0; // CPU 0 is not in `lives`, the caller is: the number is right whoever calls
    for (const auto& life : lives) others += life.load(std::memory_order_relaxed) == Life::running ? 1 : 0;
    if (others == 0) return; // perhaps it is so early that there is no clock either
    apic_send_nmi_to_others();
    constexpr u64 patience = 100 * millisecond;
    for (const u64 end = now() + patience; now() < end; relax()) {
        if (stopped.load(std::memory_order_acquire) >= others) return; // acquire: pairs with stop_here()
    }
}

} // namespace chorale::machine
