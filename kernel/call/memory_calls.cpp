// rgnFree and vmCopy: memory or its contents go, and contents are copied.
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

// Who frees is content with that. Who wants others to lose the sight of something is not: threads of an actor
// that is being deleted may still run.
void end_with_actor(Thread& self) {
    if (self.work.range.discarding) self.work.outcome = K_EUNKNOWN;
    finish_free(self);
}

void reap_step(Thread& self) {
    const Result<Territory> there = territory_of(self.work.target_actor);
    const bool done = !there.ok() || there.value().space->reap_step(self.work.range);
    attend_segments();
    if (!done) {
        self.continuation = reap_step;
        return;
    }
    if (!there.ok()) return end_with_actor(self);
    if (self.work.range.discarding) there.value().space->finish_change(self.work.range);
    finish_free(self);
}

void flush_visit(Thread& self) { self.work.flush.apply(this_cpu().space_root); }

// Who waits for an object on the pages that go does not any more.
void end_waits_step(Thread& self) {
    const Result<Territory> there = territory_of(self.work.target_actor);
    if (!there.ok()) return end_with_actor(self);
    const auto& [space, owner, actor, name] = there.value();
    // In supervisor memory they are not looked for.
    if (!space->shared() && !end_waits(*actor, self.work.range.range, self.work.done)) {
        self.continuation = end_waits_step;
    } else {
        self.work.flush = space->flush_for(self.work.range);
        tour(self, flush_visit, [](Thread& asker, long) { wake_with(asker, reap_step); });
    }
}

void hide_step(Thread& self) {
    const Result<Territory> there = territory_of(self.work.target_actor);
    if (!there.ok()) {
        end_with_actor(self);
    } else if (!there.value().space->hide_step(self.work.range)) {
        self.continuation = hide_step;
    } else {
        self.work.done = 0;
        end_waits_step(self);
    }
}

void free_step(Thread& self) {
    const Result<Territory> there = territory_of(self.work.target_actor);
    LongWork& work = self.work;
    const bool discard = (work.options & K_DISCARD) != 0;
    // It has gone, and its regions with it.
    if (!there.ok()) return self.frame.set_result(discard ? K_EUNKNOWN : K_OK);
    const auto& [space, owner, actor, name] = there.value();
    const Status status = discard ? space->begin_discard(work.range.range, work.range)
                                  : space->begin_free(work.range.range, work.range, owner);
    if (status == Status::timeout) return pause(self, free_step);
    if (status != Status::ok) return self.frame.set_result(static_cast<long>(status));
    work.outcome = K_OK;
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

[[nodiscard]] bool may_hold(const Space& space, VmAddr address, VmSize size) {
    if (!space.shared()) return machine::user_range(VirtAddr{address}, size);
    const VirtRange all = space.window();
    return address >= all.begin.raw() && address <= all.end.raw() && size <= all.end.raw() - address;
}

[[nodiscard]] long copy_error(Status status) { return status == Status::no_memory ? K_ENOMEM : K_EADDR; }

void copy_step(Thread& self);

// The status of an access; no_result: the page has to come first, and the thread waits for it.
[[nodiscard]] long outcome_of(Thread& self, Status status, WantedPage& wanted, const Actor* actor) {
    if (status == Status::busy) {
        // Its waits end with its own space's pages only.
        if (actor != self.actor) wanted.at = VirtAddr{};
        status = await_page(self, wanted, copy_step);
        if (status == Status::ok) return no_result;
    }
    return copy_error(status);
}

[[nodiscard]] long copy_one_piece(Thread& self) {
    LongWork& work = self.work;
    WantedPage wanted;
    if (page_failed(self)) return K_EADDR;
    const Result<Territory> source = territory_of(work.source_actor);
    const Result<Territory> target = territory_of(work.target_actor);
    if (!source.ok() || !target.ok()) return K_EUNKNOWN;
    const Territory &from = source.value(), &to = target.value();
    std::byte bytes[copy_piece];
    const VirtAddr begin = work.target + work.done;
    const bool here = from.space == self.space && to.space == self.space && !self.space->shared();
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
        Status status = from.space->copy_from({bytes, count}, work.source + work.done, &wanted);
        if (status != Status::ok) return outcome_of(self, status, wanted, from.actor);
        const std::byte* next = bytes;
        const Protection other = Protection::read | Protection::copy;
        const bool strict = to.actor == nullptr || to.actor == self.actor;
        const Protection need = strict ? Protection::write : other;
        status = to.space->visit(
            work.target + work.done, count, need,
            [&](std::byte* place, std::size_t part) {
                __builtin_memcpy(place, next, part);
                next += part;
                return true;
            },
            &wanted);
        if (status != Status::ok) return outcome_of(self, status, wanted, to.actor);
        work.done += count;
    }
    // Another actor's code: its threads may run on any CPU.
    if (to.actor != self.actor && holds_code(*to.space, begin, work.target + work.done))
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
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return static_cast<long>(there.status());
    const auto& [space, owner, actor, name] = there.value();
    const Result<KnRgnDesc> read = region_at.read();
    if (!read.ok()) return K_EFAULT;
    const KnRgnDesc& region = read.value();
    const bool all = region.options == K_FREEALL, discard = region.options == K_DISCARD;
    if (region.options != 0 && !all && !discard) return K_EINVAL;
    // What interrupt handlers may touch is there or it is not.
    if (discard && space->shared()) return K_EINVAL;
    VirtRange range = space->window();
    if (all) {
        if (actor == nullptr) return K_EINVAL; // what is nobody's may be in anybody's use
    } else {
        const Result<VirtRange> wanted = range_of(region, *space);
        if (!wanted.ok()) return static_cast<long>(wanted.status());
        range = wanted.value();
    }
    self.work.target_actor = name;
    self.work.range.range = range;
    self.work.options = region.options;
    free_step(self);
    return no_result;
}

long vmCopy(Thread& self, Cap source_actor, VmAddr source, Cap target_actor, VmAddr target, VmSize size,
            VmFlags flags) {
    const Result<Territory> from = territory_of(self, source_actor);
    if (!from.ok()) return static_cast<long>(from.status());
    const Result<Territory> to = territory_of(self, target_actor);
    if (!to.ok()) return static_cast<long>(to.status());
    if (flags != 0) return K_EINVAL;
    if (!may_hold(*from.value().space, source, size) || !may_hold(*to.value().space, target, size))
        return K_EADDR;
    self.work.source_actor = from.value().name;
    self.work.target_actor = to.value().name;
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
