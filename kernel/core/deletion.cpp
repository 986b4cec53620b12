#include "kernel/core/deletion.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/end_notice.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/interrupt/lines.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/ipc/saved.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/trace/recorder.hpp"
#include "kernel/trace/trace.hpp"

#include <machine/halt.hpp>
#include <machine/mmu.hpp>
#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr u64 straggler_pause = 100'000; // nanoseconds
constexpr unsigned places_per_step = 64; // of the tables of threads and ports

void threads_step(Thread& self);
void trace_step(Thread& self);
void destructors_step(Thread& self);
void timers_step(Thread& self);
void message_spaces_step(Thread& self);
void ports_step(Thread& self);
void begin_image(Thread& self);
void image_step(Thread& self);
void space_step(Thread& self);

void next_step(Thread& self, void (*step)(Thread&)) { wake_with(self, step); }

[[nodiscard]] unsigned threads_left(Actor& actor, const Thread& self) {
    const unsigned live = actor.tables.with([](Actor::Tables& tables) { return tables.live_threads; });
    return self.actor == &actor ? live - 1 : live;
}

// Some are busy elsewhere and will end soon, perhaps on this CPU and with a worse priority.
void look_again(Thread& self, void (*step)(Thread&)) {
    self.now_doing(Doing::sleeping);
    self.abortable = false;
    self.resume = step;
    arm_timer(self, machine::now() + straggler_pause);
}

// One thread a step. Those whose own Request is out die when it is home: until then the step comes round
// again.
void threads_step(Thread& self) {
    Actor& actor = *self.victim;
    unsigned lid = static_cast<unsigned>(self.deletion_progress);
    const FoundThread found = next_thread(actor, lid, &self, lid + places_per_step);
    self.deletion_progress = lid;
    if (found.thread != nullptr) {
        const auto again = [](Thread& asker, long) { next_step(asker, threads_step); };
        static_cast<void>(ask(self, *found.thread, found.serial, Operation{end_operation, {}, again}));
        return;
    }
    if (lid < Actor::thread_limit) return next_step(self, threads_step);
    self.deletion_progress = 0;
    if (threads_left(actor, self) == 0) {
        next_step(self, trace_step);
        return;
    }
    look_again(self, threads_step);
}

// None of its threads is left that could start another one.
void trace_step(Thread& self) {
    end_trace_of(self, *self.victim, destructors_step, [](Thread& asker) { look_again(asker, trace_step); });
}

// Handlers of other actors, before anything is gone that they may look at.
void destructors_step(Thread& self) {
    run_destructors(self, [](Thread& asker) { next_step(asker, timers_step); });
}

void timers_step(Thread& self) {
    const bool done = delete_timers_step(*self.victim) && drop_saved_step(*self.victim);
    next_step(self, done ? message_spaces_step : timers_step);
}

// No thread of the actor's is left that has a message.
void messages_step(Thread& self) {
    if (!close_step(*self.victim, self.deletion_progress)) return next_step(self, messages_step);
    self.deletion_progress = 0;
    next_step(self, ports_step);
}

void message_spaces_step(Thread& self) {
    switch (begin_closing(*self.victim)) {
    case Closing::nothing:
        return next_step(self, ports_step);
    case Closing::not_yet:
        return look_again(self, message_spaces_step);
    case Closing::closing:
        return tour(self, [](Thread&) {}, [](Thread& asker, long) { next_step(asker, messages_step); });
    }
}

void evict_visit(Thread& self) {
    if (!evict(*self.fetch_port)) self.question.result = K_EBUSY;
}

// Tours the CPUs until the port's own token is home too, then frees the port. No token starts any more: the
// port is dead and its queue empty.
template <void (*Finish)(Thread&)>
void evict_everywhere(Thread& self) {
    tour(self, evict_visit, [](Thread& asker, long result) {
        if (result == K_EBUSY) {
            evict_everywhere<Finish>(asker);
            return;
        }
        free_port(*asker.fetch_port);
        Finish(asker);
    });
}

void ports_step(Thread& self) {
    Actor& actor = *self.victim;
    // None comes any more: what has been passed stays empty.
    const unsigned end = actor.tables.with([](Actor::Tables& tables) { return tables.ports_end; });
    for (unsigned looked = 0; self.deletion_progress < end; ++looked) {
        if (looked == places_per_step) return next_step(self, ports_step);
        const auto li = static_cast<int>(self.deletion_progress++);
        if (!begin_port_deletion(actor, li, self.fetch_port)) continue;
        evict_everywhere<[](Thread& asker) { next_step(asker, ports_step); }>(self);
        return;
    }
    hide_resident(actor); // behind the tour nobody looks at its threads or its space any more
    // `self` may live in the space that goes: from here on it runs in the nucleus's own.
    if (self.actor == &actor) self.space = &nucleus_actor().space;
    tour(
        self,
        [](Thread& asker) {
            PerCpu& cpu = this_cpu();
            Space& space = asker.victim->space;
            if (cpu.space_root == space.root()) {
                cpu.space_root = machine::nucleus_root();
                machine::load_root(cpu.space_root);
            }
            space.whole_flush().apply(cpu.space_root);
        },
        [](Thread& asker, long) { begin_image(asker); });
}

// ---- what a supervisor actor has of the supervisor space, its program too: hide, flush everywhere, reap. No
// thread of its own is left to run it. ----

void reap_image(Thread& self) {
    next_step(self, supervisor_space().reap_step(self.work.range) ? space_step : reap_image);
}

void image_step(Thread& self) {
    if (!supervisor_space().hide_step(self.work.range)) return next_step(self, image_step);
    self.work.flush = supervisor_space().flush_for(self.work.range);
    tour(
        self, [](Thread& asker) { asker.work.flush.apply(this_cpu().space_root); },
        [](Thread& asker, long) { next_step(asker, reap_image); });
}

void begin_image(Thread& self) {
    const bool there = self.victim->privilege == K_SUPACTOR &&
                       supervisor_space().begin_forfeit(owner_of(*self.victim), self.work.range);
    next_step(self, there ? image_step : space_step);
}

// Only the nucleus's own actor is left, which makes none.
[[noreturn]] void end_of_work() {
    log("nothing left to run: the last actor is gone");
    console_flush();
    machine::power_off(machine::verdict_failure);
}

void space_step(Thread& self) {
    Actor& actor = *self.victim;
    const bool gone = !drop_kept_segment(actor.caches, 0) && actor.space.destroy_step();
    attend_segments();
    if (!gone) {
        next_step(self, space_step);
        return;
    }
    const bool own = self.actor == &actor;
    self.victim = nullptr;
    abandon_frames(self, actor);
    if (!self.invocations.keeps_result) self.frame.set_result(K_OK);
    self.invocations.keeps_result = false;
    if (own) {
        drop_invocations(self);
        self.set(flag_dying);
    }
    settle(self);
    delete_site_keys_of(actor);
    drop_virtual_timeouts(actor);
    Message* const notice = take_end_notice(actor);
    note_actor_end(actor);
    free_actor(actor);
    send_end_notice(notice);
    if (live_actors() == 1) end_of_work();
}

} // namespace

long delete_actor(Thread& self, Actor& actor) {
    if (self.victim != nullptr) return K_EBUSY; // a destructor's wish
    if (!begin_actor_deletion(*self.actor, actor)) {
        // relaxed: set before this thread's actor began to be deleted, or a moment later
        if (!self.actor->dying.load(std::memory_order_relaxed)) return K_EBUSY;
        // Whoever deletes this thread's actor ends this thread too.
        drop_invocations(self);
        self.now_doing(Doing::inactive);
        return no_result;
    }
    self.victim = &actor;
    self.deletion_progress = 0;
    delete_laps_of(self, actor,
                   [](Thread& asker) { detach_handlers_of(asker, *asker.victim, threads_step); });
    return no_result;
}

long delete_port(Thread& self, Port& port, long result) {
    self.fetch_port = &port;
    self.work.outcome = result;
    // Those in its handler are aborted, and have left it when the port goes.
    constexpr auto evict_all = [](Thread& mine) {
        evict_everywhere<[](Thread& asker) { wake(asker, asker.work.outcome); }>(mine);
    };
    const KnLapDesc lap = port.handler.get();
    if (lap.ldKey == 0 || !end_lap(self, lap, true, evict_all)) evict_all(self);
    return no_result;
}

} // namespace chorale
