// Suite memory: rgnAllocate, rgnFree, vmCopy, vmPageSize.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr VmAddr free_space = 0x20000000;
constexpr VmSize page = 4096;

KnRgnDesc at(VmAddr start, VmSize size, VmFlags options = K_WRITABLE | K_FILLZERO) {
    return {start, size, options, 0, nullptr, 0};
}

int release(VmAddr start, VmSize size) {
    const KnRgnDesc region = at(start, size, 0);
    return rgnFree(K_MYACTOR, &region);
}

volatile std::uint64_t& word_at(VmAddr address) {
    return *reinterpret_cast<volatile std::uint64_t*>(address);
}

void allocate_use_free(Report& report) {
    CHECK_EQ(vmPageSize(), page);
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    constexpr VmSize counts[] = {1, 2, 3, 16, 511, 512, 513, 1024};
    for (const VmSize pages : counts) {
        KnRgnDesc region = at(free_space, pages * page);
        REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
        for (VmSize i = 0; i < pages; ++i) {
            REQUIRE_EQ(word_at(free_space + i * page), 0);
            word_at(free_space + i * page) = i + 1;
        }
        for (VmSize i = 0; i < pages; ++i) {
            CHECK_EQ(word_at(free_space + i * page), i + 1);
        }
        CHECK_EQ(release(free_space, pages * page), K_OK);
    }
    after = settled_statistics();
    CHECK_EQ(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages); // page tables may stay
}

void freed_is_gone(Report& report) {
    KnRgnDesc region = at(free_space, 4 * page);
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    CHECK_EQ(release(free_space + page, 2 * page), K_OK);
    std::uint64_t value = 0;
    const auto readable = [&](VmAddr address) {
        return vmCopy(K_MYACTOR, address, K_MYACTOR, address_of(&value), sizeof(value), 0);
    };
    CHECK_EQ(readable(free_space), K_OK);
    CHECK_EQ(readable(free_space + page), K_EADDR);
    CHECK_EQ(readable(free_space + 2 * page), K_EADDR);
    CHECK_EQ(readable(free_space + 3 * page), K_OK);
    CHECK_EQ(sysWrite(reinterpret_cast<void*>(free_space + page), 1), K_EFAULT);
    KnRgnDesc again = at(free_space + page, 2 * page);
    CHECK_EQ(rgnAllocate(K_MYACTOR, &again), K_OK);
    CHECK_EQ(word_at(free_space + page), 0);
    CHECK_EQ(release(free_space, 4 * page), K_OK);
    CHECK_EQ(readable(free_space), K_EADDR);
}

void errors(Report& report) {
    const auto allocate = [](VmAddr start, VmSize size, VmFlags options = K_WRITABLE) {
        KnRgnDesc region = at(start, size, options);
        return rgnAllocate(K_MYACTOR, &region);
    };
    CHECK_EQ(allocate(free_space + 1, page), K_EROUND);
    CHECK_EQ(allocate(free_space, 0), K_ESIZE);
    CHECK(allocate(free_space, ~VmSize{0}) < 0);
    CHECK(allocate(free_space, ~VmSize{0} - page) < 0);
    CHECK(allocate(free_space, VmSize{1} << 47) < 0);
    CHECK(allocate(0xffff800000000000, page) < 0);
    CHECK(allocate(0xfffffffffffff000, page) < 0);
    CHECK(allocate(0x00007ffffffff000, 2 * page) < 0);
    CHECK_EQ(allocate(free_space, page, K_WRITABLE | K_EXECUTABLE), K_EINVAL);
    CHECK_EQ(allocate(free_space, page, 0x80000000U), K_EINVAL);
    REQUIRE_EQ(allocate(free_space, 2 * page), K_OK);
    CHECK_EQ(allocate(free_space, page), K_EOVERLAP);
    CHECK_EQ(allocate(free_space + page, 2 * page), K_EOVERLAP);
    CHECK_EQ(allocate(free_space - page, 2 * page), K_EOVERLAP);
    CHECK_EQ(allocate(free_space - page, 8 * page), K_EOVERLAP);
    CHECK_EQ(release(free_space + 1, page), K_EROUND);
    CHECK(release(free_space, 0) < 0);
    CHECK(release(free_space, ~VmSize{0}) < 0);
    CHECK(release(0xffff800000000000, page) < 0);
    CHECK_EQ(release(free_space, 2 * page), K_OK);
    CHECK_EQ(release(free_space, 2 * page), K_EADDR);
}

void anywhere(Report& report) {
    KnRgnDesc regions[32];
    for (KnRgnDesc& region : regions) {
        region = at(0, 3 * page, K_WRITABLE | K_FILLZERO | K_ANYWHERE);
        REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
        CHECK(region.startAddr != 0 && region.startAddr % page == 0);
        word_at(region.startAddr) = region.startAddr;
        word_at(region.startAddr + 3 * page - 8) = ~region.startAddr;
    }
    for (KnRgnDesc& region : regions) {
        CHECK_EQ(word_at(region.startAddr), region.startAddr);
        CHECK_EQ(word_at(region.startAddr + 3 * page - 8), ~region.startAddr);
        CHECK_EQ(release(region.startAddr, 3 * page), K_OK);
    }
}

// More than there is: an error, and all of it comes back.
void too_much(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    KnRgnDesc region = at(0, (before.totalPages + 1024) * page, K_WRITABLE | K_NODEMAND | K_ANYWHERE);
    CHECK_EQ(rgnAllocate(K_MYACTOR, &region), K_ENOMEM);
    after = settled_statistics();
    CHECK_EQ(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages);
}

unsigned char copy_source[3 * page], copy_target[3 * page];

void copy_within(Report& report) {
    for (unsigned i = 0; i < sizeof(copy_source); ++i) {
        copy_source[i] = static_cast<unsigned char>(i * 31 + (i >> 8));
    }
    for (const VmSize size : {VmSize{0}, VmSize{1}, VmSize{7}, page - 1, page, page + 1, 2 * page + 3}) {
        for (const VmSize offset : {VmSize{0}, VmSize{1}, VmSize{100}}) {
            __builtin_memset(copy_target, 0, sizeof(copy_target));
            REQUIRE_EQ(vmCopy(K_MYACTOR, address_of(copy_source + offset), K_MYACTOR,
                              address_of(copy_target + 5), size, 0),
                       K_OK);
            CHECK_EQ(__builtin_memcmp(copy_target + 5, copy_source + offset, size), 0);
            CHECK(copy_target[4] == 0 && copy_target[5 + size] == 0);
        }
    }
    CHECK_EQ(vmCopy(K_MYACTOR, address_of(copy_source), K_MYACTOR, address_of(copy_target), 8, 1), K_EINVAL);
    CHECK_EQ(vmCopy(K_MYACTOR, 0, K_MYACTOR, address_of(copy_target), 8, 0), K_EADDR);
    CHECK_EQ(vmCopy(K_MYACTOR, address_of(copy_source), K_MYACTOR, 0, 8, 0), K_EADDR);
    CHECK(vmCopy(K_MYACTOR, 0xffffffff80000000, K_MYACTOR, address_of(copy_target), 8, 0) < 0);
    CHECK(vmCopy(K_MYACTOR, address_of(copy_source), K_MYACTOR, 0xffffffff80000000, 8, 0) < 0);
    CHECK(vmCopy(K_MYACTOR, address_of(copy_source), K_MYACTOR, address_of(copy_target), ~VmSize{0}, 0) < 0);
    CHECK(vmCopy(K_MYACTOR, ~VmSize{0} - 3, K_MYACTOR, address_of(copy_target), 8, 0) < 0);
}

void copy_between(Report& report) {
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    KnRgnDesc region = at(free_space, 3 * page, 0); // it cannot write there itself
    REQUIRE_EQ(rgnAllocate(&actor, &region), K_OK);
    for (unsigned i = 0; i < sizeof(copy_source); ++i) {
        copy_source[i] = static_cast<unsigned char>(i * 17 + (i >> 9));
    }
    CHECK_EQ(vmCopy(K_MYACTOR, address_of(copy_source), &actor, free_space + 3, 2 * page + 9, 0), K_OK);
    CHECK_EQ(vmCopy(&actor, free_space + 3, K_MYACTOR, address_of(copy_target), 2 * page + 9, 0), K_OK);
    CHECK_EQ(__builtin_memcmp(copy_source, copy_target, 2 * page + 9), 0);
    CHECK_EQ(vmCopy(&actor, free_space + 3, &actor, free_space + 3 + 2 * page, 16, 0), K_OK);
    CHECK_EQ(vmCopy(K_MYACTOR, address_of(copy_source), &actor, free_space + 2 * page, 2 * page, 0), K_EADDR);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK_EQ(vmCopy(&actor, free_space, K_MYACTOR, address_of(copy_target), 8, 0), K_EUNKNOWN);
    CHECK_EQ(rgnAllocate(&actor, &region), K_EUNKNOWN);
}

std::atomic<unsigned> reader_rounds;

void read_for_ever(std::uintptr_t address) {
    for (;;) {
        const std::uint64_t value = word_at(address);
        reader_rounds.fetch_add(value == 0 ? 1 : 2);
    }
}

// Another CPU's translation of a freed page must not survive: the child that reads it faults.
void freed_on_all_cpus(Report& report) {
    if (cpu_count() < 2) {
        report.skip("one CPU");
        return;
    }
    Child child;
    REQUIRE_EQ(child.create("reader"), K_OK);
    KnRgnDesc region = at(free_space, page);
    REQUIRE_EQ(rgnAllocate(&child.capability(), &region), K_OK);
    REQUIRE(child.start(read_for_ever, free_space, lower_priority, 1) > 0);
    const auto rounds = [&] {
        unsigned value = 0;
        vmCopy(&child.capability(), address_of(&reader_rounds), K_MYACTOR, address_of(&value), sizeof(value),
               0);
        return value;
    };
    REQUIRE(eventually([&] { return rounds() > 1000; }));
    region.options = 0;
    CHECK_EQ(rgnFree(&child.capability(), &region), K_OK);
    CHECK(child.gone());
}

void allocate_and_free(std::uintptr_t) {
    for (;;) {
        KnRgnDesc region = at(free_space, 64 * page);
        rgnAllocate(K_MYACTOR, &region);
        release(free_space, 64 * page);
    }
}

// A thread that is deleted while it frees a region: the addresses must not stay taken.
void deleted_while_freeing(Report& report) {
    for (unsigned i = 0; i < 40; ++i) {
        Helper helper;
        REQUIRE(helper.start(allocate_and_free, 0, inherit_priority, cpu_count() - 1) > 0);
        sleep_milliseconds(1);
        helper.stop();
        const auto free_again = [] {
            const int freed = release(free_space, 64 * page);
            return freed == K_OK || freed == K_EADDR;
        };
        CHECK(eventually(free_again));
        KnRgnDesc region = at(free_space, 64 * page);
        REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
        REQUIRE_EQ(release(free_space, 64 * page), K_OK);
    }
}

constexpr Case cases[] = {
    {"allocate_use_free", allocate_use_free},
    {"freed_is_gone", freed_is_gone},
    {"errors", errors},
    {"anywhere", anywhere},
    {"too_much", too_much},
    {"copy_within", copy_within},
    {"copy_between", copy_between},
    {"freed_on_all_cpus", freed_on_all_cpus},
    {"deleted_while_freeing", deleted_while_freeing},
};

} // namespace

const Suite memory_suite{"memory", cases};

} // namespace chorale::test
