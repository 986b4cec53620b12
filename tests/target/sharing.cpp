// Suite sharing: memory that several actors have, to see each other's changes or not to.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "memory.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

PhAddr place_of(const KnCap* actor, VmAddr at) {
    PhAddr place = 0;
    return vmPhysAddr(actor, at, &place) == K_OK ? place : 0;
}

int init_here(VmAddr to, VmAddr from, VmSize size) {
    KnRgnDesc target = region_at(to, 0, K_WRITABLE);
    const KnRgnDesc source = region_at(from, size, 0);
    return rgnInitFromActor(K_MYACTOR, &target, K_MYACTOR, &source);
}

// The first who writes gets a copy; the last who has the page takes it over.
void copied_on_write(Report& report) {
    REQUIRE_EQ(allocate(free_space, 8 * page), K_OK);
    for (VmSize i = 0; i < 6; ++i) {
        word_at(free_space + i * page) = 100 + i; // the last two pages are not touched
    }
    REQUIRE_EQ(init_here(other_space, free_space, 8 * page), K_OK);
    for (VmSize i = 0; i < 6; ++i) {
        CHECK_EQ(word_at(other_space + i * page), 100 + i);
        CHECK_EQ(place_of(K_MYACTOR, other_space + i * page), place_of(K_MYACTOR, free_space + i * page));
    }
    const PhAddr first = place_of(K_MYACTOR, free_space), second = place_of(K_MYACTOR, free_space + page);
    word_at(free_space) = 1;
    word_at(other_space + page) = 2;
    CHECK_EQ(word_at(other_space), 100);
    CHECK_EQ(word_at(free_space + page), 101);
    CHECK(place_of(K_MYACTOR, free_space) != first);
    CHECK_EQ(place_of(K_MYACTOR, other_space), first);
    word_at(other_space) = 3; // alone by now
    word_at(free_space + page) = 4;
    CHECK_EQ(place_of(K_MYACTOR, other_space), first);
    CHECK_EQ(place_of(K_MYACTOR, free_space + page), second);
    // By the nucleus's hand.
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(other_space + 2 * page)), K_OK);
    CHECK_EQ(word_at(free_space + 2 * page), 102);
    CHECK_EQ(vmCopy(K_MYACTOR, free_space, K_MYACTOR, free_space + 3 * page, 8, 0), K_OK);
    CHECK_EQ(word_at(other_space + 3 * page), 103);
    // Not touched at the time: each its own.
    word_at(free_space + 6 * page) = 5;
    CHECK_EQ(word_at(other_space + 6 * page), 0);
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK_EQ(word_at(other_space + 4 * page), 104);
    word_at(other_space + 4 * page) = 6;
    CHECK_EQ(release(other_space, 8 * page), K_OK);
}

// A copy of a copy, of parts, of large pages, of what may only be read.
void copies_of_copies(Report& report) {
    const KnSysStatistics before = settled_statistics();
    REQUIRE_EQ(allocate(free_space, 1024 * page, K_WRITABLE | K_NODEMAND), K_OK);
    for (VmSize i = 0; i < 1024; ++i) {
        word_at(free_space + i * page + 8) = i;
    }
    REQUIRE_EQ(init_here(other_space, free_space + 16 * page, 600 * page), K_OK);
    REQUIRE_EQ(init_here(other_space + 0x1000000, other_space, 600 * page), K_OK);
    KnRgnDesc read_only = region_at(other_space, 600 * page, 0);
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &read_only), K_OK);
    for (VmSize i = 0; i < 600; i += 7) {
        word_at(other_space + 0x1000000 + i * page + 8) = 7;
        word_at(free_space + (16 + i) * page + 8) = 8;
        CHECK_EQ(word_at(other_space + i * page + 8), 16 + i);
    }
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(other_space)), K_EFAULT);
    CHECK_EQ(release(other_space + 0x1000000, 600 * page), K_OK);
    CHECK_EQ(release(other_space, 600 * page), K_OK);
    CHECK_EQ(release(free_space, 1024 * page), K_OK);
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages);
}

void shared_range(Report& report) {
    EmptyActor actor, another;
    REQUIRE_EQ(actor.error, K_OK);
    REQUIRE_EQ(allocate(free_space, 8 * page), K_OK);
    word_at(free_space + 2 * page) = 1;
    KnRgnDesc target = region_at(0, 0, K_WRITABLE | K_ANYWHERE);
    const KnRgnDesc source = region_at(free_space + page, 4 * page, 0);
    REQUIRE_EQ(rgnMapFromActor(&actor.capability, &target, K_MYACTOR, &source), K_OK);
    const VmAddr there = target.startAddr;
    CHECK_EQ(read_in(&actor.capability, there + page), 1);
    CHECK_EQ(write_in(&actor.capability, there + 3 * page, 2), K_OK); // not touched before
    CHECK_EQ(word_at(free_space + 4 * page), 2);
    word_at(free_space + page) = 3;
    CHECK_EQ(read_in(&actor.capability, there), 3);
    // On to a third, read only; and a copy of what is shared, which is none of theirs.
    KnRgnDesc third = region_at(other_space, 0, 0);
    const KnRgnDesc shared = region_at(there, 4 * page, 0);
    REQUIRE_EQ(rgnMapFromActor(&another.capability, &third, &actor.capability, &shared), K_OK);
    KnRgnDesc copy = region_at(other_space + 0x100000, 0, K_WRITABLE);
    REQUIRE_EQ(rgnInitFromActor(&another.capability, &copy, &actor.capability, &shared), K_OK);
    word_at(free_space + page) = 4;
    CHECK_EQ(read_in(&another.capability, other_space), 4);
    CHECK_EQ(read_in(&another.capability, other_space + 0x100000), 3);
    CHECK_EQ(write_in(&another.capability, other_space + 0x100000, 5), K_OK);
    CHECK_EQ(word_at(free_space + page), 4);
    // Who lets go of it takes nothing from the others.
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK_EQ(read_in(&another.capability, other_space + 3 * page), 2);
    third.options = K_RESERVED;
    CHECK_EQ(rgnMapFromActor(&another.capability, &third, &actor.capability, &shared), K_EINVAL);
    const KnRgnDesc nothing = region_at(free_space, page, 0);
    third.options = 0;
    CHECK_EQ(rgnMapFromActor(&another.capability, &third, K_MYACTOR, &nothing), K_EADDR);
    CHECK_EQ(rgnMapFromActor(&another.capability, &third, &actor.capability, &shared), K_EOVERLAP);
}

void duplicated_actor(Report& report) {
    EmptyActor source, copy, mixed, shared;
    const auto make = [&](VmAddr at, VmFlags options) {
        KnRgnDesc region = region_at(at, 4 * page, K_WRITABLE | options);
        return rgnAllocate(&source.capability, &region);
    };
    REQUIRE_EQ(make(free_space, K_INHERITCOPY), K_OK);
    REQUIRE_EQ(make(free_space + 0x100000, K_INHERITSHARE), K_OK);
    REQUIRE_EQ(make(free_space + 0x200000, 0), K_OK);
    REQUIRE_EQ(make(free_space + 0x300000, K_RESERVED | K_INHERITCOPY), K_OK);
    for (const VmAddr at : {free_space, free_space + 0x100000, free_space + 0x200000}) {
        REQUIRE_EQ(write_in(&source.capability, at + page, at), K_OK);
    }
    REQUIRE_EQ(rgnDup(&mixed.capability, &source.capability, 0), K_OK);
    REQUIRE_EQ(rgnDup(&copy.capability, &source.capability, K_INHERITCOPY), K_OK);
    REQUIRE_EQ(rgnDup(&shared.capability, &source.capability, K_INHERITSHARE), K_OK);
    CHECK_EQ(rgnDup(&shared.capability, &source.capability, 0), K_EINVAL); // not empty
    CHECK_EQ(rgnDup(&source.capability, &source.capability, 0), K_EINVAL);
    for (const VmAddr at : {free_space, free_space + 0x100000, free_space + 0x200000}) {
        CHECK_EQ(read_in(&copy.capability, at + page), at);
        CHECK_EQ(write_in(&source.capability, at + page, 1), K_OK);
        CHECK_EQ(read_in(&copy.capability, at + page), at);
        CHECK_EQ(read_in(&shared.capability, at + page), 1);
        CHECK_EQ(write_in(&shared.capability, at, 2), K_OK);
        CHECK_EQ(read_in(&source.capability, at), 2);
    }
    CHECK_EQ(read_in(&mixed.capability, free_space + page), free_space);
    CHECK_EQ(read_in(&mixed.capability, free_space + 0x100000 + page), 1);
    CHECK_EQ(read_in(&mixed.capability, free_space + 0x200000), ~std::uint64_t{0}); // left out
    KnRgnStat stat[8];
    const KnRgnDesc all = region_at(free_space, 0x1000000, 0);
    CHECK_EQ(rgnStat(&mixed.capability, &all, stat, sizeof(stat)), 3);
    CHECK_EQ(rgnStat(&copy.capability, &all, stat, sizeof(stat)), 4);
    CHECK_EQ(stat[3].options & K_RESERVED, K_RESERVED);
}

// A whole program: the duplicate runs where the original would.
void run_in_duplicate(std::uintptr_t value) { word_at(free_space) = value; }

void duplicated_program(Report& report) {
    Child original;
    REQUIRE_EQ(original.create("original"), K_OK);
    KnRgnDesc region = region_at(free_space, page, K_WRITABLE);
    REQUIRE_EQ(rgnAllocate(&original.capability(), &region), K_OK);
    for (unsigned cpu = 0; cpu < cpu_count(); ++cpu) {
        Child duplicate;
        REQUIRE_EQ(duplicate.duplicate(original), K_OK);
        REQUIRE(duplicate.start(run_in_duplicate, 77 + cpu, higher_priority, cpu) > 0);
        CHECK(eventually([&] { return read_in(&duplicate.capability(), free_space) == 77 + cpu; }));
        CHECK_EQ(read_in(&original.capability(), free_space), 0);
    }
}

// ---- many CPUs -----------------------------------------------------------------------------------------

constexpr VmSize busy_pages = 8;
std::atomic<bool> busy;
std::atomic<unsigned> busy_threads;
std::atomic<std::uint64_t> busy_errors;

// Each has a word of its own in every page, and finds there what it wrote last.
void write_for_a_while(std::uintptr_t index) {
    std::uint64_t round = 0;
    for (; busy.load(); ++round) {
        for (VmSize i = 0; i < busy_pages; ++i) {
            volatile std::uint64_t& word = word_at(free_space + i * page + index * 8);
            if (word != round) {
                busy_errors.fetch_add(1);
            }
            word = round + 1;
        }
    }
    for (VmSize i = 0; i < busy_pages; ++i) {
        if (word_at(free_space + i * page + index * 8) != round) {
            busy_errors.fetch_add(1);
        }
    }
    busy_threads.fetch_sub(1);
}

// Copies are taken all the time; no write may get lost in an old frame, and no copy may change.
void writers_on_all_cpus(Report& report) {
    REQUIRE_EQ(allocate(free_space, busy_pages * page), K_OK);
    Helper helpers[4];
    busy = true;
    busy_errors = 0;
    busy_threads = cpu_count() < 4 ? cpu_count() : 4;
    const unsigned count = busy_threads.load();
    for (unsigned i = 0; i < count; ++i) {
        REQUIRE(helpers[i].start(write_for_a_while, i, lower_priority, i) > 0);
    }
    // An emulated CPU that waits for others may wait for long.
    const std::uint64_t end = now_microseconds() + 1'500'000;
    for (unsigned round = 0; round < 200 && now_microseconds() < end; ++round) {
        REQUIRE_EQ(init_here(other_space, free_space, busy_pages * page), K_OK);
        std::uint64_t seen[4];
        for (unsigned i = 0; i < count; ++i) {
            seen[i] = word_at(other_space + i * 8);
        }
        if (round % 4 == 0) {
            sleep_milliseconds(1);
        }
        for (unsigned i = 0; i < count; ++i) {
            CHECK_EQ(word_at(other_space + i * 8), seen[i]);
        }
        REQUIRE_EQ(release(other_space, busy_pages * page), K_OK);
    }
    busy = false;
    CHECK(eventually([] { return busy_threads.load() == 0; }));
    CHECK_EQ(busy_errors.load(), 0);
    CHECK_EQ(release(free_space, busy_pages * page), K_OK);
}

// Somebody waits for a semaphore in a page of which a copy is made: he is found there afterwards.
void waited_for_and_copied(Report& report) {
    REQUIRE_EQ(allocate(free_space, page), K_OK);
    auto* const semaphore = reinterpret_cast<KnSem*>(free_space);
    REQUIRE_EQ(semInit(semaphore, 0), K_OK);
    static std::atomic<int> result;
    for (unsigned round = 0; round < 3; ++round) {
        result = 1;
        Helper helper;
        REQUIRE(helper.start(
                    [](std::uintptr_t at) {
                        const KnTimeVal limit{2, 0};
                        result = semP(reinterpret_cast<KnSem*>(at), &limit);
                    },
                    free_space, higher_priority) > 0);
        REQUIRE_EQ(init_here(other_space, free_space, page), K_OK);
        CHECK_EQ(semV(semaphore), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result.load(), K_OK);
        CHECK_EQ(release(other_space, page), K_OK);
    }
    CHECK_EQ(release(free_space, page), K_OK);
}

// Everything comes back, however often.
void no_leaks(Report& report) {
    const auto round = [&] {
        EmptyActor actor;
        KnRgnDesc target = region_at(free_space, 0, K_WRITABLE);
        const KnRgnDesc source = region_at(free_space, 32 * page, 0);
        CHECK_EQ(rgnInitFromActor(&actor.capability, &target, K_MYACTOR, &source), K_OK);
        target.startAddr = other_space;
        CHECK_EQ(rgnMapFromActor(&actor.capability, &target, K_MYACTOR, &source), K_OK);
        CHECK_EQ(write_in(&actor.capability, free_space + page, 1), K_OK);
    };
    REQUIRE_EQ(allocate(free_space, 32 * page), K_OK);
    round();
    const KnSysStatistics before = settled_statistics();
    for (unsigned i = 0; i < 300; ++i) {
        round();
    }
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.freePages, before.freePages);
    CHECK_EQ(after.regions, before.regions);
    CHECK_EQ(after.slabObjects, before.slabObjects);
    CHECK_EQ(release(free_space, 32 * page), K_OK);
}

constexpr Case cases[] = {
    {"copied_on_write", copied_on_write},
    {"copies_of_copies", copies_of_copies},
    {"shared_range", shared_range},
    {"duplicated_actor", duplicated_actor},
    {"duplicated_program", duplicated_program},
    {"waited_for_and_copied", waited_for_and_copied},
    {"writers_on_all_cpus", writers_on_all_cpus},
    {"no_leaks", no_leaks},
};

} // namespace

const Suite sharing_suite{"sharing", cases};

} // namespace chorale::test
