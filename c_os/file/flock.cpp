#include "c_os/file/flock.hpp"

#include "c_os/base/memory.hpp"

namespace chorale::c_os {

namespace {

struct InLocks;

struct HeldLock : ListNode<InLocks> {
    OpenFile* file;
    FlockKind kind;
};

// Few programs lock files: one list for all of them, and who waits looks again at every release.
struct Locks {
    Mutex mutex;
    Waiters waiting;
    List<HeldLock, InLocks> held;
    // Relaxed: a file that has no lock finds no lock of its own in the list, whatever others do meanwhile.
    std::atomic<u32> count{};

    [[nodiscard]] HeldLock* of(const OpenFile& file) {
        HeldLock* lock = held.front();
        while (lock != nullptr && lock->file != &file) lock = held.next(*lock);
        return lock;
    }
    [[nodiscard]] bool conflict(const OpenFile& file, FlockKind kind) {
        for (HeldLock* lock = held.front(); lock != nullptr; lock = held.next(*lock)) {
            if (lock->file == &file || &lock->file->node() != &file.node()) continue;
            if (kind == FlockKind::exclusive || lock->kind == FlockKind::exclusive) return true;
        }
        return false;
    }
    void drop(const OpenFile& file) {
        HeldLock* const lock = of(file);
        if (lock == nullptr) return;
        List<HeldLock, InLocks>::remove(*lock);
        delete lock;
        count.fetch_sub(1, std::memory_order_relaxed); // as above
        waiting.wake_all();
    }
};

constinit Locks all;

} // namespace

Done take_flock(OpenFile& file, FlockKind kind, bool blocks) {
    auto* const wanted = new (std::nothrow) HeldLock;
    if (wanted == nullptr) return failed(Error::enomem);
    wanted->file = &file;
    wanted->kind = kind;
    const Lock lock{all.mutex};
    all.drop(file);
    while (all.conflict(file, kind)) {
        const bool goes_on = blocks && all.waiting.wait(all.mutex) == Woken::yes;
        if (goes_on) continue;
        delete wanted;
        return failed(blocks ? Error::eintr : Error::eagain);
    }
    // Another thread may have locked the same open file meanwhile.
    all.drop(file);
    all.held.push_back(*wanted);
    all.count.fetch_add(1, std::memory_order_relaxed); // as above
    return {};
}

void release_flock(OpenFile& file) {
    const Lock lock{all.mutex};
    all.drop(file);
}

void forget_flock(OpenFile& file) {
    // Relaxed, as above.
    if (all.count.load(std::memory_order_relaxed) != 0) release_flock(file);
}

} // namespace chorale::c_os
