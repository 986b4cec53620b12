// The suite leaks, on memory: regions, what actors share and copy, locks, segments and their caches, and
// actors with all of it.
#include "child.hpp"
#include "helper.hpp"
#include "leaks.hpp"
#include "mapper.hpp"
#include "memory.hpp"
#include "turnover.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr VmAddr original = free_space, first_copy = free_space + 0x1000000;
constexpr VmSize size = 3 * page;

VmAddr place(unsigned i, VmAddr first = free_space) { return first + i * 16 * page; }

} // namespace

void leaks_of_regions(Report& report) {
    const auto make = [](unsigned i) {
        if (allocate(place(i), size) != K_OK) {
            return false;
        }
        word_at(place(i) + page) = i; // one of its pages comes
        return true;
    };
    // The page in the middle goes first, so that there are two regions.
    const auto destroy = [](unsigned i) {
        return release(place(i) + page, page) == K_OK && release(place(i), size) == K_OK;
    };
    no_leak(report, 640, make, destroy);
}

// The same memory twice, and a copy of it, in which a page is written.
void leaks_of_shared_memory(Report& report) {
    REQUIRE_EQ(allocate(original, size), K_OK);
    word_at(original) = 1;
    const auto make = [](unsigned i) {
        const KnRgnDesc source = region_at(original, size, 0);
        KnRgnDesc shared = region_at(place(i, first_copy), 0, K_WRITABLE);
        KnRgnDesc copy = region_at(place(i, first_copy) + size, 0, K_WRITABLE);
        if (rgnMapFromActor(K_MYACTOR, &shared, K_MYACTOR, &source) != K_OK ||
            rgnInitFromActor(K_MYACTOR, &copy, K_MYACTOR, &source) != K_OK) {
            return false;
        }
        word_at(shared.startAddr) = i; // by which the copy gets a page of its own
        word_at(copy.startAddr + page) = i;
        return true;
    };
    no_leak(report, 400, make, [](unsigned i) { return release(place(i, first_copy), 2 * size) == K_OK; });
    CHECK_EQ(release(original, size), K_OK);
}

void leaks_of_locks(Report& report) {
    REQUIRE_EQ(allocate(original, at_a_time * 16 * page), K_OK);
    const auto make = [](unsigned i) { return vmLock(K_MYACTOR, place(i), size, K_WRITABLE) == K_OK; };
    const auto destroy = [](unsigned i) { return vmUnLock(K_MYACTOR, place(i), size, 0) == K_OK; };
    no_leak(report, 640, make, destroy);
    CHECK_EQ(release(original, at_a_time * 16 * page), K_OK);
}

// Each with a mapper's port of its own: a segment that nobody has mapped before, one of whose pages comes and
// goes back changed.
void leaks_of_segments(Report& report) {
    static Mapper mapper;
    const auto make = [](unsigned i) {
        if (i == 0 && mapper.start(Manner::good, 0, true) != K_OK) {
            return false;
        }
        const KnObjDesc segment = mapper.segment();
        KnRgnDesc region = region_at(place(i, first_copy), size, K_WRITABLE);
        if (rgnMap(K_MYACTOR, &region, &segment) != K_OK) {
            return false;
        }
        word_at(region.startAddr + i % 3 * page) = first_word(i % 3);
        return true;
    };
    static unsigned left;
    left = at_a_time;
    const auto destroy = [](unsigned i) {
        const bool good = release(place(i, first_copy), size) == K_OK;
        if (--left == 0) {
            left = at_a_time;
            // When its last page is back.
            const bool gone = eventually([] { return Mapper::releases.load() != 0; });
            mapper.stop();
            return good && gone;
        }
        return good;
    };
    no_leak(report, 80, make, destroy);
    CHECK_EQ(Mapper::bad.load(), 0);
}

void leaks_of_caches(Report& report) {
    static Mapper mapper;
    static int caches[at_a_time];
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    const auto make = [](unsigned i) {
        const KnObjDesc segment = mapper.segment();
        const KnCap of_its_own{segment.dataObject.ui, segment.dataObject.key + (i % 2 == 0 ? 0 : 100 + i)};
        return lcOpen(&of_its_own, 0, &caches[i]) == K_OK;
    };
    no_leak(report, 400, make, [](unsigned i) { return lcClose(caches[i]) == K_OK; });
    mapper.stop();
}

// They share and copy memory, have a port, and a thread that waits for good and one for a while again and
// again.
void leaks_of_whole_actors(Report& report) {
    static Child model, children[at_a_time];
    REQUIRE_EQ(model.create("model"), K_OK);
    const ThreadBody wait = [](std::uintptr_t) {
        KnUniqueId name{};
        portCreate(K_MYACTOR, &name);
        threadDelay(K_NOTIMEOUT);
    };
    const ThreadBody run = [](std::uintptr_t) {
        for (;;) {
            sleep_milliseconds(1);
        }
    };
    const auto make = [=](unsigned i) {
        return children[i].duplicate(model) == K_OK &&
               children[i].start(wait, 0, higher_priority, i % cpu_count()) > 0 &&
               children[i].start(run, 0, lower_priority, (i + 1) % cpu_count()) > 0;
    };
    no_leak(report, 80, make, [](unsigned i) { return children[i].destroy() == K_OK; });
    model.destroy();
}

} // namespace chorale::test
