// Private data of actors whose keys have destructors: called when the actor has ended, each once, whatever
// they do.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

namespace chorale::test {

using namespace host;

namespace {

struct Destroyed {
    KnCap owner{};
    unsigned calls{}, faults{};
    u64 sum{};
    long rested{}, deleted{};
};
using DestroyedPointer = std::shared_ptr<Destroyed>;

// As a destructor may: it waits, and would delete actors.
[[nodiscard]] Task<void> destroy_value(DestroyedPointer seen, u64 value) {
    ++seen->calls;
    seen->sum += value;
    co_await expect_self(seen->owner, "a destructor");
    seen->rested = co_await rest(100 * microsecond);
    Local<KnCap> owner;
    co_await owner.set(seen->owner);
    seen->deleted = co_await attempt(Call::actorDelete, owner.at());
}

[[nodiscard]] Task<void> destroy_wrongly(DestroyedPointer seen) {
    ++seen->faults;
    static_cast<void>(co_await load<u64>(VirtAddr{0x10}));
    complain("a destructor goes on after a fault");
}

[[nodiscard]] Task<PdKey> make_key(KnLapDesc destructor) {
    Local<PdKey> key;
    Local<KnLapDesc> lap;
    co_await lap.set(destructor);
    const u64 given = destructor.ldKey != 0 ? lap.at().raw() : 0;
    if (co_await attempt(Call::siteKeyCreate, key.at(), given) != K_OK) co_return 0;
    co_return co_await key.get();
}

[[nodiscard]] Task<void> delete_key(PdKey key) {
    if (key != 0) static_cast<void>(co_await attempt(Call::siteKeyDelete, key));
}

[[nodiscard]] Task<long> set_value(KnCap actor, PdKey key, u64 value) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(Call::siteDataSet, owner.at(), key, value);
}

// What goes with each of two actors; the second one's key is deleted before it.
[[nodiscard]] Task<void> end_with_values(DestroyedPointer seen, KnLapDesc good, KnLapDesc bad) {
    const PdKey first = co_await make_key(good), second = co_await make_key(bad),
                plain = co_await make_key({});
    const auto stage = std::make_shared<Stage>();
    const KnCap one = co_await stage->actor(), other = co_await stage->actor();
    long set = K_OK;
    for (const auto& [key, value] : {std::pair{first, u64{7}}, {second, 8}, {plain, 9}}) {
        const long result = there(one) && key != 0 ? co_await set_value(one, key, value) : long{K_EINVAL};
        if (result != K_OK) set = result;
    }
    if (there(one)) co_await remove_actor(one);
    if (!failures_expected()) expect(set, K_OK, "siteDataSet");
    if (!failures_expected()) {
        if (seen->calls != 1 || seen->sum != 7) complain("a destructor was not called once with its value");
        if (seen->faults != 1) complain("a destructor that faults was not called once");
        expect(seen->rested, K_ETIMEOUT, "a destructor's wait");
        expect(seen->deleted, K_EBUSY, "actorDelete by a destructor");
    }
    const unsigned before = seen->calls;
    if (there(other)) {
        static_cast<void>(co_await set_value(other, first, 7));
        co_await delete_key(first);
        co_await remove_actor(other);
    }
    if (!failures_expected() && seen->calls != before) complain("the destructor of a key that has gone");
    for (const PdKey key : {first, second, plain}) co_await delete_key(key);
    co_await stage->end();
}

} // namespace

Task<void> values_with_destructors(u64) {
    const auto seen = std::make_shared<Destroyed>();
    const auto stage = std::make_shared<Stage>();
    seen->owner = co_await supervisor_actor_of(stage);
    const u64 good = supervisor_entry([seen](u64 value) { return destroy_value(seen, value); });
    const u64 bad = supervisor_entry([seen](u64) { return destroy_wrongly(seen); });
    const KnLapDesc first = co_await lap_of({seen->owner, good, K_LAP_SAFE | K_LAP_SETJMP});
    const KnLapDesc second = co_await lap_of({seen->owner, bad, K_LAP_SAFE | K_LAP_SETJMP});
    if (there(seen->owner)) co_await end_with_values(seen, first, second);
    co_await stage->end();
}

} // namespace chorale::test
