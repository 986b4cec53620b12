// The LAPs that the user half of the tests invokes (tests/target/laps.cpp).
#include "groups.hpp"
#include "laps_shared.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

#include <atomic>
#include <trap_context.hpp>

namespace chorale::test {

namespace {

std::atomic<int> sleepers;
KnLapDesc trap_lap, exception_lap, abort_lap;
std::atomic<unsigned long> recovery;

[[noreturn]] void fault() {
    *reinterpret_cast<volatile char*>(VmAddr{0x10}) = 1;
    __builtin_trap();
}

void visit(void* argument, void*) {
    auto* const seen = static_cast<Visit*>(argument);
    static_cast<void>(actorSelf(&seen->self));
    static_cast<void>(svGetInvoker(&seen->invoker));
}

void do_nothing(void*, void*) {}

void jump(void*, void*) { fault(); }

void sleep(void*, void*) {
    ++sleepers;
    threadDelay(K_NOTIMEOUT);
    --sleepers;
}

// The thread is a user actor's, and waits here in supervisor mode.
void serve(void* argument, void*) {
    KnUniqueId name{};
    int port = portCreate(K_MYACTOR, &name);
    if (port < 0 || publish_port(inside_ports[reinterpret_cast<unsigned long>(argument)], name) < 0) {
        fault();
    }
    unsigned long word = 1;
    for (unsigned long served = 1; word != 0; ++served) {
        KnMsgDesc message{0, sizeof word, reinterpret_cast<VmAddr>(&word), 0, 0};
        if (ipcReceive(&message, &port, -1) != sizeof word) {
            fault();
        }
        const unsigned long answer = word + served;
        const KnMsgDesc reply{0, sizeof answer, reinterpret_cast<VmAddr>(&answer), 0, 0};
        if (ipcReply(&reply) != K_OK) {
            fault();
        }
    }
    if (portDelete(K_MYACTOR, port) != K_OK) {
        fault();
    }
}

void on_trap(void* argument, void*) {
    const auto* const trap = static_cast<const KnSysTrapDesc*>(argument);
    KnThreadCtx& context = *trap->threadCtx;
    if (trap->trapNumber != K_TRAP_SYSTEMCALL || trap_call(context) == refused_call) {
        set_trap_result(context, static_cast<unsigned long>(K_ENOTIMP));
        return;
    }
    set_trap_result(context, trap_argument(context) + 1);
}

void on_exception(void* argument, void*) {
    auto* const exception = static_cast<KnExcDesc*>(argument);
    if (recovery == 0) {
        return; // not mine
    }
    exception->threadCtx->pc = recovery;
    exception->excHandled = 1;
}

void on_abort(void* argument, void*) { static_cast<KnAbortDesc*>(argument)->threadCtx->pc = recovery; }

// As in ChorusOS 4.
int trap_routine(KnThreadCtx* context, unsigned int number) {
    KnSysTrapDesc trap{context, number, 0, nullptr, nullptr};
    on_trap(&trap, nullptr);
    return 0;
}

int exception_routine(KnThreadCtx* context, int, void* address) {
    if (reinterpret_cast<VmAddr>(address) != 0x10) {
        return 1; // not mine
    }
    context->pc = recovery;
    return 0;
}

void abort_routine(KnThreadCtx* context) { context->pc = recovery; }

int connect_routines(const KnCap& actor) {
    int failures = svTrapConnect(K_TRAP_SYSTEMCALL, trap_routine) != K_OK;
    failures += svTrapConnect(K_TRAP_SYSTEMCALL, trap_routine) != K_EBUSY;
    failures += svTrapConnect(12345, trap_routine) != K_EINVAL;
    failures += svExcHandler(&actor, exception_routine) != K_OK;
    failures += svAbortHandler(&actor, abort_routine) != K_OK;
    return failures;
}

int disconnect_routines(const KnCap& actor) {
    int failures = svTrapDisConnect(K_TRAP_SYSTEMCALL) != K_OK;
    failures += svTrapDisConnect(K_TRAP_SYSTEMCALL) != K_EINVAL;
    failures += svExcHandler(&actor, nullptr) != K_OK;
    failures += svExcHandler(&actor, nullptr) != K_EINVAL;
    failures += svAbortHandler(&actor, nullptr) != K_OK;
    return failures;
}

void order(void* argument, void*) {
    const auto word = reinterpret_cast<unsigned long>(argument);
    const unsigned long rest = word & ~static_cast<unsigned long>(order_bits);
    KnCap invoker{};
    static_cast<void>(svGetInvoker(&invoker));
    int result = K_OK;
    switch (word & order_bits) {
    case order_connect_trap:
        result = svSysTrapHandlerConnect(K_TRAP_SYSTEMCALL, &trap_lap);
        break;
    case order_disconnect_trap:
        result = svSysTrapHandlerDisconnect(K_TRAP_SYSTEMCALL, &trap_lap);
        break;
    case order_connect_exceptions:
        recovery = rest;
        result = svActorExcHandlerConnect(&invoker, K_ACTOR_EXCVECT_LAST, &exception_lap);
        break;
    case order_connect_aborts:
        recovery = rest;
        result = svActorAbortHandlerConnect(&invoker, K_ACTOR_ABORTVECT_LAST, &abort_lap);
        break;
    case order_disconnect:
        static_cast<void>(svActorExcHandlerDisconnect(&invoker, K_ACTOR_EXCVECT_LAST, K_CONNECTED_LAP));
        static_cast<void>(svActorAbortHandlerDisconnect(&invoker, K_ACTOR_ABORTVECT_LAST, K_CONNECTED_LAP));
        break;
    case order_connect_routines:
        recovery = rest;
        result = connect_routines(invoker);
        break;
    case order_disconnect_routines:
        result = disconnect_routines(invoker);
        break;
    default:
        result = sleepers;
        break;
    }
    if (result != K_OK) {
        fault();
    }
}

bool offer(const char* name, KnLapHdl handler, unsigned options, unsigned bound = 0) {
    KnLapDesc lap{};
    return svLapCreate(K_MYACTOR, handler, nullptr, options, &lap) == K_OK &&
           svLapBind(&lap, name, bound) == K_OK;
}

bool offer_doomer() {
    KnCap owner{};
    KnLapDesc lap{};
    return actorCreate(K_MYACTOR, &owner, K_SUPACTOR, K_ACTIVE) == K_OK &&
           svLapCreate(&owner, jump, nullptr, K_LAP_SAFE, &lap) == K_OK &&
           svLapBind(&lap, lap_doomer, 0) == K_OK;
}

} // namespace

bool offer_laps() {
    return svLapCreate(K_MYACTOR, on_trap, nullptr, 0, &trap_lap) == K_OK &&
           svLapCreate(K_MYACTOR, on_exception, nullptr, 0, &exception_lap) == K_OK &&
           svLapCreate(K_MYACTOR, on_abort, nullptr, 0, &abort_lap) == K_OK &&
           offer(lap_visit, visit, K_LAP_SAFE) && offer(lap_plain, do_nothing, 0) &&
           offer(lap_jump, jump, K_LAP_SAFE | K_LAP_SETJMP) && offer(lap_sleep, sleep, K_LAP_SAFE) &&
           offer(lap_serve, serve, K_LAP_SAFE) && offer(lap_order, order, K_LAP_SAFE | K_LAP_SETJMP) &&
           offer(lap_secret, do_nothing, K_LAP_SAFE, K_LAP_PROTECTED) && offer_doomer();
}

} // namespace chorale::test
