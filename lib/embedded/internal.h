// What the files of lib/embedded know of each other. All of them are compiled as parts of musl.
#pragma once

#include "libc.h"
#include "syscall.h"

#include <stddef.h>
#include <time.h>

// Linux results: what was done, or -errno.
hidden long console_write(const void* bytes, size_t size);
hidden long console_read(void* bytes, size_t size);
hidden long memory_map(size_t size, int flags);
hidden long memory_unmap(void* address, size_t size);
hidden long wait_or_wake(volatile int* word, int operation, int value, const struct timespec* limit);

hidden void threads_begin(void); // before anything else of the C library

enum { page_size = 4096, thread_limit = 256 }; // of the machines; threads of an actor, in the nucleus
