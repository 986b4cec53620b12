#include "commands/ktrace/call_names.hpp"

#include "commands/ktrace/output.hpp"

#include <chorus/c_os_calls.h>
#include <chorus/calls.hpp>
#include <exec/chError.h>
#include <linux_calls.hpp>

#include <algorithm>
#include <array>
#include <errno.h>
#include <initializer_list>

namespace chorale::ktrace {

namespace {

using chorus::ArgumentInfo;
using chorus::Flow;

constexpr CallName described(std::string_view name, Flow flow, std::initializer_list<ArgumentInfo> list) {
    CallName call{name, static_cast<unsigned>(list.size()), flow == Flow::leaf, {}};
    unsigned place = 0;
    for (const ArgumentInfo& info : list) {
        if (place == recorded_arguments) break;
        // All but values are addresses.
        const bool value = info.direction == chorus::Direction::value && info.size != 0;
        call.argument[place++] = {info.name, value ? static_cast<unsigned>(info.size) : 8U};
    }
    return call;
}

// Calls that have a message in registers are recorded with other arguments than the list's (exec/chTrace.h),
// and have the names here by which programs know them.
constexpr CallName to_port(std::string_view name) {
    return {name, 3, false, {{"head", 8}, {"tail", 8}, {"bytes", 8}}};
}
constexpr CallName from_port(std::string_view name) {
    return {name, 3, false, {{"portli", 8}, {"none", 8}, {"replybytes", 8}}};
}

constexpr auto nucleus_calls = [] {
    std::array<CallName, chorus::call_limit> list{};
#define CALL(number, name, flow, privilege, level, errors, ...)                                              \
    list[number] = described(#name, Flow::flow, {__VA_ARGS__});
    CHORUS_LEAF_CALLS(CALL)
    CHORUS_BLOCK_CALLS(CALL)
#undef CALL
    list[K_TRACE_IPC_CALL] = to_port("ipcCall");
    list[K_TRACE_SEND] = to_port("ipcSend");
    list[K_TRACE_REPLY_RECEIVE] = from_port("ipcReplyReceive");
    list[K_TRACE_RECEIVE] = from_port("ipcReceive");
    return list;
}();

struct Named {
    int number;
    const char* name;
};

constexpr Named own_calls[] = {
    {C_OS_AFEXECVE, "afexecve"}, {C_OS_AKILL, "akill"},
    {C_OS_AWAITS, "awaits"},     {C_OS_ACAP, "acap"},
    {C_OS_ACREATE, "acreate"},   {C_OS_ALOAD, "aload"},
    {C_OS_ASTART, "astart"},     {C_OS_AGETALPARAM, "agetalparam"},
    {C_OS_ACRED, "acred"},       {C_OS_ASTAT, "astat"},
    {C_OS_AWAIT, "await"},       {C_OS_STATISTICS, "osStatistics"},
};
static_assert(sizeof own_calls / sizeof *own_calls == C_OS_LAST_CALL - C_OS_FIRST_CALL + 1);

// What Linux calls it: what C_OS returns, and what its programs can meet besides.
#define NAMED(code) {code, #code}
constexpr Named linux_errors[] = {
    NAMED(EPERM),    NAMED(ENOENT),     NAMED(ESRCH),        NAMED(EINTR),     NAMED(EIO),
    NAMED(ENXIO),    NAMED(E2BIG),      NAMED(ENOEXEC),      NAMED(EBADF),     NAMED(ECHILD),
    NAMED(EAGAIN),   NAMED(ENOMEM),     NAMED(EACCES),       NAMED(EFAULT),    NAMED(EBUSY),
    NAMED(EEXIST),   NAMED(EXDEV),      NAMED(ENODEV),       NAMED(ENOTDIR),   NAMED(EISDIR),
    NAMED(EINVAL),   NAMED(ENFILE),     NAMED(EMFILE),       NAMED(ENOTTY),    NAMED(ETXTBSY),
    NAMED(EFBIG),    NAMED(ENOSPC),     NAMED(ESPIPE),       NAMED(EROFS),     NAMED(EMLINK),
    NAMED(EPIPE),    NAMED(EDOM),       NAMED(ERANGE),       NAMED(EDEADLK),   NAMED(ENAMETOOLONG),
    NAMED(ENOLCK),   NAMED(ENOSYS),     NAMED(ENOTEMPTY),    NAMED(ELOOP),     NAMED(EOVERFLOW),
    NAMED(ENOTSOCK), NAMED(EOPNOTSUPP), NAMED(EAFNOSUPPORT), NAMED(ETIMEDOUT), NAMED(EALREADY),
    NAMED(EDQUOT),   NAMED(ECANCELED),
};
#undef NAMED

// Linux's calls that C_OS serves, and its own, of less than four arguments: by their number.
constexpr std::string_view with_few_arguments[recorded_arguments] = {
    " getegid geteuid getgid getpgrp getpid getppid gettid getuid pause sched_yield setsid sync ",
    " agetalparam akill astart brk chdir chroot close dup exit exit_group fchdir fdatasync fsync "
    "getpgid getsid pipe rmdir set_tid_address setgid setuid syncfs sysinfo time times umask uname unlink ",
    " acap access arch_prctl astat await awaits chmod clock_getres clock_gettime clock_settime creat dup2 "
    "fchmod flock fstat fstatfs ftruncate getcwd getgroups getrlimit getrusage gettimeofday kill link lstat "
    "mkdir mlock munlock munmap nanosleep pipe2 rename rt_sigpending rt_sigsuspend set_robust_list setgroups "
    "setpgid setrlimit sigaltstack stat statfs symlink tkill truncate utime utimes ",
    " acred chown close_range dup3 faccessat fchmodat fchown fcntl futimesat getcpu getdents64 getrandom "
    "getresgid getresuid ioctl lchown lseek madvise mkdirat mknod mprotect msync open poll read readlink "
    "readv "
    "sched_getaffinity setresgid setresuid symlinkat tgkill unlinkat write writev ",
};

// From here on a result is told in hexadecimal.
constexpr std::int64_t large_result = 0x100000;
// From here to -1 a result is an error, of Linux's calls and of the nucleus's.
constexpr std::int64_t first_error = -4095;

} // namespace

const CallName& nucleus_call(unsigned number) {
    static constexpr CallName none;
    return number < nucleus_calls.size() ? nucleus_calls[number] : none;
}

std::string_view system_call(unsigned number) {
    for (const c_os::LinuxCall& call : c_os::linux_calls)
        if (call.number == number) return call.name;
    for (const Named& call : own_calls)
        if (static_cast<unsigned>(call.number) == number) return call.name;
    return {};
}

unsigned system_call_arguments(std::string_view name) {
    for (unsigned count = 0; count < recorded_arguments; ++count) {
        const std::string_view list = with_few_arguments[count];
        for (std::size_t at = list.find(name); at != list.npos; at = list.find(name, at + 1)) {
            if (!name.empty() && list[at - 1] == ' ' && list[at + name.size()] == ' ') return count;
        }
    }
    return recorded_arguments;
}

std::string call_text(unsigned number, bool foreign) {
    const std::string_view name = foreign ? system_call(number) : nucleus_call(number).name;
    return name.empty() ? "call " + std::to_string(number) : std::string{name};
}

bool is_error(std::int64_t result) { return result >= first_error && result < 0; }

std::string result_text(std::int64_t result, bool foreign) {
    if (is_error(result) && foreign) {
        for (const Named& error : linux_errors)
            if (error.number == -result) return error.name;
    } else if (is_error(result) && result >= K_EFORBIDDEN) {
        const std::string_view text = strSysError(static_cast<int>(result));
        return std::string{text.substr(0, text.find(':'))};
    }
    if (result >= first_error && result < large_result) return std::to_string(result);
    return hex(static_cast<std::uint64_t>(result));
}

bool ends_first(unsigned number, bool foreign) { return !foreign && nucleus_call(number).leaf; }

} // namespace chorale::ktrace
