// What each CPU keeps at hand of the memory allocators: free frames and free objects. Member `memory` of
// PerCpu. Invariant: only the owning CPU, with interrupts off, changes its cache; others read the counts for
// statistics.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <array>

namespace chorale {

// A stack of at most N free things, of which `Batch` move at once between here and the shared pool.
template <class T, u32 N, u32 Batch>
class LocalStack {
  public:
    static constexpr u32 capacity = N;
    static constexpr u32 batch = Batch;

    [[nodiscard]] u32 count() const { return count_.load(); }
    [[nodiscard]] bool empty() const { return count() == 0; }
    [[nodiscard]] bool full() const { return count() == N; }

    void push(T item) {
        items_[count()] = item;
        count_.store(count() + 1);
    }
    [[nodiscard]] T pop() {
        count_.store(count() - 1);
        return items_[count()];
    }

  private:
    Relaxed<u32> count_; // one writer; other CPUs want the number alone
    std::array<T, N> items_{};
};

// Frame numbers. A message of the largest size takes and gives back 16 without going to the pool.
using FrameStack = LocalStack<u32, 32, 8>;
using Magazine = LocalStack<void*, 14, 7>; // objects of one SlabCache

inline constexpr unsigned slab_cache_limit = 24;

struct CpuCache {
    FrameStack frames;
    std::array<Magazine, slab_cache_limit> magazines;
};

// nullptr until start_cpu_caches(): the allocators then go to their shared pools.
[[nodiscard]] CpuCache* this_cpu_cache();
// nullptr for a CPU that does not run.
[[nodiscard]] CpuCache* cpu_cache_at(CpuIndex index);

// From here on every CPU uses its cache. Called once, by the boot CPU, when its PerCpu is in place and before
// the others start.
void start_cpu_caches();

} // namespace chorale
