// What the threads of the load know of each other: names of ports and actors that may be gone at any moment.
// The words of a name are published one by one and in no order, so that the load adds no order between CPUs
// that the nucleus has not made; a name mixed of two is one that nobody knows.
#pragma once

#include "arch/host/session.hpp"

#include <array>
#include <atomic>
#include <string>

namespace chorale::test {

// xorshift64*
class Random {
  public:
    explicit Random(u64 seed) : state_{seed * 0x9e37'79b9'7f4a'7c15 | 1} {}
    [[nodiscard]] u64 next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545'f491'4f6c'dd1d;
    }
    [[nodiscard]] u64 below(u64 limit) { return (next() >> 16) % limit; }
    [[nodiscard]] bool one_in(u64 count) { return below(count) == 0; }

  private:
    u64 state_;
};

enum class Event : unsigned {
    calls,     // answered with the right words
    big_calls, // answered with the right body
    sends,
    receipts,
    time_outs,
    aborts,
    crashes,    // K_ECRASH
    drops,      // K_EFAIL
    lost_ports, // K_ENOPORT
    unknown,    // K_EUNKNOWN
    full,       // K_EFULL
    moves,
    port_deletions,
    actor_deletions,
    regions,
    copies,
    fpu_uses,
    faults,
    count
};

class Town {
  public:
    static constexpr unsigned actor_slots = 8;
    static constexpr unsigned port_slots = 12;

    void open(u64 seed);
    void close() { closing_ = true; }
    // relaxed, here and below: see the head of this file
    [[nodiscard]] bool closing() const { return closing_.load(std::memory_order_relaxed); }
    // relaxed: each number once
    [[nodiscard]] Random stranger() {
        return Random{seed_ + 1 + strangers_.fetch_add(1, std::memory_order_relaxed)};
    }

    void publish_port(unsigned slot, const KnUniqueId& name);
    [[nodiscard]] KnUniqueId port(Random& random) const;
    void publish_actor(unsigned slot, const KnCap& actor);
    [[nodiscard]] KnCap actor(Random& random) const;

    // relaxed: a number
    void count(Event event) { events_[static_cast<unsigned>(event)].fetch_add(1, std::memory_order_relaxed); }
    // Counts what a call came to, and says whether a call may come to that at all.
    [[nodiscard]] bool error(long result);
    [[nodiscard]] u64 counted(Event event) const { return events_[static_cast<unsigned>(event)]; }
    [[nodiscard]] bool seen_everything() const; // each event
    [[nodiscard]] std::string summary() const;

  private:
    // relaxed wherever these are used: see the head of this file
    struct PublicName {
        std::atomic<u64> head{}, tail{}, key{};
    };
    std::array<PublicName, actor_slots> actors_;
    std::array<PublicName, port_slots> ports_;
    std::array<std::atomic<u64>, static_cast<unsigned>(Event::count)> events_{};
    std::atomic<u64> strangers_{};
    std::atomic<bool> closing_{};
    u64 seed_{};
};

} // namespace chorale::test
