#include "kernel/time/timeout.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/lap/invoke.hpp"
#include "kernel/mem/slab.hpp"

#include <machine/timer.hpp>

namespace chorale {

namespace {

enum class TimeoutState : u8 { armed, running, dropped };

struct Timeout;
struct TimeoutRequest : Request {
    Timeout* timeout{};
};

struct Timeout : Timer {
    TimeoutRequest dropping;
    Timeout* next{}; // in its bucket
    u64 address{};
    KnLapDesc lap{};
    CpuIndex home{};
    TimeoutState state{}; // under the lock of the bucket
};

constinit Cache<Timeout> timeouts{"timeouts"};

struct Bucket {
    Timeout* first{};

    // Where it is linked from, or the end.
    [[nodiscard]] Timeout** find(u64 address) {
        Timeout** link = &first;
        while (*link != nullptr && (*link)->address != address) link = &(*link)->next;
        return link;
    }
};

constexpr unsigned bucket_count = 64;
constinit std::array<Guarded<Rank::timeouts, Bucket>, bucket_count> buckets{};

[[nodiscard]] Guarded<Rank::timeouts, Bucket>& bucket_of(u64 address) {
    constexpr u64 golden = 0x9e37'79b9'7f4a'7c15; // spreads addresses that differ in any bits
    return buckets[address * golden >> 58];
}
static_assert(bucket_count == u64{1} << (64 - 58));

// At home.
void free_dropped(Timeout& timeout) {
    this_cpu().timers.cancel(timeout);
    timeouts.destroy(&timeout);
}

void free_asked(Request& request) { free_dropped(*static_cast<TimeoutRequest&>(request).timeout); }

// Of one that was armed.
void let_go(Timeout& timeout) {
    PerCpu& cpu = this_cpu();
    if (timeout.home == cpu.index) {
        free_dropped(timeout);
        return;
    }
    timeout.dropping.timeout = &timeout;
    timeout.dropping.run = free_asked;
    cpu.inbox.post(timeout.home, timeout.dropping);
}

// With the lock: out of the hash; it was in this state.
TimeoutState drop(Timeout** link) {
    Timeout& timeout = **link;
    *link = timeout.next;
    const TimeoutState before = timeout.state;
    timeout.state = TimeoutState::dropped;
    return before;
}

void expire(Timer& timer) {
    auto& timeout = static_cast<Timeout&>(timer);
    auto& bucket = bucket_of(timeout.address);
    const bool due = bucket.with([&](Bucket&) {
        if (timeout.state != TimeoutState::armed) return false; // a Request is on its way here
        timeout.state = TimeoutState::running;
        return true;
    });
    if (!due) return;
    invoke_at_interrupt_level(timeout.lap, reinterpret_cast<void*>(timeout.address));
    bucket.with([&](Bucket& in) {
        if (timeout.state == TimeoutState::running) drop(in.find(timeout.address));
    });
    timeouts.destroy(&timeout);
}

} // namespace

Status set_timeout(u64 address, u64 nanoseconds, const KnLapDesc& lap) {
    const Result<Timeout*> made = timeouts.make();
    if (!made.ok()) return made.status();
    PerCpu& cpu = this_cpu();
    Timeout& timeout = *made.value();
    timeout.address = address;
    timeout.lap = lap;
    timeout.home = cpu.index;
    timeout.expire = expire;
    Timeout* armed = nullptr;
    bucket_of(address).with([&](Bucket& bucket) {
        Timeout** const link = bucket.find(address);
        Timeout* const old = *link;
        if (old != nullptr && drop(link) == TimeoutState::armed) armed = old;
        timeout.next = bucket.first;
        bucket.first = &timeout;
    });
    if (armed != nullptr) let_go(*armed);
    // Whoever drops it by now sends a Request, which comes later.
    cpu.timers.arm(timeout, machine::now() + nanoseconds);
    cpu.pending |= pending_alarm;
    return Status::ok;
}

Status cancel_timeout(u64 address) {
    Timeout* armed = nullptr;
    const Status status = bucket_of(address).with([&](Bucket& bucket) {
        Timeout** const link = bucket.find(address);
        if (*link == nullptr) return Status::invalid;
        if ((*link)->state == TimeoutState::running) return Status::busy;
        armed = *link;
        drop(link);
        return Status::ok;
    });
    if (armed != nullptr) let_go(*armed);
    return status;
}

bool is_timeout(const Timer& timer) { return timer.expire == expire; }
bool is_timeout(const Request& request) { return request.run == free_asked; }

u64 live_timeouts() { return timeouts.statistics().live; }

} // namespace chorale
