// The data-race detector, after FastTrack: what is remembered of a byte is the accesses that a later one can
// race with, each as one position of one CPU (an epoch), as that is enough to ask whether it happened before.
// An access displaces those that happened before it and that it covers: whatever races with them later races
// with it as well. So a cell mostly holds one mark, or one for each reading CPU.
#pragma once

#include "arch/host/weak/state.hpp"

namespace chorale::weak {

// Compares a plain access within one granule with what is known, and remembers it.
void check_plain(Cpu& me, std::uintptr_t address, unsigned bytes, bool write, const void* pc);

// An access of any size and alignment.
void plain_range(std::uintptr_t address, std::size_t size, bool write, const void* pc);

// An atomic access against the plain ones: only these are in marks.
void check_marks(Cpu& me, Cell& cell, const Party& later, bool write);

// A plain access, aligned to its size.
template <unsigned Size, bool Write>
inline void plain(const volatile void* pointer, const void* pc) {
    Cpu* const me = state.current;
    if (me == nullptr) return;
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    if (me->on_stack(address) && !(Write && state.atomics_on_stacks)) return;
    const unsigned bytes = bytes_of(address, Size);
    const Cell& cell = shadow.at(address);
    const std::uint64_t mark = me->mark | (Write ? Mark::write_bit : 0) | bytes;
    // Most accesses repeat one that was made since this CPU last published something: nothing new can be
    // found.
    const bool known =
        (cell.mark[0] == mark) | (cell.mark[1] == mark) | (cell.mark[2] == mark) | (cell.mark[3] == mark);
    if (known && !(Write && cell.location != 0)) [[likely]]
        return;
    check_plain(*me, address, bytes, Write, pc);
}

} // namespace chorale::weak
