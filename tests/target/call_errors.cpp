// Suite call_errors: numbers without a call, and bad pointers to every call that takes one.
#include "check.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr std::uint64_t unmapped = 0x0000600000000000;
constexpr std::uint64_t last_user_page = 0x00007ffffffff000;
constexpr std::uint64_t bad_addresses[] = {
    unmapped,           last_user_page + 0xff8, 0x0000800000000000, 0x0000900000000000, 0xffff800000000000,
    0xffffffff80000000, 0xfffffffffffffff8,     0xffffffffffffffff, 1,
};

constexpr std::uint64_t first_block_call = 64;

void no_such_call(Report& report) {
    const auto check = [&](std::uint64_t number) {
        for (const std::uint64_t argument : {std::uint64_t{0}, ~std::uint64_t{0}, unmapped}) {
            const RawCall call{number, {argument, argument, argument, argument, argument, argument}};
            if (!report.equal(__FILE_NAME__, __LINE__, "unused call number", raw_call(call), K_ENOTIMP)) {
                report.equal(__FILE_NAME__, __LINE__, "number of that call", static_cast<long>(number), -1);
                return;
            }
        }
    };
    for (std::uint64_t number = 24; number < first_block_call; ++number) {
        check(number);
    }
    for (std::uint64_t number = 80; number < 256; ++number) {
        check(number);
    }
    for (unsigned bit = 8; bit < 64; ++bit) {
        // Bits 8 to 16 of the control word have a meaning for the message calls (numbers 0, 1, 65) only.
        check((std::uint64_t{1} << bit) | 127);
    }
    check(std::uint64_t{1} << 31);
    check(std::uint64_t{1} << 63);
    check(~std::uint64_t{0});
}

// One call with a pointer argument; all other arguments are good.
struct PointerCase {
    const char* name;
    unsigned number;
    unsigned position;
    std::uint64_t argument[6];
};

KnThreadLid thread_result;
KnRgnDesc region{0, 4096, K_WRITABLE | K_ANYWHERE, 0, nullptr, 0};
KnDefaultStartInfo_f start_info{K_DEFAULT_START_INFO, K_USERTHREAD, 0, 0, 0};
unsigned env_size = 8;
char env_value[8];
KnIpcDest destination;
KnMsgDesc message{0, 0, 0, 0, 0};

std::uint64_t word(const void* object) { return address_of(object); }

void every_bad_pointer(Report& report, const PointerCase& test) {
    for (const std::uint64_t bad : bad_addresses) {
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
        {"actorSelf", 4, 0, {}},
        {"sysTime", 5, 0, {}},
        {"sysTimeGetRes", 6, 0, {}},
        {"portCreate capability", 7, 0, {0, word(&destination)}},
        {"portCreate name", 7, 1, {}},
        {"portEnable", 8, 0, {0, 0, 0}},
        {"portDisable", 9, 0, {0, 0}},
        {"portUi", 10, 0, {0, 0}},
        {"portLi", 11, 0, {}},
        {"threadCreate capability", 13, 0, {0, word(&thread_result), 0, 0, word(&start_info)}},
        {"threadCreate schedule", 13, 3, {0, word(&thread_result), K_INACTIVE, 0, word(&start_info)}},
        {"threadCreate start", 13, 4, {0, word(&thread_result), K_INACTIVE, 0, 0}},
        {"actorCreate parent", 15, 0, {0, word(&destination), 0, 0}},
        {"actorName capability", 16, 0, {}},
        {"actorName old", 16, 1, {}},
        {"actorName new", 16, 2, {}},
        {"sysGetEnv name", 17, 0, {0, word(env_value), word(&env_size)}},
        {"sysGetEnv size", 17, 2, {word("cpus"), word(env_value), 0}},
        {"sysGetEnv value", 17, 1, {word("cpus"), 0, word(&env_size)}},
        {"sysSetEnv name", 18, 0, {0, word("x")}},
        {"sysSetEnv value", 18, 1, {word("test.x"), 0}},
        {"sysUnsetEnv", 19, 0, {}},
        {"sysWrite", 20, 0, {0, 16}},
        {"sysStatistics", 22, 0, {}},
    };
    for (const PointerCase& test : cases) {
        every_bad_pointer(report, test);
    }
}

void pointers_block(Report& report) {
    const std::uint64_t request = word(&message), target = word(&destination);
    const PointerCase cases[] = {
        {"ipcCall request", 64, 0, {0, 0, target, request, 0}},
        {"ipcCall destination", 64, 2, {request, 0, 0, request, 0}},
        {"ipcReply", 66, 0, {}},
        {"ipcSend message", 67, 0, {0, 0, target}},
        {"ipcSend destination", 67, 2, {request, 0, 0}},
        {"portDelete", 68, 0, {0, 1}},
        {"threadDelay", 69, 0, {}},
        {"threadActivate", 70, 0, {0, 1}},
        {"threadDelete", 71, 0, {0, 250}},
        {"threadAbort", 72, 0, {0, 250}},
        {"threadBind capability", 73, 0, {0, static_cast<std::uint64_t>(K_MYSELF), K_SAMECPU, 0, 0}},
        {"threadBind old", 73, 3, {0, static_cast<std::uint64_t>(K_MYSELF), K_SAMECPU, 0, 0}},
        {"threadScheduler old", 74, 2, {0, static_cast<std::uint64_t>(K_MYSELF), 0, 0}},
        {"threadScheduler new", 74, 3, {0, static_cast<std::uint64_t>(K_MYSELF), 0, 0}},
        {"actorDelete", 75, 0, {}},
        {"sysReboot", 76, 0, {}},
        {"rgnAllocate capability", 77, 0, {0, word(&region)}},
        {"rgnAllocate region", 77, 1, {}},
        {"rgnFree region", 78, 1, {}},
        {"vmCopy source", 79, 0, {0, word(env_value), 0, word(env_value), 4, 0}},
        {"vmCopy destination", 79, 2, {0, word(env_value), 0, word(env_value), 4, 0}},
    };
    for (const PointerCase& test : cases) {
        // K_NOTIMEOUT is the all-ones pointer: not bad, and no end.
        if (test.number == 69) {
            for (const std::uint64_t bad : {unmapped, std::uint64_t{1}, std::uint64_t{0xffff800000000000}}) {
                CHECK_EQ(raw_call({69, {bad}}), K_EFAULT);
            }
            continue;
        }
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
    CHECK_EQ(ipcSend(nullptr, K_DEFAULTPORT, &destination), K_EFAULT);
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, nullptr), K_EFAULT);
    CHECK_EQ(ipcCallMessage(nullptr, K_DEFAULTPORT, &destination, &message, -1), K_EFAULT);
    CHECK_EQ(ipcReply(nullptr), K_EFAULT);
}

// What a failed call must not have done.
void nothing_made(Report& report) {
    KnSysStatistics before{}, after{};
    CHECK_EQ(sysStatistics(&before), K_OK);
    for (const std::uint64_t bad : bad_addresses) {
        CHECK_EQ(raw_call({7, {0, bad}}), K_EFAULT);
        CHECK_EQ(raw_call({15, {0, bad, K_USERACTOR, K_ACTIVE}}), K_EFAULT);
        CHECK_EQ(raw_call({13, {0, bad, K_INACTIVE, 0, word(&start_info)}}) < 0, true);
    }
    CHECK_EQ(sysStatistics(&after), K_OK);
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.ports, before.ports);
}

// A structure across the end of the last mapped page.
void end_of_region(Report& report) {
    KnRgnDesc pages{0, 4096, K_WRITABLE | K_ANYWHERE, 0, nullptr, 0};
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &pages), K_OK);
    const VmAddr end = pages.startAddr + 4096;
    CHECK_EQ(raw_call({5, {end - sizeof(KnTimeVal)}}), K_OK);
    for (unsigned back = 1; back < sizeof(KnTimeVal); ++back) {
        CHECK_EQ(raw_call({5, {end - back}}), K_EFAULT);
    }
    CHECK_EQ(raw_call({20, {end - 4, 5}}), K_EFAULT);
    *reinterpret_cast<volatile char*>(end - 1) = 'x';
    CHECK_EQ(raw_call({19, {end - 1}}), K_EFAULT);
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
    for (const KnCap* bad : {&wrong_key, &wrong_name, &cleared}) {
        KnUniqueId port;
        CHECK(portCreate(bad, &port) < 0);
        CHECK(threadDelete(bad, 1) < 0);
        CHECK(actorDelete(bad) < 0);
        CHECK(actorName(bad, nullptr, nullptr) < 0);
    }
    CHECK_EQ(actorName(&own, nullptr, nullptr), K_OK);
}

constexpr Case cases[] = {
    {"no_such_call", no_such_call},   {"pointers_leaf", pointers_leaf}, {"pointers_block", pointers_block},
    {"null_pointers", null_pointers}, {"nothing_made", nothing_made},   {"end_of_region", end_of_region},
    {"bad_capabilities", bad_capabilities},
};

}  // namespace

const Suite call_errors_suite{"call_errors", cases};

}  // namespace chorale::test
