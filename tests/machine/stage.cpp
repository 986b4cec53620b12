#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

Task<void> Named::set(KnCap actor) {
    given_ = there(actor);
    if (given_) co_await place_.set(actor);
}

Task<long> make_port(KnCap actor, KnUniqueId& name) {
    Named owner;
    Local<KnUniqueId> made;
    co_await owner.set(actor);
    const long li = co_await attempt(Call::portCreate, owner.at(), made.at());
    if (li > 0) name = co_await made.get();
    co_return li;
}

KnRgnDesc region_of(VirtAddr at, uword size, VmFlags options) {
    KnRgnDesc region{};
    region.startAddr = at.raw();
    region.size = size;
    region.options = options;
    return region;
}

Task<long> allocate(KnCap actor, KnRgnDesc wanted) {
    Named owner;
    Local<KnRgnDesc> region;
    co_await owner.set(actor);
    co_await region.set(wanted);
    const long result = co_await attempt(Call::rgnAllocate, owner.at(), region.at());
    if (result != K_OK) co_return result;
    co_return static_cast<long>((co_await region.get()).startAddr);
}

Task<long> on_region(Call call, KnCap actor, KnRgnDesc wanted) {
    Named owner;
    Local<KnRgnDesc> region;
    co_await owner.set(actor);
    co_await region.set(wanted);
    co_return co_await attempt(call, owner.at(), region.at());
}

Task<long> on_range(Call call, KnCap actor, VirtAddr at, uword size, VmFlags flags) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(call, owner.at(), at, size, flags);
}

Task<long> transfer(Call call, KnCap to, KnRgnDesc made, KnCap from, KnRgnDesc given) {
    Named target, source;
    Local<KnRgnDesc> made_at, given_at;
    co_await target.set(to);
    co_await source.set(from);
    co_await made_at.set(made);
    co_await given_at.set(given);
    co_return co_await attempt(call, target.at(), made_at.at(), source.at(), given_at.at());
}

Task<long> release(KnCap actor, KnRgnDesc wanted) { return on_region(Call::rgnFree, actor, wanted); }

Task<long> rest(u64 nanoseconds) {
    constexpr u64 second = 1'000'000'000;
    Local<KnTimeVal> time;
    co_await time.set({static_cast<long>(nanoseconds / second), static_cast<long>(nanoseconds % second)});
    co_return co_await attempt(Call::threadDelay, time.at());
}

Task<long> on_thread(Call call, KnCap actor, long thread) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(call, owner.at(), thread);
}

Task<long> bind(KnCap actor, long thread, CpuIndex cpu) {
    Named owner;
    Local<KnCpuId> old;
    co_await owner.set(actor);
    co_return co_await attempt(Call::threadBind, owner.at(), thread, cpu, old.at(), K_NONEXCLUSIVE);
}

// K_EFAULT: a copy that was made to fail; K_EBUSY: somebody else is at it.
Task<void> remove_actor(KnCap actor) {
    Named victim;
    co_await victim.set(actor);
    for (int tries = 0; tries < 60; ++tries) {
        const long result = co_await attempt(Call::actorDelete, victim.at());
        if (result == K_OK || result == K_EUNKNOWN) co_return;
        co_await rest(100 * microsecond);
    }
    complain("an actor cannot be deleted");
}

Task<KnCap> Stage::actor(bool wide, u32 privilege) {
    Local<KnCap> place;
    if (co_await attempt(Call::actorCreate, 0, place.at(), privilege, K_ACTIVE) != K_OK) co_return nobody;
    const KnCap made = co_await place.get();
    actors_.push_back(made); // whatever fails now, it goes at the end
    const std::pair<VirtAddr, uword> memory[] = {
        {code_base, page_size}, {data_base, data_size}, {room, wide ? room_size : 0}};
    for (const auto [at, size] : memory) {
        // There from the beginning: a program cannot be told that a page it touches cannot come.
        const VmFlags options = (at == code_base ? K_EXECUTABLE : K_WRITABLE) | K_NODEMAND;
        if (size != 0 && co_await allocate(made, region_of(at, size, options)) < 0) co_return nobody;
    }
    co_return made;
}

Task<long> Stage::port(KnCap actor, KnUniqueId& name) {
    if (!there(actor)) co_return K_EUNKNOWN;
    co_return co_await make_port(actor, name);
}

Task<void> Stage::until_the_end(Program program, u64 argument) {
    const StagePointer self = shared_from_this();
    co_await program(argument);
    --playing_;
}

Task<long> Stage::serve(KnCap actor, Program program, ThreadSettings settings) {
    if (!there(actor)) co_return K_EUNKNOWN;
    Named owner;
    Local<KnThreadLid> lid;
    Local<KnFifoThParms> scheduling;
    Local<KnDefaultStartInfo_f> start;
    co_await owner.set(actor);
    co_await scheduling.set({K_SCHED_FIFO, settings.priority});
    co_await start.set(start_info(std::move(program), settings));
    const long made =
        co_await attempt(Call::threadCreate, owner.at(), lid.at(), K_INACTIVE, scheduling.at(), start.at());
    if (made != K_OK) co_return made;
    const KnThreadLid thread = co_await lid.get();
    if (thread == 0) co_return K_EFAULT; // it is there, but nobody was told its number
    if (settings.cpu != 0) co_await bind(actor, thread, settings.cpu);
    const long active = co_await on_thread(Call::threadActivate, actor, thread);
    co_return active == K_OK ? long{thread} : active;
}

Task<long> Stage::play(KnCap actor, Program program, ThreadSettings settings) {
    const StagePointer self = shared_from_this();
    const Program whole = [self, program = std::move(program)](u64 argument) {
        return self->until_the_end(program, argument);
    };
    ++playing_;
    const long thread = co_await serve(actor, whole, settings);
    if (thread < 0) --playing_;
    co_return thread;
}

Task<void> Stage::end(unsigned patience) {
    for (unsigned waited = 0; waited < patience && playing_ != 0; ++waited) co_await rest(millisecond);
    if (playing_ != 0 && !failures_expected())
        complain(std::to_string(playing_) + " players did not come to their end");

    while (!actors_.empty()) {
        co_await remove_actor(actors_.back());
        actors_.pop_back();
    }
    playing_ = 0;
}

} // namespace chorale::test
