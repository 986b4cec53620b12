// The end of LAPs, in steps on the thread that asked for it: E and F of the protocol in lap.hpp.
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/wait.hpp"
#include "kernel/lap/lap.hpp"

#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr u64 straggler_pause = 100'000; // nanoseconds
constexpr u32 lids_per_step = 64;        // bounds a step

void kill_step(Thread& self);
void abort_step(Thread& self);
void wait_step(Thread& self);

// How often the thread is inside the LAP.
[[nodiscard]] u32 times_inside(const Thread& thread, const Lap& lap) {
    u32 times = 0;
    for (const LapFrame* frame = thread.invocations.frames.load(); frame != nullptr; frame = frame->outer) {
        if (frame->lap == &lap) ++times;
    }
    return times;
}

void pause(Thread& self, void (*step)(Thread&)) {
    self.now_doing(Doing::sleeping);
    self.abortable = false;
    self.resume = step;
    arm_timer(self, machine::now() + straggler_pause);
}

// At the thread's CPU, which does not run it meanwhile.
[[nodiscard]] long abort_if_inside(Thread& target, const Question& question) {
    const auto* const lap = reinterpret_cast<const Lap*>(question.argument[0]);
    if (times_inside(target, *lap) != 0) abort_thread(target);
    return K_OK;
}

// The next thread that is inside any LAP, from where the search is; fewer threads a step than there may be.
[[nodiscard]] FoundThread next_insider(const Thread& self, LapDeletion& search) {
    Actor* const actor = actor_at(search.actors);
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
        search.lids = end;
    }
    if (search.lids >= Actor::thread_limit) {
        search.lids = 0;
        ++search.actors;
    }
    return found;
}

// A LAP that is not safe is not waited for.
void finish_lap(Thread& self) {
    LapDeletion& deletion = self.invocations.deletion;
    free_lap(*deletion.lap);
    deletion.lap = nullptr;
    if (deletion.actor != nullptr) {
        wake_with(self, kill_step);
        return;
    }
    self.clear(flag_finishing);
    wake(self, K_OK);
    settle(self);
}

void begin_lap(Thread& self, Lap& lap) {
    LapDeletion& deletion = self.invocations.deletion;
    deletion.lap = &lap;
    deletion.actors = deletion.lids = 0;
    // seq_cst: after D in the one order; a thread that comes in later finds the key changed
    const bool empty =
        (lap.options.load() & K_LAP_SAFE) == 0 || lap.inside.load(std::memory_order_seq_cst) == 0;
    if (empty) {
        finish_lap(self);
    } else {
        wake_with(self, abort_step);
    }
}

void kill_step(Thread& self) {
    LapDeletion& deletion = self.invocations.deletion;
    const DyingLaps found = kill_lap_of(*deletion.actor);
    if (found.killed != nullptr) {
        begin_lap(self, *found.killed);
    } else if (found.others) {
        pause(self, kill_step);
    } else {
        self.clear(flag_finishing);
        deletion.next(self);
    }
}

void abort_step(Thread& self) {
    LapDeletion& deletion = self.invocations.deletion;
    if (deletion.actors == actor_limit) {
        wait_step(self);
        return;
    }
    const FoundThread found = next_insider(self, deletion);
    const auto next = [](Thread& asker, long) { wake_with(asker, abort_step); };
    if (found.thread == nullptr) {
        next(self, K_OK);
        return;
    }
    static_cast<void>(ask(self, *found.thread, found.serial,
                          Operation{abort_if_inside, {reinterpret_cast<u64>(deletion.lap)}, next}));
}

// Who is inside itself, as the thread of an actor that deletes itself from its own LAP may be, does not wait
// for itself.
void wait_step(Thread& self) {
    const Lap& lap = *self.invocations.deletion.lap;
    // acquire: pairs with the release of those who leave: their handlers have done all they do
    if (lap.inside.load(std::memory_order_acquire) <= times_inside(self, lap)) {
        finish_lap(self);
    } else {
        pause(self, wait_step);
    }
}

} // namespace

long delete_lap(Thread& self, const KnLapDesc& descriptor) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr || times_inside(self, *target.lap) != 0) return K_EINVAL;
    Lap* const lap = kill_lap(descriptor);
    if (lap == nullptr) return K_EINVAL;
    self.invocations.deletion = {};
    self.set(flag_finishing);
    begin_lap(self, *lap);
    return no_result;
}

void delete_laps_of(Thread& self, Actor& actor, void (*next)(Thread&)) {
    self.invocations.deletion = {};
    self.invocations.deletion.actor = &actor;
    self.invocations.deletion.next = next;
    self.set(flag_finishing);
    kill_step(self);
}

void drop_invocations(Thread& thread) {
    for (const LapFrame* frame = thread.invocations.frames.load(); frame != nullptr; frame = frame->outer) {
        // release: pairs with wait_step()
        if (frame->lap != nullptr) frame->lap->inside.fetch_sub(1, std::memory_order_release);
    }
    thread.invocations.frames.store(nullptr);
}

bool away_from_home(const Thread& thread) {
    for (const LapFrame* frame = thread.invocations.frames.load(); frame != nullptr; frame = frame->outer) {
        if (frame->lap != nullptr || (frame->owner != nullptr && frame->owner != thread.actor)) return true;
    }
    return false;
}

} // namespace chorale
