// Regions that show segments, and pages that go back before their time.
#include "kernel/call/handlers.hpp"
#include "kernel/call/region_steps.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"

namespace chorale {

namespace {

constexpr unsigned looks_per_step = 16;

[[nodiscard]] Status check_part(const KnObjDesc& part) {
    if (part.startOffset % page_size != 0) return Status::round;
    const bool fits = part.size != 0 && part.startOffset + part.size >= part.startOffset &&
                      round_up(part.startOffset + part.size, page_size) != 0;
    return fits ? Status::ok : Status::size;
}

struct MapArguments {
    Territory territory;
    KnRgnDesc region;
    KnObjDesc part;
    Placement place;
};

[[nodiscard]] Result<MapArguments> read_map(Thread& self, calls::Cap capability,
                                            const UserInOut<KnRgnDesc>& region_at,
                                            const UserIn<KnObjDesc>& part_at) {
    const Result<Territory> there = territory_of(self, capability);
    if (!there.ok()) return there.status();
    if (there.value().supervisor()) return Status::invalid; // nothing there waits for a mapper
    const Result<KnRgnDesc> region = region_at.read();
    const Result<KnObjDesc> part = part_at.read();
    if (!region.ok() || !part.ok()) return Status::fault;
    const VmFlags options = region.value().options;
    if ((options & ~region_options) != 0 || (options & K_RESERVED) != 0 || contradictory(options))
        return Status::invalid;
    const Result<Placement> place = placement_of(region.value(), there.value());
    if (!place.ok()) return place.status();
    if (const Status status = check_part(part.value()); status != Status::ok) return status;
    if (region.value().size == 0 || region.value().size > part.value().size) return Status::size;
    return MapArguments{there.value(), region.value(), part.value(), place.value()};
}

[[nodiscard]] long show_segment(Thread& self, calls::Cap capability, UserInOut<KnRgnDesc> region_at,
                                UserIn<KnObjDesc> part_at, bool copies) {
    const Result<MapArguments> read = read_map(self, capability, region_at, part_at);
    if (!read.ok()) return static_cast<long>(read.status());
    auto [territory, region, part, place] = read.value();
    if (region_at.write(region) != Status::ok) return K_EFAULT;
    const Result<Segment*> segment = open_segment(part.dataObject);
    if (!segment.ok()) return static_cast<long>(segment.status());
    const Result<VirtAddr> start =
        territory.space->reserve(region.size, protection_of(region.options), place, attributes_of(region),
                                 Backing::frames, nullptr, {segment.value(), part.startOffset, copies});
    let_go_of_segment(*segment.value()); // the region has its own hold
    attend_segments();
    if (!start.ok()) return static_cast<long>(start.status());
    region.startAddr = start.value().raw();
    return hand_out(self, territory, region, region_at, (region.options & K_NODEMAND) != 0);
}

// ---- sgFlush: work.source_actor is the segment's capability, work.done the offset, work.size the end. ----

void flush_step(Thread& self) {
    LongWork& work = self.work;
    static_cast<void>(page_failed(self)); // of the mapper's answer all is known
    if (const long result = self.sync.waiter.result; result != K_OK) {
        if (result == K_EABORT) self.take_abort();
        return self.frame.set_result(result);
    }
    Segment* const segment = find_segment(work.source_actor);
    if (segment == nullptr) return self.frame.set_result(work.outcome);
    work.outcome = K_OK; // it may be gone when the next step comes: then all has been pushed
    bool waits = false;
    for (unsigned i = 0; i < looks_per_step && work.done < work.size && !waits; ++i) {
        waits = await_push(self, *segment, work.done, flush_step);
        work.done += page_size;
    }
    let_go_of_segment(*segment);
    attend_segments();
    if (waits) return;
    if (work.done < work.size)
        self.continuation = flush_step;
    else
        self.frame.set_result(K_OK);
}

} // namespace

namespace calls {

long rgnMap(Thread& self, Cap actor, UserInOut<KnRgnDesc> region, UserIn<KnObjDesc> segment) {
    return show_segment(self, actor, region, segment, false);
}

long rgnInit(Thread& self, Cap actor, UserInOut<KnRgnDesc> region, UserIn<KnObjDesc> segment) {
    return show_segment(self, actor, region, segment, true);
}

long sgFlush(Thread& self, UserIn<KnObjDesc> segment, VmFlags flags) {
    const Result<KnObjDesc> part = segment.read();
    if (!part.ok()) return K_EFAULT;
    if (flags != 0) return K_EINVAL;
    if (const Status status = check_part(part.value()); status != Status::ok)
        return static_cast<long>(status);
    LongWork& work = self.work;
    work.source_actor = part.value().dataObject;
    work.done = part.value().startOffset;
    work.size = round_up(part.value().startOffset + part.value().size, page_size);
    work.outcome = K_EUNKNOWN;
    self.sync.waiter.result = K_OK;
    flush_step(self);
    return no_result;
}

} // namespace calls
} // namespace chorale
