// The atomic operations.
#include "arch/host/weak/atomic.hpp"

#include "arch/host/weak/race.hpp"

namespace chorale::weak {

namespace {

bool acquires(Order order) {
    return order == Order::consume || order == Order::acquire || order == Order::acquire_release ||
           order == Order::sequential;
}

bool releases(Order order) {
    return order == Order::release || order == Order::acquire_release || order == Order::sequential;
}

void trace(const Operation& operation, unsigned age, bool written, std::uint64_t seen, std::uint64_t value) {
    if (!state.options.trace) return;
    const Event event{state.current->index,
                      operation.access,
                      operation.order,
                      operation.size,
                      static_cast<std::uint8_t>(age),
                      written,
                      reinterpret_cast<std::uintptr_t>(operation.pc),
                      operation.address,
                      seen,
                      value};
    outside([&](Simulator& simulator) { simulator.performed(event); });
}

// A store that this CPU has made or learns of now.
void mark_seen(const Cpu& me, Record& record, Order order) {
    if (record.seen[me.index] == never) record.seen[me.index] = me.position();
    if (order == Order::sequential && record.seen_sequentially == never) {
        record.seen_sequentially = state.fences;
    }
}

void acquire(Cpu& me, const Record& record, Order order) {
    if (!record.releases) return;
    if (acquires(order)) {
        me.now.join(record.release);
        return;
    }
    if (!me.has_acquirable) me.acquirable = Knowledge{};
    me.has_acquirable = true;
    me.acquirable.join(record.release);
}

Record& add_record(Location& where, std::uint64_t value) {
    Record& record = next_record(where);
    record.value = value;
    record.born = state.operations;
    record.releases = false;
    record.seen_sequentially = never;
    for (Position& seen : record.seen) seen = never;
    return record;
}

// The newest record holds what is in memory. If it does not, uninstrumented code or a plain store, of which
// we learn only now, has been there; nobody sees older values after that.
void match_memory(Location& where, std::uint64_t memory) {
    if (where.depth != 0 && record_of(where, 0).value == memory) [[likely]]
        return;
    where.depth = 0;
    add_record(where, memory);
}

void act_directly(Cpu& me, Location& where) {
    Knowledge& common = record_of(where, 0).release;
    me.now.join(common);
    common = me.now;
    me.advance();
}

// The comparison with plain accesses, made when it is known whether the operation writes.
void check_access(Cpu& me, Cell& cell, Location& where, const Operation& operation, bool write) {
    if ((cell.mark[0] | cell.mark[1] | cell.mark[2] | cell.mark[3]) != 0) {
        check_marks(me, cell,
                    {me.index, operation.access, reinterpret_cast<std::uintptr_t>(operation.pc),
                     operation.address, operation.size},
                    write);
    }
    Position* const at = write ? where.written_at : where.read_at;
    std::uint32_t* const pc = write ? where.written_pc : where.read_pc;
    at[me.index] = me.position();
    pc[me.index] = short_pc(operation.pc);
}

Location& arrive(Cpu& me, const Operation& operation, bool write) {
    Cell& cell = shadow.at(operation.address);
    Location& where = find_location(cell, operation);
    check_access(me, cell, where, operation, write);
    return where;
}

// How many stores, from the newest on, the CPU may see.
unsigned candidates(const Cpu& me, const Location& where, Order order) {
    if (record_of(where, 0).seen[me.index] != never) return 1;
    if (where.stale[me.index] >= state.options.stale_reads) return 1;
    Clock visible = me.now.visible;
    Position fences = me.now.fences;
    if (order == Order::sequential) {
        visible.join(state.fenced);
        fences = never - 1;
    }
    for (unsigned age = 0; age + 1 < where.depth; ++age) {
        const Record& record = record_of(where, age);
        const bool arrived = state.operations - record.born > state.options.stale_age;
        if (arrived || record.hides_older(visible, fences)) return age + 1;
    }
    return where.depth;
}

unsigned choose(unsigned count, Choice kind) {
    if (count == 1) return 0;
    const unsigned choice = outside([&](Simulator& simulator) { return simulator.choose(count, kind); });
    if (choice >= count) give_up("the simulator chose what was not offered");
    return choice;
}

std::uint64_t see(Cpu& me, Location& where, unsigned age, Order order) {
    Record& record = record_of(where, age);
    std::uint8_t& stale = where.stale[me.index];
    stale = age == 0 ? 0 : static_cast<std::uint8_t>(stale + 1);
    mark_seen(me, record, order);
    acquire(me, record, order);
    return record.value;
}

// A new newest store; `before` is the one that a read-modify-write saw.
void append(Cpu& me, Location& where, Order order, std::uint64_t value, const Record* before) {
    Record& record = add_record(where, value);
    mark_seen(me, record, order);
    if (releases(order) || me.has_released) {
        record.releases = true;
        record.release = releases(order) ? me.now : me.released;
    }
    if (before != nullptr && before->releases) {
        if (!record.releases) record.release = Knowledge{};
        record.releases = true;
        record.release.join(before->release);
    }
    if (releases(order)) me.advance();
}

void modify(Cpu& me, Location& where, Order order, std::uint64_t value) {
    see(me, where, 0, order);
    append(me, where, order, value, &record_of(where, 0));
}

} // namespace

void schedule(Access access, const volatile void* address) {
    const void* const where = const_cast<const void*>(address);
    outside([&](Simulator& simulator) { simulator.schedule_point(access, where); });
    ++state.operations;
}

std::uint64_t load(const Operation& operation, std::uint64_t memory) {
    Cpu& me = *state.current;
    Location& where = arrive(me, operation, false);
    if (where.direct) {
        act_directly(me, where);
        trace(operation, 0, false, memory, 0);
        return memory;
    }
    match_memory(where, memory);
    const unsigned age = choose(candidates(me, where, operation.order), Choice::value);
    const std::uint64_t seen = see(me, where, age, operation.order);
    trace(operation, age, false, seen, 0);
    return seen;
}

void store(const Operation& operation, std::uint64_t memory, std::uint64_t value) {
    Cpu& me = *state.current;
    Location& where = arrive(me, operation, true);
    if (where.direct) {
        act_directly(me, where);
    } else {
        match_memory(where, memory);
        append(me, where, operation.order, value, nullptr);
    }
    trace(operation, 0, true, 0, value);
}

void exchange(const Operation& operation, std::uint64_t memory, std::uint64_t value) {
    Cpu& me = *state.current;
    Location& where = arrive(me, operation, true);
    if (where.direct) {
        act_directly(me, where);
    } else {
        match_memory(where, memory);
        modify(me, where, operation.order, value);
    }
    trace(operation, 0, true, memory, value);
}

std::uint64_t compare_exchange(const Operation& operation, Order failure, std::uint64_t memory,
                               std::uint64_t expected, std::uint64_t desired) {
    Cpu& me = *state.current;
    Cell& cell = shadow.at(operation.address);
    Location& where = find_location(cell, operation);
    if (where.direct) {
        check_access(me, cell, where, operation, memory == expected);
        act_directly(me, where);
        trace(operation, 0, memory == expected, memory, desired);
        return memory;
    }
    match_memory(where, memory);
    // The older values on which it could fail.
    unsigned ages[Location::most_records] = {0}, count = 1;
    const unsigned visible = candidates(me, where, failure);
    for (unsigned age = 1; age < visible; ++age) {
        if (record_of(where, age).value != expected) ages[count++] = age;
    }
    const unsigned age = ages[choose(count, Choice::failure)];
    const bool success = age == 0 && memory == expected;
    check_access(me, cell, where, operation, success);
    if (success) {
        modify(me, where, operation.order, desired);
        trace(operation, 0, true, memory, desired);
        return memory;
    }
    const std::uint64_t seen = see(me, where, age, failure);
    trace(operation, age, false, seen, 0);
    return seen;
}

void fence(Order order, const void* pc) {
    Cpu& me = *state.current;
    if (acquires(order) && me.has_acquirable) {
        me.now.join(me.acquirable);
        me.has_acquirable = false;
    }
    if (order == Order::sequential) {
        me.now.visible.join(state.fenced);
        state.fenced = me.now.visible;
        me.now.fences = state.fences++;
    }
    if (releases(order)) {
        me.released = me.now;
        me.has_released = true;
        me.advance();
    }
    trace({Access::fence, order, 0, 0, pc}, 0, false, 0, 0);
}

void act_directly(const Operation& operation, bool write) {
    Cpu& me = *state.current;
    act_directly(me, arrive(me, operation, write));
    trace(operation, 0, write, 0, 0);
}

} // namespace chorale::weak
