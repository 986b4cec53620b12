// From the root pointer to the tables: good machines, broken chains, and damage at random.
#include "kernel/boot/acpi.hpp"

#include "tests/host/boot/acpi_machine.hpp"

#include <gtest/gtest.h>

namespace chorale::boot::acpi {
namespace {

using namespace test;

using Warnings = std::vector<std::string>;

TEST(Acpi, ReadsAnOrdinaryMachine) {
    for (const bool extended : {true, false}) {
        const Outcome outcome = run_tables(ordinary_tables(), extended);
        EXPECT_TRUE(outcome.found);
        EXPECT_EQ(outcome.warnings, Warnings{});
        const AcpiInfo& info = outcome.info;
        EXPECT_TRUE(info.has_madt);
        EXPECT_EQ(info.cpus.count, 3U);
        EXPECT_EQ(info.enabled_cpus(), 3U);
        EXPECT_EQ(info.io_apics.count, 1U);
        EXPECT_EQ(info.overrides.count, 2U);
        ASSERT_TRUE(info.hpet);
        EXPECT_EQ(info.hpet->address, 0xfed0'0000U);
        EXPECT_EQ(info.hpet->minimum_tick, 100U);
        ASSERT_EQ(info.pci_segments.count, 1U);
        EXPECT_EQ(info.pci_segments.all()[0].last_bus, 255U);
        ASSERT_TRUE(info.fixed);
        ASSERT_TRUE(info.fixed->soft_off);
        EXPECT_EQ(info.fixed->soft_off->type_a, 5U);
        EXPECT_EQ(info.fixed->soft_off->type_b, 6U);
    }
}

TEST(Acpi, DomainsReachTheCpus) {
    const Outcome outcome = run_tables(ordinary_tables());
    EXPECT_EQ(outcome.info.cpus.all()[0].domain, 0U);
    EXPECT_EQ(outcome.info.cpus.all()[1].domain, 1U);
    EXPECT_EQ(outcome.info.cpus.all()[2].domain, 2U);
    ASSERT_EQ(outcome.info.memory.count, 1U);
    EXPECT_EQ(outcome.info.memory.all()[0].length, 0xa0000U);
}

TEST(Acpi, TakesTheRootPointerAsBytes) {
    Machine machine;
    place_tables(machine, ordinary_tables());
    const auto map = [&](std::uint64_t physical, std::size_t length) {
        return machine.map(physical, length);
    };
    AcpiInfo info;
    EXPECT_TRUE(parse(root_pointer(0, 0x8000).view(), map, [](const Warning&) {}, info));
    EXPECT_EQ(info.cpus.count, 3U);
    // A copy cut to the old size cannot be checked, and there is no RSDT to fall back on.
    AcpiInfo none;
    EXPECT_FALSE(parse(root_pointer(0, 0x8000).view().first(35), map, [](const Warning&) {}, none));
    EXPECT_FALSE(parse(Bytes{}, map, [](const Warning&) {}, none));
}

TEST(Acpi, DistrustsTheRootPointer) {
    const Blob good = root_pointer(0, 0x8000);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        Machine machine;
        place_tables(machine, ordinary_tables());
        machine.place(root_address, Blob{good}.flip(bit));
        const Outcome outcome = run(machine);
        EXPECT_FALSE(outcome.found) << bit;
        EXPECT_FALSE(outcome.warnings.empty()) << bit;
    }
    Machine empty;
    EXPECT_FALSE(run(empty).found);
    EXPECT_FALSE(run(empty, 0).found);
    EXPECT_FALSE(run(empty, ~std::uint64_t{0}).found);
}

TEST(Acpi, FallsBackOnTheOldRootTable) {
    Machine machine;
    place_tables(machine, ordinary_tables(), false);
    machine.place(root_address, root_pointer(0x8000, 0x9000));
    Outcome outcome = run(machine);
    EXPECT_TRUE(outcome.found);
    EXPECT_EQ(outcome.warnings, Warnings{": table out of reach"});
    EXPECT_EQ(outcome.info.cpus.count, 3U);

    machine.place(0x9000, table("XSDT", Blob{16}).flip(300));
    outcome = run(machine);
    EXPECT_TRUE(outcome.found);
    EXPECT_EQ(outcome.warnings, Warnings{"XSDT: bad checksum"});

    machine.place(root_address, root_pointer(0x8000, 0x9000).flip(35 * 8));
    outcome = run(machine);
    EXPECT_TRUE(outcome.found);
    EXPECT_EQ(outcome.warnings, Warnings{"RSDP: bad extended checksum"});
}

TEST(Acpi, DistrustsRootTables) {
    Machine machine;
    place_tables(machine, ordinary_tables());
    machine.place(0x8000, table("RSDT", Blob{16}));
    EXPECT_FALSE(run(machine).found);
    machine.place(0x8000, table("XSDT", Blob{7}));
    EXPECT_TRUE(run(machine).found);
    machine.place(0x8000, table("XSDT", Blob{}));
    EXPECT_TRUE(run(machine).found);
    for (const std::uint32_t length : {0U, 35U, 0x40'0001U, 0xffff'ffffU}) {
        machine.place(0x8000, table("XSDT", Blob{16}).put(4, length));
        EXPECT_FALSE(run(machine).found) << length;
    }
}

TEST(Acpi, ATableThatIsBrokenLosesOnlyItself) {
    std::vector<Blob> tables = ordinary_tables();
    tables[1].flip(400);
    Outcome outcome = run_tables(tables);
    EXPECT_TRUE(outcome.found);
    EXPECT_EQ(outcome.warnings, Warnings{"APIC: bad checksum"});
    EXPECT_FALSE(outcome.info.has_madt);
    EXPECT_EQ(outcome.info.cpus.count, 0U);
    EXPECT_TRUE(outcome.info.hpet);
    EXPECT_TRUE(outcome.info.fixed);

    Machine machine;
    place_tables(machine, ordinary_tables());
    machine.remove(0x12000);
    outcome = run(machine);
    EXPECT_EQ(outcome.warnings, Warnings{": table out of reach"});
    EXPECT_FALSE(outcome.info.hpet);
    EXPECT_EQ(outcome.info.cpus.count, 3U);
}

TEST(Acpi, ATableLongerThanItsMemoryIsIgnored) {
    std::vector<Blob> tables = ordinary_tables();
    tables[1].put<std::uint32_t>(4, static_cast<std::uint32_t>(tables[1].size() + 1));
    EXPECT_EQ(run_tables(tables).warnings, Warnings{"APIC: table out of reach"});
    tables[1].put<std::uint32_t>(4, 35);
    EXPECT_EQ(run_tables(tables).warnings, Warnings{"APIC: bad length"});
}

TEST(Acpi, TheFirstOfTwoTablesCounts) {
    std::vector<Blob> tables = ordinary_tables();
    tables.push_back(madt({local_apic(0, 7, 1)}));
    const Outcome outcome = run_tables(tables);
    EXPECT_EQ(outcome.warnings, Warnings{"APIC: second table ignored"});
    EXPECT_EQ(outcome.info.cpus.count, 3U);
}

TEST(Acpi, BoundsTheRootTable) {
    Machine machine;
    place_tables(machine, ordinary_tables());
    Blob entries;
    for (std::size_t i = 0; i < 5000; ++i) entries.add<std::uint64_t>(0x12000);
    machine.place(0x8000, table("XSDT", entries));
    const Outcome outcome = run(machine);
    EXPECT_TRUE(outcome.found);
    EXPECT_EQ(outcome.warnings.front(), "XSDT: too many tables");
    EXPECT_LT(machine.map_count(), 2 * root_entry_limit);
}

TEST(Acpi, ATableThatPointsAtItselfDoesNoHarm) {
    Machine machine;
    machine.place(0x8000, table("XSDT", Blob{}.add<std::uint64_t>(0x8000).add<std::uint64_t>(0).add(~0ULL)));
    machine.place(root_address, root_pointer(0, 0x8000));
    EXPECT_TRUE(run(machine).found);
}

TEST(Acpi, FindsTheRootPointer) {
    const auto find = [](Machine& machine) {
        return find_root_pointer(
            [&](std::uint64_t physical, std::size_t length) { return machine.map(physical, length); });
    };
    Machine machine;
    EXPECT_EQ(find(machine), 0U);
    Blob rom{0x20000};
    machine.place(0xe0000, rom);
    EXPECT_EQ(find(machine), 0U);
    const Blob pointer = root_pointer(0x8000, 0);
    const auto with = [&](std::size_t offset) {
        Blob blob = rom;
        for (std::size_t i = 0; i < pointer.size(); ++i) blob.put(offset + i, pointer.view()[i]);
        return blob;
    };
    machine.place(0xe0000, with(0x1ffe0));
    EXPECT_EQ(find(machine), 0xfffe0U);
    machine.place(0xe0000, with(0x1ffe8));
    EXPECT_EQ(find(machine), 0U);
    machine.place(0xe0000, with(0x1ffe0).flip((0x1ffe0 + 9) * 8));
    EXPECT_EQ(find(machine), 0U);
    machine.place(0x40e, Blob{}.add<std::uint16_t>(0x9fc0));
    machine.place(0x9fc00, Blob{pointer}.resize(1024));
    EXPECT_EQ(find(machine), 0x9fc00U);
}

// What readers of AcpiInfo may rely on, whatever the tables say.
void expect_sound(const AcpiInfo& info) {
    EXPECT_EQ(info.local_apic % 4096, 0U);
    EXPECT_NE(info.local_apic, 0U);
    for (const Cpu& cpu : info.cpus.all()) {
        EXPECT_NE(cpu.enabled, cpu.online_capable);
        for (const Cpu& other : info.cpus.all()) {
            if (&cpu != &other) {
                EXPECT_NE(cpu.apic_id, other.apic_id);
            }
        }
    }
    for (const InterruptOverride& redirection : info.overrides.all()) EXPECT_LT(redirection.source, 16U);
    for (const PciSegment& segment : info.pci_segments.all()) EXPECT_LE(segment.first_bus, segment.last_bus);
    for (const MemoryAffinity& memory : info.memory.all())
        EXPECT_GE(memory.base + memory.length, memory.base);
    if (info.fixed && info.fixed->soft_off) {
        EXPECT_LE(info.fixed->soft_off->type_a, 7U);
        EXPECT_LE(info.fixed->soft_off->type_b, 7U);
    }
}

TEST(Acpi, EveryTruncationIsHarmless) {
    // With a right checksum, so that the readers see it and not only the check before them.
    for (std::size_t which = 0; which < ordinary_tables().size(); ++which) {
        for (std::size_t length = 36; length < ordinary_tables()[which].size(); ++length) {
            std::vector<Blob> tables = ordinary_tables();
            seal(tables[which].resize(length));
            const Outcome outcome = run_tables(tables);
            EXPECT_TRUE(outcome.found);
            expect_sound(outcome.info);
        }
    }
}

TEST(Acpi, SurvivesDamageWithRightChecksums) {
    std::mt19937_64 random{6};
    for (int i = 0; i < 4000; ++i) {
        std::vector<Blob> tables = ordinary_tables();
        Blob& victim = tables[random() % tables.size()];
        const std::string signature{characters(victim.view().first(4))};
        victim = formats::test::damaged(victim, random);
        victim.put_text(0, i % 8 == 0 ? "SSDT" : signature);
        if (i % 4 != 0) seal(victim);
        Machine machine;
        place_tables(machine, tables);
        Blob dsdt = formats::test::damaged(ordinary_dsdt(), random);
        machine.place(dsdt_address, seal(dsdt));
        const Outcome outcome = run(machine);
        EXPECT_TRUE(outcome.found);
        expect_sound(outcome.info);
    }
}

TEST(Acpi, SurvivesMapsThatGiveLess) {
    Machine machine;
    place_tables(machine, ordinary_tables());
    for (std::size_t most = 0; most < 300; ++most) {
        AcpiInfo info;
        const auto map = [&](std::uint64_t physical, std::size_t length) {
            const Bytes bytes = machine.map(physical, length);
            return bytes.first(bytes.size() < most ? bytes.size() : most);
        };
        (void)parse(root_address, map, [](const Warning&) {}, info);
        expect_sound(info);
    }
}

} // namespace
} // namespace chorale::boot::acpi
