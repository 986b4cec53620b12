// What is done with messages of a message space: the short calls. A message is named by its address in the
// caller's mapping, which is looked at anew each time.
#include "kernel/call/handlers.hpp"
#include "kernel/call/wait_limit.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mipc/opening.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/user_access.hpp>

namespace chorale {

namespace {

constexpr u32 none = MessageSpace::none;

// What a local identifier means to the caller.
struct OpenSpace {
    Actor& actor;
    const Opening* opening{};
    MessageSpace* space{}; // null: nothing

    OpenSpace(Thread& self, int lid) : actor{execution_actor(self)} {
        opening = find_opening(actor.message_spaces, lid);
        // acquire: pairs with release in finish_opening()
        if (opening != nullptr) space = opening->space.load(std::memory_order_acquire);
    }
    [[nodiscard]] u32 message_at(VmAddr address) const {
        return space->message_at(address - opening->base.raw());
    }
    [[nodiscard]] VirtAddr address_of(u32 message) const { return opening->base + space->offset_of(message); }
};

// The message is the caller's from now on; when it cannot be told, it goes back.
[[nodiscard]] long hand_out(const OpenSpace& opened, u32 message, MessageState from,
                            const MessagePlaces& places) {
    MessageSpace& space = *opened.space;
    if (tell(places, opened.address_of(message), space.record(message).source, from.queue())) [[likely]]
        return K_OK;
    space.put_back(message, from, opened.opening->slot);
    return K_EFAULT;
}

// Before a wait. False: what it brings could not be told.
[[nodiscard]] bool prepare_wait(Thread& self, const OpenSpace& opened, int lid, const MessagePlaces& places) {
    MessageWait& wait = self.message_wait;
    wait.space = opened.space;
    wait.lid = lid;
    wait.slot = opened.opening->slot;
    wait.base = opened.opening->base;
    wait.places = places;
    return tell(places, VirtAddr{}, {}, 0);
}

} // namespace

[[gnu::noinline]] bool tell(const MessagePlaces& places, VirtAddr address, const KnUniqueId& source,
                            u32 queue) {
    const uword raw = address.raw();
    if (!machine::copy_out(places.address, &raw, sizeof raw)) return false;
    if (places.source != VirtAddr{} && !machine::copy_out(places.source, &source, sizeof source))
        return false;
    return places.queue == VirtAddr{} || machine::copy_out(places.queue, &queue, sizeof queue);
}

namespace calls {

long msgAllocate(Thread& self, int lid, unsigned int pool, unsigned int size, UserInOpt<KnTimeVal> wait_limit,
                 UserOut<VmAddr> message_at) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr) return K_EINVAL;
    MessageSpace& space = *opened.space;
    const Result<WaitLimit> limit = read_wait_limit(wait_limit);
    if (!limit.ok()) return static_cast<long>(limit.status());
    if (pool == K_ANY_MSGPOOL) pool = space.best_pool(size);
    if (pool >= space.pool_count() || size > space.pool(pool).message_size) return K_EINVAL;
    const MessagePlaces places{message_at.address()};
    long answer = K_OK;
    u32 message = space.try_allocate(pool, opened.opening->slot);
    if (message == none) {
        if (!prepare_wait(self, opened, lid, places)) return K_EFAULT;
        message = space.allocate(self, pool, limit.value(), answer);
        if (message == none) return answer;
    }
    return hand_out(opened, message, MessageState{}, places);
}

long msgPut(Thread& self, int lid, unsigned int queue, VmAddr address, unsigned int priority) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr || queue >= opened.space->queue_count()) return K_EINVAL;
    const u32 message = opened.message_at(address);
    if (message == none) return K_EINVAL;
    const u32 level = priority < K_MSG_PRIOMAX ? priority : K_MSG_PRIOMAX;
    return opened.space->put(queue, message, level, opened.opening->slot, opened.actor.capability.ui)
               ? K_OK
               : K_EINVAL;
}

long msgGet(Thread& self, int lid, unsigned int queue, UserInOpt<KnTimeVal> wait_limit,
            UserOut<VmAddr> message_at, UserOutOpt<KnUniqueId> source) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr || queue >= opened.space->queue_count()) return K_EINVAL;
    const Result<WaitLimit> limit = read_wait_limit(wait_limit);
    if (!limit.ok()) return static_cast<long>(limit.status());
    const MessagePlaces places{message_at.address(), source.address()};
    long answer = K_OK;
    MessageState from;
    u32 message = opened.space->try_get(queue, opened.opening->slot, from);
    if (message == none) {
        if (!prepare_wait(self, opened, lid, places)) return K_EFAULT;
        message = opened.space->get(self, queue, limit.value(), from, answer);
        if (message == none) return answer;
    }
    return hand_out(opened, message, from, places);
}

long msgGetAny(Thread& self, int lid, UserOutOpt<unsigned int> queue, UserInOpt<KnTimeVal> wait_limit,
               UserOut<VmAddr> message_at, UserOutOpt<KnUniqueId> source) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr) return K_EINVAL;
    const Result<WaitLimit> limit = read_wait_limit(wait_limit);
    if (!limit.ok()) return static_cast<long>(limit.status());
    const MessagePlaces places{message_at.address(), source.address(), queue.address()};
    MessageState from;
    const u32 message = opened.space->try_get_any(opened.opening->slot, from);
    if (message != none) return hand_out(opened, message, from, places);
    if (!prepare_wait(self, opened, lid, places)) return K_EFAULT;
    return opened.space->get_any(self, limit.value());
}

long msgFree(Thread& self, int lid, VmAddr address) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr) return K_EINVAL;
    const u32 message = opened.message_at(address);
    if (message == none) return K_EINVAL;
    return opened.space->free(message, opened.opening->slot) ? K_OK : K_EINVAL;
}

long msgRemove(Thread& self, int lid, unsigned int queue, VmAddr address, unsigned int priority) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr || queue >= opened.space->queue_count()) return K_EINVAL;
    const u32 message = opened.message_at(address);
    if (message == none) return K_EINVAL;
    const u32 level = priority < K_MSG_PRIOMAX ? priority : K_MSG_PRIOMAX;
    return opened.space->remove(queue, message, level, opened.opening->slot) ? K_OK : K_EINVAL;
}

long msgPoolStat(Thread& self, int lid, unsigned int pool, UserOut<KnMsgPoolStat> stat) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr || pool >= opened.space->pool_count()) return K_EINVAL;
    const MessagePool& of = opened.space->pool(pool);
    return static_cast<long>(stat.write({of.message_size, of.number, of.free.count()}));
}

long msgQueueStat(Thread& self, int lid, unsigned int queue, UserOut<KnMsgQueueStat> stat) {
    const OpenSpace opened{self, lid};
    if (opened.space == nullptr || queue >= opened.space->queue_count()) return K_EINVAL;
    return static_cast<long>(stat.write({opened.space->queue(queue).length()}));
}

} // namespace calls
} // namespace chorale
