#include "c_os/process/futex.hpp"

#include "c_os/base/user_memory.hpp"
#include "c_os/process/process.hpp"

namespace chorale::c_os {

namespace {

// A word that threads wait at: of a process, or of a file. Who waits keeps its owner alive, or does not mind
// who else gets the same address: a wake too many.
struct FutexKey {
    const void* owner{};
    u64 place{};
    friend bool operator==(const FutexKey&, const FutexKey&) = default;
};

struct InBucket;

// On the waiting thread's stack. Everything but `woken` is guarded by the bucket's mutex, also `bucket`,
// which a requeue changes under both.
struct FutexWaiter : ListNode<InBucket> {
    FutexKey key;
    u32 mask;
    std::atomic<struct Bucket*> bucket;
    KnSem woken = K_KNSEM_INITIALIZER(0);
};

struct Bucket {
    Mutex mutex;
    List<FutexWaiter, InBucket> waiters;
};

constexpr std::size_t bucket_count = 256;
constinit Bucket buckets[bucket_count];

[[nodiscard]] Bucket& bucket_of(const FutexKey& key) {
    const u64 owner = reinterpret_cast<u64>(key.owner) / alignof(Process);
    const u64 hash = (key.place / 4 + owner * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
    return buckets[hash >> 56];
}
static_assert(bucket_count == 256, "eight bits of the hash");

// Of a word that only threads of the process know its address is the name; of one in a shared mapping its
// place in the file is, for all.
[[nodiscard]] FutexKey key_of(Process& process, u64 address, FutexScope scope) {
    if (scope == FutexScope::all)
        if (const auto place = process.space.file_place(address)) return {place->node, place->offset};
    return {&process, address};
}

// Both, in an order that all keep.
class TwoBuckets {
  public:
    TwoBuckets(Bucket& a, Bucket& b) : first_{&a < &b ? a : b}, second_{&a < &b ? b : a} {
        first_.mutex.lock();
        if (&first_ != &second_) second_.mutex.lock();
    }
    ~TwoBuckets() {
        if (&first_ != &second_) second_.mutex.unlock();
        first_.mutex.unlock();
    }
    TwoBuckets(const TwoBuckets&) = delete;
    TwoBuckets& operator=(const TwoBuckets&) = delete;

  private:
    Bucket &first_, &second_;
};

// The wait is over without a wake: off the list it stands in by now, unless a waker was quicker.
[[nodiscard]] bool leave_queue(FutexWaiter& waiter) {
    for (;;) {
        // acquire: pairs with the release in requeue_futex()
        Bucket* const bucket = waiter.bucket.load(std::memory_order_acquire);
        const Lock lock{bucket->mutex};
        // relaxed: changes only under the lock of the bucket that it names; another one: requeued meanwhile
        if (waiter.bucket.load(std::memory_order_relaxed) != bucket) continue;
        const bool queued = List<FutexWaiter, InBucket>::contains(waiter);
        if (queued) List<FutexWaiter, InBucket>::remove(waiter);
        return queued;
    }
}

} // namespace

// Core X: wait                              Core Y: unlock and wake
//   locks the bucket                          changes the word
//   reads the word: as expected               locks the bucket (after X, or X reads the new word)
//   queues itself, unlocks                    finds X
Done wait_for_futex(Process& process, const FutexWait& wait) {
    if (wait.address % 4 != 0 || wait.mask == 0) return failed(Error::einval);
    FutexWaiter waiter;
    waiter.key = key_of(process, wait.address, wait.scope);
    Bucket& bucket = bucket_of(waiter.key);
    waiter.mask = wait.mask;
    waiter.bucket.store(&bucket, std::memory_order_relaxed); // published by the bucket's lock
    {
        const Lock lock{bucket.mutex};
        const Result<u32> value = get_from_user<u32>(wait.address);
        if (!value) return failed(value.error());
        if (*value != wait.expected) return failed(Error::eagain);
        bucket.waiters.push_back(waiter);
    }
    KnTimeVal left{};
    const int status = semP(&waiter.woken, time_left(wait.deadline, left));
    if (status == K_OK || !leave_queue(waiter)) return {};
    return failed(status == K_ETIMEOUT ? Error::etimedout : Error::eintr);
}

u64 wake_futex(Process& process, const FutexWake& wake) {
    const FutexKey key = key_of(process, wake.address, wake.scope);
    Bucket& bucket = bucket_of(key);
    const Lock lock{bucket.mutex};
    u64 woken = 0;
    FutexWaiter* next = nullptr;
    for (FutexWaiter* each = bucket.waiters.front(); each != nullptr && woken < wake.count; each = next) {
        next = bucket.waiters.next(*each);
        if (each->key != key || (each->mask & wake.mask) == 0) continue;
        List<FutexWaiter, InBucket>::remove(*each);
        semV(&each->woken);
        ++woken;
    }
    return woken;
}

Result<u64> requeue_futex(Process& process, const FutexRequeue& requeue) {
    const FutexKey from = key_of(process, requeue.from, requeue.scope),
                   to = key_of(process, requeue.to, requeue.scope);
    Bucket &source = bucket_of(from), &target = bucket_of(to);
    const TwoBuckets locks{source, target};
    if (requeue.expected) {
        const Result<u32> value = get_from_user<u32>(requeue.from);
        if (!value) return failed(value.error());
        if (*value != *requeue.expected) return failed(Error::eagain);
    }
    // To the same word there is nothing to move.
    const u64 move = from == to ? 0 : requeue.move;
    u64 woken = 0, moved = 0;
    FutexWaiter* next = nullptr;
    for (FutexWaiter* each = source.waiters.front(); each != nullptr && woken + moved < requeue.wake + move;
         each = next) {
        next = source.waiters.next(*each);
        if (each->key != from) continue;
        List<FutexWaiter, InBucket>::remove(*each);
        if (woken < requeue.wake) {
            semV(&each->woken);
            ++woken;
        } else {
            each->key = to;
            // release: pairs with leave_queue()
            each->bucket.store(&target, std::memory_order_release);
            target.waiters.push_back(*each);
            ++moved;
        }
    }
    return woken + moved;
}

} // namespace chorale::c_os
