// The lockstep engine with a weak memory: every atomic operation of the nucleus is a boundary where another
// CPU may go on, a load may see an older value where the memory order lets it, and two plain accesses that
// nothing orders end the run.
#pragma once

#include "arch/host/lockstep.hpp"
#include "arch/host/weak/weak.hpp"

#include <array>

namespace chorale::sim {

inline constexpr u64 memory_bytes = u64{64} << 20;

class WeakChooser : public host::Chooser {
  public:
    [[nodiscard]] virtual unsigned older(unsigned count) = 0;
};

class WeakLockstep final : public host::Lockstep, private weak::Simulator {
  public:
    // From here on; until then memory is as the host's. Every CPU must be idle.
    void become_weak(WeakChooser& chooser, unsigned count);

    void enters_nucleus() override;
    void leaves_nucleus() override;
    void ring(CpuIndex target) override;

  protected:
    void goes_on(const host::Cpu* cpu) override;
    void delivers() override;

  private:
    void schedule_point(weak::Access access, const void* address) override;
    unsigned choose(unsigned count, weak::Choice kind) override;
    void race(const weak::Race& race) override;

    WeakChooser* chooser_{};
    std::array<bool, max_cpus> in_nucleus_{};
};

} // namespace chorale::sim
