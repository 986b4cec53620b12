// How a call waits for several files at once.
//
// A file has a PollList next to its mutex. poll() puts an entry into the list of each file, looks, and
// sleeps; who makes a file ready wakes the entries in its list, under the mutex. So nothing is lost between
// the look and the sleep. The entries leave the lists before the call returns, each under its file's mutex:
// whoever wakes one has the mutex, and the call cannot go away under its hands.
#pragma once

#include "c_os/base/sync.hpp"

namespace chorale::c_os {

class PollList;

// One call's sleep.
struct PollSleep {
    KnSem woken = K_KNSEM_INITIALIZER(0);
    // Until somebody wakes it, at the latest at the deadline.
    [[nodiscard]] Woken wait(Deadline deadline);
};

struct InPollList;

class PollEntry : public ListNode<InPollList> {
  public:
    void begin(PollSleep& sleep) { sleep_ = &sleep; }
    // From the list in which it is, if it is in one. Not under the mutex.
    void leave();

  private:
    friend class PollList;
    PollSleep* sleep_{};
    Mutex* mutex_{}; // the one of its list, once it is in one
};

// Invariant: changed under one mutex only, the one that join() and leave() know.
class PollList {
  public:
    void join(PollEntry& entry, Mutex& mutex);
    void wake();

  private:
    List<PollEntry, InPollList> entries_;
};

} // namespace chorale::c_os
