// How waits begin and end, whatever the object.
#include "kernel/core/actor.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mipc/opening.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/sync/lending.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/wait_table.hpp"
#include "kernel/sync/word.hpp"

namespace chorale {

namespace {

constexpr unsigned threads_per_look = 16; // of end_waits(): bounds the time with interrupts off

[[nodiscard]] u64 key_of(const Waiter& waiter) {
    return waiter.key.load(std::memory_order_relaxed); // relaxed: a number; what goes with it is under a lock
}

// This CPU's thread waits no more.
void count_out(Thread& thread) {
    thread.actor->sync_waits.fetch_sub(1, std::memory_order_relaxed); // relaxed: see end_waits()
}

// A thread that is to end had been given a unit, or a message: it goes to the next.
void pass_unit_on(Thread& thread) {
    const Waiter& waiter = thread.sync.waiter;
    if (waiter.wanted == Wanted::unit && waiter.result == K_OK)
        static_cast<void>(give_unit(thread, waiter.at, waiter.most));
    if (waiter.wanted == Wanted::message && waiter.result == K_OK) pass_message_on(thread);
}

// On the CPU of the thread whose wait was ended.
void news_of_end(Request& request) {
    Waiter& waiter = *static_cast<WaiterRequest&>(request).waiter;
    Thread& thread = *waiter.thread;
    if (forward(request, thread)) return;
    const bool ends = ending(thread) && !engaged(thread); // what it has begun it brings to its end
    if (ends) {
        thread.now_doing(Doing::inactive);
        pass_unit_on(thread);
    }
    count_out(thread);
    if (ends) {
        settle(thread);
    } else {
        end_blocked(thread, waiter.result);
    }
}

// A waiter whose object lies in the range of the actor's space, out of its queue.
[[nodiscard]] bool withdraw(Actor& actor, VirtRange range, Waiter& waiter) {
    const u64 key = key_of(waiter);
    if (key == 0) return false;
    return bucket_for(key).with([&](Bucket& bucket) {
        const bool here = key_of(waiter) == key && waiter.space == &actor.space && range.contains(waiter.at);
        if (here) bucket.leave(waiter);
        return here;
    });
}

} // namespace

Status miss_object(const Space& space, VirtAddr at) {
    if (&space != this_cpu().current->space) return Status::fault;
    return on_page_fault(at, Protection::write, FaultBy::copy);
}

long may_wait(Thread& self, const WaitLimit& limit) {
    if (!limit.blocks()) return K_ETIMEOUT;
    return limit.abortable() && self.take_abort() ? long{K_EABORT} : no_result;
}

bool queue_up(Thread& self, Bucket& bucket, u64 key, VirtAddr at, const PossibleOwner& owner) {
    Waiter& waiter = self.sync.waiter;
    waiter.at = at;
    waiter.space = &space_of(self, at);
    waiter.key.store(key, std::memory_order_relaxed); // relaxed: see key_of()
    // Only who waits for ownership waits by priority.
    if (bucket.add(waiter, waiter.wanted == Wanted::ownership ? self.priority : u16{0}, owner)) {
        // The space is locked, and who takes pages out of it locks it before he looks. release: who looks
        // without the lock, in waited_in(), and sees that it has begun, sees the key
        self.actor->sync_waits.fetch_add(Actor::one_wait_begun, std::memory_order_release);
        return true;
    }
    waiter.key.store(0, std::memory_order_relaxed); // relaxed: see key_of()
    return false;
}

void start_wait(Thread& self, const WaitLimit& limit) {
    self.abortable = limit.abortable();
    self.now_doing(Doing::blocked);
    if (limit.limited()) arm_timer(self, limit.deadline());
}

void end_wait(Waiter& waiter, long result) {
    waiter.result = result;
    waiter.request.waiter = &waiter;
    waiter.request.run = news_of_end;
    news_of_end(waiter.request);
}

void end_blocked(Thread& thread, long result) {
    const Wanted wanted = thread.sync.waiter.wanted;
    if (wanted == Wanted::message && result == K_OK) return wake_with(thread, take_delivery);
    if (wanted != Wanted::page) return wake(thread, result);
    thread.sync.waiter.result = result;
    wake_with(thread, end_page_wait);
}

bool leave_queue(Thread& thread) {
    Waiter& waiter = thread.sync.waiter;
    const u64 key = key_of(waiter);
    const bool left = key != 0 && bucket_for(key).with([&](Bucket& bucket) {
        const bool queued = key_of(waiter) == key;
        if (queued) bucket.leave(waiter);
        return queued;
    });
    if (left) count_out(thread);
    return left;
}

void reorder_wait(Thread& thread) {
    Waiter& waiter = thread.sync.waiter;
    const u64 key = key_of(waiter);
    if (waiter.wanted != Wanted::ownership || key == 0) return;
    bucket_for(key).with([&](Bucket& bucket) {
        if (key_of(waiter) == key) bucket.move(waiter, thread.priority);
    });
}

bool waited_in(Actor& actor, VirtRange range) {
    // acquire: pairs with queue_up()
    if (Actor::waiting_now(actor.sync_waits.load(std::memory_order_acquire)) == 0) return false;
    return actor.tables.with([&](Actor::Tables& tables) {
        for (Thread* const thread : tables.known_threads()) {
            if (thread == nullptr) continue;
            const Waiter& waiter = thread->sync.waiter;
            const u64 key = key_of(waiter);
            if (key == 0) continue;
            const bool here = bucket_for(key).with(
                [&](Bucket&) { return key_of(waiter) == key && range.contains(waiter.at); });
            if (here) return true;
        }
        return false;
    });
}

bool end_waits(Actor& actor, VirtRange range, u64& progress) {
    // relaxed: who began to wait before the pages were hidden has counted itself with the space locked, and
    // nobody begins afterwards; who stops waiting meanwhile does not matter
    if (Actor::waiting_now(actor.sync_waits.load(std::memory_order_relaxed)) == 0) return true;
    Thread* found[threads_per_look];
    unsigned count = 0;
    actor.tables.with([&](Actor::Tables& tables) {
        for (; progress < Actor::thread_limit && count < threads_per_look; ++progress) {
            Thread* const thread = tables.threads[progress];
            if (thread != nullptr && key_of(thread->sync.waiter) != 0) found[count++] = thread;
        }
    });
    // One that has ended meanwhile is still a thread, and waits nowhere in this space, or may be woken.
    for (unsigned i = 0; i < count; ++i) {
        if (withdraw(actor, range, found[i]->sync.waiter)) end_wait(found[i]->sync.waiter, K_EFAULT);
    }
    return progress == Actor::thread_limit;
}

bool let_go(Thread& thread) {
    if (thread.doing() == Doing::blocked) {
        if (!leave_queue(thread)) return false;
        thread.now_doing(Doing::inactive); // should settle() be called, it waits for nothing but that
    }
    return close_loans(thread);
}

} // namespace chorale
