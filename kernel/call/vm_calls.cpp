// The state of memory: what regions there are, what is free, what is locked and where it lies.
#include "kernel/call/handlers.hpp"
#include "kernel/call/region_steps.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/page_account.hpp"
#include "kernel/mem/space.hpp"

#include <machine/supervisor.hpp>

#include <algorithm>
#include <array>

namespace chorale {

namespace {

constexpr unsigned regions_per_step = 16, pages_per_step = 4;

// What vmSetPar may set; the rest of KnVmPar is known.
struct Settings {
    KnUniqueId default_mapper{};
    VmSize orange{}, green{};
};
constinit Guarded<Rank::names, Settings> settings;

[[nodiscard]] KnVmPar parameters() {
    KnVmPar now{};
    settings.with([&](const Settings& set) {
        now.defaultMapper = set.default_mapper;
        now.orangeMark = set.orange;
        now.greenMark = set.green;
    });
    now.redMark = PageAccount::reserve() * page_size;
    now.usrStartAddr = Space::user_begin.raw();
    now.usrEndAddr = Space::user_end().raw();
    now.svStartAddr = machine::supervisor_begin;
    now.svEndAddr = machine::supervisor_end;
    now.maxOffset = ~VmOffset{0} - page_size + 1;
    return now;
}

[[nodiscard]] KnRgnStat stat_of(const RegionInfo& region) {
    KnRgnStat stat{};
    stat.startAddr = region.range.begin.raw();
    stat.endAddr = region.range.end.raw();
    stat.size = region.range.size();
    stat.options = region.attributes.options;
    if (allows(region.protection, Protection::write)) stat.options |= K_WRITABLE;
    if (allows(region.protection, Protection::execute)) stat.options |= K_EXECUTABLE;
    if (region.backing == Backing::nothing)
        stat.options |= K_RESERVED;
    else if (!allows(region.protection, Protection::read))
        stat.options |= K_NOACCESS;
    if (allows(region.protection, Protection::global)) stat.options |= K_SUPERVISOR;
    stat.opaque1 = region.attributes.opaque1;
    stat.opaque2 = region.attributes.opaque2;
    stat.lockCount = region.locks;
    return stat;
}

// work.target: the caller's array, of work.size elements; work.done: regions seen.
void stat_step(Thread& self) {
    LongWork& work = self.work;
    const Result<Territory> there = territory_of(work.target_actor);
    if (!there.ok()) return self.frame.set_result(K_EUNKNOWN);
    const auto& [space, own, actor, name] = there.value();
    const RegionOwner owner = actor == nullptr ? RegionOwner::anyone : own;
    for (unsigned i = 0; i < regions_per_step; ++i) {
        const Result<RegionInfo> region = space->region_from(work.range.at, work.range.range.end, owner);
        if (!region.ok()) return self.frame.set_result(static_cast<long>(work.done));
        const UserOut<KnRgnStat> place{work.target + work.done * sizeof(KnRgnStat)};
        if (work.done < work.size && place.write(stat_of(region.value())) != Status::ok) {
            if (!await_missed(self, stat_step)) self.frame.set_result(K_EFAULT);
            return;
        }
        ++work.done;
        work.range.at = region.value().range.end;
    }
    self.continuation = stat_step;
}

// vmMap: a few pages, and again. Neither side is kept from changing what it has between two steps.
void map_step(Thread& self) {
    LongWork& work = self.work;
    const Result<Territory> source = territory_of(work.source_actor),
                            target = territory_of(work.target_actor);
    if (!source.ok() || !target.ok()) return self.frame.set_result(K_EUNKNOWN);
    std::array<PhysAddr, pages_per_step> frames;
    const uword size = std::min<uword>(work.size - work.done, pages_per_step * page_size);
    const std::span some{frames.data(), size / page_size};
    const VirtAddr from = work.source + work.done, to = work.target + work.done;
    Status status = source.value().space->lend_frames({from, from + size}, source.value().owner, some);
    if (status == Status::ok) status = target.value().space->take_frames({to, to + size}, some);
    if (status != Status::ok) return self.frame.set_result(static_cast<long>(status));
    work.done += size;
    if (work.done < work.size)
        self.continuation = map_step;
    else
        self.frame.set_result(K_OK);
}

[[nodiscard]] Result<VirtRange> lock_range(VmAddr address, VmSize size, VmFlags flags, const Space& space) {
    if ((flags & ~static_cast<VmFlags>(K_WRITABLE)) != 0) return Status::invalid;
    KnRgnDesc region{};
    region.startAddr = address;
    region.size = size;
    return range_of(region, space);
}

void end_lock(Thread& self) {
    LongWork& work = self.work;
    const Result<Territory> there = territory_of(work.target_actor);
    if (there.ok() && work.outcome != K_OK)
        static_cast<void>(there.value().space->unlock_range(work.range.range, there.value().owner));
    self.clear(flag_finishing);
    self.frame.set_result(work.outcome);
    settle(self);
}

} // namespace

namespace calls {

long rgnStat(Thread& self, Cap capability, UserIn<KnRgnDesc> region_at, UserBytesOut stat, unsigned size) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return static_cast<long>(there.status());
    const Result<KnRgnDesc> region = region_at.read();
    if (!region.ok()) return K_EFAULT;
    if ((region.value().options & ~static_cast<VmFlags>(K_USERSPACE)) != 0) return K_EINVAL;
    const Result<VirtRange> range = range_of(region.value(), *there.value().space);
    if (!range.ok()) return static_cast<long>(range.status());
    LongWork& work = self.work;
    work.target_actor = there.value().name;
    work.range = {.range = range.value(), .at = range.value().begin};
    work.target = stat.address;
    work.size = size / sizeof(KnRgnStat);
    work.done = 0;
    stat_step(self);
    return no_result;
}

long vmStat(Thread&, UserOut<KnVmStat> stat) {
    const FrameStatistics frames = frame_statistics();
    return static_cast<long>(stat.write({parameters(), frames.total * page_size, frames.free * page_size,
                                         Space::locked_pages() * page_size}));
}

long vmSetPar(Thread&, UserIn<KnVmPar> wanted_at) {
    const Result<KnVmPar> read = wanted_at.read();
    if (!read.ok()) return K_EFAULT;
    const KnVmPar& wanted = read.value();
    const bool ordered = wanted.redMark <= wanted.orangeMark && wanted.orangeMark <= wanted.greenMark;
    if (!ordered || wanted.greenMark > frame_statistics().total * page_size) return K_EINVAL;
    PageAccount::set_reserve(wanted.redMark / page_size);
    settings.with([&](Settings& set) { set = {wanted.defaultMapper, wanted.orangeMark, wanted.greenMark}; });
    return K_OK;
}

long vmPhysAddr(Thread& self, Cap capability, VmAddr address, UserOut<PhAddr> physical) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return static_cast<long>(there.status());
    const Result<PhysAddr> found = there.value().space->frame_of(VirtAddr{address});
    return static_cast<long>(found.ok() ? physical.write(found.value().raw()) : found.status());
}

long vmLock(Thread& self, Cap capability, VmAddr address, VmSize size, VmFlags flags) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return static_cast<long>(there.status());
    const auto& [space, owner, actor, name] = there.value();
    const Result<VirtRange> range = lock_range(address, size, flags, *space);
    if (!range.ok()) return static_cast<long>(range.status());
    const Status status = space->lock_range(range.value(), owner);
    if (status != Status::ok) return static_cast<long>(status);
    self.work.target_actor = name;
    self.set(flag_finishing); // what is locked is unlocked when the pages cannot be had
    // A copy at the first write would change what is locked.
    const Protection access = (flags & K_WRITABLE) != 0 ? Protection::write : Protection::read;
    bring_in(self, range.value(), access | Protection::copy, end_lock);
    return no_result;
}

long vmMap(Thread& self, Cap source_actor, VmAddr source, Cap target_actor, VmAddr target, VmSize size,
           VmFlags flags) {
    const Result<Territory> from = territory_of(self, source_actor);
    if (!from.ok()) return static_cast<long>(from.status());
    const Result<Territory> to = territory_of(self, target_actor);
    if (!to.ok()) return static_cast<long>(to.status());
    if (flags != 0 || to.value().supervisor()) return K_EINVAL;
    const Result<VirtRange> given = range_of({source, size, 0, 0, nullptr, 0}, *from.value().space);
    const Result<VirtRange> taken = range_of({target, size, 0, 0, nullptr, 0}, *to.value().space);
    if (!given.ok()) return static_cast<long>(given.status());
    if (!taken.ok()) return static_cast<long>(taken.status());
    self.work.source_actor = from.value().name;
    self.work.target_actor = to.value().name;
    self.work.source = given.value().begin;
    self.work.target = taken.value().begin;
    self.work.size = taken.value().size();
    self.work.done = 0;
    map_step(self);
    return no_result;
}

long vmUnLock(Thread& self, Cap capability, VmAddr address, VmSize size, VmFlags flags) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return static_cast<long>(there.status());
    const auto& [space, owner, actor, name] = there.value();
    const Result<VirtRange> range = lock_range(address, size, flags, *space);
    if (!range.ok()) return static_cast<long>(range.status());
    return static_cast<long>(space->unlock_range(range.value(), owner));
}

} // namespace calls
} // namespace chorale
