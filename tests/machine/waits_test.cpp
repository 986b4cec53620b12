// Waits for synchronisation objects, where what the nucleus answers depends on who else waits, on the page
// that the object lies in, and on who ends meanwhile.
#include "arch/host/objects.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/world.hpp"

#include <machine/timer.hpp>

#include <algorithm>
#include <array>

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr objects{0x300'0000};
constexpr uword objects_size = 2 * page_size;
constexpr VirtAddr sem = objects, events = objects + 64, other_page = objects + page_size;
[[nodiscard]] VirtAddr rt_mutex(unsigned i) { return objects + 1024 + 16 * i; }

[[nodiscard]] Task<KnCap> actor_with_objects(StagePointer stage) {
    const KnCap actor = co_await stage->actor();
    EXPECT_GT(co_await allocate(actor, region_of(objects, objects_size, K_WRITABLE)), 0);
    co_return actor;
}

struct Ended {
    std::vector<long> results; // by waiter; 1 while it waits
    [[nodiscard]] std::ptrdiff_t with(long result) const { return std::ranges::count(results, result); }
};
constexpr long still_waiting = 1;
const u64 for_ever = reinterpret_cast<u64>(K_NOTIMEOUT);

using Wait = std::function<Task<long>(unsigned which)>;

// So many threads wait, on all CPUs.
[[nodiscard]] Task<std::shared_ptr<Ended>> start_waits(StagePointer stage, KnCap actor, unsigned count,
                                                       Wait wait) {
    const auto ended = std::make_shared<Ended>();
    ended->results.assign(count, still_waiting);
    for (unsigned i = 0; i < count; ++i) {
        const Program program = [=](u64) -> Task<void> { ended->results[i] = co_await wait(i); };
        co_await stage->serve(actor, program, {i % 4, 100 + i % 3, i + 1});
    }
    co_await rest(200 * microsecond);
    EXPECT_EQ(ended->with(still_waiting), count);
    co_return ended;
}

// By a thread of that actor.
[[nodiscard]] Task<long> within(StagePointer stage, KnCap actor, std::function<Task<long>()> work) {
    const auto result = std::make_shared<long>(-1000);
    const Program program = [=](u64) -> Task<void> { *result = co_await work(); };
    co_await stage->play(actor, program, {.stack = 47});
    co_await rest(300 * microsecond);
    co_return *result;
}

[[nodiscard]] Task<long> take(VirtAddr at, u64 limit = no_limit) { return sem_p(at, limit); }
[[nodiscard]] Task<long> await(VirtAddr at, u32 mask, int operation) {
    co_return co_await attempt(Call::eventAwait, at, mask, operation, for_ever);
}

// ---- pages -----------------------------------------------------------------------------------------------

// A page in which somebody waits stays where it is when its region is copied: who gives there is heard.
[[nodiscard]] Task<void> copied_pages_keep_their_waiters(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage), target = co_await stage->actor();
    co_await poke(actor, other_page + 8, 5);
    const auto ended = co_await start_waits(stage, actor, 2, [](unsigned) { return take(sem); });
    EXPECT_EQ(co_await transfer(Call::rgnInitFromActor, target, region_of(objects, 0, K_WRITABLE), actor,
                                region_of(objects, objects_size, 0)),
              K_OK);
    EXPECT_EQ(co_await within(stage, actor, [] { return sem_v(sem); }), K_OK);
    EXPECT_EQ(ended->with(K_OK), 1);
    co_await poke(actor, sem + 8, 7); // it was copied at once
    EXPECT_EQ(co_await peek(target, sem + 8), 0u);
    EXPECT_EQ(co_await peek(target, other_page + 8), 5u);
    EXPECT_EQ(co_await within(stage, actor, [] { return sem_v(sem); }), K_OK);
    EXPECT_EQ(ended->with(K_OK), 2);
    co_await stage->end();
}

// Of more waiters than are looked at in one step, those whose page goes.
[[nodiscard]] Task<void> pages_that_go_end_waits(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage);
    constexpr unsigned count = 45;
    const auto ended = co_await start_waits(stage, actor, count, [](unsigned which) {
        return take(which % 3 == 0 ? other_page : objects + 4 * which); // many in queues of their own
    });
    EXPECT_EQ(co_await release(actor, region_of(objects, page_size, 0)), K_OK);
    co_await rest(300 * microsecond);
    EXPECT_EQ(ended->with(K_EFAULT), count - count / 3);
    EXPECT_EQ(ended->with(still_waiting), count / 3);
    EXPECT_EQ(co_await release(actor, region_of(objects, objects_size, 0)), K_OK);
    co_await rest(300 * microsecond);
    EXPECT_EQ(ended->with(K_EFAULT), count);
    co_await stage->end();
}

// ---- answers at once -------------------------------------------------------------------------------------

[[nodiscard]] Task<long> answers() {
    Local<KnTimeVal> no_time, bad_time;
    co_await no_time.set({0, 0});
    co_await bad_time.set({-1, 0});
    const auto take_now = [&](VirtAddr at) { return attempt(Call::syncTake, at, no_time.at(), 0); };
    const auto await_now = [&](VirtAddr at, u32 mask, int operation) {
        return attempt(Call::eventAwait, at, mask, operation, no_time.at());
    };
    EXPECT_EQ(co_await attempt(Call::syncTake, sem, bad_time.at(), 0), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::syncTake, sem, nowhere, 0), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::eventAwait, events, 1, K_EVENT_OR, bad_time.at()), K_EINVAL);
    EXPECT_EQ(co_await await_now(events, 0, K_EVENT_OR), K_EINVAL);
    EXPECT_EQ(co_await await_now(events, 1, 77), K_EINVAL);
    // Neither a multiple of its size, nor there.
    for (const auto& [at, error] :
         {std::pair{sem + 2, K_EINVAL}, {nowhere, K_EFAULT}, {nowhere + 2, K_EFAULT}}) {
        EXPECT_EQ(co_await take_now(at), error);
        EXPECT_EQ(co_await attempt(Call::syncGive, at, 1), error);
        EXPECT_EQ(co_await await_now(at, 1, K_EVENT_OR), error);
        EXPECT_EQ(co_await attempt(Call::eventNotify, at), error);
        EXPECT_EQ(co_await attempt(Call::rtMutexGet, at), error);
        EXPECT_EQ(co_await attempt(Call::rtMutexTry, at), error);
        EXPECT_EQ(co_await attempt(Call::rtMutexRel, at), error);
    }
    // A word that cannot be taken keeps the one to be released.
    EXPECT_EQ(co_await attempt(Call::syncTake, sem + 2, no_time.at(), sem), K_EINVAL);
    EXPECT_EQ(co_await take_now(sem), K_ETIMEOUT);
    EXPECT_EQ(co_await attempt(Call::syncTake, objects + 8, no_time.at(), sem), K_ETIMEOUT);
    EXPECT_EQ(co_await take_now(sem), K_OK); // the wait that was over at once had released it
    EXPECT_EQ(co_await attempt(Call::syncGive, sem, 1), 0);
    EXPECT_EQ(co_await attempt(Call::syncGive, sem, 1), 0); // no more than one
    EXPECT_EQ(co_await take_now(sem), K_OK);
    EXPECT_EQ(co_await take_now(sem), K_ETIMEOUT);

    EXPECT_EQ(co_await await_now(events, 1, K_EVENT_OR), K_ETIMEOUT);
    EXPECT_EQ(co_await event_post(events, 6), K_OK);
    EXPECT_EQ(co_await await_now(events, 1, K_EVENT_OR), K_ETIMEOUT);
    EXPECT_EQ(co_await await_now(events, 3, K_EVENT_OR), 6);
    EXPECT_EQ(co_await await_now(events, 3, K_EVENT_AND), K_ETIMEOUT);
    EXPECT_EQ(co_await await_now(events, 6, K_EVENT_AND), 6);

    EXPECT_EQ(co_await attempt(Call::rtMutexRel, rt_mutex(0)), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::rtMutexTry, rt_mutex(0)), 1);
    EXPECT_EQ(co_await attempt(Call::rtMutexTry, rt_mutex(0)), 0);
    EXPECT_EQ(co_await attempt(Call::rtMutexGet, rt_mutex(0)), K_EBUSY);
    EXPECT_EQ(co_await attempt(Call::rtMutexRel, rt_mutex(0)), K_OK);
    co_return K_OK;
}

[[nodiscard]] Task<void> immediate_answers(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage);
    EXPECT_EQ(co_await within(stage, actor, [] { return answers(); }), K_OK);
    co_await stage->end();
}

// An abort that came before the wait ends it at once; a wait that knows no abort leaves it.
[[nodiscard]] Task<void> earlier_aborts(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto seen = std::make_shared<std::vector<long>>();
    const auto go = std::make_shared<bool>(false);
    const KnCap actor = co_await actor_with_objects(stage);
    const long thread = co_await stage->play(actor, [=](u64) -> Task<void> {
        while (!*go) co_await pause();
        Local<KnTimeVal> unabortable;
        co_await unabortable.set({0, static_cast<long>(100 * microsecond) | K_NOABORT});
        seen->push_back(co_await attempt(Call::syncTake, sem, unabortable.at(), 0));
        seen->push_back(co_await attempt(Call::syncTake, sem, for_ever, 0));
        Local<KnTimeVal> soon;
        co_await soon.set({0, static_cast<long>(100 * microsecond)});
        seen->push_back(co_await attempt(Call::syncTake, sem, soon.at(), 0));
    });
    EXPECT_EQ(co_await on_thread(Call::threadAbort, actor, thread), K_OK);
    *go = true;
    co_await rest(millisecond);
    EXPECT_EQ(*seen, (std::vector<long>{K_ETIMEOUT, K_EABORT, K_ETIMEOUT}));
    co_await stage->end();
}

// ---- event sets ------------------------------------------------------------------------------------------

// More waiters than are looked at in one step: those go on whose flags are there, whatever the rest wants.
[[nodiscard]] Task<void> many_wait_for_flags(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage);
    constexpr unsigned count = 24; // each third waits for flag 1, flag 2, both
    const auto ended = co_await start_waits(stage, actor, count, [](unsigned which) {
        const u32 mask = which % 3 + 1;
        return await(events, mask, mask == 3 ? K_EVENT_AND : K_EVENT_OR);
    });
    const auto post = [&](u32 mask) {
        return within(stage, actor, [mask] { return event_post(events, mask); });
    };
    EXPECT_EQ(co_await post(4), K_OK);
    EXPECT_EQ(ended->with(still_waiting), count);
    EXPECT_EQ(co_await post(2), K_OK);
    for (unsigned i = 0; i < count; ++i) EXPECT_EQ(ended->results[i], i % 3 == 1 ? 6 : still_waiting) << i;
    EXPECT_EQ(co_await post(1), K_OK);
    EXPECT_EQ(ended->with(6), count / 3);
    EXPECT_EQ(ended->with(7), 2 * count / 3);
    co_await stage->end();
}

// ---- waiters that end ------------------------------------------------------------------------------------

struct Race {
    bool go{};
    long first = still_waiting, second = still_waiting, given = still_waiting;
};

[[nodiscard]] Task<void> spin(std::shared_ptr<Race> race, u64 delay) {
    while (!race->go) co_await pause();
    for (const u64 begun = machine::now(); machine::now() < begun + delay;) co_await pause();
}

// One unit, given while the first waiter is being deleted: it is never lost.
[[nodiscard]] Task<void> give_to_one_who_ends(StagePointer stage, KnCap actor, u64 delay, unsigned stack) {
    const auto race = std::make_shared<Race>();
    const long doomed = co_await stage->serve(
        actor, [=](u64) -> Task<void> { race->first = co_await take(sem); }, {1, 100, stack});
    co_await rest(20 * microsecond);
    co_await stage->play(actor, [=](u64) -> Task<void> { race->second = co_await take(sem); },
                         {3, 100, stack + 1});
    co_await rest(20 * microsecond);
    co_await stage->play(actor,
                         [=](u64) -> Task<void> {
                             co_await spin(race, delay);
                             race->given = co_await sem_v(sem);
                         },
                         {2, 100, stack + 2});
    co_await rest(20 * microsecond);
    race->go = true;
    const long deleted = co_await on_thread(Call::threadDelete, actor, doomed);
    EXPECT_TRUE(deleted == K_OK || deleted == K_EUNKNOWN); // it had come to its end by itself
    co_await rest(100 * microsecond);
    EXPECT_EQ(race->given, K_OK);
    EXPECT_EQ((race->first == K_OK) + (race->second == K_OK), 1) << "a unit was lost, or given twice";
    if (race->second != K_OK) static_cast<void>(co_await within(stage, actor, [] { return sem_v(sem); }));
}

[[nodiscard]] Task<void> units_are_passed_on(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage);
    for (unsigned round = 0; round < 60; ++round)
        co_await give_to_one_who_ends(stage, actor, 20 * round, 1 + round % 10 * 4);
    co_await stage->end();
}

// The owner of many mutexes ends: who waits gets them, one after the other, and who comes in between gets
// what nobody has any more.
[[nodiscard]] Task<void> end_an_owner(StagePointer stage, KnCap actor, u64 delay) {
    constexpr unsigned mutexes = 6;
    const auto race = std::make_shared<Race>();
    const auto owned = std::make_shared<unsigned>(0);
    const long owner =
        co_await stage->serve(actor,
                              [=](u64) -> Task<void> {
                                  for (unsigned i = 0; i <= mutexes; ++i)
                                      *owned +=
                                          co_await attempt(Call::rtMutexGet, rt_mutex(i)) == K_OK ? 1 : 0;
                                  co_await rest(1000 * millisecond);
                              },
                              {1, 120, 1});
    co_await rest(50 * microsecond);
    EXPECT_EQ(*owned, mutexes + 1);
    const auto ended = co_await start_waits(stage, actor, mutexes, [](unsigned which) -> Task<long> {
        const long result = co_await attempt(Call::rtMutexGet, rt_mutex(which));
        if (result == K_OK) EXPECT_EQ(co_await attempt(Call::rtMutexRel, rt_mutex(which)), K_OK);
        co_return result;
    });
    co_await stage->play(actor,
                         [=](u64) -> Task<void> {
                             co_await spin(race, delay);
                             race->first = co_await attempt(Call::rtMutexGet, rt_mutex(mutexes));
                             EXPECT_EQ(co_await attempt(Call::rtMutexRel, rt_mutex(mutexes)), K_OK);
                         },
                         {2, 90, 40});
    co_await rest(20 * microsecond);
    race->go = true;
    EXPECT_EQ(co_await on_thread(Call::threadDelete, actor, owner), K_OK);
    co_await rest(200 * microsecond);
    EXPECT_EQ(race->first, K_OK);
    EXPECT_EQ(ended->with(K_OK), mutexes);
}

[[nodiscard]] Task<void> owners_that_end(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage);
    for (unsigned round = 0; round < 20; ++round) co_await end_an_owner(stage, actor, 60 * round);
    co_await stage->end();
}

// ---- words that mean nobody ----------------------------------------------------------------------------

// A thread that ends with a mutex leaves it to whoever comes, even one that has its local id.
[[nodiscard]] Task<void> mutexes_of_the_dead(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage), other = co_await stage->actor();
    const auto lids = std::make_shared<std::vector<long>>();
    for (unsigned round = 0; round < 20; ++round) {
        // Somebody else's threads in between: which memory a thread gets is not for the actor to say.
        for (unsigned i = 0; i <= round % 3; ++i)
            co_await stage->play(other, [](u64) -> Task<void> { co_await rest(microsecond); },
                                 {round % 4, 100, i + 1});
        EXPECT_EQ(co_await within(stage, actor,
                                  [=]() -> Task<long> {
                                      lids->push_back(co_await attempt(Call::threadSelf));
                                      co_return co_await attempt(Call::rtMutexTry, rt_mutex(0));
                                  }),
                  1)
            << round;
    }
    std::ranges::sort(*lids);
    EXPECT_NE(std::ranges::adjacent_find(*lids), lids->end()); // one local id for several
    co_await stage->end();
}

// Whoever looks for the owner that the words name touches the page that they name. When that page has to be
// copied first, other CPUs have time to name the next one: the look is given up then, and begun anew, and
// ends as soon as nobody scribbles any more.
constexpr VirtAddr copied{0x1000'0000};
constexpr unsigned copied_pages = 60;

struct Scribble {
    bool go{}, stop{};
    u32 owner{};
    unsigned next{}, ended{};
};
[[nodiscard]] Task<void> scribble(std::shared_ptr<Scribble> scribble) {
    while (!scribble->go) co_await pause();
    while (!scribble->stop && scribble->next < 1000 * copied_pages) {
        const u64 place = (copied + scribble->next++ % copied_pages * page_size).raw();
        co_await store(rt_mutex(0), std::array<u64, 2>{scribble->owner, place});
        co_await pause();
    }
    ++scribble->ended;
}

[[nodiscard]] Task<void> owners_that_change_all_the_time(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto words = std::make_shared<Scribble>();
    const KnCap actor = co_await actor_with_objects(stage), origin = co_await stage->actor();
    const KnRgnDesc pages = region_of(copied, copied_pages * page_size, K_WRITABLE | K_NODEMAND);
    EXPECT_GT(co_await allocate(origin, pages), 0);
    EXPECT_EQ(
        co_await transfer(Call::rgnInitFromActor, actor, region_of(copied, 0, K_WRITABLE), origin, pages),
        K_OK);
    const auto ended = co_await start_waits(stage, actor, 1, [=](unsigned) -> Task<long> {
        words->owner = static_cast<u32>(co_await attempt(Call::syncSelf));
        co_return co_await take(sem);
    });
    for (const Call call : {Call::rtMutexTry, Call::rtMutexGet}) {
        words->go = words->stop = false;
        words->ended = words->next = 0;
        const auto got = std::make_shared<long>(still_waiting - 1000);
        for (const CpuIndex cpu : {2u, 3u})
            co_await stage->play(actor, [=](u64) { return scribble(words); }, {cpu, 100, 40 + cpu});
        co_await stage->play(actor,
                             [=](u64) -> Task<void> {
                                 words->go = true;
                                 while (words->next < 4) co_await pause(); // both are at it
                                 *got = co_await attempt(call, rt_mutex(0));
                                 words->stop = true;
                             },
                             {1, 100, 45});
        co_await rest(3 * millisecond);
        EXPECT_EQ(words->ended, 2u);
        EXPECT_TRUE(*got == K_OK || (call == Call::rtMutexTry && *got == 1)) << *got;
    }
    co_await stage->end();
}

} // namespace

TEST(Waits, copied_pages_keep_their_waiters) { play_clean(copied_pages_keep_their_waiters); }
TEST(Waits, pages_that_go_end_waits) { play_clean(pages_that_go_end_waits); }
TEST(Waits, immediate_answers) { play_clean(immediate_answers); }
TEST(Waits, earlier_aborts) { play_clean(earlier_aborts); }
TEST(Waits, many_wait_for_flags) { play_clean(many_wait_for_flags); }
TEST(Waits, units_are_passed_on) { play_clean(units_are_passed_on, 1000); }
TEST(Waits, owners_that_end) { play_clean(owners_that_end, 1000); }

TEST(Waits, owners_that_change_all_the_time) { play_clean(owners_that_change_all_the_time, 1000); }

TEST(Waits, mutexes_of_the_dead) { play_clean(mutexes_of_the_dead); }

} // namespace chorale::test
