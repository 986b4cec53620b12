// The handler of system calls that the user half makes (tests/target/traps.cpp).
#include "groups.hpp"
#include "traps_shared.hpp"

#include <chorus.h>

#include <array>
#include <atomic>
#include <trap_context.hpp>

namespace chorale::test {

namespace {

constexpr unsigned forgiving = K_LAP_SAFE | K_LAP_SETJMP; // a fault does not end the handler's actor

std::atomic<int> inside;
KnLapDesc traps_lap, nested_lap, ending_lap, late_lap;
KnCap own, other;
// Each connection has a number, which is the handler's cookie. Up to `last_gone` none may run: the code
// stays, so that it is noticed.
unsigned long connection;
std::atomic<unsigned long> last_gone;
std::atomic<unsigned> ghosts;

// A quick function does not know whose it is: connections have them in turn, every other one none.
constexpr unsigned quick_tables = 4;
unsigned long last_connection_of[quick_tables];
std::atomic<unsigned long> peeks;

template <unsigned table>
unsigned long peek(void* word) {
    if (last_connection_of[table] <= last_gone) ++ghosts;
    ++peeks;
    return reinterpret_cast<unsigned long>(word) + 1;
}

unsigned long count_peeks(void*) { return peeks; }

template <unsigned table>
constexpr std::array<KnQuickCall, K_TRAP_QUICK_LIMIT> make_quick_calls() {
    std::array<KnQuickCall, K_TRAP_QUICK_LIMIT> calls{};
    calls[trap_peek] = peek<table>;
    calls[trap_last] = count_peeks;
    return calls;
}

constinit std::array<KnQuickCall, K_TRAP_QUICK_LIMIT> quick_calls[quick_tables] = {
    make_quick_calls<0>(), make_quick_calls<1>(), make_quick_calls<2>(), make_quick_calls<3>()};

const KnQuickCall* quick_calls_of(unsigned long number) {
    return number % 2 == 0 ? quick_calls[number / 2 % quick_tables].data() : nullptr;
}

[[noreturn]] void fault() {
    *reinterpret_cast<volatile char*>(VmAddr{0x10}) = 1;
    __builtin_trap();
}

void do_nothing(void*, void*) {}

void count(void* argument, void*) { ++*static_cast<int*>(argument); }

unsigned long burn(unsigned long rounds) {
    for (volatile unsigned long left = rounds; left != 0;) {
        left = left - 1;
    }
    return rounds + 1;
}

unsigned long look() {
    KnCap self{}, invoker{};
    int counted = 0;
    const bool good = actorSelf(&self) == K_OK && svGetInvoker(&invoker) == K_OK &&
                      self.ui.uiTail == own.ui.uiTail && invoker.ui.uiTail != own.ui.uiTail &&
                      lapInvoke(&nested_lap, &counted) == K_OK && counted == 1;
    return good ? 1 : 0;
}

struct Late {
    KnVirtTimeout timeout; // first: what its handler is given
    std::atomic<unsigned> calls;
};
Late late;

void on_time(void* argument, void*) { ++static_cast<Late*>(argument)->calls; }

unsigned long be_late() {
    const KnTimeVal soon{0, 2 * K_NPERM};
    KnCap home{};
    KnTimeVal begun{}, now{};
    int result = svGetInvoker(&home);
    if (result == K_OK)
        result =
            svThreadVirtualTimeoutSet(&home, threadSelf(), &late.timeout, &soon, K_VTIME_TOTAL, &late_lap);
    if (result != K_OK) return static_cast<unsigned long>(long{result});
    sysTime(&begun);
    do {
        sysTime(&now);
    } while ((now.tmSec - begun.tmSec) * 1'000'000'000 + now.tmNSec - begun.tmNSec < 50 * K_NPERM);
    return 1;
}

unsigned long serve(unsigned long call, unsigned long argument, KnSysTrapDesc& trap) {
    const KnTimeVal pause{0, static_cast<long>(argument) * 1000000};
    switch (call) {
    case trap_swap: {
        const auto before = reinterpret_cast<unsigned long>(trap.handlerData);
        trap.handlerData = reinterpret_cast<void*>(argument);
        return before;
    }
    case trap_peek:
        return reinterpret_cast<unsigned long>(trap.handlerData) + 1;
    case trap_last:
        return 0;
    case trap_burn:
        return burn(argument);
    case trap_sleep:
        threadDelay(&pause);
        return argument + 1;
    case trap_wait:
        return static_cast<unsigned long>(long{threadDelay(K_NOTIMEOUT)});
    case trap_registers:
        change_registers(*trap.threadCtx);
        return argument + 1;
    case trap_nested:
        return look();
    case trap_late:
        return be_late();
    case trap_late_seen:
        return late.calls;
    default:
        return argument + 1;
    }
}

void look_for_ghost(const void* cookie) {
    if (reinterpret_cast<unsigned long>(cookie) <= last_gone) ++ghosts;
}

void end_other(void*, void*) {
    if (actorDelete(&other) != K_OK) fault();
}

// From a handler of the other's. Nothing after that runs.
void end_own_actor() {
    --inside;
    static_cast<void>(lapInvoke(&ending_lap, nullptr));
    ++ghosts;
}

void on_trap(void* argument, void* cookie) {
    look_for_ghost(cookie);
    auto& trap = *static_cast<KnSysTrapDesc*>(argument);
    const unsigned long number = trap_call(*trap.threadCtx);
    const bool slowly = number > trap_beyond && (number & trap_slowly) != (trap_sum & trap_slowly);
    const unsigned long call = slowly ? number - trap_slowly : number;
    trap.quickCalls = quick_calls_of(reinterpret_cast<unsigned long>(cookie));
    const bool known = (call >= trap_sum && call < trap_calls_end) || call == trap_peek ||
                       call == trap_blind || call == trap_last || call == trap_beyond;
    if (trap.trapNumber != K_TRAP_SYSTEMCALL || trap.resultOnly != 0 || !known) {
        set_trap_result(*trap.threadCtx, static_cast<unsigned long>(K_ENOTIMP));
        return;
    }
    ++inside;
    trap.resultOnly = !slowly && call != trap_registers ? 1 : 0;
    if (call == trap_fault) {
        set_trap_result(*trap.threadCtx, 1);
        --inside;
        fault();
    }
    if (call == trap_suicide) {
        set_trap_result(*trap.threadCtx, 1);
        end_own_actor();
    }
    set_trap_result(*trap.threadCtx, serve(call, trap_argument(*trap.threadCtx), trap));
    --inside;
    look_for_ghost(cookie);
}

// What was connected before has gone.
int connect(const KnCap& actor, unsigned options) {
    last_gone = connection;
    ++connection;
    last_connection_of[connection / 2 % quick_tables] = connection;
    const int result = svLapCreate(&actor, on_trap, reinterpret_cast<void*>(connection), options, &traps_lap);
    return result == K_OK ? svSysTrapHandlerConnect(K_TRAP_SYSTEMCALL, &traps_lap) : result;
}

int connect_other() {
    const int result = actorCreate(K_MYACTOR, &other, K_SUPACTOR, K_ACTIVE);
    return result == K_OK ? connect(other, K_LAP_SAFE) : result;
}

// For a while nobody is connected, and who calls all the same finds nobody.
template <class Connect>
int connect_later(Connect connect_again) {
    last_gone = connection;
    const KnTimeVal pause{0, 3'000'000};
    threadDelay(&pause);
    return connect_again();
}

void obey(void* argument, void*) {
    int result = K_OK;
    const auto order = static_cast<TrapOrder>(reinterpret_cast<unsigned long>(argument));
    switch (order) {
    case traps_connect:
    case traps_connect_quick:
    case traps_connect_unsafe:
        if ((quick_calls_of(connection + 1) != nullptr) != (order != traps_connect)) ++connection;
        result = connect(own, order == traps_connect_unsafe ? K_LAP_SETJMP : forgiving);
        break;
    case traps_connect_other:
        result = connect_other();
        break;
    case traps_disconnect:
        result = svSysTrapHandlerDisconnect(K_TRAP_SYSTEMCALL, &traps_lap);
        if (result == K_OK) result = svLapDelete(&traps_lap);
        break;
    case traps_new_lap:
        result = svLapDelete(&traps_lap);
        if (result == K_OK) result = connect_later([] { return connect(own, forgiving); });
        break;
    case traps_new_actor:
        result = actorDelete(&other);
        if (result == K_OK) result = connect_later(connect_other);
        break;
    case traps_delete_actor:
        result = actorDelete(&other);
        last_gone = connection;
        break;
    case traps_ghosts:
        result = ghosts == 0 ? K_OK : K_EFAIL;
        break;
    default:
        result = inside;
        break;
    }
    if (result != K_OK) fault();
}

bool offer(const char* name, KnLapHdl handler, unsigned options) {
    KnLapDesc lap{};
    return svLapCreate(K_MYACTOR, handler, nullptr, options, &lap) == K_OK &&
           svLapBind(&lap, name, 0) == K_OK;
}

} // namespace

bool offer_traps() {
    return actorSelf(&own) == K_OK && svLapCreate(K_MYACTOR, count, nullptr, 0, &nested_lap) == K_OK &&
           svLapCreate(K_MYACTOR, end_other, nullptr, forgiving, &ending_lap) == K_OK &&
           svLapCreate(K_MYACTOR, on_time, nullptr, 0, &late_lap) == K_OK &&
           offer(lap_traps, obey, K_LAP_SAFE | K_LAP_SETJMP) && offer(lap_idle, do_nothing, K_LAP_SAFE);
}

} // namespace chorale::test
