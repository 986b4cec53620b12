// Message rings and mailboxes beside the queues that others use for the same: liburcu's wfcqueue, TBB's
// concurrent_queue, DPDK's rte_ring. Each row is one program run with each queue, one after the other,
// between the same two threads:
//   host.queue.pair.*         put and get on one CPU, nobody else there
//   host.queue.pair32.*       a burst of 32 put and got, for one word
//   host.queue.round_trip.*   a word there and another one back, through two queues
//   host.queue.one_to_one.*   words from one CPU to the other, as fast as both can
//   host.queue.one_to_one32.* the same in bursts of 32
//   host.queue.two_to_one.*   words from both CPUs to one of them, which takes them in between
// What crosses CPUs has the counters `line` and `lines` as in mailboxes.cpp.
#include "bench/host/lines.hpp"
#include "bench/host/meter.hpp"
#include "bench/host/peer_queues.hpp"
#include "bench/host/structures.hpp"

#include "kernel/core/mailbox.hpp"

#include <array>
#include <atomic>
#include <memory>

namespace chorale::bench {

namespace {

constexpr unsigned trips = 64, words_of_batch = 1024, burst = 32;
using Burst = std::array<u64, burst>;

// Words are numbers from 1 on, and their sum says whether all came.
[[nodiscard]] constexpr u64 sum_to(u64 last) { return last * (last + 1) / 2; }

// What a loop uses: its own handles where a queue has any.
template <class Queue>
[[nodiscard]] decltype(auto) ends_of(Queue& queue) {
    if constexpr (requires { typename Queue::Ends; })
        return typename Queue::Ends{queue};
    else
        return (queue);
}
template <class Queue>
[[nodiscard]] decltype(auto) taker_of(Queue& queue) {
    if constexpr (requires { typename Queue::Taker; })
        return typename Queue::Taker{queue};
    else
        return (queue);
}

template <class Queue>
void measure_pair(benchmark::State& state) {
    const auto queue = std::make_unique<Queue>();
    u64 sum = 0, sent = 0;
    measure(state, words_of_batch, [&](unsigned i) {
        if (i % burst != 0) return;
        auto&& ends = ends_of(*queue);
        u64 mine = 0;
        for (unsigned turn = 0; turn < burst; ++turn) {
            u64 value = 0;
            ends.put(++sent);
            ends.get(value);
            mine += value;
        }
        sum += mine;
    });
    if (sum != sum_to(sent)) state.SkipWithError("words were lost");
}

template <class Queue>
void measure_pair_burst(benchmark::State& state) {
    const auto queue = std::make_unique<Queue>();
    Burst there{}, here{};
    u64 sum = 0, sent = 0;
    measure(state, words_of_batch, [&](unsigned i) {
        if (i % burst != 0) return;
        for (u64& word : there) word = ++sent;
        queue->template put_burst<burst>(there);
        queue->template get_burst<burst>(here);
        for (const u64 word : here) sum += word;
    });
    if (sum != sum_to(sent)) state.SkipWithError("words were lost");
}

template <class Queue>
void measure_round_trip(benchmark::State& state) {
    const double line = line_round_trip();
    const auto there = std::make_unique<Queue>(), back = std::make_unique<Queue>();
    const Partner partner{[&](const Partner::Leave& leave) {
        while (!leave.load(std::memory_order_relaxed)) { // relaxed: only when to stop
            if (u64 value = 0; there->get(value)) back->put(value + 1);
        }
    }};
    u64 sent = 0, wrong = 0;
    measure(state, trips, [&](unsigned) {
        u64 value = 0;
        there->put(++sent);
        while (!back->get(value)) {
        }
        wrong += value != sent + 1 ? 1 : 0;
    });
    tell_lines(state, line);
    if (wrong != 0) state.SkipWithError("wrong words came back");
}

// The consumer says how far it is when it finds nothing, not for each word.
struct Receiver {
    alignas(2 * cache_line) std::atomic<u64> told{0};
    u64 taken = 0, sum = 0;

    template <class Take>
    void run(const Partner::Leave& leave, Take&& take) {
        while (!leave.load(std::memory_order_relaxed)) { // relaxed: only when to stop
            while (take()) {
            }
            machine::relax(); // leaves the line to the producer for a moment, as who polls should
            told.store(taken, std::memory_order_release); // release: pairs with wait_for()
        }
    }
    void wait_for(u64 count) const {
        while (told.load(std::memory_order_acquire) < count) { // acquire: pairs with run()
        }
    }
};

template <class Queue>
void measure_one_to_one(benchmark::State& state) {
    const double line = line_round_trip();
    const auto queue = std::make_unique<Queue>();
    Receiver receiver;
    u64 sent = 0;
    {
        const Partner partner{[&](const Partner::Leave& leave) {
            auto&& taker = taker_of(*queue);
            receiver.run(leave, [&] {
                u64 value = 0;
                if (!taker.get(value)) return false;
                receiver.sum += value;
                ++receiver.taken;
                return true;
            });
        }};
        measure(state, words_of_batch, [&](unsigned i) {
            queue->put(++sent);
            if (i + 1 == words_of_batch) receiver.wait_for(sent);
        });
    }
    tell_lines(state, line);
    if (receiver.sum != sum_to(sent)) state.SkipWithError("words were lost");
}

template <class Queue>
void measure_one_to_one_bursts(benchmark::State& state) {
    const double line = line_round_trip();
    const auto queue = std::make_unique<Queue>();
    Receiver receiver;
    Burst there{};
    u64 sent = 0;
    {
        const Partner partner{[&](const Partner::Leave& leave) {
            Burst here{};
            receiver.run(leave, [&] {
                if (queue->template get_burst<burst>(here) == 0) return false;
                for (const u64 word : here) receiver.sum += word;
                receiver.taken += burst;
                return true;
            });
        }};
        measure(state, words_of_batch, [&](unsigned i) {
            there[i % burst] = ++sent;
            if ((i + 1) % burst == 0) queue->template put_burst<burst>(there);
            if (i + 1 == words_of_batch) receiver.wait_for(sent);
        });
    }
    tell_lines(state, line);
    if (receiver.sum != sum_to(sent)) state.SkipWithError("words were lost");
}

// One queue for both producers, or one for each where a queue has one producer.
template <class Queue>
struct Shared {
    std::unique_ptr<Queue> queue{new Queue};
    void put(u64 value, unsigned producer) { queue->put(value, producer); }
    bool get(u64& value) { return queue->get(value); }
};
template <class Queue>
    requires(Queue::producers == 1)
struct Shared<Queue> {
    std::array<std::unique_ptr<Queue>, 2> queues{std::unique_ptr<Queue>{new Queue},
                                                 std::unique_ptr<Queue>{new Queue}};
    void put(u64 value, unsigned producer) { queues[producer]->put(value); }
    bool get(u64& value) { return queues[0]->get(value) || queues[1]->get(value); }
};

template <class Queue>
void measure_two_to_one(benchmark::State& state) {
    constexpr unsigned each = words_of_batch / 2;
    const double line = line_round_trip();
    Shared<Queue> queue;
    alignas(2 * cache_line) std::atomic<u64> wanted{0}; // of the partner, in all
    const Partner partner{[&](const Partner::Leave& leave) {
        for (u64 sent = 0; !leave.load(std::memory_order_relaxed);) { // relaxed: only when to stop
            // acquire: what the batches before have used may be used again
            for (const u64 now = wanted.load(std::memory_order_acquire); sent != now;) queue.put(++sent, 1);
        }
    }};
    u64 sent = 0, taken = 0, sum = 0;
    const auto take = [&] {
        u64 value = 0;
        if (!queue.get(value)) return;
        sum += value;
        ++taken;
    };
    measure(state, words_of_batch, [&](unsigned i) {
        if (i == 0) wanted.store(sent + each, std::memory_order_release); // release: as above
        if (i % 2 == 0) queue.put(++sent, 0);
        take();
        if (i + 1 == words_of_batch) {
            while (taken != 2 * sent) take();
        }
    });
    tell_lines(state, line);
    if (sum != 2 * sum_to(sent)) state.SkipWithError("words were lost");
}

// ---- mailboxes -------------------------------------------------------------------------------------------
// Their letters know what to do where they arrive. They come from any CPU into the same inbox.

struct Letter : Request {
    u64 value{};
    u64* sum{};
    u64* taken{};
};

void take_letter(Request& request) {
    auto& letter = static_cast<Letter&>(request);
    *letter.sum += letter.value;
    ++*letter.taken;
}

void attend(Mailbox& inbox) {
    if (!inbox.rung()) return;
    inbox.drain();
    if (inbox.overflows()) inbox.flush();
}

void measure_mailbox_two_to_one(benchmark::State& state) {
    constexpr unsigned each = words_of_batch / 2;
    const double line = line_round_trip();
    static std::array<std::array<Letter, each>, 2> letters;
    u64 sum = 0, taken = 0, sent = 0;
    for (auto& of_cpu : letters) {
        for (Letter& letter : of_cpu) {
            letter.run = take_letter;
            letter.sum = &sum;
            letter.taken = &taken;
        }
    }
    const auto post = [&](CpuIndex from, u64 value) {
        Letter& letter = letters[from][value % each];
        letter.value = value;
        cpu_at(from).inbox.post(0, letter);
    };
    alignas(2 * cache_line) std::atomic<u64> wanted{0};
    const Partner partner{[&](const Partner::Leave& leave) {
        // relaxed: only when to stop
        for (u64 mine = 0; !leave.load(std::memory_order_relaxed); attend(cpu_at(1).inbox)) {
            // acquire: the letters of the batch before are home
            for (const u64 now = wanted.load(std::memory_order_acquire); mine != now;) {
                post(1, ++mine);
                attend(cpu_at(1).inbox);
            }
        }
    }};
    measure(state, words_of_batch, [&](unsigned i) {
        if (i == 0) wanted.store(sent + each, std::memory_order_release); // release: as above
        if (i % 2 == 0) post(0, ++sent);
        attend(cpu_at(0).inbox);
        if (i + 1 == words_of_batch) {
            while (taken != 2 * sent) attend(cpu_at(0).inbox);
        }
    });
    tell_lines(state, line);
    if (sum != 2 * sum_to(sent)) state.SkipWithError("letters were lost");
}

template <class Queue>
void add_queue(const std::string& name) {
    add("host.queue.pair." + name, measure_pair<Queue>);
    if constexpr (Queue::bursts) add("host.queue.pair32." + name, measure_pair_burst<Queue>);
    if (!places().two) return;
    add("host.queue.round_trip." + name, measure_round_trip<Queue>);
    add("host.queue.one_to_one." + name, measure_one_to_one<Queue>);
    if constexpr (Queue::bursts) add("host.queue.one_to_one32." + name, measure_one_to_one_bursts<Queue>);
    add("host.queue.two_to_one." + name, measure_two_to_one<Queue>);
}

} // namespace

void add_queues() {
    add_queue<MessageRing>("msg_ring");
    if (places().two) add("host.queue.two_to_one.mailbox", measure_mailbox_two_to_one);
    add_queue<Wfcqueue>("wfcqueue");
#ifdef CHORALE_HAS_TBB
    add_queue<TbbQueue>("tbb");
#endif
#ifdef CHORALE_HAS_DPDK
    add_queue<RteRing<true>>("rte_ring_sp");
    add_queue<RteRing<false>>("rte_ring_mp");
#endif
}

} // namespace chorale::bench

// Nobody sleeps here.
extern "C" {
int syncTake(KnSyncWord*, const KnTimeVal*, const KnSyncWord*) { return K_ENOTIMP; }
int syncGive(KnSyncWord*, unsigned) { return K_ENOTIMP; }
}
