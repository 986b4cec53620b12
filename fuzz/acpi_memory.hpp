// The memory that the ACPI fuzzer lays its input into, and changes of the tables there that firmware could
// have made.
#pragma once

#include "fuzz/target.hpp"

namespace chorale::fuzz {

inline constexpr std::uint64_t memory_begin = 0xe0000; // of the input; the root pointer is its first bytes
inline constexpr std::size_t memory_limit = 0x20000;
inline constexpr std::size_t root_pointer_size = 36;

// Makes the checksums of the root pointer and of all tables that it leads to right.
void seal_tables(std::uint8_t* data, std::size_t size);

// Changes an entry of a table: its type, a field, its length, or one more of it. Returns the new size.
[[nodiscard]] std::size_t change_tables(std::uint8_t* data, std::size_t size, std::size_t limit,
                                        Chance& chance);

} // namespace chorale::fuzz
