// Finds the ACPI root pointer (from the loader, else by the BIOS's way) and keeps what the parser makes of
// the tables.
#include "arch/x86_64/platform/firmware.hpp"

#include "arch/common/nucleus_tables.hpp"
#include "kernel/base/log.hpp"

namespace chorale::machine {

namespace {

constinit boot::acpi::AcpiInfo info{};

} // namespace

void firmware_read(const LoaderInfo& loader) {
    const auto map = [](u64 physical, std::size_t length) { return boot_firmware_bytes(physical, length); };
    const auto complain = [](const boot::acpi::Warning& warning) {
        log("acpi: {}: {} ({})", warning.signature, warning.message, Hex{warning.value});
    };
    bool good = false;
    if (loader.root_pointer_length != 0) {
        good = parse(formats::Bytes{loader.root_pointer, loader.root_pointer_length}, map, complain, info);
    } else {
        const u64 root = loader.rsdp != 0 ? loader.rsdp : boot::acpi::find_root_pointer(map);
        good = parse(root, map, complain, info); // root 0 is refused, but the defaults are filled in
    }
    if (!good) log("acpi: no usable tables: one CPU, no device interrupts");
}

const boot::acpi::AcpiInfo& firmware() { return info; }

} // namespace chorale::machine
