// The machine against the axioms: every execution that it can produce is consistent, and every consistent one
// (of those that weak.hpp promises) is produced. Small programs, in every way in which they can be
// interleaved and in which their loads can choose.
#include "tests/weak/axioms.hpp"
#include "tests/weak/cpus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <sstream>

namespace chorale::weak::test {
namespace {

constexpr unsigned locations = 3;

struct Memory {
    std::array<std::atomic<unsigned>, locations> word{};
    std::array<unsigned, locations> plain{};
    unsigned sink[max_cpus]{};
};

constexpr std::memory_order standard(Order order) {
    switch (order) {
    case Order::relaxed:
        return std::memory_order_relaxed; // as the program under test says
    case Order::consume:
    case Order::acquire:
        return std::memory_order_acquire; // as said
    case Order::release:
        return std::memory_order_release; // as said
    case Order::acquire_release:
        return std::memory_order_acq_rel; // as said
    case Order::sequential:
        break;
    }
    return std::memory_order_seq_cst;
}

// Step number `number` of a program. What it sees is found in the trace.
void perform(Memory& memory, const Step& step, unsigned number, unsigned& sink) {
    std::atomic<unsigned>& word = memory.word[step.location];
    const std::memory_order order = standard(step.order);
    unsigned expected = step.expected;
    switch (step.access) {
    case Access::read:
        sink = memory.plain[step.location];
        break;
    case Access::write:
        memory.plain[step.location] = number;
        break;
    case Access::load:
        static_cast<void>(word.load(order));
        break;
    case Access::store:
        word.store(number, order);
        break;
    case Access::exchange:
        word.exchange(number, order);
        break;
    case Access::compare_exchange:
        word.compare_exchange_strong(expected, number, order, standard(step.failure));
        break;
    case Access::fence:
        std::atomic_thread_fence(order);
        break;
    }
}

// The numbers of a CPU's steps begin after those of the CPUs before it. Plain ones are not in the trace.
struct Position {
    const std::vector<Step>* steps;
    unsigned first, done = 0;

    unsigned next() {
        while ((*steps)[done].access <= Access::write) ++done;
        return first + done++;
    }
};

Execution execution_of(const Program& program, const Memory& memory, const Result& result) {
    Execution execution;
    std::vector<Position> positions;
    unsigned steps = 1;
    for (const auto& cpu : program) {
        positions.push_back({&cpu, steps});
        steps += static_cast<unsigned>(cpu.size());
    }
    execution.sees.assign(steps, 0);
    for (const Event& event : result.events) {
        const unsigned number = positions[event.cpu].next();
        if (event.access != Access::store) execution.sees[number] = static_cast<unsigned>(event.seen);
        if (!event.written) continue;
        const std::size_t offset = event.address - reinterpret_cast<std::uintptr_t>(&memory.word);
        execution.order[static_cast<unsigned>(offset / sizeof memory.word[0])].push_back(number);
    }
    execution.racy = !result.races.empty();
    return execution;
}

std::set<Execution> executions(const Program& program) {
    std::set<Execution> found;
    const auto memory = std::make_unique<Memory>();
    std::vector<std::function<void()>> functions;
    unsigned number = 1;
    for (const auto& steps : program) {
        unsigned& sink = memory->sink[functions.size()];
        functions.emplace_back([&memory, &steps, &sink, number] {
            for (unsigned i = 0; i < steps.size(); ++i) perform(*memory, steps[i], number + i, sink);
        });
        number += static_cast<unsigned>(steps.size());
    }
    for (Script script; script.more();) {
        for (auto& word : memory->word) word = 0;
        const Result result = run({.events = true, .script = &script}, functions);
        found.insert(execution_of(program, *memory, result));
    }
    return found;
}

std::string text(const Program& program) {
    static const char* const accesses[] = {"read", "write", "load", "store", "exchange", "compare_exchange",
                                           "fence"};
    static const char* const orders[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
    std::ostringstream out;
    unsigned number = 1;
    for (const auto& steps : program) {
        for (const Step& step : steps) {
            out << "  " << number++ << ": " << accesses[static_cast<unsigned>(step.access)] << ' '
                << "xyz"[step.location] << ' ' << orders[static_cast<unsigned>(step.order)];
            if (step.access != Access::compare_exchange) continue;
            out << " or " << orders[static_cast<unsigned>(step.failure)] << " expects " << step.expected;
        }
        out << '\n';
    }
    return out.str();
}

std::string text(const Execution& execution) {
    std::ostringstream out;
    for (unsigned i = 1; i < execution.sees.size(); ++i) {
        if (execution.sees[i] != 0) out << i << " sees " << execution.sees[i] << "; ";
    }
    for (const auto& [location, stores] : execution.order) {
        out << "xyz"[location] << ':';
        for (const unsigned store : stores) out << ' ' << store;
        out << "; ";
    }
    out << (execution.racy ? "racy" : "no race");
    return out.str();
}

// How many executions there are.
std::size_t expect_equal(const Program& program) {
    const std::set<Execution> produced = executions(program), wanted = consistent_executions(program);
    for (const Execution& each : produced) {
        EXPECT_TRUE(wanted.contains(each)) << "not consistent:\n" << text(program) << text(each);
    }
    for (const Execution& each : wanted) {
        EXPECT_TRUE(produced.contains(each)) << "not produced:\n" << text(program) << text(each);
    }
    return wanted.size();
}

class Generator {
  public:
    explicit Generator(unsigned seed) : random_{seed} {}

    Program program(unsigned cpus, unsigned steps) {
        Program result(cpus);
        for (auto& each : result) {
            for (unsigned i = 0; i < steps; ++i) each.push_back(step(cpus * steps));
        }
        return result;
    }

  private:
    Step step(unsigned steps) {
        using enum Order;
        const unsigned location = below(2);
        const bool strong = below(3) == 0;
        const Order any_order = any({relaxed, acquire, release, acquire_release, sequential});
        switch (below(16)) {
        case 0:
            return {Access::read, relaxed, location};
        case 1:
            return {Access::write, relaxed, location};
        case 2:
        case 3:
        case 4:
        case 5:
            return {Access::load, strong ? sequential : any({relaxed, acquire}), location};
        case 6:
        case 7:
        case 8:
        case 9:
            return {Access::store, strong ? sequential : any({relaxed, release}), location};
        case 10:
            return {Access::exchange, any_order, location};
        case 11:
            return {Access::compare_exchange, any_order, location, strong ? 0 : below(steps + 1),
                    any({relaxed, acquire, sequential})};
        default:
            return {Access::fence, strong ? any({acquire, release, acquire_release}) : sequential};
        }
    }
    unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }
    Order any(std::initializer_list<Order> orders) {
        return orders.begin()[below(static_cast<unsigned>(orders.size()))];
    }

    std::mt19937 random_;
};

void expect_equal_at_random(unsigned seed, unsigned count, unsigned cpus, unsigned steps) {
    Generator generator{seed};
    std::size_t most = 0;
    for (unsigned i = 0; i < count && !testing::Test::HasFailure(); ++i) {
        most = std::max(most, expect_equal(generator.program(cpus, steps)));
    }
    EXPECT_GT(most, 10u) << "the programs are too dull";
}

TEST(Axioms, TwoCpus) { expect_equal_at_random(1, 500, 2, 4); }
TEST(Axioms, ThreeCpus) { expect_equal_at_random(2, 200, 3, 2); }
TEST(Axioms, ThreeCpusLonger) { expect_equal_at_random(3, 60, 3, 3); }

constexpr Step read(unsigned location, Order order = Order::relaxed) {
    return {Access::load, order, location};
}
constexpr Step write(unsigned location, Order order = Order::relaxed) {
    return {Access::store, order, location};
}
constexpr Step fence_step{Access::fence, Order::sequential};

// Shapes that random programs rarely have.
TEST(Axioms, KnownShapes) {
    const Order sc = Order::sequential;
    // Independent reads of independent writes, with fences between the reads.
    expect_equal({{write(0)}, {write(1)}, {read(0), fence_step, read(1)}, {read(1), fence_step, read(0)}});
    // The same with sequentially consistent loads of relaxed stores.
    expect_equal({{write(0)}, {write(1)}, {read(0, sc), read(1, sc)}, {read(1, sc), read(0, sc)}});
    // Read to write causality.
    expect_equal({{write(0)}, {read(0), fence_step, read(1)}, {write(1), fence_step, read(0)}});
    // A fence whose knowledge travels by release and acquire.
    expect_equal({{write(0), fence_step, read(1)},
                  {write(1), fence_step, write(1, Order::release)},
                  {read(1, Order::acquire), read(0)}});
    // The same for what a sequentially consistent operation has done.
    expect_equal({{write(0, sc), read(2, sc)},
                  {write(2), fence_step, write(1, Order::release)},
                  {read(1, Order::acquire), read(0)}});
    // A fence between operations, against operations; and the other way round.
    expect_equal({{write(0), fence_step, read(1)}, {write(1, sc), read(0, sc)}});
    // R and 2+2W.
    expect_equal({{write(0), fence_step, write(1)}, {write(1), fence_step, read(0)}});
    expect_equal({{write(0), write(1)}, {write(1), write(0)}});
}

} // namespace
} // namespace chorale::weak::test
