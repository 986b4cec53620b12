#include "c_os/file/poll.hpp"

namespace chorale::c_os {

void PollEntry::leave() {
    if (mutex_ == nullptr) return;
    const Lock lock{*mutex_};
    List<PollEntry, InPollList>::remove(*this);
}

void PollList::join(PollEntry& entry, Mutex& mutex) {
    entry.mutex_ = &mutex;
    entries_.push_back(entry);
}

void PollList::wake() {
    for (PollEntry* entry = entries_.front(); entry != nullptr; entry = entries_.next(*entry))
        semV(&entry->sleep_->woken);
}

Woken PollSleep::wait(Deadline deadline) {
    const int status = wait_for(woken, deadline);
    return status == K_OK ? Woken::yes : status == K_ETIMEOUT ? Woken::timeout : Woken::aborted;
}

} // namespace chorale::c_os
