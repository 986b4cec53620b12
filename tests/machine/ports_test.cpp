// Ports with many servers and many messages, and ports that go while a message is on its way to a server.
#include "kernel/core/actor.hpp"
#include "kernel/ipc/port.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/world.hpp"

#include <machine/timer.hpp>

#include <algorithm>

namespace chorale::test {

namespace {

using namespace host;

struct Results {
    std::vector<long> of;
    [[nodiscard]] std::ptrdiff_t with(long result) const { return std::ranges::count(of, result); }
};
using ResultsPointer = std::shared_ptr<Results>;
constexpr long waiting = -1000;

// A thread receives once; the first word of what came, or the error.
[[nodiscard]] Task<void> receive_once(ResultsPointer results, unsigned which, long li, u64 flags = 0) {
    const MessageResult got = co_await attempt(message_receive(static_cast<int>(li), 20, flags));
    results->of[which] = got.size < 0 ? got.size : static_cast<long>(got.words.word[0]);
    while (got.size >= 0) co_await rest(millisecond); // and owes a reply from now on
}

[[nodiscard]] Task<long> send(KnUniqueId port, u64 word) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    Local<u64> body;
    co_await body.set(word);
    co_await message.set({0, 8, body.at().raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}
[[nodiscard]] Task<long> delete_port(KnCap actor, long li) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(Call::portDelete, owner.at(), li);
}

// More servers, and more calls, than are told in one step.
[[nodiscard]] Task<void> ports_that_many_use(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto servers = std::make_shared<Results>(), callers = std::make_shared<Results>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    constexpr unsigned count = 20;
    servers->of.assign(count, waiting);
    callers->of.assign(count, waiting);
    KnUniqueId idle{}, busy{};
    const long idle_li = co_await Stage::port(actor, idle), busy_li = co_await Stage::port(actor, busy);
    for (unsigned i = 0; i < count; ++i) {
        co_await stage->serve(actor, [=](u64) { return receive_once(servers, i, idle_li); },
                              {i % 2 * 2, 100, i + 1});
        co_await stage->serve(
            other, [=](u64) -> Task<void> { callers->of[i] = (co_await attempt(message_call(busy))).size; },
            {i % 2 * 3, 100, i + 1});
    }
    co_await rest(millisecond);
    EXPECT_EQ(servers->with(waiting) + callers->with(waiting), 2 * count);
    EXPECT_EQ(co_await delete_port(actor, idle_li), K_OK);
    EXPECT_EQ(co_await delete_port(actor, busy_li), K_OK);
    co_await rest(millisecond);
    EXPECT_EQ(servers->with(K_ENOPORT), count);
    EXPECT_EQ(callers->with(K_ENOPORT), count);
    co_await stage->end();
}

// More messages have come than a port's servers elsewhere are told of at once: each server gets one.
[[nodiscard]] Task<void> many_messages_for_another_cpu(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto servers = std::make_shared<Results>();
    const auto free = std::make_shared<bool>(false);
    const KnCap actor = co_await stage->actor();
    constexpr unsigned count = 24;
    servers->of.assign(count, waiting);
    KnUniqueId port{};
    const long li = co_await Stage::port(actor, port);
    for (unsigned i = 0; i < count; ++i)
        co_await stage->serve(actor, [=](u64) { return receive_once(servers, i, li); }, {2, 100, i + 1});
    co_await rest(200 * microsecond);
    for (unsigned i = 0; i < count; ++i) EXPECT_EQ(co_await send(port, i), K_OK);
    co_await rest(2 * millisecond);
    std::vector<long> seen = servers->of;
    std::ranges::sort(seen);
    for (unsigned i = 0; i < count; ++i) EXPECT_EQ(seen[i], i);
    co_await stage->end();
}

// Of the enabled ports with messages the best one is received from.
[[nodiscard]] Task<void> best_port_first(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto servers = std::make_shared<Results>();
    const KnCap actor = co_await stage->actor();
    servers->of.assign(4, waiting);
    Named owner;
    co_await owner.set(actor);
    for (const int priority : {5, 3, 7, 3}) {
        KnUniqueId port{};
        const long li = co_await Stage::port(actor, port);
        EXPECT_EQ(co_await send(port, static_cast<u64>(priority)), K_OK);
        EXPECT_EQ(co_await attempt(Call::portEnable, owner.at(), li, priority), K_OK);
    }
    for (unsigned i = 0; i < 4; ++i) {
        co_await stage->serve(actor, [=](u64) { return receive_once(servers, i, K_ANYENABLED); },
                              {i, 100, i + 1});
        co_await rest(100 * microsecond);
    }
    EXPECT_EQ(servers->of, (std::vector<long>{3, 3, 5, 7}));
    co_await stage->end();
}

// ---- moments ---------------------------------------------------------------------------------------------

enum class Event : u8 { deletion, abort, deletion_of_the_actor, migration };

[[nodiscard]] Task<long> migrate(KnCap from, long li, KnCap to) {
    Named source, destination;
    co_await source.set(from);
    co_await destination.set(to);
    co_return co_await attempt(Call::portMigrate, K_WITHMSG, source.at(), li, destination.at(), 0);
}

// The message was received before, or has gone with the port.
[[nodiscard]] Task<void> receive_after_migration(StagePointer stage, KnCap actor, long li, long before) {
    const auto server = std::make_shared<Results>();
    server->of.assign(1, waiting);
    co_await stage->serve(actor, [=](u64) { return receive_once(server, 0, li); }, {3, 100, 1});
    co_await rest(30 * millisecond);
    EXPECT_EQ(server->of[0], before == 77 ? K_ETIMEOUT : 77);
}

// A message is queued at home, a server elsewhere comes to fetch it, and something happens then.
[[nodiscard]] Task<void> fetch_meanwhile(Event event, u64 delay, bool any) {
    const auto stage = std::make_shared<Stage>();
    const auto server = std::make_shared<Results>();
    const auto go = std::make_shared<bool>(false);
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    server->of.assign(1, waiting);
    KnUniqueId port{};
    const long li = co_await Stage::port(actor, port);
    Named owner;
    co_await owner.set(actor);
    long there = 0;
    if (any) EXPECT_EQ(co_await attempt(Call::portEnable, owner.at(), li, 0), K_OK);
    EXPECT_EQ(co_await send(port, 77), K_OK);
    const long thread = co_await stage->serve(
        actor,
        [=](u64) -> Task<void> {
            while (!*go) co_await pause();
            co_await receive_once(server, 0, any ? long{K_ANYENABLED} : li, MESSAGE_ABORTABLE);
        },
        {2, 100, 1});
    co_await rest(50 * microsecond);
    *go = true;
    for (const u64 begun = machine::now(); machine::now() < begun + delay;) co_await pause();
    if (event == Event::deletion) EXPECT_EQ(co_await delete_port(actor, li), K_OK);
    if (event == Event::abort) EXPECT_EQ(co_await on_thread(Call::threadAbort, actor, thread), K_OK);
    if (event == Event::deletion_of_the_actor) co_await remove_actor(actor);
    if (event == Event::migration) {
        there = co_await migrate(actor, li, other);
        EXPECT_GT(there, 0);
    }
    const bool leaves = event == Event::deletion || event == Event::migration;
    co_await rest(leaves && any ? 30 * millisecond : 500 * microsecond);
    const long result = server->of[0];
    if (event == Event::migration) co_await receive_after_migration(stage, other, there, result);
    if (leaves) {
        const long gone = any ? K_ETIMEOUT : K_ENOPORT;
        EXPECT_TRUE(result == 77 || result == gone || result == K_EINVAL) << result;
    } else if (event == Event::abort) {
        EXPECT_TRUE(result == 77 || result == K_EABORT) << result;
    }
    co_await stage->end();
}

void fetch_at_all_moments(Event event) {
    for (const bool any : {false, true})
        play_clean(
            [=](u64) -> Task<void> {
                for (u64 delay = 0; delay < 1'600; delay += 40) co_await fetch_meanwhile(event, delay, any);
            },
            1000);
}

// The actor where a port goes is deleted: the port goes with it, whether it has been there already or not.
[[nodiscard]] Task<void> destination_goes(u64 delay) {
    const auto stage = std::make_shared<Stage>();
    const auto result = std::make_shared<long>(waiting);
    const KnCap actor = co_await stage->actor(), doomed = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await Stage::port(actor, port);
    EXPECT_EQ(co_await send(port, 1), K_OK);
    co_await stage->play(actor, [=](u64) -> Task<void> { *result = co_await migrate(actor, li, doomed); },
                         {3, 100, 1});
    for (const u64 begun = machine::now(); machine::now() < begun + delay;) co_await pause();
    co_await remove_actor(doomed);
    co_await rest(millisecond);
    const bool refused = *result == K_EUNKNOWN || *result == K_EINVAL;
    EXPECT_TRUE(*result > 0 || refused) << *result;
    const long later = co_await send(port, 2);
    EXPECT_TRUE(later == K_EUNKNOWN || (refused && later == K_OK)) << later;
    co_await stage->end();
}

[[nodiscard]] Task<void> full_destination(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), full = co_await stage->actor();
    KnUniqueId port{}, name{};
    const long li = co_await Stage::port(actor, port);
    unsigned made = 0;
    while (co_await Stage::port(full, name) > 0) ++made;
    EXPECT_EQ(made, Actor::port_limit - 1);
    EXPECT_EQ(co_await migrate(actor, li, full), K_EFULL);
    EXPECT_EQ(co_await delete_port(full, 9), K_OK);
    EXPECT_EQ(co_await migrate(actor, 200, full), K_EINVAL); // the place is given up again
    EXPECT_EQ(co_await migrate(actor, li, full), 9);
    EXPECT_EQ(co_await send(port, 1), K_OK);
    co_await stage->end();
}

} // namespace

TEST(Ports, move_while_a_server_fetches) { fetch_at_all_moments(Event::migration); }
TEST(Ports, move_to_an_actor_that_goes) {
    play_clean(
        [](u64) -> Task<void> {
            for (u64 delay = 0; delay < 4'000; delay += 100) co_await destination_goes(delay);
        },
        1000);
}
TEST(Ports, do_not_move_to_a_full_actor) { play_clean(full_destination, 1000); }
TEST(Ports, best_port_first) { play_clean(best_port_first); }
TEST(Ports, that_many_use) { play_clean(ports_that_many_use); }
TEST(Ports, many_messages_for_another_cpu) {
    play_clean(many_messages_for_another_cpu);
    Slow slow{Choice::ring_delay}; // so that all are there when the first one is told of
    for (const std::string& finding :
         run_once([](u64 argument) { return many_messages_for_another_cpu(argument); }, slow))
        ADD_FAILURE() << finding;
}
TEST(Ports, go_while_a_server_fetches) { fetch_at_all_moments(Event::deletion); }
TEST(Ports, aborts_while_a_server_fetches) { fetch_at_all_moments(Event::abort); }
TEST(Ports, go_with_their_server) { fetch_at_all_moments(Event::deletion_of_the_actor); }

} // namespace chorale::test
