// What a thread in supervisor mode has beside its registers. A thread is in supervisor mode for life
// (K_SUPTHREAD), or while a handler runs on it (kernel/supervisor/handler.hpp); flag_supervisor tells.
//
// Its *home* actor (Thread::actor) never changes and is charged for it; its *execution* actor is the one
// whose code runs: exception handlers and K_MYACTOR go by that one.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/offsets.h"

#include <cstddef>

namespace chorale {

struct Actor;
struct LapFrame;
struct SystemStack;

struct SupervisorState {
    enum class Base : u32 { user, supervisor, interrupt }; // the last: kernel/interrupt/level.hpp

    Base base{};          // where it is when no handler runs on it
    SystemStack* stack{}; // kernel/supervisor/system_stack.hpp; null: none has been needed yet
    VirtAddr innermost;   // the record of the innermost handler, on that stack; 0: none
    Actor* execution{};   // of the innermost handler; null: the home actor
    LapFrame* below{};    // Invocations::frames when the innermost handler was entered
};
static_assert(offsetof(SupervisorState, innermost) == SUPERVISOR_INNERMOST &&
              sizeof(SupervisorState) == SUPERVISOR_SIZE);

// Of a thread whose system calls another system handles (kernel/lap/direct_trap.hpp).
struct DirectTrapState {
    VirtAddr record;      // where the last one's is, as one from user mode leaves it; 0: it is not
    uword handler_data{}; // KnSysTrapDesc::handlerData, while there is no record that has it
};

} // namespace chorale
