// Memory order of mailboxes: what a request carries is plain data, and the sanitizer sees each hand-over that
// lacks an edge. The CPUs here attend to their mail as the nucleus does: only when they were rung.
#include "kernel/core/mailbox.hpp"

#include "tests/host/core/cpus.hpp"
#include "tests/host/order/together.hpp"

#include <gtest/gtest.h>

#include <machine/cpu.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace chorale {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds test_time{700};
constexpr seconds patience{5}; // without mail: somebody was not rung

void attend(Mailbox& inbox) {
    if (!inbox.rung()) return;
    inbox.drain();
    if (inbox.overflows()) inbox.flush();
}

// Polls, so that nobody waits for the host's interrupts; false when `done()` did not come true in time.
template <class Done>
[[nodiscard]] bool attend_until(Mailbox& inbox, Done&& done) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (unsigned spin = 0; !done(); ++spin) {
        attend(inbox);
        if (spin % 1024 != 0) continue;
        machine::relax();
        if (std::chrono::steady_clock::now() > end) return false;
    }
    return true;
}

struct Letter : Request {
    CpuIndex from{};
    u64 question{}, answer{};
};

// What CPU 0 writes into the letters CPU 1 reads, and the other way round; more letters than a ring holds.
TEST(MailboxOrder, ContentsTravelWithTheRequestAndBack) {
    static constexpr unsigned count = 3 * Mailbox::slots;
    static unsigned home;
    static u64 wrong;
    test::make_cpus(2);
    wrong = 0;
    std::vector<Letter> letters(count);
    std::atomic<bool> over{false};
    cpu_at(0).inbox.poll();
    cpu_at(1).inbox.poll();
    std::thread other{[&] {
        test::become_cpu(1);
        while (!over.load()) attend(cpu_at(1).inbox);
    }};
    Mailbox& inbox = cpu_at(0).inbox;
    const auto answer = [](Request& request) {
        auto& letter = static_cast<Letter&>(request);
        letter.answer = letter.question + 1;
        request.run = [](Request& back) {
            auto& mine = static_cast<Letter&>(back);
            if (mine.answer != mine.question + 1) ++wrong;
            ++home;
        };
        this_cpu().inbox.post(0, request);
    };
    bool stuck = false;
    u64 round = 0;
    for (const auto end = std::chrono::steady_clock::now() + test_time;
         !stuck && std::chrono::steady_clock::now() < end; ++round) {
        home = 0;
        for (Letter& letter : letters) {
            letter.question = round;
            letter.answer = 0;
            letter.run = answer;
            inbox.post(1, letter);
        }
        stuck = !attend_until(inbox, [] { return home == count; });
    }
    over.store(true);
    other.join();
    EXPECT_FALSE(stuck) << home << " of " << count << " came back in round " << round;
    EXPECT_EQ(wrong, 0u);
}

// What one CPU has seen goes on with what it sends: a request that tours the CPUs collects plain data that
// each of them owns.
TEST(MailboxOrder, WhatWasSeenIsPassedOn) {
    static constexpr unsigned cpus = 4;
    struct Tour : Request {
        u64 rounds{};
    };
    static std::array<u64, cpus> visits; // each written by its own CPU, read by the next ones
    static std::atomic<u64> wrong, finished;
    test::make_cpus(cpus);
    visits = {};
    wrong = finished = 0;
    Tour tour;
    tour.run = [](Request& request) {
        auto& here = static_cast<Tour&>(request);
        const CpuIndex cpu = this_cpu().index;
        ++visits[cpu];
        for (CpuIndex other = 0; other < cpus; ++other) {
            if (visits[other] != here.rounds + (other <= cpu ? 1 : 0)) wrong.fetch_add(1);
        }
        if (cpu + 1 == cpus) ++here.rounds;
        if (cpu + 1 == cpus) finished.store(here.rounds);
        this_cpu().inbox.post((cpu + 1) % cpus, request);
    };
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (CpuIndex cpu = 0; cpu < cpus; ++cpu) cpu_at(cpu).inbox.poll();
    cpu_at(cpus - 1).inbox.post(0, tour);
    for (CpuIndex cpu = 0; cpu < cpus; ++cpu) {
        threads.emplace_back([&, cpu] {
            test::become_cpu(cpu);
            while (!over.load()) {
                attend(cpu_at(cpu).inbox);
                machine::relax();
            }
        });
    }
    std::this_thread::sleep_for(test_time);
    over.store(true);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0u);
    EXPECT_GT(finished.load(), 0u);
}

// A sender that finds its ring full keeps the rest and goes on: it must be rung when there is room, even if
// the ring only looked full because the receiver's stores were under way. Letters come while others are being
// taken, so that their contents have come with their slots, not with the bell.
TEST(MailboxOrder, WhoeverFoundTheRingFullIsRung) {
    static std::atomic<u64> received;
    static u64 wrong;
    test::make_cpus(2);
    received = wrong = 0;
    std::vector<Letter> letters(2 * Mailbox::slots);
    for (Letter& letter : letters) {
        letter.run = [](Request& request) {
            // relaxed: its own
            const u64 before = received.load(std::memory_order_relaxed);
            if (static_cast<Letter&>(request).question != before) ++wrong;
            received.store(before + 1, std::memory_order_release); // pairs with the acquire below
        };
    }
    cpu_at(0).inbox.poll();
    cpu_at(1).inbox.poll();
    u64 sent = 0, overflows = 0;
    bool stuck = false;
    test::Together together{2};
    std::atomic<u64> closed{0}; // the round that CPU 0 is through with
    together.run(2 * test_time, [&](CpuIndex cpu, u64 round) {
        test::become_cpu(cpu);
        Mailbox& inbox = cpu_at(cpu).inbox;
        if (cpu == 1) {
            // relaxed: only when to stop
            for (u64 turn = 0; closed.load(std::memory_order_relaxed) < round; ++turn) {
                attend(inbox);
                test::dawdle(round + turn);
            }
            return;
        }
        constexpr unsigned bursts = 100;
        for (unsigned burst = 0; burst < bursts && !stuck; ++burst) {
            const unsigned count = Mailbox::slots + 1 + static_cast<unsigned>((round + burst) % 6);
            for (unsigned i = 0; i < count; ++i) {
                letters[i].question = sent + i;
                inbox.post(1, letters[i]);
                test::dawdle(round * bursts + burst + i);
            }
            sent += count;
            overflows += inbox.overflows() ? 1 : 0;
            // acquire: the letters are free again
            stuck = !attend_until(inbox, [&] { return received.load(std::memory_order_acquire) == sent; });
        }
        closed.store(round, std::memory_order_relaxed); // relaxed: as above
    });
    EXPECT_FALSE(stuck) << sent - received << " letters left, none in the ring, and nobody was rung";
    EXPECT_EQ(wrong, 0u);
    RecordProperty("overflows", std::to_string(overflows));
}

} // namespace
} // namespace chorale
