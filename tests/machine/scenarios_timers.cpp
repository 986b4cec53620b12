// Timers and the threads that wait for them, on all CPUs, while both are set, moved, aborted and deleted; and
// the date.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned pools = 2, timers = 6;

// What the threads of one actor share; the pools lie in its memory.
struct Clockwork {
    KnCap actor{};
    std::vector<long> waiters;
    std::array<long, timers> li{};
    bool wound_up{}; // no thread is made any more, so no local id comes again
};

[[nodiscard]] constexpr u64 pool_at(unsigned i) { return free_data.raw() + i * sizeof(KnThreadPool); }

[[nodiscard]] Task<long> wait(unsigned pool, u64 limit) {
    Local<uintptr_t> cookie;
    Local<int> overrun;
    Local<KnTimeVal> time;
    co_await time.set({0, static_cast<long>(limit)});
    const long result =
        co_await attempt(Call::timerThreadPoolWait, pool_at(pool), cookie.at(), overrun.at(), time.at());
    if (result == K_OK) {
        if (co_await cookie.get() >= timers) complain("a timer with a cookie that none has");
        if (co_await overrun.get() < 0) complain("a timer with less than no overruns");
    }
    co_return result;
}

[[nodiscard]] Task<void> wait_often(unsigned pool) {
    for (int i = 0; i < 6; ++i) {
        static_cast<void>(co_await wait(pool, 60'000));
        if (i % 3 == 1) co_await rest(10'000); // active all the while
    }
}

// Until somebody ends it, so that its local id stays its own.
[[nodiscard]] Task<void> wait_long(unsigned pool) {
    for (int i = 0; i < 20; ++i) {
        if (co_await attempt(Call::timerThreadPoolWait, pool_at(pool), 0, 0, ~u64{0}) != K_OK) break;
    }
    co_await rest(1000 * millisecond);
}

[[nodiscard]] Task<long> set(KnCap actor, long li, u64 value, u64 reload, int flags = 0) {
    Named owner;
    Local<KnITimer> setting, old;
    co_await owner.set(actor);
    co_await setting.set({{0, static_cast<long>(reload)}, {0, static_cast<long>(value)}});
    const long result = co_await attempt(Call::timerSet, owner.at(), li, flags, setting.at(), old.at());
    if (result == K_OK) {
        const KnITimer was = co_await old.get();
        if (was.ITmValue.tmSec < 0 || was.ITmValue.tmNSec < 0) complain("a timer that is late has time left");
    }
    co_return result;
}

[[nodiscard]] Task<void> set_all(std::shared_ptr<Clockwork> clockwork, unsigned seed) {
    for (unsigned i = 0; i < 3 * timers; ++i) {
        const long li = clockwork->li.at((i * 5 + seed) % timers);
        const u64 values[] = {1, 20'000, 0, 50'000, 3'000};
        const u64 reloads[] = {0, 5'000, 1, 0};
        static_cast<void>(co_await set(clockwork->actor, li, values[(i + seed) % 5], reloads[i % 4]));
        if (i % 4 == seed % 4) co_await rest(7'000);
    }
}

[[nodiscard]] Task<void> delete_all(std::shared_ptr<Clockwork> clockwork) {
    Named owner;
    co_await owner.set(clockwork->actor);
    co_await rest(100'000);
    for (const long li : clockwork->li) {
        const long result = co_await attempt(Call::timerDelete, owner.at(), li);
        if (result == K_OK && co_await attempt(Call::timerDelete, owner.at(), li) == K_OK)
            complain("a timer was deleted twice");
    }
}

[[nodiscard]] Task<void> disturb(std::shared_ptr<Clockwork> clockwork) {
    for (int i = 0; i < 1000 && !clockwork->wound_up; ++i) co_await rest(10'000);
    for (CpuIndex round = 0; clockwork->wound_up && round < 3; ++round) {
        for (const long thread : clockwork->waiters) {
            if (thread <= 0) continue;
            if (round == 0)
                static_cast<void>(
                    co_await bind(clockwork->actor, thread, static_cast<CpuIndex>(thread + 1) % 4));
            if (round == 1)
                static_cast<void>(co_await on_thread(Call::threadAbort, clockwork->actor, thread));
            if (round == 2)
                static_cast<void>(co_await on_thread(Call::threadDelete, clockwork->actor, thread));
            co_await rest(5'000);
        }
    }
}

// Makes everything, then starts the others.
[[nodiscard]] Task<void> wind_up(StagePointer stage, std::shared_ptr<Clockwork> clockwork) {
    for (unsigned i = 0; i < pools; ++i)
        static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(i)));
    Local<int> li;
    Local<KnTimeVal> resolution;
    static_cast<void>(co_await attempt(Call::timerGetRes, K_CLOCK_REALTIME, resolution.at()));
    for (unsigned i = 0; i < timers; ++i) {
        const long made =
            co_await attempt(Call::timerCreate, 0, K_CLOCK_REALTIME, pool_at(i % pools), i, li.at());
        clockwork->li.at(i) = made == K_OK ? co_await li.get() : -1;
    }
    unsigned stack = 1;
    for (const CpuIndex cpu : {0u, 1u, 2u, 3u}) {
        const unsigned pool = cpu % pools;
        const long waits = co_await stage->serve(clockwork->actor, [pool](u64) { return wait_long(pool); },
                                                 {cpu, 90, stack++});
        clockwork->waiters.push_back(waits);
        co_await stage->play(clockwork->actor, [pool](u64) { return wait_often(pool); }, {cpu, 95, stack++});
        co_await stage->play(clockwork->actor, [=](u64) { return set_all(clockwork, cpu); },
                             {cpu, 100, stack++});
    }
    clockwork->wound_up = true;
}

[[nodiscard]] Task<void> set_dates() {
    Local<KnTimeVal> old, wanted;
    co_await wanted.set({1'000'000, 5});
    const long changed = co_await attempt(Call::univTimeSet, old.at(), wanted.at());
    if (changed == K_OK) complain("a user actor has set the date");
    co_await wanted.set({0, -5});
    if (co_await attempt(Call::univTimeAdjust, 0, wanted.at()) == K_OK)
        complain("a user actor moves the date");
    static_cast<void>(co_await attempt(Call::univTime, old.at()));
    static_cast<void>(co_await attempt(Call::univTimeSet, old.at(), 0));
    static_cast<void>(co_await attempt(Call::univTimeAdjust, old.at(), 0));
    static_cast<void>(co_await attempt(Call::univTimeGetRes, old.at()));
    Local<uint64_t> frequency;
    static_cast<void>(co_await attempt(Call::sysCounterFrequency, frequency.at()));
}

} // namespace

Task<void> timers_of_all_kinds(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto clockwork = std::make_shared<Clockwork>();
    clockwork->actor = co_await stage->actor();
    const KnCap other = co_await stage->actor();
    co_await stage->play(clockwork->actor, [=](u64) { return wind_up(stage, clockwork); }, {.stack = 20});
    co_await rest(20'000);
    co_await stage->play(other, [=](u64) { return set_all(clockwork, 7); }, {.cpu = 2, .stack = 1});
    co_await stage->play(other, [=](u64) { return disturb(clockwork); }, {.cpu = 3, .stack = 2});
    co_await stage->play(other, [=](u64) { return delete_all(clockwork); }, {.cpu = 1, .stack = 3});
    co_await stage->end();
}

Task<void> dates(u64) {
    const auto stage = std::make_shared<Stage>();
    co_await stage->play(co_await stage->actor(), [](u64) { return set_dates(); }, {.stack = 1});
    co_await stage->end();
}

} // namespace chorale::test
