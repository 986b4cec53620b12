#include "c_os/bank.hpp"

#include <dki/f_dki.h>
#include <env/chEnv.h>

namespace chorale::c_os {

namespace {

[[nodiscard]] std::uint64_t number(const char* name) {
    char text[K_ENVVALUEMAX];
    unsigned size = sizeof text;
    if (sysGetEnv(name, text, &size) != K_OK) return 0;
    std::uint64_t value = 0;
    for (const char* digit = text; *digit >= '0' && *digit <= '9'; ++digit)
        value = value * 10 + static_cast<std::uint64_t>(*digit - '0');
    return value;
}

} // namespace

formats::Bytes boot_bank() {
    constexpr std::uint64_t page = 4096;
    const std::uint64_t address = number("boot.bank.address"), size = number("boot.bank.size");
    if (size == 0) return {};
    const std::uint64_t offset = address % page;
    KnPhMemChunk chunk{address - offset, formats::align_up(size + offset, page), 0};
    if (svPhysMap(&chunk, 0) != K_OK) return {};
    return {reinterpret_cast<const std::byte*>(chunk.vaddr + offset), size};
}

} // namespace chorale::c_os
