#include "kernel/sync/lending.hpp"

#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/wait_table.hpp"

namespace chorale {

namespace {

constinit std::atomic<u32> generations; // threads made

// On the CPU of the thread that has been told.
void news_arrive(Request& request) {
    Thread& thread = *static_cast<LoanRequest&>(request).thread;
    if (forward(request, thread)) return;
    if (!ending(thread)) {
        thread.sync.loans.with([](Loans& loans) { loans.news = false; });
        look_at_loans(thread);
        return;
    }
    // One mutex at a time, until the last has been passed on.
    pass_on_one(thread);
    const bool more = thread.sync.loans.with([&](Loans& loans) {
        loans.news = false;
        if (!loans.heap.empty()) tell(thread, loans);
        return loans.news;
    });
    if (!more) settle(thread);
}

} // namespace

void tell(Thread& owner, Loans& loans) {
    if (loans.news) return;
    loans.news = true;
    owner.sync.news.run = news_arrive;
    // acquire: as in forward(), which sends it on should the thread have moved
    this_cpu().inbox.post(owner.cpu.load(std::memory_order_acquire), owner.sync.news);
}

[[nodiscard]] static u16 best_priority(const Thread& thread) {
    const u16 client = lent_priority(thread);
    const u16 lent = client < thread.sync.lent ? client : thread.sync.lent;
    return lent < thread.base_priority ? lent : thread.base_priority;
}

void restore_priority(Thread& thread) { set_priority(thread, best_priority(thread)); }

void look_at_loans(Thread& thread) {
    thread.sync.lent = thread.sync.loans.with([](Loans& loans) { return best_loan(loans); });
    if (thread.sync.lent == SyncState::nothing_lent) {
        thread.clear(flag_lent);
    } else {
        thread.set(flag_lent);
    }
    restore_priority(thread);
}

// What the client of a call in the slow form lends from here on.
static void write_loan(const Thread& client, u16 priority) {
    Message& message = *client.sync.request;
    message.priority.store(priority, std::memory_order_seq_cst);
    Thread* const server = message.server.load(std::memory_order_seq_cst);
    if (server == nullptr) return;
    const u64 serial = message.server_serial;
    server->sync.loans.with([&](Loans& loans) {
        // relaxed: whoever ends the thread has closed its loans before, under this lock
        if (!loans.closed && server->serial.load(std::memory_order_relaxed) == serial) tell(*server, loans);
    });
}

void lend_on(Thread& waiting) {
    if (waiting.doing() == Doing::blocked) {
        reorder_wait(waiting);
        return;
    }
    if (waiting.doing() != Doing::awaiting_reply) return;
    if (Thread* const server = waiting.server; server != nullptr) {
        server->sync.loans.with([&](Loans& loans) { tell(*server, loans); });
        return;
    }
    write_loan(waiting, waiting.priority);
}

void lend_nothing(const Thread& client) { write_loan(client, SyncState::nothing_lent); }

void note_server(Message& message, Thread& server) {
    // Noted when it was handed over: the serial may be read already. relaxed: only who has the message writes
    if (message.server.load(std::memory_order_relaxed) == &server) return;
    // relaxed: this CPU's thread
    message.server_serial.store(server.serial.load(std::memory_order_relaxed));
    message.server.store(&server, std::memory_order_seq_cst);
}

void open_loans(Thread& thread) {
    thread.sync.waiter.thread = &thread;
    thread.sync.news.thread = &thread;
    thread.sync.lent = SyncState::nothing_lent;
    // relaxed, both: a number; who reads it elsewhere has found the thread under the lock of its actor's
    // tables
    const u32 generation = generations.fetch_add(1, std::memory_order_relaxed);
    thread.sync.generation.store(generation, std::memory_order_relaxed);
    thread.sync.loans.with([](Loans& loans) { loans.closed = false; });
}

bool close_loans(Thread& thread) {
    return thread.sync.loans.with([&](Loans& loans) {
        loans.closed = true;
        if (!loans.heap.empty()) tell(thread, loans);
        return !loans.news;
    });
}

} // namespace chorale
