// What malloc asks for: regions of the actor.
#include "internal.h"

#include <chorus.h>
#include <errno.h>
#include <sys/mman.h>

// Fixed places and files are not to be had; rights are always to read and to write.
long memory_map(size_t size, int flags) {
    if ((flags & MAP_ANONYMOUS) == 0 || (flags & MAP_FIXED) != 0) {
        return -ENODEV;
    }
    KnRgnDesc region = {.size = size, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};
    return rgnAllocate(K_MYACTOR, &region) == K_OK ? (long)region.startAddr : -ENOMEM;
}

long memory_unmap(void* address, size_t size) {
    const KnRgnDesc region = {.startAddr = (VmAddr)address, .size = size};
    return rgnFree(K_MYACTOR, &region) == K_OK ? 0 : -EINVAL;
}
