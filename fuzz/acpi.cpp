// ACPI tables: the input is the memory where the firmware left them. Every list keeps its rules, and the root
// pointer reads the same by its address and as a copy.
#include "kernel/boot/acpi.hpp"

#include "fuzz/acpi_memory.hpp"
#include "fuzz/target.hpp"

#include <memory>
#include <vector>

namespace chorale::fuzz {
namespace {

namespace acpi = boot::acpi;
using acpi::AcpiInfo;

// The memory that the firmware tells of; what is asked for comes in an allocation that ends where it ends.
class Memory {
  public:
    explicit Memory(formats::Bytes image) : image_{image} {}

    [[nodiscard]] formats::Bytes map(std::uint64_t physical, std::size_t length) {
        must(++maps_ <= 2 * acpi::root_entry_limit + 16, "the number of tables looked at is bounded");
        must(length <= acpi::table_length_limit, "and so is the length of each");
        if (physical == extended_data_pointer && length == sizeof extended_data_segment)
            return copy(std::as_bytes(std::span{extended_data_segment}), length);
        if (physical == extended_data && length == 1024) return area(length);
        // The BIOS searches all of its area, most of which is empty.
        if (physical == memory_begin && length == 0x20000) return area(length);
        if (physical < memory_begin || !formats::fits(physical - memory_begin, length, image_.size()))
            return {};
        return copy(image_.subspan(physical - memory_begin, length), length);
    }

  private:
    [[nodiscard]] formats::Bytes copy(formats::Bytes bytes, std::size_t length) {
        pieces_.push_back(std::make_unique<std::byte[]>(length));
        std::memcpy(pieces_.back().get(), bytes.data(), length);
        return {pieces_.back().get(), length};
    }
    [[nodiscard]] formats::Bytes area(std::size_t length) {
        std::vector<std::byte> whole{image_.begin(), image_.end()};
        whole.resize(length);
        return copy(whole, length);
    }

    static constexpr std::uint64_t extended_data_pointer = 0x40e, extended_data = 0x9fc00;
    static constexpr std::uint16_t extended_data_segment[] = {0x9fc0};

    formats::Bytes image_;
    std::vector<std::unique_ptr<std::byte[]>> pieces_;
    std::size_t maps_ = 0;
};

template <class Elements, class Key>
void check_unique(const Elements& elements, Key key, const char* what) {
    for (std::size_t i = 0; i < elements.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) must(key(elements[i]) != key(elements[j]), what);
}

void check_madt(const AcpiInfo& info) {
    constexpr std::uint64_t address_limit = std::uint64_t{1} << 52;
    must(info.local_apic != 0 && info.local_apic % 4096 == 0 && info.local_apic < address_limit,
         "the local APIC");
    check_unique(info.cpus.all(), [](const acpi::Cpu& cpu) { return cpu.apic_id; }, "a CPU comes once");
    for (const acpi::Cpu& cpu : info.cpus.all())
        must(cpu.enabled != cpu.online_capable, "a CPU is there or may come");
    if (info.cpus.dropped == 0) must(info.cpus.count >= info.enabled_cpus(), "the number of CPUs");
    check_unique(
        info.io_apics.all(), [](const acpi::IoApic& each) { return each.address; }, "an I/O APIC's place");
    check_unique(
        info.io_apics.all(), [](const acpi::IoApic& each) { return each.first_interrupt; },
        "an I/O APIC's interrupts");
    for (const acpi::IoApic& each : info.io_apics.all())
        must(each.address != 0 && each.address % 16 == 0, "an I/O APIC's address");
    check_unique(
        info.overrides.all(), [](const acpi::InterruptOverride& each) { return each.source; },
        "an ISA line has one override");
    for (const acpi::InterruptOverride& each : info.overrides.all()) must(each.source <= 15, "an ISA line");
    for (const acpi::NmiSource& each : info.local_nmis.all()) must(each.pin <= 1, "LINT 0 or 1");
}

void check_register(const acpi::Register& each) {
    must(each.space <= acpi::Space::pci, "a register's space is known");
    must(each.space != acpi::Space::io || each.address <= 0xffff, "an I/O port has 16 bits");
}

void check_others(const AcpiInfo& info) {
    constexpr std::uint64_t bus = std::uint64_t{1} << 20, address_limit = std::uint64_t{1} << 52;
    for (const acpi::PciSegment& each : info.pci_segments.all()) {
        must(each.base != 0 && each.base % bus == 0 && each.first_bus <= each.last_bus, "a PCI window");
        must(each.base <= address_limit - (each.last_bus + 1) * bus, "a PCI window lies in memory");
    }
    for (const acpi::MemoryAffinity& each : info.memory.all())
        must(each.length != 0 && each.length <= ~std::uint64_t{0} - each.base, "a memory range");
    if (info.hpet) must(info.hpet->address != 0 && info.hpet->address % 8 == 0, "the event timer's address");
    if (!info.fixed) return;
    const acpi::Fixed& fixed = *info.fixed;
    for (const acpi::Register& each : {fixed.pm_timer, fixed.pm1a_control, fixed.pm1b_control, fixed.reset})
        check_register(each);
    must(fixed.smi_command <= 0xffff, "the SMI command is a port");
    if (fixed.soft_off)
        must(fixed.soft_off->type_a <= 7 && fixed.soft_off->type_b <= 7, "a sleep type has 3 bits");
}

[[nodiscard]] bool same(const AcpiInfo& a, const AcpiInfo& b) {
    return a.local_apic == b.local_apic && a.has_madt == b.has_madt && a.cpus.count == b.cpus.count &&
           a.cpus.dropped == b.cpus.dropped && a.io_apics.count == b.io_apics.count &&
           a.overrides.count == b.overrides.count && a.local_nmis.count == b.local_nmis.count &&
           a.nmi_interrupts.count == b.nmi_interrupts.count && a.pci_segments.count == b.pci_segments.count &&
           a.memory.count == b.memory.count && a.hpet.has_value() == b.hpet.has_value() &&
           a.fixed.has_value() == b.fixed.has_value();
}

[[nodiscard]] bool parse(formats::Bytes image, std::uint64_t root, bool copied, AcpiInfo& info) {
    Memory memory{image};
    const auto map = [&](std::uint64_t physical, std::size_t length) { return memory.map(physical, length); };
    const auto report = [](const acpi::Warning& warning) {
        must(!warning.message.empty(), "a warning has a text");
    };
    if (!copied) return acpi::parse(root, map, report, info);
    const formats::Bytes rest = image.subspan(root - memory_begin);
    return acpi::parse(rest.first(rest.size() < 4096 ? rest.size() : 4096), map, report, info);
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chorale::formats::Bytes image = bytes_of(data, size);
    if (const auto off = acpi::find_soft_off(image); off)
        must(off->type_a <= 7 && off->type_b <= 7, "a sleep type");
    if (size < root_pointer_size || size > memory_limit) return 0;

    const auto by_address = std::make_unique<AcpiInfo>(), by_copy = std::make_unique<AcpiInfo>();
    const bool found = parse(image, memory_begin, false, *by_address);
    check_madt(*by_address);
    check_others(*by_address);
    if (found) {
        must(parse(image, memory_begin, true, *by_copy), "the copy of a good root pointer is good");
        must(same(*by_address, *by_copy), "the copy says the same");
    }
    Memory memory{image};
    const std::uint64_t root = acpi::find_root_pointer(
        [&](std::uint64_t physical, std::size_t length) { return memory.map(physical, length); });
    if (found) must(root == 0x9fc00, "a good root pointer is found where it is looked for first");
    must(root == 0 || root % 16 == 0, "a root pointer's address");
    return 0;
}

// Firmware's checksums hold, but for one time in four.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    Chance chance{seed};
    limit = limit < memory_limit ? limit : memory_limit;
    if (size > limit) return limit;
    if (chance.one_in(3))
        size = change_tables(data, size, limit, chance);
    else
        size = LLVMFuzzerMutate(data, size, limit);
    if (!chance.one_in(4)) seal_tables(data, size);
    return size;
}
