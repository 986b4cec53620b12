// A Chooser that leaves every choice to another one and looks at the nucleus on the way: at each `every`-th
// step at which all CPUs are outside of it.
#pragma once

#include "arch/host/lockstep.hpp"
#include "tests/machine/invariants.hpp"

#include <bitset>

namespace chorale::test {

class Watch final : public host::Chooser {
  public:
    // 0: never. Listens to the engine, one at a time.
    Watch(host::Lockstep& engine, host::Chooser& chooser, unsigned every);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() override;

    bool preempts(host::Boundary where) override;
    unsigned choose(unsigned count, host::Choice what) override { return chooser_.choose(count, what); }

    // What the first look that found something found.
    [[nodiscard]] const Findings& findings() const { return findings_; }
    [[nodiscard]] u64 looks() const { return looks_; }

  private:
    static void note(const host::Event& event);
    void look();

    host::Lockstep& engine_;
    host::Chooser& chooser_;
    unsigned every_;
    unsigned steps_{};
    u64 looks_{};
    CpuIndex last_{};
    unsigned alone_{};
    std::bitset<max_cpus> inside_{}; // CPUs at work in the nucleus
    Findings findings_;
};

} // namespace chorale::test
