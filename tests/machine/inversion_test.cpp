// How long a thread waits for a real-time mutex that a worse one has is bounded by what the owner does with
// it, whoever wants the owner's CPU; and through long chains everybody lends, and takes back, just what he
// should. On two CPUs and more, in virtual time, so that the bound is the same in every run.
#include "arch/host/objects.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

void expect_clean(const Program& scenario, Chooser& chooser) {
    for (const std::string& finding : run_once(scenario, chooser)) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

[[nodiscard]] VirtAddr semaphore(unsigned i) { return room + i * 16; }
[[nodiscard]] VirtAddr rt_mutex(unsigned i) { return room + 1024 + i * 16; }
[[nodiscard]] NucleusCall get(unsigned mutex) { return call(Call::rtMutexGet, rt_mutex(mutex)); }
[[nodiscard]] NucleusCall give_back(unsigned mutex) { return call(Call::rtMutexRel, rt_mutex(mutex)); }
[[nodiscard]] Task<void> post(unsigned i) { EXPECT_EQ(co_await sem_v(semaphore(i)), K_OK); }
[[nodiscard]] Task<void> wait_for(unsigned i) { EXPECT_EQ(co_await sem_p(semaphore(i), no_limit), K_OK); }

// ---- three priorities, two CPUs --------------------------------------------------------------------------

constexpr unsigned best = 90, between = 150, worst = 200;
constexpr unsigned low_go = 0, low_has_it = 1, middle_go = 2;
constexpr unsigned holding = 4;        // what the owner does while the best one waits
constexpr unsigned unbounded = 10'000; // turns of who is in the way, if nobody puts an end to it

struct Rounds {
    unsigned count;
    unsigned reached{}, turns{}, most_turns{};
    u64 longest{};
};
using RoundsPointer = std::shared_ptr<Rounds>;

[[nodiscard]] Task<void> hold_it(RoundsPointer rounds) {
    for (unsigned round = 0; round < rounds->count; ++round) {
        co_await wait_for(low_go);
        EXPECT_EQ(co_await get(0), K_OK);
        co_await post(low_has_it);
        co_await post(middle_go); // which takes the CPU, until the best one lends its priority
        for (unsigned i = 0; i < holding; ++i) co_await pause();
        EXPECT_EQ(co_await give_back(0), K_OK);
    }
}

[[nodiscard]] Task<void> be_in_the_way(RoundsPointer rounds) {
    for (unsigned round = 1; round <= rounds->count; ++round) {
        co_await wait_for(middle_go);
        for (rounds->turns = 0; rounds->reached < round && rounds->turns < unbounded; ++rounds->turns)
            co_await pause();
        rounds->most_turns = std::max(rounds->most_turns, rounds->turns);
    }
}

[[nodiscard]] Task<void> want_it(RoundsPointer rounds) {
    for (unsigned round = 1; round <= rounds->count; ++round) {
        co_await post(low_go);
        co_await wait_for(low_has_it);
        const u64 begun = machine().now();
        EXPECT_EQ(co_await get(0), K_OK);
        rounds->longest = std::max(rounds->longest, machine().now() - begun);
        rounds->reached = round;
        EXPECT_EQ(co_await give_back(0), K_OK);
    }
}

[[nodiscard]] Task<void> inversion(RoundsPointer rounds) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true);
    co_await stage->play(actor, [rounds](u64) { return hold_it(rounds); }, {1, worst, 1});
    co_await stage->play(actor, [rounds](u64) { return be_in_the_way(rounds); }, {1, between, 2});
    co_await stage->play(actor, [rounds](u64) { return want_it(rounds); }, {0, best, 3});
    co_await stage->end(~0u);
}

// ---- a chain of eight mutexes and four servers -----------------------------------------------------------
//
// bottom has m0 < server 0 (for caller 0, which has m1) < link 0 (has m2, waits for m1) < server 1 (for
// caller 1, which has m3) < ... < server 3 (for caller 3, which has m7) < top waits for m7

constexpr unsigned servers = 4, mutexes = 8;
constexpr unsigned top_priority = 60, lowest = 150; // the chain's threads: that and less
constexpr unsigned go = 0, over = 1;

struct Chain {
    unsigned spread; // how far a thread's CPU is from the last one's
    u64 body;
    KnUniqueId port[servers]{};
    int li[servers]{};
    std::vector<Thread*> threads{}; // from the bottom
    std::vector<unsigned> released{};
};
using ChainPointer = std::shared_ptr<Chain>;

[[nodiscard]] Thread& myself() { return *chorale::this_cpu().current; }

// Who has given back what others waited for is what he was before.
void expect_unwound(const ChainPointer& chain, unsigned what) {
    EXPECT_EQ(myself().priority, myself().base_priority) << "after " << what;
    chain->released.push_back(what);
}

[[nodiscard]] Task<void> at_the_bottom(ChainPointer chain) {
    chain->threads.push_back(&myself());
    EXPECT_EQ(co_await get(0), K_OK);
    co_await wait_for(go);
    EXPECT_EQ(myself().priority, top_priority);
    EXPECT_EQ(co_await give_back(0), K_OK);
    expect_unwound(chain, 0);
    co_await wait_for(over);
}

[[nodiscard]] Task<void> serve(ChainPointer chain, unsigned k) {
    EXPECT_GE((co_await message_receive(chain->li[k])).size, 0);
    chain->threads.push_back(&myself());
    EXPECT_EQ(co_await get(2 * k), K_OK);
    EXPECT_EQ(myself().priority, top_priority); // its client's, who still waits
    EXPECT_EQ(co_await give_back(2 * k), K_OK);
    EXPECT_EQ(myself().priority, top_priority);
    static_cast<void>(co_await message_reply_receive(chain->li[k], {}, chain->body));
}

[[nodiscard]] Task<void> call_server(ChainPointer chain, unsigned k) {
    chain->threads.push_back(&myself());
    EXPECT_EQ(co_await get(2 * k + 1), K_OK);
    EXPECT_GE((co_await message_call(chain->port[k], {}, chain->body)).size, 0);
    EXPECT_EQ(myself().priority, top_priority);
    EXPECT_EQ(co_await give_back(2 * k + 1), K_OK);
    expect_unwound(chain, 2 * k + 1);
    co_await wait_for(over);
}

[[nodiscard]] Task<void> link(ChainPointer chain, unsigned k) {
    chain->threads.push_back(&myself());
    EXPECT_EQ(co_await get(2 * k + 2), K_OK);
    EXPECT_EQ(co_await get(2 * k + 1), K_OK);
    EXPECT_EQ(co_await give_back(2 * k + 1), K_OK);
    EXPECT_EQ(myself().priority, top_priority);
    EXPECT_EQ(co_await give_back(2 * k + 2), K_OK);
    expect_unwound(chain, 2 * k + 2);
    co_await wait_for(over);
}

[[nodiscard]] Task<void> at_the_top(ChainPointer chain) {
    EXPECT_EQ(co_await get(mutexes - 1), K_OK);
    EXPECT_EQ(co_await give_back(mutexes - 1), K_OK);
    chain->released.push_back(mutexes);
}

// Each has its own priority: what is lent is never another one's by chance.
[[nodiscard]] Task<void> build(StagePointer stage, ChainPointer chain, KnCap actor) {
    unsigned made = 0;
    const auto next = [&] {
        ++made;
        return ThreadSettings{made * chain->spread % 4, lowest - made, made};
    };
    co_await stage->serve(actor, [chain](u64) { return at_the_bottom(chain); }, next());
    co_await rest(millisecond);
    for (unsigned k = 0; k < servers; ++k) {
        chain->li[k] = static_cast<int>(co_await stage->port(actor, chain->port[k]));
        co_await stage->serve(actor, [chain, k](u64) { return serve(chain, k); }, next());
        co_await rest(millisecond);
        co_await stage->serve(actor, [chain, k](u64) { return call_server(chain, k); }, next());
        co_await rest(millisecond);
        if (k + 1 < servers) {
            co_await stage->serve(actor, [chain, k](u64) { return link(chain, k); }, next());
            co_await rest(millisecond);
        }
    }
}

[[nodiscard]] Task<void> wind_and_unwind(ChainPointer chain) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true);
    co_await build(stage, chain, actor);
    EXPECT_EQ(chain->threads.size(), 1 + 2 * servers + servers - 1);
    for (const Thread* thread : chain->threads) EXPECT_GE(thread->priority, lowest - chain->threads.size());
    co_await stage->play(actor, [chain](u64) { return at_the_top(chain); }, {3, top_priority, 20});
    co_await rest(millisecond);
    for (const Thread* thread : chain->threads) EXPECT_EQ(thread->priority, top_priority);
    co_await stage->play(actor, [](u64) { return post(go); }, {2, 100, 21});
    co_await rest(millisecond);
    for (const Thread* thread : chain->threads) EXPECT_EQ(thread->priority, thread->base_priority);
    co_await stage->end();
    EXPECT_EQ(chain->released.size(), mutexes + 1); // all, the top one, too
}

} // namespace

// CPUs are preempted at random, and doorbells are late: the same in every run. A wait is two doorbells, what
// the owner still does, and the turns that the machine gives to the other CPU meanwhile.
TEST(Inversion, blocking_is_bounded) {
    constexpr u64 bound = 20 * microsecond;
    Random random{5};
    const auto rounds = std::make_shared<Rounds>(Rounds{.count = 10'000});
    expect_clean([rounds](u64) { return inversion(rounds); }, random);
    EXPECT_EQ(rounds->reached, rounds->count);
    EXPECT_LT(rounds->longest, bound);
    EXPECT_LT(rounds->most_turns, unbounded / 10);
    RecordProperty("longest", std::to_string(rounds->longest));
}

TEST(Inversion, chain_winds_and_unwinds) {
    for (const u64 body : {8u, 64u}) {
        for (unsigned spread = 0; spread < 4; ++spread) {
            SCOPED_TRACE(testing::Message() << body << " bytes, CPUs " << spread << " apart");
            const auto chain = std::make_shared<Chain>(Chain{.spread = spread, .body = body});
            expect_clean([chain](u64) { return wind_and_unwind(chain); }, plain_chooser());
        }
    }
}

} // namespace chorale::test
