// Locks and waits of C_OS, made of the nucleus's mutexes and semaphores.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"

#include <sync/chMutex.h>
#include <sync/chSem.h>

namespace chorale::c_os {

class Mutex {
  public:
    void lock() { mutexGet(&mutex_); }
    void unlock() { mutexRel(&mutex_); }

  private:
    KnMutex mutex_ = K_KNMUTEX_INITIALIZER;
};

class [[nodiscard]] Lock {
  public:
    explicit Lock(Mutex& mutex) : mutex_{mutex} { mutex.lock(); }
    ~Lock() { mutex_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    Mutex& mutex_;
};

// When a wait ends at the latest, in nanoseconds since the boot (now()).
struct Deadline {
    static constexpr u64 never = ~u64{0};
    u64 time{never};
};
[[nodiscard]] u64 now();
// What is left until then, for a call of the nucleus that waits; `left` has room for it.
[[nodiscard]] const KnTimeVal* time_left(Deadline deadline, KnTimeVal& left);
// semP() up to then.
[[nodiscard]] int wait_for(KnSem& semaphore, Deadline deadline);

enum class Woken : u8 {
    yes,
    timeout,
    aborted, // somebody ends the process, or sends the thread a signal: the call is to return eintr
};

// Threads that wait for something that a Mutex guards. Invariant: `waiting_` is changed under that mutex
// only.
class Waiters {
  public:
    // Unlocks the mutex while it waits. Who is woken looks again at what it has waited for.
    [[nodiscard]] Woken wait(Mutex& mutex, Deadline deadline = {});
    void wake_all();
    void wake_one();
    [[nodiscard]] bool empty() const { return waiting_.empty(); }

  private:
    struct InWaiters;
    struct Waiter : ListNode<InWaiters> {
        KnSem woken = K_KNSEM_INITIALIZER(0);
    };
    List<Waiter, InWaiters> waiting_;
};

} // namespace chorale::c_os
