#include "tests/free/load.hpp"

#include "arch/host/user.hpp"
#include "tests/free/people.hpp"
#include "tests/free/world.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr u64 second = 1'000'000'000;
constexpr u64 glance = 1'000'000; // nanoseconds between two looks
constexpr u64 longest_end = 30 * second;

// Actors that delete themselves may take a little longer than who waits for them.
[[nodiscard]] Task<bool> wait_until_quiet(Living wanted) {
    for (u64 waited = 0; waited < longest_end; waited += glance) {
        {
            Local<KnSysStatistics> statistics;
            EXPECT_EQ(co_await call(Call::sysStatistics, statistics.at()), K_OK);
            const KnSysStatistics now = co_await statistics.get();
            if (Living{now.actors, now.threads, now.ports, now.messages, now.regions} == wanted)
                co_return true;
        }
        static_cast<void>(co_await sleep(glance));
    }
    co_return false;
}

[[nodiscard]] Task<void> govern_until_closed(Town& town, std::atomic<unsigned>& governing, Programs programs,
                                             unsigned number) {
    co_await govern(town, programs, number);
    governing.fetch_sub(1, std::memory_order_relaxed); // relaxed: only that it comes to an end
}

[[nodiscard]] Task<void> live(Town& town, std::atomic<unsigned>& governing) {
    const Living before = living();
    const Programs programs{add_program([&town](u64) { return serve(town); }),
                            add_program([&town](u64) { return ask(town); }),
                            add_program([&town](u64) { return meddle(town); })};
    const KnCap hall = co_await create_actor(K_SYSTEMACTOR);
    for (unsigned number = 0; number < cpus; ++number) {
        const auto program = [&town, &governing, programs, number](u64) {
            return govern_until_closed(town, governing, programs, number);
        };
        const long lid = co_await start_thread(hall, program, {.cpu = number, .stack = number});
        EXPECT_GT(lid, 0);
    }
    static_cast<void>(co_await sleep(run_seconds() * second));
    // On a busy host some of it may take longer to happen for the first time.
    for (u64 waited = 0; !town.seen_everything() && waited < longest_end; waited += glance)
        static_cast<void>(co_await sleep(glance));
    town.close();
    // relaxed: the nucleus orders the rest
    for (u64 waited = 0; governing.load(std::memory_order_relaxed) != 0 && waited < longest_end;
         waited += glance)
        static_cast<void>(co_await sleep(glance));
    EXPECT_EQ(governing.load(), 0u) << "governors that do not come back";
    EXPECT_EQ(co_await delete_actor(hall), K_OK);
    EXPECT_TRUE(co_await wait_until_quiet(before)) << living() << " instead of " << before;
}

} // namespace

void run_load(Town& town) {
    town.open(run_seed());
    std::atomic<unsigned> governing{cpus};
    run_free([&](u64) { return live(town, governing); });
}

} // namespace chorale::test
