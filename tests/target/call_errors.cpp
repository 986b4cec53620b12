// Suite call_errors: numbers without a call, and bad pointers to every call that takes one.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

// The limits of user space lie at 2^47 or 2^38, depending on the machine.
constexpr std::uint64_t unmapped = 0x0000600000000000;
constexpr std::uint64_t bad_addresses[] = {
    unmapped,
    unmapped + 0xff8,
    0x0000800000000000,
    0x0000900000000000,
    0xffff800000000000,
    0x0000003000000000,
    0x0000003ffffffff8,
    0x0000004000000000,
    0xffffffc000000000,
    0xffffffff80000000,
    0xfffffffffffffff8,
    0xffffffffffffffff,
    1,
};

// Whether the list has a call of that number.
bool is_call(std::uint64_t number) {
    bool found = number <= 1;
#define CHORALE_COMPARE(listed, ...) found = found || number == (listed);
    CHORUS_LEAF_CALLS(CHORALE_COMPARE)
    CHORUS_BLOCK_CALLS(CHORALE_COMPARE)
#undef CHORALE_COMPARE
    return found;
}

void no_such_call(Report& report) {
    const auto check = [&](std::uint64_t number) {
        for (const std::uint64_t argument : {std::uint64_t{0}, ~std::uint64_t{0}, unmapped}) {
            const RawCall call{number, {argument, argument, argument, argument, argument, argument}};
            const long result = raw_call(call);
            if (result != K_ENOTIMP && !(is_message_call(number) && result < 0)) {
                report.fail("call number", static_cast<int>(number), "result", result, K_ENOTIMP);
            }
        }
    };
    for (std::uint64_t index = 0; index < chorus::call_limit; ++index) {
        if (!is_call(index)) {
            check(call_of(index));
        }
        check(index); // somebody else's
    }
    check(call_of(chorus::call_limit));
    check(call_of(chorus::call_limit + 1));
    for (unsigned bit = 7; bit < 64; ++bit) {
        check((std::uint64_t{1} << bit) | 126);
        check(call_of(std::uint64_t{1} << bit | 126));
    }
    check(std::uint64_t{1} << 31);
    check(std::uint64_t{1} << 63);
    check(~std::uint64_t{0});
}

// One call with a pointer argument; all other arguments are good.
struct PointerCase {
    const char* name;
    std::uint64_t number;
    unsigned position;
    std::uint64_t argument[6];
    std::uint64_t allowed{}; // the one of the bad addresses that means something there
};

KnThreadLid thread_result;
KnRgnDesc region{0, 4096, K_WRITABLE | K_ANYWHERE, 0, nullptr, 0};
KnDefaultStartInfo_f start_info{K_DEFAULT_START_INFO, K_USERTHREAD, 0, 0x500000, 0x400000};
unsigned env_size = 8;
char env_value[8];
KnIpcDest destination;
KnMsgDesc message{0, 0, 0, 0, 0};

std::uint64_t word(const void* object) { return address_of(object); }

void every_bad_pointer(Report& report, const PointerCase& test) {
    for (const std::uint64_t bad : bad_addresses) {
        if (bad == test.allowed) {
            continue;
        }
        RawCall call{test.number};
        for (unsigned i = 0; i < 6; ++i) {
            call.argument[i] = test.argument[i];
        }
        call.argument[test.position] = bad;
        if (!report.equal(__FILE_NAME__, __LINE__, test.name, raw_call(call), K_EFAULT)) {
            return;
        }
    }
}

void pointers_leaf(Report& report) {
    const PointerCase cases[] = {
        {"actorSelf", call_number::actorSelf, 0, {}},
        {"sysTime", call_number::sysTime, 0, {}},
        {"sysTimeGetRes", call_number::sysTimeGetRes, 0, {}},
        {"sysCounterFrequency", call_number::sysCounterFrequency, 0, {}},
        {"univTime", call_number::univTime, 0, {}},
        {"univTimeGetRes", call_number::univTimeGetRes, 0, {}},
        {"univTimeSet old", call_number::univTimeSet, 0, {}},
        {"univTimeSet new", call_number::univTimeSet, 1, {}},
        {"univTimeAdjust old", call_number::univTimeAdjust, 0, {}},
        {"univTimeAdjust new", call_number::univTimeAdjust, 1, {}},
        {"portCreate capability", call_number::portCreate, 0, {0, word(&destination)}},
        {"portCreate name", call_number::portCreate, 1, {}},
        {"portEnable", call_number::portEnable, 0, {0, 0, 0}},
        {"portDisable", call_number::portDisable, 0, {0, 0}},
        {"portUi", call_number::portUi, 0, {0, 0}},
        {"portLi", call_number::portLi, 0, {}},
        {"threadCreate capability",
         call_number::threadCreate,
         0,
         {0, word(&thread_result), 0, 0, word(&start_info)}},
        {"threadCreate schedule",
         call_number::threadCreate,
         3,
         {0, word(&thread_result), K_INACTIVE, 0, word(&start_info)}},
        {"threadCreate start", call_number::threadCreate, 4, {0, word(&thread_result), K_INACTIVE, 0, 0}},
        {"actorCreate parent", call_number::actorCreate, 0, {0, word(&destination), 0, 0}},
        {"actorName capability", call_number::actorName, 0, {}},
        {"actorName old", call_number::actorName, 1, {}},
        {"actorName new", call_number::actorName, 2, {}},
        {"sysGetEnv name", call_number::sysGetEnv, 0, {0, word(env_value), word(&env_size)}},
        {"sysGetEnv size", call_number::sysGetEnv, 2, {word("cpus"), word(env_value), 0}},
        {"sysGetEnv value", call_number::sysGetEnv, 1, {word("cpus"), 0, word(&env_size)}},
        {"sysSetEnv name", call_number::sysSetEnv, 0, {0, word("x")}},
        {"sysSetEnv value", call_number::sysSetEnv, 1, {word("test.x"), 0}},
        {"sysUnsetEnv", call_number::sysUnsetEnv, 0, {}},
        {"actorPrivilege capability", call_number::actorPrivilege, 0, {}},
        {"actorPrivilege old", call_number::actorPrivilege, 1, {}},
        {"actorPrivilege new", call_number::actorPrivilege, 2, {}},
        {"actorPi capability", call_number::actorPi, 0, {}},
        {"actorPi old", call_number::actorPi, 1, {}},
        {"actorPi new", call_number::actorPi, 2, {}},
        {"threadName capability", call_number::threadName, 0, {0, 1}},
        {"threadName old", call_number::threadName, 2, {0, 1}},
        {"threadName new", call_number::threadName, 3, {0, 1}},
        {"sysWrite", call_number::sysWrite, 0, {0, 16}},
        {"sysStatistics", call_number::sysStatistics, 0, {}},
        {"sysCpuStatistics", call_number::sysCpuStatistics, 1, {0}},
        {"actorStatistics capability", call_number::actorStatistics, 0, {}},
        {"actorStatistics", call_number::actorStatistics, 1, {}},
        {"threadStatistics capability", call_number::threadStatistics, 0, {0, 1}},
        {"threadStatistics", call_number::threadStatistics, 2, {0, 1}},
    };
    for (const PointerCase& test : cases) {
        every_bad_pointer(report, test);
    }
}

void pointers_of_system_calls(Report& report) {
    const PointerCase cases[] = {
        {"sysPoll", call_number::sysPoll, 0, {}},
        {"sysRead", call_number::sysRead, 0, {0, 16}},
        {"siteKeyCreate", call_number::siteKeyCreate, 0, {}},
        {"siteDataSet", call_number::siteDataSet, 0, {0, 1}},
        {"siteDataGet", call_number::siteDataGet, 0, {0, 1}},
        {"sysLogWrite", call_number::sysLogWrite, 0, {0, 16}},
        {"sysLogRead position", call_number::sysLogRead, 0, {0, word(env_value), 0}},
    };
    for (const PointerCase& test : cases) {
        every_bad_pointer(report, test);
    }
}

void pointers_block(Report& report) {
    const std::uint64_t request = word(&message), target = word(&destination);
    const PointerCase cases[] = {
        {"ipcCall request", call_number::ipcCallMessage, 0, {0, 0, target, request, 0}},
        {"ipcCall destination", call_number::ipcCallMessage, 2, {request, 0, 0, request, 0}},
        {"ipcReply", call_number::ipcReply, 0, {}},
        {"ipcSend message", call_number::ipcSendMessage, 0, {0, 0, target}},
        {"ipcSend destination", call_number::ipcSendMessage, 2, {request, 0, 0}},
        {"portDelete", call_number::portDelete, 0, {0, 1}},
        {"threadDelay", call_number::threadDelay, 0, {}},
        {"threadActivate", call_number::threadActivate, 0, {0, 1}},
        {"threadDelete", call_number::threadDelete, 0, {0, 250}},
        {"threadAbort", call_number::threadAbort, 0, {0, 250}},
        {"threadBind capability",
         call_number::threadBind,
         0,
         {0, static_cast<std::uint64_t>(K_MYSELF), K_SAMECPU, 0, 0}},
        {"threadBind old",
         call_number::threadBind,
         3,
         {0, static_cast<std::uint64_t>(K_MYSELF), K_SAMECPU, 0, 0}},
        {"threadScheduler old",
         call_number::threadScheduler,
         2,
         {0, static_cast<std::uint64_t>(K_MYSELF), 0, 0}},
        {"threadScheduler new",
         call_number::threadScheduler,
         3,
         {0, static_cast<std::uint64_t>(K_MYSELF), 0, 0}},
        {"actorDelete", call_number::actorDelete, 0, {}},
        {"sysReboot", call_number::sysReboot, 0, {}},
        {"actorStop", call_number::actorStop, 0, {}},
        {"actorStart", call_number::actorStart, 0, {}},
        {"actorStat", call_number::actorStat, 1, {0, 0, 64}},
        {"threadStop", call_number::threadStop, 0, {0, 250}},
        {"threadStart", call_number::threadStart, 0, {0, 250}},
        {"threadSuspend", call_number::threadSuspend, 0, {0, 250}},
        {"threadResume", call_number::threadResume, 0, {0, 250}},
        {"threadContext capability", call_number::threadContext, 0, {0, 1}},
        {"threadContext old", call_number::threadContext, 3, {0, 1, K_CURRCTX}},
        {"threadContext new", call_number::threadContext, 4, {0, 1, K_CURRCTX}},
        {"threadStat capability", call_number::threadStat, 0, {0, 0, 0, 0}},
        {"threadStat array", call_number::threadStat, 2, {0, 0, 0, 64}},
        {"portStat capability", call_number::portStat, 0, {0, 0, 0, 0}},
        {"portStat array", call_number::portStat, 2, {0, 0, 0, sizeof(KnPortStat)}},
    };
    for (const PointerCase& test : cases) {
        // K_NOTIMEOUT is the all-ones pointer: not bad, and no end.
        if (test.number == call_number::threadDelay) {
            for (const std::uint64_t bad : {unmapped, std::uint64_t{1}, std::uint64_t{0xffff800000000000}}) {
                CHECK_EQ(raw_call({call_number::threadDelay, {bad}}), K_EFAULT);
            }
            continue;
        }
        every_bad_pointer(report, test);
    }
}

// K_SVACTOR, the all-ones pointer, is no address but the supervisor space.
void pointers_of_memory_calls(Report& report) {
    const std::uint64_t value = word(env_value), anywhere = word(K_SVACTOR);
    const PointerCase cases[] = {
        {"rgnAllocate capability", call_number::rgnAllocate, 0, {0, word(&region)}, anywhere},
        {"rgnAllocate region", call_number::rgnAllocate, 1, {}},
        {"rgnFree region", call_number::rgnFree, 1, {}},
        {"vmCopy source", call_number::vmCopy, 0, {0, value, 0, value, 4, 0}, anywhere},
        {"vmCopy destination", call_number::vmCopy, 2, {0, value, 0, value, 4, 0}, anywhere},
    };
    for (const PointerCase& test : cases) {
        every_bad_pointer(report, test);
    }
}

void null_pointers(Report& report) {
    CHECK_EQ(actorSelf(nullptr), K_EFAULT);
    CHECK_EQ(sysTime(nullptr), K_EFAULT);
    CHECK_EQ(portCreate(K_MYACTOR, nullptr), K_EFAULT);
    CHECK_EQ(portUi(nullptr, K_DEFAULTPORT), K_EFAULT);
    CHECK_EQ(portLi(nullptr), K_EFAULT);
    CHECK_EQ(actorCreate(K_MYACTOR, nullptr, K_USERACTOR, K_ACTIVE), K_EFAULT);
    CHECK_EQ(threadCreate(K_MYACTOR, nullptr, K_INACTIVE, nullptr, &start_info), K_EFAULT);
    CHECK_EQ(threadCreate(K_MYACTOR, &thread_result, K_INACTIVE, nullptr, nullptr), K_EFAULT);
    CHECK_EQ(sysGetEnv(nullptr, env_value, &env_size), K_EFAULT);
    CHECK_EQ(sysSetEnv("test.x", nullptr), K_EFAULT);
    CHECK_EQ(sysStatistics(nullptr), K_EFAULT);
    CHECK_EQ(rgnAllocate(K_MYACTOR, nullptr), K_EFAULT);
    CHECK_EQ(rgnFree(K_MYACTOR, nullptr), K_EFAULT);
    CHECK_EQ(ipcSendMessage(nullptr, K_DEFAULTPORT, &destination), K_EFAULT);
    CHECK_EQ(ipcSendMessage(&message, K_DEFAULTPORT, nullptr), K_EFAULT);
    CHECK_EQ(ipcCallMessage(nullptr, K_DEFAULTPORT, &destination, &message, -1), K_EFAULT);
    CHECK_EQ(ipcReply(nullptr), K_EFAULT);
}

// What a failed call must not have done.
void nothing_made(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (const std::uint64_t bad : bad_addresses) {
        CHECK_EQ(raw_call({call_number::portCreate, {0, bad}}), K_EFAULT);
        CHECK_EQ(raw_call({call_number::actorCreate, {0, bad, K_USERACTOR, K_ACTIVE}}), K_EFAULT);
        CHECK_EQ(raw_call({call_number::threadCreate, {0, bad, K_INACTIVE, 0, word(&start_info)}}) < 0, true);
    }
    after = settled_statistics();
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.ports, before.ports);
}

// A structure across the end of the last mapped page.
void end_of_region(Report& report) {
    KnRgnDesc pages{0, 4096, K_WRITABLE | K_ANYWHERE, 0, nullptr, 0};
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &pages), K_OK);
    const VmAddr end = pages.startAddr + 4096;
    CHECK_EQ(raw_call({call_number::sysTime, {end - sizeof(KnTimeVal)}}), K_OK);
    for (unsigned back = 1; back < sizeof(KnTimeVal); ++back) {
        CHECK_EQ(raw_call({call_number::sysTime, {end - back}}), K_EFAULT);
    }
    CHECK_EQ(raw_call({call_number::sysWrite, {end - 4, 5}}), K_EFAULT);
    *reinterpret_cast<volatile char*>(end - 1) = 'x';
    CHECK_EQ(raw_call({call_number::sysUnsetEnv, {end - 1}}), K_EFAULT);
    pages.options = 0;
    CHECK_EQ(rgnFree(K_MYACTOR, &pages), K_OK);
}

void bad_capabilities(Report& report) {
    KnCap own{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    KnCap wrong_key = own;
    ++wrong_key.key;
    KnCap wrong_name = own;
    wrong_name.ui.uiTail ^= 1;
    const KnCap cleared{};
    for (const KnCap* bad :
         {static_cast<const KnCap*>(&wrong_key), static_cast<const KnCap*>(&wrong_name), &cleared}) {
        KnUniqueId port;
        CHECK(portCreate(bad, &port) < 0);
        CHECK(threadDelete(bad, 1) < 0);
        CHECK(actorDelete(bad) < 0);
        CHECK(actorName(bad, nullptr, nullptr) < 0);
    }
    CHECK_EQ(actorName(&own, nullptr, nullptr), K_OK);
}

// ---- calls that are not everybody's ------------------------------------------------------------

// Every call that the list reserves to SYSTEM actors, and how an ordinary one is answered.
struct Reserved {
    std::uint64_t number;
    const char* name;
    bool reserved;
};
constexpr Reserved listed[] = {
#define CHORALE_RESERVED(number, name, flow, privilege, ...)                                                 \
    {call_of(number), #name, chorus::Privilege::privilege == chorus::Privilege::system},
    CHORUS_LEAF_CALLS(CHORALE_RESERVED) CHORUS_BLOCK_CALLS(CHORALE_RESERVED)
#undef CHORALE_RESERVED
};
constexpr std::size_t listed_count = sizeof(listed) / sizeof(listed[0]);
long reserved_results[listed_count];
std::atomic<bool> reserved_tried;

// Good pointers everywhere: nothing else is wrong with the calls.
void try_reserved(std::uintptr_t) {
    alignas(16) static char memory[4096];
    const std::uint64_t address = word(memory);
    for (std::size_t i = 0; i < listed_count; ++i) {
        if (listed[i].reserved) {
            reserved_results[i] =
                raw_call({listed[i].number, {address, address, address, address, address, address}});
        }
    }
    reserved_tried = true;
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}

void reserved_calls(Report& report) {
    Child child;
    REQUIRE_EQ(child.create("plain user"), K_OK);
    REQUIRE(child.start(try_reserved, 0) > 0);
    bool tried = false;
    const auto read = [&](void* to, const void* from, std::size_t size) {
        CHECK_EQ(vmCopy(&child.capability(), word(from), K_MYACTOR, word(to), size, 0), K_OK);
    };
    REQUIRE(eventually([&] {
        read(&tried, &reserved_tried, sizeof(tried));
        return tried;
    }));
    static long results[listed_count];
    read(results, reserved_results, sizeof(results));
    unsigned long count = 0;
    for (std::size_t i = 0; i < listed_count; ++i) {
        if (listed[i].reserved) {
            report.equal(__FILE_NAME__, __LINE__, listed[i].name, results[i], K_EPRIV);
            ++count;
        }
    }
    CHECK(count >= 2);
}

constexpr Case cases[] = {
    {"no_such_call", no_such_call},
    {"pointers_leaf", pointers_leaf},
    {"pointers_block", pointers_block},
    {"pointers_of_system_calls", pointers_of_system_calls},
    {"pointers_of_memory_calls", pointers_of_memory_calls},
    {"null_pointers", null_pointers},
    {"nothing_made", nothing_made},
    {"end_of_region", end_of_region},
    {"bad_capabilities", bad_capabilities},
    {"reserved_calls", reserved_calls},
};

} // namespace

const Suite call_errors_suite{"call_errors", cases};

} // namespace chorale::test
