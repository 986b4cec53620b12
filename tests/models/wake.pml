/* A thread of CPU 0 calls a server on CPU 1 and waits, with a time limit: kernel/core/wait.cpp, schedule.cpp,
 * kernel/ipc/exchange.cpp, over the mailbox's own bell and slots. Shown: the thread is woken for each of its
 * calls once, by that call's reply or by the limit, and CPU 0 does not sleep on while it could run. */

#define CPUS 2
#ifndef CALLS
#define CALLS 2
#endif
#define RANG 0
#define POLLING 1
#define SLOT(i) (2 + (i))
#define LOCATIONS (2 + CALLS)
#define PARCELS CALLS

#include "weak.pml"

chan requests = [CALLS] of { byte };

#ifndef LIMIT
#define LIMIT true /* whether the calls have a time limit */
#endif

#define RUNNING 0
#define AWAITING 1

byte ended;      /* calls */
bool programmed; /* the timer's hardware, for one interrupt */
bool alarm;      /* its interrupt */
bool armed, due; /* the call's time limit */

active proctype server() {
  byte cpu = 1, number, value, before, sent;
  do
  :: requests?number ->
     unwrap(number);
     if
     :: LIMIT -> goto next /* it never answers */
     :: skip
     fi;
     store_release(SLOT(sent), number + 1);
     sent++;
     change_seq_cst(RANG, weak_or, 1, before);
     if
     :: before == 0 ->
        load_seq_cst(POLLING, value);
        if
        :: value == 0 -> send_ipi(0)
        :: else
        fi
     :: else
     fi;
next:
     number = 0; value = 0; before = 0
  od
}

active proctype timer() {
  do
  :: programmed -> d_step { programmed = false; alarm = true; due = armed }
  :: ended == CALLS -> break
  od
}

/* reply_arrives() */
inline reply(transaction_of_reply) {
  if
#ifdef BUG_TRANSACTION_NOT_COMPARED
  :: state == AWAITING ->
#else
  :: state == AWAITING && transaction_of_reply == transaction ->
#endif
     assert(transaction_of_reply == calls - 1); /* this call's, not an earlier one's */
     armed = false; due = false;
     transaction++;
     state = RUNNING;
     ended++
  :: else /* late: dropped */
  fi
}

inline on_timeout() {
  if
  :: due && state == AWAITING ->
     armed = false; due = false;
#ifndef BUG_TIMEOUT_NOT_COUNTED
     transaction++;
#endif
     state = RUNNING;
     ended++
  :: !due && armed -> programmed = true /* it came for an earlier call's limit */
  :: else
  fi
}

inline drain() {
  change_acquire(RANG, weak_exchange, 0, before);
  if
  :: before != 0 ->
     do
     :: taken < CALLS ->
        load_acquire(SLOT(taken), value);
        if
        :: value == 0 -> break
        :: else -> taken++; reply(value - 1)
        fi
     :: else -> break
     od
  :: else
  fi
}

inline interrupt() {
  if
  :: take_ipi(); pending = true
  :: alarm -> alarm = false; pending = true; rang_alarm = true
  fi
}

inline idle() {
  store_seq_cst(POLLING, 1);
  do
  :: load_relaxed(RANG, value);
     if
     :: value != 0 -> break
     :: ipi[0] || alarm -> interrupt(); break
     :: break
     fi
  od;
  skip; /* spin lets nothing jump into a step */
#ifdef BUG_LOOK_BEFORE_STOP
  load_seq_cst(RANG, value);
  store_seq_cst(POLLING, 0);
#else
  store_seq_cst(POLLING, 0);
  load_seq_cst(RANG, value);
#endif
  if
#ifdef BUG_PENDING_FORGOTTEN
  :: value == 0 -> interrupt() /* halted */
#else
  :: value == 0 && !pending -> interrupt() /* halted */
#endif
  :: else
  fi
}

active proctype client() {
  byte cpu = 0, calls, transaction, state, taken, value, before;
  bool pending, rang_alarm;
  do /* leave() */
  :: load_relaxed(RANG, value);
     if
     :: pending || value != 0 ->
        pending = false;
        if
        :: rang_alarm -> rang_alarm = false; on_timeout()
        :: else
        fi;
        load_relaxed(RANG, value);
        if
        :: value != 0 -> drain()
        :: else
        fi
     :: else ->
        if
        :: state == RUNNING && calls < CALLS -> /* in user mode; then ipcCall() */
           if
           :: ipi[0] || alarm -> interrupt()
           :: atomic { wrap(calls); requests!calls }; state = AWAITING; calls++; armed = LIMIT; programmed = LIMIT
           fi
        :: state == RUNNING && calls == CALLS -> break
        :: state == AWAITING -> idle()
        fi
     fi;
     value = 0; before = 0
  od
}

active proctype at_rest() {
  timeout -> assert(ended == CALLS)
}
