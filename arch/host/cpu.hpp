// What a CPU of the host machine is made of. A CPU is played by whoever called become() last on a thread.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/frame.hpp>
#include <machine/timer.hpp>

#include <atomic>
#include <csetjmp>
#include <cstddef>
#include <map>
#include <utility>

namespace chorale::host {

enum Interrupt : u32 {
    interrupt_doorbell = 1,
    interrupt_stop = 2,      // the machine ends
    interrupt_first_line = 8 // device line 0
};
inline constexpr unsigned device_lines = 4;

// One page that a TLB remembers. `age`: how often its frame had been given back by then.
struct Translation {
    u64 entry;
    unsigned level;
    u32 age;
};
using Tlb = std::map<std::pair<u64, uword>, Translation>; // by address space identifier and page
// The identifier for the supervisor range, whose entries are the same in all spaces.
inline constexpr u64 any_asid = ~u64{0};

struct Stack {
    std::byte* base{};
    std::size_t size{};
};

struct Cpu {
    CpuIndex index{};
    Stack stack;   // on which it is
    void* block{}; // its PerCpu
    u64 root{};
    Tlb tlb;
    u64 alarm = machine::no_deadline;
    std::atomic<u32> interrupts{};

    // Registers that the way through the nucleus does not save.
    u64 words[8]{};
    u64 fpu[8]{};
    bool fpu_on{};
    bool traced{}; // CallEntry

    // Where it goes on when the nucleus has left its stack: `next` if set, else user mode.
    void (*next)(){};
    jmp_buf bottom;
    UserThread* running{};
};

[[nodiscard]] Cpu& this_cpu();
void become(Cpu& cpu);

} // namespace chorale::host
