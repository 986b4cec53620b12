/* lib/sync/word.hpp and kernel/sync/units.cpp: a mutex that programs take and give by themselves while nobody
 * waits, and through the nucleus, which has the object's bucket locked, when somebody does.
 *
 * The word, turned over so that it begins as free: 0 free, 1 taken; with WAITED only the nucleus changes it. */

#ifndef PROGRAMS
#define PROGRAMS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#define CPUS PROGRAMS
#define PARCELS PROGRAMS
#define WORD 0
#define LOCKED 1
#define DATA 2
#define LOCATIONS 3
#define WAITED 2

#include "weak.pml"

c_decl {
\#define WORD_IS_FREE (weak_latest(0) == 0)
\#define WORD_IS_TAKEN (weak_latest(0) == 1)
\#define BUCKET_IS_FREE (weak_latest(1) == 0)
}

byte inside, done;
byte first = PROGRAMS, second = PROGRAMS; /* the queue; the bucket's lock guards it */
bool given[PROGRAMS];

/* Compare and swap: when it succeeds it has seen the newest value. */
#define SWAP(EXPECTED, desired, acquire, release, success) \
  atomic { \
    if \
    :: c_expr { EXPECTED } -> \
       change_with(WORD, weak_exchange, desired, acquire, release, 0, value); success = true \
    :: else -> success = false \
    fi; \
    value = 0 \
  }

#ifdef BUG_TAKE_RELAXED
#define TAKE_ACQUIRES 0
#else
#define TAKE_ACQUIRES 1
#endif
#ifdef BUG_GIVE_RELAXED
#define GIVE_RELEASES 0
#else
#define GIVE_RELEASES 1
#endif

inline lock_bucket() {
  atomic {
    c_expr { BUCKET_IS_FREE };
    change_acquire(LOCKED, weak_exchange, 1, value);
    value = 0
  }
}
inline unlock_bucket() { store_release(LOCKED, 0) }

/* The nucleus keeps programs out and learns the units. */
inline keep_out() {
#ifdef BUG_LOOK_THEN_KEEP_OUT
  load_seq_cst(WORD, value);
  store_seq_cst(WORD, (value & 1) | WAITED);
#else
  change_seq_cst(WORD, weak_or, WAITED, value);
#endif
  value = 1 - (value & 1) /* units */
}

inline get() {
  SWAP(WORD_IS_FREE, 1, TAKE_ACQUIRES, 0, quick);
  if
  :: quick
  :: else ->
     lock_bucket();
     keep_out();
     if
     :: value != 0 ->
        store_seq_cst(WORD, (first < PROGRAMS -> WAITED : 0) | 1);
        unlock_bucket()
     :: else ->
        d_step {
          if
          :: first == PROGRAMS -> first = cpu
          :: else -> assert(second == PROGRAMS); second = cpu
          fi
        }
        unlock_bucket();
        d_step { given[cpu]; given[cpu] = false };
        unwrap(cpu)
     fi;
     value = 0
  fi
}

inline release() {
  SWAP(WORD_IS_TAKEN, 0, 0, GIVE_RELEASES, quick);
  if
  :: quick
  :: else ->
     lock_bucket();
     keep_out();
     if
     :: first == PROGRAMS -> store_seq_cst(WORD, 0); unlock_bucket()
     :: else ->
        d_step { next = first; first = second; second = PROGRAMS };
#ifdef BUG_LET_IN_WHILE_OTHERS_WAIT
        store_seq_cst(WORD, 1 - value);
#else
        if
        :: first == PROGRAMS -> store_seq_cst(WORD, 1 - value)
        :: else
        fi;
#endif
        unlock_bucket();
        wrap(next);
        given[next] = true;
        next = 0
     fi;
     value = 0
  fi
}

active [PROGRAMS] proctype program() {
  byte cpu = _pid, value, next, rounds;
  bool quick;
  do
  :: rounds < ROUNDS ->
     get();
     inside++;
     assert(inside == 1);
     plain_load(DATA, value);
     plain_store(DATA, value + 1);
     value = 0;
     inside--;
     release();
     quick = false;
     rounds++
  :: else -> break
  od;
  done++
}

active proctype at_rest() {
  timeout;
  assert(done == PROGRAMS);
  c_code { if (weak_latest(DATA) != PROGRAMS * ROUNDS) weak_fail("an update was lost"); }
}
