/* kernel/mem/space.hpp and space_change.cpp: CPU 0 takes a page and its table out of a space (hide, flush_for(),
 * reap), while CPU 1 enters the space for the first time or is in it, its walker at work at any moment. Shown:
 * nothing is reached by a frame that was given back, and no walk goes through a table that was. The nucleus
 * flushes by a tour of all CPUs; here only those in `cpus` are asked, as TlbFlush promises. */

#define CPUS 3
#define WALKER 2 /* of CPU 1: its loads are ordered with that CPU's by the MMU's fence only */
#define LEAF 0  /* 1: hidden */
#define TABLE 1 /* the entry that leads to the leaf's table; 1: hidden */
#define SET 2   /* Space::cpus_ */
#define LOCATIONS 3
#define PARCELS 1

#include "weak.pml"

chan to_user = [1] of { bool };
chan to_owner = [1] of { bool };
bool reaped;

/* sfence.vma: what CPU 1 has stored and seen comes before what its walker loads from here on. */
inline mmu_fence() {
  d_step { c_code { weak_fence(1); weak_raise(weak.seen[2], weak.seen[1]); } }
}

/* The walker's load. */
inline walk_load(l, v) {
  atomic {
    me = WALKER; at = l;
    any_value();
    d_step { c_code { now.got = weak_load(now.me, now.at, now.pick, 0); }; v = got; weak_end() }
  }
}

inline enter_cpu() {
#ifdef BUG_ENTER_AFTER_FENCE
  mmu_fence();
#endif
#ifdef KEEP_ENTER_RELAXED
  change_relaxed(SET, weak_or, 2, value);
#else
  change_seq_cst(SET, weak_or, 2, value);
#endif
  value = 0;
#if !defined(BUG_NO_FENCE_ON_LOAD) && !defined(BUG_ENTER_AFTER_FENCE)
  mmu_fence() /* load_root() */
#endif
}

inline hide() {
  store_relaxed(LEAF, 1);
  store_relaxed(TABLE, 1)
}

inline flush_for() {
#ifndef BUG_FLUSH_WITHOUT_FENCE
  fence_seq_cst();
#endif
  load_relaxed(SET, value)
}

active proctype owner() {
  byte cpu = 0, value;
  bool back;
#ifdef BUG_SET_BEFORE_HIDING
  flush_for();
  hide();
#else
  hide();
  flush_for();
#endif
  if
  :: value & 2 ->
     atomic { wrap(0); to_user!true };
#ifndef BUG_REAP_BEFORE_ANSWER
     atomic { to_owner?back; unwrap(0) }
#endif
  :: else
  fi;
  reaped = true
}

/* The walker keeps what it has read of present entries, of both levels. */
inline walk() {
  if
  :: !table_known ->
     walk_load(TABLE, value);
     if
     :: value == 0 -> table_known = true
     :: else
     fi
  :: table_known && !leaf_known ->
     assert(!reaped); /* it reads the table */
     walk_load(LEAF, value);
     if
     :: value == 0 -> leaf_known = true
     :: else
     fi
  :: leaf_known -> assert(!reaped) /* and now the page */
  fi;
  value = 0
}

active proctype user() {
  byte cpu = 1, value;
  bool here, table_known, leaf_known;
  enter_cpu();
  do
  :: walk()
  :: to_user?here ->
     unwrap(0);
     leaf_known = false;
#ifndef BUG_LEAF_ONLY
     table_known = false; /* sfence.vma with an address keeps it */
#endif
#ifndef BUG_FLUSH_IS_NO_FENCE
     mmu_fence();
#endif
     atomic { wrap(0); to_owner!true };
     here = false
  od
}
