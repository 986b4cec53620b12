// The system calls of the C library in boot actors. What is not here is not there: -ENOSYS, and the function
// that made it says so by errno. In a supervisor actor that C_OS has started, C_OS is asked for what is not
// the nucleus's.
#include "internal.h"

#include <chorus.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

typedef long transfer_function(void* bytes, size_t size);

static long write_bytes(void* bytes, size_t size) { return console_write(bytes, size); }

static long transfer_vector(transfer_function* transfer, const struct iovec* vector, long count) {
    long done = 0;
    for (long i = 0; i < count; ++i) {
        if (vector[i].iov_len == 0) {
            continue;
        }
        const long result = transfer(vector[i].iov_base, vector[i].iov_len);
        if (result < 0) {
            return done != 0 ? done : result;
        }
        done += result;
        if ((size_t)result < vector[i].iov_len) {
            break;
        }
    }
    return done;
}

// 0: the console's input, 1 and 2: its output. There are no others.
static long file_call(long number, long file, long second, long third) {
    if (file < 0 || file > 2) {
        return -EBADF;
    }
    switch (number) {
    case SYS_read:
        return file == 0 ? console_read((void*)second, (size_t)third) : -EBADF;
    case SYS_readv:
        return file == 0 ? transfer_vector(console_read, (const struct iovec*)second, third) : -EBADF;
    case SYS_write:
        return file != 0 ? console_write((const void*)second, (size_t)third) : -EBADF;
    case SYS_writev:
        return file != 0 ? transfer_vector(write_bytes, (const struct iovec*)second, third) : -EBADF;
    case SYS_ioctl:
        if (second != TIOCGWINSZ) {
            return -ENOTTY;
        }
        *(struct winsize*)third = (struct winsize){0}; // it is a terminal, of unknown size
        return 0;
    case SYS_lseek:
        return -ESPIPE;
    default:
        return -ENOSYS;
    }
}

static long get_time(long clock, struct timespec* time) {
    KnTimeVal now;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        return -EINVAL;
    }
    sysTime(&now);
    time->tv_sec = now.tmSec;
    time->tv_nsec = now.tmNSec;
    return 0;
}

static long sleep_for(const struct timespec* time) {
    const KnTimeVal limit = {time->tv_sec, time->tv_nsec};
    switch (threadDelay(&limit)) {
    case K_OK:
    case K_ETIMEOUT:
        return 0;
    case K_EABORT:
        return -EINTR;
    default:
        return -EINVAL;
    }
}

static long end_thread(void) {
    threadDelete(K_MYACTOR, K_MYSELF);
    return -ENOSYS;
}

static long end_actor(void) {
    actorDelete(K_MYACTOR);
    return end_thread();
}

// Files, and all that the nucleus has no calls for.
static long other_call(long number, long first, long second, long third) {
    switch (number) {
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_ioctl:
    case SYS_lseek:
        return file_call(number, first, second, third);
    case SYS_rt_sigprocmask: // there are no signals to mask
        return 0;
    case SYS_exit_group:
        return end_actor();
    default:
        return -ENOSYS;
    }
}

long chorus_system_call(long number, long first, long second, long third, long fourth, long fifth,
                        long sixth) {
    switch (number) {
    case SYS_mmap:
        return memory_map((size_t)second, (int)fourth);
    case SYS_munmap:
        return memory_unmap((void*)first, (size_t)second);
    case SYS_mprotect: // all memory can be read and written, and no other rights are to be had
        return third == (PROT_READ | PROT_WRITE) ? 0 : -ENOSYS;
    case SYS_madvise:
        return 0;
    case SYS_brk: // there is no such area: malloc takes mmap then
        return 0;
    case SYS_futex:
        return wait_or_wake((volatile int*)first, (int)second, (int)third, (const struct timespec*)fourth);
    case SYS_set_tid_address:
    case SYS_gettid:
        return threadSelf();
    case SYS_nanosleep:
        return sleep_for((const struct timespec*)first);
    case SYS_clock_nanosleep:
        return second == 0 ? sleep_for((const struct timespec*)third) : -EINVAL;
    case SYS_sched_yield:
        threadDelay(K_NOBLOCK);
        return 0;
    case SYS_exit:
        return end_thread();
    default:
        if (c_os_serves()) {
            return c_os_call(number, first, second, third, fourth, fifth, sixth);
        }
        return number == SYS_clock_gettime ? get_time(first, (struct timespec*)second)
                                           : other_call(number, first, second, third);
    }
}
