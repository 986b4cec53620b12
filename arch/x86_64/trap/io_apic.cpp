// Index/data register pairs; a route is 64 bits: vector, mode, polarity, trigger, mask, target.
// Lock: interrupt handlers on several CPUs mask lines of one I/O APIC through the same index register.
#include "arch/x86_64/trap/io_apic.hpp"

#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"
#include "arch/x86_64/trap/apic.hpp"
#include "kernel/base/log.hpp"
#include "kernel/base/spin_lock.hpp"

#include <machine/irq.hpp>
#include <machine/mmu.hpp>
#include <machine/smp.hpp>

namespace chorale::machine {

namespace {

constexpr u32 line_masked = 1u << 16, level_triggered = 1u << 15, active_low = 1u << 13;
constexpr unsigned line_limit = vector_device_end - vector_device;
constexpr unsigned isa_lines = 16;

struct Controller {
    volatile u32* registers;
    u32 first, count;
};

constinit Controller controllers[16]{};
constinit unsigned controller_count = 0;
constinit unsigned line_count = 0;
constinit SpinLock access{};

[[nodiscard]] u32 read(const Controller& controller, u32 index) {
    write_device(controller.registers, index);
    return read_device(controller.registers + 4);
}
void write(const Controller& controller, u32 index, u32 value) {
    write_device(controller.registers, index);
    write_device(controller.registers + 4, value);
}

[[nodiscard]] constexpr u32 route_index(const Controller& controller, unsigned line) {
    return 0x10 + 2 * (line - controller.first);
}

[[nodiscard]] const Controller* controller_of(unsigned line) {
    for (unsigned i = 0; i < controller_count; ++i) {
        if (line >= controllers[i].first && line - controllers[i].first < controllers[i].count)
            return &controllers[i];
    }
    return nullptr;
}

// ISA lines are edge-triggered and active high, PCI lines level-triggered and active low, unless the firmware
// says other.
[[nodiscard]] u32 signalling(unsigned line) {
    using boot::acpi::Polarity;
    using boot::acpi::Trigger;
    u32 bits = line < isa_lines ? 0 : level_triggered | active_low;
    for (const auto& entry : firmware().overrides.all()) {
        if (entry.interrupt != line) continue;
        if (entry.polarity != Polarity::bus_default) {
            bits = (bits & ~active_low) | (entry.polarity == Polarity::low ? active_low : 0);
        }
        if (entry.trigger != Trigger::bus_default) {
            bits = (bits & ~level_triggered) | (entry.trigger == Trigger::level ? level_triggered : 0);
        }
    }
    return bits;
}

void add_controller(const boot::acpi::IoApic& found) {
    constexpr std::size_t window = 32;
    auto* registers = static_cast<volatile u32*>(map_device(PhysAddr{found.address}, window));
    if (registers == nullptr) return log("irq: no room to map the I/O APIC at {}", Hex{found.address});
    Controller controller{registers, found.first_interrupt, 0};
    constexpr u32 version_register = 1;
    controller.count = ((read(controller, version_register) >> 16) & 0xff) + 1;
    for (u32 i = 0; i < controller.count; ++i) {
        const u32 index = route_index(controller, controller.first + i);
        write(controller, index, line_masked);
        write(controller, index + 1, 0);
    }
    if (controller.first >= line_limit) return log("irq: lines from {} on are not usable", controller.first);
    controllers[controller_count++] = controller;
    const unsigned end = controller.first + controller.count;
    const unsigned usable_end = end < line_limit ? end : line_limit;
    if (usable_end > line_count) line_count = usable_end;
}

void set_mask(unsigned line, bool mask) {
    const Controller* controller = controller_of(line);
    if (controller == nullptr) return;
    access.lock();
    const u32 index = route_index(*controller, line);
    const u32 route = read(*controller, index) & ~line_masked;
    write(*controller, index, route | (mask ? line_masked : 0));
    access.unlock();
}

} // namespace

void io_apic_start() {
    for (const boot::acpi::IoApic& found : firmware().io_apics.all()) add_controller(found);
}

unsigned irq_lines() { return line_count; }

unsigned irq_isa_line(unsigned source) {
    for (const auto& entry : firmware().overrides.all()) {
        if (entry.source == source) return entry.interrupt;
    }
    return source;
}

bool irq_attach(unsigned line, CpuIndex target) {
    const Controller* controller = controller_of(line);
    constexpr u32 largest_target = 0xff; // what a route has room for
    if (controller == nullptr || line >= line_count || hardware_id(target) > largest_target) return false;
    access.lock();
    const u32 index = route_index(*controller, line);
    write(*controller, index, line_masked | signalling(line) | (vector_device + line));
    write(*controller, index + 1, hardware_id(target) << 24);
    access.unlock();
    return true;
}

void irq_mask(unsigned line) { set_mask(line, true); }
void irq_unmask(unsigned line) { set_mask(line, false); }

void io_apic_arrived(unsigned line) {
    if ((signalling(line) & level_triggered) != 0) set_mask(line, true);
}

} // namespace chorale::machine
