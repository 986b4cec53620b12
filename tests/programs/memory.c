/* brk, mmap and their like. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { page = 4096 };

static void anonymous(void) {
    char* memory = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    for (int i = 0; i < 16; ++i) {
        CHECK_EQUAL(memory[i * page], 0);
        memory[i * page] = (char)i;
    }
    CHECK_EQUAL(munmap(memory + 4 * page, 4 * page), 0);
    CHECK_EQUAL(munmap(memory + 4 * page, 4 * page), 0); /* a hole is no error */
    CHECK(mmap(memory + 4 * page, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == memory + 4 * page);
    CHECK_EQUAL(memory[5 * page], 0);
    CHECK_EQUAL(memory[3 * page], 3);
    CHECK_EQUAL(madvise(memory, 2 * page, MADV_DONTNEED), 0);
    CHECK_EQUAL(memory[page], 0);
    CHECK_EQUAL(memory[2 * page], 2);
    CHECK_EQUAL(munmap(memory, 16 * page), 0);
}

static void moved(void) {
    char* memory = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* behind = mmap(memory + 4 * page, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(memory != MAP_FAILED && behind == memory + 4 * page);
    memory[3 * page] = 'm';
    errno = 0;
    CHECK(mremap(memory, 4 * page, 8 * page, 0) == MAP_FAILED && errno == ENOMEM);
    char* larger = mremap(memory, 4 * page, 8 * page, MREMAP_MAYMOVE);
    CHECK(larger != MAP_FAILED && larger != memory);
    CHECK_EQUAL(larger[3 * page], 'm');
    CHECK_EQUAL(larger[7 * page], 0);
    CHECK(mremap(larger, 8 * page, page, 0) == larger);
}

static void refused(void) {
    errno = 0;
    CHECK(mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
          MAP_FAILED);
    CHECK_EQUAL(errno, EACCES);
    errno = 0;
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    errno = 0;
    CHECK(mmap(NULL, (size_t)1 << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    CHECK_EQUAL(errno, ENOMEM);
    CHECK_ERROR(munmap((void*)1, page), EINVAL);
    CHECK_ERROR(mprotect((void*)page, page, PROT_READ), ENOMEM);
}

static void of_files(void) {
    const int file = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    char block[page];
    for (int i = 0; i < 3; ++i) {
        memset(block, 'a' + i, sizeof block);
        CHECK_EQUAL(write(file, block, sizeof block), sizeof block);
    }
    char* map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, page);
    CHECK(map != MAP_FAILED);
    CHECK(map[0] == 'b' && map[2 * page - 1] == 'c');
    map[0] = 'x';
    CHECK_EQUAL(pread(file, block, 1, page), 1);
    CHECK_EQUAL(block[0], 'b');
    CHECK_EQUAL(munmap(map, 2 * page), 0);
    CHECK(mmap(NULL, page, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    close(file);
    unlink("/tmp/mapped");
}

int main(void) {
    anonymous();
    moved();
    refused();
    of_files();
    return finish("memory");
}
