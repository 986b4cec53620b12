#include "c_os/process/process.hpp"

#include "c_os/base/bytes.hpp"
#include "c_os/base/memory.hpp"

namespace chorale::c_os {

namespace {

constexpr unsigned task_limit = 256; // as many threads as the nucleus lets an actor have

constinit Processes all;

} // namespace

Processes& processes() { return all; }

void Process::set_name(std::string_view text) {
    const std::size_t length = text.size() < name_limit ? text.size() : name_limit - 1;
    copy_bytes(name, text.data(), length);
    name[length] = '\0';
}

Process::~Process() {
    while (Task* const task = tasks.front()) remove_task(*task);
    processes().free_id(id);
}

Ref<Process> Processes::create(int parent) {
    const int id = new_id();
    if (id == 0) return nullptr;
    Process* const process = new (std::nothrow) Process{id};
    if (process == nullptr) {
        free_id(id);
        return nullptr;
    }
    Ref<Process> result = Ref<Process>::adopt(process);
    process->parent = parent;
    const Lock lock{mutex};
    if (count_ == process_limit) return nullptr;
    ++count_;
    list_.push_back(*process);
    process->hold();
    return result;
}

void Processes::remove(Process& process) {
    list_.remove(process);
    --count_;
    process.release();
}

Ref<Process> Processes::find(int id) {
    const Lock lock{mutex};
    for (Process* each = list_.front(); each != nullptr; each = list_.next(*each)) {
        if (each->id == id) return Ref<Process>{*each};
    }
    return nullptr;
}

Ref<Process> Processes::find(const KnUniqueId& actor) {
    const Lock lock{mutex};
    for (Process* each = list_.front(); each != nullptr; each = list_.next(*each)) {
        const KnUniqueId& name = each->capability.ui;
        if (name.uiHead != 0 && name.uiHead == actor.uiHead && name.uiTail == actor.uiTail)
            return Ref<Process>{*each};
    }
    return nullptr;
}

Ref<Process> Processes::after(int id) {
    const Lock lock{mutex};
    Process* lowest = nullptr;
    for (Process* each = list_.front(); each != nullptr; each = list_.next(*each)) {
        if (each->id > id && (lowest == nullptr || each->id < lowest->id)) lowest = each;
    }
    return lowest == nullptr ? Ref<Process>{} : Ref<Process>{*lowest};
}

Processes::Counts Processes::counts() {
    const Lock lock{mutex};
    Counts counts{count_, 0};
    for (Process* each = list_.front(); each != nullptr; each = list_.next(*each)) {
        const Lock tasks{each->tasks_mutex};
        counts.tasks += each->task_count;
    }
    return counts;
}

KnCap Processes::capability_of(const Process& process) {
    const Lock lock{mutex};
    return process.capability;
}

void Processes::set_capability(Process& process, const KnCap& capability) {
    const Lock lock{mutex};
    process.capability = capability;
}

// Ids come round as late as possible, so that a stale one seldom means somebody else.
int Processes::new_id() {
    const Lock lock{ids_mutex_};
    for (int tried = 0; tried < id_limit; ++tried) {
        last_id_ = last_id_ + 1 < id_limit ? last_id_ + 1 : 2;
        u64& word = ids_[last_id_ / 64];
        const u64 bit = u64{1} << (last_id_ % 64);
        if ((word & bit) != 0) continue;
        word |= bit;
        return last_id_;
    }
    return 0;
}

void Processes::free_id(int id) {
    const Lock lock{ids_mutex_};
    ids_[id / 64] &= ~(u64{1} << (id % 64));
}

Task* add_task(Process& process, KnThreadLid lid, int tid) {
    const Lock lock{process.tasks_mutex};
    // The nucleus has used the local id again: the thread that had it has gone without a word.
    for (Task* each = process.tasks.front(); each != nullptr; each = process.tasks.next(*each)) {
        if (each->lid == lid) return each;
    }
    if (process.task_count == task_limit) return nullptr;
    const int id = tid != 0 ? tid : processes().new_id();
    if (id == 0) return nullptr;
    Task* const task = new (std::nothrow) Task{process, id, lid};
    if (task == nullptr) {
        if (tid == 0) processes().free_id(id);
        return nullptr;
    }
    process.tasks.push_back(*task);
    ++process.task_count;
    return task;
}

namespace {

// It is off the list.
void destroy_task(Task& task) {
    if (task.tid != task.process.id) processes().free_id(task.tid);
    delete &task;
}

void unlink_task(Task& task) {
    task.process.tasks.remove(task);
    --task.process.task_count;
}

} // namespace

void remove_task(Task& task) {
    {
        const Lock lock{task.process.tasks_mutex};
        unlink_task(task);
    }
    destroy_task(task);
}

bool remove_task_unless_last(Task& task) {
    {
        const Lock lock{task.process.tasks_mutex};
        if (task.process.task_count == 1) return false;
        unlink_task(task);
    }
    destroy_task(task);
    return true;
}

} // namespace chorale::c_os
