// Quanta, CPU time and pulling in virtual time, where they are exact.
#include "tests/machine/quanta.hpp"

#include <algorithm>
#include <set>

namespace chorale::test {

namespace {

using namespace host;

constexpr u64 quantum = 20 * microsecond;
constexpr unsigned priority = real_time_priority;

[[nodiscard]] Task<void> start_two(const std::shared_ptr<Stage>& stage, KnCap actor, ShowPointer show) {
    for (unsigned who = 1; who <= 2; ++who) {
        const long thread = co_await stage->play(actor, [show, who](u64) { return take_turns(show, who); },
                                                 {1, priority, who});
        co_await make_real_time(actor, thread, quantum);
    }
}

void play_once(const Program& scenario) { expect_clean(scenario, plain_chooser(), 0); }

[[nodiscard]] Task<void> share(ShowPointer show) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    co_await start_two(stage, actor, show);
    co_await rest(12 * quantum);
    show->over = true;
    co_await stage->end();
}

// ---- preemption ----

[[nodiscard]] Task<void> disturb(ShowPointer show) {
    while (!show->over) {
        co_await rest(7 * microsecond);
        const u64 begun = now();
        for (unsigned i = 0; i < 10; ++i) co_await pause();
        show->lost += now() - begun;
    }
}

[[nodiscard]] Task<void> share_disturbed(ShowPointer show) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    co_await start_two(stage, actor, show);
    co_await stage->play(actor, [show](u64) { return disturb(show); }, {1, priority - 10, 3});
    co_await rest(16 * quantum);
    show->over = true;
    co_await stage->end();
}

// ---- waits ----

struct Stretch {
    unsigned done{}, cut{};
};

// Three quarters of a quantum, then a wait: never cut short, though two of them are more than a quantum.
[[nodiscard]] Task<void> work_and_wait(ShowPointer show, std::shared_ptr<Stretch> stretch) {
    while (!show->over) {
        show->hold(1);
        const std::size_t stint = show->stints.size();
        for (const u64 end = now() + quantum * 3 / 4; now() < end;) co_await pause();
        stretch->cut += show->stints.size() != stint ? 1 : 0;
        ++stretch->done;
        co_await rest(microsecond);
    }
}

[[nodiscard]] Task<void> share_with_waits(std::shared_ptr<Stretch> stretch) {
    const auto stage = std::make_shared<Stage>();
    const auto show = std::make_shared<Show>();
    const KnCap actor = co_await stage->actor();
    const long waiting = co_await stage->play(
        actor, [show, stretch](u64) { return work_and_wait(show, stretch); }, {1, priority, 1});
    co_await make_real_time(actor, waiting, quantum);
    const long working =
        co_await stage->play(actor, [show](u64) { return take_turns(show, 2); }, {1, priority, 2});
    co_await make_real_time(actor, working, quantum);
    co_await rest(12 * quantum);
    show->over = true;
    co_await stage->end();
}

// ---- alone ----

struct Alone {
    u64 alarms{};
};
Alone* watched;

void count_timer(const Event& event) {
    if (watched != nullptr && std::string_view{event.what} == "interrupt" && event.cpu == 1)
        ++watched->alarms;
}

// Nobody waits behind it: no timer for the end of the quantum.
[[nodiscard]] Task<void> run_alone(std::shared_ptr<Alone> alone) {
    const auto stage = std::make_shared<Stage>();
    const auto show = std::make_shared<Show>();
    const KnCap actor = co_await stage->actor();
    const long thread =
        co_await stage->play(actor, [show](u64) { return take_turns(show, 1); }, {1, priority, 1});
    co_await make_real_time(actor, thread, quantum);
    co_await rest(quantum);
    watched = alone.get();
    static_cast<Lockstep&>(engine()).listen(count_timer);
    co_await rest(10 * quantum);
    static_cast<Lockstep&>(engine()).listen(nullptr);
    watched = nullptr;
    show->over = true;
    co_await stage->end();
}

// ---- CPU time ----

[[nodiscard]] Task<u64> time_of(KnCap actor, long thread) {
    Local<KnCap> owner;
    Local<KnTimeVal> internal;
    co_await owner.set(actor);
    const long result = co_await call(Call::threadTimes, owner.at(), thread, internal.at(), 0);
    EXPECT_EQ(result, K_OK);
    const KnTimeVal time = co_await internal.get();
    co_return static_cast<u64>(time.tmSec) * 1'000'000'000 + static_cast<u64>(time.tmNSec);
}

[[nodiscard]] Task<void> work_rest_and_work(u64 nanoseconds) {
    co_await work_for(nanoseconds);
    co_await rest(millisecond);
    co_await work_for(nanoseconds);
    co_await rest(millisecond);
}

[[nodiscard]] Task<void> measure() {
    constexpr u64 work = 100 * microsecond;
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    for (const CpuIndex cpu : {0u, 1u}) {
        const long thread =
            co_await stage->play(actor, [](u64) { return work_rest_and_work(work); }, {cpu, 50, 1 + cpu});
        co_await rest(millisecond / 2);
        const u64 first = co_await time_of(actor, thread);
        EXPECT_GE(first, work);
        EXPECT_LE(first, work + slack);
        co_await rest(millisecond);
        const u64 second = co_await time_of(actor, thread);
        EXPECT_GE(second, 2 * work);
        EXPECT_LE(second, 2 * (work + slack));
        co_await rest(2 * millisecond);
    }
    const u64 all = co_await time_of(actor, K_ALLACTORTHREADS); // both have ended
    EXPECT_GE(all, 4 * work);
    EXPECT_LE(all, 4 * (work + 2 * slack));
    co_await stage->end();
}

// ---- pulling ----

struct Crowd {
    std::vector<std::set<CpuIndex>> cpus;
    std::vector<unsigned> moves;
    std::vector<CpuIndex> last;
    bool over{};
    unsigned ended{};
    explicit Crowd(unsigned count) : cpus(count), moves(count), last(count) {}
};

[[nodiscard]] Task<void> live(std::shared_ptr<Crowd> crowd, unsigned who) {
    while (!crowd->over) {
        const auto cpu = static_cast<CpuIndex>(co_await call(Call::cpuSelf));
        crowd->moves[who] += crowd->cpus[who].empty() || cpu == crowd->last[who] ? 0 : 1;
        crowd->last[who] = cpu;
        crowd->cpus[who].insert(cpu);
        co_await pause();
    }
    ++crowd->ended;
}

[[nodiscard]] Task<void> crowd_on_one_cpu(std::shared_ptr<Crowd> crowd) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const auto count = static_cast<unsigned>(crowd->cpus.size());
    for (unsigned who = 0; who < count; ++who) {
        co_await stage->play(actor, [crowd, who](u64) { return live(crowd, who); },
                             {K_ANYCPU, priority, who});
    }
    co_await rest(4 * millisecond);
    std::set<CpuIndex> used;
    for (const auto& each : crowd->cpus) used.insert(each.begin(), each.end());
    EXPECT_EQ(used.size(), 4u) << "a CPU has nothing to do while threads wait";
    for (unsigned who = 0; who < count; ++who) EXPECT_LE(crowd->moves[who], 1u);
    crowd->over = true;
    co_await stage->end();
    EXPECT_EQ(crowd->ended, count) << "a thread was lost";
}

// A better thread comes while no CPU asks for work: the first that asks then takes it, not who came before.
struct Contest {
    bool one_cpu_free{}, over{};
    unsigned worse{}, better{};
};

[[nodiscard]] Task<void> work_until(const bool* end, unsigned* rounds) {
    while (!*end) {
        if (rounds != nullptr) ++*rounds;
        co_await pause();
    }
}

[[nodiscard]] Task<void> come_last(std::shared_ptr<Contest> contest) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const bool *const over = &contest->over, *const free = &contest->one_cpu_free;
    for (const CpuIndex cpu : {0u, 1u, 2u, 3u}) {
        const bool* const end = cpu == 1 ? free : over;
        co_await stage->play(actor, [end](u64) { return work_until(end, nullptr); }, {cpu, priority, cpu});
    }
    co_await stage->play(actor, [=](u64) { return work_until(over, &contest->worse); },
                         {K_ANYCPU, priority + 10, 4});
    co_await rest(2 * millisecond); // whoever asked once found it busy, and asks no more
    co_await stage->play(actor, [=](u64) { return work_until(over, &contest->better); },
                         {K_ANYCPU, priority + 5, 5});
    co_await rest(2 * millisecond);
    contest->one_cpu_free = true;
    co_await rest(2 * millisecond);
    EXPECT_GT(contest->better, 0u);
    EXPECT_EQ(contest->worse, 0u);
    contest->over = true;
    co_await stage->end();
}

// ---- all of it, preempted at random ----

[[nodiscard]] Task<void> change_classes(KnCap actor, long thread, std::shared_ptr<Crowd> crowd) {
    Local<KnCap> owner;
    Local<KnThreadDefSched> wanted;
    co_await owner.set(actor);
    for (unsigned round = 0; round < 12; ++round) {
        co_await wanted.set({round % 3, priority, {0, 3000}}); // 135 is a priority of each class
        static_cast<void>(co_await attempt(Call::threadScheduler, owner.at(), thread, 0, wanted.at()));
        static_cast<void>(co_await attempt(Call::threadTimes, owner.at(), thread, 0, 0));
        const KnCpuId cpu = round % 5 == 4 ? K_ANYCPU : round % 4;
        static_cast<void>(co_await attempt(Call::threadBind, owner.at(), thread, cpu, 0, K_NONEXCLUSIVE));
        co_await rest(5 * microsecond);
    }
    crowd->over = true;
}

[[nodiscard]] Task<void> everything_at_once() {
    const auto stage = std::make_shared<Stage>();
    const auto crowd = std::make_shared<Crowd>(6);
    const KnCap actor = co_await stage->actor();
    std::vector<long> threads;
    for (unsigned who = 0; who < 6; ++who) {
        threads.push_back(co_await stage->play(actor, [crowd, who](u64) { return live(crowd, who); },
                                               {K_ANYCPU, priority, who}));
    }
    for (unsigned meddler = 0; meddler < 2; ++meddler) {
        const long thread = threads[meddler];
        co_await stage->play(actor, [=](u64) { return change_classes(actor, thread, crowd); },
                             {meddler, priority - 20, 8 + meddler});
    }
    co_await stage->end();
}

// ---- the machine that the tests run on -------------------------------------------------------------------

constexpr unsigned rounds_enough = 1'000;
using Rounds = std::array<unsigned, 3>; // of the CPUs 1 to 3

[[nodiscard]] Task<void> wait_in_vain(std::shared_ptr<Rounds> rounds, unsigned which) {
    while (std::ranges::max(*rounds) < rounds_enough) {
        ++rounds->at(which);
        engine().relax();
        co_await pause();
    }
}

[[nodiscard]] Task<void> wait_on_three_cpus(std::shared_ptr<Rounds> rounds) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    for (unsigned i = 0; i < rounds->size(); ++i)
        co_await stage->play(actor, [=](u64) { return wait_in_vain(rounds, i); }, {.cpu = i + 1, .stack = i});
    co_await stage->end();
}

} // namespace

TEST(Scheduling, equals_share_by_the_quantum) {
    const auto show = std::make_shared<Show>();
    play_once([show](u64) { return share(show); });
    for (const unsigned who : {1u, 2u}) show->expect(who, quantum, quantum);
}
TEST(Scheduling, point_04_quantum_goes_on_after_preemption) {
    const auto show = std::make_shared<Show>();
    play_once([show](u64) { return share_disturbed(show); });
    EXPECT_GT(show->lost, 0u);
    for (const unsigned who : {1u, 2u}) show->expect(who, quantum, quantum);
}
TEST(Scheduling, point_04_quantum_starts_anew_after_wait) {
    const auto stretch = std::make_shared<Stretch>();
    play_once([stretch](u64) { return share_with_waits(stretch); });
    EXPECT_GE(stretch->done, 4u);
    EXPECT_EQ(stretch->cut, 0u);
}
TEST(Scheduling, no_timer_for_a_thread_alone) {
    const auto alone = std::make_shared<Alone>();
    play_once([alone](u64) { return run_alone(alone); });
    EXPECT_EQ(alone->alarms, 0u);
}
TEST(Scheduling, time_is_exact) {
    play_once([](u64) { return measure(); });
}
TEST(Scheduling, idle_cpus_pull) {
    for (const unsigned count : {4u, 7u}) {
        // A CPU that is never preempted would keep the others from running at all.
        Random chooser{count};
        const auto crowd = std::make_shared<Crowd>(count);
        for (const std::string& finding : run_once([crowd](u64) { return crowd_on_one_cpu(crowd); }, chooser))
            ADD_FAILURE() << finding;
    }
}
TEST(Scheduling, pulled_is_the_best_that_waits) {
    Random chooser{5};
    const auto contest = std::make_shared<Contest>();
    for (const std::string& finding : run_once([contest](u64) { return come_last(contest); }, chooser))
        ADD_FAILURE() << finding;
    EXPECT_TRUE(contest->over);
}
TEST(Scheduling, everything_at_once) {
    for (const u64 seed : {1u, 2u, 3u}) {
        Random chooser{seed};
        for (const std::string& finding : run_once([](u64) { return everything_at_once(); }, chooser, 500))
            ADD_FAILURE() << finding;
        for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
    }
}
// Two CPUs that wait, and hand the turn to each other, would keep the third from ever going on.
TEST(Scheduling, waiting_cpus_leave_no_other_out) {
    const auto rounds = std::make_shared<Rounds>();
    expect_clean([rounds](u64) { return wait_on_three_cpus(rounds); });
    EXPECT_GE(std::ranges::min(*rounds), rounds_enough * 9 / 10);
}

} // namespace chorale::test
