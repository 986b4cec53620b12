// The rest of the machine contract: floating point, device lines, the end, what a panic shows.
#include "arch/host/cpu.hpp"
#include "arch/host/engine.hpp"
#include "arch/host/machine.hpp"
#include "kernel/base/log.hpp"

#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/fpu.hpp>
#include <machine/halt.hpp>
#include <machine/ipi.hpp>
#include <machine/irq.hpp>
#include <machine/report.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <execinfo.h>

namespace chorale {

namespace host {

namespace {

struct Line {
    std::atomic<u32> target{0}; // seq_cst: rare
    std::atomic<bool> open{false};
};
std::array<Line, device_lines> lines;

} // namespace

void raise_line(unsigned line) {
    Line& raised = lines.at(line);
    if (!raised.open) return;
    Cpu& target = cpu(raised.target);
    target.interrupts.fetch_or(interrupt_first_line << line);
    engine().ring(target.index);
}

} // namespace host

namespace machine {

std::size_t fpu_area_size() { return sizeof host::Cpu::fpu; }

void fpu_init_area(void* area) { std::memset(area, 0, fpu_area_size()); }

void fpu_save(void* area) {
    host::Cpu& cpu = host::this_cpu();
    std::memcpy(area, cpu.fpu, sizeof cpu.fpu);
    std::memset(cpu.fpu, 0, sizeof cpu.fpu); // nobody reads a stranger's
    cpu.fpu_on = false;
}

void fpu_load(const void* area) {
    host::Cpu& cpu = host::this_cpu();
    std::memcpy(cpu.fpu, area, sizeof cpu.fpu);
    cpu.fpu_on = true;
}

unsigned irq_lines() { return host::device_lines; }

bool irq_attach(unsigned line, CpuIndex target) {
    if (line >= host::device_lines) return false;
    host::lines[line].open = false;
    host::lines[line].target = target;
    return true;
}

void irq_unmask(unsigned line) {
    if (line < host::device_lines) host::lines[line].open = true;
}

void irq_mask(unsigned line) {
    if (line < host::device_lines) host::lines[line].open = false;
}

namespace {

constexpr unsigned typing_line = host::device_lines - 1;
std::atomic<bool> listening{false}; // seq_cst: rare
bool line_used = true;

// Either side stores first and looks then: one of the two sees the other.
void raise_if_typed() {
    const char* const typed = console_typed.load();
    if (listening && typed != nullptr && *typed != '\0') host::raise_line(typing_line);
}

} // namespace

unsigned console_line() { return line_used ? typing_line : no_line; }
void use_console_line(bool use) { line_used = use; }

void console_listen(bool on) {
    listening = on;
    raise_if_typed();
}

void console_type(const char* text) {
    console_typed.store(text);
    raise_if_typed();
}

void power_off(int verdict) { host::engine().stop(verdict); }

void restart() { host::engine().stop(verdict_ok); }

void halt() { host::engine().stop(verdict_failure); }

void stop_others() { console_silent = false; } // there will be a report

void print_registers(TextSink sink) {
    const host::Cpu& cpu = host::this_cpu();
    char line[128];
    const int length = std::snprintf(line, sizeof line, "root %#lx alarm %#lx interrupts %#x\n",
                                     static_cast<unsigned long>(cpu.root),
                                     static_cast<unsigned long>(cpu.alarm), cpu.interrupts.load());
    sink(line, static_cast<std::size_t>(length));
}

void backtrace(TraceSink sink) {
    std::array<void*, 32> places{};
    const int count = ::backtrace(places.data(), static_cast<int>(places.size()));
    for (int i = 0; i < count; ++i) sink(reinterpret_cast<uword>(places[static_cast<unsigned>(i)]), false);
}

CpuIndex cpu_number() { return host::this_cpu().index; }

std::size_t describe_cpu(char* buffer, std::size_t size) {
    constexpr std::string_view text = "a process";
    const std::size_t length = std::min(size, text.size());
    std::memcpy(buffer, text.data(), length);
    return length;
}

std::size_t describe_features(char*, std::size_t) { return 0; }

const char* user_counter() { return "none"; }

} // namespace machine

} // namespace chorale
