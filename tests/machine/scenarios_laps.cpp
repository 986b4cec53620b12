// Local access points: descriptors, names, threads that wait for a name, deletion while threads are inside.
#include "kernel/lap/binding.hpp"
#include "kernel/lap/lap.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

#include <string_view>

namespace chorale::test {

using namespace host;

namespace {

using Name = std::array<char, 16>;

void do_nothing(u64, u64) {}
[[nodiscard]] u64 some_code() { return reinterpret_cast<u64>(&do_nothing); }

[[nodiscard]] Name name_of(std::string_view text) {
    Name name{};
    text.copy(name.data(), name.size() - 1);
    return name;
}

// Names stay when all else has gone: the next scenario begins without them.
void forget_name(std::string_view text) {
    LapName name = 0;
    std::memcpy(&name, text.data(), text.size());
    static_cast<void>(unbind_lap(name));
}

[[nodiscard]] Task<long> bind_name(KnLapDesc lap, std::string_view text, u32 options = 0) {
    Local<KnLapDesc> place;
    Local<Name> name;
    co_await place.set(lap);
    co_await name.set(name_of(text));
    co_return co_await attempt(Call::svLapBind, place.at(), name.at(), options);
}

[[nodiscard]] Task<long> unbind_name(std::string_view text) {
    Local<Name> name;
    co_await name.set(name_of(text));
    co_return co_await attempt(Call::svLapUnbind, name.at());
}

[[nodiscard]] Task<long> resolve(std::string_view text, u32 options, KnLapDesc& lap) {
    Local<KnLapDesc> place;
    Local<Name> name;
    co_await name.set(name_of(text));
    const long result = co_await attempt(Call::lapResolve, place.at(), name.at(), options);
    if (result == K_OK) lap = co_await place.get();
    co_return result;
}

// ---- what only supervisor actors may do ------------------------------------------------------------------

[[nodiscard]] Task<void> without_privilege() {
    KnLapDesc lap{};
    Local<KnLapDesc> place;
    co_await place.set({});
    expect(co_await make_lap({{}, some_code()}, lap), K_EPRIV, "a user actor makes a LAP");
    expect(co_await delete_lap(lap), K_EPRIV, "a user actor deletes a LAP");
    expect(co_await bind_name(lap, "name"), K_EPRIV, "a user actor binds a LAP");
    expect(co_await unbind_name("name"), K_EPRIV, "a user actor unbinds a LAP");
    expect(co_await attempt(Call::svHandlerConnect, 0, 0, 0, place.at()), K_EPRIV, "a user actor connects");
    expect(co_await attempt(Call::svHandlerDisconnect, 0, 0, 0, place.at()), K_EPRIV, "it disconnects");
    expect(co_await attempt(Call::svHandlerGetConnected, 3, 0, 8, place.at()), K_EPRIV, "it asks");
    expect(co_await attempt(Call::svGetInvoker, place.at()), K_EPRIV, "it asks who has invoked it");
    expect(co_await attempt(Call::lapComeHome), K_OK, "it is at home");
    expect(co_await visit({}), K_EINVAL, "no LAP");
    expect(co_await attempt(Call::lapInvoke, 0, 0), K_EFAULT, "the descriptor is nowhere");
    expect(co_await attempt(Call::lapResolve, place.at(), 0, 0), K_EFAULT, "the name is nowhere");
}

// LAPs of `owner`; `user` cannot have any.
[[nodiscard]] Task<void> descriptors(KnCap owner, KnCap user) {
    KnLapDesc lap{}, other{};
    Named named;
    co_await named.set(owner);
    const u64 code = some_code();
    expect(co_await make_lap({owner, code, 8}, lap), K_EINVAL, "an unknown option");
    expect(co_await make_lap({owner, code, K_LAP_SAMEHOST | K_LAP_SAFE}, lap), K_EINVAL, "raw and safe");
    expect(co_await make_lap({owner, 0}, lap), K_EINVAL, "a LAP without a handler");
    expect(co_await make_lap({user, code}, lap), K_EINVAL, "a LAP of a user actor's");
    expect(co_await make_lap({{}, code}, lap), K_EINVAL, "the home actor is a user actor");
    expect(co_await make_lap({{{1, 2}, 3}, code}, lap), K_EINVAL, "a LAP of nobody's");
    expect(co_await attempt(Call::svLapCreate, named.at(), code, 0, 0, 0), K_EFAULT, "told nobody");
    expect(co_await attempt(Call::svLapDelete, 0), K_EFAULT, "the descriptor is nowhere");
    if (co_await make_lap({owner, code}, lap) != K_OK) co_return;
    KnLapDesc forged = lap;
    ++forged.ldKey;
    expect(co_await delete_lap(forged), K_EINVAL, "a forged key");
    expect(co_await delete_lap({lap_limit, lap.ldKey}), K_EINVAL, "a place beyond the table");
    expect(co_await delete_lap({~u64{0}, lap.ldKey}), K_EINVAL, "a place far beyond the table");
    const long gone = co_await delete_lap(lap);
    expect(gone, K_OK, "the end of a LAP");
    if (gone != K_OK) co_return;
    expect(co_await delete_lap(lap), K_EINVAL, "its second end");
    // The place may be the same; the descriptor never is.
    if (co_await make_lap({owner, code, K_LAP_SAFE | K_LAP_SETJMP}, other) != K_OK) co_return;
    expect(co_await delete_lap(lap), K_EINVAL, "a stale descriptor");
    static_cast<void>(co_await delete_lap(other));
}

// ---- names -----------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> names_of_laps(KnCap owner) {
    KnLapDesc lap{}, later{}, found{};
    if (co_await make_lap({owner, some_code()}, lap) != K_OK) co_return;
    expect(co_await attempt(Call::svLapBind, 0, 0, 0), K_EFAULT, "a name for what is nowhere");
    expect(co_await attempt(Call::svLapUnbind, 0), K_EFAULT, "a name that is nowhere");
    expect(co_await unbind_name(""), K_EINVAL, "an empty name is unbound");
    expect(co_await bind_name(lap, ""), K_EINVAL, "an empty name");
    expect(co_await bind_name(lap, "1234567", 2), K_EINVAL, "an unknown option");
    expect(co_await bind_name({}, "1234567"), K_EINVAL, "a name for nothing");
    // point 14: seven characters and no more
    expect(co_await bind_name(lap, "12345678"), K_ENOMEM, "eight characters");
    expect(co_await resolve("12345678", K_LAP_NOBLOCK, found), K_ENOMEM, "eight characters");
    expect(co_await resolve("", 0, found), K_EINVAL, "no characters");
    expect(co_await resolve("none", 2, found), K_EINVAL, "an unknown option");
    expect(co_await resolve("none", K_LAP_NOBLOCK, found), K_EUNKNOWN, "a name that nobody bound");
    expect(co_await unbind_name("none"), K_EUNKNOWN, "a name that nobody bound is unbound");
    const long bound = co_await bind_name(lap, "1234567");
    expect(bound, K_OK, "seven characters");
    if (bound == K_OK) {
        expect(co_await bind_name(lap, "1234567"), K_EBUSY, "the same name again");
        if (co_await resolve("1234567", 0, found) == K_OK && !same_lap(found, lap)) complain("another LAP");
        // The name outlives the LAP, but whoever wants it may have it.
        const long gone = co_await delete_lap(lap);
        expect(co_await resolve("1234567", K_LAP_NOBLOCK, found), K_OK, "the name of a dead LAP");
        if (gone == K_OK && co_await make_lap({owner, some_code()}, later) == K_OK) {
            expect(co_await bind_name(later, "1234567"), K_OK, "a name that a dead LAP has left");
            static_cast<void>(co_await delete_lap(later));
        }
        for (int tries = 0; tries < 3 && co_await unbind_name("1234567") != K_OK; ++tries) {
        }
    }
    static_cast<void>(co_await attempt(Call::nullCall));
}

[[nodiscard]] Task<void> wait_for_name(std::string_view text, std::shared_ptr<KnLapDesc> found) {
    expect(co_await resolve(text, 0, *found), K_OK, "a name that comes later");
}

[[nodiscard]] Task<void> wait_until_aborted() {
    KnLapDesc found{};
    expect(co_await resolve("never", 0, found), K_EABORT, "a name that never comes");
    const long self = co_await attempt(Call::threadSelf);
    if (co_await on_thread(Call::threadAbort, nobody, self) != K_OK) co_return;
    expect(co_await resolve("never", K_LAP_NOBLOCK, found), K_EUNKNOWN, "no wait, no abort");
    expect(co_await resolve("never", 0, found), K_EABORT, "aborted before");
}

// The protected name is there for trusted actors, the other one for all; both come while others wait.
[[nodiscard]] Task<void> bind_later(KnCap owner, std::shared_ptr<KnLapDesc> made) {
    co_await rest(300 * microsecond);
    const LapOf wanted{owner, some_code(), K_LAP_SAFE};
    for (int tries = 0; tries < 4 && co_await make_lap(wanted, *made) != K_OK; ++tries) {
    }
    KnLapDesc found{};
    for (int tries = 0; tries < 4 && co_await bind_name(*made, "secret", K_LAP_PROTECTED) != K_OK; ++tries) {
    }
    const u32 options = failures_expected() ? K_LAP_NOBLOCK : 0; // then it may not be there
    const long seen = co_await resolve("secret", options, found);
    if (options == 0) expect(seen, K_OK, "a trusted thread and a protected name");
    for (int tries = 0; tries < 4 && co_await bind_name(*made, "late") != K_OK; ++tries) {
    }
}

[[nodiscard]] Task<void> wait_for_secret() {
    KnLapDesc found{};
    expect(co_await resolve("secret", K_LAP_NOBLOCK, found), K_EUNKNOWN, "a protected name");
    expect(co_await resolve("secret", 0, found), K_EABORT, "waiting for a protected name");
}

// ---- deletion while threads are inside -------------------------------------------------------------------

struct Inside {
    KnLapDesc lap{};
    unsigned entered{}, left{}, back{};
    bool deleted{};
};
using InsidePointer = std::shared_ptr<Inside>;

// The LAP: it waits, heeds the abort, and takes its time.
[[nodiscard]] Task<void> wait_inside(InsidePointer inside) {
    ++inside->entered;
    expect(co_await attempt(Call::threadDelay, ~u64{0}), K_EABORT, "in a LAP that is deleted");
    co_await rest(400 * microsecond);
    if (inside->deleted) complain("a LAP was deleted with a thread inside");
    ++inside->left;
}

[[nodiscard]] Task<void> visit_from_user_mode(InsidePointer inside) {
    const long result = co_await visit(inside->lap);
    expect(result, K_EABORT, "a LAP that was deleted meanwhile");
    if (result == K_EABORT) expect(co_await visit(inside->lap), K_EINVAL, "a LAP that was deleted before");
    ++inside->back;
}

[[nodiscard]] Task<void> visit_from_supervisor_mode(InsidePointer inside) {
    expect(co_await invoke_lap(inside->lap), K_EABORT, "a LAP that was deleted meanwhile");
    expect(co_await invoke_lap(inside->lap), K_EINVAL, "a LAP that was deleted before");
    ++inside->back;
}

[[nodiscard]] Task<void> start_visitor(KnCap actor, InsidePointer inside) {
    const Program program = [inside](u64) { return visit_from_supervisor_mode(inside); };
    expect(co_await start_supervisor_thread(actor, program, 2) > 0 ? K_OK : K_ENOMEM, K_OK, "a thread");
}

// Three are inside, on three CPUs: two from user mode, one in supervisor mode.
[[nodiscard]] Task<bool> let_in(StagePointer stage, KnCap user, KnCap other, InsidePointer inside) {
    const Program program = [inside](u64) { return visit_from_user_mode(inside); };
    co_await stage->play(user, program, {.cpu = 0, .stack = 1});
    co_await stage->play(user, program, {.cpu = 1, .stack = 2});
    static_cast<void>(co_await supervise([=](u64) { return start_visitor(other, inside); }));
    const bool all = co_await until([inside] { return inside->entered == 3; });
    if (!all && !failures_expected()) complain("not all visitors have come");
    co_return inside->entered != 0;
}

[[nodiscard]] Task<void> delete_under(InsidePointer inside) {
    long result = co_await delete_lap(inside->lap);
    for (int tries = 0; tries < 3 && result == K_EFAULT; ++tries) result = co_await delete_lap(inside->lap);
    expect(result, K_OK, "a LAP with threads inside");
    if (result != K_OK) co_return;
    inside->deleted = true;
    if (inside->left != inside->entered) complain("the deletion of a safe LAP did not wait");
}

[[nodiscard]] Task<void> delete_from_inside(std::shared_ptr<KnLapDesc> lap) {
    expect(co_await delete_lap(*lap), K_EINVAL, "a LAP is deleted from inside");
}

// Goes away with the actor that it deletes a LAP of.
[[nodiscard]] Task<void> leave_laps_behind(KnCap owner) {
    KnLapDesc lap{}, found{};
    for (const u32 options : {0u, K_LAP_SAFE, K_LAP_SETJMP, K_LAP_SAMEHOST})
        static_cast<void>(co_await make_lap({owner, some_code(), options}, lap));
    static_cast<void>(co_await resolve("never", 0, found));
}

[[nodiscard]] Task<void> in_there(Program program) { static_cast<void>(co_await supervise(program)); }

[[nodiscard]] Task<void> delete_lap_there(KnLapDesc lap) { static_cast<void>(co_await delete_lap(lap)); }

// Regions of the supervisor space that are the actor's own: they go with it.
[[nodiscard]] Task<void> give_memory(KnCap owner) {
    KnRgnDesc region{};
    region.size = 3 * page_size;
    region.options = K_ANYWHERE | K_WRITABLE | K_SUPERVISOR;
    for (int i = 0; i < 2; ++i) static_cast<void>(co_await allocate(owner, region));
}

// ---- handlers --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> vectors(KnCap owner, KnCap actor) {
    constexpr u64 whatever = ~u64{0};
    KnLapDesc lap{}, other{};
    const LapOf wanted{owner, some_code()};
    if (co_await make_lap(wanted, lap) != K_OK || co_await make_lap(wanted, other) != K_OK) co_return;
    Named named;
    co_await named.set(actor);
    const auto call = [actor](Call number, u32 kind, u32 index, KnLapDesc which) {
        return handler_call(number, kind, actor, index, which);
    };
    for (const u32 kind : {0u, 1u, 2u, 3u}) {
        // point 16: a vector for each actor, one handler for each trap of the site
        const u32 index = kind == K_TRAP_HANDLER ? K_TRAP_SYSTEMCALL : K_ACTOR_EXCVECT_LAST;
        const u32 beyond = kind == K_TRAP_HANDLER ? 9 : K_ACTOR_EXCVECT_MAX;
        for (const Call each :
             {Call::svHandlerConnect, Call::svHandlerDisconnect, Call::svHandlerGetConnected})
            expect(co_await call(each, kind, beyond, lap), K_EINVAL, "beyond the end");
        expect(co_await call(Call::svHandlerConnect, kind, index, {}), K_EINVAL, "no LAP");
        expect(co_await attempt(Call::svHandlerConnect, kind, 0, index, 0), K_EFAULT,
               "a LAP that is nowhere");
        expect(co_await attempt(Call::svHandlerDisconnect, kind, 0, index, 0), K_EFAULT, "it goes");
        expect(co_await call(Call::svHandlerGetConnected, kind, index, lap), K_EINVAL, "none there");
        if (co_await call(Call::svHandlerConnect, kind, index, lap) != K_OK) continue;
        expect(co_await call(Call::svHandlerGetConnected, kind, index, lap), K_OK, "one is there");
        expect(co_await call(Call::svHandlerConnect, kind, index, other), K_EBUSY, "one is there");
        expect(co_await call(Call::svHandlerDisconnect, kind, index, other), K_EINVAL, "not this");
        const long gone = co_await attempt(Call::svHandlerDisconnect, kind, named.at(), index, whatever);
        expect(gone, K_OK, "whatever it is");
        if (gone != K_OK) continue;
        expect(co_await attempt(Call::svHandlerDisconnect, kind, named.at(), index, whatever), K_EINVAL,
               "nothing is connected any more");
    }
    expect(co_await call(Call::svHandlerConnect, 4, 0, lap), K_EINVAL, "a kind that there is not");
    expect(co_await handler_call(Call::svHandlerConnect, 0, {{1, 2}, 3}, 0, lap), K_EINVAL, "nobody's");
    // A LAP that has died leaves its place to the next.
    if (co_await call(Call::svHandlerConnect, 0, 0, lap) == K_OK && co_await delete_lap(lap) == K_OK) {
        const long connected = co_await call(Call::svHandlerConnect, 0, 0, other);
        expect(connected, K_OK, "a dead one's place");
        if (connected == K_OK)
            expect(co_await call(Call::svHandlerDisconnect, 0, 0, other), K_OK, "this one");
    }
}

} // namespace

Task<void> names_and_laps(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), owner = co_await supervisor_actor_of(stage);
    co_await stage->play(user, [](u64) { return without_privilege(); }, {.stack = 1});
    if (there(owner)) {
        static_cast<void>(co_await supervise([=](u64) { return descriptors(owner, user); }));
        static_cast<void>(co_await supervise([=](u64) { return names_of_laps(owner); }));
        static_cast<void>(co_await supervise([=](u64) { return vectors(owner, user); }));
    }
    co_await stage->end();
}

Task<void> names_that_come_later(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), owner = co_await supervisor_actor_of(stage);
    const auto made = std::make_shared<KnLapDesc>();
    std::array<std::shared_ptr<KnLapDesc>, 4> found;
    for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
        found[cpu] = std::make_shared<KnLapDesc>();
        const Program program = [place = found[cpu]](u64) { return wait_for_name("late", place); };
        co_await stage->play(user, program, {cpu, 100, cpu + 1});
    }
    const long never = co_await stage->play(user, [](u64) { return wait_until_aborted(); }, {.stack = 6});
    const long secret =
        co_await stage->play(user, [](u64) { return wait_for_secret(); }, {.cpu = 1, .stack = 7});
    static_cast<void>(co_await supervise([=](u64) { return bind_later(owner, made); }));
    co_await rest(2 * millisecond);
    for (const long thread : {never, secret}) {
        for (int tries = 0; thread > 0 && tries < 3; ++tries) {
            if (co_await on_thread(Call::threadAbort, user, thread) == K_OK) break;
        }
    }
    co_await stage->end();
    for (const auto& place : found) {
        if (!failures_expected() && !same_lap(*place, *made)) complain("a name of another LAP");
    }
    forget_name("late");
    forget_name("secret");
}

Task<void> laps_with_threads_inside(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), other = co_await supervisor_actor_of(stage);
    const KnCap owner = co_await supervisor_actor_of(stage);
    const auto inside = std::make_shared<Inside>();
    const u64 waits = supervisor_entry([inside](u64) { return wait_inside(inside); });
    inside->lap = co_await lap_of({owner, waits, K_LAP_SAFE});
    if (inside->lap.ldKey != 0 && co_await let_in(stage, user, other, inside))
        static_cast<void>(co_await supervise([=](u64) { return delete_under(inside); }));

    const auto own = std::make_shared<KnLapDesc>();
    const u64 suicidal = supervisor_entry([own](u64) { return delete_from_inside(own); });
    *own = co_await lap_of({owner, suicidal, K_LAP_SAFE});
    if (own->ldKey != 0) expect(co_await visit(*own), K_OK, "a LAP that cannot delete itself");
    co_await stage->end();
    if (inside->left != inside->entered) complain("a visitor is left inside");
}

// The same when the LAP's owner goes, and others of its LAPs, which nobody is inside of.
Task<void> owners_with_threads_inside(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), other = co_await supervisor_actor_of(stage);
    const KnCap owner = co_await supervisor_actor_of(stage), plain = co_await supervisor_actor_of(stage);
    const auto inside = std::make_shared<Inside>();
    const u64 waits = supervisor_entry([inside](u64) { return wait_inside(inside); });
    inside->lap = co_await lap_of({owner, waits, K_LAP_SAFE});
    const Program leaver = [owner](u64) { return leave_laps_behind(owner); };
    co_await stage->serve(user, [leaver](u64) { return in_there(leaver); }, {.cpu = 2, .stack = 5});
    static_cast<void>(co_await lap_of({plain, some_code()}));
    if (there(plain)) static_cast<void>(co_await supervise([plain](u64) { return give_memory(plain); }));
    if (inside->lap.ldKey != 0 && co_await let_in(stage, user, other, inside)) {
        // Somebody else deletes the LAP at the same time: whoever is later waits for the other.
        const Program deleter = [inside](u64) { return delete_lap_there(inside->lap); };
        co_await stage->serve(user, [=](u64) { return in_there(deleter); }, {.cpu = 3, .stack = 6});
        co_await rest(20 * microsecond);
        co_await remove_actor(owner);
        inside->deleted = true;
        if (inside->left != inside->entered) complain("the deletion of an actor did not wait for visitors");
    }
    if (there(plain)) co_await remove_actor(plain);
    co_await stage->end();
}

} // namespace chorale::test
