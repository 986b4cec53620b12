// The readers of single ACPI tables, for acpi.cpp alone. Context: each is given a whole table, header
// included, whose length and checksum hold; the contents are as untrusted as ever.
#pragma once

#include "kernel/boot/acpi.hpp"

namespace chorale::boot::acpi {

inline constexpr std::size_t table_header_size = 36;

// A generic address structure; no register when it is beyond the table's end or in an unknown space.
[[nodiscard]] Register read_register(Bytes table, std::size_t offset);

void read_madt(Bytes table, Report report, AcpiInfo& info);
void read_mcfg(Bytes table, Report report, AcpiInfo& info);
void read_hpet(Bytes table, Report report, AcpiInfo& info);
void read_fadt(Bytes table, Report report, AcpiInfo& info);
// After the MADT: it gives CPUs that are known already their domain.
void read_srat(Bytes table, Report report, AcpiInfo& info);

} // namespace chorale::boot::acpi
