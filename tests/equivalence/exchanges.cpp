// Messages: each gets bytes of its own, and each byte that arrives, or stays as it was, is in a digest.
#include "tests/equivalence/world.hpp"

#include <algorithm>

namespace chorale::equivalence {

using namespace host;

namespace {

constexpr std::size_t block = 64; // what is written at a time
constexpr u32 small_room = 300, large_room = 9'200, little_room = 40, kept_room = 0;
constexpr u8 annexed = 1, given = 2, keeps = 2, abortable = 1, little = 4, only_words = 2;
constexpr u8 late_abortable = 4, late_little = 8; // of calls with a descriptor

struct Block {
    u8 byte[block];
};

[[nodiscard]] Task<void> fill(VirtAddr at, std::size_t size, u64 seed) {
    for (std::size_t done = 0; done < size; done += block) {
        Block bytes{};
        for (u8& byte : bytes.byte) byte = static_cast<u8>((seed = seed * 6364136223846793005 + 1) >> 56);
        co_await store(at + done, bytes);
    }
}

[[nodiscard]] Task<void> add_memory(Digest& to, VirtAddr at, std::size_t size) {
    for (std::size_t done = 0; done < size; done += block) {
        const Block bytes = co_await load<Block>(at + done);
        to.add(bytes.byte, block);
    }
}

[[nodiscard]] Words words_of(u64 seed) {
    Words words;
    for (u64& word : words.word) word = seed = seed * 6364136223846793005 + 1442695040888963407;
    return words;
}

// Where the annex lies in either area.
[[nodiscard]] VirtAddr annex_at(VirtAddr area) { return area + (area_size - 2 * K_CMSGANNEXSIZE); }

[[nodiscard]] Task<KnMsgDesc> compose(const Doer& doer, u32 size, u8 flags) {
    co_await fill(doer.out(), size, doer.chance());
    if ((flags & annexed) != 0) co_await fill(annex_at(doer.out()), K_CMSGANNEXSIZE, doer.chance() + 1);
    co_return KnMsgDesc{(flags & given) != 0 ? K_MSG_GIVE : 0u, size, doer.out().raw(),
                        (flags & annexed) != 0 ? annex_at(doer.out()).raw() : 0, 0};
}

// The room for what comes, with bytes in it that must stay where nothing arrives.
[[nodiscard]] Task<KnMsgDesc> make_room(const Doer& doer, u32 size, unsigned flags = 0) {
    co_await fill(doer.in(), size + block, 7);
    co_await fill(annex_at(doer.in()), K_CMSGANNEXSIZE, 8);
    co_return KnMsgDesc{flags, size, size == kept_room ? 0 : doer.in().raw(), annex_at(doer.in()).raw(), 0};
}
[[nodiscard]] Task<u64> look_in_room(const Doer& doer, u32 size, const KnMsgDesc& after) {
    Digest digest;
    co_await add_memory(digest, doer.in(), size + block);
    co_await add_memory(digest, annex_at(doer.in()), K_CMSGANNEXSIZE);
    digest.add(after.flags);
    digest.add(after.bodySize);
    digest.add(after.seqNum);
    co_return digest.value();
}

// What came in registers, or in the room. Of an error nothing else is promised.
[[nodiscard]] Task<void> tell_arrival(Doer doer, const char* what, MessageResult got, u32 room,
                                      VirtAddr descriptor) {
    if (got.size < 0) {
        doer.tell(what, got.size);
        co_return;
    }
    Digest digest;
    if (!got.stored()) digest.add(got.words.word, static_cast<std::size_t>(std::min(got.bytes(), 64l)));
    digest.add(co_await look_in_room(doer, room, co_await load<KnMsgDesc>(descriptor)));
    doer.tell(what, got.size, got.port_li, got.sequence, digest.value());
}

[[nodiscard]] KnIpcDest destination_of(const World& world, u8 slot) {
    if (slot < first_group) return {world.ports[slot % port_slots].name, {}};
    KnUniqueId group = world.groups[slot % group_slots].ui;
    static_cast<void>(ipcTarget(&group, slot >> 1 & K_CUI_MODEMASK));
    return {group, world.ports[0].name};
}

[[nodiscard]] int li_of(const World& world, u8 slot) {
    return slot == any_port ? K_ANYENABLED : static_cast<int>(world.ports[slot % port_slots].li);
}

// A message that came by the fast path does not know its port's name any more when that has been deleted, or
// has gone to another actor.
[[nodiscard]] KnUniqueId target_told(const Doer& doer, const KnUniqueId& target) {
    const World& world = doer.world;
    const unsigned actor = world.plan.threads[doer.thread].actor;
    const auto there = [&](const Slot& slot) {
        return slot.li >= 0 && slot.actor == actor && uiEqual(&slot.name, &target) != 0;
    };
    const bool group = (target.uiHead >> K_CUI_TYPESHIFT & 8) != 0;
    return group || std::ranges::any_of(world.ports, there) ? target : KnUniqueId{};
}

[[nodiscard]] u32 room_of(const Doer& doer, u8 flags) {
    if ((flags & little) != 0) return little_room;
    return doer.chance() % 6 == 0 ? large_room : small_room;
}

} // namespace

// ---- clients ---------------------------------------------------------------------------------------------

Task<void> call_words(Doer doer, Op op) {
    Local<KnMsgDesc> descriptor;
    const u32 room = room_of(doer, op.b);
    co_await descriptor.set(co_await make_room(doer, room));
    const KnUniqueId target = destination_of(doer.world, op.a).target;
    const u64 flags = (op.b & abortable) != 0 ? MESSAGE_ABORTABLE : 0;
    const VirtAddr descriptor_at = (op.b & only_words) != 0 ? VirtAddr{} : descriptor.at();
    for (; doer.step < op.c; ++doer.step) {
        MessageResult got =
            co_await message_call(target, words_of(doer.chance()), op.size, flags, descriptor_at);
        got.port_li = got.sequence = 0; // a call loses them
        co_await tell_arrival(doer, "call", got, room, descriptor.at());
    }
}

Task<void> call_message(Doer doer, Op op) {
    Local<KnMsgDesc> request, room_at;
    Local<KnIpcDest> destination;
    const u32 room = (op.b & late_little) != 0 ? little_room : room_of(doer, 0);
    co_await request.set(co_await compose(doer, op.size, op.b & (annexed | given)));
    co_await room_at.set(co_await make_room(doer, room, (op.b & late_abortable) != 0 ? K_ABORTABLE : 0u));
    co_await destination.set(destination_of(doer.world, op.a));
    const long result = co_await call(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                                      room_at.at(), milliseconds(op));
    const u64 digest = result < 0 ? 0 : co_await look_in_room(doer, room, co_await room_at.get());
    doer.tell("ipcCall", result, 0, 0, digest);
}

Task<void> send(Doer doer, Op op) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set(co_await compose(doer, op.size, op.b & (annexed | given)));
    co_await destination.set(destination_of(doer.world, op.a));
    const long result = co_await call(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
    Digest left; // of what was given nothing is
    co_await add_memory(left, doer.out(), op.size);
    doer.tell("ipcSend", result, 0, 0, left.value());
}

// ---- servers ---------------------------------------------------------------------------------------------

Task<void> receive(Doer doer, Op op) {
    Local<KnMsgDesc> descriptor;
    const bool kept = (op.b & keeps) != 0;
    const u32 room = kept ? kept_room : room_of(doer, op.b);
    co_await descriptor.set(co_await make_room(doer, room));
    const u64 flags =
        ((op.b & abortable) != 0 ? u64{MESSAGE_ABORTABLE} : 0) | (kept ? u64{MESSAGE_KEEPS} : 0);
    const MessageResult got =
        co_await message_receive(li_of(doer.world, op.a), milliseconds(op), flags, descriptor.at());
    co_await tell_arrival(doer, "receive", got, room, descriptor.at());
    if (got.size >= 0 && doer.chance() % 2 == 0) co_await look(doer);
}

Task<void> reply_receive(Doer doer, Op op) {
    Local<KnMsgDesc> descriptor;
    const u32 room = room_of(doer, op.b);
    co_await descriptor.set(co_await make_room(doer, room));
    const u64 flags = (op.b & abortable) != 0 ? MESSAGE_ABORTABLE : 0;
    const MessageResult got = co_await message_reply_receive(li_of(doer.world, op.a), words_of(doer.chance()),
                                                             op.size, flags, descriptor.at());
    co_await tell_arrival(doer, "reply + receive", got, room, descriptor.at());
    if (got.size >= 0 && doer.chance() % 2 == 0) co_await look(doer);
}

Task<void> serve(Doer doer, Op op) {
    co_await receive(doer, op);
    while (doer.step++ < op.b) {
        constexpr u32 sizes[] = {64, 0, 8, 32, 64, 5, 64, 63};
        const Op next{Kind::reply_receive, op.a, 0, 0, sizes[doer.chance() % std::size(sizes)], no_limit};
        // When there is nothing to reply to, because it was no call, that is an error: then it just receives.
        if (doer.chance() % 16 == 0) co_await look(doer);
        co_await reply_receive(doer, next);
    }
}

Task<void> reply(Doer doer, Op op) {
    Local<KnMsgDesc> message;
    co_await message.set(co_await compose(doer, op.size, op.b & (annexed | given)));
    doer.tell("ipcReply", co_await call(Call::ipcReply, message.at()));
}

Task<void> get_data(Doer doer, Op op) {
    Local<KnMsgDesc> message;
    const KnMsgDesc wanted = co_await make_room(doer, small_room + op.size % 2 * large_room);
    co_await message.set(wanted);
    const long result = co_await call(Call::ipcGetData, message.at());
    doer.tell("ipcGetData", result, 0, 0, co_await look_in_room(doer, wanted.bodySize, wanted));
}

Task<void> look(Doer doer) {
    Local<KnMsgHead> place;
    const long result = co_await call(Call::ipcSysInfo, place.at());
    if (result != K_OK) {
        doer.tell("ipcSysInfo", result);
        co_return;
    }
    const KnMsgHead head = co_await place.get();
    Log& log = doer.world.log;
    Digest digest;
    digest.add(head.flags, sizeof head.flags);
    for (const KnUniqueId& name : {head.srcPort, target_told(doer, head.target), head.coTarget})
        digest.add(log.number_of(name));
    digest.add(head.transId != 0 ? 1 : 0);
    for (const KnProtId& who : {head.actorId, head.portId}) digest.add(&who, sizeof who);
    doer.tell("ipcSysInfo", head.bodySize, static_cast<u64>(head.flags[0]), log.number_of(head.srcPort),
              digest.value());
}

} // namespace chorale::equivalence
