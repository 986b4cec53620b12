// A supervisor actor of a scenario's own: its threads, and what they share with functions at interrupt level.
#pragma once

#include "arch/host/engine.hpp"
#include "arch/host/supervisor_actor.hpp"
#include "tests/machine/expect.hpp"
#include "tests/machine/stage.hpp"

#include <functional>

namespace chorale::test {

class Crew : public std::enable_shared_from_this<Crew> {
  public:
    // The actor, which is `nobody` if there is none. For the root thread, like the others.
    [[nodiscard]] host::Task<void> gather();
    [[nodiscard]] KnCap actor() const { return actor_; }

    // A thread that end() waits for; and one that it does not wait for. Its local id, or an error.
    [[nodiscard]] host::Task<long> play(host::Program program, CpuIndex cpu, unsigned priority = 100);
    [[nodiscard]] host::Task<long> serve(host::Program program, CpuIndex cpu, unsigned priority = 100);

    // Waits for the players. Then there is no actor any more, and nothing that was its.
    [[nodiscard]] host::Task<void> end();

  private:
    [[nodiscard]] host::Task<void> make_actor();
    [[nodiscard]] host::Task<void> start(host::Program program, CpuIndex cpu, unsigned priority,
                                         std::shared_ptr<long> thread);
    [[nodiscard]] host::Task<void> until_the_end(host::Program program, u64 argument);

    KnCap actor_{};
    unsigned playing_{};
};
using CrewPointer = std::shared_ptr<Crew>;

// ---- for programs in supervisor mode ---------------------------------------------------------------------

// A LAP of `owner`; `nobody`: of the caller's home.
[[nodiscard]] host::Task<long> make_lap(KnCap owner, u64 handler, u64 cookie, u32 options, KnLapDesc& lap);
[[nodiscard]] host::Task<void> remove_lap(KnLapDesc lap);

using Function = void (*)(u64, u64);
[[nodiscard]] inline u64 address_of(Function function) { return reinterpret_cast<u64>(function); }
template <class T>
[[nodiscard]] u64 word_of(const std::shared_ptr<T>& shared) {
    return reinterpret_cast<u64>(shared.get());
}

// ---- for all ---------------------------------------------------------------------------------------------

[[nodiscard]] KnTimeVal time_of(u64 nanoseconds);

// What must be so, unless calls are made to fail.
inline void check(bool holds, const char* what) {
    if (!holds && !failures_expected()) complain(what);
}

// Rests, or works, until it is so; not for ever.
inline constexpr u64 patience = 3 * millisecond;
[[nodiscard]] host::Task<bool> until(std::function<bool()> holds, u64 limit = patience);
[[nodiscard]] host::Task<bool> work_until(std::function<bool()> holds, u64 limit = patience);

// At interrupt level: lets the other CPUs go on until it is so; not for ever.
void watch_others(const std::function<bool()>& holds);

} // namespace chorale::test
