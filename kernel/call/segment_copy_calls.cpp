// sgRead, sgWrite and the lc calls: from the cache of a segment to an actor and back. Nothing is mapped: a
// step waits until the actor's side is there, then until the segment's page is, and copies up to the end of
// that page at once. Between steps nothing but the cache is held, so that a mapper that does not answer keeps
// nobody's page.
#include "kernel/call/handlers.hpp"
#include "kernel/call/region_steps.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/space.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/cpu.hpp>
#include <machine/mmu.hpp>

namespace chorale {

namespace {

constexpr uword copy_piece = 512; // bytes between two moments in which interrupts may come

void end_copy(Thread& self, long result) {
    const LongWork& work = self.work;
    // A page that has come for this copy and is not wanted any more.
    if (result != K_OK)
        leave_segment_page(*work.segment, round_down(work.source.raw() + work.done, page_size));
    let_go_of_segment(*work.segment);
    attend_segments();
    if (work.count_at != VirtAddr{} && UserOut<VmSize>{work.count_at}.write(work.done) != Status::ok) {
        self.paging.missed = VirtAddr{}; // it was there when the call began
        if (result == K_OK) result = K_EFAULT;
    }
    self.clear(flag_finishing);
    self.frame.set_result(result);
    settle(self);
}

// What has to be copied next: never more than a page of the segment.
struct Piece {
    VirtAddr at;
    u64 page{};   // offset in the segment
    uword inside; // the page
    uword size;
};

[[nodiscard]] Piece piece_of(const LongWork& work) {
    const u64 offset = work.source.raw() + work.done;
    const uword inside = offset % page_size;
    const u64 left = work.size - work.done;
    const uword room = page_size - inside;
    return {work.target + work.done, offset - inside, inside, left < room ? left : room};
}

// Counts what it has copied. Status::busy: the actor's page has gone meanwhile.
[[nodiscard]] Status copy_pieces(Space& space, const Piece& piece, std::byte* page, bool writes, u64& done) {
    const Protection need = writes ? Protection::read : Protection::write;
    std::byte* place = page + piece.inside;
    for (uword copied = 0; copied < piece.size;) {
        const uword left = piece.size - copied;
        const uword count = left < copy_piece ? left : copy_piece;
        const Status status =
            space.visit(piece.at + copied, count, need, [&](std::byte* bytes, std::size_t part) {
                // Both may be the same page: an actor may map the segment.
                __builtin_memmove(writes ? place : bytes, writes ? bytes : place, part);
                place += part;
                return true;
            });
        if (status != Status::ok) return status;
        copied += count;
        done += count;
        machine::interrupt_window();
    }
    return Status::ok;
}

// Status::busy: `wanted` has to come first.
[[nodiscard]] Status copy_part(LongWork& work, Space& space, WantedPage& wanted) {
    const bool writes = (work.options & K_WRITABLE) != 0;
    const Piece piece = piece_of(work);
    const Protection need = writes ? Protection::read : Protection::write;
    const auto nothing = [](std::byte*, std::size_t) { return true; };
    if (const Status status = space.visit(piece.at, piece.size, need, nothing, &wanted); status != Status::ok)
        return status == Status::fault ? Status::address : status;
    machine::interrupt_window(); // pages may have been filled
    Segment& segment = *work.segment;
    const Result<PhysAddr> frame = take_segment_page(segment, piece.page, writes);
    if (!frame.ok()) {
        if (frame.status() != Status::busy) return frame.status();
        hold_segment(segment);
        wanted = {&segment, piece.page,
                  writes ? VmFlags{K_READACCESS | K_WRITEACCESS} : VmFlags{K_READACCESS}, VirtAddr{}};
        return Status::busy;
    }
    const Status status =
        copy_pieces(space, piece, machine::direct<std::byte>(frame.value()), writes, work.done);
    release_frame(frame.value());
    leave_segment_page(segment, piece.page, frame.value());
    attend_segments();
    if (status == Status::busy) return Status::ok; // the next step asks for it
    return status == Status::fault ? Status::address : status;
}

void copy_step(Thread& self) {
    LongWork& work = self.work;
    if (page_failed(self)) {
        const long why = self.sync.waiter.result; // the mapper's own diagnosis, among others
        if (why == K_EABORT) self.take_abort();
        return end_copy(self, why);
    }
    if (self.has(flag_dying)) return end_copy(self, K_EABORT);
    if (work.done == work.size) return end_copy(self, K_OK);
    const Result<Actor*> actor = find_actor(work.target_actor);
    if (!actor.ok()) return end_copy(self, K_EUNKNOWN);
    WantedPage wanted;
    Status status = copy_part(work, actor.value()->space, wanted);
    if (status == Status::busy) {
        if (actor.value() != self.actor) wanted.at = VirtAddr{}; // its waits end with its own pages only
        status = await_page(self, wanted, copy_step);
        if (status == Status::ok) return;
    }
    if (status != Status::ok) return end_copy(self, static_cast<long>(status));
    self.continuation = copy_step;
}

// From `offset` on, to or from `address`.
[[nodiscard]] Status check_range(u64 offset, u64 size, VmAddr address) {
    const u64 last_page = ~u64{0} - page_size + 1; // segments end below 2^64
    if (size == 0 || offset > last_page || size > last_page - offset) return Status::size;
    return machine::user_range(VirtAddr{address}, size) ? Status::ok : Status::address;
}

// The hold on the segment is used up; self.work: offset, address, size and direction are there.
[[nodiscard]] long begin_copy(Thread& self, Segment& segment, const Actor& actor) {
    self.work.segment = &segment;
    self.work.target_actor = actor.capability;
    self.work.done = 0;
    self.paging.failed = false;
    self.set(flag_finishing); // who holds a segment lets go of it
    copy_step(self);
    return no_result;
}

void note_range(LongWork& work, u64 offset, VmAddr address, u64 size, VmFlags direction) {
    work.source = VirtAddr{offset};
    work.target = VirtAddr{address};
    work.size = size;
    work.options = direction;
    work.count_at = VirtAddr{};
}

[[nodiscard]] long copy_by_name(Thread& self, const UserIn<KnObjDesc>& segment_at, calls::Cap capability,
                                VmAddr address, VmFlags flags, VmFlags direction) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<KnObjDesc> read = segment_at.read();
    if (!read.ok()) return K_EFAULT;
    if ((flags & ~VmFlags{K_MOVE}) != 0) return K_EINVAL;
    const KnObjDesc& part = read.value();
    if (const Status status = check_range(part.startOffset, part.size, address); status != Status::ok)
        return static_cast<long>(status);
    const Result<Segment*> segment = open_segment(part.dataObject);
    if (!segment.ok()) return static_cast<long>(segment.status());
    note_range(self.work, part.startOffset, address, part.size, direction);
    return begin_copy(self, *segment.value(), *actor.value());
}

[[nodiscard]] long copy_by_id(Thread& self, int cache, VmOffset offset, calls::Cap capability, VmAddr address,
                              const UserInOut<VmSize>& size_at, VmFlags direction) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<VmSize> size = size_at.read();
    if (!size.ok() || size_at.write(size.value()) != Status::ok) return K_EFAULT;
    if (const Status status = check_range(offset, size.value(), address); status != Status::ok)
        return static_cast<long>(status);
    Segment* const segment = kept_segment(execution_actor(self).caches, cache);
    if (segment == nullptr) return K_EINVAL;
    note_range(self.work, offset, address, size.value(), direction);
    self.work.count_at = size_at.address();
    return begin_copy(self, *segment, *actor.value());
}

} // namespace

namespace calls {

long sgRead(Thread& self, UserIn<KnObjDesc> segment, Cap actor, VmAddr address, VmFlags flags) {
    return copy_by_name(self, segment, actor, address, flags, 0);
}

long sgWrite(Thread& self, UserIn<KnObjDesc> segment, Cap actor, VmAddr address, VmFlags flags) {
    return copy_by_name(self, segment, actor, address, flags, K_WRITABLE);
}

long lcOpen(Thread& self, UserIn<KnCap> capability, VmFlags flags, UserOut<int> cache) {
    const Result<KnCap> read = capability.read();
    if (!read.ok()) return K_EFAULT;
    if (flags != 0) return K_EINVAL;
    if (cache.probe() != Status::ok) return K_EFAULT;
    const Result<Segment*> segment = open_segment(read.value());
    if (!segment.ok()) return static_cast<long>(segment.status());
    LocalCaches& caches = execution_actor(self).caches;
    const int id = keep_segment(caches, *segment.value());
    if (id != 0 && cache.write(id) == Status::ok) return K_OK;
    if (id == 0)
        let_go_of_segment(*segment.value());
    else
        static_cast<void>(drop_kept_segment(caches, id)); // the place is gone since it was probed
    attend_segments();
    return id == 0 ? K_EFULL : K_EFAULT;
}

long lcClose(Thread& self, int cache) {
    if (cache == 0 || !drop_kept_segment(execution_actor(self).caches, cache)) return K_EINVAL;
    attend_segments();
    return K_OK;
}

long lcCap(Thread& self, int cache, UserOut<KnCap> capability) {
    Segment* const segment = kept_segment(execution_actor(self).caches, cache);
    if (segment == nullptr) return K_EINVAL;
    const Status status = capability.write(segment->cache);
    let_go_of_segment(*segment);
    attend_segments();
    return static_cast<long>(status);
}

long lcRead(Thread& self, int cache, VmOffset offset, Cap actor, VmAddr address, UserInOut<VmSize> size) {
    return copy_by_id(self, cache, offset, actor, address, size, 0);
}

long lcWrite(Thread& self, int cache, VmOffset offset, Cap actor, VmAddr address, UserInOut<VmSize> size) {
    return copy_by_id(self, cache, offset, actor, address, size, K_WRITABLE);
}

} // namespace calls
} // namespace chorale
