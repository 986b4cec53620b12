// The 16550 serial port; output is polled. No lock: console_write() above has one, and panic must work
// without.
#include "arch/x86_64/cpu/registers.hpp"

#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/irq.hpp>

namespace chorale::machine {

namespace {

enum Register : u16 {
    data = 0,
    interrupts = 1,
    fifo = 2,
    line_control = 3,
    modem_control = 4,
    line_status = 5,
    scratch = 7
};

constexpr u8 transmitter_empty = 0x20, data_ready = 1;
constexpr u8 interrupt_when_received = 1;
constexpr u16 com1 = 0x3f8, com2 = 0x2f8;

constinit u16 base = 0;

[[nodiscard]] bool answers(u16 port) {
    constexpr u8 pattern = 0xa5;
    out8(port + scratch, pattern);
    return in8(port + scratch) == pattern;
}

void initialise(u16 port) {
    constexpr u8 divisor_access = 0x80, eight_bits = 3, divisor_115200 = 1, fifo_on_and_clear = 7,
                 dtr_rts_out2 = 11;
    out8(port + interrupts, 0);
    out8(port + line_control, divisor_access);
    out8(port + data, divisor_115200);
    out8(port + interrupts, 0);
    out8(port + line_control, eight_bits);
    out8(port + fifo, fifo_on_and_clear);
    out8(port + modem_control, dtr_rts_out2);
}

} // namespace

void select_console(ConsolePort port) {
    const u16 wanted = port == ConsolePort::com1 ? com1 : port == ConsolePort::com2 ? com2 : 0;
    if (wanted == base) return;
    base = wanted != 0 && answers(wanted) ? wanted : 0;
    if (base != 0) initialise(base);
}

void put(char character) {
    if (base == 0) return;
    // A port that stays busy loses characters instead of stopping the nucleus.
    for (u32 patience = 1'000'000; patience != 0; --patience) {
        if ((in8(base + line_status) & transmitter_empty) != 0) break;
        relax();
    }
    out8(base + data, static_cast<u8>(character));
}

int get() {
    if (base == 0 || (in8(base + line_status) & data_ready) == 0) return -1;
    return in8(base + data);
}

unsigned console_line() {
    constexpr unsigned com1_source = 4, com2_source = 3;
    const unsigned line = irq_isa_line(base == com1 ? com1_source : com2_source);
    return base == 0 || line >= irq_lines() ? no_line : line;
}

void console_listen(bool on) {
    if (base != 0) out8(base + interrupts, on ? interrupt_when_received : 0);
}

} // namespace chorale::machine
