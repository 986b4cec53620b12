// Actors whose end somebody wants to be told of: by others, by themselves, by faults; notices that are
// replaced or cancelled, and ports that go first.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

namespace chorale::test {

using namespace host;

namespace {

struct Ends {
    std::array<KnCap, 4> victims{};
    std::array<long, 4> asked{1, 1, 1, 1};
    KnUniqueId port{}, passing{};
    long li{};
    unsigned told{};
};
using EndsPointer = std::shared_ptr<Ends>;

// portui null: cancelled.
[[nodiscard]] Task<long> ask(KnCap actor, const KnUniqueId* port, u64 cookie) {
    Named victim;
    Local<KnUniqueId> name;
    co_await victim.set(actor);
    if (port != nullptr) co_await name.set(*port);
    co_return co_await attempt(Call::svActorEndNotice, victim.at(), port == nullptr ? 0 : name.at().raw(),
                               cookie);
}

[[nodiscard]] Task<void> ask_for_all(EndsPointer ends) {
    for (u64 which = 0; which < ends->victims.size(); ++which)
        if (there(ends->victims[which]))
            ends->asked[which] = co_await ask(ends->victims[which], &ends->port, which);
    const KnCap first = ends->victims[0];
    if (ends->asked[0] == K_OK && !failures_expected()) {
        expect(co_await ask(first, &ends->port, 9), K_EBUSY, "a second notice");
        expect(co_await ask(first, nullptr, 0), K_OK, "a notice is cancelled");
        expect(co_await ask(first, &ends->passing, 8), K_OK, "a notice for a port that goes");
    }
    // The last one's is given up; the first one's port goes.
    if (there(ends->victims[3])) static_cast<void>(co_await ask(ends->victims[3], nullptr, 0));
}

[[nodiscard]] Task<void> listen(EndsPointer ends) {
    for (;;) {
        Local<KnMsgDesc> unused;
        const MessageResult got = co_await message_receive(static_cast<int>(ends->li), 20);
        if (got.bytes() < 0) break;
        expect(got.bytes(), sizeof(KnEndNotice), "a notice");
        const u64 cookie = got.words.word[3];
        if (cookie >= ends->victims.size() || ends->asked[cookie] != K_OK) complain("another notice");
        if (co_await gone(ends->victims[cookie]) == false) complain("a notice of an actor that lives");
        ++ends->told;
    }
    // The second and the third; the first when its new notice was not asked for.
    if (!failures_expected() && ends->told != 2) complain("not as many notices as wanted");
}

[[nodiscard]] Task<void> end_myself() { static_cast<void>(co_await attempt(Call::actorDelete, u64{0})); }
[[nodiscard]] Task<void> fault() { co_await store(VirtAddr{0x10}, u64{1}); }

[[nodiscard]] Task<void> end_all(StagePointer stage, EndsPointer ends) {
    if (there(ends->victims[0])) co_await remove_actor(ends->victims[0]);
    if (there(ends->victims[1]))
        static_cast<void>(co_await stage->serve(ends->victims[1], [](u64) { return end_myself(); },
                                                {.cpu = 2, .stack = 1}));
    if (there(ends->victims[2]))
        static_cast<void>(
            co_await stage->serve(ends->victims[2], [](u64) { return fault(); }, {.cpu = 3, .stack = 1}));
    if (there(ends->victims[3])) co_await remove_actor(ends->victims[3]);
}

} // namespace

Task<void> ends_that_are_told(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto ends = std::make_shared<Ends>();
    const KnCap listener = co_await stage->actor();
    const KnCap passing = co_await stage->actor();
    for (KnCap& victim : ends->victims) victim = co_await stage->actor();
    ends->li = co_await Stage::port(listener, ends->port);
    const long other = co_await Stage::port(passing, ends->passing);
    if (ends->li > 0 && other > 0) {
        static_cast<void>(co_await supervise([ends](u64) { return ask_for_all(ends); }));
        co_await remove_actor(passing);
        static_cast<void>(
            co_await stage->play(listener, [ends](u64) { return listen(ends); }, {.cpu = 1, .stack = 1}));
        co_await end_all(stage, ends);
    }
    co_await stage->end();
}

} // namespace chorale::test
