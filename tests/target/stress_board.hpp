// What the actors of the message stress share: one board, at the same address in all of them, with who and
// what there is at the moment, and what was seen. Actors and threads that read it may be killed at any
// moment: they write nothing there that must be undone.
//
// The home actor (this one) and its threads live from the beginning to the end; the others are killed at
// random, by the thread that made them. Ports are of three kinds:
//
//   steady  received from by home threads, moved to an empty actor and back with their queues, never deleted:
//   each
//           call is answered, each counted send received exactly once
//   tame    in tame actors; moved, deleted and made by the disturber only, which enables them at once: a call
//           without time limit ends
//   wild    in wild actors; anybody moves and deletes them, by numbers that may be stale
#pragma once

#include "helper.hpp"
#include "stress_traffic.hpp"

#include <chorus.h>
#include <mipc/chMsgRing.h>

#include <atomic>

namespace chorale::test::messages {

inline constexpr unsigned tame_actors = 2, kid_limit = 4, home = kid_limit, actor_limit = kid_limit + 1;
inline constexpr unsigned kid_threads = 5, home_threads = 8, threads_per_actor = 8;
inline constexpr unsigned steady_ports = 3, tame_ports = 4, wild_ports = 6;
inline constexpr unsigned first_tame = steady_ports, first_wild = first_tame + tame_ports;
inline constexpr unsigned port_limit = first_wild + wild_ports;
inline constexpr unsigned group_limit = 4;
inline constexpr unsigned mutex_limit = 3; // the last is for servers: nobody calls while he has it
inline constexpr unsigned body_limit = 20480;
inline constexpr unsigned memory_limit = 1U << 15;
inline constexpr unsigned long ring_words = 64;
inline constexpr KnMsgSpaceId space_name = 5700, kid_space_name = 5710;
inline constexpr unsigned space_queues = 4, space_pools = 3;
inline constexpr KnMsgPool pools[space_pools] = {{96, 40}, {512, 24}, {5000, 8}};

// Written by the disturber, read by anybody; a reader that meets a writer goes without.
template <class T>
class Shown {
  public:
    void set(const T& value) {
        std::uint64_t words[count]{};
        __builtin_memcpy(words, &value, sizeof value);
        version_.fetch_add(1);
        for (unsigned i = 0; i < count; ++i) {
            words_[i].store(words[i]);
        }
        version_.fetch_add(1);
    }
    [[nodiscard]] bool get(T& value) const {
        std::uint64_t words[count];
        const unsigned before = version_.load();
        for (unsigned i = 0; i < count; ++i) {
            words[i] = words_[i].load();
        }
        __builtin_memcpy(&value, words, sizeof value);
        return before % 2 == 0 && before != 0 && version_.load() == before;
    }

  private:
    static constexpr unsigned count = sizeof(T) / 8;
    std::atomic<unsigned> version_;
    std::atomic<std::uint64_t> words_[count];
};

enum class Doing : unsigned { nothing, working, receiving, resting };

struct ThreadEntry {
    std::atomic<KnThreadLid> thread;
    std::atomic<std::uint32_t> incarnation;
    std::atomic<std::uint32_t> doomed; // incarnations up to this one are being killed, or are dead
    std::atomic<Doing> doing;
    std::atomic<const char*> call; // the last of the interesting ones, for who looks for somebody who hangs
};

struct ActorEntry {
    Shown<KnCap> capability;
    ThreadEntry threads[threads_per_actor];
    std::atomic<int> saved; // messages that ipcSave keeps, or may keep
};

// Where a tame or wild port is: hosts of wild ones may be wrong.
struct PortEntry {
    Shown<KnUniqueId> name;
    std::atomic<std::uint64_t> place; // actor << 32 | local id
};

struct RingPair {
    alignas(64) KnMsgRing out; // to the kid
    unsigned long out_words[ring_words];
    alignas(64) KnMsgRing back;
    unsigned long back_words[ring_words];
    std::atomic<std::uint64_t> sent;
};

struct MutexEntry {
    KnRtMutex mutex;
    std::atomic<std::uint64_t> inside; // who has it: thread number << 32 | incarnation
};

struct Board {
    unsigned cpus;
    std::uint64_t seed;
    std::atomic<bool> pause, stop;
    ActorEntry actors[actor_limit];
    PortEntry ports[port_limit];
    Shown<KnCap> groups[group_limit];
    MutexEntry mutexes[mutex_limit];
    RingPair rings[kid_limit];
    std::atomic<std::uint64_t> received[memory_limit]; // by number of the message: what came last
    std::atomic<std::uint64_t> calls, sends, parcels, ring_words_seen, restored, moved;
    std::atomic<std::uint64_t> counted_sent, counted_received;
    std::atomic<std::uint64_t> problems;
    std::atomic<const char*> first_problem; // all actors have the same image
    std::atomic<long> first_value;
};

inline constexpr VmAddr board_address = 0x30000000, rooms_address = 0x31000000;
inline Board& board = *reinterpret_cast<Board*>(board_address);

// The stack and the buffers of a thread.
struct alignas(4096) Room {
    unsigned char stack[16384];
    unsigned char out[body_limit], in[body_limit];
};
static_assert(sizeof(Room) % 4096 == 0 && body_limit % 4096 == 0);

[[nodiscard]] inline Room& room_of(unsigned index) { return reinterpret_cast<Room*>(rooms_address)[index]; }

// ---- what is wrong -----------------------------------------------------------------------------------

void problem(const char* what, long value);

constexpr std::uint32_t bit_of(int error) { return std::uint32_t{1} << static_cast<unsigned>(-error); }
template <class... Codes>
constexpr std::uint32_t codes(Codes... each) {
    return (0U | ... | bit_of(each));
}
// An error must be one of these; what is not negative is none.
inline bool good(const char* what, long result, std::uint32_t allowed) {
    if (result >= 0) {
        return true;
    }
    if (result < -31 || (bit_of(static_cast<int>(result)) & allowed) == 0) {
        problem(what, result);
    }
    return false;
}

// ---- bodies ------------------------------------------------------------------------------------------

inline constexpr std::uint32_t to_steady = 1, counted = 2, broadcast = 4;
// The caller goes on without an answer: a server that drops the request keeps it until the next one comes.
inline constexpr std::uint32_t limited = 8;

struct Head {
    std::uint64_t number; // of this message: never used twice
    std::uint32_t size, reply_size;
    std::uint32_t kind;
    std::uint32_t unused;
    std::uint64_t check;
};
inline constexpr std::uint64_t request_salt = 0x1111, reply_salt = 0x2222, parcel_salt = 0x3333;

void fill(unsigned char* body, Head head, std::uint64_t salt);
[[nodiscard]] bool intact(const unsigned char* body, unsigned size, std::uint64_t salt, Head& head);
// The annex tells the number too, as it was when the message was sent.
void fill_annex(unsigned char* annex, std::uint64_t number);
[[nodiscard]] bool annex_intact(const unsigned char* annex, std::uint64_t& number);
// A message that a server has; `port` tells the copies of a broadcast apart.
void note_received(const Head& head, std::uint64_t port);
// One of the usual sizes, at least a head.
[[nodiscard]] unsigned random_size(Random& random);

// ---- the threads -------------------------------------------------------------------------------------

// Which thread of which actor runs, as an argument of its body.
struct Identity {
    unsigned actor, index;
    std::uint32_t incarnation;
    [[nodiscard]] std::uintptr_t packed() const {
        return actor | index << 8 | std::uintptr_t{incarnation} << 16;
    }
    static Identity of(std::uintptr_t packed) {
        return {static_cast<unsigned>(packed & 0xff), static_cast<unsigned>(packed >> 8 & 0xff),
                static_cast<std::uint32_t>(packed >> 16)};
    }
    [[nodiscard]] ThreadEntry& entry() const { return board.actors[actor].threads[index]; }
    void calls(const char* what) const { entry().call.store(what); }
    [[nodiscard]] unsigned number() const { return actor * threads_per_actor + index; }
    // Different for each thread that ever was, and for each run.
    [[nodiscard]] std::uint64_t seed() const {
        return board.seed + 1000003 * (std::uint64_t{incarnation} * 256 + number());
    }
    [[nodiscard]] std::uint64_t first_number() const {
        return std::uint64_t{number()} << 56 | std::uint64_t{incarnation} << 32;
    }
    // Of who sent the message of that number.
    [[nodiscard]] static unsigned thread_of(std::uint64_t message) {
        return static_cast<unsigned>(message >> 56);
    }
    [[nodiscard]] static std::uint32_t incarnation_of(std::uint64_t message) {
        return message >> 32 & 0xffffff;
    }
};

void run_server(std::uintptr_t identity);
void run_client(std::uintptr_t identity);
void run_ring_of_kid(std::uintptr_t identity);
void run_rings_of_home(std::uintptr_t identity);

[[nodiscard]] bool is_doomed(unsigned thread, std::uint32_t incarnation);

// Until there is no pause any more. False: it is the end.
[[nodiscard]] bool rest(const Identity& self);

// Has the mutex for a moment; `inside` runs meanwhile.
void enter(MutexEntry& entry, const Identity& self);
void leave(MutexEntry& entry);

} // namespace chorale::test::messages
