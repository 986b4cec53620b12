// Edges that come while a line is being attended to: all of them are one interrupt, and none is lost.
#include "arch/host/machine.hpp"
#include "arch/host/supervisor_actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "tests/machine/crew.hpp"
#include "tests/machine/solo.hpp"

namespace chorale::test {

namespace {

using namespace host;

constexpr unsigned line = 0;

// The device fires whenever its CPU lets interrupts in.
class Insistent final : public Chooser {
  public:
    bool preempts(Boundary where) override {
        if (where != Boundary::window || left == 0 || host::this_cpu().index != cpu) return false;
        --left;
        ++raised;
        raise_line(line);
        return false;
    }
    unsigned choose(unsigned, Choice) override { return 0; }

    CpuIndex cpu{};
    unsigned left{}, raised{};
};

struct Heard {
    unsigned calls{}, raised{}; // `raised`: of what was raised when it was called last
    CpuIndex cpu{};
    const Insistent* device{};
};

void hear(u64 cookie, u64) {
    Heard& heard = *reinterpret_cast<Heard*>(cookie);
    ++heard.calls;
    heard.raised = heard.device->raised;
    heard.cpu = chorale::this_cpu().index;
}

// A nucleus call of many windows.
[[nodiscard]] Task<void> make_and_delete_actor() {
    Local<KnCap> place;
    EXPECT_EQ(co_await call(Call::actorCreate, 0, place.at(), K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(co_await call(Call::actorDelete, place.at()), K_OK);
}

[[nodiscard]] Task<void> listen(Insistent& device, Heard& heard) {
    Local<CpuIntrId> id;
    EXPECT_EQ(
        co_await call(Call::svIntrConnect, line, address_of(hear), reinterpret_cast<u64>(&heard), id.at()),
        K_OK);
    raise_line(line);
    EXPECT_TRUE(co_await until([&] { return heard.calls == 1; }));
    EXPECT_EQ(co_await call(Call::threadBind, 0, K_MYSELF, heard.cpu, 0, K_NONEXCLUSIVE), K_OK);
    device.cpu = heard.cpu;
    device.left = 60;
    while (device.left != 0) co_await make_and_delete_actor();
    EXPECT_TRUE(co_await until([&] { return heard.raised == device.raised; }));
    EXPECT_LT(heard.calls, device.raised); // some came together
    EXPECT_GT(heard.calls, 1u);
    EXPECT_EQ(co_await call(Call::svIntrDetach, co_await id.get()), K_OK);
}

} // namespace

TEST(Lines, edges_that_come_together) {
    Insistent device;
    Heard heard{.device = &device};
    expect_clean(
        [&](u64) -> Task<void> {
            const auto crew = std::make_shared<Crew>();
            co_await crew->gather();
            co_await crew->play([&](u64) { return listen(device, heard); }, 1);
            co_await crew->end();
        },
        device);
}

} // namespace chorale::test
