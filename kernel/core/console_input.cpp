#include "kernel/core/console_input.hpp"

#include "kernel/base/log.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/interrupt/lines.hpp"

#include <machine/console.hpp>
#include <machine/timer.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

// Often enough for a device that keeps 16 characters at 115200 baud; who is not first has time.
constexpr u64 first_pause = 1'000'000, other_pause = 10'000'000; // nanoseconds
constexpr unsigned characters_at_once = 16;

using Queue = List<ConsoleReader, InConsole>;
struct Readers {
    Queue queue;
    bool ringing{}, again{}; // the bell is out; another one is wanted
};
Guarded<Rank::names, Readers> readers;
constinit bool interrupts = false; // written at boot

struct Bell : Request {
    Thread* whom{};
};
constinit Bell bell{}; // belongs to who has set `ringing`, then to whom it is sent

struct Taken {
    bool first; // the turn is the reader's
    int character;
};

[[nodiscard]] Taken take(ConsoleReader& reader) {
    return readers.with([&](Readers& all) -> Taken {
        const bool first = all.queue.front() == &reader;
        const int character = first ? machine::get() : -1;
        if (interrupts && first && character < 0) machine::console_listen(true);
        return {first, character};
    });
}

void deliver(Request&) {
    while (!forward(bell, *bell.whom)) {
        if (bell.whom->doing() == Doing::reading) wake_with(*bell.whom, read_console);
        Thread* const next = readers.with([](Readers& all) -> Thread* {
            all.ringing = all.again && !all.queue.empty();
            all.again = false;
            return all.ringing ? all.queue.front()->thread : nullptr;
        });
        if (next == nullptr) return; // from here on the bell is anybody's
        bell.whom = next;
    }
}

void ring_first() {
    Thread* const whom = readers.with([](Readers& all) -> Thread* {
        if (all.queue.empty()) return nullptr;
        all.again = all.ringing;
        if (all.ringing) return nullptr;
        all.ringing = true;
        return all.queue.front()->thread;
    });
    if (whom == nullptr) return;
    bell.whom = whom;
    bell.run = deliver;
    deliver(bell);
}

void on_typing() {
    readers.with([](Readers&) { machine::console_listen(false); });
    ring_first();
}

void end_reading(Thread& self, long result) {
    leave_console(self);
    self.frame.set_result(result);
}

void pause(Thread& self, u64 time) {
    if (self.take_abort()) return end_reading(self, K_EABORT);
    self.now_doing(Doing::reading);
    self.abortable = true;
    if (!interrupts) arm_timer(self, machine::now() + time);
}

[[nodiscard]] bool store(ConsoleReader& reader, char character) {
    return machine::copy_out(reader.buffer + reader.done, &character, 1);
}

// Whether the line is complete; its end is not stored.
[[nodiscard]] bool take_into_line(ConsoleReader& reader, char character, bool& stored) {
    constexpr char backspace = 8, erase = 127;
    if (character == '\r' || character == '\n') {
        console_write("\n");
        return true;
    }
    if (character == backspace || character == erase) {
        if (reader.done != 0) {
            --reader.done;
            console_write("\b \b");
        }
        return false;
    }
    console_write({&character, 1});
    stored = store(reader, character);
    return ++reader.done == reader.size - 1;
}

} // namespace

void init_console_input() {
    const unsigned line = machine::console_line();
    interrupts = line != machine::no_line && attach_own_handler(line, on_typing) == Status::ok;
    if (interrupts) {
        log("console: input by interrupt, line {}", line);
    } else {
        log("console: input is polled");
    }
}

void queue_for_console(Thread& self, VirtAddr buffer, u32 size) {
    ConsoleReader& reader = self.reader;
    reader.thread = &self;
    reader.buffer = buffer;
    reader.size = size;
    reader.done = 0;
    reader.queued = true;
    readers.with([&](Readers& all) { all.queue.push_back(reader); });
}

void read_console(Thread& self) {
    ConsoleReader& reader = self.reader;
    for (unsigned i = 0; i < characters_at_once; ++i) {
        const Taken taken = take(reader);
        if (taken.character < 0) return pause(self, taken.first ? first_pause : other_pause);
        const auto character = static_cast<char>(taken.character);
        if (reader.size == 1) return end_reading(self, store(reader, character) ? 1 : long{K_EFAULT});
        bool stored = true;
        const bool complete = take_into_line(reader, character, stored);
        if (complete) stored = stored && store(reader, '\0');
        if (!stored) return end_reading(self, K_EFAULT);
        if (complete) return end_reading(self, reader.done);
    }
    self.continuation = read_console;
}

void leave_console(Thread& thread) {
    if (!thread.reader.queued) return;
    readers.with([&](Readers&) { Queue::remove(thread.reader); });
    thread.reader.queued = false;
    if (interrupts) ring_first();
}

int poll_console() {
    return readers.with([](Readers& all) { return all.queue.empty() ? machine::get() : -1; });
}

bool is_console_bell(const Request& request) { return &request == &bell; }

} // namespace chorale
