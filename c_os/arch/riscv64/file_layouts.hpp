// What Linux's file calls of 64-bit RISC-V put into the memory of programs where machines differ.
#pragma once

#include "c_os/file/attributes.hpp"

namespace chorale::c_os {

struct LinuxStat {
    u64 device, number;
    u32 mode, links, uid, gid;
    u64 special, padding;
    std::int64_t size;
    std::int32_t block_size, padding_2;
    std::int64_t blocks;
    std::int64_t accessed, accessed_nanoseconds, modified, modified_nanoseconds, changed, changed_nanoseconds;
    std::int32_t unused[2];
};
static_assert(sizeof(LinuxStat) == 128);

} // namespace chorale::c_os
