#include "tests/machine/world.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/region.hpp"

#include <random>

namespace chorale::test {

namespace {

class Random final : public host::Chooser {
  public:
    explicit Random(u64 seed) : random_{seed} {}
    bool preempts(host::Boundary) override { return random_() % 8 == 0; }
    unsigned choose(unsigned count, host::Choice what) override {
        if (what != host::Choice::next_cpu && random_() % 4 != 0) return 0;
        return static_cast<unsigned>(random_() % count);
    }

  private:
    std::mt19937_64 random_;
};

struct Living {
    u64 actors, threads, ports, messages, regions;
    friend bool operator==(const Living&, const Living&) = default;
};

[[nodiscard]] Living living() {
    return {live_actors(), live_threads(), live_ports(), live_messages(), live_regions()};
}

[[nodiscard]] host::Lockstep& machine() {
    static host::Lockstep* const engine = [] {
        auto* const made = new host::Lockstep; // until the process ends
        host::boot({}, *made);
        return made;
    }();
    return *engine;
}

void run_once(const host::Program& scenario, host::Chooser& chooser) {
    host::Lockstep& engine = machine();
    engine.use(chooser);
    const Living before = living();
    ASSERT_EQ(host::run(scenario), host::Outcome::finished);
    engine.use(host::plain_chooser());
    EXPECT_EQ(living(), before) << "something was left behind";
}

} // namespace

void run_world(const host::Program& scenario) {
    run_once(scenario, host::plain_chooser());
    Random random{1};
    run_once(scenario, random);
}

} // namespace chorale::test
