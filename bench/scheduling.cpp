// Who has the CPU when several want it:
//   sync.rt_mutex.inversion  rtMutexGet of a mutex that a worse thread has, while a thread between the two is
//                            ready: until the better one has it. The one between must not run meanwhile
//   sched.quantum            from the beginning of one thread's quantum to that of its equal's; what they do
//                            in user mode is count the time away
//   sched.pull               from semV, which wakes a thread that is bound nowhere behind this busy one, to
//                            when it runs on a CPU that had nothing to do
#include "measures.hpp"

#include <actor/environment.hpp>
#include <actor/thread.hpp>
#include <chorus.h>

#include <atomic>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;
alignas(16) char first_stack[stack_size], second_stack[stack_size];

// ---- inversion ---------------------------------------------------------------------------------

constexpr unsigned middle_priority = 190, low_priority = 200;

KnRtMutex mutex = K_KNRTMUTEX_INITIALIZER;
KnSem low_go = K_KNSEM_INITIALIZER(0), low_has_it = K_KNSEM_INITIALIZER(0);
KnSem middle_go = K_KNSEM_INITIALIZER(0), middle_ran = K_KNSEM_INITIALIZER(0);
std::atomic<unsigned> middle_turns;

void hold_it(std::uintptr_t) {
    for (;;) {
        semP(&low_go, K_NOTIMEOUT);
        rtMutexGet(&mutex);
        semV(&low_has_it);
        rtMutexRel(&mutex);
    }
}

void be_in_the_way(std::uintptr_t) {
    for (;;) {
        semP(&middle_go, K_NOTIMEOUT);
        middle_turns.fetch_add(1);
        semV(&middle_ran);
    }
}

void inversion_rounds(const Context& context) {
    Recorder& recorder = context.recorder;
    const unsigned rounds = context.rounds_or(usual_rounds);
    for (unsigned i = 0; i < rounds + warm_up_rounds; ++i) {
        semV(&low_go);
        semP(&low_has_it, K_NOTIMEOUT);
        semV(&middle_go);
        const unsigned before = middle_turns.load();
        const bool recorded = i >= warm_up_rounds;
        const std::uint64_t start = machine::counter();
        if (recorded) {
            boundary<Boundary::round_begin>();
        }
        const int result = rtMutexGet(&mutex);
        if (recorded) {
            boundary<Boundary::round_end>();
            recorder.add(machine::counter() - start);
        }
        const unsigned turns = middle_turns.load() - before;
        rtMutexRel(&mutex);
        if (result != K_OK || turns != 0) {
            return recorder.fail("the one between ran first, or an error", result);
        }
        semP(&middle_ran, K_NOTIMEOUT);
    }
}

void measure_inversion(const Context& context) {
    const char* const name = "sync.rt_mutex.inversion";
    if (!context.wants("same", name)) {
        return;
    }
    const int low = start_thread({hold_it, 0, first_stack, stack_size, low_priority, 0});
    const int middle = start_thread({be_in_the_way, 0, second_stack, stack_size, middle_priority, 0});
    context.recorder.begin(name);
    if (low > 0 && middle > 0) {
        inversion_rounds(context);
    } else {
        context.recorder.fail("no partner thread", low < 0 ? low : middle);
    }
    context.recorder.finish();
    const int threads[] = {low, middle};
    for (const int thread : threads) {
        if (thread > 0) {
            threadDelete(K_MYACTOR, thread);
        }
    }
}

// ---- quantum -----------------------------------------------------------------------------------

constexpr unsigned quantum_rounds = 200;
constexpr long quantum = 100'000; // nanoseconds
constexpr unsigned real_time_priority = K_RT_PRIOMAX - 5;

// Both threads are on one CPU: only the running one writes. It may lose the CPU anywhere, but only once in a
// quantum, which is much longer than what it does between two looks.
struct Stints {
    Recorder* recorder;
    bool open; // a round has begun
    std::uint64_t started;
    std::atomic<unsigned> left, current;
};
Stints stints;

// Who gets the CPU ends the round of the one before, and begins its own.
void take_stints() {
    for (;;) {
        if (stints.open) {
            boundary<Boundary::round_end>();
            stints.recorder->add(machine::counter() - stints.started);
            stints.open = false;
            --stints.left;
        }
        if (stints.left == 0) {
            return;
        }
        stints.open = true;
        const unsigned mine = ++stints.current;
        stints.started = machine::counter();
        boundary<Boundary::round_begin>();
        while (stints.current == mine && stints.left != 0) {
        }
    }
}

void take_other_stints(std::uintptr_t) {
    for (;;) {
        take_stints();
        threadDelay(K_NOBLOCK);
    }
}

void measure_quantum(const Context& context) {
    const char* const name = "sched.quantum";
    if (!context.wants("same", name)) {
        return;
    }
    KnThreadDefSched before;
    const KnRtThParms turns{K_SCHED_RT, real_time_priority, {0, quantum}};
    int error = threadScheduler(K_MYACTOR, K_MYSELF, &before, &turns);
    // It inherits the priority, and not yet the quantum.
    const int other =
        error < 0 ? error
                  : start_thread({take_other_stints, 0, first_stack, stack_size, inherit_priority, 0});
    context.recorder.begin(name);
    if (other > 0) {
        error = threadScheduler(K_MYACTOR, other, nullptr, &turns);
        stints.recorder = &context.recorder;
        stints.left = error < 0 ? 0 : context.rounds_or(quantum_rounds);
        take_stints();
        threadDelete(K_MYACTOR, other);
    }
    if (error < 0 || other < 0) {
        context.recorder.fail("no partner thread", error < 0 ? error : other);
    }
    context.recorder.finish();
    threadScheduler(K_MYACTOR, K_MYSELF, nullptr, &before);
}

// ---- pulling -----------------------------------------------------------------------------------

constexpr unsigned pull_rounds = 100, pull_patience = 100'000'000;

KnSem pull_go = K_KNSEM_INITIALIZER(0);
std::atomic<int> pulled_to;

void be_pulled(std::uintptr_t) {
    for (;;) {
        semP(&pull_go, K_NOTIMEOUT);
        pulled_to = cpuSelf();
    }
}

// Back to this CPU, where it waits, and bound to none.
long bring_back(int thread) {
    const int error = threadBind(K_MYACTOR, thread, 0, nullptr, K_NONEXCLUSIVE);
    sleep_milliseconds(3); // it waits, and the other CPUs have come to rest
    return error < 0 ? error : threadBind(K_MYACTOR, thread, K_ANYCPU, nullptr, K_NONEXCLUSIVE);
}

void pull_round(Recorder& recorder) {
    pulled_to = -1;
    const std::uint64_t start = machine::counter();
    boundary<Boundary::round_begin>();
    semV(&pull_go);
    for (unsigned turns = 0; pulled_to.load() < 0 && turns < pull_patience; ++turns) {
    }
    boundary<Boundary::round_end>();
    recorder.add(machine::counter() - start);
    if (pulled_to.load() <= 0) {
        recorder.fail("not taken to another CPU", pulled_to.load());
    }
}

void measure_pull(const Context& context) {
    const char* const name = "sched.pull";
    if (context.cpus < 2 || !context.wants("cross", name)) {
        return;
    }
    const int thread = start_thread({be_pulled, 0, first_stack, stack_size, low_priority, 0});
    context.recorder.begin(name);
    long error = thread;
    const unsigned rounds = context.rounds_or(pull_rounds);
    for (unsigned i = 0; i < rounds && error >= 0 && !context.recorder.failed(); ++i) {
        error = bring_back(thread);
        pull_round(context.recorder);
    }
    if (error < 0) {
        context.recorder.fail("the thread cannot be had", error);
    }
    context.recorder.finish();
    if (thread > 0) {
        threadDelete(K_MYACTOR, thread);
    }
}

} // namespace

void measure_scheduling(const Context& context) {
    measure_inversion(context);
    measure_quantum(context);
    measure_pull(context);
}

} // namespace chorale::bench
