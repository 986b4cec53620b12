// What is kept of a thread while a handler runs on it (handler.cpp), on its system stack. The quick way of
// system calls to their handler writes and reads the same record (arch/*/supervisor/direct_trap.S).
#pragma once

#include "kernel/core/thread.hpp"
#include "kernel/supervisor/handler.hpp"

#include <exec/chTrap.h>

#include <cstddef>

namespace chorale {

struct HandlerRecord {
    machine::Frame frame; // first: the handler's KnThreadCtx
    u64 descriptor[Handler::descriptor_words];
    SupervisorState before; // the stack apart, which stays the thread's
    void (*returned)(Thread& self, u64 result, u64 cookie);
    u64 cookie;
};

static_assert(offsetof(HandlerRecord, frame) == 0 && offsetof(HandlerRecord, descriptor) == RECORD_TRAP);
static_assert(sizeof(KnSysTrapDesc) <= sizeof(HandlerRecord::descriptor));
static_assert(offsetof(KnSysTrapDesc, threadCtx) == 0 &&
              offsetof(KnSysTrapDesc, resultOnly) == TRAP_RESULT_ONLY &&
              offsetof(KnSysTrapDesc, handlerData) == TRAP_DATA &&
              offsetof(KnSysTrapDesc, quickCalls) == TRAP_QUICK_CALLS &&
              K_TRAP_QUICK_LIMIT == 1 << QUICK_CALL_SHIFT);

} // namespace chorale
