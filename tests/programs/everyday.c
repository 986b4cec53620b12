/* What almost every C program uses: arguments, environment, memory, formatted text, time, files. */
#include "check.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static void start(int argc, char** argv) {
    CHECK_EQUAL(argc, 3);
    CHECK(strcmp(argv[1], "one") == 0 && strcmp(argv[2], "two") == 0 && argv[3] == NULL);
    CHECK(getenv("PATH") != NULL && strcmp(getenv("PATH"), "/bin") == 0);
    CHECK(getenv("NOTHING") == NULL);
    CHECK_EQUAL(getauxval(AT_PAGESZ), 4096);
    CHECK(getauxval(AT_RANDOM) != 0);
    CHECK_EQUAL((unsigned long)__builtin_frame_address(0) % 16, 0);
    CHECK(getpid() > 1);
    CHECK_EQUAL(getppid(), 0);
}

static void memory(void) {
    char* pieces[64];
    for (size_t i = 0; i < 64; ++i) {
        pieces[i] = malloc(i * i * 100 + 1);
        CHECK(pieces[i] != NULL);
        memset(pieces[i], (int)i, i * i * 100 + 1);
    }
    for (size_t i = 0; i < 64; ++i) {
        CHECK_EQUAL(pieces[i][i * i * 100], i);
        free(pieces[i]);
    }
    char* grown = malloc(100);
    for (size_t size = 100; size < 4000000; size *= 2) {
        grown = realloc(grown, size * 2);
        CHECK(grown != NULL);
        grown[size] = 'x';
    }
    free(grown);
    void* volatile huge = malloc((size_t)1 << 50); /* volatile: or the compiler thinks it away */
    CHECK(huge == NULL);
}

static void text(void) {
    char line[100];
    snprintf(line, sizeof line, "%d %s %5.2f %#lx %c", -42, "text", 3.14159, 0xdeadbeefL, 'z');
    CHECK(strcmp(line, "-42 text  3.14 0xdeadbeef z") == 0);
    int number = 0;
    double real = 0;
    CHECK_EQUAL(sscanf("17 2.5e3", "%d %lf", &number, &real), 2);
    CHECK(number == 17 && real == 2500.0);
}

static void times(void) {
    struct timespec before, after, pause = {0, 20000000};
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    CHECK_EQUAL(nanosleep(&pause, NULL), 0);
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    const long passed = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    CHECK(passed >= 20000000);
    CHECK(time(NULL) > 1700000000); /* QEMU's clock is the host's */
    pause.tv_nsec = 2000000000;
    CHECK_ERROR(nanosleep(&pause, NULL), EINVAL);
    CHECK_ERROR(clock_gettime(77, &before), EINVAL);
}

static void files(void) {
    FILE* file = fopen("/tmp/everyday", "w+");
    CHECK(file != NULL);
    if (file == NULL) return;
    for (int i = 0; i < 1000; ++i) fprintf(file, "line %d\n", i);
    CHECK_EQUAL(ftell(file), 8890);
    CHECK_EQUAL(fseek(file, 5, SEEK_SET), 0);
    int number = -1;
    CHECK(fscanf(file, "%d", &number) == 1 && number == 0);
    CHECK_EQUAL(fclose(file), 0);
    struct stat status;
    CHECK_EQUAL(stat("/tmp/everyday", &status), 0);
    CHECK(S_ISREG(status.st_mode) && status.st_size == 8890);
    CHECK_EQUAL(unlink("/tmp/everyday"), 0);
    CHECK_ERROR(stat("/tmp/everyday", &status), ENOENT);
    CHECK_ERROR(open("/nowhere/at/all", O_RDONLY), ENOENT);
    CHECK_ERROR(read(99, &status, 1), EBADF);
    CHECK_ERROR(write(1, (void*)8, 1), EFAULT);
}

static void system_itself(void) {
    struct utsname name;
    CHECK_EQUAL(uname(&name), 0);
    CHECK(strcmp(name.sysname, "Chorale") == 0);
    unsigned char bytes[1000] = {0};
    unsigned sum = 0;
    CHECK_EQUAL(getrandom(bytes, sizeof bytes, 0), sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; ++i) sum += bytes[i];
    CHECK(sum > 100000 && sum < 155000);
    CHECK_ERROR(fork(), ENOSYS);
}

static void limits(void) {
    struct rlimit limit = {1000, 2000}, now = {0, 0};
    CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQUAL(getrlimit(RLIMIT_FSIZE, &now), 0);
    CHECK(now.rlim_cur == 1000 && now.rlim_max == 2000);
    const int file = open("/tmp/short", O_RDWR | O_CREAT, 0600);
    char bytes[800] = {0};
    CHECK_EQUAL(write(file, bytes, sizeof bytes), 800);
    CHECK_EQUAL(write(file, bytes, sizeof bytes), 200);
    CHECK_ERROR(write(file, bytes, sizeof bytes), EFBIG);
    CHECK_ERROR(ftruncate(file, 1001), EFBIG);
    close(file);
    unlink("/tmp/short");
    CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &now), 0);
    CHECK(now.rlim_cur > 10 && now.rlim_max >= now.rlim_cur);
    limit.rlim_cur = limit.rlim_max = 10;
    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 11;
    CHECK_ERROR(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
    limit.rlim_max = 11; /* only user 0 may raise that */
    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_EQUAL(seteuid(7), 0);
    limit.rlim_max = 12;
    CHECK_ERROR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
    limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    CHECK_ERROR(setrlimit(RLIMIT_FSIZE, &limit), EPERM);
    CHECK_EQUAL(seteuid(0), 0);
    CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void locks(void) {
    const int file = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 4, .l_len = 8};
    CHECK_EQUAL(fcntl(file, F_SETLKW, &lock), 0);
    CHECK_EQUAL(fcntl(file, F_GETLK, &lock), 0);
    CHECK_EQUAL(lock.l_type, F_UNLCK); /* nobody else's */
    lock.l_type = F_RDLCK;
    lock.l_len = -8;
    CHECK_ERROR(fcntl(file, F_SETLK, &lock), EINVAL);
    close(file);
    CHECK_ERROR(fcntl(file, F_SETLK, &lock), EBADF);
    unlink("/tmp/locked");
}

int main(int argc, char** argv) {
    start(argc, argv);
    memory();
    text();
    times();
    files();
    system_itself();
    locks();
    limits();
    return finish("everyday");
}
