#include "bench/host/counter.hpp"

#include <benchmark/benchmark.h>

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace chorale::bench {

namespace {

using Clock = std::chrono::steady_clock;

// Each needs the one before it; no CPU makes a step in less than two cycles (four is usual), and no CPU that
// counts cycles takes a hundred.
constexpr u64 chain_steps = 100'000;
constexpr u64 least_cycles = 2, most_cycles = 100;

[[gnu::noinline]] u64 walk_chain(u64 steps) {
    u64 factor = 6364136223846793005, term = 1442695040888963407, value = 1;
    benchmark::DoNotOptimize(factor);
    benchmark::DoNotOptimize(term);
    for (; steps != 0; --steps) value = value * factor + term;
    return value;
}

[[nodiscard]] u64 nanoseconds() {
    return static_cast<u64>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

// What the compiler offers tells what the CPU has: no other host needs more than its clock.
#if __has_builtin(__builtin_ia32_rdtsc) && __has_builtin(__builtin_ia32_rdpmc)
constexpr bool have_ticks = true;
void finish_instructions() { __builtin_ia32_lfence(); }
[[nodiscard]] u64 ticks() { return __builtin_ia32_rdtsc(); }
[[nodiscard]] u64 hardware_counter(u32 index) {
    return static_cast<u64>(__builtin_ia32_rdpmc(static_cast<int>(index)));
}
#else
constexpr bool have_ticks = false;
void finish_instructions() {}
[[nodiscard]] u64 ticks() { return nanoseconds(); }
[[nodiscard]] u64 hardware_counter(u32) { return 0; }
#endif

std::unique_ptr<CycleCounter> chosen_counter;

} // namespace

const CycleCounter& counter() { return *chosen_counter; }
void use_counter(std::unique_ptr<CycleCounter> chosen) { chosen_counter = std::move(chosen); }

CycleCounter::CycleCounter(Choice choice) {
    if (choice == Choice::tsc) reason_ = "asked for";
    const bool event = choice != Choice::tsc && open_event() && event_counts();
    if (event) {
        kind_ = "cycles (perf_event)";
        unit_ = "cycles";
    } else {
        close_event();
        if (choice == Choice::perf_event) throw std::runtime_error{reason_};
        if (choice == Choice::tsc && !have_ticks)
            throw std::runtime_error{"no time stamp counter is known here"};
        kind_ = have_ticks ? "tsc" : "ns";
        unit_ = have_ticks ? "ticks" : "ns";
    }
    learn_rate();
}

CycleCounter::~CycleCounter() { close_event(); }

bool CycleCounter::open_event() {
    perf_event_attr wanted{};
    wanted.size = sizeof wanted;
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.config = PERF_COUNT_HW_CPU_CYCLES;
    wanted.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    wanted.pinned = 1; // all the time or not at all: no sharing of the counter with others
    wanted.exclude_kernel = 1;
    wanted.exclude_hv = 1;
    event_ = static_cast<int>(syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
    if (event_ < 0) {
        switch (errno) {
        case EACCES:
        case EPERM:
            reason_ =
                "perf_event_open is forbidden (see /proc/sys/kernel/perf_event_paranoid, or the container's "
                "seccomp profile)";
            break;
        case ENOENT:
        case EOPNOTSUPP:
            reason_ = "this machine has no hardware cycle counter (a virtual one without PMU?)";
            break;
        case ENOSYS:
            reason_ = "this kernel has no perf_event_open";
            break;
        default:
            reason_ = std::string{"perf_event_open: "} + std::strerror(errno);
        }
        return false;
    }
    // Without the page each look is a system call: slower, and as right.
    void* const page =
        mmap(nullptr, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), PROT_READ, MAP_SHARED, event_, 0);
    if (page != MAP_FAILED) page_ = static_cast<perf_event_mmap_page*>(page);
    return true;
}

// Some machines have the event and count nothing.
bool CycleCounter::event_counts() {
    u64 best = std::numeric_limits<u64>::max();
    for (int round = 0; round < 5; ++round) {
        const u64 begin = read_event();
        benchmark::DoNotOptimize(walk_chain(chain_steps));
        best = std::min(best, read_event() - begin);
    }
    std::array<u64, 3> times{}; // count, nanoseconds enabled, nanoseconds running
    const bool whole = ::read(event_, times.data(), sizeof times) == sizeof times && times[1] == times[2];
    if (whole && best >= chain_steps * least_cycles && best <= chain_steps * most_cycles) return true;
    reason_ = "perf_event is there but counts " + std::to_string(best) + " cycles for " +
              std::to_string(chain_steps) + " multiplications in a row" + (whole ? "" : ", part of the time");
    return false;
}

void CycleCounter::close_event() {
    if (page_ != nullptr) munmap(page_, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
    if (event_ >= 0) close(event_);
    page_ = nullptr;
    event_ = -1;
}

// The kernel says in the page which counter it is and what to add; it changes `lock` whenever it changes
// these.
u64 CycleCounter::read_event() const {
    u64 count = 0;
    u32 lock = 0, index = 0;
    bool direct = page_ != nullptr;
    while (direct) {
        lock = *const_cast<volatile u32*>(&page_->lock);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        index = page_->index;
        count = static_cast<u64>(page_->offset);
        direct = page_->cap_user_rdpmc != 0 && index != 0;
        if (direct) {
            const unsigned unused = 64u - page_->pmc_width;
            count +=
                static_cast<u64>(static_cast<std::int64_t>(hardware_counter(index - 1) << unused) >> unused);
        }
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (*const_cast<volatile u32*>(&page_->lock) == lock) break;
    }
    if (direct) return count;
    std::array<u64, 3> values{};
    if (::read(event_, values.data(), sizeof values) != sizeof values) return 0;
    return values[0];
}

u64 CycleCounter::read() const {
    finish_instructions();
    const u64 now = event_ >= 0 ? read_event() : ticks();
    finish_instructions();
    return now;
}

// The median of several looks: somebody may take the CPU away during one.
void CycleCounter::learn_rate() {
    constexpr std::size_t looks = 15;
    std::array<double, looks> rates{}, steps{};
    for (std::size_t look = 0; look < looks; ++look) {
        const u64 begin_time = nanoseconds(), begin = read();
        benchmark::DoNotOptimize(walk_chain(chain_steps));
        const u64 end = read(), end_time = nanoseconds();
        const auto counts = static_cast<double>(end - begin);
        rates[look] = counts * 1e9 / static_cast<double>(end_time - begin_time);
        steps[look] = counts / chain_steps;
    }
    std::ranges::sort(rates);
    std::ranges::sort(steps);
    per_second_ = rates[looks / 2];
    counts_per_step_ = steps[looks / 2];
}

} // namespace chorale::bench
