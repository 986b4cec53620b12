// The boot CPU's way from start.S to nucleus_main(): loader, memory, page tables, tables of the CPU,
// interrupts, time.
#include "arch/common/nucleus_tables.hpp"
#include "arch/machine.hpp" // checks this machine against the contract
#include "arch/x86_64/boot/loader.hpp"
#include "arch/x86_64/boot/paging.hpp"
#include "arch/x86_64/cpu/descriptors.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/platform/firmware.hpp"
#include "arch/x86_64/smp/secondary.hpp"
#include "arch/x86_64/time/calibrate.hpp"
#include "arch/x86_64/trap/apic.hpp"
#include "arch/x86_64/trap/io_apic.hpp"
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

constinit LoaderInfo loader{};
constinit boot::MemoryMap all_memory{}, memory{}; // what the firmware calls memory; what is left to give out
constinit BootInfo boot_info{};

void read_loader(u32 magic, u64 address) {
    std::string_view problem = "started by an unknown loader";
    const bool good = magic == pvh_magic          ? read_pvh(address, loader, problem)
                      : magic == multiboot2_magic ? read_multiboot2(address, loader, problem)
                                                  : false;
    if (!good) {
        log("boot: {}, cannot start", problem);
        panic("boot: no usable information from the loader", magic);
    }
    if (loader.memory_dropped != 0) log("boot: {} memory map entries ignored", loader.memory_dropped);
}

[[nodiscard]] PhysRange image_range() {
    return {image_physical(chorale_image_begin), image_physical(chorale_image_end)};
}

// The whole bank must be memory: what the loader says is not taken on trust.
[[nodiscard]] bool bank_is_memory() {
    if (loader.bank_length == 0) return false;
    for (const boot::MemoryRange& range : all_memory.usable()) {
        if (loader.bank_begin >= range.begin && loader.bank_begin < range.end) {
            return loader.bank_length <= range.end - loader.bank_begin;
        }
    }
    return false;
}

// Direct-mapped is all that the firmware calls memory; given out is what nobody uses.
void set_up_memory() {
    constexpr u64 low_memory = 1 << 20; // the firmware's playground; the trampoline's page is there too
    all_memory.assign({loader.memory, loader.memory_count}, physical_limit);
    boot_info.total_memory = all_memory.usable_bytes();
    if (!bank_is_memory()) {
        if (loader.bank_length != 0) log("boot: the bank is not in memory, ignored");
        loader.bank_begin = loader.bank_length = 0;
    }
    memory = all_memory;
    choose_trampoline(memory, loader.bank_begin, loader.bank_length);
    const PhysRange image = image_range();
    memory.reserve(0, low_memory);
    memory.reserve(image.begin.raw(), image.size());
    if (loader.bank_length != 0) memory.reserve(loader.bank_begin, loader.bank_length);
    boot_memory_open(memory);
    make_nucleus_tables(all_memory);
}

[[nodiscard]] boot::BootOptions read_options() {
    // Problems are reported by nucleus_main(), which parses again.
    return boot::parse_command_line({loader.command_line, loader.command_line_length},
                                    [](const boot::CommandLineProblem&) {});
}

void fill_boot_info() {
    boot_info.command_line = {loader.command_line, loader.command_line_length};
    boot_info.loader = {loader.loader, loader.loader_length};
    boot_info.memory = &memory;
    boot_info.bank_frames = {PhysAddr{loader.bank_begin}, PhysAddr{loader.bank_begin + loader.bank_length}};
    if (loader.bank_length != 0) {
        boot_info.bank = {direct<const std::byte>(boot_info.bank_frames.begin), loader.bank_length};
    }
    boot_info.nucleus = image_range();
    boot_info.boot_bytes = boot_memory_used();
    boot_info.rsdp = loader.rsdp;
}

// On the boot CPU's own stack.
[[noreturn]] void boot_on_cpu_stack() {
    firmware_read(loader);
    apic_start();
    clock_start();
    io_apic_start();
    const unsigned cpus = find_cpus(static_cast<unsigned>(read_options().cpus));
    for (CpuIndex cpu = 1; cpu < cpus; ++cpu) make_stacks(cpu);
    close_nucleus_tables();
    boot_memory_close(memory);
    fill_boot_info();
    nucleus_main(boot_info);
}

} // namespace

extern "C" [[noreturn]] void chorale_boot(u32 magic, u32 address);

void chorale_boot(u32 magic, u32 address) {
    for (auto* constructor = chorale_constructors_begin; constructor != chorale_constructors_end;
         ++constructor) {
        (*constructor)();
    }
    make_interrupt_table();
    load_descriptors(0);
    select_console(ConsolePort::com1);
    read_loader(magic, address);
    detect_features();
    patch_nucleus();
    enable_features();
    switch (read_options().console) {
    case boot::Console::com1:
        break;
    case boot::Console::com2:
        select_console(ConsolePort::com2);
        break;
    case boot::Console::none:
        select_console(ConsolePort::none);
        break;
    }
    set_up_memory();
    load_nucleus_tables();
    make_stacks(0);
    asm volatile("movq %0, %%rsp\n"
                 "xorl %%ebp, %%ebp\n"
                 "callq *%1\n" ::"r"(main_stack_end(0)),
                 "r"(boot_on_cpu_stack)
                 : "memory");
    __builtin_unreachable();
}

} // namespace chorale::machine
