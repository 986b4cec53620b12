// Device lines and what is done at interrupt level: who is called, when, where; what such a function may do;
// and handlers that go while they are attended to, alone or with their actor.
#include "arch/host/machine.hpp"
#include "arch/host/objects.hpp"
#include "arch/host/user_word.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/time/timeout.hpp"
#include "tests/machine/crew.hpp"
#include "tests/machine/scenarios.hpp"

#include <machine/irq.hpp>

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned free_lines = 3;

struct Bell {
    unsigned calls{}, last{}; // `last`: which of all calls of the scenario
    unsigned* count{};
    CpuIndex cpu{};
    std::function<void()> more;
};
using BellPointer = std::shared_ptr<Bell>;

[[nodiscard]] BellPointer make_bell(unsigned& count) {
    const auto bell = std::make_shared<Bell>();
    bell->count = &count;
    return bell;
}

void on_interrupt(u64 cookie, u64) {
    Bell& bell = *reinterpret_cast<Bell*>(cookie);
    ++bell.calls;
    bell.last = ++*bell.count;
    bell.cpu = chorale::this_cpu().index;
    if (bell.more) bell.more();
}

// The handler's name, or an error.
[[nodiscard]] Task<long> attach(unsigned line, BellPointer bell) {
    Local<CpuIntrId> id;
    const long result =
        co_await attempt(Call::svIntrConnect, line, address_of(on_interrupt), word_of(bell), id.at());
    expect(result, K_OK, "svIntrConnect");
    co_return result == K_OK ? static_cast<long>(co_await id.get()) : result;
}

[[nodiscard]] Task<void> detach(long id) {
    if (id <= 0) co_return;
    expect(co_await attempt(Call::svIntrDetach, id), K_OK, "svIntrDetach");
    expect(co_await attempt(Call::svIntrDetach, id), K_EINVAL, "svIntrDetach again");
    expect(co_await attempt(Call::svIntrMask, id, 1), K_EINVAL, "a detached handler masks its line");
}

// Whether it is called.
[[nodiscard]] Task<bool> answers(unsigned line, BellPointer bell, u64 limit = patience) {
    const unsigned before = bell->calls;
    raise_line(line);
    co_return co_await until([bell, before] { return bell->calls != before; }, limit);
}
constexpr u64 while_nothing_comes = 200 * microsecond;

// ---- who is called ---------------------------------------------------------------------------------------

[[nodiscard]] Task<void> wrong_lines() {
    Local<CpuIntrId> id;
    const u64 handler = address_of(on_interrupt);
    for (const unsigned line : {machine::irq_lines(), 1U << 16, 1U << 16 | 1, ~0U})
        expect(co_await attempt(Call::svIntrConnect, line, handler, 0, id.at()), K_EINVAL, "no such line");
    expect(co_await attempt(Call::svIntrConnect, 0, 0, 0, id.at()), K_EINVAL, "no handler");
    expect(co_await attempt(Call::svIntrConnect, 0, handler, 0, 0), K_EFAULT, "a name for nowhere");
    for (const u64 nobody : {u64{0}, u64{1} << 16, u64{99} << 16 | 2, ~u64{0}}) {
        expect(co_await attempt(Call::svIntrDetach, nobody), K_EINVAL, "nobody is detached");
        expect(co_await attempt(Call::svIntrMask, nobody, 1), K_EINVAL, "nobody masks a line");
    }
}

// In the order in which they came; each masks the line for all, and only once.
[[nodiscard]] Task<void> share_line(unsigned line) {
    unsigned count = 0;
    std::array<BellPointer, 3> bell;
    std::array<long, 3> id{};
    for (unsigned i = 0; i < 3; ++i) id[i] = co_await attach(line, bell[i] = make_bell(count));
    if (id[0] > 0 && id[1] > 0 && id[2] > 0) {
        check(id[0] != id[1] && id[1] != id[2], "two handlers of one name");
        check(co_await answers(line, bell[2]), "a line that nobody hears");
        for (unsigned i = 0; i < 3; ++i) check(bell[i]->last == i + 1, "handlers in another order");
        for (const unsigned i : {0u, 0u, 1u})
            expect(co_await attempt(Call::svIntrMask, id[i], 1), K_OK, "svIntrMask");
        expect(co_await attempt(Call::svIntrMask, id[0], 0), K_OK, "svIntrMask");
        check(!co_await answers(line, bell[0], while_nothing_comes), "a masked line is heard");
        const unsigned before = bell[1]->calls;
        co_await detach(id[1]); // with its mask
        check(co_await answers(line, bell[2]), "a line that nobody masks is not heard");
        check(bell[1]->calls == before, "a detached handler is called");
        check(bell[0]->calls == 2 && bell[2]->calls == 2, "an interrupt is told twice");
        check(bell[0]->cpu == bell[2]->cpu, "one line and two CPUs");
        id[1] = 0;
    }
    for (const long each : id) co_await detach(each);
    const unsigned before = count;
    raise_line(line);
    co_await rest(while_nothing_comes);
    check(count == before, "somebody hears a line that nobody is attached to");
}

// ---- what may be done there ------------------------------------------------------------------------------

#define CHORALE_LEVEL(number, name, flow, privilege, level, ...)                                             \
    if (chorus::Level::level == chorus::Level::interrupt && wanted == number) return true;
[[nodiscard]] bool for_interrupt_level(u64 wanted) {
    CHORUS_LEAF_CALLS(CHORALE_LEVEL)
    CHORUS_BLOCK_CALLS(CHORALE_LEVEL)
    return false;
}
#undef CHORALE_LEVEL

// What the handler and those whom it wakes share; the objects lie on a page of the supervisor space.
struct Level {
    VirtAddr page;
    unsigned done{}, woken{};
    u64 pages{};
    long id{};
    KnLapDesc raw{};
    unsigned timeouts{};
    long space{}; // of messages
    u64 message{};
};
using LevelPointer = std::shared_ptr<Level>;
constexpr uword semaphore = 0, thread_semaphore = 64, event = 128, message = 192;
constexpr u32 flags = 6;

void refuse_all() {
    for (unsigned number = 0; number < chorus::call_limit; ++number) {
        if (for_interrupt_level(number)) continue;
        if (native_call(static_cast<Call>(number), u64{}, u64{}, u64{}, u64{}, u64{}, u64{}) != K_EINVAL)
            complain("call " + std::to_string(number) + " at interrupt level");
    }
}

void look_at_clocks() {
    KnTimeVal now{}, resolution{}, same{};
    u64 frequency = 0;
    expect(native_call(Call::sysTime, &now), K_OK, "sysTime");
    expect(native_call(Call::sysTimeGetRes, &resolution), K_OK, "sysTimeGetRes");
    expect(native_call(Call::svTimeoutGetRes, &same), K_OK, "svTimeoutGetRes");
    expect(native_call(Call::sysCounterFrequency, &frequency), K_OK, "sysCounterFrequency");
    check(now.tmSec > 0 || now.tmNSec > 0, "no time at interrupt level");
    check(same.tmNSec == resolution.tmNSec && frequency != 0, "another clock at interrupt level");
    expect(native_call(Call::sysTime, u64{0x40'0000}), K_EFAULT, "a user address at interrupt level");
}

void on_short_time(u64 argument, u64) { ++reinterpret_cast<Level*>(argument)->timeouts; }

// Sets one timeout that comes, and one that it takes back.
void use_timeouts(Level& level) {
    const KnTimeVal soon{0, 5'000}, late{9, 0};
    const KnLapDesc raw = level.raw;
    const auto address = reinterpret_cast<u64>(&level);
    check(native_call(Call::svSysTimeoutSet, address, &soon, 0, &raw) == K_OK, "svSysTimeoutSet");
    check(native_call(Call::svSysTimeoutSet, address + 1, &late, 0, &raw) == K_OK, "svSysTimeoutSet");
    static_cast<void>(native_call(Call::svSysTimeoutCancel, address + 1));
    expect(native_call(Call::svSysTimeoutCancel, address + 1), K_EINVAL, "svSysTimeoutCancel again");
}

void wake_all(Level& level) {
    const auto give = [](VirtAddr word, unsigned most) { return native_call(Call::syncGive, word, most); };
    while (give(level.page + semaphore, K_SEMCOUNTMAX) == 1) {
    }
    static_cast<void>(give(level.page + thread_semaphore, 1));
    std::byte* const word = machine::user_byte(level.page + event, Protection::write);
    if (word == nullptr) return check(false, "no event at interrupt level");
    static_cast<void>(operate(*reinterpret_cast<u32*>(word), WordOperation::raise, flags));
    expect(native_call(Call::eventNotify, level.page + event), K_OK, "eventNotify");
    if (level.message == 0) return;
    const long lid = level.space;
    if (native_call(Call::msgPut, lid, 0u, level.message, 9u) == K_OK) {
        expect(native_call(Call::msgPut, lid, 0u, level.message, 9u), K_EINVAL, "msgPut of a queued message");
        expect(native_call(Call::msgRemove, lid, 0u, level.message, 9u), K_OK, "msgRemove");
        expect(native_call(Call::msgPut, lid, 1u, level.message, 9u), K_OK, "msgPut to who waits");
    }
    expect(native_call(Call::msgFree, lid, level.message + 64), K_EINVAL, "msgFree of a free message");
}

void use_calls(Level& level) {
    if (level.done == 0) refuse_all();
    look_at_clocks();
    use_timeouts(level);
    expect(native_call(Call::svIntrMask, level.id, 1), K_OK, "a handler masks its line");
    expect(native_call(Call::svIntrMask, level.id, 0), K_OK, "a handler opens its line");
    u64 pages = 0;
    // At interrupt level nothing can be waited for: pages whose address cannot be told stay (chMem.h).
    if (!failures_expected() && level.pages == 0 &&
        native_call(Call::svPagesAllocate, &pages, u64{page_size}, 0u, u64{}) == K_OK) {
        level.pages = pages;
    }
    wake_all(level);
    ++level.done;
}

[[nodiscard]] Task<void> wait_for(LevelPointer level, unsigned what) {
    constexpr u64 limit = 5 * millisecond;
    const VirtAddr page = level->page;
    long result = K_OK;
    if (what == semaphore) result = co_await sem_p(page + semaphore, limit);
    if (what == thread_semaphore) result = co_await sem_p(page + thread_semaphore, limit);
    if (what == event) result = co_await event_wait(page + event, flags, K_EVENT_AND, limit);
    if (what == message) {
        if (level->message == 0) {
            ++level->woken;
            co_return;
        }
        Local<KnTimeVal> time;
        Local<u64> address;
        co_await time.set(time_of(limit));
        result = co_await attempt(Call::msgGet, level->space, 1u, time.at(), address.at(), 0);
        check(result != K_OK || co_await address.get() == level->message, "another message");
    }
    check(result >= 0, "nobody is woken from interrupt level");
    if (result >= 0) ++level->woken;
}

[[nodiscard]] Task<void> free_pages(u64 pages) {
    for (int tries = 0; tries < 9; ++tries) {
        const long result = co_await attempt(Call::svPagesFree, pages, u64{page_size});
        if (result != K_ENOMEM && result != K_EFAULT) co_return;
    }
}

// The page goes with the actor.
[[nodiscard]] Task<void> make_level(LevelPointer level) {
    Local<KnRgnDesc> region;
    KnRgnDesc wanted{};
    wanted.size = page_size;
    wanted.options = K_WRITABLE | K_ANYWHERE | K_NODEMAND;
    co_await region.set(wanted);
    const long made = co_await attempt(Call::rgnAllocate, 0, region.at());
    expect(made, K_OK, "a page of a supervisor actor");
    if (made != K_OK) co_return;
    level->page = VirtAddr{(co_await region.get()).startAddr};
    Local<KnMsgPool> pool;
    Local<u64> address;
    co_await pool.set({64, 2});
    level->space = co_await attempt(Call::msgSpaceCreate, K_PRIVATEID, 2u, 1u, pool.at());
    if (level->space > 0 &&
        co_await attempt(Call::msgAllocate, level->space, 0u, 1u, 0, address.at()) == K_OK)
        level->message = co_await address.get();
    static_cast<void>(co_await make_lap(nobody, address_of(on_short_time), 0, K_LAP_SAMEHOST, level->raw));
}

[[nodiscard]] Task<void> ring_level(LevelPointer level, unsigned line) {
    unsigned count = 0;
    const BellPointer bell = make_bell(count);
    bell->more = [level] { use_calls(*level); };
    level->id = co_await attach(line, bell);
    for (unsigned i = 0; level->id > 0 && i < 2; ++i) {
        co_await rest(20 * microsecond);
        check(co_await answers(line, bell), "a line that nobody hears");
    }
    co_await detach(level->id);
    check(co_await until([level] { return level->timeouts != 0; }), "no timeout from interrupt level");
    if (level->pages == 0) co_return check(false, "no pages from interrupt level");
    co_await store(VirtAddr{level->pages}, u64{7});
    co_await free_pages(level->pages);
}

[[nodiscard]] Task<void> end_level(LevelPointer level) { co_await remove_lap(level->raw); }

// ---- handlers that go ------------------------------------------------------------------------------------

struct Slow {
    BellPointer bell;
    long id{};
    bool inside{}, detaching{}, detached{};
    unsigned count{};
};
using SlowPointer = std::shared_ptr<Slow>;

[[nodiscard]] Task<void> attach_slow(SlowPointer slow, unsigned line) {
    slow->bell = make_bell(slow->count);
    slow->bell->more = [slow = slow.get()] {
        slow->inside = true;
        watch_others([slow] { return slow->detaching; });
        for (unsigned i = 0; i < 20; ++i) engine().relax(); // long enough for who does not wait
        if (slow->detached) complain("svIntrDetach did not wait for the handler");
        slow->inside = false;
    };
    slow->id = co_await attach(line, slow->bell);
    if (slow->id > 0) raise_line(line);
}

// On a CPU that is not the line's.
[[nodiscard]] Task<void> detach_slow(SlowPointer slow, unsigned line) {
    static_cast<void>(co_await work_until([slow] { return slow->inside || slow->id < 0; }));
    if (slow->id <= 0) co_return;
    slow->detaching = true;
    const long result = co_await attempt(Call::svIntrDetach, slow->id);
    expect(result, K_OK, "svIntrDetach");
    slow->detached = result == K_OK;
    check(slow->bell->calls == 1 && !slow->inside, "a handler that was detached runs");
    check(!co_await answers(line, slow->bell, while_nothing_comes), "a detached handler is called");
}

void raise_all() {
    for (unsigned line = 0; line < free_lines; ++line) raise_line(line);
}

// More than are freed in one step, on all lines, among those of others. `masking`: nobody hears the lines.
[[nodiscard]] Task<void> attach_many(std::shared_ptr<std::vector<BellPointer>> bells, unsigned& count,
                                     bool masking) {
    for (unsigned i = 0; i < 4 * free_lines; ++i) {
        bells->push_back(make_bell(count));
        const long id = co_await attach(i % free_lines, bells->back());
        if (masking && i % 5 == 0 && id > 0) static_cast<void>(co_await attempt(Call::svIntrMask, id, 1));
    }
}

// Inside of a LAP of the actor's when that goes: nothing more can be attached on its behalf.
[[nodiscard]] Task<void> attach_too_late(BellPointer bell, std::shared_ptr<unsigned> visitors) {
    Local<CpuIntrId> id;
    const auto connect = [&] {
        return attempt(Call::svIntrConnect, 0, address_of(on_interrupt), word_of(bell), id.at());
    };
    ++*visitors;
    check(co_await attempt(Call::threadDelay, ~u64{0}) == K_EABORT, "in a LAP of an actor that goes");
    check(co_await connect() == K_EUNKNOWN, "svIntrConnect of an actor that goes");
}

struct Visit {
    KnLapDesc lap{};
    std::shared_ptr<unsigned> visitors = std::make_shared<unsigned>();
};
using VisitPointer = std::shared_ptr<Visit>;

[[nodiscard]] Task<void> open_house(KnCap owner, VisitPointer visit, u64 entry) {
    static_cast<void>(co_await make_lap(owner, entry, 0, K_LAP_SAFE, visit->lap));
}
[[nodiscard]] Task<void> pay_visit(VisitPointer visit) {
    Local<KnLapDesc> place;
    co_await place.set(visit->lap);
    check(co_await attempt(Call::lapInvoke, place.at(), 0) == K_EABORT, "a LAP of an actor that goes");
}

// As often as can be, until it ends with its actor.
[[nodiscard]] Task<void> attach_and_detach(unsigned line, unsigned& count, std::vector<BellPointer>& bells) {
    constexpr unsigned most = 400;
    for (unsigned i = 0; i < most; ++i) {
        bells.push_back(make_bell(count));
        Local<CpuIntrId> id;
        const long made = co_await attempt(Call::svIntrConnect, line, address_of(on_interrupt),
                                           word_of(bells.back()), id.at());
        if (made == K_OK) static_cast<void>(co_await attempt(Call::svIntrDetach, co_await id.get()));
        if (made == K_EUNKNOWN) co_return;
    }
}

} // namespace

Task<void> device_lines_shared(u64) {
    const auto crew = std::make_shared<Crew>();
    co_await crew->gather();
    co_await crew->play([](u64) { return wrong_lines(); }, 2);
    co_await crew->play([](u64) { return share_line(0); }, 1);
    co_await crew->play([](u64) { return share_line(2); }, 3);
    co_await crew->end();
}

Task<void> calls_at_interrupt_level(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto level = std::make_shared<Level>();
    co_await crew->gather();
    co_await crew->play([level](u64) { return make_level(level); }, 0);
    static_cast<void>(co_await until([level] { return level->raw.ldKey != 0; }));
    if (level->raw.ldKey != 0 && level->page.raw() != 0) {
        unsigned waiting = 0;
        CpuIndex cpu = 0;
        for (const unsigned what : {0u, 0u, 0u, 64u, 128u, 128u, 192u}) {
            const long thread = co_await crew->play([=](u64) { return wait_for(level, what); }, cpu++, 90);
            waiting += thread > 0 ? 1 : 0;
        }
        co_await crew->play([level](u64) { return ring_level(level, 1); }, 1);
        const bool all = co_await until([=] { return level->woken == waiting; }, 10 * millisecond);
        check(all && level->done != 0, "not all are woken from interrupt level");
        static_cast<void>(co_await until([=] { return level->pages != 0; }, millisecond));
        co_await rest(millisecond);
        for (int tries = 0; tries < 9; ++tries) {
            if (co_await crew->play([level](u64) { return end_level(level); }, 2) > 0) break;
        }
    }
    co_await crew->end();
    check(live_timeouts() == 0, "a timeout is left");
}

Task<void> handlers_that_go(u64) {
    const auto crew = std::make_shared<Crew>(), doomed = std::make_shared<Crew>();
    const auto slow = std::make_shared<Slow>();
    const auto bells = std::make_shared<std::vector<BellPointer>>();
    unsigned count = 0;
    co_await crew->gather();
    co_await crew->play([slow](u64) { return attach_slow(slow, 0); }, 1);
    co_await crew->play([slow](u64) { return detach_slow(slow, 0); }, 2, 90);
    co_await doomed->gather();
    unsigned others = 0;
    const auto theirs = std::make_shared<std::vector<BellPointer>>();
    co_await crew->play([=, &others](u64) { return attach_many(theirs, others, false); }, 3);
    co_await doomed->play([=, &count](u64) { return attach_many(bells, count, true); }, 2);
    static_cast<void>(
        co_await until([=] { return bells->size() == 4 * free_lines && theirs->size() == bells->size(); }));
    co_await rest(50 * microsecond);
    raise_all();
    co_await rest(50 * microsecond);
    const unsigned before = count, before_others = others;
    co_await doomed->end();
    raise_all();
    co_await rest(200 * microsecond);
    check(count == before, "handlers of an actor that has gone are called");
    check(others == before_others + theirs->size(), "an actor that has gone masks lines");
    co_await crew->end();
}

Task<void> handlers_that_come_too_late(u64) {
    const auto doomed = std::make_shared<Crew>();
    const auto stage = std::make_shared<Stage>();
    const auto visit = std::make_shared<Visit>();
    std::vector<BellPointer> bells;
    unsigned count = 0;
    const BellPointer late = make_bell(count);
    co_await doomed->gather();
    const KnCap user = co_await stage->actor(), owner = doomed->actor();
    if (there(owner)) {
        const u64 entry = supervisor_entry([=](u64) { return attach_too_late(late, visit->visitors); });
        static_cast<void>(co_await in_supervisor_mode([=](u64) { return open_house(owner, visit, entry); }));
        if (visit->lap.ldKey != 0)
            co_await stage->play(user, [visit](u64) { return pay_visit(visit); }, {.cpu = 2, .stack = 1});
        co_await until([visit] { return *visit->visitors != 0; }, 200 * microsecond);
    }
    co_await doomed->serve([&](u64) { return attach_and_detach(1, count, bells); }, 1, 150);
    co_await doomed->serve([&](u64) { return attach_and_detach(1, count, bells); }, 3, 150);
    co_await rest(20 * microsecond);
    co_await doomed->end();
    co_await stage->end();
    check(late->calls == 0, "a handler that was never attached is called");
}

} // namespace chorale::test
