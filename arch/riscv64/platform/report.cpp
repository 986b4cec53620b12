// Registers and the frame-pointer walk, for a nucleus that may be in any state: no lock, no memory, no tp,
// and no load from an address that was not checked.
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/stacks.hpp"
#include "arch/riscv64/trap/trap_frame.hpp"
#include "kernel/base/log.hpp"

#include <machine/report.hpp>

namespace chorale::machine {

namespace {

extern "C" const u8 chorale_image_begin[], chorale_text_end[], chorale_boot_stack_bottom[],
    chorale_boot_stack_top[];

constexpr unsigned trace_limit = 32;
constexpr const char* names[31] = {"ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0", "a1",
                                   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5", "s6",
                                   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

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
    const Range all{stacks_base, stacks_base + (max_cpus + 1) * stack_slot_size};
    if (!all.holds(address, 1)) return {};
    const uword slot = round_down(address, stack_slot_size);
    const Range main{slot + MAIN_STACK_BEGIN, slot + MAIN_STACK_END};
    const Range emergency{slot + stack_slot_size - EMERGENCY_STACK_SIZE, slot + stack_slot_size};
    return main.holds(address, 1) ? main : emergency.holds(address, 1) ? emergency : Range{};
}

void print(TextSink sink, std::string_view format, std::initializer_list<Argument> arguments) {
    char line[160];
    sink(line, format_to(line, sizeof line, format, arguments.begin(), arguments.size()));
}

} // namespace

CpuIndex cpu_number() {
    const auto here = reinterpret_cast<uword>(__builtin_frame_address(0));
    if (stack_around(here).begin < stacks_base) return 0;
    // Emergency stacks lie at the end of the slot before.
    return static_cast<CpuIndex>((here + EMERGENCY_STACK_SIZE - stacks_base) / stack_slot_size) - 1;
}

void interrupts_off() { CHORALE_CLEAR_CSR("sstatus", SSTATUS_SIE); }

void print_registers(TextSink sink) {
    if (panic_frame != nullptr) {
        const TrapFrame& frame = *panic_frame;
        print(sink, "pc {}  cause {}  value {}  status {}\n",
              {Hex{frame.pc}, Hex{frame.cause}, Hex{frame.value}, Hex{frame.status}});
        for (unsigned i = 0; i < 31; ++i) {
            print(sink, "{} {}{}", {names[i], Hex{frame.x[i]}, i % 4 == 3 || i == 30 ? "\n" : "  "});
        }
    } else {
        const auto frame = reinterpret_cast<uword>(__builtin_frame_address(0));
        print(sink, "pc {}  s0 {}\n",
              {Hex{reinterpret_cast<uword>(__builtin_return_address(0))}, Hex{frame}});
    }
    print(sink, "satp {}  sepc {}  stvec {}  sscratch {}\n",
          {Hex{CHORALE_READ_CSR("satp")}, Hex{CHORALE_READ_CSR("sepc")}, Hex{CHORALE_READ_CSR("stvec")},
           Hex{CHORALE_READ_CSR("sscratch")}});
}

// A frame's two words, return address and the frame before, lie below where the frame pointer points.
void backtrace(TraceSink sink) {
    const Range text{reinterpret_cast<uword>(chorale_image_begin), reinterpret_cast<uword>(chorale_text_end)};
    auto frame = reinterpret_cast<uword>(__builtin_frame_address(0));
    if (panic_frame != nullptr) {
        sink(panic_frame->pc, true);
        frame = panic_frame->reg(8);
    }
    for (unsigned depth = 0; depth < trace_limit; ++depth) {
        constexpr uword frame_bytes = 2 * sizeof(uword);
        const uword words_at = frame - frame_bytes;
        if (frame % sizeof(uword) != 0 || !stack_around(words_at).holds(words_at, frame_bytes)) return;
        const auto* words = reinterpret_cast<const uword*>(words_at);
        if (!text.holds(words[1], 1)) return;
        sink(words[1], false);
        // Stacks grow downwards: a frame that does not lie higher would make a loop.
        if (words[0] <= frame) return;
        frame = words[0];
    }
}

} // namespace chorale::machine
