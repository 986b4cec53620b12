// Test inputs: bytes built field by field, and views of them that end where their allocation ends, so that
// the address sanitizer sees a read of one byte too many.
#pragma once

#include "formats/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

namespace chorale::formats::test {

class Blob {
  public:
    Blob() = default;
    explicit Blob(std::size_t size) : bytes_(size) {}

    template <class T>
    Blob& put(std::size_t offset, T value) {
        if (bytes_.size() < offset + sizeof value) bytes_.resize(offset + sizeof value);
        std::memcpy(bytes_.data() + offset, &value, sizeof value);
        return *this;
    }
    template <class T>
    Blob& add(T value) {
        return put(bytes_.size(), value);
    }
    Blob& put_text(std::size_t offset, std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i) put(offset + i, text[i]);
        return *this;
    }
    Blob& add_text(std::string_view text) { return put_text(bytes_.size(), text); }
    Blob& append(const Blob& other) {
        bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
        return *this;
    }
    Blob& resize(std::size_t size) {
        bytes_.resize(size);
        return *this;
    }
    Blob& flip(std::size_t bit) {
        bytes_[bit / 8] ^= std::byte{1} << static_cast<int>(bit % 8);
        return *this;
    }

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] Bytes view() const { return bytes_; }

  private:
    std::vector<std::byte> bytes_;
};

// A copy of exactly `length` bytes in an allocation of its own.
class Exact {
  public:
    explicit Exact(Bytes bytes, std::size_t length = ~std::size_t{0})
        : size_{length < bytes.size() ? length : bytes.size()}, bytes_{std::make_unique<std::byte[]>(size_)} {
        if (size_ != 0) std::memcpy(bytes_.get(), bytes.data(), size_);
    }
    [[nodiscard]] Bytes view() const { return {bytes_.get(), size_}; }

  private:
    std::size_t size_;
    std::unique_ptr<std::byte[]> bytes_;
};

// The same damage in every run: a few flipped bits or, one time in four, a field of extreme value.
inline Blob damaged(const Blob& good, std::mt19937_64& random) {
    Blob bad = good;
    for (std::uint64_t count = random() % 4 + 1; count > 0; --count) {
        if (random() % 4 == 0 && good.size() >= 8) {
            constexpr std::uint64_t extremes[] = {0, 1, 0x7fff'ffff, ~std::uint64_t{0},
                                                  std::uint64_t{1} << 63};
            bad.put(random() % (good.size() - 7), extremes[random() % 5]);
        } else {
            bad.flip(random() % (good.size() * 8));
        }
    }
    return bad;
}

inline bool inside(Bytes part, Bytes whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

} // namespace chorale::formats::test
