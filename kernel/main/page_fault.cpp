// Page faults that may be no one's fault: pages that come when they are touched.
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"

namespace chorale {

Status on_page_fault(VirtAddr address, Protection access) {
    const PerCpu& cpu = this_cpu();
    if (cpu.current == nullptr) return Status::fault;
    Space& space = *cpu.current->space;
    return space.root() == cpu.space_root ? space.resolve(address, access) : Status::fault;
}

} // namespace chorale
