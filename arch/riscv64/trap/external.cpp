// Device interrupts, whatever controller brings them, and the boot-time check irq=check that they come.
#include "arch/riscv64/trap/external.hpp"

#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/platform/uart.hpp"
#include "arch/riscv64/trap/aplic.hpp"
#include "arch/riscv64/trap/plic.hpp"
#include "kernel/base/log.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/boot/command_line.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"

#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/irq.hpp>
#include <machine/smp.hpp>
#include <machine/timer.hpp>

namespace chorale::machine {

namespace {

constinit const Controller* controller = nullptr; // written before other CPUs run

struct alignas(cache_line) Served {
    bool started; // the controller serves this CPU
    unsigned arrivals, last_line;
};
constinit Served served[max_cpus]{}; // each used by its CPU alone

constinit bool checks = false; // irq=check

constexpr unsigned claims_at_once = 32; // what is left comes again as soon as interrupts are let in

} // namespace

const boot::device_tree::Cpu* find_hart(u32 local_controller) {
    for (const auto& cpu : firmware().cpus.all()) {
        if (cpu.controller == local_controller && local_controller != 0) return &cpu;
    }
    return nullptr;
}

bool HartPositions::add(u64 hart, u32 position) {
    for (unsigned i = 0; i < count_; ++i) {
        if (entries_[i].hart == hart) return false;
    }
    if (count_ == max_cpus) return false;
    entries_[count_++] = {hart, position};
    return true;
}

std::optional<u32> HartPositions::find(CpuIndex cpu) const {
    for (unsigned i = 0; i < count_; ++i) {
        if (entries_[i].hart == hardware_id(cpu)) return entries_[i].position;
    }
    return {};
}

void external_start() {
    checks =
        boot::parse_command_line(firmware().command_line, [](const boot::CommandLineProblem&) {}).irq_check;
    controller = aplic_start();
    if (controller == nullptr) controller = plic_start();
    if (controller == nullptr) {
        return log("irq: no interrupt controller for supervisor mode: device interrupts are off");
    }
    log("irq: {} lines through the {}", controller->lines - 1, controller->name);
}

void external_interrupt() {
    Served& here = served[this_cpu().index];
    if (!here.started) {
        CHORALE_CLEAR_CSR("sie", u64{1} << cause_external); // nobody can acknowledge it
        return;
    }
    for (unsigned i = 0; i < claims_at_once; ++i) {
        const unsigned line = controller->claim();
        if (line == 0) return;
        ++here.arrivals;
        here.last_line = line;
        on_device(line);
    }
}

unsigned irq_lines() { return controller == nullptr ? 0 : controller->lines; }

bool irq_attach(unsigned line, CpuIndex target) {
    return line < irq_lines() && controller->attach(line, target);
}
void irq_mask(unsigned line) {
    if (line != 0 && line < irq_lines()) controller->mask(line);
}
void irq_unmask(unsigned line) {
    if (line != 0 && line < irq_lines()) controller->unmask(line);
}

unsigned console_line() {
    const auto& console = firmware().console;
    const bool connected =
        controller != nullptr && console.interrupt_parent == controller->phandle && console_interrupt(false);
    return connected ? console.interrupt : no_line;
}

namespace {

constinit SpinLock checking{}; // there is one console to check with

// Whether an interrupt comes within a time; then it must be the line's. Looks at least once, however slow
// this is.
[[nodiscard]] bool arrives(CpuIndex cpu, unsigned line, u64 patience) {
    const unsigned before = served[cpu].arrivals;
    for (const u64 end = now() + patience;;) {
        interrupt_window();
        if (served[cpu].arrivals != before) return served[cpu].last_line == line;
        if (now() >= end) return false;
    }
}

// The console's interrupt, which it asks for while it has nothing to send: none while the line is masked, one
// for each unmasking, none when the console is quiet, or one: a controller may remember that the line was up.
// `only_rising`: not one for the unmasking of a line that stayed up; QEMU 7.2's PLIC is like that.
[[nodiscard]] const char* check_line(CpuIndex cpu, unsigned line, bool& only_rising) {
    constexpr u64 short_time = 2'000'000, long_time = 500'000'000; // nanoseconds
    if (!irq_attach(line, cpu)) return "cannot be attached";
    (void)console_interrupt(true);
    if (arrives(cpu, line, short_time)) return "came while it was masked";
    irq_unmask(line);
    if (!arrives(cpu, line, long_time)) return "did not arrive";
    (void)console_interrupt(false);
    (void)console_interrupt(true);
    if (arrives(cpu, line, short_time)) return "came again before it was unmasked";
    irq_unmask(line);
    if (!arrives(cpu, line, long_time)) return "did not arrive again";
    irq_unmask(line);
    only_rising = !arrives(cpu, line, short_time);
    (void)console_interrupt(false);
    irq_unmask(line);
    if (arrives(cpu, line, short_time)) irq_unmask(line);
    if (arrives(cpu, line, short_time)) return "came without a cause";
    return "arrived";
}

void check(CpuIndex cpu) {
    const auto& console = firmware().console;
    checking.lock();
    if (console_line() == no_line) {
        log("irq: nothing to check with: the console has no line of a controller in use");
    } else {
        bool only_rising = false;
        const char* result = check_line(cpu, console.interrupt, only_rising);
        (void)console_interrupt(false);
        irq_mask(console.interrupt);
        log("irq: line {} {} on cpu {} through the {}{}", console.interrupt, result, cpu, controller->name,
            only_rising ? ", which looks at it only when it rises" : "");
    }
    checking.unlock();
}

} // namespace

void external_start_cpu(CpuIndex cpu) {
    if (controller != nullptr) {
        served[cpu].started = controller->start_cpu(cpu);
        if (served[cpu].started) {
            CHORALE_SET_CSR("sie", u64{1} << cause_external);
        } else {
            log("irq: the {} does not serve hart {}", controller->name, hardware_id(cpu));
        }
    }
    if (checks) check(cpu);
}

} // namespace chorale::machine
