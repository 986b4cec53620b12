#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "kernel/trace/recorder.hpp"

#include <chorus/message_registers.h>
#include <machine/call_entry.hpp>
#include <machine/cpu.hpp>
#include <machine/thread_pointer.hpp>

extern "C" {
void chorale_call_entry();
void chorale_call_entry_fsgsbase();
void chorale_call_entry_slow();
void chorale_call_entry_slow_fsgsbase();
void chorale_call_entry_traced();
}

namespace chorale::machine {

extern "C" {
void chorale_traced_call(const u64* registers);
extern void (*chorale_untraced_entry)(); // where a traced call goes on
void (*chorale_untraced_entry)();
}

void use_call_entry(CallEntry entry) {
    using Function = void (*)();
    constexpr Function entries[][2] = {
        {chorale_call_entry, chorale_call_entry_slow},
        {chorale_call_entry_fsgsbase, chorale_call_entry_slow_fsgsbase},
    };
    const Function(&own)[2] = entries[features.fsgsbase ? 1 : 0];
    chorale_untraced_entry = own[1];
    set_call_entry(entry == CallEntry::traced ? chorale_call_entry_traced
                                              : own[entry == CallEntry::slow ? 1 : 0]);
}

// rdi rsi rdx r10 r8 r9 rax: as chorus/machine_registers.h has them.
void chorale_traced_call(const u64* registers) {
    const u64 control = registers[6], index = control - CHORUS_CALL_BASE;
    const auto number = static_cast<u32>(control);
    const auto message = [&](u32 which) {
        note_call(traced_message(which, registers[5], registers[3],
                                 (control & MESSAGE_SIZE_MASK) >> MESSAGE_SIZE_SHIFT));
    };
    if (number >= MESSAGE_REPLY_NUMBER - 1) return message(MESSAGE_REPLY_RECEIVE);
    if (number >= MESSAGE_CALL_NUMBER) return message(MESSAGE_CALL);
    const bool foreign = number < CHORUS_CALL_BASE;
    const u32 low = index & 0xff;
    if (!foreign && (low == MESSAGE_SEND || low == MESSAGE_RECEIVE)) return message(low);
    note_call({foreign ? number : static_cast<u32>(index),
               foreign,
               {registers[0], registers[1], registers[2], registers[3]}});
}

void chorale_load_thread_pointer(const Frame& frame) {
    if (features.fsgsbase) {
        asm volatile("wrfsbaseq %0" ::"r"(frame.fs_base));
    } else {
        write_msr(Msr::fs_base, frame.fs_base);
    }
}

} // namespace chorale::machine
