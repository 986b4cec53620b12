// A thread is at one CPU at a time, or under way with flag_moving set:
//
//   Core X (old owner)                                Core Y (new owner)
//     A  takes it out of its own structures
//     B  flag_moving set, cpu = Y (release)
//     C  sends the thread's Request to Y                D  receives it (acquire): flag_moving cleared, waits
//     resumed
// A request about the thread that another CPU sends to X after B is passed on to Y behind C; one sent to Y
// before D is put back into Y's mailbox until D (forward(), kernel/core/remote.cpp).
#include "kernel/core/migration.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/turn.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/port.hpp"

#include <machine/cpu.hpp>
#include <machine/mmu.hpp>

namespace chorale {

namespace {

// What the thread was doing is in its state; here it begins to do so on this CPU.
void arrive(Request& request) {
    Thread& thread = *static_cast<ThreadRequest&>(request).thread;
    thread.clear(flag_moving);
    join_turns(this_cpu(), thread);
    thread.accounts.migrations.count();
    this_cpu().counters.migrations.count();
    thread.space->enter_cpu(this_cpu().index);
    // The quick way of its system calls writes there before it could take a fault.
    if (thread.direct_trap.record.raw() != 0) machine::forget_absent_pages();
    machine::synchronize_instructions(); // the program may have changed its code on the CPU it comes from
    if (thread.has(flag_timed)) arm_timer(thread, thread.timer.deadline);
    switch (thread.doing()) {
    case Doing::ready:
        make_ready(thread);
        break;
    case Doing::receiving:
        wake_with(thread, thread.resume);
        break;
    default:
        break;
    }
}

// The wait for a message starts again on the new CPU, with the same port and deadline.
void stop_receiving(Thread& thread) {
    unpark(thread);
    resume_later(thread);
}

[[nodiscard]] Status separate(Thread& thread) {
    if (thread.server != nullptr) {
        if (const Status status = slow_pair(thread); status != Status::ok) return status;
    }
    return thread.client == nullptr ? Status::ok : slow_pair(*thread.client);
}

void depart(Thread& thread, CpuIndex to) {
    PerCpu& cpu = this_cpu();
    // Also one that has just begun to wait is still this CPU's last thread.
    if (cpu.current == &thread) {
        release_fpu(cpu);
        cpu.current = nullptr;
    }
    leave_meter(cpu, thread);
    leave_turns(cpu, thread);
    switch (thread.doing()) {
    case Doing::running:
        thread.now_doing(Doing::ready);
        break;
    case Doing::ready:
        cpu.ready.remove(thread);
        break;
    case Doing::receiving:
        stop_receiving(thread);
        break;
    default:
        break;
    }
    if (thread.has(flag_timed)) cpu.timers.cancel(thread.timer);
    thread.port = &null_port();
    thread.set(flag_moving);
    // release: pairs with the acquire in forward() and ask()
    thread.cpu.store(to, std::memory_order_release);
    thread.request.run = arrive;
    cpu.inbox.post(to, thread.request);
}

} // namespace

Status move_thread(Thread& thread, CpuIndex cpu) {
    // relaxed: only the owner, this CPU, writes it
    if (thread.cpu.load(std::memory_order_relaxed) == cpu) return Status::ok;
    if (const Status status = separate(thread); status != Status::ok) return status;
    depart(thread, cpu);
    return Status::ok;
}

} // namespace chorale
