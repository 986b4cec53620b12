// What is counted, and who may ask: everybody. Each CPU counts for itself; sums are made here.
#include "kernel/call/handlers.hpp"
#include "kernel/core/accounts.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/region.hpp"
#include "kernel/mem/slab.hpp"

namespace chorale::calls {

namespace {

[[nodiscard]] u64 slab_objects() {
    u64 live = 0;
    for (unsigned i = 0; SlabCache* const cache = slab_cache_at(i); ++i) live += cache->statistics().live;
    return live - spare_messages();
}

} // namespace

long sysStatistics(Thread&, UserOut<KnSysStatistics> statistics) {
    KnSysStatistics now{};
    now.cpus = cpu_count();
    now.actors = live_actors();
    now.threads = live_threads();
    now.ports = live_ports();
    now.messages = live_messages();
    const FrameStatistics frames = frame_statistics();
    now.totalPages = frames.total;
    now.freePages = frames.free;
    now.slabObjects = slab_objects();
    now.regions = live_regions();
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
        const Counters& counters = cpu_at(cpu).counters;
        now.ipcCalls += counters.messages_called;
        now.ipcSends += counters.messages_sent;
        now.ipcCross += counters.messages_crossed;
        now.switches += counters.switches;
    }
    return static_cast<long>(statistics.write(now));
}

long sysCpuStatistics(Thread&, KnCpuId cpu, UserOut<KnCpuStatistics> statistics) {
    if (cpu >= cpu_count()) return K_EINVAL;
    const Counters& counters = cpu_at(cpu).counters;
    KnCpuStatistics now{};
    now.ipcCalls = counters.messages_called;
    now.ipcSends = counters.messages_sent;
    now.ipcCross = counters.messages_crossed;
    now.switches = counters.switches;
    now.preemptions = counters.preemptions;
    now.migrations = counters.migrations;
    now.requests = counters.requests;
    now.timerInterrupts = counters.timer_interrupts;
    now.doorbells = counters.doorbells;
    now.deviceInterrupts = counters.device_interrupts;
    now.exceptions = counters.exceptions;
    now.halts = counters.halts;
    return static_cast<long>(statistics.write(now));
}

long actorStatistics(Thread& self, Cap capability, UserOut<KnActorStatistics> statistics) {
    const Result<Actor*> found = actor_of(self, capability);
    if (!found.ok()) return static_cast<long>(found.status());
    Actor& actor = *found.value();
    KnActorStatistics now{};
    actor.tables.with([&](Actor::Tables& tables) {
        now.threads = tables.live_threads;
        now.ports = tables.live_ports;
        now.sum = tables.past;
        for (const Thread* const thread : tables.known_threads()) {
            if (thread != nullptr) add_accounts(now.sum, *thread);
        }
    });
    now.regions = actor.space.regions();
    now.pages = actor.space.pages();
    now.pageLimit = actor.space.page_limit();
    now.credits = actor.credits.used();
    now.creditLimit = credit_limit();
    return static_cast<long>(statistics.write(now));
}

long threadStatistics(Thread& self, Cap capability, KnThreadLid lid, UserOut<KnThreadStatistics> statistics) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (actor.value() == self.actor && lid == K_MYSELF) lid = self.lid;
    if (lid <= 0 || lid >= static_cast<KnThreadLid>(Actor::thread_limit)) return K_EINVAL;
    KnThreadStatistics now{};
    const bool lives = actor.value()->tables.with([&](Actor::Tables& tables) {
        const Thread* const thread = tables.threads[static_cast<unsigned>(lid)];
        if (thread != nullptr) add_accounts(now, *thread);
        return thread != nullptr;
    });
    return lives ? static_cast<long>(statistics.write(now)) : K_EINVAL;
}

} // namespace chorale::calls
