// Where a scenario plays: actors that all go at its end, and programs that are waited for, though not for
// ever. Nothing here fails for good: whatever could not be made is left out.
#pragma once

#include "tests/machine/attempt.hpp"

#include <memory>

namespace chorale::test {

// Beside what create_actor() gives to each actor: room for the longest messages, twice.
inline constexpr VirtAddr room{0x80'0000};
inline constexpr uword room_size = 2 * K_CMSGSIZEMAX + 2 * page_size;
inline constexpr KnCap nobody{};

[[nodiscard]] inline bool there(const KnCap& actor) { return actor.ui.uiHead != 0; }

// Shared by the programs of a scenario, which may outlive it by a little.
class Stage : public std::enable_shared_from_this<Stage> {
  public:
    // One more actor, until the end; `nobody` when there is none. `wide`: with `room`.
    [[nodiscard]] host::Task<KnCap> actor(bool wide = false, u32 privilege = K_USERACTOR);

    // One that somebody else has made.
    void adopt(const KnCap& actor) { actors_.push_back(actor); }

    // A port of one of them; K_EUNKNOWN without the actor.
    [[nodiscard]] static host::Task<long> port(KnCap actor, KnUniqueId& name);

    // A program that the end of the scenario waits for; and one that it does not wait for. The thread's local
    // id, or an error.
    [[nodiscard]] host::Task<long> play(KnCap actor, host::Program program,
                                        host::ThreadSettings settings = {});
    [[nodiscard]] host::Task<long> serve(KnCap actor, host::Program program,
                                         host::ThreadSettings settings = {});

    // Waits for the players, so many milliseconds at most, and deletes the actors.
    [[nodiscard]] host::Task<void> end(unsigned patience = 80);

  private:
    [[nodiscard]] host::Task<void> until_the_end(host::Program program, u64 argument);

    std::vector<KnCap> actors_;
    unsigned playing_{};
};
using StagePointer = std::shared_ptr<Stage>;

// ---- for programs ----------------------------------------------------------------------------------------

// A capability in user memory; `nobody`: the null pointer.
class Named {
  public:
    [[nodiscard]] host::Task<void> set(KnCap actor);
    [[nodiscard]] u64 at() const { return given_ ? place_.at().raw() : 0; }

  private:
    host::Local<KnCap> place_;
    bool given_{};
};

[[nodiscard]] host::Task<long> make_port(KnCap actor, KnUniqueId& name);
[[nodiscard]] KnRgnDesc region_of(VirtAddr at, uword size, VmFlags options);
// The address, or an error.
[[nodiscard]] host::Task<long> allocate(KnCap actor, KnRgnDesc wanted);
[[nodiscard]] host::Task<long> release(KnCap actor, KnRgnDesc wanted);
[[nodiscard]] host::Task<long> on_region(host::Call call, KnCap actor, KnRgnDesc wanted);
[[nodiscard]] host::Task<long> on_range(host::Call call, KnCap actor, VirtAddr at, uword size,
                                        VmFlags flags = 0);
// rgnInitFromActor or rgnMapFromActor.
[[nodiscard]] host::Task<long> transfer(host::Call call, KnCap to, KnRgnDesc made, KnCap from,
                                        KnRgnDesc given);
[[nodiscard]] host::Task<long> rest(u64 nanoseconds);
[[nodiscard]] host::Task<long> on_thread(host::Call call, KnCap actor, long thread);
[[nodiscard]] host::Task<long> bind(KnCap actor, long thread, CpuIndex cpu);
// Until nobody knows the actor any more.
[[nodiscard]] host::Task<void> remove_actor(KnCap actor);

inline constexpr u64 microsecond = 1'000, millisecond = 1'000'000;

} // namespace chorale::test
