// The user registers of a thread of the host machine (chorus/machine_registers.h), and what the thread runs.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus/machine_context.h>
#include <machine/offsets.h>

#include <utility>

namespace chorale::host {
struct UserThread;
void forget(UserThread* thread); // the thread that ran with this frame is no more
} // namespace chorale::host

namespace chorale::machine {

inline constexpr const char* name = "host";
inline constexpr u16 elf_machine = 0xc0de; // nobody's

struct alignas(64) Frame {
    u64 pc, sp, control, name, tail, descriptor;
    u64 arguments[6];
    u64 words[8];
    host::UserThread* user;  // made when the thread first runs with this frame
    host::UserThread* outer; // of a handler: what it has interrupted
    enum class Mode : u64 { user, supervisor, handler } mode;

    static constexpr unsigned message_registers = 8;

    void set_result(std::int64_t value) { control = static_cast<u64>(value); }
    [[nodiscard]] u64 result() const { return control; }
    [[nodiscard]] u64 argument(unsigned index) const { return index < 6 ? arguments[index] : 0; }

    void load_words(const u64* from) { __builtin_memcpy(words, from, sizeof words); }
    void store_words(u64* to) const { __builtin_memcpy(to, words, sizeof words); }

    [[nodiscard]] u64 call_number() const { return control >> 8 & 0xff; }
    [[nodiscard]] u64 message_control() const { return control; }
    void note_control(u64 value) { control = value; }
    [[nodiscard]] u64 message_descriptor() const { return descriptor; }
    [[nodiscard]] u64 message_name() const { return name; }
    [[nodiscard]] u64 message_tail() const { return tail; }
    void set_message_result(std::int64_t value, u64 port_li, u64 sequence) {
        set_result(value);
        name = port_li;
        tail = sequence;
    }

    // The registers as others may see them, and as others may set them.
    [[nodiscard]] KnThreadCtx context() const {
        KnThreadCtx seen{};
        seen.pc = pc;
        seen.sp = sp;
        __builtin_memcpy(seen.arguments, arguments, sizeof arguments);
        __builtin_memcpy(seen.words, words, sizeof words);
        return seen;
    }
    [[nodiscard]] bool set_context(const KnThreadCtx& from, uword limit) {
        if (from.pc >= limit) return false;
        if (user == nullptr) pc = from.pc;
        sp = from.sp;
        __builtin_memcpy(arguments, from.arguments, sizeof arguments);
        __builtin_memcpy(words, from.words, sizeof words);
        return true;
    }

    // A new thread: starts at `entry` with `stack` and its argument in the first argument register.
    void start(VirtAddr entry, VirtAddr stack, u64 argument) {
        host::forget(user != nullptr ? user : outer);
        *this = Frame{};
        pc = entry.raw();
        sp = stack.raw();
        arguments[0] = argument;
    }
    void start_supervisor(VirtAddr entry, VirtAddr stack, u64 argument) {
        start(entry, stack, argument);
        mode = Mode::supervisor;
    }
    [[nodiscard]] bool supervisor() const { return mode != Mode::user; }
    void call_handler(VirtAddr entry, VirtAddr stack, VirtAddr, const u64 (&given)[3]) {
        outer = std::exchange(user, nullptr);
        mode = Mode::handler;
        pc = entry.raw();
        sp = stack.raw() - sizeof(u64); // below the return address
        __builtin_memcpy(arguments, given, sizeof given);
    }
    void after_handler(bool) {}
};

// What handlers see of a thread's registers is the frame itself.
static_assert(__builtin_offsetof(Frame, words) == __builtin_offsetof(KnThreadCtx, words));

} // namespace chorale::machine
