// What a user thread did wrong: the console says who, what and where, and its actor goes. Everyone else goes
// on.
#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/deletion.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/trace/recorder.hpp"

#include <machine/cpu.hpp>
#include <machine/fpu.hpp>
#include <machine/mmu.hpp>

namespace chorale {

void delete_faulting(Thread& thread, std::string_view what, u64 address, u64 pc) {
    char name[K_ACTORNAMEMAX];
    read_actor_name(*thread.actor, name);
    log("actor {} thread {}: {} (address {}, pc {}): actor deleted", std::string_view{name}, thread.lid, what,
        Hex{address}, Hex{pc});
    machine::interrupt_window();
    static_cast<void>(delete_actor(thread, *thread.actor));
}

void on_exception(const ExceptionReport& report) {
    this_cpu().counters.exceptions.count();
    note_fault(report.address, report.pc, true);
    Thread& self = *this_cpu().current;
    if (!offer_fault(self, {report.name, report.vector, report.address}))
        delete_faulting(self, report.name, report.address, report.pc);
    leave();
}

void on_foreign_call() {
    Thread& self = *this_cpu().current;
    if (!offer_trap(self, K_TRAP_SYSTEMCALL)) self.frame.set_result(K_ENOTIMP);
    leave();
}

// The first use since the thread got the CPU. Its area is made at its first use ever.
void on_fpu_use() {
    PerCpu& cpu = this_cpu();
    Thread& thread = *cpu.current;
    if (thread.fpu_area == nullptr) {
        const Result<PhysAddr> area = allocate_frames(order_for(machine::fpu_area_size()));
        if (!area.ok()) {
            delete_faulting(thread, "no memory for floating-point registers", 0, thread.frame.pc);
            leave();
        }
        thread.fpu_area = machine::direct<void>(area.value());
        machine::fpu_init_area(thread.fpu_area);
    }
    machine::fpu_load(thread.fpu_area);
    thread.set(flag_fpu);
    cpu.fpu_live = 1;
    leave();
}

} // namespace chorale
