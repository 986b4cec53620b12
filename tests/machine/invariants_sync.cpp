// Synchronisation objects: who waits where, and what is lent to whom.
#include "kernel/sync/wait_table.hpp"
#include "tests/machine/inspection.hpp"

#include <algorithm>

namespace chorale::test {

namespace {

using QueueOf = LeftistHeap<Waiter, InQueue>;

[[nodiscard]] const HeapLink& link_of(const Waiter& waiter) {
    return static_cast<const HeapNode<InQueue>&>(waiter);
}
[[nodiscard]] bool children_fit(const HeapLink& link) {
    const auto distance = [](const HeapLink* of) { return of == nullptr ? 0 : of->distance; };
    for (const HeapLink* const child : {link.left, link.right}) {
        if (child != nullptr && (child->parent != &link || child->order < link.order)) return false;
    }
    return distance(link.left) >= distance(link.right) && link.distance == distance(link.right) + 1;
}

template <class Visit>
void walk(const HeapLink* from, Visit&& visit) {
    if (from == nullptr) return;
    visit(*from);
    walk(from->left, visit);
    walk(from->right, visit);
}

} // namespace

void Inspection::follow_queue(const Waiter& first, unsigned bucket) {
    const u64 key = first.key.load();
    expect(&bucket_for(key) == &bucket_at(bucket), 33, "a queue is in the wrong bucket");
    expect(link_of(first).parent == nullptr, 33, "a bucket knows one that is not the first of its queue");
    walk(&link_of(first), [&](const HeapLink& link) {
        const Waiter& waiter = QueueOf::element(link);
        if (!expect(known(waiter.thread), 33, "somebody waits for an object who is in no actor")) return;
        const Thread& thread = *waiter.thread;
        ++blocked_[&thread];
        expect(children_fit(link), 33, name(thread), ": the queue that it is in has lost its order");
        expect(waiter.key.load() == key, 33, name(thread), " is in the queue of another object");
        expect(thread.doing() == Doing::blocked, 33, name(thread), " is in a queue and does not wait");
        expect(waiter.wanted != Wanted::ownership || link.order >> 48 == thread.priority, 34, name(thread),
               " waits with another priority than its own");
        expect(&waiter == &first || waiter.owner == nullptr, 34, name(thread),
               " knows an owner and is not first");
    });
    if (const Thread* const owner = first.owner; owner != nullptr) {
        if (!expect(known(owner), 34, "the owner of a mutex is in no actor")) return;
        ++lending_[first.thread];
    }
}

// In a queue, or the news that it is not any more is on its way.
void Inspection::check_blocked(const Thread& thread) {
    const bool blocked = thread.doing() == Doing::blocked;
    const unsigned places = blocked_[&thread] + (travelling_.contains(&thread.sync.waiter.request) ? 1 : 0);
    expect(places == (blocked ? 1 : 0), 33, name(thread), blocked ? " waits" : " does not wait",
           " for an object and is in ", places, " places");
    expect((thread.sync.waiter.key.load() != 0) == (blocked_[&thread] != 0), 33, name(thread),
           " has a key and is in ", blocked_[&thread], " queues");
}

void Inspection::check_loans(const Thread& thread) {
    const_cast<Thread&>(thread).sync.loans.with([&](Loans& loans) {
        u64 best = SyncState::nothing_lent;
        loans.heap.for_each([&](const HeapLink& link) {
            const Waiter& waiter = decltype(loans.heap)::element(link);
            expect(waiter.owner == &thread && lending_[waiter.thread] == 1, 34, name(thread),
                   " is lent to by one who does not know");
            expect(children_fit(link) && link.order == link_of(waiter).order, 34, name(thread),
                   ": its loans have lost their order");
            lending_[waiter.thread] = 0;
            best = std::min(best, link.order >> 48);
        });
        const bool told = travelling_.contains(&thread.sync.news);
        expect(loans.news == told, 35, name(thread), told ? " is" : " is not", " being told of loans");
        expect(told || thread.sync.lent == best || thread.has(flag_dying), 35, name(thread),
               " believes that ", thread.sync.lent, " is lent to it, and it is ", best);
        expect(thread.has(flag_lent) == (thread.sync.lent != SyncState::nothing_lent), 35, name(thread),
               ": its flag says otherwise than its loans");
        expect(!loans.closed || thread.has(flag_dying), 35, name(thread), " lives and nobody may lend to it");
    });
    // The priority itself: what is lent by waiters is the least that it has.
    expect(thread.priority <= thread.sync.lent, 35, name(thread), " runs with less than what is lent to it");
}

void Inspection::check_sync() {
    for (unsigned index = 0; index < bucket_count; ++index) {
        bucket_at(index).with([&](const Bucket& bucket) {
            bucket.for_each([&](const Waiter& first) { follow_queue(first, index); });
        });
    }
    std::map<const Actor*, unsigned> waits;
    for (const Thread* const thread : threads_) {
        check_blocked(*thread);
        check_loans(*thread);
        waits[thread->actor] += thread->doing() == Doing::blocked ? 1 : 0;
    }
    for (const auto& [thread, lends] : lending_)
        expect(lends == 0, 34, name(*thread), " lends to an owner who does not know");
    for (const Actor* const actor : actors_) {
        expect(Actor::waiting_now(actor->sync_waits.load()) == waits[actor], 33, name(*actor), " counts ",
               Actor::waiting_now(actor->sync_waits.load()), " waits for objects and has ", waits[actor]);
    }
}

} // namespace chorale::test
