// Console input (sysRead, sysPoll). Who wants a line queues up; only the first takes what is typed, and it
// stays first until its line is complete. Readers sleep on their own timers and look at the device when they
// wake up: so nobody wakes a reader of another CPU, and what makes a reader leave (abort, death) needs only
// the lock of the queue.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"

namespace chorale {

struct InConsole;
struct Thread;

// A thread's place in the queue; under the lock of the queue.
struct ConsoleReader : ListNode<InConsole> {
    VirtAddr buffer;
    u32 size{}, done{};
    bool queued{};
};

// At the end of the queue.
void queue_for_console(Thread& self, VirtAddr buffer, u32 size);

// Goes on reading for `self`, the current thread, which is in the queue; its call ends when there is
// enough.
void read_console(Thread& self);

// The thread reads no more.
void leave_console(Thread& thread);

// One character, unless nothing was typed or somebody is reading: -1.
[[nodiscard]] int poll_console();

} // namespace chorale
