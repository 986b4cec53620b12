// Threads of the own actor.
#include "thread.hpp"

extern "C" void thread_start();

namespace chorale {

KnPc thread_entry() { return reinterpret_cast<KnPc>(&thread_start); }

std::size_t prepare_stack(void* top, ThreadBody body, std::uintptr_t argument) {
    const auto address = reinterpret_cast<std::uintptr_t>(top);
    const std::uintptr_t pointer = (address - 2 * sizeof(std::uintptr_t)) & ~std::uintptr_t{15};
    auto* words = reinterpret_cast<std::uintptr_t*>(pointer);
    words[0] = reinterpret_cast<std::uintptr_t>(body);
    words[1] = argument;
    return address - pointer;
}

int start_thread(const ThreadPlan& plan) {
    char* top = static_cast<char*>(plan.stack) + plan.stack_size;
    const VmAddr pointer = reinterpret_cast<VmAddr>(top) - prepare_stack(top, plan.body, plan.argument);
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, K_DEFAULT_STACK_SIZE, pointer,
                                     thread_entry()};
    const KnFifoThParms schedule{K_SCHED_FIFO, plan.priority};
    KnThreadLid thread = 0;
    const void* parameters = plan.priority == inherit_priority ? nullptr : &schedule;
    const int error = threadCreate(K_MYACTOR, &thread, K_INACTIVE, parameters, &start);
    return error < 0 ? error : launch_thread(thread, plan.cpu);
}

} // namespace chorale
