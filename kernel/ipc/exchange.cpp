#include "kernel/ipc/exchange.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/ipc/transfer.hpp"
#include "kernel/sync/lending.hpp"

#include <chorus/message_registers.h>

namespace chorale {

namespace {

// What a fast pair would have been as a Message; the body is with the server already.
[[gnu::noinline]] void describe(Message& message, const Thread& client, const Thread& server) {
    const Port& source = *client.actor->default_port;
    compose_words(message, (client.frame.message_control() & MESSAGE_SIZE_MASK) >> MESSAGE_SIZE_SHIFT);
    message.call = true;
    message.kept = false;
    message.transaction = client.transaction;
    message.exchange = client.exchanges;
    // relaxed, both: nobody else knows the message yet
    message.priority.store(client.priority, std::memory_order_relaxed);
    message.server.store(nullptr, std::memory_order_relaxed);
    message.port = server.port;
    // Another port's name must not be told, should the memory have become one. acquire: pairs with the
    // release in enter_tables(), so that behind a number of the own actor is the name that goes with it
    const u64 li = server.port->li.load(std::memory_order_acquire);
    // relaxed: see begin_port_deletion()
    const bool own = server.port->actor.load(std::memory_order_relaxed) == server.actor;
    message.target = own && li != deleted_port_li ? server.port->ui : KnUniqueId{};
    message.source = source.ui;
    message.source_actor = client.actor->protection;
    message.source_port = source.protection;
}

[[nodiscard]] KnMsgHead head_of(const Message& message, bool call) {
    KnMsgHead head{};
    head.bodySize = static_cast<int>(message.size);
    head.flags[0] = static_cast<char>((call ? K_MSG_CALL : 0) | (message.has_annex ? K_MSG_ANNEX : 0));
    head.srcPort = message.source;
    head.target = message.target;
    if (is_group(message.target)) head.coTarget = message.co_target;
    head.transId = call ? message.transaction << 32 | message.exchange : 0;
    head.actorId = message.source_actor;
    head.portId = message.source_port;
    return head;
}

// The client waits for this reply.
[[gnu::noinline]] void end_call(Thread& client, Message& reply) {
    if (reply_by_words(client, reply)) {
        take_reply_words(client, reply);
        disarm_timer(client);
        make_ready(client);
    } else if (reply.error == K_OK && placed(reply) && !reply.has_annex) {
        take_placed_reply(client, reply);
        disarm_timer(client);
        make_ready(client);
    } else {
        ++client.transaction;
        client.incoming = &reply;
        wake_with(client, finish_call);
    }
}

// On the CPU that owns the client, which still waits for this reply, or not.
void reply_arrives(Request& request) {
    Message& reply = *static_cast<MessageRequest&>(request).message;
    Thread& client = *reply.client;
    // relaxed: its last owner, if that was this CPU, has counted it up itself; others may be seen late, and
    // send the reply on
    const bool gone = client.serial.load(std::memory_order_relaxed) != reply.client_serial;
    if (!gone && forward(request, client)) return;
    if (gone || client.doing() != Doing::awaiting_reply || client.server != nullptr ||
        client.transaction != reply.transaction) {
        free_message(reply);
    } else {
        end_call(client, reply);
    }
}

void hold(Thread& server, Message* message) {
    server.serving = message;
    server.set(flag_serving);
}

} // namespace

Result<KnMsgHead> current_head(const Thread& server) {
    if (server.client != nullptr) {
        Message message;
        describe(message, *server.client, server);
        return head_of(message, true);
    }
    if (!server.has(flag_serving) || server.serving == nullptr) return Status::invalid;
    const Message& message = *server.serving;
    return head_of(message, &message == server.handling ? message.handling.call : message.call);
}

namespace {

constexpr u16 nothing_lent = 0xffff;

[[nodiscard, gnu::always_inline]] inline u16 lent_by_current(const Thread& server) {
    if (server.client != nullptr) return server.client->priority;
    // One that was handed over counts from then on, though it is still to be taken over into memory. What a
    // client is about to take over is its own: it serves what it did before. One that nobody waits for is
    // being composed.
    const Message* message = server.has(flag_serving) ? server.serving : nullptr;
    // While it is asking, what comes in is its request's, and perhaps being fetched by another CPU.
    const bool taking = server.doing() != Doing::asking && server.incoming != nullptr;
    if (taking && lends(*server.incoming) && server.incoming->client != &server) message = server.incoming;
    if (message == nullptr || !lends(*message) || message->client == &server) return nothing_lent;
    return message->priority.load();
}

// While it runs message handlers, those whom it serves outside of them wait for it as before.
[[nodiscard, gnu::noinline]] u16 lent_outside(const Thread& server, u16 lent) {
    for (const Message* each = server.handling; each != nullptr; each = each->handling.outer) {
        const Message* const outer = each->handling.outer_serving;
        if (outer == nullptr || !lends(*outer) || outer->client == &server) continue;
        if (const u16 priority = outer->priority.load(); priority < lent) lent = priority;
    }
    return lent;
}

} // namespace

u16 lent_priority(const Thread& server) {
    const u16 lent = lent_by_current(server);
    return server.handling == nullptr ? lent : lent_outside(server, lent);
}

[[gnu::always_inline]] void lend_to(Thread& server, Message& message) {
    note_server(message, server);
    if (const u16 lent = message.priority.load(); lent < server.priority) set_priority(server, lent);
}

[[gnu::always_inline]] void serve(Thread& server, Message& message) {
    if (server.client != nullptr || server.has(flag_serving)) [[unlikely]]
        abandon_current(server, K_EFAIL);
    hold(server, &message);
    if (lends(message)) lend_to(server, message);
}

[[gnu::always_inline]] Message* end_service(Thread& server) {
    Message* const message = server.serving;
    server.serving = nullptr;
    server.state &= ~static_cast<u32>(flag_serving | flag_request_aborted);
    if (server.priority != server.base_priority) restore_priority(server);
    return message;
}

Thread* waiting_client(const Message& reply) {
    Thread* const client = reply.client;
    // acquire: as in forward(); what is behind the first two is this CPU's to read
    if (client == nullptr || client->cpu.load(std::memory_order_acquire) != this_cpu().index ||
        client->has(flag_moving)) {
        return nullptr;
    }
    // relaxed: its own CPU writes it
    const bool same = client->serial.load(std::memory_order_relaxed) == reply.client_serial;
    const bool waits = client->doing() == Doing::awaiting_reply && client->server == nullptr &&
                       client->transaction == reply.transaction;
    return same && waits ? client : nullptr;
}

void send_reply(Message& reply) {
    reply.request.run = reply_arrives;
    reply_arrives(reply.request);
}

void end_unclaimed(Message& message) {
    if (message.answered != nullptr)
        message.answered(message);
    else
        free_message(message);
}

void refuse(Message& message, long error) {
    message.error = error;
    if (message.client == nullptr) return end_unclaimed(message);
    release_pages(message);
    send_reply(message);
}

void abandon_current(Thread& server, long error) {
    if (Thread* const client = server.client; client != nullptr) {
        server.client = client->server = nullptr;
        ++client->transaction;
        wake(*client, error);
        restore_priority(server);
    } else if (server.has(flag_serving)) {
        Message* const message = end_service(server);
        if (message != nullptr && message != server.handling) refuse(*message, error);
    }
}

void leave_pair(Thread& client) {
    Thread& server = *client.server;
    const Result<Message*> made = allocate_message();
    // Without memory the server has a current message of which nothing is known but that its reply goes
    // nowhere.
    if (made.ok()) describe(*made.value(), client, server);
    hold(server, made.ok() ? made.value() : nullptr);
    server.client = client.server = nullptr;
    ++client.transaction;
    restore_priority(server);
}

[[gnu::noinline]] Status slow_pair(Thread& client) {
    const Result<Message*> made = allocate_message();
    if (!made.ok()) return made.status();
    Thread& server = *client.server;
    Message& message = *made.value();
    describe(message, client, server);
    message.client = &client;
    message.client_serial = client.serial.load(std::memory_order_relaxed); // relaxed: this CPU owns it
    hold(server, &message);
    note_server(message, server);
    client.sync.request = &message;
    server.client = client.server = nullptr;
    return Status::ok;
}

} // namespace chorale
