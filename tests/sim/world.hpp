// What the programs of a simulated run know of each other. One thread of the host runs them all, so plain
// data will do.
#pragma once

#include "arch/host/session.hpp"
#include "tests/sim/bodies.hpp"
#include "tests/sim/plan.hpp"

#include <array>
#include <map>
#include <string_view>
#include <vector>

namespace chorale::sim {

struct Slot {
    KnUniqueId name{};
    unsigned actor{};
    long li = -1;
};

// A region that an actor's threads may touch while `value` is not zero.
struct Shared {
    VirtAddr at{};
    u64 value{};
};

inline constexpr u32 nowhere = ~u32{0};

struct World {
    Plan plan;
    std::vector<KnCap> actors;
    std::vector<Shared> shared;
    std::vector<long> lids;
    std::vector<bool>
        moved; // a thread that was bound to another CPU: the order of its messages is not promised
    std::array<Slot, port_slots> slots{};
    std::vector<u32> bound; // the CPU to which the thread bound itself last; `nowhere`: perhaps not
    u32 binds{}, binding{}; // how often anybody began to bind a thread, and who is at it
    unsigned spawned{};
    bool killing{}; // somebody has been killed, perhaps while he had an object
    std::array<unsigned, 3 * object_slots> holders{}; // of mutexes, real-time mutexes, monitors; 0: nobody
    std::array<u32, object_slots> units{};            // of semaphores: given and not taken
    std::vector<u32> counters;                        // of each thread's messages
    // The last counter that a receiver has seen of a sender, by port.
    std::map<std::array<u64, 3>, u32> seen;
};

[[nodiscard]] World& world();

// The thread `index` of the plan.
[[nodiscard]] host::Task<void> run_thread(unsigned index);

// Fails the run unless `result` is no error or one that fits.
void expect(std::string_view what, unsigned thread, long result, std::initializer_list<long> errors);

// ---- the operations --------------------------------------------------------------------------------------
[[nodiscard]] host::Task<void> serve(unsigned thread, Op op);
[[nodiscard]] host::Task<void> receive_any(unsigned thread, Op op);
[[nodiscard]] host::Task<void> call_words(unsigned thread, Op op);
[[nodiscard]] host::Task<void> call_large(unsigned thread, Op op);
[[nodiscard]] host::Task<void> send(unsigned thread, Op op);
[[nodiscard]] host::Task<void> use_region(unsigned thread, Op op);
[[nodiscard]] host::Task<void> touch(unsigned thread, Op op);
[[nodiscard]] host::Task<void> copy(unsigned thread, Op op);
[[nodiscard]] host::Task<void> use_fpu_registers(unsigned thread, Op op);
// objects.cpp
[[nodiscard]] host::Task<void> use_mutex(unsigned thread, Op op);
[[nodiscard]] host::Task<void> use_rt_mutexes(unsigned thread, Op op);
[[nodiscard]] host::Task<void> use_sem(unsigned thread, Op op);
[[nodiscard]] host::Task<void> use_events(unsigned thread, Op op);
[[nodiscard]] host::Task<void> meet(unsigned thread, Op op);
[[nodiscard]] host::Task<void> use_monitor(unsigned thread, Op op);
[[nodiscard]] host::Task<void> make_objects();
// Nobody waits for what is there, and everybody has the priority that is due to him.
void check_waits_at_rest();

// A number that nobody else has.
[[nodiscard]] inline u64 next_value(unsigned thread) {
    return Tag::of(thread, ++world().counters[thread]).value;
}

// Where the thread keeps bodies, in its actor's memory.
[[nodiscard]] inline VirtAddr buffer_of(unsigned thread) { return host::free_data + thread * room; }

} // namespace chorale::sim
