#include "kernel/ipc/abort.hpp"

#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/wait.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/sync/lending.hpp"

namespace chorale {

namespace {

void caller_returns(Thread& caller, long) { wake(caller, K_EABORT); }

// The slow form: whose request it is now is told by caller and transaction, which is never used twice.
[[nodiscard]] long abort_service(Thread& server, const Question& question) {
    Message* const served = server.has(flag_serving) ? server.serving : nullptr;
    if (served != nullptr && reinterpret_cast<u64>(served->client) == question.argument[0] &&
        served->transaction == question.argument[1]) {
        served->client = nullptr; // as in leave_pair(): nobody waits for the reply, or lends
        restore_priority(server);
        abort_thread(server, flag_request_aborted);
    }
    return K_OK;
}

// The pair that it was: mail to the own CPU comes before the server does anything.
[[nodiscard]] long abort_partner(Thread& server, const Question&) {
    if (server.has(flag_serving)) abort_thread(server, flag_request_aborted);
    return K_OK;
}

} // namespace

bool abort_server_of(Thread& caller) {
    Operation operation{abort_service, {reinterpret_cast<u64>(&caller), caller.transaction}, caller_returns};
    Thread* server = caller.server;
    u64 serial;
    if (server != nullptr) {
        serial = server->serial.load(std::memory_order_relaxed); // relaxed: this CPU's thread
        operation.run = abort_partner;
        leave_pair(caller);
    } else {
        // It waits: the message comes back to this CPU before it is anybody else's. relaxed, both: who began
        // to serve it a moment ago may be missed; a serial that is another server's is not that thread's, or
        // its answer is that it serves something else
        const Message& request = *caller.sync.request;
        server = request.server.load(std::memory_order_relaxed);
        if (server == nullptr) return false;
        serial = request.server_serial.load();
        ++caller.transaction; // a reply on its way does not match any more
    }
    disarm_timer(caller);
    ask_by_mail(caller, *server, serial, operation);
    return true;
}

} // namespace chorale
