// A new thread finds what it is to do by its local id: it starts with empty registers on a stack that its
// creator does not know.
#include "thread.hpp"

extern "C" [[noreturn]] void thread_exit();

namespace chorale {

namespace {

constexpr int lid_limit = 1024;

struct Start {
    ThreadBody body;
    std::uintptr_t argument;
};
Start starts[lid_limit];

[[noreturn]] void run() {
    const Start start = starts[threadSelf()];
    start.body(start.argument);
    thread_exit();
}

} // namespace

int start_supervisor_thread(const SupervisorThreadPlan& plan) {
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, plan.stack_size, 0,
                                     reinterpret_cast<KnPc>(&run)};
    const KnFifoThParms schedule{K_SCHED_FIFO, static_cast<unsigned>(plan.priority)};
    KnThreadLid thread = 0;
    const void* parameters = plan.priority < 0 ? nullptr : &schedule;
    const int error = threadCreate(K_MYACTOR, &thread, K_INACTIVE, parameters, &start);
    if (error < 0) {
        return error;
    }
    if (thread >= lid_limit) {
        threadDelete(K_MYACTOR, thread);
        return K_EFULL;
    }
    starts[thread] = {plan.body, plan.argument};
    return launch_thread(thread, plan.cpu < 0 ? any_cpu : static_cast<KnCpuId>(plan.cpu));
}

} // namespace chorale
