// What the memory tests stand on: physical memory for the global allocators, a CPU for each thread, and a
// panic that the test can catch.
#pragma once

#include "kernel/mem/cpu_cache.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/space.hpp"

#include <functional>
#include <stdexcept>

namespace chorale::test {

struct Panic : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Sets the global frame allocator up, the first time.
void start_memory();

inline constexpr u64 memory_begin = u64{129} << 20; // below and above there is room for tests of their own
inline constexpr u64 memory_end = u64{384} << 20;
inline constexpr u64 hole_begin = u64{158} << 20; // not a multiple of the largest block
inline constexpr u64 hole_end = u64{161} << 20;

// The space in which the nucleus's copies bring pages in; nullptr: they bring none.
void use_space(Space* space);

// What another CPU does while the next flush_at_once() waits for it.
void at_next_flush(std::function<void()> what);

// While it lives, the calling thread is this CPU.
class OnCpu {
  public:
    explicit OnCpu(CpuIndex index);
    ~OnCpu();
    OnCpu(const OnCpu&) = delete;
    OnCpu& operator=(const OnCpu&) = delete;
};

// Gives the single frames that the CPUs keep at hand back to the shared pool.
void drain_caches();

// Free frames once the caches of all CPUs were counted.
[[nodiscard]] u64 free_frame_count();

} // namespace chorale::test
