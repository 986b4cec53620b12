// Actors that go while the thread that deletes them has still to come back to their code, through LAPs,
// handlers and calls: it never does, and what is left of its way fails.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

namespace chorale::test {

using namespace host;

namespace {

// Three actors' worth of LAPs: `outer` and `middle` are the victim's, `inner` is another one's, which deletes
// the victim, or the victim's own, which faults.
struct Way {
    KnCap victim{}, other{};
    KnLapDesc outer{}, middle{}, inner{};
    KnUniqueId port{};
    unsigned entered{}, came_back{};
    long deleted{1};
};
using WayPointer = std::shared_ptr<Way>;

[[nodiscard]] Task<void> go_on(WayPointer way, KnLapDesc next) {
    ++way->entered;
    static_cast<void>(co_await invoke_lap(next));
    // A copy that failed on the way has kept the victim alive.
    if (!failures_expected()) ++way->came_back;
}

[[nodiscard]] Task<void> delete_victim(WayPointer way) {
    Named victim;
    co_await victim.set(way->victim);
    way->deleted = co_await attempt(Call::actorDelete, victim.at());
    if (way->deleted != K_EFAULT && way->deleted != K_OK) complain("the victim is not deleted");
}

[[nodiscard]] Task<void> fault() { co_await store(VirtAddr{0x10}, u64{1}); }

struct Kinds {
    u32 outer{}, middle{}, inner{};
    bool faults{};
};

[[nodiscard]] Task<WayPointer> way_of(StagePointer stage, Kinds kinds) {
    const auto way = std::make_shared<Way>();
    way->victim = co_await supervisor_actor_of(stage);
    way->other = co_await supervisor_actor_of(stage);
    const u64 last = kinds.faults ? supervisor_entry([](u64) { return fault(); })
                                  : supervisor_entry([way](u64) { return delete_victim(way); });
    const u64 second = supervisor_entry([way](u64) { return go_on(way, way->inner); });
    const u64 first = supervisor_entry([way](u64) { return go_on(way, way->middle); });
    way->inner = co_await lap_of({kinds.faults ? way->victim : way->other, last, kinds.inner});
    way->middle = co_await lap_of({way->victim, second, kinds.middle});
    way->outer = co_await lap_of({way->victim, first, kinds.outer});
    co_return way;
}

[[nodiscard]] bool whole(const Way& way) {
    return way.outer.ldKey != 0 && way.middle.ldKey != 0 && way.inner.ldKey != 0;
}

void look_at(const Way& way, long result) {
    if (failures_expected()) return;
    expect(result, K_EFAIL, "an invocation whose owner has gone");
    if (way.entered != 2 || way.came_back != 0) complain("code of an actor that has gone has run");
}

[[nodiscard]] Task<void> visit_outer(WayPointer way) { look_at(*way, co_await visit(way->outer)); }
[[nodiscard]] Task<void> invoke_outer(WayPointer way) {
    static_cast<void>(co_await invoke_lap(way->outer));
    if (!failures_expected()) complain("after an invocation that nothing guards");
}

// ---- message handlers that call their own port
// -------------------------------------------------------------

constexpr u64 deepest = 6;

[[nodiscard]] Task<long> call_port(KnUniqueId port, u64 word) {
    const Words words{{word}};
    co_return (co_await attempt(message_call(port, words, 8))).size;
}

[[nodiscard]] Task<long> call_by_descriptor(KnUniqueId port, u64 word) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    Local<u64> body;
    co_await body.set(word);
    co_await request.set({0, 8, body.at().raw(), 0, 0});
    co_await reply.set({0, 8, body.at().raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                               reply.at(), -1);
}

[[nodiscard]] Task<void> handle(WayPointer way, u64 argument) {
    const KnMsgDesc message = co_await load<KnMsgDesc>(VirtAddr{argument});
    const u64 depth = co_await load<u64>(VirtAddr{message.bodyAddr});
    ++way->entered;
    if (depth < deepest) {
        static_cast<void>(co_await call_by_descriptor(way->port, depth + 1));
    } else {
        static_cast<void>(co_await invoke_lap(way->inner));
    }
    if (!failures_expected()) ++way->came_back;
}

[[nodiscard]] Task<void> set_handler(WayPointer way, long li) {
    const u64 handler = supervisor_entry([way](u64 at) { return handle(way, at); });
    Named owner;
    co_await owner.set(way->victim);
    expect(co_await attempt(Call::svMsgHandler, owner.at(), li, handler, 0, 0), K_OK, "a message handler");
    Local<std::array<KnPortStat, 2>> told;
    static_cast<void>(
        co_await attempt(Call::portStat, owner.at(), 0, told.at(), sizeof(std::array<KnPortStat, 2>)));
    if (failures_expected()) co_return;
    unsigned flags = 0;
    for (const KnPortStat& each : co_await told.get()) flags |= each.psFlags;
    expect(flags & K_PORT_HANDLER, K_PORT_HANDLER, "what is told of its port");
}

[[nodiscard]] Task<void> call_victim(WayPointer way) {
    const long result = co_await call_port(way->port, 1);
    if (failures_expected()) co_return;
    expect(result, K_ECRASH, "a call to a handler whose actor has gone");
    if (way->entered != deepest || way->came_back != 0)
        complain("a handler of an actor that has gone has run");
}

} // namespace

Task<void> owners_that_go_beneath_threads(u64) {
    constexpr Kinds ways[] = {{K_LAP_SAFE, 0, 0},
                              {K_LAP_SAFE, K_LAP_SAFE, K_LAP_SAFE},
                              {K_LAP_SAFE | K_LAP_SETJMP, K_LAP_SETJMP, 0},
                              {K_LAP_SAFE, K_LAP_SAFE, K_LAP_SAFE, true}};
    for (const Kinds& kinds : ways) {
        const auto stage = std::make_shared<Stage>();
        const KnCap user = co_await stage->actor(false, K_SYSTEMACTOR);
        const WayPointer way = co_await way_of(stage, kinds);
        if (whole(*way))
            co_await stage->play(user, [way](u64) { return visit_outer(way); }, {.cpu = 1, .stack = 1});
        co_await stage->end();
    }
}

// In plain LAPs of the victim's: nothing there can fail, and the thread's own actor goes.
Task<void> owners_that_go_beneath_plain_laps(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto started = std::make_shared<bool>();
    const KnCap home = co_await supervisor_actor_of(stage);
    const WayPointer way = co_await way_of(stage, {});
    if (whole(*way) && there(home)) {
        const Program program = [way](u64) { return invoke_outer(way); };
        const Program start = [=](u64) -> Task<void> {
            *started = co_await start_supervisor_thread(home, program, 2) > 0;
        };
        static_cast<void>(co_await supervise(start));
        if (*started && !co_await gone(home) && !failures_expected())
            complain("a thread goes on in code that has gone");
    }
    co_await stage->end();
}

Task<void> handlers_whose_owners_go_beneath(u64) {
    for (const bool faults : {false, true}) {
        const auto stage = std::make_shared<Stage>();
        const KnCap user = co_await stage->actor(true, K_SYSTEMACTOR);
        const WayPointer way = co_await way_of(stage, {K_LAP_SAFE, 0, K_LAP_SAFE, faults});
        const long li = co_await Stage::port(way->victim, way->port);
        if (whole(*way) && li > 0) {
            static_cast<void>(co_await supervise([=](u64) { return set_handler(way, li); }));
            co_await stage->play(user, [way](u64) { return call_victim(way); }, {.cpu = 2, .stack = 1});
        }
        co_await stage->end();
    }
}

} // namespace chorale::test
