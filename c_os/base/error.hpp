// What calls of C_OS return: a value, or one of the error numbers that Linux programs know. The names are
// POSIX's.
#pragma once

#include <cstdint>
#include <expected>

namespace chorale::c_os {

enum class Error : int {
    eperm = 1,
    enoent = 2,
    esrch = 3,
    eintr = 4,
    eio = 5,
    enxio = 6,
    e2big = 7,
    enoexec = 8,
    ebadf = 9,
    echild = 10,
    eagain = 11,
    enomem = 12,
    eacces = 13,
    efault = 14,
    ebusy = 16,
    eexist = 17,
    exdev = 18,
    enodev = 19,
    enotdir = 20,
    eisdir = 21,
    einval = 22,
    enfile = 23,
    emfile = 24,
    enotty = 25,
    efbig = 27,
    enospc = 28,
    espipe = 29,
    erofs = 30,
    emlink = 31,
    epipe = 32,
    erange = 34,
    edeadlk = 35,
    enametoolong = 36,
    enolck = 37,
    enosys = 38,
    enotempty = 39,
    eloop = 40,
    eoverflow = 75,
    eopnotsupp = 95,
    etimedout = 110,
    edquot = 122,
};

template <class T>
using Result = std::expected<T, Error>;
using Done = std::expected<void, Error>;

[[nodiscard]] constexpr std::unexpected<Error> failed(Error error) { return std::unexpected{error}; }

} // namespace chorale::c_os
