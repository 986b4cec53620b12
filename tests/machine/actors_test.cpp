// What actors may be told and may change: privileges, protection identifiers, private data, threads of
// theirs.
#include "kernel/core/actor.hpp"
#include "tests/machine/solo.hpp"

#include <machine/mmu.hpp>
#include <machine/user_access.hpp>

namespace chorale::test {

namespace {

using namespace host;

constexpr KnCap stranger{{u64{5} << 51 | u64{1} << 47, 3}, 4};

// ---- privileges ------------------------------------------------------------------------------------------

[[nodiscard]] Task<long> change_privilege(KnCap actor, KnActorPrivilege wanted) {
    Named owner;
    Local<KnActorPrivilege> value;
    co_await owner.set(actor);
    co_await value.set(wanted);
    co_return co_await attempt(Call::actorPrivilege, owner.at(), 0, value.at());
}

[[nodiscard]] Task<KnActorPrivilege> privilege_of(KnCap actor) {
    Named owner;
    Local<KnActorPrivilege> value;
    co_await owner.set(actor);
    EXPECT_EQ(co_await attempt(Call::actorPrivilege, owner.at(), value.at(), 0), K_OK);
    co_return co_await value.get();
}

// By a user actor: neither itself nor anybody else.
[[nodiscard]] Task<void> may_not(KnCap system, KnCap user) {
    for (const KnCap actor : {nobody, system, user}) {
        for (const KnActorPrivilege wanted : {K_USERACTOR, K_SYSTEMACTOR})
            EXPECT_EQ(co_await change_privilege(actor, wanted), K_EPRIV);
    }
    Named owner;
    Local<KnCap> made;
    for (const u32 privilege : {u32{K_SYSTEMACTOR}, u32{K_SUPACTOR}})
        EXPECT_EQ(co_await attempt(Call::actorCreate, 0, made.at(), privilege, K_ACTIVE), K_EPRIV);
    co_await owner.set(system);
    for (const Call call : {Call::actorDelete, Call::actorStop, Call::actorStart})
        EXPECT_EQ(co_await attempt(call, owner.at()), K_EPRIV);
    for (const Call call : {Call::threadDelete, Call::threadStop, Call::threadStart, Call::threadSuspend})
        EXPECT_EQ(co_await attempt(call, owner.at(), 1), K_EPRIV);
    EXPECT_EQ(co_await attempt(Call::threadContext, owner.at(), 1, K_CURRCTX, 0, free_data), K_EPRIV);
    EXPECT_EQ(co_await attempt(Call::threadContext, 0, K_MYSELF, K_SUPPRIV, 0, free_data), K_EPRIV);
}

[[nodiscard]] Task<void> privileges() {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), other = co_await stage->actor();
    const KnCap system = co_await stage->actor(false, K_SYSTEMACTOR);
    EXPECT_EQ(co_await privilege_of(user), KnActorPrivilege{K_USERACTOR});
    EXPECT_EQ(co_await privilege_of(system), KnActorPrivilege{K_SYSTEMACTOR});
    for (const KnActorPrivilege wanted : {K_SYSTEMACTOR, K_SYSTEMACTOR, K_USERACTOR}) {
        EXPECT_EQ(co_await change_privilege(user, wanted), K_OK);
        EXPECT_EQ(co_await privilege_of(user), wanted);
    }
    // No way leads into the supervisor's space, or out of it.
    EXPECT_EQ(co_await change_privilege(user, K_SUPACTOR), K_EINVAL);
    EXPECT_EQ(co_await change_privilege(user, K_SYSTEMACTOR + 1), K_EINVAL);
    const KnCap nucleus = nucleus_actor().capability;
    EXPECT_EQ(co_await change_privilege(nucleus, K_USERACTOR), K_EPRIV);
    EXPECT_EQ(co_await privilege_of(user), KnActorPrivilege{K_USERACTOR});
    Named owner;
    Local<KnCap> made;
    co_await owner.set(nucleus);
    for (const Call call : {Call::actorDelete, Call::actorStop, Call::actorStart})
        EXPECT_EQ(co_await attempt(call, owner.at()), K_EPRIV);
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, made.at(), K_SUPACTOR, K_ACTIVE), K_EPRIV);
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, made.at(), K_SYSTEMACTOR + 1, K_ACTIVE), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, made.at(), K_USERACTOR, K_INACTIVE), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, nowhere, K_USERACTOR, K_ACTIVE), K_EFAULT);
    co_await owner.set(user);
    co_await store(free_data, KnActorPrivilege{K_SYSTEMACTOR});
    EXPECT_EQ(co_await attempt(Call::actorPrivilege, owner.at(), 0, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::actorPrivilege, owner.at(), nowhere, free_data), K_EFAULT);
    EXPECT_EQ(co_await privilege_of(user), KnActorPrivilege{K_USERACTOR}); // nothing was set
    co_await owner.set(stranger);
    EXPECT_EQ(co_await attempt(Call::actorPrivilege, owner.at(), 0, 0), K_EUNKNOWN);
    co_await stage->play(other, [=](u64) { return may_not(system, user); }, {.stack = 1});
    co_await stage->end();
}

// ---- protection identifiers ------------------------------------------------------------------------------

[[nodiscard]] Task<void> protection_identifiers() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    Named owner;
    Local<KnProtId> old, wanted;
    Local<KnCap> heir;
    co_await owner.set(actor);
    co_await wanted.set({1, 2, 3});
    EXPECT_EQ(co_await attempt(Call::actorPi, owner.at(), old.at(), wanted.at()), K_OK);
    EXPECT_EQ((co_await old.get()).uid, 0);
    EXPECT_EQ(co_await attempt(Call::actorPi, owner.at(), nowhere, free_data), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::actorPi, owner.at(), old.at(), nowhere), K_EFAULT);
    // An actor is made with those of its model.
    EXPECT_EQ(co_await attempt(Call::actorCreate, owner.at(), heir.at(), K_USERACTOR, K_ACTIVE), K_OK);
    for (const VirtAddr each : {VirtAddr{owner.at()}, heir.at()}) {
        EXPECT_EQ(co_await attempt(Call::actorPi, each, old.at(), 0), K_OK);
        const KnProtId told = co_await old.get();
        EXPECT_EQ(told.uid * 100 + told.gid * 10 + told.did, 123);
    }
    EXPECT_EQ(co_await attempt(Call::actorPi, owner.at(), 0, 0), K_OK);
    EXPECT_EQ(co_await attempt(Call::actorDelete, heir.at()), K_OK);
    EXPECT_EQ(co_await attempt(Call::actorPi, heir.at(), old.at(), 0), K_EUNKNOWN);
    co_await stage->end();
}

// ---- private data of actors ------------------------------------------------------------------------------

[[nodiscard]] Task<PdKey> make_key(long expected = K_OK) {
    Local<PdKey> key;
    EXPECT_EQ(co_await attempt(Call::siteKeyCreate, key.at(), 0), expected);
    co_return expected == K_OK ? co_await key.get() : 0;
}

[[nodiscard]] Task<u64> value_of(KnCap actor, PdKey key) {
    Named owner;
    Local<u64> value;
    co_await owner.set(actor);
    EXPECT_EQ(co_await attempt(Call::siteDataGet, owner.at(), key, value.at()), K_OK);
    co_return co_await value.get();
}

[[nodiscard]] Task<long> set_value(KnCap actor, PdKey key, u64 value) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(Call::siteDataSet, owner.at(), key, value);
}

// The keys go with this actor; another one's are made meanwhile.
[[nodiscard]] Task<void> make_all_keys(KnCap user) {
    for (const u64 copy : {1u, 2u}) { // the probe, and the telling: nothing is left behind
        machine::fail_user_copy_after(copy);
        static_cast<void>(co_await make_key(K_EFAULT));
    }
    std::vector<PdKey> keys;
    for (unsigned i = 0; i < PD_SITE_KEYS_MAX; ++i) keys.push_back(co_await make_key());
    static_cast<void>(co_await make_key(K_EFULL));
    EXPECT_EQ(co_await attempt(Call::siteKeyCreate, nowhere, 0), K_EFAULT);
    for (const PdKey key : keys) {
        EXPECT_NE(key, 0u);
        EXPECT_EQ(co_await value_of(user, key), 0u); // null in every actor
        EXPECT_EQ(co_await set_value(user, key, key + 1), K_OK);
        EXPECT_EQ(co_await value_of(nobody, key), 0u); // and each has its own
    }
    for (const PdKey key : keys) EXPECT_EQ(co_await value_of(user, key), key + 1);
    // The place of a key that was deleted is used again, its values are not.
    const PdKey old = keys[3];
    EXPECT_EQ(co_await attempt(Call::siteKeyDelete, old), K_OK);
    const PdKey again = co_await make_key();
    EXPECT_NE(again, old);
    EXPECT_EQ(co_await value_of(user, again), 0u);
    for (const PdKey none : {old, PdKey{0}, ~PdKey{0}}) {
        EXPECT_EQ(co_await attempt(Call::siteKeyDelete, none), K_EINVAL);
        EXPECT_EQ(co_await set_value(user, none, 1), K_EINVAL);
        EXPECT_EQ(co_await attempt(Call::siteDataGet, 0, none, free_data), K_EINVAL);
    }
    EXPECT_EQ(co_await set_value(stranger, again, 1), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::siteDataGet, 0, again, nowhere), K_EFAULT);
}

// Nobody's key is left when its maker is gone.
[[nodiscard]] Task<void> keys_of_actors() {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor();
    for (int round = 0; round < 2; ++round)
        co_await in_actor([user] { return make_all_keys(user); }, static_cast<CpuIndex>(round));
    co_await stage->end();
}

// ---- registers of threads --------------------------------------------------------------------------------

[[nodiscard]] Task<void> stay() { co_await sleep(10'000 * millisecond); }
[[nodiscard]] Task<void> work_for_ever() {
    for (;;) co_await pause();
}

[[nodiscard]] Task<void> contexts() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const long waiting = co_await stage->serve(actor, [](u64) { return stay(); }, {.cpu = 1, .stack = 1});
    const long running =
        co_await stage->serve(actor, [](u64) { return work_for_ever(); }, {.cpu = 2, .stack = 2});
    Named owner;
    co_await owner.set(actor);
    const auto exchange = [&](long thread, u64 type, VirtAddr old_at, VirtAddr new_at) {
        return attempt(Call::threadContext, owner.at(), thread, type, old_at, new_at);
    };
    constexpr VirtAddr here = free_data, there = free_data + 512, none{0};
    EXPECT_EQ(co_await exchange(running, K_CURRCTX, here, none), K_OK);
    auto context = co_await load<KnThreadCtx>(here);
    context.arguments[5] = 55;
    co_await store(there, context);
    EXPECT_EQ(co_await exchange(running, K_CURRCTX, none, there), K_OK);
    EXPECT_EQ(co_await exchange(running, K_CURRCTX, here, none), K_OK);
    EXPECT_EQ((co_await load<KnThreadCtx>(here)).arguments[5], 55u);
    EXPECT_EQ(co_await exchange(waiting, K_CURRCTX, here, there), K_EBUSY); // a call would read them
    context.pc = machine::user_limit();
    co_await store(there, context);
    EXPECT_EQ(co_await exchange(running, K_CURRCTX, here, there), K_EINVAL);
    // Software registers: two sets, whatever the thread does.
    const std::array<u64, K_NBPRIVDATA> first{11, 12}, second{21, 22};
    for (const auto& [type, values] : {std::pair{K_SUPPRIV, first}, {K_USERPRIV, second}}) {
        co_await store(there, values);
        EXPECT_EQ(co_await exchange(waiting, type, none, there), K_OK);
    }
    EXPECT_EQ(co_await exchange(waiting, K_SUPPRIV, here, none), K_OK);
    EXPECT_EQ((co_await load<std::array<u64, K_NBPRIVDATA>>(here)), first);
    EXPECT_EQ(co_await exchange(waiting, K_USERPRIV, here, there), K_OK);
    EXPECT_EQ((co_await load<std::array<u64, K_NBPRIVDATA>>(here)), second);
    EXPECT_EQ(co_await exchange(waiting, K_USERPRIV, nowhere, there), K_EFAULT);
    // Its own: it goes on with them, and what the call returns is in one of them.
    EXPECT_EQ(co_await attempt(Call::threadContext, 0, K_MYSELF, K_CURRCTX, there, 0), K_OK);
    EXPECT_GE(co_await attempt(Call::threadContext, 0, K_MYSELF, K_CURRCTX, here, there), 0);
    EXPECT_EQ((co_await load<KnThreadCtx>(here)).sp, (co_await load<KnThreadCtx>(there)).sp);
    EXPECT_EQ(co_await exchange(waiting, K_USERPRIV, here, nowhere), K_EFAULT);
    EXPECT_EQ(co_await exchange(waiting, K_USERPRIV + 1, here, none), K_EINVAL);
    EXPECT_EQ(co_await exchange(30, K_USERPRIV, here, none), K_EINVAL);
    // The old values cannot be told any more when the thread has answered.
    machine::fail_user_copy_after(3); // the capability, the probe, the values
    EXPECT_EQ(co_await exchange(waiting, K_USERPRIV, here, none), K_EFAULT);
    co_await owner.set(stranger);
    EXPECT_EQ(co_await exchange(waiting, K_USERPRIV, here, none), K_EUNKNOWN);
    co_await stage->end();
}

// The thread that is nobody's number any more, names at their longest.
[[nodiscard]] Task<void> names_of_threads() {
    constexpr VirtAddr name_at = free_data, old_at = free_data + 64;
    co_await store(name_at, std::array<char, 40>{"a name of more than thirty-two bytes"});
    EXPECT_EQ(co_await attempt(Call::threadName, 0, K_MYSELF, 0, name_at), K_OK);
    EXPECT_EQ(co_await attempt(Call::threadName, 0, K_MYSELF, old_at, 0), K_OK);
    const auto cut = co_await load<std::array<char, K_THREADNAMEMAX>>(old_at);
    EXPECT_EQ((std::string{cut.data()}),
              std::string{"a name of more than thirty-two bytes"}.substr(0, K_THREADNAMEMAX - 1));
    co_await store(name_at, std::array<char, 8>{"short"});
    EXPECT_EQ(co_await attempt(Call::threadName, 0, K_MYSELF, old_at, name_at), K_OK);
    EXPECT_EQ(co_await attempt(Call::threadName, 0, K_MYSELF, old_at, 0), K_OK);
    EXPECT_EQ((std::string{(co_await load<std::array<char, 8>>(old_at)).data()}), "short");
    for (const long none : {0L, -7L, long{Actor::thread_limit}, 30L})
        EXPECT_EQ(co_await attempt(Call::threadName, 0, none, old_at, name_at), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::threadName, 0, K_MYSELF, nowhere, 0), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::threadName, 0, K_MYSELF, 0, nowhere), K_EFAULT);
}

} // namespace

TEST(Actors, Privileges) { expect_clean(privileges); }
TEST(Actors, ProtectionIdentifiers) { expect_clean(protection_identifiers, 1); }
TEST(Actors, PrivateData) {
    expect_clean([](u64) { return keys_of_actors(); });
}
TEST(Actors, ContextsOfThreads) { expect_clean(contexts); }
TEST(Actors, NamesOfThreads) { expect_clean(names_of_threads, 3); }

} // namespace chorale::test
