// Supervisor mode in scenarios: LAPs of supervisor actors, handlers, and threads that visit them.
#pragma once

#include "arch/host/supervisor_actor.hpp"
#include "tests/machine/expect.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

// Runs `program` in supervisor mode on this user thread: LAPs and handlers can be made there. Whether it has
// come to its end.
[[nodiscard]] host::Task<bool> supervise(host::Program program);

// From user mode: a supervisor actor of the stage's; `nobody` when there is none.
[[nodiscard]] host::Task<KnCap> supervisor_actor_of(StagePointer stage);

struct LapOf {
    KnCap owner{};
    u64 handler{}; // host::supervisor_entry(), or a function
    u32 options{};
    u64 cookie{};
};
[[nodiscard]] host::Task<long> make_lap(LapOf wanted, KnLapDesc& lap);
[[nodiscard]] host::Task<long> delete_lap(KnLapDesc lap);
// The same from user mode; no descriptor (key 0) when it could not be made.
[[nodiscard]] host::Task<KnLapDesc> lap_of(LapOf wanted);

// From user mode.
[[nodiscard]] host::Task<long> visit(KnLapDesc lap, u64 argument = 0);

// svHandlerConnect, svHandlerDisconnect, svHandlerGetConnected; in supervisor mode, and from user mode.
[[nodiscard]] host::Task<long> handler_call(host::Call call, u32 kind, KnCap actor, u32 index, KnLapDesc lap);
[[nodiscard]] host::Task<long> connect(u32 kind, KnCap actor, u32 index, KnLapDesc lap);
[[nodiscard]] host::Task<void> disconnect(u32 kind, KnCap actor, u32 index);

[[nodiscard]] inline bool same_actor(const KnCap& one, const KnCap& other) {
    return one.ui.uiHead == other.ui.uiHead && one.ui.uiTail == other.ui.uiTail;
}
// In supervisor mode: svGetInvoker says `wanted`.
[[nodiscard]] host::Task<void> expect_invoker(KnCap wanted, const char* where);
// actorSelf says `wanted`: the execution actor.
[[nodiscard]] host::Task<void> expect_self(KnCap wanted, const char* where);

// Whether nobody knows the actor any more, now or soon.
[[nodiscard]] host::Task<bool> gone(KnCap actor);

// Until it is so, or for too long: whether it is.
template <class Condition>
[[nodiscard]] host::Task<bool> until(Condition condition) {
    for (int tries = 0; tries < 200; ++tries) {
        if (condition()) co_return true;
        co_await rest(20 * microsecond);
    }
    co_return condition();
}

} // namespace chorale::test
