// What the suites on memory share: addresses that nobody uses, and words there, in this actor and others.
#pragma once

#include "helper.hpp"

#include <chorus.h>

#include <cstdint>

namespace chorale::test {

inline constexpr VmAddr free_space = 0x20000000, other_space = 0x30000000;
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

// Through the nucleus, which tells an error instead of raising it. All ones: there is nothing to read.
[[nodiscard]] inline std::uint64_t read_in(const KnCap* actor, VmAddr at) {
    std::uint64_t value = ~std::uint64_t{0};
    vmCopy(actor, at, K_MYACTOR, address_of(&value), sizeof value, 0);
    return value;
}
[[nodiscard]] inline int write_in(const KnCap* actor, VmAddr at, std::uint64_t value) {
    return vmCopy(K_MYACTOR, address_of(&value), actor, at, sizeof value, 0);
}

} // namespace chorale::test
