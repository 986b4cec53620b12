// Device trees of QEMU's machines, and what a tree says of harts, memory and the boot when it says it
// wrongly.
#include "tests/host/boot/device_tree_machine.hpp"

#include <gtest/gtest.h>

namespace chorale::boot::device_tree {
namespace {

using namespace test;

using Reports = std::vector<std::string>;

template <class List>
[[nodiscard]] std::vector<u64> begins(const List& list) {
    std::vector<u64> found;
    for (const auto& each : list.all()) found.push_back(each.begin);
    return found;
}

[[nodiscard]] std::vector<u64> memory_of(const Outcome& outcome) {
    std::vector<u64> found;
    for (const FirmwareRange& each : outcome.machine->memory.all()) {
        EXPECT_EQ(each.type, FirmwareRange::usable);
        found.insert(found.end(), {each.base, each.length});
    }
    return found;
}

class VirtTest : public testing::TestWithParam<u32> {};

TEST_P(VirtTest, IsUnderstood) {
    const u32 harts = GetParam();
    const Outcome outcome = read_tree(virt(harts));
    ASSERT_TRUE(outcome.good) << outcome.problem;
    EXPECT_EQ(outcome.reports, Reports{});
    const Machine& machine = *outcome.machine;
    EXPECT_EQ(machine.model, "riscv-virtio,qemu");
    EXPECT_EQ(machine.command_line, "");
    EXPECT_EQ(machine.timebase_frequency, 10'000'000U);
    EXPECT_EQ(machine.bank.length, 0U);
    EXPECT_EQ(machine.random_seed.size(), 32U);
    EXPECT_EQ(memory_of(outcome), (std::vector<u64>{0x8000'0000, u64{2} << 30}));
    EXPECT_EQ(begins(machine.reserved), std::vector<u64>{0x8000'0000});
    EXPECT_EQ(machine.reserved.all()[0].length, 0x8'0000U);
    EXPECT_EQ(machine.test_device.begin, 0x10'0000U);
    EXPECT_EQ(machine.console.kind, Uart::ns16550);
    EXPECT_EQ(machine.console.registers.begin, 0x1000'0000U);
    EXPECT_EQ(machine.console.register_shift, 0);
    EXPECT_EQ(machine.console.register_width, 1);
    EXPECT_EQ(machine.console.interrupt, 10U);
    EXPECT_EQ(machine.console.interrupt_parent, plic_phandle);
    ASSERT_EQ(machine.cpus.all().size(), harts);
    ASSERT_EQ(machine.plics.all().size(), 1U);
    const Plic& plic = machine.plics.all()[0];
    EXPECT_EQ(plic.registers.begin, 0xc00'0000U);
    EXPECT_EQ(plic.sources, 96U);
    ASSERT_EQ(plic.contexts.all().size(), harts);
    for (u32 hart = 0; hart < harts; ++hart) {
        const Cpu& cpu = machine.cpus.all()[hart];
        EXPECT_EQ(cpu.hart, hart);
        EXPECT_EQ(cpu.mmu, Mmu::sv48);
        EXPECT_TRUE(cpu.enabled);
        EXPECT_EQ(cpu.controller, local_controller(hart));
        EXPECT_TRUE(cpu.isa.starts_with("rv64imafdch_zicsr"));
        const Context& context = plic.contexts.all()[hart];
        EXPECT_EQ(context.index, 2 * hart + 1);
        EXPECT_EQ(context.controller, local_controller(hart));
        EXPECT_EQ(context.cause, 9U);
    }
    EXPECT_TRUE(machine.aplics.all().empty());
    EXPECT_TRUE(machine.imsics.all().empty());
}

INSTANTIATE_TEST_SUITE_P(Harts, VirtTest, testing::Range(1U, 9U));

TEST(DeviceTree, UnderstandsSifiveU) {
    const Outcome outcome = read_tree(sifive_u());
    ASSERT_TRUE(outcome.good) << outcome.problem;
    EXPECT_EQ(outcome.reports, Reports{});
    const Machine& machine = *outcome.machine;
    EXPECT_EQ(machine.model, "SiFive HiFive Unleashed A00");
    EXPECT_EQ(machine.timebase_frequency, 1'000'000U);
    EXPECT_EQ(machine.console.kind, Uart::sifive);
    EXPECT_EQ(machine.console.registers.begin, 0x1001'0000U);
    EXPECT_EQ(machine.console.register_shift, 2);
    EXPECT_EQ(machine.console.register_width, 4);
    EXPECT_EQ(machine.console.interrupt, 4U);
    EXPECT_EQ(machine.test_device.length, 0U);
    ASSERT_EQ(machine.cpus.all().size(), 5U);
    EXPECT_EQ(machine.cpus.all()[0].mmu, Mmu::none);
    EXPECT_FALSE(machine.cpus.all()[0].enabled);
    EXPECT_TRUE(machine.cpus.all()[4].enabled);
    ASSERT_EQ(machine.plics.all().size(), 1U);
    const auto contexts = machine.plics.all()[0].contexts.all();
    ASSERT_EQ(contexts.size(), 4U);
    EXPECT_EQ(contexts[0].index, 2U);
    EXPECT_EQ(contexts[3].index, 8U);
    EXPECT_EQ(contexts[3].controller, local_controller(4));
}

TEST(DeviceTree, ReadsWhatTheLoaderChose) {
    Tree tree = virt(1);
    TreeNode& chosen = tree.at("/chosen").text("bootargs", {"cpus=2 bench=all"});
    chosen.cells("linux,initrd-start", {0x8420'0000}).cells("linux,initrd-end", {0, 0x8430'0001});
    Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->command_line, "cpus=2 bench=all");
    EXPECT_EQ(outcome.machine->bank.begin, 0x8420'0000U);
    EXPECT_EQ(outcome.machine->bank.length, 0x10'0001U);
    EXPECT_EQ(outcome.reports, Reports{});

    chosen.cells("linux,initrd-end", {0x8420'0000});
    outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->bank.length, 0U);
    EXPECT_EQ(outcome.reports, Reports{});
    const Reports nonsense{"chosen: the bank's place makes no sense"};
    for (const std::vector<u32>& end : {std::vector<u32>{0x841f'ffff}, {}, {1, 2, 3}}) {
        chosen.cells("linux,initrd-end", end);
        outcome = read_tree(tree);
        EXPECT_TRUE(outcome.good);
        EXPECT_EQ(outcome.machine->bank.length, 0U);
        EXPECT_EQ(outcome.reports, nonsense);
    }
    chosen.erase("linux,initrd-end");
    EXPECT_EQ(read_tree(tree).reports, nonsense);
    chosen.cells("linux,initrd-end", {9}).erase("linux,initrd-start");
    EXPECT_EQ(read_tree(tree).reports, nonsense);
}

TEST(DeviceTree, NeedsNothingToBeChosen) {
    Tree tree = virt(1);
    tree.root.erase_child("chosen");
    tree.root.erase("model");
    const Outcome outcome = read_tree(tree);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.machine->model, "");
    EXPECT_EQ(outcome.machine->console.kind, Uart::ns16550); // the first serial port
    EXPECT_EQ(outcome.reports, Reports{});
}

TEST(DeviceTree, TextsMustEnd) {
    Tree tree = virt(1);
    tree.root.raw("model", "model");
    tree.at("/chosen").raw("bootargs", "cpus=1").raw("stdout-path", "");
    tree.at("/cpus/cpu@0").raw("riscv,isa", std::string(4, 'r')).raw("mmu-type", "riscv,sv48");
    Outcome outcome = read_tree(tree);
    ASSERT_TRUE(outcome.good);
    EXPECT_EQ(outcome.reports, (Reports{"/: a text has no end", "chosen: a text has no end",
                                        "chosen: a text has no end", "cpu@0: a text has no end",
                                        "cpu@0: its paging is not known", "cpu@0: a text has no end"}));
    EXPECT_EQ(outcome.machine->model, "");
    EXPECT_EQ(outcome.machine->command_line, "");
    EXPECT_EQ(outcome.machine->cpus.all()[0].isa, "");
    EXPECT_EQ(outcome.machine->cpus.all()[0].mmu, Mmu::none);
    tree.at("/chosen").raw("bootargs", std::string{"cpus=1\0poll=on", 15});
    EXPECT_EQ(read_tree(tree).machine->command_line, "cpus=1");
}

TEST(DeviceTree, TakesTheFirstOfTwo) {
    Tree tree = virt(1);
    tree.at("/chosen").text("bootargs", {"first"});
    tree.root.add("chosen").text("bootargs", {"second"});
    tree.root.add("chosen@1").text("bootargs", {"third"});
    tree.root.add("aliases");
    tree.root.add("aliases");
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->command_line, "first");
    EXPECT_EQ(outcome.reports,
              (Reports{"chosen: a second one is not read", "chosen@1: a second one is not read",
                       "aliases: a second one is not read"}));
}

TEST(DeviceTreeCpus, MustBeThere) {
    Tree tree = virt(1);
    tree.at("/cpus").erase_child("cpu@0");
    EXPECT_EQ(read_tree(tree).problem, "it names no harts");
    tree.root.erase_child("cpus");
    const Outcome outcome = read_tree(tree);
    EXPECT_FALSE(outcome.good);
    EXPECT_EQ(outcome.problem, "it names no harts");
}

TEST(DeviceTreeCpus, AreNotNamedTwice) {
    Tree tree = virt(3);
    tree.at("/cpus/cpu@2").cells("reg", {1});
    tree.at("/cpus").add("cpu@0").text("device_type", {"cpu"}).cells("reg", {0});
    const Outcome outcome = read_tree(tree);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.machine->cpus.all().size(), 2U);
    EXPECT_EQ(outcome.reports,
              (Reports{"cpu@2: a second hart of this number", "cpu@0: a second hart of this number",
                       "plic@c000000: a context for no hart"}));
}

TEST(DeviceTreeCpus, HaveNumbersOfOneOrTwoCells) {
    Tree tree = virt(2);
    tree.at("/cpus").widths(2, 0);
    tree.at("/cpus/cpu@0").cells("reg", {1, 2});
    tree.at("/cpus/cpu@1").cells("reg", {3});
    Outcome outcome = read_tree(tree);
    ASSERT_EQ(outcome.machine->cpus.all().size(), 1U);
    EXPECT_EQ(outcome.machine->cpus.all()[0].hart, 0x1'0000'0002U);
    EXPECT_EQ(outcome.reports[0], "cpu@1: addresses of a wrong length");
    for (const u32 width : {0U, 3U, 255U, 256U, 257U, 0xffff'ffffU}) {
        tree.at("/cpus").cells("#address-cells", {width});
        outcome = read_tree(tree);
        EXPECT_EQ(outcome.problem, "it names no harts");
        EXPECT_EQ(outcome.reports[0], "cpu@0: addresses or sizes of a width that is not supported");
    }
    tree.at("/cpus").cells("#address-cells", {1, 1});
    EXPECT_EQ(read_tree(tree).problem, "it names no harts");
    tree.at("/cpus").cells("#address-cells", {1});
    tree.at("/cpus/cpu@1").erase("reg");
    tree.at("/cpus/cpu@0").cells("reg", {});
    EXPECT_EQ(read_tree(tree).reports,
              (Reports{"cpu@0: addresses of a wrong length", "cpu@1: it has no addresses"}));
}

TEST(DeviceTreeCpus, SayWhatTheyCanDo) {
    Tree tree = virt(8);
    const std::vector<std::string> paging = {"riscv,sv39", "riscv,sv48", "riscv,sv57",
                                             "riscv,none", "riscv,sv32", "sv48"};
    for (u32 i = 0; i < paging.size(); ++i)
        tree.at("/cpus/cpu@" + std::to_string(i)).text("mmu-type", {paging[i]});
    tree.at("/cpus/cpu@1").text("status", {"ok"});
    tree.at("/cpus/cpu@2").erase("status");
    tree.at("/cpus/cpu@3").text("status", {"disabled"});
    tree.at("/cpus/cpu@4").text("status", {"fail"});
    tree.at("/cpus/cpu@5").raw("status", "okay");
    tree.at("/cpus/cpu@6").raw("status", "");
    const Outcome outcome = read_tree(tree);
    const auto cpus = outcome.machine->cpus.all();
    ASSERT_EQ(cpus.size(), 8U);
    const Mmu expected[] = {Mmu::sv39, Mmu::sv48, Mmu::sv57, Mmu::none, Mmu::none, Mmu::none};
    for (std::size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(cpus[i].mmu, expected[i]) << i;
    for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(cpus[i].enabled, i < 3) << i;
    EXPECT_EQ(outcome.reports, (Reports{"cpu@4: its paging is not known", "cpu@5: its paging is not known"}));
}

TEST(DeviceTreeCpus, HaveAControllerOfTheirOwn) {
    Tree tree = virt(6);
    tree.at("/cpus/cpu@0").erase_child("interrupt-controller");
    tree.at("/cpus/cpu@5/interrupt-controller").cells("phandle", {~0U});
    tree.at("/soc/plic@c000000")
        .cells("interrupts-extended", {local_controller(3), 9, 0, 9, ~0U, 9, local_controller(1), 9});
    tree.at("/cpus/cpu@1/interrupt-controller").erase("phandle");
    tree.at("/cpus/cpu@2/interrupt-controller").cells("#interrupt-cells", {2});
    tree.at("/cpus/cpu@4/interrupt-controller").cells("phandle", {local_controller(3)});
    const Outcome outcome = read_tree(tree);
    const auto cpus = outcome.machine->cpus.all();
    ASSERT_EQ(cpus.size(), 6U);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(cpus[i].controller, i == 3 ? local_controller(3) : 0) << i;
        const std::string name = "cpu@" + std::to_string(i);
        if (i != 3)
            EXPECT_EQ(outcome.reports[i < 3 ? i : i - 1],
                      name + ": it has no local interrupt controller of its own");
    }
    EXPECT_EQ(outcome.machine->plics.all()[0].contexts.all().size(), 1U);
}

TEST(DeviceTreeCpus, AreKeptToALimit) {
    const Outcome outcome = read_tree(virt(2 * max_cpus + 3));
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.machine->cpus.all().size(), 2 * max_cpus);
    EXPECT_EQ(outcome.machine->cpus.dropped(), 3U);
    EXPECT_EQ(outcome.reports[0], "cpu@128: one hart too many");
}

TEST(DeviceTreeTimebase, IsReadFromEitherPlace) {
    Tree tree = virt(2);
    tree.at("/cpus").cells("timebase-frequency", {0, 24'000'000});
    EXPECT_EQ(read_tree(tree).machine->timebase_frequency, 24'000'000U);
    tree.at("/cpus/cpu@1").cells("timebase-frequency", {24'000'000});
    EXPECT_EQ(read_tree(tree).reports, Reports{});
    tree.at("/cpus/cpu@1").cells("timebase-frequency", {1});
    EXPECT_EQ(read_tree(tree).reports, Reports{"cpu@1: another timebase frequency"});
    tree.at("/cpus").erase("timebase-frequency");
    EXPECT_EQ(read_tree(tree).machine->timebase_frequency, 1U);
    tree.at("/cpus/cpu@1").erase("timebase-frequency");
    const Outcome outcome = read_tree(tree);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.machine->timebase_frequency, 0U);
    EXPECT_EQ(outcome.reports, Reports{"/: no timebase frequency"});
    for (const std::vector<u32>& wrong : {std::vector<u32>{0}, {1, 0}, {1, 2, 3}, {}}) {
        tree.at("/cpus").cells("timebase-frequency", wrong);
        EXPECT_EQ(read_tree(tree).machine->timebase_frequency, 0U);
        EXPECT_EQ(read_tree(tree).reports[0], "cpus: a timebase frequency that cannot be");
    }
}

TEST(DeviceTreeMemory, IsReadInPieces) {
    Tree tree = virt(1);
    TreeNode& memory = tree.at("/memory@80000000");
    memory.cells("reg", {0, 0x8000'0000, 0, 0x1000, 1, 0, 1, 0, 2, 0, 0, 0});
    tree.root.add("memory@400000000").text("device_type", {"memory"}).reg(0x4'0000'0000, 0x2000);
    tree.root.add("memory").text("device_type", {"memory"}).reg(~u64{0} - 0xfff, 0xfff);
    tree.root.add("memory@1").text("device_type", {"memory"}).text("status", {"disabled"}).reg(1, 2);
    tree.root.add("memory@2").reg(1, 2);
    tree.at("/soc").add("memory@3").text("device_type", {"memory"}).reg(1, 2);
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.reports, Reports{});
    EXPECT_EQ(memory_of(outcome), (std::vector<u64>{0x8000'0000, 0x1000, 0x1'0000'0000, 0x1'0000'0000,
                                                    0x4'0000'0000, 0x2000, ~u64{0} - 0xfff, 0xfff}));
}

TEST(DeviceTreeMemory, MustBeThereAndMakeSense) {
    Tree tree = virt(1);
    TreeNode& memory = tree.at("/memory@80000000").reg(~u64{0} - 0xfff, 0x1000);
    Outcome outcome = read_tree(tree);
    EXPECT_FALSE(outcome.good);
    EXPECT_EQ(outcome.problem, "it names no memory");
    EXPECT_EQ(outcome.reports,
              Reports{"memory@80000000: memory reaches beyond the end of the address space"});
    for (const std::vector<u32>& wrong : {std::vector<u32>{}, {1}, {0, 1, 0}, {0, 1, 0, 1, 0}}) {
        memory.cells("reg", wrong);
        outcome = read_tree(tree);
        EXPECT_EQ(outcome.problem, "it names no memory");
        EXPECT_EQ(outcome.reports, Reports{"memory@80000000: addresses of a wrong length"});
    }
    tree.root.erase_child("memory@80000000");
    EXPECT_EQ(read_tree(tree).problem, "it names no memory");
}

TEST(DeviceTreeMemory, HasTheRootsWidths) {
    Tree tree = virt(1);
    tree.root.erase_child("reserved-memory");
    TreeNode& memory = tree.at("/memory@80000000").cells("reg", {0x8000'0000, 0x4000'0000});
    tree.root.widths(1, 1);
    EXPECT_EQ(memory_of(read_tree(tree)), (std::vector<u64>{0x8000'0000, 0x4000'0000}));
    tree.root.erase("#size-cells").erase("#address-cells"); // two and one
    EXPECT_EQ(read_tree(tree).problem, "it names no memory");
    memory.cells("reg", {1, 0x8000'0000, 0x4000'0000});
    EXPECT_EQ(memory_of(read_tree(tree)), (std::vector<u64>{0x1'8000'0000, 0x4000'0000}));
    memory.cells("reg", {1, 0, 0, 0x1000});
    tree.root.widths(1, 3); // four cells, too
    EXPECT_EQ(read_tree(tree).problem, "it names no memory");
    for (const u32 width : {3U, 0x4000'0000U, 0x8000'0000U, 0xffff'ffffU}) {
        tree.root.widths(2, width);
        EXPECT_EQ(read_tree(tree).problem, "it names no memory");
        tree.root.widths(width, 1);
        EXPECT_EQ(read_tree(tree).problem, "it names no memory");
    }
}

TEST(DeviceTreeMemory, IsKeptToALimit) {
    Tree tree = virt(1);
    std::vector<u32> pieces;
    for (u32 i = 0; i < 70; ++i) pieces.insert(pieces.end(), {i, 0, 0, 0x1000});
    tree.at("/memory@80000000").cells("reg", pieces);
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->memory.all().size(), 64U);
    EXPECT_EQ(outcome.machine->memory.dropped(), 6U);
    EXPECT_EQ(outcome.reports.size(), 6U);
    EXPECT_EQ(outcome.reports[0], "memory@80000000: memory that is in too many pieces");
}

TEST(DeviceTreeReserved, HoldsBothKinds) {
    Tree tree = virt(1);
    tree.reservations = {{0x9000'0000, 0x1000}, {~u64{0} - 0xff, 0x1000}};
    TreeNode& reserved = tree.at("/reserved-memory");
    reserved.add("dynamic").cells("size", {0, 0x1000});
    reserved.add("off").text("status", {"disabled"}).reg(0xa000'0000, 0x1000);
    reserved.add("two").cells("reg", {0, 0xb000'0000, 0, 0x1000, 0, 0xc000'0000, 0, 0});
    const Outcome outcome = read_tree(tree);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(begins(outcome.machine->reserved),
              (std::vector<u64>{0x8000'0000, 0xb000'0000, 0x9000'0000, ~u64{0} - 0xff}));
    EXPECT_EQ(outcome.machine->reserved.all()[3].length, 0xffU);
    EXPECT_EQ(outcome.reports, Reports{"/: a reservation reaches beyond the end of memory"});
}

TEST(DeviceTreeReserved, IsNotLeftOut) {
    Tree tree = virt(1);
    const std::string not_understood = "it reserves memory in a way that is not understood";
    TreeNode& reserved = tree.at("/reserved-memory");
    reserved.add("odd").cells("reg", {0, 1, 2});
    Outcome outcome = read_tree(tree);
    EXPECT_FALSE(outcome.good);
    EXPECT_EQ(outcome.problem, not_understood);
    EXPECT_EQ(outcome.reports, Reports{"odd: addresses of a wrong length"});
    reserved.erase_child("odd");
    EXPECT_TRUE(read_tree(tree).good);
    reserved.widths(3, 1);
    EXPECT_EQ(read_tree(tree).problem, not_understood);
    reserved.widths(2, 2);
    for (u32 i = 0; i < 64; ++i) tree.reservations.push_back({0x1000 * i, 1});
    EXPECT_EQ(read_tree(tree).problem, "it reserves memory in too many pieces");
    tree.reservations.pop_back();
    EXPECT_TRUE(read_tree(tree).good);
    reserved.add("more").cells("reg", {0, 1, 0, 2});
    EXPECT_FALSE(read_tree(tree).good);
}

} // namespace
} // namespace chorale::boot::device_tree
