// Suite message_rings: both ends of a ring in different threads and actors, waiting, and peers that scribble.
// What one thread does to a ring is tested on the host (tests/lib).
#include "check.hpp"
#include "child.hpp"
#include "memory.hpp"

#include <mipc/chMsgRing.h>

#include <atomic>

namespace chorale::test {
namespace {

constexpr unsigned long words = 64, stream = 3000;
constexpr VmSize ring_space = 2 * page; // from the second half on: the ring that goes the other way

[[nodiscard]] KnMsgRing* ring_at(VmAddr address) { return reinterpret_cast<KnMsgRing*>(address); }

int put(KnMsgProducer& out, unsigned long word) {
    int result = K_OK;
    while (result == K_OK && msgRingPut(&out, word) == 0) {
        result = msgRingAwaitRoom(&out, K_NOTIMEOUT);
    }
    return result;
}

int get(KnMsgConsumer& in, unsigned long& word) {
    int result = K_OK;
    while (result == K_OK && msgRingGet(&in, &word) == 0) {
        result = msgRingAwait(&in, K_NOTIMEOUT);
    }
    return result;
}

// Both rings at free_space, new.
bool make_rings() {
    return allocate(free_space, ring_space) == K_OK && msgRingInit(ring_at(free_space), words) == K_OK &&
           msgRingInit(ring_at(free_space + page), words) == K_OK;
}

// Sends back what comes, plus one, until a 0 comes.
void echo(std::uintptr_t address) {
    KnMsgConsumer in;
    KnMsgProducer out;
    unsigned long word = 0;
    msgRingConsumer(&in, ring_at(address), words);
    msgRingProducer(&out, ring_at(address + page), words);
    while (get(in, word) == K_OK && word != 0 && put(out, word + 1) == K_OK) {
        msgRingWake(&out);
    }
}

// One word there and back at a time: each waits for the other one each time.
void to_and_fro(Report& report, KnMsgProducer& out, KnMsgConsumer& in) {
    for (unsigned long i = 1; i <= stream / 4; ++i) {
        unsigned long word = 0;
        REQUIRE_EQ(put(out, i), K_OK);
        msgRingWake(&out);
        REQUIRE_EQ(get(in, word), K_OK);
        REQUIRE_EQ(word, i + 1);
    }
}

// More words under way than one ring holds: whoever runs fills the next ring and waits for room, or empties
// his and waits for words, on one CPU as on two.
void in_bursts(Report& report, KnMsgProducer& out, KnMsgConsumer& in) {
    constexpr unsigned long most = 96, burst = 16;
    for (unsigned long sent = 0, got = 0; got < stream;) {
        unsigned long room = sent < stream && sent - got < most ? burst : 0, there = burst;
        unsigned long* const to = msgRingReserve(&out, &room);
        for (unsigned long i = 0; i < room; ++i) {
            to[i] = ++sent;
        }
        msgRingCommit(&out, room);
        msgRingWake(&out);
        const unsigned long* const from = msgRingPeek(&in, &there);
        for (unsigned long i = 0; i < there; ++i) {
            REQUIRE_EQ(from[i], ++got + 1);
        }
        msgRingRelease(&in, there);
        if (there == 0 && got < sent) {
            REQUIRE_EQ(msgRingAwait(&in, K_NOTIMEOUT), K_OK);
        }
    }
}

void play_both(Report& report, KnMsgProducer& out, KnMsgConsumer& in) {
    to_and_fro(report, out, in);
    in_bursts(report, out, in);
}

void play(Report& report, void (*game)(Report&, KnMsgProducer&, KnMsgConsumer&)) {
    KnMsgProducer out;
    KnMsgConsumer in;
    REQUIRE_EQ(msgRingProducer(&out, ring_at(free_space), words), K_OK);
    REQUIRE_EQ(msgRingConsumer(&in, ring_at(free_space + page), words), K_OK);
    game(report, out, in);
    if (!report.failed()) {
        CHECK_EQ(put(out, 0), K_OK);
        msgRingWake(&out);
    }
}

void between_threads(Report& report, void (*game)(Report&, KnMsgProducer&, KnMsgConsumer&)) {
    for (KnCpuId cpu = 0; cpu < cpu_count() && !report.failed(); ++cpu) {
        REQUIRE(make_rings());
        Helper helper;
        REQUIRE(helper.start(echo, free_space, main_priority, cpu) > 0);
        play(report, game);
        CHECK(report.failed() || helper.join());
        helper.stop();
        CHECK_EQ(release(free_space, ring_space), K_OK);
    }
}

void one_word_at_a_time(Report& report) { between_threads(report, to_and_fro); }
void bursts(Report& report) { between_threads(report, in_bursts); }

// In memory that the other actor has elsewhere.
void between_actors(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count() && !report.failed(); ++cpu) {
        REQUIRE(make_rings());
        Child child;
        REQUIRE_EQ(child.create("rings"), K_OK);
        KnRgnDesc target = region_at(other_space, 0, K_WRITABLE);
        const KnRgnDesc source = region_at(free_space, ring_space, 0);
        REQUIRE_EQ(rgnMapFromActor(&child.capability(), &target, K_MYACTOR, &source), K_OK);
        REQUIRE(child.start(echo, other_space, main_priority, cpu) > 0);
        play(report, play_both);
        CHECK_EQ(child.destroy(), K_OK);
        CHECK_EQ(release(free_space, ring_space), K_OK);
    }
}

// ---- waits -------------------------------------------------------------------------------------------

std::atomic<int> result_seen;

void await_words(std::uintptr_t limit) {
    KnMsgConsumer in;
    msgRingConsumer(&in, ring_at(free_space), words);
    result_seen = msgRingAwait(&in, reinterpret_cast<const KnTimeVal*>(limit));
}

void await_room(std::uintptr_t limit) {
    KnMsgProducer out;
    msgRingProducer(&out, ring_at(free_space), words);
    while (msgRingPut(&out, 1) != 0) {
    }
    result_seen = msgRingAwaitRoom(&out, reinterpret_cast<const KnTimeVal*>(limit));
}

void limits(Report& report) {
    static const KnTimeVal brief{0, 2'000'000}, bad{0, -1};
    REQUIRE(make_rings());
    for (const ThreadBody body : {await_words, await_room}) {
        body(address_of(K_NOBLOCK));
        CHECK_EQ(result_seen, K_ETIMEOUT);
        const std::uint64_t begin = now_microseconds();
        body(address_of(&brief));
        CHECK_EQ(result_seen, K_ETIMEOUT);
        CHECK(now_microseconds() - begin >= 2000);
        body(address_of(&bad));
        CHECK_EQ(result_seen, K_EINVAL);
        Helper helper;
        REQUIRE(helper.start(body, address_of(K_NOTIMEOUT), higher_priority) > 0);
        CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result_seen, K_EABORT);
        // The other end's turn to wait: nothing in the ring, then everything.
        REQUIRE_EQ(msgRingInit(ring_at(free_space), words), K_OK);
    }
    CHECK_EQ(release(free_space, ring_space), K_OK);
}

void memory_freed(Report& report) {
    for (const ThreadBody body : {await_words, await_room}) {
        REQUIRE(make_rings());
        Helper helper;
        REQUIRE(helper.start(body, address_of(K_NOTIMEOUT), higher_priority) > 0);
        CHECK_EQ(release(free_space, ring_space), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result_seen, K_EFAULT);
    }
}

// ---- a hostile peer ----------------------------------------------------------------------------------

std::atomic<bool> hostile;

// All of the ring but its words, with numbers that mean nothing or nearly something.
void scribble(std::uintptr_t address) {
    auto* const at = reinterpret_cast<volatile unsigned long*>(address);
    for (unsigned long seed = 1; hostile; ++seed) {
        const unsigned long number = seed * 0x9e3779b97f4a7c15;
        at[number >> 32 & 31] = (number >> 40 & 1) != 0 ? number : number % 1024;
    }
}

// What lies around the ring is as it was, and who uses it comes to an end.
void scribbling_peer(Report& report) {
    REQUIRE_EQ(allocate(free_space, 3 * page), K_OK);
    KnMsgRing* const ring = ring_at(free_space + page);
    const auto around = [&](auto&& visit) {
        for (VmSize i = 0; i < page; i += 8) {
            visit(word_at(free_space + i));
            visit(word_at(address_of(ring) + K_MSGRINGSIZE(words) + i));
        }
    };
    around([](volatile std::uint64_t& word) { word = 0x5a5a; });
    REQUIRE_EQ(msgRingInit(ring, words), K_OK);
    hostile = true;
    Helper helper;
    REQUIRE(helper.start(scribble, address_of(ring), lower_priority, cpu_count() - 1) > 0);
    const KnTimeVal limit{0, 10'000};
    for (unsigned round = 0; round < 200; ++round) {
        KnMsgProducer out;
        KnMsgConsumer in;
        REQUIRE_EQ(msgRingProducer(&out, ring, words), K_OK);
        REQUIRE_EQ(msgRingConsumer(&in, ring, words), K_OK);
        for (unsigned i = 0; i < 200; ++i) {
            unsigned long room = words, there = words, word = 0;
            msgRingPut(&out, i);
            unsigned long* const to = msgRingReserve(&out, &room);
            for (unsigned long at = 0; at < room; ++at) {
                to[at] = i;
            }
            msgRingCommit(&out, room);
            msgRingWake(&out);
            msgRingGet(&in, &word);
            CHECK(address_of(msgRingPeek(&in, &there)) >= address_of(ring + 1));
            msgRingRelease(&in, there);
        }
        const int result = round % 2 == 0 ? msgRingAwait(&in, &limit) : msgRingAwaitRoom(&out, &limit);
        CHECK(result == K_OK || result == K_ETIMEOUT);
    }
    hostile = false;
    CHECK(helper.join());
    around([&](volatile std::uint64_t& word) { CHECK_EQ(word, 0x5a5a); });
    CHECK_EQ(release(free_space, 3 * page), K_OK);
}

constexpr Case cases[] = {
    {"one_word_at_a_time", one_word_at_a_time},
    {"bursts", bursts},
    {"between_actors", between_actors},
    {"limits", limits},
    {"memory_freed", memory_freed},
    {"scribbling_peer", scribbling_peer},
};

} // namespace

const Suite message_rings_suite{"message_rings", cases};

} // namespace chorale::test
