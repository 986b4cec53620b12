// Suite segment_copies: segments read and written without a mapping, and regions of them that go from actor
// to actor.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "mapper.hpp"
#include "memory.hpp"
#include "settled.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

alignas(page) std::uint64_t buffer[3 * page / 8];
constexpr VmSize words = page / 8;

KnObjDesc part(const Mapper& mapper, VmOffset offset, VmSize size) {
    KnObjDesc segment = mapper.segment();
    segment.startOffset = offset;
    segment.size = size;
    return segment;
}

int read_word(const Mapper& mapper, VmOffset offset, std::uint64_t& value) {
    const KnObjDesc segment = part(mapper, offset, sizeof value);
    return sgRead(&segment, K_MYACTOR, address_of(&value), 0);
}
int write_word(const Mapper& mapper, VmOffset offset, std::uint64_t value) {
    const KnObjDesc segment = part(mapper, offset, sizeof value);
    return sgWrite(&segment, K_MYACTOR, address_of(&value), 0);
}

// Any range, to any address, mapped by others or by nobody.
void read(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    buffer[2 * words] = buffer[0] = 1;
    const KnObjDesc odd = part(mapper, 4 * page - 8, page + 16);
    REQUIRE_EQ(sgRead(&odd, K_MYACTOR, address_of(buffer + 3), K_MOVE), K_OK);
    CHECK_EQ(buffer[0], 1);
    CHECK_EQ(buffer[3], 0);
    CHECK_EQ(buffer[4], first_word(4));
    CHECK_EQ(buffer[4 + words], first_word(5));
    CHECK_EQ(buffer[2 * words], 1);
    CHECK_EQ(Mapper::pulls.load(), 3);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment()), K_OK);
    word_at(free_space + 5 * page) = 9; // not pushed out
    std::uint64_t value = 0;
    CHECK_EQ(read_word(mapper, 5 * page, value), K_OK);
    CHECK_EQ(value, 9);
    EmptyActor actor;
    KnRgnDesc region = region_at(free_space, 2 * page, K_WRITABLE);
    REQUIRE_EQ(rgnAllocate(&actor.capability, &region), K_OK);
    const KnObjDesc two = part(mapper, 5 * page, 2 * page);
    CHECK_EQ(sgRead(&two, &actor.capability, free_space, 0), K_OK);
    CHECK_EQ(read_in(&actor.capability, free_space), 9);
    CHECK_EQ(read_in(&actor.capability, free_space + page), first_word(6));
    // Into the same segment, page by page and within one page.
    CHECK_EQ(sgRead(&two, K_MYACTOR, free_space + page, 0), K_OK);
    CHECK_EQ(word_at(free_space + page), 9);
    const KnObjDesc half = part(mapper, page, page / 2);
    CHECK_EQ(sgRead(&half, K_MYACTOR, free_space + page + page / 2, 0), K_OK);
    CHECK_EQ(word_at(free_space + page + page / 2), 9);
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK(eventually([] { return Mapper::stored(1) == 9 && Mapper::stored(5) == 9; }));
    CHECK_EQ(Mapper::bad.load(), 0);
}

void written(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::read_only_first), K_OK);
    // A part of each page: the rest stays.
    CHECK_EQ(write_word(mapper, 3 * page + 8, 5), K_OK);
    CHECK(eventually([] { return Mapper::pushes.load() == 1; }));
    CHECK_EQ(Mapper::accesses.load(), 1);
    CHECK_EQ(Mapper::stored(3), first_word(3));
    for (VmSize i = 0; i < 2 * words; ++i) {
        buffer[i] = i;
    }
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment()), K_OK);
    const KnObjDesc across = part(mapper, 3 * page + page / 2, 2 * page);
    CHECK_EQ(sgWrite(&across, K_MYACTOR, address_of(buffer), 0), K_OK);
    CHECK_EQ(word_at(free_space + 3 * page), first_word(3));
    CHECK_EQ(word_at(free_space + 3 * page + 8), 5);
    CHECK_EQ(word_at(free_space + 4 * page), words / 2);
    CHECK_EQ(word_at(free_space + 5 * page + page / 2 - 8), 2 * words - 1);
    CHECK_EQ(word_at(free_space + 5 * page + page / 2), 0);
    CHECK(eventually([] { return Mapper::stored(4) == words / 2; }));
    Mapper::manner = Manner::denies_writing;
    CHECK_EQ(write_word(mapper, 9 * page, 1), K_EFAIL);
    Mapper::manner = Manner::good;
    std::uint64_t value = 0;
    CHECK_EQ(read_word(mapper, 9 * page, value), K_OK);
    CHECK_EQ(value, first_word(9));
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK_EQ(Mapper::bad.load(), 0);
}

void errors(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    KnObjDesc segment = mapper.segment(0, 2);
    const VmAddr at = address_of(buffer);
    CHECK_EQ(sgRead(&segment, K_MYACTOR, at, K_WRITABLE), K_EINVAL);
    CHECK_EQ(sgRead(&segment, K_MYACTOR, free_space, 0), K_EADDR);
    CHECK_EQ(sgWrite(&segment, K_MYACTOR, free_space, 0), K_EADDR);
    CHECK_EQ(sgRead(&segment, K_MYACTOR, ~VmAddr{0} - 8, 0), K_EADDR);
    CHECK_EQ(sgRead(reinterpret_cast<const KnObjDesc*>(8), K_MYACTOR, at, 0), K_EFAULT);
    KnCap nobody{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &nobody, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(actorDelete(&nobody), K_OK);
    CHECK_EQ(sgRead(&segment, &nobody, at, 0), K_EUNKNOWN);
    REQUIRE_EQ(allocate(free_space, page), K_OK);
    KnRgnDesc read_only = region_at(free_space, page, 0);
    REQUIRE_EQ(rgnSetProtect(K_MYACTOR, &read_only), K_OK);
    CHECK_EQ(sgRead(&segment, K_MYACTOR, free_space, 0), K_EADDR);
    CHECK_EQ(sgWrite(&segment, K_MYACTOR, free_space, 0), K_EADDR); // the second page is missing
    CHECK(eventually([] { return Mapper::stored(0) == 0; }));       // the first has been written
    CHECK_EQ(release(free_space, page), K_OK);
    segment.size = 0;
    CHECK_EQ(sgRead(&segment, K_MYACTOR, at, 0), K_ESIZE);
    segment.size = page;
    segment.startOffset = ~VmOffset{0} - 8;
    CHECK_EQ(sgWrite(&segment, K_MYACTOR, at, 0), K_ESIZE);
    segment.startOffset = 0;
    segment.dataObject.ui.uiTail ^= 1;
    CHECK_EQ(sgRead(&segment, K_MYACTOR, at, 0), K_EUNKNOWN);
}

// A cache that is kept, by its local id; this actor is a system actor.
void local_caches(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good, 0, true), K_OK);
    KnObjDesc segment = mapper.segment();
    int cache = 0, again = 0;
    REQUIRE_EQ(lcOpen(&segment.dataObject, 0, &cache), K_OK);
    REQUIRE_EQ(lcOpen(&segment.dataObject, 0, &again), K_OK);
    CHECK(cache != again);
    KnCap one{}, other{};
    CHECK_EQ(lcCap(cache, &one), K_OK);
    CHECK_EQ(lcCap(again, &other), K_OK);
    CHECK_EQ(one.key, other.key); // of one segment there is one cache
    VmSize size = page + 8;
    CHECK_EQ(lcRead(cache, page, K_MYACTOR, address_of(buffer), &size), K_OK);
    CHECK_EQ(size, page + 8);
    CHECK_EQ(buffer[0], first_word(1));
    CHECK_EQ(buffer[words], first_word(2));
    buffer[0] = 5;
    size = 8;
    CHECK_EQ(lcWrite(again, 3 * page, K_MYACTOR, address_of(buffer), &size), K_OK);
    CHECK(eventually([] { return Mapper::stored(3) == 5; }));
    REQUIRE_EQ(allocate(free_space, page), K_OK);
    size = 2 * page;
    CHECK_EQ(lcRead(cache, 0, K_MYACTOR, free_space, &size), K_EADDR); // the second page is missing
    CHECK_EQ(size, page);
    CHECK_EQ(release(free_space, page), K_OK);
    CHECK_EQ(lcRead(99, 0, K_MYACTOR, address_of(buffer), &size), K_EINVAL);
    CHECK_EQ(lcRead(cache, 0, K_MYACTOR, address_of(buffer), reinterpret_cast<VmSize*>(8)), K_EFAULT);
    size = 0;
    CHECK_EQ(lcWrite(cache, 0, K_MYACTOR, address_of(buffer), &size), K_ESIZE);
    CHECK_EQ(lcOpen(&segment.dataObject, 1, &cache), K_EINVAL);
    CHECK_EQ(lcCap(cache, reinterpret_cast<KnCap*>(8)), K_EFAULT);
    CHECK_EQ(lcClose(cache), K_OK);
    CHECK_EQ(lcClose(cache), K_EINVAL);
    CHECK_EQ(lcCap(cache, &one), K_EINVAL);
    CHECK_EQ(Mapper::releases.load(), 0);
    CHECK_EQ(lcClose(again), K_OK);
    CHECK_EQ(lcClose(0), K_EINVAL);
    CHECK(eventually([] { return Mapper::releases.load() == 1; }));
    int ids[17];
    for (int i = 0; i < 16; ++i) {
        CHECK_EQ(lcOpen(&segment.dataObject, 0, &ids[i]), K_OK);
    }
    CHECK_EQ(lcOpen(&segment.dataObject, 0, &ids[16]), K_EFULL);
    for (int i = 0; i < 16; ++i) {
        CHECK_EQ(lcClose(ids[i]), K_OK);
    }
    segment.dataObject.ui.uiTail ^= 1;
    CHECK_EQ(lcOpen(&segment.dataObject, 0, &cache), K_EUNKNOWN);
}

// They end with their actor. A user actor has none.
void local_caches_end(Report& report) {
    const Counted counted{report};
    static Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    const auto open = [](std::uintptr_t) {
        int cache = 0;
        const KnObjDesc segment = mapper.segment();
        for (int i = 0; i < 3; ++i) {
            if (lcOpen(&segment.dataObject, 0, &cache) != K_OK) return;
        }
        write_word(mapper, 7 * page, 7);
    };
    for (const KnActorPrivilege privilege : {K_SYSTEMACTOR, K_USERACTOR}) {
        Mapper::pulls = 0;
        Child child;
        REQUIRE_EQ(child.create("keeps caches", privilege), K_OK);
        REQUIRE(child.start(open, 0) > 0);
        const unsigned wanted = privilege == K_SYSTEMACTOR ? 1 : 0;
        CHECK(eventually([wanted] { return Mapper::pulls.load() == wanted; }));
        sleep_milliseconds(20);
        CHECK_EQ(Mapper::pulls.load(), wanted);
        CHECK_EQ(child.destroy(), K_OK);
    }
    mapper.stop();
}

// What a mapper says reaches the caller; one that says nothing holds nobody.
void mappers_that_fail(Report& report) {
    const Counted counted{report};
    static Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::refuses), K_OK);
    std::uint64_t value = 0;
    CHECK_EQ(read_word(mapper, page, value), mapper_error);
    CHECK_EQ(write_word(mapper, page, value), mapper_error);
    Mapper::manner = Manner::short_body;
    CHECK_EQ(read_word(mapper, page, value), K_EFAIL);
    Mapper::manner = Manner::never;
    static std::atomic<int> outcome;
    outcome = 1;
    const auto wait = [](std::uintptr_t offset) {
        std::uint64_t got = 0;
        outcome = read_word(mapper, offset, got);
    };
    Helper aborted, deleted;
    REQUIRE(aborted.start(wait, page) > 0);
    REQUIRE(deleted.start(wait, 2 * page) > 0);
    sleep_milliseconds(5);
    CHECK_EQ(outcome.load(), 1);
    CHECK_EQ(threadAbort(K_MYACTOR, aborted.thread()), K_OK);
    CHECK(aborted.join());
    CHECK_EQ(outcome.load(), K_EABORT);
    deleted.stop();
    Child child;
    REQUIRE_EQ(child.create("reads a segment"), K_OK);
    REQUIRE(child.start(wait, 3 * page) > 0);
    sleep_milliseconds(2);
    CHECK_EQ(child.destroy(), K_OK);
    Helper left;
    outcome = 1;
    REQUIRE(left.start(wait, 4 * page) > 0);
    sleep_milliseconds(2);
    mapper.stop();
    CHECK(left.join());
    CHECK(outcome.load() < 0);
    CHECK_EQ(read_word(mapper, page, value), K_EUNKNOWN);
}

// ---- regions of segments that go on -------------------------------------------------------------

// One new region for each thing that is mapped: memory, a segment, a copy of one, memory.
void mapped_from_actor(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    EmptyActor actor;
    REQUIRE_EQ(allocate(free_space, 2 * page), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space + 2 * page, 4 * page, mapper.segment(8)), K_OK);
    KnRgnDesc copied = region_at(free_space + 6 * page, 2 * page, K_WRITABLE);
    const KnObjDesc copied_part = mapper.segment(20, 2);
    REQUIRE_EQ(rgnInit(K_MYACTOR, &copied, &copied_part), K_OK);
    REQUIRE_EQ(allocate(free_space + 8 * page, page), K_OK);
    word_at(free_space + page) = 1;
    word_at(free_space + 6 * page) = 6;
    KnRgnDesc target = region_at(0, 0, K_WRITABLE | K_ANYWHERE);
    const KnRgnDesc source = region_at(free_space + page, 8 * page, 0);
    REQUIRE_EQ(rgnMapFromActor(&actor.capability, &target, K_MYACTOR, &source), K_OK);
    CHECK_EQ(Mapper::pulls.load(), 1);
    const VmAddr there = target.startAddr;
    KnRgnStat stat[8];
    const KnRgnDesc all = region_at(there, 8 * page, 0);
    CHECK_EQ(rgnStat(&actor.capability, &all, stat, sizeof stat), 4);
    CHECK_EQ(stat[1].startAddr, there + page);
    CHECK_EQ(stat[1].size, 4 * page);
    CHECK_EQ(read_in(&actor.capability, there), 1);
    CHECK_EQ(read_in(&actor.capability, there + 2 * page), first_word(9));
    CHECK_EQ(write_in(&actor.capability, there + 2 * page, 2), K_OK);
    CHECK_EQ(word_at(free_space + 3 * page), 2);
    word_at(free_space + 4 * page) = 3;
    CHECK_EQ(read_in(&actor.capability, there + 3 * page), 3);
    CHECK_EQ(read_in(&actor.capability, there + 5 * page), 6);
    CHECK_EQ(read_in(&actor.capability, there + 6 * page), first_word(21)); // each side's own
    word_at(free_space + 8 * page) = 8;
    CHECK_EQ(read_in(&actor.capability, there + 7 * page), 8);
    CHECK_EQ(release(free_space, 9 * page), K_OK);
    CHECK_EQ(Mapper::pushes.load(), 0); // somebody has the pages still
    CHECK_EQ(read_in(&actor.capability, there + 3 * page), 3);
    const KnRgnDesc gone = region_at(there + 3 * page, page, 0);
    CHECK_EQ(rgnFree(&actor.capability, &gone), K_OK);
    CHECK(eventually([] { return Mapper::stored(10) == 3; }));
    CHECK_EQ(rgnFree(&actor.capability, &all), K_OK);
    CHECK(eventually([] { return Mapper::stored(9) == 2; }));
    CHECK_EQ(Mapper::pushes.load(), 2);
}

// What the source has touched is copied now, the rest when it is wanted; nothing goes back to the segment.
void copied_from_actor(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment(8)), K_OK);
    word_at(free_space + 2 * page) = 1;
    KnRgnDesc target = region_at(other_space, 0, K_WRITABLE);
    const KnRgnDesc source = region_at(free_space + page, 6 * page, 0);
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &target, K_MYACTOR, &source), K_OK);
    word_at(free_space + 2 * page) = 2;
    CHECK_EQ(word_at(other_space + page), 1);
    CHECK_EQ(word_at(other_space + 2 * page), first_word(11));
    word_at(other_space) = 3; // not there before
    CHECK_EQ(word_at(free_space + page), first_word(9));
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK(eventually([] { return Mapper::stored(10) == 2; }));
    CHECK_EQ(word_at(other_space + page), 1);
    CHECK_EQ(word_at(other_space + 5 * page), first_word(14));
    CHECK_EQ(release(other_space, 6 * page), K_OK);
    CHECK_EQ(Mapper::pushes.load(), 1);
}

void duplicated(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    EmptyActor source, shares, copies;
    REQUIRE_EQ(map(&source.capability, free_space, 4 * page, mapper.segment(), K_WRITABLE | K_INHERITSHARE),
               K_OK);
    CHECK_EQ(write_in(&source.capability, free_space, 1), K_OK);
    REQUIRE_EQ(rgnDup(&shares.capability, &source.capability, 0), K_OK);
    REQUIRE_EQ(rgnDup(&copies.capability, &source.capability, K_INHERITCOPY), K_OK);
    CHECK_EQ(write_in(&source.capability, free_space, 2), K_OK);
    CHECK_EQ(read_in(&shares.capability, free_space), 2);
    CHECK_EQ(read_in(&copies.capability, free_space), 1);
    CHECK_EQ(write_in(&shares.capability, free_space + page, 3), K_OK);
    CHECK_EQ(read_in(&source.capability, free_space + page), 3);
    CHECK_EQ(write_in(&copies.capability, free_space + 2 * page, 4), K_OK);
    CHECK_EQ(read_in(&source.capability, free_space + 2 * page), first_word(2));
    CHECK_EQ(actorDelete(&source.capability), K_OK);
    CHECK_EQ(read_in(&shares.capability, free_space), 2);
    CHECK_EQ(Mapper::pushes.load(), 0);
    CHECK_EQ(actorDelete(&shares.capability), K_OK);
    CHECK(eventually([] { return Mapper::stored(0) == 2 && Mapper::stored(1) == 3; }));
    CHECK_EQ(read_in(&copies.capability, free_space + 2 * page), 4);
    CHECK_EQ(Mapper::bad.load(), 0);
}

// The mapper serves who waits for a page with his priority: what lies between them does not keep him waiting.
std::atomic<bool> came, came_in_time;

void lent_priority(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good, 0, false, lower_priority), K_OK);
    sleep_milliseconds(5); // until it waits for requests
    REQUIRE_EQ(map(K_MYACTOR, free_space, page, mapper.segment()), K_OK);
    came = came_in_time = false;
    Helper between, waiting;
    REQUIRE(between.start(
                [](std::uintptr_t) {
                    const std::uint64_t end = now_microseconds() + 200'000;
                    while (!came.load() && now_microseconds() < end) {
                    }
                    came_in_time = came.load();
                },
                0, main_priority) > 0);
    REQUIRE(waiting.start(
                [](std::uintptr_t) {
                    static_cast<void>(*reinterpret_cast<volatile std::uint64_t*>(free_space));
                    came = true;
                },
                0, higher_priority) > 0);
    CHECK(between.join());
    CHECK(waiting.join());
    CHECK(came_in_time.load());
    CHECK_EQ(Mapper::pulls.load(), 1);
    CHECK_EQ(release(free_space, page), K_OK);
}

// ---- many CPUs ----------------------------------------------------------------------------------

std::atomic<unsigned> traffic_errors, traffic_left;

// Each has a word of its own in each page, and finds there what it has written.
void traffic(std::uintptr_t argument) {
    const auto& mapper = *reinterpret_cast<const Mapper*>(argument);
    const VmOffset place = 8 + traffic_left.fetch_add(1) * 8;
    for (std::uint64_t round = 1; round <= 40; ++round) {
        for (VmSize i = 0; i < 4; ++i) {
            std::uint64_t value = 0;
            if (write_word(mapper, i * page + place, round) != K_OK) traffic_errors.fetch_add(1);
            if (read_word(mapper, i * page + place, value) != K_OK) traffic_errors.fetch_add(1);
            if (value != round) traffic_errors.fetch_add(1);
        }
    }
}

void traffic_on_all_cpus(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::read_only_first), K_OK);
    traffic_errors = traffic_left = 0;
    Helper helpers[4];
    const unsigned count = cpu_count() < 4 ? cpu_count() : 4;
    for (unsigned i = 0; i < count; ++i) {
        REQUIRE(helpers[i].start(traffic, address_of(&mapper), lower_priority, i) > 0);
    }
    for (unsigned i = 0; i < count; ++i) {
        CHECK(helpers[i].join(4 * patience));
    }
    CHECK_EQ(traffic_errors.load(), 0);
    CHECK_EQ(Mapper::bad.load(), 0);
}

constexpr Case cases[] = {
    {"read", read},
    {"written", written},
    {"errors", errors},
    {"local_caches", local_caches},
    {"local_caches_end", local_caches_end},
    {"mappers_that_fail", mappers_that_fail},
    {"mapped_from_actor", mapped_from_actor},
    {"copied_from_actor", copied_from_actor},
    {"duplicated", duplicated},
    {"lent_priority", lent_priority},
    {"traffic_on_all_cpus", traffic_on_all_cpus},
};

} // namespace

const Suite segment_copies_suite{"segment_copies", cases};

} // namespace chorale::test
