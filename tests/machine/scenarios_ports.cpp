// Ports: any enabled one, full queues, deletion under waiters and callers.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] Task<long> send(KnUniqueId port, u32 size) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, size, room.raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

// How many came, until none has for a while.
[[nodiscard]] Task<void> take_all(int li, std::shared_ptr<unsigned> taken) {
    Local<KnMsgDesc> in;
    Local<KnMsgHead> head;
    for (unsigned failures = 0; failures < 4;) {
        co_await in.set({0, K_CMSGSIZEMAX, room.raw(), 0, 0});
        const MessageResult got = co_await attempt(message_receive(li, 2, 0, in.at()));
        if (got.size < 0) {
            ++failures;
            continue;
        }
        ++*taken;
        if (co_await attempt(Call::ipcSysInfo, head.at()) == K_OK &&
            ((co_await head.get()).flags[0] & K_MSG_CALL) != 0) {
            static_cast<void>(co_await attempt(Call::ipcReply, in.at()));
        }
    }
    if ((co_await attempt(message_receive(li, 0))).size >= 0) ++*taken;
}

[[nodiscard]] Task<void> send_to(std::vector<KnUniqueId> ports, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        for (const KnUniqueId& port : ports) static_cast<void>(co_await send(port, i % 3 * 1000));
        if (i % 4 == 3) co_await rest(10 * microsecond);
    }
}

[[nodiscard]] Task<long> enable(KnCap actor, long li, int priority) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(Call::portEnable, owner.at(), li, priority);
}

[[nodiscard]] Task<long> disable(KnCap actor, long li) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(Call::portDisable, owner.at(), li);
}

[[nodiscard]] Task<long> remove(KnCap actor, long li) {
    Named owner;
    co_await owner.set(actor);
    co_return co_await attempt(Call::portDelete, owner.at(), li);
}

// Enables and disables while others send and wait.
[[nodiscard]] Task<void> switch_ports(KnCap actor, std::vector<long> ports) {
    if (co_await enable(actor, 1, -1) == K_OK) complain("a negative enable priority");
    for (int round = 0; round < 3; ++round) {
        for (const long li : ports) static_cast<void>(co_await disable(actor, li));
        co_await rest(50 * microsecond);
        int priority = 0;
        for (const long li : ports) static_cast<void>(co_await enable(actor, li, priority++));
        co_await rest(50 * microsecond);
    }
    for (const long li : ports) static_cast<void>(co_await enable(actor, li, 0)); // those that failed before
}

[[nodiscard]] Task<void> fill(KnUniqueId port, unsigned count) {
    unsigned accepted = 0;
    for (unsigned i = 0; i < count; ++i) accepted += co_await send(port, 8) == K_OK ? 1 : 0;
    // What is on its way to another CPU is not counted yet.
    if (accepted > 4 * K_CPORTQUEUE) complain("a queue without an end");
    Local<KnMsgDesc> body;
    Local<KnIpcDest> destination;
    co_await body.set({0, 8, room.raw(), 0, 0});
    co_await destination.set({port, {}});
    static_cast<void>(
        co_await attempt(Call::ipcCallMessage, body.at(), K_DEFAULTPORT, destination.at(), body.at(), 1));
}

[[nodiscard]] Task<void> wait_on(long li) {
    static_cast<void>(co_await attempt(message_receive(static_cast<int>(li))));
}

[[nodiscard]] Task<void> call_once(KnUniqueId port) {
    const MessageResult reply = co_await attempt(message_call(port));
    if (reply.size >= 0) complain("a port that goes replied");
}

// Receives, and lets its client wait.
[[nodiscard]] Task<void> hold(long li) {
    Local<KnMsgHead> head;
    static_cast<void>(co_await attempt(message_receive(static_cast<int>(li))));
    co_await rest(2 * millisecond);
    static_cast<void>(co_await attempt(Call::ipcSysInfo, head.at())); // the port is no more
    static_cast<void>(co_await bind(nobody, co_await attempt(Call::threadSelf), 1));
}

[[nodiscard]] Task<void> remove_all(KnCap actor, std::vector<long> ports) {
    co_await rest(200 * microsecond);
    for (const long li : ports) static_cast<void>(co_await remove(actor, li));
    for (const long li : ports) static_cast<void>(co_await remove(actor, li)); // gone, or failed before
}

} // namespace

Task<void> any_enabled_port(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto taken = std::make_shared<unsigned>(0);
    const KnCap actor = co_await stage->actor(true), other = co_await stage->actor(true);
    std::vector<KnUniqueId> names(3);
    std::vector<long> ports;
    for (KnUniqueId& name : names) ports.push_back(co_await stage->port(actor, name));
    for (const CpuIndex cpu : {0u, 1u, 2u}) {
        co_await stage->play(actor, [taken](u64) { return take_all(K_ANYENABLED, taken); },
                             {cpu, 100, cpu + 1});
    }
    co_await stage->play(other, [names](u64) { return send_to(names, 5); }, {.cpu = 1, .stack = 1});
    co_await stage->play(other, [names](u64) { return send_to(names, 5); }, {.cpu = 3, .stack = 2});
    co_await stage->play(actor, [actor, ports](u64) { return switch_ports(actor, ports); },
                         {.cpu = 3, .stack = 4});
    co_await stage->end();
}

Task<void> floods(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto taken = std::make_shared<unsigned>(0);
    const KnCap actor = co_await stage->actor(true), other = co_await stage->actor(true);
    KnUniqueId near{}, far{};
    const long here = co_await stage->port(actor, near);
    long there = 0;
    co_await stage->play(other, [near](u64) { return fill(near, K_CPORTQUEUE + 2); }, {.stack = 1});
    co_await stage->play(other, [near](u64) { return fill(near, K_CPORTQUEUE + 2); }, {.cpu = 2, .stack = 2});
    co_await rest(millisecond);
    if (here > 0) {
        co_await stage->play(actor, [here, taken](u64) { return take_all(static_cast<int>(here), taken); },
                             {.cpu = 1, .stack = 1});
        co_await stage->play(actor, [here, taken](u64) { return take_all(static_cast<int>(here), taken); },
                             {.stack = 2});
    }
    there = co_await stage->port(actor, far);
    if (there > 0) {
        co_await stage->play(other, [far](u64) { return fill(far, 30); }, {.cpu = 3, .stack = 3});
        co_await stage->play(actor, [there, taken](u64) { return take_all(static_cast<int>(there), taken); },
                             {.cpu = 3, .stack = 3});
    }
    co_await stage->end();
}

Task<void> ports_that_go(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true), other = co_await stage->actor(true);
    KnUniqueId waited{}, called{}, held{}, flooded{};
    const std::vector<long> ports{co_await stage->port(actor, waited), co_await stage->port(actor, called),
                                  co_await stage->port(actor, held), co_await stage->port(actor, flooded)};
    for (const CpuIndex cpu : {0u, 1u, 2u}) {
        co_await stage->play(actor, [li = ports[0]](u64) { return wait_on(li); }, {cpu, 100, cpu + 1});
        co_await stage->play(other, [called](u64) { return call_once(called); }, {cpu, 100, cpu + 1});
    }
    co_await stage->serve(actor, [li = ports[2]](u64) { return hold(li); }, {.stack = 5});
    co_await rest(50 * microsecond);
    co_await stage->play(other, [held](u64) { return call_once(held); }, {.stack = 5});
    co_await stage->play(other, [flooded](u64) { return fill(flooded, 10); }, {.cpu = 1, .stack = 6});
    co_await stage->play(actor, [actor, ports](u64) { return remove_all(actor, ports); },
                         {.cpu = 3, .stack = 6});
    co_await stage->play(actor, [actor, ports](u64) { return remove_all(actor, ports); },
                         {.cpu = 2, .stack = 7});
    if (co_await remove(actor, K_DEFAULTPORT) == K_OK) complain("a default port was deleted");
    if (co_await remove(actor, 255) == K_OK) complain("a port that there is not was deleted");
    co_await stage->end();
}

} // namespace chorale::test
