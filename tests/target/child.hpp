// Other actors. A Child is made from this one's own image: its globals have the values of the moment of
// creation.
#pragma once

#include "helper.hpp"

#include <actor/thread.hpp>
#include <chorus.h>

namespace chorale::test {

class Child {
  public:
    Child() = default;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { destroy(); }

    // An actor with the image in it, no thread. K_OK or an error.
    int create(const char* name, KnActorPrivilege privilege = K_USERACTOR);
    // An actor with a copy of that one's memory, no thread.
    int duplicate(const Child& original);
    // A thread of it that runs body(argument); its local id, or an error.
    int start(ThreadBody body, std::uintptr_t argument, unsigned priority = inherit_priority,
              KnCpuId cpu = 0);
    // The same on a stack of the caller's choice, which ends there.
    int start_on(VmAddr stack_end, ThreadBody body, std::uintptr_t argument,
                 unsigned priority = inherit_priority, KnCpuId cpu = 0);
    int destroy();
    [[nodiscard]] const KnCap& capability() const { return capability_; }
    // Until the nucleus says that there is no such actor.
    [[nodiscard]] bool gone(unsigned milliseconds = patience) const;

  private:
    KnCap capability_{};
    bool exists_{};
    unsigned threads_{};
};

// An actor with nothing in it.
struct EmptyActor {
    KnCap capability{};
    int error = actorCreate(K_MYACTOR, &capability, K_USERACTOR, K_ACTIVE);
    EmptyActor() = default;
    EmptyActor(const EmptyActor&) = delete;
    EmptyActor& operator=(const EmptyActor&) = delete;
    ~EmptyActor() { actorDelete(&capability); }
};

inline constexpr VmAddr child_stacks = 0x10000000;
inline constexpr VmSize child_stack_size = 16384;
inline constexpr VmSize child_stack_step = 65536; // the rest of each step is unmapped

} // namespace chorale::test
