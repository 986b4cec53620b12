/* The memory of the models against the shapes that everybody knows: what C++ allows must be found, what it
 * forbids must not. Each test is up to four programs and a bad outcome. */

#define CPUS 4
#define X 0
#define Y 1
#define LOCATIONS 2

#include "weak.pml"

byte a, b, c, d;
bool done[CPUS];

#if defined(STORE_BUFFERING_SEQ_CST) || defined(STORE_BUFFERING_RELEASE) || defined(STORE_BUFFERING_FENCES) || \
    defined(STORE_BUFFERING_CHANGE)
#define BAD (a == 0 && b == 0)
#if defined(STORE_BUFFERING_SEQ_CST)
#define ONE(mine, other, r) store_seq_cst(mine, 1); load_seq_cst(other, r)
#elif defined(STORE_BUFFERING_RELEASE)
#define ONE(mine, other, r) store_release(mine, 1); load_acquire(other, r)
#elif defined(STORE_BUFFERING_FENCES)
#define ONE(mine, other, r) store_relaxed(mine, 1); fence_seq_cst(); load_relaxed(other, r)
#else /* a read-modify-write that is seq_cst does not make the relaxed load after it so */
#define ONE(mine, other, r) change_seq_cst(mine, weak_or, 1, d); load_relaxed(other, r)
#endif
#define FIRST ONE(X, Y, a)
#ifdef STORE_BUFFERING_CHANGE
#define SECOND store_seq_cst(Y, 1); load_seq_cst(X, b)
#else
#define SECOND ONE(Y, X, b)
#endif
#define THIRD skip

#elif defined(MESSAGE_ACQUIRE) || defined(MESSAGE_RELAXED_STORE) || defined(MESSAGE_RELAXED_LOAD)
#define BAD (a == 1 && b == 0)
#ifdef MESSAGE_RELAXED_STORE
#define FIRST store_relaxed(X, 1); store_relaxed(Y, 1)
#else
#define FIRST store_relaxed(X, 1); store_release(Y, 1)
#endif
#ifdef MESSAGE_RELAXED_LOAD
#define SECOND load_relaxed(Y, a); load_relaxed(X, b)
#else
#define SECOND load_acquire(Y, a); load_relaxed(X, b)
#endif
#define THIRD skip

#elif defined(COHERENCE)
#define BAD (a == 2 && b == 1)
#define FIRST store_relaxed(X, 1); store_relaxed(X, 2)
#define SECOND load_relaxed(X, a); load_relaxed(X, b)
#define THIRD skip

#elif defined(RELEASE_SEQUENCE) || defined(RELEASE_SEQUENCE_BROKEN)
#define BAD (a == 3 && b == 0)
#define FIRST store_relaxed(X, 1); store_release(Y, 1)
#ifdef RELEASE_SEQUENCE_BROKEN /* by a store of another CPU */
#define SECOND load_relaxed(Y, c); if :: c == 1 -> store_relaxed(Y, 3) :: else fi
#else
#define SECOND load_relaxed(Y, c); if :: c == 1 -> change_relaxed(Y, weak_or, 2, d) :: else fi
#endif
#define THIRD load_acquire(Y, a); load_relaxed(X, b)

#elif defined(CAUSALITY) /* what was seen is passed on, acquire by acquire */
#define BAD (c == 1 && b == 1 && d == 0)
#define FIRST store_relaxed(X, 1)
#define SECOND load_relaxed(X, c); store_release(Y, 1)
#define THIRD load_acquire(Y, b); load_relaxed(X, d)

#elif defined(LOAD_BUFFERING) /* C++ and RVWMO allow it; this memory does not know it */
#define BAD (a == 1 && b == 1)
#define FIRST load_relaxed(X, a); store_relaxed(Y, 1)
#define SECOND load_relaxed(Y, b); store_relaxed(X, 1)
#define THIRD skip

#elif defined(INDEPENDENT_READS_SEQ_CST) || defined(INDEPENDENT_READS_ACQUIRE)
#define BAD (a == 1 && b == 0 && c == 1 && d == 0)
#ifdef INDEPENDENT_READS_SEQ_CST
#define FIRST store_seq_cst(X, 1)
#define SECOND store_seq_cst(Y, 1)
#define THIRD load_seq_cst(X, a); load_seq_cst(Y, b)
#define FOURTH load_seq_cst(Y, c); load_seq_cst(X, d)
#else
#define FIRST store_release(X, 1)
#define SECOND store_release(Y, 1)
#define THIRD load_acquire(X, a); load_acquire(Y, b)
#define FOURTH load_acquire(Y, c); load_acquire(X, d)
#endif

#elif defined(BELL_ORDERED) || defined(BELL_UNORDERED)
#define BAD (a == 1 && b == 0)
#define FIRST store_relaxed(X, 1); send_ipi(1)
#define SECOND take_ipi(); a = 1; load_relaxed(X, b)
#define THIRD skip
#endif

#ifndef FOURTH
#define FOURTH skip
#endif

active proctype first() { byte cpu = 0; FIRST; done[0] = true }
active proctype second() { byte cpu = 1; SECOND; done[1] = true }
active proctype third() { byte cpu = 2; THIRD; done[2] = true }
active proctype fourth() { byte cpu = 3; FOURTH; done[3] = true }
active proctype judge() { done[0] && done[1] && done[2] && done[3]; assert(!(BAD)) }
