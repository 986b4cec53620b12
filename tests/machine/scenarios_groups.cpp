// Groups of ports and static names: members that come and go while others send, in all modes.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] Task<KnCap> group_of(int options, int stamp) {
    Local<KnCap> made;
    const long result = co_await attempt(Call::grpAllocate, options, made.at(), stamp);
    co_return result == K_OK ? co_await made.get() : KnCap{};
}

[[nodiscard]] Task<long> member(Call call, KnCap group, KnUniqueId port) {
    Local<KnCap> capability;
    Local<KnUniqueId> name;
    co_await capability.set(group);
    co_await name.set(port);
    co_return co_await attempt(call, capability.at(), name.at());
}

[[nodiscard]] KnIpcDest in_mode(KnUniqueId group, int mode, const KnUniqueId& other = {}) {
    static_cast<void>(ipcTarget(&group, mode));
    return {group, other};
}

[[nodiscard]] Task<long> send(KnIpcDest to, u32 size) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, size, room.raw(), size % 2 == 0 ? room.raw() : 0, 0});
    co_await destination.set(to);
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

[[nodiscard]] Task<long> call_to(KnIpcDest to, u32 size) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, size, room.raw(), 0, 0});
    co_await destination.set(to);
    co_return co_await attempt(Call::ipcCallMessage, message.at(), K_DEFAULTPORT, destination.at(),
                               message.at(), 2);
}

// Takes what comes, replies to calls, until nothing has come for a while.
[[nodiscard]] Task<void> take_all(long li) {
    Local<KnMsgDesc> in;
    Local<KnMsgHead> head;
    for (unsigned failures = 0; failures < 3;) {
        co_await in.set({0, K_CMSGSIZEMAX, room.raw(), 0, 0});
        const MessageResult got = co_await attempt(message_receive(static_cast<int>(li), 1, 0, in.at()));
        if (got.size < 0) ++failures;
        if (got.size < 0 || co_await attempt(Call::ipcSysInfo, head.at()) != K_OK) continue;
        if (((co_await head.get()).flags[0] & K_MSG_CALL) == 0) continue;
        co_await in.set({0, 8, room.raw(), 0, 0});
        static_cast<void>(co_await attempt(Call::ipcReply, in.at()));
    }
}

[[nodiscard]] Task<void> send_in_all_modes(KnUniqueId group, KnUniqueId other) {
    for (const u32 size : {8u, 5000u, 61u}) {
        for (const int mode : {K_BROADMODE, K_FUNCMODE, K_FUNCUMODE, K_FUNCXMODE})
            static_cast<void>(co_await send(in_mode(group, mode, other), size));
        for (const int mode : {K_FUNCMODE, K_FUNCXMODE})
            static_cast<void>(co_await call_to(in_mode(group, mode, other), size));
        if (co_await call_to(in_mode(group, K_BROADMODE), size) >= 0) complain("a call of all was answered");
        if ((co_await attempt(message_call(in_mode(group, K_FUNCUMODE).target))).size >= 0)
            complain("a call without a coTarget was answered");
    }
}

[[nodiscard]] Task<void> come_and_go(KnCap group, KnUniqueId port) {
    for (unsigned i = 0; i < 6; ++i) {
        if (co_await member(Call::grpPortInsert, group, port) != K_OK) continue;
        co_await rest(20 * microsecond);
        for (unsigned tries = 0; tries < 3; ++tries)
            if (co_await member(Call::grpPortRemove, group, port) != K_EFAULT) break;
    }
}

} // namespace

Task<void> groups_of_ports(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true), other = co_await stage->actor(true);
    const KnCap group = co_await group_of(K_DYNAMIC, 0);
    std::vector<KnUniqueId> names(4);
    std::vector<long> ports;
    for (KnUniqueId& name : names) ports.push_back(co_await stage->port(actor, name));
    for (const unsigned i : {0u, 1u, 2u}) {
        static_cast<void>(co_await member(Call::grpPortInsert, group, names[i]));
        co_await stage->play(actor, [li = ports[i]](u64) { return take_all(li); }, {i, 90, i + 1});
    }
    co_await stage->play(other, [=](u64) { return send_in_all_modes(group.ui, names[0]); },
                         {.cpu = 0, .stack = 1});
    co_await stage->play(other, [=](u64) { return send_in_all_modes(group.ui, names[3]); },
                         {.cpu = 3, .stack = 2});
    co_await stage->play(other, [=](u64) { return come_and_go(group, names[3]); }, {.cpu = 1, .stack = 3});
    co_await stage->play(other, [=](u64) { return come_and_go(group, names[1]); }, {.cpu = 2, .stack = 4});
    const auto call_one = [=]() -> Task<void> {
        static_cast<void>(co_await attempt(message_call(in_mode(group.ui, K_FUNCMODE).target)));
    };
    co_await stage->serve(other, [=](u64) { return call_one(); }, {.cpu = 2, .stack = 5}); // no time limit
    co_await rest(100 * microsecond);
    Named owner;
    co_await owner.set(actor);
    static_cast<void>(co_await attempt(Call::portDelete, owner.at(), ports[2]));
    co_await stage->end();
    if (co_await send(in_mode(group.ui, K_FUNCMODE), 0) >= 0) complain("a group has a member that is gone");
}

Task<void> names_declared(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true, K_SYSTEMACTOR);
    Named owner;
    co_await owner.set(actor);
    const KnCap group = co_await group_of(K_STATSYS, 77);
    Local<KnUniqueId> name;
    std::vector<long> ports;
    for (unsigned i = 0; i < 4; ++i) {
        KnUniqueId wanted{};
        static_cast<void>(uiBuild(&wanted, i % 2 == 0 ? K_UIPORT : K_UIPORT_STATPORT, 1, i << 12 | i));
        co_await name.set(wanted);
        ports.push_back(co_await attempt(Call::portDeclare, owner.at(), name.at()));
        if (ports.back() < 0) continue;
        if (co_await attempt(Call::portDeclare, owner.at(), name.at()) > 0)
            complain("two ports have one name");
        static_cast<void>(co_await member(Call::grpPortInsert, group, wanted));
        static_cast<void>(co_await attempt(Call::uiIsLocal, name.at()));
        co_await stage->play(actor, [li = ports.back()](u64) { return take_all(li); },
                             {.cpu = i, .stack = i + 1});
        static_cast<void>(co_await call_to({wanted, {}}, 100));
    }
    static_cast<void>(co_await send({group.ui, {}}, 70));
    for (const long li : ports)
        if (li > 0) static_cast<void>(co_await attempt(Call::portDelete, owner.at(), li));
    co_await stage->end();
}

} // namespace chorale::test
