// What is known of each eight bytes of memory: a cell. Cells of the arena are in a table reserved as a whole,
// those of other memory in pages found by a hash of the address. Nothing is cleared for a new run: a cell
// holds the number of the run in which it was last used, its generation.
#pragma once

#include "arch/host/weak/clock.hpp"

namespace chorale::weak {

inline constexpr unsigned granule = 8;

// A plain access that later ones are compared with: when (32 bits), CPU (8), write or read (8), bytes (8).
struct Mark {
    static constexpr std::uint64_t write_bit = 1u << 8;

    static constexpr std::uint64_t of_cpu(unsigned cpu, Position position) {
        return std::uint64_t{position} << 32 | std::uint64_t{cpu} << 16;
    }
    static constexpr Position position(std::uint64_t mark) { return static_cast<Position>(mark >> 32); }
    static constexpr unsigned cpu(std::uint64_t mark) { return static_cast<std::uint8_t>(mark >> 16); }
    static constexpr bool written(std::uint64_t mark) { return (mark & write_bit) != 0; }
    static constexpr unsigned bytes(std::uint64_t mark) { return static_cast<std::uint8_t>(mark); }
};

// The bytes of a granule that an access covers, as bits; it must not reach beyond the granule.
constexpr unsigned bytes_of(std::uintptr_t address, std::size_t size) {
    return ((1u << size) - 1) << (address % granule);
}

struct alignas(64) Cell {
    static constexpr unsigned marks = 4;
    std::uint64_t mark[marks]; // 0: free
    std::uint32_t pc[marks];   // of these accesses
    std::uint32_t generation;
    std::uint32_t location; // the first atomic location in these bytes; 0: none
    std::uint32_t turn;     // which mark to give up next when all are needed
};
static_assert(sizeof(Cell) == 64);

class Shadow {
  public:
    void map(const void* arena, std::size_t size);
    void next_run();
    void forget(std::uintptr_t address, std::size_t size);

    // The cell of an address, as this run left it.
    [[nodiscard]] Cell& at(std::uintptr_t address) {
        Cell& cell = find(address);
        if (cell.generation != generation_) [[unlikely]]
            renew(cell, address);
        return cell;
    }

  private:
    static constexpr unsigned page_bits = 12, cells_per_page = (1u << page_bits) / granule;
    // Of cells, in one page of the host's memory: those that were not used are not to be touched either.
    static constexpr unsigned block = 64;
    static constexpr unsigned most_pages = 1u << 15, table_size = 2 * most_pages, cache_size = 256;

    // Of a page of the arena, which blocks of its cells the run of this number has used.
    struct Use {
        std::uint32_t generation;
        std::uint32_t blocks;
    };
    struct Page {
        std::uintptr_t number; // 0: free; nothing is at address 0
        Cell* cells;
    };

    [[nodiscard]] Cell& find(std::uintptr_t address) {
        const std::uintptr_t offset = address - arena_;
        if (offset < arena_size_) [[likely]]
            return arena_cells_[offset / granule];
        const std::uintptr_t number = address >> page_bits;
        const Page& page = cache_[number % cache_size];
        Cell* const cells = page.number == number ? page.cells : other_page(number);
        return cells[address / granule % cells_per_page];
    }
    [[nodiscard]] Page& entry(std::uintptr_t number);
    [[nodiscard]] Cell* other_page(std::uintptr_t number);
    void renew(Cell& cell, std::uintptr_t address);
    void forget_cells(Cell* cells, std::size_t count);

    std::uintptr_t arena_ = 0;
    std::size_t arena_size_ = 0;
    Cell* arena_cells_ = nullptr;
    Use* arena_used_ = nullptr;
    std::uint32_t generation_ = 0;
    unsigned pages_ = 0;
    Cell* other_cells_ = nullptr;
    Page* table_ = nullptr;
    Page cache_[cache_size] = {};
};

extern constinit Shadow shadow;

} // namespace chorale::weak
