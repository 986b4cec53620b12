// A message to a port when an actor is gone: svActorEndNotice (exec/chExec.h). It is made when somebody asks
// for it and stays with the actor, so that the end, which nobody can be told has failed, needs no memory.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Actor;
struct Message;
struct Port;

// Errors: busy (there is one, for a port that lives), no_memory, unknown (the actor is being deleted).
[[nodiscard]] Status ask_end_notice(Actor& actor, const Port& port, u64 cookie);
// There is none any more. Errors: unknown (the actor is being deleted).
[[nodiscard]] Status cancel_end_notice(Actor& actor);

// Of an actor that is being deleted, to which none comes any more; null: nobody asked.
[[nodiscard]] Message* take_end_notice(Actor& actor);
// With everything of the actor's given back.
void send_end_notice(Message* notice);

} // namespace chorale
