// Turning the machine off.
#include "arch/common/secondary_state.hpp"
#include "arch/riscv64/cpu/device_io.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/sbi.hpp"
#include "arch/riscv64/platform/device_window.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/platform/test_device.hpp"

#include <machine/cpu.hpp>
#include <machine/halt.hpp>
#include <machine/mmu.hpp>

namespace chorale::machine {

namespace {

constinit volatile u32* test_device = nullptr;

enum ResetType : u64 { reset_shutdown = 0, reset_cold = 1 };

void system_reset(ResetType type, bool failed) {
    if (sbi_has(sbi_reset)) (void)sbi_call(sbi_reset, 0, type, failed ? 1 : 0);
}

} // namespace

void find_test_device() {
    const boot::device_tree::Range& range = firmware().test_device;
    if (range.length != 0) test_device = map_registers<u32>(range, 0, sizeof(u32));
}

void power_off(int verdict) {
    CHORALE_CLEAR_CSR("sstatus", SSTATUS_SIE);
    constexpr u32 fail = 0x3333, code_shift = 16, status_base = 33; // the status that QEMU ends with
    if (test_device != nullptr) {
        write_device(test_device, fail | (status_base + 2 * static_cast<u32>(verdict)) << code_shift);
    }
    system_reset(reset_shutdown, verdict != verdict_ok);
    system_reset(reset_cold, verdict != verdict_ok); // a board without a way to switch itself off
    (void)sbi_legacy(sbi_legacy_shutdown);
    halt();
}

void restart() {
    CHORALE_CLEAR_CSR("sstatus", SSTATUS_SIE);
    system_reset(reset_cold, false);
    (void)sbi_legacy(sbi_legacy_shutdown);
    halt();
}

void halt_here() {
    CHORALE_CLEAR_CSR("sstatus", SSTATUS_SIE);
    CHORALE_WRITE_CSR("sie", 0);
    for (;;) asm volatile("wfi");
}

void halt() { halt_here(); }

} // namespace chorale::machine
