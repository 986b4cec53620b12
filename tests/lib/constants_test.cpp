// The constants of the headers: that those of the published interface are there, with the value that was
// published for them, or, where none was, with one that cannot be taken for another.
#include <chorus.h>

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace {

// ---- published values ----------------------------------------------------------------------------

static_assert(K_OK == 0 && K_EOK == 0);
static_assert(K_FIFO_PRIOMAX == 0 && K_FIFO_PRIOMIN == 255);
static_assert(K_RR_PRIOMAX == 0 && K_RR_PRIOMIN == 255 && K_RR_QUANTUM == 100);
static_assert(K_RT_PRIOMAX == 159 && K_RT_PRIOMIN == 100);
static_assert(K_LAPNAMEMAX == 7);
static_assert(K_CMSGANNEXSIZE == 120 && K_CMSGSIZEMAX == 64 * 1024);
static_assert(K_NPERM == 1'000'000); // nanoseconds in a millisecond
static_assert(K_ACTOR_ABORTVECT_LAST == K_ACTOR_ABORTVECT_MAX - 1);
static_assert(K_ACTOR_STOPVECT_LAST == K_ACTOR_STOPVECT_MAX - 1);

// ---- families: what goes into one argument is told apart ------------------------------------------

template <class T, std::size_t Count>
consteval bool differ(const T (&values)[Count]) {
    for (std::size_t i = 0; i < Count; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (values[i] == values[j]) return false;
        }
    }
    return true;
}

// Bits that can be combined.
template <class T, std::size_t Count>
consteval bool disjoint(const T (&values)[Count]) {
    unsigned long seen = 0;
    for (const T value : values) {
        const auto bits = static_cast<unsigned long>(value);
        if (bits == 0 || (seen & bits) != 0) return false;
        seen |= bits;
    }
    return true;
}

constexpr int errors[] = {K_EABORT,   K_EINVAL,   K_EFAULT, K_ENOMEM,    K_EBUSY,  K_ENOPORT,
                          K_ETIMEOUT, K_EUNKNOWN, K_EFULL,  K_EPRIV,     K_EEXIST, K_EOVERLAP,
                          K_EADDR,    K_EROUND,   K_ESIZE,  K_EPROT,     K_ESATUR, K_ECRASH,
                          K_ETOOMUCH, K_ENOTIMP,  K_EFAIL,  K_EFORBIDDEN};
static_assert(differ(errors));
static_assert(differ<int>({K_USERACTOR, K_SUPACTOR, K_SYSTEMACTOR}));
static_assert(differ<int>({K_ACTIVE, K_INACTIVE, K_STOPPED}));
static_assert(differ<int>({K_USERTHREAD, K_SUPTHREAD}));
static_assert(differ<int>({K_CURRCTX, K_SUPPRIV, K_USERPRIV}));
static_assert(differ<int>({K_SCHED_FIFO, K_SCHED_RR, K_SCHED_RT}));
static_assert(differ<int>({K_MYSELF, K_ALLACTORTHREADS}));
static_assert(K_MYSELF < 0 && K_ALLACTORTHREADS < 0); // no thread has such a number
static_assert(differ<int>({K_EVENT_OR, K_EVENT_AND}));
static_assert(differ<int>({K_VTIME_INTERNAL, K_VTIME_TOTAL}));
static_assert(differ<int>({K_BSTART, K_BSTOP}));
static_assert(disjoint<VmFlags>({K_WRITABLE, K_EXECUTABLE, K_FILLZERO, K_ANYWHERE, K_RESTRICTIVE, K_FREEALL,
                                 K_RESERVED, K_SUPERVISOR, K_NODEMAND, K_INHERITSHARE, K_INHERITCOPY,
                                 K_NOSWAPOUT, K_USERSPACE, K_NOWAITFORMEMORY}));
static_assert(disjoint<unsigned>({K_LAP_SAFE, K_LAP_SETJMP, K_LAP_SAMEHOST}));
static_assert(K_LAP_PROTECTED != 0 && K_LAP_NOBLOCK != 0);
static_assert(differ<int>({K_DEFAULTPORT, K_ANYENABLED, K_NONEPORT}));
static_assert(differ<KnCpuId>({K_SAMECPU, K_ANYCPU, 0}) && K_ABORTABLE != 0);
static_assert(K_ACTOR_EXCVECT_MAX > 1 && K_CLOCK_REALTIME >= 0);
static_assert(differ<int>({K_REBOOT_COLD, K_REBOOT_SUCCESS, K_REBOOT_FAILURE}));
static_assert(K_NOABORT > 999'999'999); // above each number of nanoseconds
static_assert(K_INVALID_NSEC < 0);      // and no such number
static_assert(K_TIMER_ABSOLUTE != 0);   // beside "relative"
static_assert(K_DEFAULT_STACK_SIZE >= 0x3000 || K_DEFAULT_STACK_SIZE == 0);
static_assert(K_ACTORNAMEMAX > 1 && K_THREADNAMEMAX > 1 && K_NBPRIVDATA > 0 && K_CPORTQUEUE > 0);
static_assert(PD_DESTRUCTOR_ITERATIONS > 0 && SYSLOG_MAX_LINE > 0);

TEST(Constants, special_pointers_are_no_addresses) {
    const std::set<const void*> waits{K_NOTIMEOUT, K_NOTIMEOUT_NOABORT, K_NOBLOCK};
    EXPECT_EQ(waits.size(), 3U);
    EXPECT_EQ(K_NOBLOCK, nullptr); // as null pointers in published programs
    EXPECT_EQ(K_MYACTOR, nullptr);
    EXPECT_NE(static_cast<const void*>(K_SVACTOR), nullptr);
}

TEST(Constants, objects_have_initialisers) {
    const KnSem sem = K_KNSEM_INITIALIZER(3);
    const KnMutex mutex = K_KNMUTEX_INITIALIZER, other = K_KNMUTEX_INITIALIZER;
    const KnMonitor monitor = K_KNMONITOR_INITIALIZER;
    EXPECT_EQ(sem.smWord.value, 3U);
    EXPECT_EQ(mutex.mtWord.value, other.mtWord.value);
    EXPECT_EQ(monitor.mnOwner, 0);
}

// ---- errors --------------------------------------------------------------------------------------

TEST(Errors, are_small_negative_numbers_with_texts) {
    std::set<std::string_view> texts{strSysError(K_OK)};
    for (const int error : errors) {
        EXPECT_LT(error, 0);
        EXPECT_GT(error, -64);
        const std::string_view text = strSysError(error);
        EXPECT_TRUE(text.starts_with("K_E")) << text;
        EXPECT_TRUE(texts.insert(text).second) << "twice: " << text;
        EXPECT_EQ(strSysError(-error), text);
    }
    for (const int none : {-64, 64, -1'000'000, INT32_MAX, INT32_MIN + 1}) {
        EXPECT_FALSE(std::string_view{strSysError(none)}.starts_with("K_")) << none;
    }
}

} // namespace
