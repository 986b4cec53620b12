#include "kernel/call/other_ways.hpp"

#include "kernel/core/entry.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/give.hpp"
#include "kernel/ipc/message_handler.hpp"

namespace chorale {

namespace {

[[nodiscard]] long result_of(Handled handled, Message& message, const Destination& to, Route route) {
    if (handled == Handled::entered) return no_result;
    if (handled == Handled::mailed) return K_OK;
    if (message.given != 0) take_back(message, to.from);
    free_message(message);
    return handled == Handled::no_memory ? K_ENOMEM : refusal(route);
}

} // namespace

long call_otherwise(Thread& self, Message& message, Destination to, Route route, u64 deadline) {
    const Handled handled =
        route == Route::full ? handle_call(self, message, *to.port, deadline) : Handled::not_here;
    return result_of(handled, message, to, route);
}

long send_otherwise(Thread& self, Message& message, Destination to, Route route) {
    const Handled handled = route == Route::full ? handle_send(self, message, *to.port) : Handled::not_here;
    const long result = result_of(handled, message, to, route);
    if (result == K_OK || result == no_result) this_cpu().counters.messages_sent.count();
    return result;
}

[[gnu::noinline]] void leave_otherwise(Thread& self, Message& message, Port& port, Route route) {
    const long result = send_otherwise(self, message, {&port}, route);
    if (result != no_result) self.frame.set_result(result);
    leave();
}

} // namespace chorale
