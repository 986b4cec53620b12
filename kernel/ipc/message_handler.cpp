#include "kernel/ipc/message_handler.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/transfer.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/supervisor/handler.hpp"
#include "kernel/sync/lending.hpp"

#include <chorus/message_registers.h>
#include <machine/supervisor.hpp>
#include <machine/timer.hpp>

namespace chorale {

namespace {

// What the handler is given, on its stack: the annex is left out when there is none.
struct Given {
    KnMsgDesc descriptor;
    u64 words[8];
    u8 annex[K_CMSGANNEXSIZE];
};

void handler_ended(Thread& self, u64 result, u64);

// A body that is in pages stays with the nucleus until ipcGetData.
[[nodiscard]] Status enter(Thread& self, Message& message, const KnLapDesc& lap) {
    Given given;
    Handler handler;
    handler.data = &given;
    handler.data_size = message.has_annex ? sizeof given : offsetof(Given, annex);
    const Result<VirtAddr> place = place_for_data(self, handler.data_size);
    if (!place.ok()) return place.status();
    message.kept = message.page_count != 0;
    const u64 at = place.value().raw();
    given.descriptor = {0, message.size, message.kept ? 0 : at + offsetof(Given, words),
                        message.has_annex ? at + offsetof(Given, annex) : 0,
                        static_cast<KnEvtNum>(message.sequence)};
    if (!message.kept) __builtin_memcpy(given.words, message.words, sizeof given.words);
    if (message.has_annex) __builtin_memcpy(given.annex, message.annex, sizeof given.annex);
    handler.entry = VirtAddr{reinterpret_cast<u64>(machine::chorale_lap_invoke_guarded)};
    handler.argument[0] = HandlerWord::of(lap.ldPlace);
    handler.argument[1] = HandlerWord::of(lap.ldKey);
    handler.argument[2] = HandlerWord::of(at);
    handler.owner = &execution_actor(self);
    handler.returned = handler_ended;
    return enter_handler(self, handler);
}

// The message is the thread's current one meanwhile; what it had before comes back with unwind().
void begin(Thread& self, Message& message, void (*ended)(Thread&, Message&, int)) {
    Handling& handling = message.handling;
    handling.ended = ended;
    handling.outer = self.handling;
    handling.outer_serving = self.serving;
    handling.outer_serves = self.has(flag_serving);
    handling.call = message.call;
    handling.replied = false;
    message.call = false;
    self.handling = self.serving = &message;
    self.set(flag_serving);
}

Message& unwind(Thread& self, long error) {
    Message& message = *self.handling;
    const Handling& handling = message.handling;
    if (self.client != nullptr || self.serving != &message) abandon_current(self, error);
    self.handling = handling.outer;
    self.serving = handling.outer_serving;
    self.clear(flag_serving);
    if (handling.outer_serves) self.set(flag_serving);
    message.call = handling.call;
    restore_priority(self);
    return message;
}

void handler_ended(Thread& self, u64 result, u64) {
    Message& message = unwind(self, K_EFAIL);
    message.handling.ended(self, message, static_cast<int>(result));
}

[[nodiscard]] long outcome_of(const Message& message, int result) {
    if (result == LAP_INVALID) return K_ENOPORT;
    if (result == LAP_FAILED) return K_ECRASH;
    return message.handling.replied ? K_OK : K_EFAIL;
}

// The sender pays for it.
[[nodiscard]] Handled mail(Thread& self, Message& message, Port& port) {
    if (!mail_home(port, message, execution_actor(self).credits)) return Handled::no_memory;
    self.set(flag_sent);
    return Handled::mailed;
}

// ---- ipcSend, ipcCall -------------------------------------------------------------------------------------

void send_ended(Thread& self, Message& message, int result) {
    if (const long sent = end_sent(self, message, result); sent != no_result) self.frame.set_result(sent);
}

// The handler had gone before it began: the message is its successor's, or waits at home, if anybody may take
// it there.
[[nodiscard]] Handled handle_again(Thread& self, Message& message) {
    Port& port = *message.port;
    const Handled handled = handle(self, message, port, message.handling.ended);
    return handled == Handled::not_here ? mail(self, message, port) : handled;
}

// False: it goes nowhere, with an error.
[[nodiscard]] bool call_again(Thread& self, Message& message) {
    const bool aborts = (self.frame.message_control() & MESSAGE_ABORTABLE) != 0;
    if (!still_lives(*message.port, message.port_life)) return false;
    if (aborts && self.take_abort()) {
        message.error = K_EABORT;
        return false;
    }
    const u64 deadline = message.handling.deadline;
    switch (handle_again(self, message)) {
    case Handled::entered:
        return true;
    case Handled::mailed:
        break;
    default:
        message.error = K_ENOMEM;
        return false;
    }
    self.sync.request = &message;
    self.now_doing(Doing::awaiting_reply);
    self.clear(flag_sent);
    if (deadline != TimerQueue::never) arm_timer(self, deadline);
    return true;
}

void call_ended(Thread& self, Message& message, int result) {
    message.error = outcome_of(message, result);
    const bool orphan = in_abandoned_frame(self); // its memory has gone, too
    if (orphan) message.error = K_ECRASH;
    if (!orphan && result == LAP_INVALID && call_again(self, message)) return;
    if (message.error != K_OK) release_pages(message);
    if (reply_by_words(self, message)) {
        take_reply_words(self, message);
    } else {
        ++self.transaction;
        self.incoming = &message;
        self.continuation = finish_call;
    }
}

// ---- a handler is connected -------------------------------------------------------------------------------

constexpr unsigned evicted_per_visit = 4, refused_per_visit = 4;

// Of the port that `asker` connects or disconnects, and that is there still.
[[nodiscard]] Port* its_port(const Thread& asker) {
    Port* const port = asker.fetch_port;
    return still_lives(*port, asker.fetch_life) ? port : nullptr;
}
// relaxed: constant while the port lives
[[nodiscard]] bool at_home(const Port& port) {
    return port.home.load(std::memory_order_relaxed) == this_cpu().index;
}

void set_marks(Port& port, u32 marks) {
    // seq_cst: as other stores of the length; its release pairs with has_handler(). relaxed: only this CPU
    // writes it
    const u32 length = port.queued.load(std::memory_order_relaxed) & ~handler_marks;
    port.queued.store(length | marks, std::memory_order_seq_cst);
}

void end_change(Port& port, u32 marks) {
    set_marks(port, marks);
    port.handler_changes.store(false, std::memory_order_relaxed); // relaxed: seen late, it is busy for longer
}

void finish_connecting(Thread& self, long result) {
    self.clear(flag_finishing);
    wake(self, result);
    settle(self);
}

// E: what was in the queue, one message after the other.
void drain(Thread& self);

void drained_ended(Thread& self, Message& message, int result) {
    message.error = outcome_of(message, result);
    self.fetch_port = message.port; // the handler's calls have had it
    self.fetch_life = message.port_life;
    if (message.error != K_OK) {
        refuse(message, message.error);
    } else if (message.client != nullptr) {
        send_reply(message);
    } else {
        end_unclaimed(message);
    }
    self.set(flag_finishing);
    drain(self);
}

// From here until the handler has returned the thread is away from home: it does not end in between.
void handle_drained(Thread& self) {
    Message& message = *self.incoming;
    self.incoming = nullptr;
    Port* const port = its_port(self);
    if (port == nullptr || !lap_lives(port->handler.get())) {
        refuse(message, K_ENOPORT);
        drain(self);
        return;
    }
    message.handling.original = nullptr; // the copy's of a broadcast has gone its way
    const Handled handled = handle(self, message, *port, drained_ended);
    if (handled == Handled::entered) {
        self.clear(flag_finishing);
        if (lends(message)) lend_to(self, message);
        settle(self); // it may have been told to end meanwhile: then the handler is aborted
        return;
    }
    // Mailed, at the expense of this thread's actor: it comes back into the queue.
    if (handled != Handled::mailed) refuse(message, K_ENOMEM);
    drain(self);
}

void drain(Thread& self) {
    const auto take = [](Thread& asker) {
        Port* const port = its_port(asker);
        if (port == nullptr || !at_home(*port)) return;
        asker.fetched = take_queued(*port);
        if (asker.fetched == nullptr) end_change(*port, handler_mark);
    };
    self.fetched = nullptr;
    tour(self, take, [](Thread& asker, long) {
        asker.incoming = asker.fetched;
        asker.fetched = nullptr;
        if (asker.incoming == nullptr)
            finish_connecting(asker, its_port(asker) != nullptr ? K_OK : K_EUNKNOWN);
        else
            wake_with(asker, handle_drained);
    });
}

// Between D and E: by way of each CPU in turn, `done` of them so far, to the port's home, `size`.
void through_lane(Request& request);

void next_lane(Thread& self) {
    PerCpu& cpu = this_cpu();
    const u64 lane = self.work.done++;
    if (lane < cpu_count()) {
        self.request.run = through_lane;
        cpu.inbox.post(static_cast<CpuIndex>(lane), self.request);
        return;
    }
    self.request.run = [](Request& back) {
        Thread& asker = *static_cast<ThreadRequest&>(back).thread;
        drain(asker);
        settle(asker);
    };
    // relaxed: an asking thread does not move
    cpu.inbox.post(self.cpu.load(std::memory_order_relaxed), self.request);
}

void through_lane(Request& request) {
    request.run = [](Request& at_home) { next_lane(*static_cast<ThreadRequest&>(at_home).thread); };
    const Thread& self = *static_cast<ThreadRequest&>(request).thread;
    this_cpu().inbox.post(static_cast<CpuIndex>(self.work.size), request);
}

void collect_mail(Thread& self) {
    self.work.done = 0;
    // relaxed: constant while the port lives; if it is no more, any CPU will do
    self.work.size = self.fetch_port->home.load(std::memory_order_relaxed);
    next_lane(self);
}

// D.
void send_servers_away(Thread& self) {
    const auto visit = [](Thread& asker) {
        Port* const port = its_port(asker);
        if (port == nullptr) return;
        PortSlot& slot = port->slot(this_cpu().index);
        for (unsigned left = evicted_per_visit; left != 0 && slot.waiters != nullptr; --left) {
            Thread& server = *slot.waiters;
            slot.waiters = server.next_waiter;
            server.clear(flag_keeps);
            wake(server, K_EINVAL);
        }
        if (slot.waiters != nullptr) asker.question.result = K_EBUSY;
    };
    tour(self, visit, [](Thread& asker, long result) {
        if (result == K_EBUSY)
            send_servers_away(asker);
        else
            collect_mail(asker);
    });
}

// The thread that had it in the queue's stead never goes on: nobody else empties the queue. At home.
void refuse_rest(Request& request) {
    Message& dropped = *static_cast<MessageRequest&>(request).message;
    Port& port = *dropped.port;
    if (still_lives(port, dropped.port_life)) {
        for (unsigned left = refused_per_visit; left != 0; --left) {
            Message* const message = take_queued(port);
            if (message == nullptr) break;
            refuse(*message, K_ECRASH);
        }
        if (!port.queue.empty()) {
            this_cpu().inbox.post(this_cpu().index, request);
            return;
        }
        end_change(port, handler_mark);
    }
    refuse(dropped, K_ECRASH);
}

// Of the actor's port. Errors: invalid, busy (somebody else is at it, or it has a handler already).
[[nodiscard]] Result<Port*> begin_change(Thread& self, Actor& actor, int li, const KnLapDesc* lap) {
    return actor.tables.with([&](Actor::Tables& tables) -> Result<Port*> {
        Port* const port = tables.port(static_cast<unsigned>(li));
        if (port == nullptr) return Status::invalid;
        const bool connected = port->handler.get().ldKey != 0;
        // relaxed: see end_change()
        if (port->handler_changes.load(std::memory_order_relaxed)) return Status::busy;
        if (connected == (lap != nullptr)) return connected ? Status::busy : Status::invalid;
        port->handler_changes.store(true, std::memory_order_relaxed); // relaxed: under the lock
        if (lap != nullptr) port->handler.set(*lap);
        self.fetch_port = port;
        self.fetch_life = life_of(*port);
        return port;
    });
}

} // namespace

Handled handle(Thread& self, Message& message, Port& port, void (*ended)(Thread&, Message&, int)) {
    if (!has_handler(port)) return Handled::not_here;
    const KnLapDesc lap = port.handler.get();
    if (!lap_lives(lap)) return mail(self, message, port);
    if (self.client != nullptr && slow_pair(*self.client) != Status::ok) return Handled::no_memory;
    PortSlot& slot = port.slot(this_cpu().index);
    message.port = &port;
    message.port_life = life_of(port);
    message.sequence = slot.received + 1;
    if (enter(self, message, lap) != Status::ok) return Handled::no_memory;
    slot.received.store(message.sequence);
    begin(self, message, ended);
    return Handled::entered;
}

Handled handle_send(Thread& self, Message& message, Port& port) {
    message.handling.original = nullptr;
    return handle(self, message, port, send_ended);
}

Handled handle_call(Thread& self, Message& message, Port& port, u64 deadline) {
    message.handling.original = nullptr;
    message.handling.deadline = deadline;
    return handle(self, message, port, call_ended);
}

long end_sent(Thread& self, Message& message, int result) {
    const bool again = result == LAP_INVALID && still_lives(*message.port, message.port_life);
    const Handled handled = again ? handle_again(self, message) : Handled::not_here;
    if (handled == Handled::entered) return no_result;
    if (handled != Handled::mailed) free_message(message);
    return handled == Handled::no_memory ? K_ENOMEM : K_OK;
}

Message* handled_call(const Thread& self) {
    Message* const message = self.handling;
    const bool current = message != nullptr && self.client == nullptr && self.serving == message;
    return current && message->handling.call ? message : nullptr;
}

void note_reply(Thread& self) {
    self.handling->handling.replied = true;
    static_cast<void>(end_service(self));
}

void drop_handled(Thread& self) {
    while (self.handling != nullptr) {
        Message& message = unwind(self, K_ECRASH);
        if (message.handling.ended == drained_ended) {
            message.request.run = refuse_rest;
            // relaxed: as in at_home()
            this_cpu().inbox.post(message.port->home.load(std::memory_order_relaxed), message.request);
            continue;
        }
        if (message.handling.original != nullptr) free_message(*message.handling.original);
        free_message(message);
    }
}

long connect_message_handler(Thread& self, Actor& actor, int li, const KnLapDesc& lap) {
    const Result<Port*> port = begin_change(self, actor, li, &lap);
    if (!port.ok()) return static_cast<long>(port.status());
    self.set(flag_finishing);
    const auto mark = [](Thread& asker) {
        Port* const own = its_port(asker);
        if (own != nullptr && at_home(*own)) set_marks(*own, handler_marks);
    };
    tour(self, mark, [](Thread& asker, long) { send_servers_away(asker); });
    return no_result;
}

long disconnect_message_handler(Thread& self, Actor& actor, int li) {
    const Result<Port*> port = begin_change(self, actor, li, nullptr);
    if (!port.ok()) return static_cast<long>(port.status());
    const KnLapDesc lap = port.value()->handler.get();
    if (inside_lap(self, lap)) {
        port.value()->handler_changes.store(false, std::memory_order_relaxed); // relaxed: see end_change()
        return K_EINVAL;
    }
    self.work.size = lap.ldPlace;
    self.work.done = lap.ldKey;
    self.set(flag_finishing);
    const auto unmark = [](Thread& asker) {
        Port* const own = its_port(asker);
        if (own == nullptr || !at_home(*own)) return;
        own->handler.set({});
        end_change(*own, 0);
    };
    tour(self, unmark, [](Thread& asker, long) {
        const KnLapDesc dead{asker.work.size, asker.work.done};
        const auto ended = [](Thread& self_again) { finish_connecting(self_again, K_OK); };
        if (!end_lap(asker, dead, false, ended)) ended(asker);
    });
    return no_result;
}

} // namespace chorale
