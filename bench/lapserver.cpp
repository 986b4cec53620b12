// lapserver: a supervisor actor with LAPs, and a port with a message handler. It measures what one supervisor
// actor's call of another's LAP costs on the thread of whoever orders that, so that the measurement belongs
// to ipcbench's results.
#include "laps.hpp"

#include "recorder.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>
#include <actor/system_call.hpp>

namespace chorale::bench {
namespace {

void do_nothing(void*, void*) {}

// One order at a time.
std::uint64_t samples[largest_lap_order];

int measure(const KnLapDesc& lap, const LapOrder& order) {
    constexpr unsigned warm_up = 64;
    int result = K_OK;
    for (unsigned i = 0; i < warm_up && result == K_OK; ++i) {
        result = lapInvoke(&lap, nullptr);
    }
    for (unsigned i = 0; i < order.rounds && result == K_OK; ++i) {
        const std::uint64_t start = machine::counter();
        boundary<Boundary::round_begin>();
        result = lapInvoke(&lap, nullptr);
        boundary<Boundary::round_end>();
        samples[i] = machine::counter() - start;
    }
    return result;
}

void carry_out(void* argument, void*) {
    const auto place = reinterpret_cast<VmAddr>(argument);
    LapOrder order{};
    if (svCopyIn(place, &order, sizeof(order)) != K_OK || order.rounds > largest_lap_order) {
        return;
    }
    KnLapDesc lap{};
    KnCap own{}; // the execution actor: K_MYACTOR would mean the home of whoever ordered this
    static_cast<void>(actorSelf(&own));
    order.result = svLapCreate(&own, do_nothing, nullptr, order.options, &lap);
    if (order.result == K_OK) {
        order.result = measure(lap, order);
        svLapDelete(&lap);
    }
    const auto size = static_cast<int>(order.rounds * sizeof(samples[0]));
    if (order.result == K_OK) {
        order.result = svCopyOut(samples, reinterpret_cast<VmAddr>(order.samples), size);
    }
    svCopyOut(&order, place, sizeof(order));
}

// What a system on the nucleus would keep of a thread's process.
struct Process {
    long identity;
};
Process only_process{identity};

// The shortest of system calls, as a system would handle it.
void answer_identity(void* argument, void*) {
    auto& trap = *static_cast<KnSysTrapDesc*>(argument);
    auto* process = static_cast<Process*>(trap.handlerData);
    if (process == nullptr) {
        trap.handlerData = process = &only_process;
    }
    machine::set_system_call_result(*trap.threadCtx, process->identity);
    trap.resultOnly = 1;
}

void connect_system_calls(void*, void*) {
    KnCap own{};
    KnLapDesc lap{};
    static_cast<void>(actorSelf(&own)); // as in carry_out()
    if (svLapCreate(&own, answer_identity, nullptr, K_LAP_SAFE, &lap) == K_OK &&
        svSysTrapHandlerConnect(K_TRAP_SYSTEMCALL, &lap) != K_OK) {
        svLapDelete(&lap);
    }
}

bool offer(const char* name, KnLapHdl handler) {
    KnLapDesc lap{};
    return svLapCreate(K_MYACTOR, handler, nullptr, K_LAP_SAFE, &lap) == K_OK &&
           svLapBind(&lap, name, 0) == K_OK;
}

void reply_in_kind(KnMsgDesc* message, void*) { svMsgHdlReply(message); }

bool offer_handler() {
    KnUniqueId name{};
    const int port = portCreate(K_MYACTOR, &name);
    return port > 0 && svMsgHandler(K_MYACTOR, port, reply_in_kind, 0, nullptr) == K_OK &&
           publish_port(handled_port, name) >= 0;
}

} // namespace
} // namespace chorale::bench

extern "C" int main() {
    using namespace chorale::bench;
    if (!offer(lap_empty, do_nothing) || !offer(lap_order, carry_out) ||
        !offer(lap_trap, connect_system_calls)) {
        chorale::print("lapserver: no LAPs\n");
    }
    if (!offer_handler()) {
        chorale::print("lapserver: no message handler\n");
    }
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}
