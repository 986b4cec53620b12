// ipc.rt.scale.pairsN.w4: on each of the N CPUs a client of this actor calls a server of ipcserver, all at
// the same time. All carry the boundaries for the instruction counter.
#include "measures.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>
#include <actor/thread.hpp>
#include <chorus.h>
#include <chorus/message.hpp>

#include <atomic>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;
constexpr unsigned cpu_limit = 64;
constexpr unsigned patience = 60000; // milliseconds for the whole measurement

struct alignas(64) Client {
    KnUniqueId port;
    std::uint64_t* samples;
    unsigned rounds;
    long failure;
};

Client clients[cpu_limit];
// Release by the writer, acquire by the reader: main sees the samples of a client that has counted itself
// as done.
std::atomic<unsigned> ready, done;
std::atomic<bool> start;

void call_rounds(Client& client) {
    chorus::Words words{};
    for (unsigned i = 0; i < client.rounds + warm_up_rounds; ++i) {
        words.w[0] = i;
        words.w[3] = i;
        const bool recorded = i >= warm_up_rounds;
        const std::uint64_t begin = machine::counter();
        if (recorded) {
            boundary<Boundary::round_begin>();
        }
        const long result = chorus::call<4>(client.port, words);
        if (recorded) {
            boundary<Boundary::round_end>();
        }
        const std::uint64_t end = machine::counter();
        if (result != 32 || words.w[0] != i || words.w[3] != i) {
            client.failure = result < 0 ? result : K_EFAIL;
            return;
        }
        if (recorded) {
            client.samples[i - warm_up_rounds] = end - begin;
        }
    }
}

void client_thread(std::uintptr_t cpu) {
    ready.fetch_add(1);
    while (!start.load()) {
        sleep_milliseconds(1);
    }
    call_rounds(clients[cpu]);
    done.fetch_add(1);
}

bool wait_for(const std::atomic<unsigned>& counter, unsigned value) {
    for (unsigned waited = 0; counter.load() < value; ++waited) {
        if (waited == patience) {
            return false;
        }
        sleep_milliseconds(1);
    }
    return true;
}

// Null, or what could not be done.
const char* start_clients(const Context& context, const char* name, unsigned rounds) {
    KnRgnDesc region{0, context.cpus * stack_size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
    if (rgnAllocate(K_MYACTOR, &region) < 0) {
        return "no memory for stacks";
    }
    for (unsigned cpu = 0; cpu < context.cpus; ++cpu) {
        Client& client = clients[cpu];
        if (!find_service(context, name, "w4", cpu, client.port)) {
            return "no server";
        }
        client.samples = context.recorder.shared_samples() + cpu * rounds;
        client.rounds = rounds;
        void* stack = reinterpret_cast<void*>(region.startAddr + cpu * stack_size);
        if (start_thread({client_thread, cpu, stack, stack_size, inherit_priority, cpu}) < 0) {
            return "cannot start a client";
        }
    }
    return nullptr;
}

} // namespace

void measure_scale(const Context& context) {
    char name[40];
    format_text(name, sizeof(name), "ipc.rt.scale.pairs%u.w4", context.cpus);
    if (!context.wants("scale", name) || context.cpus > cpu_limit) {
        return;
    }
    unsigned rounds = context.rounds_or(usual_rounds);
    if (rounds > Recorder::capacity / context.cpus) {
        rounds = static_cast<unsigned>(Recorder::capacity / context.cpus);
    }
    if (const char* reason = start_clients(context, name, rounds); reason != nullptr) {
        report_failure(context, name, reason, 0);
        return;
    }
    Recorder& recorder = context.recorder;
    if (!wait_for(ready, context.cpus)) {
        report_failure(context, name, "not every client came up", ready.load());
        return;
    }
    recorder.begin(name);
    start.store(true);
    if (!wait_for(done, context.cpus)) {
        recorder.fail("not every client came to its end", done.load());
    }
    for (unsigned cpu = 0; cpu < context.cpus; ++cpu) {
        if (clients[cpu].failure != 0) {
            recorder.fail("round trip", clients[cpu].failure);
        }
    }
    recorder.add_shared(std::size_t{rounds} * context.cpus);
    recorder.finish();
}

} // namespace chorale::bench
