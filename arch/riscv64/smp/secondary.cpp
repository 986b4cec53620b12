// Starting the other harts, each by one call of the firmware's hart state management, then one wait for all.
#include "arch/riscv64/smp/secondary.hpp"

#include "arch/common/secondary_state.hpp"
#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/sbi.hpp"
#include "arch/riscv64/cpu/stacks.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/trap/external.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"

#include <machine/cpu.hpp>
#include <machine/ipi.hpp>
#include <machine/report.hpp>
#include <machine/smp.hpp>
#include <machine/timer.hpp>

#include <array>

namespace chorale::machine {

namespace {

// No hart has this id: what the table holds in an unused place.
consteval std::array<u32, max_cpus> no_harts() {
    std::array<u32, max_cpus> result{};
    result.fill(~u32{0});
    return result;
}

} // namespace

extern "C" {
extern u64 chorale_boot_stacks[max_cpus]; // read by start.S, as the next
extern std::array<u32, max_cpus> chorale_harts;
u64 chorale_boot_stacks[max_cpus]{};
constinit std::array<u32, max_cpus> chorale_harts = no_harts();
static_assert(max_cpus == MAX_CPUS);
void chorale_start_secondary();
[[noreturn]] void chorale_secondary(u32 index);
}

const char* const hardware_id_name = "hart";

namespace {

constinit unsigned known = 1;
constinit PerCpu* const* cpu_blocks = nullptr;

enum HsmFunction : u64 { hart_start = 0, hart_get_status = 2 };

// The device tree may name harts that are not there.
[[nodiscard]] bool startable(const boot::device_tree::Cpu& cpu) {
    constexpr u64 largest = ~u32{0};
    if (!cpu.enabled || cpu.mmu == boot::device_tree::Mmu::none || cpu.hart > largest) return false;
    const SbiResult status = sbi_call(sbi_hsm, hart_get_status, cpu.hart);
    if (status.error == sbi_ok) return true;
    log("cpu: hart {} of the device tree is unknown to the firmware: left out", cpu.hart);
    return false;
}

void start(CpuIndex cpu) {
    expect_cpu(cpu); // it must see cpu_blocks
    const u64 entry = image_physical(reinterpret_cast<const void*>(chorale_start_secondary)).raw();
    before_firmware_call(); // what the hart reads is in memory before the firmware wakes it
    const SbiResult started = sbi_call(sbi_hsm, hart_start, chorale_harts[cpu], entry, cpu);
    if (started.error != sbi_ok)
        log("cpu {} (hart {}): the firmware does not start it: error {}", cpu, chorale_harts[cpu],
            started.error);
}

} // namespace

unsigned find_cpus(unsigned limit, u64 boot_hart) {
    require(boot_hart < ~u32{0}, "boot: the boot hart's id has more than 32 bits");
    chorale_harts[0] = static_cast<u32>(boot_hart);
    for (const boot::device_tree::Cpu& cpu : firmware().cpus.all()) {
        if (known >= limit || known == max_cpus || !sbi_has(sbi_hsm)) break;
        if (cpu.hart == boot_hart || !startable(cpu)) continue;
        chorale_harts[known++] = static_cast<u32>(cpu.hart);
    }
    if (!sbi_has(sbi_hsm)) log("smp: the firmware cannot start harts");
    for (CpuIndex cpu = 0; cpu < known; ++cpu) chorale_boot_stacks[cpu] = main_stack_end(cpu);
    return known;
}

unsigned discover_cpus(unsigned limit) { return limit == 0 ? 1 : limit < known ? limit : known; }

u32 hardware_id(CpuIndex index) { return chorale_harts[index]; }

u64 start_cpus(unsigned count, PerCpu* const* blocks) {
    count = discover_cpus(count);
    external_start_cpu(0);
    if (count == 1) return 1;
    cpu_blocks = blocks;
    for (CpuIndex cpu = 1; cpu < count; ++cpu) start(cpu);
    constexpr u64 patience = 4'000'000'000; // nanoseconds
    wait_for_cpus(count, patience);
    return running_cpus(count);
}

void chorale_secondary(u32 index) {
    enable_features();
    set_cpu_block(cpu_blocks[index], index);
    synchronize_instructions(); // the boot hart has patched the text
    cancel_deadline();
    external_start_cpu(index);
    if (!report_running(index)) halt_here();
    nucleus_secondary();
}

// Every store before is ordered before the interrupt: the firmware's own path to the other hart need not do
// that.
void ring(CpuIndex target) {
    before_firmware_call();
    if (sbi_has(sbi_ipi)) {
        (void)sbi_call(sbi_ipi, 0, 1, chorale_harts[target]);
        return;
    }
    constexpr unsigned mask_bits = 64;
    const u64 mask[2] = {chorale_harts[target] < mask_bits ? u64{1} << chorale_harts[target] : 0, 0};
    (void)sbi_legacy(sbi_legacy_send_ipi, reinterpret_cast<u64>(mask));
}

void synchronize_all_instructions() {
    before_firmware_call(); // what was written as data goes before
    synchronize_instructions();
    constexpr u64 all_harts = ~u64{0};
    if (sbi_has(sbi_rfence)) {
        (void)sbi_call(sbi_rfence, 0, 0, all_harts);
    } else {
        (void)sbi_legacy(sbi_legacy_remote_fence_i, 0); // no mask: all harts
    }
}

void stop_others() {
    const unsigned others = claim_stop();
    if (others == 0) return;
    const CpuIndex own = cpu_number();
    for (CpuIndex cpu = 0; cpu < known; ++cpu) {
        if (cpu != own && (cpu == 0 || !cpu_awaited(cpu))) ring(cpu);
    }
    constexpr u64 patience = 100'000'000; // nanoseconds
    wait_for_stops(others, patience);
}

} // namespace chorale::machine
