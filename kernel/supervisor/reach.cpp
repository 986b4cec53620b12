#include "kernel/supervisor/reach.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>

namespace chorale {

namespace {

[[nodiscard]] bool within(VirtAddr start, std::size_t bytes, uword begin, uword end) {
    return start.raw() >= begin && start.raw() <= end && bytes <= end - start.raw();
}

} // namespace

bool supervisor_reach(VirtAddr start, std::size_t bytes) {
    const PerCpu& cpu = this_cpu();
    if (cpu.current == nullptr || !in_supervisor_mode(*cpu.current)) return false;
    if (within(start, bytes, machine::supervisor_begin, machine::supervisor_end)) return true;
    // Variables of an interrupt handler lie on the nucleus's stack, above this.
    const auto here = reinterpret_cast<uword>(__builtin_frame_address(0));
    return at_interrupt_level(*cpu.current) && within(start, bytes, here, cpu.stack_top);
}

} // namespace chorale
