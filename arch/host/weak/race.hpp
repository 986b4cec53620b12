// The data-race detector, after FastTrack: what is remembered of a byte is the accesses that a later one can
// race with, each as one position of one CPU (an epoch), as that is enough to ask whether it happened before.
// An access displaces those that happened before it and that it covers: whatever races with them later races
// with it as well. So a cell mostly holds one mark, or one for each reading CPU.
#pragma once

#include "arch/host/weak/state.hpp"

namespace chorale::weak {

// Compares a plain access within one granule with what is known, and remembers it.
void check_plain(Cpu& me, Cell& cell, std::uintptr_t address, unsigned bytes, bool write, const void* pc);

// An access of any size and alignment.
void plain_range(std::uintptr_t address, std::size_t size, bool write, const void* pc);

// An atomic access against the plain ones: only these are in marks.
void check_marks(Cpu& me, Cell& cell, const Party& later, bool write);

// Whether nothing new can be found, as this access repeats one that was made since this CPU last published
// something. So it is with most.
[[gnu::always_inline]] inline bool repeated(const Cpu& me, const Cell& cell, unsigned bytes, bool write) {
    const std::uint64_t mark = me.mark | (write ? Mark::write_bit : 0) | bytes;
    const bool known =
        (cell.mark[0] == mark) | (cell.mark[1] == mark) | (cell.mark[2] == mark) | (cell.mark[3] == mark);
    // A plain write has something to say to an atomic location.
    return known && !(write && cell.location != 0);
}

// Accesses to a CPU's own stack are nobody else's business, but for the end of atomics there.
[[gnu::always_inline]] inline bool ignored(const Cpu& me, std::uintptr_t address, bool write) {
    return me.on_stack(address) && !(write && state.atomics_on_stacks);
}

// A plain access, aligned to its size.
template <unsigned Size, bool Write>
[[gnu::always_inline]] inline void plain(const volatile void* pointer, const void* pc) {
    Cpu* const me = state.current;
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    if (me == nullptr || ignored(*me, address, Write)) return;
    const unsigned bytes = bytes_of(address, Size);
    Cell& cell = shadow.at(address);
    if (!repeated(*me, cell, bytes, Write)) check_plain(*me, cell, address, bytes, Write, pc);
}

} // namespace chorale::weak
