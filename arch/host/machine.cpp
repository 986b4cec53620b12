// Power on: memory, a bank with the root actor, the first CPU.
#include "arch/host/machine.hpp"

#include "arch/host/dispatch.hpp"
#include "arch/host/engine.hpp"
#include "arch/host/memory.hpp"
#include "arch/host/native.hpp"
#include "arch/host/root.hpp"
#include "arch/host/supervisor_actor.hpp"
#include "kernel/boot/memory_map.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/main/boot_info.hpp"

#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/smp.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace chorale::host {

namespace {

constexpr u64 first_byte = u64{1} << 20; // frame 0 and what a PC keeps below are nobody's

std::array<Cpu, max_cpus> cpus;
Settings chosen;
std::vector<std::byte> bank;
boot::MemoryMap memory;
BootInfo info;
PerCpu* const* cpu_blocks;

void first_cpu() { nucleus_main(info); }

void other_cpu() {
    Cpu& cpu = this_cpu();
    machine::set_cpu_block(cpu_blocks[cpu.index], cpu.index);
    nucleus_secondary();
}

} // namespace

Cpu& cpu(CpuIndex index) { return cpus.at(index); }

unsigned cpus_wanted() { return chosen.cpus; }

void boot(const Settings& settings, Engine& engine) {
    static bool booted = false;
    if (std::exchange(booted, true)) {
        std::fputs("host machine: it boots once in a process\n", stderr);
        std::abort();
    }
    chosen = settings;
    machine::console_silent = !settings.console;
    chosen.cpus = std::clamp(settings.cpus, 1u, max_cpus);
    for (CpuIndex index = 0; index < chosen.cpus; ++index) cpus[index].index = index;
    bank = root_bank(settings.supervisor);
    native_variables = holds_variables;
    const boot::FirmwareRange usable[] = {
        {first_byte, chosen.memory - first_byte, boot::FirmwareRange::usable}};
    memory.assign(usable);
    info.command_line = chosen.command_line;
    info.loader = "a test";
    info.memory = &memory;
    info.bank = formats::Bytes{bank};
    info.total_memory = chosen.memory;
    use_engine(&engine);
    add_program(root);
    add_program(supervisor_root);
    engine.start(cpus[0], first_cpu);
    const Outcome outcome = engine.go();
    if (outcome == Outcome::finished) return;
    std::fprintf(stderr, "host machine: boot came to nothing (%u)\n", static_cast<unsigned>(outcome));
    std::abort();
}

} // namespace chorale::host

namespace chorale::machine {

unsigned discover_cpus(unsigned limit) { return std::clamp(host::cpus_wanted(), 1u, limit); }

u64 start_cpus(unsigned count, PerCpu* const* blocks) {
    host::cpu_blocks = blocks;
    for (CpuIndex index = 1; index < count; ++index) host::engine().start(host::cpu(index), host::other_cpu);
    return count == 64 ? ~u64{0} : (u64{1} << count) - 1;
}

u32 hardware_id(CpuIndex index) { return index; }

} // namespace chorale::machine
