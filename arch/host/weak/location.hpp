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

// Where they are kept: taken in sequence and given back all at once by a new run. [0] means none.
struct Pool {
    Location* locations;
    Record* records;
    std::uint32_t used_locations, used_records, free_location;
    std::uint32_t populated_locations, populated_records; // in any run
};
extern constinit Pool pool;

[[nodiscard]] inline Location& location(std::uint32_t index) { return pool.locations[index]; }

// The store that is `age` stores older than the newest.
[[nodiscard]] inline Record& record_of(const Location& where, unsigned age) {
    return pool.records[where.record[(where.newest - age) % Location::most_records]];
}

// Gives the next place of the ring a record.
void add_place(Location& where);

// Makes room for a new newest store; the oldest may go. Places are taken in turn from the first on, so that
// those below `allocated` have records.
[[nodiscard]] inline Record& next_record(Location& where) {
    where.newest = (where.newest + 1u) % Location::most_records;
    if (where.depth < Location::most_records) ++where.depth;
    if (where.newest == where.allocated) [[unlikely]]
        add_place(where);
    return record_of(where, 0);
}

// The location that an operation is about. A new one has no records yet.
[[nodiscard]] Location& new_location(Cell& cell, const Operation& operation);
[[nodiscard]] inline Location& find_location(Cell& cell, const Operation& operation) {
    if (cell.location != 0) {
        Location& first = location(cell.location);
        if (first.address == operation.address && first.size == operation.size) [[likely]]
            return first;
    }
    return new_location(cell, operation);
}

void drop_location(Cell& cell, Location& where);
void drop_locations(Cell& cell);
void reset_locations();

} // namespace chorale::weak
