// LAPs invoked by supervisor threads: function calls with bookkeeping.
#include "../settled.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>

#include <atomic>

namespace chorale::test {

namespace {

struct Seen {
    void* argument;
    KnCap self, invoker;
    int thread, got;
};
Seen seen;

void look(void* argument, void* cookie) {
    auto* const place = static_cast<Seen*>(cookie);
    place->argument = argument;
    place->got = svGetInvoker(&place->invoker);
    place->thread = threadSelf();
    static_cast<void>(actorSelf(&place->self));
}

bool same(const KnCap& one, const KnCap& other) {
    return one.ui.uiTail == other.ui.uiTail && one.key == other.key;
}

// Point 6: the execution actor changes, the home actor and the thread's number do not.
void point_06_execution_actor(Report& report) {
    KnCap own{}, other{}, now{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_SUPACTOR, K_ACTIVE), K_OK);
    for (const unsigned options : {0U, K_LAP_SAFE, K_LAP_SETJMP, K_LAP_SAFE | K_LAP_SETJMP}) {
        KnLapDesc lap{};
        seen = {};
        REQUIRE_EQ(svLapCreate(&other, look, &seen, options, &lap), K_OK);
        int here = 0;
        CHECK_EQ(lapInvoke(&lap, &here), K_OK);
        CHECK(seen.argument == &here);
        CHECK_EQ(seen.thread, threadSelf());
        CHECK(same(seen.self, other));
        CHECK_EQ(seen.got, K_OK);
        CHECK(same(seen.invoker, own));
        CHECK_EQ(actorSelf(&now), K_OK);
        CHECK(same(now, own));
        CHECK_EQ(svLapDelete(&lap), K_OK);
        CHECK_EQ(lapInvoke(&lap, &here), K_EINVAL);
    }
    // A raw LAP changes nothing.
    KnLapDesc raw{};
    seen = {};
    REQUIRE_EQ(svLapCreate(&other, look, &seen, K_LAP_SAMEHOST, &raw), K_OK);
    CHECK_EQ(lapInvoke(&raw, nullptr), K_OK);
    CHECK_EQ(seen.got, K_EINVAL);
    CHECK(same(seen.self, own));
    KnCap nobody{};
    CHECK_EQ(svGetInvoker(&nobody), K_EINVAL);
    // With the actor its LAPs go.
    KnLapDesc left{};
    REQUIRE_EQ(svLapCreate(&other, look, &seen, K_LAP_SAFE, &left), K_OK);
    CHECK_EQ(actorDelete(&other), K_OK);
    CHECK_EQ(lapInvoke(&left, nullptr), K_EINVAL);
    CHECK_EQ(lapInvoke(&raw, nullptr), K_EINVAL);
}

KnLapDesc chain[8];
unsigned depth;

void next_in_chain(void* argument, void*) {
    const auto at = reinterpret_cast<std::uintptr_t>(argument);
    ++depth;
    if (at + 1 < 8) {
        depth += lapInvoke(&chain[at + 1], reinterpret_cast<void*>(at + 1)) == K_OK ? 0U : 100U;
    }
}

void nested(Report& report) {
    depth = 0;
    for (unsigned i = 0; i < 8; ++i) {
        REQUIRE_EQ(svLapCreate(K_MYACTOR, next_in_chain, nullptr, i % 4, &chain[i]), K_OK);
    }
    CHECK_EQ(lapInvoke(&chain[0], nullptr), K_OK);
    CHECK_EQ(depth, 8);
    for (const KnLapDesc& lap : chain) {
        CHECK_EQ(svLapDelete(&lap), K_OK);
    }
}

[[gnu::noinline]] void fault(void*, void*) { *reinterpret_cast<volatile char*>(VmAddr{0x10}) = 1; }

KnLapDesc faulting;

void invoke_faulting(void*, void*) { static_cast<void>(lapInvoke(&faulting, nullptr)); }

// A fault ends the innermost set-jmp LAP, with everything that was called from it.
void set_jump(Report& report) {
    KnLapDesc outer{};
    KnCap own{}, now{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, fault, nullptr, K_LAP_SETJMP, &faulting), K_OK);
    for (unsigned i = 0; i < 100; ++i) {
        REQUIRE_EQ(lapInvoke(&faulting, nullptr), K_EFAIL);
    }
    CHECK_EQ(svLapDelete(&faulting), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, fault, nullptr, 0, &faulting), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, invoke_faulting, nullptr, K_LAP_SAFE | K_LAP_SETJMP, &outer), K_OK);
    CHECK_EQ(lapInvoke(&outer, nullptr), K_EFAIL);
    CHECK_EQ(actorSelf(&now), K_OK);
    CHECK(same(own, now));
    CHECK_EQ(svLapDelete(&outer), K_OK); // nobody is counted inside
    CHECK_EQ(svLapDelete(&faulting), K_OK);
}

// A fault in a safe LAP that is not set-jmp ends its owner; the invoker is told.
void owner_at_fault(Report& report) {
    KnCap owner{};
    KnLapDesc lap{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &owner, K_SUPACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(svLapCreate(&owner, fault, nullptr, K_LAP_SAFE, &lap), K_OK);
    CHECK_EQ(lapInvoke(&lap, nullptr), K_EFAIL);
    CHECK_EQ(actorName(&owner, nullptr, nullptr), K_EUNKNOWN);
    CHECK_EQ(lapInvoke(&lap, nullptr), K_EINVAL);
}

std::atomic<unsigned> inside, left, ended;
std::atomic<int> waited, invoked;
KnLapDesc busy;

void wait_inside(void*, void*) {
    ++inside;
    waited = threadDelay(K_NOTIMEOUT);
    sleep_milliseconds(3); // it takes its time to leave
    ++left;
}

void visitor(std::uintptr_t) {
    invoked = lapInvoke(&busy, nullptr);
    ++ended;
}

// Point 14: the deletion of a safe LAP aborts who is inside and waits until they have left.
void point_14_deletion_waits(Report& report) {
    inside = left = ended = 0;
    REQUIRE_EQ(svLapCreate(K_MYACTOR, wait_inside, nullptr, K_LAP_SAFE, &busy), K_OK);
    const unsigned threads = 6;
    for (unsigned i = 0; i < threads; ++i) {
        const int thread = start_supervisor_thread({visitor, 0, K_DEFAULT_STACK_SIZE, 120});
        REQUIRE(thread > 0);
        threadBind(K_MYACTOR, thread, i % running_cpus(), nullptr, K_NONEXCLUSIVE);
    }
    REQUIRE(eventually([] { return inside == threads; }));
    CHECK_EQ(svLapDelete(&busy), K_OK);
    CHECK_EQ(left, threads);
    CHECK_EQ(waited, K_EABORT);
    CHECK(eventually([] { return ended == threads; }));
    CHECK_EQ(invoked, K_EABORT);
    CHECK_EQ(svLapDelete(&busy), K_EINVAL);
}

void delete_from_inside(void*, void*) { invoked = svLapDelete(&busy); }

void deletion_from_inside(Report& report) {
    REQUIRE_EQ(svLapCreate(K_MYACTOR, delete_from_inside, nullptr, K_LAP_SAFE, &busy), K_OK);
    CHECK_EQ(lapInvoke(&busy, nullptr), K_OK);
    CHECK_EQ(invoked, K_EINVAL);
    CHECK_EQ(svLapDelete(&busy), K_OK);
}

// The owner goes while others are inside: they are aborted and come home.
void owner_deleted(Report& report) {
    KnCap owner{};
    inside = left = ended = 0;
    REQUIRE_EQ(actorCreate(K_MYACTOR, &owner, K_SUPACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(svLapCreate(&owner, wait_inside, nullptr, K_LAP_SAFE, &busy), K_OK);
    const unsigned threads = 3;
    for (unsigned i = 0; i < threads; ++i) {
        const int thread = start_supervisor_thread({visitor, 0, K_DEFAULT_STACK_SIZE, 120});
        REQUIRE(thread > 0);
        threadBind(K_MYACTOR, thread, i % running_cpus(), nullptr, K_NONEXCLUSIVE);
    }
    REQUIRE(eventually([] { return inside == threads; }));
    CHECK_EQ(actorDelete(&owner), K_OK);
    CHECK_EQ(left, threads);
    CHECK(eventually([] { return ended == threads; }));
}

void invoke_at_random(std::uintptr_t) {
    for (unsigned i = 0; i < 2000; ++i) {
        const int result = lapInvoke(&busy, nullptr);
        if (result != K_OK && result != K_EABORT && result != K_EINVAL) {
            invoked = result;
        }
    }
    ++ended;
}

std::atomic<bool> dead;
std::atomic<unsigned> entered_dead;

void note_dead(void*, void*) { entered_dead += dead ? 1U : 0U; }

// Invocations and deletion race: none begins after the end of the deletion.
void deletion_races(Report& report) {
    for (unsigned round = 0; round < 10; ++round) {
        ended = 0;
        invoked = K_OK;
        dead = false;
        entered_dead = 0;
        REQUIRE_EQ(svLapCreate(K_MYACTOR, note_dead, nullptr, K_LAP_SAFE, &busy), K_OK);
        for (unsigned i = 0; i < running_cpus(); ++i) {
            const int thread = start_supervisor_thread({invoke_at_random, 0, K_DEFAULT_STACK_SIZE, 160});
            REQUIRE(thread > 0);
            threadBind(K_MYACTOR, thread, i, nullptr, K_NONEXCLUSIVE);
        }
        sleep_milliseconds(1);
        CHECK_EQ(svLapDelete(&busy), K_OK);
        dead = true;
        CHECK(eventually([] { return ended == running_cpus(); }));
        CHECK_EQ(entered_dead, 0);
        CHECK_EQ(invoked, K_OK);
    }
}

void create_errors(Report& report) {
    KnLapDesc lap{};
    KnCap user{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(svLapCreate(&user, look, nullptr, 0, &lap), K_EINVAL);
    CHECK_EQ(svLapCreate(K_MYACTOR, nullptr, nullptr, 0, &lap), K_EINVAL);
    CHECK_EQ(svLapCreate(K_MYACTOR, look, nullptr, 8, &lap), K_EINVAL);
    CHECK_EQ(svLapCreate(K_MYACTOR, look, nullptr, K_LAP_SAMEHOST | K_LAP_SAFE, &lap), K_EINVAL);
    CHECK_EQ(svLapCreate(K_MYACTOR, look, nullptr, 0, nullptr), K_EFAULT);
    CHECK_EQ(actorDelete(&user), K_OK);
    CHECK_EQ(svLapCreate(&user, look, nullptr, 0, &lap), K_EUNKNOWN);
    // All of the table, and again.
    static KnLapDesc all[1100];
    for (unsigned round = 0; round < 2; ++round) {
        unsigned made = 0;
        int result = K_OK;
        while (made < 1100 && (result = svLapCreate(K_MYACTOR, look, nullptr, 0, &all[made])) == K_OK) {
            ++made;
        }
        CHECK_EQ(result, K_EFULL);
        while (made > 0) {
            CHECK_EQ(svLapDelete(&all[--made]), K_OK);
        }
    }
}

constexpr Case all_cases[] = {{"point_06_execution_actor", point_06_execution_actor},
                              {"nested", nested},
                              {"set_jump", set_jump},
                              {"owner_at_fault", owner_at_fault},
                              {"point_14_deletion_waits", point_14_deletion_waits},
                              {"deletion_from_inside", deletion_from_inside},
                              {"owner_deleted", owner_deleted},
                              {"deletion_races", deletion_races},
                              {"create_errors", create_errors}};

} // namespace

const std::span<const Case> lap_cases{all_cases};

} // namespace chorale::test
