// Ports that go from actor to actor while messages are sent, received and fetched, and actors go.
#include "tests/machine/expect.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned patience = 30;

[[nodiscard]] constexpr int number(long li) { return static_cast<int>(li); }

[[nodiscard]] Task<long> migrate(int options, KnCap from, long li, KnCap to) {
    Named source, destination;
    Local<KnEvtNum> received;
    co_await source.set(from);
    co_await destination.set(to);
    co_return co_await attempt(Call::portMigrate, options, source.at(), li, destination.at(), received.at());
}

[[nodiscard]] Task<long> on_port(Call call, KnCap actor, long li) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(call, owner.at(), li);
}

// Where the port is now, as far as its movers know.
struct Whereabouts {
    KnUniqueId name{};
    long li{};
};
using WhereaboutsPointer = std::shared_ptr<Whereabouts>;

// Serves whenever the port is in the own actor.
[[nodiscard]] Task<void> serve_here(WhereaboutsPointer port) {
    Local<KnUniqueId> name;
    co_await name.set(port->name);
    for (unsigned failures = 0; failures < patience; ++failures) {
        const long li = co_await attempt(Call::portLi, name.at());
        if (li < 0) {
            co_await rest(30 * microsecond);
            continue;
        }
        MessageResult got = co_await attempt(message_receive(number(li), 1));
        while (got.size >= 0) {
            if (static_cast<long>(got.port_li) != li && got.port_li != static_cast<u32>(K_NONEPORT))
                complain("received on another port");
            failures = 0;
            Words reply = got.words;
            ++reply.word[0];
            got = co_await attempt(message_reply_receive(number(li), reply, 8));
        }
    }
}

[[nodiscard]] Task<void> call_it(WhereaboutsPointer port, unsigned count) {
    for (u64 i = 0; i < count; ++i) {
        const MessageResult reply = co_await attempt(message_call(port->name, Words{{i}}, 8));
        if (reply.size >= 0 && reply.words.word[0] != i + 1) complain("a wrong reply");
        if (reply.size < 0) co_await rest(20 * microsecond);
    }
}

[[nodiscard]] Task<void> send_it(WhereaboutsPointer port, unsigned count) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await destination.set({port->name, {}});
    for (unsigned i = 0; i < count; ++i) {
        co_await message.set({0, i % 2 * 3000, room.raw(), 0, 0});
        static_cast<void>(
            co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()));
        co_await rest(15 * microsecond);
    }
}

// To and fro, with its queue and without.
[[nodiscard]] Task<void> move_it(WhereaboutsPointer port, KnCap one, KnCap other, unsigned rounds) {
    long here = port->li;
    for (unsigned round = 0; round < rounds; ++round) {
        const long there = co_await migrate(round % 3 == 2 ? K_WITHOUTMSG : K_WITHMSG, one, here, other);
        co_await rest(60 * microsecond);
        if (there <= 0) continue;
        static_cast<void>(co_await on_port(Call::portDisable, other, there));
        here = there;
        std::swap(one, other);
    }
    port->li = here;
}

[[nodiscard]] Task<void> look_at(KnCap actor, long li) {
    Named owner;
    Local<KnEvtNum> received;
    Local<KnProtId> old, wanted;
    co_await owner.set(actor);
    co_await wanted.set({7, 8, 9});
    static_cast<void>(co_await attempt(Call::portGetSeqNum, owner.at(), li, received.at()));
    const long set = co_await attempt(Call::portPi, owner.at(), li, old.at(), wanted.at());
    if (set == K_OK && co_await attempt(Call::portPi, owner.at(), li, old.at(), 0) == K_OK &&
        (co_await old.get()).did != 9)
        complain("a protection identifier was not taken");
    if (co_await attempt(Call::portPi, owner.at(), li, 0x1000, 0) == K_OK) complain("wrote to nowhere");
    if (co_await attempt(Call::portPi, owner.at(), li, 0, 0x1000) == K_OK) complain("read from nowhere");
}

// Tries what is not allowed, or comes too late.
[[nodiscard]] Task<void> meddle(WhereaboutsPointer port, KnCap one, KnCap other) {
    for (long li = 0; li < 4; ++li) {
        static_cast<void>(co_await migrate(K_WITHMSG, one, li, other));
        static_cast<void>(co_await on_port(Call::portDelete, other, li));
        co_await look_at(one, li);
        co_await rest(40 * microsecond);
    }
    if (co_await migrate(0, one, port->li, other) > 0) complain("migrated somehow");
    if (co_await migrate(K_WITHMSG, one, 1, one) > 0) complain("migrated to where it was");
}

[[nodiscard]] Task<void> go_with(KnCap doomed, WhereaboutsPointer port, KnCap from) {
    static_cast<void>(co_await migrate(K_WITHMSG, from, port->li, doomed));
    static_cast<void>(co_await migrate(K_WITHMSG, doomed, 1, from));
}

} // namespace

Task<void> ports_that_move(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto port = std::make_shared<Whereabouts>();
    const KnCap one = co_await stage->actor(true), two = co_await stage->actor(true),
                clients = co_await stage->actor(true);
    port->li = co_await Stage::port(one, port->name);
    for (const CpuIndex cpu : {0u, 1u, 2u}) {
        co_await stage->play(one, [port](u64) { return serve_here(port); }, {cpu, 100, cpu + 1});
        co_await stage->play(two, [port](u64) { return serve_here(port); }, {cpu + 1, 100, cpu + 1});
        co_await stage->play(clients, [port](u64) { return call_it(port, 12); }, {cpu, 110, cpu + 1});
    }
    co_await stage->play(clients, [port](u64) { return send_it(port, 20); }, {.cpu = 3, .stack = 5});
    co_await stage->play(one, [=](u64) { return move_it(port, one, two, 9); }, {.cpu = 3, .stack = 5});
    co_await stage->end();
}

Task<void> ports_that_move_nowhere(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap one = co_await stage->actor(true, K_SYSTEMACTOR), two = co_await stage->actor(true),
                clients = co_await stage->actor(true);
    for (u32 i = 0; i < 3; ++i) {
        const auto port = std::make_shared<Whereabouts>();
        port->li = co_await Stage::port(one, port->name);
        const KnCap doomed = co_await stage->actor(true);
        co_await stage->play(one, [=](u64) { return go_with(doomed, port, one); }, {i, 100, 2 * i + 1});
        // Nobody serves: it may wait for as long as there is a port.
        co_await stage->serve(clients, [port](u64) { return call_it(port, 3); }, {i + 1, 100, 2 * i + 1});
        co_await stage->play(clients, [doomed](u64) { return remove_actor(doomed); }, {2, 100, 2 * i + 2});
        co_await stage->play(one, [=](u64) { return meddle(port, one, two); }, {3 - i, 100, 2 * i + 2});
    }
    co_await stage->end();
}

} // namespace chorale::test
