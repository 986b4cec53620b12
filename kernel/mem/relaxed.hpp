// A number that several CPUs may read and write where nothing else is learned from it: counts, hints,
// switches.
#pragma once

#include <atomic>

namespace chorale {

// relaxed throughout: no access to other memory is ordered by these
template <class T>
class Relaxed {
  public:
    constexpr Relaxed() = default;
    constexpr explicit Relaxed(T value) : value_{value} {}

    // relaxed: see above
    [[nodiscard]] T load() const { return value_.load(std::memory_order_relaxed); }
    void store(T value) { value_.store(value, std::memory_order_relaxed); }
    T add(T amount) { return value_.fetch_add(amount, std::memory_order_relaxed); }
    // relaxed: see above
    T subtract(T amount) { return value_.fetch_sub(amount, std::memory_order_relaxed); }
    [[nodiscard]] bool replace(T& expected, T value) {
        return value_.compare_exchange_weak(expected, value, std::memory_order_relaxed);
    }

    operator T() const { return load(); }

    // One more; by the only writer.
    void count() { store(load() + 1); }

  private:
    std::atomic<T> value_{};
};

} // namespace chorale
