// The actor manager: am/afexec.h, am/await.h, am/astat.h, chorus/os_statistics.h.
#include "c_os/base/bytes.hpp"
#include "c_os/base/memory.hpp"
#include "c_os/base/user_memory.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/file_calls/call_support.hpp"
#include "c_os/process/end_events.hpp"
#include "c_os/process/ending.hpp"
#include "c_os/process/start_parameters.hpp"
#include "c_os/process/starting.hpp"

#include <am/afexec.h>
#include <am/astat.h>
#include <am/await.h>
#include <chorus/c_os_calls.h>
#include <chorus/os_statistics.h>
#include <supervisor/memory.hpp>

#include <algorithm>
#include <span>

namespace chorale::c_os {

namespace {

// The process of a capability: the key shows that the caller was given it. Errors: efault, einval, esrch.
[[nodiscard]] Result<Ref<Process>> process_of(u64 address) {
    const Result<KnCap> capability = get_from_user<KnCap>(address);
    if (!capability) return failed(capability.error());
    const Ref<Process> process = processes().find(capability->ui);
    if (!process) return failed(Error::esrch);
    if (process->capability.key != capability->key) return failed(Error::einval);
    return process;
}

// Whoever is trusted may do with any actor what others may with those of their user. Errors: eperm.
[[nodiscard]] Done controls(const Task& task, Process& process) {
    if (task.process.trusted) return {};
    const u32 caller = task.process.files.credentials().uid;
    if (caller == 0 || caller == process.files.credentials().uid) return {};
    return failed(Error::eperm);
}

// ---- making ------------------------------------------------------------------------------------------

Result<u64> call_afexecve(Task& task, const CallArguments& call) {
    StartParameters parameters;
    if (const Done done = parameters.read(task.process, call[2]); !done) return failed(done.error());
    const Owned<UserPath> path{new (std::nothrow) UserPath};
    if (path == nullptr) return failed(Error::enomem);
    if (const Done done = path->read(call[0], Error::enametoolong); !done) return failed(done.error());
    StartStrings strings;
    if (const Done done = strings.add_from_user(call[3], call[4]); !done) return failed(done.error());
    const Result<Ref<Process>> process = start_program(parameters.request(), path->view(), strings);
    if (!process) return failed(process.error());
    if (call[1] != 0) {
        if (const Done done = put_to_user(call[1], (*process)->capability); !done) {
            discard_process(**process);
            return failed(done.error());
        }
    }
    return static_cast<u64>((*process)->id);
}

Result<u64> call_acreate(Task& task, const CallArguments& call) {
    StartParameters parameters;
    if (const Done done = parameters.read(task.process, call[1]); !done) return failed(done.error());
    const Result<Ref<Process>> process = create_process(parameters.request());
    if (!process) return failed(process.error());
    if (const Done done = put_to_user(call[0], (*process)->capability); !done) {
        discard_process(**process);
        return failed(done.error());
    }
    return static_cast<u64>((*process)->id);
}

Result<u64> call_aload(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(call[0]);
    if (!process) return failed(process.error());
    if (const Done done = controls(task, **process); !done) return failed(done.error());
    if (call[1] != 0) {
        const Owned<UserPath> path{new (std::nothrow) UserPath};
        if (path == nullptr) return failed(Error::enomem);
        if (const Done done = path->read(call[1], Error::enametoolong); !done) return failed(done.error());
        StartStrings strings;
        if (call[2] != 0) {
            if (const Done done = strings.add_packed(call[2]); !done) return failed(done.error());
        } else if (const Done done = strings.add_argument(path->view()); !done) {
            return failed(done.error());
        }
        ProgramFile file;
        if (const Done done =
                file.find((*process)->files, path->view(),
                          (*process)->supervisor ? ProgramSpace::supervisor : ProgramSpace::user);
            !done)
            return failed(done.error());
        if (const Done done = load_program(**process, file, strings); !done) return failed(done.error());
    }
    if (call[3] == 0) return 0;
    return no_value(put_to_user(call[3], static_cast<KnPc>((*process)->entry)));
}

Result<u64> call_astart(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(call[0]);
    if (!process) return failed(process.error());
    if (const Done done = controls(task, **process); !done) return failed(done.error());
    return no_value(start_or_continue(**process));
}

// ---- ending ------------------------------------------------------------------------------------------

Result<u64> call_akill(Task& task, const CallArguments& call) {
    Result<Ref<Process>> process = process_of(call[0]);
    if (!process) return failed(process.error());
    if (const Done done = controls(task, **process); !done) return failed(done.error());
    end_process_for_good(std::move(*process), {EndEvent::Kind::kill, AEVT_AKILL});
    return 0;
}

Result<u64> call_awaits(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(call[0]);
    if (!process) return failed(process.error());
    const Result<EndEvent> end = await_end(**process);
    if (!end) return failed(end.error());
    forget_child(**process, task.process.id);
    return call[1] == 0 ? Result<u64>{0} : no_value(put_to_user(call[1], wait_status(*end)));
}

Result<u64> call_await(Task& task, const CallArguments& call) {
    const Result<EndedChild> child = await_child(task.process.id);
    if (!child) return failed(child.error());
    if (call[0] != 0) {
        if (const Done done = put_to_user(call[0], child->capability); !done) return failed(done.error());
    }
    if (call[1] != 0) {
        if (const Done done = put_to_user(call[1], wait_status(child->end)); !done)
            return failed(done.error());
    }
    return static_cast<u64>(child->id);
}

// ---- which there are ------------------------------------------------------------------------------

Result<u64> call_acap(Task& task, const CallArguments& call) {
    if (!task.process.trusted) return failed(Error::eperm);
    const Ref<Process> process = processes().find(call.integer(0));
    if (!process) return failed(Error::esrch);
    const KnCap capability = processes().capability_of(*process);
    if (capability.ui.uiHead == 0) return failed(Error::esrch); // its actor is not made yet
    return no_value(put_to_user(call[1], capability));
}

Result<u64> call_agetalparam(Task& task, const CallArguments& call) {
    return no_value(put_to_user(call[0], task.process.packed_parameters));
}

[[nodiscard]] Done set_credentials(Process& process, u64 address) {
    const Result<cx_cred_t> wanted = get_from_user<cx_cred_t>(address);
    if (!wanted) return failed(wanted.error());
    const Result<Credentials> credentials = credentials_of(*wanted);
    if (!credentials) return failed(credentials.error());
    process.files.set_credentials(*credentials);
    return {};
}

Result<u64> call_acred(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(call[0]);
    if (!process) return failed(process.error());
    if (call[2] != 0 && !task.process.trusted) return failed(Error::eperm);
    if (call[1] != 0) {
        const Credentials credentials = (*process)->files.credentials();
        cx_cred_t old{};
        old.cr_uid = credentials.uid;
        old.cr_gid = credentials.gid;
        old.cr_ngroups = static_cast<unsigned short>(
            credentials.group_count < CX_NGROUPS ? credentials.group_count : CX_NGROUPS);
        for (unsigned i = 0; i < old.cr_ngroups; ++i) old.cr_groups[i] = credentials.groups[i];
        if (const Done done = put_to_user(call[1], old); !done) return failed(done.error());
    }
    return call[2] == 0 ? Result<u64>{0} : no_value(set_credentials(**process, call[2]));
}

// By its threads, those too that C_OS does not know. More than fit are not looked at: one that runs is most
// likely among the others.
[[nodiscard]] int state_of(Process& process) {
    {
        const Lock lock{processes().mutex};
        if (process.state == ProcessState::created) return ASTAT_IDLE;
        if (process.state == ProcessState::ended) return ASTAT_ENDED;
    }
    constexpr int most = 64;
    KnThreadStat threads[most];
    const int count = threadStat(&process.capability, 0, threads, sizeof threads);
    if (count < 0) return ASTAT_ENDED; // being deleted
    int state = ASTAT_IDLE;
    for (const KnThreadStat& thread :
         std::span{threads}.first(static_cast<std::size_t>(std::min(count, most)))) {
        if (thread.tsStatus == K_ACTIVE) return ASTAT_RUNNING;
        if (thread.tsStatus == K_WAITING) state = ASTAT_SLEEPING;
        if (thread.tsStatus == K_STOPPED && state == ASTAT_IDLE) state = ASTAT_STOPPED;
        if (thread.tsStatus == K_SUSPENDED && state == ASTAT_IDLE) state = ASTAT_STOPPED;
    }
    return state;
}

[[nodiscard]] astatEntry describe(Process& process) {
    astatEntry entry{};
    entry.astatFlags = state_of(process) << 8;
    entry.astatAid = process.id;
    entry.astatUid = static_cast<int>(process.files.credentials().uid);
    copy_bytes(entry.astatName, process.name, sizeof process.name);
    return entry;
}

// One after the other by their ids, so that no lock is held while user memory is written.
Result<u64> call_astat(Task&, const CallArguments& call) {
    if (call.integer(1) < 0) return failed(Error::einval);
    const auto most = static_cast<u64>(call.integer(1));
    u64 count = 0;
    for (Ref<Process> process = processes().after(0); process; process = processes().after(process->id)) {
        if (count < most) {
            const astatEntry entry = describe(*process);
            if (const Done done = put_to_user(call[0] + count * sizeof entry, entry); !done)
                return failed(done.error());
        }
        ++count;
    }
    return count;
}

Result<u64> call_statistics(Task&, const CallArguments& call) {
    KnOsStatistics now{};
    const Processes::Counts counts = processes().counts();
    now.processes = counts.processes;
    now.tasks = counts.tasks;
    now.openFiles = OpenFile::count();
    const PagePool files = page_pool();
    now.filePages = files.used;
    now.heapPieces = heap_pieces();
    const SupervisorMemory pieces = supervisor_memory();
    now.keptRuns = files.runs + pieces.runs;
    now.keptPages = files.pages + pieces.bytes / page_size;
    return no_value(put_to_user(call[0], now));
}

} // namespace

std::span<const Call> actor_calls() {
    static constexpr Call calls[] = {
        call_afexecve, call_akill,       call_awaits, call_acap,  call_acreate, call_aload,
        call_astart,   call_agetalparam, call_acred,  call_astat, call_await,   call_statistics,
    };
    static_assert(C_OS_AFEXECVE == C_OS_FIRST_CALL && C_OS_AKILL == C_OS_FIRST_CALL + 1 &&
                  C_OS_AWAITS == C_OS_FIRST_CALL + 2 && C_OS_ACAP == C_OS_FIRST_CALL + 3 &&
                  C_OS_ACREATE == C_OS_FIRST_CALL + 4 && C_OS_ALOAD == C_OS_FIRST_CALL + 5 &&
                  C_OS_ASTART == C_OS_FIRST_CALL + 6 && C_OS_AGETALPARAM == C_OS_FIRST_CALL + 7 &&
                  C_OS_ACRED == C_OS_FIRST_CALL + 8 && C_OS_ASTAT == C_OS_FIRST_CALL + 9 &&
                  C_OS_AWAIT == C_OS_FIRST_CALL + 10 && C_OS_STATISTICS == C_OS_FIRST_CALL + 11 &&
                  C_OS_LAST_CALL == C_OS_STATISTICS);
    return calls;
}

} // namespace chorale::c_os
