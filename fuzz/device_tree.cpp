// Device trees: what is read of one keeps its rules and lies inside the tree, and what follows a tree in
// memory makes no difference.
#include "kernel/boot/device_tree.hpp"

#include "fuzz/device_tree_tokens.hpp"
#include "fuzz/target.hpp"

#include <memory>
#include <vector>

namespace chorale::fuzz {
namespace {

namespace device_tree = boot::device_tree;
using device_tree::Machine;

constexpr u64 address_end = u64{1} << 56;

void check_registers(device_tree::Range range, u64 least, u64 alignment) {
    must(range.length >= least && range.begin % alignment == 0, "registers have a size and an alignment");
    must(range.begin <= address_end && range.length <= address_end - range.begin, "registers lie in memory");
}

[[nodiscard]] bool has_controller(const Machine& machine, u32 controller) {
    for (const device_tree::Cpu& cpu : machine.cpus.all())
        if (cpu.controller == controller) return controller != 0;
    return false;
}

template <class Contexts>
void check_contexts(const Machine& machine, const Contexts& contexts) {
    for (const device_tree::Context& context : contexts.all()) {
        must(context.cause == 9 || context.cause == 11, "a context is for an external interrupt");
        must(has_controller(machine, context.controller), "a context is some hart's");
    }
}

void check_controllers(const Machine& machine) {
    for (const device_tree::Plic& plic : machine.plics.all()) {
        check_registers(plic.registers, 0x201000, 0x1000);
        must(plic.sources >= 1 && plic.sources <= 1023, "the sources of a PLIC");
        check_contexts(machine, plic.contexts);
        for (const device_tree::Context& context : plic.contexts.all())
            must(0x200000 + (u64{context.index} + 1) * 0x1000 <= plic.registers.length,
                 "a context has registers");
    }
    for (const device_tree::Aplic& aplic : machine.aplics.all()) {
        check_registers(aplic.registers, 0x4000, 0x1000);
        must(aplic.sources >= 1 && aplic.sources <= 1023, "the sources of an APLIC");
        must((aplic.msi_parent != 0) == aplic.contexts.all().empty(), "it signals one way");
        check_contexts(machine, aplic.contexts);
        for (const device_tree::Context& context : aplic.contexts.all())
            must(0x4000 + (u64{context.index} + 1) * 32 <= aplic.registers.length, "a context has registers");
    }
    for (const device_tree::Imsic& imsic : machine.imsics.all()) {
        must(imsic.identities % 64 == 63 && imsic.identities < 2048, "the identities of an IMSIC");
        for (const device_tree::Range& group : imsic.groups.all()) check_registers(group, 4096, 4096);
        check_contexts(machine, imsic.contexts);
        for (const device_tree::Context& context : imsic.contexts.all()) {
            const u64 file = imsic.file(context.index);
            bool in_group = false;
            for (const device_tree::Range& group : imsic.groups.all())
                in_group = in_group || (file >= group.begin && file - group.begin <= group.length - 4096);
            must(in_group && file % 4096 == 0, "an interrupt file is in a group");
        }
    }
}

void check_harts(const Machine& machine) {
    const auto harts = machine.cpus.all();
    for (std::size_t i = 0; i < harts.size(); ++i) {
        must(harts[i].mmu <= device_tree::Mmu::sv57, "a hart's paging");
        for (std::size_t j = 0; j < i; ++j) {
            must(harts[i].hart != harts[j].hart, "a hart comes once");
            must(harts[i].controller == 0 || harts[i].controller != harts[j].controller,
                 "a local controller too");
        }
    }
}

void check(const Machine& machine, formats::Bytes tree) {
    must(!machine.cpus.all().empty() && !machine.memory.all().empty(), "there are harts and memory");
    for (const std::string_view text : {machine.model, machine.command_line, machine.stdout_path})
        must(inside(text, tree) && !text.contains('\0'), "a text lies in the tree");
    for (const device_tree::Cpu& cpu : machine.cpus.all()) must(inside(cpu.isa, tree), "so does a hart's");
    must(inside(machine.random_seed, tree), "and the random seed");
    for (const boot::FirmwareRange& range : machine.memory.all())
        must(range.length != 0 && range.length <= ~range.base, "memory does not wrap");
    for (const device_tree::Range& range : machine.reserved.all())
        must(range.length <= ~range.begin, "a reservation does not wrap");
    must(machine.bank.length <= ~machine.bank.begin, "the bank does not wrap");
    check_harts(machine);
    check_controllers(machine);
    const device_tree::Console& console = machine.console;
    if (console.kind != device_tree::Uart::none) {
        must(console.register_shift <= 4 && console.register_width <= 8, "the console's registers");
        check_registers(console.registers, u64{7} << console.register_shift, console.register_width);
        must((console.interrupt == 0) == (console.interrupt_parent == 0), "the console's interrupt");
    }
    if (machine.test_device.length != 0) check_registers(machine.test_device, 4, 4);
}

struct Outcome {
    bool good = false;
    std::string_view problem;
    std::size_t reports = 0;
    std::unique_ptr<Machine> machine = std::make_unique<Machine>();
};

[[nodiscard]] Outcome read(formats::Bytes tree) {
    Outcome outcome;
    const auto report = [&](std::string_view line) {
        must(!line.empty() && line.size() <= 128, "a report is one line");
        for (const char c : line) must(c >= ' ' && c <= '~', "a report is printable");
        ++outcome.reports;
    };
    outcome.good = device_tree::read(tree, *outcome.machine, report, outcome.problem);
    must(outcome.good == outcome.problem.empty(), "bad trees have a problem");
    must(outcome.reports <= 33, "the number of reports is bounded");
    return outcome;
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chorale::formats::Bytes tree = bytes_of(data, size);
    const std::size_t claimed = device_tree::claimed_size(tree);
    const Outcome first = read(tree);
    if (!first.good) return 0;
    must(claimed != 0 && claimed <= size, "a good tree has a size");
    check(*first.machine, tree.first(claimed));

    // Aligned like the first one; sentinels follow.
    std::vector<std::uint64_t> longer(claimed / 8 + 9, 0x0000'0009'0000'0001);
    std::memcpy(longer.data(), data, claimed);
    const Outcome second = read(std::as_bytes(std::span{longer}));
    const Machine &a = *first.machine, &b = *second.machine;
    must(second.good && second.reports == first.reports, "what follows a tree is not read");
    must(a.command_line == b.command_line && a.model == b.model && a.stdout_path == b.stdout_path,
         "nor a text");
    must(a.cpus.all().size() == b.cpus.all().size() && a.memory.all().size() == b.memory.all().size() &&
             a.reserved.all().size() == b.reserved.all().size() && a.console.kind == b.console.kind,
         "nor a node");
    return 0;
}

// Mostly a well-formed tree: changes of nodes and properties, at times of bytes.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    Chance chance{seed};
    if (chance.one_in(5)) return LLVMFuzzerMutate(data, size, limit);
    Tokens tokens = tokens_of(bytes_of(data, size));
    for (std::size_t count = 1 + chance.below(3); count > 0; --count) change(tokens, chance);
    const std::vector<std::uint8_t> tree = flattened(tokens);
    if (tree.size() > limit) return LLVMFuzzerMutate(data, size, limit);
    std::memcpy(data, tree.data(), tree.size());
    return tree.size();
}
