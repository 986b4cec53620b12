// The registers of a thread while it is in the nucleus. The first line of the structure is what the
// message fast path saves; the rest is written only by full entries (interrupts, exceptions, calls that may
// block).
#pragma once

#include "kernel/base/types.hpp"

#include <chorus/machine_context.h>
#include <machine/offsets.h>

#include <cstddef>

namespace chorale::machine {

inline constexpr const char* name = "x86-64";
inline constexpr u16 elf_machine = 62;

struct alignas(64) Frame {
    u64 pc, sp, flags, rbx, rbp, fs_base, rax;
    u32 exit; // EXIT_*
    u32 reserved;
    u64 rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    u64 vector, error;
    u64 reserved_tail[2];

    static constexpr unsigned message_registers = 8;
    static constexpr u64 initial_flags = 0x202;     // interrupts on
    static constexpr u64 settable_flags = 0x200dd5; // ID OF DF TF SF ZF AF PF CF: not IOPL, NT, RF, AC, IF

    void set_result(std::int64_t value) { rax = static_cast<u64>(value); }
    [[nodiscard]] u64 result() const { return rax; }

    // Arguments of a nucleus call, in the order of the C calling convention with r10 for rcx.
    [[nodiscard]] u64 argument(unsigned index) const {
        const u64 registers[] = {rdi, rsi, rdx, r10, r8, r9};
        return index < 6 ? registers[index] : 0;
    }

    // The eight message words of the register convention (docs/fast-path.md).
    void load_words(const u64* words) {
        __builtin_memcpy(&r12, words, 4 * sizeof(u64)); // r12 to r15 follow each other
        rdi = words[4];
        rsi = words[5];
        rdx = words[6];
        r8 = words[7];
    }
    void store_words(u64* words) const {
        const u64 registers[] = {r12, r13, r14, r15, rdi, rsi, rdx, r8};
        __builtin_memcpy(words, registers, sizeof registers);
    }

    // The rest of that convention.
    [[nodiscard]] u64 call_number() const { return rax & 0xff; }
    [[nodiscard]] u64 message_control() const { return rax; }
    void note_control(u64 control) { rax = control; }
    [[nodiscard]] u64 message_descriptor() const { return rbx; }
    [[nodiscard]] u64 message_name() const { return r9; }
    [[nodiscard]] u64 message_tail() const { return r10; }
    void set_message_result(std::int64_t value, u64 port_li, u64 sequence) {
        rax = static_cast<u64>(value);
        r9 = port_li;
        r10 = sequence;
    }

    // The registers as others may see them, and as others may set them: nothing that they hold lets the
    // thread do what it could not do before. False: an address that no user program can be at.
    [[nodiscard]] KnThreadCtx context() const { return __builtin_bit_cast(KnThreadCtx, *this); }
    [[nodiscard]] bool set_context(const KnThreadCtx& from, uword limit) {
        if (from.pc >= limit || from.fsBase > limit) return false;
        const Frame kept = *this;
        *this = __builtin_bit_cast(Frame, from);
        flags = (from.flags & settable_flags) | initial_flags;
        exit = EXIT_INTERRUPT; // every register is loaded
        reserved = kept.reserved;
        vector = kept.vector;
        error = kept.error;
        return true;
    }

    // A new thread: starts at `entry` with `stack` and its argument in the first argument register.
    void start(VirtAddr entry, VirtAddr stack, u64 argument) {
        *this = Frame{};
        pc = entry.raw();
        sp = stack.raw();
        flags = initial_flags;
        rdi = argument;
        exit = EXIT_INTERRUPT;
    }

    // The same in supervisor mode. `entry` is a C function: it finds a return address, which leads nowhere.
    void start_supervisor(VirtAddr entry, VirtAddr stack, u64 argument) {
        start(entry, stack - sizeof(u64), argument);
        exit = EXIT_SUPERVISOR;
    }
    [[nodiscard]] bool supervisor() const { return exit == EXIT_SUPERVISOR; }

    // Goes on in the C function `entry` in supervisor mode, on a stack whose first free word, the one below
    // `stack`, holds `return_to`.
    void call_handler(VirtAddr entry, VirtAddr stack, VirtAddr, const u64 (&arguments)[3]) {
        pc = entry.raw();
        sp = stack.raw() - sizeof(u64);
        flags = initial_flags;
        rbp = 0;
        rdi = arguments[0];
        rsi = arguments[1];
        rdx = arguments[2];
        exit = EXIT_SUPERVISOR;
    }
    // What a handler left of the registers that it interrupted: `user` ones cannot do what they could not
    // do before.
    void after_handler(bool user) {
        if (user) flags = (flags & settable_flags) | initial_flags;
        if (user != (exit != EXIT_SUPERVISOR)) exit = user ? EXIT_INTERRUPT : EXIT_SUPERVISOR;
    }
};

static_assert(offsetof(Frame, pc) == FRAME_PC && offsetof(Frame, sp) == FRAME_SP);
static_assert(offsetof(Frame, flags) == FRAME_FLAGS && offsetof(Frame, rbx) == FRAME_RBX);
static_assert(offsetof(Frame, rbp) == FRAME_RBP && offsetof(Frame, fs_base) == FRAME_FS_BASE);
static_assert(offsetof(Frame, rax) == FRAME_RAX && offsetof(Frame, exit) == FRAME_EXIT);
static_assert(offsetof(Frame, rcx) == FRAME_RCX && offsetof(Frame, rdx) == FRAME_RDX);
static_assert(offsetof(Frame, rsi) == FRAME_RSI && offsetof(Frame, rdi) == FRAME_RDI);
static_assert(offsetof(Frame, r8) == FRAME_R8 && offsetof(Frame, r9) == FRAME_R9);
static_assert(offsetof(Frame, r10) == FRAME_R10 && offsetof(Frame, r11) == FRAME_R11);
static_assert(offsetof(Frame, r12) == FRAME_R12 && offsetof(Frame, r15) == FRAME_R15);
static_assert(offsetof(Frame, vector) == FRAME_VECTOR && offsetof(Frame, error) == FRAME_ERROR);
static_assert(sizeof(Frame) == FRAME_SIZE);

// What handlers see of a thread's registers is a copy of the frame.
static_assert(offsetof(Frame, r15) == offsetof(KnThreadCtx, r15) && sizeof(Frame) == sizeof(KnThreadCtx));

} // namespace chorale::machine
