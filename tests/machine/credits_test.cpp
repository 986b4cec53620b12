// Actors with few credits: each message that nobody has received yet is paid for by who sent it, whichever
// way it ends (kernel/ipc/credits.hpp). The invariants are looked at after each call.
#include "kernel/ipc/credits.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/standing.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

// For a test's length.
struct FewCredits {
    FewCredits() { set_credit_limit(least_credit_limit); }
    FewCredits(const FewCredits&) = delete;
    FewCredits& operator=(const FewCredits&) = delete;
    ~FewCredits() { set_credit_limit(default_credit_limit); }
};

[[nodiscard]] Task<long> send(KnUniqueId to, u32 size) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    Local<u64> word;
    co_await message.set({0, size, size <= 8 ? word.at().raw() : room.raw(), 0, 0});
    co_await destination.set({to, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

[[nodiscard]] Task<u64> credits_of(KnCap actor) {
    Local<KnCap> capability;
    Local<KnActorStatistics> statistics;
    co_await capability.set(actor);
    EXPECT_EQ(co_await attempt(Call::actorStatistics, capability.at(), statistics.at()), K_OK);
    co_return (co_await statistics.get()).credits;
}

// To a port of its own CPU and to one of another; who runs out can call in registers still.
[[nodiscard]] Task<void> out_of_credits(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true), other = co_await stage->actor(true);
    KnUniqueId port{}, free_port{};
    const long li = co_await Stage::port(actor, port);
    EXPECT_GT(co_await Stage::port(actor, free_port), 0);
    const auto flood = [=](u64) -> Task<void> {
        for (unsigned sent = 0; sent < least_credit_limit;) {
            const long result = co_await send(port, 8);
            EXPECT_TRUE(result == K_OK || result == K_EFULL) << result; // the mailbox is full for a moment
            sent += result == K_OK ? 1 : 0;
            if (result != K_OK) co_await rest(50 * microsecond);
        }
        EXPECT_EQ(co_await send(port, 8), K_ENOMEM);
        EXPECT_EQ(co_await send(free_port, page_size), K_ENOMEM);
    };
    co_await stage->play(other, flood, {.cpu = 2, .stack = 1});
    co_await rest(5 * millisecond);
    EXPECT_EQ(co_await credits_of(other), least_credit_limit);
    EXPECT_EQ(co_await credits_of(actor), 0u);
    EXPECT_EQ(co_await send(free_port, 8), K_OK); // somebody else's is not used up
    Local<KnCap> owner;
    co_await owner.set(actor);
    EXPECT_EQ(co_await attempt(Call::portDelete, owner.at(), li), K_OK);
    EXPECT_EQ(co_await credits_of(other), 0u);
    co_await stage->end();
}

} // namespace

TEST(Credits, end_with_the_messages) {
    const FewCredits few;
    play_clean(out_of_credits, 0);
}

TEST(Credits, floods) {
    const FewCredits few;
    play_clean(floods, 0);
}

TEST(Credits, broadcasts) {
    const FewCredits few;
    play_clean(groups_of_ports, 0);
}

} // namespace chorale::test
