// Message spaces, each call by itself, when nobody waits and all is there:
//   mipc.allocate, mipc.put (to an empty queue), mipc.get, mipc.free
#include "measures.hpp"

#include <chorus.h>

namespace chorale::bench {

namespace {

int space;
char* message;

long allocate() { return msgAllocate(space, 0, 64, K_NOBLOCK, &message); }
long put() { return msgPut(space, 0, message, 3); }
long get() { return msgGet(space, 0, K_NOBLOCK, &message, nullptr); }
long free_again() { return msgFree(space, message); }

// `call` is measured, `back` is not: all is as before after it.
void measure_one(const Context& context, const char* name, long (*call)(), long (*back)()) {
    if (!context.wants("same", name)) {
        return;
    }
    measure_rounds(
        context, name, context.rounds_or(usual_rounds), [call](unsigned) { return call(); },
        [back](unsigned, long result) { return result == K_OK && back() == K_OK; });
}

} // namespace

void measure_messages(const Context& context) {
    constexpr KnMsgPool pool{256, 4};
    if (space == 0) {
        space = msgSpaceCreate(K_PRIVATEID, 2, 1, &pool);
    }
    measure_one(context, "mipc.allocate", allocate, free_again);
    if (allocate() != K_OK) {
        return;
    }
    measure_one(context, "mipc.put", put, get);
    if (put() != K_OK) {
        return;
    }
    measure_one(context, "mipc.get", get, put);
    if (get() != K_OK) {
        return;
    }
    measure_one(context, "mipc.free", free_again, allocate);
    free_again();
}

} // namespace chorale::bench
