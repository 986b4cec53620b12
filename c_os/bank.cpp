#include "c_os/bank.hpp"

#include <actor/environment.hpp>
#include <dki/f_dki.h>

namespace chorale::c_os {

formats::Bytes boot_bank() {
    constexpr std::uint64_t page = 4096;
    const std::uint64_t address = environment_number("boot.bank.address", 0),
                        size = environment_number("boot.bank.size", 0);
    if (size == 0) return {};
    const std::uint64_t offset = address % page;
    KnPhMemChunk chunk{address - offset, formats::align_up(size + offset, page), 0};
    if (svPhysMap(&chunk, 0) != K_OK) return {};
    return {reinterpret_cast<const std::byte*>(chunk.vaddr + offset), size};
}

} // namespace chorale::c_os
