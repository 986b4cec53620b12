// The life of atomic locations. One that has been dropped keeps its records for its next use.
#include "arch/host/weak/location.hpp"

namespace chorale::weak {

constinit Pool pool{};

namespace {

constexpr std::uint32_t most_locations = 1u << 20, most_records = 1u << 22;
constexpr std::uint32_t populated_at_once = 256;

// The next of an array of which `used` have been taken.
template <class T>
std::uint32_t take(T* array, std::uint32_t& used, std::uint32_t& populated) {
    if (used >= populated) {
        populate(array + populated, populated_at_once * sizeof(T));
        populated += populated_at_once;
    }
    return used++;
}

std::uint32_t take_location() {
    if (pool.free_location != 0) {
        const std::uint32_t index = pool.free_location;
        pool.free_location = pool.locations[index].next;
        return index;
    }
    if (pool.used_locations == most_locations) give_up("too many atomic locations");
    const std::uint32_t index = take(pool.locations, pool.used_locations, pool.populated_locations);
    pool.locations[index].allocated = 0;
    return index;
}

std::uint32_t make_location(std::uintptr_t address, unsigned size, unsigned bytes) {
    const std::uint32_t index = take_location();
    Location& made = pool.locations[index];
    made.address = address;
    made.next = 0;
    made.size = static_cast<std::uint8_t>(size);
    made.bytes = static_cast<std::uint8_t>(bytes);
    made.direct = false;
    made.depth = 0;
    made.newest = Location::most_records - 1; // the first place is next
    for (unsigned cpu = 0; cpu < max_cpus; ++cpu) {
        made.stale[cpu] = 0;
        made.read_at[cpu] = made.written_at[cpu] = 0;
    }
    for (unsigned cpu = 0; cpu < state.cpus; ++cpu) {
        if (state.cpu[cpu].on_stack(address)) state.atomics_on_stacks = true;
    }
    return index;
}

// One location for the whole cell, which remembers who used those that were there.
Location& make_direct(Cell& cell, std::uintptr_t address) {
    const std::uint32_t index = make_location(address / granule * granule, granule, 0xff);
    Location& made = pool.locations[index];
    for (std::uint32_t each = cell.location; each != 0; each = pool.locations[each].next) {
        const Location& old = pool.locations[each];
        for (unsigned cpu = 0; cpu < max_cpus; ++cpu) {
            if (old.read_at[cpu] > made.read_at[cpu]) {
                made.read_at[cpu] = old.read_at[cpu];
                made.read_pc[cpu] = old.read_pc[cpu];
            }
            if (old.written_at[cpu] > made.written_at[cpu]) {
                made.written_at[cpu] = old.written_at[cpu];
                made.written_pc[cpu] = old.written_pc[cpu];
            }
        }
    }
    drop_locations(cell);
    cell.location = index;
    made.direct = true;
    Record& record = next_record(made);
    record.release = Knowledge{};
    record.releases = false;
    return made;
}

} // namespace

void add_place(Location& where) {
    if (pool.used_records == most_records) give_up("too many stores to atomic locations");
    where.record[where.allocated++] = take(pool.records, pool.used_records, pool.populated_records);
}

Location& new_location(Cell& cell, const Operation& operation) {
    const unsigned bytes = bytes_of(operation.address, operation.size) & 0xff;
    const bool whole = operation.size <= granule && operation.address % operation.size == 0;
    for (std::uint32_t index = cell.location; index != 0;) {
        Location& each = pool.locations[index];
        index = each.next;
        if (each.direct || (whole && each.bytes == bytes)) return each;
        if ((each.bytes & bytes) != 0) return make_direct(cell, operation.address);
    }
    if (!whole) return make_direct(cell, operation.address);
    const std::uint32_t made = make_location(operation.address, operation.size, bytes);
    pool.locations[made].next = cell.location;
    cell.location = made;
    return pool.locations[made];
}

void drop_location(Cell& cell, Location& where) {
    const auto index = static_cast<std::uint32_t>(&where - pool.locations);
    std::uint32_t* link = &cell.location;
    while (*link != index) link = &pool.locations[*link].next;
    *link = where.next;
    where.next = pool.free_location;
    pool.free_location = index;
}

void drop_locations(Cell& cell) {
    while (cell.location != 0) drop_location(cell, pool.locations[cell.location]);
}

void reset_locations() {
    if (pool.locations == nullptr) {
        pool.locations = static_cast<Location*>(reserve(most_locations * sizeof(Location)));
        pool.records = static_cast<Record*>(reserve(most_records * sizeof(Record)));
    }
    pool.used_locations = pool.used_records = 1;
    pool.free_location = 0;
}

} // namespace chorale::weak
