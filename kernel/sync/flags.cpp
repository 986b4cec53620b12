// Event sets. Words: the flags; and whether somebody waits, so that posting without waiters stays with the
// program.
//
//   Core X (program posts)                  Core Y (nucleus, a thread is about to wait)
//     A  flags |= mask       (seq_cst)        C  waiters = 1              (seq_cst)
//     B  if waiters: nucleus (seq_cst)        D  looks at the flags       (seq_cst)
// B not seeing the waiter needs B before C, hence A before D: the thread sees the flags and does not wait.
#include "kernel/core/schedule.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/word.hpp"

namespace chorale {

namespace {

constexpr unsigned looks = 8; // at waiters, in one step: bounds the time with interrupts off

struct EventWords {
    static constexpr unsigned flags = 0, waiters = 1;
    static constexpr uword size = 2 * sizeof(u32);
};

[[nodiscard]] bool holds(u32 flags, u32 mask, bool all) {
    return all ? (flags & mask) == mask : (flags & mask) != 0;
}

} // namespace

long await_flags(Thread& self, VirtAddr at, FlagsWanted wanted, const WaitLimit& limit) {
    long result = no_result;
    const Status status =
        with_object(space_of(self, at), at, EventWords::size, [&](Words word, u64 key, Bucket& bucket) {
            word[EventWords::waiters].store(1);
            const u32 flags = word[EventWords::flags].load();
            result = holds(flags, wanted.mask, wanted.all) ? static_cast<long>(flags) : may_wait(self, limit);
            if (result != no_result) {
                if (bucket.first(key) == nullptr) word[EventWords::waiters].store(0);
                return;
            }
            self.sync.waiter.wanted = Wanted::flags;
            self.sync.waiter.mask = wanted.mask;
            self.sync.waiter.all = wanted.all;
            static_cast<void>(queue_up(self, bucket, key, at, {})); // without an owner it cannot fail
        });
    if (status != Status::ok) return static_cast<long>(status);
    if (result == no_result) start_wait(self, limit);
    return result;
}

// Whoever is looked at and goes on waiting goes to the end of the queue. So the first is always the one that
// has not been looked at for longest, and who posts is through when that one came, or was looked at by
// anybody, after the beginning: the flags have been there since.
Result<bool> wake_by_flags(const Thread& self, VirtAddr at, u64& since) {
    Waiter* woken[looks];
    u32 seen = 0;
    unsigned count = 0;
    bool done = false;
    const Status status =
        with_object(space_of(self, at), at, EventWords::size, [&](Words word, u64 key, Bucket& bucket) {
            if (since == 0) since = bucket.clock() + 1;
            seen = word[EventWords::flags].load();
            Waiter* first = bucket.first(key);
            for (unsigned left = looks; left != 0 && first != nullptr && Bucket::since(*first) < since;
                 --left) {
                if (first->wanted == Wanted::flags && holds(seen, first->mask, first->all)) {
                    bucket.leave(*first);
                    woken[count++] = first;
                } else {
                    bucket.remove(*first);
                    static_cast<void>(bucket.add(*first, 0)); // as above
                }
                first = bucket.first(key);
            }
            done = first == nullptr || Bucket::since(*first) >= since;
            if (first == nullptr) word[EventWords::waiters].store(0);
        });
    if (status != Status::ok) return status;
    for (unsigned i = 0; i < count; ++i) end_wait(*woken[i], static_cast<long>(seen));
    return done;
}

} // namespace chorale
