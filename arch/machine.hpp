// The machine contract: everything that portable code may ask of an architecture, checked at compile time.
// Each architecture has a folder arch/<name>/include with these headers; a new one is done when this file
// compiles and the target tests pass.
//
// Context: nucleus code runs with interrupts off, on one stack for each CPU. A thread that blocks leaves
// nothing on that stack: its registers are in its Frame, and resume() picks up any thread from there. What
// architecture code calls in turn is in kernel/core/entry.hpp.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/protection.hpp"

#include <machine/call_entry.hpp>
#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/exit.hpp>
#include <machine/fpu.hpp>
#include <machine/frame.hpp>
#include <machine/halt.hpp>
#include <machine/ipi.hpp>
#include <machine/irq.hpp>
#include <machine/marker.hpp>
#include <machine/mmu.hpp>
#include <machine/report.hpp>
#include <machine/smp.hpp>
#include <machine/supervisor.hpp>
#include <machine/thread_pointer.hpp>
#include <machine/timer.hpp>
#include <machine/user_access.hpp>

#include <concepts>
#include <type_traits>

namespace chorale::contract {

// The user registers of a thread while it is in the nucleus.
template <class F>
concept Frame = std::is_standard_layout_v<F> && std::is_trivially_copyable_v<F> &&
                requires(F& frame, const F& constant, VirtAddr address, u64* words, u64 argument) {
                    { F::message_registers } -> std::convertible_to<unsigned>;
                    { frame.set_result(std::int64_t{}) } -> std::same_as<void>;
                    { constant.result() } -> std::same_as<u64>;
                    {
                        constant.argument(0u)
                    } -> std::same_as<u64>; // 0 to 5, in the order of the C calling convention
                    {
                        frame.load_words(words)
                    } -> std::same_as<void>; // the message words that travel in registers
                    { constant.store_words(words) } -> std::same_as<void>;
                    {
                        frame.start(address, address, argument)
                    } -> std::same_as<void>; // entry, stack, first argument
                    { frame.start_supervisor(address, address, argument) } -> std::same_as<void>;
                    { constant.supervisor() } -> std::same_as<bool>; // goes on in supervisor mode
                    { constant.context() } -> std::same_as<KnThreadCtx>;
                    {
                        frame.set_context(KnThreadCtx{}, argument)
                    } -> std::same_as<bool>; // false: not registers of a user program
                    { frame.call_handler(address, address, address, {argument}) } -> std::same_as<void>;
                    { frame.after_handler(true) } -> std::same_as<void>;
                    { constant.pc } -> std::convertible_to<u64>;
                    { constant.sp } -> std::convertible_to<u64>;
                };

// Page tables, for the portable walker.
template <class G>
concept PageTables = requires(PhysAddr frame, Protection protection, unsigned level, u64 entry) {
    { G::most_levels } -> std::convertible_to<unsigned>;
    { G::levels() } -> std::same_as<unsigned>; // of this machine; known once boot code has looked
    { G::bits_per_level } -> std::convertible_to<unsigned>;
    { G::largest_leaf } -> std::convertible_to<unsigned>;
    { G::make_leaf(frame, protection, level) } -> std::same_as<u64>;
    { G::make_table(frame) } -> std::same_as<u64>;
    { G::present(entry) } -> std::same_as<bool>;
    { G::leaf(entry, level) } -> std::same_as<bool>;
    { G::address(entry) } -> std::same_as<PhysAddr>;
    { G::protection(entry) } -> std::same_as<Protection>;
};

template <class G>
consteval bool leaves_come_back() {
    const PhysAddr frame{large_page_size * 3};
    const Protection choices[] = {Protection::read, Protection::read | Protection::write | Protection::user,
                                  Protection::read | Protection::execute | Protection::user,
                                  Protection::read | Protection::write | Protection::device};
    for (const Protection choice : choices) {
        for (unsigned level = 0; level <= G::largest_leaf; ++level) {
            const u64 entry = G::make_leaf(frame, choice, level);
            if (!G::present(entry) || !G::leaf(entry, level)) return false;
            if (G::address(entry) != frame || G::protection(entry) != choice) return false;
        }
    }
    const u64 table = G::make_table(frame);
    return G::present(table) && !G::leaf(table, 1) && G::address(table) == frame && !G::present(0);
}

// A function of the contract has exactly this type.
template <auto Function, class Type>
concept Is = std::same_as<decltype(Function), Type*> || std::same_as<decltype(Function), Type* const>;

static_assert(Frame<machine::Frame>);
static_assert(PageTables<machine::PageTableGeometry> && leaves_come_back<machine::PageTableGeometry>());
static_assert(machine::PageTableGeometry::largest_leaf >= 1, "the nucleus maps 2 MiB pages");
static_assert(page_size << machine::PageTableGeometry::bits_per_level == large_page_size);
static_assert(std::same_as<decltype(machine::user_limit()), uword>); // page-aligned, below direct_base

// The CPU.
static_assert(std::convertible_to<decltype(machine::name), const char*>);
static_assert(std::convertible_to<decltype(machine::elf_machine), u16>); // of the boot actors
static_assert(Is<&machine::cpu_block, void*()>); // the PerCpu of this CPU, from one register or one load
static_assert(Is<&machine::set_cpu_block, void(void*, CpuIndex)>);
static_assert(Is<&machine::use_call_entry, void(CallEntry)>);
static_assert(std::same_as<decltype(machine::traced_gate), void (*const)()>); // null: it needs none
static_assert(Is<&machine::relax, void()> && Is<&machine::compiler_barrier, void()>);
static_assert(std::same_as<decltype(machine::order_of_dependent_loads), const std::memory_order>);
static_assert(Is<&machine::wait_for_interrupt, void()> && Is<&machine::interrupt_window, void()>);
static_assert(Is<&machine::synchronize_instructions, void()>);     // on this CPU, for code written on another
static_assert(Is<&machine::synchronize_all_instructions, void()>); // on every CPU
static_assert(Is<&machine::user_counter, const char*()>);
static_assert(Is<&machine::cycles, u64()> && Is<&machine::random_seed, u64()>);
static_assert(Is<&machine::describe_cpu, std::size_t(char*, std::size_t)>);
static_assert(Is<&machine::describe_features, std::size_t(char*, std::size_t)>);

// Other CPUs.
static_assert(Is<&machine::discover_cpus, unsigned(unsigned)>);
static_assert(Is<&machine::start_cpus, u64(unsigned, PerCpu* const*)>);
static_assert(Is<&machine::hardware_id, u32(CpuIndex)>);
static_assert(Is<&machine::ring, void(CpuIndex)> && Is<&machine::stop_others, void()>);

// Time and device interrupts.
static_assert(Is<&machine::now, u64()> && Is<&machine::ordered_now, u64()>);
static_assert(Is<&machine::clock_resolution, u64()> && Is<&machine::counter_frequency, u64()>);
static_assert(Is<&machine::calendar, u64()>);
static_assert(Is<&machine::set_deadline, void(u64)> && Is<&machine::cancel_deadline, void()>);
static_assert(Is<&machine::irq_lines, unsigned()> && Is<&machine::irq_attach, bool(unsigned, CpuIndex)>);
static_assert(Is<&machine::irq_mask, void(unsigned)> && Is<&machine::irq_unmask, void(unsigned)>);

// Address spaces.
static_assert(Is<&machine::nucleus_root, u64()> && Is<&machine::make_root, u64(PhysAddr, unsigned, bool)>);
static_assert(Is<&machine::load_root, void(u64)> && Is<&machine::asid_limit, unsigned()>);
static_assert(std::convertible_to<decltype(machine::invalidate_page_limit), unsigned>);
static_assert(Is<&machine::forget_absent_pages, void()>);
static_assert(Is<&machine::invalidate_page, void(VirtAddr)> && Is<&machine::invalidate_asid, void(unsigned)>);
static_assert(Is<&machine::copy_nucleus_half, void(u64*)>);
static_assert(Is<&machine::direct<void>, void*(PhysAddr)> && Is<&machine::physical, PhysAddr(const void*)>);
static_assert(Is<&machine::map_device, void*(PhysAddr, std::size_t)>);

// Supervisor actors: a range of the nucleus half that all spaces have in common, page-aligned, whose tables
// above supervisor_table_level are made at boot; how their threads call the nucleus; what their linker leaves
// to do.
static_assert(machine::supervisor_begin % page_size == 0 && machine::supervisor_end % page_size == 0);
static_assert(std::convertible_to<decltype(machine::supervisor_table_level), unsigned>);
static_assert(Is<&machine::supervisor_root, PhysAddr()> && Is<&machine::invalidate_all, void()>);
static_assert(Is<&machine::call_gate, uword(unsigned)> && Is<&machine::interrupts_on, void()>);
static_assert(Is<&machine::handler_return_address, VirtAddr()>);
static_assert(Is<&machine::supervisor_read, bool(void*, VirtAddr, std::size_t)>);
static_assert(Is<&machine::supervisor_write, bool(VirtAddr, const void*, std::size_t)>);
static_assert(std::same_as<decltype(machine::relocation_relative), const u32>);
static_assert(std::same_as<decltype(machine::relocation_absolute), const u32>);
static_assert(std::same_as<decltype(machine::relocation_global), const u32>);
static_assert(std::same_as<decltype(machine::relocation_jump), const u32>);

// User memory.
static_assert(Is<&machine::user_range, bool(VirtAddr, std::size_t)>);
static_assert(Is<&machine::copy_in, bool(void*, VirtAddr, std::size_t)>);
static_assert(Is<&machine::copy_out, bool(VirtAddr, const void*, std::size_t)>);

// Floating point, the ways to user mode, and the end.
static_assert(Is<&machine::fpu_area_size, std::size_t()> && Is<&machine::fpu_init_area, void(void*)>);
static_assert(Is<&machine::fpu_save, void(void*)> && Is<&machine::fpu_load, void(const void*)>);
static_assert(Is<&machine::load_thread_pointer, void(const machine::Frame&)>);
static_assert(Is<&machine::resume, void(const machine::Frame&, u64)>);
static_assert(Is<&machine::on_cpu_stack, void(void (*)())>);
static_assert(Is<&machine::power_off, void(int)> && Is<&machine::restart, void()>);
static_assert(Is<&machine::halt, void()>);
static_assert(Is<&machine::put, void(char)> && Is<&machine::get, int()>);
static_assert(Is<&machine::console_line, unsigned()> && Is<&machine::console_listen, void(bool)>);
static_assert(Is<&machine::print_registers, void(machine::TextSink)>);
static_assert(Is<&machine::backtrace, void(machine::TraceSink)> && Is<&machine::cpu_number, CpuIndex()>);

} // namespace chorale::contract
