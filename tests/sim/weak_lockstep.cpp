#include "tests/sim/weak_lockstep.hpp"

#include "arch/host/memory.hpp"
#include "tests/sim/workload.hpp"

#include <fmt/format.h>

#include <machine/mmu.hpp>

namespace chorale::sim {

namespace {

[[nodiscard]] const char* text(weak::Access access) {
    switch (access) {
    case weak::Access::read:
        return "reads";
    case weak::Access::write:
        return "writes";
    case weak::Access::load:
        return "loads";
    default:
        return "stores";
    }
}

[[nodiscard]] std::string text(const weak::Party& party) {
    return fmt::format("CPU {} {} {} bytes at {:#x}, pc {:#x}", party.cpu, text(party.access), party.size,
                       party.address, party.pc - 1);
}

} // namespace

void WeakLockstep::become_weak(WeakChooser& chooser, unsigned count) {
    chooser_ = &chooser;
    weak::install(*this, {.arena = machine::memory_base(), .arena_size = memory_bytes});
    weak::reset(count);
    for (CpuIndex cpu = 0; cpu < count; ++cpu) {
        weak::set_stack(cpu, stack_of(cpu).base, stack_of(cpu).size);
        in_nucleus_[cpu] = true; // where it idles
    }
    host::on_memory_reuse([](void* memory, std::size_t size) { weak::forget(memory, size); });
}

void WeakLockstep::enters_nucleus() {
    if (chooser_ == nullptr) return;
    in_nucleus_[running_cpu()] = true;
    weak::enter(running_cpu());
}

void WeakLockstep::leaves_nucleus() {
    if (chooser_ == nullptr) return;
    in_nucleus_[running_cpu()] = false;
    weak::leave();
}

void WeakLockstep::goes_on(const host::Cpu* cpu) {
    if (chooser_ == nullptr) return;
    if (cpu != nullptr && in_nucleus_[cpu->index]) {
        weak::enter(cpu->index);
    } else {
        weak::leave();
    }
}

void WeakLockstep::ring(CpuIndex target) {
    if (chooser_ != nullptr) weak::ring(running_cpu(), target);
    Lockstep::ring(target);
}

void WeakLockstep::delivers() {
    if (chooser_ != nullptr) weak::deliver(running_cpu());
}

void WeakLockstep::schedule_point(weak::Access, const void*) { boundary(host::Boundary::atomic); }

unsigned WeakLockstep::choose(unsigned count, weak::Choice) { return chooser_->older(count); }

void WeakLockstep::race(const weak::Race& race) {
    failed(fmt::format("data race: {}; {}", text(race.earlier), text(race.later)));
}

} // namespace chorale::sim
