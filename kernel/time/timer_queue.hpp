// The armed timers of one CPU, an intrusive pairing heap: arming is O(1), expiry and cancelling O(log n)
// amortised, and nothing is ever allocated. Only the owning CPU touches it.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

class TimerQueue;

struct Timer {
    u64 deadline{};           // nanoseconds since boot
    void (*expire)(Timer&){}; // called with the timer disarmed
    [[nodiscard]] bool armed() const { return armed_; }

  private:
    friend class TimerQueue;
    Timer* child_{};
    Timer* next_{};     // sibling
    Timer* previous_{}; // elder sibling, or the parent of an eldest child
    bool armed_{};
};

class TimerQueue {
  public:
    static constexpr u64 never = ~u64{0};

    void arm(Timer& timer, u64 deadline);
    void cancel(Timer& timer);

    // Deadline of the earliest timer, or never.
    [[nodiscard]] u64 earliest() const { return root_ == nullptr ? never : root_->deadline; }

    // Expires at most `limit` timers that are due. False when due timers are left.
    bool expire_due(u64 now, unsigned limit);

    // For inspection: `visit(timer, parent)`, nullptr above the root.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for_each_from(root_, nullptr, visit);
    }

  private:
    template <class Visit>
    static void for_each_from(const Timer* eldest, const Timer* parent, Visit& visit) {
        for (const Timer* timer = eldest; timer != nullptr; timer = timer->next_) {
            visit(*timer, parent);
            for_each_from(timer->child_, timer, visit);
        }
    }
    static Timer* meld(Timer* a, Timer* b);
    static Timer* meld_siblings(Timer* first);

    Timer* root_{};
};

} // namespace chorale
