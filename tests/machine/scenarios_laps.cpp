// Local access points: descriptors, names, threads that wait for a name, deletion while threads are inside.
// The host machine has no supervisor mode: here a thread is in it when the nucleus believes so, and who is
// inside a LAP got there by what lapInvoke does, written down once more.
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/lap/binding.hpp"
#include "kernel/lap/lap.hpp"
#include "tests/machine/expect.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

#include <string_view>

namespace chorale::test {

using namespace host;

namespace {

using Name = std::array<char, 16>;
constexpr VirtAddr some_code{0x1234};

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

[[nodiscard]] Task<void> with_privilege(Program program, u64 argument) {
    Thread& self = *chorale::this_cpu().current;
    self.supervisor.depth = 1;
    self.actor->privilege.store(K_SUPACTOR);
    co_await program(argument);
}

// What a thread in supervisor mode does, the last that its actor, a SYSTEM actor until then, is given.
[[nodiscard]] Program supervisor(Program program) {
    return [program = std::move(program)](u64 argument) { return with_privilege(program, argument); };
}

[[nodiscard]] Task<long> create(KnLapDesc& lap, u32 options = 0) {
    Local<KnLapDesc> place;
    const long result = co_await attempt(Call::svLapCreate, 0, some_code, 7, options, place.at());
    if (result == K_OK) lap = co_await place.get();
    co_return result;
}

[[nodiscard]] Task<long> erase(KnLapDesc lap) {
    Local<KnLapDesc> place;
    co_await place.set(lap);
    co_return co_await attempt(Call::svLapDelete, place.at());
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
    expect(co_await create(lap), K_EPRIV, "a user actor makes a LAP");
    expect(co_await erase(lap), K_EPRIV, "a user actor deletes a LAP");
    expect(co_await bind_name(lap, "name"), K_EPRIV, "a user actor binds a LAP");
    expect(co_await unbind_name("name"), K_EPRIV, "a user actor unbinds a LAP");
    expect(co_await attempt(Call::svHandlerConnect, 0, 0, 0, place.at()), K_EPRIV, "a user actor connects");
    expect(co_await attempt(Call::svHandlerDisconnect, 0, 0, 0, place.at()), K_EPRIV, "it disconnects");
    expect(co_await attempt(Call::svHandlerGetConnected, 3, 0, 8, place.at()), K_EPRIV, "it asks");
}

[[nodiscard]] Task<void> descriptors() {
    KnLapDesc lap{}, other{};
    Local<KnLapDesc> place;
    expect(co_await create(lap, 8), K_EINVAL, "an unknown option");
    expect(co_await create(lap, K_LAP_SAMEHOST | K_LAP_SAFE), K_EINVAL, "a raw LAP that is safe");
    expect(co_await attempt(Call::svLapCreate, 0, 0, 0, 0, place.at()), K_EINVAL, "a LAP without a handler");
    if (co_await create(lap) != K_OK) co_return;
    KnLapDesc forged = lap;
    ++forged.ldKey;
    expect(co_await erase(forged), K_EINVAL, "a forged key");
    expect(co_await erase({lap_limit, lap.ldKey}), K_EINVAL, "a place beyond the table");
    expect(co_await erase({~u64{0}, lap.ldKey}), K_EINVAL, "a place far beyond the table");
    const long gone = co_await erase(lap);
    expect(gone, K_OK, "the end of a LAP");
    if (gone != K_OK) co_return;
    expect(co_await erase(lap), K_EINVAL, "its second end");
    // The place may be the same; the descriptor never is.
    if (co_await create(other, K_LAP_SAFE | K_LAP_SETJMP) != K_OK) co_return;
    expect(co_await erase(lap), K_EINVAL, "a stale descriptor");
    static_cast<void>(co_await erase(other));
}

// ---- names -----------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> names_of_laps() {
    KnLapDesc lap{}, later{}, found{};
    if (co_await create(lap) != K_OK) co_return;
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
        const long gone = co_await erase(lap);
        expect(co_await resolve("1234567", K_LAP_NOBLOCK, found), K_OK, "the name of a dead LAP");
        if (gone == K_OK && co_await create(later) == K_OK) {
            expect(co_await bind_name(later, "1234567"), K_OK, "a name that a dead LAP has left");
            static_cast<void>(co_await erase(later));
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
[[nodiscard]] Task<void> bind_later(std::shared_ptr<KnLapDesc> made) {
    co_await rest(300 * microsecond);
    for (int tries = 0; tries < 4 && co_await create(*made, K_LAP_SAFE) != K_OK; ++tries) {
    }
    KnLapDesc found{};
    for (int tries = 0; tries < 4 && co_await bind_name(*made, "secret", K_LAP_PROTECTED) != K_OK; ++tries) {
    }
    expect(co_await resolve("secret", 0, found), K_OK, "a trusted thread and a protected name");
    for (int tries = 0; tries < 4 && co_await bind_name(*made, "late") != K_OK; ++tries) {
    }
}

[[nodiscard]] Task<void> wait_for_secret(KnCap owner, std::shared_ptr<bool> saw) {
    KnLapDesc found{};
    expect(co_await resolve("secret", K_LAP_NOBLOCK, found), K_EUNKNOWN, "a protected name");
    *saw = true;
    static_cast<void>(owner);
    expect(co_await resolve("secret", 0, found), K_EABORT, "waiting for a protected name");
}

// ---- deletion while threads are inside -------------------------------------------------------------------

struct Inside {
    KnLapDesc lap{};
    bool entered{}, left{}, deleted{};
};

// What arch/*/supervisor/lap_invoke.S does with a safe LAP, before the handler and after.
[[nodiscard]] bool enter_safe(Thread& self, LapFrame& frame, const KnLapDesc& descriptor) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr) return false;
    frame = {self.invocations.frames.load(), target.lap->owner_and_kind.load(), target.lap, 0};
    self.invocations.frames.store(&frame);
    if (target.lap->key.load() == descriptor.ldKey) return true;
    self.invocations.frames.store(frame.outer);
    return false;
}

// Whether the LAP still lives.
[[nodiscard]] bool leave_safe(Thread& self, const LapFrame& frame) {
    const bool lives = frame.lap->dead.load() == 0;
    self.invocations.frames.store(frame.outer);
    return lives;
}

// Where the nucleus would have called the handler it waits, heeds the abort, and takes its time.
[[nodiscard]] Task<void> visit(std::shared_ptr<Inside> inside) {
    Thread& self = *chorale::this_cpu().current;
    auto frame = std::make_unique<LapFrame>();
    if (!enter_safe(self, *frame, inside->lap)) co_return;
    inside->entered = true;
    expect(co_await attempt(Call::threadDelay, ~u64{0}), K_EABORT, "in a LAP that is deleted");
    co_await rest(400 * microsecond);
    if (inside->deleted) complain("a LAP was deleted with a thread inside");
    inside->left = true;
    if (leave_safe(self, *frame) && !failures_expected()) complain("a deleted LAP lives");
}

[[nodiscard]] Task<void> delete_under(std::shared_ptr<Inside> inside) {
    for (int i = 0; i < 100 && !inside->entered; ++i) co_await rest(20 * microsecond);
    if (!inside->entered) co_return;
    long result = co_await erase(inside->lap);
    for (int tries = 0; tries < 3 && result == K_EFAULT; ++tries) result = co_await erase(inside->lap);
    expect(result, K_OK, "a LAP with a thread inside");
    if (result != K_OK) co_return;
    inside->deleted = true;
    if (!inside->left) complain("the deletion of a safe LAP did not wait");
}

// Goes away with the actor that it deletes a LAP of.
[[nodiscard]] Task<void> leave_laps_behind() {
    KnLapDesc lap{}, found{};
    for (const u32 options : {0u, K_LAP_SAFE, K_LAP_SETJMP, K_LAP_SAMEHOST})
        static_cast<void>(co_await create(lap, options));
    static_cast<void>(co_await resolve("never", 0, found));
}

// ---- handlers --------------------------------------------------------------------------------------------

[[nodiscard]] Task<long> handler_call(Call call, u32 kind, u32 index, KnLapDesc lap) {
    Local<KnLapDesc> place;
    co_await place.set(lap);
    co_return co_await attempt(call, kind, 0, index, place.at());
}

[[nodiscard]] Task<void> vectors() {
    KnLapDesc lap{}, other{};
    if (co_await create(lap) != K_OK || co_await create(other) != K_OK) co_return;
    const u64 whatever = ~u64{0};
    for (const u32 kind : {0u, 1u, 2u, 3u}) {
        // point 16: a vector for each actor, one handler for each trap of the site
        const u32 index = kind == K_TRAP_HANDLER ? K_TRAP_SYSTEMCALL : K_ACTOR_EXCVECT_LAST;
        const u32 beyond = kind == K_TRAP_HANDLER ? 9 : K_ACTOR_EXCVECT_MAX;
        expect(co_await handler_call(Call::svHandlerConnect, kind, beyond, lap), K_EINVAL, "beyond the end");
        expect(co_await handler_call(Call::svHandlerConnect, kind, index, {}), K_EINVAL, "no LAP");
        expect(co_await handler_call(Call::svHandlerGetConnected, kind, index, lap), K_EINVAL, "none there");
        if (co_await handler_call(Call::svHandlerConnect, kind, index, lap) != K_OK) continue;
        expect(co_await handler_call(Call::svHandlerConnect, kind, index, other), K_EBUSY, "one is there");
        expect(co_await handler_call(Call::svHandlerDisconnect, kind, index, other), K_EINVAL, "not this");
        expect(co_await attempt(Call::svHandlerDisconnect, kind, 0, index, whatever), K_OK, "whatever it is");
        expect(co_await attempt(Call::svHandlerDisconnect, kind, 0, index, whatever), K_EINVAL, "nothing");
    }
    expect(co_await handler_call(Call::svHandlerConnect, 4, 0, lap), K_EINVAL, "a kind that there is not");
    // A LAP that has died leaves its place to the next.
    if (co_await handler_call(Call::svHandlerConnect, 0, 0, lap) == K_OK && co_await erase(lap) == K_OK) {
        const long connected = co_await handler_call(Call::svHandlerConnect, 0, 0, other);
        expect(connected, K_OK, "a dead one's place");
        if (connected != K_OK) co_return;
        expect(co_await handler_call(Call::svHandlerDisconnect, 0, 0, other), K_OK, "this one");
    }
}

} // namespace

Task<void> names_and_laps(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor();
    co_await stage->play(user, [](u64) { return without_privilege(); }, {.stack = 1});
    const Program programs[] = {[](u64) { return descriptors(); }, [](u64) { return names_of_laps(); },
                                [](u64) { return vectors(); }};
    CpuIndex cpu = 0;
    for (const Program& program : programs) {
        const KnCap trusted = co_await stage->actor(false, K_SYSTEMACTOR);
        co_await stage->play(trusted, supervisor(program), {.cpu = ++cpu, .stack = 1});
    }
    co_await stage->end();
}

Task<void> names_that_come_later(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap trusted = co_await stage->actor(false, K_SYSTEMACTOR), user = co_await stage->actor();
    const auto made = std::make_shared<KnLapDesc>();
    const auto saw = std::make_shared<bool>();
    std::array<std::shared_ptr<KnLapDesc>, 4> found;
    for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
        found[cpu] = std::make_shared<KnLapDesc>();
        const Program program = [place = found[cpu]](u64) { return wait_for_name("late", place); };
        co_await stage->play(user, program, {cpu, 100, cpu + 1});
    }
    const long never = co_await stage->play(user, [](u64) { return wait_until_aborted(); }, {.stack = 6});
    const Program secretive = [user, saw](u64) { return wait_for_secret(user, saw); };
    const long secret = co_await stage->play(user, secretive, {.cpu = 1, .stack = 7});
    co_await stage->play(trusted, supervisor([made](u64) { return bind_later(made); }),
                         {.cpu = 2, .stack = 1});
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
    const KnCap trusted = co_await stage->actor(false, K_SYSTEMACTOR), user = co_await stage->actor();
    const KnCap short_lived = co_await stage->actor(false, K_SYSTEMACTOR);
    const Result<Actor*> owner = find_actor(trusted);
    if (owner.ok()) {
        const Result<KnLapDesc> lap = create_lap(*owner.value(), some_code.raw(), 0, K_LAP_SAFE);
        const auto inside = std::make_shared<Inside>();
        if (lap.ok()) {
            inside->lap = lap.value();
            co_await stage->play(user, [inside](u64) { return visit(inside); }, {.cpu = 1, .stack = 1});
            co_await stage->play(trusted, supervisor([inside](u64) { return delete_under(inside); }),
                                 {.stack = 1});
        }
    }
    co_await stage->serve(short_lived, supervisor([](u64) { return leave_laps_behind(); }),
                          {.cpu = 2, .stack = 1});
    co_await rest(millisecond);
    if (there(short_lived)) co_await remove_actor(short_lived);
    co_await stage->end();
    if (live_laps() != 0) complain("LAPs are left");
}

} // namespace chorale::test
