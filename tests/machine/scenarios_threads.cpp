// Threads: how they end, are aborted, move and wait for time, in every state that they can be in.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] constexpr int number(long li) { return static_cast<int>(li); }

[[nodiscard]] Task<void> sleep_for_ever() { static_cast<void>(co_await attempt(Call::threadDelay, ~u64{0})); }

[[nodiscard]] Task<void> sleep_long() { static_cast<void>(co_await rest(1000 * millisecond)); }

[[nodiscard]] Task<void> receive_once(long li, u64 flags, int delay) {
    static_cast<void>(co_await attempt(message_receive(number(li), delay, flags)));
}

[[nodiscard]] Task<void> call_once(KnUniqueId port, u64 flags) {
    static_cast<void>(co_await attempt(message_call(port, {}, 64, flags)));
}

// Serves its client for a long time.
[[nodiscard]] Task<void> hold(long li) {
    for (;;) {
        const MessageResult got = co_await attempt(message_receive(number(li)));
        if (got.size < 0) co_return;
        co_await rest(3 * millisecond);
    }
}

[[nodiscard]] Task<void> run_on() {
    for (int i = 0; i < 2000; ++i) co_await pause();
}

// Threads of an actor in all sorts of waits; whom they call and who serves them is another actor's.
struct Waiters {
    KnCap actor{}, servers{};
    KnUniqueId held{}, silent{}, own{};
    long held_li{}, silent_li{}, own_li{};
    std::vector<long> threads;
};

[[nodiscard]] Task<void> make_waiters(StagePointer stage, std::shared_ptr<Waiters> waiters, u64 flags) {
    Waiters& all = *waiters;
    all.actor = co_await stage->actor();
    all.servers = co_await stage->actor();
    all.held_li = co_await stage->port(all.servers, all.held);
    all.silent_li = co_await stage->port(all.servers, all.silent);
    all.own_li = co_await stage->port(all.actor, all.own);
    if (!there(all.actor) || !there(all.servers)) co_return;
    co_await stage->serve(all.servers, [li = all.held_li](u64) { return hold(li); }, {.stack = 1});
    co_await stage->serve(all.servers, [li = all.held_li](u64) { return hold(li); }, {.cpu = 1, .stack = 2});
    unsigned stack = 0;
    for (const CpuIndex cpu : {0u, 1u, 2u}) {
        const Program programs[] = {
            [](u64) { return sleep_for_ever(); },
            [](u64) { return sleep_long(); },
            [li = all.own_li, flags](u64) { return receive_once(li, flags, -1); },
            [li = all.own_li, flags](u64) { return receive_once(li, flags, 3); },
            [flags](u64) { return receive_once(K_ANYENABLED, flags, -1); },
            [held = all.held, flags](u64) { return call_once(held, flags); },
            [silent = all.silent, flags](u64) { return call_once(silent, flags); },
            [](u64) { return run_on(); },
        };
        for (const Program& program : programs) {
            const ThreadSettings settings{cpu, 100 + stack, ++stack};
            all.threads.push_back(co_await stage->serve(all.actor, program, settings));
        }
    }
}

// ---- ends ------------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> delete_threads(KnCap actor, std::vector<long> threads) {
    for (int round = 0; round < 2; ++round) {
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await on_thread(Call::threadDelete, actor, thread));
        }
    }
}

[[nodiscard]] Task<void> delete_itself(KnCap actor) {
    Named victim;
    co_await victim.set(actor);
    for (int tries = 0; tries < 5; ++tries)
        static_cast<void>(co_await attempt(Call::actorDelete, victim.at()));
    // By a program of the victim only where every copy was refused.
}

[[nodiscard]] Task<void> end_itself() {
    static_cast<void>(co_await attempt(Call::threadDelete, 0, K_MYSELF));
    complain("a thread that deleted itself goes on");
}

// ---- aborts ----------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> abort_all(KnCap actor, std::vector<long> threads) {
    for (const long thread : threads) {
        if (thread > 0) static_cast<void>(co_await on_thread(Call::threadAbort, actor, thread));
    }
}

// An abort that came before the wait ends it at once; one that was asked for does not.
[[nodiscard]] Task<void> aborted_before(KnUniqueId port, long li) {
    Local<KnMsgDesc> body, reply;
    Local<KnIpcDest> destination;
    co_await body.set({0, 8, data_base.raw(), 0, 0});
    co_await reply.set({K_ABORTABLE, 8, data_base.raw(), 0, 0});
    co_await destination.set({port, {}});
    const long self = co_await attempt(Call::threadSelf);
    for (int what = 0; what < 6; ++what) {
        if (co_await on_thread(Call::threadAbort, nobody, self) != K_OK) continue;
        long result = K_EABORT;
        if (what == 0) result = co_await rest(millisecond);
        if (what == 1) result = (co_await attempt(message_receive(number(li), 1, MESSAGE_ABORTABLE))).size;
        if (what == 2) result = (co_await attempt(message_call(port, {}, 8, MESSAGE_ABORTABLE))).size;
        if (what == 3)
            result = co_await attempt(Call::ipcCallMessage, body.at(), K_DEFAULTPORT, destination.at(),
                                      reply.at(), 1);
        if (what == 4) {
            // Not abortable, and still aborted afterwards.
            static_cast<void>(co_await attempt(message_receive(number(li), 0)));
            if (co_await attempt(Call::threadAborted) != 1) complain("an abort was lost");
            if (co_await attempt(Call::threadAborted) != 0) complain("an abort came twice");
        }
        if (result >= 0) complain("an aborted wait succeeded");
    }
    static_cast<void>(co_await attempt(Call::threadAborted));
}

[[nodiscard]] Task<void> abort_and_reply(long li) {
    MessageResult got = co_await attempt(message_receive(number(li)));
    const long self = co_await attempt(Call::threadSelf);
    if (got.size >= 0 && co_await on_thread(Call::threadAbort, nobody, self) == K_OK) {
        got = co_await attempt(message_reply_receive(number(li), {}, 64, MESSAGE_ABORTABLE));
        if (got.size >= 0) complain("an aborted wait for the next message succeeded");
    }
}

// ---- migration -------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> move_all(KnCap actor, std::vector<long> threads, CpuIndex first) {
    Named owner;
    Local<KnCpuId> old;
    co_await owner.set(actor);
    for (CpuIndex round = 0; round < 4; ++round) {
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await bind(actor, thread, (first + round) % 4));
        }
        for (const long thread : threads) {
            if (thread <= 0) continue;
            static_cast<void>(
                co_await attempt(Call::threadBind, owner.at(), thread, K_SAMECPU, old.at(), K_NONEXCLUSIVE));
        }
    }
}

[[nodiscard]] Task<void> move_around() {
    const long self = co_await attempt(Call::threadSelf);
    for (CpuIndex cpu = 0; cpu < 8; ++cpu) {
        if (co_await bind(nobody, self, cpu % 4) != K_OK) continue;
        if (co_await attempt(Call::cpuSelf) != cpu % 4) complain("bound to one CPU and on another");
    }
}

// Moves while it serves, and then replies from there.
[[nodiscard]] Task<void> serve_around(long li) {
    const long self = co_await attempt(Call::threadSelf);
    MessageResult got = co_await attempt(message_receive(number(li)));
    for (CpuIndex round = 0; round < 12; ++round) {
        if (got.size == K_EINVAL) co_return;
        static_cast<void>(co_await bind(nobody, self, round % 4));
        got = co_await attempt(message_reply_receive(number(li)));
    }
}

[[nodiscard]] Task<void> call_around(KnUniqueId port) {
    const long self = co_await attempt(Call::threadSelf);
    for (CpuIndex round = 0; round < 6; ++round) {
        static_cast<void>(co_await attempt(message_call(port)));
        static_cast<void>(co_await bind(nobody, self, (round + 1) % 4));
    }
}

// ---- time ------------------------------------------------------------------------------------------------

[[nodiscard]] Task<long> delay(long seconds, long nanoseconds) {
    Local<KnTimeVal> time;
    co_await time.set({seconds, nanoseconds});
    co_return co_await attempt(Call::threadDelay, time.at());
}

[[nodiscard]] Task<u64> time_now() {
    Local<KnTimeVal> time;
    if (co_await attempt(Call::sysTime, time.at()) != K_OK) co_return 0;
    const KnTimeVal now = co_await time.get();
    co_return static_cast<u64>(now.tmSec) * 1'000'000'000 + static_cast<u64>(now.tmNSec);
}

[[nodiscard]] Task<void> all_delays() {
    Local<KnTimeVal> resolution;
    static_cast<void>(co_await attempt(Call::sysTimeGetRes, resolution.at()));
    for (const long result : {co_await delay(0, 0), co_await attempt(Call::threadDelay, 0)}) {
        if (result != K_OK && result != K_EFAULT) complain("giving way takes no time");
    }
    for (const long result :
         {co_await delay(-1, 0), co_await delay(0, -1), co_await delay(0, 1'000'000'000)}) {
        if (result != K_EINVAL && result != K_EFAULT) complain("not a time, and accepted");
    }
    const u64 before = co_await time_now();
    const long result = co_await delay(0, 50'000);
    const u64 after = co_await time_now();
    if (result == K_ETIMEOUT && before != 0 && after != 0 && after < before + 50'000)
        complain("a delay was too short");
}

[[nodiscard]] Task<void> short_delay(u64 nanoseconds) {
    for (int i = 0; i < 3; ++i) static_cast<void>(co_await rest(nanoseconds));
}

[[nodiscard]] Task<void> time_outs(KnUniqueId silent, long li) {
    Local<KnMsgDesc> body;
    Local<KnIpcDest> destination;
    co_await body.set({0, 8, data_base.raw(), 0, 0});
    co_await destination.set({silent, {}});
    for (const int limit : {0, 1, 2}) {
        const long called = co_await attempt(Call::ipcCallMessage, body.at(), K_DEFAULTPORT, destination.at(),
                                             body.at(), limit);
        if (called >= 0) complain("nobody replied, and there is a reply");
        const MessageResult got = co_await attempt(message_receive(number(li), limit));
        if (got.size >= 0) complain("nobody sent, and there is a message");
        const MessageResult any = co_await attempt(message_receive(K_ANYENABLED, limit));
        if (any.size >= 0) complain("nobody sent to any port, and there is a message");
    }
}

} // namespace

Task<void> ends_of_threads(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto waiters = std::make_shared<Waiters>();
    co_await make_waiters(stage, waiters, 0);
    co_await rest(100 * microsecond);
    const KnCap other = co_await stage->actor();
    co_await stage->serve(other, [](u64) { return end_itself(); }, {.stack = 1});
    const std::vector<long> servers{1, 2};
    for (const CpuIndex cpu : {0u, 3u}) {
        const Program program = [actor = waiters->actor, threads = waiters->threads](u64) {
            return delete_threads(actor, threads);
        };
        co_await stage->play(other, program, {cpu, 100, cpu + 2});
    }
    co_await stage->play(other,
                         [actor = waiters->servers, servers](u64) { return delete_threads(actor, servers); },
                         {.cpu = 2, .stack = 7});
    co_await stage->end();
}

Task<void> ends_of_actors(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto first = std::make_shared<Waiters>(), second = std::make_shared<Waiters>();
    co_await make_waiters(stage, first, 0);
    const KnCap other = co_await stage->actor(), lone = co_await stage->actor();
    co_await rest(100 * microsecond);
    for (const CpuIndex cpu : {1u, 2u}) {
        const Program program = [victim = first->actor](u64) { return remove_actor(victim); };
        co_await stage->play(other, program, {cpu, 100, cpu});
    }
    const Program suicide = [](u64) { return delete_itself(nobody); };
    co_await stage->serve(first->servers, suicide, {.cpu = 3, .stack = 20});
    co_await stage->serve(lone, [](u64) { return sleep_long(); }, {.cpu = 1, .stack = 1});
    co_await stage->serve(lone, suicide, {.stack = 2});
    co_await stage->serve(lone, suicide, {.cpu = 2, .stack = 3});
    // Two that delete each other.
    const KnCap one = co_await stage->actor(), two = co_await stage->actor();
    co_await stage->serve(one, [two](u64) { return delete_itself(two); }, {.cpu = 1, .stack = 1});
    co_await stage->serve(two, [one](u64) { return delete_itself(one); }, {.cpu = 2, .stack = 1});
    co_await stage->end();
}

Task<void> aborts(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto waiters = std::make_shared<Waiters>();
    co_await make_waiters(stage, waiters, MESSAGE_ABORTABLE);
    co_await rest(100 * microsecond);
    const KnCap other = co_await stage->actor();
    for (const CpuIndex cpu : {0u, 2u}) {
        const Program program = [actor = waiters->actor, threads = waiters->threads](u64) {
            return abort_all(actor, threads);
        };
        co_await stage->play(other, program, {cpu, 100, cpu + 1});
    }
    KnUniqueId port{}, served{};
    const long li = co_await stage->port(other, port), serves = co_await stage->port(other, served);
    co_await stage->play(other, [port, li](u64) { return aborted_before(port, li); }, {.cpu = 1, .stack = 5});
    co_await stage->play(other, [serves](u64) { return abort_and_reply(serves); }, {.stack = 6});
    co_await stage->play(other, [served](u64) { return call_once(served, 0); }, {.stack = 7});
    co_await stage->end();
}

Task<void> migrations(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto waiters = std::make_shared<Waiters>();
    co_await make_waiters(stage, waiters, 0);
    const KnCap other = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await stage->port(other, port);
    if (li > 0) {
        co_await stage->serve(other, [li](u64) { return serve_around(li); }, {.stack = 1});
        co_await stage->play(other, [port](u64) { return call_around(port); }, {.stack = 2});
    }
    co_await stage->play(other, [](u64) { return move_around(); }, {.cpu = 1, .stack = 3});
    for (const CpuIndex cpu : {0u, 3u}) {
        const Program program = [actor = waiters->actor, threads = waiters->threads, cpu](u64) {
            return move_all(actor, threads, cpu);
        };
        co_await stage->play(other, program, {cpu, 100, cpu + 4});
    }
    co_await stage->play(other, [actor = waiters->servers](u64) { return move_all(actor, {1, 2}, 2); },
                         {.cpu = 2, .stack = 9});
    co_await stage->end();
}

Task<void> times(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    KnUniqueId silent{}, own{};
    static_cast<void>(co_await stage->port(actor, silent));
    const long li = co_await stage->port(actor, own);
    co_await stage->play(actor, [](u64) { return all_delays(); }, {.stack = 1});
    co_await stage->play(actor, [silent, li](u64) { return time_outs(silent, li); }, {.cpu = 1, .stack = 2});
    // More than are looked at at once, and in no order.
    for (unsigned i = 0; i < 24; ++i) {
        const u64 nanoseconds = i % 3 == 0 ? 40'000 : 40'000 + i * 7'919 % 20'000;
        co_await stage->play(actor, [nanoseconds](u64) { return short_delay(nanoseconds); },
                             {.cpu = 2, .priority = 100 + i % 2, .stack = 3 + i});
    }
    co_await stage->end();
}

} // namespace chorale::test
