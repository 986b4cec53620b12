#include "arch/host/objects.hpp"

#include "arch/host/user_word.hpp"

#include <cstddef>

namespace chorale::host {

namespace {

constexpr u64 second = 1'000'000'000;

[[nodiscard]] VirtAddr part(VirtAddr object, std::size_t offset) { return object + offset; }

// The nucleus's part of a wait: `make(limit)` is the call, by the address that stands for the limit.
template <class Make>
[[nodiscard]] Task<long> within(u64 limit, Make make) {
    if (limit == 0) co_return co_await make(u64{0});
    if (limit == no_limit) co_return co_await make(reinterpret_cast<u64>(K_NOTIMEOUT));
    if (limit == no_limit_no_abort) co_return co_await make(reinterpret_cast<u64>(K_NOTIMEOUT_NOABORT));
    Local<KnTimeVal> time;
    co_await time.set({static_cast<long>(limit / second), static_cast<long>(limit % second)});
    co_return co_await make(time.at().raw());
}

[[nodiscard]] Task<long> take_slowly(VirtAddr word, u64 limit, VirtAddr release = {}) {
    return within(limit, [word, release](u64 at) { return call(Call::syncTake, word, at, release); });
}

[[nodiscard]] Task<long> give_slowly(VirtAddr word, u32 most) {
    const long result = co_await call(Call::syncGive, word, most);
    co_return result < 0 ? result : long{K_OK};
}

[[nodiscard]] bool holds(u32 flags, u32 mask, int operation) {
    return operation == K_EVENT_AND ? (flags & mask) == mask : (flags & mask) != 0;
}

// ---- monitors: the fields that the lock guards, and who has it
// ---------------------------------------------

constexpr std::size_t lock_at = offsetof(KnMonitor, mnLock), condition_at = offsetof(KnMonitor, mnCondition),
                      owner_at = offsetof(KnMonitor, mnOwner), depth_at = offsetof(KnMonitor, mnDepth),
                      waiting_at = offsetof(KnMonitor, mnWaiting);

[[nodiscard]] Task<bool> is_owner(VirtAddr at, long self) {
    const u32 owner = co_await on_word(part(at, owner_at), WordOperation::relax);
    co_return owner == static_cast<u32>(self);
}

[[nodiscard]] Task<long> lock(VirtAddr at, long self, u32 depth) {
    const long error = co_await mutex_get(part(at, lock_at));
    if (error != K_OK) co_return error;
    co_await on_word(part(at, owner_at), WordOperation::put, static_cast<u32>(self));
    co_await store(part(at, depth_at), depth);
    co_return K_OK;
}

[[nodiscard]] Task<void> add(VirtAddr at, u32 what) { co_await store(at, co_await load<u32>(at) + what); }

} // namespace

Task<long> mutex_get(VirtAddr at) {
    if (co_await on_word(at, WordOperation::take_one) != 0) co_return K_OK;
    co_return co_await take_slowly(at, no_limit_no_abort);
}

Task<long> mutex_release(VirtAddr at) {
    if (co_await on_word(at, WordOperation::give_one) != 0) co_return K_OK;
    co_return co_await give_slowly(at, 1);
}

Task<long> sem_p(VirtAddr at, u64 limit) {
    if (co_await on_word(at, WordOperation::take) != 0) co_return K_OK;
    co_return co_await take_slowly(at, limit);
}

Task<long> sem_v(VirtAddr at) {
    if (co_await on_word(at, WordOperation::give) != 0) co_return K_OK;
    co_return co_await give_slowly(at, K_SEMCOUNTMAX);
}

Task<long> event_post(VirtAddr at, u32 mask) {
    co_await on_word(part(at, offsetof(KnEventSet, evFlags)), WordOperation::raise, mask);
    if (co_await on_word(part(at, offsetof(KnEventSet, evWaiters)), WordOperation::read) == 0) co_return K_OK;
    co_return co_await call(Call::eventNotify, at);
}

Task<void> event_clear(VirtAddr at, u32 mask) {
    co_await on_word(part(at, offsetof(KnEventSet, evFlags)), WordOperation::clear, mask);
}

Task<long> event_wait(VirtAddr at, u32 mask, int operation, u64 limit) {
    const u32 flags = co_await on_word(part(at, offsetof(KnEventSet, evFlags)), WordOperation::read);
    if (holds(flags, mask, operation)) co_return static_cast<long>(flags);
    co_return co_await within(limit,
                              [=](u64 time) { return call(Call::eventAwait, at, mask, operation, time); });
}

Task<long> monitor_get(VirtAddr at) {
    const long self = co_await call(Call::syncSelf);
    if (!co_await is_owner(at, self)) co_return co_await lock(at, self, 1);
    co_await add(part(at, depth_at), 1);
    co_return K_OK;
}

Task<long> monitor_release(VirtAddr at) {
    if (!co_await is_owner(at, co_await call(Call::syncSelf))) co_return K_EINVAL;
    co_await add(part(at, depth_at), ~u32{0});
    if (co_await load<u32>(part(at, depth_at)) != 0) co_return K_OK;
    co_await on_word(part(at, owner_at), WordOperation::put, 0);
    co_return co_await mutex_release(part(at, lock_at));
}

Task<long> monitor_wait(VirtAddr at, u64 limit) {
    const long self = co_await call(Call::syncSelf);
    if (!co_await is_owner(at, self)) co_return K_EINVAL;
    const u32 depth = co_await load<u32>(part(at, depth_at));
    co_await add(part(at, waiting_at), 1);
    co_await on_word(part(at, owner_at), WordOperation::put, 0);
    const long result = co_await take_slowly(part(at, condition_at), limit, part(at, lock_at));
    if (result == K_EINVAL || result == K_EFAULT) {
        co_await on_word(part(at, owner_at), WordOperation::put, static_cast<u32>(self));
    } else if (const long error = co_await lock(at, self, depth); error != K_OK) {
        co_return error;
    }
    co_await add(part(at, waiting_at), ~u32{0});
    co_return result;
}

Task<long> monitor_notify(VirtAddr at, bool all) {
    if (!co_await is_owner(at, co_await call(Call::syncSelf))) co_return K_EINVAL;
    if (co_await load<u32>(part(at, waiting_at)) == 0) co_return K_OK;
    long result = 1;
    do result = co_await call(Call::syncGive, part(at, condition_at), 0);
    while (all && result > 0);
    co_return result < 0 ? result : long{K_OK};
}

} // namespace chorale::host
