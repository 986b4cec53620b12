// A process: an actor that C_OS knows, with what Linux and the actor manager add to it. A task: one of its
// threads.
//
// Life: made (starting.hpp) → running → ending (exit, akill, a fault, actorDelete by anybody) → ended, when
// the nucleus has told that the actor is gone. An ended one stays in the table until its parent has asked how
// it ended, or has ended itself.
#pragma once

#include "c_os/base/ref.hpp"
#include "c_os/base/sync.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/terminal.hpp"
#include "c_os/process/address_space.hpp"
#include "c_os/process/signal_numbers.hpp"

#include <chorus/machine_context.h>
#include <exec/chExec.h>

#include <string_view>

namespace chorale::c_os {

class Process;

// What the program wants to be done when a signal comes: struct sigaction of the system call, whose first
// word is the handler.
struct SignalAction {
    u64 word[4];
};
struct Signals {
    SignalAction action[signal_count]{};
};

// A call from user mode, on the stack of the thread that serves it: exit(2) ends the task before the thread.
struct ServedTrap {
    KnThreadCtx& context;
    bool registers_changed{}; // others than the result's
    bool task_gone{};
};

struct InProcess;
struct Task : ListNode<InProcess> {
    Task(Process& process, int tid, KnThreadLid lid) : process{process}, tid{tid}, lid{lid} {}

    Process& process;
    int tid;               // the process's own id for its first thread
    KnThreadLid lid;       // of the nucleus
    u64 clear_child_tid{}; // set_tid_address(2)
    u64 signal_mask{};
    ServedTrap* trap{}; // while it is in a call; null: in one of a supervisor actor
};

// How a process ended, as awaits() tells.
struct EndEvent {
    enum class Kind : u8 { none, exit, kill };
    Kind kind{Kind::none};
    int number{}; // the exit status, or the event (am/await.h)
};

enum class ProcessState : u8 {
    created, // no program in it yet, or not started
    running,
    ended,
};

struct InProcesses;
class Process : public Counted, public ListNode<InProcesses> {
  public:
    static constexpr std::size_t name_limit = K_ACTORNAMEMAX;

    explicit Process(int id) : id{id} {}

    const int id;
    KnCap capability{}; // changed once, before it has a thread, under processes().mutex
    KnUniqueId port{};  // where its end is told
    int parent{};       // 0: nobody
    char name[name_limit]{};
    bool trusted{};
    bool supervisor{}; // in the supervisor space
    AddressSpace space;
    Mutex loading; // held while it gets its program or is started: of two that do so at once the second fails
    u64 packed_parameters{}; // where its AlParam is; 0: it has none
    u64 entry{}, stack{};    // where its first thread starts; 0: no program yet
    FileContext files;

    // Guarded by processes().mutex.
    ProcessState state{ProcessState::created};
    bool stopped{}; // its first thread waits for astart() or a debugger
    EndEvent end;
    Waiters ended;

    // Guarded by tasks_mutex.
    Mutex tasks_mutex;
    List<Task, InProcess> tasks;
    unsigned task_count{};
    Signals signals;

    void set_name(std::string_view text);

  protected:
    ~Process() override;
};

// All processes of the site.
class Processes {
  public:
    Mutex mutex;

    // A new process of an id of its own; null: no memory, or 1,024 of them.
    [[nodiscard]] Ref<Process> create(int parent);
    [[nodiscard]] Ref<Process> find(int id);
    [[nodiscard]] Ref<Process> find(const KnUniqueId& actor);
    // Before its actor is made: all zero.
    [[nodiscard]] KnCap capability_of(const Process& process);
    void set_capability(Process& process, const KnCap& capability);
    // The one with the lowest id above that; null: there is none.
    [[nodiscard]] Ref<Process> after(int id);
    // Of an id that no process and no task has. 0: none is left.
    [[nodiscard]] int new_id();
    void free_id(int id);
    struct Counts {
        u64 processes, tasks;
    };
    [[nodiscard]] Counts counts();

    // Under the mutex.
    [[nodiscard]] Process* first() { return list_.front(); }
    [[nodiscard]] Process* next(const Process& process) { return list_.next(process); }
    void remove(Process& process); // the table's reference goes

  private:
    static constexpr int id_limit = 32768;
    static constexpr unsigned process_limit = 1024;

    Mutex ids_mutex_;
    List<Process, InProcesses> list_;
    unsigned count_{};
    int last_id_{1}; // C_INIT, the first, is 2
    u64 ids_[id_limit / 64]{3};
};
[[nodiscard]] Processes& processes();

// A task for a thread of the process; tid 0: of an id of its own. Null: no memory, too many.
[[nodiscard]] Task* add_task(Process& process, KnThreadLid lid, int tid);
void remove_task(Task& task);
// False: it is the last, and stays.
[[nodiscard]] bool remove_task_unless_last(Task& task);

} // namespace chorale::c_os
