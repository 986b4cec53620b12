/* kernel/base/spin_lock.hpp: two CPUs and data that only the holder touches. */

#define CPUS 2
#define LOCKED 0
#define DATA 1
#define LOCATIONS 2

#include "weak.pml"

byte inside;

inline lock() {
  do
  ::
#ifdef BUG_LOCK_RELAXED
     change_relaxed(LOCKED, weak_exchange, 1, value);
#else
     change_acquire(LOCKED, weak_exchange, 1, value);
#endif
     if
     :: value == 0 -> break
     :: else ->
        do /* relaxed: a hint */
        :: load_relaxed(LOCKED, value);
           if
           :: value == 0 -> break
           :: else
           fi
        od
     fi
  od
}

inline unlock() {
#ifdef BUG_UNLOCK_RELAXED
  store_relaxed(LOCKED, 0)
#else
  store_release(LOCKED, 0)
#endif
}

active [CPUS] proctype nucleus() {
  byte cpu = _pid, value, rounds;
  do
  :: rounds < 2 ->
     lock();
     inside++;
     assert(inside == 1);
     plain_load(DATA, value);
     plain_store(DATA, value + 1);
     inside--;
     unlock();
     value = 0; rounds++
  :: else -> break
  od
}

active proctype at_rest() {
  timeout;
  c_code { if (weak_latest(DATA) != 4) weak_fail("an update was lost"); }
}
