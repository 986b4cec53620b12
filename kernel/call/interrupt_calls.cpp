// Interrupts and timeouts, for supervisor actors.
#include "kernel/call/handlers.hpp"
#include "kernel/interrupt/lines.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/supervisor/handler.hpp"
#include "kernel/time/time_value.hpp"
#include "kernel/time/timeout.hpp"

#include <machine/timer.hpp>

namespace chorale::calls {

long svIntrConnect(Thread& self, CpuIntr line, VmAddr handler, VmAddr cookie, UserOut<CpuIntrId> id) {
    if (handler == 0) return K_EINVAL;
    if (id.probe() != Status::ok) return K_EFAULT;
    const Result<u64> name = attach_handler(execution_actor(self), line, handler, cookie);
    return static_cast<long>(name.ok() ? id.write(name.value()) : name.status());
}

long svIntrMask(Thread&, CpuIntrId id, int masked) {
    return static_cast<long>(mask_handler(id, masked != 0));
}

long svIntrDetach(Thread& self, CpuIntrId id) { return detach_handler(self, id); }

long svSysTimeoutSet(Thread&, VmAddr timeout, UserIn<KnTimeVal> limit, int flag, UserIn<KnLapDesc> lap_at) {
    const Result<KnTimeVal> value = limit.read();
    const Result<KnLapDesc> lap = lap_at.read();
    if (!value.ok() || !lap.ok()) return K_EFAULT;
    const Result<u64> interval = nanoseconds_of(value.value());
    const LapTarget target = find_lap(lap.value());
    const bool raw = target.lap != nullptr && target.options == K_LAP_SAMEHOST;
    if (!interval.ok() || !raw || flag != 0 || timeout == 0) return K_EINVAL;
    const u64 span = timeout_interval(interval.value(), machine::clock_resolution());
    return static_cast<long>(set_timeout(timeout, span, lap.value()));
}

long svSysTimeoutCancel(Thread&, VmAddr timeout) { return static_cast<long>(cancel_timeout(timeout)); }

long svTimeoutGetRes(Thread& self, UserOut<KnTimeVal> resolution) { return sysTimeGetRes(self, resolution); }

} // namespace chorale::calls
