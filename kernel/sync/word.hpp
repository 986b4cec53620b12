// The words of an object in user memory, while its page is held and its bucket locked.
#pragma once

#include "kernel/mem/space.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/sync/wait_table.hpp"

#include <machine/mmu.hpp>

#include <atomic>

namespace chorale {

// Programs change the words at any time; each access is one atomic operation, sequentially consistent.
struct Words {
    u32* words;
    [[nodiscard]] std::atomic_ref<u32> operator[](unsigned index) const {
        return std::atomic_ref{words[index]};
    }
};

// The object's page is a segment's and has not come: as for a copy of the nucleus's, a call of this space's
// begins again when it has. ok: it has come meanwhile. Errors: fault.
[[nodiscard]] Status miss_object(const Space& space, VirtAddr at);

// `use(Words, u64 key, Bucket&)` on an object of `size` bytes at a multiple of its size, which does not cross
// a page. Errors: invalid (alignment), fault, also for want of memory. The locks: first the space, for the
// page to stay, then the bucket.
template <class Use>
[[nodiscard]] Status with_object(Space& space, VirtAddr at, uword size, Use&& use) {
    if ((at.raw() & (size - 1)) != 0)
        return space.visit(at, 1, Protection::write, [](auto*, auto) { return true; }) == Status::ok
                   ? Status::invalid
                   : Status::fault;
    for (;;) {
        Status status = space.visit(at, size, Protection::write, [&](std::byte* bytes, std::size_t) {
            const u64 key = machine::physical(bytes).raw();
            bucket_for(key).with(
                [&](Bucket& bucket) { use(Words{reinterpret_cast<u32*>(bytes)}, key, bucket); });
            return true;
        });
        if (status == Status::busy) [[unlikely]] {
            status = miss_object(space, at);
            if (status == Status::ok) continue;
        }
        return status == Status::no_memory ? Status::fault : status;
    }
}

} // namespace chorale
