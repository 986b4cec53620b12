// Signals, as far as there are any before POSIX processes: what a program wants to have done is kept and
// told, but no handler runs. A signal ends its process, unless it is ignored, by the program or by itself.
#include "c_os/base/user_memory.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/process/ending.hpp"

#include <trap_context.hpp>

namespace chorale::c_os {

namespace {

[[nodiscard]] Result<u64> send_signal(Task& sender, int target, u64 signal) {
    if (signal > signal_count) return failed(Error::einval);
    Ref<Process> process = processes().find(target);
    if (!process) return failed(Error::esrch);
    const Credentials caller = sender.process.files.credentials();
    const Credentials other = process->files.credentials();
    if (!caller.root() && caller.real_uid != other.real_uid && caller.uid != other.real_uid)
        return failed(Error::eperm);
    if (signal != 0) signal_process(std::move(process), static_cast<int>(signal));
    return 0;
}

Result<u64> call_kill(Task& task, const CallArguments& call) {
    return send_signal(task, static_cast<int>(call.value[0]), call.value[1]);
}

[[nodiscard]] bool has_task(Process& process, int tid) {
    const Lock lock{process.tasks_mutex};
    for (Task* each = process.tasks.front(); each != nullptr; each = process.tasks.next(*each)) {
        if (each->tid == tid) return true;
    }
    return false;
}

Result<u64> call_tkill(Task& task, const CallArguments& call) {
    if (!has_task(task.process, static_cast<int>(call.value[0]))) return failed(Error::esrch);
    return send_signal(task, task.process.id, call.value[1]);
}

Result<u64> call_tgkill(Task& task, const CallArguments& call) {
    return call_tkill(task, {{call.value[1], call.value[2]}});
}

constexpr u64 set_size = 8; // of a sigset_t as the calls have it

// The action is kept as the C library gives it.
Result<u64> call_rt_sigaction(Task& task, const CallArguments& call) {
    const auto& [signal, address, old_address, size, e, f] = call.value;
    if (signal == 0 || signal > signal_count || size != set_size) return failed(Error::einval);
    SignalAction& action = task.process.signals.action[signal - 1];
    if (old_address != 0) {
        const Lock lock{task.process.tasks_mutex};
        if (const Done done = copy_out(old_address, &action, signal_action_size); !done)
            return failed(done.error());
    }
    if (address == 0) return 0;
    const auto wanted_signal = static_cast<Signal>(signal);
    if (wanted_signal == Signal::kill || wanted_signal == Signal::stop) return failed(Error::einval);
    SignalAction wanted{};
    if (const Done done = copy_in(&wanted, address, signal_action_size); !done) return failed(done.error());
    const Lock lock{task.process.tasks_mutex};
    action = wanted;
    return 0;
}

Result<u64> call_rt_sigprocmask(Task& task, const CallArguments& call) {
    enum : u64 { block, unblock, set };
    const auto& [how, address, old_address, size, e, f] = call.value;
    if (size != set_size) return failed(Error::einval);
    const u64 old = task.signal_mask;
    if (address != 0) {
        const Result<u64> mask = get_from_user<u64>(address);
        if (!mask) return mask;
        if (how > set) return failed(Error::einval);
        task.signal_mask = how == block ? old | *mask : how == unblock ? old & ~*mask : *mask;
    }
    if (old_address != 0) {
        if (const Done done = put_to_user(old_address, old); !done) return failed(done.error());
    }
    return 0;
}

Result<u64> call_sigaltstack(Task&, const CallArguments& call) {
    struct Stack {
        u64 address;
        u32 flags, padding;
        u64 size;
    };
    constexpr u32 disabled = 2;
    if (call.value[1] != 0) {
        if (const Done done = put_to_user(call.value[1], Stack{0, disabled, 0, 0}); !done)
            return failed(done.error());
    }
    return 0;
}

Result<u64> call_rt_sigpending(Task&, const CallArguments& call) {
    if (const Done done = put_to_user(call.value[0], u64{0}); !done) return failed(done.error());
    return 0;
}

} // namespace

std::span<const CallEntry> signal_call_entries() {
    static constexpr CallEntry entries[] = {
        {"kill", call_kill},
        {"tkill", call_tkill},
        {"tgkill", call_tgkill},
        {"rt_sigaction", call_rt_sigaction},
        {"rt_sigprocmask", call_rt_sigprocmask},
        {"rt_sigpending", call_rt_sigpending},
        {"sigaltstack", call_sigaltstack},
    };
    return entries;
}

} // namespace chorale::c_os
