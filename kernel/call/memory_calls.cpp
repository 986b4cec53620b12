// rgnFree and vmCopy: memory that goes, and contents that are copied.
#include "kernel/call/handlers.hpp"
#include "kernel/call/region_steps.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/space.hpp"
#include "kernel/sync/sync.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

constexpr std::size_t copy_piece = 512;    // bytes of vmCopy between two looks at the rest of the world
constexpr std::size_t copy_at_once = 4096; // when nothing else is to be done

// ---- rgnFree: hide, flush everywhere, reap. An actor that is gone by then has taken its pages along. ----

// A thread that was deleted meanwhile ends here: half-freed regions would stay with the actor.
void finish_free(Thread& self) {
    self.clear(flag_finishing);
    self.frame.set_result(self.work.outcome);
    settle(self);
}

void reap_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    const bool done = !actor.ok() || actor.value()->space.reap_step(self.work.range);
    attend_segments();
    if (done)
        finish_free(self);
    else
        self.continuation = reap_step;
}

void flush_visit(Thread& self) { self.work.flush.apply(this_cpu().space_root); }

// Who waits for an object on the pages that go does not any more.
void end_waits_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) {
        finish_free(self);
    } else if (!end_waits(*actor.value(), self.work.range.range, self.work.done)) {
        self.continuation = end_waits_step;
    } else {
        self.work.flush = actor.value()->space.flush_for(self.work.range);
        tour(self, flush_visit, [](Thread& asker, long) { wake_with(asker, reap_step); });
    }
}

void hide_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) {
        finish_free(self);
    } else if (!actor.value()->space.hide_step(self.work.range)) {
        self.continuation = hide_step;
    } else {
        self.work.done = 0;
        end_waits_step(self);
    }
}

void free_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) return self.frame.set_result(K_OK); // it has gone, and its regions with it
    const Status status = actor.value()->space.begin_free(self.work.range.range, self.work.range);
    if (status == Status::timeout) return pause(self, free_step);
    if (status != Status::ok) return self.frame.set_result(static_cast<long>(status));
    self.work.outcome = K_OK;
    take_out(self);
}

// ---- vmCopy ------------------------------------------------------------------------------------

// Whoever may name another actor may write what that actor itself may only read: so programs are loaded.
// Whether programs may run what lies there.
[[nodiscard]] bool holds_code(Space& space, VirtAddr begin, VirtAddr end) {
    for (VirtAddr at = begin.page_floor(); at < end; at = at + page_size) {
        const Result<RegionInfo> region = space.region_at(at);
        if (region.ok() && allows(region.value().protection, Protection::execute)) return true;
    }
    return false;
}

// Within the space that the CPU has loaded. False: nothing, or a part, has been copied; Space::visit() tells
// why.
[[nodiscard]] bool copy_here(VirtAddr to, VirtAddr from, std::span<std::byte> bytes) {
    return machine::copy_in(bytes.data(), from, bytes.size()) &&
           machine::copy_out(to, bytes.data(), bytes.size());
}

[[nodiscard]] long copy_error(Status status) { return status == Status::no_memory ? K_ENOMEM : K_EADDR; }

void copy_step(Thread& self);

// The status of an access; no_result: the page has to come first, and the thread waits for it.
[[nodiscard]] long outcome_of(Thread& self, Status status, WantedPage& wanted, const Actor& actor) {
    if (status == Status::busy) {
        // Its waits end with its own space's pages only.
        if (&actor != self.actor) wanted.at = VirtAddr{};
        status = await_page(self, wanted, copy_step);
        if (status == Status::ok) return no_result;
    }
    return copy_error(status);
}

[[nodiscard]] long copy_one_piece(Thread& self) {
    LongWork& work = self.work;
    WantedPage wanted;
    if (page_failed(self)) return K_EADDR;
    const Result<Actor*> from = find_actor(work.source_actor);
    const Result<Actor*> to = find_actor(work.target_actor);
    if (!from.ok() || !to.ok()) return K_EUNKNOWN;
    std::byte bytes[copy_piece];
    const VirtAddr begin = work.target + work.done;
    const bool here =
        from.value() == self.actor && to.value() == self.actor && self.space == &self.actor->space;
    for (std::size_t copied = 0; copied < copy_at_once && work.done < work.size; copied += copy_piece) {
        if (copied != 0) machine::interrupt_window();
        if (copied != 0 && this_cpu().pending != 0) break;
        const u64 left = work.size - work.done;
        const std::size_t count = left < copy_piece ? left : copy_piece;
        if (here && copy_here(work.target + work.done, work.source + work.done, {bytes, count})) {
            work.done += count;
            continue;
        }
        self.paging.missed = VirtAddr{}; // what follows asks for it by itself
        Status status = from.value()->space.copy_from({bytes, count}, work.source + work.done, &wanted);
        if (status != Status::ok) return outcome_of(self, status, wanted, *from.value());
        const std::byte* next = bytes;
        const Protection other = Protection::read | Protection::copy;
        const Protection need = to.value() == self.actor ? Protection::write : other;
        status = to.value()->space.visit(
            work.target + work.done, count, need,
            [&](std::byte* place, std::size_t part) {
                __builtin_memcpy(place, next, part);
                next += part;
                return true;
            },
            &wanted);
        if (status != Status::ok) return outcome_of(self, status, wanted, *to.value());
        work.done += count;
    }
    // Another actor's code: its threads may run on any CPU.
    if (to.value() != self.actor && holds_code(to.value()->space, begin, work.target + work.done))
        machine::synchronize_all_instructions();
    return K_OK;
}

void copy_step(Thread& self) {
    const long result = copy_one_piece(self);
    if (result == no_result) return;
    if (result == K_OK && self.work.done < self.work.size) {
        self.continuation = copy_step;
    } else {
        self.frame.set_result(result);
    }
}

} // namespace

void take_out(Thread& self) {
    self.set(flag_finishing);
    hide_step(self);
}

namespace calls {

long vmPageSize() { return page_size; }

long rgnFree(Thread& self, Cap capability, UserIn<KnRgnDesc> region_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<KnRgnDesc> read = region_at.read();
    if (!read.ok()) return K_EFAULT;
    const KnRgnDesc& region = read.value();
    if ((region.options & ~static_cast<VmFlags>(K_FREEALL)) != 0) return K_EINVAL;
    VirtRange range{Space::user_begin, Space::user_end()};
    if ((region.options & K_FREEALL) == 0) {
        const Result<VirtRange> wanted = range_of(region);
        if (!wanted.ok()) return static_cast<long>(wanted.status());
        range = wanted.value();
    }
    self.work.target_actor = actor.value()->capability;
    self.work.range.range = range;
    free_step(self);
    return no_result;
}

long vmCopy(Thread& self, Cap source_actor, VmAddr source, Cap target_actor, VmAddr target, VmSize size,
            VmFlags flags) {
    const Result<Actor*> from = actor_of(self, source_actor);
    if (!from.ok()) return static_cast<long>(from.status());
    const Result<Actor*> to = actor_of(self, target_actor);
    if (!to.ok()) return static_cast<long>(to.status());
    if (flags != 0) return K_EINVAL;
    if (!machine::user_range(VirtAddr{source}, size) || !machine::user_range(VirtAddr{target}, size))
        return K_EADDR;
    self.work.source_actor = from.value()->capability;
    self.work.target_actor = to.value()->capability;
    self.work.source = VirtAddr{source};
    self.work.target = VirtAddr{target};
    self.work.size = size;
    self.work.done = 0;
    self.paging.failed = false;
    copy_step(self);
    return no_result;
}

} // namespace calls
} // namespace chorale
