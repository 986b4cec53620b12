/* kernel/core/mailbox.cpp, the data: one lane from CPU 0 to CPU 1, its ring, the overflow list, and how a
 * sender that found the ring full learns that there is room again. Shown: every letter arrives, once, in
 * order, with its contents, and both CPUs come to rest only when all have arrived. */

#define CPUS 2
#define RANG(c) (c)
#define POLLING(c) (2 + (c))
#define STARVING 4 /* in the receiver's mailbox: the sender has letters that did not fit */
#define LETTER 5   /* the contents: the number of the last letter written */
#define SLOT(i) (6 + (i))
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef LETTERS
#define LETTERS 4
#endif
#define LOCATIONS (6 + SLOTS)

#include "weak.pml"

byte received;


inline ring(to) {
  change_seq_cst(RANG(to), weak_or, 1, before);
  if
  :: before == 0 ->
     load_seq_cst(POLLING(to), value);
     if
     :: value == 0 -> send_ipi(to)
     :: else
     fi
  :: else
  fi
}

inline push(fits) {
#ifdef KEEP_EMPTY_RELAXED
  load_relaxed(SLOT(pushed % SLOTS), value);
#else
  load_acquire(SLOT(pushed % SLOTS), value);
#endif
  if
  :: value != 0 -> fits = false
  :: else ->
#ifdef BUG_SLOT_STORE_RELAXED
     store_relaxed(SLOT(pushed % SLOTS), pushed + 1);
#else
     store_release(SLOT(pushed % SLOTS), pushed + 1);
#endif
     pushed++;
     fits = true
  fi
}

inline tell_that_it_is_full() {
#ifdef BUG_STARVING_AFTER_BELL
  ring(1);
  change_relaxed(STARVING, weak_or, 1, before)
#else
  change_relaxed(STARVING, weak_or, 1, before);
  ring(1)
#endif
}

inline post() {
  store_relaxed(LETTER, posted + 1);
  posted++;
  fits = false;
  if
  :: pushed == posted - 1 -> push(fits)
  :: else
  fi;
  if
  :: fits -> ring(1)
#if !defined(BUG_BELL_WHEN_FULL) && !defined(BUG_NO_BELL_BACK)
  :: !fits && pushed == posted - 1 -> tell_that_it_is_full()
#endif
  :: else
  fi
}

inline flush() {
  moved = false;
  do
  :: pushed < posted ->
     push(fits);
     if
     :: fits -> moved = true
     :: else -> break
     fi
  :: else -> break
  od;
  if
#if !defined(BUG_BELL_WHEN_FULL) && !defined(BUG_NO_BELL_BACK) && !defined(BUG_TOLD_ONCE)
  :: pushed < posted -> tell_that_it_is_full()
  :: pushed == posted && moved -> ring(1)
#else
  :: moved -> ring(1)
#endif
  :: else
  fi
}

active proctype sender() {
  byte cpu = 0, posted, pushed, value, before;
  bool fits, moved, pending;
  do
  :: /* in user mode, without a reason of its own to come in but the letters */
     if
     :: posted < LETTERS -> post()
     :: take_ipi(); pending = true
     fi;
     do /* leave() */
     :: load_relaxed(RANG(0), value);
        if
        :: !pending && value == 0 -> break
        :: else ->
           pending = false;
           if
           :: value != 0 -> change_acquire(RANG(0), weak_exchange, 0, before)
           :: else
           fi;
           if
           :: pushed < posted -> flush()
           :: else
           fi
        fi
     od
  od
}

inline take_letters() {
  taken = 0;
  do
  :: taken < SLOTS ->
#ifdef BUG_SLOT_LOAD_RELAXED
     load_relaxed(SLOT(received % SLOTS), value);
#else
     load_acquire(SLOT(received % SLOTS), value);
#endif
     if
     :: value == 0 -> break
     :: else ->
        d_step {
          assert(value == received + 1); /* in order, none lost or doubled */
          c_code { if (weak_oldest(1, LETTER) < Preceiver->value) weak_fail("a letter without contents"); }
        };
#ifdef KEEP_EMPTY_RELAXED
        store_relaxed(SLOT(received % SLOTS), 0);
#else
        store_release(SLOT(received % SLOTS), 0);
#endif
        received++; taken++
     fi
  :: else -> break
  od
}

inline drain() {
#ifdef BUG_EXCHANGE_RELAXED
  change_relaxed(RANG(1), weak_exchange, 0, before);
#else
  change_acquire(RANG(1), weak_exchange, 0, before);
#endif
  if
  :: before != 0 ->
#ifdef BUG_BELL_WHEN_FULL
     take_letters();
     if
     :: taken == SLOTS -> change_relaxed(RANG(1), weak_or, 1, before); ring(0)
     :: else
     fi
#else
     take_letters();
     load_relaxed(STARVING, starving);
     if
     :: starving ->
#ifdef BUG_BELL_BACK_BEFORE_CLEAR
        ring(0);
        change_relaxed(STARVING, weak_exchange, 0, before)
#else
        change_relaxed(STARVING, weak_exchange, 0, before);
        ring(0)
#endif
     :: else
     fi
#endif
  :: else
  fi
}

active proctype receiver() {
  byte cpu = 1, value, before, taken, starving;
  bool pending;
  do /* leave() */
  :: load_relaxed(RANG(1), value);
     if
     :: pending || value != 0 ->
        pending = false;
        load_relaxed(RANG(1), value);
        if
        :: value != 0 -> drain()
        :: else
        fi
     :: else -> take_ipi(); pending = true /* user mode; halting is in doorbell.pml */
     fi
  od
}

#ifdef LIVENESS
ltl all_arrive { <> (received == LETTERS) }
#else
active proctype at_rest() {
  timeout -> assert(received == LETTERS)
}
#endif

