// Register offsets and bits are the Intel manual's, volume 3, chapter "APIC".
#include "arch/x86_64/trap/apic.hpp"

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"
#include "kernel/base/log.hpp"

#include <machine/cpu.hpp>
#include <machine/ipi.hpp>
#include <machine/mmu.hpp>
#include <machine/smp.hpp>

namespace chorale::machine {

namespace {

enum Register : u32 {
    reg_id = 0x20,
    reg_version = 0x30,
    reg_priority = 0x80,
    reg_acknowledge = 0xb0,
    reg_spurious = 0xf0,
    reg_error_status = 0x280,
    reg_command = 0x300,
    reg_command_target = 0x310,
    reg_timer = 0x320,
    reg_thermal = 0x330,
    reg_performance = 0x340,
    reg_lint0 = 0x350,
    reg_lint1 = 0x360,
    reg_error = 0x370,
    reg_timer_start = 0x380,
    reg_timer_now = 0x390,
    reg_timer_divide = 0x3e0,
};

constexpr u32 masked = 1u << 16, deliver_nmi = 4u << 8, deliver_init = 5u << 8, deliver_startup = 6u << 8;
constexpr u32 assert_level = 1u << 14, to_others = 3u << 18, busy = 1u << 12;
constexpr u32 timer_deadline_mode = 2u << 17, divide_by_1 = 0xb, apic_on = 1u << 8;

constinit volatile u32* registers = nullptr;
constinit bool started = false;
constinit u32 timer_mode = 0;

[[nodiscard]] u32 read(Register at) {
    if (features.x2apic) return static_cast<u32>(read_msr(Msr::x2apic, at >> 4));
    return read_device(registers + at / 4);
}

void write(Register at, u32 value) {
    if (features.x2apic) {
        write_msr(Msr::x2apic, value, at >> 4);
    } else {
        write_device(registers + at / 4, value);
    }
}

void command(u32 target, u32 what) {
    if (features.x2apic) {
        // Stores made before must be visible when the interrupt arrives; this WRMSR does not wait for them
        // itself.
        asm volatile("mfence; lfence" ::: "memory");
        write_msr(Msr::x2apic, u64{target} << 32 | what, reg_command >> 4);
        return;
    }
    while ((read(reg_command) & busy) != 0) relax();
    write(reg_command_target, target << 24);
    write(reg_command, what);
}

void silence_8259s() {
    constexpr u16 first_command = 0x20, first_data = 0x21, second_command = 0xa0, second_data = 0xa1;
    out8(first_command, 0x11); // initialise, four words follow
    out8(second_command, 0x11);
    out8(first_data, vector_legacy);
    out8(second_data, vector_legacy + 8);
    out8(first_data, 4);
    out8(second_data, 2);
    out8(first_data, 1);
    out8(second_data, 1);
    out8(first_data, 0xff);
    out8(second_data, 0xff);
}

void turn_on() {
    constexpr u64 global_enable = 1u << 11, x2apic_enable = 1u << 10;
    write_msr(Msr::apic_base,
              read_msr(Msr::apic_base) | global_enable | (features.x2apic ? x2apic_enable : 0));
    write(reg_priority, 0);
    const u32 last_entry =
        read(reg_version) >> 16 & 0xff; // of the local vector table; x2APIC faults beyond it
    if (last_entry >= 4) write(reg_performance, masked);
    if (last_entry >= 5) write(reg_thermal, masked);
    write(reg_lint0, masked);
    write(reg_lint1, deliver_nmi);
    write(reg_error, vector_error);
    write(reg_timer_divide, divide_by_1);
    write(reg_timer_start, 0);
    write(reg_timer, timer_mode | vector_timer);
    write(reg_spurious, apic_on | vector_spurious);
    write(reg_error_status, 0);
    write(reg_acknowledge, 0);
    // The timer's mode must be on before the first deadline is written: memory-mapped writes and WRMSR are
    // not ordered.
    asm volatile("mfence" ::: "memory");
}

} // namespace

void apic_start() {
    silence_8259s();
    if (!features.x2apic) {
        registers = static_cast<volatile u32*>(map_device(PhysAddr{firmware().local_apic}, page_size));
        require(registers != nullptr, "boot: no room to map the local APIC");
    }
    turn_on();
    started = true;
}

void apic_start_secondary() { turn_on(); }
bool apic_running() { return started; }
u32 apic_id() { return features.x2apic ? read(reg_id) : read(reg_id) >> 24; }
void apic_acknowledge() { write(reg_acknowledge, 0); }

void apic_send_init(u32 target) { command(target, deliver_init | assert_level); }
void apic_send_startup(u32 target, u8 page) { command(target, deliver_startup | assert_level | page); }
void apic_send_nmi_to_others() { command(0, deliver_nmi | assert_level | to_others); }
void ring(CpuIndex target) { command(hardware_id(target), assert_level | vector_doorbell); }

void apic_set_timer(u32 ticks) { write(reg_timer_start, ticks); }
u32 apic_timer_left() { return read(reg_timer_now); }
void apic_timer_silent(bool silent) { write(reg_timer, (silent ? masked : 0) | timer_mode | vector_timer); }

void apic_use_deadline_mode() {
    timer_mode = timer_deadline_mode;
    write(reg_timer, timer_mode | vector_timer);
    asm volatile("mfence" ::: "memory"); // as in turn_on()
}

} // namespace chorale::machine
