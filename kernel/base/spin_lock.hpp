// A test-and-test-and-set lock for short critical sections off the message paths. Nucleus code runs with
// interrupts off, so a holder is never interrupted. Locks are ranked at compile time: while one is held only
// lower ranks may be taken.
#pragma once

#include <machine/cpu.hpp>

#include <atomic>

namespace chorale {

// From high to low: the order in which locks may be taken.
enum class Rank : int {
    nothing = 100,
    actors = 60,
    actor = 50,
    timers = 48,
    watchdogs = 47,
    timer_pool = 46,
    handlers = 45, // who may connect LAPs
    laps = 44,
    interrupts = 43, // who is attached to which line
    timeouts = 42,
    message_spaces = 41, // who has which open
    names = 40,
    groups = 38, // of ports, and their members
    stacks = 35,
    trace = 33,
    space = 30,
    segments = 28,
    messages = 27, // who takes messages out of a queue
    sync = 26,     // a bucket of those who wait for synchronisation objects
    loans = 24,    // what they lend to a thread
    slab = 20,
    frames = 10,
    console = 0
};

template <Rank R>
class Held {
  public:
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

  protected:
    Held() = default;
};

// The token of a path that holds no lock.
struct NothingHeld : Held<Rank::nothing> {};

class SpinLock {
  public:
    void lock() {
        // acquire: pairs with the release in unlock(), so that the holder sees what the previous holder wrote
        while (locked_.exchange(true, std::memory_order_acquire)) {
            // relaxed: only a hint when to try the exchange again
            while (locked_.load(std::memory_order_relaxed)) machine::relax();
        }
    }
    // release: pairs with the acquire in lock()
    void unlock() { locked_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> locked_{false};
};

// Data that can be reached only with its lock held.
template <Rank R, class T>
class Guarded {
  public:
    template <Rank H, class F>
    decltype(auto) with(const Held<H>&, F&& work) {
        static_assert(R < H, "lock order: take locks from high rank to low");
        struct Scope : Held<R> {
            explicit Scope(SpinLock& lock) : lock_{lock} { lock_.lock(); }
            ~Scope() { lock_.unlock(); }
            SpinLock& lock_;
        } scope{lock_};
        return work(value_, static_cast<const Held<R>&>(scope));
    }
    template <class F>
    decltype(auto) with(F&& work) {
        NothingHeld nothing;
        return with(nothing, [&](T& value, const auto&) -> decltype(auto) { return work(value); });
    }

  private:
    SpinLock lock_;
    T value_{};
};

} // namespace chorale
