// A weak memory machine for instrumented code, in one host thread.
//
// Code compiled with CHORALE_WEAK_OPTIONS (clang's -fsanitize=thread) and linked with this library instead of
// the thread sanitizer's runtime announces every memory access. The simulator runs CPUs as fibers; this
// library decides which value an atomic load sees, and reports data races between plain accesses.
//
// THE MODEL of atomics is the C++20 one, run as an operational semantics: relacy and loom work alike,
// CDSChecker explores the same graph.
//   - The stores to an atomic location, in the order of their execution, are its modification order. The last
//     few are kept, each with its value, with who has seen it when, and with what it releases. Memory itself
//     always holds the newest, so that the simulator may read it without asking.
//   - What CPU c did is numbered: its position rises each time c publishes something. A vector clock has a
//     position for each CPU. A CPU's clock says what happened before (in the sense of C++) what it does now.
//   - A load may see any kept store that is not older than one which this CPU, or anyone whose sight of it
//     happened before, has seen. So coherence holds, and stores to different locations are seen in
//     different orders by different CPUs: store buffers, early loads, stores that reach one CPU before
//     another. The simulator chooses among the candidates; 0 is the newest.
//   - A release store carries its CPU's clock; an acquire load of that store joins it; read-modify-writes see
//     the newest store and continue its release sequence. A release fence's clock is carried by the relaxed
//     stores after it; what relaxed loads saw is joined by an acquire fence.
//   - Sequentially consistent fences form one order, that of their execution. Each knows of whatever those
//     before it knew to be stored. That limits what loads may see, but does not order plain accesses, as two
//     fences alone do not synchronise in C++; hence each CPU has two clocks (clock.hpp). Sequentially
//     consistent loads see nothing older than what such an operation, or whoever fenced after, has seen.
//   - A failing compare-exchange is a load, and may fail on an old value.
//   - Stores arrive in the end: a CPU sees old values of a location at most Options::stale_reads times in a
//     row, and none that was replaced more than Options::stale_age atomic operations ago.
// But for the limits in the last point and the number of stores that are kept, what can happen is exactly the
// executions that are consistent in C++20 and have an order in which a load follows the store that it sees
// and the stores to one location follow their modification order. tests/weak/axioms_test.cpp compares the
// two, on small programs, in every way in which they can run.
//
// NOT COVERED: load buffering (a load never sees a store that is executed later); stores that end up in
// memory in another order than that of execution (2+2W); dependencies (a dependent relaxed load may see old
// values, as in C++; the CPUs at hand are stricter); spurious failure of compare_exchange_weak, which the
// compiler does not tell from the strong one. Atomic accesses of different sizes to the same bytes, and those
// of 16 bytes, act on memory at once and order everything. Memory that an operation finds changed by
// uninstrumented code counts as seen by all.
//
// DATA RACES are found as in FastTrack (race.hpp): two accesses to a byte from different CPUs, one of them a
// write and not both atomic, neither of which happened before the other. No false ones; a true one may
// escape when more than four accesses to eight bytes are to be remembered. Each CPU's own stack is left out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chorale::weak {

inline constexpr unsigned max_cpus = 8;

enum class Access : std::uint8_t { read, write, load, store, exchange, compare_exchange, fence };

// As the compiler numbers them; a compare-exchange is told the one for success.
enum class Order : std::uint8_t { relaxed, consume, acquire, release, acquire_release, sequential };

enum class Choice : std::uint8_t {
    value,  // how many stores older than the newest the loaded one is
    failure // 0: the compare-exchange sees the newest store; else it fails on an older one
};

// One access of a race. `pc` is where the call to the announcement returns to: look up pc - 1.
struct Party {
    unsigned cpu;
    Access access; // read and write: plain
    std::uintptr_t pc;
    std::uintptr_t address;
    unsigned size;
};

struct Race {
    Party earlier, later;
};

// An atomic operation that has been performed.
struct Event {
    unsigned cpu;
    Access access;
    Order order;
    std::uint8_t size; // 0: a fence
    std::uint8_t age;  // how many stores older than the newest the seen one was
    bool written;
    std::uintptr_t pc;
    std::uintptr_t address;
    std::uint64_t seen;  // unless it was a store
    std::uint64_t value; // if written
};

// What the library asks of the simulator. During these calls instrumented code acts directly on memory.
class Simulator {
  public:
    // Before each atomic operation and fence: here other fibers may run.
    virtual void schedule_point(Access access, const void* address) = 0;
    // Less than `count`, which is at least 2. 0 is the ordinary outcome; the choice should be it mostly.
    virtual unsigned choose(unsigned count, Choice kind) = 0;
    virtual void race(const Race& race) = 0;
    // Only with Options::trace.
    virtual void performed(const Event&) {}

  protected:
    ~Simulator() = default;
};

struct Options {
    // Where most accesses go, the simulated memory: its shadow takes eight times as much address space.
    const void* arena = nullptr;
    std::size_t arena_size = 0;
    unsigned stale_reads = 8;
    unsigned stale_age = 4096;
    bool trace = false;
};

// Once, before anything else; again to change the options. Starts a run of one CPU.
void install(Simulator& simulator, const Options& options);

// A new run: everything up to now is known to all, every CPU is at its first position, no stack is known.
void reset(unsigned cpus);

// From here on instrumented code is the given CPU's, or acts directly on memory as if nobody else were there.
// A fiber that was switched away from in schedule_point() is on its CPU again without this.
void enter(unsigned cpu);
void leave();

// The CPU in whose name instrumented code runs now.
inline constexpr unsigned nobody = max_cpus;
[[nodiscard]] unsigned current();

// Simulator code in the midst of the nucleus's, as a machine:: function is.
class Outside {
  public:
    Outside() : cpu_{current()} { leave(); }
    ~Outside() {
        if (cpu_ != nobody) enter(cpu_);
    }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

  private:
    unsigned cpu_;
};

// Plain accesses of the CPU to this range are not looked at. A CPU has one stack at a time.
void set_stack(unsigned cpu, const void* low, std::size_t size);

// What is known of this memory is forgotten: it has been freed or newly allocated. Not for memory of a stable
// type that others may still read without a lock: they would be spared its old values.
void forget(const void* address, std::size_t size);

// What `from` did up to now happened before what `to` does next.
void synchronise(unsigned from, unsigned to);

// The same in two steps, for a doorbell: what `from` did before it rang happened before what `to` does after
// it was delivered. Several rings may be delivered by one.
void ring(unsigned from, unsigned to);
void deliver(unsigned to);

// The CPU's next loads see nothing older than what is in memory now, as after its queues drained. Orders
// no plain accesses.
void drain(unsigned cpu);

} // namespace chorale::weak
