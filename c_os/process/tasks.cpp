#include "c_os/process/tasks.hpp"

#include "c_os/base/user_memory.hpp"
#include "c_os/process/futex.hpp"

#include <exec/chTrap.h>

namespace chorale::c_os {

namespace {

// The software register of a thread's supervisor side that is C_OS's.
constexpr unsigned task_slot = 2;

[[nodiscard]] Task* adopt_thread() {
    KnCap actor{};
    if (svGetInvoker(&actor) != K_OK) return nullptr;
    const Ref<Process> process = processes().find(actor.ui);
    if (!process) return nullptr;
    Task* const task = add_task(*process, threadSelf(), 0);
    if (task != nullptr) threadPrivateStore(task_slot, static_cast<long>(reinterpret_cast<intptr_t>(task)));
    return task;
}

} // namespace

bool serves_supervisor_actor() {
    const Task* const task = current_task();
    return task != nullptr && task->process.supervisor;
}

// A task lives as long as its process, which is there until the nucleus has told that no thread of it is.
Task* current_task() {
    const long word = threadPrivateLoad(task_slot);
    if (word != 0) [[likely]]
        return reinterpret_cast<Task*>(word);
    return adopt_thread();
}

void attach_task(Task& task) {
    void* registers[K_NBPRIVDATA] = {};
    registers[task_slot] = &task;
    threadContext(&task.process.capability, task.lid, K_SUPPRIV, nullptr, registers);
}

bool end_task_unless_last(Task& task) {
    const u64 word = task.clear_child_tid;
    Process& process = task.process;
    const KnThreadLid lid = task.lid;
    if (!remove_task_unless_last(task)) return false;
    threadPrivateStore(task_slot, 0);
    // Who joins the thread frees its stack when this word is 0: nothing of the thread's memory is touched
    // then.
    if (word != 0 && put_to_user(word, 0)) static_cast<void>(wake_futex(process, {FutexScope::all, word, 1}));
    threadDelete(&process.capability, lid);
    return true;
}

} // namespace chorale::c_os
