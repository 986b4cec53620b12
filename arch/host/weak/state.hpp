// The state of the library: one of each, as there is one host thread. All of it is set by reset().
#pragma once

#include "arch/host/weak/clock.hpp"
#include "arch/host/weak/shadow.hpp"

namespace chorale::weak {

struct Cpu {
    Knowledge now;
    Knowledge acquirable; // of the stores that relaxed loads have seen, for the next acquire fence
    Knowledge released;   // what the last release fence published, for the relaxed stores after it
    bool has_acquirable;
    bool has_released;
    std::uint8_t index;
    std::uint64_t mark; // of a plain access at the current position, but for its kind and its bytes
    std::uintptr_t stack_low;
    std::size_t stack_size;
    Knowledge rung; // what doorbells on the way to this CPU bring

    [[nodiscard]] Position position() const { return now.ordered.of[index]; }
    [[nodiscard]] bool on_stack(std::uintptr_t address) const { return address - stack_low < stack_size; }

    // After publishing: what is done next was not published.
    void advance() {
        ++now.ordered.of[index];
        now.visible.of[index] = now.ordered.of[index];
        mark = Mark::of_cpu(index, position());
    }
};

struct State {
    Cpu* current; // nullptr: the simulator's own code runs
    Simulator* simulator;
    Options options;
    unsigned cpus;
    std::uint32_t operations; // atomic ones in this run
    Position fences;          // the number of the next sequentially consistent fence
    Clock fenced;             // what such fences have made visible
    bool atomics_on_stacks;   // plain writes to a stack may end the life of an atomic
    Cpu cpu[max_cpus];
};

extern constinit State state;

// Return addresses are kept in 32 bits, as the distance from this library's own code.
[[nodiscard]] std::uint32_t short_pc(const void* pc);
[[nodiscard]] std::uintptr_t long_pc(std::uint32_t pc);

// Instrumented code in the callbacks acts directly on memory. The fiber comes back on the CPU on which it
// left.
template <class F>
decltype(auto) outside(F&& call) {
    struct Restore {
        Cpu* cpu = state.current;
        ~Restore() { state.current = cpu; }
    } restore;
    state.current = nullptr;
    return call(*state.simulator);
}

// Ends the process: the library cannot go on.
[[noreturn]] void give_up(const char* why);

// Address space, zeroed, that becomes memory where it is touched.
[[nodiscard]] void* reserve(std::size_t size);
// Makes a part of it memory at once, which is cheaper than a page fault for each page.
void populate(void* start, std::size_t size);

} // namespace chorale::weak
