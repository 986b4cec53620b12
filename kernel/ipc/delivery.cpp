#include "kernel/ipc/delivery.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/transfer.hpp"

#include <machine/timer.hpp>

#include <bit>

namespace chorale {

namespace {

[[nodiscard]] bool same(const KnUniqueId& a, const KnUniqueId& b) { return a.uiHead == b.uiHead && a.uiTail == b.uiTail; }

[[nodiscard]] Thread* pop(Thread*& stack) {
    Thread* const first = stack;
    if (first != nullptr) stack = first->next_waiter;
    return first;
}

// A server waiting here for a message of the port.
[[nodiscard]] Thread* take_waiter(Port& port) {
    const CpuIndex here = this_cpu().index;
    if (Thread* const server = pop(port.slot(here).waiters)) return server;
    return port.enabled ? pop(port.actor->any_waiters[here]) : nullptr;
}

void note_receipt(Thread& server, Port& port, Message& message) {
    message.sequence = ++port.slot(this_cpu().index).received;
    message.port_li = port.li;
    server.incoming = &message;
}

void hand(Thread& server, Port& port, Message& message) {
    note_receipt(server, port, message);
    // The caller's priority is lent from here on: the server may have to compete for the CPU to take the message over.
    if (message.client != nullptr && message.priority < server.priority) set_priority(server, message.priority);
    wake_with(server, finish_receive);
}

void set_queued(Port& port, u32 count) {
    // seq_cst: pairs with park(), see the head of delivery.hpp
    port.queued.store(count, std::memory_order_seq_cst);
}

[[nodiscard]] u32 queued(const Port& port) {
    // relaxed: a stale value is made good by the token, see delivery.hpp
    return port.queued.load(std::memory_order_relaxed);
}

// ---- the token -----------------------------------------------------------------------------------------------------

void token_arrives(Request& request);
void resume_as_parked(Thread& server);

void send_token(Port& port) {
    const CpuIndex to = port.tour_left != 0 ? static_cast<CpuIndex>(std::countr_zero(port.tour_left)) : port.home;
    port.tour.run = token_arrives;
    this_cpu().inbox.post(to, port.tour);
}

// On the home CPU.
void start_tour(Port& port) {
    // seq_cst: pairs with park() and set_queued(), see delivery.hpp
    const u64 others = (port.cpus.load(std::memory_order_seq_cst) |
                        (port.enabled ? port.actor->any_cpus.load(std::memory_order_seq_cst) : 0)) &
                       ~(u64{1} << port.home);
    if (others == 0) return;
    if (port.touring) {
        port.tour_again = true;
        return;
    }
    port.touring = true;
    port.tour_left = others;
    send_token(port);
}

// ---- fetching ------------------------------------------------------------------------------------------------------

[[nodiscard]] Message* take_queued(Port& port) {
    Message* const message = port.queue.pop_front();
    if (message != nullptr) set_queued(port, queued(port) - 1);
    return message;
}

// At the home CPU, for a server elsewhere.
void fetch_at_home(Request& request) {
    Thread& server = *static_cast<ThreadRequest&>(request).thread;
    Port& port = *server.fetch_port;
    server.incoming = port.ui.uiTail == server.fetch_name.uiTail ? take_queued(port) : nullptr;
    request.run = [](Request& back) {
        Thread& self = *static_cast<ThreadRequest&>(back).thread;
        Message* const message = self.incoming;
        self.incoming = nullptr;
        if (message != nullptr && !self.has(flag_dying)) {
            hand(self, *self.fetch_port, *message);
        } else {
            if (message != nullptr) refuse(*message, K_ECRASH);
            wake_with(self, self.resume_receive);
        }
        settle(self);
    };
    // relaxed: an asking thread does not move
    this_cpu().inbox.post(server.cpu.load(std::memory_order_relaxed), request);
}

[[nodiscard]] long fetch(Thread& server, Port& port) {
    server.fetch_port = &port;
    server.fetch_name = port.ui;
    server.now_doing(Doing::asking);
    server.request.run = fetch_at_home;
    this_cpu().inbox.post(port.home, server.request);
    return no_result;
}

void token_arrives(Request& request) {
    Port& port = *static_cast<PortRequest&>(request).port;
    const CpuIndex here = this_cpu().index;
    if (here == port.home) {
        port.touring = false;
        const bool again = port.tour_again && !port.queue.empty();
        port.tour_again = false;
        if (again) start_tour(port);
        return;
    }
    if (queued(port) != 0) {
        if (Thread* const server = take_waiter(port)) {
            resume_as_parked(*server);
            static_cast<void>(fetch(*server, port));
        }
    }
    port.tour_left &= ~(u64{1} << here);
    send_token(port);
}

// ---- waiting -------------------------------------------------------------------------------------------------------

void resume_receive_port(Thread& self) {
    Port& port = *self.fetch_port;
    const long result = same(port.ui, self.fetch_name) ? receive(self, port, self.deadline) : K_ENOPORT;
    if (result != no_result) self.frame.set_result(result);
}

void resume_receive_any(Thread& self) {
    const long result = receive_any(self, self.deadline);
    if (result != no_result) self.frame.set_result(result);
}

void wait_until(Thread& self, u64 deadline) {
    self.deadline = deadline;
    if (deadline != TimerQueue::never) arm_timer(self, deadline);
    self.now_doing(Doing::receiving);
}

// Takes a queued message for the current thread; false when there is none, `result` when there is.
[[nodiscard]] bool take_now(Thread& self, Port& port, long& result) {
    // acquire: a message whose count is seen here is fetched by a later request to its owner
    if (port.queued.load(std::memory_order_acquire) == 0) return false;
    result = no_result;
    if (port.home != this_cpu().index) {
        result = fetch(self, port);
        return true;
    }
    Message* const message = take_queued(port);
    if (message == nullptr) return false;
    note_receipt(self, port, *message);
    disarm_timer(self);
    finish_receive(self);  // it has the CPU: no detour through the run queue
    return true;
}

[[nodiscard]] bool passed(u64 deadline) { return deadline != TimerQueue::never && deadline <= machine::now(); }

// First time here: the sender's side must learn of it, or this side of the sender's message.
[[nodiscard]] bool enlist(std::atomic<u64>& cpus) {
    const u64 bit = u64{1} << this_cpu().index;
    // relaxed: only this CPU sets this bit
    if ((cpus.load(std::memory_order_relaxed) & bit) != 0) return false;
    cpus.fetch_or(bit, std::memory_order_seq_cst);  // pairs with start_tour(), see delivery.hpp
    return true;
}

void enqueue(Port& port, Message& message) {
    port.queue.push_back(message);
    set_queued(port, queued(port) + 1);
    start_tour(port);
}

[[nodiscard]] bool accepts(const Port& port, const Message& message) {
    // acquire: pairs with the release in create_port()
    return port.live.load(std::memory_order_acquire) && same(port.ui, message.head.target);
}

[[nodiscard]] bool deliver_waiting(Port& port, Message& message) {
    if (queued(port) != 0) return false;  // first come, first served
    Thread* const server = take_waiter(port);
    if (server != nullptr) hand(*server, port, message);
    return server != nullptr;
}

// The end of a message's way from another CPU. The sender has looked at the length of the queue; what was on its way
// meanwhile is not turned away.
[[nodiscard]] bool deliver_at_home(Port& port, Message& message) {
    if (!accepts(port, message)) return false;
    if (!deliver_waiting(port, message)) enqueue(port, message);
    return true;
}

// A thread that was parked by either path starts its wait over, wherever it is then.
void resume_as_parked(Thread& server) {
    const bool any = server.port == &null_port();
    server.resume_receive = any ? resume_receive_any : resume_receive_port;
    server.deadline = server.has(flag_timed) ? server.timer.deadline : TimerQueue::never;
    server.fetch_port = server.port;
    server.fetch_name = server.port->ui;
}

}  // namespace

Status deliver(Port& port, Message& message) {
    PerCpu& cpu = this_cpu();
    if (!accepts(port, message)) return Status::no_port;
    if (deliver_waiting(port, message)) return Status::ok;
    if (queued(port) >= K_CPORTQUEUE) return Status::full;
    if (port.home != cpu.index) {
        ++cpu.counters.messages_crossed;
        message.port = &port;
        message.request.run = [](Request& request) {
            Message& arrived = *static_cast<MessageRequest&>(request).message;
            if (!deliver_at_home(*arrived.port, arrived)) refuse(arrived, K_ENOPORT);
        };
        cpu.inbox.post(port.home, message.request);
        return Status::ok;
    }
    enqueue(port, message);
    return Status::ok;
}

long receive(Thread& self, Port& port, u64 deadline) {
    long result;
    if (take_now(self, port, result)) {
        self.deadline = deadline;
        self.resume_receive = resume_receive_port;
        return result;
    }
    if (passed(deadline)) return K_ETIMEOUT;
    if (enlist(port.cpus)) return receive(self, port, deadline);  // look at the queue once more
    PortSlot& slot = port.slot(this_cpu().index);
    self.port = &port;
    self.next_waiter = slot.waiters;
    slot.waiters = &self;
    wait_until(self, deadline);
    return no_result;
}

long receive_any(Thread& self, u64 deadline) {
    Actor& actor = *self.actor;
    self.deadline = deadline;
    self.resume_receive = resume_receive_any;
    Port* const best = best_enabled_port(actor);
    long result;
    if (best != nullptr && take_now(self, *best, result)) return result;
    if (passed(deadline)) return K_ETIMEOUT;
    if (enlist(actor.any_cpus)) return receive_any(self, deadline);
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
    Thread** place = server.port == &null_port() ? &server.actor->any_waiters[here] : &server.port->slot(here).waiters;
    while (*place != nullptr && *place != &server) place = &(*place)->next_waiter;
    if (*place == &server) *place = server.next_waiter;
}

void evict(Port& port) {
    const CpuIndex here = this_cpu().index;
    while (Thread* const server = pop(port.slot(here).waiters)) wake(*server, K_ENOPORT);
    if (port.home != here) return;
    while (Message* const message = take_queued(port)) refuse(*message, K_ENOPORT);
}

void announce(Port& port) {
    if (port.home != this_cpu().index || port.queue.empty()) return;
    if (Thread* const server = take_waiter(port)) hand(*server, port, *take_queued(port));
    if (!port.queue.empty()) start_tour(port);
}

}  // namespace chorale
