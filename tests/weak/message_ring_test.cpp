// Message rings (mipc/chMsgRing.h) on a weak memory. What goes through one is plain: the words, and what they
// lead to. A missing order is a race; a lost wake-up is a wait that never ends.
#include "tests/weak/cpus.hpp"

#include <mipc/chMsgRing.h>

#include <gtest/gtest.h>

#include <memory>

namespace chorale::weak::test {
namespace {

constexpr unsigned long words = 8;

struct Program {
    alignas(K_MSGRINGALIGN) KnMsgRing ring{};
    unsigned long slots[words]{};
    unsigned long contents[256]{}; // of the packets that the words name
    unsigned long count, wrong = 0;
    bool bursts, sleeps;

    Program(unsigned long letters, bool in_bursts, bool may_sleep)
        : count{letters}, bursts{in_bursts}, sleeps{may_sleep} {
        msgRingInit(&ring, words);
    }

    void rest_for_room(KnMsgProducer& out) const {
        if (sleeps) {
            static_cast<void>(msgRingAwaitRoom(&out, K_NOTIMEOUT));
        } else {
            yield();
        }
    }
    void produce() {
        KnMsgProducer out;
        msgRingProducer(&out, &ring, words);
        for (unsigned long sent = 0; sent < count && !over();) {
            unsigned long room = bursts ? 3 : 1;
            unsigned long* const to = msgRingReserve(&out, &room);
            if (room == 0) {
                rest_for_room(out);
                continue;
            }
            for (unsigned long i = 0; i < room; ++i) {
                contents[(sent + i) % 256] = sent + i + 1;
                if (bursts) to[i] = sent + i;
            }
            if (bursts) {
                msgRingCommit(&out, room);
            } else {
                msgRingPut(&out, sent);
            }
            sent += room;
            if (sleeps) msgRingWake(&out);
        }
    }
    void look(unsigned long word, unsigned long expected) {
        if (word != expected || contents[word % 256] != word + 1) ++wrong;
    }
    void consume() {
        KnMsgConsumer in;
        msgRingConsumer(&in, &ring, words);
        for (unsigned long got = 0; got < count && !over();) {
            unsigned long there = bursts ? 2 : 1, word = 0;
            if (bursts) {
                const unsigned long* const from = msgRingPeek(&in, &there);
                for (unsigned long i = 0; i < there; ++i) look(from[i], got + i);
                msgRingRelease(&in, there);
            } else {
                there = static_cast<unsigned long>(msgRingGet(&in, &word));
                if (there != 0) look(word, got);
            }
            got += there;
            if (there == 0 && sleeps) static_cast<void>(msgRingAwait(&in, K_NOTIMEOUT));
            if (there == 0 && !sleeps) yield();
        }
    }
};

void expect_in_order(bool bursts, bool sleeps, unsigned long letters, unsigned runs) {
    for (unsigned seed = 1; seed <= runs; ++seed) {
        const auto program = std::make_unique<Program>(letters, bursts, sleeps);
        const Result result = run({.seed = seed}, {[&] { program->produce(); }, [&] { program->consume(); }});
        ASSERT_TRUE(result.races.empty()) << "seed " << seed;
        ASSERT_FALSE(result.stuck) << "seed " << seed;
        ASSERT_EQ(program->wrong, 0u) << "seed " << seed;
    }
}

TEST(MessageRing, WordsComeWithWhatTheyLeadTo) { expect_in_order(false, false, 30, 500); }
TEST(MessageRing, BurstsDoSo) { expect_in_order(true, false, 30, 500); }
TEST(MessageRing, NobodySleepsThroughAWord) {
    expect_in_order(false, true, 3, 3000);
    expect_in_order(false, true, 20, 500);
}
TEST(MessageRing, NobodySleepsThroughABurstOrItsRoom) { expect_in_order(true, true, 24, 1000); }

} // namespace
} // namespace chorale::weak::test

// The nucleus, as far as it is seen from here: a wait that ends when the bell has a unit.
extern "C" {
int syncTake(KnSyncWord* word, const KnTimeVal*, const KnSyncWord*) {
    for (unsigned one = 1; !chorale::weak::test::over(); one = 1) {
        // acquire: as the nucleus does; relaxed: nothing taken
        if (__atomic_compare_exchange_n(&word->value, &one, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return K_OK;
        chorale::weak::test::yield();
    }
    return K_ETIMEOUT;
}
int syncGive(KnSyncWord*, unsigned) { return 0; } // there is a unit already
}
