/* kernel/ipc/delivery.cpp and fastpath/reply_receive.cpp: how a message queued at a port's home (CPU 0) meets a
 * server that waits elsewhere: `queued`, `cpus`, the token, fetching. Shown: when all is quiet no message is
 * queued while a server waits.
 *
 * REUSE: the port is deleted once and its memory becomes another port of the same actor and number, while a
 * server that is busy still has it in Thread::port and waits there again by the quick way.
 * ANY: the server waits for any enabled port, and CPU 2 enables this one. */

#define HOME 0
#ifdef ANY
#define CPUS 3
#define ENABLER 2
#define SERVERS 1
#else
#ifndef SERVERS
#define SERVERS 1
#endif
#define CPUS (1 + SERVERS)
#endif

#define QUEUED 0
#define SET 1 /* PortHot::cpus, or Actor::any_cpus */
#define DELETED 2 /* Port::li is no number that anybody asks for */
#define ENABLED 3
#define LOCATIONS 4

#define TOKEN 0
#define VISIT 1 /* the deleter's, or portEnable's, tour */
#define REQUEST(c) (1 + (c))
#define PARCELS (1 + CPUS)

#include "weak.pml"

#ifndef MESSAGES
#define MESSAGES 2
#endif

chan box[CPUS * CPUS] = [3] of { byte };
#define LANE(from, to) box[(from) * CPUS + (to)]

#define BUSY 0
#define PARKED 1
#define ASKING 2

byte state[CPUS]; /* of the server on that CPU */
bool brings[CPUS]; /* its request comes back with a message */
byte queue;       /* the true length, home only */
byte sent, received, lost;
bool deleting;
byte tour_left;

inline post(parcel, to) { atomic { wrap(parcel); LANE(cpu, to)!parcel } }

inline set_queued() {
#ifdef BUG_QUEUED_RELEASE
  store_release(QUEUED, queue)
#else
  store_seq_cst(QUEUED, queue)
#endif
}

inline send_token() {
  if
  :: tour_left & 2 -> post(TOKEN, 1)
#if SERVERS > 1
  :: (tour_left & 6) == 4 -> post(TOKEN, 2)
#endif
  :: else -> post(TOKEN, HOME)
  fi
}

inline start_tour() {
#ifdef ANY
#ifdef BUG_ENABLED_RELAXED
  load_relaxed(ENABLED, value);
#else
  load_seq_cst(ENABLED, value);
#endif
  any = (value != 0);
#endif
#ifdef BUG_SET_ACQUIRE
  load_acquire(SET, value);
#else
  load_seq_cst(SET, value);
#endif
#ifdef ANY
  if
  :: !any -> value = 0
  :: else
  fi;
#endif
  if
  :: value == 0
  :: value != 0 && touring ->
#ifndef BUG_NO_SECOND_TOUR
     again = true
#endif
  :: else -> touring = true; tour_left = value; send_token()
  fi;
  value = 0
}

inline enqueue() {
#ifdef BUG_TOKEN_BEFORE_QUEUED
  queue++;
  start_tour();
  set_queued()
#else
  queue++;
  set_queued();
  start_tour()
#endif
}

inline token_is_home() {
  touring = false;
  if
  :: again && queue > 0 -> again = false; start_tour()
  :: else -> again = false
  fi
}

inline fetch_at_home(c) {
  if
  :: queue > 0 -> queue--; set_queued(); brings[c] = true
  :: else
  fi;
  post(REQUEST(c), c)
}

/* The deleter runs at home. Its visit has been everywhere: nobody waits, the queue is empty, the token is home. */
inline create_again() {
  deleting = false;
  lost = lost + queue; /* refused */
  queue = 0;
#ifdef BUG_SET_CLEARED
  store_relaxed(SET, 0);
#endif
  store_relaxed(QUEUED, 0);
  store_release(DELETED, 0)
}

inline evict_at_home() {
  lost = lost + queue;
  queue = 0;
  set_queued();
  if
  :: touring -> post(VISIT, 1) /* round again */
  :: else -> create_again()
  fi
}

active proctype home() {
  byte cpu = HOME, value, parcel;
  bool touring, again, any;
#ifdef REUSE
  bool reuse = true;
#endif
  do
  :: sent < MESSAGES && !deleting -> sent++; enqueue()
#ifdef REUSE
  :: reuse && !deleting -> /* begin_port_deletion(), then the tour */
     reuse = false; deleting = true;
     store_relaxed(DELETED, 1);
     post(VISIT, 1)
#endif
  :: LANE(1, HOME)?parcel ->
     unwrap(parcel);
     if
     :: parcel == TOKEN -> token_is_home()
     :: parcel == VISIT -> evict_at_home()
     :: else -> fetch_at_home(1)
     fi;
     parcel = 0; value = 0
#if CPUS > 2
  :: LANE(2, HOME)?parcel ->
     unwrap(parcel);
     if
     :: parcel == TOKEN -> token_is_home()
     :: parcel == VISIT -> /* announce() */
        if
        :: queue > 0 -> start_tour()
        :: else
        fi
     :: else -> fetch_at_home(2)
     fi;
     parcel = 0; value = 0
#endif
  :: LANE(HOME, HOME)?parcel -> unwrap(parcel); token_is_home()
  od
}

inline fetch() { state[cpu] = ASKING; post(REQUEST(cpu), HOME) }

inline park() { known = true; state[cpu] = PARKED }

/* take_now() and enlist(): until parked or fetching. */
inline receive() {
  do
  ::
#ifdef ANY
     load_relaxed(QUEUED, value); /* best_enabled_port(); whether enabled is looked at below */
     if
     :: value != 0 -> load_relaxed(ENABLED, value)
     :: else
     fi;
#elif defined(BUG_LOOK_ACQUIRE)
     load_acquire(QUEUED, value);
#else
     load_seq_cst(QUEUED, value);
#endif
     if
     :: value != 0 -> fetch(); break
     :: else ->
#ifdef BUG_PARK_WITHOUT_SECOND_LOOK
        change_seq_cst(SET, weak_or, 1 << cpu, value); park(); break
#else
        load_relaxed(SET, value);
        if
        :: value & (1 << cpu) -> park(); break
        :: else ->
#ifdef BUG_ENLIST_ACQ_REL
           change_acq_rel(SET, weak_or, 1 << cpu, value)
#else
           change_seq_cst(SET, weak_or, 1 << cpu, value)
#endif
#ifdef FENCE
           ; fence_seq_cst()
#endif
        fi
#endif
     fi
  od
}

/* fast_reply_receive(), receive_again(): its CPU is known to the port's memory. */
inline receive_again() {
  load_relaxed(QUEUED, value);
  if
  :: value != 0 -> receive()
  :: else -> park()
  fi
}

inline token_visits() {
  load_relaxed(QUEUED, value);
#ifdef ANY
  if
  :: value != 0 -> load_relaxed(ENABLED, value)
  :: else
  fi;
#endif
  if
  :: value != 0 && state[cpu] == PARKED -> fetch()
  :: else
  fi;
  d_step { tour_left = tour_left & ~(1 << cpu); value = 0 };
  send_token()
}

inline request_is_back() {
  if
  :: brings[cpu] -> brings[cpu] = false; received++
  :: else
  fi;
  state[cpu] = BUSY
}

active [SERVERS] proctype server() {
  byte cpu = _pid, value, parcel; /* home() is process 0 */
  bool known;
  do
  :: state[cpu] == BUSY ->
#ifdef REUSE
     load_relaxed(DELETED, value);
     if
     :: value != 0 -> skip /* not found: it tries again */
     :: value == 0 && known -> receive_again()
     :: else -> receive()
     fi;
#else
     if
     :: known -> receive_again()
     :: receive()
     fi;
#endif
     value = 0
  :: LANE(HOME, cpu)?parcel ->
     unwrap(parcel);
     if
     :: parcel == TOKEN -> token_visits()
     :: parcel == VISIT -> /* evict() */
        if
        :: state[cpu] == PARKED -> state[cpu] = BUSY
        :: else
        fi;
        post(VISIT, HOME)
     :: else -> request_is_back()
     fi;
     parcel = 0; value = 0
#if SERVERS > 1
  :: cpu == 2 && nempty(LANE(1, 2)) -> LANE(1, 2)?parcel; unwrap(parcel); token_visits(); parcel = 0; value = 0
#endif
  od
}

#ifdef ANY
active proctype enabler() {
  byte cpu = ENABLER, value;
  store_seq_cst(ENABLED, 1);
  load_seq_cst(QUEUED, value);
  if
  :: value != 0 -> post(VISIT, HOME)
  :: else
  fi
}
#endif

active proctype at_rest() {
  timeout -> assert(queue == 0 && received + lost == MESSAGES)
}
