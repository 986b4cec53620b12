// Handlers of exceptions, aborts, stops and traps.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

#include <cstddef>

namespace chorale::test {

using namespace host;

namespace {

// Where nothing is, in each actor.
constexpr VirtAddr nowhere{0x90'0000}, elsewhere{0xa0'0000};
constexpr unsigned page_fault = 14;

// What a handler is told lies with its invoker; the registers, on the system stack.
template <class Description>
[[nodiscard]] Description& told(u64 argument) {
    return *reinterpret_cast<Description*>(argument);
}
[[nodiscard]] VirtAddr pc_of(const KnThreadCtx* context) {
    return VirtAddr{reinterpret_cast<u64>(context)} + offsetof(KnThreadCtx, pc);
}

// ---- exceptions ------------------------------------------------------------------------------------------

struct Exceptions {
    KnCap user{}, owner{};
    unsigned passed{}, repaired{}, moved_on{}, faulted{}, breakpoints{};
    bool done{};
};
using ExceptionsPointer = std::shared_ptr<Exceptions>;

[[nodiscard]] Task<void> pass_on(ExceptionsPointer all) {
    ++all->passed;
    co_return;
}

[[nodiscard]] Task<void> touch(VirtAddr at) { co_await store(at, u64{1}); }

// Deals with all: brings the page that is missed at `nowhere`, and goes past any other access.
[[nodiscard]] Task<void> deal_with(ExceptionsPointer all, u64 argument) {
    auto& exception = told<KnExcDesc>(argument);
    co_await expect_self(all->owner, "an exception handler");
    co_await expect_invoker(all->user, "an exception handler");
    const VirtAddr at{reinterpret_cast<u64>(exception.excAddress)};
    if (exception.excNumber == K_TRAP_BREAKPOINT) {
        ++all->breakpoints;
    } else if (exception.excNumber != page_fault) {
        complain("another exception: " + std::to_string(exception.excNumber));
    } else if (at == nowhere) {
        KnRgnDesc region{};
        region.startAddr = at.raw();
        region.size = page_size;
        region.options = K_WRITABLE | K_NODEMAND;
        if (co_await allocate(all->user, region) < 0) co_return;
        ++all->repaired;
    } else {
        if (at != elsewhere && at.raw() != 0x10) complain("a fault at another address");
        const VirtAddr pc = pc_of(exception.threadCtx);
        co_await store(pc, co_await load<u64>(pc) + 4);
        ++all->moved_on;
    }
    exception.excHandled = 1;
}

[[nodiscard]] Task<void> fault_three_times(ExceptionsPointer all) {
    co_await store(nowhere, u64{77});
    if (co_await load<u64>(nowhere) != 77) complain("what was stored in a new page is lost");
    co_await store(elsewhere, u64{1});
    if (co_await load<u64>(elsewhere) != 0) complain("what cannot be read was read");
    co_await breakpoint();
    all->done = true;
}

// As above, for faults of its own code, and in a LAP of another's.
[[nodiscard]] Task<void> fault_in_supervisor_mode(ExceptionsPointer all, KnLapDesc guarded) {
    co_await store(VirtAddr{0x10}, u64{1});
    if (guarded.ldKey != 0) expect(co_await invoke_lap(guarded), K_EFAIL, "a set-jmp LAP of no handler's");
    all->done = true;
}

// Nothing of an exception handler's own exceptions is told to anybody; what it calls may fail.
[[nodiscard]] Task<void> fault_in_handler(ExceptionsPointer all, KnLapDesc guarded) {
    ++all->faulted;
    if (guarded.ldKey != 0) expect(co_await invoke_lap(guarded), K_EFAIL, "a set-jmp LAP in a handler");
    co_await touch(VirtAddr{0x20});
    complain("after a fault in a handler");
}

[[nodiscard]] Task<void> delete_invoker(ExceptionsPointer all) {
    Named actor;
    co_await actor.set(all->user);
    if (co_await attempt(Call::actorDelete, actor.at()) == K_OK) complain("a thread survives its actor");
}

[[nodiscard]] Task<ExceptionsPointer> exceptions_of(StagePointer stage) {
    const auto all = std::make_shared<Exceptions>();
    all->user = co_await stage->actor(false, K_SYSTEMACTOR);
    all->owner = co_await supervisor_actor_of(stage);
    co_return all;
}

[[nodiscard]] u64 dealing(ExceptionsPointer all) {
    return supervisor_entry([all](u64 argument) { return deal_with(all, argument); });
}

[[nodiscard]] Task<bool> connect_exceptions(KnCap actor, u32 index, LapOf wanted) {
    const KnLapDesc lap = co_await lap_of(wanted);
    co_return lap.ldKey != 0 && there(actor) && co_await connect(K_EXC_HANDLER, actor, index, lap) == K_OK;
}

[[nodiscard]] Task<void> run_in(KnCap actor, Program program) {
    static_cast<void>(co_await start_supervisor_thread(actor, program, 1));
}

// No room on the stack for what an exception handler needs: the LAP ends instead, and the thread goes on.
[[nodiscard]] Task<void> fault_at_the_bottom(u64) {
    const Local<std::array<std::byte, (16 << 10) - 64>> most;
    co_await touch(VirtAddr{0x30});
}

[[nodiscard]] Task<void> invoke_at_the_bottom(ExceptionsPointer all, KnLapDesc guarded) {
    expect(co_await invoke_lap(guarded), K_EFAIL, "a LAP without room for a handler");
    all->done = true;
}

// ---- aborts and stops ------------------------------------------------------------------------------------

struct Notices {
    unsigned aborts{}, stops{}, steps{};
    long waited{1}, aborted{1};
    bool done{}, leave{};
};
using NoticesPointer = std::shared_ptr<Notices>;

[[nodiscard]] Task<void> note(unsigned* count, u64 argument) {
    ++*count;
    if (co_await load<u64>(pc_of(told<KnAbortDesc>(argument).threadCtx)) == 0) complain("no registers");
}

[[nodiscard]] Task<bool> connect_notice(KnCap owner, KnCap actor, u32 kind, u32 index,
                                        NoticesPointer notices) {
    const u64 handler = supervisor_entry([notices, kind](u64 argument) {
        return note(kind == K_ABORT_HANDLER ? &notices->aborts : &notices->stops, argument);
    });
    const KnLapDesc lap = co_await lap_of({owner, handler});
    co_return lap.ldKey != 0 && there(actor) && co_await connect(kind, actor, index, lap) == K_OK;
}

// points 5 and 16: an aborted thread is told when it is home, before it goes on, and is no longer aborted.
[[nodiscard]] Task<void> wait_and_be_told(NoticesPointer notices, unsigned handlers) {
    const auto settled = [&](unsigned rounds, const char* when) -> void {
        if (!failures_expected() && notices->aborts != rounds * handlers) complain(when);
    };
    notices->waited = co_await attempt(Call::threadDelay, ~u64{0});
    settled(1, "a waiting thread was not told of its abort");
    // Without memory for a stack no handler runs, and the abort is still there.
    const long still = co_await attempt(Call::threadAborted);
    if (still != 0 && !failures_expected()) complain("a thread was told of its abort and is aborted");
    if (co_await attempt(Call::threadAbort, 0, static_cast<u64>(K_MYSELF)) == K_OK)
        settled(2, "a running thread was not told of its abort");
    notices->aborted = co_await attempt(Call::threadAborted);
    while (!notices->leave) {
        ++notices->steps;
        co_await rest(20 * microsecond);
    }
    notices->done = true;
}

// Each stop is told of once, and then nothing happens any more.
[[nodiscard]] Task<void> stop_and_start(KnCap actor, long thread, NoticesPointer notices, unsigned handlers) {
    for (unsigned round = 1; round <= 2; ++round) {
        const long held = co_await on_thread(Call::threadStop, actor, thread);
        if (held == K_OK) expect(co_await on_thread(Call::threadStop, actor, thread), K_OK, "stopped twice");
        const bool all = co_await until([=] { return notices->stops >= round * handlers; });
        if (!failures_expected() && (!all || notices->stops != round * handlers))
            complain("a stop is told of " + std::to_string(notices->stops) + " times");
        co_await rest(50 * microsecond);
        const unsigned before = notices->steps;
        co_await rest(200 * microsecond);
        if (held == K_OK && notices->steps != before) complain("a stopped thread goes on");
        for (int tries = 0; tries < 4; ++tries)
            if (co_await on_thread(Call::threadStart, actor, thread) != K_EFAULT) break;
        if (!co_await until([=] { return notices->steps != before; }) && !failures_expected())
            complain("a started thread does not go on");
    }
    notices->leave = true;
    if (!co_await until([=] { return notices->done; }) && !failures_expected())
        complain("a thread that was told has not ended");
}

[[nodiscard]] Task<void> tell(KnCap actor, long thread, NoticesPointer notices, unsigned handlers) {
    if (thread <= 0) co_return;
    co_await rest(100 * microsecond);
    for (int tries = 0; tries < 4 && notices->waited == 1; ++tries) {
        expect(co_await on_thread(Call::threadAbort, actor, thread), K_OK, "an abort");
        static_cast<void>(co_await until([=] { return notices->waited != 1; }));
    }
    expect(notices->waited, K_EABORT, "an aborted wait");
    if (!co_await until([=] { return notices->aborted != 1; }) && !failures_expected())
        complain("an abort that was told of is still there");
    co_await stop_and_start(actor, thread, notices, handlers);
}

[[nodiscard]] Task<void> start_in(KnCap actor, Program program, std::shared_ptr<long> thread) {
    *thread = co_await start_supervisor_thread(actor, program, 2);
}

// ---- traps -----------------------------------------------------------------------------------------------

constexpr u64 foreign = 300;
constexpr u32 known_traps[] = {K_TRAP_SYSTEMCALL, K_TRAP_BREAKPOINT};

struct Traps {
    KnCap user{}, owner{};
    unsigned calls{}, breakpoints{};
};
using TrapsPointer = std::shared_ptr<Traps>;

// Adds one to the first argument. It names quick functions, too.
[[nodiscard]] Task<void> on_trap(TrapsPointer traps, u64 argument) {
    auto& trap = told<KnSysTrapDesc>(argument);
    const VirtAddr context{reinterpret_cast<u64>(trap.threadCtx)};
    co_await expect_self(traps->owner, "a trap handler");
    co_await expect_invoker(traps->user, "a trap handler");
    static constexpr KnQuickCall none[K_TRAP_QUICK_LIMIT]{};
    trap.quickCalls = none;
    if (trap.trapNumber == K_TRAP_BREAKPOINT) {
        ++traps->breakpoints;
        co_return;
    }
    if (trap.trapNumber != K_TRAP_SYSTEMCALL) complain("another trap");
    ++traps->calls;
    const u64 given = co_await load<u64>(context + offsetof(KnThreadCtx, arguments));
    co_await store(context + offsetof(KnThreadCtx, control), given + 1);
}

[[nodiscard]] Task<void> trap(bool handled) {
    const long wanted = handled ? 42 : K_ENOTIMP;
    const auto refused = [](long result) { return failures_expected() && result == K_ENOTIMP; };
    const long first = co_await foreign_call(foreign, {41});
    if (!refused(first)) expect(first, wanted, "a foreign call");
    const long second = co_await foreign_call(foreign, {41});
    if (!refused(second)) expect(second, wanted, "another foreign call");
    expect(co_await raw_call(255, {41}), K_ENOTIMP, "a call that there is not");
    if (handled) co_await breakpoint();
}

// ---- inheritance -----------------------------------------------------------------------------------------

// point 16: exceptions and aborts are inherited from the model, stops are not.
[[nodiscard]] Task<void> inherit(StagePointer stage, KnCap model, KnLapDesc lap) {
    std::array<long, 3> connected{};
    for (const u32 kind : {0u, 1u, 2u})
        connected[kind] = co_await handler_call(Call::svHandlerConnect, kind, model, 1, lap);
    Named from;
    Local<KnCap> place;
    co_await from.set(model);
    if (co_await attempt(Call::actorCreate, from.at(), place.at(), K_USERACTOR, K_ACTIVE) != K_OK) co_return;
    const KnCap child = co_await place.get();
    stage->adopt(child);
    for (const u32 kind : {0u, 1u, 2u}) {
        const bool there = connected[kind] == K_OK && kind != K_STOP_HANDLER;
        expect(co_await handler_call(Call::svHandlerGetConnected, kind, child, 1, {}),
               there ? K_OK : K_EINVAL, "what a new actor inherits");
    }
    if (connected[0] == K_OK) {
        expect(co_await handler_call(Call::svHandlerDisconnect, 0, child, 1, lap), K_OK, "its own vector");
        expect(co_await handler_call(Call::svHandlerGetConnected, 0, model, 1, {}), K_OK, "not its model's");
    }
}

[[nodiscard]] Task<void> do_nothing() { co_return; }

} // namespace

Task<void> exceptions_handled(u64) {
    const auto stage = std::make_shared<Stage>();
    const ExceptionsPointer all = co_await exceptions_of(stage);
    const u64 passing = supervisor_entry([all](u64) { return pass_on(all); });
    const bool first = co_await connect_exceptions(all->user, 0, {all->owner, passing});
    const bool last = co_await connect_exceptions(all->user, 2, {all->owner, dealing(all), K_LAP_SAFE});
    if (first && last) {
        co_await stage->play(all->user, [all](u64) { return fault_three_times(all); },
                             {.cpu = 1, .stack = 1});
        const bool done = co_await until([all] { return all->done; });
        const bool right = all->passed == 4 && all->repaired == 1 && all->moved_on == 2;
        if (!failures_expected() && (!done || !right || all->breakpoints != 1))
            complain("exception handlers were passed over");
        // Nobody deals with it any more: it ends the actor.
        co_await disconnect(K_EXC_HANDLER, all->user, 2);
        const long thread =
            co_await stage->serve(all->user, [](u64) { return touch(elsewhere); }, {.cpu = 1, .stack = 2});
        if (thread > 0 && !co_await gone(all->user) && !failures_expected())
            complain("an actor survives an exception that nobody deals with");
    }
    co_await stage->end();
}

Task<void> handlers_that_fault(u64) {
    const auto stage = std::make_shared<Stage>();
    const ExceptionsPointer all = co_await exceptions_of(stage);
    const KnCap culprit = co_await supervisor_actor_of(stage), forgiven = co_await supervisor_actor_of(stage);
    const u64 touching = supervisor_entry([](u64) { return touch(VirtAddr{0x10}); });
    const KnLapDesc guarded = co_await lap_of({forgiven, touching, K_LAP_SETJMP});
    const u64 faulting = supervisor_entry([=](u64) { return fault_in_handler(all, guarded); });
    bool ready = co_await connect_exceptions(all->user, 0, {forgiven, faulting, K_LAP_SETJMP});
    ready = co_await connect_exceptions(all->user, 1, {culprit, faulting}) && ready;
    ready = co_await connect_exceptions(all->user, 3, {all->owner, dealing(all)}) && ready;
    if (ready) {
        co_await stage->play(all->user, [](u64) { return touch(elsewhere); }, {.cpu = 1, .stack = 1});
        const bool done = co_await until([all] { return all->moved_on == 1; });
        if (!failures_expected() && (!done || all->faulted != 2)) complain("a handler was passed over");
        if (!failures_expected() && !co_await gone(culprit)) complain("a handler's actor survives its fault");
    }
    // The last handler deletes the actor of the thread that it runs on.
    const ExceptionsPointer doomed = co_await exceptions_of(stage);
    const u64 deleting = supervisor_entry([doomed](u64) { return delete_invoker(doomed); });
    if (co_await connect_exceptions(doomed->user, 0, {doomed->owner, deleting})) {
        const long thread =
            co_await stage->serve(doomed->user, [](u64) { return touch(nowhere); }, {.cpu = 2, .stack = 1});
        if (thread > 0 && !failures_expected() && !co_await gone(doomed->user))
            complain("an actor survives its deletion by a handler");
    }
    co_await stage->end();
}

// Threads that are in supervisor mode already: handlers run further down on the same stack.
Task<void> exceptions_in_supervisor_mode(u64) {
    const auto stage = std::make_shared<Stage>();
    const ExceptionsPointer all = co_await exceptions_of(stage);
    const KnCap home = all->user = co_await supervisor_actor_of(stage);
    const KnCap stranger = co_await supervisor_actor_of(stage);
    const u64 touching = supervisor_entry([](u64) { return touch(VirtAddr{0x10}); });
    const KnLapDesc guarded = co_await lap_of({stranger, touching, K_LAP_SETJMP});
    if (co_await connect_exceptions(home, 0, {all->owner, dealing(all)})) {
        const Program program = [=](u64) { return fault_in_supervisor_mode(all, guarded); };
        static_cast<void>(co_await supervise([=](u64) { return run_in(home, program); }));
        const bool done = co_await until([all] { return all->done; });
        if (!failures_expected() && (!done || all->moved_on != 1)) complain("an exception was not told of");
        all->done = false;
        const u64 deep = supervisor_entry(fault_at_the_bottom);
        const KnLapDesc bottom = co_await lap_of({home, deep, K_LAP_SETJMP});
        const Program invoker = [=](u64) { return invoke_at_the_bottom(all, bottom); };
        if (bottom.ldKey != 0)
            static_cast<void>(co_await supervise([=](u64) { return run_in(home, invoker); }));
        if (!co_await until([all] { return all->done; }) && !failures_expected())
            complain("a thread without room for a handler has not come to its end");
    }
    co_await stage->end();
}

Task<void> aborts_and_stops_told(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap owner = co_await supervisor_actor_of(stage), user = co_await stage->actor();
    const KnCap home = co_await supervisor_actor_of(stage);
    const auto of_user = std::make_shared<Notices>(), of_home = std::make_shared<Notices>();
    bool ready = true;
    for (const u32 index : {0u, 3u}) {
        ready = co_await connect_notice(owner, user, K_ABORT_HANDLER, index, of_user) && ready;
        ready = co_await connect_notice(owner, user, K_STOP_HANDLER, index, of_user) && ready;
    }
    ready = co_await connect_notice(owner, home, K_ABORT_HANDLER, 1, of_home) && ready;
    ready = co_await connect_notice(owner, home, K_STOP_HANDLER, 2, of_home) && ready;
    if (ready) {
        const Program waiter = [of_user](u64) { return wait_and_be_told(of_user, 2); };
        const long thread = co_await stage->serve(user, waiter, {.cpu = 1, .stack = 1});
        co_await tell(user, thread, of_user, 2);
        const auto started = std::make_shared<long>();
        const Program other = [of_home](u64) { return wait_and_be_told(of_home, 1); };
        static_cast<void>(co_await supervise([=](u64) { return start_in(home, other, started); }));
        co_await tell(home, *started, of_home, 1);
    }
    of_user->leave = of_home->leave = true;
    co_await stage->end();
}

Task<void> traps_of_the_site(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto traps = std::make_shared<Traps>();
    traps->user = co_await stage->actor();
    traps->owner = co_await supervisor_actor_of(stage);
    const u64 handler = supervisor_entry([traps](u64 argument) { return on_trap(traps, argument); });
    const KnLapDesc lap = co_await lap_of({traps->owner, handler});
    co_await stage->play(traps->user, [](u64) { return trap(false); }, {.stack = 1});
    co_await rest(200 * microsecond);
    bool ready = lap.ldKey != 0;
    for (const u32 index : known_traps)
        ready = ready && co_await connect(K_TRAP_HANDLER, nobody, index, lap) == K_OK;
    if (ready) {
        co_await stage->play(traps->user, [](u64) { return trap(true); }, {.cpu = 1, .stack = 2});
        const bool all = co_await until([traps] { return traps->calls == 2 && traps->breakpoints == 1; });
        if (!all && !failures_expected()) complain("a trap was lost");
    }
    for (const u32 index : known_traps) co_await disconnect(K_TRAP_HANDLER, nobody, index);
    co_await stage->end();
}

Task<void> handlers_inherited(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), owner = co_await supervisor_actor_of(stage);
    const KnLapDesc lap = co_await lap_of({owner, supervisor_entry([](u64) { return do_nothing(); })});
    if (lap.ldKey != 0 && there(user))
        static_cast<void>(co_await supervise([=](u64) { return inherit(stage, user, lap); }));
    co_await stage->end();
}

} // namespace chorale::test
