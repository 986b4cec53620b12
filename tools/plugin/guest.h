// What the plugins of this folder share: the part of QEMU's interface that they use, the machines that they
// know, and the markers that the guest puts into its code.
//
// A marker is a no-op that no compiler makes. x86-64: `nopl 0x5e14<id>(%rax)` (0f 1f 80 <id, 16 bits> 14 5e);
// riscv64: `lui x0, 0x5e000 | <id, 12 bits>`. They cost what a no-op costs and are not counted.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum marker {
    ROUND_BEGIN = 1, // a round trip begins, ends (on the measuring CPU)
    ROUND_END,
    IDLE_BEGIN, // the CPU waits in its idle loop: begin, end
    IDLE_END,
    FIRST_USER,  // the first user instruction is about to run
    BATCH_BEGIN, // a batch of operations begins, ends
    BATCH_END,
    TIMER_TAKEN,         // in the handler of the timer interrupt
    TIMERS_SERVED,       // who was due has been woken up
    FIRST_RESULT = 0x100 // plus k: what follows belongs to result k
};

// The part of QEMU's plugin interface, version 1, that is used here (Debian ships no header for it).
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct {
    const char* target_name;
    struct {
        int min, cur;
    } version;
    bool system_emulation;
    union {
        struct {
            int smp_vcpus, max_vcpus;
        } system;
    };
} qemu_info_t;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, void (*)(unsigned, void*),
                                            enum qemu_plugin_cb_flags, void*);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*), void*);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn*);

// What differs between the machines.
enum special { PLAIN, OPENS, CLOSES, RETURNS, RELAXES }; // what an instruction does to interrupts, or a PAUSE

struct target {
    const char* name;
    uint64_t nucleus_base;
    int (*marker_id)(const uint8_t* bytes, size_t size); // -1 for any other instruction
    enum special (*special)(const uint8_t* bytes, size_t size);
};

struct range {
    uint64_t low, end;
};

static uint32_t word_of(const uint8_t* byte) {
    return byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
}

static int x86_64_marker(const uint8_t* byte, size_t size) {
    bool is_marker = size == 7 && byte[0] == 0x0f && byte[1] == 0x1f && byte[2] == 0x80 && byte[5] == 0x14 &&
                     byte[6] == 0x5e;
    return is_marker ? byte[3] | byte[4] << 8 : -1;
}

static int riscv64_marker(const uint8_t* byte, size_t size) {
    if (size != 4) return -1;
    uint32_t word = word_of(byte);
    return (word & 0xff000fff) == 0x5e000037 ? (int)(word >> 12 & 0xfff) : -1;
}

// STI, CLI, IRETQ, PAUSE. SYSRETQ needs no name: user code follows it.
static enum special x86_64_special(const uint8_t* byte, size_t size) {
    if (size == 1 && byte[0] == 0xfb) return OPENS;
    if (size == 1 && byte[0] == 0xfa) return CLOSES;
    if (size != 2) return PLAIN;
    if (byte[0] == 0x48 && byte[1] == 0xcf) return RETURNS;
    return byte[0] == 0xf3 && byte[1] == 0x90 ? RELAXES : PLAIN;
}

// CSRSI and CSRCI of sstatus.SIE, SRET, PAUSE.
static enum special riscv64_special(const uint8_t* byte, size_t size) {
    if (size != 4) return PLAIN;
    switch (word_of(byte)) {
    case 0x10016073:
        return OPENS;
    case 0x10017073:
        return CLOSES;
    case 0x10200073:
        return RETURNS;
    case 0x0100000f:
        return RELAXES;
    default:
        return PLAIN;
    }
}

static const struct target* find_target(const qemu_info_t* info) {
    static const struct target targets[] = {
        {"x86_64", UINT64_C(0xffff800000000000), x86_64_marker, x86_64_special},
        {"riscv64", UINT64_C(0xffffffc000000000), riscv64_marker, riscv64_special},
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; ++i)
        if (!strcmp(info->target_name, targets[i].name)) return &targets[i];
    return NULL;
}

static inline bool within(uint64_t address, const struct range* range) {
    return address >= range->low && address < range->end;
}

// LOW-END in any base that C writes; the end is not part of it.
static inline bool read_range(const char* text, struct range* range) {
    char* rest;
    range->low = strtoull(text, &rest, 0);
    if (*rest != '-') return false;
    range->end = strtoull(rest + 1, &rest, 0);
    return !*rest && range->low < range->end;
}
