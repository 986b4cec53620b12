// What svMemAlloc (dki/f_dki.h) keeps beside what it has given out.
#pragma once

#include <cstddef>

namespace chorale {

struct SupervisorMemory {
    std::size_t runs; // of pages that are cut into small pieces, and stay
    std::size_t bytes;
};
[[nodiscard]] SupervisorMemory supervisor_memory();

} // namespace chorale
