// The first line of this CPU's PerCpu, addressed through GS: no pointer to it has to be loaded, none takes a
// register.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/offsets.h>

namespace chorale {
struct Thread;
}

namespace chorale::machine::this_cpu {

template <class T>
using InCpuBlock = T __attribute__((address_space(256))); // GS

template <class T>
[[nodiscard]] inline InCpuBlock<T>* field(uword offset) {
    return reinterpret_cast<InCpuBlock<T>*>(offset);
}

inline void set_current(Thread& thread) { *field<Thread*>(CPU_CURRENT) = &thread; }
[[nodiscard]] inline uword slot() { return *field<uword>(CPU_SLOT); }
[[nodiscard]] inline u32 top_ready() { return *field<u32>(CPU_TOP_READY); }
[[nodiscard]] inline bool fpu_live() { return *field<u32>(CPU_FPU_LIVE) != 0; }
[[nodiscard]] inline u64 space_root() { return *field<u64>(CPU_SPACE_ROOT); }
inline void set_space_root(u64 root) { *field<u64>(CPU_SPACE_ROOT) = root; }

} // namespace chorale::machine::this_cpu
