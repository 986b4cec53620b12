// Interrupt handlers of supervisor actors, with a device that is really there.
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>
#include <sync/chSpinLock.h>
#include <test_device.hpp>

#include <atomic>

namespace chorale::test {

namespace {

constexpr KnTimeVal patience{30, 0};
constexpr int higher = 50;

struct Watcher {
    std::atomic<unsigned> calls;
    std::atomic<long> cpu;
    KnSem sem;
    bool acknowledges;
};
Watcher first, second;

void on_interrupt(void* cookie) {
    auto* const watcher = static_cast<Watcher*>(cookie);
    ++watcher->calls;
    if (watcher->acknowledges) {
        TestDevice::acknowledge();
    }
    semV(&watcher->sem);
}

void prepare(Watcher& watcher, bool acknowledges) {
    watcher.calls = 0;
    watcher.acknowledges = acknowledges;
    semInit(&watcher.sem, 0);
}

// Whether it is not called any more.
bool quiet(const Watcher& watcher) {
    const unsigned before = watcher.calls;
    sleep_milliseconds(20);
    return watcher.calls == before;
}

bool no_device(Report& report) {
    if (TestDevice::find()) {
        return false;
    }
    report.skip("no device to interrupt");
    return true;
}

void attach(Report& report) {
    if (no_device(report)) {
        return;
    }
    CpuIntrOps* ops = nullptr;
    CpuIntrId id = 0;
    prepare(first, true);
    REQUIRE_EQ(svIntrAttach(TestDevice::line, on_interrupt, &first, &ops, &id), K_OK);
    CHECK(quiet(first));
    TestDevice::start();
    for (unsigned i = 0; i < 20; ++i) {
        CHECK_EQ(semP(&first.sem, &patience), K_OK);
    }
    ops->mask(id);
    CHECK(quiet(first));
    ops->mask(id);
    ops->unmask(id);
    CHECK_EQ(semP(&first.sem, &patience), K_OK);
    CHECK_EQ(semP(&first.sem, &patience), K_OK);
    ops->disable(id);
    CHECK(quiet(first));
    ops->enable(id);
    CHECK_EQ(svIntrDetach(id), K_OK);
    CHECK(quiet(first));
    CHECK_EQ(svIntrDetach(id), K_EINVAL);
    CHECK_EQ(svIntrMask(id, 1), K_EINVAL);
    // The same line again, with the device still at it.
    REQUIRE_EQ(svIntrAttach(TestDevice::line, on_interrupt, &first, nullptr, &id), K_OK);
    TestDevice::start();
    const unsigned seen = first.calls;
    CHECK_EQ(svIntrMask(id, 0), K_OK);
    for (unsigned waited = 0; waited < 1000 && first.calls == seen; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK(first.calls != seen);
    TestDevice::stop();
    CHECK_EQ(svIntrDetach(id), K_OK);
}

// All who share a line are called, in the order in which they came; each can mask it for all.
void shared(Report& report) {
    if (no_device(report)) {
        return;
    }
    CpuIntrId one = 0, two = 0;
    CpuIntrOps* ops = nullptr;
    prepare(first, false);
    prepare(second, true);
    REQUIRE_EQ(svIntrAttach(TestDevice::line, on_interrupt, &first, &ops, &one), K_OK);
    REQUIRE_EQ(svIntrAttach(TestDevice::line, on_interrupt, &second, &ops, &two), K_OK);
    CHECK(one != two);
    TestDevice::start();
    for (unsigned i = 0; i < 5; ++i) {
        CHECK_EQ(semP(&second.sem, &patience), K_OK);
        CHECK_EQ(semP(&first.sem, K_NOBLOCK), K_OK);
    }
    ops->mask(one);
    ops->mask(two);
    ops->unmask(two);
    CHECK(quiet(second));
    CHECK_EQ(first.calls, second.calls);
    CHECK_EQ(svIntrDetach(one), K_OK); // with its mask
    const unsigned rest = first.calls;
    semInit(&second.sem, 0);
    CHECK_EQ(semP(&second.sem, &patience), K_OK);
    CHECK_EQ(semP(&second.sem, &patience), K_OK);
    CHECK_EQ(first.calls, rest);
    TestDevice::stop();
    CHECK_EQ(svIntrDetach(two), K_OK);
}

void errors(Report& report) {
    CpuIntrId id = 0;
    CHECK_EQ(svIntrAttach(~0U, on_interrupt, &first, nullptr, &id), K_EINVAL);
    CHECK_EQ(svIntrAttach(1U << 16 | 8, on_interrupt, &first, nullptr, &id), K_EINVAL);
    CHECK_EQ(svIntrAttach(TestDevice::line, nullptr, &first, nullptr, &id), K_EINVAL);
    CHECK_EQ(svIntrAttach(TestDevice::line, on_interrupt, &first, nullptr, nullptr), K_EFAULT);
    CHECK_EQ(svIntrDetach(0), K_EINVAL);
    CHECK_EQ(svIntrDetach(~CpuIntrId{0}), K_EINVAL);
    CHECK_EQ(svIntrMask(TestDevice::line, 0), K_EINVAL);
}

// ---- what a handler may do ----------------------------------------------------------------------

struct Tried {
    std::atomic<bool> done;
    int refused[8];
    int allowed[10];
    unsigned lap_calls;
    VmAddr pages;
    KnSem woken, none;
    KnThSem own;
    KnEventSet events;
    KnLapDesc raw, plain, safe;
};
Tried tried;

void count_call(void*, void*) { ++tried.lap_calls; }

void try_calls(void*) {
    TestDevice::acknowledge();
    if (tried.done.load()) {
        return;
    }
    const KnTimeVal pause{0, 1000};
    KnMsgDesc message{};
    KnCap self{};
    int port = K_DEFAULTPORT;
    int* to = tried.refused;
    *to++ = threadDelay(&pause);
    *to++ = nullCall();
    *to++ = actorSelf(&self);
    *to++ = semP(&tried.none, &pause);
    *to++ = ipcReceive(&message, &port, 0);
    *to++ = threadDelete(K_MYACTOR, K_MYSELF);
    *to++ = svIntrDetach(1);
    *to++ = svLapDelete(&tried.raw);
    KnTimeVal now{};
    to = tried.allowed;
    *to++ = sysTime(&now);
    *to++ = now.tmSec > 0 || now.tmNSec > 0 ? K_OK : K_EFAIL;
    for (const KnLapDesc* lap : {&tried.raw, &tried.plain, &tried.safe}) {
        *to++ = lapInvoke(lap, nullptr);
    }
    *to++ = svPagesAllocate(&tried.pages, 4096, 0, K_MYACTOR);
    const unsigned before = imsIntrMaskCount_f; // the nucleus's own
    imsIntrMask_f();
    *to++ = before == 1 && imsIntrMaskCount_f == 2 ? semV(&tried.woken) : K_EFAIL;
    imsIntrUnmask_f();
    *to++ = threadSemPost(&tried.own);
    *to++ = eventPost(&tried.events, 6);
    *to++ = sysTime(reinterpret_cast<KnTimeVal*>(0x400000)) == K_EFAULT ? K_OK : K_EFAIL;
    tried.done = true;
}

std::atomic<unsigned> woken;
void wait_for_event(std::uintptr_t mask) {
    unsigned posted = 0;
    if (eventWait(&tried.events, static_cast<unsigned>(mask), K_EVENT_AND, &posted, &patience) == K_OK) {
        ++woken;
    }
}

void calls_of_handlers(Report& report) {
    if (no_device(report)) {
        return;
    }
    tried.done = false;
    tried.lap_calls = 0;
    woken = 0;
    semInit(&tried.woken, 0);
    semInit(&tried.none, 0);
    threadSemInit(&tried.own);
    eventInit(&tried.events);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count_call, nullptr, K_LAP_SAMEHOST, &tried.raw), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count_call, nullptr, 0, &tried.plain), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count_call, nullptr, K_LAP_SAFE, &tried.safe), K_OK);
    constexpr unsigned waiters = 12; // more than are looked at in one step
    for (unsigned i = 0; i < waiters; ++i) {
        CHECK(start_supervisor_thread({wait_for_event, i == 0 ? 1U : 2U, K_DEFAULT_STACK_SIZE, higher}) > 0);
    }
    CpuIntrId id = 0;
    REQUIRE_EQ(svIntrAttach(TestDevice::line, try_calls, nullptr, nullptr, &id), K_OK);
    TestDevice::start();
    CHECK_EQ(semP(&tried.woken, &patience), K_OK);
    CHECK_EQ(threadSemWait(&tried.own, &patience), K_OK);
    for (unsigned waited = 0; waited < 5000 && woken.load() != waiters - 1; ++waited) {
        sleep_milliseconds(1);
    }
    TestDevice::stop();
    CHECK_EQ(svIntrDetach(id), K_OK);
    CHECK_EQ(woken.load(), waiters - 1);
    CHECK_EQ(eventPost(&tried.events, 1), K_OK);
    REQUIRE(tried.done.load());
    for (const int result : tried.refused) {
        CHECK_EQ(result, K_EINVAL);
    }
    for (const int result : tried.allowed) {
        CHECK_EQ(result, K_OK);
    }
    CHECK_EQ(tried.lap_calls, 3);
    CHECK_EQ(svPagesFree(tried.pages, 4096), K_OK);
    for (const KnLapDesc* lap : {&tried.raw, &tried.plain, &tried.safe}) {
        CHECK_EQ(svLapDelete(lap), K_OK);
    }
}

// ---- actors and CPUs ----------------------------------------------------------------------------

std::atomic<int> attached;
[[noreturn]] void attach_and_wait() {
    CpuIntrId id = 0;
    attached = svIntrAttach(TestDevice::line, on_interrupt, &first, nullptr, &id);
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}

// A handler goes with its actor, which is the one that attached it.
void goes_with_actor(Report& report) {
    if (no_device(report)) {
        return;
    }
    prepare(first, true);
    attached = 1;
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE), K_OK);
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0,
                                     reinterpret_cast<KnPc>(&attach_and_wait)};
    KnThreadLid thread = 0;
    REQUIRE_EQ(threadCreate(&actor, &thread, K_ACTIVE, nullptr, &start), K_OK);
    for (unsigned waited = 0; waited < 5000 && attached.load() == 1; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(attached.load(), K_OK);
    TestDevice::start();
    CHECK_EQ(semP(&first.sem, &patience), K_OK);
    CHECK_EQ(semP(&first.sem, &patience), K_OK);
    CHECK_EQ(actorDelete(&actor), K_OK);
    TestDevice::start();
    CHECK(quiet(first));
    TestDevice::stop();
}

std::atomic<bool> over;
std::atomic<unsigned> rounds, late, finished;

struct Private {
    std::atomic<bool> there;
};

void must_be_there(void* cookie) {
    if (!static_cast<Private*>(cookie)->there.load()) {
        ++late;
    }
    TestDevice::acknowledge();
}

void attach_and_detach(std::uintptr_t) {
    Private own{};
    while (!over.load()) {
        CpuIntrId id = 0;
        own.there = true;
        if (svIntrAttach(TestDevice::line, must_be_there, &own, nullptr, &id) != K_OK) {
            break;
        }
        if (svIntrDetach(id) != K_OK) {
            break;
        }
        own.there = false; // from here on a call would be one too late
        ++rounds;
    }
    ++finished;
}

void attached_everywhere(Report& report) {
    if (no_device(report)) {
        return;
    }
    over = false;
    rounds = late = finished = 0;
    const unsigned cpus = running_cpus();
    CpuIntrId id = 0;
    prepare(first, true);
    REQUIRE_EQ(svIntrAttach(TestDevice::line, on_interrupt, &first, nullptr, &id), K_OK);
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        CHECK(start_supervisor_thread(
                  {attach_and_detach, 0, K_DEFAULT_STACK_SIZE, 200, static_cast<long>(cpu)}) > 0);
    }
    TestDevice::start();
    sleep_milliseconds(100);
    over = true;
    for (unsigned waited = 0; waited < 5000 && finished.load() != cpus; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(finished.load(), cpus);
    CHECK_EQ(late.load(), 0);
    CHECK(rounds.load() >= cpus);
    TestDevice::start();
    CHECK(first.calls.load() != 0);
    TestDevice::stop();
    CHECK_EQ(svIntrDetach(id), K_OK);
}

constexpr Case all[] = {{"interrupt_attach", attach},         {"interrupt_shared", shared},
                        {"interrupt_errors", errors},         {"interrupt_calls", calls_of_handlers},
                        {"interrupt_actor", goes_with_actor}, {"interrupt_cpus", attached_everywhere}};

} // namespace

const std::span<const Case> interrupt_cases{all};

} // namespace chorale::test
