// latency.wake.cpusN: on each of the N CPUs a thread of the best priority sleeps for a short time again and
// again, above a load of everything that keeps the nucleus busy for long: calls and messages of 64 KiB to the
// same CPU and to the next, regions that come and go, copies, ports, threads and whole actors made and
// deleted, and text to the console.
//
// A sample is what passed too much between the deadline and the return to user mode, by the system clock. The
// instruction counter (tools/plugin/latency.c) counts from the timer interrupt instead, and how long
// interrupts were off anywhere in between.
#include "measures.hpp"
#include "services.hpp"

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
constexpr unsigned sleeper_priority = 1;
constexpr unsigned usual_events = 100'000; // on all CPUs together
constexpr long shortest_sleep = 20'000;    // nanoseconds
constexpr long longest_sleep = 84'000;
constexpr unsigned patience = 3'600'000; // milliseconds for the whole measurement
constexpr long page = 4096;
constexpr VmSize area_size = 16 * page;
constexpr VmSize copy_size = 64 * 1024;

struct alignas(64) Place {
    KnUniqueId here, next, bodies;
    std::uint64_t* samples;
    unsigned events, samples_kept;
    long failure;
    const char* failed_in;
};

Place places[cpu_limit];
// Release by the writer, acquire by the reader: main sees the samples of a sleeper that counted itself as
// done.
std::atomic<unsigned> sleepers_done, loads_done, turns;
std::atomic<bool> stop;

std::uint64_t nanoseconds() {
    KnTimeVal now;
    sysTime(&now);
    return static_cast<std::uint64_t>(now.tmSec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tmNSec);
}

// By chance (Knuth's multiplier, the upper bits), the same each time: sleeps with a period fall into step
// with the load, and meet few of its places.
long next_sleep(std::uint64_t& chance) {
    chance = chance * 6364136223846793005 + 1442695040888963407;
    return shortest_sleep + static_cast<long>((chance >> 33) % (longest_sleep - shortest_sleep));
}

void sleeper(std::uintptr_t cpu) {
    Place& place = places[cpu];
    std::uint64_t chance = cpu;
    for (unsigned i = 0; i < place.events; ++i) {
        const long sleep = next_sleep(chance);
        const KnTimeVal limit{0, sleep};
        boundary<Boundary::round_begin>();
        const std::uint64_t start = nanoseconds();
        const int result = threadDelay(&limit);
        boundary<Boundary::round_end>();
        const std::uint64_t passed = nanoseconds() - start;
        if (result != K_ETIMEOUT && result != K_OK) {
            place.failure = result;
            place.failed_in = "threadDelay";
            break;
        }
        if (i < place.samples_kept) {
            place.samples[i] = passed - static_cast<std::uint64_t>(sleep);
        }
    }
    sleepers_done.fetch_add(1);
}

// ---- the load ----------------------------------------------------------------------------------

struct Load {
    Place& place;
    char* memory; // two pieces of copy_size

    // False, and the load ends, when a call fails that should not.
    [[nodiscard]] bool good(long result, const char* what) const {
        if (result < 0 && place.failure == 0) {
            place.failure = result;
            place.failed_in = what;
        }
        return result >= 0;
    }

    [[nodiscard]] bool calls() const {
        chorus::Words words{};
        for (unsigned i = 0; i < 8; ++i) {
            if (!good(chorus::call<4>(place.here, words), "a call") ||
                !good(chorus::call<4>(place.next, words), "a call across CPUs")) {
                return false;
            }
        }
        KnIpcDest bodies{};
        bodies.target = place.bodies;
        const KnMsgDesc request{0, largest_body, reinterpret_cast<VmAddr>(memory), 0, 0};
        KnMsgDesc reply = request;
        return good(ipcCall(&request, K_DEFAULTPORT, &bodies, &reply, -1), "a call with a body");
    }

    [[nodiscard]] bool memory_calls() const {
        KnRgnDesc region{0, area_size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
        if (!good(rgnAllocate(K_MYACTOR, &region), "rgnAllocate")) {
            return false;
        }
        for (VmSize at = 0; at < area_size; at += page) {
            *reinterpret_cast<volatile char*>(region.startAddr + at) = 1;
        }
        const auto from = reinterpret_cast<VmAddr>(memory);
        region.options = 0;
        return good(vmCopy(K_MYACTOR, from, K_MYACTOR, from + copy_size, copy_size, 0), "vmCopy") &&
               good(rgnFree(K_MYACTOR, &region), "rgnFree");
    }

    [[nodiscard]] bool actors() const {
        KnCap actor;
        if (!good(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), "actorCreate")) {
            return false;
        }
        KnRgnDesc region{0, area_size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
        KnUniqueId port;
        KnThreadLid thread;
        const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, K_DEFAULT_STACK_SIZE, 0, page};
        return good(rgnAllocate(&actor, &region), "rgnAllocate elsewhere") &&
               good(portCreate(&actor, &port), "portCreate") &&
               good(threadCreate(&actor, &thread, K_INACTIVE, nullptr, &start), "threadCreate") &&
               good(actorDelete(&actor), "actorDelete");
    }

    [[nodiscard]] bool ports() const {
        KnUniqueId name;
        const int port = portCreate(K_MYACTOR, &name);
        return good(port, "portCreate") && good(portEnable(K_MYACTOR, port, 0), "portEnable") &&
               good(portDelete(K_MYACTOR, port), "portDelete");
    }
};

void load(std::uintptr_t cpu) {
    KnRgnDesc region{0, 2 * copy_size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
    Load load{places[cpu], nullptr};
    if (load.good(rgnAllocate(K_MYACTOR, &region), "rgnAllocate")) {
        load.memory = reinterpret_cast<char*>(region.startAddr);
        for (unsigned turn = 0; !stop.load(); ++turn) {
            if (!load.calls() || !load.memory_calls() || !load.actors() || !load.ports()) {
                break;
            }
            if (turn % 256 == cpu) {
                print("latency: the load on CPU %lu has made its %u. turn, which is a line of text\n", cpu,
                      turn);
            }
            turns.fetch_add(1);
        }
    }
    loads_done.fetch_add(1);
}

// ---- the measurement ---------------------------------------------------------------------------

// Null, or what could not be done.
const char* start_threads(const Context& context, const char* name, unsigned events) {
    KnRgnDesc region{0, 2 * context.cpus * stack_size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
    if (rgnAllocate(K_MYACTOR, &region) < 0) {
        return "no memory for stacks";
    }
    for (unsigned cpu = 0; cpu < context.cpus; ++cpu) {
        Place& place = places[cpu];
        if (!find_service(context, name, "w4", cpu, place.here) ||
            !find_service(context, name, "w4", (cpu + 1) % context.cpus, place.next) ||
            !find_service(context, name, "body", 0, place.bodies)) {
            return "no server";
        }
        const auto room = static_cast<unsigned>(Recorder::capacity / context.cpus);
        place.events = events;
        place.samples_kept = events < room ? events : room;
        place.samples = context.recorder.shared_samples() + cpu * place.samples_kept;
        char* stacks = reinterpret_cast<char*>(region.startAddr + 2 * cpu * stack_size);
        if (start_thread({load, cpu, stacks, stack_size, inherit_priority, cpu}) < 0 ||
            start_thread({sleeper, cpu, stacks + stack_size, stack_size, sleeper_priority, cpu}) < 0) {
            return "cannot start its threads";
        }
    }
    return nullptr;
}

bool wait_for(const std::atomic<unsigned>& counter, unsigned value) {
    for (unsigned waited = 0; counter.load() < value; waited += 10) {
        if (waited >= patience) {
            return false;
        }
        sleep_milliseconds(10);
    }
    return true;
}

} // namespace

// Not among "all": it is a run of its own.
void measure_latency(const Context& context) {
    char name[40];
    format_text(name, sizeof(name), "latency.wake.cpus%u", context.cpus);
    if ((!same_text(context.selection, "latency") && !same_text(context.selection, name)) ||
        context.cpus > cpu_limit) {
        return;
    }
    Recorder& recorder = context.recorder;
    const unsigned events = context.rounds_or(usual_events) / context.cpus;
    recorder.begin(name);
    boundary<Boundary::batch_begin>();
    if (const char* reason = start_threads(context, name, events); reason != nullptr) {
        recorder.fail(reason, 0);
    } else if (!wait_for(sleepers_done, context.cpus)) {
        recorder.fail("not every sleeper came to its end", sleepers_done.load());
    }
    boundary<Boundary::batch_end>();
    stop.store(true);
    if (!wait_for(loads_done, context.cpus)) {
        recorder.fail("not every load came to its end", loads_done.load());
    }
    for (unsigned cpu = 0; cpu < context.cpus; ++cpu) {
        if (places[cpu].failure != 0) {
            recorder.fail(places[cpu].failed_in, places[cpu].failure);
        }
    }
    recorder.add_shared(std::size_t{places[0].samples_kept} * context.cpus);
    recorder.finish();
    print("latency: the load made %u turns\n", turns.load());
}

} // namespace chorale::bench
