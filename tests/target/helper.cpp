// Threads of the test actor.
#include "helper.hpp"

namespace chorale::test {
namespace {

constexpr unsigned slot_count = 16;
constexpr std::size_t stack_size = 16384;

struct Slot {
    std::atomic<bool> used, finished;
    ThreadBody body;
    std::uintptr_t argument;
    KnThreadLid thread; // 0: it has ended, its number is another's
};
Slot slots[slot_count];
alignas(16) char stacks[slot_count][stack_size];

} // namespace

void Helper::run(std::uintptr_t index) {
    Slot& slot = slots[index];
    slot.body(slot.argument);
    // release: who sees the end sees what the body did
    slot.finished.store(true);
}

int Helper::start(ThreadBody body, std::uintptr_t argument, unsigned priority, KnCpuId cpu) {
    for (unsigned i = 0; i < slot_count; ++i) {
        // relaxed: only the main thread starts and stops helpers
        if (slots[i].used.load()) {
            continue;
        }
        slots[i].body = body;
        slots[i].argument = argument;
        slots[i].finished.store(false);
        const int thread = start_thread({run, i, stacks[i], stack_size, priority, cpu});
        if (thread > 0) {
            for (Slot& other : slots) {
                other.thread = other.thread == thread ? 0 : other.thread;
            }
            slots[i].thread = thread;
            slots[i].used.store(true);
            slot_ = static_cast<int>(i);
            thread_ = thread;
        }
        return thread;
    }
    return K_EFULL;
}

bool Helper::finished() const {
    return slot_ >= 0 && slots[slot_].finished.load(); // pairs with run()
}

bool Helper::join(unsigned milliseconds) {
    return eventually([this] { return finished(); }, milliseconds);
}

// A finished body is about to delete its thread: that the deletion here comes too late is no error.
void Helper::stop() {
    if (slot_ < 0) {
        return;
    }
    if (slots[slot_].thread != 0) {
        threadDelete(K_MYACTOR, slots[slot_].thread);
    }
    slots[slot_].thread = 0;
    slots[slot_].used.store(false);
    slot_ = -1;
}

KnThreadStatus status_of(KnThreadLid thread, const KnCap* actor) {
    static KnThreadStat all[256];
    const int count = threadStat(actor, 0, all, sizeof(all));
    for (int i = 0; i < count; ++i) {
        if (all[i].tsThreadLi == thread) {
            return all[i].tsStatus;
        }
    }
    return 99;
}

unsigned cpu_count() {
    static unsigned count = running_cpus();
    return count;
}

std::uint64_t now_microseconds() {
    KnTimeVal time{};
    sysTime(&time);
    return static_cast<std::uint64_t>(time.tmSec) * 1000000 + static_cast<std::uint64_t>(time.tmNSec) / 1000;
}

bool clock_is_own() {
    char buffer[K_ENVVALUEMAX];
    return same_text(environment_text("test.clock", buffer, "host"), "own");
}

bool in_time(std::uint64_t passed_microseconds, std::uint64_t wanted_microseconds) {
    return passed_microseconds < wanted_microseconds + (clock_is_own() ? 200U : patience) * 1000U;
}

void burn(unsigned microseconds) {
    const std::uint64_t end = now_microseconds() + microseconds;
    while (now_microseconds() < end) {
    }
}

} // namespace chorale::test
