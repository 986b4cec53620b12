/* What the models say instead of loads and stores. A model defines CPUS and LOCATIONS and names its
 * locations and includes this. All values are 0 at first. In each proctype `cpu` is the CPU that runs it.
 *
 * Orders are named as in C++. With RVWMO defined, seq_cst operations order what is around them as well, as
 * the instructions do that clang makes for riscv64: a load has `fence rw,rw` before it, a read-modify-write
 * is one AMO.aqrl. Without it they promise what the C++ standard promises. */

#ifndef DEPTH
#define DEPTH 4
#endif
#ifndef PARCELS
#define PARCELS 1
#endif
c_decl {
enum { weak_cpus = CPUS, weak_locations = LOCATIONS, weak_depth = DEPTH, weak_parcels = PARCELS };
\#include "weak.h"
}
c_track "&weak" "sizeof(struct Weak)"

byte me, at, pick, got; /* scratch, 0 between two steps */
bool ipi[CPUS];

#define RELAXED 0
#define SEQ_CST 1

inline weak_end() { me = 0; at = 0; pick = 0; got = 0 }

inline any_value() {
  do
  :: c_expr { WEAK_MORE } -> pick++
  :: break
  od
}

inline load_relaxed(l, v) {
  atomic {
    me = cpu; at = l;
    any_value();
    d_step { c_code { now.got = weak_load(now.me, now.at, now.pick, 0); }; v = got; weak_end() }
  }
}

inline load_acquire(l, v) {
  atomic {
    me = cpu; at = l;
    any_value();
    d_step { c_code { now.got = weak_load(now.me, now.at, now.pick, 1); }; v = got; weak_end() }
  }
}

inline load_seq_cst(l, v) {
  atomic {
    me = cpu; at = l;
#ifdef RVWMO
    c_code { weak_fence(now.me); };
#else
    c_code { weak_raise_to_order(now.me, now.at); };
#endif
    any_value();
    d_step { c_code { now.got = weak_load(now.me, now.at, now.pick, 1); }; v = got; weak_end() }
  }
}

#define store_with(l, v, release, in_order) \
  d_step { \
    me = cpu; at = l; got = v; \
    c_code { weak_store(now.me, now.at, now.got, release, in_order); }; \
    weak_end() \
  }
#define store_relaxed(l, v) store_with(l, v, 0, 0)
#define store_release(l, v) store_with(l, v, 1, 0)
#define store_seq_cst(l, v) store_with(l, v, 1, 1)

inline fence_seq_cst() { d_step { me = cpu; c_code { weak_fence(now.me); }; weak_end() } }

/* before = the value; then the operation */
#define change_with(l, how, operand, acquire, release, in_order, before) \
  d_step { \
    me = cpu; at = l; got = operand; \
    c_code { now.got = weak_change(now.me, now.at, how, now.got, acquire, release, in_order); }; \
    before = got; weak_end() \
  }
#define change_relaxed(l, how, operand, before) change_with(l, how, operand, 0, 0, 0, before)
#define change_acquire(l, how, operand, before) change_with(l, how, operand, 1, 0, 0, before)
#define change_release(l, how, operand, before) change_with(l, how, operand, 0, 1, 0, before)
#define change_acq_rel(l, how, operand, before) change_with(l, how, operand, 1, 1, 0, before)
#ifdef RVWMO
#define change_seq_cst(l, how, operand, before) \
  atomic { fence_seq_cst(); change_with(l, how, operand, 1, 1, 1, before); fence_seq_cst() }
#else
#define change_seq_cst(l, how, operand, before) change_with(l, how, operand, 1, 1, 1, before)
#endif

/* Plain data: never touched while somebody else's write is unseen. */
inline plain_store(l, v) {
  d_step {
    me = cpu; at = l; got = v;
    c_code { if (!weak_current(now.me, now.at)) weak_fail("data race: a write over a write not seen"); };
    c_code { weak_store(now.me, now.at, now.got, 0, 0); };
    weak_end()
  }
}
inline plain_load(l, v) {
  d_step {
    me = cpu; at = l;
    c_code { if (!weak_current(now.me, now.at)) weak_fail("data race: a read beside a write not seen"); };
    c_code { now.got = weak_load(now.me, now.at, 0, 0); };
    v = got; weak_end()
  }
}

/* An inter-processor interrupt. ORDERED_BELL 0: the sender's stores may come after it. */
#ifndef ORDERED_BELL
#define ORDERED_BELL 1
#endif
inline send_ipi(to) {
  d_step {
    me = cpu; at = to;
    c_code { weak_ring(now.me, now.at, ORDERED_BELL); };
    ipi[to] = true; weak_end()
  }
}
inline take_ipi() { /* executable when there is one */
  d_step {
    ipi[cpu];
    me = cpu;
    c_code { weak_rung(now.me); };
    ipi[cpu] = false; weak_end()
  }
}

/* Requests through mailboxes that work (mailbox.pml and doorbell.pml show that they do): first in, first out
 * for each pair, with the sender's writes. UNORDERED_MAIL: without them. */
#ifdef UNORDERED_MAIL
#define MAIL_CARRIES 0
#else
#define MAIL_CARRIES 1
#endif
inline wrap(parcel) {
  d_step { me = cpu; at = parcel; c_code { weak_post(now.me, now.at, MAIL_CARRIES); }; weak_end() }
}
inline unwrap(parcel) {
  d_step { me = cpu; at = parcel; c_code { weak_receive(now.me, now.at); }; weak_end() }
}

