#include "kernel/mipc/opening.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/handler.hpp"

#include <bit>

namespace chorale {

namespace {

constexpr u32 messages_per_step = 64; // looked at when an actor is deleted
constexpr u32 frees_per_step = 8;     // of them, given back: somebody may wait for each
constexpr u32 named_limit = 128;      // spaces that others can open

constinit Cache<MessageSpace> spaces{"message spaces"};

struct Table {
    std::array<MessageSpace*, named_limit> named{};
};
Guarded<Rank::message_spaces, Table> table;

[[nodiscard]] MessageSpace** find(Table& all, KnMsgSpaceId name) {
    for (MessageSpace*& each : all.named) {
        if (each != nullptr && each->name() == name) return &each;
    }
    return nullptr;
}

[[nodiscard]] MessageSpace** find_room(Table& all) {
    for (MessageSpace*& each : all.named) {
        if (each == nullptr) return &each;
    }
    return nullptr;
}

[[nodiscard]] int lid_of(const Actor& actor, const Opening& opening) {
    return static_cast<int>(&opening - actor.message_spaces.openings.data()) + 1;
}

// The next four with the table locked.
[[nodiscard]] Opening* find_unused(Actor& actor) {
    for (Opening& each : actor.message_spaces.openings) {
        if (each.state == Opening::State::unused) return &each;
    }
    return nullptr;
}

[[nodiscard]] Opening* find_opened(Actor& actor, KnMsgSpaceId name) {
    for (Opening& each : actor.message_spaces.openings) {
        if (each.state != Opening::State::unused && each.target->name() == name) return &each;
    }
    return nullptr;
}

void enter(Opening& opening, MessageSpace& space) {
    opening.state = Opening::State::being_made;
    opening.target = &space;
    opening.slot = static_cast<OpeningSlot>(std::countr_one(space.openers));
    space.openers |= u64{1} << opening.slot;
}

// True: it was the last one of the space, which nobody finds any more.
[[nodiscard]] bool leave(Table& all, const Opening& opening) {
    MessageSpace& space = *opening.target;
    space.openers &= ~(u64{1} << opening.slot);
    if (space.openers != 0) return false;
    if (space.name() != K_PRIVATEID) *find(all, space.name()) = nullptr;
    return true;
}

} // namespace

Result<MessageSpace*> begin_space(Actor& actor, const MessageSpacePlan& plan, int& lid) {
    const Result<MessageSpace*> made = spaces.make(plan);
    if (!made.ok()) return made;
    MessageSpace& space = *made.value();
    const Status status = table.with([&](Table& all) {
        const bool named = plan.name != K_PRIVATEID;
        if (named && find(all, plan.name) != nullptr) return Status::busy;
        Opening* const opening = find_unused(actor);
        MessageSpace** const place = named ? find_room(all) : nullptr;
        if (opening == nullptr || (named && place == nullptr)) return Status::full;
        if (named) *place = &space;
        enter(*opening, space);
        lid = lid_of(actor, *opening);
        return Status::ok;
    });
    if (status == Status::ok) return made;
    spaces.destroy(&space);
    return status;
}

Result<Opened> begin_opening(Actor& actor, KnMsgSpaceId name) {
    return table.with([&](Table& all) -> Result<Opened> {
        if (const Opening* const opening = find_opened(actor, name); opening != nullptr) {
            if (opening->state != Opening::State::open) return Status::busy;
            return Opened{lid_of(actor, *opening), true};
        }
        MessageSpace** const found = find(all, name);
        if (found == nullptr || !(*found)->ready) return Status::unknown;
        Opening* const opening = find_unused(actor);
        if (opening == nullptr || ~(*found)->openers == 0) return Status::full;
        enter(*opening, **found);
        return Opened{lid_of(actor, *opening), false};
    });
}

void finish_opening(Actor& actor, int lid, VirtAddr base) {
    Opening& opening = *find_opening(actor.message_spaces, lid);
    table.with([&](Table&) {
        opening.state = Opening::State::open;
        opening.target->ready = true;
        opening.base = base;
        // release: pairs with acquire in the calls: the opening is complete, and so is the space
        opening.space.store(opening.target, std::memory_order_release);
    });
}

bool give_up_opening(Actor& actor, int lid) {
    Opening& opening = *find_opening(actor.message_spaces, lid);
    return table.with([&](Table& all) {
        const bool last = leave(all, opening);
        if (!last) opening.state = Opening::State::unused;
        return last;
    });
}

void end_space(Actor& actor, int lid) {
    Opening& opening = *find_opening(actor.message_spaces, lid);
    MessageSpace* const space = opening.target;
    table.with([&](Table&) { opening.state = Opening::State::unused; }); // nobody looks at its name any more
    spaces.destroy(space);
}

Closing begin_closing(Actor& actor) {
    return table.with([&](Table&) {
        Closing result = Closing::nothing;
        for (Opening& each : actor.message_spaces.openings) {
            // A visitor from another actor is about to open it, and finds that this one is being deleted.
            if (each.state == Opening::State::being_made) return Closing::not_yet;
            if (each.state == Opening::State::open) result = Closing::closing;
            each.space.store(nullptr, std::memory_order_relaxed); // relaxed: a tour follows
        }
        return result;
    });
}

// progress: the opening, and what has been done to it: messages looked at.
bool close_step(Actor& actor, u64& progress) {
    const u64 index = progress >> 32;
    if (index == K_MSG_OPENMAX) return true;
    Opening& opening = actor.message_spaces.openings[index];
    const u64 next = (index + 1) << 32;
    if (opening.state == Opening::State::unused) {
        progress = next;
        return false;
    }
    MessageSpace& space = *opening.target;
    constexpr u64 last = ~u32{0}; // nobody has the space any more
    if (const u64 looked = progress & last; looked == last) {
        if (!space.end_waits_step() || !space.dismantle_step()) return false;
        end_space(actor, lid_of(actor, opening));
        progress = next;
    } else if (looked < space.message_count()) {
        u32 message = static_cast<u32>(looked);
        for (u32 count = 0, freed = 0; count < messages_per_step && freed < frees_per_step; ++count) {
            if (message == space.message_count()) break;
            freed += space.free(message++, opening.slot) ? 1 : 0;
        }
        progress = index << 32 | message;
    } else if (table.with([&](Table& all) { return leave(all, opening); })) {
        progress |= last;
    } else {
        opening.state = Opening::State::unused;
        progress = next;
    }
    return false;
}

void pass_message_on(Thread& thread) {
    MessageWait& wait = thread.message_wait;
    if (!wait.given) return;
    wait.given = false;
    const Opening* const opening = find_opening(execution_actor(thread).message_spaces, wait.lid);
    // acquire: pairs with release in finish_opening()
    MessageSpace* const space = opening->space.load(std::memory_order_acquire);
    // When it was a visitor's wait, the actor may have gone, and all of its own with it.
    if (space != nullptr && space == wait.space && opening->slot == wait.slot)
        space->put_back(wait.message, wait.from, wait.slot);
}

void take_delivery(Thread& self) {
    MessageWait& wait = self.message_wait;
    const bool all = tell(wait.places, wait.address, wait.source, wait.from.queue());
    // The places could be written when the wait began, and have been taken away meanwhile.
    if (!all) pass_message_on(self);
    wait.given = false;
    self.frame.set_result(all ? K_OK : K_EFAULT);
}

u64 live_message_spaces() { return spaces.statistics().live; }

} // namespace chorale
