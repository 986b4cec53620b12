// Handlers without LAPs, as in ChorusOS 4: a LAP for each, whose cookie is the routine.
#include <chorus.h>

namespace {

// The LAPs made here, so that nobody else's is deleted.
constexpr unsigned most_handlers = 32;
struct Made {
    unsigned used;
    KnLapDesc lap;
};
Made made[most_handlers];

template <class Routine>
Routine routine_of(void* cookie) {
    return reinterpret_cast<Routine>(cookie);
}

void run_exception(void* argument, void* cookie) {
    auto* const exception = static_cast<KnExcDesc*>(argument);
    const int number = static_cast<int>(exception->excNumber);
    if (routine_of<KnExcHdl>(cookie)(exception->threadCtx, number, exception->excAddress) == 0) {
        exception->excHandled = 1;
    }
}

void run_abort(void* argument, void* cookie) {
    routine_of<KnHdl>(cookie)(static_cast<KnAbortDesc*>(argument)->threadCtx);
}

void run_trap(void* argument, void* cookie) {
    const auto* const trap = static_cast<const KnSysTrapDesc*>(argument);
    routine_of<KnTrapHdl>(cookie)(trap->threadCtx, trap->trapNumber);
}

bool same(const KnLapDesc& one, const KnLapDesc& other) {
    return one.ldPlace == other.ldPlace && one.ldKey == other.ldKey;
}

Made* find(const KnLapDesc& lap) {
    for (Made& each : made) {
        // acquire: pairs with forget()
        if (__atomic_load_n(&each.used, __ATOMIC_ACQUIRE) != 0 && same(each.lap, lap)) {
            return &each;
        }
    }
    return nullptr;
}

void forget(Made& place) {
    svLapDelete(&place.lap);
    // release: pairs with find() and make()
    __atomic_store_n(&place.used, 0, __ATOMIC_RELEASE);
}

// A place that is this thread's. Errors: K_EFULL, those of svLapCreate.
int make(KnLapHdl run, void* routine, Made*& place) {
    for (Made& each : made) {
        // acquire: pairs with forget()
        if (__atomic_exchange_n(&each.used, 1, __ATOMIC_ACQUIRE) != 0) {
            continue;
        }
        place = &each;
        KnCap own{};
        int result = actorSelf(&own);
        if (result == K_OK) {
            result = svLapCreate(&own, run, routine, 0, &each.lap);
        }
        if (result != K_OK) {
            // release: as in forget()
            __atomic_store_n(&each.used, 0, __ATOMIC_RELEASE);
        }
        return result;
    }
    return K_EFULL;
}

// What was connected there by this file goes; somebody else's stays.
int disconnect(unsigned kind, const KnCap* actor, unsigned index) {
    KnLapDesc lap{};
    int result = svHandlerGetConnected(kind, actor, index, &lap);
    if (result != K_OK) {
        return result;
    }
    Made* const mine = find(lap);
    if (mine == nullptr) {
        return K_EINVAL;
    }
    result = svHandlerDisconnect(kind, actor, index, &lap);
    if (result == K_OK) {
        forget(*mine);
    }
    return result;
}

int connect(unsigned kind, const KnCap* actor, unsigned index, KnLapHdl run, void* routine) {
    Made* place = nullptr;
    int result = make(run, routine, place);
    if (result != K_OK) {
        return result;
    }
    result = svHandlerConnect(kind, actor, index, &place->lap);
    if (result != K_OK) {
        forget(*place);
    }
    return result;
}

// The routine that was there is replaced.
int handle(unsigned kind, const KnCap* actor, unsigned index, KnLapHdl run, void* routine) {
    const int before = disconnect(kind, actor, index);
    if (routine == nullptr || (before != K_OK && before != K_EINVAL)) {
        return before;
    }
    return connect(kind, actor, index, run, routine);
}

} // namespace

extern "C" {

int svExcHandler(const KnCap* actorcap, KnExcHdl routine) {
    return handle(K_EXC_HANDLER, actorcap, K_ACTOR_EXCVECT_LAST, run_exception,
                  reinterpret_cast<void*>(routine));
}

int svAbortHandler(const KnCap* actorcap, KnHdl routine) {
    return handle(K_ABORT_HANDLER, actorcap, K_ACTOR_ABORTVECT_LAST, run_abort,
                  reinterpret_cast<void*>(routine));
}

int svTrapConnect(unsigned int trapno, KnTrapHdl routine) {
    if (routine == nullptr) {
        return K_EINVAL;
    }
    return connect(K_TRAP_HANDLER, K_MYACTOR, trapno, run_trap, reinterpret_cast<void*>(routine));
}

int svTrapDisConnect(unsigned int trapno) { return disconnect(K_TRAP_HANDLER, K_MYACTOR, trapno); }
}
