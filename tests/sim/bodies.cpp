#include "tests/sim/bodies.hpp"

#include <algorithm>
#include <cstring>

namespace chorale::sim {

namespace {

[[nodiscard]] u8 byte_at(Tag tag, std::size_t index) {
    return static_cast<u8>((tag.value * 0x9e37'79b9'7f4a'7c15 >> 32) + index);
}

} // namespace

void fill(Body& body, std::size_t size, Tag tag) {
    size = std::min(size, body.size());
    std::memcpy(body.data(), &tag.value, std::min(size, sizeof tag.value));
    for (std::size_t i = sizeof tag.value; i < size; ++i) body[i] = byte_at(tag, i);
}

bool whole(const Body& body, std::size_t size, Tag& tag) {
    size = std::min(size, body.size());
    if (size < sizeof tag.value) return true;
    std::memcpy(&tag.value, body.data(), sizeof tag.value);
    for (std::size_t i = sizeof tag.value; i < size; ++i) {
        if (body[i] != byte_at(tag, i)) return false;
    }
    return true;
}

} // namespace chorale::sim
