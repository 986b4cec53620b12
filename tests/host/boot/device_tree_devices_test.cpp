// The serial port and the test device: how they are found, where they are, and what is wrong with them.
#include "tests/host/boot/device_tree_machine.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace chorale::boot::device_tree {
namespace {

using namespace test;

using Reports = std::vector<std::string>;

constexpr u64 first_port = 0x1001'0000, second_port = 0x1001'1000; // of sifive_u()

[[nodiscard]] Outcome with_path(const std::string& path) {
    Tree tree = sifive_u();
    tree.at("/aliases").text("itself", {"itself"}).text("a", {"b"}).text("b", {"a"});
    tree.at("/aliases").raw("endless", "/soc/serial@10011000").text("relative", {"soc/serial@10011000"});
    tree.at("/aliases").text("nowhere", {"/soc/serial@7"});
    tree.at("/chosen").text("stdout-path", {path});
    return read_tree(tree);
}

TEST(DeviceTreeConsole, IsWhereStdoutPathLeads) {
    for (const char* const path : {"/soc/serial@10011000", "/soc/serial@10011000:115200n8", "serial1",
                                   "serial1:115200", "//soc//serial@10011000", "/soc/serial@10011000/"}) {
        const Outcome outcome = with_path(path);
        EXPECT_EQ(outcome.machine->console.registers.begin, second_port) << path;
        EXPECT_EQ(outcome.machine->console.interrupt, 5U);
        EXPECT_EQ(outcome.machine->stdout_path, path);
        EXPECT_EQ(outcome.reports, Reports{}) << path;
    }
    EXPECT_EQ(with_path("/soc/serial").machine->console.registers.begin, first_port); // the first of the name
}

TEST(DeviceTreeConsole, IsTheFirstPortElse) {
    for (const char* const path :
         {"/soc/serial@9", "serial9", "itself", "a", "endless", "relative", "nowhere", ":115200",
          "itself/serial", "/", "/soc/serial@10011000/child"}) {
        const Outcome outcome = with_path(path);
        EXPECT_TRUE(outcome.good);
        EXPECT_EQ(outcome.machine->console.registers.begin, first_port) << path;
        const bool root = std::string_view{path} == "/";
        EXPECT_EQ(outcome.reports, Reports{root ? "/: the console is not a serial port that is known"
                                                : "chosen: stdout-path leads nowhere"})
            << path;
    }
    const Outcome outcome = with_path("/soc/spi@10040000");
    EXPECT_EQ(outcome.machine->console.registers.begin, first_port);
    EXPECT_EQ(outcome.reports, Reports{"spi@10040000: the console is not a serial port that is known"});
}

TEST(DeviceTreeConsole, IsAvailable) {
    Tree tree = sifive_u();
    tree.at("/soc/serial@10010000").text("status", {"disabled"});
    Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->console.registers.begin, second_port);
    EXPECT_EQ(outcome.reports, Reports{"serial@10010000: the console is not a serial port that is known"});
    tree.at("/soc").text("status", {"disabled"});
    outcome = read_tree(tree);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.machine->console.kind, Uart::none);
    EXPECT_TRUE(outcome.machine->plics.all().empty());
}

TEST(DeviceTreeConsole, HasRegistersOfSeveralForms) {
    Tree tree = virt(1);
    TreeNode& serial = tree.at("/soc/serial@10000000").text("compatible", {"vendor,uart", "ns16550"});
    serial.cells("reg-shift", {2}).cells("reg-io-width", {4}).cells("reg-offset", {0x20});
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.reports, Reports{});
    EXPECT_EQ(outcome.machine->console.registers.begin, 0x1000'0020U);
    EXPECT_EQ(outcome.machine->console.registers.length, 0xe0U);
    EXPECT_EQ(outcome.machine->console.register_shift, 2);
    EXPECT_EQ(outcome.machine->console.register_width, 4);
}

struct BadPort {
    std::string property;
    std::vector<u32> value;
    std::string problem;
};

TEST(DeviceTreeConsole, IsNoPortThatCannotBe) {
    const std::string form = "registers of a form that is not supported";
    const std::vector<BadPort> wrong = {
        {"reg-shift", {5}, form},
        {"reg-shift", {0xffff'ffff}, form},
        {"reg-shift", {0, 1}, form},
        {"reg-io-width", {0}, form},
        {"reg-io-width", {3}, form},
        {"reg-io-width", {16}, form},
        {"reg-io-width", {0x8000'0000}, form},
        {"reg-io-width", {}, form},
        {"reg-offset", {0xffff'ffff}, form},
        {"reg-offset", {0xfc}, "too few registers"},
        {"reg", {0, 0x1000'0000, 0, 7}, "too few registers"},
        {"reg", {0, 0x1000'0000, 0, 0}, "too few registers"},
        {"reg", {0, 0x1000'0000, 0}, "addresses of a wrong length"},
        {"reg", {}, "addresses of a wrong length"},
        {"reg", {0xffff'ffff, 0xffff'fff0, 0, 0x100}, "registers beyond the end of memory"},
        {"reg", {0x0100'0000, 0, 0, 0x100}, "registers beyond the end of memory"},
        {"reg", {0x00ff'ffff, 0xffff'ff01, 0, 0x100}, "registers beyond the end of memory"},
    };
    for (const BadPort& bad : wrong) {
        Tree tree = virt(1);
        tree.at("/soc/serial@10000000").cells(bad.property, bad.value);
        const Outcome outcome = read_tree(tree);
        EXPECT_TRUE(outcome.good);
        EXPECT_EQ(outcome.machine->console.kind, Uart::none) << bad.property << " " << bad.problem;
        ASSERT_FALSE(outcome.reports.empty());
        EXPECT_EQ(outcome.reports[0], "serial@10000000: " + bad.problem);
    }
    Tree tree = virt(1);
    tree.at("/soc/serial@10000000")
        .cells("reg-io-width", {4})
        .cells("reg-shift", {2})
        .reg(0x1000'0002, 0x100);
    EXPECT_EQ(read_tree(tree).reports[0], "serial@10000000: its registers are not aligned");
    tree.at("/soc/serial@10000000").reg(0x1000'0000, 0x100).cells("reg-offset", {2});
    EXPECT_EQ(read_tree(tree).reports[0], "serial@10000000: " + form);
}

TEST(DeviceTreeConsole, IsCompatibleOnlyByWholeNames) {
    for (const std::string& name : {std::string{"ns16550a"}, std::string{"xns16550a\0", 10}, std::string{},
                                    std::string{"ns16550ab\0", 10}, std::string{"other\0ns16550a", 14}}) {
        Tree tree = virt(1);
        tree.at("/soc/serial@10000000").raw("compatible", name);
        EXPECT_EQ(read_tree(tree).machine->console.kind, Uart::none) << name;
    }
}

// Which interrupt the port of virt() has after a change: {parent, source}.
[[nodiscard]] std::pair<u32, u32> interrupt(const std::function<void(Tree&, TreeNode&)>& change,
                                            bool complains) {
    Tree tree = virt(1);
    change(tree, tree.at("/soc/serial@10000000"));
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->console.kind, Uart::ns16550);
    EXPECT_EQ(outcome.reports,
              complains ? Reports{"serial@10000000: its interrupt leads nowhere"} : Reports{});
    return {outcome.machine->console.interrupt_parent, outcome.machine->console.interrupt};
}

TEST(DeviceTreeConsole, HasAnInterrupt) {
    const std::pair<u32, u32> found{plic_phandle, 10}, none{0, 0};
    const auto inherited = [](Tree& tree, TreeNode& serial) {
        serial.erase("interrupt-parent");
        tree.at("/soc").cells("interrupt-parent", {plic_phandle});
    };
    const auto inherited_from_root = [](Tree& tree, TreeNode& serial) {
        serial.erase("interrupt-parent");
        tree.root.cells("interrupt-parent", {plic_phandle});
    };
    const auto extended = [](Tree&, TreeNode& serial) {
        serial.cells("interrupts", {3}).cells("interrupts-extended", {plic_phandle, 10});
    };
    const auto last = [](Tree&, TreeNode& serial) { serial.cells("interrupts", {96}); };
    EXPECT_EQ(interrupt(inherited, false), found);
    EXPECT_EQ(interrupt(inherited_from_root, false), found);
    EXPECT_EQ(interrupt(extended, false), found);
    EXPECT_EQ(interrupt(last, false), (std::pair<u32, u32>{plic_phandle, 96}));
    EXPECT_EQ(interrupt([](Tree&, TreeNode& serial) { serial.erase("interrupts"); }, false), none);
}

TEST(DeviceTreeConsole, HasNoInterruptThatCannotBe) {
    const std::pair<u32, u32> none{0, 0};
    for (const std::vector<u32>& source : {std::vector<u32>{}, {0}, {97}, {0xffff'ffff}})
        EXPECT_EQ(interrupt([&](Tree&, TreeNode& s) { s.cells("interrupts", source); }, true), none);
    // The last three: a hart's controller, the port itself, two cells.
    for (const std::vector<u32>& parent :
         {std::vector<u32>{}, {0}, {999}, {local_controller(0)}, {7}, {7, 7}})
        EXPECT_EQ(
            interrupt([&](Tree&, TreeNode& s) { s.cells("phandle", {7}).cells("interrupt-parent", parent); },
                      true),
            none);
    for (const std::vector<u32>& list : {std::vector<u32>{}, {plic_phandle}, {0, 10}, {plic_phandle, 0}})
        EXPECT_EQ(interrupt([&](Tree&, TreeNode& s) { s.cells("interrupts-extended", list); }, true), none);
}

TEST(DeviceTreeConsole, HasNoInterruptBeyondAnAplic) {
    Tree tree = virt(1, Interrupts::aplic);
    tree.at("/soc/serial@10000000").cells("interrupts", {96, 4});
    EXPECT_EQ(read_tree(tree).machine->console.interrupt, 96U);
    tree.at("/soc/serial@10000000").cells("interrupts", {97, 4});
    EXPECT_EQ(read_tree(tree).machine->console.interrupt, 0U);
}

// The address of the test device of virt() when it lies below other buses.
class RangesTest : public testing::Test {
  protected:
    Tree tree = virt(1);
    TreeNode* outer = nullptr;
    TreeNode* inner = nullptr;
    TreeNode* device = nullptr;

    void SetUp() override {
        tree.at("/soc").erase_child("test@100000");
        outer = &tree.root.add("bus").widths(2, 2).flag("ranges");
        inner = &outer->add("bus").widths(1, 1).cells("ranges", {0x1000, 0, 0x5000, 0x1000});
        device = &inner->add("test@0").text("compatible", {"sifive,test1"}).cells("reg", {0x1100, 0x100});
    }
    void expect(u64 address) {
        const Outcome outcome = read_tree(tree);
        EXPECT_EQ(outcome.machine->test_device.begin, address);
        EXPECT_EQ(outcome.machine->test_device.length, address == 0 ? 0 : 0x100);
        EXPECT_EQ(outcome.reports, address != 0
                                       ? Reports{}
                                       : Reports{"test@0: a bus above it does not lead to its registers"});
    }
};

TEST_F(RangesTest, AreAppliedLevelByLevel) {
    expect(0x5100);
    outer->cells("ranges", {0, 0x5000, 1, 0x8000, 0, 0x1000});
    expect(0x1'0000'8100);
    outer->cells("ranges", {0, 0, 0, 0, 0, 0x5000, 0, 0x5100, 2, 0, 0, 0x100});
    expect(0x2'0000'0000);
    inner->flag("ranges");
    outer->cells("ranges", {0, 0x1000, 0, 0x7000, 0, 0x1000});
    expect(0x7100);
    device->cells("reg", {0x1100, 0x100, 0x1, 0x1}); // only the first is asked for
    expect(0x7100);
}

TEST_F(RangesTest, MustHoldAllOfTheDevice) {
    device->cells("reg", {0x1f80, 0x100});
    expect(0);
    device->cells("reg", {0xf80, 0x100});
    expect(0);
    device->cells("reg", {0x2000, 0x100});
    expect(0);
    device->cells("reg", {0x1f00, 0x100});
    expect(0x5f00);
}

TEST_F(RangesTest, MustMakeSense) {
    for (const std::vector<u32>& wrong :
         {std::vector<u32>{0x1000}, {0x1000, 0, 0x5000, 0}, {0, 0, 0, 0, 0, 0}}) {
        inner->cells("ranges", wrong);
        expect(0);
    }
    inner->cells("ranges", {0x1000, 0xffff'ffff, 0xffff'ff80, 0x1000}).widths(1, 1); // wraps
    expect(0);
    inner->erase("ranges");
    expect(0);
    inner->cells("ranges", {0x1000, 0, 0x5000, 0x1000});
    expect(0x5100);
    for (const u32 width : {0U, 3U, 0x3fff'ffffU, 0xffff'ffffU}) {
        outer->cells("#address-cells", {width});
        expect(0);
    }
    outer->widths(2, 2).erase("ranges");
    expect(0);
}

// An upper bus that would do but for its widths: the device's own bus leaves addresses as they are.
TEST_F(RangesTest, AreOfOneOrTwoCells) {
    const auto with = [&](u32 from, u32 to, u32 size) {
        inner->flag("ranges");
        tree.root.widths(to, 1);
        tree.at("/memory@80000000").raw("reg", std::string(4 * (to + 1), '\1'));
        std::vector<u32> all(from + to + size);
        if (size != 0) all[from + to + size - 1] = 0x8000;
        outer->widths(from, size).cells("ranges", all);
        const Outcome outcome = read_tree(tree);
        return outcome.machine->test_device.begin == 0x1100;
    };
    tree.root.erase_child("reserved-memory");
    for (u32 from = 1; from <= 2; ++from)
        for (u32 to = 1; to <= 2; ++to)
            for (u32 size = 1; size <= 2; ++size) EXPECT_TRUE(with(from, to, size));
    for (const u32 wrong : {0U, 3U, 4U}) {
        EXPECT_FALSE(with(wrong, 1, 1));
        EXPECT_FALSE(with(1, 1, wrong));
    }
    // The root's own: memory cannot be read then, so there is another bus between.
    TreeNode& middle = tree.root.add("middle").widths(3, 1).flag("ranges");
    tree.root.widths(2, 1);
    tree.at("/memory@80000000").cells("reg", {0, 0, 0x1000});
    TreeNode& lower = middle.add("lower").widths(1, 1).cells("ranges", {0, 0, 0, 0, 0x8000});
    lower.add("test@1").text("compatible", {"sifive,test1"}).cells("reg", {0x1100, 0x100});
    tree.root.erase_child("bus");
    EXPECT_EQ(read_tree(tree).machine->test_device.length, 0U);
    middle.widths(0, 1);
    lower.cells("ranges", {0, 0x8000});
    EXPECT_EQ(read_tree(tree).machine->test_device.length, 0U);
    middle.widths(2, 1);
    lower.cells("ranges", {0, 0, 0, 0x8000});
    EXPECT_EQ(read_tree(tree).machine->test_device.begin, 0x1100U);
}

TEST_F(RangesTest, DoNotReachBackwards) {
    inner->flag("ranges");
    outer->cells("ranges", {0, 0x2000, 0, 0, ~0U, ~0U}); // all but what is below
    expect(0);
    outer->cells("ranges", {0, 0x1100, 0, 0x6000, ~0U, ~0U});
    expect(0x6000);
}

TEST_F(RangesTest, AreReadToALimit) {
    std::vector<u32> many;
    for (u32 i = 0; i < 64; ++i) many.insert(many.end(), {0x8000 + i, 0, 0, 1});
    std::vector<u32> more = many;
    std::copy_n(std::vector<u32>{0x1000, 0, 0x5000, 0x1000}.begin(), 4, many.end() - 4);
    inner->cells("ranges", many);
    expect(0x5100);
    more.insert(more.end(), {0x1000, 0, 0x5000, 0x1000});
    inner->cells("ranges", more);
    expect(0);
}

TEST_F(RangesTest, AreNoneForADeviceBelowNoBus) {
    tree.root.add("test@1").text("compatible", {"sifive,test0"}).reg(0x9000, 0x100);
    outer->erase("ranges");
    const Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->test_device.begin, 0x9000U);
    EXPECT_EQ(outcome.reports, Reports{"test@0: a bus above it does not lead to its registers"});
}

TEST(DeviceTreeTestDevice, MayBeMissing) {
    Tree tree = virt(1);
    tree.at("/soc/test@100000").reg(0x10'0000, 3);
    Outcome outcome = read_tree(tree);
    EXPECT_EQ(outcome.machine->test_device.length, 0U);
    EXPECT_EQ(outcome.reports, Reports{"test@100000: too few registers"});
    tree.at("/soc/test@100000").reg(0x10'0002, 0x1000);
    EXPECT_EQ(read_tree(tree).reports, Reports{"test@100000: its registers are not aligned"});
    tree.at("/soc").erase_child("test@100000");
    outcome = read_tree(tree);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.reports, Reports{});
}

TEST(DeviceTreeReports, AreFewAndPrintable) {
    Tree tree = virt(1);
    const std::string name = "x\x1b[2J\x80 \n" + std::string(200, 'y');
    for (u32 i = 0; i < 100; ++i)
        tree.at("/soc").add(name).text("compatible", {"ns16550a"}).erase("compatible");
    for (u32 i = 0; i < 100; ++i) tree.at("/soc").add(name).text("compatible", {"riscv,plic0"});
    const Outcome outcome = read_tree(tree);
    ASSERT_EQ(outcome.reports.size(), 33U);
    EXPECT_EQ(outcome.reports[0], "x?[2J???" + std::string(40, 'y') + ": it has no addresses");
    EXPECT_EQ(outcome.reports[32], "more problems are not shown");
}

} // namespace
} // namespace chorale::boot::device_tree
