/* kernel/ipc/port_migration.hpp and delivery.cpp: a port goes from one actor to another, MOVES times, and may be
 * deleted at the end, while messages are queued at its home (CPU 0) and a server of each actor on CPU 1 waits on
 * it by the slow way and by the quick one, with a stale pointer too. Both actors know it by the same number, as
 * may happen. Shown: no server takes a message of a port that is not its actor's, nobody waits on it who is of
 * another actor, and when all is quiet no message is queued. Waiting and waking on one actor's port: token.pml. */

#define HOME 0
#define CPUS 2

#define QUEUED 0
#define NUMBER 1 /* Port::li; NONE: it has none */
#define ACTOR 2  /* Port::actor, or NONE */
#define TABLE 3  /* whose table it is in; read and written under the lock of that */
#define LOCATIONS 4

#define TOKEN 0
#define VISIT 1
#define REQUEST(actor) (2 + (actor))
#define PARCELS 5

#include "weak.pml"

#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef MOVES
#define MOVES 1
#endif

chan box[4] = [4] of { byte };
#define LANE(from, to) box[(from) * CPUS + (to)]

/* Actors and their servers: 0, where the port begins, and 2. */
#define NONE 1
#define BUSY 0
#define PARKED 1
#define ASKING 2
#define GONE 3 /* it has seen that the port will not come to its actor any more */

byte state[3], expected[3] = NONE; /* Thread::fetch_actor */
bool brings[3];
byte queue, sent, received, refused;
byte owner; /* the truth; NONE: it is on its way, or deleted */
byte moves;
bool deleted;

#define OTHER(actor) (2 - (actor))
#define LAST (2 * (MOVES % 2))
#define FINISHED (moves == MOVES)

inline post(parcel, to) { atomic { wrap(parcel); LANE(cpu, to)!parcel } }
inline set_queued() { store_seq_cst(QUEUED, queue) }

inline enqueue() {
  queue++;
  set_queued();
  if
  :: touring -> again = true
  :: else -> touring = true; post(TOKEN, 1)
  fi
}

inline token_is_home() {
  touring = false;
  if
  :: again && queue > 0 -> again = false; touring = true; post(TOKEN, 1)
  :: else -> again = false
  fi
}

/* detach_port(), begin_port_deletion() */
inline take_number() {
  from = owner;
  owner = NONE;
  store_release(TABLE, NONE);
#ifndef BUG_NUMBER_TAKEN_LATE
  store_relaxed(NUMBER, NONE);
#ifndef BUG_ACTOR_KEPT
  store_relaxed(ACTOR, NONE);
#endif
#endif
#ifdef BUG_NO_TOUR
  visited()
#else
  post(VISIT, 1)
#endif
}

/* attach_port(); or the end. */
inline visited() {
#ifdef BUG_NUMBER_TAKEN_LATE
  store_relaxed(NUMBER, NONE);
  store_relaxed(ACTOR, NONE);
#endif
  if
  :: deleted -> refused = refused + queue; queue = 0; set_queued()
  :: else ->
     owner = OTHER(from);
#ifdef BUG_NUMBER_BEFORE_ACTOR
     store_release(NUMBER, 0);
     store_relaxed(ACTOR, owner);
#else
     store_relaxed(ACTOR, owner);
     store_release(NUMBER, 0);
#endif
     store_release(TABLE, owner);
     moves++
  fi;
  from = 0
}

inline fetch_at_home(actor) {
#ifdef BUG_ACTOR_NOT_COMPARED
  value = expected[actor];
#else
  load_relaxed(ACTOR, value);
#endif
  if
  :: queue > 0 && value == expected[actor] && value != NONE ->
     assert(owner == actor); /* a stranger's message */
     queue--; set_queued(); brings[actor] = true
  :: else
  fi;
  value = 0;
  post(REQUEST(actor), 1)
}

active proctype home() {
  byte cpu = HOME, value, parcel, from;
  bool touring, again;
  do
  :: sent < MESSAGES && !deleted -> sent++; enqueue()
  :: moves < MOVES && owner != NONE -> take_number()
#ifdef DELETION
  :: FINISHED && !deleted && owner != NONE -> deleted = true; take_number()
#endif
  :: LANE(1, HOME)?parcel ->
     unwrap(parcel);
     if
     :: parcel == TOKEN -> token_is_home()
     :: parcel == VISIT -> visited()
     :: else -> fetch_at_home(parcel - 2)
     fi;
     parcel = 0
  od
}

inline fetch(actor) {
  load_relaxed(ACTOR, value);
  expected[actor] = value;
  state[actor] = ASKING;
  post(REQUEST(actor), HOME);
  value = 0
}

/* own_port() by the table, take_now() */
inline receive(actor) {
  load_acquire(TABLE, value);
  if
  :: value == actor ->
     load_seq_cst(QUEUED, value);
     if
     :: value != 0 -> fetch(actor)
     :: else -> state[actor] = PARKED
     fi
  :: value != actor && FINISHED && (actor != LAST || deleted) -> state[actor] = GONE
  :: else /* it tries again */
  fi;
  value = 0
}

/* fast_reply_receive(), receive_again() */
inline receive_again(actor) {
  load_relaxed(NUMBER, value);
  if
  :: value != NONE ->
     load_relaxed(ACTOR, value);
     if
     :: value == actor ->
        load_relaxed(QUEUED, value);
        if
        :: value == 0 -> state[actor] = PARKED
        :: else -> receive(actor)
        fi
     :: else -> receive(actor)
     fi
  :: else -> receive(actor)
  fi;
  value = 0
}

inline token_visits() {
  load_relaxed(QUEUED, value);
  if
  :: value != 0 && state[0] == PARKED -> fetch(0)
  :: value != 0 && state[0] != PARKED && state[2] == PARKED -> fetch(2)
  :: else
  fi;
  value = 0;
  post(TOKEN, HOME)
}

inline evict(actor) {
  if
  :: state[actor] == PARKED -> state[actor] = BUSY
  :: else
  fi
}

inline request_is_back(actor) {
  if
  :: brings[actor] -> brings[actor] = false; received++
  :: else
  fi;
  expected[actor] = NONE;
  state[actor] = BUSY
}

active proctype servers() {
  byte cpu = 1, value, parcel;
  do
  :: state[0] == BUSY -> receive_again(0)
  :: state[2] == BUSY -> receive_again(2)
  :: LANE(HOME, 1)?parcel ->
     unwrap(parcel);
     if
     :: parcel == TOKEN -> token_visits()
     :: parcel == VISIT -> evict(0); evict(2); post(VISIT, HOME)
     :: else -> request_is_back(parcel - 2)
     fi;
     parcel = 0
  od
}

active proctype at_rest() {
  timeout ->
    assert(queue == 0 && received + refused == sent);
    assert((state[0] != PARKED || owner == 0) && (state[2] != PARKED || owner == 2)) /* a stranger waits */
}
