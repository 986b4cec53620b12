#include "kernel/ipc/delivery.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "kernel/ipc/transfer.hpp"

#include <chorus/message_registers.h>
#include <machine/timer.hpp>

#include <bit>

namespace chorale {

namespace {

constexpr unsigned fetches_per_visit = 16; // a bound of the time with interrupts off

[[nodiscard]] Thread* pop(Thread*& stack) {
    Thread* const first = stack;
    if (first != nullptr) stack = first->next_waiter;
    return first;
}

// A server waiting here for a message of the port. `slot`: the port's of this CPU.
[[nodiscard]] Thread* take_waiter(Port& port, PortSlot& slot) {
    if (Thread* const server = pop(slot.waiters)) return server;
    // relaxed: start_tour() and announce() look again
    if (!port.enabled.load(std::memory_order_relaxed)) return nullptr;
    // relaxed: a port that is being deleted may have no actor any more
    Actor* const actor = port.actor.load(std::memory_order_relaxed);
    return actor == nullptr ? nullptr : pop(actor->any_waiters[this_cpu().index]);
}

[[nodiscard]] PortSlot& slot_here(Port& port) { return port.slot_at(this_cpu().slot); }

// The port is known to be the message's still.
void note_receipt(PortSlot& slot, Message& message) {
    message.sequence = slot.received + 1;
    slot.received.store(message.sequence);
}

// The wait is over. False: what the server gets must stay with the message.
[[gnu::noinline]] bool end_special_wait(Thread& server) {
    disarm_timer(server);
    const bool keeps = server.has(flag_keeps);
    server.clear(flag_keeps);
    return !keeps;
}
[[nodiscard]] bool takes_words(Thread& server, const Message& message) {
    bool takes = fits_registers(message);
    if ((server.state & (flag_timed | flag_keeps)) != 0) [[unlikely]]
        takes = end_special_wait(server) && takes;
    return takes;
}

// Gives the message to a server that waits on this CPU. What fits the registers is in its frame at once; the
// rest it takes over itself when it runs, in its own space.
void hand(Thread& server, Message& message) {
    if (takes_words(server, message)) {
        server.continuation = nullptr;
        receive_words(server, message);
        make_ready(server);
        return;
    }
    // The caller's priority is lent from here on: the server may have to compete for the CPU to take the
    // message over.
    if (lends(message)) lend_to(server, message);
    server.incoming = &message;
    wake_with(server, finish_receive);
}

void set_queued(Port& port, u32 count) {
    // seq_cst: pairs with park(), see the head of delivery.hpp
    port.queued.store(count, std::memory_order_seq_cst);
}

// relaxed: constant while the port lives. Who uses it has found the port in this entry, or has asked
// still_lives(), or holds the port's token.
[[nodiscard]] CpuIndex home_of(const Port& port) { return port.home.load(std::memory_order_relaxed); }

[[nodiscard]] u32 queued(const Port& port) {
    // relaxed: a stale value is made good by the token, see delivery.hpp
    return port.queued.load(std::memory_order_relaxed);
}

// ---- the token ---------------------------------------------------------------------------------

void token_arrives(Request& request);
void resume_as_parked(Thread& server);

void send_token(Port& port) {
    const CpuIndex to =
        port.tour_left != 0 ? static_cast<CpuIndex>(std::countr_zero(port.tour_left)) : home_of(port);
    port.tour.run = token_arrives;
    this_cpu().inbox.post(to, port.tour);
}

// On the home CPU.
void start_tour(Port& port) {
    // seq_cst: pairs with park() and set_queued(), see delivery.hpp
    const bool any = port.enabled.load(std::memory_order_seq_cst); // pairs with portEnable
    // relaxed: null when the port is being deleted; then nobody needs to be told
    Actor* const actor = port.actor.load(std::memory_order_relaxed);
    const u64 any_cpus = any && actor != nullptr ? actor->any_cpus.load(std::memory_order_seq_cst) : 0;
    const u64 others = (port.cpus.load(std::memory_order_seq_cst) | any_cpus) & ~(u64{1} << home_of(port));
    if (others == 0) return;
    if (port.touring) {
        port.tour_again = true;
        return;
    }
    port.touring = true;
    port.tour_left = others;
    send_token(port);
}

// ---- fetching ----------------------------------------------------------------------------------

// relaxed: a port that is being deleted has none any more, and the server learns that
[[nodiscard]] u64 number_of(const Port& port) { return port.li.load(std::memory_order_relaxed); }

// Where a server waits, or is about to: the life tells the port, and the actor that it has not moved since.
void note_port(Thread& server, Port& port) {
    server.fetch_port = &port;
    server.fetch_life = life_of(port);
    // relaxed: of this entry, in which the port was found, or none any more
    server.fetch_actor = port.actor.load(std::memory_order_relaxed);
}
// relaxed: a port that has left the actor has none until it has been to this CPU, whose servers it evicts
[[nodiscard]] bool still_its(const Thread& server) {
    const Port& port = *server.fetch_port;
    return still_lives(port, server.fetch_life) && server.fetch_actor != nullptr &&
           port.actor.load(std::memory_order_relaxed) == server.fetch_actor; // relaxed: see above
}

// At the home CPU, for a server elsewhere.
void fetch_at_home(Request& request) {
    Thread& server = *static_cast<ThreadRequest&>(request).thread;
    Port& port = *server.fetch_port;
    server.fetched = still_its(server) ? take_queued(port) : nullptr;
    request.run = [](Request& back) {
        Thread& self = *static_cast<ThreadRequest&>(back).thread;
        Message* const message = self.fetched;
        self.fetched = nullptr;
        if (message != nullptr && !self.has(flag_dying)) {
            // The message has left the queue: its port may be another's, or another port, by now.
            message->sequence = 0;
            if (still_its(self)) note_receipt(slot_here(*self.fetch_port), *message);
            hand(self, *message);
        } else {
            if (message != nullptr) refuse(*message, K_ECRASH);
            wake_with(self, self.resume);
        }
        settle(self);
    };
    // relaxed: an asking thread does not move
    this_cpu().inbox.post(server.cpu.load(std::memory_order_relaxed), request);
}

[[nodiscard]] long fetch(Thread& server, Port& port) {
    note_port(server, port);
    server.now_doing(Doing::asking);
    server.request.run = fetch_at_home;
    this_cpu().inbox.post(home_of(port), server.request);
    return no_result;
}

void token_arrives(Request& request) {
    Port& port = *static_cast<PortRequest&>(request).port;
    const CpuIndex here = this_cpu().index;
    if (here == home_of(port)) {
        port.touring = false;
        const bool again = port.tour_again && !port.queue.empty() && !has_handler(port);
        port.tour_again = false;
        if (again) start_tour(port);
        return;
    }
    unsigned fetches = 0;
    for (u32 messages = has_handler(port) ? 0 : queued(port); messages != 0; --messages, ++fetches) {
        if (fetches == fetches_per_visit) { // it comes here once more
            this_cpu().inbox.post(here, port.tour);
            return;
        }
        Thread* const server = take_waiter(port, slot_here(port));
        if (server == nullptr) break;
        resume_as_parked(*server);
        static_cast<void>(fetch(*server, port));
    }
    port.tour_left &= ~(u64{1} << here);
    send_token(port);
}

// ---- waiting -----------------------------------------------------------------------------------

// An abort that came while the wait was suspended.
[[nodiscard]] bool aborted_meanwhile(Thread& self) {
    if ((self.frame.message_control() & MESSAGE_ABORTABLE) == 0 || !self.take_abort()) return false;
    static_cast<void>(end_special_wait(self));
    self.frame.set_result(K_EABORT);
    return true;
}

void end_resumed(Thread& self, long result) {
    if (result == no_result) return;
    static_cast<void>(end_special_wait(self));
    self.frame.set_result(result);
}

void resume_receive_port(Thread& self) {
    if (aborted_meanwhile(self)) return;
    end_resumed(self, still_its(self) ? receive(self, *self.fetch_port, self.deadline) : K_ENOPORT);
}

void resume_receive_any(Thread& self) {
    if (aborted_meanwhile(self)) return;
    end_resumed(self, receive_any(self, self.deadline));
}

void wait_until(Thread& self, u64 deadline) {
    self.deadline = deadline;
    if (deadline != TimerQueue::never) arm_timer(self, deadline);
    self.clear(flag_sent); // who waits for an answer of any kind cannot overtake itself in between
    self.now_doing(Doing::receiving);
}

// Takes a queued message for the current thread; false when there is none. `result`: K_EINVAL (a handler),
// or no_result.
[[nodiscard]] bool take_now(Thread& self, Port& port, long& result) {
    // seq_cst: after enlist(), see delivery.hpp
    const u32 length = port.queued.load(std::memory_order_seq_cst);
    if (length == 0) [[likely]]
        return false;
    result = K_EINVAL;
    if (length >= drain_mark) return true;
    result = no_result;
    if (home_of(port) != this_cpu().index) {
        result = fetch(self, port);
        return true;
    }
    Message* const message = take_queued(port);
    if (message == nullptr) return false;
    note_receipt(slot_here(port), *message);
    // It has the CPU: no detour through the run queue.
    if (takes_words(self, *message)) {
        receive_words(self, *message);
    } else {
        self.incoming = message;
        finish_receive(self);
    }
    return true;
}

[[nodiscard]] bool passed(u64 deadline) {
    return deadline != TimerQueue::never && deadline <= machine::now();
}

// First time here: the sender's side must learn of it, or this side of the sender's message.
[[nodiscard]] bool enlist(std::atomic<u64>& cpus) {
    const u64 bit = u64{1} << this_cpu().index;
    // relaxed: only this CPU sets this bit
    if ((cpus.load(std::memory_order_relaxed) & bit) != 0) return false;
    cpus.fetch_or(bit, std::memory_order_seq_cst); // pairs with start_tour(), see delivery.hpp
    return true;
}

void enqueue(Port& port, Message& message) {
    port.queue.push_back(message);
    set_queued(port, queued(port) + 1);
    start_tour(port);
}

// False: the port has a handler, and nobody takes the message but who connects it, while it is still at that.
[[nodiscard, gnu::noinline]] bool enqueue_at_home(Port& port, Message& message) {
    const u32 length = queued(port);
    if (length >= drain_mark && (length & drain_mark) == 0) return false;
    port.queue.push_back(message);
    set_queued(port, length + 1);
    if (length < drain_mark) start_tour(port);
    return true;
}

// While nothing is queued: first come, first served.
[[nodiscard, gnu::always_inline]] inline bool deliver_waiting(Port& port, Message& message) {
    PortSlot& slot = slot_here(port);
    Thread* const server = take_waiter(port, slot);
    if (server == nullptr) return false;
    message.port_li = number_of(port);
    note_receipt(slot, message);
    hand(*server, message);
    return true;
}

// The end of a message's way from another CPU. The sender has looked at the length of the queue; what was on
// its way meanwhile is not turned away.
[[nodiscard]] bool deliver_at_home(Port& port, Message& message) {
    if (!still_lives(port, message.port_life)) return false;
    if (queued(port) == 0 && deliver_waiting(port, message)) return true;
    return enqueue_at_home(port, message);
}

// Found in this entry.
void note_port(Message& message, Port& port) {
    message.port = &port;
    message.port_life = life_of(port);
}

void arrive_at_home(Request& request) {
    Message& arrived = *static_cast<MessageRequest&>(request).message;
    if (arrived.port == nullptr || !deliver_at_home(*arrived.port, arrived)) refuse(arrived, K_ENOPORT);
}

// A thread that was parked by either path starts its wait over, wherever it is then.
void resume_as_parked(Thread& server) {
    const bool any = server.port == &null_port();
    server.resume = any ? resume_receive_any : resume_receive_port;
    server.deadline = server.has(flag_timed) ? server.timer.deadline : TimerQueue::never;
    note_port(server, *server.port);
}

// arrive_at_home() for a message that has a payer, until it neither travels nor waits any more.
void arrive_paid(Request& request) {
    Message& arrived = *static_cast<MessageRequest&>(request).message;
    Port& port = *arrived.port;
    const bool lives = still_lives(port, arrived.port_life);
    if (lives && (queued(port) != 0 || !has_waiter(port)) && enqueue_at_home(port, arrived)) return;
    CreditAccount::settle(arrived);
    arrive_at_home(request);
}

// `payer` is null for what costs nothing.
[[nodiscard, gnu::always_inline]] inline Route route(Port& port, Message& message, bool in_order,
                                                     CreditAccount* payer) {
    PerCpu& cpu = this_cpu();
    const CpuIndex home = home_of(port);
    const bool at_home = home == cpu.index;
    const u32 length = queued(port);
    if (length == 0 && (at_home || !in_order) && deliver_waiting(port, message)) return Route::here;
    if (length >= K_CPORTQUEUE) return Route::full;
    if (at_home) {
        if (payer != nullptr && !payer->charge(message)) return Route::spent;
        note_port(message, port);
        enqueue(port, message);
        return Route::here;
    }
    if (cpu.inbox.backlog(home)) return Route::full;
    if (payer != nullptr && !payer->charge(message)) return Route::spent;
    cpu.counters.messages_crossed.count();
    note_port(message, port);
    message.request.run = payer == nullptr ? arrive_at_home : arrive_paid;
    cpu.inbox.post(home, message.request);
    return Route::away;
}

} // namespace

Message* take_queued(Port& port) {
    Message* const message = port.queue.pop_front();
    if (message != nullptr) {
        message->port_li = number_of(port);
        set_queued(port, queued(port) - 1);
        CreditAccount::settle(*message);
    }
    return message;
}

[[gnu::always_inline]] Route deliver(Port& port, Message& message, bool in_order) {
    return route(port, message, in_order, nullptr);
}

[[gnu::always_inline]] Route deliver_paid(Port& port, Message& message, bool in_order, CreditAccount& payer) {
    return route(port, message, in_order, &payer);
}

// The first of those who wait here for a message of the port; it goes on waiting.
[[nodiscard]] static Thread* first_waiter(Port& port) {
    if (Thread* const server = slot_here(port).waiters) return server;
    // relaxed, both: as in take_waiter()
    if (!port.enabled.load(std::memory_order_relaxed)) return nullptr;
    Actor* const actor = port.actor.load(std::memory_order_relaxed);
    return actor == nullptr ? nullptr : actor->any_waiters[this_cpu().index];
}

bool has_waiter(Port& port) { return first_waiter(port) != nullptr; }

Thread* waiting_server(Port& port, bool in_order) {
    if (queued(port) != 0 || (in_order && home_of(port) != this_cpu().index)) return nullptr;
    return first_waiter(port);
}

// What another CPU has queued or disabled meanwhile came later.
void deliver_placed(Port& port, Message& message, Thread& server) {
    unpark(server);
    message.port_li = number_of(port);
    note_receipt(slot_here(port), message);
    if (message.has_annex) return hand(server, message);
    static_cast<void>(end_special_wait(server));
    server.continuation = nullptr;
    receive_placed(server, message);
    make_ready(server);
}

void deliver_own(Message& message) {
    Port* const port = find_port(message.target);
    PerCpu& cpu = this_cpu();
    message.port = nullptr;
    if (port != nullptr) note_port(message, *port);
    message.kept = false;
    message.request.run = arrive_at_home;
    cpu.inbox.post(port == nullptr ? cpu.index : home_of(*port), message.request);
}

bool mail_home(Port& port, Message& message, CreditAccount& payer) {
    const bool pays = !message.call || !fits_registers(message);
    if (pays && !payer.charge(message)) return false;
    note_port(message, port);
    message.request.run = pays ? arrive_paid : arrive_at_home;
    this_cpu().inbox.post(home_of(port), message.request);
    return true;
}

long receive(Thread& self, Port& port, u64 deadline) {
    long result;
    if (take_now(self, port, result)) {
        self.deadline = deadline;
        self.resume = resume_receive_port;
        return result;
    }
    if (passed(deadline)) return K_ETIMEOUT;
    if (enlist(port.cpus)) return receive(self, port, deadline); // look at the queue once more
    PortSlot& slot = slot_here(port);
    self.port = &port;
    self.next_waiter = slot.waiters;
    slot.waiters = &self;
    wait_until(self, deadline);
    return no_result;
}

bool receive_again(Thread& self, Port& port) {
    // A message queued elsewhere and not seen here comes with the port's token, as on the fast path.
    if (queued(port) != 0) return false;
    PortSlot& slot = slot_here(port);
    self.next_waiter = slot.waiters;
    slot.waiters = &self;
    self.clear(flag_sent);
    self.now_doing(Doing::receiving);
    return true;
}

long receive_any(Thread& self, u64 deadline) {
    Actor& actor = *self.actor;
    self.deadline = deadline;
    self.resume = resume_receive_any;
    Port* const best = best_enabled_port(actor);
    long result;
    if (best != nullptr && take_now(self, *best, result))
        return result == K_EINVAL ? receive_any(self, deadline) : result; // it is none of them any more
    if (passed(deadline)) return K_ETIMEOUT;
    if (enlist(actor.any_cpus)) {
        // seq_cst: best_enabled_port() reads `enabled` and `queued` relaxed; pairs with start_tour()
        // (tests/models/token.pml, ANY)
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return receive_any(self, deadline);
    }
    self.port = &null_port();
    Thread*& waiters = actor.any_waiters[this_cpu().index];
    self.next_waiter = waiters;
    waiters = &self;
    wait_until(self, deadline);
    return no_result;
}

void resume_later(Thread& server) { resume_as_parked(server); }

void unpark(Thread& server) {
    const CpuIndex here = this_cpu().index;
    Thread** place =
        server.port == &null_port() ? &server.actor->any_waiters[here] : &server.port->slot(here).waiters;
    while (*place != nullptr && *place != &server) place = &(*place)->next_waiter;
    if (*place == &server) *place = server.next_waiter;
}

bool announce(Port& port, u64 life) {
    if (!still_lives(port, life) || home_of(port) != this_cpu().index || port.queue.empty()) return true;
    if (has_handler(port)) return true;
    // Each server that waits here gets one: no token comes home to those that are left.
    PortSlot& slot = slot_here(port);
    if (Thread* const server = take_waiter(port, slot)) {
        Message& message = *take_queued(port);
        note_receipt(slot, message);
        hand(*server, message);
        return port.queue.empty();
    }
    start_tour(port);
    return true;
}

} // namespace chorale
