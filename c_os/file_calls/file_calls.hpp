// The Linux system calls on files. Each does what its page in section 2 of the Linux manual says; what is
// left out or different stands with it.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/calls/arguments.hpp"

#include <string_view>

namespace chorale::c_os {

class FileContext;

using FileCall = Result<u64> (*)(FileContext&, const CallArguments&);

struct NamedFileCall {
    std::string_view name;
    FileCall function;
};

// clang-format off
#define CHORALE_FILE_CALLS(CALL) \
    CALL(open) CALL(openat) CALL(creat) CALL(close) CALL(close_range) \
    CALL(read) CALL(write) CALL(pread64) CALL(pwrite64) CALL(readv) CALL(writev) CALL(preadv) CALL(pwritev) \
    CALL(preadv2) CALL(pwritev2) CALL(lseek) CALL(sendfile) CALL(copy_file_range) \
    CALL(stat) CALL(lstat) CALL(fstat) CALL(newfstatat) CALL(statx) CALL(statfs) CALL(fstatfs) \
    CALL(access) CALL(faccessat) CALL(faccessat2) \
    CALL(getdents64) CALL(mkdir) CALL(mkdirat) CALL(rmdir) CALL(unlink) CALL(unlinkat) \
    CALL(rename) CALL(renameat) CALL(renameat2) CALL(link) CALL(linkat) CALL(symlink) CALL(symlinkat) \
    CALL(readlink) CALL(readlinkat) CALL(mknod) CALL(mknodat) \
    CALL(chmod) CALL(fchmod) CALL(fchmodat) CALL(chown) CALL(lchown) CALL(fchown) CALL(fchownat) \
    CALL(utime) CALL(utimes) CALL(futimesat) CALL(utimensat) \
    CALL(truncate) CALL(ftruncate) CALL(fallocate) CALL(fadvise64) \
    CALL(fsync) CALL(fdatasync) CALL(sync) CALL(syncfs) \
    CALL(umask) CALL(chdir) CALL(fchdir) CALL(getcwd) CALL(chroot) \
    CALL(dup) CALL(dup2) CALL(dup3) CALL(fcntl) CALL(ioctl) CALL(flock) CALL(pipe) CALL(pipe2) \
    CALL(poll) CALL(ppoll) CALL(select) CALL(pselect6)
// clang-format on

namespace file_calls {

#define CHORALE_DECLARE(name) [[nodiscard]] Result<u64> name(FileContext&, const CallArguments&);
CHORALE_FILE_CALLS(CHORALE_DECLARE)
#undef CHORALE_DECLARE

// By name, for a dispatcher that knows the machine's numbers (linux_call_number()).
#define CHORALE_ROW(name) {#name, file_calls::name},
inline constexpr NamedFileCall table[] = {CHORALE_FILE_CALLS(CHORALE_ROW)};
#undef CHORALE_ROW

} // namespace file_calls

} // namespace chorale::c_os
