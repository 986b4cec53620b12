// Physical frames, objects of equal size, and the lock that guards what they share.
#include "bench/host/meter.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"

#include <array>
#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned operations = 1024;

struct Object {
    std::array<u64, 16> words;
};

constinit Cache<Object> objects{"bench"};

// Everything made, then everything given back: all magazines run empty and full on the way.
void measure_objects(benchmark::State& state, bool making) {
    std::vector<Object*> made(operations);
    bool ok = true;
    const auto make = [&](unsigned i) {
        const Result<Object*> object = objects.make();
        ok = ok && object.ok();
        made[i] = object.value();
    };
    const auto destroy = [&](unsigned i) { objects.destroy(made[i]); };
    const auto all = [](auto&& each) {
        for (unsigned i = 0; i < operations; ++i) each(i);
    };
    if (making)
        measure(state, operations, [] {}, make, [&] { all(destroy); });
    else
        measure(state, operations, [&] { all(make); }, destroy, [] {});
    if (!ok) state.SkipWithError("no memory");
}

void measure_object_pair(benchmark::State& state) {
    bool ok = true;
    measure(state, operations, [&](unsigned) {
        const Result<Object*> object = objects.make();
        ok = ok && object.ok();
        keep(object.value());
        if (ok) objects.destroy(object.value());
    });
    if (!ok) state.SkipWithError("no memory");
}

void measure_frame_pair(benchmark::State& state, unsigned order) {
    bool ok = true;
    measure(state, operations, [&](unsigned) {
        const Result<PhysAddr> block = allocate_frames(order);
        ok = ok && block.ok();
        if (ok) free_frames(block.value(), order);
    });
    if (!ok) state.SkipWithError("no memory");
}

// So many at once that the CPU's own stack of frames is filled and emptied all the time.
void measure_frames(benchmark::State& state, bool allocating) {
    std::vector<PhysAddr> frames(operations);
    bool ok = true;
    const auto allocate = [&](unsigned i) {
        const Result<PhysAddr> frame = allocate_frame();
        ok = ok && frame.ok();
        frames[i] = frame.value();
    };
    const auto free = [&](unsigned i) { free_frame(frames[i]); };
    const auto all = [](auto&& each) {
        for (unsigned i = 0; i < operations; ++i) each(i);
    };
    if (allocating)
        measure(state, operations, [] {}, allocate, [&] { all(free); });
    else
        measure(state, operations, [&] { all(allocate); }, free, [] {});
    if (!ok) state.SkipWithError("no memory");
}

void measure_lock(benchmark::State& state) {
    static Guarded<Rank::names, u64> guarded;
    measure(state, operations, [](unsigned) { guarded.with([](u64& value) { ++value; }); });
}

} // namespace

void add_memory() {
    add("host.lock.uncontended", measure_lock);
    add("host.frame.allocate_free", [](benchmark::State& state) { measure_frame_pair(state, 0); });
    add("host.frame.allocate_free.order9",
        [](benchmark::State& state) { measure_frame_pair(state, large_page_order); });
    add("host.frame.allocate.n1024", [](benchmark::State& state) { measure_frames(state, true); });
    add("host.frame.free.n1024", [](benchmark::State& state) { measure_frames(state, false); });
    add("host.slab.make_destroy", measure_object_pair);
    add("host.slab.make.n1024", [](benchmark::State& state) { measure_objects(state, true); });
    add("host.slab.destroy.n1024", [](benchmark::State& state) { measure_objects(state, false); });
}

} // namespace chorale::bench
