// Regions of the supervisor space: a supervisor actor's own, which go with it, and those of nobody
// (K_SVACTOR), which stay.
#include "../settled.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

#include <array>

namespace chorale::test {

namespace {

constexpr VmSize page = 4096;
struct Left {
    VmAddr own, nobodys, locked;
} left; // by leave_regions()

constexpr VmFlags writable = K_WRITABLE | K_FILLZERO;

volatile unsigned long& word(VmAddr at) { return *reinterpret_cast<volatile unsigned long*>(at); }
VmAddr here(const void* at) { return reinterpret_cast<VmAddr>(at) / page * page; }
KnRgnDesc region(VmAddr start, VmSize size, VmFlags options = 0) {
    return {start, size, options, 0, nullptr, 0};
}

// Its address, or 0.
VmAddr make(const KnCap* owner, VmSize size, VmFlags options = writable) {
    KnRgnDesc made = region(0, size, options | K_ANYWHERE);
    return rgnAllocate(owner, &made) == K_OK ? made.startAddr : 0;
}
int release(const KnCap* owner, VmAddr start, VmSize size) {
    const KnRgnDesc range = region(start, size);
    return rgnFree(owner, &range);
}
// The nucleus can write there.
bool usable(VmAddr at) { return actorSelf(reinterpret_cast<KnCap*>(at)) == K_OK; }

KnRgnDesc whole_space() {
    KnVmStat stat{};
    vmStat(&stat);
    return region(stat.par.svStartAddr, stat.par.svEndAddr - stat.par.svStartAddr);
}

bool described(const KnCap* owner, VmAddr at, KnRgnStat& found) {
    static std::array<KnRgnStat, 256> all;
    const KnRgnDesc range = whole_space();
    const int count = rgnStat(owner, &range, all.data(), sizeof all);
    for (int i = 0; i < count && i < 256; ++i) {
        found = all[static_cast<unsigned>(i)];
        if (found.startAddr <= at && at < found.endAddr) {
            return true;
        }
    }
    return false;
}

void own_regions(Report& report) {
    const VmAddr at = make(K_MYACTOR, 4 * page - 1);
    REQUIRE(at != 0);
    const KnRgnDesc all = whole_space();
    CHECK(at >= all.startAddr && at < all.startAddr + all.size);
    for (VmAddr place = at; place < at + 4 * page; place += sizeof(long)) {
        REQUIRE_EQ(word(place), 0);
        word(place) = place;
    }
    KnRgnStat stat{};
    REQUIRE(described(K_MYACTOR, at, stat));
    CHECK_EQ(stat.size, 4 * page);
    CHECK((stat.options & (K_WRITABLE | K_SUPERVISOR | K_EXECUTABLE)) == (K_WRITABLE | K_SUPERVISOR));
    CHECK(described(K_MYACTOR, here(&left), stat)); // its program is its own, too
    CHECK((stat.options & (K_WRITABLE | K_SUPERVISOR)) == (K_WRITABLE | K_SUPERVISOR));

    const KnRgnDesc last = region(at + 3 * page, page);
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &last), K_OK); // read only
    CHECK(!usable(at + 3 * page));
    CHECK_EQ(word(at + 3 * page), at + 3 * page);
    CHECK_EQ(release(K_MYACTOR, at + page, page), K_OK); // a hole
    CHECK(!usable(at + page));
    CHECK(usable(at + 2 * page));
    CHECK_EQ(word(at), VmAddr{at});
    CHECK_EQ(release(K_MYACTOR, at, 4 * page), K_OK);
    CHECK_EQ(release(K_MYACTOR, at, 4 * page), K_EADDR);
    CHECK(!usable(at));

    const VmAddr reserved = make(K_MYACTOR, page, K_RESERVED | K_SUPERVISOR);
    REQUIRE(reserved != 0);
    CHECK(!usable(reserved));
    CHECK_EQ(release(K_MYACTOR, reserved, page), K_OK);
}

void region_errors(Report& report) {
    const VmAddr stack = here(&report), text = here(reinterpret_cast<const void*>(&usable));
    for (const KnCap* const owner :
         {static_cast<const KnCap*>(K_MYACTOR), static_cast<const KnCap*>(K_SVACTOR)}) {
        KnRgnDesc wrong = region(0x10000000, page, writable);
        CHECK_EQ(rgnAllocate(owner, &wrong), K_EADDR); // user space
        wrong = region(text, page, writable);
        CHECK_EQ(rgnAllocate(owner, &wrong), K_EOVERLAP);
        wrong = region(text + 1, page, writable);
        CHECK_EQ(rgnAllocate(owner, &wrong), K_EROUND);
        wrong = region(0, 0, writable | K_ANYWHERE);
        CHECK_EQ(rgnAllocate(owner, &wrong), K_ESIZE);
        wrong = region(0, whole_space().size, writable | K_ANYWHERE);
        CHECK_EQ(rgnAllocate(owner, &wrong), K_ENOMEM); // others are there
        wrong = region(0, page, K_WRITABLE | K_EXECUTABLE | K_ANYWHERE);
        CHECK_EQ(rgnAllocate(owner, &wrong), K_EINVAL);
        CHECK_EQ(release(owner, stack, page), K_EADDR); // the nucleus's
        CHECK_EQ(vmLock(owner, stack, page, 0), K_EADDR);
        CHECK_EQ(vmCopy(owner, 0x10000000, owner, text, 8, 0), K_EADDR);
        CHECK_EQ(vmCopy(owner, text, owner, text, 8, 0), K_EADDR); // not writable
        CHECK_EQ(rgnDup(owner, K_MYACTOR, 0), K_EINVAL);
    }
    CHECK_EQ(svPagesFree(stack, page), K_EADDR);
    CHECK_EQ(release(K_SVACTOR, text, page), K_EADDR); // this actor's
    CHECK_EQ(svPagesFree(text, page), K_EADDR);
    const KnRgnDesc all = region(0, 0, K_FREEALL);
    CHECK_EQ(rgnFree(K_SVACTOR, &all), K_EINVAL);
    const KnObjDesc segment{};
    KnRgnDesc mapped = region(0, page, K_ANYWHERE);
    CHECK_EQ(rgnMap(K_SVACTOR, &mapped, &segment), K_EINVAL);
    // It means a space, not an actor.
    CHECK_EQ(actorName(K_SVACTOR, nullptr, nullptr), K_EFAULT);
    CHECK_EQ(threadAbort(K_SVACTOR, 1), K_EFAULT);
}

// A range goes over regions of others as over holes.
void ranges_and_owners(Report& report) {
    const VmAddr at = make(K_MYACTOR, 6 * page);
    REQUIRE(at != 0);
    REQUIRE_EQ(release(K_MYACTOR, at + 2 * page, 2 * page), K_OK);
    KnRgnDesc middle = region(at + 2 * page, 2 * page, writable);
    REQUIRE_EQ(rgnAllocate(K_SVACTOR, &middle), K_OK);
    KnRgnStat stat{};
    CHECK(!described(K_MYACTOR, at + 2 * page, stat));
    CHECK(described(K_SVACTOR, at + 2 * page, stat));
    CHECK(described(K_SVACTOR, at, stat)); // all supervisor regions
    const KnRgnDesc protect = region(at + page, 2 * page);
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &protect), K_OK);
    CHECK(!usable(at + page));
    CHECK(usable(at + 2 * page)); // nobody's
    CHECK_EQ(release(K_SVACTOR, at + page, 2 * page), K_OK);
    CHECK(!usable(at + 2 * page));
    CHECK(usable(at + 3 * page));
    CHECK_EQ(word(at + page), 0); // still there
    CHECK_EQ(release(K_MYACTOR, at, 6 * page), K_OK);
    CHECK(usable(at + 3 * page));
    CHECK_EQ(release(K_SVACTOR, at, 6 * page), K_OK);
    CHECK(!usable(at + 3 * page));
}

// ---- what an actor leaves behind ---------------------------------------------------------------------

[[noreturn]] void leave_regions() {
    left.own = make(K_MYACTOR, 3 * page);
    left.locked = make(K_MYACTOR, page);
    left.nobodys = make(K_SVACTOR, 2 * page);
    vmLock(K_MYACTOR, left.locked, page, K_WRITABLE);
    word(left.own) = 5;
    word(left.nobodys) = 5;
    actorDelete(K_MYACTOR);
    for (;;) {
    }
}

bool run_and_end(void (*entry)()) {
    KnCap actor{};
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0,
                                     reinterpret_cast<KnPc>(entry)};
    KnThreadLid thread = 0;
    if (actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE) != K_OK ||
        threadCreate(&actor, &thread, K_ACTIVE, nullptr, &start) != K_OK) {
        return false;
    }
    for (unsigned waited = 0; waited < 5000; ++waited) {
        if (actorName(&actor, nullptr, nullptr) == K_EUNKNOWN) {
            return true;
        }
        sleep_milliseconds(1);
    }
    return false;
}

void point_07_regions_of_nobody(Report& report) {
    KnVmStat before{}, after{};
    KnSysStatistics regions_before{}, regions_after{};
    CHECK_EQ(vmStat(&before), K_OK);
    for (unsigned round = 0; round < 4; ++round) {
        if (round == 1) {
            regions_before = settled_statistics();
        }
        left = {};
        REQUIRE(run_and_end(leave_regions));
        REQUIRE(left.own != 0 && left.locked != 0 && left.nobodys != 0);
        for (unsigned waited = 0; waited < 5000 && (usable(left.own) || usable(left.locked)); ++waited) {
            sleep_milliseconds(1); // its name goes first
        }
        CHECK(!usable(left.own) && !usable(left.locked)); // they went with it
        CHECK_EQ(word(left.nobodys), 5);                  // outlives it
        CHECK_EQ(release(K_MYACTOR, left.nobodys, 2 * page), K_EADDR);
        CHECK_EQ(release(K_SVACTOR, left.nobodys, 2 * page), K_OK);
    }
    regions_after = settled_statistics();
    CHECK_EQ(regions_after.regions, regions_before.regions);
    CHECK_EQ(vmStat(&after), K_OK);
    CHECK_EQ(after.lockMem, before.lockMem);
}

// ---- pages between spaces ----------------------------------------------------------------------------

void transfers(Report& report) {
    KnCap user{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
    const VmAddr own = make(K_MYACTOR, 3 * page);
    REQUIRE(own != 0);
    word(own) = 11;
    word(own + 2 * page) = 13;
    const KnRgnDesc from = region(own, 3 * page);

    // A copy: what either writes the other does not see.
    KnRgnDesc copy = region(0, 0, writable | K_ANYWHERE);
    REQUIRE_EQ(rgnInitFromActor(K_SVACTOR, &copy, K_MYACTOR, &from), K_OK);
    CHECK_EQ(word(copy.startAddr), 11);
    word(copy.startAddr) = 12;
    CHECK_EQ(word(own), 11);
    CHECK_EQ(release(K_SVACTOR, copy.startAddr, 3 * page), K_OK);

    // The same memory in a user actor; it stays there when it goes here.
    KnRgnDesc shared = region(0x10000000, 0, writable);
    REQUIRE_EQ(rgnMapFromActor(&user, &shared, K_MYACTOR, &from), K_OK);
    word(own) = 21;
    unsigned long seen = 0;
    const VmAddr seen_at = reinterpret_cast<VmAddr>(&seen);
    CHECK_EQ(vmCopy(&user, 0x10000000, K_SVACTOR, seen_at, sizeof seen, 0), K_OK);
    CHECK_EQ(seen, 21);
    PhAddr here_at = 0, there_at = 1;
    CHECK_EQ(vmPhysAddr(K_MYACTOR, own + 2 * page, &here_at), K_OK);
    CHECK_EQ(vmPhysAddr(&user, 0x10000000 + 2 * page, &there_at), K_OK);
    CHECK_EQ(here_at, there_at);
    CHECK_EQ(release(K_MYACTOR, own, 3 * page), K_OK);
    CHECK_EQ(vmPhysAddr(K_SVACTOR, own, &here_at), K_EADDR);
    CHECK_EQ(vmCopy(&user, 0x10000000 + 2 * page, K_MYACTOR, seen_at, sizeof seen, 0), K_OK);
    CHECK_EQ(seen, 13);

    // The other way: also pages that nobody has touched yet.
    KnRgnDesc untouched = region(0x20000000, 3 * page, writable);
    REQUIRE_EQ(rgnAllocate(&user, &untouched), K_OK);
    KnRgnDesc window = region(0, 0, writable | K_ANYWHERE);
    REQUIRE_EQ(rgnMapFromActor(K_MYACTOR, &window, &user, &untouched), K_OK);
    word(window.startAddr + page) = 31;
    CHECK_EQ(vmCopy(&user, 0x20000000 + page, K_SVACTOR, seen_at, sizeof seen, 0), K_OK);
    CHECK_EQ(seen, 31);
    KnRgnDesc second = region(0, 0, writable | K_ANYWHERE);
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &second, &user, &untouched), K_OK);
    seen = 32;
    CHECK_EQ(vmCopy(K_SVACTOR, seen_at, &user, 0x20000000 + page, sizeof seen, 0), K_OK);
    CHECK_EQ(word(window.startAddr + page), 32);
    CHECK_EQ(word(second.startAddr + page), 31);
    CHECK_EQ(word(second.startAddr + 2 * page), 0);
    CHECK_EQ(actorDelete(&user), K_OK);
    CHECK_EQ(word(window.startAddr + page), 32);
    CHECK_EQ(release(K_MYACTOR, window.startAddr, 3 * page), K_OK);
    CHECK_EQ(release(K_MYACTOR, second.startAddr, 3 * page), K_OK);
}

void locked(Report& report) {
    KnVmStat before{}, after{};
    CHECK_EQ(vmStat(&before), K_OK);
    const VmAddr at = make(K_SVACTOR, 3 * page);
    REQUIRE(at != 0);
    CHECK_EQ(vmLock(K_SVACTOR, at + page, page, K_WRITABLE), K_OK);
    CHECK_EQ(vmStat(&after), K_OK);
    CHECK_EQ(after.lockMem, before.lockMem + page);
    CHECK_EQ(vmUnLock(K_MYACTOR, at + page, page, 0), K_EADDR); // not its own
    CHECK_EQ(svPagesFree(at, 3 * page), K_EBUSY);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(release(K_SVACTOR, at, 3 * page), K_EABORT); // instead of waiting
    CHECK_EQ(vmUnLock(K_SVACTOR, at + page, page, 0), K_OK);
    CHECK_EQ(vmUnLock(K_SVACTOR, at + page, page, 0), K_EINVAL);
    CHECK_EQ(release(K_SVACTOR, at, 3 * page), K_OK);
}

constexpr Case all[] = {{"own_regions", own_regions},
                        {"region_errors", region_errors},
                        {"ranges_and_owners", ranges_and_owners},
                        {"point_07_regions_of_nobody", point_07_regions_of_nobody},
                        {"transfers", transfers},
                        {"locked_regions", locked}};

} // namespace

const std::span<const Case> region_cases{all};

} // namespace chorale::test
