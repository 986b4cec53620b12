#include "arch/riscv64/platform/firmware.hpp"

#include "kernel/base/log.hpp"

#include <machine/boot_layout.hpp>

namespace chorale::machine {

namespace {

constinit boot::device_tree::Machine machine{};
constinit boot::MemoryRange place{};

// On the early tables, which map everything below the limit.
[[nodiscard]] formats::Bytes early_bytes(u64 address, u64 length) {
    if (address == 0 || !formats::fits(address, length, physical_limit)) return {};
    return {direct<const std::byte>(PhysAddr{address}), length};
}

} // namespace

void firmware_read(u64 tree) {
    constexpr std::size_t header = 40, size_limit = 2 << 20;
    constexpr u64 alignment = 8;
    if (tree % alignment != 0) panic("boot: the device tree's address is not a multiple of 8", tree);
    const std::size_t size = boot::device_tree::claimed_size(early_bytes(tree, header));
    if (size < header || size > size_limit)
        panic("boot: no device tree at the address that the loader gave", tree);
    place = {tree, tree + size};
    std::string_view problem = "out of reach";
    const formats::Bytes bytes = early_bytes(tree, size);
    const auto report = [](std::string_view text) { log("device tree: {}", text); };
    if (bytes.empty() || !boot::device_tree::read(bytes, machine, report, problem)) {
        log("boot: the device tree cannot be used: {}", problem);
        panic("boot: the device tree cannot be used", tree);
    }
}

const boot::device_tree::Machine& firmware() { return machine; }
boot::MemoryRange firmware_tree() { return place; }

} // namespace chorale::machine
