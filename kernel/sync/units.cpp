// Objects that count: mutexes (one unit), semaphores, thread semaphores, and the two parts of a monitor.
//
// Word: the number of units, 31 bits; above them `waited`. While that is set, programs leave the word alone
// and ask the nucleus (lib/sync/), which has the bucket locked: so whatever is stored after setting it
// overwrites nobody's change. A unit that is given while somebody waits goes straight to the one who has
// waited longest, and the word does not show it: nobody can be faster.
//
//   Core X (program gives)                     Core Y (nucleus, a thread is about to wait)
//     A  compare and swap u -> u + 1             C  sets `waited`, learns the units
//        fails when `waited`: asks the nucleus   D  no units: into the queue
// Either A is before C, then C learns of the unit, or it fails and the nucleus, behind D, finds the waiter.
#include "kernel/core/schedule.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/word.hpp"

namespace chorale {

namespace {

constexpr u32 waited = u32{1} << 31;

} // namespace

long take_unit(Thread& self, VirtAddr at, const WaitLimit& limit) {
    long result = no_result;
    const Status status =
        with_object(space_of(self, at), at, sizeof(u32), [&](Words word, u64 key, Bucket& bucket) {
            const u32 units = word[0].fetch_or(waited) & ~waited;
            const u32 others = bucket.first(key) != nullptr ? waited : 0;
            result = units != 0 ? long{K_OK} : may_wait(self, limit);
            if (result != no_result) {
                word[0].store((result == K_OK ? units - 1 : units) | others);
                return;
            }
            self.sync.waiter.wanted = Wanted::unit;
            static_cast<void>(queue_up(self, bucket, key, at, {})); // without an owner it cannot fail
        });
    if (status != Status::ok) return static_cast<long>(status);
    if (result == no_result) start_wait(self, limit);
    return result;
}

long give_unit(const Thread& self, VirtAddr at, u32 most) {
    Waiter* next = nullptr;
    const Status status =
        with_object(space_of(self, at), at, sizeof(u32), [&](Words word, u64 key, Bucket& bucket) {
            const u32 units = word[0].fetch_or(waited) & ~waited;
            next = bucket.first(key);
            if (next == nullptr) {
                word[0].store(units < most ? units + 1 : units);
                return;
            }
            bucket.leave(*next);
            next->most = most;
            if (bucket.first(key) == nullptr) word[0].store(units);
        });
    if (status != Status::ok) return static_cast<long>(status);
    if (next == nullptr) return 0;
    end_wait(*next, K_OK);
    return 1;
}

} // namespace chorale
