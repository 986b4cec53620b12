// Turning the machine off.
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"

#include <machine/cpu.hpp>
#include <machine/halt.hpp>

namespace chorale::machine {

namespace {

constexpr u16 debug_exit_port = 0xf4; // QEMU's isa-debug-exit: exit status = value * 2 + 1
constexpr u8 debug_exit_base = 0x10;

[[nodiscard]] bool is_port(const boot::acpi::Register& which) {
    return which && which.space == boot::acpi::Space::io && which.address <= 0xffff;
}

// The sleep type and the "go" bit; ACPI mode must be on.
void soft_off() {
    if (!firmware().fixed || !firmware().fixed->soft_off) return;
    const boot::acpi::Fixed& fixed = *firmware().fixed;
    if (!is_port(fixed.pm1a_control)) return;
    constexpr u16 acpi_mode = 1, sleep = 1u << 13;
    const auto control_a = static_cast<u16>(fixed.pm1a_control.address);
    if (fixed.smi_command != 0 && fixed.smi_command <= 0xffff && (in16(control_a) & acpi_mode) == 0) {
        out8(static_cast<u16>(fixed.smi_command), fixed.acpi_enable);
        for (u32 patience = 1'000'000; patience != 0 && (in16(control_a) & acpi_mode) == 0; --patience)
            relax();
    }
    out16(control_a, static_cast<u16>(u32{fixed.soft_off->type_a} << 10 | sleep));
    if (is_port(fixed.pm1b_control)) {
        out16(static_cast<u16>(fixed.pm1b_control.address),
              static_cast<u16>(u32{fixed.soft_off->type_b} << 10 | sleep));
    }
}

void reset() {
    if (!firmware().fixed || !is_port(firmware().fixed->reset)) return;
    out8(static_cast<u16>(firmware().fixed->reset.address), firmware().fixed->reset_value);
}

void settle() {
    for (u32 i = 0; i < 10'000'000; ++i) relax();
}

} // namespace

void power_off(int verdict) {
    asm volatile("cli");
    out8(debug_exit_port, static_cast<u8>(debug_exit_base + verdict));
    soft_off();
    settle();
    if (verdict != verdict_panic) reset(); // the text of a panic must stay on the screen
    halt();
}

void restart() {
    asm volatile("cli");
    reset();
    settle();
    out8(0x64, 0xfe); // the keyboard controller's reset line
    settle();
    struct [[gnu::packed]] {
        u16 limit;
        u64 base;
    } const nothing{};
    asm volatile("lidt %0; int3" ::"m"(nothing)); // no way to handle an exception is left
    halt();
}

void halt() {
    for (;;) asm volatile("cli; hlt");
}

} // namespace chorale::machine
