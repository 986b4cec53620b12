// The host machine's clock.
#include <machine/timer.hpp>

#include <atomic>

namespace chorale::machine {

namespace {

std::atomic<u64> clock_now{0};
thread_local u64 alarm = no_deadline;

} // namespace

u64 now() { return clock_now.load(); }
void set_clock(u64 nanoseconds) { clock_now.store(nanoseconds); }

void set_deadline(u64 deadline) { alarm = deadline; }
void cancel_deadline() { alarm = no_deadline; }
u64 deadline() { return alarm; }

} // namespace chorale::machine
