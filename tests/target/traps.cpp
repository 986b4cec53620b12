// Suite traps: system calls that a supervisor actor handles, by the quick way and by the slow one. Both do
// the same, whatever happens in the handler.
#include "check.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"
#include "supervisor/traps_shared.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

// The quick way is taken when the last handler that was entered from user mode was one of a system call.
enum class Way : unsigned { quick, slow_end, slow };
constexpr Way ways[] = {Way::quick, Way::slow_end, Way::slow};

int invoke(const char* name, unsigned long argument) {
    KnLapDesc lap{};
    const int found = lapResolve(&lap, name, K_LAP_NOBLOCK);
    return found == K_OK ? lapInvoke(&lap, reinterpret_cast<void*>(argument)) : found;
}

struct TrapResult {
    long value;
    const char* broken; // a register that was not kept
};

TrapResult trap(unsigned long call, unsigned long argument, Way way) {
    if (way == Way::slow) invoke(lap_idle, 0);
    Registers before{}, after{};
    const unsigned long number = way == Way::quick || call < trap_sum ? call : call + trap_slowly;
    describe_call(before, {number, {argument, 11, 12, 13, 14, 0}}, 0x1122334455660000);
    after = before;
    call_with_registers(&after);
    return {result_of(after), broken_by_foreign_call(before, after)};
}

void check_trap(Report& report, unsigned long call, unsigned long argument, Way way, long wanted) {
    const TrapResult result = trap(call, argument, way);
    CHECK_EQ(result.value, wanted);
    if (result.broken != nullptr) report.fail("trap", static_cast<int>(call), result.broken, 0, 1);
}

class Connected {
  public:
    explicit Connected(Report& report, TrapOrder how = traps_connect) : report_{report} {
        good_ = eventually([] { return invoke(lap_idle, 0) == K_OK; }) && invoke(lap_traps, how) == K_OK;
        if (!good_) report.fail("traps", 0, "connect", 0, 1);
    }
    Connected(const Connected&) = delete;
    Connected& operator=(const Connected&) = delete;
    ~Connected() {
        Report& report = report_;
        CHECK_EQ(invoke(lap_traps, traps_disconnect), K_OK);
    }
    [[nodiscard]] bool good() const { return good_; }

  private:
    Report& report_;
    bool good_;
};

void results(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    for (const Way way : ways) {
        for (unsigned long i = 0; i < 50; ++i) {
            check_trap(report, trap_sum, i, way, static_cast<long>(i) + 1);
        }
        check_trap(report, trap_nested, 0, way, 1);
        check_trap(report, trap_calls_end, 5, Way::quick, K_ENOTIMP);
    }
}

// A trace has all calls go the slow way.
bool quick_way_open() {
    char fast[K_ENVVALUEMAX], traced[K_ENVVALUEMAX];
    return same_text(environment_text("fastpath", fast, "on"), "on") &&
           same_text(environment_text("test.trace", traced, "off"), "off");
}

long peeks() { return trap(trap_last, 0, Way::quick).value; }

// Once the handler has named them: all of a thread's calls that have one, but after something else.
void quick_functions(Report& report) {
    const Connected connected{report, traps_connect_quick};
    REQUIRE(connected.good());
    static_cast<void>(trap(trap_swap, 41, Way::slow));
    check_trap(report, trap_peek, 5, Way::quick, 42); // by the handler, or not
    const long before = peeks(), each = quick_way_open() ? 1 : 0;
    for (int i = 1; i < 50; ++i) {
        check_trap(report, trap_peek, 5, Way::quick, 42);
        CHECK_EQ(peeks(), before + i * each);
        check_trap(report, trap_blind, 5, Way::quick, 6);
        check_trap(report, trap_beyond, 6, Way::quick, 7);
    }
    check_trap(report, trap_peek, 5, Way::slow, 42);
    CHECK_EQ(peeks(), before + 49 * each);
    check_trap(report, trap_swap, 0, Way::quick, 41);
    check_trap(report, trap_peek, 5, Way::quick, 1);
    CHECK_EQ(peeks(), before + 50 * each);
}

// Nobody waits until such a LAP has been left.
void quick_functions_refused(Report& report) {
    const Connected connected{report, traps_connect_unsafe};
    REQUIRE(connected.good());
    for (int i = 0; i < 5; ++i) {
        check_trap(report, trap_peek, 5, Way::quick, 1);
        check_trap(report, trap_sum, 5, Way::quick, 6);
    }
    CHECK_EQ(peeks(), 0);
}

std::atomic<bool> peeked, gone;
std::atomic<long> last_peek;

void peek_later(std::uintptr_t) {
    static_cast<void>(trap(trap_sum, 5, Way::quick)); // now they are known
    peeked = trap(trap_peek, 5, Way::quick).value == 1;
    while (!gone.load()) {
        sleep_milliseconds(1);
    }
    last_peek = trap(trap_peek, 5, Way::quick).value;
}

// They go with the connection, for a thread that does nothing meanwhile, too.
void quick_functions_disconnected(Report& report) {
    peeked = gone = false;
    last_peek = 0;
    Helper helper;
    {
        const Connected connected{report, traps_connect_quick};
        REQUIRE(connected.good());
        REQUIRE(helper.start(peek_later, 0, higher_priority, cpu_count() - 1) > 0);
        CHECK(eventually([] { return peeked.load(); }));
    }
    gone = true;
    CHECK(helper.join());
    CHECK_EQ(last_peek, K_ENOTIMP);
}

// Whoever comes next has its own.
void quick_functions_of_another(Report& report) {
    long before = 0;
    {
        const Connected connected{report, traps_connect_quick};
        REQUIRE(connected.good());
        check_trap(report, trap_sum, 5, Way::quick, 6);
        check_trap(report, trap_peek, 5, Way::quick, 1);
        before = peeks();
        CHECK_EQ(before > 0, quick_way_open());
    }
    check_trap(report, trap_peek, 5, Way::quick, K_ENOTIMP);
    {
        const Connected connected{report, traps_connect};
        REQUIRE(connected.good());
        for (int i = 0; i < 5; ++i) {
            check_trap(report, trap_peek, 5, Way::quick, 1);
        }
        CHECK_EQ(peeks(), 0);
    }
    const Connected connected{report, traps_connect_quick};
    REQUIRE(connected.good());
    check_trap(report, trap_peek, 5, Way::quick, 1); // by the handler
    CHECK_EQ(peeks(), before);
}

void registers_changed(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    for (const Way way : ways) {
        const TrapResult first = trap(trap_registers, 3, way);
        CHECK_EQ(first.value, 4);
        CHECK(first.broken != nullptr);
        check_trap(report, trap_sum, 8, Way::quick, 9);
    }
}

std::atomic<long> first_word;

void look_at_word(std::uintptr_t way) { first_word = trap(trap_swap, 77, static_cast<Way>(way)).value; }

void words_of_threads(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    long before = trap(trap_swap, 1, Way::quick).value;
    CHECK(before >= 0);
    before = 1;
    for (unsigned long i = 100; i < 130; ++i) {
        check_trap(report, trap_swap, i, ways[i % 3], before);
        before = static_cast<long>(i);
        first_word = -1;
        Helper helper;
        REQUIRE(helper.start(look_at_word, i % 3, higher_priority, static_cast<KnCpuId>(i) % cpu_count()) >
                0);
        CHECK(helper.join());
        CHECK_EQ(first_word, 0);
    }
    check_trap(report, trap_swap, 0, Way::quick, before);
}

// With the CPU lost in the handler: to a better thread, and in a wait.
std::atomic<bool> disturbing;

void disturb(std::uintptr_t) {
    while (disturbing.load()) {
        Registers registers{};
        describe_call(registers, {call_number::nullCall}, 0x7777000000000000);
        call_with_registers(&registers);
        const KnTimeVal pause{0, 100000};
        threadDelay(&pause);
    }
}

void cpu_lost_inside(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    disturbing = true;
    Helper disturber;
    REQUIRE(disturber.start(disturb, 0, higher_priority) > 0);
    for (const Way way : ways) {
        for (unsigned i = 0; i < 20; ++i) {
            check_trap(report, trap_burn, 20000, way, 20001);
            check_trap(report, trap_sleep, 1, way, 2);
            check_trap(report, trap_sum, i, way, i + 1);
        }
    }
    disturbing = false;
    CHECK(disturber.join());
}

std::atomic<long> waited, after_that;

void wait_inside(std::uintptr_t way) {
    static_cast<void>(trap(trap_sum, 0, Way::quick)); // now there is a stack
    waited = trap(trap_wait, 0, static_cast<Way>(way)).value;
    after_that = trap(trap_sum, 1, Way::quick).value; // what is prepared for it may be out of date
}

bool nobody_inside() { return invoke(lap_traps, traps_inside) == K_OK; }

void ended_inside(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    const KnSysStatistics before = settled_statistics();
    for (const Way way : ways) {
        for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
            Helper aborted, deleted;
            waited = 1;
            REQUIRE(aborted.start(wait_inside, static_cast<std::uintptr_t>(way), higher_priority, cpu) > 0);
            CHECK(eventually([] { return !nobody_inside(); }));
            CHECK_EQ(threadAbort(K_MYACTOR, aborted.thread()), K_OK);
            CHECK(aborted.join());
            CHECK_EQ(waited, K_EABORT);
            CHECK_EQ(after_that, 2);
            waited = 1;
            REQUIRE(deleted.start(wait_inside, static_cast<std::uintptr_t>(way), higher_priority, cpu) > 0);
            CHECK(eventually([] { return !nobody_inside(); }));
            CHECK_EQ(threadDelete(K_MYACTOR, deleted.thread()), K_OK);
            CHECK(eventually([] { return nobody_inside(); }));
            CHECK_EQ(waited, 1); // it never came back
        }
    }
    CHECK_EQ(settled_statistics().threads, before.threads);
}

// What waits for the thread's return home has it at the end of the call, also by the quick way.
void timeout_inside(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    for (const Way way : ways) {
        check_trap(report, trap_sum, 5, Way::quick, 6);
        const long before = trap(trap_late_seen, 0, Way::quick).value;
        check_trap(report, trap_late, 0, way, 1);
        check_trap(report, trap_late_seen, 0, Way::quick, before + 1);
    }
}

// The LAP forgives: the call has the result that it had before the fault, and the thread goes on.
void faulting_inside(Report& report) {
    const Connected connected{report};
    REQUIRE(connected.good());
    for (const Way way : ways) {
        check_trap(report, trap_fault, 5, way, 1);
        check_trap(report, trap_sum, 5, Way::quick, 6);
        check_trap(report, trap_sum, 6, way, 7);
    }
}

// A handler's actor that goes, made for that: the connection goes with it.
class ConnectedActor {
  public:
    explicit ConnectedActor(Report& report) : report_{report} {
        good_ = eventually([] { return invoke(lap_idle, 0) == K_OK; }) &&
                invoke(lap_traps, traps_connect_other) == K_OK;
        if (!good_) report.fail("traps", 0, "connect", 0, 1);
    }
    ConnectedActor(const ConnectedActor&) = delete;
    ConnectedActor& operator=(const ConnectedActor&) = delete;
    ~ConnectedActor() {
        Report& report = report_;
        if (!gone) {
            CHECK_EQ(invoke(lap_traps, traps_delete_actor), K_OK);
        }
        CHECK_EQ(trap(trap_sum, 1, Way::quick).value, K_ENOTIMP);
        CHECK_EQ(invoke(lap_traps, traps_ghosts), K_OK);
    }
    [[nodiscard]] bool good() const { return good_; }

    bool gone{};

  private:
    Report& report_;
    bool good_;
};

// Deletion aborts who is inside and waits for it; nobody comes in any more.
void handlers_actor_deleted(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (const Way way : ways) {
        for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
            ConnectedActor connected{report};
            REQUIRE(connected.good());
            check_trap(report, trap_sum, 4, way, 5);
            check_trap(report, trap_sum, 5, Way::quick, 6); // prepared for this actor's LAP
            Helper helper;
            waited = 1;
            REQUIRE(helper.start(wait_inside, static_cast<std::uintptr_t>(way), higher_priority, cpu) > 0);
            CHECK(eventually([] { return !nobody_inside(); }));
            CHECK_EQ(invoke(lap_traps, traps_delete_actor), K_OK);
            connected.gone = true;
            CHECK(helper.join());
            CHECK_EQ(waited, K_EABORT);
            CHECK_EQ(after_that, K_ENOTIMP);
            CHECK(nobody_inside());
        }
    }
    CHECK_EQ(settled_statistics().threads, before.threads);
}

// The thread never comes back to the handler, but to its program: with the registers that it had there.
void handler_ends_its_actor(Report& report) {
    for (const TrapCall call : {trap_suicide, trap_fault}) {
        for (const Way way : ways) {
            ConnectedActor connected{report};
            REQUIRE(connected.good());
            check_trap(report, trap_sum, 5, Way::quick, 6);
            check_trap(report, call, 5, way, 1);
            connected.gone = true;
        }
    }
}

// ---- all of it at once -------------------------------------------------------------------------

std::atomic<unsigned> wrong, refused, calls;
std::atomic<bool> stop;

void call_at_random(std::uintptr_t seed) {
    std::uint64_t state = seed * 2654435761U + 1;
    while (!stop.load()) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const auto argument = static_cast<unsigned long>(state >> 40 & 0xff);
        const Way way = ways[(state >> 33) % (2 + seed % 2)]; // half of them stay prepared for the quick way
        constexpr unsigned long kinds[] = {trap_sum, trap_peek, trap_burn, trap_registers};
        const unsigned long call = (state >> 50) % 16 == 0 ? trap_sleep : kinds[(state >> 56) % 4];
        const unsigned long given = call == trap_sleep ? 1 : call == trap_peek ? 0 : argument;
        const TrapResult result = trap(call, given, way);
        calls.fetch_add(1);
        if (result.value == K_ENOTIMP || result.value == static_cast<long>(given) ||
            result.value == static_cast<long>(trap_peek) || result.value >= static_cast<long>(trap_sum)) {
            refused.fetch_add(1);   // no LAP, or one that was deleted before it was invoked: as it was
            threadDelay(K_NOBLOCK); // who is still in there needs the CPU
        } else if (result.value != static_cast<long>(given) + 1 ||
                   (result.broken != nullptr && call != trap_registers)) {
            wrong.fetch_add(1);
        }
    }
}

// The handler's LAP goes and comes meanwhile, and threads are moved. All of one priority, and each waits now
// and then: nobody is kept in the handler for ever.
template <class Connection>
void run_under_stress(Report& report, TrapOrder renew) {
    const Connection connected{report};
    REQUIRE(connected.good());
    wrong = refused = calls = 0;
    stop = false;
    disturbing = true;
    {
        Helper disturber;
        REQUIRE(disturber.start(disturb, 0, higher_priority, cpu_count() - 1) > 0);
        Helper helpers[6];
        for (unsigned i = 0; i < std::size(helpers); ++i) {
            REQUIRE(helpers[i].start(call_at_random, i + 1, lower_priority, i % cpu_count()) > 0);
        }
        for (unsigned round = 0; round < 60; ++round) {
            sleep_milliseconds(5);
            const KnThreadLid moved = helpers[round % std::size(helpers)].thread();
            CHECK_EQ(threadBind(K_MYACTOR, moved, round % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
            if (round % 8 == 7) {
                CHECK_EQ(invoke(lap_traps, renew), K_OK);
            }
        }
        stop = true;
        disturbing = false;
        CHECK(disturber.join());
        for (Helper& helper : helpers) {
            CHECK(helper.join());
        }
    }
    CHECK_EQ(wrong, 0);
    CHECK(calls.load() > 100);
    CHECK(refused.load() < calls.load());
    CHECK(eventually([] { return nobody_inside(); }));
    CHECK_EQ(invoke(lap_traps, traps_ghosts), K_OK);
}

void under_stress(Report& report) { run_under_stress<Connected>(report, traps_new_lap); }

void actors_under_stress(Report& report) { run_under_stress<ConnectedActor>(report, traps_new_actor); }

constexpr Case cases[] = {{"results", results},
                          {"quick_functions", quick_functions},
                          {"quick_functions_refused", quick_functions_refused},
                          {"quick_functions_disconnected", quick_functions_disconnected},
                          {"quick_functions_of_another", quick_functions_of_another},
                          {"registers_changed", registers_changed},
                          {"words_of_threads", words_of_threads},
                          {"cpu_lost_inside", cpu_lost_inside},
                          {"ended_inside", ended_inside},
                          {"timeout_inside", timeout_inside},
                          {"faulting_inside", faulting_inside},
                          {"handlers_actor_deleted", handlers_actor_deleted},
                          {"handler_ends_its_actor", handler_ends_its_actor},
                          {"under_stress", under_stress},
                          {"actors_under_stress", actors_under_stress}};

} // namespace

const Suite traps_suite{"traps", cases};

} // namespace chorale::test
