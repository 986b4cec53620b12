#include "kernel/core/lifetime.hpp"

#include "kernel/core/accounts.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/core/migration.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/turn.hpp"
#include "kernel/core/wait.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/system_stack.hpp"
#include "kernel/sync/lending.hpp"
#include "kernel/sync/sync.hpp"

#include <machine/fpu.hpp>

namespace chorale {

namespace {

constinit Cache<Thread, Reuse::stable> threads{"threads"};

[[nodiscard]] Status enter_table(Actor& actor, Thread& thread) {
    return actor.tables.with([&](Actor::Tables& tables) {
        // relaxed: the lock orders it
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        for (unsigned lid = 1; lid < Actor::thread_limit; ++lid) {
            if (tables.threads[lid] != nullptr) continue;
            tables.threads[lid] = &thread;
            if (lid >= tables.threads_end) tables.threads_end = lid + 1;
            // relaxed: under the lock: whoever stops or starts the actor later finds the thread in the table
            thread.control.stopped = actor.stopped.load(std::memory_order_relaxed);
            if (thread.control.stopped) thread.set(flag_held);
            ++tables.live_threads;
            thread.lid = static_cast<KnThreadLid>(lid);
            return Status::ok;
        }
        return Status::full;
    });
}

// The new thread's CPU time starts at zero; dead threads' have been added to their actors'.
void begin_scheduling(Thread& thread, const ThreadStart& start) {
    Scheduling& scheduling = thread.scheduling;
    scheduling.scheduling_class = start.attributes.scheduling_class;
    scheduling.bound = start.bound;
    scheduling.quantum = scheduling.left = start.attributes.quantum;
    scheduling.time.home.store(0);
    scheduling.time.abroad.store(0);
    scheduling.limit = {};
}

// What reuse of the memory may have left behind. `serial` and `transaction` go on counting.
void reset(Thread& thread, Actor& actor, const ThreadStart& start, SystemStack* stack) {
    thread.state = static_cast<u32>(Doing::inactive);
    thread.client = thread.server = nullptr;
    thread.port = &null_port();
    thread.space = &actor.space;
    thread.actor = &actor;
    thread.priority = start.attributes.priority;
    thread.base_priority = start.attributes.priority;
    thread.supervisor = {};
    thread.direct_trap = {};
    if (stack == nullptr) {
        thread.frame.start(start.entry, start.stack, 0);
    } else {
        thread.frame.start_supervisor(start.entry, stack->top, 0);
        thread.supervisor.base = SupervisorState::Base::supervisor;
        thread.set(flag_supervisor);
        thread.supervisor.stack = stack;
    }
    thread.continuation = nullptr;
    thread.request.thread = &thread;
    thread.timer.thread = &thread;
    thread.incoming = nullptr;
    thread.fetched = nullptr;
    thread.serving = nullptr;
    thread.handling = nullptr;
    thread.fpu_area = nullptr;
    thread.victim = nullptr;
    thread.control = {};
    begin_scheduling(thread, start);
    if (actor.virtual_time.metered.load()) thread.set(flag_metered);
    thread.invocations.faulty = nullptr;
    thread.paging = {};
    thread.trace.run = 0;
    thread.invocations.keeps_result = false;
    thread.accounts.dispatches.store(0);
    thread.accounts.preemptions.store(0);
    thread.accounts.migrations.store(0);
    thread.accounts.first_exchange = thread.exchanges;
    open_loans(thread);
    // release: pairs with the acquire in forward()
    thread.cpu.store(this_cpu().index, std::memory_order_release);
}

void release_fpu_area(Thread& thread) {
    PerCpu& cpu = this_cpu();
    if (cpu.current == &thread) release_fpu(cpu);
    if (thread.fpu_area == nullptr) return;
    free_frames(machine::physical(thread.fpu_area), order_for(machine::fpu_area_size()));
    thread.fpu_area = nullptr;
}

void leave_table(Thread& thread) {
    thread.actor->tables.with([&](Actor::Tables& tables) {
        tables.threads[static_cast<unsigned>(thread.lid)] = nullptr;
        add_times(tables.ended, thread.scheduling.time);
        add_accounts(tables.past, thread);
        --tables.live_threads;
    });
}

void destroy(Thread& thread) {
    PerCpu& cpu = this_cpu();
    cancel_wait(thread);
    // What becomes of its priority is nobody's from here on: there is no wait that lend_on() could look for.
    if (thread.doing() >= Doing::receiving) thread.now_doing(Doing::inactive);
    drop_invocations(thread);
    let_go_of_timer(thread);
    abandon_current(thread, K_ECRASH);
    release_fpu_area(thread);
    leave_meter(cpu, thread);
    drop_virtual_timeouts(thread); // what it used last may have made some due
    leave_turns(cpu, thread);
    leave_table(thread);
    give_back_system_stack(thread.supervisor.stack);
    thread.supervisor = {};
    // relaxed: others compare it before they ask this CPU, and this CPU compares it again
    thread.serial.fetch_add(1, std::memory_order_relaxed);
    thread.state = static_cast<u32>(Doing::nothing);
    if (cpu.current == &thread) cpu.current = nullptr;
    threads.destroy(&thread);
}

} // namespace

Result<Thread*> create_thread(Actor& actor, const ThreadStart& start) {
    SystemStack* stack{};
    if (start.supervisor) {
        const Result<SystemStack*> taken = take_system_stack(start.system_stack_size);
        if (!taken.ok()) return taken.status();
        stack = taken.value();
    }
    const Result<Thread*> made = threads.make();
    if (!made.ok()) {
        give_back_system_stack(stack);
        return made;
    }
    Thread& thread = *made.value();
    thread.serial.fetch_add(1, std::memory_order_relaxed); // relaxed: as in destroy()
    reset(thread, actor, start, stack);
    if (const Status status = enter_table(actor, thread); status != Status::ok) {
        thread.state = static_cast<u32>(Doing::nothing);
        give_back_system_stack(stack);
        thread.supervisor = {};
        threads.destroy(&thread);
        return status;
    }
    actor.space.enter_cpu(this_cpu().index);
    join_turns(this_cpu(), thread);
    if (start.active) make_ready(thread);
    return &thread;
}

Result<FoundThread> find_thread(Actor& actor, KnThreadLid lid) {
    if (lid <= 0 || lid >= static_cast<KnThreadLid>(Actor::thread_limit)) return Status::invalid;
    return actor.tables.with([&](Actor::Tables& tables) -> Result<FoundThread> {
        Thread* const thread = tables.threads[static_cast<unsigned>(lid)];
        if (thread == nullptr) return Status::invalid;
        return FoundThread{thread, thread->serial.load(std::memory_order_relaxed)}; // relaxed: under the lock
    });
}

FoundThread next_thread(Actor& actor, unsigned& lid, const Thread* but, unsigned end) {
    return actor.tables.with([&](Actor::Tables& tables) {
        for (; lid < end && lid < tables.threads_end; ++lid) {
            Thread* const thread = tables.threads[lid];
            if (thread == nullptr || thread == but) continue;
            ++lid;
            return FoundThread{thread,
                               thread->serial.load(std::memory_order_relaxed)}; // relaxed: under the lock
        }
        if (lid >= tables.threads_end) lid = Actor::thread_limit;
        return FoundThread{};
    });
}

bool engaged(const Thread& thread) {
    return thread.doing() == Doing::asking || thread.victim != nullptr || thread.has(flag_finishing);
}

void end_thread(Thread& thread) {
    if (engaged(thread)) {
        thread.set(flag_dying);
        if (waits_for_page(thread) && leave_queue(thread)) end_blocked(thread, K_EABORT);
    } else if (away_from_home(thread)) { // in somebody else's code: it ends when it is home
        thread.set(flag_dying);
        await_home(thread);
        abort_thread(thread);
    } else if (let_go(thread)) {
        destroy(thread);
    } else {
        thread.set(flag_dying);
        // Nobody wakes it but the Request that is under way, and that ends it.
        if (thread.doing() == Doing::blocked) return;
        cancel_wait(thread);
        thread.now_doing(Doing::inactive);
    }
}

bool ending(const Thread& thread) { return thread.has(flag_dying) && !away_from_home(thread); }

void settle(Thread& thread) {
    if (engaged(thread)) return;
    if (thread.has(flag_dying)) {
        // Away from home it is awaited there, unless it was in the middle of long work when it was to end.
        if (ending(thread) || !thread.has(flag_awaited)) end_thread(thread);
    } else if (thread.has(flag_bind)) {
        thread.clear(flag_bind);
        static_cast<void>(move_thread(thread, thread.bind_to));
    }
}

long activate_operation(Thread& target, const Question&) {
    if (target.doing() != Doing::inactive || target.has(flag_dying)) return K_EINVAL;
    make_ready(target);
    return K_OK;
}

long end_operation(Thread& target, const Question&) {
    if (target.has(flag_dying)) return K_EBUSY;
    end_thread(target);
    return K_OK;
}

long abort_operation(Thread& target, const Question&) {
    abort_thread(target);
    return K_OK;
}

long priority_operation(Thread& target, const Question& question) {
    target.base_priority = static_cast<u16>(question.argument[0]);
    restore_priority(target);
    return K_OK;
}

long bind_operation(Thread& target, const Question& question) {
    const auto cpu = static_cast<CpuIndex>(question.argument[0]);
    if (target.has(flag_bind)) return K_EBUSY;
    target.scheduling.bound = cpu != K_ANYCPU;
    if (cpu == K_ANYCPU) {
        this_cpu().pending |= pending_offer; // it may be waiting for this CPU while others have nothing to do
        return K_OK;
    }
    if (engaged(target)) {
        target.bind_to = cpu;
        target.set(flag_bind);
        return K_OK;
    }
    return static_cast<long>(move_thread(target, cpu));
}

u64 live_threads() { return threads.statistics().live; }

} // namespace chorale
