// Synchronisation objects between threads of one CPU:
//   sync.mutex          mutexGet and mutexRel of a free one: the nucleus has nothing to do with it
//   sync.mutex.handoff  two of them, there and back, between threads that always want the mutex
//   sync.semaphore.wake semV that wakes a better thread, and that one's next semP
//   sync.event.wake     eventPost that wakes a better thread, and that one's eventClear and next eventWait
#include "measures.hpp"

#include <actor/thread.hpp>
#include <chorus.h>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;
constexpr unsigned better_priority = 90;
alignas(16) char partner_stack[stack_size];

KnMutex mutex = K_KNMUTEX_INITIALIZER;
KnSem sem = K_KNSEM_INITIALIZER(0);
KnEventSet events = K_KNEVENTSET_INITIALIZER;

void want_mutex(std::uintptr_t) {
    for (;;) {
        mutexGet(&mutex);
        mutexRel(&mutex);
    }
}

void take_units(std::uintptr_t) {
    for (;;) {
        semP(&sem, K_NOTIMEOUT);
    }
}

void take_events(std::uintptr_t) {
    for (;;) {
        eventWait(&events, 1, K_EVENT_OR, nullptr, K_NOTIMEOUT);
        eventClear(&events, 1);
    }
}

// `round()` against a thread that runs `partner`, and waits when it is first seen from here.
template <class Round>
void measure_with(const Context& context, const char* name, ThreadBody partner, unsigned priority,
                  Round round) {
    if (!context.wants("same", name)) {
        return;
    }
    const int thread = start_thread({partner, 0, partner_stack, stack_size, priority, 0});
    if (thread < 0) {
        report_failure(context, name, "no partner thread", thread);
        return;
    }
    threadDelay(K_NOBLOCK);
    measure_rounds(
        context, name, context.rounds_or(usual_rounds), [&](unsigned) { return round(); },
        [](unsigned, long result) { return result == K_OK; });
    threadDelete(K_MYACTOR, thread);
}

void measure_free_mutex(const Context& context) {
    const char* const name = "sync.mutex";
    if (!context.wants("same", name)) {
        return;
    }
    const auto round = [](unsigned) -> long {
        mutexGet(&mutex);
        return mutexRel(&mutex);
    };
    measure_rounds(context, name, context.rounds_or(usual_rounds), round,
                   [](unsigned, long result) { return result == K_OK; });
}

} // namespace

void measure_objects(const Context& context) {
    measure_free_mutex(context);
    mutexGet(&mutex); // the partner waits for it
    measure_with(context, "sync.mutex.handoff", want_mutex, inherit_priority, []() -> long {
        mutexRel(&mutex);
        return mutexGet(&mutex);
    });
    measure_with(context, "sync.semaphore.wake", take_units, better_priority,
                 []() -> long { return semV(&sem); });
    measure_with(context, "sync.event.wake", take_events, better_priority,
                 []() -> long { return eventPost(&events, 1); });
}

} // namespace chorale::bench
