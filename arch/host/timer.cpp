// The alarm of a CPU of the host machine.
#include "arch/host/cpu.hpp"
#include "arch/host/engine.hpp"

#include <machine/timer.hpp>

namespace chorale::machine {

namespace {
u64 calendar_time = 0;
}

u64 calendar() { return calendar_time; }
void set_calendar(u64 nanoseconds) { calendar_time = nanoseconds; }

void set_deadline(u64 deadline) {
    host::engine().boundary(host::Boundary::time);
    host::this_cpu().alarm = deadline;
}
void cancel_deadline() { host::this_cpu().alarm = no_deadline; }
u64 deadline() { return host::this_cpu().alarm; }

} // namespace chorale::machine
