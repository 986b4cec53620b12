// Memory order of message rings (mipc/chMsgRing.h) between two threads of the host: the words and what they
// lead to are plain data, and nobody sleeps through either. Waiting is the host's own.
#include <mipc/chMsgRing.h>

#include "kernel/base/types.hpp"

#include <gtest/gtest.h>

#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

namespace chorale {
namespace {

constexpr unsigned long words = 16, letters = 60'000;
constexpr std::chrono::seconds patience{20}; // of a sleeper: it was not woken
std::atomic<unsigned> slept, stuck;

struct Ring {
    alignas(K_MSGRINGALIGN) KnMsgRing head{};
    unsigned long slots[words]{};
    std::array<u64, 4 * words> contents{}; // more than are under way
    Ring() { msgRingInit(&head, words); }
};

void produce(Ring& ring, unsigned long burst) {
    KnMsgProducer out;
    msgRingProducer(&out, &ring.head, words);
    for (u64 sent = 0; sent < letters && stuck == 0;) {
        unsigned long room = burst;
        unsigned long* const to = msgRingReserve(&out, &room);
        for (unsigned long i = 0; i < room; ++i) {
            ring.contents[(sent + i) % ring.contents.size()] = sent + i + 1;
            to[i] = sent + i;
        }
        msgRingCommit(&out, room);
        sent += room;
        msgRingWake(&out);
        if (room == 0) static_cast<void>(msgRingAwaitRoom(&out, K_NOTIMEOUT));
    }
}

// Returns how many came wrong.
u64 consume(Ring& ring) {
    KnMsgConsumer in;
    msgRingConsumer(&in, &ring.head, words);
    u64 wrong = 0;
    for (u64 got = 0; got < letters && stuck == 0;) {
        unsigned long word = 0;
        if (msgRingGet(&in, &word) == 0) {
            static_cast<void>(msgRingAwait(&in, K_NOTIMEOUT));
            continue;
        }
        wrong += word != got || ring.contents[word % ring.contents.size()] != word + 1 ? 1 : 0;
        ++got;
    }
    return wrong;
}

TEST(MessageRingOrder, WordsComeWithWhatTheyLeadToAndNobodySleepsThroughThem) {
    for (const unsigned long burst : {1UL, 5UL, words}) {
        Ring ring;
        slept = stuck = 0;
        std::thread producer{[&] { produce(ring, burst); }};
        EXPECT_EQ(consume(ring), 0u);
        producer.join();
        EXPECT_EQ(stuck, 0u) << "somebody was not woken; bursts of " << burst;
        EXPECT_GT(slept, 0u);
    }
}

} // namespace
} // namespace chorale

// The nucleus, as far as it is seen from here: a wait that ends when the bell has a unit.
extern "C" {
int syncTake(KnSyncWord* word, const KnTimeVal*, const KnSyncWord*) {
    using Clock = std::chrono::steady_clock;
    chorale::slept.fetch_add(1);
    for (const auto end = Clock::now() + chorale::patience; Clock::now() < end && chorale::stuck == 0;) {
        if (unsigned one = 1; std::atomic_ref{word->value}.compare_exchange_strong(one, 0)) return K_OK;
        sched_yield();
    }
    chorale::stuck.fetch_add(1);
    return K_ETIMEOUT;
}
int syncGive(KnSyncWord*, unsigned) { return 0; } // there is a unit already
}
