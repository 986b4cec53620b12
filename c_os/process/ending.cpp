#include "c_os/process/ending.hpp"

#include "c_os/console.hpp"
#include "c_os/process/end_events.hpp"

#include <exceptions.hpp>
#include <exec/chReboot.h>
#include <ipc/chIpc.h>
#include <mem/chMem.h>
#include <supervisor/thread.hpp>

namespace chorale::c_os {

namespace {

KnLapDesc exception_lap;
KnUniqueId notice_port;
int notice_port_id;
std::atomic<int> first_process; // a number by itself
Waiters some_end;               // guarded by processes().mutex: a process has ended

[[noreturn]] void end_system_after(const Process& process) {
    const bool exited = process.end.kind == EndEvent::Kind::exit;
    say("{} has ended ({} {}): so does the system", static_cast<const char*>(process.name),
        exited ? "exit" : "event", process.end.number);
    end_system(exited && process.end.number == 0);
}

// The actor is gone, with all threads: nobody is in a call of the process.
void finish(Process& process) {
    process.space.end();
    process.files.files.close_range(0, ~u32{0});
    if (const Ref<Terminal> terminal = process.files.terminal();
        terminal && process.files.job().session == process.id)
        terminal->leave_session();
    process.files.set_current(nullptr);
    process.files.set_root(nullptr);
    process.files.set_terminal(nullptr);
    const Lock lock{processes().mutex};
    if (process.end.kind == EndEvent::Kind::none)
        process.end = {EndEvent::Kind::kill, static_cast<int>(KillEvent::deleted)};
    process.state = ProcessState::ended;
    // relaxed: as above
    if (process.id == first_process.load(std::memory_order_relaxed)) end_system_after(process);
    // Its own children are nobody's from now on.
    Process* next = nullptr;
    for (Process* each = processes().first(); each != nullptr; each = next) {
        next = processes().next(*each);
        if (each->parent != process.id) continue;
        each->parent = 0;
        if (each->state == ProcessState::ended) processes().remove(*each);
    }
    process.ended.wake_all();
    some_end.wake_all();
    if (process.parent == 0) processes().remove(process);
}

// False: something else ends it already.
bool begin_end(Process& process, EndEvent event) {
    const Lock lock{processes().mutex};
    if (process.end.kind != EndEvent::Kind::none) return false;
    process.end = event;
    return true;
}

void take_notices(std::uintptr_t) {
    for (;;) {
        KnEndNotice notice{};
        KnMsgDesc message{0, sizeof notice, reinterpret_cast<VmAddr>(&notice), 0, 0};
        int port = notice_port_id;
        if (ipcReceive(&message, &port, -1) < 0) continue;
        if (const Ref<Process> process = processes().find(static_cast<int>(notice.enCookie)))
            finish(*process);
    }
}

// What the page is for would have been allowed: so there was none.
[[nodiscard]] bool lacks_memory(const Process& process, u64 address, u64 pc) {
    const KnRgnDesc place{round_down(address, page_size), page_size, 0, 0, nullptr, 0};
    KnRgnStat found{};
    if (process.supervisor || rgnStat(&process.capability, &place, &found, sizeof found) < 1) return false;
    const bool jumped = round_down(pc, page_size) == place.startAddr;
    return (found.options & (K_WRITABLE | K_VMMAP)) == K_WRITABLE && !jumped;
}

// On the thread that has met the exception.
void on_exception(void* argument, void*) {
    auto& exception = *static_cast<KnExcDesc*>(argument);
    KnCap actor{};
    if (svGetInvoker(&actor) != K_OK) return;
    Ref<Process> process = processes().find(actor.ui);
    if (!process) return;
    KillEvent event = kill_event(exception.excNumber);
    // Behind the end of a file.
    const auto address = reinterpret_cast<u64>(exception.excAddress);
    if (event == KillEvent::memory_protection && !process->supervisor && process->space.behind_file(address))
        event = KillEvent::bus_error;
    const u64 pc = exception.threadCtx->pc;
    const char* cause = "";
    if (event == KillEvent::memory_protection && lacks_memory(*process, address, pc))
        cause = " (out of memory: no page left for it)";
    exception.excHandled = 1;
    const EndEvent end{EndEvent::Kind::kill, static_cast<int>(event)};
    // One line: what its other threads meet meanwhile tells nothing new.
    if (begin_end(*process, end))
        say_of_program("{} (aid {}): {}{}: address {}, pc {}", static_cast<const char*>(process->name),
                       process->id, text(event), cause, Hex{address}, Hex{pc});
    end_process_for_good(std::move(process), end);
}

} // namespace

std::string_view text(KillEvent event) {
    switch (event) {
    case KillEvent::illegal_instruction:
        return "illegal instruction";
    case KillEvent::breakpoint:
        return "breakpoint";
    case KillEvent::aborted:
        return "aborted";
    case KillEvent::bus_error:
        return "bus error";
    case KillEvent::floating_point:
        return "floating point exception";
    case KillEvent::killed:
        return "killed";
    case KillEvent::memory_protection:
        return "memory protection fault";
    case KillEvent::deleted:
        break;
    }
    return "deleted";
}

void end_system(bool well) {
    const KnRebootDesc how{well ? K_REBOOT_SUCCESS : K_REBOOT_FAILURE};
    for (;;) sysReboot(&how);
}

void end_system_with(const Process& process) {
    // relaxed: as above
    first_process.store(process.id, std::memory_order_relaxed);
}

int start_reaper() {
    notice_port_id = portCreate(K_MYACTOR, &notice_port);
    if (notice_port_id < 0) return notice_port_id;
    return start_supervisor_thread({.body = take_notices});
}

int watch_end(Process& process) {
    return svActorEndNotice(&process.capability, &notice_port, static_cast<u64>(process.id));
}

void end_process(Ref<Process> process, EndEvent event) {
    begin_end(*process, event);
    const KnCap actor = process->capability;
    process = nullptr;
    actorDelete(&actor);
}

void end_process_for_good(Ref<Process> process, EndEvent event) {
    begin_end(*process, event);
    const KnCap actor = process->capability;
    process = nullptr;
    if (actorDelete(&actor) == K_OK) return;
    // An aborted wait: this thread is to come home, so that it can end too.
    if (const Ref<Process> ending = processes().find(actor.ui)) static_cast<void>(await_end(*ending));
}

void signal_process(Ref<Process> process, int signal) {
    constexpr u64 ignore = 1; // SIG_IGN
    if (ignored_by_default(signal)) return;
    {
        const Lock lock{process->tasks_mutex};
        if (process->signals.action[signal - 1].word[0] == ignore && signal != number_of(Signal::kill))
            return;
    }
    end_process(std::move(process), {EndEvent::Kind::kill, signal});
}

Result<u64> end_by_exit(Process& process, u64 status) {
    end_process_for_good(Ref<Process>{process}, {EndEvent::Kind::exit, static_cast<int>(status & 0xff)});
    return 0;
}

Result<EndEvent> await_end(Process& process) {
    const Lock lock{processes().mutex};
    while (process.state != ProcessState::ended) {
        if (process.ended.wait(processes().mutex) == Woken::aborted) return failed(Error::eintr);
    }
    return process.end;
}

Result<EndedChild> await_child(int parent) {
    const Lock lock{processes().mutex};
    for (;;) {
        bool any = false;
        for (Process* each = processes().first(); each != nullptr; each = processes().next(*each)) {
            if (each->parent != parent) continue;
            any = true;
            if (each->state != ProcessState::ended) continue;
            const EndedChild child{each->id, each->capability, each->end};
            processes().remove(*each);
            return child;
        }
        if (!any) return failed(Error::echild);
        if (some_end.wait(processes().mutex) == Woken::aborted) return failed(Error::eintr);
    }
}

void forget_child(Process& process, int parent) {
    const Lock lock{processes().mutex};
    if (process.parent != parent || process.state != ProcessState::ended) return;
    process.parent = 0;
    processes().remove(process);
}

int create_exception_handler() {
    return svLapCreate(K_MYACTOR, on_exception, nullptr, K_LAP_SAFE, &exception_lap);
}

int connect_exceptions(const Process& process) {
    return svActorExcHandlerConnect(&process.capability, 0, &exception_lap);
}

} // namespace chorale::c_os
