#include "c_os/file/record_lock.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/base/owned.hpp"
#include "c_os/base/sync.hpp"

#include <algorithm>
#include <atomic>

namespace chorale::c_os {

namespace {

constexpr unsigned records_of_owner = 1024; // the memory is everybody's

struct InRecordLocks;
struct InRecordWaits;

struct HeldRecord : ListNode<InRecordLocks> {
    explicit HeldRecord(const RecordLock& lock) : lock{lock} {}
    RecordLock lock;
};

// On the stack of who waits.
struct RecordWait : ListNode<InRecordWaits> {
    const FileTable *owner, *blocker;
};

// Few programs lock parts of files: one list for all of them, and who waits looks again at every release.
struct Records {
    Mutex mutex;
    Waiters waiting;
    List<HeldRecord, InRecordLocks> held;
    List<RecordWait, InRecordWaits> waits;
    // Relaxed: who has no lock finds none of its own, whatever others do meanwhile.
    std::atomic<u32> count{};

    [[nodiscard]] HeldRecord* conflict(const RecordLock& wanted) {
        for (HeldRecord* each = held.front(); each != nullptr; each = held.next(*each)) {
            const RecordLock& lock = each->lock;
            if (lock.owner == wanted.owner || lock.node != wanted.node) continue;
            if (lock.kind == RecordKind::read && wanted.kind == RecordKind::read) continue;
            if (lock.range.overlaps(wanted.range)) return each;
        }
        return nullptr;
    }
    void add(HeldRecord& record) {
        held.push_back(record);
        count.fetch_add(1, std::memory_order_relaxed); // as above
    }
    void drop(HeldRecord& record) {
        List<HeldRecord, InRecordLocks>::remove(record);
        delete &record;
        count.fetch_sub(1, std::memory_order_relaxed); // as above
    }
    // Whether `owner` waits, for whomever it is, at last for `other`.
    [[nodiscard]] bool waits_for(const FileTable* owner, const FileTable* other) {
        for (u32 steps = count.load(std::memory_order_relaxed); steps != 0; --steps) {
            const RecordWait* wait = waits.front();
            while (wait != nullptr && wait->owner != owner) wait = waits.next(*wait);
            if (wait == nullptr) return false;
            owner = wait->blocker;
            if (owner == other) return true;
        }
        return false;
    }
    // Whether its owner may have as many as there would be.
    [[nodiscard]] bool has_room(const RecordLock& wanted) {
        unsigned would_be = wanted.kind == RecordKind::none ? 0 : 1;
        for (const HeldRecord* each = held.front(); each != nullptr; each = held.next(*each)) {
            const RecordLock& lock = each->lock;
            if (lock.owner != wanted.owner) continue;
            const bool before = lock.range.first < wanted.range.first,
                       behind = wanted.range.end < lock.range.end;
            const bool changed = lock.node == wanted.node && lock.range.overlaps(wanted.range);
            would_be += changed ? unsigned{before} + unsigned{behind} : 1;
        }
        return would_be <= records_of_owner;
    }
    // What the owner has in the range goes; `rest` is for the part behind it of a lock that goes on there.
    void clear(const RecordLock& wanted, Owned<HeldRecord>& rest) {
        HeldRecord* next = nullptr;
        for (HeldRecord* each = held.front(); each != nullptr; each = next) {
            next = held.next(*each);
            RecordRange& has = each->lock.range;
            const RecordRange& gone = wanted.range;
            if (each->lock.owner != wanted.owner || each->lock.node != wanted.node || !has.overlaps(gone))
                continue;
            const bool before = has.first < gone.first, behind = gone.end < has.end;
            if (before && behind) {
                rest->lock = each->lock;
                rest->lock.range.first = gone.end;
                add(*rest.release());
            }
            if (before)
                has.end = gone.first;
            else if (behind)
                has.first = gone.end;
            else
                drop(*each);
        }
    }
};

constinit Records all;

[[nodiscard]] Done wait_for_turn(const RecordLock& wanted) {
    while (const HeldRecord* const blocking = all.conflict(wanted)) {
        RecordWait wait;
        wait.owner = wanted.owner;
        wait.blocker = blocking->lock.owner;
        if (all.waits_for(wait.blocker, wait.owner)) return failed(Error::edeadlk);
        all.waits.push_back(wait);
        const Woken woken = all.waiting.wait(all.mutex);
        List<RecordWait, InRecordWaits>::remove(wait);
        if (woken != Woken::yes) return failed(Error::eintr);
    }
    return {};
}

} // namespace

Done set_record_lock(const RecordLock& wanted, bool waits) {
    // Before anything is changed: nothing fails later.
    Owned<HeldRecord> own{new (std::nothrow) HeldRecord{wanted}}, rest{new (std::nothrow) HeldRecord{wanted}};
    if (!own || !rest) return failed(Error::enomem);
    const Lock lock{all.mutex};
    if (!all.has_room(wanted)) return failed(Error::enolck);
    if (wanted.kind != RecordKind::none && all.conflict(wanted) != nullptr) {
        if (!waits) return failed(Error::eagain);
        if (const Done done = wait_for_turn(wanted); !done) return done;
    }
    all.clear(wanted, rest);
    if (wanted.kind != RecordKind::none) all.add(*own.release());
    all.waiting.wake_all();
    return {};
}

std::optional<RecordLock> find_record_lock(const RecordLock& wanted) {
    const Lock lock{all.mutex};
    const HeldRecord* const blocking = all.conflict(wanted);
    if (blocking == nullptr) return std::nullopt;
    return blocking->lock;
}

void forget_record_locks(const FileTable& owner, const Node& node) {
    // Relaxed, as above.
    if (all.count.load(std::memory_order_relaxed) == 0) return;
    const Lock lock{all.mutex};
    Owned<HeldRecord> nothing;
    all.clear({&owner, 0, &node, {0, RecordRange::no_end}, RecordKind::none}, nothing);
    all.waiting.wake_all();
}

} // namespace chorale::c_os
