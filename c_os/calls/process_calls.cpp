// Processes: who they are, how they end.
#include "c_os/base/user_memory.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/process/ending.hpp"
#include "c_os/process/terminal_signals.hpp"

namespace chorale::c_os {

namespace {

// ---- identity --------------------------------------------------------------------------------------

u64 quick_getpid(const Task& task) { return static_cast<u64>(task.process.id); }
u64 quick_getppid(const Task& task) { return static_cast<u64>(task.process.parent); }
u64 quick_gettid(const Task& task) { return static_cast<u64>(task.tid); }

// The caller itself for 0. Errors: esrch.
[[nodiscard]] Result<Ref<Process>> process_of(Task& task, u64 id) {
    if (id == 0) return Ref<Process>{task.process};
    Ref<Process> process = processes().find(static_cast<int>(id));
    if (!process) return failed(Error::esrch);
    return process;
}

Result<u64> call_getpgid(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(task, call[0]);
    if (!process) return failed(process.error());
    return static_cast<u64>((*process)->files.job().group);
}

Result<u64> call_getpgrp(Task& task, const CallArguments&) {
    return static_cast<u64>(task.process.files.job().group);
}

Result<u64> call_getsid(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(task, call[0]);
    if (!process) return failed(process.error());
    return static_cast<u64>((*process)->files.job().session);
}

// A process that leads a group cannot leave its session.
Result<u64> call_setsid(Task& task, const CallArguments&) {
    Process& process = task.process;
    if (process.files.job().session == process.id) return failed(Error::eperm);
    process.files.set_job({process.id, process.id, process.id});
    process.files.set_terminal(nullptr);
    return static_cast<u64>(process.id);
}

// Of the caller or its children; into a new group or one of the same session.
Result<u64> call_setpgid(Task& task, const CallArguments& call) {
    const Result<Ref<Process>> process = process_of(task, call[0]);
    if (!process) return failed(process.error());
    if (process->get() != &task.process && (*process)->parent != task.process.id) return failed(Error::esrch);
    if (call.integer(1) < 0) return failed(Error::einval);
    JobIdentity job = (*process)->files.job();
    if (job.session == (*process)->id || job.session != task.process.files.job().session)
        return failed(Error::eperm);
    const int group = call.integer(1) == 0 ? (*process)->id : call.integer(1);
    if (group != (*process)->id && !terminal_signals().is_group_of_session(group, job.session))
        return failed(Error::eperm);
    job.group = group;
    (*process)->files.set_job(job);
    return 0;
}

Result<u64> call_getuid(Task& task, const CallArguments&) {
    return task.process.files.credentials().real_uid;
}
Result<u64> call_geteuid(Task& task, const CallArguments&) { return task.process.files.credentials().uid; }
Result<u64> call_getgid(Task& task, const CallArguments&) {
    return task.process.files.credentials().real_gid;
}
Result<u64> call_getegid(Task& task, const CallArguments&) { return task.process.files.credentials().gid; }

// setuid(2): root becomes another for good; anybody may go to and fro between real and saved.
Result<u64> call_setuid(Task& task, const CallArguments& call) {
    const auto uid = static_cast<u32>(call.value[0]);
    Credentials credentials = task.process.files.credentials();
    if (credentials.root())
        credentials.real_uid = credentials.saved_uid = uid;
    else if (uid != credentials.real_uid && uid != credentials.saved_uid)
        return failed(Error::eperm);
    credentials.uid = uid;
    task.process.files.set_credentials(credentials);
    return 0;
}

Result<u64> call_setgid(Task& task, const CallArguments& call) {
    const auto gid = static_cast<u32>(call.value[0]);
    Credentials credentials = task.process.files.credentials();
    if (credentials.root())
        credentials.real_gid = credentials.saved_gid = gid;
    else if (gid != credentials.real_gid && gid != credentials.saved_gid)
        return failed(Error::eperm);
    credentials.gid = gid;
    task.process.files.set_credentials(credentials);
    return 0;
}

// setresuid(2), setresgid(2): real, effective and saved one, each as it was when it is -1. Who is not root
// gets none but those there are. Errors: eperm.
struct Identities {
    u32 real, effective, saved;
};
[[nodiscard]] Result<Identities> changed(const CallArguments& call, const Identities& now, bool root) {
    constexpr u32 unchanged = ~u32{0};
    const u32 old[] = {now.real, now.effective, now.saved};
    u32 wanted[3];
    for (int i = 0; i < 3; ++i) {
        wanted[i] = static_cast<u32>(call.value[i]);
        if (wanted[i] == unchanged) wanted[i] = old[i];
        if (!root && wanted[i] != now.real && wanted[i] != now.effective && wanted[i] != now.saved)
            return failed(Error::eperm);
    }
    return Identities{wanted[0], wanted[1], wanted[2]};
}

Result<u64> call_setresuid(Task& task, const CallArguments& call) {
    Credentials credentials = task.process.files.credentials();
    const Identities now{credentials.real_uid, credentials.uid, credentials.saved_uid};
    const Result<Identities> wanted = changed(call, now, credentials.root());
    if (!wanted) return failed(wanted.error());
    credentials.real_uid = wanted->real;
    credentials.uid = wanted->effective;
    credentials.saved_uid = wanted->saved;
    task.process.files.set_credentials(credentials);
    return 0;
}

Result<u64> call_setresgid(Task& task, const CallArguments& call) {
    Credentials credentials = task.process.files.credentials();
    const Identities now{credentials.real_gid, credentials.gid, credentials.saved_gid};
    const Result<Identities> wanted = changed(call, now, credentials.root());
    if (!wanted) return failed(wanted.error());
    credentials.real_gid = wanted->real;
    credentials.gid = wanted->effective;
    credentials.saved_gid = wanted->saved;
    task.process.files.set_credentials(credentials);
    return 0;
}

// getresuid(2), getresgid(2): three words.
[[nodiscard]] Result<u64> put_three(const CallArguments& call, u32 real, u32 effective, u32 saved) {
    const u32 ids[] = {real, effective, saved};
    for (int i = 0; i < 3; ++i) {
        if (const Done done = put_to_user(call.value[i], ids[i]); !done) return failed(done.error());
    }
    return 0;
}

Result<u64> call_getresuid(Task& task, const CallArguments& call) {
    const Credentials credentials = task.process.files.credentials();
    return put_three(call, credentials.real_uid, credentials.uid, credentials.saved_uid);
}
Result<u64> call_getresgid(Task& task, const CallArguments& call) {
    const Credentials credentials = task.process.files.credentials();
    return put_three(call, credentials.real_gid, credentials.gid, credentials.saved_gid);
}

Result<u64> call_getgroups(Task& task, const CallArguments& call) {
    const Credentials credentials = task.process.files.credentials();
    if (call.value[0] == 0) return credentials.group_count;
    if (call.value[0] < credentials.group_count) return failed(Error::einval);
    const std::size_t size = credentials.group_count * sizeof credentials.groups[0];
    if (const Done done = copy_out(call.value[1], credentials.groups, size); !done)
        return failed(done.error());
    return credentials.group_count;
}

Result<u64> call_setgroups(Task& task, const CallArguments& call) {
    Credentials credentials = task.process.files.credentials();
    if (!credentials.root()) return failed(Error::eperm);
    if (call.value[0] > Credentials::group_limit) return failed(Error::einval);
    credentials.group_count = static_cast<u32>(call.value[0]);
    const std::size_t size = credentials.group_count * sizeof credentials.groups[0];
    if (const Done done = copy_in(credentials.groups, call.value[1], size); !done)
        return failed(done.error());
    task.process.files.set_credentials(credentials);
    return 0;
}

// ---- the end ---------------------------------------------------------------------------------------

Result<u64> call_exit_group(Task& task, const CallArguments& call) {
    return end_by_exit(task.process, call.value[0]);
}

Result<u64> call_wait4(Task& task, const CallArguments& call) {
    const Result<EndedChild> child = await_child(task.process.id);
    if (!child) return failed(child.error());
    const int status = wait_status(child->end);
    if (call.value[1] != 0) {
        if (const Done done = put_to_user(call.value[1], status); !done) return failed(done.error());
    }
    return static_cast<u64>(child->id);
}

} // namespace

std::span<const CallEntry> process_call_entries() {
    static constexpr CallEntry entries[] = {
        {"getpgid", call_getpgid},     {"getpgrp", call_getpgrp},     {"getsid", call_getsid},
        {"setpgid", call_setpgid},     {"setsid", call_setsid},       {"getuid", call_getuid},
        {"geteuid", call_geteuid},     {"getgid", call_getgid},       {"getegid", call_getegid},
        {"setuid", call_setuid},       {"setresuid", call_setresuid}, {"setresgid", call_setresgid},
        {"setgid", call_setgid},       {"getresuid", call_getresuid}, {"getresgid", call_getresgid},
        {"getgroups", call_getgroups}, {"setgroups", call_setgroups}, {"exit_group", call_exit_group},
        {"wait4", call_wait4},
    };
    return entries;
}

std::span<const QuickCallEntry> quick_call_entries() {
    static constexpr QuickCallEntry entries[] = {
        quick<quick_getpid>("getpid"),
        quick<quick_getppid>("getppid"),
        quick<quick_gettid>("gettid"),
    };
    return entries;
}

} // namespace chorale::c_os
