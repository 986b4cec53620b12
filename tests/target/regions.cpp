// Suite regions: memory that comes when it is touched, and what a region's owner may say of it.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "memory.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr VmSize mebibyte = 1 << 20;

VmSize free_memory() {
    KnVmStat stat{};
    vmStat(&stat);
    return stat.freeMem;
}

bool is_there(VmAddr address) {
    PhAddr place = 0;
    return vmPhysAddr(K_MYACTOR, address, &place) == K_OK;
}

void comes_when_touched(Report& report) {
    const VmSize before = free_memory();
    REQUIRE_EQ(allocate(free_space, 64 * mebibyte), K_OK);
    CHECK(before - free_memory() < mebibyte);
    for (const VmSize offset : {VmSize{0}, 5 * page, 10 * mebibyte + 8, 64 * mebibyte - 8}) {
        const VmAddr at = free_space + offset;
        CHECK(!is_there(at));
        CHECK_EQ(word_at(at), 0);
        CHECK(is_there(at));
        word_at(at) = at;
        CHECK_EQ(word_at(at), at);
        CHECK(!is_there(at + page) || offset + page >= 64 * mebibyte);
    }
    CHECK(before - free_memory() < mebibyte);
    CHECK_EQ(release(free_space, 64 * mebibyte), K_OK);
    CHECK(free_memory() + 64 * page >= before); // tables may stay
}

// The nucleus's own copies find the pages too.
void calls_touch(Report& report) {
    REQUIRE_EQ(allocate(free_space, 16 * page), K_OK);
    auto* const time = reinterpret_cast<KnTimeVal*>(free_space + page - 8); // across two pages
    CHECK_EQ(sysTime(time), K_OK);
    CHECK(time->tmSec + time->tmNSec > 0);
    CHECK_EQ(sysUnsetEnv(reinterpret_cast<char*>(free_space + 4 * page)), K_EINVAL); // it reads ""
    CHECK_EQ(vmCopy(K_MYACTOR, free_space + 6 * page, K_MYACTOR, free_space + 8 * page + 8, 2 * page, 0),
             K_OK);
    CHECK_EQ(word_at(free_space + 9 * page), 0);
    CHECK_EQ(threadDelay(reinterpret_cast<KnTimeVal*>(free_space + 12 * page)), K_OK);
    CHECK_EQ(release(free_space, 16 * page), K_OK);
    CHECK_EQ(sysTime(time), K_EFAULT);
}

void at_once(Report& report) {
    for (const VmSize pages : {VmSize{1}, VmSize{17}, VmSize{1024}}) {
        REQUIRE_EQ(allocate(free_space, pages * page, K_WRITABLE | K_NODEMAND), K_OK);
        for (VmSize i = 0; i < pages; ++i) {
            REQUIRE(is_there(free_space + i * page));
        }
        CHECK_EQ(word_at(free_space + pages * page - 8), 0);
        CHECK_EQ(release(free_space, pages * page), K_OK);
    }
    REQUIRE_EQ(allocate(free_space, 8 * page), K_OK);
    KnRgnDesc region = region_at(free_space + 2 * page, 4 * page, K_NODEMAND);
    CHECK_EQ(rgnSetPaging(K_MYACTOR, &region), K_OK);
    for (VmSize i = 0; i < 8; ++i) {
        CHECK_EQ(is_there(free_space + i * page), i >= 2 && i < 6);
    }
    CHECK_EQ(release(free_space, 8 * page), K_OK);
}

void placed_in_a_window(Report& report) {
    KnRgnDesc region = region_at(free_space, 2 * page, K_WRITABLE | K_RESTRICTIVE);
    region.endAddr = free_space + 4 * page;
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    CHECK_EQ(region.startAddr, free_space);
    region.startAddr = free_space;
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    CHECK_EQ(region.startAddr, free_space + 2 * page);
    region.startAddr = free_space;
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_ENOMEM);
    region.startAddr = free_space + 8;
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_EROUND);
    region.startAddr = region.endAddr;
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_ESIZE);
    region.startAddr = page;
    region.endAddr = 0xfffffffffffff000;
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_EADDR);
    CHECK_EQ(release(free_space, 4 * page), K_OK);
}

void reserved_addresses(Report& report) {
    REQUIRE_EQ(allocate(free_space, 4 * page, K_RESERVED), K_OK);
    CHECK_EQ(allocate(free_space + page, page), K_EOVERLAP);
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(free_space)), K_EFAULT);
    CHECK_EQ(release(free_space + page, page), K_OK);
    CHECK_EQ(allocate(free_space + page, page), K_OK);
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(free_space + page)), K_OK);
    CHECK_EQ(release(free_space, 4 * page), K_OK);
}

bool writable(VmAddr address) { return sysTime(reinterpret_cast<KnTimeVal*>(address)) == K_OK; }

// rgnSetProtect acts on a range: what lies across its ends is cut, holes do not matter.
void point_07_ranges(Report& report) {
    KnRgnStat stat[8]{};
    REQUIRE_EQ(allocate(free_space, 4 * page), K_OK);
    REQUIRE_EQ(allocate(free_space + 6 * page, 4 * page), K_OK);
    word_at(free_space + page) = 7;
    KnRgnDesc region = region_at(free_space + page, 7 * page, 0); // 1, 2, 3, hole, 6, 7
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &region), K_OK);
    for (VmSize i = 0; i < 10; ++i) {
        CHECK_EQ(writable(free_space + i * page), i == 0 || i >= 8);
    }
    CHECK_EQ(word_at(free_space + page), 7);
    CHECK_EQ(word_at(free_space + 2 * page), 0); // not touched before
    const KnRgnDesc whole = region_at(free_space, 10 * page, 0);
    CHECK_EQ(rgnStat(K_MYACTOR, &whole, stat, sizeof(stat)), 4);
    CHECK_EQ(stat[1].startAddr, free_space + page);
    CHECK_EQ(stat[1].size, 3 * page);
    CHECK_EQ(stat[1].options & K_WRITABLE, 0);
    CHECK_EQ(stat[0].options & K_WRITABLE, K_WRITABLE);
    region.options = K_WRITABLE;
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &region), K_OK);
    CHECK(writable(free_space + page) && writable(free_space + 7 * page));
    region.options = K_WRITABLE | K_EXECUTABLE;
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &region), K_EINVAL);
    region = region_at(free_space + 4 * page, 2 * page, 0);
    CHECK_EQ(rgnSetProtect(K_MYACTOR, &region), K_EADDR);
    CHECK_EQ(release(free_space + 3 * page, 4 * page), K_OK); // the end of one and the beginning of another
    CHECK_EQ(rgnStat(K_MYACTOR, &whole, stat, sizeof(stat)), 4);
    CHECK_EQ(stat[3].endAddr, free_space + 10 * page);
    CHECK_EQ(release(free_space, 10 * page), K_OK);
    CHECK_EQ(rgnStat(K_MYACTOR, &whole, stat, sizeof(stat)), 0);
}

// As many as there is room for; the number of all.
void described(Report& report) {
    int owner = 0;
    KnRgnDesc region = region_at(free_space, 3 * page, K_WRITABLE | K_INHERITCOPY);
    region.opaque1 = &owner;
    region.opaque2 = 42;
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    KnRgnDesc middle = region_at(free_space + page, page, 0);
    middle.opaque2 = 43;
    CHECK_EQ(rgnSetOpaque(K_MYACTOR, &middle), K_OK);
    middle.options = K_INHERITSHARE;
    CHECK_EQ(rgnSetInherit(K_MYACTOR, &middle), K_OK);
    KnRgnStat stat[3]{};
    const KnRgnDesc whole = region_at(free_space, 3 * page, K_USERSPACE);
    CHECK_EQ(rgnStat(K_MYACTOR, &whole, stat, 2 * sizeof(KnRgnStat)), 3);
    CHECK_EQ(stat[0].opaque2, 42);
    CHECK(stat[0].opaque1 == &owner && stat[1].opaque1 == nullptr);
    CHECK_EQ(stat[1].opaque2, 43);
    CHECK_EQ(stat[0].options & (K_INHERITSHARE | K_INHERITCOPY), K_INHERITCOPY);
    CHECK_EQ(stat[1].options & (K_INHERITSHARE | K_INHERITCOPY), K_INHERITSHARE);
    CHECK_EQ(stat[2].size, 0); // there was no room
    middle.options = K_INHERITSHARE | K_INHERITCOPY;
    CHECK_EQ(rgnSetInherit(K_MYACTOR, &middle), K_EINVAL);
    middle.options = K_WRITABLE;
    CHECK_EQ(rgnSetOpaque(K_MYACTOR, &middle), K_EINVAL);
    CHECK_EQ(rgnStat(K_MYACTOR, &whole, reinterpret_cast<KnRgnStat*>(page), sizeof(stat)), K_EFAULT);
    CHECK_EQ(release(free_space, 3 * page), K_OK);
}

void free_locked(std::uintptr_t result) {
    *reinterpret_cast<volatile int*>(result) = release(free_space, 4 * page);
}

// rgnFree and rgnSetProtect wait until what was locked twice is unlocked twice.
void locked_range(Report& report) {
    KnVmStat stat{};
    volatile int result = 1;
    vmStat(&stat);
    const VmSize before = stat.lockMem;
    REQUIRE_EQ(allocate(free_space, 4 * page), K_OK);
    REQUIRE_EQ(vmLock(K_MYACTOR, free_space + page, 2 * page, K_WRITABLE), K_OK);
    REQUIRE_EQ(vmLock(K_MYACTOR, free_space + page, 2 * page, 0), K_OK);
    CHECK(is_there(free_space + page) && is_there(free_space + 2 * page) && !is_there(free_space));
    vmStat(&stat);
    CHECK_EQ(stat.lockMem, before + 2 * page);
    Helper helper;
    REQUIRE(helper.start(free_locked, reinterpret_cast<std::uintptr_t>(&result), higher_priority) > 0);
    CHECK_EQ(vmUnLock(K_MYACTOR, free_space + page, 2 * page, 0), K_OK);
    sleep_milliseconds(5);
    CHECK_EQ(result, 1);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK(helper.join());
    CHECK_EQ(result, K_EABORT);
    Helper again;
    REQUIRE(again.start(free_locked, reinterpret_cast<std::uintptr_t>(&result), higher_priority) > 0);
    CHECK_EQ(vmUnLock(K_MYACTOR, free_space + page, 2 * page, 0), K_OK);
    CHECK(again.join());
    CHECK_EQ(result, K_OK);
    vmStat(&stat);
    CHECK_EQ(stat.lockMem, before);
    CHECK_EQ(vmUnLock(K_MYACTOR, free_space, page, 0), K_EADDR);
    REQUIRE_EQ(allocate(free_space, 2 * page, 0), K_OK);
    CHECK_EQ(vmUnLock(K_MYACTOR, free_space, page, 0), K_EINVAL);
    CHECK_EQ(vmLock(K_MYACTOR, free_space, page, K_WRITABLE), K_EADDR);   // it may not be written
    CHECK_EQ(vmLock(K_MYACTOR, free_space + page, 4 * page, 0), K_EADDR); // not all of it is there
    CHECK_EQ(vmLock(K_MYACTOR, free_space, page, K_EXECUTABLE), K_EINVAL);
    CHECK_EQ(release(free_space, 2 * page), K_OK); // none of these has left a lock
}

// A child that takes more than its quota is ended; nobody else notices.
void touch_all(std::uintptr_t size) {
    for (VmAddr at = free_space; at < free_space + size; at += page) {
        word_at(at) = at;
    }
    for (;;) {
        sleep_milliseconds(100);
    }
}

void over_the_quota(Report& report) {
    const KnSysStatistics before = settled_statistics();
    Child child;
    REQUIRE_EQ(child.create("glutton"), K_OK);
    KnRgnDesc region = region_at(free_space, 200 * mebibyte, K_WRITABLE);
    REQUIRE_EQ(rgnAllocate(&child.capability(), &region), K_OK);
    REQUIRE(child.start(touch_all, 200 * mebibyte, lower_priority) > 0);
    CHECK(child.gone(60'000));
    // What it had goes step by step.
    CHECK(eventually([&] { return settled_statistics().regions == before.regions; }));
    CHECK(settled_statistics().freePages + 64 >= before.freePages);
}

void parameters(Report& report) {
    KnVmStat stat{};
    REQUIRE_EQ(vmStat(&stat), K_OK);
    CHECK(stat.hostMem >= stat.freeMem && stat.freeMem > 0);
    CHECK(stat.par.usrStartAddr < free_space && stat.par.usrEndAddr > free_space);
    const KnVmPar old = stat.par;
    KnVmPar par = old;
    par.redMark = 64 * page;
    par.orangeMark = 128 * page;
    par.greenMark = 256 * page;
    CHECK_EQ(vmSetPar(&par), K_OK);
    CHECK_EQ(vmStat(&stat), K_OK);
    CHECK_EQ(stat.par.redMark, 64 * page);
    CHECK_EQ(stat.par.greenMark, 256 * page);
    par.orangeMark = 512 * page;
    CHECK_EQ(vmSetPar(&par), K_EINVAL);
    // Nothing is left for users: a page that is touched cannot come, a call says so.
    par.redMark = par.orangeMark = par.greenMark = stat.hostMem;
    CHECK_EQ(vmSetPar(&par), K_OK);
    KnRgnDesc region = region_at(free_space, page, K_WRITABLE | K_NODEMAND);
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_ENOMEM);
    REQUIRE_EQ(allocate(free_space, page), K_OK);
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(free_space)), K_EFAULT);
    CHECK_EQ(vmCopy(K_MYACTOR, free_space, K_MYACTOR, address_of(&par), 8, 0), K_ENOMEM);
    CHECK_EQ(vmSetPar(&old), K_OK);
    CHECK_EQ(sysTime(reinterpret_cast<KnTimeVal*>(free_space)), K_OK);
    CHECK_EQ(release(free_space, page), K_OK);
}

std::atomic<bool> counting;
std::atomic<unsigned long> counted;

void count(std::uintptr_t) {
    while (counting.load()) {
        counted.fetch_add(1);
        sleep_milliseconds(1);
    }
}

// A gibibyte is as quick as a page; what takes long lets better threads in.
void a_gibibyte(Report& report) {
    constexpr VmSize size = 1024 * mebibyte;
    Helper helper;
    counting = true;
    counted = 0;
    REQUIRE(helper.start(count, 0, higher_priority) > 0);
    REQUIRE_EQ(allocate(free_space, size), K_OK);
    word_at(free_space + size - 8) = 1;
    CHECK_EQ(release(free_space, size), K_OK);
    const unsigned long before = counted.load();
    KnRgnDesc region = region_at(free_space, size, K_WRITABLE | K_NODEMAND);
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_ENOMEM); // more than the quota, in the end
    CHECK(counted.load() > before);
    counting = false;
    CHECK(helper.join());
}

constexpr Case cases[] = {
    {"comes_when_touched", comes_when_touched},
    {"calls_touch", calls_touch},
    {"at_once", at_once},
    {"placed_in_a_window", placed_in_a_window},
    {"reserved_addresses", reserved_addresses},
    {"point_07_ranges", point_07_ranges},
    {"described", described},
    {"locked_range", locked_range},
    {"over_the_quota", over_the_quota},
    {"parameters", parameters},
    {"a_gibibyte", a_gibibyte},
};

} // namespace

const Suite regions_suite{"regions", cases};

} // namespace chorale::test
