#include "kernel/time/timer_queue.hpp"

namespace chorale {

// The shorter side to the right, and the rank from there. Whether the rank has changed.
bool TimerQueue::settle(Timer& timer) {
    if (rank(timer.left_) < rank(timer.right_)) {
        Timer* const shorter = timer.left_;
        timer.left_ = timer.right_;
        timer.right_ = shorter;
    }
    const auto now = static_cast<u8>(rank(timer.right_) + 1);
    const bool changed = timer.rank_ != now;
    timer.rank_ = now;
    return changed;
}

// Down the two right sides, which are no longer than log2(n + 1), the earlier timer first; and up again.
Timer* TimerQueue::meld(Timer* a, Timer* b) {
    Timer* root = nullptr;
    Timer** link = &root;
    Timer* above = nullptr;
    while (a != nullptr && b != nullptr) {
        if (b->deadline < a->deadline) {
            Timer* const later = a;
            a = b;
            b = later;
        }
        *link = a;
        a->parent_ = above;
        above = a;
        link = &a->right_;
        a = a->right_;
    }
    Timer* const rest = a == nullptr ? b : a;
    *link = rest;
    if (rest != nullptr) rest->parent_ = above;
    for (Timer* timer = above; timer != nullptr; timer = timer->parent_) settle(*timer);
    return root;
}

void TimerQueue::arm(Timer& timer, u64 deadline) {
    if (timer.armed_) cancel(timer);
    timer.deadline = deadline;
    timer.left_ = timer.right_ = timer.parent_ = nullptr;
    timer.rank_ = 1;
    timer.armed_ = true;
    root_ = meld(root_, &timer);
}

void TimerQueue::cancel(Timer& timer) {
    if (!timer.armed_) return;
    timer.armed_ = false;
    Timer* const above = timer.parent_;
    Timer* const rest = meld(timer.left_, timer.right_);
    if (rest != nullptr) rest->parent_ = above;
    if (above == nullptr) {
        root_ = rest;
        return;
    }
    (above->left_ == &timer ? above->left_ : above->right_) = rest;
    // A rank that changes is one more at each step up, and none is above log2(n + 1): this ends soon.
    for (Timer* each = above; each != nullptr && settle(*each);) each = each->parent_;
}

bool TimerQueue::expire_due(u64 now, unsigned limit) {
    while (root_ != nullptr && root_->deadline <= now) {
        if (limit-- == 0) return false;
        Timer& due = *root_;
        cancel(due);
        due.expire(due);
    }
    return true;
}

// In the order parent, left, right, without a stack: the left side may be as long as there are timers.
const Timer* TimerQueue::following(const Timer* timer) {
    if (timer->left_ != nullptr) return timer->left_;
    for (const Timer* above = timer->parent_; above != nullptr; above = timer->parent_) {
        if (above->left_ == timer && above->right_ != nullptr) return above->right_;
        timer = above;
    }
    return nullptr;
}

bool TimerQueue::sound() const {
    bool good = root_ == nullptr || root_->parent_ == nullptr;
    for_each([&](const Timer& timer, const Timer* parent) {
        const bool linked = parent == nullptr || parent->left_ == &timer || parent->right_ == &timer;
        const bool ordered = parent == nullptr || parent->deadline <= timer.deadline;
        const bool leaning = rank(timer.left_) >= rank(timer.right_) && timer.rank_ == rank(timer.right_) + 1;
        good = good && timer.armed_ && linked && ordered && leaning;
    });
    return good;
}

} // namespace chorale
