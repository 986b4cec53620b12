// Suite control: stopped and suspended threads and actors, their names, states and registers.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"
#include "peer.hpp"

#include <actor/environment.hpp>

namespace chorale::test {
namespace {

std::atomic<unsigned long> beats;
std::atomic<int> outcome;

void beat(std::uintptr_t) {
    for (;;) {
        beats = beats + 1;
        burn(100);
    }
}

// Whether the thread that beats does so.
bool beats_on() {
    const unsigned long before = beats;
    return eventually([&] { return beats > before + 1; });
}
bool silent() {
    const unsigned long before = beats;
    sleep_milliseconds(5);
    return beats == before;
}

void stop_and_start(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count() && cpu < 4; ++cpu) {
        Helper helper;
        REQUIRE(helper.start(beat, 0, lower_priority, cpu) > 0);
        CHECK(beats_on());
        CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_EINVAL); // it is not stopped
        for (unsigned round = 0; round < 3; ++round) {
            CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
            CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
            CHECK(silent());
            CHECK_EQ(status_of(helper.thread()), K_STOPPED);
            CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_OK);
            CHECK(beats_on());
        }
    }
}

void suspend_counts(Report& report) {
    Helper helper;
    REQUIRE(helper.start(beat, 0, lower_priority, cpu_count() - 1) > 0);
    CHECK_EQ(threadResume(K_MYACTOR, helper.thread()), K_EINVAL);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK_EQ(threadSuspend(K_MYACTOR, helper.thread()), K_OK);
    }
    CHECK(silent());
    CHECK_EQ(status_of(helper.thread()), K_SUSPENDED);
    for (unsigned i = 0; i < 2; ++i) {
        CHECK_EQ(threadResume(K_MYACTOR, helper.thread()), K_OK);
        CHECK(silent());
    }
    // Stopped and suspended: it takes both to go on.
    CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
    CHECK_EQ(threadResume(K_MYACTOR, helper.thread()), K_OK);
    CHECK(silent());
    CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_OK);
    CHECK(beats_on());
    CHECK_EQ(threadResume(K_MYACTOR, helper.thread()), K_EINVAL);
}

void stop_itself(std::uintptr_t suspend) {
    outcome = 1;
    const int done = suspend != 0 ? threadSuspend(K_MYACTOR, K_MYSELF) : threadStop(K_MYACTOR, K_MYSELF);
    outcome = done == K_OK ? 2 : done;
}

void stop_self(Report& report) {
    for (const std::uintptr_t suspend : {0UL, 1UL}) {
        outcome = 0;
        Helper helper;
        REQUIRE(helper.start(stop_itself, suspend, higher_priority, cpu_count() - 1) > 0);
        const KnThreadStatus wanted = suspend != 0 ? K_SUSPENDED : K_STOPPED;
        CHECK(eventually([&] { return status_of(helper.thread()) == wanted; }));
        CHECK_EQ(outcome, 1);
        CHECK_EQ(suspend != 0 ? threadResume(K_MYACTOR, helper.thread())
                              : threadStart(K_MYACTOR, helper.thread()),
                 K_OK);
        CHECK(helper.join());
        CHECK_EQ(outcome, 2);
    }
}

void sleep_on(std::uintptr_t milliseconds) {
    const KnTimeVal time{0, static_cast<long>(milliseconds) * K_NPERM};
    outcome = threadDelay(milliseconds == 0 ? K_NOTIMEOUT : &time);
}

// Stops a thread on `cpu` in a wait that ends while it is stopped. True when it was stopped in time: the host
// may pause this CPU for longer than the wait.
bool stopped_beyond_its_wait(Report& report, KnCpuId cpu, unsigned milliseconds) {
    outcome = 1;
    Helper timed;
    const bool started = timed.start(sleep_on, milliseconds, higher_priority, cpu) > 0;
    CHECK(started);
    const bool stopped = started && threadStop(K_MYACTOR, timed.thread()) == K_OK;
    const bool in_time = stopped && outcome == 1;
    if (in_time) {
        sleep_milliseconds(milliseconds + 5);
        CHECK_EQ(outcome, 1);
    }
    if (stopped) {
        CHECK_EQ(threadStart(K_MYACTOR, timed.thread()), K_OK);
    }
    CHECK(timed.join());
    CHECK_EQ(outcome, K_ETIMEOUT);
    return in_time;
}

// A wait ends while its thread is stopped or suspended, which shows only afterwards.
void stop_in_wait(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count() && cpu < 2; ++cpu) {
        outcome = 1;
        Helper aborted;
        REQUIRE(aborted.start(sleep_on, 0, higher_priority, cpu) > 0);
        CHECK(eventually([&] { return status_of(aborted.thread()) == K_WAITING; }));
        CHECK_EQ(threadSuspend(K_MYACTOR, aborted.thread()), K_OK);
        CHECK_EQ(threadAbort(K_MYACTOR, aborted.thread()), K_OK);
        sleep_milliseconds(2);
        CHECK_EQ(outcome, 1);
        CHECK_EQ(threadResume(K_MYACTOR, aborted.thread()), K_OK);
        CHECK(aborted.join());
        CHECK_EQ(outcome, K_EABORT);
        constexpr unsigned longest = 1000;
        unsigned milliseconds = 3;
        while (milliseconds < longest && !stopped_beyond_its_wait(report, cpu, milliseconds)) {
            milliseconds *= 4;
        }
        CHECK(milliseconds < longest);
    }
}

KnIpcDest server_port;

void serve(std::uintptr_t) {
    std::uint64_t word = 0;
    KnMsgDesc message{0, 8, address_of(&word), 0, 0};
    int port = portCreate(K_MYACTOR, &server_port.target);
    for (int size = ipcReceive(&message, &port, -1); size >= 0;) {
        ++word;
        size = ipcReplyReceive(&message, &message, &port, -1);
    }
}

std::atomic<std::uint64_t> reply_word;

void call_server(std::uintptr_t value) {
    std::uint64_t word = value;
    const KnMsgDesc request{0, 8, address_of(&word), 0, 0};
    KnMsgDesc reply{0, 8, address_of(&word), 0, 0};
    outcome = ipcCall(&request, K_DEFAULTPORT, &server_port, &reply, -1);
    reply_word = word;
}

// The exchange goes on whatever side is held, on one CPU and across two; its words are not lost.
void stop_in_exchange(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count() && cpu < 2; ++cpu) {
        Helper server, client;
        server_port = {};
        REQUIRE(server.start(serve, 0, higher_priority, cpu) > 0);
        CHECK(eventually([&] { return status_of(server.thread()) == K_WAITING; }));
        CHECK_EQ(threadStop(K_MYACTOR, server.thread()), K_OK);
        outcome = 1;
        REQUIRE(client.start(call_server, 41, higher_priority, 0) > 0);
        sleep_milliseconds(2);
        CHECK_EQ(outcome, 1);
        CHECK_EQ(threadSuspend(K_MYACTOR, client.thread()), K_OK); // while it waits for the reply
        CHECK_EQ(threadStart(K_MYACTOR, server.thread()), K_OK);
        CHECK(eventually([&] { return status_of(server.thread()) == K_WAITING; })); // it has replied
        sleep_milliseconds(2);
        CHECK_EQ(outcome, 1);
        CHECK_EQ(threadResume(K_MYACTOR, client.thread()), K_OK);
        CHECK(client.join());
        CHECK_EQ(outcome, 8);
        CHECK_EQ(reply_word, 42);
    }
}

// It goes where it is bound to, and still does not run.
void stop_and_bind(Report& report) {
    Helper helper;
    REQUIRE(helper.start(beat, 0, lower_priority) > 0);
    for (unsigned i = 0; i < 8; ++i) {
        CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
        CHECK_EQ(threadBind(K_MYACTOR, helper.thread(), i % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
        CHECK(silent());
        CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_OK);
        CHECK(beats_on());
    }
    CHECK_EQ(threadSuspend(K_MYACTOR, helper.thread()), K_OK);
    CHECK_EQ(threadDelete(K_MYACTOR, helper.thread()), K_OK); // a held thread dies like any other
}

void control_errors(Report& report) {
    for (const KnThreadLid missing : {0, 250, 256, -2, 100000}) {
        CHECK_EQ(threadStop(K_MYACTOR, missing), K_EINVAL);
        CHECK_EQ(threadStart(K_MYACTOR, missing), K_EINVAL);
        CHECK_EQ(threadSuspend(K_MYACTOR, missing), K_EINVAL);
        CHECK_EQ(threadResume(K_MYACTOR, missing), K_EINVAL);
        CHECK_EQ(threadName(K_MYACTOR, missing, nullptr, "x"), K_EINVAL);
        CHECK_EQ(threadContext(K_MYACTOR, missing, K_CURRCTX, nullptr, nullptr), K_EINVAL);
    }
    CHECK_EQ(threadContext(K_MYACTOR, K_MYSELF, 3, nullptr, nullptr), K_EINVAL);
    CHECK_EQ(threadStat(K_MYACTOR, 1, nullptr, 0), K_EINVAL);
    CHECK_EQ(actorStat(1, nullptr, 0), K_EINVAL);
    KnCap nobody{};
    CHECK(actorStop(&nobody) < 0);
    CHECK(actorStart(&nobody) < 0);
}

// ---- names and states ----

void thread_names(Report& report) {
    const KnThreadLid self = threadSelf();
    char name[K_THREADNAMEMAX + 1];
    name[K_THREADNAMEMAX] = 'x';
    CHECK_EQ(threadName(K_MYACTOR, K_MYSELF, nullptr, "first"), K_OK);
    CHECK_EQ(threadName(K_MYACTOR, self, name, "a name of more than thirty-two characters"), K_OK);
    CHECK(same_text(name, "first"));
    CHECK_EQ(threadName(K_MYACTOR, self, name, nullptr), K_OK);
    CHECK(same_text(name, "a name of more than thirty-two "));
    CHECK_EQ(name[K_THREADNAMEMAX], 'x');
    Helper helper; // a new thread has none
    REQUIRE(helper.start(sleep_on, 0) > 0);
    CHECK_EQ(threadName(K_MYACTOR, helper.thread(), name, ""), K_OK);
    CHECK(same_text(name, ""));
}

void statistics_of_threads(Report& report) {
    Helper ready, waiting;
    const KnCpuId last = cpu_count() - 1;
    REQUIRE(waiting.start(sleep_on, 0, higher_priority, last) > 0);
    REQUIRE(ready.start(beat, 0, lower_priority + 3) > 0);
    CHECK(eventually([&] { return status_of(waiting.thread()) == K_WAITING; }));
    KnThreadStat all[8]{};
    CHECK_EQ(threadStat(K_MYACTOR, 0, all, sizeof(all)), 3);
    for (const KnThreadStat& one : all) {
        if (one.tsThreadLi == ready.thread()) {
            CHECK_EQ(one.tsStatus, K_ACTIVE);
            CHECK_EQ(one.tsPriority, lower_priority + 3);
            CHECK_EQ(one.tsCpu, 0);
        } else if (one.tsThreadLi == waiting.thread()) {
            CHECK_EQ(one.tsCpu, last);
        }
    }
    // As far as there is room; the count is that of all.
    KnThreadStat few[2]{};
    few[1].tsThreadLi = 77;
    CHECK_EQ(threadStat(K_MYACTOR, 0, few, sizeof(KnThreadStat) + 3), 3);
    CHECK_EQ(few[1].tsThreadLi, 77);
}

void statistics_of_actors(Report& report) {
    KnCap stopped{}, self{};
    REQUIRE_EQ(actorSelf(&self), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &stopped, K_USERACTOR, K_STOPPED), K_OK);
    KnActorStat all[16]{};
    const int count = actorStat(0, all, sizeof(all));
    KnSysStatistics statistics{};
    sysStatistics(&statistics);
    CHECK_EQ(count, statistics.actors);
    unsigned found = 0;
    for (const KnActorStat& one : all) {
        found += uiEqual(&one.asCap.ui, &self.ui) != 0 && one.asStatus == K_ACTIVE ? 1U : 0U;
        found += uiEqual(&one.asCap.ui, &stopped.ui) != 0 && one.asStatus == K_STOPPED ? 1U : 0U;
    }
    CHECK_EQ(found, 2);
    CHECK_EQ(actorStat(0, all, sizeof(KnActorStat)), count);
    CHECK_EQ(actorDelete(&stopped), K_OK);
}

// ---- actors ----

int ask_peer(Peers& peers, int delay) {
    std::uint64_t word = 7;
    const KnMsgDesc request{0, 8, address_of(&word), 0, 0};
    KnMsgDesc reply{0, 8, address_of(&word), 0, 0};
    return ipcCall(&request, K_DEFAULTPORT, &peers.destination(PeerKind::echo), &reply, delay);
}

void stop_actor(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(cpu_count() - 1, lower_priority), K_OK);
    const KnCap& child = peers.child().capability();
    CHECK_EQ(ask_peer(peers, -1), 8);
    CHECK_EQ(actorStop(&child), K_OK);
    CHECK_EQ(ask_peer(peers, 5), K_ETIMEOUT);
    // A thread that is created meanwhile is stopped too.
    // It runs on and on, and the server has a request left that nobody waits for any more, nor lends.
    const int late = peers.child().start(beat, 0, lower_priority + 1, 0);
    REQUIRE(late > 0);
    CHECK_EQ(status_of(late, &child), K_STOPPED);
    // One alone can be started.
    CHECK_EQ(threadStart(&child, late), K_OK);
    CHECK_EQ(status_of(late, &child), K_ACTIVE);
    CHECK_EQ(actorStart(&child), K_OK);
    CHECK_EQ(ask_peer(peers, -1), 8);
    CHECK_EQ(actorStart(&child), K_OK);
    CHECK_EQ(actorStop(&child), K_OK);
    CHECK_EQ(peers.child().destroy(), K_OK); // a stopped actor can be deleted
}

void stop_own_actor(std::uintptr_t) {
    actorStop(K_MYACTOR);
    threadDelete(K_MYACTOR, K_MYSELF);
}

void stop_actor_from_inside(Report& report) {
    Child child;
    REQUIRE_EQ(child.create("stops itself"), K_OK);
    const int beater = child.start(beat, 0, lower_priority, cpu_count() - 1);
    const int stopper = child.start(stop_own_actor, 0, higher_priority, 0);
    REQUIRE(beater > 0);
    REQUIRE(stopper > 0);
    CHECK(eventually([&] { return status_of(stopper, &child.capability()) == K_STOPPED; }));
    CHECK_EQ(status_of(beater, &child.capability()), K_STOPPED);
    CHECK_EQ(actorStart(&child.capability()), K_OK);
    CHECK(eventually([&] { return status_of(stopper, &child.capability()) == 99; }));
}

// User actors leave others alone that are not.
KnCap system_actor;
int refused[8];

void meddle(std::uintptr_t) {
    KnActorPrivilege wanted = K_SYSTEMACTOR;
    refused[1] = actorStop(&system_actor);
    refused[2] = threadStop(&system_actor, 1);
    refused[3] = actorPrivilege(K_MYACTOR, nullptr, &wanted);
    refused[4] = actorStat(0, nullptr, 0);
    refused[5] = threadContext(K_MYACTOR, K_MYSELF, K_SUPPRIV, nullptr, refused);
    refused[6] = actorPi(K_MYACTOR, nullptr, nullptr);
    refused[7] = portStat(K_MYACTOR, 0, nullptr, 0);
    refused[0] = 1;
    threadDelay(K_NOTIMEOUT);
}

void rights(Report& report) {
    REQUIRE_EQ(actorSelf(&system_actor), K_OK);
    Child child;
    REQUIRE_EQ(child.create("meddler"), K_OK);
    REQUIRE(child.start(meddle, 0, higher_priority, 0) > 0);
    int seen[8]{};
    CHECK(eventually([&] {
        return vmCopy(&child.capability(), address_of(refused), K_MYACTOR, address_of(seen), sizeof(seen),
                      0) == K_OK &&
               seen[0] == 1;
    }));
    for (unsigned i = 1; i < 8; ++i) {
        CHECK_EQ(seen[i], K_EPRIV);
    }
}

void privilege(Report& report) {
    KnActorPrivilege now = 99;
    CHECK_EQ(actorPrivilege(K_MYACTOR, &now, nullptr), K_OK);
    CHECK_EQ(now, K_SYSTEMACTOR);
    KnCap other{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    KnActorPrivilege wanted = K_SYSTEMACTOR;
    CHECK_EQ(actorPrivilege(&other, &now, &wanted), K_OK);
    CHECK_EQ(now, K_USERACTOR);
    wanted = K_SUPACTOR;
    CHECK_EQ(actorPrivilege(&other, nullptr, &wanted), K_EINVAL);
    wanted = 99;
    CHECK_EQ(actorPrivilege(&other, nullptr, &wanted), K_EINVAL);
    wanted = K_USERACTOR;
    CHECK_EQ(actorPrivilege(&other, &now, &wanted), K_OK);
    CHECK_EQ(now, K_SYSTEMACTOR);
    CHECK_EQ(actorPrivilege(&other, nullptr, nullptr), K_OK);
    CHECK_EQ(actorDelete(&other), K_OK);
    CHECK_EQ(actorPrivilege(&other, &now, nullptr), K_EUNKNOWN);
}

// ---- registers ----

void come_here() {
    outcome = 5;
    threadDelay(K_NOTIMEOUT);
}

void machine_registers(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count() && cpu < 2; ++cpu) {
        Helper helper;
        outcome = 0;
        KnThreadCtx context{}, again{};
        REQUIRE(helper.start(beat, 0, lower_priority, cpu) > 0);
        CHECK(beats_on());
        CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
        REQUIRE_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, &context, nullptr), K_OK);
        CHECK(context.pc != 0 && context.sp != 0);
        // What was read can be set, and what is set can be read.
        CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, nullptr, &context), K_OK);
        CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_OK);
        CHECK(beats_on());
        CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
        context.pc = reinterpret_cast<std::uintptr_t>(come_here);
        context.sp = (context.sp & ~std::uint64_t{15}) - 264;
        CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, nullptr, &context), K_OK);
        CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, &again, nullptr), K_OK);
        CHECK_EQ(again.pc, context.pc);
        CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_OK);
        CHECK(eventually([&] { return outcome == 5; }));
        // In a call: to be looked at, not to be changed.
        CHECK(eventually([&] { return status_of(helper.thread()) == K_WAITING; }));
        CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, &context, nullptr), K_OK);
        CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, nullptr, &context), K_EBUSY);
    }
}

// No register that can be set makes a program more than it is.
void hostile_registers(Report& report) {
    Helper helper;
    REQUIRE(helper.start(beat, 0, lower_priority) > 0);
    CHECK_EQ(threadStop(K_MYACTOR, helper.thread()), K_OK);
    KnThreadCtx good{};
    REQUIRE_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, &good, nullptr), K_OK);
    for (const std::uint64_t bad : {0xffffffff80000000UL, 0xffff800000000000UL, 0x0000800000000000UL,
                                    0xffffffffffffffffUL, 0xffffffc000000000UL}) {
        KnThreadCtx context = good;
        context.pc = bad;
        CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, nullptr, &context), K_EINVAL);
    }
    CHECK(harmless_context(helper.thread(), good));
    CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_CURRCTX, nullptr, &good), K_OK);
    CHECK_EQ(threadStart(K_MYACTOR, helper.thread()), K_OK);
    CHECK(beats_on());
}

std::atomic<long> loaded;

void use_software_registers(std::uintptr_t value) {
    outcome = threadLoadR() == 0 ? 1 : 2;
    threadStoreR(static_cast<long>(value));
    threadDelay(K_NOTIMEOUT);
    loaded = threadLoadR();
}

void software_registers(Report& report) {
    CHECK_EQ(threadStoreR(-5), -5);
    CHECK_EQ(threadLoadR(), -5);
    Helper helper;
    REQUIRE(helper.start(use_software_registers, 17, higher_priority, cpu_count() - 1) > 0);
    CHECK(eventually([&] { return status_of(helper.thread()) == K_WAITING; }));
    CHECK_EQ(outcome, 1);
    std::uintptr_t words[K_NBPRIVDATA]{};
    CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_USERPRIV, words, nullptr), K_OK);
    CHECK_EQ(words[0], 17);
    words[0] = 18;
    CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_USERPRIV, nullptr, words), K_OK);
    CHECK_EQ(threadContext(K_MYACTOR, helper.thread(), K_SUPPRIV, words, nullptr), K_OK);
    CHECK_EQ(words[0], 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK(helper.join());
    CHECK_EQ(loaded, 18);
    CHECK_EQ(threadLoadR(), -5);
    threadStoreR(0);
}

constexpr Case cases[] = {
    {"stop_and_start", stop_and_start},
    {"suspend_counts", suspend_counts},
    {"stop_self", stop_self},
    {"stop_in_wait", stop_in_wait},
    {"stop_in_exchange", stop_in_exchange},
    {"stop_and_bind", stop_and_bind},
    {"control_errors", control_errors},
    {"thread_names", thread_names},
    {"statistics_of_threads", statistics_of_threads},
    {"statistics_of_actors", statistics_of_actors},
    {"stop_actor", stop_actor},
    {"stop_actor_from_inside", stop_actor_from_inside},
    {"rights", rights},
    {"privilege", privilege},
    {"machine_registers", machine_registers},
    {"hostile_registers", hostile_registers},
    {"software_registers", software_registers},
};

} // namespace

const Suite control_suite{"control", cases};

} // namespace chorale::test
