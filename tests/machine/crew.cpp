#include "tests/machine/crew.hpp"

#include "kernel/core/per_cpu.hpp"

namespace chorale::test {

using namespace host;

// ---- the actor and its threads ---------------------------------------------------------------------------

Task<void> Crew::make_actor() {
    Local<KnCap> place;
    const long made = co_await attempt(Call::actorCreate, 0, place.at(), K_SUPACTOR, K_ACTIVE);
    expect(made, K_OK, "a supervisor actor");
    if (made == K_OK) actor_ = co_await place.get();
}

Task<void> Crew::gather() {
    const CrewPointer self = shared_from_this();
    static_cast<void>(co_await in_supervisor_mode([self](u64) { return self->make_actor(); }));
}

Task<void> Crew::until_the_end(Program program, u64 argument) {
    const CrewPointer self = shared_from_this();
    co_await program(argument);
    --playing_;
}

Task<void> Crew::start(Program program, CpuIndex cpu, unsigned priority, std::shared_ptr<long> thread) {
    *thread = co_await start_supervisor_thread(actor_, std::move(program), cpu % cpu_count(), priority);
}

Task<long> Crew::serve(Program program, CpuIndex cpu, unsigned priority) {
    if (!there(actor_)) co_return K_EUNKNOWN;
    const CrewPointer self = shared_from_this();
    const auto thread = std::make_shared<long>(K_ENOMEM);
    const Program starts = [=](u64) { return self->start(program, cpu, priority, thread); };
    static_cast<void>(co_await in_supervisor_mode(starts));
    if (*thread <= 0) check(false, "a thread of a supervisor actor was not made");
    co_return *thread;
}

Task<long> Crew::play(Program program, CpuIndex cpu, unsigned priority) {
    const CrewPointer self = shared_from_this();
    const Program whole = [self, program = std::move(program)](u64 argument) {
        return self->until_the_end(program, argument);
    };
    ++playing_;
    const long thread = co_await serve(whole, cpu, priority);
    if (thread < 0) --playing_;
    co_return thread;
}

Task<void> Crew::end() {
    const CrewPointer self = shared_from_this();
    static_cast<void>(co_await until([self] { return self->playing_ == 0; }, 50 * millisecond));
    check(playing_ == 0, "players of a supervisor actor did not come to their end");
    if (there(actor_)) co_await remove_actor(actor_);
    actor_ = {};
}

// ---- LAPs ------------------------------------------------------------------------------------------------

Task<long> make_lap(KnCap owner, u64 handler, u64 cookie, u32 options, KnLapDesc& lap) {
    Named actor;
    Local<KnLapDesc> place;
    if (there(owner)) co_await actor.set(owner);
    const long made = co_await attempt(Call::svLapCreate, actor.at(), handler, cookie, options, place.at());
    expect(made, K_OK, "svLapCreate");
    if (made == K_OK) lap = co_await place.get();
    co_return made;
}

Task<void> remove_lap(KnLapDesc lap) {
    Local<KnLapDesc> place;
    co_await place.set(lap);
    for (int tries = 0; tries < 4 && co_await attempt(Call::svLapDelete, place.at()) == K_EFAULT; ++tries) {
    }
}

// ---- time ------------------------------------------------------------------------------------------------

KnTimeVal time_of(u64 nanoseconds) {
    constexpr u64 second = 1'000'000'000;
    return {static_cast<long>(nanoseconds / second), static_cast<long>(nanoseconds % second)};
}

Task<bool> until(std::function<bool()> holds, u64 limit) {
    for (const u64 end = engine().now() + limit; !holds() && engine().now() < end;)
        static_cast<void>(co_await rest(10 * microsecond));
    co_return holds();
}

Task<bool> work_until(std::function<bool()> holds, u64 limit) {
    constexpr unsigned stretch = 8; // then the other CPUs may go on, as they would
    const u64 end = engine().now() + limit;
    for (unsigned turns = 0; !holds() && engine().now() < end; ++turns) {
        if (turns % stretch == stretch - 1) engine().relax();
        co_await pause();
    }
    co_return holds();
}

void watch_others(const std::function<bool()>& holds) {
    constexpr unsigned longest = 3'000;
    for (unsigned looks = 0; looks < longest && !holds(); ++looks) engine().relax();
}

} // namespace chorale::test
