// Little-endian loads and bounds arithmetic over bytes that nobody has vouched for.
// Invariant: no function here reads outside the span it was given, whatever the offsets.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace chorale::formats {

using Bytes = std::span<const std::byte>;

static_assert(std::endian::native == std::endian::little, "the formats read here are little endian");
static_assert(sizeof(std::size_t) == 8, "offsets of 32-bit fields must not wrap");

// Whether [offset, offset + length) lies in [0, size): the sum is never formed, so it cannot wrap.
[[nodiscard]] constexpr bool fits(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
    return offset <= size && length <= size - offset;
}

// A field beyond the end reads as zero: old firmware tables end before the fields of newer revisions.
template <std::unsigned_integral T>
[[nodiscard]] inline T load(Bytes bytes, std::size_t offset) {
    T value = 0;
    if (fits(offset, sizeof(T), bytes.size())) __builtin_memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

// The part [offset, offset + length), cut at the end of `bytes`.
[[nodiscard]] inline Bytes slice(Bytes bytes, std::size_t offset, std::size_t length) {
    if (offset >= bytes.size()) return {};
    const std::size_t rest = bytes.size() - offset;
    return {bytes.data() + offset, length < rest ? length : rest};
}

[[nodiscard]] inline std::string_view characters(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// std::string_view::find of one character would call memchr, which the nucleus has no other use for.
[[nodiscard]] constexpr std::size_t index_of(std::string_view text, char wanted) {
    std::size_t index = 0;
    while (index < text.size() && text[index] != wanted) ++index;
    return index == text.size() ? text.npos : index;
}

[[nodiscard]] constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) {
    return value & ~(alignment - 1);
}

// The caller knows that value + alignment does not wrap.
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
    return align_down(value + alignment - 1, alignment);
}

} // namespace chorale::formats
