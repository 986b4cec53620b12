#include "tests/free/world.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/region.hpp"

#include <cstdlib>
#include <memory>
#include <ostream>

namespace chorale::test {

namespace {

constexpr unsigned noise = 12;           // one boundary in so many is a place to yield
constexpr unsigned patience_beyond = 60; // seconds, on top of what the load takes

std::unique_ptr<host::FreeRunning> engine;
host::CpuObserver* observer;

[[nodiscard]] u64 number_in(const char* variable, u64 otherwise) {
    const char* const text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

void start_machine() {
    if (engine != nullptr) return;
    engine = std::make_unique<host::FreeRunning>();
    engine->set_noise(noise);
    engine->set_patience(run_seconds() + patience_beyond);
    if (observer != nullptr) engine->observe(*observer);
    host::boot({.cpus = cpus, .console = false}, *engine);
}

} // namespace

std::ostream& operator<<(std::ostream& out, const Living& living) {
    return out << living.actors << " actors, " << living.threads << " threads, " << living.ports << " ports, "
               << living.messages << " messages, " << living.regions << " regions";
}

Living living() { return {live_actors(), live_threads(), live_ports(), live_messages(), live_regions()}; }

bool booted() { return engine != nullptr; }

void observe(host::CpuObserver& wanted) { observer = &wanted; }

void run_free(const host::Program& scenario) {
    start_machine();
    const Living before = living();
    ASSERT_EQ(host::run(scenario), host::Outcome::finished);
    EXPECT_EQ(living(), before) << "something was left behind";
}

void end_machine() { engine.reset(); }

unsigned run_seconds() { return static_cast<unsigned>(number_in("CHORALE_FREE_SECONDS", 2)); }

u64 run_seed() { return number_in("CHORALE_FREE_SEED", 1); }

} // namespace chorale::test
