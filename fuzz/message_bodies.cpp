// Bodies and annexes of messages: the input describes exchanges between two actors, with room that fits, does
// not, lies across pages, cannot be written or is not there. Each byte that arrives is the one that was sent,
// no other byte of either actor changes, and whatever cannot be copied is an error for the one whose memory
// it is.
#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "fuzz/calls_schedule.hpp"
#include "fuzz/message_exchange.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/ipc/message.hpp"

#include <algorithm>

namespace chorale::fuzz {
namespace {

using namespace host;

// What is under way, as its sender knows it.
struct Content {
    u32 size = 0;
    bool annexed = false;
    std::vector<u8> body, annex; // as much of it as there is
    [[nodiscard]] bool fits_registers() const { return size <= 64 && !annexed; }
};

struct World {
    const Script& script;
    unsigned exchange = 0; // the client's
    Content request, reply;
    bool finished = false;
};

[[nodiscard]] Task<long> allocate(KnCap actor, u64 at, u64 size, VmFlags options) {
    Local<KnCap> owner;
    Local<KnRgnDesc> region;
    co_await owner.set(actor);
    KnRgnDesc wanted{};
    wanted.startAddr = at;
    wanted.size = size;
    wanted.options = options;
    co_await region.set(wanted);
    co_return co_await call(Call::rgnAllocate, owner.at(), region.at());
}

// ---- the actor's own memory ------------------------------------------------------------------------------

[[nodiscard]] std::vector<u8> memory() {
    std::vector<u8> bytes(room_size);
    must(machine::user_read(bytes.data(), VirtAddr{room}, room_size), "the room can be read");
    return bytes;
}

// What only can be read has no pages before the nucleus has touched it, and holds zeros.
[[nodiscard]] std::vector<u8> read(u64 at, u64 size) {
    std::vector<u8> bytes(size);
    for (u64 done = 0, piece; done < size; done += piece) {
        piece = std::min(size - done, page_size - (at + done) % page_size);
        must(machine::user_read(&bytes[done], VirtAddr{at + done}, piece) || at >= read_only,
             "what can be read is read");
    }
    return bytes;
}

void fill(u64 at, u64 size, unsigned exchange) {
    std::vector<u8> bytes(size);
    for (u64 i = 0; i < size; ++i) bytes[i] = pattern(exchange, i);
    if (can_write(at, size)) must(machine::user_write(VirtAddr{at}, bytes.data(), size), "and written");
}

// Makes what a descriptor tells of. False: it cannot be sent, with `error`, or with either of two.
[[nodiscard]] bool prepare(const Place& place, unsigned exchange, Content& content, long& error) {
    const bool too_much = place.size > K_CMSGSIZEMAX;
    const bool bad_annex = place.annex != 0 && !can_read(place.annex, K_CMSGANNEXSIZE);
    const bool bad_body = place.size == 0 ? place.body >= outside : !can_read(place.body, place.size);
    error = too_much ? K_ETOOMUCH : K_EFAULT;
    if (too_much || bad_annex || bad_body) return false;
    fill(place.body, place.size, exchange);
    if (place.annex != 0) fill(place.annex, K_CMSGANNEXSIZE, exchange + 100);
    content = {.size = place.size, .annexed = place.annex != 0, .body = {}, .annex = {}};
    if (place.size != 0) content.body = read(place.body, place.size);
    if (content.annexed) content.annex = read(place.annex, K_CMSGANNEXSIZE);
    return true;
}

[[nodiscard]] Words words_of(unsigned exchange, u32 size, Content& content) {
    Words words;
    u8 bytes[64];
    for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = pattern(exchange, i);
    std::memcpy(words.word, bytes, sizeof bytes);
    content = {.size = size, .annexed = false, .body = {bytes, bytes + size}, .annex = {}};
    return words;
}

// ---- what arrives ----------------------------------------------------------------------------------------

void check_words(const Words& words, const Content& content, u64 size) {
    must(size == 0 || std::memcmp(words.word, content.body.data(), size) == 0,
         "registers hold what was sent");
}

// Whether the room can take it: else an error is told.
[[nodiscard]] bool can_store(const Content& content, const Place& place) {
    if (content.annexed && place.annex != 0 && !can_write(place.annex, K_CMSGANNEXSIZE)) return false;
    const u32 size = std::min(content.size, place.size);
    return place.body == 0 || size == 0 || can_write(place.body, size);
}

// The room holds what was sent, as far as it goes, and all else is as before.
void check_stored(std::vector<u8> before, const Content& content, const Place& place, bool failed) {
    const std::vector<u8> after = memory();
    const auto put = [&](u64 at, const std::vector<u8>& bytes, u64 size) {
        for (u64 i = 0; i < size; ++i) {
            if (at + i < room || at + i >= room + room_size) continue;
            const u64 index = at + i - room;
            // What was copied before a fault stays copied.
            if (!failed || after[index] == bytes[i]) before[index] = bytes[i];
        }
    };
    if (content.annexed && place.annex != 0) put(place.annex, content.annex, K_CMSGANNEXSIZE);
    if (place.body != 0) put(place.body, content.body, std::min(content.size, place.size));
    must(std::memcmp(before.data(), after.data(), room_size) == 0,
         "memory holds what was sent and was there");
}

// `told`: size, flag and words as the nucleus has left them. `in_memory`: registers are no way for this call.
void check_arrival(const MessageResult& told, const Content& content, const Place& place,
                   const std::vector<u8>& before, bool in_memory) {
    if (!in_memory && (content.fits_registers() || place.none)) {
        const u64 size = std::min<u64>(content.size, 64);
        must(told.size == static_cast<long>(size), "the size of what came in registers");
        check_words(told.words, content, size);
        must(memory() == before, "registers leave memory alone");
        return;
    }
    bool good = can_store(content, place);
    // No bytes outside the user's part: both is right.
    if (std::min(content.size, place.size) == 0 && place.body >= outside) good = good && told.size >= 0;
    const long stored = in_memory ? 0 : static_cast<long>(MESSAGE_STORED);
    must(told.size == (good ? content.size | stored : long{K_EFAULT}), "the size of what came in memory");
    check_stored(before, content, place, !good);
}

// ---- the server ------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> check_head(const Content& content) {
    Local<KnMsgHead> place;
    must(co_await call(Call::ipcSysInfo, place.at()) == K_OK, "there is a current message");
    const KnMsgHead head = co_await place.get();
    must(head.bodySize == static_cast<int>(content.size), "the header tells the size as sent");
    must((head.flags[0] & K_MSG_ANNEX) != 0 == content.annexed, "the header tells of the annex");
    must((head.flags[0] & K_MSG_CALL) != 0, "the header tells that a reply is awaited");
}

// True: the reply is on its way; false: `words` are still to be sent.
[[nodiscard]] Task<bool> reply_by_descriptor(World& world, const Exchange& exchange, unsigned number) {
    Local<KnMsgDesc> out;
    Content content;
    long error = 0;
    const bool good = prepare(exchange.reply, number, content, error);
    co_await out.set(exchange.reply.descriptor());
    if (good) world.reply = content;
    const long result = co_await call(Call::ipcReply, out.at());
    if (good) {
        must(result == K_OK, "a reply is sent");
        co_return true;
    }
    must(result == error || (result == K_EFAULT && exchange.reply.annex != 0),
         "what cannot be sent is an error");
    co_await check_head(world.request);
    co_return false;
}

[[nodiscard]] Task<void> serve(World& world, int li) {
    Local<KnMsgDesc> in;
    bool pending = false; // `words` are the reply, with the next receive
    Words words;
    u64 size = 0;
    for (unsigned number = 0;; ++number) {
        const Exchange& exchange = world.script.exchanges[number % world.script.exchanges.size()];
        const Place& place = exchange.receive_room;
        co_await in.set(place.descriptor());
        const VirtAddr descriptor = place.none ? VirtAddr{} : in.at();
        const std::vector<u8> before = memory();
        const MessageResult got = pending ? co_await message_reply_receive(li, words, size, 0, descriptor)
                                          : co_await message_receive(li, -1, 0, descriptor);
        if (world.finished) co_return;
        check_arrival(got, world.request, place, before, false);
        co_await check_head(world.request);
        pending = exchange.reply_in_registers || !co_await reply_by_descriptor(world, exchange, number + 50);
        if (!pending) continue;
        size = exchange.reply.size % 65;
        words = words_of(number + 50, static_cast<u32>(size), world.reply);
    }
}

// ---- the client ------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> ask_in_registers(World& world, const Exchange& exchange, KnUniqueId port) {
    Local<KnMsgDesc> out;
    const Place& place = exchange.reply_room;
    co_await out.set(place.descriptor());
    const Words words = words_of(world.exchange, exchange.request.size, world.request);
    const std::vector<u8> before = memory();
    const VirtAddr descriptor = place.none ? VirtAddr{} : out.at();
    const MessageResult told = co_await message_call(port, words, exchange.request.size, 0, descriptor);
    check_arrival(told, world.reply, place, before, false);
}

[[nodiscard]] Task<void> ask_by_descriptor(World& world, const Exchange& exchange, KnUniqueId port) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    const Place& place = exchange.reply_room;
    long error = 0;
    const bool good = prepare(exchange.request, world.exchange, world.request, error);
    co_await request.set(exchange.request.descriptor());
    co_await reply.set(place.descriptor());
    co_await destination.set({port, {}});
    const std::vector<u8> before = memory();
    const long result =
        co_await call(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(), reply.at(), -1);
    if (!good)
        must(result == error || (result == K_EFAULT && exchange.request.annex != 0), "what cannot be sent");
    else
        check_arrival({result, 0, 0, {}}, world.reply, place, before, true);
}

[[nodiscard]] Task<void> ask(World& world, KnUniqueId port) {
    for (; world.exchange < world.script.exchanges.size(); ++world.exchange) {
        const Exchange& exchange = world.script.exchanges[world.exchange];
        if (exchange.in_registers)
            co_await ask_in_registers(world, exchange, port);
        else
            co_await ask_by_descriptor(world, exchange, port);
    }
    world.finished = true;
}

// ---- the machine -----------------------------------------------------------------------------------------

[[nodiscard]] Task<KnCap> make_actor() {
    const KnCap actor = co_await create_actor();
    must(co_await allocate(actor, room, room_size, K_WRITABLE | K_NODEMAND) == K_OK, "there is memory");
    must(co_await allocate(actor, read_only, read_only_size, K_FILLZERO) == K_OK, "and some more");
    co_return actor;
}

[[nodiscard]] Task<void> stage(World& world) {
    const KnCap server = co_await make_actor(), client = co_await make_actor();
    KnUniqueId port{};
    const auto li = static_cast<int>(co_await create_port(server, port));
    must(li > 0, "there is a port");
    const Script& script = world.script;
    must(co_await start_thread(server, [&world, li](u64) { return serve(world, li); },
                               {script.server_cpu, 92u + script.server_priority, 0}) > 0,
         "the server starts");
    must(co_await start_thread(client, [&world, port](u64) { return ask(world, port); },
                               {script.client_cpu, 100, 0}) > 0,
         "the client starts");
    for (unsigned rounds = 0; !world.finished; ++rounds) {
        must(rounds < 1000, "the exchanges come to their end");
        static_cast<void>(co_await sleep(1'000'000));
    }
    must(co_await delete_actor(client) == K_OK && co_await delete_actor(server) == K_OK, "both actors go");
}

[[nodiscard]] Lockstep& lockstep() {
    static Lockstep* const engine = [] {
        auto* const made = new Lockstep; // until the process ends
        host::boot({.cpus = 3, .memory = u64{16} << 20, .console = false}, *made);
        return made;
    }();
    return *engine;
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale;
using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Script script = read_script({data, size});
    if (script.exchanges.empty()) return 0;
    host::Lockstep& engine = lockstep();
    Schedule schedule{{}, script.pace, script.seed};
    engine.use(schedule);
    World world{script, 0, {}, {}, false};
    must(host::run([&world](u64) { return stage(world); }) == host::Outcome::finished, "it comes to its end");
    must(live_messages() == 0, "no message is left");
    return 0;
}
