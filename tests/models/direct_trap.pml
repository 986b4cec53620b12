/* kernel/lap/direct_trap.hpp: a thread (CPU 1) takes the quick way to the LAP of its system calls, for which it is
 * prepared, while the LAP is deleted (CPU 0) and others disconnect it and connect it again (CPU 2). Shown: nobody is in
 * the handler, or in a quick function of the LAP's, when the deletion has come to its end. The letters are those of the
 * protocol. */

#define CPUS 3
#define FRAME 0     /* Invocations::frames: 1 when the direct call's frame is linked */
#define CONNECTED 1 /* chorale_direct_trap: 1 is the LAP's key, 0 nobody's */
#define KEY 2       /* Lap::key: 0 while it lives, 1 when it does not */
#define LOCATIONS 3
#define TOUR 0
#define PLACES 1 /* the lock under which LAPs die and are connected */
#define PARCELS 2

#include "weak.pml"

chan visit[CPUS] = [1] of { bool };
bool held, inside, gone;

inline lock() { atomic { !held -> held = true; unwrap(PLACES) } }
inline unlock() { atomic { wrap(PLACES); held = false } }

/* D, at a CPU that lets interrupts in */
inline visited() { unwrap(TOUR); atomic { wrap(TOUR); visit[(cpu + 1) % CPUS]!true } }

active proctype deleter() {
  byte cpu = 0, value;
  bool back;
#ifdef BUG_SEARCH_BEFORE_TOUR
  load_relaxed(FRAME, value);
  value == 0;
#endif
  lock();
#ifndef BUG_CONNECTED_KEPT
  store_relaxed(CONNECTED, 0); /* C */
#endif
  store_release(KEY, 1);
  unlock();
#ifndef BUG_NO_TOUR
  atomic { wrap(TOUR); visit[1]!true };
  atomic { visit[0]?back; unwrap(TOUR) }; /* D */
#endif
#ifndef BUG_SEARCH_BEFORE_TOUR
  do
  :: load_relaxed(FRAME, value); /* E and F */
     if
     :: value == 0 -> break
     :: else -> value = 0
     fi
  od;
#endif
  gone = true;
  assert(!inside)
}

/* Interrupts come in at the top of the loops only: so A and B may even change places. With INTERRUPTS they come in
 * between the two as well, as where LAPs are invoked: then they may not. */
inline interrupts() {
#ifdef INTERRUPTS
  do
  :: visit[1]?here -> visited(); here = false
  :: break
  od;
#endif
  skip
}

active proctype caller() {
  byte cpu = 1, value;
  bool here;
  do
  :: visit[1]?here -> visited(); here = false
  ::
#ifdef COMPARE_FIRST
     load_relaxed(CONNECTED, value);
     interrupts();
     store_relaxed(FRAME, 1);
#else
     store_relaxed(FRAME, 1);        /* A */
     interrupts();
     load_relaxed(CONNECTED, value); /* B */
#endif
     if
     :: value == 1 ->
        inside = true;
        assert(!gone);
        if
        :: do /* the handler */
           :: visit[1]?here -> visited(); here = false
           :: break
           od
        :: true /* a quick function */
#ifdef BUG_QUICK_INTERRUPTED
           ; store_relaxed(FRAME, 0);
           if
           :: visit[1]?here -> visited(); here = false
           :: true
           fi
#endif
        fi;
        inside = false
     :: else
     fi;
     store_relaxed(FRAME, 0);
     value = 0
  od
}

active proctype connector() {
  byte cpu = 2, value;
  bool here;
  do
  :: visit[2]?here -> visited(); here = false
  :: lock(); store_relaxed(CONNECTED, 0); unlock()
  ::
#ifdef BUG_LOOK_BEFORE_LOCK
     load_relaxed(KEY, value);
     lock();
#else
     lock();
     load_relaxed(KEY, value);
#endif
     if
     :: value == 0 -> store_relaxed(CONNECTED, 1)
     :: else
     fi;
     unlock();
     value = 0
  od
}
