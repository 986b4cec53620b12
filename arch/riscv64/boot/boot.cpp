// The boot hart's way from start.S to nucleus_main(): firmware, device tree, memory, page tables, time,
// interrupts.
#include "arch/common/nucleus_tables.hpp"
#include "arch/machine.hpp" // checks this machine against the contract
#include "arch/riscv64/boot/paging.hpp"
#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/patch.hpp"
#include "arch/riscv64/cpu/sbi.hpp"
#include "arch/riscv64/cpu/stacks.hpp"
#include "arch/riscv64/platform/console_device.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/platform/test_device.hpp"
#include "arch/riscv64/smp/secondary.hpp"
#include "arch/riscv64/time/clock.hpp"
#include "arch/riscv64/trap/external.hpp"
#include "kernel/base/log.hpp"
#include "kernel/boot/command_line.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/main/boot_info.hpp"

#include <machine/console.hpp>

namespace chorale::machine {

namespace {

extern "C" {
extern const u8 chorale_image_begin[], chorale_image_end[];
extern void (*const chorale_constructors_begin[])();
extern void (*const chorale_constructors_end[])();
}

constinit boot::MemoryMap all_memory{}, memory{}; // what the tree calls memory; what is left to give out
constinit boot::MemoryMap bank_room{};            // where a bank may lie; too large for the stack
constinit BootInfo boot_info{};
constinit boot::device_tree::Range bank{};
constinit u64 boot_hart = 0;

[[nodiscard]] PhysRange image_range() {
    return {image_physical(chorale_image_begin), image_physical(chorale_image_end)};
}

[[nodiscard]] bool inside_one_of(std::span<const boot::MemoryRange> ranges, u64 begin, u64 end) {
    for (const boot::MemoryRange& range : ranges) {
        if (begin >= range.begin && begin < range.end) return end <= range.end;
    }
    return false;
}

// What the tree says of the bank is not taken on trust: it must be memory that is nobody else's. A loader may
// have reserved it, as a range of its own.
[[nodiscard]] bool bank_is_sound() {
    const boot::device_tree::Range& bank_range = firmware().bank;
    const u64 begin = bank_range.begin, end = begin + bank_range.length;
    bank_room = memory; // without image, tree and firmware
    for (const boot::device_tree::Range& range : firmware().reserved.all()) {
        const bool banks_own = round_down(range.begin, page_size) == round_down(begin, page_size) &&
                               round_up(range.begin + range.length, page_size) == round_up(end, page_size);
        if (!banks_own) bank_room.reserve(range.begin, range.length);
    }
    return inside_one_of(bank_room.usable(), begin, end);
}

// Direct-mapped is all that the tree calls memory; given out is what nobody uses.
void set_up_memory() {
    all_memory.assign(firmware().memory.all(), physical_limit);
    boot_info.total_memory = all_memory.usable_bytes();
    memory = all_memory;
    const PhysRange image = image_range();
    if (!inside_one_of(all_memory.usable(), image.begin.raw(), image.end.raw())) {
        log("boot: the device tree's memory does not hold the nucleus");
        panic("boot: the device tree cannot be used", image.begin.raw());
    }
    memory.reserve(image.begin.raw(), image.size());
    memory.reserve(firmware_tree().begin, firmware_tree().size());
    // The firmware lies below the image and may have forgotten to say so.
    constexpr u64 firmware_room = 2 << 20;
    memory.reserve(image.begin.raw() - firmware_room, firmware_room);
    if (firmware().bank.length != 0) {
        if (bank_is_sound()) {
            bank = firmware().bank;
            memory.reserve(bank.begin, bank.length);
        } else {
            log("boot: the bank is not in memory, ignored");
        }
    }
    for (const boot::device_tree::Range& range : firmware().reserved.all())
        memory.reserve(range.begin, range.length);
    boot_memory_open(memory);
    make_nucleus_tables(all_memory);
    // The tree may lie outside the memory that it describes.
    (void)boot_firmware_bytes(firmware_tree().begin, firmware_tree().size());
}

[[nodiscard]] boot::BootOptions read_options() {
    // Problems are reported by nucleus_main(), which parses again.
    return boot::parse_command_line(firmware().command_line, [](const boot::CommandLineProblem&) {});
}

void fill_boot_info() {
    boot_info.command_line = firmware().command_line;
    boot_info.loader = sbi_version().implementation == 1 ? "OpenSBI" : "SBI firmware";
    boot_info.memory = &memory;
    boot_info.bank_frames = {PhysAddr{bank.begin}, PhysAddr{bank.begin + bank.length}};
    if (bank.length != 0) {
        boot_info.bank = {direct<const std::byte>(boot_info.bank_frames.begin), bank.length};
    }
    boot_info.nucleus = image_range();
    boot_info.boot_bytes = boot_memory_used();
}

// On the boot hart's own stack.
[[noreturn]] void boot_on_cpu_stack() {
    enable_features();
    console_use_device();
    find_test_device();
    clock_start();
    external_start();
    const unsigned cpus = find_cpus(static_cast<unsigned>(read_options().cpus), boot_hart);
    for (CpuIndex cpu = 1; cpu < cpus; ++cpu) make_stacks(cpu);
    close_nucleus_tables();
    boot_memory_close(memory);
    fill_boot_info();
    nucleus_main(boot_info);
}

} // namespace

extern "C" [[noreturn]] void chorale_boot(u64 hart, u64 tree, u64 image);

void chorale_boot(u64 hart, u64 tree, u64 image) {
    paging.image_offset = reinterpret_cast<uword>(chorale_image_begin) - image;
    boot_hart = hart;
    for (auto* constructor = chorale_constructors_begin; constructor != chorale_constructors_end;
         ++constructor) {
        (*constructor)();
    }
    sbi_detect();
    select_console(ConsolePort::com1);
    firmware_read(tree);
    detect_features(firmware(), hart);
    if (read_options().console == boot::Console::none) select_console(ConsolePort::none);
    probe_mmu();
    patch_nucleus();
    set_up_memory();
    load_nucleus_tables();
    make_stacks(0);
    asm volatile("mv sp, %0\n"
                 "li s0, 0\n"
                 "jalr %1\n" ::"r"(main_stack_end(0)),
                 "r"(boot_on_cpu_stack)
                 : "memory");
    __builtin_unreachable();
}

} // namespace chorale::machine
