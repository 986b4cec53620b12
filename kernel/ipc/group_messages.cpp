// Messages to groups: to one member, and to all.
//
// A broadcast's original is the sender's message; each member gets a copy, which shares the frames of a long
// body: who has a message only reads them. The thread goes from member to member in the order of their
// numbers and remembers the last one's, not a pointer, between two entries: so the group may change, or be
// gone, at any moment in between.
#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

constexpr unsigned looked_at = 32; // members, by choose_member(): a bound of what one entry does

// pairs with the releases in group.cpp: what is read of a member is read through the pointer
[[nodiscard]] const Membership* next_of(const std::atomic<Membership*>& link) {
    return link.load(machine::order_of_dependent_loads);
}

// ---- one -----------------------------------------------------------------------------------------

// Where this CPU's next look at the group begins: each CPU goes round by itself, and no line is shared for
// it. Groups that have the same place here only disturb each other's order.
[[nodiscard]] const Membership* first_in_turn(const Group& group) {
    u8& turn = this_cpu().group_turns[reinterpret_cast<uword>(&group) / cache_line % group_turn_places];
    u32 skipped = turn < group.members ? turn : 0;
    turn = static_cast<u8>(skipped + 1);
    const Membership* each = next_of(group.first);
    for (; skipped != 0 && each != nullptr; --skipped) each = next_of(each->next);
    return each;
}

// ---- all -----------------------------------------------------------------------------------------

void share_body(Message& copy, const Message& original) {
    copy.stored = copy.given = 0;
    for (; copy.page_count < original.page_count; ++copy.page_count) {
        copy.pages[copy.page_count] = original.pages[copy.page_count];
        // As many as a group has members: a frame can count more.
        require(share_frame(original.pages[copy.page_count]), "a broadcast has too many copies");
    }
}

void copy_header(Message& copy, const Message& original) {
    copy.target = original.target;
    copy.co_target = original.co_target;
    copy.transaction = original.transaction;
    copy.exchange = original.exchange;
    copy.call = false;
    copy.size = original.size;
    copy.has_annex = original.has_annex;
    // relaxed, all: nobody else knows either message
    copy.priority.store(original.priority.load(std::memory_order_relaxed), std::memory_order_relaxed);
    copy.server.store(nullptr, std::memory_order_relaxed);
    copy.source = original.source;
    copy.source_actor = original.source_actor;
    copy.source_port = original.source_port;
}

[[nodiscard]] Result<Message*> copy_message(const Message& original) {
    const Result<Message*> made = allocate_message();
    if (!made.ok()) return made;
    Message& copy = *made.value();
    copy_header(copy, original);
    if (original.has_annex) __builtin_memcpy(copy.annex, original.annex, sizeof copy.annex);
    if (original.page_count == 0) __builtin_memcpy(copy.words, original.words, sizeof copy.words);
    share_body(copy, original);
    return &copy;
}

void copy_handled(Thread& self, Message& copy, int result);

// There is no way for the copy, but perhaps a handler.
[[nodiscard]] long handle_copy(Thread& self, Port& port, Message& copy, Route route) {
    copy.handling.original = self.incoming;
    copy.handling.done = self.work.done;
    copy.handling.last = self.work.size;
    copy.handling.outcome = self.work.outcome;
    const Handled handled = route == Route::full ? handle(self, copy, port, copy_handled) : Handled::not_here;
    if (handled == Handled::entered) self.incoming = nullptr; // the handler's calls have it, and self.work
    if (handled == Handled::entered || handled == Handled::mailed) {
        this_cpu().counters.messages_sent.count();
        return handled == Handled::mailed ? K_OK : no_result;
    }
    free_message(copy);
    return handled == Handled::no_memory ? K_ENOMEM : refusal(route);
}

[[nodiscard]] long send_copy(Thread& self, Port& port, const Message& original) {
    if (life_of(port) == 0) return K_EUNKNOWN;
    const Result<Message*> copy = copy_message(original);
    if (!copy.ok()) return static_cast<long>(copy.status());
    const Route route = deliver_paid(port, *copy.value(), true, execution_actor(self).credits);
    if (route >= Route::full) return handle_copy(self, port, *copy.value(), route);
    if (route == Route::away) self.set(flag_sent);
    this_cpu().counters.messages_sent.count();
    return K_OK;
}

[[nodiscard]] const Membership* first_after(const KnUniqueId& name, u64 number) {
    const Group* const group = find_group(name);
    const Membership* each = group == nullptr ? nullptr : next_of(group->first);
    while (each != nullptr && each->number <= number) each = next_of(each->next);
    return each;
}

// In self.work: `done`, the number of the last member that had its turn, and `size`, that of the last one
// that shall have; `outcome` so far.
[[nodiscard]] long go_on(Thread& self) {
    Message& original = *self.incoming;
    const Membership* each = first_after(original.target, self.work.done);
    while (each != nullptr && each->number <= self.work.size) {
        self.work.done = each->number;
        const long sent = send_copy(self, *each->port, original);
        if (sent == no_result) return no_result; // the member's handler runs
        if (self.work.outcome != K_OK) self.work.outcome = sent;
        // No mail is looked at in the window, so no grace period ends: the walk goes on from here.
        machine::interrupt_window();
        if (this_cpu().pending != 0) {
            self.continuation = [](Thread& again) {
                const long result = go_on(again);
                if (result != no_result) again.frame.set_result(result);
            };
            return no_result;
        }
        each = next_of(each->next);
    }
    self.incoming = nullptr;
    free_message(original);
    return self.work.outcome;
}

void copy_handled(Thread& self, Message& copy, int result) {
    Message* const original = copy.handling.original;
    const u64 done = copy.handling.done, last = copy.handling.last;
    const long before = copy.handling.outcome;
    const long outcome = end_sent(self, copy, result);
    if (outcome == no_result) return; // once more
    self.incoming = original;
    self.work.done = done;
    self.work.size = last;
    self.work.outcome = before == K_OK ? K_OK : outcome;
    if (const long all = go_on(self); all != no_result) self.frame.set_result(all);
}

} // namespace

Result<Port*> choose_member(const KnIpcDest& destination) {
    const KnUniqueId& other = destination.coTarget;
    const int mode = mode_of(destination.target);
    if (!is_group(destination.target)) return Status::unknown;
    if (mode == K_BROADMODE) return Status::invalid;
    const Group* const group = find_group(destination.target);
    if (group == nullptr || (mode == K_FUNCUMODE && !known_here(other))) return Status::unknown;
    // All members are on this site.
    if (mode == K_FUNCXMODE && kind_of(other) == NameKind::site && known_here(other)) return Status::unknown;
    Port *with_room = nullptr, *any = nullptr;
    const Membership* each = first_in_turn(*group);
    for (unsigned left = looked_at; left != 0; --left) {
        if (each == nullptr) each = next_of(group->first);
        if (each == nullptr) break;
        Port& port = *each->port;
        each = next_of(each->next);
        if (life_of(port) == 0 || (mode == K_FUNCXMODE && uiEqual(&port.ui, &other) != 0)) continue;
        if (has_waiter(port) || has_handler(port)) return &port;
        if (any == nullptr) any = &port;
        // relaxed: deliver() looks again
        const bool room = port.queued.load(std::memory_order_relaxed) < K_CPORTQUEUE;
        if (room && with_room == nullptr) with_room = &port;
    }
    if (with_room == nullptr) with_room = any;
    return with_room == nullptr ? Result<Port*>{Status::unknown} : with_room;
}

long broadcast(Thread& self, Message& message) {
    self.incoming = &message;
    self.work.done = 0;
    self.work.size = last_membership();
    self.work.outcome = K_EUNKNOWN;
    return go_on(self);
}

} // namespace chorale
