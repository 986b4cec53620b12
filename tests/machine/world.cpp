#include "tests/machine/world.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/region.hpp"
#include "kernel/supervisor/system_stack.hpp"
#include "tests/machine/watch.hpp"

#include <cstdlib>
#include <sstream>

// Functions in supervisor mode give the nucleus addresses of their variables: those lie on their stack.
extern "C" {
const char* __asan_default_options();
const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }
}

namespace chorale::test {

namespace {

constexpr unsigned steps_per_look = 25;
constexpr u64 rest = 1'000'000; // nanoseconds

host::Settings wanted{.supervisor = true};

struct Living {
    u64 actors, threads, ports, messages, regions;
    friend bool operator==(const Living&, const Living&) = default;
    friend std::ostream& operator<<(std::ostream& to, const Living& living) {
        return to << living.actors << " actors, " << living.threads << " threads, " << living.ports
                  << " ports, " << living.messages << " messages, " << living.regions << " regions";
    }
};

// System stacks are kept for the next thread, in rows that are a region each.
[[nodiscard]] Living living() {
    const u64 regions = live_regions() - system_stack_regions();
    return {live_actors(), live_threads(), live_ports(), live_messages(), regions};
}

// What is still on its way when the scenario ends comes home before the sleep does.
[[nodiscard]] host::Task<void> and_rest(const host::Program& scenario, u64 argument) {
    co_await scenario(argument);
    for (int tries = 0; tries < 10 && co_await host::sleep(rest) != K_ETIMEOUT; ++tries) {
    }
}

template <class... Part>
void add(Findings& to, const Part&... parts) {
    std::ostringstream line;
    (line << ... << parts);
    to.push_back(line.str());
}

void report(const char* how, const Findings& findings) {
    for (const std::string& finding : findings) ADD_FAILURE() << how << ": " << finding;
}

} // namespace

void boot_with(const host::Settings& settings) { wanted = settings; }

host::Lockstep& machine() {
    static host::Lockstep* const engine = [] {
        if (const char* const cpus = std::getenv("CHORALE_CPUS"); cpus != nullptr)
            wanted.cpus = static_cast<unsigned>(std::strtoul(cpus, nullptr, 10));
        auto* const made = new host::Lockstep; // until the process ends
        host::boot(wanted, *made);
        return made;
    }();
    return *engine;
}

Findings run_once(const host::Program& scenario, host::Chooser& chooser, unsigned look_every) {
    host::Lockstep& engine = machine();
    const Living before = living();
    Watch watch{engine, chooser, look_every};
    const host::Outcome outcome = host::run([&](u64 argument) { return and_rest(scenario, argument); });
    Findings findings = watch.findings();
    if (outcome != host::Outcome::finished) {
        add(findings, "the scenario came to outcome ", static_cast<unsigned>(outcome));
        return findings;
    }
    if (const Living after = living(); after != before)
        add(findings, "something was left behind: ", before, " before, ", after, " after");
    for (const std::string& finding : check_invariants(Depth::quiet)) findings.push_back(finding);
    return findings;
}

void run_world(const host::Program& scenario) {
    report("plain", run_once(scenario, host::plain_chooser(), steps_per_look));
    Random random{1};
    report("random", run_once(scenario, random, steps_per_look));
}

} // namespace chorale::test
