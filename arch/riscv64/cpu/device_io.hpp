// Device registers. RISC-V keeps accesses to one device in order; to others, and between devices and memory,
// only fences do.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// Nothing that follows is done before the register was read: what it says has come is there to be seen.
template <class T>
[[nodiscard]] inline T read_device(const volatile T* reg) {
    const T value = *reg;
    asm volatile("fence i, iorw" ::: "memory");
    return value;
}

// What precedes is done before the device learns of it: memory that it is to read, another device that was
// served.
template <class T>
inline void write_device(volatile T* reg, T value) {
    asm volatile("fence iorw, o" ::: "memory");
    *reg = value;
}

// Before a lock is given back that guards a device: the next holder's accesses come after ours.
inline void finish_device_accesses() { asm volatile("fence io, w" ::: "memory"); }

} // namespace chorale::machine
