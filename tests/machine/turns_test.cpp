// Whose turn it is, and until when: threads with a quantum that call servers, give the CPU up, are left
// alone.
#include "tests/machine/quanta.hpp"

#include <machine/call_entry.hpp>

namespace chorale::test {

namespace {

using namespace host;

constexpr u64 quantum = 40 * microsecond, piece = 6 * microsecond;
constexpr unsigned priority = real_time_priority;
constexpr CpuIndex cpu = 1;
constexpr unsigned rarely = 150; // steps between two looks

// ---- callers and servers ---------------------------------------------------------------------------------

struct Service {
    ShowPointer show;
    KnUniqueId next{}; // whom the server calls in its turn
};

[[nodiscard]] Task<void> work_as(ShowPointer show, unsigned who) {
    for (const u64 end = now() + piece; now() < end;) {
        show->hold(who);
        co_await pause();
    }
}

[[nodiscard]] Task<void> serve(Service service, long li) {
    MessageResult got = co_await attempt(message_receive(static_cast<int>(li)));
    while (got.size >= 0) {
        co_await work_as(service.show, 1);
        if (service.next.uiHead != 0) static_cast<void>(co_await attempt(message_call(service.next)));
        got = co_await attempt(message_reply_receive(static_cast<int>(li), {}, 64));
    }
}

[[nodiscard]] Task<void> call_in_turns(ShowPointer show, KnUniqueId port) {
    while (!show->over) {
        co_await work_as(show, 1);
        EXPECT_EQ((co_await attempt(message_call(port))).bytes(), 64);
    }
}

// The caller's quantum is used by the servers behind it, `chain` of them.
[[nodiscard]] Task<void> share_with_servers(ShowPointer show, unsigned servers_priority, unsigned chain) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), servers = co_await stage->actor();
    KnUniqueId last{};
    for (unsigned i = 0; i < chain; ++i) {
        KnUniqueId port{};
        const long li = co_await stage->port(servers, port);
        const Service service{show, last};
        co_await stage->serve(servers, [=](u64) { return serve(service, li); },
                              {cpu, servers_priority, 1 + i});
        last = port;
    }
    co_await rest(20 * microsecond);
    const long other =
        co_await stage->play(actor, [show](u64) { return take_turns(show, 2); }, {cpu, priority, 1});
    const long caller =
        co_await stage->play(actor, [=](u64) { return call_in_turns(show, last); }, {cpu, priority, 2});
    for (const long thread : {other, caller}) co_await make_real_time(actor, thread, quantum);
    co_await rest(14 * quantum);
    show->over = true;
    co_await stage->end();
}

[[nodiscard]] ShowPointer shared(unsigned servers_priority, unsigned chain) {
    auto show = std::make_shared<Show>();
    expect_clean([=](u64) { return share_with_servers(show, servers_priority, chain); }, plain_chooser(),
                 rarely);
    return show;
}

// A server of another CPU's client works in nobody's turn here: those of the two go on afterwards.
[[nodiscard]] Task<void> call_from_elsewhere(ShowPointer show, KnUniqueId port) {
    while (!show->over) {
        EXPECT_EQ((co_await attempt(message_call(port))).bytes(), 64);
        co_await rest(4 * piece);
    }
}

[[nodiscard]] Task<void> serve_elsewhere(ShowPointer show, long li) {
    MessageResult got = co_await attempt(message_receive(static_cast<int>(li)));
    while (got.size >= 0) {
        const u64 begun = now();
        co_await work_for(piece);
        show->lost += now() - begun;
        got = co_await attempt(message_reply_receive(static_cast<int>(li), {}, 64));
    }
}

[[nodiscard]] Task<void> share_beside_service(ShowPointer show) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), servers = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await stage->port(servers, port);
    co_await stage->serve(servers, [=](u64) { return serve_elsewhere(show, li); }, {cpu, priority - 20, 1});
    for (unsigned who = 1; who <= 2; ++who) {
        const long thread =
            co_await stage->play(actor, [=](u64) { return take_turns(show, who); }, {cpu, priority, who});
        co_await make_real_time(actor, thread, quantum);
    }
    co_await stage->play(servers, [=](u64) { return call_from_elsewhere(show, port); }, {2, priority, 2});
    co_await rest(16 * quantum);
    show->over = true;
    co_await stage->end();
}

// ---- giving it up ----------------------------------------------------------------------------------------

[[nodiscard]] Task<void> give_way(ShowPointer show) {
    while (!show->over) {
        co_await work_as(show, 1);
        EXPECT_EQ(co_await attempt(Call::threadDelay, 0), K_OK);
    }
}

[[nodiscard]] Task<void> share_with_polite(ShowPointer show) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const long polite =
        co_await stage->play(actor, [show](u64) { return give_way(show); }, {cpu, priority, 1});
    const long other =
        co_await stage->play(actor, [show](u64) { return take_turns(show, 2); }, {cpu, priority, 2});
    for (const long thread : {polite, other}) co_await make_real_time(actor, thread, quantum);
    co_await rest(10 * quantum);
    show->over = true;
    co_await stage->end();
}

// ---- the other one goes ----------------------------------------------------------------------------------

struct Ends {
    unsigned turns{};
    bool over{};
};

// Sleeps before the end of each turn that somebody waited for in its first part.
[[nodiscard]] Task<void> work_and_sleep(std::shared_ptr<Ends> ends) {
    while (!ends->over) {
        co_await work_for(quantum / 2);
        co_await rest(quantum);
        ++ends->turns;
    }
}

[[nodiscard]] Task<void> come_and_go(std::shared_ptr<Ends> ends) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const auto show = std::make_shared<Show>();
    const long worker =
        co_await stage->play(actor, [ends](u64) { return work_and_sleep(ends); }, {cpu, priority, 1});
    co_await make_real_time(actor, worker, quantum);
    for (unsigned i = 0; i < 8; ++i) {
        const long other =
            co_await stage->serve(actor, [show](u64) { return take_turns(show, 2); }, {cpu, priority, 2});
        co_await make_real_time(actor, other, quantum);
        co_await rest(quantum / 4 + i * microsecond);
        if (i % 2 == 0) co_await bind(actor, other, 3);
        co_await on_thread(Call::threadDelete, actor, other);
        co_await rest(quantum);
        // Set anew while it runs, while it waits, on and off.
        co_await make_real_time(actor, worker, i % 3 == 0 ? quantum / 2 : quantum);
    }
    ends->over = true;
    co_await stage->end();
    EXPECT_GE(ends->turns, 6u); // of about 8
}

} // namespace

// Whoever works for a caller does so in the caller's turn: with the caller's own priority the end of the
// quantum comes in the midst of it, with a better one when it is answered.
TEST(Turns, ServersUseTheCallersQuantum) {
    for (const unsigned chain : {1u, 2u, 5u}) {
        const ShowPointer lent = shared(200, chain), better = shared(priority - 20, chain);
        lent->expect(1, quantum, quantum);
        better->expect(1, quantum, quantum + chain * piece);
        for (const ShowPointer& show : {lent, better}) show->expect(2, quantum, quantum);
    }
}

// A server that is woken the slow way queues up behind the caller's equals: its work may come later, but
// there is no more of it than a quantum. The other one may have a quantum for each
// of the chain.
TEST(Turns, ServersCalledTheSlowWay) {
    static_cast<void>(machine());
    machine::use_call_entry(CallEntry::slow);
    for (const unsigned chain : {1u, 2u, 5u}) {
        const ShowPointer lent = shared(200, chain), better = shared(priority - 20, chain);
        for (const ShowPointer& show : {lent, better}) {
            show->expect(1, piece, quantum + chain * piece);
            show->expect(2, quantum, (chain + 1) * quantum);
        }
    }
    machine::use_call_entry(CallEntry::fast);
}

TEST(Turns, ServersOfOtherCpus) {
    const auto show = std::make_shared<Show>();
    expect_clean([show](u64) { return share_beside_service(show); }, plain_chooser(), rarely);
    EXPECT_GT(show->lost, 4 * piece);
    // On the way there and back a few microseconds more are lost each time.
    for (const unsigned who : {1u, 2u}) show->expect(who, quantum, quantum + 4 * slack);
}

TEST(Turns, GivenUp) {
    const auto show = std::make_shared<Show>();
    expect_clean([show](u64) { return share_with_polite(show); }, plain_chooser(), rarely);
    show->expect(1, piece, piece);
    show->expect(2, quantum, quantum);
}

TEST(Turns, OtherComesAndGoes) {
    const auto ends = std::make_shared<Ends>();
    expect_clean([ends](u64) { return come_and_go(ends); }, plain_chooser(), rarely);
    for (u64 seed = 1; seed <= 4; ++seed) {
        Random random{seed};
        const auto again = std::make_shared<Ends>();
        expect_clean([again](u64) { return come_and_go(again); }, random, rarely);
    }
}

} // namespace chorale::test
