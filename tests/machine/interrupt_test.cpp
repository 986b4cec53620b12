// Device interrupts of the host machine: they reach the CPU that the line is attached to, when it is open.
#include "tests/machine/world.hpp"

#include <machine/irq.hpp>

#include <array>

namespace chorale {

namespace {

using namespace host;

std::array<unsigned, max_cpus> arrived;

void count(const Event& event) {
    constexpr unsigned line = 1;
    if (std::string_view{event.what} == "interrupt" && (event.first >> line & interrupt_first_line) != 0)
        ++arrived[event.cpu];
}

[[nodiscard]] Task<void> raise() {
    constexpr unsigned line = 1;
    raise_line(line); // nobody is attached
    co_await host::sleep(1000);
    EXPECT_TRUE(machine::irq_attach(line, 2));
    raise_line(line); // still masked
    co_await host::sleep(1000);
    EXPECT_EQ(arrived, decltype(arrived){});
    machine::irq_unmask(line);
    raise_line(line);
    co_await host::sleep(1'000'000);
    EXPECT_EQ(arrived[2], 1u);
    machine::irq_mask(line);
    raise_line(line);
    co_await host::sleep(1'000'000);
    EXPECT_EQ(arrived[2], 1u);
    EXPECT_EQ(arrived[0] + arrived[1] + arrived[3], 0u);
}

} // namespace

TEST(Interrupt, reaches_the_cpu_of_its_line) {
    EXPECT_FALSE(machine::irq_attach(machine::irq_lines(), 0));
    test::run_world([](u64) -> Task<void> {
        arrived = {};
        static_cast<Lockstep&>(engine()).listen(count);
        co_await raise();
        static_cast<Lockstep&>(engine()).listen(nullptr);
    });
}

} // namespace chorale
