// Which actors have which message spaces open, and the spaces that have names.
//
// Calls find an opening in the actor's own table, by one load. It is entered there when all of it is ready,
// and taken out when the actor is deleted, before a tour; so who has found a space may use it until his call
// is over. The space goes with its last opening.
#pragma once

#include "kernel/mem/region.hpp"
#include "kernel/mipc/message_space.hpp"

namespace chorale {

struct Actor;

// One place in an actor's table; its memory stays an Opening as long as the actor's memory does.
struct Opening {
    enum class State : u8 { unused, being_made, open };

    std::atomic<MessageSpace*> space{}; // null: not for use
    // Written before `space` is.
    VirtAddr base; // of the pools
    OpeningSlot slot{};
    // Under the lock of the table of spaces.
    State state{};
    MessageSpace* target{};
};

struct ActorMessageSpaces {
    std::array<Opening, K_MSG_OPENMAX> openings{};
};

// A message as a program names it.
struct NamedMessage {
    MessageSpace* space;
    u32 message; // MessageSpace::none: there is none
    OpeningSlot slot;
};

// nullptr: not open.
[[nodiscard]] inline Opening* find_opening(ActorMessageSpaces& spaces, int lid) {
    const u32 index = static_cast<u32>(lid) - 1;
    return index < K_MSG_OPENMAX ? &spaces.openings[index] : nullptr;
}

// What an actor gets when it asks for a space.
struct Opened {
    int lid{};
    bool ready{}; // it has been open before
};
// A place for a new space, with its name, if it has one. Errors: busy (the name is in use), full, no_memory.
[[nodiscard]] [[gnu::noinline]] Result<MessageSpace*> begin_space(Actor& actor, const MessageSpacePlan& plan,
                                                                  int& lid);
// Errors: unknown, full; busy: another thread of the actor is about to open it.
[[nodiscard]] Result<Opened> begin_opening(Actor& actor, KnMsgSpaceId name);
// All of it is there.
void finish_opening(Actor& actor, int lid, VirtAddr base);
// It is not to be. True: nobody else has the space; it is to be dismantled, and end_space() called then.
[[nodiscard]] bool give_up_opening(Actor& actor, int lid);
void end_space(Actor& actor, int lid);

// ---- the end of an actor ---------------------------------------------------------------------------
// Takes all out of the actor's table. False: there was nothing.
enum class Closing : u8 { nothing, closing, not_yet };
[[nodiscard]] Closing begin_closing(Actor& actor);
// A tour later, with no thread of the actor left: a part of the rest. `progress` begins as 0. True: done.
[[nodiscard]] bool close_step(Actor& actor, u64& progress);

// What the thread was given and has not been told of: somebody else gets it.
void pass_message_on(Thread& thread);
// How the call goes on that has waited for a message.
void take_delivery(Thread& self);

[[nodiscard]] u64 live_message_spaces();

} // namespace chorale
