// The end of the nucleus: everything stops, then one report, then the verdict for whoever runs the machine.
// Uses no lock and no memory: a CPU may have been stopped while it held any lock.
#include "kernel/base/log.hpp"
#include "kernel/call/names.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/main/symbols.hpp"

#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/halt.hpp>
#include <machine/ipi.hpp>
#include <machine/report.hpp>

#include <atomic>
#include <initializer_list>

namespace chorale {

namespace {

constexpr u32 nobody = ~u32{0};
constinit std::atomic<u32> reporter{nobody}; // the CPU whose panic it is

void put_text(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) {
        if (text[i] == '\n') machine::put('\r');
        machine::put(text[i]);
    }
}

void print(std::string_view format, std::initializer_list<Argument> arguments) {
    char line[256];
    put_text(line, format_to(line, sizeof line, format, arguments.begin(), arguments.size()));
}

void print_place(uword address, bool exact) {
    // A call that never returns may be a function's last instruction: look up the call, not what follows it.
    symbols::Place place = symbols::find(exact ? address : address - 1);
    if (!exact) ++place.offset;
    if (place.name.empty()) {
        print("  {}\n", {Hex{address}});
    } else {
        print("  {} {} + {}\n", {Hex{address}, place.name, Hex{place.offset}});
    }
}

// Whose work it was. The call is the thread's last one that may block; leaf calls leave no trace.
void print_current(CpuIndex cpu) {
    if (cpu >= cpu_count()) return; // too early for threads
    const Thread* const thread = cpu_at(cpu).current;
    if (thread == nullptr) {
        print("no thread\n", {});
        return;
    }
    if (at_interrupt_level(*thread)) {
        print("interrupt level, actor {}\n", {std::string_view{thread->actor->name}});
        return;
    }
    print("actor {} thread {}, last call {}\n",
          {std::string_view{thread->actor->name}, thread->lid,
           call_name(static_cast<unsigned>(thread->frame.call_number()))});
}

} // namespace

void panic(std::string_view reason, u64 value) {
    machine::interrupts_off();
    const CpuIndex cpu = machine::cpu_number();
    u32 first = nobody;
    // relaxed: the number itself is all that counts
    if (reporter.compare_exchange_strong(first, cpu, std::memory_order_relaxed)) {
        machine::stop_others();
        console_abandon_lock();
        print("\n@panic {} ({})\n", {reason, Hex{value}});
        print("cpu {}\n", {cpu});
        print_current(cpu);
        machine::print_registers(put_text);
        print("backtrace:\n", {});
        machine::backtrace(print_place);
        print("@endpanic\n", {});
    } else if (first == cpu) {
        print("\npanic in the panic: {} ({})\n@endpanic\n", {reason, Hex{value}});
    } else {
        machine::halt(); // another CPU was first; its report is the one that counts
    }
    machine::power_off(machine::verdict_panic);
}

} // namespace chorale
