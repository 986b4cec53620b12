// The nucleus never returns from an entry: it resumes some thread. Here that is a jump back to the bottom of
// the CPU's stack, where the loop in play() runs the thread's program until it traps again.
#include "arch/host/dispatch.hpp"

#include "arch/host/engine.hpp"
#include "arch/host/native.hpp"
#include "arch/host/task.hpp"
#include "arch/host/user.hpp"
#include "fastpath/registers.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/trace/recorder.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>
#include <machine/call_entry.hpp>
#include <machine/cpu_fields.hpp>
#include <machine/exit.hpp>
#include <machine/mmu.hpp>
#include <machine/supervisor.hpp>

#include <cstdlib>

namespace chorale {

// What the entry code of every machine knows of kernel/call/table.cpp.
extern "C" {
struct LeafTable {
    void (*entry[chorus::first_block_call])();
};
struct BlockTable {
    void (*entry[chorus::call_limit])();
};
extern LeafTable leaf_call_table;
extern BlockTable block_call_table, interrupt_call_table;
[[noreturn]] CHORALE_NO_RETURN_CALL void handler_returned(u64 result);
[[noreturn]] CHORALE_NO_RETURN_CALL void block_return(long result, Thread* thread);
[[noreturn]] CHORALE_NO_RETURN_CALL void message_call_entry(Thread* thread);
}

namespace host {

namespace {

CallEntry call_entry = CallEntry::fast; // of every CPU that no trace has another for

enum Jump : int { jump_go_on = 1, jump_end = 2 };

// As the assembly of the real machines calls it: whatever the handler's parameters are.
[[clang::no_sanitize("function")]] long call_handler(void (*entry)(), const u64* a) {
    return reinterpret_cast<long (*)(u64, u64, u64, u64, u64, u64)>(entry)(a[0], a[1], a[2], a[3], a[4],
                                                                           a[5]);
}

void enter_message(Cpu& cpu, Thread& thread, u64 number) {
    machine::Frame& frame = thread.frame;
    const bool fast = call_entry == CallEntry::fast && !cpu.traced;
    if (!fast || number >= MESSAGE_SEND || frame.supervisor()) message_call_entry(&thread);
    frame.store_words(cpu.words);
    if (number == MESSAGE_CALL) {
        fast_call(&thread, frame.name, frame.tail, frame.control);
    } else {
        fast_reply_receive(&thread, frame.name, frame.tail, frame.control);
    }
}

// In supervisor mode while a trace runs, what a wrapper in the tables would tell.
[[nodiscard]] long call_by_table(const Cpu& cpu, const machine::Frame& frame, void (*entry)(), u64 number) {
    const u64* const a = frame.arguments;
    if (!cpu.traced || !frame.supervisor()) return call_handler(entry, a);
    return chorale_traced_gate(a[0], a[1], a[2], a[3], a[4], a[5], number);
}

// Whether it has turned interrupts off, which only supervisor mode can.
[[nodiscard]] bool masked(const Thread& thread) {
    return thread.frame.supervisor() && chorale::this_cpu().interrupt_masks != 0;
}

[[nodiscard]] bool message_in_registers(u64 number) {
    return number == MESSAGE_CALL || number == MESSAGE_REPLY_RECEIVE || number == MESSAGE_SEND ||
           number == MESSAGE_RECEIVE;
}

void tell_trace(const machine::Frame& frame, bool foreign) {
    const u64* const a = frame.arguments;
    const auto number = static_cast<u32>(frame.call_number());
    if (!foreign && message_in_registers(number)) {
        note_call(traced_message(number, frame.name, frame.tail,
                                 (frame.control & MESSAGE_SIZE_MASK) >> MESSAGE_SIZE_SHIFT));
    } else {
        note_call(
            {static_cast<u32>(frame.control >> MESSAGE_NUMBER_SHIFT), foreign, {a[0], a[1], a[2], a[3]}});
    }
}

void enter_call(Cpu& cpu, Thread& thread) {
    machine::Frame& frame = thread.frame;
    const u64 number = frame.control >> MESSAGE_NUMBER_SHIFT; // with a message's flags above it
    const u64 message = frame.call_number();
    if (cpu.traced && !frame.supervisor()) tell_trace(frame, false);
    if (message_in_registers(message)) {
        engine().note("call", message, frame.name);
        enter_message(cpu, thread, message);
        return;
    }
    engine().note("call", number, frame.arguments[0]);
    if (number < chorus::first_block_call) {
        frame.set_result(call_by_table(cpu, frame, leaf_call_table.entry[number], number));
        if (chorale::this_cpu().pending != 0 && !masked(thread)) leave();
        return;
    }
    const u64 known = number < chorus::call_limit ? number : 0; // which answers as for one that is nobody's
    const long result = call_by_table(cpu, frame, block_call_table.entry[known], known);
    block_return(result, &thread);
}

// One turn of the thread's program.
[[nodiscard]] Trap run_program(Cpu& cpu, Thread& thread) {
    machine::Frame& frame = thread.frame;
    if (frame.user == nullptr) {
        const bool of_nucleus = frame.supervisor() && frame.pc < machine::supervisor_begin;
        const bool may = of_nucleus || machine::user_byte(VirtAddr{frame.pc}, Protection::execute) != nullptr;
        if (may) frame.user = begin_thread(frame);
        // A fault there would be tried again for ever: the nucleus finds nothing wrong with the page.
        if (frame.user == nullptr && may && !frame.supervisor()) return {TrapKind::no_program};
        if (frame.user == nullptr) return {TrapKind::fault, frame.pc, Protection::execute};
    }
    UserThread& user = *frame.user;
    // A handler of the fault may have gone past the access, or the nucleus have ended the LAP that made it.
    if (user.trap.kind == TrapKind::fault && frame.pc != user.fault_pc) {
        user.trap = {};
        if (frame.pc != machine::lap_failed().raw()) frame.pc = user.fault_pc;
    }
    // The instruction that trapped is tried again; another thread may have had the CPU meanwhile.
    if (user.trap.kind == TrapKind::fpu && !cpu.fpu_on) return user.trap;
    if (user.trap.kind == TrapKind::fault && !user.trap.again(user.trap.what)) return user.trap;
    cpu.running = &user;
    if (user.native != nullptr) {
        user.native->enter();
    } else {
        user.trap = {TrapKind::exit};
        user.next.resume();
    }
    user.fault_pc = frame.pc;
    cpu.running = nullptr;
    return user.trap;
}

// A program that comes to its end: its thread ends itself.
void enter_exit(Cpu& cpu, Thread& thread, u64 result) {
    if (thread.frame.mode == machine::Frame::Mode::handler) {
        end_handler(thread.frame);
        handler_returned(result);
    }
    thread.frame.control = static_cast<u64>(Call::threadDelete) << MESSAGE_NUMBER_SHIFT;
    thread.frame.arguments[0] = 0;
    thread.frame.arguments[1] = static_cast<u64>(K_MYSELF);
    enter_call(cpu, thread);
}

// The first part that is missing of what was accessed.
[[nodiscard]] VirtAddr fault_address(const Trap& trap) {
    const VirtAddr begin{trap.address}, end = begin + trap.size;
    for (VirtAddr at = begin; at < end; at = at.page_floor() + page_size) {
        if (machine::user_byte(at, trap.access) == nullptr) return at;
    }
    return begin;
}

void user_mode(Cpu& cpu) {
    engine().boundary(Boundary::user);
    if (engine().interrupted() && !masked(*chorale::this_cpu().current)) {
        engine().enters_nucleus();
        engine().interrupt_window();
        leave();
    }
    Thread& thread = *chorale::this_cpu().current;
    const Trap trap = run_program(cpu, thread);
    engine().boundary(Boundary::enter);
    engine().enters_nucleus();
    switch (trap.kind) {
    case TrapKind::call:
        enter_call(cpu, thread);
        break;
    case TrapKind::fpu:
        on_fpu_use();
    case TrapKind::fault: {
        const VirtAddr address = fault_address(trap);
        // As on the real machines: in supervisor mode only copies bring pages in.
        const Status status =
            thread.frame.supervisor() ? Status::fault : on_page_fault(address, trap.access, FaultBy::program);
        if (status == Status::ok) leave();
        const char* const name = status == Status::no_memory ? "no memory for a page" : "page fault";
        on_exception({name, 14, 0, address.raw(), thread.frame.pc});
    }
    case TrapKind::breakpoint:
        on_exception({"breakpoint", K_TRAP_BREAKPOINT, 0, 0, thread.frame.pc});
    case TrapKind::no_program:
        on_exception({"invalid opcode", 6, 0, 0, thread.frame.pc});
    case TrapKind::foreign:
        if (cpu.traced) tell_trace(thread.frame, true);
        on_foreign_call();
    case TrapKind::exit:
        enter_exit(cpu, thread, trap.address);
        break;
    case TrapKind::pause:
    case TrapKind::none:
        break;
    }
}

} // namespace

void play(Cpu& cpu, void (*first)()) {
    become(cpu);
    cpu.next = first;
    if (_setjmp(cpu.bottom) == jump_end) return;
    for (;;) {
        if (cpu.next != nullptr) {
            engine().enters_nucleus();
            std::exchange(cpu.next, nullptr)();
        }
        engine().leaves_nucleus();
        user_mode(cpu);
    }
}

// Not _longjmp: the thread sanitizer does not know that one, and would believe the frames to be still there.
void leave_cpu() { longjmp(this_cpu().bottom, jump_end); }

long call_at_interrupt_level(unsigned number, const u64* arguments) {
    return call_handler(interrupt_call_table.entry[number], arguments);
}

void handle_interrupts(u32 interrupts, bool alarm) {
    if (alarm) {
        this_cpu().alarm = machine::no_deadline;
        on_timer();
    }
    if ((interrupts & interrupt_doorbell) != 0) on_doorbell();
    for (unsigned line = 0; line < device_lines; ++line) {
        if ((interrupts >> line & interrupt_first_line) != 0) on_device(line);
    }
}

} // namespace host

extern "C" {

CHORALE_REGISTER_CALL void fast_slow(CHORALE_MESSAGE_PARAMETERS) {
    static_cast<void>(name);
    static_cast<void>(tail);
    static_cast<void>(control);
    message_call_entry(thread); // all of it is in the frame already
}

CHORALE_REGISTER_CALL void fast_exit(CHORALE_MESSAGE_PARAMETERS) {
    if (thread->frame.supervisor()) std::abort(); // where the real ones would go to user mode
    const u64 size = (control & MESSAGE_SIZE_MASK) >> MESSAGE_SIZE_SHIFT;
    thread->frame.load_words(host::this_cpu().words);
    thread->frame.set_message_result(static_cast<long>(size), name, tail);
}

CHORALE_REGISTER_CALL void fast_exit_thread_pointer(CHORALE_MESSAGE_PARAMETERS) {
    fast_exit(thread, name, tail, control);
}
}

namespace machine {

void use_call_entry(CallEntry entry) {
    host::this_cpu().traced = entry == CallEntry::traced;
    if (entry != CallEntry::traced) host::call_entry = entry;
}

void resume(const Frame&, u64 root) {
    if (root != this_cpu::space_root()) {
        this_cpu::set_space_root(root);
        load_root(root);
    }
    longjmp(host::this_cpu().bottom, host::jump_go_on);
}

void on_cpu_stack(void (*next)()) {
    host::this_cpu().next = next;
    longjmp(host::this_cpu().bottom, host::jump_go_on);
}

} // namespace machine

} // namespace chorale
