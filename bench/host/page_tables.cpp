// The page-table walker on tables of the host machine, which look like those of x86-64.
#include "bench/host/meter.hpp"

#include "kernel/mem/page_table.hpp"

#include <stdexcept>
#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned pages = 512; // of a batch: as many as the lowest table has entries
constexpr VirtAddr base{0x10'0000'0000};
constexpr Protection protection = Protection::read | Protection::write | Protection::user;

[[nodiscard]] VirtAddr page(unsigned number) { return base + number * page_size; }
[[nodiscard]] PhysAddr frame(unsigned number) { return PhysAddr{(u64{1} << 33) + number * page_size}; }

struct Tables {
    PageAccount account;
    PageTable table;

    Tables() {
        account.set_limit(1'000'000);
        const Result<PhysAddr> root = account.take(0);
        if (!root.ok()) throw std::runtime_error{"no memory for a page table"};
        zero_frames(root.value(), 0);
        table.open(root.value(), account);
    }
    [[nodiscard]] bool map(unsigned number) {
        return table.insert(page(number), frame(number), protection, 0, Visibility::shown) == Status::ok;
    }
    void hide(VirtRange range) {
        bool flush = false;
        const VirtAddr begin = range.begin;
        while (!range.empty()) range.begin = table.hide(range, begin, pages, flush);
    }
    void reap(VirtRange range) {
        while (!range.empty()) range.begin = table.reap(range, pages, false, false);
    }
    void unmap(VirtRange range) {
        hide(range);
        reap(range);
    }
    // Above what is measured there is one page more, so that the upper tables stay.
    [[nodiscard]] static VirtRange all() { return {page(0), page(pages)}; }
};

[[nodiscard]] Tables& tables() {
    static Tables only;
    return only;
}

void check(benchmark::State& state, bool ok) {
    if (!ok) state.SkipWithError("a page could not be mapped, or was not found");
}

void measure_map(benchmark::State& state) {
    bool ok = true;
    measure(
        state, pages, [] {}, [&](unsigned i) { ok = tables().map(i) && ok; },
        [] { tables().unmap(Tables::all()); });
    check(state, ok);
}

// Page by page, as for an actor that frees small pieces; and all in one, as when it ends.
void measure_unmap(benchmark::State& state, bool at_once) {
    bool ok = true;
    const auto map_all = [&] {
        for (unsigned i = 0; i < pages; ++i) ok = tables().map(i) && ok;
    };
    measure(
        state, pages, map_all,
        [&](unsigned i) {
            if (!at_once)
                tables().unmap({page(i), page(i + 1)});
            else if (i == 0)
                tables().unmap(Tables::all());
        },
        [] {});
    check(state, ok);
}

void measure_translate(benchmark::State& state, unsigned spread) {
    bool ok = true;
    const unsigned count = pages * spread;
    for (unsigned i = 0; i < count; ++i) ok = tables().map(i) && ok;
    const std::vector<unsigned> order = Random{}.permutation(count);
    unsigned next = 0;
    measure(state, pages, [&](unsigned) {
        const auto found = tables().table.translate(page(order[next]));
        ok = ok && found.has_value();
        keep(found);
        next = next + 1 == count ? 0 : next + 1;
    });
    tables().unmap({page(0), page(count)});
    check(state, ok);
}

} // namespace

void add_page_tables() {
    add("host.page_table.map", measure_map);
    add("host.page_table.unmap", [](benchmark::State& state) { measure_unmap(state, false); });
    add("host.page_table.unmap_range", [](benchmark::State& state) { measure_unmap(state, true); });
    add("host.page_table.translate.n512", [](benchmark::State& state) { measure_translate(state, 1); });
    add("host.page_table.translate.n32768", [](benchmark::State& state) { measure_translate(state, 64); });
}

} // namespace chorale::bench
