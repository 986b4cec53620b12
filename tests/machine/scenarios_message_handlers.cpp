// Message handlers: who sends runs them, from user mode and in supervisor mode; what is queued, who waits,
// and what goes while they run.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

namespace chorale::test {

using namespace host;

namespace {

enum class Handles : u8 { replies, ignores, waits, faults, receives, quits };

struct Service {
    KnCap owner{};
    KnUniqueId name{};
    long li{};
    u64 handler{};
    Handles way{Handles::replies};
    unsigned begun{}, ended{}, clients{}, back{};
    long seen{}; // by the last client
};
using ServicePointer = std::shared_ptr<Service>;

// ---- the handler --------------------------------------------------------------------------------------

[[nodiscard]] Task<long> reply_with(VirtAddr body, u32 size) {
    Local<KnMsgDesc> reply;
    co_await reply.set({0, size, body.raw(), 0, 0});
    co_return co_await attempt(Call::svMsgHdlReply, reply.at());
}

// It sees what ipcSysInfo tells, gets a long body, and gives its beginning back.
[[nodiscard]] Task<void> answer(KnMsgDesc message) {
    Local<std::array<u64, 64>> body;
    Local<KnMsgDesc> room;
    Local<KnMsgHead> head;
    VirtAddr at{message.bodyAddr};
    const long other = co_await attempt(Call::ipcReply, room.at());
    if (other != K_EFAULT || !failures_expected()) expect(other, K_EINVAL, "ipcReply in a message handler");
    expect(co_await attempt(Call::ipcSave, K_NONEPORT), K_EINVAL, "a message handler saves");
    if (message.bodyAddr == 0) {
        co_await room.set({0, 512, body.at().raw(), 0, 0});
        const long size = co_await attempt(Call::ipcGetData, room.at());
        if (size != K_EFAULT) expect(size, message.bodySize < 512 ? message.bodySize : 512, "a long body");
        at = body.at();
    }
    Local<KnCap> invoker;
    static_cast<void>(co_await attempt(Call::svGetInvoker, invoker.at()));
    const bool told = co_await attempt(Call::ipcSysInfo, head.at()) == K_OK;
    const bool call = told && ((co_await head.get()).flags[0] & K_MSG_CALL) != 0;
    const u32 size = message.bodySize < 512 ? message.bodySize : 512;
    const long replied = co_await reply_with(at, size);
    if (told && replied != K_EFAULT && replied != K_ENOMEM)
        expect(replied, call ? K_OK : K_EINVAL, "a reply in a message handler");
    if (replied == K_OK) expect(co_await reply_with(at, size), K_EINVAL, "a second reply");
}

[[nodiscard]] Task<long> set_handler(ServicePointer service, u64 handler) {
    Named owner;
    co_await owner.set(service->owner);
    co_return co_await attempt(Call::svMsgHandler, owner.at(), service->li, handler, 0, 0);
}

[[nodiscard]] Task<void> handle_message(ServicePointer service, u64 argument) {
    ++service->begun;
    const KnMsgDesc message = co_await load<KnMsgDesc>(VirtAddr{argument});
    const VirtAddr annex{message.annexAddr};
    if (annex.raw() != 0) static_cast<void>(co_await load<std::array<char, K_CMSGANNEXSIZE>>(annex));
    switch (service->way) {
    case Handles::replies:
        co_await answer(message);
        break;
    case Handles::ignores:
        break;
    case Handles::waits:
        expect(co_await attempt(Call::threadDelay, ~u64{0}), K_EABORT, "in a message handler");
        co_await rest(50 * microsecond);
        co_await answer(message);
        break;
    case Handles::faults:
        ++service->ended;
        static_cast<void>(co_await load<u64>(VirtAddr{0x20}));
        complain("after a fault in a message handler");
        break;
    case Handles::quits: // its thread, which is the sender's, or that of who connects it
        ++service->ended;
        if (co_await attempt(Call::threadDelete, 0, static_cast<u64>(K_MYSELF)) == K_OK)
            complain("a thread survives its end in a message handler");
        --service->ended;
        break;
    case Handles::receives: // what it gets by that it serves no longer when it returns
        static_cast<void>(co_await attempt(message_receive(static_cast<int>(service->li), 0)));
        static_cast<void>(co_await attempt(message_receive(K_DEFAULTPORT, 0)));
        if (co_await set_handler(service, 0) == K_OK) complain("a message handler ends itself");
        break;
    }
    ++service->ended;
}

[[nodiscard]] Task<void> set_it_there(ServicePointer service, u64 handler, std::shared_ptr<long> result) {
    *result = co_await set_handler(service, handler);
}

// From user mode. What fails because copies do is tried again.
[[nodiscard]] Task<long> handle_by(ServicePointer service, bool connected) {
    const auto result = std::make_shared<long>(K_EFAULT);
    const u64 handler = connected ? service->handler : 0;
    for (int tries = 0; tries < 4 && (*result == K_EFAULT || *result == K_ENOMEM); ++tries)
        static_cast<void>(co_await supervise([=](u64) { return set_it_there(service, handler, result); }));
    co_return *result;
}

// In supervisor mode: what is no port of a supervisor actor, and what is no handler's reply.
[[nodiscard]] Task<void> connect_wrongly(ServicePointer service, KnCap user) {
    Named owner, other;
    Local<KnMsgDesc> reply;
    co_await owner.set(service->owner);
    co_await other.set(user);
    for (const u64 actor : {owner.at(), other.at(), u64{8}, u64{0}}) {
        for (const long li : {999L, -5L, service->li}) {
            if (actor == owner.at() && li == service->li) continue;
            if (co_await attempt(Call::svMsgHandler, actor, li, service->handler, 0, 0) == K_OK)
                complain("a message handler of nobody's");
        }
    }
    static_cast<void>(co_await attempt(Call::svMsgHandler, owner.at(), service->li, u64{8}, 0, 0));
    for (const u32 size : {8u, 70000u}) {
        co_await reply.set({0, size, u64{8}, 0, 0});
        if (co_await attempt(Call::svMsgHdlReply, reply.at()) == K_OK) complain("a reply to nothing");
    }
    static_cast<void>(co_await attempt(Call::svMsgHdlReply, VirtAddr{8}));
}

[[nodiscard]] Task<ServicePointer> service_of(StagePointer stage) {
    const auto service = std::make_shared<Service>();
    service->owner = co_await supervisor_actor_of(stage);
    service->li = co_await Stage::port(service->owner, service->name);
    service->handler = supervisor_entry([service](u64 at) { return handle_message(service, at); });
    co_return service;
}

// ---- clients ------------------------------------------------------------------------------------------

[[nodiscard]] Task<long> call_with(KnUniqueId port, u32 size, int delay) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await request.set({0, size, room.raw(), size % 3 == 0 ? 0 : room.raw(), 0});
    co_await reply.set({0, K_CMSGSIZEMAX, room.raw() + K_CMSGSIZEMAX, 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                               reply.at(), delay);
}

[[nodiscard]] Task<long> send_with(KnUniqueId port, u32 size) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, size, room.raw(), size % 3 == 0 ? 0 : room.raw(), 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

void look_at(const ServicePointer& service, long result, long wanted) {
    service->seen = result;
    // A copy that fails for the handler leaves the call without a reply.
    const bool fails = result == K_EFAULT || result == K_ENOMEM || result == K_EFAIL;
    if (wanted != K_OK || (failures_expected() && fails)) return;
    complain("a message to a handler: " + std::to_string(result));
}

// Each kind of message; `sure`: nothing goes meanwhile.
[[nodiscard]] Task<void> send_all_kinds(ServicePointer service, bool sure) {
    const Words words{{1, 2, 3, 4, 5, 6, 7, 8}};
    for (const u32 size : {0u, 24u, 64u}) {
        const MessageResult result = co_await attempt(message_call(service->name, words, size));
        const bool same = result.size == static_cast<long>(size) && (size < 24 || result.words.word[2] == 3);
        if (sure && !same) look_at(service, result.size, result.size < 0 ? K_OK : K_EINVAL);
        const long sent = (co_await attempt(message_send(service->name, words, size))).size;
        if (sure) expect(sent, K_OK, "a message in registers is sent to a handler");
    }
    for (const u32 size : {8u, 500u, 2 * u32{page_size}, 2 * u32{page_size} + 100}) {
        for (const int delay : {-1, 50}) {
            const long result = co_await call_with(service->name, size, delay);
            if (sure && result < 0) look_at(service, result, K_OK);
        }
        const long sent = co_await send_with(service->name, size);
        if (sure) expect(sent, K_OK, "a message is sent to a handler");
    }
    ++service->back;
}

[[nodiscard]] Task<void> call_once(ServicePointer service) {
    service->seen = (co_await attempt(message_call(service->name))).size;
    ++service->back;
}

[[nodiscard]] Task<void> call_in_supervisor_mode(ServicePointer service) {
    static_cast<void>(co_await supervise([=](u64) { return call_once(service); }));
}

// A server that calls a handler before it replies: its client's priority is lent through both.
[[nodiscard]] Task<void> serve_through(ServicePointer service, long li) {
    const MessageResult got = co_await attempt(message_receive(static_cast<int>(li), 20));
    if (got.size >= 0) {
        co_await call_once(service);
        static_cast<void>(co_await attempt(message_reply_receive(static_cast<int>(li), got.words)));
    }
}
[[nodiscard]] Task<void> ask_through(KnUniqueId port) {
    static_cast<void>(co_await attempt(message_call(port)));
}

[[nodiscard]] Task<void> receive_there(ServicePointer service) {
    const MessageResult got = co_await attempt(message_receive(static_cast<int>(service->li)));
    if (got.size >= 0 || got.size == K_EINVAL || got.size == K_ENOPORT) ++service->back;
}

[[nodiscard]] Task<void> start_server(ServicePointer service, CpuIndex cpu) {
    const Program program = [service](u64) { return receive_there(service); };
    if (co_await start_supervisor_thread(service->owner, program, cpu) > 0) ++service->clients;
}

[[nodiscard]] Task<void> change_often(ServicePointer service) {
    for (int round = 0; round < 6; ++round) {
        static_cast<void>(co_await handle_by(service, round % 2 == 0));
        co_await rest(60 * microsecond);
    }
}

[[nodiscard]] Task<void> remove_port(ServicePointer service) {
    Named owner;
    co_await owner.set(service->owner);
    static_cast<void>(co_await attempt(Call::portDelete, owner.at(), service->li));
}

} // namespace

Task<void> messages_handled(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(true);
    const ServicePointer service = co_await service_of(stage);
    const bool made = there(service->owner) && service->li > 0;
    const long connected = made ? co_await handle_by(service, true) : K_EFULL;
    if (made && connected != K_OK && !failures_expected()) expect(connected, K_OK, "a message handler");
    if (connected == K_OK) { // else nobody takes what is sent there
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            const Program program = [=](u64) { return send_all_kinds(service, true); };
            co_await stage->play(user, program, {.cpu = cpu, .stack = cpu + 1});
        }
        const Program there = [service](u64) { return call_in_supervisor_mode(service); };
        co_await stage->play(user, there, {.cpu = 1, .stack = 6});
        static_cast<void>(co_await until([service] { return service->back == 5; }));
        KnUniqueId front{};
        const long li = co_await stage->port(user, front);
        const Program server = [=](u64) { return serve_through(service, li); };
        const Program client = [front](u64) { return ask_through(front); };
        co_await stage->serve(user, server, {.cpu = 1, .priority = 105, .stack = 7});
        co_await stage->serve(user, client, {.cpu = 1, .priority = 110, .stack = 8});
        static_cast<void>(co_await until([service] { return service->back == 6; }));
        expect(co_await handle_by(service, true), K_EBUSY, "a second message handler");
        static_cast<void>(co_await supervise([=](u64) { return connect_wrongly(service, user); }));
        for (const Handles way : {Handles::ignores, Handles::receives}) {
            service->way = way;
            const long result = (co_await attempt(message_call(service->name))).size;
            expect(result, K_EFAIL, "a message that is not replied to");
        }
        expect(co_await handle_by(service, false), K_OK, "the end of a message handler");
        expect(co_await handle_by(service, false), K_EINVAL, "its second end");
    }
    co_await stage->end();
    if (service->begun != service->ended) complain("somebody is left in a message handler");
}

// Others wait on the port and have sent there before; then it changes while they send.
Task<void> handlers_that_come_and_go(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(true);
    const ServicePointer service = co_await service_of(stage), servers = co_await service_of(stage);
    if (there(service->owner) && there(servers->owner) && service->li > 0 && servers->li > 0) {
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            static_cast<void>(co_await supervise([=](u64) { return start_server(servers, cpu); }));
            const Program program = [service](u64) { return call_once(service); };
            co_await stage->play(user, program, {.cpu = cpu, .stack = cpu + 1});
        }
        static_cast<void>(co_await send_with(service->name, 16));
        co_await rest(100 * microsecond);
        const long connected = co_await handle_by(service, true);
        if (connected == K_OK && !co_await until([service] { return service->back == 4; }) &&
            !failures_expected())
            complain("queued messages are not handled");
        if (co_await handle_by(servers, true) == K_OK &&
            !co_await until([servers] { return servers->back == servers->clients; }) && !failures_expected())
            complain("servers still wait on a port with a message handler");
        for (CpuIndex cpu = 0; cpu < 3; ++cpu) {
            const Program program = [service](u64) { return send_all_kinds(service, false); };
            co_await stage->serve(user, program, {.cpu = cpu, .stack = cpu + 6});
        }
        co_await change_often(service);
        static_cast<void>(co_await supervise([service](u64) { return remove_port(service); }));
    }
    co_await stage->end();
    if (service->begun != service->ended) complain("somebody is left in a message handler");
}

// With threads inside: its port goes, its actor goes, the client is aborted, or ends; or it faults.
Task<void> handlers_under_way(u64) {
    enum End : unsigned { port, owner, aborted, ended, client, fault, ends };
    for (unsigned end = port; end < ends; ++end) {
        const auto stage = std::make_shared<Stage>();
        const KnCap user = co_await stage->actor(true);
        const ServicePointer service = co_await service_of(stage);
        service->way = end == fault ? Handles::faults : Handles::waits;
        if (!there(service->owner) || service->li <= 0 || co_await handle_by(service, true) != K_OK) {
            co_await stage->end();
            continue;
        }
        const Program program = [service](u64) { return call_once(service); };
        const long thread = co_await stage->serve(user, program, {.cpu = 1 + end % 3, .stack = 1});
        if (thread > 0 && co_await until([service] { return service->begun == 1; })) {
            if (end == port)
                static_cast<void>(co_await supervise([service](u64) { return remove_port(service); }));
            if (end == owner) co_await remove_actor(service->owner);
            if (end == client) co_await remove_actor(user);
            for (int tries = 0; tries < 4 && (end == aborted || end == ended); ++tries) {
                const Call call = end == ended ? Call::threadDelete : Call::threadAbort;
                if (co_await on_thread(call, user, thread) != K_EFAULT) break;
            }
            co_await until([=] { return service->ended == 1 && (end != fault || service->back == 1); });
        }
        co_await stage->end();
        if (service->begun != service->ended && !failures_expected())
            complain("somebody is left in a message handler: " + std::to_string(end));
        if (end == fault && service->back != 0 && !failures_expected())
            expect(service->seen, K_ECRASH, "a fault in a message handler");
    }
}

// ---- who has it ends by his own hand ---------------------------------------------------------------------

// One in a call, one in a broadcast, and one that connects the handler, with more in the queue.
Task<void> handlers_that_end_their_thread(u64) {
    for (const bool queued : {false, true}) {
        const auto stage = std::make_shared<Stage>();
        const KnCap user = co_await stage->actor(true);
        const ServicePointer service = co_await service_of(stage);
        service->way = Handles::quits;
        const Program call = [service](u64) { return call_once(service); };
        const auto connected = std::make_shared<long>(K_EBUSY);
        const Program connect_there = [=](u64) { return set_it_there(service, service->handler, connected); };
        const Program connect = [=](u64) -> Task<void> {
            static_cast<void>(co_await supervise(connect_there));
        };
        if (there(service->owner) && service->li > 0) {
            if (queued) {
                for (CpuIndex cpu = 0; cpu < 4; ++cpu)
                    co_await stage->serve(user, call, {.cpu = cpu, .stack = cpu + 1});
                const Program send = [service](u64) -> Task<void> {
                    for (unsigned i = 0; i < 12; ++i)
                        static_cast<void>(co_await send_with(service->name, 700));
                };
                co_await stage->play(user, send, {.cpu = 2, .priority = 90, .stack = 5});
                co_await rest(100 * microsecond);
                co_await stage->serve(user, connect, {.cpu = 3, .stack = 6});
                if (!co_await until([service] { return service->back == 4; }) && !failures_expected())
                    complain("callers wait for a handler that is never connected");
            } else if (co_await handle_by(service, true) == K_OK) {
                const long thread = co_await stage->serve(user, call, {.cpu = 2, .stack = 1});
                if (thread > 0 && !co_await until([service] { return service->begun == 1; }) &&
                    !failures_expected())
                    complain("a message handler does not begin");
            }
        }
        co_await stage->end();
        if (service->begun != service->ended) complain("somebody is left in a message handler");
    }
}

// ---- groups ----------------------------------------------------------------------------------------------

namespace {

[[nodiscard]] Task<KnCap> group_with(std::vector<KnUniqueId> ports) {
    Local<KnCap> group;
    Local<KnUniqueId> name;
    if (co_await attempt(Call::grpAllocate, K_DYNAMIC, group.at(), 0) != K_OK) co_return KnCap{};
    for (const KnUniqueId& port : ports) {
        co_await name.set(port);
        static_cast<void>(co_await attempt(Call::grpPortInsert, group.at(), name.at()));
    }
    co_return co_await group.get();
}

[[nodiscard]] Task<void> send_to_all(ServicePointer service, KnUniqueId group) {
    for (const u32 size : {0u, 24u, 500u, 2 * u32{page_size} + 100})
        for (unsigned i = 0; i < 3; ++i) static_cast<void>(co_await send_with(group, size));
    ++service->back;
}

} // namespace

// Handlers among the members of a group: each has its copy of what is sent to all, amid handlers that come
// and go.
Task<void> handlers_of_groups(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(true);
    const ServicePointer first = co_await service_of(stage), second = co_await service_of(stage);
    KnUniqueId plain{};
    const long li = co_await stage->port(user, plain);
    if (there(first->owner) && there(second->owner) && first->li > 0 && second->li > 0 && li > 0) {
        KnUniqueId group = (co_await group_with({first->name, plain, second->name})).ui;
        static_cast<void>(ipcTarget(&group, K_BROADMODE));
        const bool connected =
            co_await handle_by(first, true) == K_OK && co_await handle_by(second, true) == K_OK;
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            const Program program = [=](u64) { return send_to_all(first, group); };
            co_await stage->play(user, program, {.cpu = cpu, .stack = cpu + 1});
        }
        if (connected && !co_await until([first] { return first->back == 4; }) && !failures_expected())
            complain("who sends to all waits");
        if (connected && !failures_expected() && (first->begun != 48 || second->begun != 48))
            complain("a handler has not had each copy: " + std::to_string(first->begun) + ", " +
                     std::to_string(second->begun));
        for (CpuIndex cpu = 0; cpu < 3; ++cpu) {
            const Program program = [=](u64) { return send_to_all(first, group); };
            co_await stage->serve(user, program, {.cpu = cpu, .priority = 150, .stack = cpu + 6});
        }
        co_await change_often(second);
        second->way = Handles::quits;
        co_await rest(200 * microsecond);
    }
    co_await stage->end();
    if (first->begun != first->ended || second->begun != second->ended)
        complain("somebody is left in a message handler");
}

// ---- amid calls ------------------------------------------------------------------------------------------

namespace {

// Whoever is about to enter the handler, or has the message in hand, loses the CPU to this one again and
// again.
[[nodiscard]] Task<void> preempt_often(ServicePointer service, u64 nanoseconds) {
    for (unsigned i = 0; i < 400 && service->way != Handles::faults; ++i) {
        co_await rest(nanoseconds);
        for (unsigned left = 0; left < 250; ++left) co_await pause();
    }
}

[[nodiscard]] Task<void> call_for_long(ServicePointer service, unsigned first) {
    const Words words{{1, 2, 3, 4, 5, 6, 7, 8}};
    for (unsigned i = first; i < first + 60 && service->way != Handles::faults; ++i) {
        if (i % 4 == 0) static_cast<void>(co_await call_with(service->name, 300, 2));
        if (i % 4 == 1) static_cast<void>(co_await attempt(message_send(service->name, words, 16)));
        if (i % 4 == 2) static_cast<void>(co_await call_with(service->name, 8, -1));
        if (i % 4 == 3) static_cast<void>(co_await send_with(service->name, 5000));
    }
}

[[nodiscard]] Task<void> take_for_long(ServicePointer service) {
    Local<KnMsgDesc> reply;
    co_await reply.set({0, 0, 0, 0, 0});
    for (unsigned i = 0; i < 400 && service->way != Handles::faults; ++i) {
        const MessageResult got = co_await attempt(message_receive(static_cast<int>(service->li), 1));
        if (got.size >= 0) static_cast<void>(co_await attempt(Call::ipcReply, reply.at()));
        if (got.size == K_EINVAL) co_await rest(10 * microsecond);
    }
}

} // namespace

// The handler changes while threads are on their way to it, which are not the ones that run.
Task<void> handlers_that_change_amid_calls(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(true);
    const ServicePointer service = co_await service_of(stage);
    if (there(service->owner) && service->li > 0) {
        const Program take = [service](u64) { return take_for_long(service); };
        static_cast<void>(co_await supervise([=](u64) -> Task<void> {
            static_cast<void>(co_await start_supervisor_thread(service->owner, take, 3));
        }));
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            const Program call = [=](u64) { return call_for_long(service, cpu); };
            const Program preempt = [=](u64) { return preempt_often(service, 700 * (cpu + 3)); };
            co_await stage->serve(user, call, {.cpu = cpu, .priority = 150 + cpu, .stack = cpu + 1});
            co_await stage->serve(user, call, {.cpu = cpu, .priority = 160, .stack = cpu + 5});
            co_await stage->serve(user, preempt, {.cpu = cpu, .priority = 60, .stack = cpu + 9});
        }
        for (unsigned round = 0; round < 24; ++round) {
            static_cast<void>(co_await handle_by(service, round % 2 == 0));
            co_await rest((5 + 5 * (round % 5)) * microsecond);
        }
    }
    service->way = Handles::faults; // the end, for those who look
    co_await remove_actor(service->owner);
    co_await stage->end();
    if (service->begun != service->ended && !failures_expected())
        complain("somebody is left in a message handler");
}

} // namespace chorale::test
