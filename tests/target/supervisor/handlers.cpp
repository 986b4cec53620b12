// Handlers that a supervisor actor connects: for itself, for the actors that it makes, for traps.
#include "../settled.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>

#include <atomic>

namespace chorale::test {

namespace {

std::atomic<unsigned> told, seen_inside, waits;
std::atomic<bool> leave;
std::atomic<int> result_of_wait, aborted_then;

void count(void*, void*) { ++told; }

bool same(const KnLapDesc& one, const KnLapDesc& other) {
    return one.ldPlace == other.ldPlace && one.ldKey == other.ldKey;
}

// Point 16: vectors of an actor; exceptions and aborts are inherited from actorinit, stops are not, and what
// the new actor has is its own.
void point_16_inheritance(Report& report) {
    KnLapDesc lap{}, found{};
    KnCap child{}, grandchild{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count, nullptr, 0, &lap), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &child, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(svActorExcHandlerGetConnected(&child, 0, &found), K_EINVAL);
    for (unsigned i = 0; i < K_ACTOR_EXCVECT_MAX; ++i) {
        CHECK_EQ(svActorExcHandlerConnect(&child, i, &lap), K_OK);
        CHECK_EQ(svActorAbortHandlerConnect(&child, i, &lap), K_OK);
        CHECK_EQ(svActorStopHandlerConnect(&child, i, &lap), K_OK);
    }
    REQUIRE_EQ(actorCreate(&child, &grandchild, K_USERACTOR, K_ACTIVE), K_OK);
    for (unsigned i = 0; i < K_ACTOR_EXCVECT_MAX; ++i) {
        found = {};
        CHECK_EQ(svActorExcHandlerGetConnected(&grandchild, i, &found), K_OK);
        CHECK(same(found, lap));
        CHECK_EQ(svActorAbortHandlerGetConnected(&grandchild, i, &found), K_OK);
        CHECK_EQ(svActorStopHandlerGetConnected(&grandchild, i, &found), K_EINVAL);
        CHECK_EQ(svActorExcHandlerDisconnect(&grandchild, i, &lap), K_OK);
        CHECK_EQ(svActorExcHandlerGetConnected(&child, i, &found), K_OK);
    }
    CHECK_EQ(actorDelete(&grandchild), K_OK);
    CHECK_EQ(actorDelete(&child), K_OK);
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

std::atomic<unsigned> steps, ended;

void run(std::uintptr_t) {
    while (!leave) {
        ++steps;
    }
    ++ended;
}

// A thread that is stopped runs its stop handlers first, once for each time; then it stands still.
void stop_handlers(Report& report) {
    KnLapDesc first{}, last{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count, nullptr, 0, &first), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count, nullptr, K_LAP_SAFE, &last), K_OK);
    REQUIRE_EQ(svActorStopHandlerConnect(K_MYACTOR, 0, &first), K_OK);
    REQUIRE_EQ(svActorStopHandlerConnect(K_MYACTOR, K_ACTOR_STOPVECT_LAST, &last), K_OK);
    CHECK_EQ(svActorStopHandlerConnect(K_MYACTOR, 0, &last), K_EBUSY);
    for (unsigned cpu = 0; cpu < running_cpus(); ++cpu) {
        told = steps = ended = 0;
        leave = false;
        const int thread = start_supervisor_thread({run, 0, K_DEFAULT_STACK_SIZE, 200});
        REQUIRE(thread > 0);
        threadBind(K_MYACTOR, thread, cpu, nullptr, K_NONEXCLUSIVE);
        CHECK(eventually([] { return steps != 0; }));
        for (unsigned round = 1; round <= 3; ++round) {
            CHECK_EQ(threadStop(K_MYACTOR, thread), K_OK);
            CHECK_EQ(threadStop(K_MYACTOR, thread), K_OK); // it is already: nobody is told again
            CHECK(eventually([&] { return told == 2 * round; }));
            const unsigned before = steps;
            sleep_milliseconds(2);
            CHECK_EQ(steps, before);
            CHECK_EQ(told, 2 * round);
            CHECK_EQ(threadStart(K_MYACTOR, thread), K_OK);
            CHECK(eventually([&] { return steps != before; }));
        }
        leave = true;
        CHECK(eventually([] { return ended == 1; }));
    }
    CHECK_EQ(svActorStopHandlerDisconnect(K_MYACTOR, 0, &last), K_EINVAL);
    CHECK_EQ(svActorStopHandlerDisconnect(K_MYACTOR, 0, &first), K_OK);
    CHECK_EQ(svActorStopHandlerDisconnect(K_MYACTOR, K_ACTOR_STOPVECT_LAST, K_CONNECTED_LAP), K_OK);
    CHECK_EQ(svLapDelete(&first), K_OK);
    CHECK_EQ(svLapDelete(&last), K_OK);
}

void wait_unabortably(std::uintptr_t) {
    KnTimeVal wait{0, 500'000'000 | K_NOABORT};
    waits = 1;
    result_of_wait = threadDelay(&wait);
    seen_inside = told.load();
    aborted_then = threadAborted();
    ++ended;
}

// Point 5: who is aborted in a wait that is not abortable is told when the wait is over, before it goes on,
// and then is not aborted any more.
void point_05_wait_not_abortable(Report& report) {
    KnLapDesc lap{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count, nullptr, 0, &lap), K_OK);
    REQUIRE_EQ(svActorAbortHandlerConnect(K_MYACTOR, 1, &lap), K_OK);
    for (unsigned cpu = 0; cpu < running_cpus(); ++cpu) {
        told = ended = seen_inside = waits = 0;
        aborted_then = -1;
        KnTimeVal begun{}, now{};
        sysTime(&begun);
        const int thread = start_supervisor_thread({wait_unabortably, 0, K_DEFAULT_STACK_SIZE, 120});
        REQUIRE(thread > 0);
        threadBind(K_MYACTOR, thread, cpu, nullptr, K_NONEXCLUSIVE);
        CHECK(eventually([] { return waits == 1; }));
        sleep_milliseconds(10);
        CHECK_EQ(threadAbort(K_MYACTOR, thread), K_OK);
        sleep_milliseconds(2);
        const unsigned told_early = told;
        sysTime(&now);
        // An emulated machine may stand still until the wait is over.
        if ((now.tmSec - begun.tmSec) * 1'000'000'000 + now.tmNSec - begun.tmNSec < 490'000'000) {
            CHECK_EQ(told_early, 0);
        }
        CHECK(eventually([] { return ended == 1; }));
        CHECK_EQ(seen_inside, 1);
        CHECK_EQ(told, 1);
        CHECK_EQ(result_of_wait, K_ETIMEOUT);
        CHECK_EQ(aborted_then, 0);
    }
    CHECK_EQ(svActorAbortHandlerDisconnect(K_MYACTOR, 1, &lap), K_OK);
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

// ---- handlers without LAPs -----------------------------------------------------------------------------

std::atomic<unsigned long> recovery;

int repair(KnThreadCtx* context, int, void* address) {
    if (address != reinterpret_cast<void*>(VmAddr{0x10})) {
        return 1;
    }
    ++told;
    context->pc = recovery;
    return 0;
}

[[noreturn, gnu::aligned(16)]] void recover() {
    ++ended;
    for (;;) {
        threadDelete(K_MYACTOR, K_MYSELF);
    }
}

void fault(std::uintptr_t) { *reinterpret_cast<volatile char*>(VmAddr{0x10}) = 1; }

void note_abort(KnThreadCtx*) { ++told; }

int no_trap(KnThreadCtx*, unsigned) { return 0; }

void point_16_handlers_without_laps(Report& report) {
    told = ended = 0;
    recovery = reinterpret_cast<unsigned long>(&recover);
    CHECK_EQ(svExcHandler(K_MYACTOR, nullptr), K_EINVAL); // there is none
    for (unsigned i = 0; i < 3; ++i) {
        CHECK_EQ(svExcHandler(K_MYACTOR, repair), K_OK);
    }
    REQUIRE(start_supervisor_thread({fault, 0, K_DEFAULT_STACK_SIZE, 120}) > 0);
    CHECK(eventually([] { return ended == 1; }));
    CHECK_EQ(told, 1);
    CHECK_EQ(svExcHandler(K_MYACTOR, nullptr), K_OK);
    CHECK_EQ(svAbortHandler(K_MYACTOR, note_abort), K_OK);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(told, 2);
    CHECK_EQ(threadAborted(), 0);
    CHECK_EQ(svAbortHandler(K_MYACTOR, nullptr), K_OK);
    CHECK_EQ(svTrapConnect(K_TRAP_SYSTEMCALL, nullptr), K_EINVAL);
    CHECK_EQ(svTrapConnect(9, no_trap), K_EINVAL);
    CHECK_EQ(svTrapConnect(K_TRAP_SYSTEMCALL, no_trap), K_OK);
    CHECK_EQ(svTrapConnect(K_TRAP_SYSTEMCALL, no_trap), K_EBUSY); // one for the site
    CHECK_EQ(svTrapDisConnect(K_TRAP_SYSTEMCALL), K_OK);
    CHECK_EQ(svTrapDisConnect(K_TRAP_SYSTEMCALL), K_EINVAL);
}

constexpr Case all_cases[] = {{"point_16_inheritance", point_16_inheritance},
                              {"stop_handlers", stop_handlers},
                              {"point_05_wait_not_abortable", point_05_wait_not_abortable},
                              {"point_16_handlers_without_laps", point_16_handlers_without_laps}};

} // namespace

const std::span<const Case> handler_cases{all_cases};

} // namespace chorale::test
