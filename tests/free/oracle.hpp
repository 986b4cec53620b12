// The oracle of the grace periods: liburcu, in its QSBR flavour. The CPUs' threads are its readers.
//
// A CPU is quiescent when it goes to user mode, sleeps, or handles its mail between two entries
// (Mailbox::drain(), as leave() calls it). Whatever it has looked up it has let go then.
//
//   For every tour      each CPU has been quiescent, from beginning to end of a quiescent state, between the
//                       tour's beginning and its end: by a count that each CPU keeps.
//   For some of them    liburcu begins a grace period just before the tour: its thread has raised the counter
//                       of grace periods, and by liburcu's own rule no reader stands in the way any more when
//                       the tour ends. So the counts above and liburcu must agree.
//   The life of things  Shelves of objects are read in every lookup that the nucleus makes, and looked at
//                       again when the CPU becomes quiescent: one shelf's objects are taken down, poisoned
//                       and used again after a tour, the other's after synchronize_rcu(). And so are the
//                       nucleus's own: a port that was found keeps its name until then.
//   The other way       When a tour has been to the first CPU that it visits, those behind it need not have
//                       been quiescent: the oracle must be able to say no.
#pragma once

#include "arch/host/free_running.hpp"
#include "kernel/base/types.hpp"

namespace chorale::test {

struct Verdicts {
    u64 tours, sampled;                // judged; judged by liburcu too
    u64 early, early_sampled;          // CPUs that a tour had not visited yet and that had not been quiescent
    u64 wrong, wrong_sampled;          // CPUs that had not, though the tour was over
    u64 mail_in_entries;               // handled before the entry's work was done
    u64 disagreements;                 // counted as quiescent, and liburcu does not know of it
    u64 lookups;                       // in which both shelves were read
    u64 dead_by_tour, dead_by_liburcu; // objects that were poisoned while somebody held them
    u64 lost_names;                    // ports that were freed while somebody held them
    u64 periods;                       // grace periods of liburcu
};

// From here on, and before the machine boots: an observer for it.
[[nodiscard]] host::CpuObserver& consult_oracle();
// After a run: ends liburcu's thread.
[[nodiscard]] Verdicts dismiss_oracle();

} // namespace chorale::test
