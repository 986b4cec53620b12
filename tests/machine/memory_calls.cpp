#include "tests/machine/memory_calls.hpp"

#include "tests/machine/world.hpp"

#include <machine/timer.hpp>

namespace chorale::test {

using namespace host;

Task<long> duplicate(KnCap to, KnCap from, VmFlags flags) {
    Named target, source;
    co_await target.set(to);
    co_await source.set(from);
    co_return co_await attempt(Call::rgnDup, target.at(), source.at(), flags);
}

Task<KnRgnStat> describe(KnCap actor, VirtAddr at) {
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    co_await owner.set(actor);
    co_await region.set(region_of(at, page_size, 0));
    co_await stat.set({});
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof(KnRgnStat)), 1);
    co_return co_await stat.get();
}

Task<u64> peek(KnCap actor, VirtAddr at) {
    Named source;
    Local<u64> word;
    co_await source.set(actor);
    co_await word.set(~u64{0});
    EXPECT_EQ(co_await attempt(Call::vmCopy, source.at(), at, 0, word.at(), sizeof(u64), 0), K_OK);
    co_return co_await word.get();
}

Task<void> poke(KnCap actor, VirtAddr at, u64 value) {
    Named target;
    Local<u64> word;
    co_await target.set(actor);
    co_await word.set(value);
    EXPECT_EQ(co_await attempt(Call::vmCopy, 0, word.at(), target.at(), at, sizeof(u64), 0), K_OK);
}

Task<KnCap> gone_actor() {
    const KnCap actor = co_await create_actor();
    EXPECT_EQ(co_await delete_actor(actor), K_OK);
    co_return actor;
}

void play_clean(const Program& scenario, unsigned look_every) {
    Random random{1};
    for (Chooser* const chooser : {&plain_chooser(), static_cast<Chooser*>(&random)}) {
        for (const std::string& finding : run_once(scenario, *chooser, look_every))
            ADD_FAILURE() << (chooser == &random ? "random: " : "plain: ") << finding;
        for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
    }
}

// ---- long calls ------------------------------------------------------------------------------------------

namespace {

constexpr u64 moments = 10; // in which somebody goes
constexpr CpuIndex worker_cpu = 1;

enum class Goes : u8 { nobody, worker, victim };

struct Round {
    bool go{}, done{};
    long result{};
    u64 time{};
};

[[nodiscard]] Task<void> carry_out(std::shared_ptr<LongCall> call, KnCap victim,
                                   std::shared_ptr<Round> round) {
    while (!round->go) co_await pause();
    const u64 begun = machine::now();
    round->result = co_await call->work(victim);
    round->time = machine::now() - begun;
    round->done = true;
}

[[nodiscard]] Task<Round> play_round(std::shared_ptr<LongCall> call, Goes who, u64 delay) {
    const auto stage = std::make_shared<Stage>();
    const auto round = std::make_shared<Round>();
    const KnCap actor = co_await stage->actor(true, K_SYSTEMACTOR), victim = co_await stage->actor();
    co_await call->prepare(victim);
    const long worker = co_await stage->serve(actor, [=](u64) { return carry_out(call, victim, round); },
                                              {.cpu = worker_cpu, .stack = 1});
    EXPECT_GT(worker, 0);
    co_await pause();
    const u64 begun = machine::now();
    round->go = true;
    while (machine::now() < begun + delay) co_await pause();
    if (who == Goes::victim) co_await remove_actor(victim);
    if (who == Goes::worker) static_cast<void>(co_await on_thread(Call::threadDelete, actor, worker));
    for (unsigned waited = 0; waited < 100 && who != Goes::worker && !round->done; ++waited)
        co_await rest(100 * microsecond);
    EXPECT_TRUE(round->done || who == Goes::worker);
    if (who != Goes::victim) co_await call->after(victim);
    co_await stage->end();
    co_return *round;
}

} // namespace

Task<long> cut_short(LongCall call, std::function<void(long)> judge_end) {
    const auto shared = std::make_shared<LongCall>(std::move(call));
    const Round whole = co_await play_round(shared, Goes::nobody, 0);
    for (u64 moment = 0; moment < moments; ++moment) {
        const u64 delay = whole.time * moment / moments;
        judge_end((co_await play_round(shared, Goes::victim, delay)).result);
        const Round cut = co_await play_round(shared, Goes::worker, delay);
        if (cut.done) judge_end(cut.result);
    }
    co_return whole.result;
}

} // namespace chorale::test
