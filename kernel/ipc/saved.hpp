// Current messages that threads of an actor have put aside (ipcSave): any of its threads may make one its
// current message again (ipcRestore). Meanwhile nobody serves it: what its caller lends waits in the message,
// and whatever ends its caller's wait passes it by, as with a message in a queue.
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"

#include <ipc/chIpc.h>

#include <array>

namespace chorale {

struct Actor;
struct Message;
struct Thread;

// By the ids that programs know, less one.
using SavedMessages = Guarded<Rank::actor, std::array<Message*, K_CMSGSAVEDMAX>>;

// For `self`, the current thread, in its home actor. Errors: invalid (no current message), full, no_memory;
// the current message stays.
[[nodiscard]] Result<int> save_current(Thread& self);
// What is current then is dropped. Errors: invalid (no such id); the current message stays.
[[nodiscard]] Status restore_saved(Thread& self, int id);

// When no thread of the actor is left: a few of the callers get K_ECRASH. False: there may be more.
[[nodiscard]] bool drop_saved_step(Actor& actor);

} // namespace chorale
