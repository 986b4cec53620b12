#include "tests/machine/supervising.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] Task<void> note_end(Program program, std::shared_ptr<bool> ended) {
    co_await program(0);
    *ended = true;
}

[[nodiscard]] Task<void> make_actor(StagePointer stage, std::shared_ptr<KnCap> made) {
    Local<KnCap> place;
    if (co_await attempt(Call::actorCreate, 0, place.at(), K_SUPACTOR, K_ACTIVE) != K_OK) co_return;
    *made = co_await place.get();
    stage->adopt(*made);
}

[[nodiscard]] Task<void> make_lap_there(LapOf wanted, std::shared_ptr<KnLapDesc> made) {
    static_cast<void>(co_await make_lap(wanted, *made));
}

[[nodiscard]] Task<void> call_there(Call call, u32 kind, KnCap actor, u32 index, KnLapDesc lap,
                                    std::shared_ptr<long> result) {
    *result = co_await handler_call(call, kind, actor, index, lap);
}

[[nodiscard]] Task<void> disconnect_there(u32 kind, KnCap actor, u32 index, std::shared_ptr<long> result) {
    constexpr u64 whatever = ~u64{0}; // K_CONNECTED_LAP
    Named owner;
    co_await owner.set(actor);
    *result = co_await attempt(Call::svHandlerDisconnect, kind, owner.at(), index, whatever);
}

[[nodiscard]] Task<void> expect_actor(Call call, KnCap wanted, const char* where, const char* otherwise) {
    Local<KnCap> place;
    const long result = co_await attempt(call, place.at());
    expect(result, K_OK, where);
    if (result == K_OK && !same_actor(co_await place.get(), wanted)) complain(std::string{where} + otherwise);
}

} // namespace

Task<bool> supervise(Program program) {
    const auto ended = std::make_shared<bool>();
    const long result = co_await in_supervisor_mode(
        [program = std::move(program), ended](u64) { return note_end(program, ended); });
    expect(result, K_OK, "the way into supervisor mode");
    co_return *ended;
}

Task<KnCap> supervisor_actor_of(StagePointer stage) {
    const auto made = std::make_shared<KnCap>();
    static_cast<void>(co_await supervise([stage, made](u64) { return make_actor(stage, made); }));
    co_return *made;
}

Task<long> make_lap(LapOf wanted, KnLapDesc& lap) {
    Named owner;
    Local<KnLapDesc> place;
    co_await owner.set(wanted.owner);
    const long result = co_await attempt(Call::svLapCreate, owner.at(), wanted.handler, wanted.cookie,
                                         wanted.options, place.at());
    if (result == K_OK) lap = co_await place.get();
    co_return result;
}

Task<KnLapDesc> lap_of(LapOf wanted) {
    const auto made = std::make_shared<KnLapDesc>();
    if (there(wanted.owner))
        static_cast<void>(co_await supervise([=](u64) { return make_lap_there(wanted, made); }));
    co_return *made;
}

Task<long> delete_lap(KnLapDesc lap) {
    Local<KnLapDesc> place;
    co_await place.set(lap);
    co_return co_await attempt(Call::svLapDelete, place.at());
}

Task<long> visit(KnLapDesc lap, u64 argument) {
    Local<KnLapDesc> place;
    co_await place.set(lap);
    co_return co_await attempt(Call::lapInvoke, place.at(), argument);
}

Task<long> handler_call(Call call, u32 kind, KnCap actor, u32 index, KnLapDesc lap) {
    Named owner;
    Local<KnLapDesc> place;
    co_await owner.set(actor);
    co_await place.set(lap);
    co_return co_await attempt(call, kind, owner.at(), index, place.at());
}

Task<long> connect(u32 kind, KnCap actor, u32 index, KnLapDesc lap) {
    const auto result = std::make_shared<long>(K_EFAULT);
    static_cast<void>(co_await supervise(
        [=](u64) { return call_there(Call::svHandlerConnect, kind, actor, index, lap, result); }));
    expect(*result, lap.ldKey != 0 ? K_OK : K_EINVAL, "a handler is connected");
    co_return *result;
}

Task<void> disconnect(u32 kind, KnCap actor, u32 index) {
    const auto result = std::make_shared<long>(K_EFAULT);
    for (int tries = 0; tries < 3 && *result == K_EFAULT; ++tries)
        static_cast<void>(
            co_await supervise([=](u64) { return disconnect_there(kind, actor, index, result); }));
}

Task<void> expect_invoker(KnCap wanted, const char* where) {
    return expect_actor(Call::svGetInvoker, wanted, where, ": another invoker");
}

Task<void> expect_self(KnCap wanted, const char* where) {
    return expect_actor(Call::actorSelf, wanted, where, ": another execution actor");
}

Task<bool> gone(KnCap actor) {
    for (int tries = 0; tries < 200; ++tries) {
        const long result = co_await on_thread(Call::threadAbort, actor, 1);
        if (result == K_EUNKNOWN) co_return true;
        co_await rest(20 * microsecond);
    }
    co_return false;
}

} // namespace chorale::test
