// The serial console; output is polled: a 16550 or SiFive's UART, and before one is known the firmware's. No
// lock: console_write() above has one, and panic must work without.
#include "arch/riscv64/cpu/device_io.hpp"
#include "arch/riscv64/cpu/sbi.hpp"
#include "arch/riscv64/platform/console_device.hpp"
#include "arch/riscv64/platform/device_window.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/platform/uart.hpp"
#include "kernel/base/log.hpp"

#include <machine/boot_layout.hpp>
#include <machine/console.hpp>
#include <machine/cpu.hpp>

#include <atomic>

namespace chorale::machine {

namespace {

using boot::device_tree::Uart;

constinit bool selected = false;
constinit struct {
    Uart kind; // none: the firmware's console is used
    uword base;
    u8 shift, width;
} device{};
constinit std::atomic<bool> stuck{false};

namespace ns16550 {

enum Register : u8 {
    data = 0,
    interrupts = 1,
    fifo = 2,
    line_control = 3,
    modem_control = 4,
    line_status = 5
};
constexpr u32 register_count = 8, absent = 0xff;
constexpr u32 data_ready = 1, transmitter_empty = 0x20, all_sent = 0x40;
constexpr u32 interrupt_when_received = 1, interrupt_when_empty = 2;

[[nodiscard]] u32 read(Register reg) {
    const uword at = device.base + (uword{reg} << device.shift);
    if (device.width == sizeof(u32)) return read_device(reinterpret_cast<const volatile u32*>(at));
    if (device.width == sizeof(u16)) return read_device(reinterpret_cast<const volatile u16*>(at));
    return read_device(reinterpret_cast<const volatile u8*>(at));
}

void write(Register reg, u32 value) {
    const uword at = device.base + (uword{reg} << device.shift);
    if (device.width == sizeof(u32)) {
        write_device(reinterpret_cast<volatile u32*>(at), value);
    } else if (device.width == sizeof(u16)) {
        write_device(reinterpret_cast<volatile u16*>(at), static_cast<u16>(value));
    } else {
        write_device(reinterpret_cast<volatile u8*>(at), static_cast<u8>(value));
    }
}

} // namespace ns16550

namespace sifive {

enum Register : u8 { transmit = 0, receive = 4, transmit_control = 8, receive_control = 12, interrupts = 16 };
constexpr u32 register_bytes = 24;
constexpr u32 busy = u32{1} << 31; // transmit: full; receive: empty
constexpr u32 enabled = 1;
constexpr u32 watermark_one = 1 << 16, watermark_mask = 7 << 16; // interrupt when fewer than one is left
constexpr u32 interrupt_when_empty = 1, interrupt_when_received = 2;

[[nodiscard]] volatile u32* at(Register reg) { return reinterpret_cast<volatile u32*>(device.base + reg); }

} // namespace sifive

// A port that stays busy loses characters instead of stopping the nucleus. One that was given up on is not
// waited for again until it is ready of its own.
template <class Ready>
void await(Ready ready) {
    // relaxed: a hint how long to wait; any value that any CPU wrote will do
    for (u32 patience = stuck.load(std::memory_order_relaxed) ? 1 : 1'000'000; patience != 0; --patience) {
        if (ready()) {
            stuck.store(false, std::memory_order_relaxed); // relaxed: as above
            return;
        }
        relax();
    }
    stuck.store(true, std::memory_order_relaxed); // relaxed: as above
}

[[nodiscard]] bool start_ns16550(const boot::device_tree::Console& found) {
    using namespace ns16550;
    constexpr u8 largest_shift = 4;
    const bool width_known = found.register_width == sizeof(u8) || found.register_width == sizeof(u16) ||
                             found.register_width == sizeof(u32);
    if (found.register_shift > largest_shift || !width_known ||
        found.register_width > 1u << found.register_shift ||
        found.registers.begin % found.register_width != 0) {
        log("console: the 16550's registers lie in a way that is not known");
        return false;
    }
    const auto bytes = std::size_t{register_count} << found.register_shift;
    const auto* registers = map_registers<u8>(found.registers, 0, bytes);
    if (registers == nullptr) {
        log("console: the 16550 at {} cannot be mapped", Hex{found.registers.begin});
        return false;
    }
    device.base = reinterpret_cast<uword>(registers);
    device.shift = found.register_shift;
    device.width = found.register_width;
    if ((read(line_status) & absent) == absent) {
        log("console: no 16550 answers at {}", Hex{found.registers.begin});
        return false;
    }
    // The speed stays what the firmware made it: the rate of the clock that feeds the divisor is the board's
    // secret.
    constexpr u32 eight_bits = 3, divisor_access = 0x80, fifo_on = 1, dtr_rts_out2 = 11;
    await([] { return (read(line_status) & all_sent) != 0; }); // the firmware's last words
    write(interrupts, 0);
    if ((read(line_control) & (eight_bits | divisor_access)) != eight_bits) write(line_control, eight_bits);
    write(fifo, fifo_on);
    write(modem_control, dtr_rts_out2);
    return true;
}

[[nodiscard]] bool start_sifive(const boot::device_tree::Console& found) {
    using namespace sifive;
    const auto* registers = map_registers<u32>(found.registers, 0, register_bytes);
    if (registers == nullptr) {
        log("console: the UART at {} cannot be mapped", Hex{found.registers.begin});
        return false;
    }
    device.base = reinterpret_cast<uword>(registers);
    write_device(at(interrupts), u32{0});
    write_device(at(transmit_control), read_device(at(transmit_control)) | enabled);
    // Interrupts when more than none has been received.
    const u32 control = read_device(at(receive_control)) & ~watermark_mask;
    write_device(at(receive_control), control | enabled);
    return true;
}

enum DebugConsoleFunction : u64 { console_read = 1, console_write_byte = 2 };

void put_by_firmware(char character) {
    const u64 byte = static_cast<u8>(character);
    if (sbi_has(sbi_debug_console)) {
        (void)sbi_call(sbi_debug_console, console_write_byte, byte);
    } else {
        (void)sbi_legacy(sbi_legacy_put, byte);
    }
}

[[nodiscard]] int get_by_firmware() {
    if (!sbi_has(sbi_debug_console)) return static_cast<int>(sbi_legacy(sbi_legacy_get));
    static constinit u8 buffer = 0;
    const SbiResult done = sbi_call(sbi_debug_console, console_read, 1, image_physical(&buffer).raw());
    compiler_barrier(); // the firmware wrote to the buffer
    return done.error == sbi_ok && done.value == 1 ? buffer : -1;
}

} // namespace

void console_use_device() {
    const boot::device_tree::Console& found = firmware().console;
    const bool started = found.kind == Uart::ns16550  ? start_ns16550(found)
                         : found.kind == Uart::sifive ? start_sifive(found)
                                                      : false;
    if (started) device.kind = found.kind;
}

bool console_interrupt(bool on) {
    if (device.kind == Uart::ns16550) {
        ns16550::write(ns16550::interrupts, on ? ns16550::interrupt_when_empty : 0);
    } else if (device.kind == Uart::sifive) {
        using namespace sifive;
        const u32 control = read_device(at(transmit_control)) & ~watermark_mask;
        write_device(at(transmit_control), control | watermark_one);
        write_device(at(interrupts), on ? interrupt_when_empty : 0);
    }
    return device.kind != Uart::none;
}

void console_listen(bool on) {
    if (device.kind == Uart::ns16550) {
        ns16550::write(ns16550::interrupts, on ? ns16550::interrupt_when_received : 0);
    } else if (device.kind == Uart::sifive) {
        write_device(sifive::at(sifive::interrupts), on ? sifive::interrupt_when_received : 0);
    }
}

void select_console(ConsolePort port) { selected = port != ConsolePort::none; }

void put(char character) {
    if (!selected) return;
    const auto byte = static_cast<u8>(character);
    switch (device.kind) {
    case Uart::none:
        return put_by_firmware(character);
    case Uart::ns16550:
        await([] { return (ns16550::read(ns16550::line_status) & ns16550::transmitter_empty) != 0; });
        return ns16550::write(ns16550::data, byte);
    case Uart::sifive:
        await([] { return (read_device(sifive::at(sifive::transmit)) & sifive::busy) == 0; });
        return write_device(sifive::at(sifive::transmit), u32{byte});
    }
}

int get() {
    if (!selected) return -1;
    switch (device.kind) {
    case Uart::none:
        break;
    case Uart::ns16550:
        if ((ns16550::read(ns16550::line_status) & ns16550::data_ready) == 0) return -1;
        return static_cast<u8>(ns16550::read(ns16550::data));
    case Uart::sifive:
        const u32 received = read_device(sifive::at(sifive::receive));
        return (received & sifive::busy) != 0 ? -1 : static_cast<u8>(received);
    }
    return get_by_firmware();
}

} // namespace chorale::machine
