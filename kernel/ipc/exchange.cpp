#include "kernel/ipc/exchange.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/ipc/transfer.hpp"

#include <chorus/message_registers.h>

namespace chorale {

namespace {

[[nodiscard]] KnMsgHead pair_head(const Thread& server) {
    const Thread& client = *server.client;
    KnMsgHead head{};
    head.bodySize = static_cast<int>((client.frame.message_control() & MESSAGE_SIZE_MASK) >> MESSAGE_SIZE_SHIFT);
    head.flags[0] = K_MSG_CALL;
    head.srcPort = client.actor->default_port->ui;
    head.target = server.port->ui;
    head.transId = client.transaction + 1;
    head.actorId = client.actor->protection;
    head.portId = client.actor->default_port->protection;
    return head;
}

void end_service(Thread& server) { set_priority(server, server.base_priority); }

// On the CPU that owns the client.
void reply_arrives(Request& request) {
    Message& reply = *static_cast<MessageRequest&>(request).message;
    Thread& client = *reply.client;
    if (client.serial.load(std::memory_order_relaxed) != reply.client_serial) {  // relaxed: owners decide
        free_message(reply);
        return;
    }
    if (forward(request, client)) return;
    if (client.doing() != Doing::awaiting_reply || client.server != nullptr || client.incoming != nullptr ||
        client.transaction != reply.transaction) {
        free_message(reply);
        return;
    }
    client.incoming = &reply;
    wake_with(client, finish_call);
}

}  // namespace

Result<KnMsgHead> current_head(const Thread& server) {
    if (server.client != nullptr) return pair_head(server);
    if (server.has(flag_serving)) return server.current.head;
    return Status::invalid;
}

void serve(Thread& server, Message& message) {
    abandon_current(server, K_EFAIL);
    server.current.head = message.head;
    server.set(flag_serving);
    if (message.client == nullptr) {
        server.current.carrier = nullptr;
        free_message(message);
        return;
    }
    server.current.carrier = &message;
    if (message.priority < server.priority) set_priority(server, message.priority);
}

void send_reply(Message& reply) {
    reply.request.run = reply_arrives;
    reply_arrives(reply.request);
}

void refuse(Message& message, long error) {
    if (message.client == nullptr) {
        free_message(message);
        return;
    }
    release_pages(message);
    message.error = error;
    send_reply(message);
}

void abandon_current(Thread& server, long error) {
    if (Thread* const client = server.client; client != nullptr) {
        server.client = client->server = nullptr;
        ++client->transaction;
        wake(*client, error);
        end_service(server);
    }
    if (server.has(flag_serving)) {
        server.clear(flag_serving);
        Message* const carrier = server.current.carrier;
        server.current.carrier = nullptr;
        if (carrier != nullptr) {
            release_pages(*carrier);
            carrier->error = error;
            send_reply(*carrier);
            end_service(server);
        }
    }
}

void leave_pair(Thread& client) {
    Thread& server = *client.server;
    server.current.head = pair_head(server);
    server.current.carrier = nullptr;
    server.set(flag_serving);
    server.client = client.server = nullptr;
    ++client.transaction;
    end_service(server);
}

Status slow_pair(Thread& client) {
    const Result<Message*> carrier = allocate_message();
    if (!carrier.ok()) return carrier.status();
    Thread& server = *client.server;
    Message& message = *carrier.value();
    message.client = &client;
    message.client_serial = client.serial.load(std::memory_order_relaxed);  // relaxed: owned here
    message.transaction = client.transaction;
    message.priority = client.priority;
    message.port = server.port;
    message.head = pair_head(server);
    server.current.head = message.head;
    server.current.carrier = &message;
    server.set(flag_serving);
    server.client = client.server = nullptr;
    return Status::ok;
}

}  // namespace chorale
