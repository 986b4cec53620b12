// Memory order of address spaces: a CPU that enters a space for the first time, and one that takes a page out
// of it at the same moment. Either the second learns of the first, or the first sees that the page has gone.
#include "kernel/mem/space.hpp"

#include "tests/host/mem/memory_machine.hpp"
#include "tests/host/order/together.hpp"

#include <gtest/gtest.h>

#include <machine/user_access.hpp>

#include <memory>

namespace chorale::test {
namespace {

constexpr std::chrono::milliseconds test_time{600};

struct Scene {
    std::unique_ptr<Space> space;
    VirtAddr page;
    RangeWork work;
    TlbFlush flush;
    bool reached{}; // by the user, before anybody told it
    bool kept{};    // by the user, after it was told
};

void set_up(Scene& scene) {
    scene.space = std::make_unique<Space>();
    ASSERT_EQ(scene.space->create(100), Status::ok);
    const auto page = scene.space->allocate(page_size, Protection::read | Protection::write);
    ASSERT_TRUE(page.ok());
    scene.page = page.value();
    ASSERT_EQ(scene.space->begin_free({scene.page, scene.page + page_size}, scene.work), Status::ok);
}

[[nodiscard]] bool reaches(const Scene& scene) {
    return machine::user_byte(scene.page, Protection::read) != nullptr;
}

void finish(Scene& scene) {
    while (!scene.space->reap_step(scene.work)) {
    }
    while (!scene.space->destroy_step()) {
    }
}

// Three rounds for each scene: it is set up, the two CPUs meet, the user is told. Each CPU is the user every
// other time: the one that opens a round is always a little ahead.
TEST(SpaceOrder, WhoEntersIsFlushedOrSeesNothing) {
    start_memory();
    Scene scene;
    u64 missed = 0, kept = 0, met = 0;
    Together together{2};
    together.run(test_time, [&](CpuIndex cpu, u64 round) {
        const OnCpu here{cpu};
        const u64 step = round % 3;
        const CpuIndex owner = (round + 2) / 3 % 2, user = 1 - owner;
        if (step == 1) {
            if (cpu == owner) set_up(scene);
        } else if (step == 2) {
            dawdle(round + cpu);
            if (cpu == owner) {
                while (!scene.space->hide_step(scene.work)) {
                }
                scene.flush = scene.space->flush_for(scene.work);
            } else {
                scene.space->enter_cpu(user);
                machine::load_root(scene.space->root());
                scene.reached = reaches(scene);
            }
        } else if (cpu == user) {
            const bool told = (scene.flush.cpus >> user & 1) != 0;
            if (told) scene.flush.apply(scene.space->root());
            missed += !told && scene.reached ? 1 : 0;
            kept += told && reaches(scene) ? 1 : 0;
            met += told && scene.reached ? 1 : 0;
            machine::load_root(0);
            scene.space->whole_flush().apply(0);
            finish(scene);
        }
    });
    if (together.rounds() % 3 == 1) {
        while (!scene.space->hide_step(scene.work)) {
        }
    }
    if (together.rounds() % 3 != 0) finish(scene);
    EXPECT_EQ(missed, 0u) << "a page was reached by a CPU that nobody would flush";
    EXPECT_EQ(kept, 0u) << "a page was reached after the flush";
    RecordProperty("met", std::to_string(met));
}

} // namespace
} // namespace chorale::test
