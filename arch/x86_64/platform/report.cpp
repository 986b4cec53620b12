// Registers and the frame-pointer walk, for a nucleus that may be in any state: no lock, no memory, no GS,
// and no load from an address that was not checked.
#include "arch/x86_64/cpu/descriptors.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/trap/trap_frame.hpp"
#include "kernel/base/log.hpp"

#include <machine/report.hpp>

namespace chorale::machine {

namespace {

extern "C" const u8 chorale_image_begin[], chorale_text_end[], chorale_boot_stack_bottom[],
    chorale_boot_stack_top[];

constexpr unsigned trace_limit = 32;

struct Range {
    uword begin, end;
    [[nodiscard]] bool holds(uword address, uword length) const {
        return address >= begin && address < end && end - address >= length;
    }
};

// The mapped stack that `address` lies in; empty when it is in none.
[[nodiscard]] Range stack_around(uword address) {
    const Range early{reinterpret_cast<uword>(chorale_boot_stack_bottom),
                      reinterpret_cast<uword>(chorale_boot_stack_top)};
    if (early.holds(address, 1)) return early;
    const Range all{stacks_base, stacks_base + max_cpus * stack_slot_size};
    if (!all.holds(address, 1)) return {};
    const auto cpu = static_cast<CpuIndex>((address - stacks_base) / stack_slot_size);
    const Range main{main_stack_end(cpu) - main_stack_size, main_stack_end(cpu)};
    if (main.holds(address, 1)) return main;
    for (unsigned ist = ist_double_fault; ist < ist_end; ++ist) {
        const Range stack{ist_stack_end(cpu, ist) - ist_stack_size, ist_stack_end(cpu, ist)};
        if (stack.holds(address, 1)) return stack;
    }
    return {};
}

void print(TextSink sink, std::string_view format, std::initializer_list<Argument> arguments) {
    char line[160];
    sink(line, format_to(line, sizeof line, format, arguments.begin(), arguments.size()));
}

} // namespace

CpuIndex cpu_number() {
    const auto here = reinterpret_cast<uword>(__builtin_frame_address(0));
    if (here < stacks_base || here >= stacks_base + max_cpus * stack_slot_size) return 0;
    return static_cast<CpuIndex>((here - stacks_base) / stack_slot_size);
}

void interrupts_off() { asm volatile("cli" ::: "memory"); }

void print_registers(TextSink sink) {
    if (panic_frame != nullptr) {
        const TrapFrame& f = *panic_frame;
        print(sink, "rip {}  rsp {}  rbp {}  flags {}\n",
              {Hex{f.rip}, Hex{f.rsp}, Hex{f.rbp}, Hex{f.rflags}});
        print(sink, "rax {}  rbx {}  rcx {}  rdx {}\n", {Hex{f.rax}, Hex{f.rbx}, Hex{f.rcx}, Hex{f.rdx}});
        print(sink, "rsi {}  rdi {}  r8  {}  r9  {}\n", {Hex{f.rsi}, Hex{f.rdi}, Hex{f.r8}, Hex{f.r9}});
        print(sink, "r10 {}  r11 {}  r12 {}  r13 {}\n", {Hex{f.r10}, Hex{f.r11}, Hex{f.r12}, Hex{f.r13}});
        print(sink, "r14 {}  r15 {}  cs {}  vector {}  error {}\n",
              {Hex{f.r14}, Hex{f.r15}, Hex{f.cs}, f.vector, Hex{f.error}});
    } else {
        const auto frame = reinterpret_cast<uword>(__builtin_frame_address(0));
        print(sink, "rip {}  rbp {}\n",
              {Hex{reinterpret_cast<uword>(__builtin_return_address(0))}, Hex{frame}});
    }
    print(sink, "cr0 {}  cr2 {}  cr3 {}  cr4 {}\n",
          {Hex{read_cr0()}, Hex{read_cr2()}, Hex{read_cr3()}, Hex{read_cr4()}});
    print(sink, "gs  {}  fs  {}\n", {Hex{read_msr(Msr::gs_base)}, Hex{read_msr(Msr::fs_base)}});
}

void backtrace(TraceSink sink) {
    const Range text{reinterpret_cast<uword>(chorale_image_begin), reinterpret_cast<uword>(chorale_text_end)};
    auto frame = reinterpret_cast<uword>(__builtin_frame_address(0));
    if (panic_frame != nullptr) {
        sink(panic_frame->rip, true);
        frame = panic_frame->rbp;
    }
    for (unsigned depth = 0; depth < trace_limit; ++depth) {
        constexpr uword frame_bytes = 2 * sizeof(uword);
        if (frame % sizeof(uword) != 0 || !stack_around(frame).holds(frame, frame_bytes)) return;
        const auto* words = reinterpret_cast<const uword*>(frame);
        if (!text.holds(words[1], 1)) return;
        sink(words[1], false);
        // Stacks grow downwards: a frame that does not lie higher would make a loop.
        if (words[0] <= frame) return;
        frame = words[0];
    }
}

} // namespace chorale::machine
