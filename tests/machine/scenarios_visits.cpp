// Threads in other actors' code: what becomes of them when they are aborted, ended, held there; LAPs in LAPs,
// and what a fault ends.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

#include <algorithm>

namespace chorale::test {

using namespace host;

namespace {

// ---- threads that others act on while they are inside ----------------------------------------------------

enum Treatment : unsigned { aborted, ended, suspended, stopped, treatments };
constexpr unsigned visitors = 2 * treatments; // each from user mode and in supervisor mode

struct Visit {
    KnCap actor{};
    long thread{};
    bool entered{}, left{}, back{};
};
struct Visits {
    KnLapDesc lap{};
    std::array<Visit, visitors> all;
};
using VisitsPointer = std::shared_ptr<Visits>;

// The LAP: it waits until somebody does something, and has still something to do then.
[[nodiscard]] Task<void> stay(VisitsPointer visits, u64 which) {
    Visit& visit = visits->all[which];
    visit.entered = true;
    expect(co_await attempt(Call::threadDelay, ~u64{0}), K_EABORT, "in a LAP");
    co_await rest(100 * microsecond);
    co_await pause();
    visit.left = true;
}

[[nodiscard]] Task<void> visit_as_user(VisitsPointer visits, u64 which) {
    const long result = co_await visit(visits->lap, which);
    expect(result, K_OK, "a visit from user mode");
    visits->all[which].back = result == K_OK;
}

[[nodiscard]] Task<void> visit_as_supervisor(VisitsPointer visits, u64 which) {
    Local<KnCap> nobodys;
    expect(co_await attempt(Call::svGetInvoker, nobodys.at()), K_EINVAL, "outside all handlers");
    expect(co_await invoke_lap(visits->lap, which), K_OK, "a visit in supervisor mode");
    visits->all[which].back = true;
}

[[nodiscard]] Task<void> start_supervisors(VisitsPointer visits, KnCap actor) {
    for (unsigned which = treatments; which < visitors; ++which) {
        const Program program = [=](u64) { return visit_as_supervisor(visits, which); };
        const long thread = co_await start_supervisor_thread(actor, program, which % 4);
        if (thread > 0) visits->all[which].actor = actor;
        visits->all[which].thread = thread;
    }
}

[[nodiscard]] Task<void> start_users(StagePointer stage, VisitsPointer visits, KnCap actor) {
    for (unsigned which = 0; which < treatments; ++which) {
        const Program program = [=](u64) { return visit_as_user(visits, which); };
        const ThreadSettings settings{.cpu = (which + 1) % 4, .stack = which + 1};
        const long thread = co_await stage->serve(actor, program, settings);
        if (thread > 0) visits->all[which].actor = actor;
        visits->all[which].thread = thread;
    }
}

// What copies that fail make fail may succeed now.
[[nodiscard]] Task<long> insist(Call call, const Visit& visit) {
    long result = K_EFAULT;
    for (int tries = 0; tries < 4 && result == K_EFAULT; ++tries)
        result = co_await on_thread(call, visit.actor, visit.thread);
    co_return result;
}

// It goes on in the LAP, and no further before it is let go.
[[nodiscard]] Task<void> hold_visitor(VisitsPointer visits, unsigned which, Call hold, Call release) {
    const Visit& visit = visits->all[which];
    const long held = co_await insist(hold, visit);
    expect(held, K_OK, "a visitor is held");
    expect(co_await insist(Call::threadAbort, visit), K_OK, "a held visitor is aborted");
    if (!co_await until([&] { return visit.left; }) && !failures_expected())
        complain("a held visitor stays in the LAP");
    co_await rest(200 * microsecond);
    if (held == K_OK && visit.back) complain("a held visitor goes on at home");
    if (held == K_OK) expect(co_await insist(release, visit), K_OK, "a visitor is let go");
    if (!co_await until([&] { return visit.back; }) && !failures_expected())
        complain("a visitor that is no longer held does not come back");
}

// Its registers are the LAP's now: trusted eyes may see them, and nobody changes them.
[[nodiscard]] Task<void> look_at_registers(Visit visit, bool trusted) {
    Named owner;
    Local<KnThreadCtx> context;
    co_await owner.set(visit.actor);
    const auto exchange = [&](u64 old_context, u64 new_context) {
        return attempt(Call::threadContext, owner.at(), visit.thread, K_CURRCTX, old_context, new_context);
    };
    const long seen = co_await exchange(context.at().raw(), 0);
    expect(seen, trusted ? K_OK : K_EPRIV, "a visitor's registers");
    if (trusted && seen == K_OK)
        expect(co_await exchange(0, context.at().raw()), K_EBUSY, "a visitor's registers are changed");
}

[[nodiscard]] Task<void> spy(VisitsPointer visits, unsigned which) {
    const Visit& visit = visits->all[which];
    if (there(visit.actor) && co_await until([&] { return visit.entered; }))
        co_await look_at_registers(visit, false);
}

[[nodiscard]] Task<void> treat(VisitsPointer visits, unsigned which) {
    const Visit& visit = visits->all[which];
    if (!there(visit.actor) || !co_await until([&] { return visit.entered; })) {
        if (!failures_expected()) complain("a visitor has not come");
        co_return;
    }
    co_await look_at_registers(visit, true);
    switch (which % treatments) {
    case aborted:
        expect(co_await insist(Call::threadAbort, visit), K_OK, "a visitor is aborted");
        if (!co_await until([&] { return visit.back; }) && !failures_expected())
            complain("an aborted visitor does not come back");
        break;
    case ended:
        expect(co_await insist(Call::threadDelete, visit), K_OK, "a visitor is deleted");
        if (!co_await until([&] { return visit.left; }) && !failures_expected())
            complain("a visitor ends in the LAP");
        co_await rest(200 * microsecond);
        if (visit.back && !failures_expected()) complain("a deleted visitor comes back");
        expect(co_await insist(Call::threadAbort, visit), K_EINVAL, "a thread that is no more");
        break;
    case suspended:
        co_await hold_visitor(visits, which, Call::threadSuspend, Call::threadResume);
        break;
    default:
        co_await hold_visitor(visits, which, Call::threadStop, Call::threadStart);
        break;
    }
}

[[nodiscard]] Task<VisitsPointer> open_to_visitors(KnCap owner) {
    const auto visits = std::make_shared<Visits>();
    const u64 handler = supervisor_entry([visits](u64 which) { return stay(visits, which); });
    visits->lap = co_await lap_of({owner, handler, K_LAP_SAFE});
    co_return visits;
}

// Some from user mode and some of an actor at home in supervisor mode; none without a LAP (its key is 0
// then).
[[nodiscard]] Task<VisitsPointer> visitors_from(StagePointer stage, KnCap home, KnCap user) {
    const VisitsPointer visits = co_await open_to_visitors(co_await supervisor_actor_of(stage));
    if (visits->lap.ldKey == 0) co_return visits;
    co_await start_users(stage, visits, user);
    static_cast<void>(co_await supervise([=](u64) { return start_supervisors(visits, home); }));
    co_return visits;
}

// ---- LAPs in LAPs ----------------------------------------------------------------------------------------

struct Chain {
    KnCap user{}, first{}, second{};
    KnLapDesc safe{}, plain{}, guarded{}, raw{}, faulty{};
    unsigned depth{};
};
using ChainPointer = std::shared_ptr<Chain>;

[[nodiscard]] Task<void> in_raw(ChainPointer chain) {
    ++chain->depth;
    co_await expect_self(chain->first, "a raw LAP changes nothing");
    co_await expect_invoker(chain->second, "nor who is told to be the invoker");
}

// It calls one that faults without a guard of its own: so this one ends.
[[nodiscard]] Task<void> in_guarded(ChainPointer chain) {
    ++chain->depth;
    co_await expect_self(chain->first, "a set-jmp LAP");
    co_await expect_invoker(chain->second, "a set-jmp LAP");
    expect(co_await invoke_lap(chain->raw), K_OK, "a raw LAP");
    expect(co_await invoke_lap(chain->faulty), K_EFAIL, "nobody comes here");
    complain("a fault ends the wrong LAP");
}

[[nodiscard]] Task<void> in_plain(ChainPointer chain) {
    ++chain->depth;
    co_await expect_self(chain->second, "a plain LAP");
    co_await expect_invoker(chain->first, "a plain LAP");
    for (int i = 0; i < 2; ++i) expect(co_await invoke_lap(chain->guarded), K_EFAIL, "a set-jmp LAP");
    co_await expect_self(chain->second, "after a LAP that has failed");
    Named own;
    co_await own.set(chain->second);
    expect(co_await attempt(Call::actorDelete, own.at()), K_EBUSY, "the actor whose code this is");
}

[[nodiscard]] Task<void> in_safe(ChainPointer chain, u64 argument) {
    if (argument != 77) complain("another argument");
    ++chain->depth;
    co_await expect_self(chain->first, "a safe LAP");
    co_await expect_invoker(chain->user, "a safe LAP");
    expect(co_await invoke_lap(chain->plain), K_OK, "a plain LAP");
    co_await expect_invoker(chain->user, "after another LAP");
    expect(co_await visit(chain->plain), K_EINVAL, "a call invokes safe LAPs only");
    ++chain->depth;
}

[[nodiscard]] Task<void> touch_nothing() { co_await store(VirtAddr{0x10}, u64{1}); }

[[nodiscard]] Task<void> play_chain(ChainPointer chain) {
    expect(co_await visit(chain->plain), K_EINVAL, "a LAP that is not safe");
    expect(co_await visit(chain->safe, 77), K_OK, "a safe LAP");
    if (chain->depth != 7 && !failures_expected()) complain("a LAP was left out");
    co_await expect_self(chain->user, "home again");
}

[[nodiscard]] Task<ChainPointer> make_chain(StagePointer stage, KnCap user) {
    const auto chain = std::make_shared<Chain>();
    chain->user = user;
    chain->first = co_await supervisor_actor_of(stage);
    chain->second = co_await supervisor_actor_of(stage);
    const u64 safe = supervisor_entry([chain](u64 argument) { return in_safe(chain, argument); });
    const u64 plain = supervisor_entry([chain](u64) { return in_plain(chain); });
    const u64 guarded = supervisor_entry([chain](u64) { return in_guarded(chain); });
    const u64 raw = supervisor_entry([chain](u64) { return in_raw(chain); });
    const u64 faulty = supervisor_entry([](u64) { return touch_nothing(); });
    chain->safe = co_await lap_of({chain->first, safe, K_LAP_SAFE});
    chain->plain = co_await lap_of({chain->second, plain});
    chain->guarded = co_await lap_of({chain->first, guarded, K_LAP_SETJMP});
    chain->raw = co_await lap_of({chain->second, raw, K_LAP_SAMEHOST});
    chain->faulty = co_await lap_of({chain->second, faulty});
    co_return chain;
}

[[nodiscard]] bool whole(const Chain& chain) {
    const KnLapDesc all[] = {chain.safe, chain.plain, chain.guarded, chain.raw, chain.faulty};
    return std::ranges::all_of(all, [](const KnLapDesc& lap) { return lap.ldKey != 0; });
}

// ---- faults that end actors ------------------------------------------------------------------------------

[[nodiscard]] Task<void> visit_faulty(KnLapDesc lap) {
    expect(co_await visit(lap), K_EFAIL, "a safe LAP that faults");
    expect(co_await visit(lap), K_EINVAL, "and has gone with its owner");
}

[[nodiscard]] Task<void> invoke_faulty(KnLapDesc lap) {
    expect(co_await invoke_lap(lap), K_EFAIL, "a safe LAP that faults");
    expect(co_await invoke_lap(lap), K_EINVAL, "and has gone with its owner");
}

[[nodiscard]] Task<void> invoke_without_guard(KnLapDesc lap) {
    static_cast<void>(co_await invoke_lap(lap));
    complain("after a fault that nobody has dealt with");
}

[[nodiscard]] Task<void> start_in(KnCap actor, Program program, std::shared_ptr<bool> started) {
    *started = co_await start_supervisor_thread(actor, program, 1) > 0;
}

// ---- actors that end from inside -------------------------------------------------------------------------

[[nodiscard]] Task<void> delete_home(KnCap home) {
    Named named;
    co_await named.set(home);
    if (co_await attempt(Call::actorDelete, named.at()) == K_OK) complain("home is gone, but not its thread");
}

[[nodiscard]] Task<void> delete_itself(std::shared_ptr<bool> went_on) {
    if (co_await attempt(Call::threadDelete, 0, static_cast<u64>(K_MYSELF)) == K_OK) *went_on = true;
}

[[nodiscard]] Task<void> in_there(Program program, std::shared_ptr<bool> back) {
    static_cast<void>(co_await supervise(program));
    *back = true;
}

} // namespace

Task<void> visitors_of_all_kinds(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap home = co_await supervisor_actor_of(stage), user = co_await stage->actor();
    const VisitsPointer visits = co_await visitors_from(stage, home, user);
    if (visits->lap.ldKey != 0) {
        co_await stage->play(user, [visits](u64) { return spy(visits, aborted); }, {.cpu = 3, .stack = 9});
        co_await rest(200 * microsecond);
        for (unsigned which = 0; which < visitors; ++which) co_await treat(visits, which);
    }
    co_await stage->end();
}

// Their actors go while they are inside: they come as far as the end of the LAP.
Task<void> visitors_without_a_home(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap home = co_await supervisor_actor_of(stage), user = co_await stage->actor();
    const VisitsPointer visits = co_await visitors_from(stage, home, user);
    if (visits->lap.ldKey != 0) {
        for (const Visit& each : visits->all)
            if (there(each.actor)) static_cast<void>(co_await until([&] { return each.entered; }));
        if (there(user)) co_await remove_actor(user);
        if (there(home)) co_await remove_actor(home);
        for (const Visit& each : visits->all) {
            if (each.entered != each.left) complain("a visitor has ended in a LAP");
            if (each.back) complain("a visitor without a home has come back");
        }
    }
    co_await stage->end();
}

Task<void> laps_in_laps(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(false, K_SYSTEMACTOR);
    const ChainPointer chain = co_await make_chain(stage, user);
    if (whole(*chain)) {
        co_await stage->play(user, [chain](u64) { return play_chain(chain); }, {.cpu = 1, .stack = 1});
    }
    co_await stage->end();
}

Task<void> laps_that_fault(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor();
    const u64 handler = supervisor_entry([](u64) { return touch_nothing(); });
    const auto started = std::make_shared<bool>();

    const KnCap culprit = co_await supervisor_actor_of(stage);
    const KnLapDesc lap = co_await lap_of({culprit, handler, K_LAP_SAFE});
    if (lap.ldKey != 0)
        co_await stage->play(user, [lap](u64) { return visit_faulty(lap); }, {.cpu = 1, .stack = 1});

    constexpr u64 no_code = 0x1000;
    const KnCap astray = co_await supervisor_actor_of(stage);
    const KnLapDesc jump = co_await lap_of({astray, no_code, K_LAP_SAFE});
    if (jump.ldKey != 0)
        co_await stage->play(user, [jump](u64) { return visit_faulty(jump); }, {.cpu = 1, .stack = 1});

    const KnCap other = co_await supervisor_actor_of(stage), home = co_await supervisor_actor_of(stage);
    const KnLapDesc second = co_await lap_of({other, handler, K_LAP_SAFE});
    if (second.ldKey != 0 && there(home)) {
        const Program program = [second](u64) { return invoke_faulty(second); };
        static_cast<void>(co_await supervise([=](u64) { return start_in(home, program, started); }));
        if (*started && !co_await gone(other)) complain("the owner of a LAP that faults lives");
    }

    // Nothing guards it: its thread's own actor goes.
    const KnCap victim = co_await supervisor_actor_of(stage);
    const KnLapDesc plain = co_await lap_of({home, handler});
    if (plain.ldKey != 0 && there(victim)) {
        *started = false;
        const Program program = [plain](u64) { return invoke_without_guard(plain); };
        static_cast<void>(co_await supervise([=](u64) { return start_in(victim, program, started); }));
        if (*started && !co_await gone(victim)) complain("an actor survives a fault of its thread");
    }
    co_await stage->end();
}

Task<void> ends_from_inside(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto back = std::make_shared<bool>(), went_on = std::make_shared<bool>();
    const KnCap first = co_await stage->actor(), second = co_await stage->actor();
    const Program kill_home = [first](u64) { return delete_home(first); };
    const Program kill_itself = [went_on](u64) { return delete_itself(went_on); };
    const long one =
        co_await stage->serve(first, [=](u64) { return in_there(kill_home, back); }, {.cpu = 1, .stack = 1});
    const long two = co_await stage->serve(second, [=](u64) { return in_there(kill_itself, back); },
                                           {.cpu = 2, .stack = 1});
    if (one > 0 && !co_await gone(first) && !failures_expected()) complain("an actor survives");
    co_await rest(200 * microsecond);
    if (two > 0 && !failures_expected()) {
        if (*went_on) complain("a thread survives its own end");
        expect(co_await on_thread(Call::threadAbort, second, two), K_EINVAL, "a thread that is no more");
    }
    if (*back && !failures_expected()) complain("who has no home comes back");
    co_await stage->end();
}

} // namespace chorale::test
