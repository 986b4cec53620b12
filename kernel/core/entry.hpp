// Where the machine comes in: the nucleus's entries other than system calls. All run with interrupts off on
// the CPU's stack. Those that never return leave through leave() or by resuming another thread.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"

#include <machine/call.hpp>

#include <string_view>

namespace chorale {

struct BootInfo;
struct Thread;

struct ExceptionReport {
    const char* name; // what the console prints: "page fault", "invalid opcode"
    unsigned vector;
    u64 error;
    u64 address; // the faulting address where the exception has one, else 0
    u64 pc;
};

[[noreturn]] void nucleus_main(const BootInfo& info);
[[noreturn]] void nucleus_secondary();

// Interrupt level: note the work, never block, return to the handler.
void on_timer();
void on_doorbell();
void on_device(unsigned line);

// The end of every entry that saved a full frame: pending work, then the best thread of this CPU.
[[noreturn]] CHORALE_NO_RETURN_CALL void leave();
// The same, where the current thread most likely goes on.
[[noreturn]] CHORALE_NO_RETURN_CALL void leave_as(Thread& self);

// The current thread, in user mode or by a copy of the nucleus's, touched a page of its space and was
// refused. ok: it may try again; a program perhaps not at once: leave(). Errors: fault, no_memory.
enum class FaultBy : u8 { program, copy };
[[nodiscard]] Status on_page_fault(VirtAddr address, Protection access, FaultBy by);

[[noreturn]] void on_exception(const ExceptionReport& report);
// A system call whose number is not the nucleus's, with all registers in the frame, its pc behind the call.
[[noreturn]] void on_foreign_call();
// The end of a thread's home actor by a fault that nobody deals with.
void delete_faulting(Thread& thread, std::string_view what, u64 address, u64 pc);
[[noreturn]] void on_fpu_use();

} // namespace chorale
