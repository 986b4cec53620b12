// What the threads of a program know of each other, and what they do. One thread of the host runs them all.
#pragma once

#include "arch/host/session.hpp"
#include "tests/equivalence/log.hpp"
#include "tests/equivalence/plan.hpp"

#include <array>
#include <vector>

namespace chorale::equivalence {

inline constexpr uword area_size = 4 * page_size; // of each thread: one to send from, one to receive in
inline constexpr VirtAddr areas{0x300'0000};

struct Slot {
    KnUniqueId name{};
    unsigned actor{};
    long li = -1;
};

struct World {
    Plan plan;
    Log& log;
    std::vector<KnCap> actors{};
    std::vector<long> lids{};
    std::array<Slot, port_slots> ports{};
    std::array<KnCap, group_slots> groups{};
    std::array<long, save_slots> saved{};
};

// Who does what, and how often anything was done in that operation: from it follow bodies and sizes.
struct Doer {
    World& world;
    unsigned thread{}, op{}, step{};

    [[nodiscard]] u64 chance() const; // the same at the same place
    [[nodiscard]] VirtAddr out() const { return areas + thread * 2 * area_size; }
    [[nodiscard]] VirtAddr in() const { return out() + area_size; }
    void tell(const char* what, long result, u64 first = 0, u64 second = 0, u64 digest = 0) const;
};

[[nodiscard]] inline int milliseconds(const Op& op) {
    return op.bit == no_limit ? -1 : static_cast<int>(limit_unit << op.bit);
}

// exchanges.cpp, all
[[nodiscard]] host::Task<void> call_words(Doer doer, Op op);
[[nodiscard]] host::Task<void> call_message(Doer doer, Op op);
[[nodiscard]] host::Task<void> send(Doer doer, Op op);
[[nodiscard]] host::Task<void> receive(Doer doer, Op op);
[[nodiscard]] host::Task<void> reply_receive(Doer doer, Op op);
[[nodiscard]] host::Task<void> serve(Doer doer, Op op);
[[nodiscard]] host::Task<void> reply(Doer doer, Op op);
[[nodiscard]] host::Task<void> get_data(Doer doer, Op op);
[[nodiscard]] host::Task<void> look(Doer doer);

// The whole program, by the root thread: everything is made, left alone until nothing can happen any more,
// looked at, and deleted. Allocates nothing that it does not give back.
[[nodiscard]] host::Task<void> carry_out(World& world);

} // namespace chorale::equivalence
