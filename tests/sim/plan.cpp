#include "tests/sim/plan.hpp"

#include <array>
#include <fmt/format.h>
#include <random>
#include <string_view>

namespace chorale::sim {

namespace {

constexpr std::array<std::string_view, 29> names{
    "create_port", "delete_port", "serve",  "call",    "call_large",  "send",
    "receive_any", "enable",      "bind",   "abort",   "kill_thread", "kill_actor",
    "priority",    "region",      "touch",  "copy",    "fpu",         "delay",
    "work",        "yield",       "hold",   "unbind",  "spawn",       "mutex",
    "rt_mutex",    "semaphore",   "events", "monitor", "meet"};

// What a run is mostly about. Chances that depend on each other are rare when everything is equally likely.
enum class Theme : u8 { everything, rendezvous, pairs, lives, flood, objects, chains, turns };

class Maker {
  public:
    explicit Maker(u64 seed) : random_{seed * 0x9e37'79b9'7f4a'7c15 + 1} {}

    [[nodiscard]] Plan make(u64 seed) {
        constexpr std::array<Theme, 11> themes{Theme::everything, Theme::everything, Theme::rendezvous,
                                               Theme::rendezvous, Theme::pairs,      Theme::pairs,
                                               Theme::lives,      Theme::flood,      Theme::objects,
                                               Theme::chains,     Theme::turns};
        theme_ = themes[below(themes.size())];
        reach_ = theme_ == Theme::pairs || theme_ == Theme::turns ? 2 : cpus;
        Plan plan{seed, 2 + below(2), {}};
        if (theme_ == Theme::objects && below(2) == 0) return duels(plan);
        const unsigned servers = 1 + below(3), clients = 2 + below(4);
        for (unsigned i = 0; i < servers; ++i) plan.threads.push_back(server(i, plan));
        for (unsigned i = 0; i < clients; ++i)
            plan.threads.push_back(client(plan, servers, servers + clients));
        if (theme_ == Theme::chains) set_priorities_late(plan);
        return plan;
    }

  private:
    [[nodiscard]] unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    [[nodiscard]] u8 byte(unsigned limit) { return static_cast<u8>(below(limit)); }
    [[nodiscard]] u8 times(unsigned limit) { return static_cast<u8>(1 + below(limit)); }

    [[nodiscard]] ThreadPlan thread(const Plan& plan) {
        // Only threads of its actor can serve a port.
        const unsigned actor = theme_ == Theme::rendezvous ? 0 : below(plan.actors);
        return {actor, below(reach_), 90 + below(20), {}};
    }

    // Serves a port that it makes; now and then something happens to the port in between.
    [[nodiscard]] ThreadPlan server(unsigned index, const Plan& plan) {
        ThreadPlan made = thread(plan);
        const auto slot = static_cast<u8>(index % port_slots);
        made.ops.push_back({Kind::create_port, slot, 0, 0, 0});
        // A port's home is where it was made: half of the servers wait elsewhere, and some come to wait when
        // the first messages do.
        if (below(2) == 0) made.ops.push_back({Kind::bind, index_of_self, byte(cpus), 0, 0});
        if (below(2) == 0) made.ops.push_back({Kind::delay, 0, 0, 0, below(300)});
        const unsigned turns = 1 + below(3);
        for (unsigned turn = 0; turn < turns; ++turn) {
            if (below(4) == 0) made.ops.push_back({Kind::enable, slot, byte(3), 0, 0});
            // Who waits without a time limit can be served by the fast path.
            const u8 limit = theme_ == Theme::pairs || below(2) == 0 ? u8{0} : byte(6);
            made.ops.push_back({Kind::serve, slot, times(12), limit, 0});
            if (below(5) == 0) {
                made.ops.push_back({Kind::delete_port, slot, 0, 0, 0});
                made.ops.push_back({Kind::create_port, slot, 0, 0, 0});
            }
            if (below(3) == 0) made.ops.push_back({Kind::bind, index_of_self, byte(reach_), 0, 0});
        }
        return made;
    }

    [[nodiscard]] ThreadPlan client(const Plan& plan, unsigned servers, unsigned threads) {
        ThreadPlan made = thread(plan);
        const unsigned count = 2 + below(7);
        for (unsigned i = 0; i < count; ++i) made.ops.push_back(client_op(plan, servers, threads));
        return made;
    }

    // What goes wrong in the moment in which somebody begins to wait is met by threads that meet all the
    // time: two and two of them, each on a CPU of its own, with nobody else.
    [[nodiscard]] Plan duels(Plan plan) {
        constexpr unsigned rounds = 150, pairs = 2;
        for (unsigned i = 0; i < 2 * pairs; ++i) {
            const auto object = static_cast<u8>(i / 2), side = static_cast<u8>(i % 2);
            ThreadPlan made{below(plan.actors), i, 90 + below(20), {}};
            made.ops.push_back({Kind::meet, object, side, times(30), rounds});
            made.ops.push_back({Kind::mutex, object, rounds, byte(8), 0});
            plan.threads.push_back(made);
        }
        return plan;
    }

    // By a thread that takes no objects, when who waits for ever waits already: what it changes must still
    // go along the chain.
    void set_priorities_late(Plan& plan) {
        const auto threads = static_cast<unsigned>(plan.threads.size());
        ThreadPlan last = thread(plan);
        for (unsigned i = 0; i < 4; ++i) {
            last.ops.push_back({Kind::delay, 0, 0, 0, 400});
            last.ops.push_back({Kind::priority, byte(threads), 0, 0, 85 + below(30)});
        }
        plan.threads.push_back(last);
    }

    [[nodiscard]] Op client_op(const Plan& plan, unsigned servers, unsigned threads) {
        const bool off_theme = theme_ == Theme::everything || below(4) == 0;
        if (off_theme) return below(2) == 0 ? exchange(threads) : disturbance(plan, threads);
        switch (theme_) {
        case Theme::rendezvous:
            return rendezvous();
        case Theme::pairs:
            return pair(servers);
        case Theme::lives:
            return life(plan, threads);
        case Theme::objects:
            return object();
        case Theme::chains:
            return below(5) == 0 ? Op{Kind::priority, byte(threads), 0, 0, 90 + below(20)} : rt_mutex();
        case Theme::turns:
            return turn(threads);
        default:
            return {Kind::send, byte(2), static_cast<u8>(8 + below(20)), 0, below(100)};
        }
    }

    [[nodiscard]] Op rendezvous() {
        const u8 slot = byte(3);
        switch (below(4)) {
        case 0:
            return {Kind::bind, index_of_self, byte(cpus), 0, 0};
        case 1:
            return {Kind::serve, slot, times(2), times(2), 0};
        case 2:
            return {Kind::send, slot, times(2), 0, below(100)};
        default:
            return {Kind::call_large, slot, times(2), times(3), below(64)};
        }
    }

    [[nodiscard]] Op pair(unsigned servers) {
        return below(3) == 0 ? Op{Kind::bind, byte(servers), byte(cpus), 0, 0}
                             : Op{Kind::call, byte(servers), times(12), 0, 0};
    }

    // Few CPUs, many who want them.
    [[nodiscard]] Op turn(unsigned threads) {
        switch (below(8)) {
        case 0:
            return {Kind::unbind, byte(threads), 0, 0, 0};
        case 1:
            return {Kind::bind, index_of_self, byte(2), 0, 0};
        case 2:
        case 3:
            return {Kind::priority, byte(threads), byte(3), 0, 96 + below(3)};
        case 4:
            return {Kind::hold, byte(threads), byte(6), 0, 0};
        case 5:
            return {Kind::call, byte(3), times(4), 0, 0};
        default:
            return {Kind::work, 0, times(20), 0, 0};
        }
    }

    [[nodiscard]] Op life(const Plan& plan, unsigned threads) {
        switch (below(9)) {
        case 0:
        case 1:
            return {Kind::kill_thread, byte(threads), 0, 0, 0};
        case 2:
        case 3:
            return {Kind::spawn, byte(threads), 0, 0, 0};
        case 4:
            return {Kind::abort, byte(threads), 0, 0, 0};
        case 5:
            return {Kind::bind, byte(threads), byte(cpus), 0, 0};
        case 6:
            return {Kind::priority, byte(threads), byte(3), 0, 96 + below(14)};
        case 7:
            return {Kind::hold, byte(threads), byte(6), 0, 0};
        default:
            return below(4) == 0 ? Op{Kind::kill_actor, byte(plan.actors), 0, 0, 0}
                                 : Op{Kind::call, byte(3), times(4), 0, 0};
        }
    }

    [[nodiscard]] Op rt_mutex() {
        return {Kind::rt_mutex, byte(object_slots), byte(4), byte(object_slots), below(100)};
    }

    // Few of them, so that threads meet.
    [[nodiscard]] Op object() {
        switch (below(8)) {
        case 0:
        case 1:
            return {Kind::mutex, byte(2), times(6), byte(4), 0};
        case 2:
        case 3:
            return {Kind::semaphore, byte(2), byte(2), byte(4), 1 + below(4)};
        case 4:
        case 5:
            return {Kind::events, byte(2), byte(4), byte(4), below(8)};
        case 6:
            return {Kind::monitor, byte(2), byte(4), byte(4), below(8)};
        default:
            return rt_mutex();
        }
    }

    [[nodiscard]] Op exchange(unsigned threads) {
        const u8 slot = byte(3);
        switch (below(12)) {
        case 0:
        case 1:
            return {Kind::call_large, slot, times(6), byte(4), below(5) == 0 ? below(20'000) : below(200)};
        case 2:
        case 3:
            return {Kind::send, slot, times(6), 0, below(100)};
        case 4:
            return {Kind::receive_any, 0, times(6), byte(3), 0};
        case 5:
            // Another server for the port, if it belongs to this actor.
            return {Kind::serve, slot, times(6), byte(4), 0};
        case 6:
            return {Kind::bind, byte(threads), byte(cpus), 0, 0};
        default:
            return {Kind::call, slot, times(6), 0, 0};
        }
    }

    [[nodiscard]] Op disturbance(const Plan& plan, unsigned threads) {
        const u8 slot = byte(3), other = byte(threads);
        switch (below(12)) {
        case 0:
            return {Kind::abort, other, 0, 0, 0};
        case 1:
            return {Kind::kill_thread, other, 0, 0, 0};
        case 2:
            return below(3) == 0 ? Op{Kind::kill_actor, byte(plan.actors), 0, 0, 0}
                                 : Op{Kind::delete_port, slot, 0, 0, 0};
        case 3:
            return {Kind::priority, other, byte(3), 0, 96 + below(14)};
        case 4:
        case 5:
            return {Kind::region, 0, times(3), 0, 0};
        case 6:
            return {Kind::touch, 0, times(6), 0, 0};
        case 7:
            return {Kind::copy, byte(plan.actors), 0, 0, below(3000)};
        case 8:
            return {Kind::fpu, 0, times(6), 0, 0};
        case 9:
            return {Kind::create_port, slot, 0, 0, 0};
        case 10:
            return {Kind::delay, 0, 0, 0, below(300)};
        default:
            return {Kind::work, 0, times(6), 0, 0};
        }
    }

    static constexpr u8 index_of_self = 0xff;
    std::mt19937_64 random_;
    Theme theme_{};
    unsigned reach_{}; // CPUs on which threads begin
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
