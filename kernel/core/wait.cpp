#include "kernel/core/wait.hpp"

#include "kernel/core/schedule.hpp"
#include "kernel/ipc/abort.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/lap/binding.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mipc/opening.hpp"
#include "kernel/sync/lending.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/trace/recorder.hpp"

#include <chorus/message_registers.h>

namespace chorale {

namespace {

// What the call said when it began to wait.
[[nodiscard]] bool abortable(const Thread& thread) {
    switch (thread.doing()) {
    case Doing::sleeping:
    case Doing::blocked:
    case Doing::awaiting_timer:
    case Doing::reading:
        return thread.abortable;
    case Doing::receiving:
    case Doing::awaiting_reply:
        return (thread.frame.message_control() & MESSAGE_ABORTABLE) != 0;
    default:
        return false;
    }
}

void stop_waiting(Thread& thread) {
    switch (thread.doing()) {
    case Doing::ready:
        this_cpu().ready.remove(thread);
        break;
    case Doing::awaiting_timer:
        static_cast<void>(leave_timer_pool(thread));
        break;
    case Doing::receiving:
        unpark(thread);
        thread.clear(flag_keeps);
        break;
    case Doing::awaiting_reply:
        if (thread.server != nullptr) {
            leave_pair(thread);
        } else {
            lend_nothing(thread);
            ++thread.transaction; // a reply on its way does not match any more
        }
        break;
    case Doing::sleeping:
        stop_resolving(thread);
        break;
    case Doing::reading:
        leave_console(thread);
        break;
    default:
        break;
    }
}

} // namespace

void on_timeout(Thread& thread) {
    thread.clear(flag_timed);
    switch (thread.doing()) {
    case Doing::awaiting_timer:
        if (!leave_timer_pool(thread)) break; // a timer is on its way to it
        wake(thread, K_ETIMEOUT);
        break;
    case Doing::receiving:
    case Doing::awaiting_reply:
    case Doing::sleeping:
        if (thread.doing() == Doing::sleeping) {
            stop_resolving(thread);
        } else {
            stop_waiting(thread);
        }
        // The pause of a thread that deletes an actor or a LAP is not a call's wait.
        if ((thread.victim != nullptr && !thread.invocations.destructs) || thread.has(flag_finishing)) {
            wake_with(thread, thread.resume);
        } else if (thread.has(flag_pausing)) {
            thread.clear(flag_pausing);
            wake_with(thread, thread.work.again);
        } else {
            wake(thread, K_ETIMEOUT);
        }
        break;
    case Doing::blocked:
        if (leave_queue(thread)) end_blocked(thread, K_ETIMEOUT);
        break;
    case Doing::reading:
        wake_with(thread, read_console);
        break;
    // Asking for a message elsewhere: when none comes, the thread looks at its deadline itself.
    default:
        break;
    }
}

void abort_thread(Thread& thread, Flag mark) {
    // Who has been given already what it waited for is not waiting any more.
    if (!abortable(thread) || (thread.doing() == Doing::blocked && !leave_queue(thread)) ||
        (thread.doing() == Doing::awaiting_timer && !leave_timer_pool(thread))) {
        thread.set(mark);
    } else if (waits_for_page(thread)) {
        thread.set(mark); // the program, or the call, learns of it
        end_blocked(thread, K_EABORT);
    } else if (thread.doing() != Doing::awaiting_reply || !abort_server_of(thread)) {
        stop_waiting(thread);
        thread.clear(flag_pausing);
        wake(thread, K_EABORT);
    }
    announce_abort(thread);
}

void cancel_wait(Thread& thread) {
    stop_waiting(thread);
    disarm_timer(thread);
    if (thread.incoming != nullptr) refuse(*thread.incoming, K_ECRASH);
    thread.incoming = nullptr;
    if (continuation_of(thread) == take_delivery) pass_message_on(thread);
    thread.continuation = nullptr;
    leave_console(thread); // also one that was about to look
}

} // namespace chorale
