// Suite segments: memory that a mapper serves, and mappers that do it badly.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "mapper.hpp"
#include "memory.hpp"
#include "settled.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

int copy(VmAddr at, VmSize size, const KnObjDesc& segment) {
    KnRgnDesc region = region_at(at, size, K_WRITABLE);
    return rgnInit(K_MYACTOR, &region, &segment);
}

// Through the nucleus, which tells the error instead of raising it.
int fetch(VmAddr at, std::uint64_t& value, const KnCap* actor = K_MYACTOR) {
    return vmCopy(actor, at, K_MYACTOR, address_of(&value), sizeof value, 0);
}

void touch(VmAddr at) { static_cast<void>(*reinterpret_cast<volatile std::uint64_t*>(at)); }

void touched(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment(4, 8)), K_OK);
    CHECK_EQ(Mapper::pulls.load(), 0);
    CHECK_EQ(word_at(free_space), first_word(4));
    CHECK_EQ(word_at(free_space + 7 * page), first_word(11));
    CHECK_EQ(word_at(free_space + 8), 0);
    CHECK_EQ(Mapper::pulls.load(), 2);
    word_at(free_space + page) = 7; // written before it was read
    word_at(free_space) = 8;
    CHECK_EQ(Mapper::pulls.load(), 3);
    CHECK_EQ(word_at(free_space + page), 7);
    CHECK_EQ(Mapper::pushes.load(), 0);
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK(eventually([] { return Mapper::pushes.load() == 2; }));
    CHECK(eventually([] { return Mapper::stored(4) == 8 && Mapper::stored(5) == 7; }));
    CHECK_EQ(Mapper::accesses.load(), 0);
    CHECK_EQ(Mapper::bad.load(), 0);
    // It comes from the mapper again.
    REQUIRE_EQ(map(K_MYACTOR, free_space, page, mapper.segment(4, 1)), K_OK);
    CHECK_EQ(word_at(free_space), 8);
    CHECK_EQ(Mapper::pulls.load(), 4);
    CHECK_EQ(release(free_space, page), K_OK);
}

// Whoever maps the segment sees the same pages, in this actor and in others.
void shared_by_all(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 4 * page, mapper.segment()), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, other_space, 2 * page, mapper.segment(1)), K_OK);
    REQUIRE_EQ(map(&actor, free_space, 4 * page, mapper.segment()), K_OK);
    word_at(free_space + page) = 5;
    CHECK_EQ(word_at(other_space), 5);
    std::uint64_t value = 0;
    CHECK_EQ(fetch(free_space + page, value, &actor), K_OK);
    CHECK_EQ(value, 5);
    CHECK_EQ(write_in(&actor, free_space + 2 * page, 6), K_OK);
    CHECK_EQ(word_at(free_space + 2 * page), 6);
    CHECK_EQ(word_at(other_space + page), 6);
    CHECK_EQ(Mapper::pulls.load(), 2);
    CHECK_EQ(release(free_space, 4 * page), K_OK);
    CHECK_EQ(Mapper::pushes.load(), 0); // somebody has them still
    CHECK_EQ(word_at(other_space), 5);
    CHECK_EQ(release(other_space, 2 * page), K_OK);
    CHECK_EQ(actorDelete(&actor), K_OK); // the last one, without waiting for the mapper
    CHECK(eventually([] { return Mapper::pushes.load() == 2; }));
    CHECK(eventually([] { return Mapper::stored(1) == 5 && Mapper::stored(2) == 6; }));
    CHECK_EQ(Mapper::bad.load(), 0);
}

// Parts of a region go, and the rest stays where it was.
void split_regions(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment()), K_OK);
    CHECK_EQ(word_at(free_space + 3 * page), first_word(3));
    CHECK_EQ(release(free_space + 2 * page, 2 * page), K_OK);
    CHECK_EQ(word_at(free_space + 5 * page), first_word(5));
    KnRgnDesc read_only = region_at(free_space + 6 * page, 2 * page, 0);
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &read_only), K_OK);
    CHECK_EQ(word_at(free_space + 7 * page), first_word(7));
    CHECK_EQ(write_in(K_MYACTOR, free_space + 7 * page, 1), K_EADDR);
    read_only.options = K_WRITABLE;
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &read_only), K_OK);
    word_at(free_space + 7 * page) = 1;
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK(eventually([] { return Mapper::stored(7) == 1; }));
    CHECK_EQ(Mapper::pushes.load(), 1);
}

void copied(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    REQUIRE_EQ(copy(free_space, 4 * page, mapper.segment(8, 4)), K_OK);
    CHECK_EQ(word_at(free_space + page), first_word(9));
    word_at(free_space + page) = 1;
    word_at(free_space + 2 * page) = 2; // not read before
    REQUIRE_EQ(map(K_MYACTOR, other_space, 4 * page, mapper.segment(8, 4)), K_OK);
    CHECK_EQ(word_at(other_space + page), first_word(9));
    CHECK_EQ(word_at(other_space + 2 * page), first_word(10));
    CHECK_EQ(release(free_space, 4 * page), K_OK);
    CHECK_EQ(release(other_space, 4 * page), K_OK);
    CHECK_EQ(Mapper::pushes.load(), 0);
}

void rights_to_write(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::read_only_first), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 4 * page, mapper.segment()), K_OK);
    CHECK_EQ(word_at(free_space), first_word(0));
    CHECK_EQ(Mapper::accesses.load(), 0);
    word_at(free_space) = 1;
    CHECK_EQ(Mapper::accesses.load(), 1);
    word_at(free_space) = 2;
    CHECK_EQ(Mapper::accesses.load(), 1);
    Mapper::manner = Manner::denies_writing;
    CHECK_EQ(write_in(K_MYACTOR, free_space + page, 1), K_EADDR);
    CHECK_EQ(word_at(free_space + page), first_word(1));
    CHECK_EQ(release(free_space, 4 * page), K_OK);
    CHECK(eventually([] { return Mapper::stored(0) == 2; }));
}

// Calls that are given memory which has not come yet.
void given_to_calls(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 16 * page, mapper.segment()), K_OK);
    KnIpcDest destination{};
    static int port;
    port = portCreate(K_MYACTOR, &destination.target);
    REQUIRE(port > 0);
    // A body that begins in one page and ends in another, sent and received there.
    const KnMsgDesc message{0, 2 * page, free_space + page / 2, 0, 0};
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &destination), K_OK);
    static std::atomic<int> received;
    Helper receiver;
    REQUIRE(receiver.start(
                [](std::uintptr_t) {
                    KnMsgDesc room{0, 2 * page, free_space + 4 * page + 8, 0, 0};
                    received = ipcReceive(&room, &port, 0);
                },
                0) > 0);
    CHECK(receiver.join());
    CHECK_EQ(received.load(), 2 * page);
    CHECK_EQ(word_at(free_space + 4 * page + 8 + page / 2), first_word(1));
    CHECK_EQ(Mapper::pulls.load(), 6);
    // Descriptors.
    auto* const descriptor = reinterpret_cast<KnRgnDesc*>(free_space + 8 * page);
    CHECK_EQ(rgnAllocate(K_MYACTOR, descriptor), K_EROUND); // what the page says it shall be
    CHECK_EQ(vmLock(K_MYACTOR, free_space + 9 * page, 2 * page, K_WRITABLE), K_OK);
    CHECK_EQ(Mapper::pulls.load(), 9);
    CHECK_EQ(vmUnLock(K_MYACTOR, free_space + 9 * page, 2 * page, 0), K_OK);
    KnRgnDesc eager = region_at(other_space, 3 * page, K_NODEMAND);
    const KnObjDesc part = mapper.segment(20, 3);
    CHECK_EQ(rgnMap(K_MYACTOR, &eager, &part), K_OK);
    CHECK_EQ(Mapper::pulls.load(), 12);
    CHECK_EQ(word_at(other_space + 2 * page), first_word(22));
    CHECK_EQ(Mapper::pulls.load(), 12);
    // A leaf call does not wait.
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(free_space + 15 * page)), K_EFAULT);
    Mapper::manner = Manner::refuses;
    const KnMsgDesc missing{0, page, free_space + 14 * page, 0, 0};
    CHECK_EQ(ipcSend(&missing, K_DEFAULTPORT, &destination), K_EFAULT);
    CHECK_EQ(portDelete(K_MYACTOR, port), K_OK);
    CHECK_EQ(release(free_space, 16 * page), K_OK);
    CHECK_EQ(release(other_space, 3 * page), K_OK);
}

void flushed(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good, 0, true), K_OK);
    const KnObjDesc all = mapper.segment();
    CHECK_EQ(sgFlush(&all, 0), K_EUNKNOWN);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, all), K_OK);
    CHECK_EQ(sgFlush(&all, 0), K_OK);
    for (VmSize i = 0; i < 6; ++i) {
        word_at(free_space + i * page) = i;
    }
    CHECK_EQ(sgFlush(&all, 0), K_OK);
    CHECK_EQ(Mapper::pushes.load(), 6);
    for (VmSize i = 0; i < 6; ++i) {
        CHECK_EQ(Mapper::stored(i), i);
    }
    word_at(free_space) = 7; // still there, still writable
    const KnObjDesc first = mapper.segment(0, 1);
    CHECK_EQ(sgFlush(&first, 0), K_OK);
    CHECK_EQ(Mapper::stored(0), 7);
    CHECK_EQ(Mapper::pushes.load(), 7);
    CHECK_EQ(sgFlush(&all, 1), K_EINVAL);
    KnObjDesc odd = all;
    odd.startOffset = 8;
    CHECK_EQ(sgFlush(&odd, 0), K_EROUND);
    odd.startOffset = 0;
    odd.size = 0;
    CHECK_EQ(sgFlush(&odd, 0), K_ESIZE);
    CHECK_EQ(sgFlush(reinterpret_cast<const KnObjDesc*>(8), 0), K_EFAULT);
    Mapper::manner = Manner::refuses;
    CHECK_EQ(sgFlush(&all, 0), mapper_error);
    Mapper::manner = Manner::good;
    CHECK_EQ(Mapper::releases.load(), 0);
    CHECK_EQ(release(free_space, 8 * page), K_OK);
    CHECK(eventually([] { return Mapper::releases.load() == 1; }));
    CHECK_EQ(Mapper::bad.load(), 0);
}

void map_errors(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    const KnObjDesc all = mapper.segment();
    KnRgnDesc region = region_at(free_space, 4 * page, 0);
    const auto attempt = [&](VmFlags options, const KnObjDesc& segment) {
        region.options = options;
        return rgnMap(K_MYACTOR, &region, &segment);
    };
    CHECK_EQ(attempt(K_RESERVED, all), K_EINVAL);
    CHECK_EQ(attempt(K_WRITABLE | K_EXECUTABLE, all), K_EINVAL);
    CHECK_EQ(attempt(0, mapper.segment(0, 3)), K_ESIZE);
    KnObjDesc odd = all;
    odd.startOffset = 1;
    CHECK_EQ(attempt(0, odd), K_EROUND);
    odd.startOffset = ~VmOffset{0} - page + 1;
    CHECK_EQ(attempt(0, odd), K_ESIZE);
    odd = all;
    odd.dataObject.ui.uiTail ^= 1;
    CHECK_EQ(attempt(0, odd), K_EUNKNOWN);
    CHECK_EQ(rgnMap(K_MYACTOR, &region, reinterpret_cast<const KnObjDesc*>(8)), K_EFAULT);
    CHECK_EQ(rgnMap(K_MYACTOR, reinterpret_cast<KnRgnDesc*>(8), &all), K_EFAULT);
    CHECK_EQ(attempt(K_ANYWHERE, all), K_OK);
    const VmAddr chosen = region.startAddr;
    CHECK_EQ(word_at(chosen), first_word(0));
    CHECK_EQ(attempt(0, all), K_EOVERLAP);
    CHECK_EQ(write_in(K_MYACTOR, chosen, 1), K_EADDR); // read only
    CHECK_EQ(release(chosen, 4 * page), K_OK);
    CHECK_EQ(Mapper::pulls.load(), 1);
}

// ---- mappers that do it badly -------------------------------------------------------------------

void nonsense(Report& report) {
    const Counted counted{report};
    constexpr Manner manners[] = {Manner::refuses,      Manner::short_body, Manner::long_body,
                                  Manner::wrong_offset, Manner::no_annex,   Manner::no_rights};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment()), K_OK);
    std::uint64_t value = 0;
    for (const Manner manner : manners) {
        Mapper::manner = manner;
        CHECK_EQ(fetch(free_space, value), K_EADDR);
        CHECK_EQ(write_in(K_MYACTOR, free_space, 1), K_EADDR);
    }
    Mapper::manner = Manner::drops; // the next request ends the one before
    Helper helper;
    REQUIRE(helper.start(
                [](std::uintptr_t) {
                    std::uint64_t got = 0;
                    fetch(free_space + page, got);
                },
                0) > 0);
    CHECK(eventually([] { return Mapper::pulls.load() == 13; }));
    Mapper::manner = Manner::good;
    CHECK_EQ(fetch(free_space, value), K_OK); // it can still be had
    CHECK_EQ(value, first_word(0));
    CHECK(helper.join());
    CHECK_EQ(release(free_space, 8 * page), K_OK);
}

// A program's access to a page that does not come is an exception; its actor goes, and nobody else.
void faulting_program(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::refuses), K_OK);
    Child child;
    REQUIRE_EQ(child.create("reads a page"), K_OK);
    REQUIRE_EQ(map(&child.capability(), free_space, page, mapper.segment()), K_OK);
    REQUIRE(child.start([](std::uintptr_t) { touch(free_space); }, 0) > 0);
    CHECK(eventually([] { return Mapper::pulls.load() == 1; }));
    CHECK(child.gone());
    CHECK_EQ(Mapper::pulls.load(), 1);
}

// Nobody who waits for a mapper that does not answer is held: threads are aborted and deleted, actors too.
void never_answers(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::never), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment()), K_OK);
    static std::atomic<int> outcome;
    outcome = 1;
    Helper caller, toucher, locker;
    REQUIRE(caller.start(
                [](std::uintptr_t) {
                    std::uint64_t value = 0;
                    outcome = fetch(free_space, value);
                },
                0) > 0);
    REQUIRE(toucher.start([](std::uintptr_t) { touch(free_space + page); }, 0) > 0);
    REQUIRE(locker.start([](std::uintptr_t) { vmLock(K_MYACTOR, free_space, 4 * page, 0); }, 0) > 0);
    sleep_milliseconds(5);
    CHECK_EQ(outcome.load(), 1);
    CHECK_EQ(threadAbort(K_MYACTOR, caller.thread()), K_OK);
    CHECK(caller.join());
    CHECK_EQ(outcome.load(), K_EADDR);
    toucher.stop();
    locker.stop();
    Child child;
    REQUIRE_EQ(child.create("reads a page"), K_OK);
    REQUIRE_EQ(map(&child.capability(), free_space, page, mapper.segment(3)), K_OK);
    REQUIRE(child.start([](std::uintptr_t) { touch(free_space); }, 0) > 0);
    sleep_milliseconds(2);
    CHECK_EQ(child.destroy(), K_OK);
    CHECK_EQ(release(free_space, 8 * page), K_OK); // while requests are out
    mapper.stop();
}

void ends_meanwhile(Report& report) {
    const Counted counted{report};
    for (const bool by_port : {true, false}) {
        Mapper mapper;
        REQUIRE_EQ(mapper.start(by_port ? Manner::deletes_port : Manner::never), K_OK);
        REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, mapper.segment()), K_OK);
        static std::atomic<int> outcome;
        outcome = 1;
        Helper caller;
        REQUIRE(caller.start(
                    [](std::uintptr_t) {
                        std::uint64_t value = 0;
                        outcome = fetch(free_space, value);
                    },
                    0) > 0);
        if (!by_port) {
            sleep_milliseconds(2);
            mapper.stop();
        }
        CHECK(caller.join());
        CHECK_EQ(outcome.load(), K_EADDR);
        std::uint64_t value = 0;
        CHECK_EQ(fetch(free_space, value), K_EADDR); // no port any more
        CHECK_EQ(release(free_space, 8 * page), K_OK);
    }
}

// What was written is lost with its mapper, and nothing else is.
void lost_pages(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::good, 0, true), K_OK);
    REQUIRE_EQ(map(K_MYACTOR, free_space, 32 * page, mapper.segment()), K_OK);
    for (VmSize i = 0; i < 32; ++i) {
        word_at(free_space + i * page) = i;
    }
    mapper.stop();
    CHECK_EQ(word_at(free_space + 31 * page), 31);
    CHECK_EQ(release(free_space, 32 * page), K_OK);
}

// All CPUs at once, one segment: mapped, read, written, freed.
std::atomic<unsigned> traffic_errors, traffic_left;

void traffic(std::uintptr_t argument) {
    const auto segment = *reinterpret_cast<const KnObjDesc*>(argument);
    const unsigned self = traffic_left.fetch_add(1);
    const VmAddr at = other_space + self * 0x1000000;
    for (unsigned round = 0; round < 40; ++round) {
        if (map(K_MYACTOR, at, 8 * page, segment) != K_OK) traffic_errors.fetch_add(1);
        for (VmSize i = 0; i < 8; ++i) {
            volatile std::uint64_t& word = word_at(at + i * page + 8 + self * 8);
            if (word != round) traffic_errors.fetch_add(1);
            word = round + 1;
        }
        if (release(at, 8 * page) != K_OK) traffic_errors.fetch_add(1);
    }
}

// What each has written it finds again, whether the page has gone to the mapper meanwhile or not.
void traffic_on_all_cpus(Report& report) {
    const Counted counted{report};
    Mapper mapper;
    REQUIRE_EQ(mapper.start(Manner::read_only_first), K_OK);
    const KnObjDesc segment = mapper.segment();
    REQUIRE_EQ(map(K_MYACTOR, free_space, 8 * page, segment), K_OK);
    for (VmSize i = 0; i < 8; ++i) {
        for (unsigned word = 1; word <= 4; ++word) {
            word_at(free_space + i * page + word * 8) = 0;
        }
    }
    REQUIRE_EQ(release(free_space, 8 * page), K_OK);
    traffic_errors = traffic_left = 0;
    Helper helpers[4];
    const unsigned count = cpu_count() < 4 ? cpu_count() : 4;
    for (unsigned i = 0; i < count; ++i) {
        REQUIRE(helpers[i].start(traffic, address_of(&segment), lower_priority, i) > 0);
    }
    for (unsigned i = 0; i < count; ++i) {
        CHECK(helpers[i].join(4 * patience));
    }
    CHECK_EQ(traffic_errors.load(), 0);
    CHECK_EQ(Mapper::bad.load(), 0);
}

constexpr Case cases[] = {
    {"touched", touched},
    {"shared_by_all", shared_by_all},
    {"split_regions", split_regions},
    {"copied", copied},
    {"rights_to_write", rights_to_write},
    {"given_to_calls", given_to_calls},
    {"flushed", flushed},
    {"map_errors", map_errors},
    {"nonsense", nonsense},
    {"faulting_program", faulting_program},
    {"never_answers", never_answers},
    {"ends_meanwhile", ends_meanwhile},
    {"lost_pages", lost_pages},
    {"traffic_on_all_cpus", traffic_on_all_cpus},
};

} // namespace

const Suite segments_suite{"segments", cases};

} // namespace chorale::test
