// Suite inheritance: priorities lent by those who wait for real-time mutexes, over many rounds, in long
// chains, and while everything else goes on.
#include "check.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

KnRtMutex mutex;

// ---- inversion: three priorities, two CPUs -------------------------------------------------------

constexpr unsigned inversion_rounds = 10000;
// Turns of a loop: much longer than an emulated CPU is ever held up by its host. One such round is enough.
constexpr unsigned in_the_way_limit = 200000000;

std::atomic<unsigned> high_has_it, inversions;
std::atomic<bool> inversion_over;
std::uint64_t longest_block;
KnSem low_go, low_has_it, middle_go;

// Has its CPU for itself until the high one has got its mutex, unless somebody better wants it.
void be_in_the_way(std::uintptr_t) {
    for (unsigned round = 1; round <= inversion_rounds; ++round) {
        semP(&middle_go, K_NOTIMEOUT);
        unsigned turns = 0;
        while (high_has_it < round && turns < in_the_way_limit && inversions == 0) {
            ++turns;
        }
        inversions += turns == in_the_way_limit ? 1U : 0U;
    }
}

void hold_it(std::uintptr_t) {
    for (unsigned round = 1; round <= inversion_rounds; ++round) {
        semP(&low_go, K_NOTIMEOUT);
        rtMutexGet(&mutex);
        semV(&low_has_it);
        semV(&middle_go); // which takes the CPU from this one, until the high one lends its priority
        rtMutexRel(&mutex);
    }
}

void want_it(std::uintptr_t) {
    for (unsigned round = 1; round <= inversion_rounds; ++round) {
        semV(&low_go);
        semP(&low_has_it, K_NOTIMEOUT);
        const std::uint64_t begin = now_microseconds();
        rtMutexGet(&mutex);
        const std::uint64_t blocked = now_microseconds() - begin;
        high_has_it = round;
        longest_block = blocked > longest_block ? blocked : longest_block;
        rtMutexRel(&mutex);
    }
    inversion_over = true;
}

void inversion(Report& report) {
    if (cpu_count() == 1) {
        report.skip("one CPU");
        return;
    }
    rtMutexInit(&mutex);
    semInit(&low_go, 0);
    semInit(&middle_go, 0);
    semInit(&low_has_it, 0);
    high_has_it = inversions = 0;
    inversion_over = false;
    longest_block = 0;
    Helper lowest, between, highest;
    REQUIRE(lowest.start(hold_it, 0, 120, 1) > 0);
    REQUIRE(between.start(be_in_the_way, 0, 110, 1) > 0);
    REQUIRE(highest.start(want_it, 0, main_priority + 5, 0) > 0);
    CHECK(eventually([] { return inversion_over.load(); }, 60000));
    CHECK(lowest.join() && between.join() && highest.join());
    CHECK_EQ(inversions, 0);
    CHECK_EQ(high_has_it, inversion_rounds);
    print("inheritance: %u rounds of inversion, blocked at most %u us\n", inversion_rounds,
          static_cast<unsigned>(longest_block));
}

// ---- a chain of eight mutexes and four servers ---------------------------------------------------
//
// bottom has m0 < server 0 (serving caller 0, which has m1) < link 0 (has m2, waits for m1) < server 1
// (serving caller 1, which has m3) < ... < server 3 (serving caller 3, which has m7) < top waits for m7

constexpr unsigned chain_mutexes = 8, chain_servers = 4;
constexpr unsigned bottom_priority = 150, chain_priority = 145, chain_middle = 120, top_priority = 60;
KnRtMutex chain[chain_mutexes];
KnIpcDest chain_port[chain_servers];
int chain_li[chain_servers];
std::atomic<unsigned> chain_ready;
std::atomic<unsigned> middle_runs;
std::atomic<bool> inherited, ran_in_time, chain_over;
unsigned chain_body_size;
KnSem chain_go, chain_top_waits;

void chain_server(std::uintptr_t k) {
    unsigned char body[128];
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int port = chain_li[k];
    ipcReceive(&message, &port, -1);
    ++chain_ready;
    rtMutexGet(&chain[2 * k]);
    rtMutexRel(&chain[2 * k]);
    message.bodySize = 8;
    ipcReply(&message);
}

void chain_caller(std::uintptr_t k) {
    rtMutexGet(&chain[2 * k + 1]);
    ++chain_ready;
    unsigned char body[128] = {};
    const KnMsgDesc request{0, chain_body_size, address_of(body), 0, 0};
    KnMsgDesc reply{0, sizeof(body), address_of(body), 0, 0};
    ipcCall(&request, K_DEFAULTPORT, &chain_port[k], &reply, -1);
    rtMutexRel(&chain[2 * k + 1]);
}

void chain_link(std::uintptr_t k) {
    rtMutexGet(&chain[2 * k + 2]);
    ++chain_ready;
    rtMutexGet(&chain[2 * k + 1]);
    rtMutexRel(&chain[2 * k + 1]);
    rtMutexRel(&chain[2 * k + 2]);
}

void chain_bottom(std::uintptr_t) {
    rtMutexGet(&chain[0]);
    ++chain_ready;
    semP(&chain_top_waits, K_NOTIMEOUT);
    // How long it takes over emulated CPUs nobody knows: until the middle one, made ready, does not run at
    // once.
    unsigned before = 0;
    for (unsigned tries = 0; tries < patience && !inherited; ++tries) {
        before = middle_runs;
        semV(&chain_go);
        inherited = middle_runs == before;
        if (!inherited) {
            burn(1000);
        }
    }
    rtMutexRel(&chain[0]);
    ran_in_time = middle_runs != before;
}

void chain_middle_body(std::uintptr_t) {
    while (!chain_over) {
        semP(&chain_go, K_NOTIMEOUT);
        ++middle_runs;
    }
}

void chain_top(std::uintptr_t) {
    semV(&chain_top_waits);
    rtMutexGet(&chain[7]);
    rtMutexRel(&chain[7]);
}

bool started(Helper& helper, ThreadBody body, unsigned argument, unsigned priority, unsigned cpu) {
    const unsigned before = chain_ready;
    return helper.start(body, argument, priority, cpu % cpu_count()) > 0 &&
           eventually([&] { return chain_ready > before; });
}

// `spread`: how far the next thread's CPU is from the last one's.
void run_chain(Report& report, unsigned spread) {
    for (KnRtMutex& each : chain) {
        rtMutexInit(&each);
    }
    semInit(&chain_go, 0);
    chain_ready = 0;
    semInit(&chain_top_waits, 0);
    middle_runs = 0;
    inherited = ran_in_time = chain_over = false;
    Helper bottom, servers[chain_servers], callers[chain_servers], links[chain_servers - 1], between, top;
    REQUIRE(between.start(chain_middle_body, 0, chain_middle, spread % cpu_count()) > 0);
    REQUIRE(started(bottom, chain_bottom, 0, bottom_priority, spread));
    unsigned cpu = spread;
    for (unsigned k = 0; k < chain_servers; ++k) {
        chain_li[k] = portCreate(K_MYACTOR, &chain_port[k].target);
        REQUIRE(chain_li[k] > 0);
        REQUIRE(servers[k].start(chain_server, k, chain_priority, (cpu += spread) % cpu_count()) > 0);
        sleep_milliseconds(1);
        REQUIRE(started(callers[k], chain_caller, k, chain_priority, cpu += spread));
        REQUIRE(eventually([&] { return chain_ready == 3 * k + 3; })); // the server has the request
        if (k < chain_servers - 1) {
            REQUIRE(started(links[k], chain_link, k, chain_priority, cpu += spread));
        }
    }
    sleep_milliseconds(2);
    REQUIRE(top.start(chain_top, 0, top_priority, (cpu + spread) % cpu_count()) > 0);
    CHECK(top.join());
    CHECK(bottom.join());
    chain_over = true;
    semV(&chain_go);
    CHECK(between.join());
    CHECK_EQ(inherited, true);
    CHECK_EQ(ran_in_time, true);
    for (unsigned k = 0; k < chain_servers; ++k) {
        CHECK(servers[k].join() && callers[k].join());
        CHECK(k == chain_servers - 1 || links[k].join());
        portDelete(K_MYACTOR, chain_li[k]);
    }
    for (KnRtMutex& each : chain) {
        CHECK_EQ(rtMutexTry(&each), 1);
    }
}

void chain_of_eight(Report& report) {
    for (const unsigned size : {8U, 100U}) {
        for (unsigned spread = 0; spread < (cpu_count() < 4 ? cpu_count() : 4); ++spread) {
            chain_body_size = size;
            run_chain(report, spread);
        }
    }
}

// ---- everything at once --------------------------------------------------------------------------

KnRtMutex storm_mutex[3];
unsigned long storm_count[3];
std::atomic<bool> storm_over;
std::atomic<unsigned> storm_laps;

// In order of their numbers, so that nobody waits for himself.
void storm_body(std::uintptr_t seed) {
    auto state = static_cast<unsigned>(seed) * 2654435761U + 1;
    while (!storm_over) {
        state = state * 1664525 + 1013904223;
        const unsigned which = state >> 29;
        for (unsigned i = 0; i < 3; ++i) {
            if ((which >> i & 1) != 0) {
                rtMutexGet(&storm_mutex[i]);
                ++storm_count[i];
            }
        }
        if (state >> 24 % 7 == 0) {
            threadDelay(K_NOBLOCK);
        }
        for (unsigned i = 0; i < 3; ++i) {
            if ((which >> i & 1) != 0) {
                rtMutexRel(&storm_mutex[i]);
            }
        }
        ++storm_laps;
    }
}

void storm(Report& report) {
    for (KnRtMutex& each : storm_mutex) {
        rtMutexInit(&each);
    }
    storm_over = false;
    storm_laps = 0;
    Helper helpers[8];
    unsigned state = 1;
    for (unsigned i = 0; i < 8; ++i) {
        REQUIRE(helpers[i].start(storm_body, i + 1, lower_priority + i, i % cpu_count()) > 0);
    }
    for (unsigned turn = 0; turn < 200; ++turn) {
        state = state * 1664525 + 1013904223;
        Helper& one = helpers[state >> 29];
        const KnFifoThParms changed{K_SCHED_FIFO, lower_priority + (state >> 20 & 15)};
        if (turn % 16 == 15) { // whatever it has or waits for
            one.stop();
            REQUIRE(one.start(storm_body, turn, lower_priority, turn % cpu_count()) > 0);
        } else if (turn % 2 == 0) {
            CHECK_EQ(threadScheduler(K_MYACTOR, one.thread(), nullptr, &changed), K_OK);
        } else {
            threadBind(K_MYACTOR, one.thread(), turn % cpu_count(), nullptr, K_NONEXCLUSIVE);
        }
        sleep_milliseconds(1);
    }
    storm_over = true;
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK(storm_laps > 100);
    for (KnRtMutex& each : storm_mutex) {
        CHECK_EQ(rtMutexTry(&each), 1);
    }
}

constexpr Case cases[] = {
    {"inversion", inversion},
    {"chain_of_eight", chain_of_eight},
    {"storm", storm},
};

} // namespace

const Suite inheritance_suite{"inheritance", cases};

} // namespace chorale::test
