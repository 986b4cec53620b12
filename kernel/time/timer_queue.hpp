// The armed timers of one CPU, an intrusive leftist heap: with n timers armed, arming, cancelling and expiry
// walk at most 2 log2(n + 1) steps each, not only on average, so that 100,000 of them cannot hold interrupts
// up. Nothing is ever allocated. Only the owning CPU touches it.
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
    Timer* left_{};
    Timer* right_{};
    Timer* parent_{};
    u8 rank_{}; // steps down to the nearest missing child: never longer on the right than on the left
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
        for (const Timer* timer = root_; timer != nullptr; timer = following(timer))
            visit(*timer, static_cast<const Timer*>(timer->parent_));
    }
    // For inspection: whether every rank and parent is right.
    [[nodiscard]] bool sound() const;

  private:
    static unsigned rank(const Timer* timer) { return timer == nullptr ? 0 : timer->rank_; }
    static bool settle(Timer& timer);
    static Timer* meld(Timer* a, Timer* b);
    static const Timer* following(const Timer* timer);

    Timer* root_{};
};

} // namespace chorale
