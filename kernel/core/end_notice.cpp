#include "kernel/core/end_notice.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"

#include <utility>

namespace chorale {

namespace {

void compose(Message& message, const Actor& actor, const Port& port, u64 cookie) {
    const Actor& nucleus = nucleus_actor();
    const KnEndNotice body{actor.capability, cookie};
    static_assert(sizeof body <= Message::inline_bytes);
    __builtin_memset(message.words, 0, sizeof message.words);
    __builtin_memcpy(message.words, &body, sizeof body);
    message.size = sizeof body;
    message.has_annex = false;
    message.call = false;
    message.error = K_OK;
    message.client = nullptr;
    message.answered = nullptr;
    message.transaction = 0;
    message.exchange = 0;
    message.target = port.ui;
    message.co_target = {};
    message.source = nucleus.default_port->ui;
    message.source_actor = nucleus.protection;
    message.source_port = nucleus.default_port->protection;
    // relaxed, both: nobody else knows the message yet
    message.priority.store(K_FIFO_PRIOMAX, std::memory_order_relaxed);
    message.server.store(nullptr, std::memory_order_relaxed);
}

// Under the lock: none is left with an actor after take_end_notice(), as its deletion has been through the
// lock since `dying` was set.
[[nodiscard]] Status exchange(Actor& actor, bool replaces, Message*& notice) {
    return actor.tables.with([&](Actor::Tables& tables) {
        // relaxed: see begin_actor_deletion()
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        const bool waits = tables.end_notice != nullptr && find_port(tables.end_notice->target) != nullptr;
        if (waits && !replaces) return Status::busy;
        std::swap(tables.end_notice, notice);
        return Status::ok;
    });
}

void give_back(Message* notice) {
    if (notice != nullptr) free_message(*notice);
}

} // namespace

Status ask_end_notice(Actor& actor, const Port& port, u64 cookie) {
    const Result<Message*> made = allocate_message();
    if (!made.ok()) return made.status();
    Message* notice = made.value();
    compose(*notice, actor, port, cookie);
    const Status status = exchange(actor, false, notice);
    give_back(notice); // one whose port has gone, or the new one
    return status;
}

Status cancel_end_notice(Actor& actor) {
    Message* notice = nullptr;
    const Status status = exchange(actor, true, notice);
    give_back(notice);
    return status;
}

Message* take_end_notice(Actor& actor) {
    return actor.tables.with([](Actor::Tables& tables) { return std::exchange(tables.end_notice, nullptr); });
}

void send_end_notice(Message* notice) {
    if (notice != nullptr) deliver_own(*notice);
}

} // namespace chorale
