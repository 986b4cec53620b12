#include "c_os/calls/table.hpp"

#include "c_os/calls/linux_call_number.hpp"
#include "c_os/console.hpp"
#include "c_os/file_calls/file_calls.hpp"
#include "c_os/process/tasks.hpp"

#include <chorus/c_os_calls.h>
#include <trap_context.hpp>

namespace chorale::c_os {

namespace {

constexpr unsigned linux_limit = K_TRAP_QUICK_LIMIT;

// The calls on files know nothing of tasks.
struct Slot {
    Call call{};
    FileCall file_call{};
};
constinit Slot linux_calls_here[linux_limit];
constinit KnQuickCall quick_calls[linux_limit];

// The numbers that have been reported as unknown. Relaxed: pairs with nothing, a line too many does no harm.
constinit std::atomic<u64> reported[linux_limit / 64];

[[gnu::noinline]] void report_unknown(const Task& task, u64 number) {
    if (number >= linux_limit) return;
    const u64 bit = u64{1} << (number % 64);
    // relaxed: pairs with nothing
    if ((reported[number / 64].fetch_or(bit, std::memory_order_relaxed) & bit) != 0) return;
    say_of_program("{} (aid {}): system call {} {} is not here", static_cast<const char*>(task.process.name),
                   task.process.id, number, linux_call_name(number));
}

template <class Function>
void enter(std::string_view name, Function Slot::* member, Function function) {
    const int number = linux_call_number(name);
    if (number >= 0 && number < static_cast<int>(linux_limit)) linux_calls_here[number].*member = function;
}

// Calls that C libraries try before others that are here: no line for them.
constexpr std::string_view tried_in_vain[] = {"membarrier", "rseq", "clone3", "get_robust_list"};

[[nodiscard]] Result<u64> refuse(Task&, const CallArguments&) { return failed(Error::enosys); }

// Errors: enosys.
[[nodiscard]] Result<u64> dispatch(Task& task, u64 number, const CallArguments& arguments) {
    if (number < linux_limit) {
        const Slot& slot = linux_calls_here[number];
        if (slot.file_call != nullptr) return slot.file_call(task.process.files, arguments);
        if (slot.call != nullptr) return slot.call(task, arguments);
    } else if (number - C_OS_FIRST_CALL < actor_calls().size()) {
        return actor_calls()[number - C_OS_FIRST_CALL](task, arguments);
    }
    report_unknown(task, number);
    return failed(Error::enosys);
}

// The thread's first call, and its first after another handler has run on it.
[[gnu::noinline]] void begin(KnSysTrapDesc& trap) {
    if (trap.handlerData == nullptr) trap.handlerData = current_task();
    if (trap.handlerData != nullptr) trap.quickCalls = quick_calls;
}

} // namespace

void make_call_table() {
    const std::span<const CallEntry> groups[] = {
        memory_call_entries(),  thread_call_entries(), time_call_entries(),
        process_call_entries(), signal_call_entries(), system_call_entries(),
    };
    for (const std::span<const CallEntry> group : groups) {
        for (const CallEntry& entry : group) enter(entry.name, &Slot::call, entry.call);
    }
    for (const QuickCallEntry& entry : quick_call_entries()) {
        const int number = linux_call_number(entry.name);
        if (number >= 0 && number < static_cast<int>(linux_limit)) quick_calls[number] = entry.quick;
        enter(entry.name, &Slot::call, entry.call);
    }
    for (const std::string_view name : tried_in_vain) enter(name, &Slot::call, refuse);
    for (const NamedFileCall& entry : file_calls::table) enter(entry.name, &Slot::file_call, entry.function);
}

void serve_trap(void* description, void*) {
    auto& trap = *static_cast<KnSysTrapDesc*>(description);
    KnThreadCtx& context = *trap.threadCtx;
    if (trap.quickCalls == nullptr) [[unlikely]]
        begin(trap);
    auto* const task = static_cast<Task*>(trap.handlerData);
    if (task == nullptr) {
        set_result(context, static_cast<u64>(-static_cast<std::int64_t>(Error::enosys)));
        return;
    }
    ServedTrap served{context};
    task->trap = &served;
    const Result<u64> result = dispatch(*task, call_number(context), call_arguments(context));
    set_result(context, result ? *result : static_cast<u64>(-static_cast<std::int64_t>(result.error())));
    if (served.task_gone) [[unlikely]] {
        trap.handlerData = nullptr;
        trap.quickCalls = nullptr;
        return;
    }
    trap.resultOnly = served.registers_changed ? 0 : 1;
}

long serve_supervisor_call(Task& task, const KnSystemCall& call) {
    CallArguments arguments;
    for (unsigned i = 0; i < 6; ++i) arguments.value[i] = call.argument[i];
    task.trap = nullptr;
    const Result<u64> result = dispatch(task, call.number, arguments);
    return result ? static_cast<long>(*result) : -static_cast<long>(result.error());
}

} // namespace chorale::c_os
