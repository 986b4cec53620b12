#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"

#include <machine/call_entry.hpp>
#include <machine/cpu.hpp>
#include <machine/thread_pointer.hpp>

extern "C" {
void chorale_call_entry();
void chorale_call_entry_fsgsbase();
void chorale_call_entry_slow();
void chorale_call_entry_slow_fsgsbase();
}

namespace chorale::machine {

void use_call_entry(bool fast_path) {
    if (features.fsgsbase) {
        set_call_entry(fast_path ? chorale_call_entry_fsgsbase : chorale_call_entry_slow_fsgsbase);
    } else {
        set_call_entry(fast_path ? chorale_call_entry : chorale_call_entry_slow);
    }
}

void chorale_load_thread_pointer(const Frame& frame) {
    if (features.fsgsbase) {
        asm volatile("wrfsbaseq %0" ::"r"(frame.fs_base));
    } else {
        write_msr(Msr::fs_base, frame.fs_base);
    }
}

} // namespace chorale::machine
