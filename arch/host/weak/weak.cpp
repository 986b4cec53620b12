// The library's side of weak.hpp: runs, CPUs, and what the simulator tells of them.
#include "arch/host/weak/weak.hpp"

#include "arch/host/weak/location.hpp"
#include "arch/host/weak/state.hpp"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

namespace chorale::weak {

constinit State state{};

namespace {

std::uintptr_t anchor() { return reinterpret_cast<std::uintptr_t>(&short_pc); }

Cpu& cpu_at(unsigned cpu) {
    if (cpu >= state.cpus) give_up("there is no such CPU");
    return state.cpu[cpu];
}

} // namespace

void give_up(const char* why) {
    std::fprintf(stderr, "weak memory: %s\n", why);
    std::abort();
}

void* reserve(std::size_t size) {
    void* const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) give_up("no address space for the shadow of memory");
    return memory;
}

void populate(void* start, std::size_t size) {
    constexpr std::uintptr_t page = 4096;
    const auto first = reinterpret_cast<std::uintptr_t>(start) / page * page;
    const auto last = (reinterpret_cast<std::uintptr_t>(start) + size + page - 1) / page * page;
    // An older kernel does not know this, and takes the faults.
    madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
}

std::uint32_t short_pc(const void* pc) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pc) - anchor());
}

std::uintptr_t long_pc(std::uint32_t pc) {
    // Either way from the anchor.
    const auto distance = static_cast<std::int64_t>(static_cast<std::int32_t>(pc));
    return anchor() + static_cast<std::uintptr_t>(distance);
}

void install(Simulator& simulator, const Options& options) {
    if (options.stale_reads > 255) give_up("Options::stale_reads is more than 255");
    state.current = nullptr;
    state.simulator = &simulator;
    state.options = options;
    shadow.map(options.arena, options.arena_size);
    reset(1);
}

void reset(unsigned cpus) {
    if (state.simulator == nullptr) give_up("not installed");
    if (cpus == 0 || cpus > max_cpus) give_up("a run has 1 to 8 CPUs");
    state.current = nullptr;
    state.cpus = cpus;
    state.operations = 0;
    state.fences = 1;
    state.fenced = Clock{};
    state.atomics_on_stacks = false;
    for (unsigned index = 0; index < max_cpus; ++index) {
        Cpu& cpu = state.cpu[index];
        cpu = Cpu{};
        cpu.index = static_cast<std::uint8_t>(index);
        cpu.advance();
    }
    shadow.next_run();
    reset_locations();
}

void enter(unsigned cpu) { state.current = &cpu_at(cpu); }
void leave() { state.current = nullptr; }
unsigned current() { return state.current == nullptr ? nobody : state.current->index; }

void set_stack(unsigned cpu, const void* low, std::size_t size) {
    cpu_at(cpu).stack_low = reinterpret_cast<std::uintptr_t>(low);
    cpu_at(cpu).stack_size = size;
}

void forget(const void* address, std::size_t size) {
    shadow.forget(reinterpret_cast<std::uintptr_t>(address), size);
}

void synchronise(unsigned from, unsigned to) {
    cpu_at(to).now.join(cpu_at(from).now);
    // The two are one CPU when it sends itself something.
    if (from != to) cpu_at(from).advance();
}

void ring(unsigned from, unsigned to) {
    cpu_at(to).rung.join(cpu_at(from).now);
    cpu_at(from).advance();
}

void deliver(unsigned to) { cpu_at(to).now.join(cpu_at(to).rung); }

void drain(unsigned cpu) {
    Cpu& me = cpu_at(cpu);
    for (unsigned other = 0; other < state.cpus; ++other) {
        me.now.visible.of[other] = state.cpu[other].position();
        // What the others do from here on is not included.
        state.cpu[other].advance();
    }
    me.now.fences = state.fences++;
}

} // namespace chorale::weak
