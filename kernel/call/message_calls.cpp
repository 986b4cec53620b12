// Messages with full semantics: the slow path behind the fast path, and the calls that have no fast one.
#include "kernel/call/handlers.hpp"
#include "kernel/call/other_ways.hpp"
#include "kernel/call/table.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/direct_copy.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/hold.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/ipc/transfer.hpp"
#include "kernel/sync/lending.hpp"

#include "kernel/supervisor/handler.hpp"

#include <chorus/message_registers.h>
#include <machine/cpu.hpp>
#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr u64 nanoseconds_per_millisecond = 1'000'000;

[[nodiscard]] u64 deadline_after(int delay) {
    if (delay < 0) return TimerQueue::never;
    return machine::now() + static_cast<u64>(delay) * nanoseconds_per_millisecond;
}

[[nodiscard]] bool abort_now(Thread& self) {
    return (self.frame.message_control() & MESSAGE_ABORTABLE) != 0 && self.take_abort();
}

// Of the actor in which the thread is.
[[nodiscard]] Port* own_port(Thread& self, int li) {
    if (li < 0 || li >= static_cast<int>(Actor::port_limit)) return nullptr;
    Actor& actor = execution_actor(self);
    // Where it received last: still that port, or one that came after it in its memory? acquire: pairs with
    // the release in create_port(), so that not the old one's home and name are seen behind the new one's
    // number
    if (self.port->li.load(std::memory_order_acquire) == static_cast<u64>(li) &&
        self.port->actor.load(std::memory_order_relaxed) == &actor) { // relaxed: ordered by the acquire
        return self.port;
    }
    return actor.tables.with([&](Actor::Tables& tables) { return tables.port(static_cast<unsigned>(li)); });
}

// `actor`: in which the thread is.
void address(Message& message, Thread& self, const Actor& actor, const Port& source, const KnUniqueId& target,
             bool call) {
    message.target = target;
    message.call = call;
    message.kept = false;
    // Of a message without a reply it tells who has sent it, to a trace.
    message.transaction = call ? self.transaction : reinterpret_cast<uword>(&self);
    message.exchange = self.exchanges + 1;
    self.exchanges.store(message.exchange);
    // relaxed, both: nobody else knows the message yet
    message.priority.store(self.priority, std::memory_order_relaxed);
    message.server.store(nullptr, std::memory_order_relaxed);
    message.source = source.ui;
    message.source_actor = actor.protection;
    message.source_port = source.protection;
}

// A request in registers costs nothing; what else nobody takes at once is paid for by the sender.
enum class Pays : u8 { nothing, credits };

// Once for all calls by descriptor; what goes in registers has a copy of its own.
[[nodiscard, gnu::noinline]] Route deliver_composed(Thread& self, Port& port, Message& message,
                                                    bool in_order) {
    return deliver_paid(port, message, in_order, execution_actor(self).credits);
}

template <Pays P>
[[nodiscard, gnu::always_inline]] inline Route send_to(const Destination& to, Thread& self, Message& message,
                                                       bool in_order) {
    if constexpr (P == Pays::nothing) return deliver(*to.port, message, in_order);
    if (to.server == nullptr) [[likely]]
        return deliver_composed(self, *to.port, message, in_order);
    deliver_placed(*to.port, message, *to.server);
    return Route::here;
}

// To a group: its name leads to no port.
[[nodiscard, gnu::noinline]] Status member_for(Message& message, const KnIpcDest& destination, Port*& port) {
    message.co_target = destination.coTarget;
    const Result<Port*> member = choose_member(destination);
    if (member.ok()) port = member.value();
    return member.status();
}

// For the reply, by the sender: not at all, or until nothing but its death ends it.
enum class Wait : u8 { some, without_end };

// A large body goes straight to a server that waits here, any other into the message. `goes_on`, and
// Status::busy: as for compose().
[[nodiscard]] Status compose_for(const KnIpcDest& destination, Message& message, const KnMsgDesc& body,
                                 bool goes_on, bool in_order, Wait wait, Destination& to) {
    const KnUniqueId& target = destination.target;
    if (!goes_on && worth_placing(body)) {
        to.port = find_port(target);
        to.server = to.port == nullptr ? nullptr : waiting_server(*to.port, in_order);
        if (to.server != nullptr) {
            const VirtAddr room{to.server->frame.message_descriptor()};
            const Status status = place(message, body, *to.server, room);
            if (status == Status::aborted) return Status::busy;
            if (status != Status::busy) return status;
            to.server = nullptr;
        }
    }
    Status status = Status::busy;
    if (!goes_on && worth_holding(body)) {
        machine::interrupt_window();
        if (this_cpu().pending != 0) return Status::busy;
        status = hold_body(message, body, wait == Wait::without_end ? HeldBody::live : HeldBody::frozen);
    }
    if (status == Status::busy) status = compose(message, body, goes_on);
    if (status != Status::ok) return status;
    to.from = VirtAddr{body.bodyAddr};
    to.port = find_port(target);
    if (to.port != nullptr) return Status::ok;
    status = member_for(message, destination, to.port);
    if (status != Status::ok && message.given != 0) take_back(message, to.from);
    return status;
}

// Pages that are given up cannot go to several.
[[nodiscard]] Status compose_for_all(Message& message, const KnMsgDesc& body, bool goes_on) {
    KnMsgDesc kept = body;
    kept.flags &= ~unsigned{K_MSG_GIVE};
    return compose(message, kept, goes_on);
}

// The request is on its way; `self` waits for the reply.
template <Pays P>
[[nodiscard, gnu::always_inline]] inline long request(Thread& self, Message& message, const Destination& to,
                                                      u64 deadline) {
    message.client = &self;
    self.sync.request = &message;
    message.client_serial = self.serial.load(std::memory_order_relaxed); // relaxed: its own
    Counters& counters = this_cpu().counters;
    const bool in_order = self.has(flag_sent);
    self.now_doing(Doing::awaiting_reply);
    const Route route = send_to<P>(to, self, message, in_order);
    if (route >= Route::full) [[unlikely]] {
        self.now_doing(Doing::running);
        const long instead = call_otherwise(self, message, to, route, deadline);
        if (instead == no_result) counters.messages_called.count();
        if (instead != K_OK) return instead;
        self.now_doing(Doing::awaiting_reply);
    }
    self.clear(flag_sent); // only now: who was refused has not waited, what it sent may still be under way
    counters.messages_called.count();
    if (deadline != TimerQueue::never) arm_timer(self, deadline);
    return no_result;
}

[[nodiscard]] long receive_on(Thread& self, int li, u64 deadline) {
    // A client by the fast path must outlive this thread's next wait: its exchange becomes a slow one.
    if (self.client != nullptr) {
        if (const Status status = slow_pair(*self.client); status != Status::ok)
            return static_cast<long>(status);
    }
    if (li == K_ANYENABLED) return receive_any(self, deadline);
    Port* const port = own_port(self, li);
    if (port == nullptr) return K_EINVAL;
    return receive(self, *port, deadline);
}

// The reply to a fast pair's client goes straight to its registers.
void reply_to_pair(Thread& self, const u64* words, u64 size) {
    Thread& client = *self.client;
    self.client = client.server = nullptr;
    client.frame.load_words(words);
    client.frame.set_message_result(static_cast<long>(size), 0, 0);
    restore_priority(self);
    make_ready(client);
}

// The Message that carries the reply of a slow exchange; invalid when no reply is awaited. A client that has
// gone meanwhile is no error: there may even be no Message left to tell of it.
[[nodiscard]] bool owes_reply(const Thread& self) {
    return self.has(flag_serving) && (self.serving == nullptr || self.serving->call);
}

// A large body goes straight to a client that waits here.
[[nodiscard]] Status compose_reply(Message& message, const KnMsgDesc& body, bool goes_on) {
    const Thread* const client = !goes_on && worth_placing(body) ? waiting_client(message) : nullptr;
    const Status status =
        client == nullptr ? Status::busy : place(message, body, *client, reply_descriptor(*client));
    if (status == Status::aborted) return Status::busy;
    return status == Status::busy ? compose(message, body, goes_on) : status;
}

void reply_with(Thread& self) {
    Message* const reply = end_service(self);
    if (reply == nullptr) return;
    reply->error = K_OK;
    if (reply->client == nullptr) {
        end_unclaimed(*reply);
    } else {
        send_reply(*reply);
    }
}

[[nodiscard]] long reply_words(Thread& self, u64 size) {
    if (size > MESSAGE_REGISTER_BYTES) return K_EINVAL;
    if (self.client != nullptr) {
        u64 words[8];
        self.frame.store_words(words);
        reply_to_pair(self, words, size);
        return K_OK;
    }
    if (!owes_reply(self)) return K_EINVAL;
    if (Message* const reply = self.serving) {
        release_pages(*reply);
        compose_words(*reply, size);
        self.frame.store_words(reply->words);
    }
    reply_with(self);
    return K_OK;
}

// The message that was begun, or a new one.
[[nodiscard]] Result<Message*> message_for(Message* begun) {
    if (begun != nullptr) return begun;
    const Result<Message*> made = allocate_message();
    if (made.ok()) made.value()->call = false; // while it is composed
    return made;
}

[[nodiscard]] Message* take_begun(Thread& self) {
    Message* const begun = self.incoming;
    self.incoming = nullptr;
    return begun;
}

// Something better is to be done before the next piece of the body.
[[nodiscard]] long compose_on(Thread& self, Message& message) {
    self.incoming = &message;
    self.continuation = begin_again;
    return no_result;
}

[[nodiscard]] long give_up(Message* begun, long error) {
    if (begun != nullptr) free_message(*begun);
    return error;
}

[[nodiscard]] u64 size_in(u64 control) { return (control & MESSAGE_SIZE_MASK) >> MESSAGE_SIZE_SHIFT; }

[[nodiscard, gnu::always_inline]] inline long call_by_words(Thread& self, Message& message, Port& port,
                                                            const KnUniqueId& target, u64 size) {
    compose_words(message, size);
    self.frame.store_words(message.words);
    const Actor& actor = execution_actor(self);
    address(message, self, actor, *actor.default_port, target, true);
    return request<Pays::nothing>(self, message, {&port}, TimerQueue::never);
}

// `actor`: in which the thread is.
[[nodiscard, gnu::always_inline]] inline long send_by_words(Thread& self, Actor& actor, const Port& from,
                                                            Message& message, Port& port,
                                                            const KnUniqueId& target) {
    compose_words(message, size_in(self.frame.message_control()));
    self.frame.store_words(message.words);
    address(message, self, actor, from, target, false);
    const Route route = deliver_paid(port, message, true, actor.credits);
    if (route >= Route::full) [[unlikely]]
        leave_otherwise(self, message, port, route);
    if (route == Route::away) self.set(flag_sent);
    this_cpu().counters.messages_sent.count();
    return K_OK;
}

// The registers name a group, or nothing: one of its ports, and a message for it.
[[nodiscard]] Result<Message*> message_for_member(const KnUniqueId& target, Port*& member) {
    const Result<Port*> chosen = choose_member({target, {}});
    if (!chosen.ok()) return chosen.status();
    member = chosen.value();
    const Result<Message*> made = allocate_message();
    if (made.ok()) made.value()->co_target = {};
    return made;
}
[[nodiscard, gnu::noinline]] long call_member(Thread& self, KnUniqueId target, u64 size) {
    Port* member{};
    const Result<Message*> made = message_for_member(target, member);
    if (!made.ok()) return static_cast<long>(made.status());
    return call_by_words(self, *made.value(), *member, target, size);
}
[[nodiscard, gnu::noinline]] long send_to_member(Thread& self, Actor& actor, const Port& from,
                                                 KnUniqueId target) {
    Port* member{};
    const Result<Message*> made = message_for_member(target, member);
    if (!made.ok()) return static_cast<long>(made.status());
    return send_by_words(self, actor, from, *made.value(), *member, target);
}

} // namespace

namespace calls {

long message_call(Thread& self) {
    const u64 size = size_in(self.frame.message_control());
    if (size > MESSAGE_REGISTER_BYTES) return K_EINVAL;
    if (abort_now(self)) return K_EABORT;
    const KnUniqueId target{self.frame.message_name(), self.frame.message_tail()};
    Port* const port = find_port(target);
    if (port == nullptr) [[unlikely]]
        return call_member(self, target, size);
    const Result<Message*> made = allocate_message();
    if (!made.ok()) return static_cast<long>(made.status());
    return call_by_words(self, *made.value(), *port, target, size);
}

[[gnu::always_inline]] long message_send(Thread& self) {
    const u64 control = self.frame.message_control();
    if (size_in(control) > MESSAGE_REGISTER_BYTES) return K_EINVAL;
    const auto source = static_cast<int>(control >> MESSAGE_SOURCE_SHIFT);
    Actor& actor = execution_actor(self);
    const Port* const from = source == K_DEFAULTPORT ? actor.default_port : own_port(self, source);
    if (from == nullptr) return K_EINVAL;
    const KnUniqueId target{self.frame.message_name(), self.frame.message_tail()};
    Port* const port = find_port(target);
    if (port == nullptr) [[unlikely]]
        return send_to_member(self, actor, *from, target);
    const Result<Message*> made = allocate_message();
    if (!made.ok()) return static_cast<long>(made.status());
    return send_by_words(self, actor, *from, *made.value(), *port, target);
}

long message_reply_receive(Thread& self) {
    const long replied = reply_words(self, size_in(self.frame.message_control()));
    if (replied != K_OK) return replied;
    if (abort_now(self)) return K_EABORT;
    const auto li = static_cast<int>(self.frame.message_name());
    // relaxed, both: as on the fast path
    if (self.port->li.load(std::memory_order_relaxed) == static_cast<u32>(li) &&
        self.port->actor.load(std::memory_order_relaxed) == &execution_actor(self) &&
        receive_again(self, *self.port))
        return no_result;
    return receive_on(self, li, TimerQueue::never);
}

long message_receive(Thread& self) {
    // Index and size; a program that puts none of the control words where one belongs gets here.
    if (static_cast<u16>(self.frame.message_control()) !=
        static_cast<u16>(MESSAGE_CONTROL(u64{MESSAGE_RECEIVE}, u64{0})))
        return K_ENOTIMP;
    if (abort_now(self)) return K_EABORT;
    if ((self.frame.message_control() & MESSAGE_KEEPS) != 0) self.set(flag_keeps);
    const int li = static_cast<int>(self.frame.message_name());
    const long result = receive_on(self, li, deadline_after(static_cast<int>(self.frame.message_tail())));
    if (result != no_result) self.clear(flag_keeps);
    return result;
}

// The entry code knows this number: its arguments come in the register convention, to message_receive().
long ipcReceiveMessage(Thread&, UserInOut<KnMsgDesc>, int, int) { return K_ENOTIMP; }

long ipcCallMessage(Thread& self, UserIn<KnMsgDesc> request_at, int source, UserIn<KnIpcDest> destination_at,
                    UserInOut<KnMsgDesc> reply_at, int delay) {
    Message* const begun = take_begun(self);
    const Result<KnMsgDesc> body = request_at.read();
    const Result<KnIpcDest> destination = destination_at.read();
    const Result<KnMsgDesc> reply = reply_at.read();
    if (!body.ok() || !destination.ok() || !reply.ok()) return give_up(begun, K_EFAULT);
    if ((reply.value().flags & K_ABORTABLE) != 0)
        self.frame.note_control(MESSAGE_CONTROL(MESSAGE_IPC_CALL, 0) | MESSAGE_ABORTABLE);
    Port* const from = own_port(self, source);
    if (from == nullptr) return give_up(begun, K_EINVAL);
    if (abort_now(self)) return give_up(begun, K_EABORT);
    const Result<Message*> made = message_for(begun);
    if (!made.ok()) return static_cast<long>(made.status());
    Message& message = *made.value();
    const KnUniqueId& target = destination.value().target;
    const bool ends = delay >= 0 || (reply.value().flags & K_ABORTABLE) != 0;
    const Wait wait = ends ? Wait::some : Wait::without_end;
    Destination to;
    const Status status = compose_for(destination.value(), message, body.value(), begun != nullptr,
                                      self.has(flag_sent), wait, to);
    if (status == Status::busy) return compose_on(self, message);
    if (status != Status::ok) {
        free_message(message);
        return static_cast<long>(status);
    }
    address(message, self, execution_actor(self), *from, target, true);
    return request<Pays::credits>(self, message, to, deadline_after(delay));
}

long ipcSendMessage(Thread& self, UserIn<KnMsgDesc> message_at, int source,
                    UserIn<KnIpcDest> destination_at) {
    Message* const begun = take_begun(self);
    const Result<KnMsgDesc> body = message_at.read();
    const Result<KnIpcDest> destination = destination_at.read();
    if (!body.ok() || !destination.ok()) return give_up(begun, K_EFAULT);
    Port* const from = own_port(self, source);
    if (from == nullptr) return give_up(begun, K_EINVAL);
    const Result<Message*> made = message_for(begun);
    if (!made.ok()) return static_cast<long>(made.status());
    Message& message = *made.value();
    const KnUniqueId& target = destination.value().target;
    const bool to_all = is_broadcast(target);
    Destination to;
    const Status status = to_all ? compose_for_all(message, body.value(), begun != nullptr)
                                 : compose_for(destination.value(), message, body.value(), begun != nullptr,
                                               true, Wait::some, to);
    if (status == Status::busy) return compose_on(self, message);
    if (status != Status::ok) {
        free_message(message);
        return static_cast<long>(status);
    }
    address(message, self, execution_actor(self), *from, target, false);
    if (to_all) {
        message.co_target = destination.value().coTarget;
        return broadcast(self, message);
    }
    const Route route = send_to<Pays::credits>(to, self, message, true);
    if (route >= Route::full) return send_otherwise(self, message, to, route);
    if (route == Route::away) self.set(flag_sent);
    this_cpu().counters.messages_sent.count();
    return K_OK;
}

// While flag_composing, the current message's body becomes the reply's piece by piece, and the thread's work
// is the header that it had.
long ipcReply(Thread& self, UserIn<KnMsgDesc> message_at) {
    const bool goes_on = self.has(flag_composing);
    self.clear(flag_composing);
    const Result<KnMsgDesc> body = message_at.read();
    const KnMsgDesc& descriptor = body.value();
    if (!goes_on) {
        if (!body.ok()) return K_EFAULT;
        if (self.client == nullptr && !owes_reply(self)) return K_EINVAL;
        if (descriptor.bodySize > K_CMSGSIZEMAX) return K_ETOOMUCH;
    }
    if (self.client != nullptr && descriptor.bodySize <= MESSAGE_REGISTER_BYTES &&
        descriptor.annexAddr == 0) {
        u64 words[8]{};
        if (!machine::copy_in(words, VirtAddr{descriptor.bodyAddr}, descriptor.bodySize)) return K_EFAULT;
        reply_to_pair(self, words, descriptor.bodySize);
        return K_OK;
    }
    if (self.client != nullptr) {
        if (const Status status = slow_pair(*self.client); status != Status::ok)
            return static_cast<long>(status);
    }
    if (self.serving != nullptr) {
        Message& message = *self.serving;
        if (!goes_on) {
            self.work.size = message.size;
            self.work.done = message.has_annex ? 1 : 0;
        }
        message.kept = false; // a reply takes its place
        const Status status = body.ok() ? compose_reply(message, descriptor, goes_on) : body.status();
        if (status == Status::busy) {
            self.set(flag_composing);
            self.continuation = begin_again;
            return no_result;
        }
        if (status != Status::ok) {
            message.size = static_cast<u32>(self.work.size); // still the current message, with its header
            message.has_annex = self.work.done != 0;
            return static_cast<long>(status);
        }
    }
    reply_with(self);
    return K_OK;
}

long ipcSysInfo(Thread& self, UserOut<KnMsgHead> head) {
    const Result<KnMsgHead> current = current_head(self);
    return static_cast<long>(current.ok() ? head.write(current.value()) : current.status());
}

} // namespace calls
} // namespace chorale
