// Page faults that may be no one's fault: pages that come when they are touched, and pages that a mapper has
// to send first.
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/trace/recorder.hpp"

#include <utility>

namespace chorale {

[[gnu::noinline]] static Status fault_specially(VirtAddr address, Protection access, FaultBy by) {
    PerCpu& cpu = this_cpu();
    note_fault(address.raw(), by == FaultBy::program ? cpu.current->frame.pc : 0, false);
    // It must not wait for other CPUs.
    if (cpu.reaching == Reach::direct && by == FaultBy::copy) return Status::fault;
    const Reach before = std::exchange(cpu.reaching, Reach::none);
    const Status status = on_page_fault(address, access, by);
    cpu.reaching = before;
    return status;
}

Status on_page_fault(VirtAddr address, Protection access, FaultBy by) {
    const PerCpu& cpu = this_cpu();
    if (cpu.current == nullptr) return Status::fault;
    Thread& self = *cpu.current;
    Space& space = *self.space;
    if (space.root() != cpu.space_root) return Status::fault;
    if (cpu.reaching != Reach::none) [[unlikely]]
        return fault_specially(address, access, by);
    WantedPage wanted;
    const Status status = space.resolve(address, access, &wanted);
    if (status != Status::busy) [[likely]]
        return status;
    const VirtAddr page = address.page_floor();
    const bool refused = self.paging.refused == page;
    self.paging.refused = VirtAddr{};
    if (by == FaultBy::program && !refused) return await_page(self, wanted, nullptr);
    if (!refused) {
        self.paging.missed = page;
        self.paging.access = access;
    }
    let_go_of_segment(*wanted.segment);
    return Status::fault;
}

} // namespace chorale
