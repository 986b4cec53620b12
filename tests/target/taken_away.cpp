// Suite taken_away: memory without access (K_NOACCESS), contents without memory's end (K_DISCARD).
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "memory.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

constexpr VmSize large = VmSize{2} << 20;

int protect(const KnCap* actor, VmAddr start, VmSize size, VmFlags options) {
    const KnRgnDesc region = region_at(start, size, options);
    return rgnSetProtect(actor, &region);
}

int discard(const KnCap* actor, VmAddr start, VmSize size) {
    const KnRgnDesc region = region_at(start, size, K_DISCARD);
    return rgnFree(actor, &region);
}

bool readable(VmAddr at) {
    std::uint64_t value = 0;
    return vmCopy(K_MYACTOR, at, K_MYACTOR, address_of(&value), sizeof value, 0) == K_OK;
}

VmFlags options_at(VmAddr at) {
    const KnRgnDesc range = region_at(at, page, 0);
    KnRgnStat stat{};
    return rgnStat(K_MYACTOR, &range, &stat, sizeof stat) == 1 ? stat.options : ~VmFlags{0};
}

void no_access(Report& report) {
    REQUIRE_EQ(allocate(free_space, 4 * page), K_OK);
    word_at(free_space + page) = 7;
    word_at(free_space + 2 * page) = 8;
    CHECK_EQ(protect(K_MYACTOR, free_space + page, 2 * page, K_NOACCESS), K_OK);
    CHECK(readable(free_space) && readable(free_space + 3 * page));
    CHECK(!readable(free_space + page) && !readable(free_space + 2 * page));
    CHECK_EQ(sysWrite(reinterpret_cast<void*>(free_space + page), 1), K_EFAULT);
    CHECK_EQ(write_in(K_MYACTOR, free_space + page, 9), K_EADDR);
    CHECK_EQ(vmLock(K_MYACTOR, free_space + page, page, 0), K_EADDR);
    CHECK_EQ(options_at(free_space + page) & (K_WRITABLE | K_NOACCESS), K_NOACCESS);
    CHECK_EQ(options_at(free_space) & (K_WRITABLE | K_NOACCESS), K_WRITABLE);
    CHECK_EQ(protect(K_MYACTOR, free_space + page, page, 0), K_OK);
    CHECK_EQ(word_at(free_space + page), 7);
    CHECK(!readable(free_space + 2 * page));
    CHECK_EQ(protect(K_MYACTOR, free_space + page, 2 * page, K_WRITABLE), K_OK);
    CHECK_EQ(word_at(free_space + 2 * page), 8);
    word_at(free_space + 2 * page) = 9;
    CHECK_EQ(protect(K_MYACTOR, free_space, page, K_NOACCESS | K_WRITABLE), K_EINVAL);
    CHECK_EQ(protect(K_MYACTOR, free_space, page, K_NOACCESS | K_EXECUTABLE), K_EINVAL);
    CHECK_EQ(release(free_space, 4 * page), K_OK);
}

// From the first: address space that becomes memory bit by bit.
void no_access_at_first(Report& report) {
    for (const VmFlags more : {VmFlags{0}, VmFlags{K_NODEMAND}}) {
        REQUIRE_EQ(allocate(free_space, 2 * large, K_NOACCESS | more), K_OK);
        CHECK(!readable(free_space) && !readable(free_space + 2 * large - page));
        CHECK_EQ(protect(K_MYACTOR, free_space + page, 2 * page, K_WRITABLE), K_OK);
        CHECK(!readable(free_space) && !readable(free_space + 3 * page));
        CHECK_EQ(word_at(free_space + page), 0);
        word_at(free_space + 2 * page) = 5;
        CHECK_EQ(protect(K_MYACTOR, free_space, large, K_NOACCESS), K_OK);
        CHECK(!readable(free_space + 2 * page));
        CHECK_EQ(protect(K_MYACTOR, free_space, large, 0), K_OK);
        CHECK_EQ(word_at(free_space + 2 * page), 5);
        CHECK_EQ(release(free_space, 2 * large), K_OK);
    }
}

// What is without access goes to others as anything else does.
void passed_on(Report& report) {
    REQUIRE_EQ(allocate(free_space, 2 * page), K_OK);
    word_at(free_space) = 3;
    CHECK_EQ(protect(K_MYACTOR, free_space, 2 * page, K_NOACCESS), K_OK);
    KnRgnDesc copy = region_at(other_space, 0, K_WRITABLE);
    const KnRgnDesc source = region_at(free_space, 2 * page, 0);
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &copy, K_MYACTOR, &source), K_OK);
    CHECK_EQ(word_at(other_space), 3);
    word_at(other_space) = 4;
    CHECK_EQ(release(other_space, 2 * page), K_OK);
    REQUIRE_EQ(rgnMapFromActor(K_MYACTOR, &copy, K_MYACTOR, &source), K_OK);
    word_at(other_space + page) = 6;
    CHECK(!readable(free_space));
    CHECK_EQ(protect(K_MYACTOR, free_space, 2 * page, K_WRITABLE), K_OK);
    CHECK_EQ(word_at(free_space), 3);
    CHECK_EQ(word_at(free_space + page), 6);
    CHECK_EQ(release(other_space, 2 * page), K_OK);
    CHECK_EQ(release(free_space, 2 * page), K_OK);
}

std::atomic<std::uint64_t> rounds;

void write_for_ever(std::uintptr_t address) {
    for (;;) {
        word_at(address) = 1;
        rounds.fetch_add(1);
    }
}

std::uint64_t rounds_of(const Child& child) { return read_in(&child.capability(), address_of(&rounds)); }

// Every CPU forgets the page.
void no_access_on_all_cpus(Report& report) {
    Child child;
    REQUIRE_EQ(child.create("writer"), K_OK);
    KnRgnDesc region = region_at(free_space, page, K_WRITABLE);
    REQUIRE_EQ(rgnAllocate(&child.capability(), &region), K_OK);
    REQUIRE(child.start(write_for_ever, free_space, lower_priority, cpu_count() - 1) > 0);
    REQUIRE(eventually([&] { return rounds_of(child) > 1000; }));
    CHECK_EQ(protect(&child.capability(), free_space, page, K_NOACCESS), K_OK);
    CHECK(child.gone());
}

void discarded(Report& report) {
    REQUIRE_EQ(allocate(free_space, 8 * page), K_OK);
    const KnSysStatistics before = settled_statistics();
    for (VmSize i = 0; i < 8; ++i) {
        word_at(free_space + i * page) = i + 1;
    }
    CHECK_EQ(discard(K_MYACTOR, free_space + 2 * page, 3 * page), K_OK);
    for (VmSize i = 0; i < 8; ++i) {
        CHECK_EQ(word_at(free_space + i * page), i >= 2 && i < 5 ? 0 : i + 1);
    }
    CHECK_EQ(options_at(free_space) & K_WRITABLE, K_WRITABLE);
    CHECK_EQ(discard(K_MYACTOR, free_space, 8 * page), K_OK);
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.regions, before.regions); // none was cut
    CHECK(after.freePages + 64 >= before.freePages);
    CHECK_EQ(word_at(free_space), 0);
    CHECK_EQ(discard(K_MYACTOR, free_space + 1, page), K_EROUND);
    CHECK_EQ(discard(K_MYACTOR, free_space, 0), K_ESIZE);
    CHECK_EQ(discard(K_MYACTOR, other_space, page), K_EADDR);
    KnRgnDesc both = region_at(free_space, page, K_DISCARD | K_FREEALL);
    CHECK_EQ(rgnFree(K_MYACTOR, &both), K_EINVAL);
    CHECK_EQ(release(free_space, 8 * page), K_OK);
}

// Also of pages that are large, without access, or others' too.
void discarded_of_any_kind(Report& report) {
    REQUIRE_EQ(allocate(free_space, 2 * large, K_WRITABLE | K_NODEMAND), K_OK);
    word_at(free_space + page) = 1;
    word_at(free_space + large + page) = 1;
    word_at(free_space + large - page) = 2;
    word_at(free_space) = 2;
    CHECK_EQ(discard(K_MYACTOR, free_space + page, 2 * page), K_OK);
    CHECK_EQ(word_at(free_space + page), 0);
    CHECK_EQ(word_at(free_space), 2);
    CHECK_EQ(word_at(free_space + large - page), 2);
    CHECK_EQ(discard(K_MYACTOR, free_space, 2 * large), K_OK);
    CHECK_EQ(word_at(free_space + large + page), 0);
    CHECK_EQ(word_at(free_space), 0);
    CHECK_EQ(release(free_space, 2 * large), K_OK);

    REQUIRE_EQ(allocate(free_space, 2 * page), K_OK);
    word_at(free_space) = 5;
    KnRgnDesc copy = region_at(other_space, 0, K_WRITABLE);
    const KnRgnDesc source = region_at(free_space, 2 * page, 0);
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &copy, K_MYACTOR, &source), K_OK);
    CHECK_EQ(discard(K_MYACTOR, free_space, 2 * page), K_OK);
    CHECK_EQ(word_at(free_space), 0);
    CHECK_EQ(word_at(other_space), 5);
    word_at(free_space) = 6;
    CHECK_EQ(protect(K_MYACTOR, free_space, 2 * page, K_NOACCESS), K_OK);
    CHECK_EQ(discard(K_MYACTOR, free_space, 2 * page), K_OK);
    CHECK(!readable(free_space));
    CHECK_EQ(protect(K_MYACTOR, free_space, 2 * page, K_WRITABLE), K_OK);
    CHECK_EQ(word_at(free_space), 0);
    CHECK_EQ(release(free_space, 2 * page), K_OK);
    CHECK_EQ(release(other_space, 2 * page), K_OK);
}

// Others touch the pages meanwhile: nothing fails, and nothing of before is left.
constexpr VmSize touched_pages = 64;
std::atomic<bool> stop;

void touch_for_ever(std::uintptr_t) {
    while (!stop) {
        for (VmSize i = 0; i < touched_pages; ++i) {
            const std::uint64_t value = word_at(free_space + i * page);
            if (value != 0 && value != rounds && value + 1 != rounds) {
                stop = true;
            }
        }
    }
}

void discarded_in_use(Report& report) {
    REQUIRE_EQ(allocate(free_space, touched_pages * page), K_OK);
    stop = false;
    rounds = 0;
    Helper helpers[3];
    for (unsigned i = 0; i < 3; ++i) {
        REQUIRE(helpers[i].start(touch_for_ever, 0, lower_priority, i % cpu_count()) > 0);
    }
    unsigned left = 0;
    for (std::uint64_t round = 1; round <= 200; ++round) {
        rounds = round;
        for (VmSize i = 0; i < touched_pages; i += 3) {
            word_at(free_space + i * page) = round;
        }
        CHECK_EQ(discard(K_MYACTOR, free_space, touched_pages * page), K_OK);
        for (VmSize i = 0; i < touched_pages; ++i) {
            left += word_at(free_space + i * page) != 0 ? 1U : 0U;
        }
        if (round % 8 == 0) {
            sleep_milliseconds(1);
        }
    }
    CHECK_EQ(left, 0);
    CHECK(!stop); // nobody has seen anything older than the round before
    stop = true;
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK_EQ(release(free_space, touched_pages * page), K_OK);
}

KnSem* const semaphore = reinterpret_cast<KnSem*>(free_space);
std::atomic<int> outcome;

void wait_there(std::uintptr_t) { outcome = semP(semaphore, K_NOTIMEOUT); }

// Who waits in memory whose contents go does not wait for ever.
void waits_end(Report& report) {
    REQUIRE_EQ(allocate(free_space, page), K_OK);
    REQUIRE_EQ(semInit(semaphore, 0), K_OK);
    outcome = 1;
    Helper helper;
    REQUIRE(helper.start(wait_there, 0, higher_priority) > 0);
    sleep_milliseconds(5);
    CHECK_EQ(outcome.load(), 1);
    CHECK_EQ(discard(K_MYACTOR, free_space, page), K_OK);
    CHECK(helper.join());
    CHECK_EQ(outcome.load(), K_EFAULT);
    CHECK_EQ(release(free_space, page), K_OK);
}

constexpr Case cases[] = {
    {"no_access", no_access},
    {"no_access_at_first", no_access_at_first},
    {"passed_on", passed_on},
    {"no_access_on_all_cpus", no_access_on_all_cpus},
    {"discarded", discarded},
    {"discarded_of_any_kind", discarded_of_any_kind},
    {"discarded_in_use", discarded_in_use},
    {"waits_end", waits_end},
};

} // namespace

const Suite taken_away_suite{"taken_away", cases};

} // namespace chorale::test
