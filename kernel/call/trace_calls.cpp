// A trace of the system (exec/chTrace.h).
#include "kernel/call/handlers.hpp"
#include "kernel/trace/trace.hpp"

namespace chorale::calls {

long traceStart(Thread& self, unsigned int records) { return start_trace(self, records); }

long traceRead(Thread&, unsigned int cpu, UserBytesOut records, unsigned int count) {
    return read_trace(cpu, records.address, count);
}

long traceStop(Thread& self) { return stop_trace(self); }

} // namespace chorale::calls
