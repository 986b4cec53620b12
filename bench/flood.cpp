// What floods of messages by other actors take from a pair that exchanges messages on CPU 0:
//   ipc.flood.alone   nobody else does anything
//   ipc.flood.victim  on each CPU an actor floods its own port, and those beyond the first each other's too;
//                     the one on CPU 0 runs, with a worse priority, whenever the pair pauses
//   ipc.flood.target  beside that, all the others flood a port on CPU 0, which a thread there serves
// The pair pauses every few rounds, outside what is measured, so that what was done meanwhile is met.
#include "measures.hpp"

#include <actor/environment.hpp>
#include <actor/thread.hpp>
#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::bench {
namespace {

constexpr unsigned cpu_limit = 64, same_priority = 100, worse_priority = 110;
constexpr unsigned pair_rounds = 1600, rounds_between_pauses = 32, burst = 48;
constexpr unsigned patience = 5000; // milliseconds until a flooder is at work

alignas(4096) char body[4096];
alignas(16) char stack[8192];

// What a flooder knows: its memory is a copy of this actor's.
struct Order {
    unsigned cpu, cpus;
    KnUniqueId control; // where it asks for the next one's port
    KnUniqueId target;  // on CPU 0; none: zero
};
Order order;

enum Question : std::uint64_t { mine, next };

int send(const KnUniqueId& port, unsigned size) {
    const KnMsgDesc message{0, size, reinterpret_cast<VmAddr>(body), 0, 0};
    const KnIpcDest to{port, {}};
    return ipcSend(&message, K_DEFAULTPORT, &to);
}

// Until the port, or the flooder, is full.
void send_burst(const KnUniqueId& port, unsigned size) {
    for (unsigned i = 0; i < burst && send(port, size) == K_OK; ++i) {
    }
}

KnUniqueId port_of_next(const KnUniqueId& own) {
    chorus::Words words{{mine, order.cpu, own.uiHead, own.uiTail}};
    static_cast<void>(chorus::call<4>(order.control, words));
    for (;;) {
        words = {{next, order.cpu}};
        static_cast<void>(chorus::call<4>(order.control, words));
        if (words.w[0] != 0) {
            return {words.w[2], words.w[3]};
        }
        sleep_milliseconds(1);
    }
}

void flood(std::uintptr_t) {
    KnUniqueId own{};
    const int sink = portCreate(K_MYACTOR, &own);
    const KnUniqueId other = port_of_next(own);
    const bool elsewhere = order.cpu != 0;
    for (;;) {
        send_burst(own, sizeof body);
        if (elsewhere) {
            send_burst(other, 8);
            send_burst(other, sizeof body);
        }
        if (elsewhere && order.target.uiTail != 0) {
            send_burst(order.target, 8);
        }
        int port = sink;
        KnMsgDesc room{0, sizeof body, reinterpret_cast<VmAddr>(body), 0, 0};
        while (ipcReceive(&room, &port, 0) >= 0) {
        }
    }
}

// ---- the flooders' actors --------------------------------------------------------------------------------

struct Flooders {
    KnCap actor[cpu_limit];
    unsigned count;
} flooders;

int start_flooder(KnCap& actor) {
    int error = actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE);
    if (error < 0) {
        return error;
    }
    ++flooders.count;
    const std::size_t used = prepare_stack(stack + sizeof stack, flood, 0);
    error = rgnDup(&actor, K_MYACTOR, K_INHERITCOPY);
    if (error < 0) {
        return error;
    }
    const VmAddr top = reinterpret_cast<VmAddr>(stack) + sizeof stack - used;
    const KnDefaultStartInfo_f info{K_DEFAULT_START_INFO, K_USERTHREAD, K_DEFAULT_STACK_SIZE, top,
                                    thread_entry()};
    const KnFifoThParms schedule{K_SCHED_FIFO, order.cpu == 0 ? worse_priority : same_priority};
    KnThreadLid thread = 0;
    error = threadCreate(&actor, &thread, K_INACTIVE, &schedule, &info);
    if (error >= 0) {
        error = threadBind(&actor, thread, order.cpu, nullptr, K_NONEXCLUSIVE);
    }
    return error < 0 ? error : threadActivate(&actor, thread);
}

void end_flooders() {
    while (flooders.count != 0) {
        actorDelete(&flooders.actor[--flooders.count]);
    }
}

// Tells each flooder the port of the next one, none of CPU 0. False: not all have asked.
bool introduce(int control, unsigned cpus) {
    KnUniqueId ports[cpu_limit]{};
    unsigned known = 0, introduced = 0;
    chorus::Words words{};
    chorus::Arrival got = chorus::receive(control, words, patience);
    while (got.size == 32 || got.size == 16) {
        const auto cpu = static_cast<unsigned>(words.w[1] % cpu_limit);
        if (words.w[0] == mine) {
            ports[cpu] = {words.w[2], words.w[3]};
            ++known;
            words = {};
        } else {
            const bool all = known == cpus;
            const KnUniqueId& other = ports[cpu + 1 < cpus ? cpu + 1 : 1];
            words = {{all ? 1UL : 0UL, 0, other.uiHead, other.uiTail}};
            introduced += all ? 1 : 0;
        }
        const KnMsgDesc reply{0, 32, reinterpret_cast<VmAddr>(words.w), 0, 0};
        ipcReply(&reply);
        if (introduced == cpus) {
            return true;
        }
        got = chorus::receive(control, words, patience);
    }
    return false;
}

// Null, or what could not be done.
const char* start_flooders(const Context& context, const KnUniqueId& target) {
    order = {0, context.cpus, {}, target};
    const int control = portCreate(K_MYACTOR, &order.control);
    for (unsigned cpu = 0; cpu < context.cpus; ++cpu) {
        order.cpu = cpu;
        if (start_flooder(flooders.actor[cpu]) < 0) {
            return "cannot start a flooder";
        }
    }
    const bool all = introduce(control, context.cpus);
    portDelete(K_MYACTOR, control);
    return all ? nullptr : "not every flooder came up";
}

// ---- the pair --------------------------------------------------------------------------------------------

unsigned long messages_sent() {
    KnSysStatistics now{};
    sysStatistics(&now);
    return now.ipcSends;
}

// Until the flooders, if they are there, have sent some more. False: they send no more.
bool pause(unsigned messages) {
    const unsigned long before = messages_sent();
    for (unsigned waited = 0; waited < patience; ++waited) {
        sleep_milliseconds(1);
        if (messages_sent() - before >= messages) {
            return true;
        }
    }
    return false;
}

// Null, or what went wrong.
const char* measure_pair(const Context& context, const char* name, const KnUniqueId& server,
                         unsigned messages_in_a_pause) {
    chorus::Words words{};
    bool flooded = true;
    measure_rounds(
        context, name, context.rounds_or(pair_rounds),
        [&](unsigned i) {
            words.w[0] = i;
            return chorus::call<4>(server, words);
        },
        [&](unsigned i, long result) {
            if (i % rounds_between_pauses == 0) {
                flooded = flooded && pause(messages_in_a_pause);
            }
            return result == 32 && words.w[0] == i;
        });
    return flooded ? nullptr : "there was no flood";
}

void measure_flooded(const Context& context, const char* name, const KnUniqueId& server,
                     const KnUniqueId& target) {
    const char* reason = start_flooders(context, target);
    if (reason == nullptr) {
        reason = measure_pair(context, name, server, rounds_between_pauses);
    }
    end_flooders();
    if (reason != nullptr) {
        report_failure(context, name, reason, 0);
    }
}

} // namespace

void measure_flood(const Context& context) {
    constexpr const char *alone = "ipc.flood.alone", *victim = "ipc.flood.victim",
                         *target = "ipc.flood.target";
    const auto wants = [&](const char* name) { return context.wants("flood", name); };
    KnUniqueId server, sink;
    if (context.cpus < 2 || context.cpus > cpu_limit || !(wants(alone) || wants(victim) || wants(target)) ||
        !find_service(context, alone, "w4", 0, server) || !find_service(context, alone, "sink", 0, sink)) {
        return;
    }
    if (wants(alone)) {
        static_cast<void>(measure_pair(context, alone, server, 0));
    }
    if (wants(victim)) {
        measure_flooded(context, victim, server, {});
    }
    if (wants(target)) {
        measure_flooded(context, target, server, sink);
    }
}

} // namespace chorale::bench
