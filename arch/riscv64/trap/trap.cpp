// What trap.S calls: sorts interrupts, user exceptions and the nucleus's own.
#include "arch/common/fixup.hpp"
#include "arch/common/secondary_state.hpp"
#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/trap/external.hpp"
#include "arch/riscv64/trap/trap_frame.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/mem/page_table.hpp"

#include <machine/frame.hpp>
#include <machine/mmu.hpp>
#include <machine/supervisor.hpp>
#include <machine/timer.hpp>
#include <machine/user_access.hpp>

namespace chorale::machine {

constinit const TrapFrame* panic_frame = nullptr;

namespace {

enum Exception : u64 {
    fetch_access = 1,
    illegal_instruction = 2,
    load_access = 5,
    store_access = 7,
    user_call = 8,
    fetch_page = 12,
    load_page = 13,
    store_page = 15,
    exception_count = 16,
};

constexpr const char* names[exception_count] = {
    "misaligned address", "access fault", "illegal instruction", "breakpoint",
    "misaligned address", "access fault", "misaligned address",  "access fault",
    "system call",        "system call",  "reserved exception",  "system call",
    "page fault",         "page fault",   "reserved exception",  "page fault",
};

[[nodiscard]] const char* name_of(u64 cause) {
    return cause < exception_count ? names[cause] : "reserved exception";
}

[[nodiscard]] bool page_fault(u64 cause) {
    return cause == fetch_page || cause == load_page || cause == store_page;
}

[[nodiscard]] bool supervisor_range(VirtAddr address) {
    return address.raw() >= supervisor_begin && address.raw() < supervisor_end;
}

// Whether the tables of the space that is loaded allow an access to user memory or the supervisor range. They
// stay while this runs: who takes a table out of them waits until this hart has been between two entries.
[[nodiscard]] bool allowed(u64 cause, VirtAddr address) {
    const bool user = user_range(address, 1);
    if (!user && !supervisor_range(address)) return false;
    constexpr u64 root_bits = (u64{1} << 44) - 1;
    PageAccount nothing_taken;
    PageTable table;
    table.open(PhysAddr{(CHORALE_READ_CSR("satp") & root_bits) << page_bits}, nothing_taken);
    const std::optional<Translation> found = table.translate(address);
    const Protection needed = cause == fetch_page  ? Protection::execute
                              : cause == load_page ? Protection::read
                                                   : Protection::write;
    return found.has_value() && allows(found->protection, user ? needed | Protection::user : needed);
}

// Allowed by now, but this hart still remembers that it was not: absent entries may be remembered, and nobody
// tells the harts of new ones. Forget, and try again.
[[nodiscard]] bool spurious(u64 cause, VirtAddr address) {
    if (!page_fault(cause) || !allowed(cause, address)) return false;
    // An instruction may reach into the next page, and an emulator may name its first half.
    constexpr uword half = 2;
    if (cause == fetch_page && !allowed(cause, address + half)) return false;
    invalidate_page(address); // and the tables that lead there, which may have been absent too
    return true;
}

[[nodiscard]] Status resolve(u64 cause, VirtAddr address, FaultBy by) {
    if (!page_fault(cause)) return Status::fault;
    if (spurious(cause, address)) return Status::ok;
    const Protection access = cause == fetch_page  ? Protection::execute
                              : cause == load_page ? Protection::read
                                                   : Protection::write;
    return on_page_fault(address, access, by);
}

// A copy from or to user memory faulted: again, if the page is there now, else go on at its failure exit.
[[nodiscard]] bool fix_up(TrapFrame& frame) {
    const u64 target = fixup_for(frame.pc);
    if (target != 0 && resolve(frame.cause, VirtAddr{frame.value}, FaultBy::copy) != Status::ok)
        frame.pc = target;
    return target != 0;
}

// The same for a function of the nucleus that a supervisor thread runs as its own.
[[nodiscard]] bool fix_up(Frame& frame) {
    const u64 target = frame.supervisor() ? fixup_for(frame.pc) : 0;
    if (target != 0 && resolve(frame.cause, VirtAddr{frame.value}, FaultBy::program) != Status::ok)
        frame.pc = target;
    return target != 0;
}

void handle_interrupt(u64 cause) {
    switch (cause & ~interrupt_bit) {
    case cause_software:
        CHORALE_CLEAR_CSR("sip", u64{1} << cause_software);
        // Cleared before anybody looks who rang: a ring that comes after the look interrupts again.
        asm volatile("fence iorw, iorw" ::: "memory");
        if (stop_requested()) stop_here();
        return on_doorbell();
    case cause_timer:
        cancel_deadline(); // the request stays until the deadline is taken back
        return on_timer();
    case cause_external:
        return external_interrupt();
    default:
        return;
    }
}

[[noreturn]] void die(const TrapFrame& frame) {
    panic_frame = &frame;
    panic(name_of(frame.cause), page_fault(frame.cause) ? frame.value : frame.pc);
}

} // namespace

extern "C" {
[[noreturn]] void chorale_trap_from_user(Frame* frame);
void chorale_interrupted(u64 cause);
void chorale_trap_from_nucleus(TrapFrame* frame);
[[noreturn]] void chorale_early_trap(u64 cause, u64 pc, u64 value);
}

void chorale_trap_from_user(Frame* frame) {
    const u64 cause = frame->cause;
    if ((cause & interrupt_bit) != 0) {
        handle_interrupt(cause);
        leave();
    }
    constexpr u64 call_bytes = 4;
    if (cause == user_call) {
        frame->pc += call_bytes;
        on_foreign_call();
    }
    // With FS off an instruction that needs it is illegal. If it still is with FS on, it comes back.
    if (cause == illegal_instruction && features.floating_point &&
        (CHORALE_READ_CSR("sstatus") & SSTATUS_FS) == 0 && !frame->supervisor()) {
        on_fpu_use();
    }
    if (fix_up(*frame)) leave();
    // Each mode may touch its own part only.
    const VirtAddr address{frame->value};
    const bool own = supervisor_range(address) == frame->supervisor();
    const Status status = own ? resolve(cause, address, FaultBy::program) : Status::fault;
    if (status == Status::ok) leave();
    const bool has_address = cause != illegal_instruction;
    const char* const what = status == Status::no_memory ? "no memory for a page" : name_of(cause);
    on_exception({what, static_cast<unsigned>(cause), 0, has_address ? frame->value : 0, frame->pc});
}

void chorale_interrupted(u64 cause) { handle_interrupt(cause); }

void chorale_trap_from_nucleus(TrapFrame* frame) {
    const auto stack = frame->reg(2);
    if (((stack >> MAIN_STACK_BIT) & 1) == 0) {
        panic_frame = frame;
        panic("the nucleus's stack is full", stack);
    }
    // At interrupt level a supervisor actor's memory is touched from here too.
    const VirtAddr address{frame->value};
    if (supervisor_range(address) && spurious(frame->cause, address)) return;
    if (!fix_up(*frame)) die(*frame);
}

void chorale_early_trap(u64 cause, u64 pc, u64 value) {
    log("boot: {} at {}, value {}", (cause & interrupt_bit) != 0 ? "interrupt" : name_of(cause), Hex{pc},
        Hex{value});
    panic("boot: a trap before the nucleus could handle it", pc);
}

} // namespace chorale::machine
