// What trap.S calls: sorts interrupts, user exceptions and the nucleus's own.
#include "arch/common/fixup.hpp"
#include "arch/common/secondary_state.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/trap/apic.hpp"
#include "arch/x86_64/trap/io_apic.hpp"
#include "arch/x86_64/trap/trap_frame.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/exit.hpp>
#include <machine/frame.hpp>
#include <machine/mmu.hpp>

namespace chorale::machine {

constinit const TrapFrame* panic_frame = nullptr;

namespace {

enum Exception : unsigned {
    exception_nmi = 2,
    exception_no_fpu = 7,
    exception_double_fault = 8,
    exception_page_fault = 14,
    exception_machine_check = 18,
    exception_count = 32,
};

constexpr const char* names[exception_count] = {
    "divide error",
    "debug trap",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound exceeded",
    "invalid opcode",
    "no floating point",
    "double fault",
    "coprocessor overrun",
    "invalid task state",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved exception 15",
    "x87 exception",
    "alignment check",
    "machine check",
    "SIMD exception",
    "virtualization",
    "control protection",
    "reserved exception 22",
    "reserved exception 23",
    "reserved exception 24",
    "reserved exception 25",
    "reserved exception 26",
    "reserved exception 27",
    "hypervisor injection",
    "VMM communication",
    "security exception",
    "reserved exception 31",
};

constexpr u64 error_present = 1, error_write = 2, error_user = 4, error_fetch = 16;

// An access by the program itself. Others, of the CPU to its tables, and of some emulators while they return
// far, are not the page's fault: the page is there already.
[[nodiscard]] bool by_program(u64 error) {
    constexpr u64 ordinary = error_present | error_write | error_user | error_fetch;
    return (error & error_user) != 0 && (error & ~ordinary) == 0;
}

[[nodiscard]] Status resolve(u64 address, u64 error, FaultBy by) {
    const Protection access = (error & error_fetch) != 0   ? Protection::execute
                              : (error & error_write) != 0 ? Protection::write
                                                           : Protection::read;
    return on_page_fault(VirtAddr{address}, access, by);
}

// A copy from or to user memory faulted: again, if the page is there now, else go on at its failure exit.
[[nodiscard]] bool fix_up(TrapFrame& frame, u64 address) {
    const u64 target = fixup_for(frame.rip);
    if (target == 0) return false;
    const bool page = frame.vector == exception_page_fault;
    if (!page || resolve(address, frame.error, FaultBy::copy) != Status::ok) frame.rip = target;
    return true;
}

// The same for a function of the nucleus that a supervisor thread runs as its own.
[[nodiscard]] bool fix_up(Frame& frame) {
    const u64 target = frame.supervisor() ? fixup_for(frame.pc) : 0;
    if (target == 0) return false;
    const bool page = frame.vector == exception_page_fault;
    if (!page || resolve(read_cr2(), frame.error, FaultBy::program) != Status::ok) frame.pc = target;
    return true;
}

void handle_interrupt(unsigned vector) {
    if (vector == vector_doorbell) {
        apic_acknowledge();
        on_doorbell();
    } else if (vector == vector_timer) {
        apic_acknowledge();
        on_timer();
    } else if (vector >= vector_device && vector < vector_device_end) {
        const unsigned line = vector - vector_device;
        io_apic_arrived(line);
        apic_acknowledge();
        on_device(line);
    } else if (vector == vector_error) {
        apic_acknowledge();
    }
    // What is left, spurious interrupts of the APIC and of the 8259s, must not be acknowledged.
}

// A supervisor thread ran out of its stack: the page fault could not be pushed. The IST stack is left for
// good; nothing of what lies there is needed.
[[noreturn]] void end_overflow() {
    const Thread& thread = *this_cpu().current;
    on_exception({"stack overflow", exception_double_fault, 0, read_cr2(), thread.frame.pc});
}

[[nodiscard]] bool supervisor_overflow(const TrapFrame& frame) {
    const u64 bit = u64{1} << NUCLEUS_STACK_BIT;
    return frame.vector == exception_double_fault && (frame.cs & 3) == 0 && (frame.rsp & bit) == 0 &&
           this_cpu().current != nullptr && in_supervisor_mode(*this_cpu().current);
}

void take_over(const TrapFrame& from, Frame& to) {
    to.pc = from.rip;
    to.sp = from.rsp;
    to.flags = from.rflags;
    to.exit = EXIT_SUPERVISOR;
    to.vector = from.vector;
}

[[noreturn]] void die(const TrapFrame& frame, u64 address) {
    panic_frame = &frame;
    const unsigned vector = static_cast<unsigned>(frame.vector);
    panic(names[vector], vector == exception_page_fault ? address : frame.rip);
}

} // namespace

extern "C" {
void chorale_interrupt(unsigned vector);
[[noreturn]] void chorale_trap_from_user(Frame* frame);
[[noreturn]] void chorale_foreign_call();
void chorale_trap_from_nucleus(TrapFrame* frame);
void chorale_trap_anywhere(const TrapFrame* frame);
}

void chorale_interrupt(unsigned vector) { handle_interrupt(vector); }

void chorale_foreign_call() { on_foreign_call(); }

void chorale_trap_from_user(Frame* frame) {
    const unsigned vector = static_cast<unsigned>(frame->vector);
    if (vector >= exception_count) {
        handle_interrupt(vector);
        leave();
    }
    if (fix_up(*frame)) leave();
    if (vector == exception_no_fpu && !frame->supervisor()) on_fpu_use();
    const bool page = vector == exception_page_fault;
    const u64 address = page ? read_cr2() : 0;
    const bool may_come = page && by_program(frame->error);
    const Status status = may_come ? resolve(address, frame->error, FaultBy::program) : Status::fault;
    if (status == Status::ok) leave();
    const char* const what = status == Status::no_memory ? "no memory for a page" : names[vector];
    on_exception({what, vector, frame->error, address, frame->pc});
}

void chorale_trap_from_nucleus(TrapFrame* frame) {
    const u64 address = frame->vector == exception_page_fault ? read_cr2() : 0;
    if (fix_up(*frame, address)) return;
    die(*frame, address);
}

// Touches no lock on the way to stop_here(): the CPU may have been stopped while it held any.
void chorale_trap_anywhere(const TrapFrame* frame) {
    if (frame->vector == exception_nmi) {
        if (stop_requested()) stop_here();
        return; // nobody's: some firmware and emulators send them
    }
    if (supervisor_overflow(*frame)) {
        take_over(*frame, this_cpu().current->frame);
        on_cpu_stack(end_overflow);
    }
    panic_frame = frame;
    panic(names[frame->vector], frame->rip);
}

} // namespace chorale::machine
