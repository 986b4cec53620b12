// Threads that others stop, suspend, name and look at, in every state that they can be in.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] constexpr int number(long li) { return static_cast<int>(li); }

[[nodiscard]] Task<void> answer(long li) {
    MessageResult got = co_await attempt(message_receive(number(li)));
    while (got.size >= 0) got = co_await attempt(message_reply_receive(number(li), {}, 64));
}

[[nodiscard]] Task<void> call_often(KnUniqueId port) {
    for (int i = 0; i < 12; ++i) static_cast<void>(co_await attempt(message_call(port, {}, 64)));
}

[[nodiscard]] Task<void> sleep_often() {
    for (int i = 0; i < 6; ++i) co_await rest(30 * microsecond);
}

[[nodiscard]] Task<void> give_way() {
    for (int i = 0; i < 20; ++i) static_cast<void>(co_await attempt(Call::threadDelay, 0));
}

[[nodiscard]] Task<void> hold_itself() {
    for (const Call call : {Call::threadSuspend, Call::threadStop}) {
        if (co_await attempt(call, 0, K_MYSELF) != K_OK) continue;
        co_await pause();
    }
}

// An actor whose threads exchange messages on one CPU and across two, sleep, give way, hold themselves.
struct Busy {
    KnCap actor{};
    std::vector<long> threads;
};

[[nodiscard]] Task<void> make_busy(StagePointer stage, std::shared_ptr<Busy> busy) {
    busy->actor = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await stage->port(busy->actor, port);
    if (!there(busy->actor) || li < 0) co_return;
    const Program programs[] = {
        [li](u64) { return answer(li); },  [port](u64) { return call_often(port); },
        [](u64) { return sleep_often(); }, [](u64) { return give_way(); },
        [](u64) { return hold_itself(); },
    };
    unsigned stack = 0;
    for (const CpuIndex cpu : {0u, 1u}) {
        for (const Program& program : programs) {
            const ThreadSettings settings{cpu, 100 + stack % 3, ++stack};
            busy->threads.push_back(co_await stage->serve(busy->actor, program, settings));
        }
    }
}

[[nodiscard]] Task<void> hold_all(KnCap actor, std::vector<long> threads, Call begin, Call end) {
    for (int round = 0; round < 3; ++round) {
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await on_thread(begin, actor, thread));
        }
        co_await rest(20 * microsecond);
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await on_thread(end, actor, thread));
        }
    }
}

[[nodiscard]] Task<void> hold_actor(KnCap actor) {
    Named owner;
    co_await owner.set(actor);
    for (int round = 0; round < 4; ++round) {
        static_cast<void>(co_await attempt(Call::actorStop, owner.at()));
        co_await rest(10 * microsecond);
        static_cast<void>(co_await attempt(Call::actorStart, owner.at()));
    }
}

[[nodiscard]] Task<void> move_and_end(KnCap actor, std::vector<long> threads) {
    for (const CpuIndex cpu : {2u, 1u, 3u}) {
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await bind(actor, thread, cpu));
        }
    }
    for (const long thread : threads) {
        if (thread > 0) static_cast<void>(co_await on_thread(Call::threadAbort, actor, thread));
        if (thread > 0 && thread % 2 == 0)
            static_cast<void>(co_await on_thread(Call::threadDelete, actor, thread));
    }
}

// ---- looking ---------------------------------------------------------------------------------------------

constexpr VirtAddr array_at = free_data, name_at = free_data + 2048, context_at = free_data + 2560;

[[nodiscard]] Task<void> look_at_all(KnCap actor) {
    Named owner;
    co_await owner.set(actor);
    for (int round = 0; round < 4; ++round) {
        const long threads = co_await attempt(Call::threadStat, owner.at(), 0, array_at, 2048);
        if (threads > 10) complain("more threads than there were made");
        if (threads > 0) {
            const auto first = co_await load<KnThreadStat>(array_at);
            if (first.tsThreadLi <= 0 || first.tsCpu >= 4 || first.tsStatus > K_WAITING)
                complain("an odd thread");
        }
        static_cast<void>(co_await attempt(Call::threadStat, owner.at(), 0, VirtAddr{0x1000}, 2048));
        static_cast<void>(co_await attempt(Call::threadStat, owner.at(), 0, array_at, 20));
        if (co_await attempt(Call::actorStat, 0, array_at, 100) >= 0)
            complain("a user actor sees all actors");
        if (co_await attempt(Call::portStat, owner.at(), 0, array_at, 2048) >= 0)
            complain("a user actor sees the names of ports");
    }
}

[[nodiscard]] Task<void> exchange_contexts(KnCap actor, long thread, u64 type) {
    Named owner;
    co_await owner.set(actor);
    if (co_await attempt(Call::threadContext, owner.at(), thread, type, context_at, 0) != K_OK) co_return;
    static_cast<void>(co_await attempt(Call::threadContext, owner.at(), thread, type, 0, context_at));
    static_cast<void>(
        co_await attempt(Call::threadContext, owner.at(), thread, type, context_at, context_at));
    static_cast<void>(
        co_await attempt(Call::threadContext, owner.at(), thread, type, VirtAddr{0x1000}, context_at));
    static_cast<void>(
        co_await attempt(Call::threadContext, owner.at(), thread, type, context_at, VirtAddr{0x1000}));
}

[[nodiscard]] Task<void> use_contexts(KnCap actor, std::vector<long> threads) {
    for (const u64 type : {u64{K_CURRCTX}, u64{K_SUPPRIV}, u64{K_USERPRIV}, u64{9}}) {
        for (const long thread : threads) {
            if (thread > 0) co_await exchange_contexts(actor, thread, type);
        }
    }
    const long stored = co_await attempt(Call::threadPrivateStore, 2, 77);
    const long loaded = co_await attempt(Call::threadPrivateLoad, 2);
    if (stored != 77 || loaded != 77) complain("a software register has forgotten");
}

[[nodiscard]] Task<void> rename(KnCap actor, std::vector<long> threads) {
    Named owner;
    co_await owner.set(actor);
    co_await store(name_at, std::array<char, 40>{"a name of more than thirty-two bytes"});
    for (const long thread : threads) {
        if (thread <= 0) continue;
        static_cast<void>(co_await attempt(Call::threadName, owner.at(), thread, 0, name_at));
        static_cast<void>(co_await attempt(Call::threadName, owner.at(), thread, name_at + 64, 0));
        static_cast<void>(co_await attempt(Call::threadName, owner.at(), thread, VirtAddr{0x1000}, 0));
    }
}

[[nodiscard]] Task<void> change_privilege(KnCap actor) {
    Named owner;
    Local<KnActorPrivilege> wanted, old;
    co_await owner.set(actor);
    co_await wanted.set(K_SYSTEMACTOR);
    if (co_await attempt(Call::actorPrivilege, owner.at(), old.at(), wanted.at()) == K_OK)
        complain("a user actor has made a SYSTEM one");
    static_cast<void>(co_await attempt(Call::actorPrivilege, owner.at(), old.at(), 0));
}

} // namespace

Task<void> held_threads(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto busy = std::make_shared<Busy>();
    co_await make_busy(stage, busy);
    const KnCap other = co_await stage->actor();
    const auto play_hold = [&](Call begin, Call end, ThreadSettings settings) {
        return stage->play(
            other, [busy, begin, end](u64) { return hold_all(busy->actor, busy->threads, begin, end); },
            settings);
    };
    co_await play_hold(Call::threadStop, Call::threadStart, {.cpu = 0, .stack = 1});
    co_await play_hold(Call::threadSuspend, Call::threadResume, {.cpu = 2, .stack = 2});
    co_await stage->play(other, [busy](u64) { return hold_actor(busy->actor); }, {.cpu = 3, .stack = 3});
    co_await stage->play(other, [busy](u64) { return move_and_end(busy->actor, busy->threads); },
                         {.cpu = 1, .stack = 4});
    co_await stage->end();
}

Task<void> looks_at_threads(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto busy = std::make_shared<Busy>();
    co_await make_busy(stage, busy);
    const KnCap other = co_await stage->actor();
    co_await stage->play(other, [busy](u64) { return look_at_all(busy->actor); }, {.cpu = 1, .stack = 1});
    co_await stage->play(other, [busy](u64) { return use_contexts(busy->actor, busy->threads); },
                         {.cpu = 2, .stack = 2});
    co_await stage->play(other, [busy](u64) { return rename(busy->actor, busy->threads); }, {.stack = 3});
    co_await stage->play(other, [busy](u64) { return change_privilege(busy->actor); },
                         {.cpu = 3, .stack = 4});
    co_await stage->end();
}

} // namespace chorale::test
