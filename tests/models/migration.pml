/* kernel/core/migration.cpp, remote.cpp, lifetime.cpp: a thread moves between CPUs, ends, and its memory becomes
 * another thread, while others ask its owner for something. Shown: an operation runs on the CPU that owns the
 * thread, never while it is under way, never on another thread than it was meant for; every question comes
 * home. Mailboxes are taken to work (mailbox.pml). */

#define CPUS 3
#define OWNER 0  /* Thread::cpu */
#define MOVING 1 /* flag_moving in Thread::state: plain, read only by whose the thread is or will be */
#define SERIAL 2
#define CONTENTS 3 /* all else of the thread: plain, its owner's */
#define LOCATIONS 4

#define PARCELS 5
#define THREAD 0 /* the thread's own Request, on its way to a new owner */
#define MEMORY 1 /* freed on one CPU, used again on another: through the slab's lock */
#define FIRST_QUESTION 2

#define UNDER_WAY 3
#define NOBODY 4

#include "weak.pml"

#define SERIAL_ASKED 0 /* the thread that all questions are about */

chan box[9] = [6] of { byte };
#define LANE(from, to) box[(from) * CPUS + (to)]

byte owner_now, incarnation; /* the truth */
byte kind[PARCELS], home[PARCELS], where_to[PARCELS];
bool answered[PARCELS];
byte asked, settled;

#define TOUCH 0
#define MOVE 1
#define END 2
#define REPLY 3 /* reply_arrives() */

inline post(parcel, to) { atomic { wrap(parcel); LANE(cpu, to)!parcel } }

inline depart(to) {
  if
  :: to == cpu
  :: else ->
     owner_now = UNDER_WAY;
#ifdef BUG_OWNER_BEFORE_MOVING
     store_release(OWNER, to);
     plain_store(MOVING, 1);
#else
     plain_store(MOVING, 1);
#ifdef BUG_OWNER_STORE_RELAXED
     store_relaxed(OWNER, to);
#else
     store_release(OWNER, to);
#endif
#endif
     post(THREAD, to)
  fi
}

inline arrive() {
  plain_store(CONTENTS, 0);
  plain_store(MOVING, 0);
  owner_now = cpu
}

inline end_thread() {
  owner_now = NOBODY;
  incarnation = 9;
#ifndef BUG_SERIAL_NOT_COUNTED
  change_relaxed(SERIAL, weak_add, 1, value);
#endif
  if
  :: to = 0
  :: to = 1
  :: to = 2
  fi;
  post(MEMORY, to)
}

inline create_thread() {
  plain_store(CONTENTS, 0);
#ifndef BUG_SERIAL_NOT_COUNTED
  change_relaxed(SERIAL, weak_add, 1, value);
#endif
  plain_store(MOVING, 0);
  store_release(OWNER, cpu);
  incarnation = 1;
  owner_now = cpu
}

inline operate(question) {
  assert(owner_now == cpu && incarnation == SERIAL_ASKED);
  plain_store(CONTENTS, 0);
  if
  :: kind[question] == MOVE -> depart(where_to[question])
  :: kind[question] == END -> end_thread()
  :: else
  fi
}

/* forward(): `mine` or posted on */
inline find_owner(question, mine) {
  mine = false;
#ifdef BUG_OWNER_LOAD_RELAXED
  load_relaxed(OWNER, to);
#else
  load_acquire(OWNER, to);
#endif
  if
  :: to == cpu ->
#ifdef BUG_MOVING_NOT_LOOKED_AT
     mine = true
#else
     plain_load(MOVING, value);
     mine = (value == 0)
#endif
  :: else
  fi
}

inline answer(question) {
  answered[question] = true;
  post(question, home[question])
}

/* at_owner(), reply_arrives(): a reply that is late is dropped, the thread asks no more */
inline at_owner(question) {
#ifdef BUG_OWNER_LOOKED_AT_FIRST
  find_owner(question, mine);
#endif
#ifndef BUG_SERIAL_NOT_LOOKED_AT
  load_relaxed(SERIAL, value);
#else
  value = SERIAL_ASKED;
#endif
  if
  :: value != SERIAL_ASKED -> answer(question)
  :: else ->
     find_owner(question, mine);
     if
     :: !mine -> post(question, to)
     :: else ->
        operate(question);
        answer(question)
     fi
  fi
}

/* A thread of this CPU asks; its Request goes to whom it takes for the owner, be it itself. */
inline ask(what, destination) {
  d_step {
    question = FIRST_QUESTION + asked;
    asked++;
    kind[question] = what; home[question] = cpu; where_to[question] = destination
  };
  load_acquire(OWNER, to);
  post(question, to)
}

/* What CPUs 1 and 2 ask for; CPU 0, the first owner, moves the thread to CPU 1. */
#ifndef SECOND
#define SECOND MOVE
#endif
#ifndef THIRD
#define THIRD TOUCH
#endif
#define QUESTIONS 3

inline one_request(parcel) {
  unwrap(parcel);
  if
  :: parcel == THREAD -> arrive()
  :: parcel == MEMORY -> create_thread()
  :: else ->
     if
     :: answered[parcel] -> settled++
     :: else -> at_owner(parcel)
     fi
  fi
}

inline program() {
  if
  :: cpu == 0 -> ask(MOVE, 1)
  :: cpu == 1 -> ask(SECOND, 2)
  :: cpu == 2 -> ask(THIRD, 0)
  fi
}

inline forget() { d_step { parcel = 0; value = 0; to = 0; question = 0; mine = false } }

active [CPUS] proctype nucleus() {
  byte cpu = _pid, parcel, value, to, question;
  bool mine, asking = true;
  do
  :: asking -> asking = false; program(); forget()
  :: LANE(0, cpu)?parcel -> one_request(parcel); forget()
  :: LANE(1, cpu)?parcel -> one_request(parcel); forget()
  :: LANE(2, cpu)?parcel -> one_request(parcel); forget()
  od
}

active proctype at_rest() {
  timeout -> assert(settled == QUESTIONS)
}
