/* Memory out of reach, contents that are given up, and files that several programs show. Started with an
 * argument it is one of the others. */
#define _GNU_SOURCE
#include "check.h"

#include <am/afexec.h>
#include <am/await.h>
#include <chorus.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAM "/bin/test_mappings"
#define SHARED "/tmp/shared"

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 }; /* as <linux/futex.h> has them */
enum { page = 4096, read_write = PROT_READ | PROT_WRITE };

/* ---- the others ------------------------------------------------------------------------------------------
 */

static char* map_all(int protection, int pages) {
    const int file = open(SHARED, (protection & PROT_WRITE) != 0 ? O_RDWR : O_RDONLY);
    char* map = mmap(NULL, (size_t)pages * page, protection, MAP_SHARED, file, 0);
    close(file);
    if (map == MAP_FAILED) exit(99);
    return map;
}

/* Behind the end of the file. */
static void past_end(void) { exit(*(volatile char*)(map_all(PROT_READ, 16) + 15 * page)); }
static void into_constant(void) {
    char* map = map_all(PROT_READ, 1);
    *(volatile char*)map = 1;
}
/* By the nucleus's calls, which know nothing of files. */
static void by_nucleus(void) {
    char* map = map_all(PROT_READ, 1);
    KnRgnDesc region = {(VmAddr)map, page, K_WRITABLE, 0, NULL, 0};
    KnRgnDesc other = {0, 0, K_WRITABLE | K_ANYWHERE, 0, NULL, 0};
    char byte = 'X';
    if (rgnSetProtect(K_MYACTOR, &region) != K_EPRIV) exit(1);
    if (rgnMapFromActor(K_MYACTOR, &other, K_MYACTOR, &region) != K_EADDR) exit(2);
    if (vmCopy(K_MYACTOR, (VmAddr)&byte, K_MYACTOR, (VmAddr)map, 1, 0) != K_EADDR) exit(3);
    if (rgnFree(K_MYACTOR, &(KnRgnDesc){(VmAddr)map, page, 0, 0, NULL, 0}) != K_OK) exit(4);
    exit(map_all(PROT_READ, 1)[0] == 'a' ? 0 : 5);
}
static void no_access(void) {
    char* memory = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    exit(*(volatile char*)memory);
}
/* Adds what it finds in the second word to the first, and wakes who waits there. */
static void partner(void) {
    volatile unsigned* word = (volatile unsigned*)map_all(read_write, 1);
    word[0] += word[1];
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
    exit(0);
}
/* Looks at the file's pages for ever, while they come and go. */
static void look_for_ever(void) {
    for (volatile char* map = map_all(PROT_READ, 16);; sched_yield())
        for (int i = 0; i < 1000; ++i) (void)*map;
}

static const struct {
    const char* name;
    void (*run)(void);
} others[] = {{"past_end", past_end},     {"into_constant", into_constant},
              {"by_nucleus", by_nucleus}, {"no_access", no_access},
              {"partner", partner},       {"look_for_ever", look_for_ever}};

static int start(const char* name, KnCap* actor) {
    char* const arguments[] = {PROGRAM, (char*)name, NULL};
    return afexecve(PROGRAM, actor, NULL, arguments, NULL);
}

/* The exit status, or 100 and the event that has ended it. */
static int run(const char* name) {
    KnCap actor;
    int status = 0;
    if (start(name, &actor) < 0 || awaits(&actor, &status) < 0) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* ---- memory ----------------------------------------------------------------------------------------------
 */

/* Through the kernel, which tells an error instead of raising it. */
static int readable(const char* at) {
    const int null = open("/tmp/sink", O_WRONLY | O_CREAT, 0600);
    const long written = write(null, at, 1);
    close(null);
    return written == 1;
}

static void out_of_reach(void) {
    char* memory = mmap(NULL, 8 * page, read_write, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    memset(memory, 'm', 8 * page);
    CHECK_EQUAL(mprotect(memory + 2 * page, 2 * page, PROT_NONE), 0);
    CHECK(readable(memory + page) && readable(memory + 4 * page));
    CHECK(!readable(memory + 2 * page) && !readable(memory + 3 * page));
    CHECK_EQUAL(mprotect(memory + 3 * page, page, PROT_READ), 0);
    CHECK(!readable(memory + 2 * page) && memory[3 * page] == 'm');
    CHECK_EQUAL(mprotect(memory, 8 * page, read_write), 0);
    CHECK(memory[2 * page] == 'm');
    CHECK_EQUAL(munmap(memory, 8 * page), 0);

    memory = mmap(NULL, 1024 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED && !readable(memory));
    CHECK_EQUAL(mprotect(memory + 8 * page, 8 * page, read_write), 0);
    memory[8 * page] = 1;
    CHECK(!readable(memory + 7 * page) && !readable(memory + 16 * page));
    CHECK_EQUAL(munmap(memory, 1024 * page), 0);
    CHECK_EQUAL(run("no_access"), 100 + SIGSEGV);
}

static void given_up(void) {
    char* memory = mmap(NULL, 8 * page, read_write, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 'm', 8 * page);
    CHECK_EQUAL(mprotect(memory + page, page, PROT_READ), 0); /* two rights, three regions */
    CHECK_EQUAL(madvise(memory, 4 * page, MADV_DONTNEED), 0);
    CHECK(memory[0] == 0 && memory[page] == 0 && memory[3 * page] == 0 && memory[4 * page] == 'm');
    memory[0] = 1;
    CHECK_EQUAL(madvise(memory + 4 * page, page, MADV_FREE), 0);
    CHECK(memory[4 * page] == 0 && memory[5 * page] == 'm');
    CHECK_EQUAL(madvise(memory, 8 * page, MADV_WILLNEED), 0);
    CHECK_EQUAL(memory[0], 1);
    CHECK_ERROR(madvise(memory + 1, page, MADV_DONTNEED), EINVAL);
    CHECK_ERROR(madvise(memory, page, 77), EINVAL);
    CHECK_EQUAL(munmap(memory + 2 * page, page), 0);
    CHECK_ERROR(madvise(memory, 8 * page, MADV_DONTNEED), ENOMEM);
    CHECK_EQUAL(munmap(memory, 8 * page), 0);
}

/* ---- files -----------------------------------------------------------------------------------------------
 */

static char byte_at(int file, long offset) {
    char byte = 0;
    return pread(file, &byte, 1, offset) == 1 ? byte : '!';
}

static int make(int pages) {
    const int file = open(SHARED, O_RDWR | O_CREAT | O_TRUNC, 0666);
    CHECK(file >= 0);
    char block[page];
    for (int i = 0; i < pages; ++i) {
        memset(block, 'a' + i, sizeof block);
        CHECK_EQUAL(write(file, block, sizeof block), sizeof block);
    }
    return file;
}

static void seen_by_all(void) {
    const int file = make(4);
    const int reader = open(SHARED, O_RDONLY);
    char* first = mmap(NULL, 4 * page, read_write, MAP_SHARED, file, 0);
    char* second = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, reader, page);
    CHECK(first != MAP_FAILED && second != MAP_FAILED);
    CHECK(first[0] == 'a' && first[3 * page] == 'd' && second[0] == 'b');
    first[page] = 'x';
    CHECK(second[0] == 'x' && byte_at(reader, page) == 'x');
    CHECK_EQUAL(pwrite(file, "y", 1, 2 * page + 5), 1);
    CHECK(first[2 * page + 5] == 'y' && second[page + 5] == 'y');
    CHECK_EQUAL(pwrite(file, first + 3 * page, page, 0), page); /* from itself */
    CHECK_EQUAL(first[7], 'd');
    CHECK_EQUAL(pread(file, first + page, page, 2 * page), page);
    CHECK_EQUAL(second[5], 'y');
    CHECK_EQUAL(msync(first, 4 * page, MS_SYNC), 0);
    CHECK_ERROR(msync(first + 1, page, MS_SYNC), EINVAL);
    CHECK_ERROR(msync(first, page, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_EQUAL(madvise(first, 4 * page, MADV_DONTNEED), 0); /* the file keeps it */
    CHECK_EQUAL(first[7], 'd');
    CHECK_ERROR(mprotect(second, page, read_write), EACCES);
    CHECK(mmap(NULL, page, read_write, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    const int writer = open(SHARED, O_WRONLY);
    CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, writer, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, file, 100) == MAP_FAILED && errno == EINVAL);
    CHECK_EQUAL(mprotect(first, page, PROT_NONE), 0);
    CHECK(!readable(first) && readable(first + page));
    CHECK_EQUAL(mprotect(first, page, read_write), 0);
    CHECK_EQUAL(first[7], 'd');
    /* Closed and without a name it is there as long as it is mapped. */
    close(file);
    close(reader);
    close(writer);
    CHECK_EQUAL(unlink(SHARED), 0);
    CHECK(first[7] == 'd' && second[0] == 'c');
    CHECK_EQUAL(munmap(second, 2 * page), 0);
    CHECK_EQUAL(munmap(first, 4 * page), 0);
}

static void with_a_name_of_its_own(void) {
    const int memory = shm_open("/pages", O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(memory >= 0);
    CHECK_EQUAL(ftruncate(memory, 2 * page), 0);
    char* map = mmap(NULL, 2 * page, read_write, MAP_SHARED, memory, 0);
    CHECK(map != MAP_FAILED);
    map[page] = 's';
    const int again = shm_open("/pages", O_RDONLY, 0);
    CHECK_EQUAL(byte_at(again, page), 's');
    CHECK_EQUAL(shm_unlink("/pages"), 0);
    CHECK_ERROR(shm_open("/pages", O_RDWR, 0), ENOENT);
    CHECK_EQUAL(munmap(map, 2 * page), 0);
    close(again);
    close(memory);
}

static void that_shrinks_and_grows(void) {
    const int file = make(4);
    char* map = mmap(NULL, 16 * page, read_write, MAP_SHARED, file, 0);
    CHECK(map != MAP_FAILED);
    CHECK(readable(map + 3 * page) && !readable(map + 4 * page));
    map[page + 50] = 'q';
    CHECK_EQUAL(ftruncate(file, page + 10), 0);
    CHECK(readable(map + page) && !readable(map + 2 * page));
    CHECK(map[page + 9] == 'b' && map[page + 50] == 0);
    map[page + 60] = 'r'; /* behind the end: nobody's */
    CHECK_EQUAL(ftruncate(file, 3 * page), 0);
    CHECK(map[page + 60] == 0 && map[2 * page] == 0 && !readable(map + 3 * page));
    map[2 * page] = 'n';
    CHECK_EQUAL(byte_at(file, 2 * page), 'n');
    CHECK_EQUAL(pwrite(file, "end", 3, 9 * page), 3);
    CHECK(map[9 * page] == 'e' && map[8 * page] == 0 && !readable(map + 10 * page));
    map[5 * page] = 'h'; /* was a hole */
    CHECK_EQUAL(byte_at(file, 5 * page), 'h');
    CHECK_EQUAL(run("past_end"), 100 + SIGBUS);
    CHECK_EQUAL(posix_fallocate(file, 0, 12 * page), 0);
    CHECK(readable(map + 11 * page) && !readable(map + 12 * page));
    CHECK_EQUAL(ftruncate(file, 0), 0);
    CHECK(!readable(map));
    CHECK_EQUAL(munmap(map, 16 * page), 0);
    close(file);
}

static void in_parts(void) {
    const int file = make(6);
    char* map = mmap(NULL, 6 * page, read_write, MAP_SHARED, file, 0);
    CHECK_EQUAL(munmap(map + 2 * page, page), 0);
    CHECK(!readable(map + 2 * page) && map[page] == 'b' && map[3 * page] == 'd');
    CHECK(mmap(map + 4 * page, page, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          map + 4 * page);
    CHECK(map[4 * page] == 0 && map[5 * page] == 'f');
    map[4 * page] = 'z';
    CHECK_EQUAL(ftruncate(file, page), 0); /* of the file's pages only */
    CHECK(map[0] == 'a' && !readable(map + page) && !readable(map + 3 * page) && !readable(map + 5 * page));
    CHECK_EQUAL(map[4 * page], 'z');
    CHECK_EQUAL(ftruncate(file, 6 * page), 0);
    map[3 * page] = 'v';
    CHECK(map[4 * page] == 'z' && byte_at(file, 3 * page) == 'v' && !readable(map + 2 * page));
    CHECK_EQUAL(munmap(map, 6 * page), 0);

    map = mmap(NULL, 2 * page, read_write, MAP_SHARED, file, 3 * page);
    CHECK_ERROR((long)mremap(map, 2 * page, 3 * page, 0), ENOMEM);
    char* larger = mremap(map, 2 * page, 3 * page, MREMAP_MAYMOVE);
    CHECK(larger != MAP_FAILED && larger[0] == 'v');
    larger[2 * page] = 'w';
    CHECK_EQUAL(byte_at(file, 5 * page), 'w');
    CHECK(mremap(larger, 3 * page, page, 0) == larger && larger[0] == 'v' && !readable(larger + page));
    CHECK_EQUAL(munmap(larger, page), 0);
    close(file);
}

static void with_others(void) {
    const int file = make(16);
    volatile unsigned* word = mmap(NULL, page, read_write, MAP_SHARED, file, 0);
    CHECK(word != MAP_FAILED);
    word[0] = 40;
    word[1] = 2;
    KnCap actor;
    int status = 0;
    CHECK(start("partner", &actor) >= 0);
    while (word[0] == 40) syscall(SYS_futex, word, FUTEX_WAIT, 40, NULL, NULL, 0);
    CHECK_EQUAL(word[0], 42);
    CHECK(awaits(&actor, &status) >= 0 && status == 0);
    CHECK_EQUAL(run("into_constant"), 100 + SIGSEGV);
    CHECK_EQUAL(pwrite(file, "a", 1, 0), 1);
    CHECK_EQUAL(run("by_nucleus"), 0);
    CHECK_EQUAL(byte_at(file, 0), 'a');
    /* Killed while they look, and while the file is cut. */
    for (int i = 0; i < 20; ++i) {
        KnCap lookers[3];
        for (int each = 0; each < 3; ++each) CHECK(start("look_for_ever", &lookers[each]) >= 0);
        if (i % 2 == 0) usleep(2000);
        for (int each = 0; each < 3; ++each) CHECK(akill(&lookers[each]) >= 0);
        CHECK_EQUAL(ftruncate(file, page), 0);
        CHECK_EQUAL(ftruncate(file, 16 * page), 0);
        for (int each = 0; each < 3; ++each) CHECK(awaits(&lookers[each], &status) >= 0);
    }
    CHECK_EQUAL(munmap((void*)word, page), 0);
    close(file);
    CHECK_EQUAL(unlink(SHARED), 0);
}

/* ---- threads change what others use ----------------------------------------------------------------------
 */

static int busy_file;
static volatile int done;

static void* cut_and_grow(void* argument) {
    for (int i = 0; i < 300; ++i) {
        CHECK_EQUAL(ftruncate(busy_file, page), 0);
        CHECK_EQUAL(ftruncate(busy_file, 8 * page), 0);
        sched_yield();
    }
    done = 1;
    return argument;
}

static void all_at_once(void) {
    busy_file = make(8);
    pthread_t thread;
    CHECK_EQUAL(pthread_create(&thread, NULL, cut_and_grow, NULL), 0);
    while (!done) {
        char* map = mmap(NULL, 8 * page, read_write, MAP_SHARED, busy_file, 0);
        CHECK(map != MAP_FAILED);
        map[5] = 'k';
        CHECK_EQUAL(mprotect(map + page, 2 * page, PROT_READ), 0);
        CHECK_EQUAL(munmap(map + 4 * page, page), 0);
        CHECK_EQUAL(munmap(map, 8 * page), 0);
    }
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    CHECK_EQUAL(byte_at(busy_file, 5), 'k');
    close(busy_file);
    CHECK_EQUAL(unlink(SHARED), 0);
}

int main(int argc, char** argv) {
    for (unsigned i = 0; argc > 1 && i < sizeof others / sizeof *others; ++i)
        if (strcmp(argv[1], others[i].name) == 0) others[i].run();
    if (argc > 1) return 98;
    out_of_reach();
    given_up();
    seen_by_all();
    with_a_name_of_its_own();
    that_shrinks_and_grows();
    in_parts();
    with_others();
    all_at_once();
    return finish("mappings");
}
