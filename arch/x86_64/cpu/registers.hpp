// Special registers and ports, by name. Nothing here outlives one instruction.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum class Msr : u32 {
    apic_base = 0x1b,
    tsc_deadline = 0x6e0,
    x2apic = 0x800, // the APIC register at offset o is this + o / 16
    efer = 0xc000'0080,
    star = 0xc000'0081,
    lstar = 0xc000'0082,
    cstar = 0xc000'0083,
    sfmask = 0xc000'0084,
    fs_base = 0xc000'0100,
    gs_base = 0xc000'0101,
    kernel_gs_base = 0xc000'0102,
};

[[nodiscard]] inline u64 read_msr(Msr msr, u32 offset = 0) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(static_cast<u32>(msr) + offset));
    return (u64{high} << 32) | low;
}
inline void write_msr(Msr msr, u64 value, u32 offset = 0) {
    asm volatile("wrmsr" ::"a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)),
                 "c"(static_cast<u32>(msr) + offset)
                 : "memory");
}

struct CpuId {
    u32 eax, ebx, ecx, edx;
};
[[nodiscard]] inline CpuId cpu_id(u32 leaf, u32 subleaf = 0) {
    CpuId r{};
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

namespace cr0 {
inline constexpr u64 protection = 1, monitor = 2, emulate = 4, task_switched = 8, type = 16,
                     numeric_error = 32, write_protect = u64{1} << 16, alignment = u64{1} << 18,
                     paging = u64{1} << 31;
}
namespace cr4 {
inline constexpr u64 physical_extension = u64{1} << 5, machine_check = u64{1} << 6,
                     global_pages = u64{1} << 7, fxsave = u64{1} << 9, simd_exceptions = u64{1} << 10,
                     umip = u64{1} << 11, fsgsbase = u64{1} << 16, pcid = u64{1} << 17, xsave = u64{1} << 18,
                     smep = u64{1} << 20, smap = u64{1} << 21;
}

[[nodiscard]] inline u64 read_cr0() {
    u64 value;
    asm volatile("movq %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(u64 value) { asm volatile("movq %0, %%cr0" ::"r"(value) : "memory"); }
[[nodiscard]] inline u64 read_cr2() {
    u64 value;
    asm volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}
[[nodiscard]] inline u64 read_cr3() {
    u64 value;
    asm volatile("movq %%cr3, %0" : "=r"(value)::"memory");
    return value;
}
[[nodiscard]] inline u64 read_cr4() {
    u64 value;
    asm volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(u64 value) { asm volatile("movq %0, %%cr4" ::"r"(value) : "memory"); }

[[nodiscard]] inline u8 in8(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
[[nodiscard]] inline u16 in16(u16 port) {
    u16 value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
[[nodiscard]] inline u32 in32(u16 port) {
    u32 value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out8(u16 port, u8 value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
inline void out16(u16 port, u16 value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
inline void out32(u16 port, u32 value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

// Registers of a device in memory; each access is exactly one of 32 bits.
[[nodiscard]] inline u32 read_device(const volatile u32* address) {
    u32 value;
    asm volatile("movl %1, %0" : "=r"(value) : "m"(*address) : "memory");
    return value;
}
inline void write_device(volatile u32* address, u32 value) {
    asm volatile("movl %1, %0" : "=m"(*address) : "r"(value) : "memory");
}

} // namespace chorale::machine
