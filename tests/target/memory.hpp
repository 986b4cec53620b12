// What the suites on memory share: addresses that nobody uses, and words there.
#pragma once

#include <chorus.h>

#include <cstdint>

namespace chorale::test {

inline constexpr VmAddr free_space = 0x20000000;
inline constexpr VmSize page = 4096;

[[nodiscard]] inline KnRgnDesc region_at(VmAddr start, VmSize size, VmFlags options) {
    return {start, size, options, 0, nullptr, 0};
}

[[nodiscard]] inline int allocate(VmAddr start, VmSize size, VmFlags options = K_WRITABLE | K_FILLZERO) {
    KnRgnDesc region = region_at(start, size, options);
    return rgnAllocate(K_MYACTOR, &region);
}

[[nodiscard]] inline int release(VmAddr start, VmSize size) {
    const KnRgnDesc region = region_at(start, size, 0);
    return rgnFree(K_MYACTOR, &region);
}

[[nodiscard]] inline volatile std::uint64_t& word_at(VmAddr address) {
    return *reinterpret_cast<volatile std::uint64_t*>(address);
}

} // namespace chorale::test
