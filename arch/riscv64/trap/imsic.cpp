// A hart's file is behind the window siselect/sireg and stopei; other harts and devices only write identities
// to its page, whose address the APLIC forms from the hart's number.
#include "arch/riscv64/trap/imsic.hpp"

#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "kernel/base/log.hpp"

namespace chorale::machine {

namespace {

using boot::device_tree::Imsic;

#define CHORALE_CSR_siselect "0x150"
#define CHORALE_CSR_sireg "0x151"
#define CHORALE_CSR_stopei "0x15c"

enum FileRegister : u64 { delivery = 0x70, priority_threshold = 0x72, pending = 0x80, enabled = 0xc0 };
constexpr unsigned bits = 64,
                   step = 2; // of a pending or enabled register: with XLEN 64 the odd ones are not there
constexpr u32 cause_supervisor_external = 9;

constinit HartPositions positions{};
constinit unsigned last_identity = 0;

void write_file(u64 reg, u64 value) {
    CHORALE_WRITE_CSR(CHORALE_CSR_siselect, reg);
    CHORALE_WRITE_CSR(CHORALE_CSR_sireg, value);
}

// The hart's number in targets: what the APLIC puts into the address of a message. Nothing: no number leads
// to the file.
[[nodiscard]] std::optional<u32> number_of(const Imsic& found, u64 file) {
    constexpr unsigned number_bits = 14, address_bits = 56;
    const unsigned hart_shift = page_bits + found.guest_index_bits;
    const unsigned width = unsigned{found.hart_index_bits} + found.group_index_bits;
    if (file == 0 || width > number_bits || hart_shift >= address_bits ||
        found.group_index_shift >= address_bits) {
        return {};
    }
    const u64 hart = file >> hart_shift & ((u64{1} << found.hart_index_bits) - 1);
    const u64 group = file >> found.group_index_shift & ((u64{1} << found.group_index_bits) - 1);
    return static_cast<u32>(group << found.hart_index_bits | hart);
}

void add_file(const Imsic& found, const boot::device_tree::Context& context) {
    const auto* hart = find_hart(context.controller);
    if (context.cause != cause_supervisor_external || hart == nullptr) return;
    const auto number = number_of(found, found.file(context.index));
    if (!number.has_value()) {
        log("irq: the IMSIC's file {}, for hart {}, lies beyond its registers", context.index, hart->hart);
    } else if (!has_extension(hart->isa, "ssaia") && !has_extension(hart->isa, "smaia")) {
        log("irq: hart {} does not say that it has the registers of its IMSIC", hart->hart);
    } else {
        (void)positions.add(hart->hart, *number);
    }
}

} // namespace

bool imsic_start(const Imsic& found, unsigned identities) {
    last_identity = identities;
    positions = {}; // what one that could not be used has left
    for (const auto& context : found.contexts.all()) add_file(found, context);
    return !positions.empty();
}

bool imsic_start_cpu(CpuIndex cpu) {
    if (!positions.find(cpu).has_value()) return false;
    write_file(delivery, 0);
    for (unsigned first = 0; first <= last_identity; first += bits) {
        const unsigned beyond = last_identity + 1 - first; // identities from `first` on
        u64 wanted = beyond >= bits ? ~u64{0} : (u64{1} << beyond) - 1;
        if (first == 0) wanted &= ~u64{1}; // there is no identity 0
        const u64 offset = first / bits * step;
        write_file(pending + offset, 0);
        write_file(enabled + offset, wanted);
    }
    write_file(priority_threshold, 0); // off: every identity comes through
    write_file(delivery, 1);
    return true;
}

unsigned imsic_claim() {
    u64 top;
    asm volatile("csrrw %0, " CHORALE_CSR_stopei ", zero\n"
                 "fence i, iorw" // what the device did before it sent the message is there to be seen
                 : "=r"(top)::"memory");
    constexpr unsigned identity_shift = 16, identity_mask = 0x7ff;
    return static_cast<unsigned>(top >> identity_shift) & identity_mask;
}

std::optional<u32> imsic_target(CpuIndex cpu) { return positions.find(cpu); }

} // namespace chorale::machine
