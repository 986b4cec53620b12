// The local APIC of each CPU, through memory (xAPIC) or registers (x2APIC).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum Vector : u8 {
    vector_legacy = 0x20, // where the disabled 8259s send what they still send
    vector_device = 0x30, // line n of the I/O APICs is this + n
    vector_device_end = 0xf0,
    vector_timer = 0xf0,
    vector_doorbell = 0xf1,
    vector_error = 0xfe,
    vector_spurious = 0xff,
};

void apic_start();           // boot CPU: finds the mode, silences the 8259s, turns this CPU's APIC on
void apic_start_secondary(); // the others: the mode is known
[[nodiscard]] bool apic_running();
[[nodiscard]] u32 apic_id();
void apic_acknowledge();

void apic_send_init(u32 target);
void apic_send_startup(u32 target, u8 page);
void apic_send_nmi_to_others();

// The one-shot timer in its own ticks; 0 stops it.
void apic_set_timer(u32 ticks);
[[nodiscard]] u32 apic_timer_left();
// For calibration: counts without interrupting.
void apic_timer_silent(bool silent);
void apic_use_deadline_mode();

} // namespace chorale::machine
