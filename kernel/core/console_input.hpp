// Console input (sysRead, sysPoll). Who wants a line queues up; only the first takes what is typed, and it
// stays first until its line is complete.
//
// The device interrupts while the first reader listens, and only then:
//
//   Core X (the line's)                         Core Y (the first reader's)
//     A  arrival: listens no more                 C  takes what there is; nothing left: listens, in one
//     B  sends the bell to the first reader          critical section
//                                                 D  waits; the bell, a Request, comes after that
// What is typed behind C's last look raises the line again as soon as C listens. There is one bell; who wants
// to send it while it is out leaves a mark, and where it arrives it is sent once more. It only says "look":
// one that reaches somebody who does not read, or reads no more, does no harm. Who leaves the queue rings for
// the next one. Without a line (a firmware's console) readers sleep on their timers and look now and then.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"

namespace chorale {

struct InConsole;
struct Request;
struct Thread;

// A thread's place in the queue; under the lock of the queue.
struct ConsoleReader : ListNode<InConsole> {
    Thread* thread{};
    VirtAddr buffer;
    u32 size{}, done{};
    bool queued{};
};

// Attaches to the console's line, if there is one; its interrupts come to this CPU. At boot.
void init_console_input();

// At the end of the queue.
void queue_for_console(Thread& self, VirtAddr buffer, u32 size);

// Goes on reading for `self`, the current thread, which is in the queue; its call ends when there is
// enough.
void read_console(Thread& self);

// The thread reads no more.
void leave_console(Thread& thread);

// One character, unless nothing was typed or somebody is reading: -1.
[[nodiscard]] int poll_console();

// For inspection: whether that Request is the bell.
[[nodiscard]] bool is_console_bell(const Request& request);

} // namespace chorale
