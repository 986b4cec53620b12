// A machine of memory pieces at physical addresses, and the ACPI tables to put there.
#pragma once

#include "kernel/boot/acpi.hpp"

#include "tests/host/formats/blob.hpp"

#include <map>
#include <string>
#include <vector>

namespace chorale::boot::acpi::test {

using formats::test::Blob;
using formats::test::Exact;

class Machine {
  public:
    void place(std::uint64_t physical, const Blob& blob) {
        pieces_.insert_or_assign(physical, Exact{blob.view()});
    }
    void remove(std::uint64_t physical) { pieces_.erase(physical); }

    // Exactly what was asked for and in an allocation that ends there, or nothing.
    [[nodiscard]] Bytes map(std::uint64_t physical, std::size_t length) {
        auto piece = pieces_.upper_bound(physical);
        if (piece == pieces_.begin()) return {};
        --piece;
        const std::uint64_t offset = physical - piece->first;
        if (!fits(offset, length, piece->second.view().size())) return {};
        mapped_.emplace_back(piece->second.view().subspan(offset, length));
        return mapped_.back().view();
    }

    [[nodiscard]] std::size_t map_count() const { return mapped_.size(); }

  private:
    std::map<std::uint64_t, Exact> pieces_;
    std::vector<Exact> mapped_;
};

inline std::uint8_t checksum(Bytes bytes) {
    std::uint8_t sum = 0;
    for (const std::byte byte : bytes) sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(byte));
    return static_cast<std::uint8_t>(-sum);
}

// Gives a table the length that it has and the checksum that it needs.
inline Blob& seal(Blob& blob) {
    blob.put(4, static_cast<std::uint32_t>(blob.size())).put<std::uint8_t>(9, 0);
    return blob.put(9, checksum(blob.view()));
}

inline Blob table(std::string_view signature, const Blob& body) {
    Blob blob{36};
    blob.put_text(0, signature).put<std::uint8_t>(8, 1).append(body);
    return seal(blob);
}

inline Blob root_pointer(std::uint32_t rsdt, std::uint64_t xsdt) {
    Blob blob{xsdt == 0 ? 20U : 36U};
    blob.put_text(0, "RSD PTR ").put<std::uint8_t>(15, xsdt == 0 ? 0 : 2).put(16, rsdt);
    blob.put(8, checksum(blob.view().first(20)));
    if (xsdt != 0) blob.put<std::uint32_t>(20, 36).put(24, xsdt).put(32, checksum(blob.view()));
    return blob;
}

// MADT entries.
inline Blob local_apic(std::uint8_t processor, std::uint8_t id, std::uint32_t flags) {
    return Blob{}.add<std::uint8_t>(0).add<std::uint8_t>(8).add(processor).add(id).add(flags);
}
inline Blob x2apic(std::uint32_t processor, std::uint32_t id, std::uint32_t flags) {
    return Blob{}.add<std::uint8_t>(9).add<std::uint8_t>(16).add<std::uint16_t>(0).add(id).add(flags).add(
        processor);
}
inline Blob io_apic(std::uint8_t id, std::uint32_t address, std::uint32_t first) {
    return Blob{}.add<std::uint8_t>(1).add<std::uint8_t>(12).add(id).add<std::uint8_t>(0).add(address).add(
        first);
}
inline Blob redirection(std::uint8_t source, std::uint32_t interrupt, std::uint16_t flags,
                        std::uint8_t bus = 0) {
    return Blob{}.add<std::uint8_t>(2).add<std::uint8_t>(10).add(bus).add(source).add(interrupt).add(flags);
}
inline Blob nmi_interrupt(std::uint16_t flags, std::uint32_t interrupt) {
    return Blob{}.add<std::uint8_t>(3).add<std::uint8_t>(8).add(flags).add(interrupt);
}
inline Blob local_nmi(std::uint8_t processor, std::uint16_t flags, std::uint8_t pin) {
    return Blob{}.add<std::uint8_t>(4).add<std::uint8_t>(6).add(processor).add(flags).add(pin);
}
inline Blob apic_address(std::uint64_t address) {
    return Blob{}.add<std::uint8_t>(5).add<std::uint8_t>(12).add<std::uint16_t>(0).add(address);
}
inline Blob x2apic_nmi(std::uint32_t processor, std::uint16_t flags, std::uint8_t pin) {
    Blob blob = Blob{}.add<std::uint8_t>(10).add<std::uint8_t>(12).add(flags).add(processor).add(pin);
    return blob.resize(12);
}
inline Blob madt(const std::vector<Blob>& entries, std::uint32_t address = 0xfee0'0000,
                 std::uint32_t flags = 1) {
    Blob body = Blob{}.add(address).add(flags);
    for (const Blob& entry : entries) body.append(entry);
    return table("APIC", body);
}

// The bytes of Name(_S5_, Package(){...}) from compilers that do and do not use ZeroOp.
inline Blob sleep_package(std::string_view elements, std::uint8_t count, std::string_view name = "\x08_S5_") {
    Blob blob = Blob{}.add_text(name).add<std::uint8_t>(0x12);
    return blob.add(static_cast<std::uint8_t>(elements.size() + 2)).add(count).add_text(elements);
}

constexpr std::uint64_t dsdt_address = 0x7000;
constexpr std::uint64_t root_address = 0xf5000;

inline Blob fadt() {
    Blob blob{244};
    blob.put_text(0, "FACP").put<std::uint8_t>(8, 3);
    blob.put(40, static_cast<std::uint32_t>(dsdt_address)).put<std::uint16_t>(46, 9);
    blob.put<std::uint32_t>(48, 0xb2).put<std::uint8_t>(52, 2);
    blob.put<std::uint32_t>(64, 0x604).put<std::uint32_t>(76, 0x608);
    blob.put<std::uint8_t>(89, 2).put<std::uint8_t>(91, 4);
    blob.put<std::uint32_t>(112, 1U << 8 | 1U << 10);
    blob.put<std::uint8_t>(116, 1).put<std::uint8_t>(117, 8).put<std::uint64_t>(120, 0xcf9);
    blob.put<std::uint8_t>(128, 0xf);
    blob.put<std::uint64_t>(140, dsdt_address);
    blob.put<std::uint8_t>(172, 1).put<std::uint8_t>(173, 16).put<std::uint64_t>(176, 0x604);
    blob.put<std::uint8_t>(208, 1).put<std::uint8_t>(209, 32).put<std::uint64_t>(212, 0x608);
    return seal(blob);
}

inline Blob hpet(std::uint64_t address = 0xfed0'0000, std::uint8_t space = 0) {
    Blob body{20};
    body.put<std::uint32_t>(0, 0x8086'a201).put(4, space).put(8, address).put<std::uint8_t>(16, 0);
    return table("HPET", body.put<std::uint16_t>(17, 100));
}

inline Blob mcfg_window(std::uint64_t base, std::uint16_t segment, std::uint8_t first, std::uint8_t last) {
    return Blob{}.add(base).add(segment).add(first).add(last).add<std::uint32_t>(0);
}
inline Blob mcfg(const std::vector<Blob>& windows) {
    Blob body{8};
    for (const Blob& window : windows) body.append(window);
    return table("MCFG", body);
}

inline Blob srat_local_apic(std::uint32_t domain, std::uint8_t id, std::uint32_t flags) {
    Blob blob{16};
    blob.put<std::uint8_t>(1, 16).put(2, static_cast<std::uint8_t>(domain)).put(3, id).put(4, flags);
    return blob.put(9, static_cast<std::uint8_t>(domain >> 8))
        .put(10, static_cast<std::uint16_t>(domain >> 16));
}
inline Blob srat_x2apic(std::uint32_t domain, std::uint32_t id, std::uint32_t flags) {
    Blob blob{24};
    return blob.put<std::uint8_t>(0, 2).put<std::uint8_t>(1, 24).put(4, domain).put(8, id).put(12, flags);
}
inline Blob srat_memory(std::uint32_t domain, std::uint64_t base, std::uint64_t length, std::uint32_t flags) {
    Blob blob{40};
    blob.put<std::uint8_t>(0, 1).put<std::uint8_t>(1, 40).put(2, domain).put(8, base).put(16, length);
    return blob.put(28, flags);
}
inline Blob srat(const std::vector<Blob>& entries) {
    Blob body{12};
    for (const Blob& entry : entries) body.append(entry);
    return table("SRAT", body);
}

inline Blob ordinary_dsdt() {
    Blob code = Blob{}.add_text("\x10\x20 _S5_ mentioned only ");
    code.append(sleep_package({"\x0a\x05\x0a\x06\x00\x00", 6}, 4));
    return table("DSDT", code);
}

// Puts the tables in memory, one page each from 0x10000, with a root table and pointer that lead to them.
inline void place_tables(Machine& machine, const std::vector<Blob>& tables, bool extended = true) {
    Blob entries;
    std::uint64_t at = 0x10000;
    for (const Blob& blob : tables) {
        machine.place(at, blob);
        if (extended)
            entries.add(at);
        else
            entries.add(static_cast<std::uint32_t>(at));
        at += 0x1000;
    }
    machine.place(0x8000, table(extended ? "XSDT" : "RSDT", entries));
    machine.place(root_address, extended ? root_pointer(0, 0x8000) : root_pointer(0x8000, 0));
    machine.place(dsdt_address, ordinary_dsdt());
}

inline std::vector<Blob> ordinary_tables() {
    return {fadt(),
            madt({local_apic(0, 0, 1), local_apic(1, 1, 1), x2apic(2, 300, 1), io_apic(0, 0xfec0'0000, 0),
                  redirection(0, 2, 0), redirection(9, 9, 0xd), nmi_interrupt(5, 23), local_nmi(0xff, 0, 1)}),
            hpet(), mcfg({mcfg_window(0xb000'0000, 0, 0, 255)}),
            srat({srat_local_apic(1, 1, 1), srat_x2apic(2, 300, 1), srat_memory(1, 0, 0xa0000, 1)})};
}

struct Outcome {
    bool found = false;
    AcpiInfo info;
    std::vector<std::string> warnings; // "APIC: bad length"
};

inline Outcome run(Machine& machine, std::uint64_t root = root_address) {
    Outcome outcome;
    outcome.found = parse(
        root, [&](std::uint64_t physical, std::size_t length) { return machine.map(physical, length); },
        [&](const Warning& warning) {
            outcome.warnings.push_back(std::string{warning.signature} + ": " + std::string{warning.message});
        },
        outcome.info);
    return outcome;
}

inline Outcome run_tables(const std::vector<Blob>& tables, bool extended = true) {
    Machine machine;
    place_tables(machine, tables, extended);
    return run(machine);
}

} // namespace chorale::boot::acpi::test
