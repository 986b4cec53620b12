/* include/mipc/chMsgRing.h: a ring of one word, both sides of which sleep when they can do nothing. Shown: the
 * words are plain and nobody races for them, and both come to their end: no bell is missed. A bell carries
 * nothing but itself, and one that rings for a sleep that has ended is kept. */

#define CPUS 2
#define PRODUCER 0
#define CONSUMER 1
#define FILLED 0
#define EMPTIED 1
#define ASLEEP(side) (2 + (side))
#define WORD 4
#define LOCATIONS 5
#define WORDS 3
#define DEPTH 8

#include "weak.pml"

bool bell[CPUS];
byte taken;

/* msgRingWake and the end of msgRingTell: `word` says what is new, then a look whether the other one sleeps. */
inline wake(word, new, other) {
#ifdef BUG_NEWS_RELEASE
  store_release(word, new);
#else
  store_seq_cst(word, new);
#endif
#ifdef BUG_LOOK_AT_SLEEPER_ACQUIRE
  load_acquire(ASLEEP(other), value);
#else
  load_seq_cst(ASLEEP(other), value);
#endif
  if
  :: value != 0 ->
     change_seq_cst(ASLEEP(other), weak_exchange, 0, value);
     if
     :: value != 0 -> bell[other] = true
     :: else
     fi
  :: else
  fi;
  value = 0
}

/* msgRingSleep */
inline rest(word, nothing_new) {
#ifdef BUG_LOOK_BEFORE_SLEEP
  load_seq_cst(word, value);
  store_seq_cst(ASLEEP(cpu), 1);
#else
#ifdef BUG_SLEEP_RELEASE
  store_release(ASLEEP(cpu), 1);
#else
  store_seq_cst(ASLEEP(cpu), 1);
#endif
#ifdef BUG_LAST_LOOK_ACQUIRE
  load_acquire(word, value);
#else
  load_seq_cst(word, value);
#endif
#endif
  if
  :: value == nothing_new -> d_step { bell[cpu]; bell[cpu] = false }
  :: else
  fi;
  store_relaxed(ASLEEP(cpu), 0);
  value = 0
}

active proctype producer() {
  byte cpu = PRODUCER, sent, seen, value;
  do
  :: sent < WORDS ->
     load_acquire(EMPTIED, seen); /* against a read of the word that comes late, which is not modelled */
     if
     :: seen == sent ->
        plain_store(WORD, sent + 1);
        sent++;
#ifdef BUG_FILLED_RELAXED
        store_relaxed(FILLED, sent);
#else
        store_release(FILLED, sent);
#endif
#ifdef BUG_NO_WAKE
        skip
#else
        wake(FILLED, sent, CONSUMER)
#endif
     :: else -> rest(EMPTIED, seen)
     fi;
     seen = 0
  :: else -> break
  od
}

active proctype consumer() {
  byte cpu = CONSUMER, seen, value;
  do
  :: taken < WORDS ->
#ifdef BUG_WORDS_RELAXED
     load_relaxed(FILLED, seen);
#else
     load_acquire(FILLED, seen);
#endif
     if
     :: seen != taken ->
        plain_load(WORD, value);
        taken++;
        assert(value == taken);
        wake(EMPTIED, taken, PRODUCER)
     :: else -> rest(FILLED, seen)
     fi;
     seen = 0
  :: else -> break
  od
}

active proctype at_rest() {
  timeout -> assert(taken == WORDS)
}
