// msgSpaceCreate and msgSpaceOpen: long work for large pools. The pages of the pools go into the caller's
// space a few at a time, as those of other actors do in rgnMapFromActor: each mapping owns its frames
// together with the space itself.
#include "kernel/call/handlers.hpp"
#include "kernel/call/region_steps.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mipc/opening.hpp"
#include "kernel/supervisor/handler.hpp"

namespace chorale {

namespace {

constexpr unsigned fresh_pages_per_step = 2; // each is filled with zeros

void finish(Thread& self) {
    self.clear(flag_finishing);
    self.frame.set_result(self.work.outcome);
    settle(self);
}

// ---- what could not be done goes as it came --------------------------------------------------------

void take_region_out(Thread& self) {
    const Result<Territory> there = territory_of(self.work.target_actor);
    // Of an actor that is being deleted it goes with everything.
    if (!there.ok() || self.work.range.range.empty()) return finish(self);
    there.value().space->give_up(self.work.range);
    take_out(self);
}

void dismantle(Thread& self) {
    MessageSpace& space = *self.message_wait.space;
    if (!space.end_waits_step() || !space.dismantle_step()) {
        self.continuation = dismantle;
        return;
    }
    end_space(execution_actor(self), self.message_wait.lid);
    take_region_out(self);
}

void fail(Thread& self, Status status) {
    self.work.outcome = static_cast<long>(status);
    if (give_up_opening(execution_actor(self), self.message_wait.lid)) {
        dismantle(self);
    } else {
        take_region_out(self);
    }
}

// ---- page by page ----------------------------------------------------------------------------------

// The pages from work.done on, each with a reference to its frame.
[[nodiscard]] Status gather(Thread& self, PageBatch& batch) {
    MessageSpace& space = *self.message_wait.space;
    const LongWork& work = self.work;
    const u32 all = static_cast<u32>(space.size() >> page_bits);
    for (unsigned fresh = 0; batch.count < PageBatch::capacity && fresh < fresh_pages_per_step;) {
        const u32 page = static_cast<u32>(work.done) + batch.count;
        if (page == all) break;
        const bool there = page < space.frame_count();
        const Result<PhysAddr> frame = there ? Result<PhysAddr>{space.frame(page)} : space.add_frame();
        if (!frame.ok() || !share_frame(frame.value())) return Status::no_memory;
        batch.pages[batch.count++] = {.at = work.target + uword{page} * page_size, .frame = frame.value()};
        fresh += there ? 0 : 1;
    }
    return Status::ok;
}

void map_step(Thread& self) {
    LongWork& work = self.work;
    MessageSpace& space = *self.message_wait.space;
    const Result<Territory> there = territory_of(work.target_actor);
    if (!there.ok()) return fail(self, Status::unknown);
    if (self.has(flag_dying)) return fail(self, Status::aborted);
    Space& target = *there.value().space;
    if (work.done << page_bits == space.size()) {
        target.finish_change(work.range);
        finish_opening(execution_actor(self), self.message_wait.lid, work.target);
        work.outcome = self.message_wait.lid;
        return finish(self);
    }
    PageBatch batch;
    if (gather(self, batch) != Status::ok) {
        for (unsigned i = 0; i < batch.count; ++i) release_frame(batch.pages[i].frame);
        return fail(self, Status::no_memory);
    }
    work.done += batch.count;
    if (target.take(batch, 0) != Status::ok) return fail(self, Status::no_memory);
    self.continuation = map_step;
}

void build_step(Thread& self) {
    if (self.has(flag_dying)) return fail(self, Status::aborted);
    const Result<bool> built = self.message_wait.space->build_step();
    if (!built.ok()) return fail(self, built.status());
    self.continuation = built.value() ? map_step : build_step;
}

// With a place in the actor's table: the region for the pools, which is nobody else's until the end.
void begin_mapping(Thread& self, MessageSpace& space, int lid, void (*next)(Thread&)) {
    LongWork& work = self.work;
    self.message_wait.space = &space;
    self.message_wait.lid = lid;
    self.set(flag_finishing);
    work.range = RangeWork{};
    work.done = 0;
    work.target_actor = execution_actor(self).capability;
    const Result<Territory> there = territory_of(work.target_actor);
    if (!there.ok()) return fail(self, there.status());
    const Result<VirtAddr> start = there.value().space->reserve(space.size(), protection_of(K_WRITABLE),
                                                                {Space::anywhere, {}, there.value().owner},
                                                                {}, Backing::frames, &work.range);
    if (!start.ok()) return fail(self, Status::no_memory);
    work.target = start.value();
    work.range.range = {start.value(), start.value() + space.size()};
    next(self);
}

void open_step(Thread& self) {
    Actor& actor = execution_actor(self);
    const auto name = static_cast<KnMsgSpaceId>(self.work.size);
    const Result<Opened> opened = begin_opening(actor, name);
    if (opened.status() == Status::busy) return pause(self, open_step);
    if (!opened.ok()) return self.frame.set_result(static_cast<long>(opened.status()));
    const int lid = opened.value().lid;
    if (opened.value().ready) return self.frame.set_result(lid);
    begin_mapping(self, *find_opening(actor.message_spaces, lid)->target, lid, map_step);
}

} // namespace

namespace calls {

long msgSpaceCreate(Thread& self, KnMsgSpaceId name, unsigned int queues, unsigned int pools,
                    UserIn<KnMsgPool> pool_at) {
    MessageSpacePlan plan{.name = name, .queues = queues, .pools = pools};
    if (pools == 0 || pools > K_MSG_POOLMAX) return K_EINVAL;
    for (unsigned i = 0; i < pools; ++i) {
        const Result<KnMsgPool> pool = UserIn<KnMsgPool>{pool_at.address() + i * sizeof(KnMsgPool)}.read();
        if (!pool.ok()) return K_EFAULT;
        plan.pool[i] = pool.value();
    }
    if (const Status status = MessageSpace::check(plan); status != Status::ok)
        return static_cast<long>(status);
    int lid = 0;
    const Result<MessageSpace*> space = begin_space(execution_actor(self), plan, lid);
    if (!space.ok()) return static_cast<long>(space.status());
    begin_mapping(self, *space.value(), lid, build_step);
    return no_result;
}

long msgSpaceOpen(Thread& self, KnMsgSpaceId name) {
    if (name == K_PRIVATEID) return K_EINVAL;
    self.work.size = name;
    open_step(self);
    return no_result;
}

} // namespace calls
} // namespace chorale
