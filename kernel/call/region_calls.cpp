// Regions: made, described, and filled from other actors' regions. Whatever is long runs as continuations.
#include "kernel/call/handlers.hpp"
#include "kernel/call/region_steps.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/space.hpp"
#include "kernel/sync/sync.hpp"

#include <machine/cpu.hpp>
#include <machine/timer.hpp>

#include <bit>

namespace chorale {

namespace {

constexpr u64 lock_pause = 100'000;    // nanoseconds between two looks whether a range is still locked
constexpr unsigned pages_per_step = 2; // each may be a page to fill or to copy

[[nodiscard]] Space* space_of(const KnCap& name) {
    const Result<Territory> found = territory_of(name);
    return found.ok() ? found.value().space : nullptr;
}

} // namespace

Result<Placement> placement_of(const KnRgnDesc& region, const Territory& territory) {
    if ((region.options & K_RESTRICTIVE) != 0) {
        const VirtRange window{VirtAddr{region.startAddr}, VirtAddr{region.endAddr}};
        if (!window.begin.page_aligned() || !window.end.page_aligned()) return Status::round;
        if (window.empty()) return Status::size;
        return Placement{Space::anywhere, window, territory.owner};
    }
    if ((region.options & K_ANYWHERE) != 0) return Placement{Space::anywhere, {}, territory.owner};
    const VirtAddr at{region.startAddr};
    if (!at.page_aligned()) return Status::round;
    if (!territory.space->window().contains(at)) return Status::address;
    return Placement{at, {}, territory.owner};
}

RegionAttributes attributes_of(const KnRgnDesc& region) {
    constexpr VmFlags kept = inherit_options | paging_options | K_FILLZERO | K_RESERVED | K_VMMAP;
    return {region.options & kept, region.opaque2, region.opaque1};
}

namespace {

// ---- pages that are to be there at once ------------------------------------------------------------

void finish(Thread& self) {
    self.clear(flag_finishing);
    self.frame.set_result(self.work.outcome);
    settle(self);
}

// What was begun here: `work.range` is what is left, `work.options` whether for writing.
void fill_step(Thread& self) {
    LongWork& work = self.work;
    Space* const space = space_of(work.target_actor);
    const VirtRange rest{work.range.at, work.range.range.end};
    work.outcome = K_OK;
    if (space == nullptr) {
        work.outcome = K_EUNKNOWN;
    } else if (self.has(flag_dying)) {
        work.outcome = K_EABORT;
    } else if (!rest.empty()) {
        WantedPage wanted;
        const bool failed = page_failed(self);
        const Result<VirtAddr> next =
            failed ? Status::address : space->populate(rest, work.range.protection, pages_per_step, &wanted);
        if (next.ok()) {
            work.range.at = next.value();
            self.continuation = fill_step;
            return;
        }
        Status status = next.status();
        if (status == Status::busy) {
            if (space != self.space) wanted.at = VirtAddr{};
            // What has been brought so far is found again.
            status = await_page(self, wanted, fill_step);
            if (status == Status::ok) return;
        }
        work.outcome = static_cast<long>(status);
    }
    work.again(self);
}

// A region that cannot be filled, or told of, goes as it came.
void end_allocation(Thread& self) {
    LongWork& work = self.work;
    const Result<Territory> there = territory_of(work.target_actor);
    if (work.outcome == K_OK || !there.ok()) return finish(self);
    const auto& [space, owner, actor, name] = there.value();
    if (space->begin_free(work.range.range, work.range, owner) != Status::ok) return finish(self);
    take_out(self);
}

// ---- changes of protection -------------------------------------------------------------------------

void protect_visit(Thread& self) { self.work.flush.apply(this_cpu().space_root); }

void protect_step(Thread& self) {
    Space* const space = space_of(self.work.target_actor);
    if (space == nullptr) {
        self.work.outcome = K_EUNKNOWN;
        return finish(self);
    }
    if (!space->protect_step(self.work.range)) {
        self.continuation = protect_step;
        return;
    }
    if (!self.work.range.flush_needed) return finish(self);
    self.work.flush = space->flush_for(self.work.range);
    tour(self, protect_visit, [](Thread& asker, long) { wake_with(asker, finish); });
}

void begin_protect_step(Thread& self) {
    LongWork& work = self.work;
    const Result<Territory> there = territory_of(work.target_actor);
    if (!there.ok()) return self.frame.set_result(K_EUNKNOWN);
    const auto lent = trusted(self) ? Space::Lent::changed : Space::Lent::spared;
    const Status status = there.value().space->begin_protect(work.range.range, protection_of(work.options),
                                                             work.range, there.value().owner, lent);
    if (status == Status::timeout) return pause(self, begin_protect_step);
    if (status != Status::ok) return self.frame.set_result(static_cast<long>(status));
    work.outcome = K_OK;
    self.set(flag_finishing);
    protect_step(self);
}

// ---- pages that go from region to region: `lender` is where from, `range` where to -----------------

// The source is everybody's again. What was made for nothing goes.
void release_lender(Thread& self) {
    LongWork& work = self.work;
    if (Space* const source = space_of(work.source_actor); source != nullptr)
        source->finish_change(work.lender);
    Space* const target = space_of(work.target_actor);
    if (target == nullptr) {
        work.outcome = K_EUNKNOWN;
        return finish(self);
    }
    if (work.outcome == K_OK) {
        target->finish_change(work.range);
        machine::synchronize_all_instructions(); // what was copied may be a program
        return finish(self);
    }
    target->give_up(work.range);
    take_out(self);
}

// Nobody may write a page any more that has become common.
void end_transfer(Thread& self, long outcome) {
    LongWork& work = self.work;
    work.outcome = outcome;
    Space* const source = space_of(work.source_actor);
    if (source == nullptr || !work.lender.flush_needed) {
        self.continuation = release_lender;
        return;
    }
    work.flush = source->flush_for(work.lender);
    tour(self, protect_visit, [](Thread& asker, long) { wake_with(asker, release_lender); });
}

[[nodiscard]] Transfer transfer_of(VmFlags options, const Space& source, const Space& target) {
    if ((options & K_INHERITSHARE) != 0) return Transfer::share;
    return source.shared() || target.shared() ? Transfer::duplicate : Transfer::copy;
}

// Of a segment, what the image of a region shows.
[[nodiscard]] SegmentView image_view(const RegionInfo& region, VmFlags how) {
    return {region.view.segment, region.view.offset, region.view.copies || how == K_INHERITCOPY};
}

// rgnDup comes to a region: its image begins. `how`: 0 when it is left out.
[[nodiscard]] Status begin_image(LongWork& work, Space& target, const RegionInfo& region, VmFlags& how) {
    how = work.options != 0 ? work.options : region.attributes.options & inherit_options;
    if (region.backing == Backing::lent) how = 0;
    if (how == 0 || work.lender.at > region.range.begin) return Status::ok;
    return target
        .reserve(region.range.size(), region.protection, {region.range.begin}, region.attributes,
                 region.backing, &work.range, image_view(region, how))
        .status();
}

// The other two have made one region for all: what shows a segment becomes a region of its own.
[[nodiscard]] Status begin_part(const LongWork& work, Space& target, const RegionInfo& region) {
    if (region.view.segment == nullptr || work.lender.at > region.range.begin) return Status::ok;
    const uword delta = work.target - work.source;
    return target.show_segment({region.range.begin + delta, region.range.end + delta},
                               image_view(region, work.options), work.range);
}

// Who waits for an object goes by the frame that it lies in: a page that somebody waits in stays where it is,
// and the copy is made at once. One who begins to wait from now on writes the page before, and has his own.
void keep_waited(Actor& source, PageBatch& batch) {
    for (unsigned i = 0; i < batch.count; ++i) {
        PageBatch::Page& page = batch.pages[i];
        if (page.kind != Protection::copy || !waited_in(source, {page.at, page.at + page_size})) continue;
        page.kind = Protection::none;
        page.duplicate = true;
    }
}

void transfer_step(Thread& self) {
    LongWork& work = self.work;
    const Result<Territory> there = territory_of(work.source_actor);
    Space* const target = space_of(work.target_actor);
    if (!there.ok() || target == nullptr) return end_transfer(self, K_EUNKNOWN);
    if (self.has(flag_dying)) return end_transfer(self, K_EABORT);
    const auto& [source, owner, actor, name] = there.value();
    const VirtAddr end = work.lender.range.end;
    const Result<RegionInfo> found = source->region_from(work.lender.at, end, owner);
    if (!found.ok() || work.lender.at >= end) return end_transfer(self, K_OK);
    const RegionInfo& region = found.value();
    if (work.lender.at < region.range.begin) work.lender.at = region.range.begin;

    const bool whole_actor = work.again != nullptr;
    VmFlags how = work.options;
    Status status = whole_actor ? begin_image(work, *target, region, how) : begin_part(work, *target, region);
    PageBatch batch;
    if (status == Status::ok && how == 0) {
        work.lender.at = region.range.end;
    } else if (status == Status::ok) {
        status = source->lend(work.lender, transfer_of(how, *source, *target), batch);
        if (actor != nullptr) keep_waited(*actor, batch);
        if (status == Status::ok) status = target->take(batch, work.target - work.source);
    }
    if (status != Status::ok) return end_transfer(self, static_cast<long>(status));
    self.continuation = transfer_step;
}

struct TransferArguments {
    Territory target, source;
    KnRgnDesc made;
    VirtRange from;
};

[[nodiscard]] Result<TransferArguments> read_transfer(Thread& self, calls::Cap target_actor,
                                                      const UserInOut<KnRgnDesc>& target_region,
                                                      calls::Cap source_actor,
                                                      const UserIn<KnRgnDesc>& source_region) {
    const Result<Territory> target = territory_of(self, target_actor);
    if (!target.ok()) return target.status();
    const Result<Territory> source = territory_of(self, source_actor);
    if (!source.ok()) return source.status();
    const Result<KnRgnDesc> made = target_region.read();
    const Result<KnRgnDesc> given = source_region.read();
    if (!made.ok() || !given.ok()) return Status::fault;
    const Result<VirtRange> from = range_of(given.value(), *source.value().space);
    if (!from.ok()) return from.status();
    const VmFlags options = made.value().options;
    if (wrong_options(options, *target.value().space) || (options & (K_RESERVED | K_VMMAP)) != 0)
        return Status::invalid;
    return TransferArguments{target.value(), source.value(), made.value(), from.value()};
}

// rgnInitFromActor and rgnMapFromActor.
[[nodiscard]] long begin_transfer(Thread& self, calls::Cap target_actor, UserInOut<KnRgnDesc> target_region,
                                  calls::Cap source_actor, UserIn<KnRgnDesc> source_region, VmFlags how) {
    const Result<TransferArguments> read =
        read_transfer(self, target_actor, target_region, source_actor, source_region);
    if (!read.ok()) return static_cast<long>(read.status());
    const auto& [target, source, wanted, from] = read.value();
    const Result<Placement> place = placement_of(wanted, target);
    if (!place.ok()) return static_cast<long>(place.status());
    KnRgnDesc made = wanted;
    if (target_region.write(made) != Status::ok) return K_EFAULT;
    LongWork& work = self.work;
    work.source_actor = source.name;
    work.target_actor = target.name;
    work.options = how;
    work.again = nullptr;
    Status status = source.space->begin_lend(from, true, work.lender, source.owner);
    if (status != Status::ok) return static_cast<long>(status);
    work.range = RangeWork{};
    const Result<VirtAddr> start =
        target.space->reserve(from.size(), protection_of(made.options), place.value(), attributes_of(made),
                              Backing::frames, &work.range);
    if (!start.ok()) {
        source.space->finish_change(work.lender);
        return static_cast<long>(start.status());
    }
    made.startAddr = start.value().raw();
    work.range.range = {start.value(), start.value() + from.size()};
    work.source = from.begin;
    work.target = start.value();
    self.set(flag_finishing);
    // It was written a moment ago: what fails now has been taken away meanwhile.
    if (target_region.write(made) != Status::ok)
        end_transfer(self, K_EFAULT);
    else
        transfer_step(self);
    return no_result;
}

// ---- calls on a range ------------------------------------------------------------------------------

struct RangeArguments {
    Territory territory;
    KnRgnDesc region;
    VirtRange range;
};

[[nodiscard]] Result<RangeArguments> read_range(Thread& self, calls::Cap capability,
                                                const UserIn<KnRgnDesc>& region_at, VmFlags allowed) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return there.status();
    const Result<KnRgnDesc> region = region_at.read();
    if (!region.ok()) return Status::fault;
    const VmFlags options = region.value().options;
    if ((options & ~allowed) != 0 || contradictory(options)) return Status::invalid;
    const Result<VirtRange> range = range_of(region.value(), *there.value().space);
    if (!range.ok()) return range.status();
    return RangeArguments{there.value(), region.value(), range.value()};
}

[[nodiscard]] long set_attributes(Thread& self, calls::Cap actor, const UserIn<KnRgnDesc>& region_at,
                                  VmFlags options) {
    const Result<RangeArguments> read = read_range(self, actor, region_at, options);
    if (!read.ok()) return static_cast<long>(read.status());
    const KnRgnDesc wanted = read.value().region;
    const auto change = [&](Region& region) {
        if (options == 0) {
            region.attributes.opaque1 = wanted.opaque1;
            region.attributes.opaque2 = wanted.opaque2;
        }
        region.attributes.options = (region.attributes.options & ~options) | wanted.options;
    };
    const auto& [space, owner, actor_there, name] = read.value().territory;
    return static_cast<long>(space->change_regions(read.value().range, change, owner));
}

} // namespace

Protection protection_of(VmFlags options) {
    if ((options & K_NOACCESS) != 0) return Protection::user;
    Protection protection = Protection::read | Protection::user;
    if ((options & K_WRITABLE) != 0) protection = protection | Protection::write;
    if ((options & K_EXECUTABLE) != 0) protection = protection | Protection::execute;
    return protection;
}

bool contradictory(VmFlags options) {
    return std::popcount(options & access_options) > 1 || (options & inherit_options) == inherit_options;
}

bool wrong_options(VmFlags options, const Space& space) {
    const VmFlags allowed = region_options | (space.shared() ? VmFlags{K_SUPERVISOR} : 0);
    constexpr VmFlags not_lent = K_RESERVED | K_NODEMAND;
    const bool lent = (options & K_VMMAP) != 0;
    return (options & ~allowed) != 0 || contradictory(options) ||
           (lent && (space.shared() || (options & not_lent) != 0));
}

Result<VirtRange> range_of(const KnRgnDesc& region, const Space& space) {
    const VirtRange all = space.window();
    const VirtAddr start{region.startAddr};
    if (!start.page_aligned()) return Status::round;
    if (region.size == 0 || region.size > all.end.raw()) return Status::size;
    if (start < all.begin || start > all.end || region.size > all.end - start) return Status::address;
    return VirtRange{start, start + round_up(region.size, page_size)};
}

void pause(Thread& self, void (*again)(Thread&)) {
    if (self.take_abort()) return self.frame.set_result(K_EABORT);
    self.work.again = again;
    self.abortable = true;
    self.set(flag_pausing);
    self.now_doing(Doing::sleeping);
    arm_timer(self, machine::now() + lock_pause);
}

void bring_in(Thread& self, VirtRange range, Protection access, void (*done)(Thread&)) {
    LongWork& work = self.work;
    work.range = {.range = range, .at = range.begin, .protection = access};
    work.again = done;
    self.paging.failed = false;
    fill_step(self);
}

long hand_out(Thread& self, const Territory& there, const KnRgnDesc& region, UserInOut<KnRgnDesc> at,
              bool at_once) {
    const VirtAddr start{region.startAddr};
    const VirtRange range{start, start + round_up(region.size, page_size)};
    const bool told = at.write(region) == Status::ok;
    if (told && !at_once) return K_OK;
    self.work.target_actor = there.name;
    if (there.space->shared()) self.set(flag_finishing); // pages of nobody's are not left half made
    if (told) {
        bring_in(self, range, Protection::none, end_allocation);
    } else { // the place is gone since it was probed
        self.work.range.range = range;
        self.work.outcome = K_EFAULT;
        end_allocation(self);
    }
    return no_result;
}

namespace calls {

long rgnAllocate(Thread& self, Cap capability, UserInOut<KnRgnDesc> region_at) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return static_cast<long>(there.status());
    const auto& [space, owner, actor, name] = there.value();
    const Result<KnRgnDesc> read = region_at.read();
    if (!read.ok()) return K_EFAULT;
    KnRgnDesc region = read.value();
    if (wrong_options(region.options, *space)) return K_EINVAL;
    const Result<Placement> place = placement_of(region, there.value());
    if (!place.ok()) return static_cast<long>(place.status());
    if (region.size == 0) return K_ESIZE;
    if (region_at.write(region) != Status::ok) return K_EFAULT;
    const bool reserved = (region.options & K_RESERVED) != 0;
    const Backing backing = reserved                          ? Backing::nothing
                            : (region.options & K_VMMAP) != 0 ? Backing::lent
                                                              : Backing::frames;
    // What interrupt handlers and the nucleus's own copies may touch is there from the beginning.
    const bool at_once = !reserved && ((region.options & K_NODEMAND) != 0 || space->shared());
    const Protection protection = reserved ? Protection::none : protection_of(region.options);
    const Result<VirtAddr> start =
        space->reserve(region.size, protection, place.value(), attributes_of(region), backing);
    if (!start.ok()) return static_cast<long>(start.status());
    region.startAddr = start.value().raw();
    return hand_out(self, there.value(), region, region_at, at_once);
}

long rgnSetProtect(Thread& self, Cap actor, UserIn<KnRgnDesc> region_at) {
    const Result<RangeArguments> read = read_range(self, actor, region_at, access_options);
    if (!read.ok()) return static_cast<long>(read.status());
    self.work.target_actor = read.value().territory.name;
    self.work.range.range = read.value().range;
    self.work.options = read.value().region.options;
    begin_protect_step(self);
    return no_result;
}

long rgnSetInherit(Thread& self, Cap actor, UserIn<KnRgnDesc> region) {
    return set_attributes(self, actor, region, inherit_options);
}

long rgnSetOpaque(Thread& self, Cap actor, UserIn<KnRgnDesc> region) {
    return set_attributes(self, actor, region, 0);
}

long rgnSetPaging(Thread& self, Cap capability, UserIn<KnRgnDesc> region_at) {
    const Result<RangeArguments> read = read_range(self, capability, region_at, paging_options);
    if (!read.ok()) return static_cast<long>(read.status());
    const long result = set_attributes(self, capability, region_at, paging_options);
    const bool there = (read.value().region.options & K_NODEMAND) == 0 || read.value().territory.supervisor();
    if (result != K_OK || there) return result;
    self.work.target_actor = read.value().territory.name;
    bring_in(self, read.value().range, Protection::none, finish);
    return no_result;
}

long rgnDup(Thread& self, Cap target_actor, Cap source_actor, VmFlags flags) {
    const Result<Territory> target = territory_of(self, target_actor);
    if (!target.ok()) return static_cast<long>(target.status());
    const Result<Territory> source = territory_of(self, source_actor);
    if (!source.ok()) return static_cast<long>(source.status());
    if ((flags & ~inherit_options) != 0 || contradictory(flags)) return K_EINVAL;
    // In the one supervisor space the same addresses are not free a second time.
    if (target.value().supervisor() || source.value().supervisor()) return K_EINVAL;
    if (target.value().space == source.value().space || target.value().space->regions() != 0) return K_EINVAL;
    LongWork& work = self.work;
    const VirtRange all{Space::user_begin, Space::user_end()};
    const Status status = source.value().space->begin_lend(all, false, work.lender);
    if (status == Status::address) return K_OK; // there is nothing to duplicate
    if (status != Status::ok) return static_cast<long>(status);
    work.source_actor = source.value().name;
    work.target_actor = target.value().name;
    work.source = work.target = all.begin;
    work.options = flags;
    work.range = {.range = all, .at = all.begin};
    work.again = transfer_step; // region by region
    self.set(flag_finishing);
    transfer_step(self);
    return no_result;
}

long rgnInitFromActor(Thread& self, Cap target_actor, UserInOut<KnRgnDesc> target_region, Cap source_actor,
                      UserIn<KnRgnDesc> source_region) {
    return begin_transfer(self, target_actor, target_region, source_actor, source_region, K_INHERITCOPY);
}

long rgnMapFromActor(Thread& self, Cap target_actor, UserInOut<KnRgnDesc> target_region, Cap source_actor,
                     UserIn<KnRgnDesc> source_region) {
    return begin_transfer(self, target_actor, target_region, source_actor, source_region, K_INHERITSHARE);
}

} // namespace calls
} // namespace chorale
