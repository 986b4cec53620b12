// Calls of the supervisor binary interface: what the firmware does for us (RISC-V SBI specification, chapter
// by chapter the names below).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

struct SbiResult {
    long error; // 0, or SbiError
    long value;
};

enum SbiError : long { sbi_ok = 0, sbi_failed = -1, sbi_not_supported = -2, sbi_invalid_parameter = -3 };

enum SbiExtension : u64 {
    sbi_legacy_set_timer = 0,
    sbi_legacy_put = 1,
    sbi_legacy_get = 2,
    sbi_legacy_send_ipi = 4,
    sbi_legacy_remote_fence_i = 5,
    sbi_legacy_shutdown = 8,
    sbi_base = 0x10,
    sbi_time = 0x54494d45,
    sbi_ipi = 0x735049,
    sbi_rfence = 0x52464e43,
    sbi_hsm = 0x48534d,
    sbi_reset = 0x53525354,
    sbi_debug_console = 0x4442434e,
};

inline SbiResult sbi_call(u64 extension, u64 function, u64 argument0 = 0, u64 argument1 = 0,
                          u64 argument2 = 0, u64 argument3 = 0) {
    register u64 a0 asm("a0") = argument0;
    register u64 a1 asm("a1") = argument1;
    register u64 a2 asm("a2") = argument2;
    register u64 a3 asm("a3") = argument3;
    register u64 a6 asm("a6") = function;
    register u64 a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return {static_cast<long>(a0), static_cast<long>(a1)};
}

// Before a call that makes another hart do something: what was written is seen there. The firmware reaches it
// by a store to a device or a write of a CSR, which is output: `fence rw, rw` alone would not order that.
inline void before_firmware_call() { asm volatile("fence rw, ow" ::: "memory"); }

// The calls of version 0.1, each an extension of its own; one result.
inline long sbi_legacy(u64 extension, u64 argument = 0) { return sbi_call(extension, 0, argument).error; }

// Looked up once, at boot.
void sbi_detect();

inline constexpr SbiExtension sbi_probed[] = {sbi_time, sbi_ipi,   sbi_rfence,
                                              sbi_hsm,  sbi_reset, sbi_debug_console};
extern u32 sbi_present; // a bit for each of them, in this order
extern bool sbi_old;    // version 0.1: no extensions, but the legacy calls

// With a constant, as always, one test: doorbells and alarms ask.
[[nodiscard, gnu::always_inline]] inline bool sbi_has(SbiExtension extension) {
    u32 bit = 1;
    for (const SbiExtension each : sbi_probed) {
        if (each == extension) return (sbi_present & bit) != 0;
        bit <<= 1;
    }
    return sbi_old;
}
struct SbiVersion {
    u32 major, minor, implementation, implementation_version;
};
[[nodiscard]] const SbiVersion& sbi_version();

} // namespace chorale::machine
