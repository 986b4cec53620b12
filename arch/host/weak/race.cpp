// The data-race detector.
#include "arch/host/weak/race.hpp"

#include "arch/host/weak/location.hpp"

namespace chorale::weak {

namespace {

unsigned first_bit(unsigned bits) { return static_cast<unsigned>(__builtin_ctz(bits)); }
unsigned count_bits(unsigned bits) { return static_cast<unsigned>(__builtin_popcount(bits)); }

Party plain_party(unsigned cpu, bool write, std::uintptr_t pc, std::uintptr_t address, unsigned bytes) {
    return {cpu, write ? Access::write : Access::read, pc, address / granule * granule + first_bit(bytes),
            count_bits(bytes)};
}

Party marked_party(const Cell& cell, unsigned index, std::uintptr_t address) {
    const std::uint64_t mark = cell.mark[index];
    return plain_party(Mark::cpu(mark), Mark::written(mark), long_pc(cell.pc[index]), address,
                       Mark::bytes(mark));
}

void report(const Party& earlier, const Party& later) {
    outside([&](Simulator& simulator) { simulator.race({earlier, later}); });
}

bool happened_before(std::uint64_t mark, const Cpu& me) {
    return Mark::position(mark) <= me.now.ordered.of[Mark::cpu(mark)];
}

// A plain access against the atomic ones. A plain write also ends the life of what it overwrites as an atomic
// location: whoever has a right to look at it again sees this write, and nothing older.
void check_locations(Cpu& me, Cell& cell, const Party& later, unsigned bytes, bool write) {
    for (std::uint32_t index = cell.location; index != 0;) {
        Location& where = location(index);
        index = where.next;
        if ((where.bytes & bytes) == 0) continue;
        for (unsigned cpu = 0; cpu < max_cpus; ++cpu) {
            const Position known = me.now.ordered.of[cpu];
            const bool stored = where.written_at[cpu] > known;
            if (!stored && !(write && where.read_at[cpu] > known)) continue;
            const std::uint32_t pc = stored ? where.written_pc[cpu] : where.read_pc[cpu];
            report({cpu, stored ? Access::store : Access::load, long_pc(pc), where.address, where.size},
                   later);
            break;
        }
        if (write) drop_location(cell, where);
    }
}

} // namespace

void check_plain(Cpu& me, Cell& cell, std::uintptr_t address, unsigned bytes, bool write, const void* pc) {
    if (me.on_stack(address)) {
        if (cell.location != 0) drop_locations(cell);
        return;
    }
    const Party later = plain_party(me.index, write, reinterpret_cast<std::uintptr_t>(pc), address, bytes);
    if (cell.location != 0) check_locations(me, cell, later, bytes, write);
    const std::uint64_t mine = me.mark | (write ? Mark::write_bit : 0) | bytes;
    unsigned place = Cell::marks;
    for (unsigned i = 0; i < Cell::marks; ++i) {
        const std::uint64_t old = cell.mark[i];
        if (old != 0) {
            if ((Mark::bytes(old) & bytes) == 0) continue;
            const bool as_strong = write || !Mark::written(old);
            const bool covered = (Mark::bytes(old) & ~bytes) == 0;
            // By this CPU since it last published: whatever races with this access races with that one.
            const bool mine_already = old >> 16 == mine >> 16 && (bytes & ~Mark::bytes(old)) == 0;
            if (mine_already && (Mark::written(old) || !write)) return;
            const bool ordered = happened_before(old, me), conflict = write || Mark::written(old);
            if (!ordered && conflict) report(marked_party(cell, i, address), later);
            // A race that has been reported need not be found again.
            if (!(ordered || conflict) || !as_strong || !covered) continue;
            cell.mark[i] = 0;
        }
        if (place == Cell::marks) place = i;
    }
    if (place == Cell::marks) place = cell.turn++ % Cell::marks;
    cell.mark[place] = mine;
    cell.pc[place] = short_pc(pc);
}

void check_marks(Cpu& me, Cell& cell, const Party& later, bool write) {
    const unsigned bytes = bytes_of(later.address, later.size);
    for (unsigned i = 0; i < Cell::marks; ++i) {
        const std::uint64_t old = cell.mark[i];
        if ((Mark::bytes(old) & bytes) == 0 || happened_before(old, me)) continue;
        if (write || Mark::written(old)) report(marked_party(cell, i, later.address), later);
    }
}

void plain_range(std::uintptr_t address, std::size_t size, bool write, const void* pc) {
    Cpu* const me = state.current;
    if (me == nullptr || ignored(*me, address, write)) return;
    while (size != 0) {
        const std::size_t rest = granule - address % granule;
        const std::size_t part = size < rest ? size : rest;
        const unsigned bytes = bytes_of(address, part);
        Cell& cell = shadow.at(address);
        if (!repeated(*me, cell, bytes, write)) check_plain(*me, cell, address, bytes, write, pc);
        address += part;
        size -= part;
    }
}

} // namespace chorale::weak
