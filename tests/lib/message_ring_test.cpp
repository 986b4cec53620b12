// Message rings (mipc/chMsgRing.h) from both ends, one step after the other: what comes out is what went in,
// and no peer makes a side leave the ring (the sanitizers watch its edges). What two CPUs do to one at once
// is tested in tests/host/order and tests/weak, waiting in tests/target.
#include <mipc/chMsgRing.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>

namespace {

// What the nucleus does when a side waits, and the bells that it is asked to ring.
std::function<int(KnSyncWord*)> when_asleep;
unsigned rung;

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

// Not a byte more than it needs.
struct Rings : ::testing::Test {
    explicit Rings(unsigned long count = 16) : words{count} { begin(); }
    void begin() {
        void* const memory = std::aligned_alloc(K_MSGRINGALIGN, K_MSGRINGSIZE(words));
        head.reset(static_cast<KnMsgRing*>(memory));
        ring = head.get();
        ASSERT_EQ(msgRingInit(ring, words), K_OK);
        ASSERT_EQ(msgRingProducer(&out, ring, words), K_OK);
        ASSERT_EQ(msgRingConsumer(&in, ring, words), K_OK);
        when_asleep = [](KnSyncWord*) { return K_ETIMEOUT; };
        rung = 0;
    }
    // So many in a burst, or as many as fit.
    unsigned long put(unsigned long count) {
        unsigned long* const to = msgRingReserve(&out, &count);
        std::generate_n(to, count, [&] { return sent++; });
        msgRingCommit(&out, count);
        return count;
    }
    unsigned long get(unsigned long count) {
        const unsigned long* const from = msgRingPeek(&in, &count);
        for (unsigned long i = 0; i < count; ++i) EXPECT_EQ(from[i], received++);
        msgRingRelease(&in, count);
        return count;
    }
    int put_one() {
        const int done = msgRingPut(&out, sent);
        sent += static_cast<unsigned long>(done);
        return done;
    }
    int get_one() {
        unsigned long word = 0;
        if (msgRingGet(&in, &word) == 0) return 0;
        EXPECT_EQ(word, received++);
        return 1;
    }

    unsigned long words;
    std::unique_ptr<KnMsgRing, Free> head;
    KnMsgRing* ring{};
    KnMsgProducer out{};
    KnMsgConsumer in{};
    unsigned long sent = 1, received = 1;
};

using MessageRing = Rings;

TEST_F(MessageRing, HoldsWhatItIsMadeForInOrder) {
    for (unsigned round = 0; round < 5; ++round) {
        for (unsigned i = 0; i < words; ++i) ASSERT_EQ(put_one(), 1);
        EXPECT_EQ(put_one(), 0);
        for (unsigned i = 0; i < words; ++i) ASSERT_EQ(get_one(), 1);
        EXPECT_EQ(get_one(), 0);
        EXPECT_EQ(msgRingAwait(&in, K_NOBLOCK), K_ETIMEOUT); // tells the rest
        // The laps begin elsewhere next time.
        ASSERT_EQ(put_one() + get_one(), 2);
        msgRingTell(&in);
    }
}

TEST_F(MessageRing, GivesRoomBackInQuarters) {
    for (unsigned i = 0; i < words; ++i) ASSERT_EQ(put_one(), 1);
    for (unsigned i = 0; i < words / 4; ++i) {
        EXPECT_EQ(put_one(), 0);
        ASSERT_EQ(get_one(), 1);
    }
    for (unsigned i = 0; i < words / 4; ++i) EXPECT_EQ(put_one(), 1);
    EXPECT_EQ(put_one(), 0);
    ASSERT_EQ(get_one(), 1);
    msgRingTell(&in); // or when asked to
    EXPECT_EQ(put_one(), 1);
}

TEST_F(MessageRing, BurstsEndWithTheLap) {
    EXPECT_EQ(put(12), 12u);
    EXPECT_EQ(get(100), 12u);
    EXPECT_EQ(put(10), 4u); // up to the end of the lap
    EXPECT_EQ(put(10), 10u);
    EXPECT_EQ(put(10), 2u); // full
    EXPECT_EQ(put(1), 0u);
    EXPECT_EQ(get(100), 4u);
    EXPECT_EQ(get(5), 5u);
    EXPECT_EQ(get(100), 7u);
    EXPECT_EQ(get(1), 0u);
}

// Whoever takes the same power of two each time gets none or all.
TEST_F(MessageRing, BurstsOfAPowerOfTwoAreWhole) {
    for (unsigned i = 0; i < 50; ++i) {
        EXPECT_EQ(put(4), 4u);
        if (i % 3 == 0) continue;
        EXPECT_EQ(get(4), 4u);
        if (i % 3 == 2) EXPECT_EQ(get(4), 4u);
    }
}

TEST_F(MessageRing, AnyMixtureKeepsTheOrder) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        words = 8UL << seed % 4;
        begin();
        sent = received = 1;
        std::mt19937 random{seed};
        for (unsigned i = 0; i < 2000; ++i) {
            const unsigned long count = random() % (words + 2);
            switch (random() % 5) {
            case 0:
                put(count);
                break;
            case 1:
                get(count);
                break;
            case 2:
                put_one();
                break;
            case 3:
                get_one();
                break;
            default:
                msgRingTell(&in);
            }
            ASSERT_LE(sent - received, words);
        }
        while (get(words) != 0) {
        }
        EXPECT_EQ(sent, received) << "seed " << seed;
    }
}

TEST_F(MessageRing, GoesOnWithNewHandles) {
    ASSERT_EQ(put(13), 13u);
    ASSERT_EQ(get(7), 7u);
    ASSERT_EQ(get_one(), 1); // not told: comes again
    ASSERT_EQ(msgRingProducer(&out, ring, words), K_OK);
    ASSERT_EQ(msgRingConsumer(&in, ring, words), K_OK);
    --received;
    EXPECT_EQ(put(9), 3u);
    EXPECT_EQ(put(9), 7u);
    EXPECT_EQ(get(16), 9u);
    EXPECT_EQ(get(16), 7u);
}

TEST_F(MessageRing, RefusesWhatIsNoRing) {
    for (const unsigned long bad : {0UL, 4UL, 24UL, 2 * K_MSGRINGMAX, ~0UL}) {
        EXPECT_EQ(msgRingInit(ring, bad), K_EINVAL);
        EXPECT_EQ(msgRingProducer(&out, ring, bad), K_EINVAL);
        EXPECT_EQ(msgRingConsumer(&in, ring, bad), K_EINVAL);
    }
    auto* const odd = reinterpret_cast<KnMsgRing*>(reinterpret_cast<char*>(ring) + 8);
    EXPECT_EQ(msgRingInit(odd, words), K_EINVAL);
    EXPECT_EQ(msgRingProducer(&out, odd, words), K_EINVAL);
    EXPECT_EQ(msgRingConsumer(&in, odd, words), K_EINVAL);
}

// ---- waiting ---------------------------------------------------------------------------------------------

TEST_F(MessageRing, TheBellRingsForSleepersOnly) {
    put_one();
    msgRingWake(&out);
    EXPECT_EQ(ring->consumer.bell.value, 0u);
    EXPECT_EQ(msgRingAwait(&in, K_NOTIMEOUT), K_OK); // there is one
    EXPECT_EQ(get_one(), 1);
    unsigned waits = 0;
    when_asleep = [&](KnSyncWord* bell) {
        EXPECT_EQ(bell, &ring->consumer.bell);
        put_one();
        EXPECT_EQ(bell->value, 0u) << "not before msgRingWake";
        msgRingWake(&out);
        msgRingWake(&out);
        EXPECT_EQ(bell->value, 1u) << "once";
        bell->value = 0;
        ++waits;
        return K_OK;
    };
    EXPECT_EQ(get_one(), 0);
    EXPECT_EQ(msgRingAwait(&in, K_NOTIMEOUT), K_OK);
    EXPECT_EQ(waits, 1u);
    EXPECT_EQ(get_one(), 1);
    EXPECT_EQ(ring->consumer.asleep, 0u);
}

TEST_F(MessageRing, TheNucleusIsAskedForOneThatItKnows) {
    when_asleep = [&](KnSyncWord* bell) {
        bell->value = 0x80000000; // somebody waits
        put_one();
        msgRingWake(&out);
        return K_OK;
    };
    EXPECT_EQ(msgRingAwait(&in, K_NOTIMEOUT), K_OK);
    EXPECT_EQ(rung, 1u);
}

TEST_F(MessageRing, WhoWaitsForRoomIsWokenWhenTheConsumerTells) {
    put(words);
    unsigned waits = 0;
    when_asleep = [&](KnSyncWord* bell) {
        EXPECT_EQ(bell, &ring->producer.bell);
        for (unsigned i = 0; i < words / 4; ++i) {
            EXPECT_EQ(bell->value, 0u);
            get_one();
        }
        EXPECT_EQ(bell->value, 1u);
        bell->value = 0;
        ++waits;
        return K_OK;
    };
    EXPECT_EQ(msgRingAwaitRoom(&out, K_NOTIMEOUT), K_OK);
    EXPECT_EQ(waits, 1u);
    EXPECT_EQ(put_one(), 1);
    EXPECT_EQ(msgRingAwaitRoom(&out, K_NOTIMEOUT), K_OK);
    EXPECT_EQ(waits, 1u);
}

// A bell that was rung for a wait that had ended ends the next one, which looks again.
TEST_F(MessageRing, WaitsThatEndOtherwiseLeaveAUnitAtMost) {
    when_asleep = [&](KnSyncWord*) {
        put_one();
        msgRingWake(&out); // too late
        return K_ETIMEOUT;
    };
    EXPECT_EQ(msgRingAwait(&in, K_NOBLOCK), K_ETIMEOUT);
    EXPECT_EQ(ring->consumer.asleep, 0u);
    EXPECT_EQ(get_one(), 1);
    EXPECT_EQ(get_one(), 0);
    when_asleep = [](KnSyncWord*) { return K_EABORT; };
    EXPECT_EQ(msgRingAwait(&in, K_NOBLOCK), K_OK);
    EXPECT_EQ(get_one(), 0);
    EXPECT_EQ(msgRingAwait(&in, K_NOBLOCK), K_EABORT);
}

// ---- a hostile peer --------------------------------------------------------------------------------------

struct HostileRing : Rings {
    std::mt19937_64 random;

    // Everything there is, with nonsense and with what is nearly right.
    void scribble() {
        constexpr std::array near{0UL, 8UL, ~7UL, ~0UL, 1UL, 8UL << 24, 1UL << 63};
        for (unsigned long* const word : {&ring->filled, &ring->emptied}) {
            const unsigned long honest = word == &ring->filled ? out.at : in.at;
            switch (random() % 4) {
            case 0:
                *word = random();
                break;
            case 1:
                *word = near[random() % near.size()];
                break;
            case 2:
                *word = honest + random() % 256 - 128;
                break;
            default:
                *word = honest;
            }
        }
        ring->consumer = {static_cast<unsigned>(random() % 2), {static_cast<unsigned>(random() % 3)}};
        ring->producer = {static_cast<unsigned>(random() % 2), {static_cast<unsigned>(random() % 3)}};
    }
    void do_something() {
        unsigned long count = random() % (2 * words), word = 0;
        switch (random() % 6) {
        case 0:
            msgRingPut(&out, 1);
            break;
        case 1:
            msgRingGet(&in, &word);
            break;
        case 2:
            std::fill_n(msgRingReserve(&out, &count), count, 2);
            ASSERT_LE(count, words);
            msgRingCommit(&out, count);
            break;
        case 3: {
            const unsigned long* const from = msgRingPeek(&in, &count);
            for (unsigned long at = 0; at < count; ++at) word ^= from[at];
            ASSERT_LE(count, words);
            msgRingRelease(&in, count);
            break;
        }
        case 4:
            msgRingAwait(&in, K_NOBLOCK);
            break;
        default:
            msgRingAwaitRoom(&out, K_NOBLOCK);
        }
    }
};

// The words are nonsense then; nothing else is.
TEST_F(HostileRing, KeepsNobodyOutsideTheRing) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        words = 8UL << seed % 3;
        begin();
        random.seed(seed);
        if (seed % 2 == 0) { // new handles of a ring that says anything
            scribble();
            ASSERT_EQ(msgRingProducer(&out, ring, words), K_OK);
            ASSERT_EQ(msgRingConsumer(&in, ring, words), K_OK);
        }
        for (unsigned i = 0; i < 500; ++i) {
            scribble();
            do_something();
        }
    }
}

} // namespace

extern "C" {
int syncTake(KnSyncWord* word, const KnTimeVal*, const KnSyncWord*) { return when_asleep(word); }
int syncGive(KnSyncWord*, unsigned) { return static_cast<int>(++rung); }
}
