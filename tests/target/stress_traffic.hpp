// The stress test's traffic: numbered, checksummed messages between random threads, and what was seen of
// them.
//
// Stable servers and clients live from the beginning to the end; victims (clients of this actor) and children
// (actors with servers and a client each) are killed at random. Invariants:
//
// A call to a stable server that returned a size has the right reply, so it was received; no request is
// received twice.
//
// A send to a stable server that returned K_OK is received exactly once.
//
// A call to a child's server that returned a size has the right reply; any error is a documented one.
#pragma once

#include <chorus.h>

#include <atomic>
#include <cstdint>

namespace chorale::test {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15U + 0x1234567} {}
    std::uint32_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::uint32_t>(state_ >> 16);
    }
    // 0 … limit - 1
    unsigned below(unsigned limit) { return next() % limit; }

  private:
    std::uint64_t state_;
};

inline constexpr unsigned server_limit = 8;
inline constexpr unsigned client_limit = 16;
inline constexpr unsigned victim_limit = 8;
inline constexpr unsigned child_limit = 3;
inline constexpr unsigned child_servers = 2;
inline constexpr unsigned first_victim = client_limit;
inline constexpr unsigned first_child_client = client_limit + victim_limit;
inline constexpr unsigned sender_limit = first_child_client + child_limit;
inline constexpr unsigned message_limit = 8192;

// A destination that changes while others read it: torn or stale names fail like any unknown port.
struct Destination {
    std::atomic<std::uint64_t> head, tail;
    void set(const KnUniqueId& ui) {
        head.store(ui.uiHead);
        tail.store(ui.uiTail);
    }
    [[nodiscard]] KnIpcDest get() const { return {{head.load(), tail.load()}, {}}; }
};

struct Counters {
    std::atomic<std::uint64_t> calls, sends, received_sends, child_calls, other_calls;
    std::atomic<std::uint64_t> corrupted, doubled, unexpected;
    std::atomic<int> unexpected_error;

    void unexpected_result(int error) {
        unexpected.fetch_add(1);
        unexpected_error.store(error);
    }
};

struct Traffic {
    std::atomic<bool> stop;
    unsigned servers;
    unsigned clients;
    unsigned cpus;
    Destination stable[server_limit];
    Destination child_ports[child_limit * child_servers];
    // Messages sent and not yet received: kept below what a port's queue holds beside all possible callers.
    std::atomic<int> outstanding[server_limit];
    static constexpr unsigned window = 1024;
    std::atomic<std::uint32_t> delivered[sender_limit][window];
    std::atomic<KnThreadLid> client_threads[client_limit];
    Counters counters;
};

extern Traffic traffic;

// The buffers of one thread.
struct Buffers {
    unsigned char request[message_limit];
    unsigned char reply[message_limit];
};

// A client in all its variants.
struct ClientPlan {
    unsigned sender;
    std::uint32_t first_sequence;
    std::uint64_t seed;
    bool only_calls; // it can be killed at any moment without leaving anything behind
};

void run_client(const ClientPlan& plan, Buffers& buffers);
// `stable`: the index of the server, or -1 for a child's.
void run_server(int portli, int stable, Buffers& buffers);

} // namespace chorale::test
