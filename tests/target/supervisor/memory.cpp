// Memory that supervisor actors ask for, physical memory, copies from and to user memory, locks.
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>
#include <sync/chSpinLock.h>

#include <atomic>

namespace chorale::test {

namespace {

constexpr VmSize page = 4096;

bool zero(const unsigned char* bytes, VmSize size) {
    for (VmSize i = 0; i < size; ++i) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

void pages(Report& report) {
    KnSysStatistics before{}, after{};
    for (unsigned round = 0; round < 4; ++round) {
        if (round == 1) {
            CHECK_EQ(sysStatistics(&before), K_OK);
        }
        for (const VmSize size : {VmSize{1}, page, 10 * page + 1, VmSize{3} << 20}) {
            VmAddr address = 0;
            REQUIRE_EQ(svPagesAllocate(&address, size, round % 2 == 0 ? 0 : K_NOWAITFORMEMORY, K_MYACTOR),
                       K_OK);
            auto* const bytes = reinterpret_cast<unsigned char*>(address);
            CHECK_EQ(address % page, 0);
            CHECK(zero(bytes, size));
            for (VmSize i = 0; i < size; i += page) {
                bytes[i] = 1;
            }
            CHECK_EQ(svPagesFree(address, size), K_OK);
            CHECK_EQ(svPagesFree(address, size), K_EADDR);
            KnCap self{};
            CHECK_EQ(actorSelf(reinterpret_cast<KnCap*>(address)), K_EFAULT);
            CHECK_EQ(actorSelf(&self), K_OK);
        }
    }
    CHECK_EQ(sysStatistics(&after), K_OK);
    CHECK_EQ(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages);
}

void page_errors(Report& report) {
    VmAddr address = 0;
    CHECK_EQ(svPagesAllocate(&address, 0, 0, K_MYACTOR), K_ESIZE);
    CHECK_EQ(svPagesAllocate(&address, ~VmSize{0}, 0, K_MYACTOR), K_ESIZE);
    CHECK_EQ(svPagesAllocate(&address, page, 2, K_MYACTOR), K_EINVAL);
    CHECK_EQ(svPagesAllocate(nullptr, page, 0, K_MYACTOR), K_EFAULT);
    const KnCap nobody{};
    CHECK_EQ(svPagesAllocate(&address, page, 0, &nobody), K_EINVAL);
    REQUIRE_EQ(svPagesAllocate(&address, 3 * page, 0, K_MYACTOR), K_OK);
    CHECK_EQ(svPagesFree(address + 1, page), K_EROUND);
    CHECK_EQ(svPagesFree(address, 0), K_ESIZE);
    CHECK_EQ(svPagesFree(0x10000, page), K_EADDR);
    CHECK_EQ(svPagesFree(address + page, page), K_OK); // a hole
    CHECK_EQ(svPagesFree(address, 3 * page), K_OK);
}

// They outlive the actor that asked for them.
VmAddr left_behind;
[[noreturn]] void leave_pages() {
    svPagesAllocate(&left_behind, page, 0, K_MYACTOR);
    actorDelete(K_MYACTOR);
    for (;;) {
    }
}

void point_07_pages_outlive_actors(Report& report) {
    left_behind = 0;
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE), K_OK);
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0,
                                     reinterpret_cast<KnPc>(&leave_pages)};
    KnThreadLid thread = 0;
    REQUIRE_EQ(threadCreate(&actor, &thread, K_ACTIVE, nullptr, &start), K_OK);
    for (unsigned waited = 0; waited < 5000 && actorName(&actor, nullptr, nullptr) != K_EUNKNOWN; ++waited) {
        sleep_milliseconds(1);
    }
    REQUIRE(left_behind != 0);
    *reinterpret_cast<volatile int*>(left_behind) = 5;
    CHECK_EQ(svPagesFree(left_behind, page), K_OK);
}

void physical(Report& report) {
    KnPhMemChunk chunk{0, 10000, 0};
    KnPhMemAlign align{65536, 65536, 0};
    REQUIRE_EQ(svPhysAlloc(&chunk, &align), K_OK);
    CHECK(chunk.paddr != 0 && chunk.paddr % 65536 == 0 && chunk.psize >= 10000);
    REQUIRE_EQ(svPhysMap(&chunk, K_PTE_WRITABLE), K_OK);
    KnPhMemChunk again = chunk;
    REQUIRE_EQ(svPhysMap(&again, 0), K_OK);
    CHECK(again.vaddr != chunk.vaddr);
    auto* const first = reinterpret_cast<volatile unsigned*>(chunk.vaddr);
    const auto* const second = reinterpret_cast<const volatile unsigned*>(again.vaddr);
    for (unsigned i = 0; i < 10000 / sizeof(unsigned); i += 256) {
        first[i] = i;
        CHECK_EQ(second[i], i);
    }
    CHECK_EQ(actorSelf(reinterpret_cast<KnCap*>(again.vaddr)), K_EFAULT); // read only
    CHECK_EQ(svPhysUnmap(&chunk), K_OK);
    CHECK_EQ(svPhysUnmap(&chunk), K_EADDR);
    CHECK_EQ(svPhysUnmap(&again), K_OK);
    CHECK_EQ(svPhysMap(&chunk, 4), K_EINVAL);
    CHECK_EQ(svPhysFree(&chunk), K_OK);
    CHECK_EQ(svPhysFree(&chunk), K_EINVAL);
    chunk.psize = 0;
    CHECK_EQ(svPhysAlloc(&chunk, nullptr), K_ESIZE);
    chunk.psize = ~PhSize{0};
    CHECK_EQ(svPhysAlloc(&chunk, nullptr), K_ESIZE);
    chunk.psize = page;
    align = {3, 0, 0};
    CHECK_EQ(svPhysAlloc(&chunk, &align), K_EINVAL);
    align = {0, 0, page};
    CHECK_EQ(svPhysAlloc(&chunk, &align), K_ENOMEM); // frame 0 is never given out
}

void small_memory(Report& report) {
    constexpr unsigned count = 64;
    unsigned char* pieces[count];
    for (unsigned round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < count; ++i) {
            const unsigned size = i * 100;
            pieces[i] = static_cast<unsigned char*>(svMemAlloc(size));
            REQUIRE(pieces[i] != nullptr);
            CHECK_EQ(reinterpret_cast<VmAddr>(pieces[i]) % 16, 0);
            for (unsigned at = 0; at < size; ++at) {
                pieces[i][at] = static_cast<unsigned char>(i);
            }
        }
        for (unsigned i = 0; i < count; ++i) {
            for (unsigned at = 0; at < i * 100; ++at) {
                REQUIRE_EQ(pieces[i][at], i);
            }
            svMemFree(pieces[i]);
        }
    }
    svMemFree(nullptr);
}

// ---- copies. The space of a supervisor thread has no user memory: what can be tested is what fails. ------

void copies(Report& report) {
    char text[32]{};
    const VmAddr user = 0x400000, own = reinterpret_cast<VmAddr>(text);
    CHECK_EQ(svCopyIn(user, text, 8), K_EFAULT);
    CHECK_EQ(svCopyOut(text, user, 8), K_EFAULT);
    CHECK_EQ(svCopyInString(user, text, 8), K_EFAULT);
    CHECK_EQ(svCopyIn(own, text, 8), K_EFAULT); // not the caller's own
    CHECK_EQ(svCopyOut(text, own, 8), K_EFAULT);
    CHECK_EQ(svCopyIn(user, text, -1), K_EFAULT);
    CHECK_EQ(svCopyInString(user, text, 0), K_ENOMEM);
    CHECK_EQ(svCopyIn(user, text, 0), K_OK);
}

void copies_inside(Report& report) {
    char text[] = "supervisor", copy[sizeof text]{};
    void* const nowhere = reinterpret_cast<void*>(~VmAddr{0} - 4096);
    void* const user = reinterpret_cast<void*>(VmAddr{0x400000});
    VmAddr pages = 0;
    CHECK_EQ(svCopyInside(text, copy, sizeof text), K_OK);
    CHECK_EQ(copy[9], 'r');
    CHECK_EQ(svCopyInside(text, nowhere, 8), K_EFAULT);
    CHECK_EQ(svCopyInside(nowhere, text, 8), K_EFAULT);
    CHECK_EQ(svCopyInside(text, user, 8), K_EFAULT);
    CHECK_EQ(svCopyInside(user, text, 8), K_EFAULT);
    CHECK_EQ(svCopyInside(text, copy, -1), K_EFAULT);
    REQUIRE_EQ(svPagesAllocate(&pages, 2 * 4096, 0, K_MYACTOR), K_OK);
    char* const last = reinterpret_cast<char*>(pages) + 4096 - 4;
    REQUIRE_EQ(svPagesFree(pages + 4096, 4096), K_OK);
    CHECK_EQ(svCopyInside(text, last, 4), K_OK);
    CHECK_EQ(svCopyInside(text, last, 8), K_EFAULT); // the second half is not there
    CHECK_EQ(svCopyInside(last, copy, 8), K_EFAULT);
    CHECK_EQ(svPagesFree(pages, 4096), K_OK);
}

void symbols(Report& report) {
    CHECK_EQ(svSymbolAddress("nullCall"), reinterpret_cast<VmAddr>(&nullCall));
    CHECK_EQ(svSymbolAddress("svCopyInside"), reinterpret_cast<VmAddr>(&svCopyInside));
    CHECK_EQ(svSymbolAddress("printf"), 0);
    CHECK_EQ(svSymbolAddress(""), 0);
}

// ---- locks -------------------------------------------------------------------------------------

KnSpinLock lock;
unsigned long counter; // under the lock
std::atomic<unsigned> finished;

void count_up(std::uintptr_t times) {
    for (std::uintptr_t i = 0; i < times; ++i) {
        svSpinLockGet(&lock);
        const unsigned long seen = counter;
        for (unsigned pause = 0; pause < 5; ++pause) {
            asm volatile("" ::: "memory");
        }
        counter = seen + 1;
        svSpinLockRel(&lock);
    }
    ++finished;
}

void locks(Report& report) {
    constexpr unsigned times = 5000;
    svSpinLockInit(&lock, nullptr);
    counter = 0;
    finished = 0;
    unsigned started = 0;
    for (; started < 2 * running_cpus(); ++started) {
        REQUIRE(start_supervisor_thread({count_up, times, K_DEFAULT_STACK_SIZE, 120, started / 2}) > 0);
    }
    for (unsigned waited = 0; waited < 20000 && finished.load() != started; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(finished, started);
    CHECK_EQ(counter, started * times);
    CHECK_EQ(svSpinLockTry(&lock), 1);
    CHECK_EQ(svSpinLockTry(&lock), 0);
    CHECK_EQ(nullCall(), K_OK); // interrupts stay off in a call
    svSpinLockRel(&lock);
    KnMaskedSpinLock masked;
    svMaskedLockInit(&masked, nullptr);
    svMaskedLockGet(&masked);
    CHECK_EQ(svMaskedLockTry(&masked), 0);
    svMaskedLockRel(&masked);
    CHECK_EQ(svMaskedLockTry(&masked), 1);
    svMaskedLockRel(&masked);
}

// A better thread that became ready while interrupts were masked runs as soon as they are not.
std::atomic<unsigned> woken;
void wait_for_wake(std::uintptr_t) {
    threadDelay(K_NOTIMEOUT);
    ++woken;
}

void masked(Report& report) {
    woken = 0;
    const int thread = start_supervisor_thread({wait_for_wake, 0, K_DEFAULT_STACK_SIZE, 50});
    REQUIRE(thread > 0);
    sleep_milliseconds(5);
    CHECK_EQ(imsIntrMaskCount_f, 0U);
    DISABLE_PREEMPT();
    CHECK_EQ(imsIntrMaskCount_f, 1U);
    imsIntrMask_f();
    CHECK_EQ(imsIntrMaskCount_f, 2U);
    KnTimeVal from{}, now{};
    sysTime(&from);
    do {
        sysTime(&now);
    } while (now.tmSec == from.tmSec && now.tmNSec - from.tmNSec < 3 * K_NPERM);
    CHECK_EQ(woken, 0);
    imsIntrUnmask_f();
    CHECK_EQ(woken, 0);
    CHECK_EQ(imsIntrMaskCount_f, 1U);
    ENABLE_PREEMPT();
    CHECK_EQ(imsIntrMaskCount_f, 0U);
    CHECK_EQ(threadAbort(K_MYACTOR, thread), K_OK);
    for (unsigned waited = 0; waited < 5000 && woken.load() == 0; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(woken, 1);
}

constexpr Case all[] = {{"pages", pages},
                        {"page_errors", page_errors},
                        {"point_07_pages_outlive_actors", point_07_pages_outlive_actors},
                        {"physical", physical},
                        {"small_memory", small_memory},
                        {"copies", copies},
                        {"copies_inside", copies_inside},
                        {"symbols", symbols},
                        {"locks", locks},
                        {"masked", masked}};

} // namespace

const std::span<const Case> memory_cases{all};

} // namespace chorale::test
