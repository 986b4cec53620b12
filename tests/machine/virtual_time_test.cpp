// Virtual timeouts where everything is exact: as many as there may be, one that is taken back when it is due,
// and a handler for which there is no room.
#include "arch/host/supervisor_actor.hpp"
#include "tests/machine/crew.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/solo.hpp"

namespace chorale::test {

namespace {

using namespace host;

constexpr u64 hour = u64{3600} * 1'000'000'000;
constexpr unsigned most = 64;

void count(u64 address, u64) { ++*reinterpret_cast<unsigned*>(address); }

// Of the caller, or of all of its actor.
struct Whose {
    bool actor;
    long thread = K_MYSELF;
};

[[nodiscard]] Task<long> set(Whose whose, u64 address, u64 nanoseconds, KnLapDesc lap) {
    Local<KnTimeVal> time;
    Local<KnLapDesc> place;
    co_await time.set(time_of(nanoseconds));
    co_await place.set(lap);
    if (whose.actor)
        co_return co_await call(Call::svActorVirtualTimeoutSet, 0, address, time.at(), K_VTIME_TOTAL,
                                place.at());
    co_return co_await call(Call::svThreadVirtualTimeoutSet, 0, whose.thread, address, time.at(),
                            K_VTIME_TOTAL, place.at());
}

[[nodiscard]] Task<long> cancel(Whose whose, u64 address) {
    if (whose.actor) co_return co_await call(Call::svActorVirtualTimeoutCancel, 0, address);
    co_return co_await call(Call::svThreadVirtualTimeoutCancel, 0, whose.thread, address);
}

// The one too many changes nothing; one that is there already may be set anew.
[[nodiscard]] Task<void> fill() {
    KnLapDesc lap{};
    EXPECT_EQ(co_await make_lap(nobody, address_of(count), 0, 0, lap), K_OK);
    for (const bool actor : {false, true}) {
        const Whose whose{actor};
        for (u64 i = 1; i <= most; ++i) EXPECT_EQ(co_await set(whose, i, hour, lap), K_OK);
        EXPECT_EQ(co_await set(whose, most + 1, hour, lap), K_EFULL);
        EXPECT_EQ(co_await set(whose, most, hour, lap), K_OK);
        for (u64 i = most; i > 0; --i) EXPECT_EQ(co_await cancel(whose, i), K_OK);
        EXPECT_EQ(co_await cancel(whose, most + 1), K_EINVAL);
    }
    co_await remove_lap(lap);
}

// ---- due, and taken back by a better thread of its CPU ---------------------------------------------------

struct Worker {
    bool over{};
    unsigned calls{};
};
using WorkerPointer = std::shared_ptr<Worker>;

[[nodiscard]] Task<void> work(WorkerPointer worker) {
    static_cast<void>(co_await work_until([=] { return worker->over; }));
}

// Shorter than anything that the CPU would look for: whoever takes the CPU away finds that it is due.
[[nodiscard]] Task<void> take_back(WorkerPointer worker, std::shared_ptr<long> thread) {
    KnLapDesc lap{};
    const u64 address = reinterpret_cast<u64>(&worker->calls);
    EXPECT_EQ(co_await make_lap(nobody, address_of(count), 0, 0, lap), K_OK);
    EXPECT_TRUE(co_await until([=] { return *thread > 0; }));
    for (unsigned i = 0; i < 2; ++i) {
        EXPECT_EQ(co_await set({false, *thread}, address, 5 * microsecond, lap), K_OK);
        co_await rest(10 * microsecond);
        EXPECT_EQ(worker->calls, 0u);
        if (i == 0) EXPECT_EQ(co_await cancel({false, *thread}, address), K_OK);
    }
    EXPECT_TRUE(co_await until([=] { return worker->calls == 1; }));
    EXPECT_EQ(co_await cancel({false, *thread}, address), K_EINVAL);
    worker->over = true;
    co_await remove_lap(lap);
}

// ---- no room ---------------------------------------------------------------------------------------------

// The handler is entered on the thread's system stack, as soon as that has room.
[[nodiscard]] Task<void> use_up_stack(WorkerPointer worker) {
    KnLapDesc lap{};
    EXPECT_EQ(co_await make_lap(nobody, address_of(count), 0, 0, lap), K_OK);
    {
        Local<std::array<std::byte, 16 * 1024 - 256>> large;
        const u64 address = reinterpret_cast<u64>(&worker->calls);
        EXPECT_EQ(co_await set({false}, address, 30 * microsecond, lap), K_OK);
        EXPECT_FALSE(co_await work_until([=] { return worker->calls != 0; }, 200 * microsecond));
    }
    EXPECT_TRUE(co_await work_until([=] { return worker->calls != 0; }, 30 * millisecond));
    EXPECT_EQ(worker->calls, 1u);
    co_await remove_lap(lap);
}

// Much CPU time is used in these: they are not played in all the ways that there are for others.
void play_in_some_ways(Task<void> (*scenario)(u64)) {
    expect_clean(Program{scenario});
    Random one{1}, two{2};
    expect_clean(Program{scenario}, one, 100);
    expect_clean(Program{scenario}, two, 100);
}

void refuse_each(const Scenario& scenario) {
    sweep(scenario, play_without_memory, "allocation", {}, 1);
    sweep(scenario, play_without_memory, "allocations from", {.more = 7}, 5);
    sweep(scenario, play_with_bad_copies, "copy", {}, 1);
}

} // namespace

TEST(VirtualTime, of_other_threads) { play_in_some_ways(virtual_timeouts_of_others); }
TEST(VirtualTime, of_actors) { play_in_some_ways(virtual_timeouts_of_actors); }
TEST(VirtualTime, of_actors_that_go) { play_in_some_ways(virtual_timeouts_of_doomed_actors); }

TEST(VirtualTime, of_other_threads_with_failures) {
    refuse_each({"virtual_timeouts_of_others", virtual_timeouts_of_others});
}
TEST(VirtualTime, of_actors_with_failures) {
    refuse_each({"virtual_timeouts_of_actors", virtual_timeouts_of_actors});
}
TEST(VirtualTime, of_actors_that_go_with_failures) {
    refuse_each({"virtual_timeouts_of_doomed_actors", virtual_timeouts_of_doomed_actors});
}

TEST(VirtualTime, no_more_than_sixty_four) {
    expect_clean([](u64) -> Task<void> {
        const auto crew = std::make_shared<Crew>();
        co_await crew->gather();
        co_await crew->play([](u64) { return fill(); }, 1);
        co_await crew->end();
    });
}

TEST(VirtualTime, taken_back_when_it_is_due) {
    expect_clean([](u64) -> Task<void> {
        const auto crew = std::make_shared<Crew>();
        const auto worker = std::make_shared<Worker>();
        const auto thread = std::make_shared<long>();
        co_await crew->gather();
        co_await crew->play([=](u64) { return take_back(worker, thread); }, 2, 90);
        *thread = co_await crew->play([=](u64) { return work(worker); }, 2, 120);
        co_await crew->end();
    });
}

TEST(VirtualTime, comes_later_when_there_is_no_room) {
    constexpr unsigned few_looks = 4'000;
    expect_clean(
        [](u64) -> Task<void> {
            const auto crew = std::make_shared<Crew>();
            const auto worker = std::make_shared<Worker>();
            co_await crew->gather();
            co_await crew->play([=](u64) { return use_up_stack(worker); }, 1);
            co_await crew->end();
        },
        plain_chooser(), few_looks);
}

} // namespace chorale::test
