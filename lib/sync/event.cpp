// Event sets. Posting and looking go without the nucleus unless somebody waits or has to.
#include <sync/chEvent.h>

namespace {

bool holds(unsigned flags, unsigned mask, int operation) {
    return operation == K_EVENT_AND ? (flags & mask) == mask : (flags & mask) != 0;
}

} // namespace

extern "C" {

int eventInit(KnEventSet* eventSet) {
    *eventSet = K_KNEVENTSET_INITIALIZER;
    return K_OK;
}

int eventPost(KnEventSet* eventSet, unsigned int mask) {
    // seq_cst, both: pairs with await_flags() (kernel/sync/flags.cpp)
    __atomic_fetch_or(&eventSet->evFlags, mask, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&eventSet->evWaiters, __ATOMIC_SEQ_CST) == 0) {
        return K_OK;
    }
    return eventNotify(eventSet);
}

int eventClear(KnEventSet* eventSet, unsigned int mask) {
    __atomic_fetch_and(&eventSet->evFlags, ~mask, __ATOMIC_SEQ_CST);
    return K_OK;
}

int eventWait(KnEventSet* eventSet, unsigned int mask, int operation, unsigned int* posted,
              const KnTimeVal* waitLimit) {
    if (mask == 0 || (operation != K_EVENT_AND && operation != K_EVENT_OR)) {
        return K_EINVAL;
    }
    // acquire: pairs with eventPost, so that what was done before it is seen
    long flags = __atomic_load_n(&eventSet->evFlags, __ATOMIC_ACQUIRE);
    if (!holds(static_cast<unsigned>(flags), mask, operation)) {
        flags = eventAwait(eventSet, mask, operation, waitLimit);
        if (flags < 0) {
            return static_cast<int>(flags);
        }
    }
    if (posted != nullptr) {
        *posted = static_cast<unsigned>(flags);
    }
    return K_OK;
}
}
