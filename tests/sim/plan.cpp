#include "tests/sim/plan.hpp"

#include <array>
#include <fmt/format.h>
#include <random>
#include <string_view>

namespace chorale::sim {

namespace {

constexpr std::array<std::string_view, 20> names{
    "create_port", "delete_port", "serve", "call",        "call_large", "send",     "receive_any",
    "enable",      "bind",        "abort", "kill_thread", "kill_actor", "priority", "region",
    "touch",       "copy",        "fpu",   "delay",       "work",       "yield"};

class Maker {
  public:
    explicit Maker(u64 seed) : random_{seed * 0x9e37'79b9'7f4a'7c15 + 1} {}

    [[nodiscard]] Plan make(u64 seed) {
        Plan plan{seed, 2 + below(2), {}};
        const unsigned servers = 1 + below(3), clients = 2 + below(4);
        for (unsigned i = 0; i < servers; ++i) plan.threads.push_back(server(i, plan));
        for (unsigned i = 0; i < clients; ++i) plan.threads.push_back(client(plan, servers + clients));
        return plan;
    }

  private:
    [[nodiscard]] unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    [[nodiscard]] u8 byte(unsigned limit) { return static_cast<u8>(below(limit)); }

    [[nodiscard]] ThreadPlan thread(const Plan& plan) {
        return {below(plan.actors), below(cpus), 90 + below(20), {}};
    }

    // Serves a port that it makes; now and then something happens to the port in between.
    [[nodiscard]] ThreadPlan server(unsigned index, const Plan& plan) {
        ThreadPlan made = thread(plan);
        const auto slot = static_cast<u8>(index % port_slots);
        made.ops.push_back({Kind::create_port, slot, 0, 0, 0});
        const unsigned turns = 1 + below(3);
        for (unsigned turn = 0; turn < turns; ++turn) {
            if (below(4) == 0) made.ops.push_back({Kind::enable, slot, byte(3), 0, 0});
            made.ops.push_back({Kind::serve, slot, static_cast<u8>(1 + below(12)), byte(6), 0});
            if (below(5) == 0) {
                made.ops.push_back({Kind::delete_port, slot, 0, 0, 0});
                made.ops.push_back({Kind::create_port, slot, 0, 0, 0});
            }
            if (below(4) == 0) made.ops.push_back({Kind::bind, index_of_self, byte(cpus), 0, 0});
        }
        return made;
    }

    [[nodiscard]] ThreadPlan client(const Plan& plan, unsigned threads) {
        ThreadPlan made = thread(plan);
        const unsigned count = 2 + below(7);
        for (unsigned i = 0; i < count; ++i) made.ops.push_back(client_op(plan, threads));
        return made;
    }

    [[nodiscard]] Op client_op(const Plan& plan, unsigned threads) {
        const u8 slot = byte(3), times = static_cast<u8>(1 + below(6)), other = byte(threads);
        switch (below(24)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            return {Kind::call, slot, times, 0, 0};
        case 6:
        case 7:
            return {Kind::call_large, slot, times, byte(4), below(5) == 0 ? below(20'000) : below(200)};
        case 8:
        case 9:
            return {Kind::send, slot, times, 0, below(100)};
        case 10:
            return {Kind::receive_any, 0, times, byte(3), 0};
        case 11:
        case 12:
            return {Kind::bind, other, byte(cpus), 0, 0};
        case 13:
            return {Kind::abort, other, 0, 0, 0};
        case 14:
            return below(3) == 0 ? Op{Kind::kill_thread, other, 0, 0, 0} : Op{Kind::yield, 0, 0, 0, 0};
        case 15:
            return below(3) == 0 ? Op{Kind::kill_actor, byte(plan.actors), 0, 0, 0}
                                 : Op{Kind::delete_port, slot, 0, 0, 0};
        case 16:
            return {Kind::priority, other, 0, 0, 90 + below(20)};
        case 17:
        case 18:
            return {Kind::region, 0, static_cast<u8>(1 + below(3)), 0, 0};
        case 19:
            return {Kind::touch, 0, times, 0, 0};
        case 20:
            return {Kind::copy, byte(plan.actors), 0, 0, below(3000)};
        case 21:
            return {Kind::fpu, 0, times, 0, 0};
        case 22:
            return {Kind::delay, 0, 0, 0, below(300)};
        default:
            return {Kind::work, 0, times, 0, 0};
        }
    }

    static constexpr u8 index_of_self = 0xff;
    std::mt19937_64 random_;
};

} // namespace

Plan make_plan(u64 seed) { return Maker{seed}.make(seed); }

std::string text(const Op& op) {
    return fmt::format("{}({},{},{},{})", names[static_cast<unsigned>(op.kind)], op.a, op.b, op.c, op.value);
}

std::string text(const Plan& plan) {
    std::string all =
        fmt::format("seed {}: {} actors, {} threads\n", plan.seed, plan.actors, plan.threads.size());
    for (std::size_t i = 0; i < plan.threads.size(); ++i) {
        const ThreadPlan& thread = plan.threads[i];
        all += fmt::format("  thread {} (actor {}, cpu {}, priority {}):", i, thread.actor, thread.cpu,
                           thread.priority);
        for (const Op& op : thread.ops) all += " " + text(op);
        all += "\n";
    }
    return all;
}

std::size_t size(const Plan& plan) {
    std::size_t all = 0;
    for (const ThreadPlan& thread : plan.threads) all += thread.ops.size();
    return all;
}

} // namespace chorale::sim
