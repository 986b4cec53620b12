// Handlers without LAPs (ChorusOS 4): each is a LAP of the library's, whose cookie is the routine.
#include <chorus.h>

namespace {

void run_exception_routine(void* argument, void* cookie) {
    auto* const description = static_cast<KnExcDesc*>(argument);
    const auto routine = reinterpret_cast<KnExcHdl>(cookie);
    if (routine(description->threadCtx, static_cast<int>(description->excNumber), description->excAddress) ==
        0)
        description->excHandled = 1;
}

void run_abort_routine(void* argument, void* cookie) {
    reinterpret_cast<KnHdl>(cookie)(static_cast<KnAbortDesc*>(argument)->threadCtx);
}

void run_trap_routine(void* argument, void* cookie) {
    const auto* const description = static_cast<KnSysTrapDesc*>(argument);
    reinterpret_cast<KnTrapHdl>(cookie)(description->threadCtx, description->trapNumber);
}

int connect(unsigned int kind, const KnCap* actor, unsigned int index, KnLapHdl handler, void* routine) {
    KnCap self{};
    KnLapDesc lap{};
    static_cast<void>(actorSelf(&self)); // K_MYACTOR would be the home actor, also within a LAP
    const int made = svLapCreate(&self, handler, routine, 0, &lap);
    if (made != K_OK) return made;
    const int connected = svHandlerConnect(kind, actor, index, &lap);
    if (connected != K_OK) static_cast<void>(svLapDelete(&lap));
    return connected;
}

int disconnect(unsigned int kind, const KnCap* actor, unsigned int index) {
    KnLapDesc lap{};
    const int found = svHandlerGetConnected(kind, actor, index, &lap);
    if (found != K_OK) return found;
    const int gone = svHandlerDisconnect(kind, actor, index, &lap);
    if (gone == K_OK) static_cast<void>(svLapDelete(&lap));
    return gone;
}

template <class Routine>
int exchange(unsigned int kind, const KnCap* actor, unsigned int index, KnLapHdl handler, Routine routine) {
    if (routine == nullptr) return disconnect(kind, actor, index);
    return connect(kind, actor, index, handler, reinterpret_cast<void*>(routine));
}

} // namespace

extern "C" {

int svExcHandler(const KnCap* actorcap, KnExcHdl routine) {
    return exchange(K_EXC_HANDLER, actorcap, K_ACTOR_EXCVECT_LAST, run_exception_routine, routine);
}

int svAbortHandler(const KnCap* actorcap, KnHdl routine) {
    return exchange(K_ABORT_HANDLER, actorcap, K_ACTOR_ABORTVECT_LAST, run_abort_routine, routine);
}

int svTrapConnect(unsigned int trapno, KnTrapHdl routine) {
    if (routine == nullptr) return K_EINVAL;
    return exchange(K_TRAP_HANDLER, K_MYACTOR, trapno, run_trap_routine, routine);
}

int svTrapDisConnect(unsigned int trapno) { return disconnect(K_TRAP_HANDLER, K_MYACTOR, trapno); }

} // extern "C"
