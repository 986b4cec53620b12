// Message spaces as they are made and as they go, step by step: each is as long as one page is.
#include "kernel/mipc/message_space.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/wait_table.hpp"

namespace chorale {

namespace {

constexpr u32 frames_per_step = 32;   // given back
constexpr u32 messages_per_step = 64; // that come into their pools

[[nodiscard]] uword lines_for(uword bytes) {
    return (bytes + MessageSpace::alignment - 1) / MessageSpace::alignment;
}

// Of those who wait under a key, one; false: nobody does.
[[nodiscard]] bool end_one_wait(u64 key) {
    Waiter* const waiter = bucket_for(key).with([&](Bucket& bucket) {
        Waiter* const first = bucket.first(key);
        if (first != nullptr) bucket.leave(*first);
        return first;
    });
    if (waiter != nullptr) end_wait(*waiter, K_EUNKNOWN);
    return waiter != nullptr;
}

} // namespace

Status MessageSpace::check(const MessageSpacePlan& plan) {
    if (plan.queues == 0 || plan.queues > K_MSG_QUEUEMAX) return Status::invalid;
    uword size = 0, messages = 0;
    for (u32 i = 0; i < plan.pools; ++i) {
        const KnMsgPool& pool = plan.pool[i];
        if (pool.msgSize == 0 || pool.msgNumber == 0) return Status::invalid;
        messages += pool.msgNumber;
        if (messages > K_MSG_NUMBERMAX) return Status::no_memory;
        size += lines_for(pool.msgSize) * alignment * pool.msgNumber;
    }
    return size <= size_limit ? Status::ok : Status::no_memory;
}

MessageSpace::MessageSpace(const MessageSpacePlan& plan)
    : name_{plan.name}, queues_{plan.queues}, pools_{plan.pools} {
    for (u32 i = 0; i < pools_; ++i) {
        MessagePool& pool = pool_[i];
        pool.message_size = plan.pool[i].msgSize;
        pool.lines = static_cast<u32>(lines_for(pool.message_size));
        pool.number = plan.pool[i].msgNumber;
        pool.first = messages_;
        pool.begin = size_;
        messages_ += pool.number;
        size_ += uword{pool.lines} * alignment * pool.number;
    }
    size_ = round_up(size_, page_size);
}

Result<bool> MessageSpace::build_step() {
    Status status = Status::ok;
    if (queue_.size() < queues_) {
        status = queue_.grow();
    } else if (records_.size() < messages_) {
        status = records_.grow();
    } else if (freed_ < messages_) {
        // From the last to the first: so the first is on top.
        for (u32 i = 0; i < messages_per_step && freed_ < messages_; ++i) {
            const u32 message = messages_ - ++freed_;
            static_cast<void>(pool_of(message).free.give(links(), message));
        }
    } else {
        return true;
    }
    return status == Status::ok ? Result<bool>{false} : status;
}

Result<PhysAddr> MessageSpace::add_frame() {
    if (frame_count_ == frames_.size()) {
        if (const Status status = frames_.grow(); status != Status::ok) return status;
    }
    const bool scarce = free_frames_estimate() < PageAccount::reserve();
    const Result<PhysAddr> frame = scarce ? Status::no_memory : allocate_frame();
    if (!frame.ok()) return frame;
    zero_frames(frame.value(), 0);
    frames_[frame_count_++] = frame.value();
    return frame;
}

bool MessageSpace::dismantle_step() {
    for (u32 i = 0; i < frames_per_step; ++i) {
        if (frame_count_ == 0) return frames_.shrink() && records_.shrink() && queue_.shrink();
        release_frame(frames_[--frame_count_]);
    }
    return false;
}

bool MessageSpace::end_waits_step() {
    if (!built()) return true; // nobody could
    if (end_one_wait(key())) return false;
    for (u32 i = 0; i < pools_; ++i) {
        if (end_one_wait(key_of(pool_[i]))) return false;
    }
    for (u32 i = 0; i < queues_; ++i) {
        if (end_one_wait(key_of(queue_[i]))) return false;
    }
    return true;
}

} // namespace chorale
