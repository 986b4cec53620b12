#include "tests/equivalence/plan.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>
#include <random>
#include <string_view>

namespace chorale::equivalence {

namespace {

constexpr std::array<std::string_view, 28> names{
    "call",        "call_message", "send",         "receive",      "reply_receive", "serve",
    "reply",       "get_data",     "save",         "restore",      "look",          "create_port",
    "delete_port", "enable_port",  "disable_port", "migrate_port", "join_group",    "leave_group",
    "abort",       "kill_thread",  "kill_actor",   "suspend",      "resume",        "bind",
    "priority",    "fpu",          "pause",        "delay"};

constexpr unsigned limit_bits = 22;
constexpr unsigned best_priority = 40, priorities = 60; // of threads
constexpr unsigned odds_of_no_port = 12;                // a slot that may be empty

class Maker {
  public:
    explicit Maker(u64 seed) : random_{seed * 0x9e37'79b9'7f4a'7c15 + 1} {
        std::iota(bits_.begin(), bits_.end(), u8{0});
        std::ranges::shuffle(bits_, random_);
        std::iota(priorities_.begin(), priorities_.end(), best_priority); // all better than the root thread's
        std::ranges::shuffle(priorities_, random_);
    }

    [[nodiscard]] Plan make(u64 seed) {
        Plan plan{};
        plan.seed = seed;
        plan.actors = 2 + below(2);
        calm_ = below(3) == 0;
        plan.used = below(4) == 0;
        ports_ = 1 + below(3);
        for (unsigned i = 0; i < ports_; ++i) plan.ports.push_back(below(plan.actors));
        threads_ = 3 + below(3);
        servers_ = 1 + below(threads_ - 1);
        for (unsigned i = 0; i < threads_; ++i) plan.threads.push_back(thread(plan, i));
        return plan;
    }

  private:
    [[nodiscard]] unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    [[nodiscard]] u8 byte(unsigned limit) { return static_cast<u8>(below(limit)); }
    [[nodiscard]] bool once_in(unsigned n) { return below(n) == 0; }
    [[nodiscard]] u8 limit(unsigned once_in_n) {
        return used_bits_ < limit_bits && once_in(once_in_n) ? bits_[used_bits_++] : no_limit;
    }

    [[nodiscard]] unsigned priority() { return priorities_[used_priorities_++ % priorities]; }

    [[nodiscard]] ThreadPlan thread(const Plan& plan, unsigned index) {
        ThreadPlan made{below(plan.actors), priority(), {}};
        const auto slot = static_cast<u8>(index % plan.ports.size());
        const bool serves = index < servers_;
        if (serves) made.actor = plan.ports[slot];
        const unsigned count = 2 + below(serves ? 4 : 8);
        for (unsigned i = 0; i < count; ++i)
            made.ops.push_back(serves ? server_op(plan, slot) : client_op(plan));
        return made;
    }

    [[nodiscard]] u32 size() {
        constexpr std::array<u32, 12> sizes{0, 1, 7, 8, 9, 24, 32, 56, 63, 64, 64, 40};
        return sizes[below(sizes.size())];
    }
    [[nodiscard]] u32 any_size() {
        switch (below(8)) {
        case 0:
            return 65 + below(200);
        case 1:
            return below(9'000);
        default:
            return size();
        }
    }

    [[nodiscard]] u8 port() { return byte(once_in(odds_of_no_port) ? port_slots : ports_); }
    [[nodiscard]] u8 destination() {
        return once_in(10) ? static_cast<u8>(first_group | byte(group_slots) | byte(4) << 1) : port();
    }

    [[nodiscard]] Op server_op(const Plan& plan, u8 slot) {
        if (!calm_ && once_in(4)) return disturbance(plan);
        const u8 where = once_in(8) ? any_port : slot;
        switch (below(12)) {
        case 0:
            return {Kind::receive, where, byte(8), 0, 0, limit(3)};
        case 1:
            return {Kind::reply_receive, where, static_cast<u8>(byte(8) & 5), 0, size(), no_limit};
        case 2:
            return {Kind::reply, 0, byte(4), 0, any_size(), no_limit};
        case 3:
            return current();
        case 4:
            return {Kind::enable_port, slot, byte(3), 0, 0, no_limit};
        default:
            return {Kind::serve, where, static_cast<u8>(1 + below(16)), 0, 0, limit(6)};
        }
    }

    [[nodiscard]] Op current() {
        constexpr std::array<Kind, 4> kinds{Kind::save, Kind::restore, Kind::get_data, Kind::look};
        return {kinds[below(kinds.size())], byte(save_slots), 0, 0, any_size(), no_limit};
    }

    [[nodiscard]] Op client_op(const Plan& plan) {
        if (once_in(calm_ ? 12 : 5)) return disturbance(plan);
        switch (below(10)) {
        case 0:
            return {Kind::call_message, destination(), byte(16), 0, any_size(), limit(2)};
        case 1:
            return {Kind::send, destination(), byte(4), 0, any_size(), no_limit};
        case 2:
            return once_in(2) ? Op{Kind::fpu, 0, 0, 0, 0, no_limit} : current();
        case 3:
            return {Kind::serve, port(), static_cast<u8>(1 + below(3)), 0, 0, limit(2)};
        default:
            return {Kind::call, destination(), byte(4), static_cast<u8>(1 + below(6)), size(), no_limit};
        }
    }

    [[nodiscard]] Op disturbance(const Plan& plan) {
        const u8 slot = port(), other = byte(threads_), group = byte(group_slots);
        switch (below(20)) {
        case 0:
            return {Kind::create_port, slot, 0, 0, 0, no_limit};
        case 1:
            return {Kind::delete_port, slot, 0, 0, 0, no_limit};
        case 2:
            return {Kind::disable_port, slot, 0, 0, 0, no_limit};
        case 3:
            return {Kind::enable_port, slot, byte(3), 0, 0, no_limit};
        case 4:
        case 5:
            return {Kind::migrate_port, slot, byte(plan.actors), byte(2), 0, no_limit};
        case 6:
        case 7:
            return {Kind::join_group, slot, group, 0, 0, no_limit};
        case 8:
            return {Kind::leave_group, slot, group, 0, 0, no_limit};
        case 9:
        case 10:
            return {Kind::abort, other, 0, 0, 0, no_limit};
        case 11:
            return once_in(2) ? Op{Kind::kill_thread, other, 0, 0, 0, no_limit}
                              : Op{Kind::suspend, other, 0, 0, 0, no_limit};
        case 12:
            return once_in(4) ? Op{Kind::kill_actor, byte(plan.actors), 0, 0, 0, no_limit}
                              : Op{Kind::resume, other, 0, 0, 0, no_limit};
        case 13:
            return {Kind::bind, other, 0, 0, 0, no_limit};
        case 14:
        case 15:
            return {Kind::priority, other, 0, 0, priority(), no_limit};
        case 16:
            return {Kind::fpu, 0, 0, 0, 0, no_limit};
        case 17:
            return {Kind::pause, 0, 0, 0, 0, no_limit};
        default:
            return {Kind::delay, 0, 0, 0, 0, limit(1)};
        }
    }

    std::mt19937_64 random_;
    std::array<u8, limit_bits> bits_{}; // of time limits, in the order in which they are given out
    std::array<unsigned, priorities> priorities_{};
    unsigned ports_{}, threads_{}, servers_{}, used_bits_{}, used_priorities_{};
    bool calm_{}; // mostly messages
};

} // namespace

Plan make_plan(u64 seed) { return Maker{seed}.make(seed); }

std::string text(const Op& op) {
    const std::string limit = op.bit == no_limit ? "" : fmt::format(", limit {}", op.bit);
    return fmt::format("{}({},{},{},{}{})", names[static_cast<unsigned>(op.kind)], op.a, op.b, op.c, op.size,
                       limit);
}

std::string text(const Plan& plan) {
    std::string all = fmt::format("seed {}: {} actors, {}, ports of actors", plan.seed, plan.actors,
                                  plan.used ? "used" : "new");
    for (const unsigned actor : plan.ports) all += fmt::format(" {}", actor);
    all += "\n";
    for (std::size_t i = 0; i < plan.threads.size(); ++i) {
        const ThreadPlan& thread = plan.threads[i];
        all += fmt::format("  thread {} (actor {}, priority {}):", i, thread.actor, thread.priority);
        for (const Op& op : thread.ops) all += " " + text(op);
        all += "\n";
    }
    return all;
}

} // namespace chorale::equivalence
