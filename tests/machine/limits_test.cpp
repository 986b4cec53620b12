// Every table and every pool is filled to its end: whoever comes too late is told, and all of it comes back.
#include "kernel/core/actor.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/lap/lap.hpp"
#include "tests/machine/attempt.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

[[nodiscard]] KnRgnDesc anywhere(uword size) {
    KnRgnDesc region{};
    region.size = size;
    region.options = K_WRITABLE | K_NODEMAND | K_ANYWHERE;
    return region;
}

void expect_clean(const Program& scenario) {
    for (const std::string& finding : run_once(scenario, plain_chooser())) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

[[nodiscard]] Task<void> stay() { co_await sleep(1000 * millisecond); }

[[nodiscard]] Task<void> too_many_threads() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const VirtAddr entry = add_program([](u64) { return stay(); });
    Named owner;
    Local<KnThreadLid> lid;
    Local<KnDefaultStartInfo_f> start;
    co_await owner.set(actor);
    co_await start.set({K_DEFAULT_START_INFO, K_USERTHREAD, 0, free_data.raw(), entry.raw()});
    unsigned made = 0;
    long result = K_OK;
    for (; result == K_OK; ++made)
        result = co_await attempt(Call::threadCreate, owner.at(), lid.at(), K_ACTIVE, 0, start.at());
    EXPECT_EQ(result, K_EFULL);
    EXPECT_EQ(made, Actor::thread_limit); // the numbers from 1 on, and one more attempt
    co_await stage->end();
}

[[nodiscard]] Task<void> too_many_ports() {
    const auto stage = std::make_shared<Stage>();
    unsigned made = 0;
    for (;;) {
        const KnCap actor = co_await stage->actor();
        if (!there(actor)) break;
        long li = 0;
        KnUniqueId name{};
        unsigned own = 0;
        for (; (li = co_await make_port(actor, name)) > 0; ++own) ++made;
        EXPECT_EQ(li, K_EFULL);
        if (own < Actor::port_limit - 1) break; // there are no names left
    }
    EXPECT_GT(made + 100, port_buckets);
    EXPECT_EQ(live_ports(), port_buckets);
    co_await stage->end();
}

[[nodiscard]] Task<void> too_many_actors() {
    std::vector<KnCap> made;
    Local<KnCap> place;
    long result = K_OK;
    for (;;) {
        result = co_await attempt(Call::actorCreate, 0, place.at(), K_USERACTOR, K_ACTIVE);
        if (result != K_OK) break;
        made.push_back(co_await place.get());
    }
    EXPECT_EQ(result, K_EFULL);
    EXPECT_EQ(live_actors(), actor_limit);
    const KnCap first = made.front();
    co_await remove_actor(first);
    // The one place that is free is taken again: the old name leads there, and is not the new one's.
    result = co_await attempt(Call::actorCreate, 0, place.at(), K_USERACTOR, K_ACTIVE);
    EXPECT_EQ(result, K_OK);
    made.front() = co_await place.get();
    Named stale;
    co_await stale.set(first);
    EXPECT_EQ(co_await attempt(Call::actorDelete, stale.at()), K_EUNKNOWN);
    for (const KnCap& actor : made) co_await remove_actor(actor);
}

[[nodiscard]] Task<void> too_many_laps() {
    const auto stage = std::make_shared<Stage>();
    const Result<Actor*> owner = find_actor(co_await stage->actor());
    if (!owner.ok()) co_return;
    const u64 before = live_laps();
    std::vector<KnLapDesc> made;
    for (;;) {
        const Result<KnLapDesc> lap = create_lap(*owner.value(), 0x1000, 0, 0);
        if (!lap.ok()) {
            EXPECT_EQ(lap.status(), Status::full);
            break;
        }
        made.push_back(lap.value());
    }
    EXPECT_EQ(before + made.size(), lap_limit);
    for (const KnLapDesc& lap : made) EXPECT_TRUE(lap_lives(lap));
    Lap* const killed = kill_lap(made.front(), nullptr);
    if (killed != nullptr) free_lap(*killed);
    const Result<KnLapDesc> again = create_lap(*owner.value(), 0x1000, 0, 0);
    EXPECT_TRUE(again.ok());
    EXPECT_FALSE(lap_lives(made.front())); // the same place, another key
    co_await stage->end();                 // and with the actor all of them
    EXPECT_EQ(live_laps(), before);
}

[[nodiscard]] Task<void> too_much_memory() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    // More than there is; large pages first, then small ones, then none.
    EXPECT_EQ(co_await allocate(actor, anywhere(uword{100} << 20)), K_ENOMEM);
    // More than its quota, were it there.
    EXPECT_EQ(co_await allocate(actor, anywhere(uword{200} << 20)), K_ENOMEM);
    long last = 0;
    while (last >= 0) last = co_await allocate(actor, anywhere(uword{4} << 20));
    EXPECT_EQ(last, K_ENOMEM);
    for (last = 0; last >= 0;) last = co_await allocate(actor, anywhere(64 * page_size));
    EXPECT_EQ(last, K_ENOMEM);
    for (last = 0; last >= 0;) last = co_await allocate(actor, anywhere(page_size));
    EXPECT_EQ(last, K_ENOMEM);
    // Nobody gets anything now.
    Local<KnCap> place;
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, place.at(), K_USERACTOR, K_ACTIVE), K_ENOMEM);
    co_await stage->end();
}

[[nodiscard]] Task<void> too_many_regions() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    KnRgnDesc region{};
    region.options = K_WRITABLE;
    region.size = 3 * page_size;
    long result = 0;
    unsigned made = 0;
    for (; result >= 0; ++made) {
        region.startAddr = 0x1000'0000 + u64{made} * 4 * page_size;
        result = co_await allocate(actor, region);
    }
    EXPECT_EQ(result, K_ENOMEM);
    EXPECT_GT(made, 400u);
    // A hole in the middle of one would make two of it.
    KnRgnDesc hole{};
    hole.startAddr = 0x1000'0000 + page_size;
    hole.size = page_size;
    EXPECT_EQ(co_await release(actor, hole), K_ENOMEM);
    co_await stage->end();
}

} // namespace

TEST(Limits, threads) {
    expect_clean([](u64) { return too_many_threads(); });
}
TEST(Limits, ports) {
    expect_clean([](u64) { return too_many_ports(); });
}
TEST(Limits, actors) {
    expect_clean([](u64) { return too_many_actors(); });
}
TEST(Limits, laps) {
    expect_clean([](u64) { return too_many_laps(); });
}
TEST(Limits, memory) {
    expect_clean([](u64) { return too_much_memory(); });
}
TEST(Limits, regions) {
    expect_clean([](u64) { return too_many_regions(); });
}

} // namespace chorale::test
