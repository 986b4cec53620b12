// How one CPU asks another for something. Each (from, to) pair has a ring of its own, one cache line in the
// receiver's memory, with one producer and one consumer: no shared tail, no lock, no LOCK-prefixed
// instruction but the doorbell's. A pair of CPUs costs two cache lines in each direction, and there are pairs
// only of CPUs that the machine has.
//
// A slot holds the request itself (FastForward): null means empty, so producer and consumer share no index.
// When a ring is full the sender keeps the rest in a list of its own and moves it on later: nobody ever waits
// for anybody. Requests from one CPU to another arrive in the order in which they were posted.
#pragma once

#include "kernel/base/types.hpp"

#include <array>
#include <atomic>
#include <new>

namespace chorale {

// Embedded in whatever travels: a message, the calling thread, a token. `run` is executed by the receiving
// CPU.
struct Request {
    Request* next{}; // in the sender's overflow list
    void (*run)(Request&){};
};

class Mailbox {
    // A CPU and one other.
    struct Pair {
        // written by the other one
        alignas(cache_line) std::array<std::atomic<Request*>, 8> incoming{};
        // what it is sent, and did not fit
        alignas(cache_line) Request* head{};
        Request* tail{};
        uword next_outgoing{}, next_incoming{};
    };

  public:
    static constexpr unsigned slots = 8;
    // The memory behind a Mailbox that init() takes.
    [[nodiscard]] static constexpr uword pair_bytes(unsigned cpus) { return cpus * sizeof(Pair); }

    // Sends `request` to CPU `to`; callable on the CPU that owns this mailbox only (the sender's).
    void post(CpuIndex to, Request& request);

    // Lets CPU `to` look around, though it is sent nothing.
    void wake_up(CpuIndex to);

    // Moves on what did not fit before.
    [[gnu::noinline]] void flush();
    [[nodiscard]] bool overflows() const { return overflowing_ != 0; }
    // More has been sent to that CPU than its ring holds.
    [[nodiscard]] bool backlog(CpuIndex to) const { return (overflowing_ >> to & 1) != 0; }

    // Takes the bitmap of CPUs that rang. Zero: nothing to do.
    [[nodiscard]] u64 bells() const {
        // relaxed: a hint; drain() synchronises through the slots
        return rang_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool rung() const { return bells() != 0; }

    // Runs the requests that have arrived. Bounded: at most one ring's worth from each sender.
    void take();
    // Behind take(): those who found their ring full learn that there is room.
    void ring_starving();
    [[nodiscard]] bool congested() const { // ring_starving() or flush() is due
        // relaxed: set before a bell that has been taken, or that bell is still to come
        return (starving_.load(std::memory_order_relaxed) | overflowing_) != 0;
    }
    void drain() {
        take();
        ring_starving();
    }

    // The idle protocol: while polling no doorbell is needed; stop_polling() is followed by a last look at
    // rung().
    void poll() { polling_.store(true, std::memory_order_seq_cst); }
    [[nodiscard]] bool stop_polling();

    void init(CpuIndex self, unsigned cpus) {
        self_ = self;
        bit_ = u64{1} << self;
        for (CpuIndex other = 0; other < cpus; ++other) ::new (&with(other)) Pair;
    }

    // For inspection, while no CPU is at work: what waits in the ring from `from`, and what is kept for `to`
    // until its ring has room. `visit(Request&)`.
    template <class Visit>
    void for_each_waiting(CpuIndex from, Visit&& visit) const;
    template <class Visit>
    void for_each_kept(CpuIndex to, Visit&& visit) const;
    [[nodiscard]] u64 starving() const { return starving_.load(); }
    [[nodiscard]] bool polls() const { return polling_.load(); }

  private:
    // Behind this object, so that no pointer has to be followed.
    [[nodiscard]] Pair& with(CpuIndex other) { return reinterpret_cast<Pair*>(this + 1)[other]; }
    [[nodiscard]] const Pair& with(CpuIndex other) const {
        return reinterpret_cast<const Pair*>(this + 1)[other];
    }
    bool push(Mailbox& inbox, Pair& lane, Request& request);
    void ring(CpuIndex to, Mailbox& inbox);
    [[gnu::noinline]] void keep(CpuIndex to, Pair& lane, Request& request);
    [[gnu::noinline]] void starve(CpuIndex to);

    uword self_{};
    u64 bit_{};                                   // 1 << self_
    u64 overflowing_{};                           // lanes with an overflow list
    alignas(cache_line) std::atomic<u64> rang_{}; // written by every sender: a line of its own
    std::atomic<u64> starving_{};                 // senders that found their ring full, on the same line
    std::atomic<bool> polling_{};
};

template <class Visit>
void Mailbox::for_each_waiting(CpuIndex from, Visit&& visit) const {
    for (const std::atomic<Request*>& slot : with(from).incoming) {
        if (Request* const request = slot.load()) visit(*request);
    }
}

template <class Visit>
void Mailbox::for_each_kept(CpuIndex to, Visit&& visit) const {
    for (Request* request = with(to).head; request != nullptr; request = request->next) visit(*request);
}

} // namespace chorale
