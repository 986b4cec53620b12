// Address spaces: what a region costs where there are few and many.
#include "bench/host/meter.hpp"

#include "kernel/mem/space.hpp"

#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned operations = 64;
constexpr Protection read_write = Protection::read | Protection::write;

// So many regions of one page, with a hole as large behind each, so that none becomes one with its neighbour.
struct Filled {
    Space space;
    std::vector<VirtAddr> regions;

    explicit Filled(unsigned count) {
        constexpr u64 plenty = 1'000'000;
        if (space.create(plenty) != Status::ok) throw std::runtime_error{"no memory for a space"};
        for (unsigned i = 0; i < count; ++i) {
            const VirtAddr at = Space::anywhere_begin + 2 * i * page_size;
            if (!space.allocate(page_size, read_write, at).ok())
                throw std::runtime_error{"no memory for a region"};
            regions.push_back(at);
        }
    }
    [[nodiscard]] VirtAddr above() const { return regions.back() + large_page_size; }
};

[[nodiscard]] Filled& filled(unsigned count) {
    static std::map<unsigned, std::unique_ptr<Filled>> all;
    std::unique_ptr<Filled>& of_count = all[count];
    if (of_count == nullptr) of_count = std::make_unique<Filled>(count);
    return *of_count;
}

// TLBs are the machine's: no CPU has ever loaded these spaces.
[[nodiscard]] bool free(Space& space, VirtAddr at, uword size) {
    return space.free({at, at + size}, [](const TlbFlush&) {}) == Status::ok;
}

void check(benchmark::State& state, bool ok) {
    if (!ok) state.SkipWithError("a region could not be made, freed or found");
}

// `size` bytes behind all other regions, so that the whole list is passed on the way.
void measure_allocate_free(benchmark::State& state, unsigned count, uword size) {
    Filled& all = filled(count);
    bool ok = true;
    measure(state, operations, [&](unsigned) {
        const Result<VirtAddr> at = all.space.allocate(size, read_write, all.above());
        ok = ok && at.ok() && free(all.space, at.value(), size);
    });
    check(state, ok);
}

// Wherever there is room for two pages: behind all others, for the holes have room for one.
void measure_allocate_anywhere(benchmark::State& state, unsigned count) {
    Filled& all = filled(count);
    bool ok = true;
    measure(state, operations, [&](unsigned) {
        const Result<VirtAddr> at = all.space.allocate(2 * page_size, read_write);
        ok = ok && at.ok() && free(all.space, at.value(), 2 * page_size);
    });
    check(state, ok);
}

// Each region in turn, in no order: the average place in the list.
void measure_find(benchmark::State& state, unsigned count) {
    Filled& all = filled(count);
    const std::vector<unsigned> order = Random{}.permutation(count);
    bool ok = true;
    unsigned next = 0;
    measure(state, operations, [&](unsigned) {
        ok = all.space.region_at(all.regions[order[next]]).ok() && ok;
        next = next + 1 == count ? 0 : next + 1;
    });
    check(state, ok);
}

void measure_protect(benchmark::State& state, unsigned count) {
    Filled& all = filled(count);
    const VirtAddr at = all.regions.back();
    bool ok = true;
    measure(state, operations, [&](unsigned i) {
        const Protection wanted = i % 2 == 0 ? Protection::read : read_write;
        ok = all.space.protect({at, at + page_size}, wanted, [](const TlbFlush&) {}) == Status::ok && ok;
    });
    check(state, ok);
}

void measure_copy(benchmark::State& state, uword size) {
    Filled& all = filled(1);
    const VirtAddr at = all.above();
    bool ok = all.space.allocate(size, read_write, at).ok();
    std::vector<std::byte> bytes(size);
    measure(state, operations, [&](unsigned) { ok = all.space.copy_to(at, bytes) == Status::ok && ok; });
    check(state, free(all.space, at, round_up(size, page_size)) && ok);
}

} // namespace

void add_spaces() {
    // A list of regions has a limit; three are left for what is measured.
    for (const unsigned count : {1u, 100u, RegionList::limit < 1003 ? RegionList::limit - 3 : 1000}) {
        const auto each = [&](const char* operation, void (*run)(benchmark::State&, unsigned)) {
            add(std::string{"host.region."} + operation + ".n" + std::to_string(count),
                [=](benchmark::State& state) { run(state, count); });
        };
        each("allocate_free",
             [](benchmark::State& state, unsigned n) { measure_allocate_free(state, n, page_size); });
        each("allocate_anywhere", measure_allocate_anywhere);
        each("find", measure_find);
        each("protect", measure_protect);
    }
    add("host.region.allocate_free.pages64",
        [](benchmark::State& state) { measure_allocate_free(state, 1, 64 * page_size); });
    add("host.space.copy_to.b64", [](benchmark::State& state) { measure_copy(state, 64); });
    add("host.space.copy_to.b65536", [](benchmark::State& state) { measure_copy(state, 65536); });
}

} // namespace chorale::bench
