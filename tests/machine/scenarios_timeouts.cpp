// Timeouts: functions that are called at interrupt level when a time has come; set, set anew and taken back
// by the CPU that calls them, by others, and by themselves.
#include "kernel/core/per_cpu.hpp"
#include "kernel/time/timeout.hpp"
#include "tests/machine/crew.hpp"
#include "tests/machine/scenarios.hpp"

namespace chorale::test {

using namespace host;

namespace {

// Its address is that of the timeout: the nucleus never looks at what is there.
struct Shot {
    unsigned calls{};
    u64 at{}, cookie{};
    CpuIndex cpu{};
    std::function<void(Shot&)> more;
};
using ShotPointer = std::shared_ptr<Shot>;

void on_time(u64 argument, u64 cookie) {
    Shot& shot = *reinterpret_cast<Shot*>(argument);
    ++shot.calls;
    shot.at = engine().now();
    shot.cookie = cookie;
    shot.cpu = chorale::this_cpu().index;
    if (shot.more) shot.more(shot);
}

[[nodiscard]] Task<long> set(u64 address, u64 nanoseconds, KnLapDesc lap, int flag = 0) {
    Local<KnTimeVal> time;
    Local<KnLapDesc> place;
    co_await time.set(time_of(nanoseconds));
    co_await place.set(lap);
    co_return co_await attempt(Call::svSysTimeoutSet, address, time.at(), flag, place.at());
}

[[nodiscard]] Attempt cancel(u64 address) { return attempt(Call::svSysTimeoutCancel, address); }

// From the handler.
[[nodiscard]] long set_there(const Shot& shot, u64 nanoseconds, const KnLapDesc& wanted) {
    const KnTimeVal time = time_of(nanoseconds);
    const KnLapDesc lap = wanted;
    return native_call(Call::svSysTimeoutSet, &shot, &time, 0, &lap);
}
[[nodiscard]] long cancel_there(const Shot& shot) { return native_call(Call::svSysTimeoutCancel, &shot); }

[[nodiscard]] Task<bool> called(ShotPointer shot, unsigned times = 1, u64 limit = patience) {
    return until([=] { return shot->calls >= times; }, limit);
}

constexpr u64 hour = u64{3600} * 1'000'000'000, soon = 30 * microsecond;
constexpr u64 some_cookie = 0x5eed;

// ---- one CPU ---------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> wrong_timeouts(KnLapDesc raw, KnLapDesc plain) {
    Local<KnTimeVal> time;
    Local<KnLapDesc> place;
    const u64 address = 64;
    KnLapDesc forged = raw;
    ++forged.ldKey;
    expect(co_await set(address, soon, plain), K_EINVAL, "a timeout with a LAP that is not raw");
    expect(co_await set(address, soon, forged), K_EINVAL, "a timeout without a LAP");
    expect(co_await set(address, soon, raw, 1), K_EINVAL, "a timeout with a flag");
    expect(co_await set(0, soon, raw), K_EINVAL, "a timeout that is null");
    co_await place.set(raw);
    for (const KnTimeVal wrong : {KnTimeVal{0, 1'000'000'000}, KnTimeVal{-1, 0}, KnTimeVal{0, -1}}) {
        co_await time.set(wrong);
        expect(co_await attempt(Call::svSysTimeoutSet, address, time.at(), 0, place.at()), K_EINVAL,
               "a timeout at no time");
    }
    expect(co_await attempt(Call::svSysTimeoutSet, address, 0, 0, place.at()), K_EFAULT, "no time");
    expect(co_await attempt(Call::svSysTimeoutSet, address, time.at(), 0, 0), K_EFAULT, "no LAP");
    expect(co_await cancel(address), K_EINVAL, "a timeout that nobody set");
    expect(co_await cancel(0), K_EINVAL, "a timeout that is null");
    expect(co_await attempt(Call::svTimeoutGetRes, time.at()), K_OK, "svTimeoutGetRes");
    expect(co_await attempt(Call::svTimeoutGetRes, 0), K_EFAULT, "the resolution of nowhere");
}

// point 13: one shot, at interrupt level, rounded down, but to one unit at the least.
[[nodiscard]] Task<void> come_in_time(KnLapDesc raw) {
    for (const u64 nanoseconds : {u64{0}, u64{1}, soon, 3 * soon}) {
        const auto shot = std::make_shared<Shot>();
        const u64 begun = engine().now();
        const CpuIndex here = chorale::this_cpu().index;
        const long result = co_await set(word_of(shot), nanoseconds, raw);
        expect(result, K_OK, "svSysTimeoutSet");
        if (result != K_OK) continue;
        check(co_await called(shot), "a timeout that does not come");
        check(shot->at >= begun + (nanoseconds == 0 ? 1 : nanoseconds), "a timeout that comes too early");
        check(shot->cookie == some_cookie && shot->cpu == here, "a timeout with another's arguments");
        expect(co_await cancel(word_of(shot)), K_EINVAL, "a timeout that has come");
        check(shot->calls == 1, "a timeout that comes twice");
    }
}

[[nodiscard]] Task<void> set_anew(KnLapDesc raw) {
    const auto shot = std::make_shared<Shot>();
    const u64 address = word_of(shot);
    expect(co_await set(address, hour, raw), K_OK, "svSysTimeoutSet");
    const long sooner = co_await set(address, soon, raw);
    expect(sooner, K_OK, "a timeout set anew");
    if (sooner == K_OK) check(co_await called(shot), "a timeout that was set anew, sooner");
    const unsigned before = shot->calls;
    expect(co_await set(address, 2 * soon, raw), K_OK, "svSysTimeoutSet");
    const long later = co_await set(address, hour, raw);
    check(!co_await called(shot, before + 1, 4 * soon), "a timeout that was set anew, later");
    if (later == K_OK) {
        expect(co_await cancel(address), K_OK, "svSysTimeoutCancel");
        expect(co_await cancel(address), K_EINVAL, "svSysTimeoutCancel again");
    }
    static_cast<void>(co_await cancel(address));
}

// It sets itself again, and cannot be taken back meanwhile.
[[nodiscard]] Task<void> periods(KnLapDesc raw) {
    constexpr unsigned most = 4;
    const auto shot = std::make_shared<Shot>();
    shot->more = [raw](Shot& self) {
        expect(cancel_there(self), K_EBUSY, "a handler takes its timeout back");
        if (self.calls == most) return;
        expect(set_there(self, soon, raw), K_OK, "a handler sets its timeout again");
        if (self.calls != 2) return;
        // Set, taken back, set: it is one timeout all the while.
        static_cast<void>(cancel_there(self));
        check(cancel_there(self) == K_EINVAL, "a handler has taken its timeout back");
        static_cast<void>(set_there(self, soon, raw));
    };
    const long result = co_await set(word_of(shot), soon, raw);
    expect(result, K_OK, "svSysTimeoutSet");
    if (result != K_OK) co_return;
    check(co_await called(shot, most), "a periodic timeout does not come");
    co_await rest(2 * soon);
    check(shot->calls == most, "a periodic timeout does not end");
    static_cast<void>(co_await cancel(word_of(shot)));
}

// Nothing is called then.
[[nodiscard]] Task<void> outlive_lap(KnCap owner) {
    KnLapDesc lap{};
    const auto shot = std::make_shared<Shot>();
    if (co_await make_lap(owner, address_of(on_time), 0, K_LAP_SAMEHOST, lap) != K_OK) co_return;
    static_cast<void>(co_await set(word_of(shot), soon, lap));
    static_cast<void>(co_await set(word_of(shot) + 1, hour, lap));
    co_await remove_lap(lap);
    co_await rest(3 * soon);
    check(shot->calls == 0, "a LAP that has gone is called");
    check(co_await cancel(word_of(shot)) == K_EINVAL, "a timeout whose LAP has gone");
    static_cast<void>(co_await cancel(word_of(shot) + 1));
}

// So many that several are in one bucket; taken out of it from the middle and from both ends.
[[nodiscard]] Task<void> many_timeouts(KnLapDesc raw) {
    constexpr u64 count = 20;
    const auto address = [](u64 i) { return i * i * i * 0x1'2345 + 8; };
    for (u64 i = 0; i < count; ++i) static_cast<void>(co_await set(address(i), hour, raw));
    for (u64 i = 0; i < count; ++i) {
        const u64 at = address(i * 7 % count);
        static_cast<void>(co_await cancel(at));
        expect(co_await cancel(at), K_EINVAL, "a timeout that was taken back");
    }
}

// ---- several CPUs ----------------------------------------------------------------------------------------

struct Contest {
    KnLapDesc raw{};
    ShotPointer first = std::make_shared<Shot>(), second = std::make_shared<Shot>();
    bool set{}, failed{}, inside{}, tried{};
    u64 due{};
};
using ContestPointer = std::shared_ptr<Contest>;

// The handler that is called first lasts until another CPU has done something. `both`: another one is due
// then.
[[nodiscard]] Task<void> set_contested(ContestPointer contest, bool both) {
    Contest* const shared = contest.get();
    (both ? contest->second : contest->first)->more = [shared](Shot& self) {
        if (self.calls != 1) return;
        shared->inside = true;
        watch_others([shared] { return shared->tried; });
        shared->inside = false;
    };
    long result = co_await set(word_of(contest->first), 2 * soon, contest->raw);
    contest->due = engine().now() + 2 * soon;
    if (both && result == K_OK) result = co_await set(word_of(contest->second), soon, contest->raw);
    contest->failed = result != K_OK;
}

[[nodiscard]] Task<bool> runs_elsewhere(ContestPointer contest) {
    const bool runs = co_await work_until([=] { return contest->inside || contest->failed; });
    co_return runs && !contest->failed;
}

// K_EBUSY while the handler runs; what is set anew meanwhile comes here.
[[nodiscard]] Task<void> cancel_running(ContestPointer contest) {
    const u64 address = word_of(contest->first);
    if (!co_await runs_elsewhere(contest)) co_return;
    const CpuIndex here = chorale::this_cpu().index;
    const long result = co_await cancel(address);
    if (!contest->inside) co_return;
    expect(result, K_EBUSY, "a timeout that runs is taken back");
    const long anew = co_await set(address, soon, contest->raw);
    expect(anew, K_OK, "a timeout that runs is set anew");
    check(contest->inside, "a handler does not wait");
    contest->tried = true;
    if (anew != K_OK) co_return;
    check(co_await called(contest->first, 2), "a timeout that was set while it ran");
    check(contest->first->cpu == here, "a timeout on another CPU");
}

// While the one CPU is in a handler the other takes back what is due there next.
[[nodiscard]] Task<void> cancel_due(ContestPointer contest) {
    if (!co_await runs_elsewhere(contest)) co_return;
    static_cast<void>(co_await work_until([=] { return engine().now() > contest->due; }));
    const long result = co_await cancel(word_of(contest->first));
    const bool in_time = contest->inside;
    contest->tried = true;
    if (!in_time) co_return;
    expect(result, K_OK, "a timeout that is due is taken back");
    co_await rest(2 * soon);
    check(contest->first->calls == 0, "a timeout that was taken back comes");
    check(contest->second->calls == 1, "a timeout does not come");
}

// Set on one CPU; taken back and set anew on another.
[[nodiscard]] Task<void> set_for_others(ContestPointer contest) {
    static_cast<void>(co_await set(word_of(contest->first), 3 * millisecond, contest->raw));
    static_cast<void>(co_await set(word_of(contest->second), 3 * millisecond, contest->raw));
    contest->set = true;
}
[[nodiscard]] Task<void> take_from_others(ContestPointer contest) {
    if (!co_await until([=] { return contest->set; })) co_return;
    const CpuIndex here = chorale::this_cpu().index;
    check(co_await cancel(word_of(contest->first)) == K_OK, "another CPU's timeout is taken back");
    const long result = co_await set(word_of(contest->second), soon, contest->raw);
    expect(result, K_OK, "another CPU's timeout is set anew");
    if (result != K_OK) co_return static_cast<void>(co_await cancel(word_of(contest->second)));
    check(co_await called(contest->second), "a timeout that was set anew elsewhere");
    check(contest->second->cpu == here && contest->first->calls == 0, "a timeout of another CPU's comes");
}

// All of them on the same few.
[[nodiscard]] Task<void> contend(ContestPointer contest, unsigned seed) {
    for (unsigned i = 0; i < 30; ++i) {
        const u64 address = word_of((i + seed) % 2 == 0 ? contest->first : contest->second);
        static_cast<void>(co_await set(address, (i * 7 + seed * 3) % 11 * microsecond, contest->raw));
        if (i % 4 == seed % 4) co_await rest(5 * microsecond);
        if (i % 3 == seed % 3) static_cast<void>(co_await cancel(address));
    }
}

// ---- together --------------------------------------------------------------------------------------------

// Who makes the LAPs that all use, and deletes them in the end.
struct Laps {
    KnLapDesc raw{}, plain{};
    bool there{};
};
using LapsPointer = std::shared_ptr<Laps>;

[[nodiscard]] Task<void> make_laps(LapsPointer laps) {
    const long made = co_await make_lap(nobody, address_of(on_time), some_cookie, K_LAP_SAMEHOST, laps->raw);
    if (made == K_OK) laps->there = co_await make_lap(nobody, address_of(on_time), 0, 0, laps->plain) == K_OK;
}

[[nodiscard]] Task<bool> with_laps(CrewPointer crew, LapsPointer laps) {
    co_await crew->gather();
    co_await crew->play([laps](u64) { return make_laps(laps); }, 0);
    co_return co_await until([laps] { return laps->there; }, millisecond);
}

// What is still set has a LAP that has gone.
[[nodiscard]] Task<void> end(CrewPointer crew) {
    co_await crew->end();
    co_await rest(4 * millisecond);
    check(live_timeouts() == 0, "a timeout is left");
}

} // namespace

Task<void> timeouts_of_one_cpu(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto laps = std::make_shared<Laps>();
    if (co_await with_laps(crew, laps)) {
        const KnCap owner = crew->actor();
        const KnLapDesc raw = laps->raw, plain = laps->plain;
        co_await crew->play([=](u64) { return wrong_timeouts(raw, plain); }, 1);
        co_await crew->play([=](u64) { return come_in_time(raw); }, 2);
        co_await crew->play([=](u64) { return set_anew(raw); }, 3);
        co_await crew->play([=](u64) { return periods(raw); }, 1);
        co_await crew->play([=](u64) { return outlive_lap(owner); }, 2);
        co_await crew->play([=](u64) { return many_timeouts(raw); }, 3);
    }
    co_await end(crew);
}

Task<void> timeouts_of_several_cpus(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto laps = std::make_shared<Laps>();
    std::array<ContestPointer, 4> contests;
    if (co_await with_laps(crew, laps)) {
        for (ContestPointer& each : contests) {
            each = std::make_shared<Contest>();
            each->raw = laps->raw;
        }
        const auto [running, due, theirs, all] = contests;
        co_await crew->play([=](u64) { return set_for_others(theirs); }, 1);
        co_await crew->play([=](u64) { return take_from_others(theirs); }, 2);
        for (CpuIndex cpu = 0; cpu < 4; ++cpu)
            co_await crew->play([=](u64) { return contend(all, cpu); }, cpu, 120);
        co_await rest(300 * microsecond);
        co_await crew->play([=](u64) { return cancel_running(running); }, 2);
        co_await crew->play([=](u64) { return set_contested(running, false); }, 1);
        static_cast<void>(co_await until([=] { return running->tried || running->failed; }));
        co_await crew->play([=](u64) { return cancel_due(due); }, 3);
        co_await crew->play([=](u64) { return set_contested(due, true); }, 1);
    }
    co_await end(crew);
}

} // namespace chorale::test
