// A line is masked and unmasked by one store of its number, so that no lock is needed. Edges stay open; a
// level line is masked when it comes. With messages the APLIC sends one when a line rises and when it is told
// to look again, which unmask() does while the line is up.
#include "arch/riscv64/trap/aplic.hpp"

#include "arch/riscv64/cpu/device_io.hpp"
#include "arch/riscv64/platform/device_window.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/trap/imsic.hpp"
#include "kernel/base/log.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/core/per_cpu.hpp"

#include <atomic>

namespace chorale::machine {

namespace {

using boot::device_tree::Aplic;

constexpr unsigned largest_source = 1023, word_bits = 32;
constexpr u32 cause_supervisor_external = 9;
constexpr u64 domain_bytes = 0x4000, delivery_bytes = 32;

// Indices of 32-bit registers of the domain; those of a line lie at the line's number behind.
enum Register : unsigned {
    domain_config = 0,
    source_config = 0, // of line 1 at 1
    input = 0x1d00 / 4,
    clear_pending_number = 0x1ddc / 4,
    set_pending_number = 0x1cdc / 4,
    set_enabled_number = 0x1edc / 4,
    clear_enabled = 0x1f00 / 4,
    clear_enabled_number = 0x1fdc / 4,
    target_of = 0x3000 / 4,
};
// Of a hart's delivery registers.
enum DeliveryRegister : unsigned { delivery_on = 0, delivery_threshold = 2, delivery_claim = 7 };

constexpr u32 interrupts_on = 1 << 8, by_message = 1 << 2;
constexpr u32 mode_mask = 7, first_active_mode = 4, level_high = 6, level_low = 7;
constexpr unsigned target_shift = 18;

enum class Kind : u8 { unattached, edge, level };

constinit volatile u32* registers = nullptr;
constinit bool messages = false;
constinit HartPositions positions{};             // of `deliveries`, without messages
constinit volatile u32* deliveries[max_cpus]{};  // by position
constinit u32 delivery_numbers[max_cpus]{};      // the hart's number in targets
constinit volatile u32* delivery_of[max_cpus]{}; // by CPU, once it was started
constinit unsigned delivery_count = 0;
constinit std::atomic<Kind> kinds[largest_source + 1]{};
constinit SpinLock access{}; // two that attach one line

[[nodiscard]] Kind kind_of(unsigned line) {
    // acquire: pairs with the release in attach(): a line that is attached is set up
    return line <= largest_source ? kinds[line].load(std::memory_order_acquire) : Kind::unattached;
}

void mask(unsigned line) { write_device(registers + clear_enabled_number, u32{line}); }

void unmask(unsigned line) {
    const Kind kind = kind_of(line);
    if (kind == Kind::unattached) return;
    // The message of a level that stayed up is long gone. Asked for only when it is up, as not every APLIC
    // sees to that, and before the line is open, so that there is one message and not two.
    if (messages && kind == Kind::level) {
        const u32 up = read_device(registers + input + line / word_bits);
        if ((up >> line % word_bits & 1) != 0) write_device(registers + set_pending_number, u32{line});
    }
    write_device(registers + set_enabled_number, u32{line});
}

unsigned claim() {
    unsigned line = 0;
    if (messages) {
        line = imsic_claim();
    } else {
        constexpr unsigned line_shift = 16;
        line = read_device(delivery_of[this_cpu().index] + delivery_claim) >> line_shift & largest_source;
    }
    const Kind kind = kind_of(line);
    if (kind == Kind::level) mask(line);
    return kind == Kind::unattached ? 0 : line; // a message may carry any identity
}

// The target register of a line that goes to this CPU.
[[nodiscard]] std::optional<u32> target_word(unsigned line, CpuIndex cpu) {
    if (messages) {
        const auto number = imsic_target(cpu);
        if (!number.has_value()) return {};
        return *number << target_shift | line;
    }
    const auto position = positions.find(cpu);
    if (!position.has_value()) return {};
    constexpr u32 highest_priority = 1;
    return delivery_numbers[*position] << target_shift | highest_priority;
}

// What the firmware chose for the line, else a level; nothing: the line is not the supervisor's.
[[nodiscard]] std::optional<Kind> configure(unsigned line) {
    volatile u32* config = registers + source_config + line;
    if ((read_device(config) & mode_mask) < first_active_mode) write_device(config, level_high);
    const u32 mode = read_device(config) & mode_mask;
    if (mode < first_active_mode) return {};
    return mode == level_high || mode == level_low ? Kind::level : Kind::edge;
}

bool attach(unsigned line, CpuIndex target) {
    const auto word = target_word(line, target);
    if (line == 0 || !word.has_value()) return false;
    access.lock();
    mask(line);
    const auto kind = configure(line);
    if (kind.has_value()) {
        write_device(registers + target_of + line, *word);
        if (*kind == Kind::edge) write_device(registers + clear_pending_number, u32{line});
        // release: pairs with the acquire in kind_of()
        kinds[line].store(*kind, std::memory_order_release);
    }
    finish_device_accesses();
    access.unlock();
    if (!kind.has_value()) log("irq: the firmware keeps line {} of the APLIC", line);
    return kind.has_value();
}

bool start_cpu(CpuIndex cpu) {
    if (messages) return imsic_start_cpu(cpu);
    const auto position = positions.find(cpu);
    if (!position.has_value()) return false;
    delivery_of[cpu] = deliveries[*position];
    write_device(delivery_of[cpu] + delivery_threshold, u32{0}); // off: every priority comes through
    write_device(delivery_of[cpu] + delivery_on, u32{1});
    return true;
}

void add_delivery(const Aplic& found, const boot::device_tree::Context& context) {
    const auto* hart = find_hart(context.controller);
    if (context.cause != cause_supervisor_external || hart == nullptr || delivery_count == max_cpus) return;
    constexpr u32 largest_number = (1 << 14) - 1;
    volatile u32* made = nullptr;
    if (context.index <= largest_number) {
        made = map_registers<u32>(found.registers, domain_bytes + delivery_bytes * context.index,
                                  delivery_bytes);
    }
    if (made == nullptr) {
        return log("irq: the APLIC's delivery to hart {}, number {}, lies beyond its registers", hart->hart,
                   context.index);
    }
    write_device(made + delivery_on, u32{0});
    if (!positions.add(hart->hart, delivery_count)) return;
    delivery_numbers[delivery_count] = context.index;
    deliveries[delivery_count++] = made;
}

[[nodiscard]] const boot::device_tree::Imsic* imsic_of(const Aplic& found) {
    for (const auto& imsic : firmware().imsics.all()) {
        if (imsic.phandle == found.msi_parent && imsic.supervisor) return &imsic;
    }
    return nullptr;
}

// Who gets the interrupts: the harts' IMSICs or the harts. The number of lines that can come that way; 0:
// none.
[[nodiscard]] unsigned find_receivers(const Aplic& found) {
    unsigned sources = found.sources <= largest_source ? found.sources : largest_source;
    messages = found.msi_parent != 0;
    positions = {}; // what one that could not be used has left
    delivery_count = 0;
    if (!messages) {
        for (const auto& context : found.contexts.all()) add_delivery(found, context);
        return delivery_count == 0 ? 0 : sources;
    }
    const auto* imsic = imsic_of(found);
    if (imsic == nullptr) return 0;
    if (sources > imsic->identities) {
        sources = imsic->identities;
        log("irq: {} lines of {}, as the IMSICs know no more", sources, found.sources);
    }
    return sources != 0 && imsic_start(*imsic, sources) ? sources : 0;
}

// Masks all lines; returns whether any is the supervisor's.
[[nodiscard]] bool take_lines(unsigned sources) {
    for (unsigned word = 0; word <= sources / word_bits; ++word) {
        write_device(registers + clear_enabled + word, ~u32{0});
    }
    write_device(registers + domain_config, interrupts_on | (messages ? by_message : 0));
    const u32 config = read_device(registers + domain_config);
    if (((config & by_message) != 0) != messages || (config & interrupts_on) == 0) {
        log("irq: the APLIC cannot be set to deliver as the device tree says");
        return false;
    }
    bool any = false;
    for (unsigned line = 1; line <= sources; ++line) any |= configure(line).has_value();
    if (!any) log("irq: the firmware keeps the APLIC's lines");
    return any;
}

constinit Controller aplic{"APLIC", 0, 0, start_cpu, claim, attach, mask, unmask};

void start(const Aplic& found) {
    const unsigned sources = find_receivers(found);
    if (sources == 0) return log("irq: the APLIC at {} has nobody to deliver to", Hex{found.registers.begin});
    registers = map_registers<u32>(found.registers, 0, domain_bytes);
    if (registers == nullptr) return log("irq: the APLIC at {} cannot be mapped", Hex{found.registers.begin});
    if (!take_lines(sources)) return;
    aplic.name = messages ? "APLIC with IMSIC" : "APLIC";
    aplic.phandle = found.phandle;
    aplic.lines = sources + 1;
}

} // namespace

const Controller* aplic_start() {
    for (const bool by_messages : {true, false}) {
        for (const Aplic& found : firmware().aplics.all()) {
            if (!found.supervisor || (found.msi_parent != 0) != by_messages) continue;
            if (aplic.lines == 0) {
                start(found);
            } else {
                log("irq: the APLIC at {} is not used: one is", Hex{found.registers.begin});
            }
        }
    }
    return aplic.lines == 0 ? nullptr : &aplic;
}

} // namespace chorale::machine
