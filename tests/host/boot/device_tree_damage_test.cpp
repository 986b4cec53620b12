// Damaged trees: whatever the bytes are, reading ends soon, stays inside them, and what it finds makes sense.
// The trees lie in allocations of their exact size, where the address sanitizer sees a byte too many.
#include "kernel/boot/libfdt/libfdt.hpp"
#include "tests/host/boot/device_tree_machine.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace chorale::boot::device_tree {
namespace {

using namespace test;
using formats::test::inside;

using Flat = std::vector<std::byte>;

void set_cell(Flat& bytes, std::size_t offset, u32 value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[offset + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}
[[nodiscard]] u32 get_cell(const Flat& bytes, std::size_t offset) {
    return __builtin_bswap32(load<u32>(bytes, offset));
}

[[nodiscard]] Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

void expect_sane_range(const Range& range) {
    EXPECT_NE(range.length, 0U);
    EXPECT_TRUE(fits(range.begin, range.length, u64{1} << 56));
}

template <class Contexts>
void expect_sane_contexts(const Machine& machine, const Contexts& contexts) {
    for (const Context& context : contexts.all()) {
        EXPECT_TRUE(context.cause == 9 || context.cause == 11);
        bool known = false;
        for (const Cpu& cpu : machine.cpus.all()) known = known || cpu.controller == context.controller;
        EXPECT_TRUE(known);
    }
}

// What the rest of the nucleus relies on, whether the tree was accepted or not.
void expect_sane(const Outcome& outcome) {
    const Machine& machine = *outcome.machine;
    const Bytes whole = outcome.bytes->view();
    EXPECT_EQ(outcome.good, outcome.problem.empty());
    EXPECT_LE(outcome.reports.size(), 33U);
    for (const std::string& line : outcome.reports)
        for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
    for (const std::string_view text : {machine.model, machine.command_line, machine.stdout_path})
        EXPECT_TRUE(inside(bytes_of(text), whole));
    EXPECT_TRUE(inside(machine.random_seed, whole));
    for (const FirmwareRange& each : machine.memory.all()) EXPECT_LE(each.length, ~each.base);
    for (const Range& each : machine.reserved.all()) EXPECT_LE(each.length, ~each.begin);
    EXPECT_LE(machine.bank.length, ~machine.bank.begin);
    if (machine.test_device.length != 0) expect_sane_range(machine.test_device);
    for (const Cpu& cpu : machine.cpus.all()) EXPECT_TRUE(inside(bytes_of(cpu.isa), whole));
    for (const Plic& plic : machine.plics.all()) {
        expect_sane_range(plic.registers);
        expect_sane_contexts(machine, plic.contexts);
        for (const Context& context : plic.contexts.all())
            EXPECT_LE(0x20'0000 + (u64{context.index} + 1) * 0x1000, plic.registers.length);
    }
    for (const Aplic& aplic : machine.aplics.all()) {
        expect_sane_range(aplic.registers);
        expect_sane_contexts(machine, aplic.contexts);
        EXPECT_TRUE(aplic.msi_parent != 0 || !aplic.contexts.all().empty());
    }
    for (const Imsic& imsic : machine.imsics.all()) {
        expect_sane_contexts(machine, imsic.contexts);
        for (const Context& context : imsic.contexts.all()) EXPECT_NE(imsic.file(context.index), 0U);
    }
    if (machine.console.kind == Uart::none) return;
    expect_sane_range(machine.console.registers);
    EXPECT_TRUE(std::has_single_bit(machine.console.register_width));
    EXPECT_GE(machine.console.registers.length, u64{7} << machine.console.register_shift);
    EXPECT_EQ(machine.console.interrupt == 0, machine.console.interrupt_parent == 0);
}

[[nodiscard]] Tree small(Interrupts interrupts) {
    Tree tree = virt(2, interrupts);
    tree.reservations = {{0x9000'0000, 0x1000}};
    tree.root.add("aliases").text("serial0", {"/soc/serial@10000000"});
    tree.at("/chosen").text("bootargs", {"cpus=1"}).text("stdout-path", {"serial0:115200"});
    tree.at("/chosen").cells("linux,initrd-start", {0x8420'0000}).cells("linux,initrd-end", {0x8430'0000});
    return tree;
}

class DamageTest : public testing::TestWithParam<Interrupts> {
  protected:
    const Flat good_ = small(GetParam()).flatten();
};

INSTANTIATE_TEST_SUITE_P(Shapes, DamageTest, testing::Values(Interrupts::plic, Interrupts::imsic));

TEST_P(DamageTest, StartsFromAGoodTree) {
    const Outcome outcome = read_bytes(good_);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.reports, std::vector<std::string>{});
    expect_sane(outcome);
    Flat longer = good_;
    longer.resize(good_.size() + 100, std::byte{0xff}); // the header says where it ends
    EXPECT_TRUE(read_bytes(longer).good);
    EXPECT_EQ(claimed_size(longer), good_.size());
}

TEST_P(DamageTest, EachByteChanged) {
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good_.size(); ++at) {
        for (const unsigned change : {0x01U, 0x80U, 0xffU}) {
            Flat bad = good_;
            bad[at] ^= static_cast<std::byte>(change);
            const Outcome outcome = read_bytes(bad);
            expect_sane(outcome);
            refused += !outcome.good;
        }
    }
    EXPECT_GT(refused, good_.size() / 10);
}

TEST_P(DamageTest, EachCellReplaced) {
    // -12 and its neighbours send libfdt's own check in circles or backwards.
    constexpr u32 extremes[] = {0,           1,           2,           3,           4,           9,
                                0x7fff'ffff, 0x8000'0000, 0xffff'fff0, 0xffff'fff4, 0xffff'fff8, 0xffff'ffff};
    for (std::size_t at = 0; at + 4 <= good_.size(); at += 4) {
        for (const u32 extreme : extremes) {
            Flat bad = good_;
            set_cell(bad, at, extreme);
            expect_sane(read_bytes(bad));
        }
    }
}

TEST_P(DamageTest, CutAtEachLength) {
    for (std::size_t length = 0; length < good_.size(); ++length) {
        const Outcome outcome = read_bytes(good_, length);
        EXPECT_FALSE(outcome.good);
        EXPECT_EQ(outcome.problem, length < 40 ? "there is none" : "its end is missing") << length;
    }
}

TEST_P(DamageTest, CutWithAHeaderThatKnows) {
    for (std::size_t length = 40; length < good_.size(); ++length) {
        Flat bad = good_;
        set_cell(bad, 4, static_cast<u32>(length));
        const Outcome outcome = read_bytes(bad, length);
        expect_sane(outcome);
        EXPECT_FALSE(outcome.good) << length;
        // The strings, at the end, cut as well: then some property has no name.
        const u32 strings = get_cell(good_, 12);
        if (length < strings) continue;
        set_cell(bad, 32, static_cast<u32>(length) - strings);
        EXPECT_FALSE(read_bytes(bad, length).good) << length;
    }
}

TEST_P(DamageTest, AtRandom) {
    std::mt19937_64 random{20};
    formats::test::Blob blob{good_.size()};
    for (std::size_t i = 0; i < good_.size(); ++i) blob.put(i, good_[i]);
    for (int i = 0; i < 10'000; ++i) expect_sane(read_bytes(damaged(blob, random).view()));
}

[[nodiscard]] std::string problem_after(const std::function<void(Flat&)>& change) {
    Flat bad = small(Interrupts::plic).flatten();
    change(bad);
    const Outcome outcome = read_bytes(bad);
    expect_sane(outcome);
    return outcome.problem;
}

TEST(DeviceTreeHeader, IsChecked) {
    const auto with = [](std::size_t offset, u32 value) {
        return problem_after([=](Flat& bytes) { set_cell(bytes, offset, value); });
    };
    EXPECT_EQ(with(0, 0xd00d'feee), "there is none");
    EXPECT_EQ(with(0, ~u32{0xd00d'feed}), "there is none"); // libfdt's own mark of a half-made tree
    EXPECT_EQ(with(4, 39), "there is none");
    EXPECT_EQ(with(4, 0x20'0001), "it is larger than 2 MiB");
    EXPECT_EQ(with(4, 0xffff'ffff), "it is larger than 2 MiB");
    EXPECT_EQ(with(4, 0x1f'ffff), "its end is missing");
    EXPECT_EQ(with(20, 16), "its version is not supported");
    EXPECT_EQ(with(20, 18), ""); // its writer says that readers of version 16 understand it
    EXPECT_EQ(with(24, 18), "its version is not supported");
    for (const std::size_t offset : {8U, 12U, 16U, 32U, 36U})
        for (const u32 value : {0x7fff'ffffU, 0x8000'0000U, 0xffff'fff8U, 0xffff'ffffU})
            EXPECT_EQ(with(offset, value), "its header is damaged") << offset;
    for (const std::size_t offset : {8U, 12U, 16U})
        for (const u32 value : {0U, 36U}) EXPECT_EQ(with(offset, value), "its header is damaged") << offset;
    EXPECT_EQ(with(8, 0x3a), "its header is damaged"); // not aligned
    EXPECT_EQ(with(16, 0x2c), "its header is damaged");
    EXPECT_EQ(with(36, 0), "its structure is damaged");
    EXPECT_EQ(with(32, 0), "its structure is damaged");
}

TEST(DeviceTreeHeader, BeginsAtAMultipleOfEight) {
    const Flat good = small(Interrupts::plic).flatten();
    for (std::size_t shift = 1; shift < 8; ++shift) {
        Flat moved(good.size() + 8);
        std::copy(good.begin(), good.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
        Machine machine{};
        std::string_view problem;
        EXPECT_FALSE(read(Bytes{moved}.subspan(shift), machine, [](std::string_view) {}, problem));
        EXPECT_EQ(problem, "it does not begin at a multiple of 8");
    }
}

// A tree whose structure is these cells, with one string, "name".
[[nodiscard]] std::string problem_of(const std::vector<u32>& structure) {
    constexpr std::size_t begin = 0x38;
    Flat flat(begin + 4 * structure.size() + 5);
    const u32 strings = static_cast<u32>(begin + 4 * structure.size());
    const u32 header[] = {FDT_MAGIC, static_cast<u32>(flat.size()),         begin, strings, 0x28, 17, 16, 0,
                          5,         static_cast<u32>(4 * structure.size())};
    for (std::size_t i = 0; i < std::size(header); ++i) set_cell(flat, 4 * i, header[i]);
    for (std::size_t i = 0; i < structure.size(); ++i) set_cell(flat, begin + 4 * i, structure[i]);
    std::memcpy(flat.data() + strings, "name", 5);
    const Outcome outcome = read_bytes(flat);
    expect_sane(outcome);
    EXPECT_FALSE(outcome.good);
    return outcome.problem;
}

TEST(DeviceTreeStructure, IsChecked) {
    constexpr u32 begin = FDT_BEGIN_NODE, end = FDT_END_NODE, property = FDT_PROP, last = FDT_END;
    const std::string damaged = "its structure is damaged", empty = "it names no memory";
    EXPECT_EQ(problem_of({begin, 0, end, last}), empty);
    EXPECT_EQ(problem_of({begin, 0, FDT_NOP, property, 4, 0, 7, end, last}), empty);
    EXPECT_EQ(problem_of({last}), empty);
    EXPECT_EQ(problem_of({FDT_NOP, begin, 0, end, last}), empty);
    EXPECT_EQ(problem_of({}), damaged);
    EXPECT_EQ(problem_of({begin, 0, end}), damaged);
    EXPECT_EQ(problem_of({begin, 0, last}), damaged);
    EXPECT_EQ(problem_of({begin, 0, end, end, last}), damaged);
    EXPECT_EQ(problem_of({begin, 0x78000000, end, last}), damaged); // the root has a name
    EXPECT_EQ(problem_of({begin, 0, end, begin, 0, end, last}), damaged);
    EXPECT_EQ(problem_of({begin, 0x78787878}), damaged);
    EXPECT_EQ(problem_of({begin, 0, 5, end, last}), damaged);
    EXPECT_EQ(problem_of({begin, 0, property, 4, 5, 7, end, last}), damaged); // no such string
    EXPECT_EQ(problem_of({begin, 0, property, 4, ~0U, 7, end, last}), damaged);
    EXPECT_EQ(problem_of({begin, 0, property, 0}), damaged);
    EXPECT_EQ(problem_of({begin, 0, property}), damaged);
    // Lengths near 4 GiB, which wrap to a place before, at or just behind the property.
    for (u32 length = 0xffff'ffc0; length != 0; ++length)
        EXPECT_EQ(problem_of({begin, 0, property, length, 0, end, last}), damaged) << length;
    EXPECT_EQ(problem_of({begin, 0, property, 0x7fff'ffff, 0, end, last}), damaged);
}

TEST(DeviceTreeStructure, IsOfLimitedDepth) {
    Tree tree = virt(1);
    TreeNode* deepest = &tree.root;
    for (int i = 0; i < 31; ++i) deepest = &deepest->add("deep");
    EXPECT_TRUE(read_tree(tree).good);
    deepest->add("deep");
    EXPECT_EQ(read_tree(tree).problem, "its nodes are nested too deeply");
}

TEST(DeviceTreeStructure, HasPropertiesOfShortNames) {
    Tree tree = virt(1);
    tree.root.flag(std::string(127, 'x'));
    EXPECT_TRUE(read_tree(tree).good);
    tree.root.flag(std::string(128, 'x'));
    EXPECT_EQ(read_tree(tree).problem, "its structure is damaged");
}

// Trees of up to 2 MiB made to cost much: each kind is more than the square root of that. The time limit of
// the test is the check.
class CostlyTreeTest : public testing::Test {
  protected:
    Tree tree = virt(1);

    void TearDown() override {
        const Flat flat = tree.flatten();
        EXPECT_GT(flat.size(), 1U << 20);
        EXPECT_LE(flat.size(), size_limit);
        const Outcome outcome = read_bytes(flat);
        EXPECT_TRUE(outcome.good) << outcome.problem;
        expect_sane(outcome);
    }
};

TEST_F(CostlyTreeTest, ManyNodesOfOneName) {
    tree.root.erase_child("chosen");
    for (int i = 0; i < 40'000; ++i) tree.root.add("x");
    for (int i = 0; i < 60'000; ++i) tree.root.add("chosen");
}

TEST_F(CostlyTreeTest, ManyDevicesBelowAWideBus) {
    TreeNode& soc = tree.at("/soc").widths(1, 1);
    soc.cells("ranges", std::vector<u32>(3 * 20'000, 0)).repeat("property", 60'000);
    for (int i = 0; i < 9'000; ++i) soc.add("u").text("compatible", {"sifive,test0"}).cells("reg", {1, 2});
}

TEST_F(CostlyTreeTest, ManyProperties) { tree.root.add("wide").repeat(std::string(127, 'n'), 150'000); }

TEST_F(CostlyTreeTest, ManyContexts) {
    std::vector<u32> contexts(2 * 120'000, 9);
    tree.at("/soc/plic@c000000").cells("interrupts-extended", contexts);
    tree.root.add("wide")
        .reg(0, 1)
        .text("compatible", {"riscv,imsics"})
        .cells("interrupts-extended", contexts);
}

} // namespace
} // namespace chorale::boot::device_tree
