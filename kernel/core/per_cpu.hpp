// What each CPU owns. Only the owning CPU writes here, but for the mailbox rings, which each have one other
// writer.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/mem/cpu_cache.hpp"
#include "kernel/mem/relaxed.hpp"
#include "kernel/sched/cpu_scheduling.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/time/timer_queue.hpp"

#include <machine/cpu.hpp>
#include <machine/offsets.h>

#include <cstddef>

namespace chorale {

struct InterruptLine;
struct Message;
struct Thread;

enum Pending : u32 {
    pending_none = 0,
    pending_reschedule = 1,
    pending_mail = 2,
    pending_timer = 4,
    pending_alarm = 8,
    pending_console = 16, // text of the nucleus's own waits to be sent
    pending_turn = 32,    // whose quantum is used, or who waits behind it, has changed
    pending_device = 128, // a device has interrupted that somebody is attached to
    pending_offer = 64,   // a thread waits that a hungry CPU may take
    pending_trace = 256   // what a trace records is to be looked for (kernel/trace/recorder.hpp)
};

// What a page fault has to know.
enum class Reach : u8 {
    none,
    direct, // copies to frames of another space (kernel/ipc/direct_copy.hpp)
    traced, // neither, but a trace runs here
};

inline constexpr unsigned group_turn_places = 64;

// Only ever incremented, by the owner; read by all for sysStatistics and sysCpuStatistics.
struct Counters {
    Relaxed<u64> messages_called, messages_sent, messages_crossed, switches;
    Relaxed<u64> preemptions, migrations, requests, timer_interrupts, doorbells, device_interrupts,
        exceptions, halts;
};

// What assembly and the fast path reach, in one cache line.
struct alignas(cache_line) PerCpuHot {
    PerCpuHot* self{this};
    Thread* current{};
    uword stack_top{};
    uword scratch{};  // of the entry code, while no register is free
    u64 space_root{}; // what the MMU holds
    uword slot{};     // index * cache_line: offset of this CPU's PortSlot
    u32 pending{};    // Pending bits: never non-zero when the CPU goes to user mode
    CpuIndex index{};
    u32 top_ready{RunQueue::none}; // best priority in `ready`; kept by RunQueue
    u32 fpu_live{};                // the current thread's FPU registers are loaded
};

struct PerCpu : PerCpuHot {
    // Threads of this CPU that have a quantum: without one there is nothing to look after. And traced_share.
    u32 quanta{};
    Counters counters; // near the beginning, where one instruction reaches them
    RunQueue ready{top_ready};
    TimerQueue timers;
    Meter meter;
    Turn turn;
    Pull pull;
    CpuCache memory;
    u64 programmed_deadline{TimerQueue::never};
    Reach reaching{};
    u32 interrupt_masks{};                     // how often imsIntrMask_f() was called here and not taken back
    Thread* interrupt_thread{};                // current at interrupt level (kernel/interrupt/level.hpp)
    InterruptLine *arrived{}, *last_arrived{}; // in the order of their arrival
    u8 group_turns[group_turn_places]{};       // whose turn it is (kernel/ipc/group.cpp)
    Relaxed<Message*> spare_message;           // the last one freed here: the next exchange takes it
    Mailbox inbox;                             // the last member: its memory goes on behind it

    [[nodiscard]] static constexpr uword bytes(unsigned cpus);
};
constexpr uword PerCpu::bytes(unsigned cpus) { return sizeof(PerCpu) + Mailbox::pair_bytes(cpus); }

static_assert(offsetof(PerCpuHot, self) == CPU_SELF && offsetof(PerCpuHot, current) == CPU_CURRENT);
static_assert(offsetof(PerCpuHot, stack_top) == CPU_STACK_TOP && offsetof(PerCpuHot, scratch) == CPU_SCRATCH);
static_assert(offsetof(PerCpuHot, space_root) == CPU_SPACE_ROOT && offsetof(PerCpuHot, slot) == CPU_SLOT);
static_assert(offsetof(PerCpuHot, pending) == CPU_PENDING && offsetof(PerCpuHot, index) == CPU_INDEX);
static_assert(offsetof(PerCpuHot, top_ready) == CPU_TOP_READY &&
              offsetof(PerCpuHot, fpu_live) == CPU_FPU_LIVE);

[[nodiscard]] inline PerCpu& this_cpu() {
    return *static_cast<PerCpu*>(static_cast<PerCpuHot*>(machine::cpu_block()));
}

// Every started CPU, by index. Filled before the secondaries run, constant afterwards.
[[nodiscard]] PerCpu& cpu_at(CpuIndex index);
[[nodiscard]] unsigned cpu_count();
// How many each block has room for: those that the machine has, started or not.
[[nodiscard]] unsigned known_cpus();

} // namespace chorale
