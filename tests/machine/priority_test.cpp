// A server runs with the priority of the client that it serves, wherever the client is.
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

constexpr unsigned longest = 50'000; // turns of a thread that does not give way

struct Race {
    bool served{};
    unsigned turns{};
};

[[nodiscard]] Task<void> serve(int li) {
    MessageResult message = co_await message_receive(li);
    while (message.size >= 0) {
        for (int i = 0; i < 20; ++i) co_await pause(); // some work
        message = co_await message_reply_receive(li, message.words);
    }
}

// Has the CPU for itself, unless somebody better wants it.
[[nodiscard]] Task<void> be_in_the_way(std::shared_ptr<Race> race) {
    for (; race->turns < longest && !race->served; ++race->turns) co_await pause();
}

[[nodiscard]] Task<void> call_once(KnUniqueId port, std::shared_ptr<Race> race) {
    EXPECT_EQ((co_await message_call(port)).bytes(), 64);
    race->served = true;
}

[[nodiscard]] Task<void> race_for(CpuIndex client_cpu) {
    const auto stage = std::make_shared<Stage>();
    const auto race = std::make_shared<Race>();
    const KnCap actor = co_await stage->actor();
    KnUniqueId port{};
    const int li = static_cast<int>(co_await stage->port(actor, port));
    co_await stage->serve(actor, [li](u64) { return serve(li); }, {1, 200, 1});
    co_await rest(millisecond); // it waits
    co_await stage->play(actor, [race](u64) { return be_in_the_way(race); }, {1, 150, 2});
    co_await stage->play(actor, [port, race](u64) { return call_once(port, race); }, {client_cpu, 90, 3});
    co_await stage->end();
    EXPECT_TRUE(race->served);
    EXPECT_LT(race->turns, longest) << "the server waited for a thread that is worse than its client";
}

// A client that waits no longer lends no longer: its server, still at work on the request, gives way.
struct Giving {
    bool served{}, given_way{};
    unsigned turns{};
};
using GivingPointer = std::shared_ptr<Giving>;

[[nodiscard]] Task<void> work_until_overtaken(int li, GivingPointer giving) {
    giving->served = (co_await message_receive(li)).size >= 0;
    for (; giving->turns < 4 * longest && !giving->given_way; ++giving->turns) co_await pause();
}

[[nodiscard]] Task<void> overtake(GivingPointer giving) {
    co_await rest(3 * millisecond);
    giving->given_way = true;
}

[[nodiscard]] Task<void> call_for_a_while(KnUniqueId port) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, 8, free_data.raw(), 0, 0});
    co_await destination.set({port, {}});
    EXPECT_EQ(
        co_await call(Call::ipcCallMessage, message.at(), K_DEFAULTPORT, destination.at(), message.at(), 1),
        K_ETIMEOUT);
}

[[nodiscard]] Task<void> stop_lending(CpuIndex client_cpu) {
    const auto stage = std::make_shared<Stage>();
    const auto giving = std::make_shared<Giving>();
    const KnCap actor = co_await stage->actor();
    KnUniqueId port{};
    const int li = static_cast<int>(co_await stage->port(actor, port));
    co_await stage->play(actor, [=](u64) { return work_until_overtaken(li, giving); }, {1, 200, 1});
    co_await rest(millisecond); // it waits
    co_await stage->play(actor, [=](u64) { return overtake(giving); }, {1, 150, 2});
    co_await stage->play(actor, [port](u64) { return call_for_a_while(port); }, {client_cpu, 90, 3});
    co_await stage->end();
    EXPECT_TRUE(giving->served);
    EXPECT_LT(giving->turns, 4 * longest) << "the server kept the priority of a client that waits no longer";
}

void expect_clean(const Program& scenario) {
    for (const std::string& finding : run_once(scenario, plain_chooser())) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

} // namespace

TEST(Priority, lent_on_one_cpu) {
    expect_clean([](u64) { return race_for(1); });
}
TEST(Priority, lent_to_another_cpu) {
    expect_clean([](u64) { return race_for(0); });
}
TEST(Priority, lent_as_long_as_the_client_waits) {
    expect_clean([](u64) { return stop_lending(1); });
}
TEST(Priority, lent_from_another_cpu_as_long_as_the_client_waits) {
    expect_clean([](u64) { return stop_lending(0); });
}

} // namespace chorale::test
