#include "kernel/interrupt/level.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/supervisor/supervisor_space.hpp"

#include <machine/mmu.hpp>

#include <new>

namespace chorale {

// Doing::running with the best priority: so whoever is woken up goes to the run queue, and is looked at when
// the CPU leaves.
bool init_interrupt_level(PerCpu& cpu) {
    static_assert(sizeof(Thread) <= page_size);
    const Result<PhysAddr> page = allocate_frames(0);
    if (!page.ok()) return false;
    zero_frames(page.value(), 0);
    Thread& thread = *::new (machine::direct<void>(page.value())) Thread;
    thread.state = state_running | flag_supervisor;
    thread.cpu.store(cpu.index, std::memory_order_relaxed); // relaxed: nobody else looks
    thread.space = &supervisor_space();
    thread.supervisor.base = SupervisorState::Base::interrupt;
    cpu.interrupt_thread = &thread;
    return true;
}

void call_at_interrupt_level(Actor& owner, u64 function, u64 first, u64 second) {
    PerCpu& cpu = this_cpu();
    Thread* const interrupted = cpu.current;
    cpu.interrupt_thread->actor = &owner;
    cpu.current = cpu.interrupt_thread;
    ++cpu.interrupt_masks; // the function's own imsIntrUnmask_f() is never the last one
    reinterpret_cast<void (*)(u64, u64)>(function)(first, second);
    --cpu.interrupt_masks;
    cpu.current = interrupted;
}

} // namespace chorale
