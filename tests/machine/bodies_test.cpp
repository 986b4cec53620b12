// Large bodies: how often they are copied, buffers in memory of every kind, and memory and threads that go
// while a body is on its way.
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/world.hpp"

#include <machine/timer.hpp>
#include <machine/user_access.hpp>

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr buffer{0x300'0000}, origin{0x400'0000}, copy{0x600'0000};
constexpr uword whole = K_CMSGSIZEMAX;
constexpr u64 words_apart = 4096; // that are looked at
constexpr VmFlags eager = K_WRITABLE | K_NODEMAND;

[[nodiscard]] u64 mark(u64 seed, uword at) { return seed << 32 | at; }

[[nodiscard]] Task<void> fill(KnCap actor, VirtAddr at, uword size, u64 seed) {
    for (uword word = 0; word + 8 <= size; word += words_apart)
        co_await poke(actor, at + word, mark(seed, word));
    if (size >= 8) co_await poke(actor, at + (size - 8), mark(seed, size - 8));
}

[[nodiscard]] Task<void> expect_filled(KnCap actor, VirtAddr at, uword size, u64 seed, const char* what) {
    for (uword word = 0; word + 8 < size; word += words_apart)
        EXPECT_EQ(co_await peek(actor, at + word), mark(seed, word)) << what << " at " << word;
    EXPECT_EQ(co_await peek(actor, at + (size - 8)), mark(seed, size - 8)) << what;
}

[[nodiscard]] Task<long> map(KnCap actor, VirtAddr at, uword size, VmFlags options) {
    co_return co_await allocate(actor, region_of(at, size, options));
}

[[nodiscard]] Task<void> unmap(KnCap actor, VirtAddr at, uword size) {
    static_cast<void>(co_await release(actor, region_of(at, size, 0)));
}

// A server that waits on CPU 0, and what it got last.
struct Server {
    StagePointer stage = std::make_shared<Stage>();
    KnCap actor{}, client{};
    KnUniqueId port{};
    long li{}, thread{};
    VirtAddr at{buffer};
    uword room{whole};
    unsigned received{};
    long result{};
    bool replies{};
};
using ServerPointer = std::shared_ptr<Server>;

[[nodiscard]] Task<void> keep_receiving(ServerPointer server) {
    Local<KnMsgDesc> in;
    for (;;) {
        co_await in.set({0, static_cast<unsigned>(server->room), server->at.raw(), 0, 0});
        const MessageResult got =
            co_await attempt(message_receive(static_cast<int>(server->li), -1, 0, in.at()));
        server->result = got.bytes();
        ++server->received;
        if (!server->replies || got.size < 0) continue;
        co_await in.set({0, static_cast<unsigned>(got.bytes()), server->at.raw(), 0, 0});
        server->result = co_await attempt(Call::ipcReply, in.at());
    }
}

[[nodiscard]] Task<void> start_server(ServerPointer server) {
    server->thread = co_await server->stage->serve(
        server->actor, [server](u64) { return keep_receiving(server); }, {.priority = 90, .stack = 1});
}

[[nodiscard]] Task<ServerPointer> make_server() {
    const auto server = std::make_shared<Server>();
    server->actor = co_await server->stage->actor();
    server->client = co_await server->stage->actor(true);
    server->li = co_await server->stage->port(server->actor, server->port);
    EXPECT_GT(server->li, 0);
    co_await start_server(server);
    co_return server;
}

[[nodiscard]] Task<long> send(KnUniqueId port, VirtAddr body, uword size) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, static_cast<unsigned>(size), body.raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

[[nodiscard]] Task<long> ask(KnUniqueId port, VirtAddr body, uword size, VirtAddr reply) {
    Local<KnMsgDesc> request, answer;
    Local<KnIpcDest> destination;
    co_await request.set({0, static_cast<unsigned>(size), body.raw(), 0, 0});
    co_await answer.set({0, static_cast<unsigned>(size), reply.raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                               answer.at(), -1);
}

// `program` on CPU 0, while the server waits there; its end is waited for.
[[nodiscard]] Task<void> by_client(ServerPointer server, Program program) {
    const auto done = std::make_shared<bool>(false);
    co_await server->stage->play(server->client,
                                 [=](u64) -> Task<void> {
                                     co_await program(0);
                                     *done = true;
                                 },
                                 {.priority = 100, .stack = 1});
    for (unsigned waited = 0; waited < 400 && !*done; ++waited) co_await rest(50 * microsecond);
    EXPECT_TRUE(*done);
}

// ---- one copy --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> count_copies(u64) {
    constexpr u64 plenty = 1'000'000;
    const ServerPointer server = co_await make_server();
    EXPECT_GT(co_await map(server->actor, buffer, whole, K_WRITABLE), 0);
    co_await fill(server->client, room, whole, 1);
    co_await by_client(server, [=](u64) -> Task<void> {
        for (const bool call : {false, true}) {
            server->replies = call;
            machine::fail_user_copy_after(plenty);
            const long result = call ? co_await ask(server->port, room, whole, room + whole)
                                     : co_await send(server->port, room, whole);
            const u64 copies = plenty - machine::user_copies_before_failure();
            machine::fail_user_copy_after(0);
            EXPECT_EQ(result, call ? static_cast<long>(whole) : K_OK);
            // A piece for each page, and what the calls are given.
            EXPECT_LE(copies, call ? 2 * 16 + 5 : 16 + 2);
        }
    });
    EXPECT_EQ(server->received, 2u);
    co_await expect_filled(server->actor, buffer, whole, 1, "request");
    co_await expect_filled(server->client, room + whole, whole, 1, "reply");
    co_await server->stage->end();
}

// ---- memory of every kind --------------------------------------------------------------------------------

enum class Kind : u8 { demand, there, copied, shared, read_only, hole, nothing };

[[nodiscard]] Task<void> make_memory(KnCap actor, Kind kind) {
    if (kind == Kind::copied || kind == Kind::shared) {
        EXPECT_GT(co_await map(actor, origin, whole + page_size, K_WRITABLE), 0);
        co_await fill(actor, origin, whole, 77);
        const Call how = kind == Kind::copied ? Call::rgnInitFromActor : Call::rgnMapFromActor;
        EXPECT_EQ(co_await transfer(how, actor, region_of(buffer, 0, K_WRITABLE), actor,
                                    region_of(origin, whole + page_size, 0)),
                  K_OK);
    } else if (kind != Kind::nothing) {
        const VmFlags options = kind == Kind::read_only ? 0 : kind == Kind::there ? eager : K_WRITABLE;
        EXPECT_GT(co_await map(actor, buffer, whole + page_size, options), 0);
        if (kind == Kind::hole) co_await unmap(actor, buffer + 8 * page_size, page_size);
    }
}

[[nodiscard]] Task<void> forget_memory(KnCap actor, Kind kind) {
    if (kind != Kind::nothing) co_await unmap(actor, buffer, whole + page_size);
    if (kind == Kind::copied || kind == Kind::shared) co_await unmap(actor, origin, whole + page_size);
}

[[nodiscard]] bool writable(Kind kind) { return kind <= Kind::shared; }

// The receiver's buffer: of each kind, at each alignment.
[[nodiscard]] Task<void> into_memory_of_every_kind(u64) {
    u64 seed = 100;
    for (const Kind kind : {Kind::demand, Kind::there, Kind::copied, Kind::shared, Kind::read_only,
                            Kind::hole, Kind::nothing}) {
        for (const uword shift : {uword{0}, uword{24}, uword{4091}}) {
            const ServerPointer server = co_await make_server();
            co_await make_memory(server->actor, kind);
            server->at = buffer + shift;
            co_await fill(server->client, room, whole, ++seed);
            co_await by_client(server, [=](u64) -> Task<void> {
                static_cast<void>(
                    co_await send(server->port, room, 8)); // it waits there from the next one on
                const long sent = co_await send(server->port, room, whole);
                EXPECT_EQ(sent, K_OK);
            });
            EXPECT_EQ(server->received, 2u);
            EXPECT_EQ(server->result, writable(kind) ? static_cast<long>(whole) : long{K_EFAULT});
            if (writable(kind)) co_await expect_filled(server->actor, buffer + shift, whole, seed, "body");
            if (kind == Kind::copied) co_await expect_filled(server->actor, origin, whole, 77, "origin");
            if (kind == Kind::shared)
                co_await expect_filled(server->actor, origin + shift, whole, seed, "origin");
            co_await forget_memory(server->actor, kind);
            co_await server->stage->end();
        }
    }
}

// The sender's: what it cannot read is its own fault, and the receiver goes on waiting.
[[nodiscard]] Task<void> out_of_memory_of_every_kind(u64) {
    for (const Kind kind : {Kind::demand, Kind::there, Kind::copied, Kind::shared, Kind::read_only,
                            Kind::hole, Kind::nothing}) {
        const ServerPointer server = co_await make_server();
        EXPECT_GT(co_await map(server->actor, buffer, whole, K_WRITABLE), 0);
        co_await make_memory(server->client, kind);
        const bool readable = kind < Kind::hole;
        if (kind == Kind::demand || kind == Kind::there) co_await fill(server->client, buffer, whole, 77);
        co_await by_client(server, [=](u64) -> Task<void> {
            const long sent = co_await send(server->port, buffer, whole);
            EXPECT_EQ(sent, readable ? K_OK : K_EFAULT);
            EXPECT_EQ(server->received, readable ? 1u : 0u);
            const long again = co_await send(server->port, room, whole);
            EXPECT_EQ(again, K_OK);
        });
        EXPECT_EQ(server->received, readable ? 2u : 1u);
        EXPECT_EQ(server->result, static_cast<long>(whole));
        co_await forget_memory(server->client, kind);
        co_await server->stage->end();
    }
}

// The room is smaller, or none; the two buffers overlap.
[[nodiscard]] Task<void> rooms_of_other_sizes(u64) {
    const ServerPointer server = co_await make_server();
    EXPECT_GT(co_await map(server->actor, buffer, 3 * whole, eager), 0);
    co_await fill(server->client, room, whole, 5);
    co_await by_client(server, [=](u64) -> Task<void> {
        server->room = 5000;
        for (const VirtAddr at : {buffer, VirtAddr{0}}) {
            server->at = at;
            static_cast<void>(co_await send(server->port, room, 8)); // from the next message on
            co_await fill(server->actor, buffer, 2 * page_size, 1);
            const long sent = co_await send(server->port, room, whole);
            EXPECT_EQ(sent, K_OK);
            EXPECT_EQ(server->result, static_cast<long>(whole));
            const u64 beyond = co_await peek(server->actor, buffer + (2 * page_size - 8));
            EXPECT_EQ(beyond, mark(1, 2 * page_size - 8));
        }
        server->room = whole;
        server->at = buffer + page_size;
        static_cast<void>(co_await send(server->port, room, 8));
    });
    co_await fill(server->actor, buffer, whole, 9);
    co_await server->stage->play(server->actor,
                                 [=](u64) -> Task<void> {
                                     const long sent = co_await send(server->port, buffer, whole);
                                     EXPECT_EQ(sent, K_OK);
                                 },
                                 {.stack = 2});
    co_await rest(millisecond);
    co_await expect_filled(server->actor, buffer + page_size, whole, 9, "overlapping");
    co_await server->stage->end();
}

// A receiver without a descriptor, and one whose descriptor lies on two pages.
[[nodiscard]] Task<void> odd_receivers(u64) {
    const ServerPointer server = co_await make_server();
    EXPECT_GT(co_await map(server->actor, buffer, whole + page_size, eager), 0);
    co_await fill(server->client, room, whole, 6);
    const VirtAddr odd = buffer + (whole + page_size - 16);
    EXPECT_GT(co_await map(server->actor, buffer + (whole + page_size), page_size, eager), 0);
    for (const VirtAddr descriptor : {VirtAddr{0}, odd}) {
        const auto got = std::make_shared<MessageResult>();
        KnUniqueId port{};
        const long li = co_await server->stage->port(server->actor, port);
        co_await server->stage->play(server->actor,
                                     [=](u64) -> Task<void> {
                                         if (descriptor == odd)
                                             co_await store(odd, KnMsgDesc{0, whole, buffer.raw(), 0, 0});
                                         *got = co_await attempt(
                                             message_receive(static_cast<int>(li), -1, 0, descriptor));
                                     },
                                     {.priority = 90, .stack = 2});
        co_await by_client(server, [=](u64) -> Task<void> {
            const long sent = co_await send(port, room, whole);
            EXPECT_EQ(sent, K_OK);
        });
        co_await rest(millisecond);
        EXPECT_EQ(got->bytes(), descriptor == odd ? static_cast<long>(whole) : long{MESSAGE_REGISTER_BYTES});
        EXPECT_EQ(got->stored(), descriptor == odd);
        if (descriptor != odd) EXPECT_EQ(got->words.word[0], mark(6, 0));
    }
    co_await expect_filled(server->actor, buffer, whole, 6, "odd descriptor");
    co_await server->stage->end();
}

// ---- while it is on its way ------------------------------------------------------------------------------

// The CPUs go on side by side.
class Together final : public Chooser {
  public:
    bool preempts(Boundary) override { return true; }
    unsigned choose(unsigned count, Choice what) override {
        return what == Choice::next_cpu ? static_cast<unsigned>(random_() % count) : 0;
    }

  private:
    std::mt19937_64 random_{9};
};

struct Moment {
    bool go{}, done{};
    u64 time{}; // that the call took
    long result{};
};
using MomentPointer = std::shared_ptr<Moment>;

[[nodiscard]] Task<void> call_when_told(ServerPointer server, MomentPointer moment) {
    while (!moment->go) co_await pause();
    const u64 begun = machine::now();
    moment->result = co_await ask(server->port, room, whole, buffer);
    moment->time = machine::now() - begun;
    moment->done = true;
}

enum class Meddling : u8 {
    nothing,
    frees_receivers,
    frees_senders,
    protects,
    copies,
    ends_server,
    ends_client,
    ends_actor
};

[[nodiscard]] Task<void> meddle(ServerPointer server, Meddling what, long client) {
    switch (what) {
    case Meddling::nothing:
        break;
    case Meddling::frees_receivers:
        co_await unmap(server->actor, buffer, whole);
        break;
    case Meddling::frees_senders:
        co_await unmap(server->client, room, whole);
        break;
    case Meddling::protects:
        static_cast<void>(
            co_await on_region(Call::rgnSetProtect, server->actor, region_of(buffer, whole, 0)));
        break;
    case Meddling::copies: {
        const long copied = co_await transfer(Call::rgnInitFromActor, server->actor, region_of(copy, 0, 0),
                                              server->actor, region_of(buffer, whole, 0));
        EXPECT_EQ(copied, K_OK);
        break;
    }
    case Meddling::ends_server:
        static_cast<void>(co_await on_thread(Call::threadDelete, server->actor, server->thread));
        break;
    case Meddling::ends_client:
        static_cast<void>(co_await on_thread(Call::threadDelete, server->client, client));
        break;
    case Meddling::ends_actor:
        co_await remove_actor(server->actor);
        break;
    }
}

// The time that the call took; what has been copied of the receiver's memory stays as it was then.
[[nodiscard]] Task<u64> play_moment(Meddling what, u64 delay) {
    const ServerPointer server = co_await make_server();
    const auto moment = std::make_shared<Moment>();
    server->replies = true;
    EXPECT_GT(co_await map(server->actor, buffer, whole, eager), 0);
    EXPECT_GT(co_await map(server->client, buffer, whole, K_WRITABLE), 0);
    co_await fill(server->client, room, whole, 3);
    const long client = co_await server->stage->serve(
        server->client, [=](u64) { return call_when_told(server, moment); }, {.stack = 1});
    const KnCap other = co_await server->stage->actor();
    const auto meddled = std::make_shared<bool>(false);
    co_await server->stage->play(other,
                                 [=](u64) -> Task<void> {
                                     const u64 begun = machine::now();
                                     moment->go = true;
                                     while (machine::now() < begun + delay) co_await pause();
                                     co_await meddle(server, what, client);
                                     if (what == Meddling::copies) {
                                         std::array<u64, 16> seen;
                                         for (uword i = 0; i < 16; ++i)
                                             seen[i] = co_await peek(server->actor, copy + i * page_size);
                                         for (unsigned waited = 0; waited < 100 && !moment->done; ++waited)
                                             co_await rest(50 * microsecond);
                                         for (uword i = 0; i < 16; ++i) {
                                             const u64 now =
                                                 co_await peek(server->actor, copy + i * page_size);
                                             EXPECT_EQ(now, seen[i]) << "page " << i << " after " << delay;
                                         }
                                     }
                                     *meddled = true;
                                 },
                                 {.cpu = 1, .stack = 1});
    for (unsigned waited = 0; waited < 400 && !*meddled; ++waited) co_await rest(50 * microsecond);
    for (unsigned waited = 0; waited < 40 && !moment->done; ++waited) co_await rest(50 * microsecond);
    EXPECT_TRUE(*meddled);
    const bool hurts = what != Meddling::nothing && what != Meddling::copies;
    EXPECT_TRUE(hurts || moment->result == static_cast<long>(whole)) << moment->result;
    if (moment->done && moment->result == static_cast<long>(whole))
        co_await expect_filled(server->client, buffer, whole, 3, "reply");
    co_await server->stage->end();
    co_return moment->time;
}

void expect_clean(const Program& scenario, Chooser& chooser, const char* how) {
    for (const std::string& finding : run_once(scenario, chooser, 200))
        ADD_FAILURE() << how << ": " << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << how << ": " << complaint;
}

} // namespace

TEST(Bodies, are_copied_once_when_the_receiver_waits) {
    expect_clean(count_copies, plain_chooser(), "plain");
}

TEST(Bodies, go_into_memory_of_every_kind) { play_clean(into_memory_of_every_kind, 0); }

TEST(Bodies, come_out_of_memory_of_every_kind) { play_clean(out_of_memory_of_every_kind, 0); }

TEST(Bodies, fit_rooms_of_other_sizes) { play_clean(rooms_of_other_sizes); }

TEST(Bodies, reach_odd_receivers) { play_clean(odd_receivers); }

// Moments all over the time that the call takes.
TEST(Bodies, bear_meddling_at_any_moment) {
    constexpr u64 moments = 12;
    Together together;
    const auto play = [&](Meddling what, u64 delay) {
        const auto time = std::make_shared<u64>();
        const auto scenario = [=](u64) -> Task<void> { *time = co_await play_moment(what, delay); };
        expect_clean(scenario, together, "together");
        return *time;
    };
    const u64 time = play(Meddling::nothing, 0);
    for (auto what = static_cast<unsigned>(Meddling::frees_receivers);
         what <= static_cast<unsigned>(Meddling::ends_actor); ++what) {
        for (u64 i = 0; i < moments; ++i) play(static_cast<Meddling>(what), time * i / moments);
    }
}

} // namespace chorale::test
