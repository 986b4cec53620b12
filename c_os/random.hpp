// Bytes that nobody can foretell.
#pragma once

#include "kernel/base/types.hpp"

#include <span>

namespace chorale::c_os {

void random_bytes(std::span<std::byte> bytes);

[[nodiscard]] inline u64 random_word() {
    u64 word{};
    random_bytes(std::as_writable_bytes(std::span{&word, 1}));
    return word;
}

} // namespace chorale::c_os
