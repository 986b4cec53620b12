// What Linux's file calls of x86-64 put into the memory of programs where machines differ.
#pragma once

#include "c_os/file/attributes.hpp"

namespace chorale::c_os {

struct LinuxStat {
    u64 device, number, links;
    u32 mode, uid, gid, padding;
    u64 special;
    std::int64_t size, block_size, blocks;
    std::int64_t accessed, accessed_nanoseconds, modified, modified_nanoseconds, changed, changed_nanoseconds;
    std::int64_t unused[3];
};
static_assert(sizeof(LinuxStat) == 144);

} // namespace chorale::c_os
