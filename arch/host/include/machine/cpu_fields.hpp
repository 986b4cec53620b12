// The first line of this CPU's PerCpu.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/cpu.hpp>
#include <machine/offsets.h>

namespace chorale {
struct Thread;
}

namespace chorale::machine::this_cpu {

template <class T>
[[nodiscard]] inline T& field(uword offset) {
    return *reinterpret_cast<T*>(static_cast<u8*>(cpu_block()) + offset);
}

inline void set_current(Thread& thread) { field<Thread*>(CPU_CURRENT) = &thread; }
[[nodiscard]] inline uword slot() { return field<uword>(CPU_SLOT); }
[[nodiscard]] inline u32 top_ready() { return field<u32>(CPU_TOP_READY); }
[[nodiscard]] inline u64 space_root() { return field<u64>(CPU_SPACE_ROOT); }
inline void set_space_root(u64 root) { field<u64>(CPU_SPACE_ROOT) = root; }

} // namespace chorale::machine::this_cpu
