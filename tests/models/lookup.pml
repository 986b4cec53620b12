/* kernel/ipc/port.cpp, own_port() of kernel/call/message_calls.cpp and the fast path: a port is found by its name
 * (CPU 1) or is still in Thread::port (CPU 2), while CPU 0 deletes it and makes another of the same memory, with
 * another name and another home, the same number, in another actor. Shown: who takes it for a port sees that
 * port's home and name, not those of its predecessor, and a server of the first port's actor never parks on the
 * second. */

#define CPUS 3
#define TABLE 0 /* the bucket: 1 when it holds the port; found there, the port is read through the pointer */
#define NAME 1  /* Port::ui: 1, then 2 */
#define LIVE 2  /* Port::life: of the first port, of the second; or 0 */
#define NUMBER 3 /* Port::li: 1, or 0 when it is none that anybody asks for */
#define PLACE 4  /* Port::home: as the name */
#define OWNER 5  /* Port::actor: as the name, or 0 */
#define LOCATIONS 6
#define PARCELS 1

#include "weak.pml"

chan visit[CPUS] = [1] of { bool };

inline create(name) {
  store_relaxed(OWNER, name);
  store_relaxed(PLACE, name);
  store_relaxed(NAME, name);
#ifdef BUG_TABLE_RELAXED
  store_relaxed(TABLE, 1);
#else
  store_release(TABLE, 1);
#endif
#ifdef KEEP_LIFE_RELAXED
  store_relaxed(LIVE, name);
#else
  store_release(LIVE, name);
#endif
#ifdef BUG_NUMBER_RELAXED
  store_relaxed(NUMBER, 1)
#else
  store_release(NUMBER, 1)
#endif
}

active proctype maker() {
  byte cpu = 0;
  bool back;
  create(1);
  store_relaxed(TABLE, 0);
  store_relaxed(NUMBER, 0);
#ifndef BUG_ACTOR_KEPT
  store_relaxed(OWNER, 0);
#endif
  store_relaxed(LIVE, 0);
#ifndef BUG_NO_TOUR
  atomic { wrap(0); visit[1]!true };
  atomic { visit[0]?back; unwrap(0) };
#endif
  store_relaxed(NAME, 0); /* free_port() */
  create(2)
}

inline visited() { unwrap(0); atomic { wrap(0); visit[(cpu + 1) % CPUS]!true } }

inline is_live() {
#ifdef KEEP_LIFE_RELAXED
  load_relaxed(LIVE, value)
#else
  load_acquire(LIVE, value)
#endif
}

/* still_lives(), for a message that was sent to the first port, or a server that comes to fetch one, on the CPU that
 * was its home. */
inline accept_first() {
#ifdef BUG_LIVE_NOT_LOOKED_AT
  value = 1;
#else
  is_live();
#endif
  if
  :: value == 1 ->
     assert(!evicted)
  :: else
  fi
}

/* find_port(), and the home of the first port */
active proctype finder() {
  byte cpu = 1, name, value, place;
  bool here, evicted;
  do
  :: visit[1]?here -> visited(); here = false; evicted = true
  :: accept_first(); value = 0
  ::
     if
     :: name = 1
     :: name = 2
     fi;
     load_acquire(TABLE, value); /* relaxed in the nucleus: what follows depends on the address */
     if
     :: value == 1 ->
        load_relaxed(NAME, value);
        if
        :: value == name ->
           is_live();
           if
           :: value != 0 ->
              load_relaxed(PLACE, place);
              assert(place == name)
           :: else
           fi
        :: else
        fi
     :: else
     fi;
     d_step { name = 0; value = 0; place = 0 }
  od
}

/* own_port(), then fetch(); or the fast path */
active proctype owner() {
  byte cpu = 2, value, place;
  bool here, evicted;
  do
  :: visit[2]?here -> visited(); here = false; evicted = true
  :: /* fast_reply_receive() */
     load_relaxed(NUMBER, value);
     if
     :: value == 1 ->
        load_relaxed(OWNER, place);
        assert(!(evicted && place == 1))
     :: else
     fi;
     d_step { value = 0; place = 0 }
  ::
#ifdef BUG_NUMBER_RELAXED
     load_relaxed(NUMBER, value);
#else
     load_acquire(NUMBER, value);
#endif
     if
     :: value == 1 ->
        load_relaxed(PLACE, place);
        load_relaxed(NAME, value);
        /* A name that was cleared meanwhile matches nothing. */
        assert(value == 0 || place == value)
     :: else
     fi;
     d_step { value = 0; place = 0 }
  od
}
