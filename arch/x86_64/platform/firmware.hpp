// What ACPI says about this machine, read once at boot.
#pragma once

#include "arch/x86_64/boot/loader.hpp"
#include "kernel/boot/acpi.hpp"

namespace chorale::machine {

void firmware_read(const LoaderInfo& loader);
[[nodiscard]] const boot::acpi::AcpiInfo& firmware();

} // namespace chorale::machine
