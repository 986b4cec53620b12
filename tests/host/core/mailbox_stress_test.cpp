// Mailboxes with a thread for each CPU: nothing is lost, nothing comes twice, each pair keeps its order, and
// nobody sleeps while it has mail. Built with the thread sanitizer too.
#include "kernel/core/mailbox.hpp"

#include "tests/host/core/cpus.hpp"

#include <gtest/gtest.h>

#include <machine/ipi.hpp>

#include <array>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <vector>

namespace chorale {
namespace {

constexpr unsigned most_cpus = 8;
constexpr unsigned time_limit = 20'000; // milliseconds without mail: somebody was not woken

struct Letter : Request {
    CpuIndex from{};
    unsigned number{}; // within its pair
};

// What one CPU has; only its own thread touches it.
struct Station {
    std::array<unsigned, most_cpus> sent{};
    std::array<unsigned, most_cpus> received{};
    std::deque<Letter> letters; // stays in place while the receiver reads it
    u64 out_of_order{};
    u64 halts{};
};

struct MailboxStress : ::testing::TestWithParam<unsigned> {
    const unsigned cpus = GetParam();
    static constexpr unsigned letters_each = 50'000;
    static inline std::array<Station, most_cpus> stations;
    std::atomic<u64> arrived{0};
    std::atomic<bool> stuck{false};

    static void receive(Request& request) {
        auto& letter = static_cast<Letter&>(request);
        Station& here = stations[this_cpu().index];
        if (here.received[letter.from] != letter.number) ++here.out_of_order;
        ++here.received[letter.from];
    }

    [[nodiscard]] static unsigned total(const std::array<unsigned, most_cpus>& counts) {
        unsigned sum = 0;
        for (const unsigned count : counts) sum += count;
        return sum;
    }

    static void post_to(PerCpu& cpu, CpuIndex to) {
        Station& here = stations[cpu.index];
        Letter& letter = here.letters.emplace_back();
        letter.from = cpu.index;
        letter.number = here.sent[to]++;
        letter.run = receive;
        cpu.inbox.post(to, letter);
    }

    // As the idle loop does: polls a little, then sleeps until it is rung. Who has letters left goes on with
    // them after a while: the others may have sent all of theirs.
    void rest(PerCpu& cpu, u64& seen, bool letters_left) {
        cpu.inbox.poll();
        for (unsigned spin = 0; spin < 20 && !cpu.inbox.rung(); ++spin) machine::relax();
        cpu.inbox.flush();
        if (!cpu.inbox.stop_polling() || cpu.inbox.overflows()) return;
        ++stations[cpu.index].halts;
        if (arrived.load() == u64{cpus} * letters_each) return;
        const bool rung = machine::wait_for_ring(cpu.index, seen, letters_left ? 1 : time_limit);
        const bool wanted = !rung && (!letters_left || cpu.inbox.rung());
        if (wanted && !machine::wait_for_ring(cpu.index, seen, letters_left ? time_limit : 0))
            stuck.store(true);
        seen = machine::rings(cpu.index);
    }

    void play(CpuIndex index) {
        test::become_cpu(index);
        PerCpu& cpu = this_cpu();
        Station& here = stations[index];
        std::mt19937 random{index};
        unsigned left = letters_each;
        unsigned counted = 0;
        u64 seen = 0;
        while (arrived.load() < u64{cpus} * letters_each && !stuck.load()) {
            for (unsigned burst = random() % 24; burst != 0 && left != 0; --burst, --left) {
                post_to(cpu, static_cast<CpuIndex>(random() % cpus));
            }
            if (cpu.inbox.rung()) cpu.inbox.drain();
            cpu.inbox.flush();
            const unsigned now = total(here.received);
            const u64 all = arrived.fetch_add(now - counted) + now - counted;
            counted = now;
            if (all == u64{cpus} * letters_each) break;
            if (left == 0 || random() % 16 == 0) rest(cpu, seen, left != 0);
        }
        // The end is no mail: those who sleep are woken for it.
        for (CpuIndex other = 0; other < cpus; ++other) machine::ring(other);
    }
};

TEST_P(MailboxStress, NothingLostNothingDoubledInOrderAndNobodySleepsThroughIt) {
    test::make_cpus(cpus);
    stations = {};
    std::vector<std::thread> threads;
    for (CpuIndex index = 0; index < cpus; ++index) threads.emplace_back([this, index] { play(index); });
    for (std::thread& thread : threads) thread.join();
    ASSERT_FALSE(stuck.load()) << "a CPU was not woken although it had mail";
    u64 halts = 0;
    for (CpuIndex to = 0; to < cpus; ++to) {
        EXPECT_EQ(stations[to].out_of_order, 0u);
        halts += stations[to].halts;
        for (CpuIndex from = 0; from < cpus; ++from) {
            EXPECT_EQ(stations[to].received[from], stations[from].sent[to]) << from << " to " << to;
        }
    }
    EXPECT_EQ(arrived.load(), u64{cpus} * letters_each);
    RecordProperty("halts", std::to_string(halts));
}

INSTANTIATE_TEST_SUITE_P(Cpus, MailboxStress, ::testing::Values(2u, 3u, most_cpus),
                         [](const auto& suite) { return std::to_string(suite.param); });

// Two CPUs that do nothing but wake each other: every crossing passes through the moment between the last
// look and the halt.
TEST(MailboxPingPong, NoWakeUpIsLost) {
    static constexpr unsigned rounds = 20'000;
    struct Ball : Request {
        unsigned bounces{};
    };
    static std::atomic<bool> over;
    over = false;
    test::make_cpus(2);
    Ball ball;
    ball.run = [](Request& request) {
        auto& self = static_cast<Ball&>(request);
        if (++self.bounces == rounds) {
            over.store(true);
            machine::ring(0);
            machine::ring(1);
            return;
        }
        this_cpu().inbox.post(1 - this_cpu().index, request);
    };
    std::atomic<bool> stuck{false};
    const auto play = [&](CpuIndex index, unsigned spins) {
        test::become_cpu(index);
        Mailbox& inbox = this_cpu().inbox;
        u64 seen = 0;
        while (!over.load() && !stuck.load()) {
            if (inbox.rung()) inbox.drain();
            inbox.poll();
            for (unsigned spin = 0; spin < spins && !inbox.rung(); ++spin) machine::relax();
            if (!inbox.stop_polling() || over.load()) continue;
            if (!machine::wait_for_ring(index, seen, time_limit)) stuck.store(true);
            seen = machine::rings(index);
        }
    };
    cpu_at(0).inbox.post(1, ball);
    std::thread other{play, 1, 0};
    play(0, 2);
    other.join();
    EXPECT_FALSE(stuck.load());
    EXPECT_EQ(ball.bounces, rounds);
}

} // namespace
} // namespace chorale
