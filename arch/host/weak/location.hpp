// Atomic locations: the kept part of each one's modification order, and who used it last.
#pragma once

#include "arch/host/weak/state.hpp"

namespace chorale::weak {

// A store in the modification order of its location.
struct Record {
    std::uint64_t value;
    std::uint32_t born; // when, in atomic operations of this run
    bool releases;
    // By sequentially consistent operations, when first: the number of such fences before; or never.
    Position seen_sequentially;
    Position seen[max_cpus]; // by each CPU, when first: its position; or never. Making it is seeing it.
    Knowledge release;       // if it releases: what an acquire load of it learns

    // Whether a CPU that knows this much can no longer see an older store.
    [[nodiscard]] bool hides_older(const Clock& visible, Position fences) const {
        bool hides = seen_sequentially <= fences;
        for (unsigned cpu = 0; cpu < max_cpus; ++cpu) hides |= seen[cpu] <= visible.of[cpu];
        return hides;
    }
};

struct Location {
    static constexpr unsigned most_records = 8;

    std::uintptr_t address;
    std::uint32_t next; // in the same cell; or the next free one
    std::uint8_t size;
    std::uint8_t bytes; // which of its cell
    bool direct;        // acts on memory at once: accessed in different sizes, or too large
    std::uint8_t depth; // records in use, 1 at least
    std::uint8_t newest;
    std::uint8_t allocated;
    std::uint8_t stale[max_cpus]; // how often in a row each CPU saw an old value
    // Each CPU's last such access (0: none), for the comparison with plain ones.
    Position read_at[max_cpus], written_at[max_cpus];
    std::uint32_t read_pc[max_cpus], written_pc[max_cpus];
    std::uint32_t record[most_records]; // a ring
};

// What an atomic operation is about.
struct Operation {
    Access access;
    Order order;
    std::uint8_t size;
    std::uintptr_t address;
    const void* pc;
};

[[nodiscard]] Location& location(std::uint32_t index);
// The location that an operation is about. A new one has no records yet.
[[nodiscard]] Location& find_location(Cell& cell, const Operation& operation);
// The store that is `age` stores older than the newest.
[[nodiscard]] Record& record_of(const Location& where, unsigned age);
// Makes room for a new newest store; the oldest may go.
[[nodiscard]] Record& next_record(Location& where);

void drop_location(Cell& cell, Location& where);
void drop_locations(Cell& cell);
void reset_locations();

} // namespace chorale::weak
