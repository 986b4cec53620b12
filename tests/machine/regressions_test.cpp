// One test for each fault that was found in the nucleus on the host machine, by its name.
#include "kernel/core/actor.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

#include <machine/user_access.hpp>

namespace chorale::test {

namespace {

using namespace host;

// The place is probed first: the second copy is the one that tells the name.
[[nodiscard]] Task<void> create_without_a_place() {
    Local<KnCap> place;
    const unsigned before = live_actors();
    machine::fail_user_copy_after(2);
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, place.at(), K_USERACTOR, K_ACTIVE), K_EFAULT);
    EXPECT_EQ(machine::user_copies_before_failure(), 0u);
    EXPECT_EQ(live_actors(), before);
}

[[nodiscard]] Task<void> take_one(std::shared_ptr<unsigned> taken) {
    if ((co_await attempt(message_receive(K_ANYENABLED))).size >= 0) ++*taken;
    co_await sleep(5 * millisecond); // and does not come back soon
}

[[nodiscard]] Task<void> send_three(KnUniqueId port) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, 8, data_base.raw(), 0, 0});
    co_await destination.set({port, {}});
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()),
                  K_OK);
}

// Three servers wait at the port's home, three messages in its queue; then it is enabled.
[[nodiscard]] Task<void> enable_late(CpuIndex enabler) {
    const auto stage = std::make_shared<Stage>();
    const auto taken = std::make_shared<unsigned>(0);
    const KnCap actor = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await Stage::port(actor, port);
    for (unsigned i = 1; i <= 3; ++i)
        co_await stage->serve(actor, [taken](u64) { return take_one(taken); }, {.stack = i});
    co_await stage->play(actor, [port](u64) { return send_three(port); }, {.stack = 4});
    co_await sleep(millisecond);
    EXPECT_EQ(*taken, 0u);
    const Program enable = [actor, li](u64) -> Task<void> {
        Named owner;
        co_await owner.set(actor);
        EXPECT_EQ(co_await attempt(Call::portEnable, owner.at(), li, 0), K_OK);
    };
    co_await stage->play(actor, enable, {.cpu = enabler, .stack = 5});
    co_await sleep(millisecond);
    EXPECT_EQ(*taken, 3u);
    co_await stage->end();
}

void expect_clean(const Program& scenario) {
    for (const std::string& finding : run_once(scenario, plain_chooser(), 5)) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

} // namespace

// portEnable gave one of the messages that were queued to one of the servers that waited at the port's home
// for any enabled port; the others went on waiting, and the messages too.
TEST(Regressions, enabled_port_wakes_all_servers) {
    for (const CpuIndex enabler : {0u, 2u}) expect_clean([enabler](u64) { return enable_late(enabler); });
}

// actorCreate returned K_EFAULT and left an actor whose name nobody knew: it could never be deleted.
TEST(Regressions, actor_without_a_name) {
    expect_clean([](u64) { return create_without_a_place(); });
}

} // namespace chorale::test
