/* kernel/core/mailbox.cpp and idle() of schedule.cpp, the bell: CPUs 0 and 1 send to CPU 2, which polls, halts,
 * runs user code or is just coming in. Shown: it never halts or stays in user mode with a letter in a ring. */

#define CPUS 3
#define SENDERS 2
#define TARGET 2
#define LETTERS 2 /* of CPU 0; CPU 1 sends one; the rings are long enough */
#define RANG 0
#define POLLING 1
#define SLOT(from, i) (2 + (from) * LETTERS + (i))
#define LOCATIONS 5

#include "weak.pml"

byte taken[SENDERS];


inline ring() {
#ifdef BUG_BELL_RELAXED
  change_relaxed(RANG, weak_or, 1 << cpu, before);
#elif defined(BUG_BELL_ACQ_REL)
  change_acq_rel(RANG, weak_or, 1 << cpu, before);
#else
  change_seq_cst(RANG, weak_or, 1 << cpu, before);
#endif
#ifdef BUG_EVERY_BELL_BUT_THE_FIRST
  if
  :: before != 0 ->
#else
  if
  :: before == 0 ->
#endif
#ifdef BUG_POLLING_READ_RELAXED
     load_relaxed(POLLING, value);
#else
     load_seq_cst(POLLING, value);
#endif
     if
     :: value == 0 -> send_ipi(TARGET)
     :: else
     fi
  :: else
  fi
}

active [SENDERS] proctype sender() {
  byte cpu = _pid, sent, value, before;
  do
  :: sent < LETTERS - cpu ->
#ifdef BUG_BELL_BEFORE_SLOT
     ring();
     store_release(SLOT(cpu, sent), 1);
#else
     store_release(SLOT(cpu, sent), 1);
     ring();
#endif
     sent++
  :: else -> break
  od
}

inline take_letters(from) {
  do
  :: taken[from] < LETTERS - from ->
     load_acquire(SLOT(from, taken[from]), value);
     if
     :: value == 0 -> break
     :: else -> taken[from]++
     fi
  :: else -> break
  od
}

inline drain() {
#ifdef BUG_TAKE_BEFORE_CLEAR
  load_acquire(RANG, before);
#elif defined(BUG_EXCHANGE_RELAXED)
  change_relaxed(RANG, weak_exchange, 0, before);
#else
  change_acquire(RANG, weak_exchange, 0, before);
#endif
  if
  :: before & 1 -> take_letters(0)
  :: else
  fi;
  if
  :: before & 2 -> take_letters(1)
  :: else
  fi;
#ifdef BUG_TAKE_BEFORE_CLEAR
  skip; /* spin lets nothing jump into a step */
  change_acquire(RANG, weak_exchange, 0, before);
#endif
}

inline poll() {
  do
  :: load_relaxed(RANG, value);
     if
     :: value != 0 -> break
     :: ipi[TARGET] -> take_ipi(); pending = true; break /* the interrupt window */
     :: break                                            /* long enough */
     fi
  od
}

inline stop_polling(none) {
#ifdef BUG_LOOK_BEFORE_STOP
  load_seq_cst(RANG, value);
  store_seq_cst(POLLING, 0);
#else
#ifdef BUG_STOP_RELEASE
  store_release(POLLING, 0);
#else
  store_seq_cst(POLLING, 0);
#endif
#ifdef BUG_LOOK_ACQUIRE
  load_acquire(RANG, value);
#else
  load_seq_cst(RANG, value);
#endif
#endif
  none = (value == 0)
}

active proctype receiver() {
  byte cpu = TARGET, value, before;
  bool none, pending;
  do /* leave() */
  :: load_relaxed(RANG, value);
     if
     :: pending || value != 0 ->
        pending = false;
        load_relaxed(RANG, value);
        if
        :: value != 0 -> drain()
        :: else
        fi
     :: else ->
        if
        :: skip; take_ipi(); pending = true /* user mode */
        :: store_seq_cst(POLLING, 1);
           poll();
#ifdef BUG_HALT_WITHOUT_LOOK
           skip;
           store_seq_cst(POLLING, 0);
           none = true;
#else
           stop_polling(none);
#endif
           if
           :: none && !pending -> take_ipi(); pending = true /* halted */
           :: else
           fi
        fi
     fi
  od
}

active proctype at_rest() {
  timeout -> assert(taken[0] == LETTERS && taken[1] == LETTERS - 1)
}
