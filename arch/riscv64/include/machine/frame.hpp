// The user registers of a thread while it is in the nucleus. The first line of the structure is what the
// message fast path saves; the rest is written only by full entries (interrupts, exceptions) and, in part, by
// calls that may block. Whoever goes back to user mode by resume() gets all registers from here.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus/machine_context.h>
#include <chorus/message_registers.h>
#include <machine/asm.h>
#include <machine/offsets.h>

#include <cstddef>

namespace chorale::machine {

inline constexpr const char* name = "riscv64";
inline constexpr u16 elf_machine = 243;

struct alignas(64) Frame {
    u64 pc, sp, gp, tp, s0;
    u64 control; // of the call that it is in: MESSAGE_CONTROL
    u64 a0, s1;
    u64 a1, a2, a3, a4, a5, a6, a7;
    u64 t0, t1, t2, t3, t4, t5, t6;
    u64 s2, s3, s4, s5, ra, s6, s7, s8, s9, s10, s11;
    u64 cause, value; // of the exception that brought it here
    u64 mode;         // 0, or SSTATUS_SPP with _SPIE and _SUM: goes on in supervisor mode
    u64 reserved_tail[4];

    static constexpr unsigned message_registers = 8;

    void set_result(std::int64_t result_value) { a0 = static_cast<u64>(result_value); }
    [[nodiscard]] u64 result() const { return a0; }

    // Arguments of a nucleus call, in the order of the C calling convention.
    [[nodiscard]] u64 argument(unsigned index) const {
        const u64 registers[] = {a0, a1, a2, a3, a4, a5};
        return index < 6 ? registers[index] : 0;
    }

    // The eight message words of the register convention (chorus/machine_registers.h): t3 to t6 and s2 to s5
    // follow each other.
    void load_words(const u64* words) {
        __builtin_memcpy(&t3, words, 4 * sizeof(u64));
        __builtin_memcpy(&s2, words + 4, 4 * sizeof(u64));
    }
    void store_words(u64* words) const {
        __builtin_memcpy(words, &t3, 4 * sizeof(u64));
        __builtin_memcpy(words + 4, &s2, 4 * sizeof(u64));
    }

    // The rest of that convention.
    [[nodiscard]] u64 call_number() const { return (control >> MESSAGE_NUMBER_SHIFT) & 0xff; }
    [[nodiscard]] u64 message_control() const { return control; }
    void note_control(u64 word) { control = word; }
    [[nodiscard]] u64 message_descriptor() const { return s1; }
    [[nodiscard]] u64 message_name() const { return a1; }
    [[nodiscard]] u64 message_tail() const { return a2; }
    void set_message_result(std::int64_t result_value, u64 port_li, u64 sequence) {
        a0 = static_cast<u64>(result_value);
        a1 = port_li;
        a2 = sequence;
    }

    // The registers as others may see them, and as others may set them: nothing that they hold lets the
    // thread do what it could not do before. False: an address that no user program can be at.
    [[nodiscard]] KnThreadCtx context() const { return __builtin_bit_cast(KnThreadCtx, *this); }
    [[nodiscard]] bool set_context(const KnThreadCtx& from, uword limit) {
        if (from.pc >= limit) return false;
        const Frame kept = *this;
        *this = __builtin_bit_cast(Frame, from);
        control = kept.control;
        cause = kept.cause;
        value = kept.value;
        mode = 0; // user mode
        return true;
    }

    // A new thread: starts at `entry` with `stack` and its argument in the first argument register.
    void start(VirtAddr entry, VirtAddr stack, u64 argument_value) {
        *this = Frame{};
        pc = entry.raw();
        sp = stack.raw();
        a0 = argument_value;
    }
    void start_supervisor(VirtAddr entry, VirtAddr stack, u64 argument_value) {
        start(entry, stack, argument_value);
        mode = SSTATUS_SPP | SSTATUS_SPIE;
    }
    [[nodiscard]] bool supervisor() const { return mode != 0; }

    // Goes on in the C function `entry` in supervisor mode, on a stack whose first free word, the one below
    // `stack`, holds `return_to`.
    void call_handler(VirtAddr entry, VirtAddr stack, VirtAddr return_to, const u64 (&arguments)[3]) {
        pc = entry.raw();
        sp = stack.raw() - 2 * sizeof(u64);
        ra = return_to.raw();
        s0 = 0;
        a0 = arguments[0];
        a1 = arguments[1];
        a2 = arguments[2];
        mode = SSTATUS_SPP | SSTATUS_SPIE;
    }
    // What a handler left of the registers that it interrupted: `user` ones cannot do what they could not
    // do before.
    void after_handler(bool user) { mode = user ? 0 : SSTATUS_SPP | (mode & (SSTATUS_SPIE | SSTATUS_SUM)); }
};

static_assert(offsetof(Frame, pc) == FRAME_PC && offsetof(Frame, sp) == FRAME_SP);
static_assert(offsetof(Frame, gp) == FRAME_GP && offsetof(Frame, tp) == FRAME_TP);
static_assert(offsetof(Frame, s0) == FRAME_S0 && offsetof(Frame, control) == FRAME_CONTROL);
static_assert(offsetof(Frame, a0) == FRAME_A0 && offsetof(Frame, s1) == FRAME_S1);
static_assert(offsetof(Frame, a1) == FRAME_A1 && offsetof(Frame, a7) == FRAME_A7);
static_assert(offsetof(Frame, t0) == FRAME_T0 && offsetof(Frame, t6) == FRAME_T6);
static_assert(offsetof(Frame, s2) == FRAME_S2 && offsetof(Frame, s5) == FRAME_S5);
static_assert(offsetof(Frame, ra) == FRAME_RA && offsetof(Frame, s6) == FRAME_S6);
static_assert(offsetof(Frame, s11) == FRAME_S11 && offsetof(Frame, cause) == FRAME_CAUSE);
static_assert(offsetof(Frame, value) == FRAME_VALUE && offsetof(Frame, mode) == FRAME_MODE);
static_assert(sizeof(Frame) == FRAME_SIZE);

// What handlers see of a thread's registers is a copy of the frame.
static_assert(offsetof(Frame, s11) == offsetof(KnThreadCtx, s11) && sizeof(Frame) == sizeof(KnThreadCtx));

} // namespace chorale::machine
