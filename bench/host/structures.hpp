// What the nucleus's parts stand on when there is no machine around them: CPU blocks, physical memory, names.
#pragma once

#include "bench/host/places.hpp"
#include "kernel/core/per_cpu.hpp"

#include <atomic>
#include <functional>

namespace chorale::bench {

inline constexpr unsigned cpus =
    4; // for which the nucleus's objects are made; two of them at most are played

// Once, before the first benchmark: the calling thread plays CPU 0 from now on.
void start_structures();

// The thread that plays CPU 1, on a host CPU of its own. It sleeps while it has no work.
class Partner {
  public:
    // It runs `work` until the object goes; what `work` gets says when. Returns when it has begun.
    using Leave = std::atomic<bool>;
    explicit Partner(std::function<void(const Leave&)> work);
    ~Partner();
    Partner(const Partner&) = delete;
    Partner& operator=(const Partner&) = delete;

  private:
    struct Thread;
    static Thread& thread();
};

} // namespace chorale::bench
