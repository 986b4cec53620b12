#include "kernel/time/timer_queue.hpp"

namespace chorale {

Timer* TimerQueue::meld(Timer* a, Timer* b) {
    if (a == nullptr) return b;
    if (b == nullptr) return a;
    if (b->deadline < a->deadline) {
        Timer* const swap = a;
        a = b;
        b = swap;
    }
    b->previous_ = a;
    b->next_ = a->child_;
    if (a->child_ != nullptr) a->child_->previous_ = b;
    a->child_ = b;
    a->next_ = a->previous_ = nullptr;
    return a;
}

// The two passes of a pairing heap: meld neighbours left to right, then the pairs right to left. The list of
// pairs is kept reversed in next_, so that the second pass is a plain walk and the stack stays flat.
Timer* TimerQueue::meld_siblings(Timer* first) {
    Timer* pairs = nullptr;
    while (first != nullptr) {
        Timer* const second = first->next_;
        Timer* const rest = second == nullptr ? nullptr : second->next_;
        first->next_ = first->previous_ = nullptr;
        if (second != nullptr) second->next_ = second->previous_ = nullptr;
        Timer* const pair = meld(first, second);
        pair->next_ = pairs;
        pairs = pair;
        first = rest;
    }
    Timer* root = nullptr;
    while (pairs != nullptr) {
        Timer* const rest = pairs->next_;
        pairs->next_ = nullptr;
        root = meld(root, pairs);
        pairs = rest;
    }
    return root;
}

void TimerQueue::arm(Timer& timer, u64 deadline) {
    if (timer.armed_) cancel(timer);
    timer.deadline = deadline;
    timer.child_ = timer.next_ = timer.previous_ = nullptr;
    timer.armed_ = true;
    root_ = meld(root_, &timer);
}

void TimerQueue::cancel(Timer& timer) {
    if (!timer.armed_) return;
    timer.armed_ = false;
    Timer* const children = meld_siblings(timer.child_);
    timer.child_ = nullptr;
    if (root_ == &timer) {
        root_ = children;
        return;
    }
    (timer.previous_->child_ == &timer ? timer.previous_->child_ : timer.previous_->next_) = timer.next_;
    if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
    timer.next_ = timer.previous_ = nullptr;
    root_ = meld(root_, children);
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

} // namespace chorale
