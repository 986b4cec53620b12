// What every fuzz target has: the entry points that libFuzzer calls and calls of libFuzzer's, properties that
// must hold, and bytes read as numbers.
#pragma once

#include "formats/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <source_location>
#include <span>
#include <string_view>

extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
int LLVMFuzzerInitialize(int* count, char*** arguments);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed);
// libFuzzer's own changes: flipped bits, dictionary words, pieces copied.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);
}

namespace chorale::fuzz {

// What does not hold ends the run: libFuzzer keeps the input.
inline void must(bool holds, const char* what, std::source_location where = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: does not hold: %s\n", where.file_name(), where.line(), what);
    std::abort();
}

[[nodiscard]] inline formats::Bytes bytes_of(const std::uint8_t* data, std::size_t size) {
    return std::as_bytes(std::span{data, size});
}

[[nodiscard]] inline bool inside(formats::Bytes part, formats::Bytes whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.size() <= whole.size() &&
            part.data() - whole.data() <= static_cast<std::ptrdiff_t>(whole.size() - part.size()));
}
[[nodiscard]] inline bool inside(std::string_view part, formats::Bytes whole) {
    return inside(std::as_bytes(std::span{part.data(), part.size()}), whole);
}

// The input as numbers, front to back; zeros behind the end, so that every prefix means something.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : rest_{data, size} {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes && !rest_.empty(); ++i, rest_ = rest_.subspan(1))
            value |= std::uint64_t{rest_.front()} << (8 * i);
        return value;
    }
    [[nodiscard]] std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
    [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return number(limit <= 256 ? 1 : 2) % limit; }
    [[nodiscard]] std::span<const std::uint8_t> take(std::size_t bytes) {
        const auto taken = rest_.first(bytes < rest_.size() ? bytes : rest_.size());
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

  private:
    std::span<const std::uint8_t> rest_;
};

// For mutators: the same seed makes the same change.
class Chance {
  public:
    explicit Chance(unsigned seed) : random_{seed} {}
    [[nodiscard]] std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
    [[nodiscard]] bool one_in(std::size_t times) { return below(times) == 0; }
    // Sizes and addresses near where the arithmetic changes.
    [[nodiscard]] std::uint64_t number() {
        const std::uint64_t power = std::uint64_t{1} << below(64);
        switch (below(6)) {
        case 0:
            return power;
        case 1:
            return power - 1;
        case 2:
            return std::uint64_t{0} - power;
        case 3:
            return below(64);
        case 4:
            return 4096 * below(64);
        default:
            return std::uint64_t{random_()} << 32 | random_();
        }
    }

  private:
    std::mt19937 random_;
};

} // namespace chorale::fuzz
