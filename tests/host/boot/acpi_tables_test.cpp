// The readers of single ACPI tables: each field, each limit, each thing that firmware gets wrong.
#include "kernel/boot/acpi_tables.hpp"

#include "tests/host/boot/acpi_machine.hpp"

#include <gtest/gtest.h>

namespace chorale::boot::acpi {
namespace {

using namespace test;

using Warnings = std::vector<std::string>;

Outcome read(void (*reader)(Bytes, Report, AcpiInfo&), const Blob& blob) {
    Outcome outcome;
    const Exact exact{blob.view()};
    reader(
        exact.view(),
        [&](const Warning& warning) { outcome.warnings.push_back(std::string{warning.message}); },
        outcome.info);
    return outcome;
}

TEST(AcpiMadt, ReadsCpus) {
    const Outcome outcome =
        read(read_madt, madt({local_apic(1, 4, 1), local_apic(2, 5, 2), local_apic(3, 6, 0),
                              x2apic(4, 400, 1), x2apic(5, 401, 3)}));
    const auto cpus = outcome.info.cpus.all();
    ASSERT_EQ(cpus.size(), 4U);
    EXPECT_EQ(cpus[0].apic_id, 4U);
    EXPECT_EQ(cpus[0].processor, 1U);
    EXPECT_TRUE(cpus[0].enabled && !cpus[0].online_capable);
    EXPECT_TRUE(!cpus[1].enabled && cpus[1].online_capable);
    EXPECT_EQ(cpus[2].apic_id, 400U);
    EXPECT_EQ(cpus[2].processor, 4U);
    EXPECT_TRUE(cpus[3].enabled && !cpus[3].online_capable);
    EXPECT_EQ(outcome.info.enabled_cpus(), 3U);
    EXPECT_EQ(outcome.warnings, Warnings{});
}

TEST(AcpiMadt, IgnoresBroadcastAndRepeatedIds) {
    const Outcome outcome =
        read(read_madt, madt({local_apic(1, 0xff, 1), x2apic(2, 0xffff'ffff, 1), local_apic(3, 7, 2),
                              x2apic(3, 7, 1), local_apic(9, 7, 1), x2apic(4, 255, 1)}));
    const auto cpus = outcome.info.cpus.all();
    ASSERT_EQ(cpus.size(), 2U);
    EXPECT_EQ(cpus[0].apic_id, 7U);
    EXPECT_TRUE(cpus[0].enabled);
    EXPECT_EQ(cpus[1].apic_id, 255U);
}

TEST(AcpiMadt, CountsCpusBeyondTheLimit) {
    std::vector<Blob> entries;
    for (std::uint32_t i = 0; i < 70; ++i) entries.push_back(x2apic(i, i, 1));
    const Outcome outcome = read(read_madt, madt(entries));
    EXPECT_EQ(outcome.info.cpus.count, 64U);
    EXPECT_EQ(outcome.info.cpus.dropped, 6U);
    EXPECT_EQ(outcome.warnings, Warnings{"CPUs ignored"});
}

TEST(AcpiMadt, PresentCpusDisplacePluggableOnes) {
    std::vector<Blob> entries;
    for (std::uint32_t i = 0; i < 64; ++i) entries.push_back(x2apic(i, i, i < 2 ? 2 : 1));
    for (std::uint32_t i = 64; i < 67; ++i) entries.push_back(x2apic(i, i, 1));
    const Outcome outcome = read(read_madt, madt(entries));
    EXPECT_EQ(outcome.info.enabled_cpus(), 64U);
    EXPECT_EQ(outcome.info.cpus.all()[0].apic_id, 64U);
    EXPECT_EQ(outcome.info.cpus.all()[1].apic_id, 65U);
}

TEST(AcpiMadt, ReadsIoApics) {
    const Outcome outcome = read(read_madt, madt({io_apic(8, 0xfec0'0000, 0), io_apic(9, 0xfec0'1000, 24),
                                                  io_apic(1, 0, 48), io_apic(2, 0xfec0'2004, 48),
                                                  io_apic(3, 0xfec0'0000, 48), io_apic(4, 0xfec0'3000, 24)}));
    ASSERT_EQ(outcome.info.io_apics.count, 2U);
    EXPECT_EQ(outcome.info.io_apics.all()[1].id, 9U);
    EXPECT_EQ(outcome.info.io_apics.all()[1].address, 0xfec0'1000U);
    EXPECT_EQ(outcome.info.io_apics.all()[1].first_interrupt, 24U);
    EXPECT_EQ(outcome.warnings, (Warnings{"bad I/O APIC address", "bad I/O APIC address",
                                          "second I/O APIC ignored", "second I/O APIC ignored"}));
    std::vector<Blob> many;
    for (std::uint32_t i = 0; i < 20; ++i) many.push_back(io_apic(0, 0xfec0'0000 + i * 0x1000, i * 24));
    EXPECT_EQ(read(read_madt, madt(many)).info.io_apics.count, 16U);
    EXPECT_EQ(read(read_madt, madt(many)).info.io_apics.dropped, 4U);
}

TEST(AcpiMadt, ReadsOverrides) {
    const Outcome outcome =
        read(read_madt, madt({redirection(0, 2, 0), redirection(9, 20, 0xf), redirection(10, 21, 0x5),
                              redirection(0, 3, 0), redirection(16, 3, 0), redirection(3, 3, 0, 1)}));
    const auto overrides = outcome.info.overrides.all();
    ASSERT_EQ(overrides.size(), 3U);
    EXPECT_EQ(overrides[0].interrupt, 2U);
    EXPECT_EQ(overrides[0].polarity, Polarity::bus_default);
    EXPECT_EQ(overrides[0].trigger, Trigger::bus_default);
    EXPECT_EQ(overrides[1].polarity, Polarity::low);
    EXPECT_EQ(overrides[1].trigger, Trigger::level);
    EXPECT_EQ(overrides[2].polarity, Polarity::high);
    EXPECT_EQ(overrides[2].trigger, Trigger::edge);
    EXPECT_EQ(outcome.warnings,
              (Warnings{"second override ignored", "override of no ISA line", "override of no ISA line"}));
}

TEST(AcpiMadt, ReadsNmis) {
    const AcpiInfo info = read(read_madt, madt({nmi_interrupt(0xd, 23), local_nmi(0xff, 5, 1),
                                                local_nmi(3, 0, 0), x2apic_nmi(0xffff'ffff, 0, 1)}))
                              .info;
    ASSERT_EQ(info.nmi_interrupts.count, 1U);
    EXPECT_EQ(info.nmi_interrupts.all()[0].pin, 23U);
    EXPECT_EQ(info.nmi_interrupts.all()[0].trigger, Trigger::level);
    ASSERT_EQ(info.local_nmis.count, 3U);
    EXPECT_EQ(info.local_nmis.all()[0].processor, every_processor);
    EXPECT_EQ(info.local_nmis.all()[0].pin, 1U);
    EXPECT_EQ(info.local_nmis.all()[1].processor, 3U);
    EXPECT_EQ(info.local_nmis.all()[2].processor, every_processor);
}

TEST(AcpiMadt, ReadsTheAddressAndFlags) {
    EXPECT_EQ(read(read_madt, madt({}, 0xfe00'0000)).info.local_apic, 0xfe00'0000U);
    EXPECT_EQ(read(read_madt, madt({apic_address(0x8'fee0'0000)})).info.local_apic, 0x8'fee0'0000U);
    EXPECT_TRUE(read(read_madt, madt({})).info.legacy_pic);
    EXPECT_FALSE(read(read_madt, madt({}, 0xfee0'0000, 0)).info.legacy_pic);
    for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{0xfee0'0010}, std::uint64_t{1} << 52}) {
        const Outcome outcome = read(read_madt, madt({apic_address(bad)}));
        EXPECT_EQ(outcome.info.local_apic, 0xfee0'0000U);
        EXPECT_EQ(outcome.warnings, Warnings{"bad local APIC address"});
    }
}

TEST(AcpiMadt, StopsAtAnEntryThatCannotBe) {
    for (const std::uint8_t length : std::initializer_list<std::uint8_t>{0, 1, 200}) {
        const Outcome outcome = read(
            read_madt, madt({local_apic(0, 0, 1), local_apic(1, 1, 1).put(1, length), local_apic(2, 2, 1)}));
        EXPECT_EQ(outcome.info.cpus.count, 1U);
        EXPECT_EQ(outcome.warnings, Warnings{"bad entry length"});
    }
    const Outcome skipped = read(read_madt, madt({Blob{4}.put<std::uint8_t>(1, 4), local_apic(2, 2, 1)}));
    EXPECT_EQ(skipped.info.cpus.count, 1U);
    EXPECT_EQ(skipped.warnings, Warnings{"entry too short"});
    const Outcome unknown = read(
        read_madt, madt({Blob{9}.put<std::uint8_t>(0, 0x7f).put<std::uint8_t>(1, 9), local_apic(2, 2, 1)}));
    EXPECT_EQ(unknown.info.cpus.count, 1U);
    EXPECT_EQ(unknown.warnings, Warnings{});
}

TEST(AcpiMcfg, ChecksWindows) {
    const Outcome outcome = read(
        read_mcfg, mcfg({mcfg_window(0xb000'0000, 0, 0, 255), mcfg_window(0x40'0000'0000, 1, 16, 31),
                         mcfg_window(0, 0, 0, 255), mcfg_window(0xb008'0000, 0, 0, 255),
                         mcfg_window(0xb000'0000, 0, 9, 8), mcfg_window(0xffff'ffff'fff0'0000, 0, 0, 255)}));
    ASSERT_EQ(outcome.info.pci_segments.count, 2U);
    EXPECT_EQ(outcome.info.pci_segments.all()[1].base, 0x40'0000'0000U);
    EXPECT_EQ(outcome.info.pci_segments.all()[1].segment, 1U);
    EXPECT_EQ(outcome.info.pci_segments.all()[1].first_bus, 16U);
    EXPECT_EQ(outcome.warnings.size(), 4U);
    EXPECT_EQ(read(read_mcfg, mcfg(std::vector<Blob>(20, mcfg_window(0xb000'0000, 0, 0, 1))))
                  .info.pci_segments.dropped,
              4U);
}

TEST(AcpiHpet, ChecksTheAddress) {
    EXPECT_TRUE(read(read_hpet, hpet()).info.hpet);
    EXPECT_FALSE(read(read_hpet, hpet(0)).info.hpet);
    EXPECT_FALSE(read(read_hpet, hpet(0xfed0'0004)).info.hpet);
    EXPECT_FALSE(read(read_hpet, hpet(std::uint64_t{1} << 52)).info.hpet);
    EXPECT_FALSE(read(read_hpet, hpet(0x60, 1)).info.hpet);
    EXPECT_FALSE(read(read_hpet, hpet(0xfed0'0000, 9)).info.hpet);
    EXPECT_FALSE(read(read_hpet, hpet().resize(55)).info.hpet);
}

TEST(AcpiSrat, ChecksEntries) {
    Outcome outcome;
    for (const std::uint32_t id : {1U, 2U, 300U}) outcome.info.cpus.add({.apic_id = id, .enabled = true});
    const Blob blob = srat({srat_local_apic(0x0102'0304, 1, 1), srat_local_apic(9, 2, 0),
                            srat_local_apic(9, 77, 1), srat_x2apic(0x0a0b'0c0d, 300, 1),
                            srat_memory(3, 0x1000, 0x1000, 3), srat_memory(3, 0x1000, 0x1000, 0),
                            srat_memory(3, 0x1000, 0, 1), srat_memory(3, ~std::uint64_t{0}, 2, 1)});
    read_srat(
        blob.view(), [&](const Warning& warning) { outcome.warnings.emplace_back(warning.message); },
        outcome.info);
    EXPECT_EQ(outcome.info.cpus.all()[0].domain, 0x0102'0304U);
    EXPECT_EQ(outcome.info.cpus.all()[1].domain, 0U);
    EXPECT_EQ(outcome.info.cpus.all()[2].domain, 0x0a0b'0c0dU);
    ASSERT_EQ(outcome.info.memory.count, 1U);
    EXPECT_EQ(outcome.info.memory.all()[0].domain, 3U);
    EXPECT_TRUE(outcome.info.memory.all()[0].hot_pluggable);
    EXPECT_EQ(outcome.warnings, Warnings{"memory range wraps"});
}

TEST(AcpiFadt, ReadsRegisters) {
    const AcpiInfo info = read(read_fadt, fadt()).info;
    ASSERT_TRUE(info.fixed);
    const Fixed& fixed = *info.fixed;
    EXPECT_EQ(fixed.dsdt, dsdt_address);
    EXPECT_EQ(fixed.sci, 9U);
    EXPECT_EQ(fixed.smi_command, 0xb2U);
    EXPECT_EQ(fixed.acpi_enable, 2U);
    EXPECT_EQ(fixed.pm_timer.address, 0x608U);
    EXPECT_EQ(fixed.pm_timer.width, 32U);
    EXPECT_EQ(fixed.pm_timer.space, Space::io);
    EXPECT_TRUE(fixed.pm_timer_wide);
    EXPECT_EQ(fixed.pm1a_control.address, 0x604U);
    EXPECT_FALSE(fixed.pm1b_control);
    EXPECT_EQ(fixed.reset.address, 0xcf9U);
    EXPECT_EQ(fixed.reset_value, 0xfU);
}

TEST(AcpiFadt, OldRevisionsHavePortsOnly) {
    const AcpiInfo info = read(read_fadt, fadt().resize(116).put<std::uint32_t>(112, 0)).info;
    ASSERT_TRUE(info.fixed);
    EXPECT_EQ(info.fixed->dsdt, dsdt_address);
    EXPECT_EQ(info.fixed->pm_timer.address, 0x608U);
    EXPECT_EQ(info.fixed->pm_timer.width, 32U);
    EXPECT_FALSE(info.fixed->pm_timer_wide);
    EXPECT_EQ(info.fixed->pm1a_control.width, 16U);
    EXPECT_FALSE(info.fixed->reset);
    EXPECT_FALSE(read(read_fadt, fadt().resize(115)).info.fixed);
}

TEST(AcpiFadt, DistrustsRegisters) {
    const Outcome reset = read(read_fadt, fadt().put<std::uint8_t>(116, 0x7f));
    EXPECT_FALSE(reset.info.fixed->reset);
    EXPECT_EQ(reset.warnings, Warnings{"bad reset register"});
    // A port of more than 16 bits, in either form.
    const Blob far = fadt().put<std::uint64_t>(212, 0x10608).put<std::uint32_t>(76, 0x10608);
    EXPECT_FALSE(read(read_fadt, far).info.fixed->pm_timer);
    const Blob reduced = fadt().put<std::uint32_t>(112, 1U << 20);
    EXPECT_TRUE(read(read_fadt, reduced).info.fixed->hardware_reduced);
    EXPECT_FALSE(read(read_fadt, reduced).info.fixed->pm_timer);
}

std::optional<SoftOff> soft_off(const Blob& code) {
    const Blob blob = table("DSDT", code);
    return find_soft_off(Exact{blob.view()}.view());
}

TEST(AcpiSoftOff, ReadsEveryForm) {
    const auto expect = [](const Blob& code, std::uint8_t type_a, std::uint8_t type_b) {
        const auto found = soft_off(code);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->type_a, type_a);
        EXPECT_EQ(found->type_b, type_b);
    };
    expect(sleep_package({"\0\0\0\0", 4}, 4), 0, 0);
    expect(sleep_package({"\x0a\x05\x0a\x06\0\0", 6}, 4), 5, 6);
    expect(sleep_package({"\x01\x00\0\0", 4}, 4), 1, 0);
    expect(sleep_package({"\x0b\x07\x00\x0c\x03\0\0\0", 8}, 2), 7, 3);
    expect(sleep_package({"\x0a\x05", 2}, 1), 5, 5);
    expect(sleep_package({"\x0a\x05\x0a\x05\0\0", 6}, 4, "\x08\\_S5_"), 5, 5);
    // A package length of two bytes.
    expect(Blob{}.add_text("\x08_S5_\x12\x47").add<std::uint8_t>(0).add_text("\x04\x0a\x02\x01\x01"), 2, 1);
}

TEST(AcpiSoftOff, RejectsWhatIsNoPackage) {
    EXPECT_FALSE(soft_off(Blob{}));
    EXPECT_FALSE(soft_off(Blob{}.add_text("_S5_")));
    EXPECT_FALSE(soft_off(Blob{}.add_text("\x08_S5_")));
    EXPECT_FALSE(soft_off(Blob{}.add_text("\x08_S5_\x12")));
    EXPECT_FALSE(soft_off(sleep_package({"\0\0\0\0", 4}, 4, " _S5_")));
    EXPECT_FALSE(soft_off(sleep_package({"\0\0\0\0", 4}, 4, "_S5_")));
    EXPECT_FALSE(soft_off(sleep_package({"\0\0\0\0", 4}, 4, "\\_S5_")));
    EXPECT_FALSE(soft_off(sleep_package({"\0\0\0\0", 4}, 0)));
    EXPECT_FALSE(soft_off(sleep_package({"\x0a\x08\x00", 3}, 2)));
    EXPECT_FALSE(soft_off(sleep_package({"\x0b\x00\x01\x00", 4}, 2)));
    EXPECT_FALSE(soft_off(sleep_package({"\xff\x00", 2}, 2)));
    EXPECT_FALSE(soft_off(sleep_package({"\x0a", 1}, 1)));
    EXPECT_FALSE(soft_off(sleep_package({"\x01", 1}, 2)));
    EXPECT_FALSE(soft_off(sleep_package("", 2)));
}

TEST(AcpiSoftOff, GoesOnBehindAFalseMatch) {
    Blob code = sleep_package({"\xff\xff", 2}, 2);
    code.append(sleep_package({"\x0a\x05\x00", 3}, 2));
    ASSERT_TRUE(soft_off(code));
    EXPECT_EQ(soft_off(code)->type_a, 5U);
}

TEST(AcpiSoftOff, EveryTruncationIsFound) {
    const Blob code = sleep_package({"\x0a\x05\x0a\x05\0\0", 6}, 4);
    for (std::size_t length = 0; length < code.size(); ++length)
        EXPECT_FALSE(soft_off(Blob{code}.resize(length))) << length;
    EXPECT_TRUE(soft_off(code));
}

TEST(AcpiSoftOff, ComesFromAnSsdtToo) {
    std::vector<Blob> tables = ordinary_tables();
    tables.push_back(table("SSDT", Blob{100}));
    tables.push_back(table("SSDT", sleep_package({"\x0a\x04\x0a\x04", 4}, 2)));
    Machine machine;
    place_tables(machine, tables);
    machine.place(dsdt_address, table("DSDT", Blob{100}));
    const Outcome outcome = run(machine);
    ASSERT_TRUE(outcome.info.fixed && outcome.info.fixed->soft_off);
    EXPECT_EQ(outcome.info.fixed->soft_off->type_a, 4U);
    EXPECT_EQ(outcome.warnings, Warnings{});
}

} // namespace
} // namespace chorale::boot::acpi
