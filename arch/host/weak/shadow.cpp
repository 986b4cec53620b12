// The cells of memory.
#include "arch/host/weak/shadow.hpp"

#include "arch/host/weak/location.hpp"
#include "arch/host/weak/state.hpp"

#include <sys/mman.h>

namespace chorale::weak {

constinit Shadow shadow;

void Shadow::map(const void* arena, std::size_t size) {
    if (arena_cells_ != nullptr) {
        munmap(arena_cells_, arena_size_ / granule * sizeof(Cell));
        munmap(arena_used_, (arena_size_ >> page_bits) * sizeof(Use));
        arena_cells_ = nullptr;
    }
    arena_ = reinterpret_cast<std::uintptr_t>(arena);
    arena_size_ = size;
    const std::size_t page = std::size_t{1} << page_bits;
    if (arena_ % page != 0 || size % page != 0) give_up("the arena is not made of whole pages");
    if (size != 0) {
        arena_cells_ = static_cast<Cell*>(reserve(size / granule * sizeof(Cell)));
        arena_used_ = static_cast<Use*>(reserve((size >> page_bits) * sizeof(Use)));
    }
    if (table_ == nullptr) {
        other_cells_ = static_cast<Cell*>(reserve(std::size_t{most_pages} * cells_per_page * sizeof(Cell)));
        table_ = static_cast<Page*>(reserve(table_size * sizeof(Page)));
    }
}

void Shadow::next_run() {
    if (++generation_ == 0) give_up("too many runs");
}

Shadow::Page& Shadow::entry(std::uintptr_t number) {
    // Fibonacci hashing: neighbours lie apart, so that probing ends soon.
    std::size_t at = (number * 0x9e3779b97f4a7c15u) >> 40;
    for (;; ++at) {
        Page& page = table_[at % table_size];
        if (page.number == number || page.number == 0) return page;
    }
}

Cell* Shadow::other_page(std::uintptr_t number) {
    Page& page = entry(number);
    if (page.number == 0) {
        if (pages_ == most_pages) give_up("too many pages outside the arena are in use");
        page = {number, other_cells_ + std::size_t{pages_++} * cells_per_page};
        populate(page.cells, cells_per_page * sizeof(Cell));
    }
    cache_[number % cache_size] = page;
    return page.cells;
}

void Shadow::renew(Cell& cell, std::uintptr_t address) {
    cell = Cell{};
    cell.generation = generation_;
    const std::uintptr_t offset = address - arena_;
    if (offset >= arena_size_) return;
    Use& use = arena_used_[offset >> page_bits];
    if (use.generation == 0) {
        const std::size_t first = offset / granule / cells_per_page * cells_per_page;
        populate(arena_cells_ + first, cells_per_page * sizeof(Cell));
    }
    if (use.generation != generation_) use = {generation_, 0};
    use.blocks |= 1u << (offset / granule % cells_per_page / block);
}

void Shadow::forget_cells(Cell* cells, std::size_t count) {
    for (Cell* cell = cells; cell != cells + count; ++cell) {
        if (cell->generation != generation_) continue;
        drop_locations(*cell);
        cell->generation = 0;
    }
}

// By blocks, as most of a large range have not been used in this run.
void Shadow::forget(std::uintptr_t address, std::size_t size) {
    constexpr std::uintptr_t step = block * granule;
    const std::uintptr_t end = address + size;
    while (address < end) {
        const std::uintptr_t next = (address / step + 1) * step;
        const std::uintptr_t stop = next < end ? next : end;
        const std::size_t count = (stop + granule - 1) / granule - address / granule;
        const std::uintptr_t offset = address - arena_;
        if (offset < arena_size_) {
            const Use& use = arena_used_[offset >> page_bits];
            const unsigned index = static_cast<unsigned>(offset / step % (cells_per_page / block));
            if (use.generation == generation_ && (use.blocks >> index & 1) != 0) {
                forget_cells(arena_cells_ + offset / granule, count);
            }
        } else if (const Page& page = entry(address >> page_bits); page.number != 0) {
            forget_cells(page.cells + address / granule % cells_per_page, count);
        }
        address = next;
    }
}

} // namespace chorale::weak
