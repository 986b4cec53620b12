// The operations on memory and registers.
#include "tests/sim/workload.hpp"
#include "tests/sim/world.hpp"

#include <fmt/format.h>

namespace chorale::sim {

using namespace host;

namespace {

[[nodiscard]] unsigned actor_of(unsigned thread) { return world().plan.threads[thread].actor; }

} // namespace

// Allocates, lets other threads of the actor look, frees. Nobody looks once `value` is zero again: a thread
// checks it and reads in one go.
Task<void> use_region(unsigned thread, Op op) {
    Local<KnRgnDesc> region;
    KnRgnDesc wanted{};
    wanted.size = op.b * page_size;
    wanted.options = K_ANYWHERE | K_WRITABLE | K_NODEMAND;
    co_await region.set(wanted);
    const long made = co_await call(Call::rgnAllocate, 0, region.at());
    if (made != K_OK) {
        expect("rgnAllocate", thread, made, {K_ENOMEM, K_EUNKNOWN});
        co_return;
    }
    const KnRgnDesc given = co_await region.get();
    const VirtAddr at{given.startAddr};
    if (co_await load<u64>(at) != 0) failed(fmt::format("thread {}: new memory is not zero", thread));
    const u64 value = next_value(thread);
    co_await store(at, value);
    const bool first = world().shared[actor_of(thread)].value == 0;
    if (first) world().shared[actor_of(thread)] = {at, value};
    for (unsigned i = 0; i < 4; ++i) co_await pause();
    if (co_await load<u64>(at) != value) failed(fmt::format("thread {}: its memory has changed", thread));
    if (first) world().shared[actor_of(thread)] = {};
    KnRgnDesc range{};
    range.startAddr = at.raw();
    range.size = given.size;
    co_await region.set(range);
    expect("rgnFree", thread, co_await call(Call::rgnFree, 0, region.at()),
           {K_EBUSY, K_ENOMEM, K_EUNKNOWN}); // of an actor that is being deleted
}

Task<void> touch(unsigned thread, Op op) {
    for (unsigned left = op.b; left > 0; --left) {
        const Shared seen = world().shared[actor_of(thread)];
        if (seen.value != 0 && co_await load<u64>(seen.at) != seen.value)
            failed(fmt::format("thread {}: reads another page than the one that is mapped", thread));
        co_await pause();
    }
}

Task<void> copy(unsigned thread, Op op) {
    Local<KnCap> target;
    co_await target.set(world().actors[op.a]);
    // To where nobody keeps anything: behind all buffers.
    const VirtAddr to = free_data + 20 * room;
    expect("vmCopy", thread, co_await call(Call::vmCopy, 0, buffer_of(thread), target.at(), to, op.value, 0),
           {K_EUNKNOWN, K_EINVAL, K_EADDR});
}

Task<void> use_fpu_registers(unsigned thread, Op op) {
    const u64 value = next_value(thread);
    (co_await use_fpu())[thread % 8] = value;
    for (unsigned left = op.b; left > 0; --left) {
        co_await call(Call::threadDelay, 0);
        if ((co_await use_fpu())[thread % 8] != value)
            failed(fmt::format("thread {}: its floating-point registers have changed", thread));
    }
}

} // namespace chorale::sim
