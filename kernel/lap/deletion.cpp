// The end of LAPs, in steps on the thread that asked for it: E and F of the protocol in lap.hpp.
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/wait.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "kernel/lap/lap.hpp"

#include <machine/supervisor.hpp>
#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr u64 straggler_pause = 100'000;                // nanoseconds
constexpr u32 lids_per_step = 64, actors_per_step = 64; // bound a step

void kill_step(Thread& self);
void search_step(Thread& self);
void free_step(Thread& self);

// Whether the thread is inside a safe LAP that is to go: this one, or any of the actor.
[[nodiscard]] bool inside(const Thread& thread, const Lap* lap, const Actor* actor) {
    for (const LapFrame* frame = thread.invocations.frames.load(); frame != nullptr; frame = frame->outer) {
        if (frame->safe() && (lap != nullptr ? frame->lap == lap : frame->lap->owner() == actor)) return true;
    }
    return false;
}

void pause(Thread& self, void (*step)(Thread&)) {
    self.now_doing(Doing::sleeping);
    self.abortable = false;
    self.resume = step;
    arm_timer(self, machine::now() + straggler_pause);
}

// At the thread's CPU, which does not run it meanwhile: whether it is inside.
[[nodiscard]] long look_inside(Thread& target, const Question& question) {
    return inside(target, reinterpret_cast<const Lap*>(question.argument[0]),
                  reinterpret_cast<const Actor*>(question.argument[1]))
               ? 1
               : 0;
}

[[nodiscard]] long abort_if_inside(Thread& target, const Question& question) {
    const long found = look_inside(target, question);
    if (found != 0) abort_thread(target);
    return found;
}

// The next thread that is inside any LAP, from where the search is; fewer threads a step than there may be.
// The deleter does not wait for itself: it may delete its own actor from one of its LAPs.
[[nodiscard]] FoundThread next_insider(const Thread& self, LapDeletion& search) {
    Actor* actor = nullptr;
    for (u32 i = 0; i < actors_per_step && search.actors < actor_limit; ++i) {
        actor = actor_at(search.actors);
        if (actor != nullptr) break;
        ++search.actors;
    }
    FoundThread found;
    const bool last = actor == nullptr || search.lids + lids_per_step >= Actor::thread_limit;
    const u32 end = last ? Actor::thread_limit : search.lids + lids_per_step;
    if (actor != nullptr) {
        actor->tables.with([&](Actor::Tables& tables) {
            for (; search.lids < end && found.thread == nullptr; ++search.lids) {
                Thread* const thread = tables.threads[search.lids];
                if (thread == nullptr || thread == &self || thread->invocations.frames.load() == nullptr)
                    continue;
                // relaxed: under the lock
                found = {thread, thread->serial.load(std::memory_order_relaxed)};
            }
        });
    } else {
        search.lids = 0;
    }
    if (search.lids >= Actor::thread_limit) {
        search.lids = 0;
        ++search.actors;
    }
    return found;
}

// D of the protocol, and on to E. With C, or with what killed the last of an actor's LAPs.
void begin_search(Thread& self) {
    tour(self, [](Thread&) {}, [](Thread& asker, long) { wake_with(asker, search_step); });
}

// The next few of the table, then D to F if that may be necessary.
void kill_step(Thread& self) {
    LapDeletion& deletion = self.invocations.deletion;
    const Laps found = kill_laps_of(*deletion.actor, &self, deletion.places);
    if (found > deletion.found) deletion.found = found;
    if (deletion.places < lap_limit) {
        wake_with(self, kill_step);
        return;
    }
    deletion.places = deletion.found == Laps::none ? lap_limit : 0;
    if (deletion.found == Laps::safe) {
        begin_search(self);
    } else {
        free_step(self);
    }
}

// E, and F again and again.
void search_step(Thread& self) {
    LapDeletion& deletion = self.invocations.deletion;
    if (deletion.actors < actor_limit) {
        const FoundThread found = next_insider(self, deletion);
        const auto next = [](Thread& asker, long answer) {
            if (answer > 0) asker.invocations.deletion.somebody = true;
            wake_with(asker, search_step);
        };
        if (found.thread == nullptr) {
            next(self, 0);
            return;
        }
        const Operation operation{
            deletion.told ? look_inside : abort_if_inside,
            {reinterpret_cast<u64>(deletion.lap), reinterpret_cast<u64>(deletion.actor)},
            next};
        static_cast<void>(ask(self, *found.thread, found.serial, operation));
        return;
    }
    deletion.actors = deletion.lids = 0;
    deletion.told = true;
    if (deletion.somebody) {
        deletion.somebody = false;
        pause(self, search_step);
    } else {
        free_step(self);
    }
}

void free_step(Thread& self) {
    LapDeletion& deletion = self.invocations.deletion;
    if (deletion.lap != nullptr) {
        free_lap(*deletion.lap);
        self.clear(flag_finishing);
        if (deletion.next != nullptr) {
            deletion.next(self);
            return;
        }
        wake(self, K_OK);
        settle(self);
    } else if (deletion.places < lap_limit && free_laps_of(*deletion.actor, &self, deletion.places)) {
        // Somebody else deletes one of them: it may have threads inside for a while.
        deletion.places = 0;
        pause(self, free_step);
    } else if (deletion.places < lap_limit) {
        wake_with(self, free_step);
    } else {
        self.clear(flag_finishing);
        deletion.next(self);
    }
}

} // namespace

// A LAP that is not safe is not waited for.
long delete_lap(Thread& self, const KnLapDesc& descriptor) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr || inside(self, target.lap, nullptr)) return K_EINVAL;
    Lap* const lap = kill_lap(descriptor, &self);
    if (lap == nullptr) return K_EINVAL;
    if ((target.options & K_LAP_SAFE) == 0) {
        free_lap(*lap);
        return K_OK;
    }
    self.invocations.deletion = {};
    self.invocations.deletion.lap = lap;
    self.set(flag_finishing);
    begin_search(self);
    return no_result;
}

bool inside_lap(const Thread& thread, const KnLapDesc& descriptor) {
    const LapTarget target = find_lap(descriptor);
    return target.lap != nullptr && inside(thread, target.lap, nullptr);
}

bool end_lap(Thread& self, const KnLapDesc& descriptor, bool aborts, void (*next)(Thread&)) {
    Lap* const lap = kill_lap(descriptor, &self);
    if (lap == nullptr) return false;
    self.invocations.deletion = {};
    self.invocations.deletion.lap = lap;
    self.invocations.deletion.told = !aborts;
    self.invocations.deletion.next = next;
    self.set(flag_finishing);
    begin_search(self);
    return true;
}

void delete_laps_of(Thread& self, Actor& actor, void (*next)(Thread&)) {
    self.invocations.deletion = {};
    self.invocations.deletion.actor = &actor;
    self.invocations.deletion.next = next;
    self.set(flag_finishing);
    if (has_laps(actor)) {
        kill_step(self);
    } else {
        self.invocations.deletion.places = lap_limit;
        free_step(self);
    }
}

void drop_invocations(Thread& thread) {
    if (thread.handling != nullptr) drop_handled(thread);
    thread.invocations.frames.store(nullptr);
    thread.supervisor.below = nullptr;
}

bool away_from_home(const Thread& thread) {
    if (thread.handling != nullptr) return true;
    for (const LapFrame* frame = thread.invocations.frames.load(); frame != nullptr; frame = frame->outer) {
        if (frame->safe() || frame->owner() != thread.actor) return true;
    }
    return false;
}

// A thread in user mode comes home when its handler ends (end_handler()). Of another one the outermost
// invocation returns by a detour: as long as its frame is linked the address is read from there.
void await_home(Thread& thread) {
    Invocations& invocations = thread.invocations;
    thread.set(flag_awaited);
    LapFrame* frame = invocations.frames.load();
    if (frame == nullptr || thread.actor->privilege != K_SUPACTOR) return;
    while (frame->outer != nullptr) frame = frame->outer;
    if (frame->return_address == machine::lap_way_home()) return;
    invocations.way_home = frame->return_address;
    frame->return_address = machine::lap_way_home();
}

} // namespace chorale
