// PLIC, APLIC and IMSIC: whom they serve, and what firmware may get wrong about it.
#include "tests/host/boot/device_tree_machine.hpp"

#include <gtest/gtest.h>

namespace chorale::boot::device_tree {
namespace {

using namespace test;

using Reports = std::vector<std::string>;

template <class List>
[[nodiscard]] std::vector<u32> indices(const List& contexts) {
    std::vector<u32> found;
    for (const Context& context : contexts.all()) found.push_back(context.index);
    return found;
}

TEST(DeviceTreePlic, TakesContextsOfBothPrivileges) {
    Tree tree = virt(2);
    const u32 first = local_controller(0), second = local_controller(1);
    TreeNode& plic = tree.at("/soc/plic@c000000");
    plic.cells("interrupts-extended", {first, 11, first, 9, second, 11, second, 9});
    Outcome outcome = read_tree(tree);
    EXPECT_EQ(indices(outcome.machine->plics.all()[0].contexts), (std::vector<u32>{0, 1, 2, 3}));
    EXPECT_EQ(outcome.machine->plics.all()[0].contexts.all()[2].cause, 11U);
    EXPECT_EQ(outcome.reports, Reports{});

    plic.cells("interrupts-extended", {first, 7, 999, 9, 0, 9, plic_phandle, 9, ~0U, ~0U, second, 9, first});
    outcome = read_tree(tree);
    EXPECT_EQ(indices(outcome.machine->plics.all()[0].contexts), std::vector<u32>{5});
    EXPECT_EQ(
        outcome.reports,
        (Reports{"plic@c000000: contexts of a wrong length",
                 "plic@c000000: a context for no external interrupt", "plic@c000000: a context for no hart",
                 "plic@c000000: a context for no hart", "plic@c000000: a context for no hart"}));
    plic.erase("interrupts-extended");
    outcome = read_tree(tree);
    EXPECT_TRUE(outcome.machine->plics.all()[0].contexts.all().empty());
}

TEST(DeviceTreePlic, HasRegistersForEachContext) {
    Tree tree = virt(4);
    TreeNode& plic = tree.at("/soc/plic@c000000").reg(0xc00'0000, 0x20'4fff);
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(indices(outcome.machine->plics.all()[0].contexts), (std::vector<u32>{1, 3}));
    EXPECT_EQ(outcome.reports, (Reports{"plic@c000000: a context without registers",
                                        "plic@c000000: a context without registers"}));
    plic.reg(0xc00'0000, 0x20'0fff);
    EXPECT_EQ(read_tree(tree).reports[0], "plic@c000000: too few registers");
    plic.reg(0xc00'0800, 0x60'0000);
    EXPECT_EQ(read_tree(tree).reports[0], "plic@c000000: its registers are not aligned");
    EXPECT_TRUE(read_tree(tree).machine->plics.all().empty());
}

TEST(DeviceTreePlic, HasSources) {
    for (const std::vector<u32>& sources : {std::vector<u32>{0}, {1024}, {~0U}, {}, {0, 96}}) {
        Tree tree = virt(1);
        tree.at("/soc/plic@c000000").cells("riscv,ndev", sources);
        const Outcome outcome = read_tree(tree);
        EXPECT_TRUE(outcome.machine->plics.all().empty());
        EXPECT_EQ(outcome.reports, (Reports{"plic@c000000: a number of interrupt sources that cannot be",
                                            "serial@10000000: its interrupt leads nowhere"}));
    }
    Tree tree = virt(1);
    tree.at("/soc/plic@c000000").cells("riscv,ndev", {1023});
    EXPECT_EQ(read_tree(tree).machine->plics.all()[0].sources, 1023U);
    tree.at("/soc/plic@c000000").erase("riscv,ndev");
    EXPECT_TRUE(read_tree(tree).machine->plics.all().empty());
}

TEST(DeviceTreePlic, StandsInAPlaceOfItsOwn) {
    Tree tree = virt(1);
    TreeNode& second = tree.at("/soc").add("plic@1").text("compatible", {"riscv,plic0"});
    second.cells("riscv,ndev", {1}).reg(0xc5f'f000, 0x60'0000).cells("phandle", {77});
    const Reports expected{"plic@1: a second controller in this place or of this name"};
    EXPECT_EQ(read_tree(tree).reports, expected);
    second.reg(0xba0'0000, 0x60'0001);
    EXPECT_EQ(read_tree(tree).reports, expected);
    second.reg(0xba0'0000, 0x60'0000);
    EXPECT_EQ(read_tree(tree).reports, Reports{});
    second.reg(0xc60'0000, 0x60'0000).cells("phandle", {plic_phandle});
    EXPECT_EQ(read_tree(tree).reports, expected);
    second.erase("phandle").cells("linux,phandle", {plic_phandle});
    EXPECT_EQ(read_tree(tree).reports, expected);
    second.erase("linux,phandle");
    EXPECT_EQ(read_tree(tree).machine->plics.all().size(), 2U);
    for (u64 i = 2; i < 6; ++i)
        tree.at("/soc")
            .add("plic@2")
            .text("compatible", {"riscv,plic0"})
            .cells("riscv,ndev", {1})
            .reg(i << 32, 0x60'0000);
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->plics.all().size(), 4U);
    EXPECT_EQ(outcome.machine->plics.dropped(), 2U);
    EXPECT_EQ(outcome.reports, Reports(2, "plic@2: one controller too many"));
}

TEST(DeviceTreePlic, MayComeBeforeTheHarts) {
    Tree tree = virt(1), turned;
    turned.root = tree.root;
    turned.root.erase_child("cpus");
    TreeNode& cpus = turned.root.add("cpus").widths(1, 0).cells("timebase-frequency", {1});
    TreeNode& cpu = cpus.add("cpu@0").cells("reg", {0}).text("mmu-type", {"riscv,sv39"}).add("intc");
    cpu.text("compatible", {"riscv,cpu-intc"}).cells("phandle", {2}).cells("#interrupt-cells", {1});
    const Outcome outcome = read_tree(turned);
    EXPECT_EQ(outcome.reports, Reports{});
    EXPECT_EQ(outcome.machine->plics.all()[0].contexts.all().size(), 1U);
    EXPECT_EQ(outcome.machine->console.interrupt, 10U);
}

TEST(DeviceTreePlic, ServesALimitedNumberOfHarts) {
    Tree tree = virt(1);
    std::vector<u32> list;
    for (u32 i = 0; i < 2 * max_cpus + 5; ++i) list.insert(list.end(), {local_controller(0), 9});
    tree.at("/soc/plic@c000000").cells("interrupts-extended", list);
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->plics.all()[0].contexts.all().size(), 2 * max_cpus);
    EXPECT_EQ(outcome.reports, Reports(5, "plic@c000000: one context too many"));
}

TEST(DeviceTreeAplic, SignalsHartsDirectly) {
    for (u32 harts = 1; harts <= 8; ++harts) {
        const Outcome outcome = read_tree(virt(harts, Interrupts::aplic));
        EXPECT_EQ(outcome.reports, Reports{});
        ASSERT_EQ(outcome.machine->aplics.all().size(), 1U); // the machine's is disabled
        const Aplic& aplic = outcome.machine->aplics.all()[0];
        EXPECT_EQ(aplic.registers.begin, 0xd00'0000U);
        EXPECT_EQ(aplic.phandle, aplic_s);
        EXPECT_EQ(aplic.sources, 96U);
        EXPECT_EQ(aplic.msi_parent, 0U);
        EXPECT_TRUE(aplic.supervisor);
        ASSERT_EQ(aplic.contexts.all().size(), harts);
        EXPECT_EQ(aplic.contexts.all()[harts - 1].controller, local_controller(harts - 1));
        EXPECT_EQ(outcome.machine->console.interrupt_parent, aplic_s);
        EXPECT_EQ(outcome.machine->console.interrupt, 10U);
    }
}

TEST(DeviceTreeAplic, SignalsHartsByMessages) {
    Tree tree = virt(4, Interrupts::imsic);
    tree.at("/soc/aplic@c000000").text("status", {"okay"});
    tree.at("/soc/imsics@24000000").text("status", {"okay"});
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.reports, Reports{});
    ASSERT_EQ(outcome.machine->aplics.all().size(), 2U);
    const Aplic& supervisor = outcome.machine->aplics.all()[0];
    EXPECT_EQ(supervisor.msi_parent, imsic_s);
    EXPECT_TRUE(supervisor.supervisor);
    EXPECT_FALSE(outcome.machine->aplics.all()[1].supervisor);
    ASSERT_EQ(outcome.machine->imsics.all().size(), 2U);
    const Imsic& imsic = outcome.machine->imsics.all()[0];
    EXPECT_EQ(imsic.phandle, imsic_s);
    EXPECT_EQ(imsic.identities, 255U);
    EXPECT_TRUE(imsic.supervisor);
    EXPECT_EQ(imsic.registers.begin, 0x2800'0000U);
    EXPECT_EQ(imsic.hart_index_bits, 2);
    EXPECT_EQ(imsic.group_index_bits, 0);
    EXPECT_EQ(imsic.group_index_shift, 24);
    EXPECT_EQ(indices(imsic.contexts), (std::vector<u32>{0, 1, 2, 3}));
    for (u32 i = 0; i < 4; ++i) EXPECT_EQ(imsic.file(i), 0x2800'0000 + i * 0x1000);
    EXPECT_EQ(imsic.file(4), 0U);
    EXPECT_FALSE(outcome.machine->imsics.all()[1].supervisor);
    EXPECT_EQ(outcome.machine->console.interrupt_parent, aplic_s);
}

TEST(DeviceTreeAplic, LeadsSomewhere) {
    const std::string nobody = "aplic@d000000: it serves no hart, or several privileges";
    // Nothing, nobody, itself, a PLIC's name, the machine's IMSIC, which is disabled.
    for (const std::vector<u32>& parent : {std::vector<u32>{}, {0}, {999}, {aplic_s}, {imsic_m}}) {
        Tree tree = virt(1, Interrupts::imsic);
        tree.at("/soc/aplic@d000000").cells("msi-parent", parent);
        const Outcome outcome = read_tree(tree);
        EXPECT_TRUE(outcome.machine->aplics.all().empty());
        EXPECT_EQ(outcome.reports, (Reports{nobody, "serial@10000000: its interrupt leads nowhere"}));
    }
    Tree nameless = virt(1, Interrupts::imsic);
    nameless.at("/soc/aplic@d000000").cells("msi-parent", {0});
    nameless.at("/soc/imsics@28000000").erase("phandle");
    EXPECT_EQ(read_tree(nameless).reports[0], nobody);

    Tree tree = virt(2, Interrupts::aplic);
    TreeNode& aplic = tree.at("/soc/aplic@d000000");
    aplic.cells("interrupts-extended", {local_controller(0), 9, local_controller(1), 11});
    EXPECT_EQ(read_tree(tree).reports[0], nobody);
    aplic.erase("interrupts-extended");
    EXPECT_EQ(read_tree(tree).reports[0], nobody);
    aplic.cells("interrupts-extended", {local_controller(0), ~0U, local_controller(1), 9});
    EXPECT_EQ(indices(read_tree(tree).machine->aplics.all()[0].contexts), std::vector<u32>{1});
}

TEST(DeviceTreeAplic, IsKeptToALimit) {
    Tree tree = virt(1, Interrupts::aplic);
    for (u64 i = 1; i <= 10; ++i)
        tree.at("/soc")
            .add("aplic@" + std::to_string(i))
            .text("compatible", {"riscv,aplic"})
            .reg(i << 32, 0x8000)
            .cells("riscv,num-sources", {1})
            .cells("interrupts-extended", {local_controller(0), 9});
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->aplics.all().size(), 8U);
    EXPECT_EQ(outcome.reports,
              (Reports{"aplic@8: one controller too many", "aplic@9: one controller too many",
                       "aplic@10: one controller too many"}));
}

TEST(DeviceTreeAplic, HasRegistersForEachHart) {
    Tree tree = virt(3, Interrupts::aplic);
    TreeNode& aplic = tree.at("/soc/aplic@d000000").reg(0xd00'0000, 0x4000 + 2 * 32);
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(indices(outcome.machine->aplics.all()[0].contexts), (std::vector<u32>{0, 1}));
    EXPECT_EQ(outcome.reports, Reports{"aplic@d000000: a context without registers"});
    aplic.reg(0xd00'0000, 0x3fff);
    EXPECT_EQ(read_tree(tree).reports[0], "aplic@d000000: too few registers");
    aplic.reg(0xd00'0000, 0x4000).cells("riscv,num-sources", {1024});
    EXPECT_EQ(read_tree(tree).reports[0], "aplic@d000000: a number of interrupt sources that cannot be");
}

TEST(DeviceTreeImsic, HasFilesInGroups) {
    Tree tree = virt(8, Interrupts::imsic);
    TreeNode& imsic = tree.at("/soc/imsics@28000000");
    imsic.cells("reg", {0, 0x2800'0000, 0, 0x4000, 0, 0x2900'0000, 0, 0x4000});
    imsic.cells("riscv,hart-index-bits", {2}).cells("riscv,group-index-bits", {1});
    imsic.cells("riscv,group-index-shift", {24});
    Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.reports, Reports{});
    const Imsic& grouped = outcome.machine->imsics.all()[0];
    EXPECT_EQ(grouped.contexts.all().size(), 8U);
    EXPECT_EQ(grouped.group_index_bits, 1);
    EXPECT_EQ(grouped.file(3), 0x2800'3000U);
    EXPECT_EQ(grouped.file(4), 0x2900'0000U);
    EXPECT_EQ(grouped.file(7), 0x2900'3000U);
    EXPECT_EQ(grouped.file(8), 0U);
    EXPECT_EQ(grouped.file(~0U), 0U);

    // Three guests each; each group ends with the last hart's own file.
    imsic.cells("riscv,guest-index-bits", {2});
    imsic.cells("reg", {0, 0x2800'0000, 0, 0xd000, 0, 0x2900'0000, 0, 0xd000});
    outcome = read_tree(tree);
    EXPECT_EQ(outcome.reports, Reports{});
    EXPECT_EQ(outcome.machine->imsics.all()[0].file(3), 0x2800'c000U);
    EXPECT_EQ(outcome.machine->imsics.all()[0].file(4), 0x2900'0000U);

    // Half a page is no file.
    imsic.cells("reg", {0, 0x2800'0000, 0, 0x4800, 0, 0x2900'0000, 0, 0x4000});
    outcome = read_tree(tree);
    EXPECT_EQ(indices(outcome.machine->imsics.all()[0].contexts), (std::vector<u32>{0, 2}));
    EXPECT_EQ(outcome.machine->imsics.all()[0].file(1), 0U);
    EXPECT_EQ(outcome.machine->imsics.all()[0].file(2), 0x2900'0000U);

    imsic.cells("reg", {0, 0x2800'0000, 0, 0x4000, 0, 0x2900'0000, 0, 0x4000});
    outcome = read_tree(tree);
    EXPECT_EQ(indices(outcome.machine->imsics.all()[0].contexts), (std::vector<u32>{0, 1}));
    EXPECT_EQ(outcome.reports, Reports(6, "imsics@28000000: a context without registers"));
}

struct BadNumber {
    const char* name;
    std::vector<u32> value;
};

TEST(DeviceTreeImsic, IsNumberedAsSpecified) {
    const std::vector<BadNumber> wrong = {
        {"riscv,num-ids", {}},           {"riscv,num-ids", {0}},
        {"riscv,num-ids", {62}},         {"riscv,num-ids", {64}},
        {"riscv,num-ids", {2111}},       {"riscv,num-ids", {~0U}},
        {"riscv,guest-index-bits", {7}}, {"riscv,guest-index-bits", {~0U}},
        {"riscv,guest-index-bits", {}},  {"riscv,hart-index-bits", {16}},
        {"riscv,hart-index-bits", {}},   {"riscv,group-index-bits", {8}},
        {"riscv,group-index-bits", {}},  {"riscv,group-index-shift", {23}},
        {"riscv,group-index-shift", {}}, {"riscv,group-index-shift", {56}},
    };
    for (const BadNumber& bad : wrong) {
        Tree tree = virt(1, Interrupts::imsic);
        tree.at("/soc/imsics@28000000").cells(bad.name, bad.value);
        const Outcome outcome = read_tree(tree);
        EXPECT_TRUE(outcome.good);
        EXPECT_TRUE(outcome.machine->imsics.all().empty()) << bad.name;
        EXPECT_EQ(outcome.reports[0], "imsics@28000000: interrupt files of a form that is not supported");
    }
    for (const u32 good : {63U, 127U, 2047U}) {
        Tree tree = virt(5, Interrupts::imsic);
        tree.at("/soc/imsics@28000000").cells("riscv,num-ids", {good});
        EXPECT_EQ(read_tree(tree).machine->imsics.all()[0].identities, good);
        EXPECT_EQ(read_tree(tree).machine->imsics.all()[0].hart_index_bits, 3);
    }
}

TEST(DeviceTreeImsic, HasAPlaceAndServesSomebody) {
    Tree tree = virt(2, Interrupts::imsic);
    TreeNode& imsic = tree.at("/soc/imsics@28000000").reg(0x2800'0100, 0x2000);
    EXPECT_EQ(read_tree(tree).reports[0], "imsics@28000000: its registers are not aligned");
    imsic.reg(0x2800'0000, 0xfff);
    EXPECT_EQ(read_tree(tree).reports[0], "imsics@28000000: too few registers");
    imsic.cells("reg", {0, 0x2800'0000, 0, 0x2000, 0, 0, 0});
    EXPECT_EQ(read_tree(tree).reports[0], "imsics@28000000: addresses of a wrong length");
    imsic.cells("reg", {0, 0x2800'0000, 0, 0x2000, 0, 0x2900'0800, 0, 0x2000}); // files would move
    EXPECT_TRUE(read_tree(tree).machine->imsics.all().empty());
    imsic.erase("reg");
    EXPECT_EQ(read_tree(tree).reports, (Reports{"imsics@28000000: it has no addresses",
                                                "aplic@d000000: it serves no hart, or several privileges",
                                                "serial@10000000: its interrupt leads nowhere"}));
    imsic.reg(0x2800'0000, 0x2000);
    imsic.cells("interrupts-extended", {local_controller(0), 9, local_controller(1), 11});
    EXPECT_EQ(read_tree(tree).reports[0], "imsics@28000000: it serves no hart, or several privileges");
    imsic.erase("interrupts-extended");
    EXPECT_EQ(read_tree(tree).reports[0], "imsics@28000000: it serves no hart, or several privileges");
    EXPECT_TRUE(read_tree(tree).machine->imsics.all().empty());
    EXPECT_TRUE(read_tree(tree).machine->aplics.all().empty());
    std::vector<u32> groups;
    for (u32 i = 0; i < 10; ++i) groups.insert(groups.end(), {0, 0x2800'0000 + (i << 24), 0, 0x1000});
    imsic.cells("reg", groups).cells("interrupts-extended", {local_controller(0), 9});
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->imsics.all()[0].groups.all().size(), 8U);
    EXPECT_EQ(outcome.reports, Reports(2, "imsics@28000000: one group of interrupt files too many"));
}

} // namespace
} // namespace chorale::boot::device_tree
