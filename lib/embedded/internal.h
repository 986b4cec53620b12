// What the files of lib/embedded know of each other. All of them are compiled as parts of musl.
#pragma once

#include "libc.h"
#include "syscall.h"

#include <am/afexec.h>
#include <stddef.h>
#include <time.h>

// Linux results: what was done, or -errno. Addresses of supervisor actors are negative too.
static inline int is_error(long result) { return (unsigned long)result > -4096UL; }
hidden long console_write(const void* bytes, size_t size);
hidden long console_read(void* bytes, size_t size);
hidden long memory_map(size_t size, int flags);
hidden long memory_unmap(void* address, size_t size);
hidden long wait_or_wake(volatile int* word, int operation, int value, const struct timespec* limit);

hidden void threads_begin(void); // before main

// Supervisor actors: whether C_OS has started this one and takes its calls. c_os_begin finds out, and returns
// the arguments that it was given; null: none.
hidden int c_os_serves(void);
hidden long c_os_call(long number, long first, long second, long third, long fourth, long fifth, long sixth);
hidden const AlParam* c_os_begin(void);

enum { page_size = 4096, thread_limit = 256 }; // of the machines; threads of an actor, in the nucleus
