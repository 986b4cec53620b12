// Two things at once: while a request, a timer or the bell is on its way to a CPU, what it is for changes
// there. Doorbells take as long as they can, 5 us, and the moment of the change goes through all of that
// time.
#include "arch/host/engine.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/pull.hpp"
#include "kernel/time/time_value.hpp"
#include "tests/machine/child.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/solo.hpp"

#include <machine/console.hpp>

namespace chorale::test {

namespace {

using namespace host;

constexpr unsigned rarely = 400; // steps between two looks

// All CPUs go on side by side, a step each, and every doorbell takes as long as can be.
class Late final : public Chooser {
  public:
    bool preempts(Boundary) override { return true; }
    unsigned choose(unsigned count, Choice what) override {
        if (what == Choice::next_cpu) return static_cast<unsigned>(random_() % count);
        return what == Choice::ring_delay ? count - 1 : 0;
    }

  private:
    std::mt19937_64 random_{9};
};

[[nodiscard]] Task<void> run_on() {
    for (;;) co_await pause();
}

// As long as one CPU works, doorbells take their time.
[[nodiscard]] Task<void> beside_work(Program scenario) {
    const auto stage = std::make_shared<Stage>();
    const ThreadSettings last{.priority = 250, .stack = 1};
    co_await stage->serve(co_await stage->actor(), [](u64) { return run_on(); }, last);
    co_await scenario(0);
    co_await stage->end();
}

void expect_clean_and_late(const Program& scenario) {
    Late late;
    expect_clean([scenario](u64) { return beside_work(scenario); }, late, rarely);
}

// Without a call: what is in the mail of this CPU stays there until the bell.
[[nodiscard]] Task<void> work_until(u64 time) {
    while (engine().now() < time) co_await pause();
}

[[nodiscard]] Task<void> stay() { co_await sleep(10'000 * millisecond); }

// ---- a thread that asks is moved and ended ---------------------------------------------------------------

// Its request is at another CPU most of the time.
[[nodiscard]] Task<void> ask_often(KnCap actor, long target, std::shared_ptr<CpuIndex> cpu) {
    Named owner;
    co_await owner.set(actor);
    for (int i = 0; i < 40; ++i) {
        EXPECT_EQ(co_await attempt(Call::threadTimes, owner.at(), target, 0, 0), K_OK);
        *cpu = static_cast<CpuIndex>(co_await attempt(Call::cpuSelf));
    }
    co_await stay();
}

[[nodiscard]] Task<void> move_twice(KnCap actor, long thread, u64 pause, std::shared_ptr<unsigned> busy) {
    co_await rest(100 * microsecond + pause);
    EXPECT_EQ(co_await bind(actor, thread, 3), K_OK);
    const long again = co_await bind(actor, thread, 2); // from here: it is asking, or gone
    EXPECT_TRUE(again == K_OK || again == K_EBUSY) << again;
    *busy += again == K_EBUSY ? 1 : 0;
    co_await rest(100 * microsecond);
    EXPECT_EQ(co_await on_thread(Call::threadActivate, actor, thread), K_EINVAL); // it is active
    EXPECT_EQ(co_await on_thread(Call::threadResume, actor, thread), K_EINVAL);   // nobody suspended it
}

[[nodiscard]] Task<void> move_who_asks(u64 pause, std::shared_ptr<unsigned> busy,
                                       std::shared_ptr<CpuIndex> cpu) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    const long far = co_await stage->serve(other, [](u64) { return stay(); }, {.cpu = 2, .stack = 1});
    const long asks =
        co_await stage->serve(actor, [=](u64) { return ask_often(other, far, cpu); }, {1, 100, 1});
    co_await stage->play(other, [=](u64) { return move_twice(actor, asks, pause, busy); }, {1, 90, 2});
    co_await stage->end();
}

// ---- a thread that ends, an actor that goes, before the question reaches it ------------------------------

[[nodiscard]] Task<void> end_soon(KnCap actor, long thread, u64 pause) {
    co_await work_until(engine().now() + 100 * microsecond + pause);
    EXPECT_EQ(co_await on_thread(Call::threadDelete, actor, thread), K_OK);
}

struct Answers {
    unsigned good{}, gone{}, unknown{};
};

[[nodiscard]] Task<void> ask_until_it_is_gone(KnCap actor, long thread, std::shared_ptr<Answers> answers) {
    Named owner;
    co_await owner.set(actor);
    for (long result = K_OK; result == K_OK;) {
        result = co_await attempt(Call::threadTimes, owner.at(), thread, 0, 0);
        answers->good += result == K_OK ? 1 : 0;
        answers->gone += result == K_EUNKNOWN ? 1 : 0;  // on the way
        answers->unknown += result == K_EINVAL ? 1 : 0; // no such number any more
    }
}

[[nodiscard]] Task<void> end_whom_others_ask(u64 pause, std::shared_ptr<Answers> answers) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    const long ends = co_await stage->serve(actor, [](u64) { return stay(); }, {.cpu = 2, .stack = 1});
    co_await stage->play(other, [=](u64) { return end_soon(actor, ends, pause); }, {.cpu = 2, .stack = 1});
    co_await stage->play(other, [=](u64) { return ask_until_it_is_gone(actor, ends, answers); },
                         {.cpu = 1, .stack = 2});
    co_await stage->end();
}

[[nodiscard]] Task<void> sum_until_it_is_gone(KnCap actor, std::shared_ptr<Answers> answers) {
    Named owner;
    co_await owner.set(actor);
    for (long result = K_OK; result == K_OK;) {
        result = co_await attempt(Call::threadTimes, owner.at(), K_ALLACTORTHREADS, 0, 0);
        EXPECT_TRUE(result == K_OK || result == K_EUNKNOWN) << result;
        ++(result == K_OK ? answers->good : answers->gone);
    }
}

[[nodiscard]] Task<void> end_actor_soon(KnCap actor, u64 pause) {
    co_await rest(60 * microsecond + pause);
    co_await remove_actor(actor);
}

[[nodiscard]] Task<void> end_actor_whom_others_ask(u64 pause, std::shared_ptr<Answers> answers) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    for (const CpuIndex cpu : {2u, 2u, 0u})
        co_await stage->serve(actor, [](u64) { return stay(); }, {.cpu = cpu, .stack = cpu});
    co_await stage->play(other, [=](u64) { return end_actor_soon(actor, pause); }, {.cpu = 3, .stack = 1});
    co_await stage->play(other, [=](u64) { return sum_until_it_is_gone(actor, answers); },
                         {.cpu = 1, .stack = 2});
    co_await stage->end();
}

// ---- an expiration on its way ----------------------------------------------------------------------------

constexpr VirtAddr pool_at = free_data;

struct Clock {
    KnCap actor{};
    unsigned taken{}, timeouts{}, aborts{};
};
using ClockPointer = std::shared_ptr<Clock>;

[[nodiscard]] Task<void> wait_for_timer(ClockPointer clock, u64 deadline) {
    Local<KnTimeVal> time;
    co_await time.set(time_value(deadline - engine().now()));
    const long result = co_await attempt(Call::timerThreadPoolWait, pool_at, 0, 0, time.at());
    clock->taken += result == K_OK ? 1 : 0;
    clock->timeouts += result == K_ETIMEOUT ? 1 : 0;
    clock->aborts += result == K_EABORT ? 1 : 0;
    if (result == K_OK) co_await stay(); // still its own
}

// The timer is at this thread's CPU, who waits for it at another.
[[nodiscard]] Task<void> expire_at(u64 time) {
    Local<int> li;
    Local<KnITimer> setting;
    co_await setting.set({{0, 0}, time_value(time - engine().now())});
    EXPECT_EQ(co_await attempt(Call::timerCreate, 0, K_CLOCK_REALTIME, pool_at, 0, li.at()), K_OK);
    EXPECT_EQ(co_await attempt(Call::timerSet, 0, co_await li.get(), 0, setting.at(), 0), K_OK);
}

enum class Change { abort, end, timeout };

// One waits at CPU 2 and something happens to it there; the second one, at CPU 3, gets what the first did
// not.
[[nodiscard]] Task<void> change_before_it_is_told(ClockPointer clock, Change change, u64 pause) {
    const auto stage = std::make_shared<Stage>();
    clock->actor = co_await stage->actor();
    const KnCap other = co_await stage->actor();
    const auto init = [](u64) -> Task<void> {
        EXPECT_EQ(co_await attempt(Call::timerThreadPoolInit, pool_at), K_OK);
    };
    co_await stage->play(clock->actor, init, {.stack = 1});
    co_await rest(50 * microsecond);
    const u64 expires = engine().now() + 250 * microsecond, changes = expires + pause;
    const u64 limit = change == Change::timeout ? changes : expires + 200 * microsecond;
    const long first = co_await stage->serve(clock->actor, [=](u64) { return wait_for_timer(clock, limit); },
                                             {.cpu = 2, .stack = 2});
    co_await stage->play(clock->actor, [=](u64) { return expire_at(expires); }, {.cpu = 1, .stack = 3});
    co_await rest(30 * microsecond);
    co_await stage->serve(clock->actor,
                          [=](u64) { return wait_for_timer(clock, expires + 300 * microsecond); },
                          {.cpu = 3, .stack = 4});
    const auto act = [=](u64) -> Task<void> {
        co_await work_until(changes);
        const Call call = change == Change::abort ? Call::threadAbort : Call::threadDelete;
        EXPECT_EQ(co_await on_thread(call, clock->actor, first), K_OK);
    };
    if (change != Change::timeout) co_await stage->play(other, act, {.cpu = 2, .stack = 1});
    co_await rest(600 * microsecond);
    co_await stage->end();
}

// ---- a message fetched from another CPU, and the end of the wait for it ----------------------------------

struct Mail {
    unsigned got{}, late{};
};

[[nodiscard]] Task<void> receive_in_time(std::shared_ptr<Mail> mail) {
    for (int i = 0; i < 2; ++i) { // what came too late is there still
        const long size = (co_await attempt(message_receive(K_ANYENABLED, 1))).size;
        ++(size >= 0 ? mail->got : mail->late);
        EXPECT_TRUE(size >= 0 || size == K_ETIMEOUT) << size;
    }
}

[[nodiscard]] Task<void> send_at(KnUniqueId port, u64 time) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, 8, data_base.raw(), 0, 0});
    co_await destination.set({port, {}});
    co_await rest(time - engine().now());
    EXPECT_EQ(co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()), K_OK);
}

[[nodiscard]] Task<void> send_at_the_last_moment(std::shared_ptr<Mail> mail, u64 before) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await stage->port(actor, port);
    Named owner;
    co_await owner.set(actor);
    EXPECT_EQ(co_await attempt(Call::portEnable, owner.at(), li, 0), K_OK);
    co_await stage->play(actor, [mail](u64) { return receive_in_time(mail); }, {.cpu = 1, .stack = 1});
    const u64 time = engine().now() + millisecond - before;
    co_await stage->play(other, [=](u64) { return send_at(port, time); }, {.cpu = 2, .stack = 1});
    co_await stage->end();
}

// ---- the console's bell ----------------------------------------------------------------------------------

[[nodiscard]] Task<void> read_line(std::shared_ptr<std::string> got) {
    const long size = co_await attempt(Call::sysRead, free_data, 16);
    const auto text = co_await load<std::array<char, 16>>(free_data);
    if (size >= 0) *got += std::string{text.data()};
}

// At the first reader's CPU.
[[nodiscard]] Task<void> type_and_abort(KnCap actor, long first, u64 pause) {
    co_await rest(50 * microsecond);
    machine::console_type("line\r");
    co_await work_until(engine().now() + pause);
    const long aborted = co_await on_thread(Call::threadAbort, actor, first);
    EXPECT_TRUE(aborted == K_OK || aborted == K_EINVAL) << aborted; // it has read its line, and is gone
}

[[nodiscard]] Task<void> first_reader_goes(u64 pause, std::shared_ptr<std::string> got) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    const long first =
        co_await stage->serve(actor, [got](u64) { return read_line(got); }, {.cpu = 2, .stack = 1});
    co_await rest(20 * microsecond);
    co_await stage->serve(actor, [got](u64) { return read_line(got); }, {.cpu = 3, .stack = 2});
    co_await stage->play(other, [=](u64) { return type_and_abort(actor, first, pause); },
                         {.cpu = 2, .stack = 1});
    co_await rest(100 * microsecond);
    co_await stage->end();
    machine::console_type(nullptr);
}

// ---- a mutex whose owner's actor goes --------------------------------------------------------------------

constexpr VirtAddr shared_mutex{0x300'0000};

struct Section {
    u64 steps{}; // that its first owner has made in it
    unsigned taken{};
};
using SectionPointer = std::shared_ptr<Section>;

[[nodiscard]] Task<void> stay_inside(SectionPointer section) {
    EXPECT_EQ(co_await attempt(Call::rtMutexGet, shared_mutex), K_OK);
    for (;; ++section->steps) co_await pause();
}

[[nodiscard]] Task<void> enter_behind(SectionPointer section) {
    while (co_await attempt(Call::rtMutexTry, shared_mutex) == 0) co_await pause();
    const u64 steps = section->steps;
    co_await work_until(engine().now() + 50 * microsecond);
    EXPECT_EQ(section->steps, steps) << "two have the mutex";
    EXPECT_EQ(co_await attempt(Call::rtMutexRel, shared_mutex), K_OK);
    ++section->taken;
}

[[nodiscard]] Task<void> owner_goes_with_its_actor(u64 pause, SectionPointer section) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    EXPECT_GT(co_await allocate(actor, region_of(shared_mutex, page_size, K_WRITABLE)), 0);
    EXPECT_EQ(co_await transfer(Call::rgnMapFromActor, other, region_of(shared_mutex, 0, K_WRITABLE), actor,
                                region_of(shared_mutex, page_size, 0)),
              K_OK);
    co_await stage->serve(actor, [=](u64) { return stay_inside(section); }, {.cpu = 2, .stack = 1});
    co_await rest(50 * microsecond);
    EXPECT_GT(section->steps, 0u);
    co_await stage->play(other, [=](u64) { return enter_behind(section); }, {.cpu = 1, .stack = 1});
    co_await stage->play(other, [=](u64) { return end_actor_soon(actor, pause); }, {.cpu = 3, .stack = 2});
    co_await stage->end();
}

// ---- work that is pulled all the time --------------------------------------------------------------------

[[nodiscard]] Task<void> work_and_rest(std::shared_ptr<unsigned> done) {
    for (int i = 0; i < 12; ++i) {
        for (const u64 end = engine().now() + 3'000; engine().now() < end;) co_await pause();
        co_await rest(1'000);
    }
    ++*done;
}

[[nodiscard]] Task<void> pull_often(std::shared_ptr<unsigned> done) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    for (unsigned i = 0; i < 9; ++i)
        co_await stage->play(actor, [done](u64) { return work_and_rest(done); }, {K_ANYCPU, 100 + i % 3, i});
    co_await stage->end();
}

[[noreturn]] void pull_in_short_periods() {
    begin_child();
    pull_period = 1'000;
    const auto done = std::make_shared<unsigned>(0);
    const Program scenario = [done](u64) { return pull_often(done); };
    Random random{3}, more{4};
    Slow slow{Choice::ring_delay};
    for (Chooser* const chooser :
         {static_cast<Chooser*>(&random), static_cast<Chooser*>(&slow), static_cast<Chooser*>(&more)})
        expect_clean(scenario, *chooser, rarely);
    EXPECT_EQ(*done, 27u) << "a thread was lost";
    leave_child(report_failures() ? 1 : 0);
}

class RacesChild : public InChild {};

} // namespace

TEST(Races, MoveWhoAsks) {
    const auto busy = std::make_shared<unsigned>(0);
    for (u64 pause = 0; pause < 8'000; pause += 1'300) {
        const unsigned before = *busy;
        const auto cpu = std::make_shared<CpuIndex>(0);
        expect_clean_and_late([=](u64) { return move_who_asks(pause, busy, cpu); });
        EXPECT_EQ(*cpu, *busy != before ? 3u : 2u); // the one that was not refused last
    }
    EXPECT_GT(*busy, 0u) << "it was not caught asking";
}

TEST(Races, EndWhomOthersAsk) {
    const auto answers = std::make_shared<Answers>();
    for (u64 pause = 0; pause < 12'000; pause += 900)
        expect_clean_and_late([=](u64) { return end_whom_others_ask(pause, answers); });
    EXPECT_GT(answers->good, 0u);
    EXPECT_GT(answers->gone, 0u);
    EXPECT_EQ(answers->gone + answers->unknown, 14u);
}

TEST(Races, EndActorWhomOthersAsk) {
    const auto answers = std::make_shared<Answers>();
    for (u64 pause = 0; pause < 24'000; pause += 1'700)
        expect_clean_and_late([=](u64) { return end_actor_whom_others_ask(pause, answers); });
    EXPECT_GT(answers->good, 0u);
    EXPECT_EQ(answers->gone, 15u);
}

// Whatever happens to the thread to which an expiration is under way, one thread is told of it, and one only.
TEST(Races, ExpirationUnderWay) {
    for (const Change change : {Change::abort, Change::end, Change::timeout}) {
        for (u64 pause = 0; pause < 8'000; pause += 500) {
            const auto clock = std::make_shared<Clock>();
            expect_clean_and_late([=](u64) { return change_before_it_is_told(clock, change, pause); });
            EXPECT_EQ(clock->taken, 1u) << "after " << pause;
            EXPECT_LE(clock->aborts, change == Change::abort ? 1u : 0u);
        }
    }
}

// A message that comes at the last moment is received, or is there for the next wait.
TEST(Races, MessageAtTheLastMoment) {
    const auto mail = std::make_shared<Mail>();
    for (u64 before = 0; before < 24'000; before += 2'000)
        expect_clean_and_late([=](u64) { return send_at_the_last_moment(mail, before); });
    EXPECT_EQ(mail->got, 12u);
    EXPECT_EQ(mail->late, 12u);
}

// The bell that is for a reader who has gone reaches the next one.
TEST(Races, BellForAReaderWhoGoes) {
    for (u64 pause = 100; pause < 9'000; pause += 400) {
        const auto got = std::make_shared<std::string>();
        expect_clean_and_late([=](u64) { return first_reader_goes(pause, got); });
        EXPECT_EQ(*got, "line") << "after " << pause;
    }
}

// The name of an actor that is deleted is gone before its threads are: one that has a mutex has it as long as
// it runs.
TEST(Races, MutexWhoseOwnersActorGoes) {
    const auto section = std::make_shared<Section>();
    for (u64 pause = 0; pause < 8'000; pause += 900)
        expect_clean_and_late([=](u64) { return owner_goes_with_its_actor(pause, section); });
    EXPECT_EQ(section->taken, 9u);
}

TEST_F(RacesChild, pull_in_short_periods) {
    EXPECT_EXIT(pull_in_short_periods(), testing::ExitedWithCode(0), "");
}

} // namespace chorale::test
