// Threads: clone(2) as C libraries make threads by it, futex(2), exit(2), scheduling.
#include "c_os/base/user_memory.hpp"
#include "c_os/calls/clock.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/process/ending.hpp"
#include "c_os/process/futex.hpp"
#include "c_os/process/tasks.hpp"

#include <sched/chRr.h>
#include <trap_context.hpp>

namespace chorale::c_os {

namespace {

// clone(2)
constexpr u64 clone_vm = 0x100, clone_thread = 0x10000, clone_set_tls = 0x80000,
              clone_parent_set_tid = 0x100000, clone_child_clear_tid = 0x200000,
              clone_child_set_tid = 0x1000000;

// The new thread goes on where its maker does, with the same registers but for stack, thread pointer and
// result.
[[nodiscard]] Done prepare(const Task& maker, Task& task, const CloneArguments& arguments) {
    KnThreadCtx context = maker.trap->context;
    context.sp = arguments.stack;
    set_result(context, 0);
    if ((arguments.flags & clone_set_tls) != 0) set_thread_pointer(context, arguments.thread_pointer);
    if ((arguments.flags & clone_child_clear_tid) != 0) task.clear_child_tid = arguments.child_tid;
    attach_task(task);
    const KnCap& actor = task.process.capability;
    if (threadContext(&actor, task.lid, K_CURRCTX, nullptr, &context) != K_OK) return failed(Error::einval);
    if ((arguments.flags & clone_parent_set_tid) != 0) {
        if (const Done done = put_to_user(arguments.parent_tid, task.tid); !done) return done;
    }
    if ((arguments.flags & clone_child_set_tid) != 0) return put_to_user(arguments.child_tid, task.tid);
    return {};
}

[[nodiscard]] Result<u64> make_thread(Task& maker, const CloneArguments& arguments) {
    Process& process = maker.process;
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, 0, arguments.stack,
                                     static_cast<KnPc>(maker.trap->context.pc)};
    KnThreadLid thread = 0;
    const int status = threadCreate(&process.capability, &thread, K_INACTIVE, nullptr, &start);
    if (status != K_OK) return failed(status == K_EINVAL ? Error::einval : Error::eagain);
    Task* const task = add_task(process, thread, 0);
    if (task == nullptr) {
        threadDelete(&process.capability, thread);
        return failed(Error::eagain);
    }
    const int tid = task->tid;
    if (const Done done = prepare(maker, *task, arguments); !done) {
        threadDelete(&process.capability, thread);
        remove_task(*task);
        return failed(done.error());
    }
    threadActivate(&process.capability, thread);
    return static_cast<u64>(tid);
}

// Threads of user actors only: processes that share nothing, and fork(), come with POSIX processes.
Result<u64> call_clone(Task& task, const CallArguments& call) {
    const CloneArguments arguments = clone_arguments(call);
    const bool thread = (arguments.flags & (clone_vm | clone_thread)) == (clone_vm | clone_thread);
    if (!thread || task.trap == nullptr) return failed(Error::enosys);
    return make_thread(task, arguments);
}

// Of the last thread it is the process's end. A process that is ending already deletes this thread, too.
Result<u64> call_exit(Task& task, const CallArguments& call) {
    Process& process = task.process;
    ServedTrap* const trap = task.trap;
    const bool gone = end_task_unless_last(task);
    if (gone && trap != nullptr) trap->task_gone = true;
    return end_by_exit(process, call.value[0]);
}

Result<u64> call_set_tid_address(Task& task, const CallArguments& call) {
    task.clear_child_tid = call.value[0];
    return static_cast<u64>(task.tid);
}

Result<u64> call_nothing(Task&, const CallArguments&) { return 0; }

Result<u64> call_sched_yield(Task&, const CallArguments&) {
    threadDelay(K_NOBLOCK);
    return 0;
}

// One bit for each CPU: threads may go anywhere.
Result<u64> call_sched_getaffinity(Task&, const CallArguments& call) {
    const u64 mask = cpu_mask();
    if (call.value[1] < sizeof mask) return failed(Error::einval);
    if (const Done done = put_to_user(call.value[2], mask); !done) return failed(done.error());
    return sizeof mask;
}

// x86-64: the thread pointer.
Result<u64> call_arch_prctl(Task& task, const CallArguments& call) {
    constexpr u64 set_fs = 0x1002, get_fs = 0x1003;
    if (task.trap == nullptr) return failed(Error::enosys);
    if (call.value[0] == set_fs) {
        if (call.value[1] >= u64{1} << 47) return failed(Error::eperm);
        set_thread_pointer(task.trap->context, call.value[1]);
        task.trap->registers_changed = true;
        return 0;
    }
    if (call.value[0] != get_fs) return failed(Error::einval);
    if (const Done done = put_to_user(call.value[1], thread_pointer(task.trap->context)); !done)
        return failed(done.error());
    return 0;
}

// ---- futex(2) --------------------------------------------------------------------------------------

constexpr u64 futex_private = 128, futex_realtime = 256;
enum : u64 {
    futex_wait = 0,
    futex_wake = 1,
    futex_requeue = 3,
    futex_cmp_requeue = 4,
    futex_wait_bitset = 9,
    futex_wake_bitset = 10,
};

[[nodiscard]] Result<Deadline> futex_deadline(u64 operation, u64 address, bool realtime) {
    if (address == 0) return Deadline{};
    const Result<u64> time = read_time(address);
    if (!time) return failed(time.error());
    if (operation == futex_wait) return Deadline{add_times(now(), *time)};
    return Deadline{realtime ? boot_time_of_date(*time) : *time};
}

[[nodiscard]] FutexScope scope_of(const CallArguments& call) {
    return (call.value[1] & futex_private) != 0 ? FutexScope::process : FutexScope::all;
}

[[nodiscard]] Result<u64> wait(Task& task, const CallArguments& call, u64 operation) {
    const auto& [address, operation_word, expected, time, second, mask] = call.value;
    const Result<Deadline> deadline = futex_deadline(operation, time, (operation_word & futex_realtime) != 0);
    if (!deadline) return failed(deadline.error());
    const u32 wanted = operation == futex_wait ? ~u32{0} : static_cast<u32>(mask);
    const FutexWait wait{scope_of(call), address, static_cast<u32>(expected), wanted, *deadline};
    const Done done = wait_for_futex(task.process, wait);
    if (!done) return failed(done.error());
    return 0;
}

[[nodiscard]] Result<u64> requeue(Task& task, const CallArguments& call, bool compares) {
    FutexRequeue requeue{scope_of(call), call[0], call[4], call[2] & 0x7fffffff, call[3] & 0x7fffffff, {}};
    if (compares) requeue.expected = call.word(5);
    return requeue_futex(task.process, requeue);
}

Result<u64> call_futex(Task& task, const CallArguments& call) {
    const u64 operation = call.value[1] & ~(futex_private | futex_realtime);
    switch (operation) {
    case futex_wait:
    case futex_wait_bitset:
        return wait(task, call, operation);
    case futex_wake:
        return wake_futex(task.process, {scope_of(call), call.value[0], call.value[2] & 0x7fffffff});
    case futex_wake_bitset:
        return wake_futex(task.process, {scope_of(call), call.value[0], call.value[2] & 0x7fffffff,
                                         static_cast<u32>(call.value[5])});
    case futex_requeue:
    case futex_cmp_requeue:
        return requeue(task, call, operation == futex_cmp_requeue);
    default:
        return failed(Error::enosys);
    }
}

} // namespace

std::span<const CallEntry> thread_call_entries() {
    static constexpr CallEntry entries[] = {
        {"clone", call_clone},
        {"exit", call_exit},
        {"set_tid_address", call_set_tid_address},
        {"set_robust_list", call_nothing},
        {"sched_yield", call_sched_yield},
        {"sched_getaffinity", call_sched_getaffinity},
        {"futex", call_futex},
        {"arch_prctl", call_arch_prctl},
    };
    return entries;
}

} // namespace chorale::c_os
