/* The life of the sweep's victims: a bit of everything that the nucleus and C_OS can attach to an actor, and
 * a wait in each of the ways to wait. It ends with all of it still there. What goes wrong ends it with
 * status 1.
 */
#define _GNU_SOURCE
#include "sweep.h"

#include <am/afexec.h>
#include <am/await.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

enum { page = 4096, microsecond = 1000 };

static void must_at(int good, int line) {
    if (good) return;
    printf("life: FAILED at line %d\n", line);
    _exit(1);
}
#define must(condition) must_at(!!(condition), __LINE__)

static KnUniqueId server;
static char block[32 * page] __attribute__((aligned(4096)));

/* ---- files ------------------------------------------------------------------------------------------- */

static void use_names(void) {
    char text[64];
    struct stat status;
    must(mkdir(VICTIM_FOLDER, 0755) == 0 && chdir(VICTIM_FOLDER) == 0);
    must(mkdir("inner", 0700) == 0 && symlink("inner", "arrow") == 0);
    must(readlink("arrow", text, sizeof text) == 5);
    const int file = open("first", O_RDWR | O_CREAT | O_EXCL, 0600);
    must(file >= 0 && write(file, "contents", 8) == 8);
    must(rename("first", "inner/second") == 0 && link("inner/second", "third") == 0);
    must(fstat(file, &status) == 0 && status.st_nlink == 2);
    must(fchmod(file, 0644) == 0 && utimensat(AT_FDCWD, "third", NULL, 0) == 0);
    must(unlink("third") == 0 && dup(file) >= 0 && close(file) == 0);
    must(mkfifo("fifo", 0600) == 0 && open("fifo", O_RDWR) >= 0);
    DIR* const folder = opendir(".");
    int count = 0;
    for (must(folder != NULL); readdir(folder) != NULL;) ++count;
    must(count == 5); /* `.`, `..`, inner, arrow, fifo */
    const int lock = open(VICTIM_LOCK, O_RDWR);
    must(lock >= 0 && flock(lock, LOCK_EX) == 0);
}

static void use_contents(void) {
    const int file = open("large", O_RDWR | O_CREAT, 0600);
    must(file >= 0 && write(file, block, sizeof block) == sizeof block);
    must(pwrite(file, block, 3 * page, sizeof block - page) == 3 * page);
    must(pread(file, block, sizeof block, 5) == sizeof block);
    struct iovec parts[2] = {{block, 100}, {block + 5 * page, 2 * page}};
    must(lseek(file, 0, SEEK_SET) == 0 && readv(file, parts, 2) == 100 + 2 * page);
    must(ftruncate(file, 9 * page) == 0);
    char* const map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, page);
    must(map != MAP_FAILED);
    map[3 * page] = 1;
    must(fcntl(file, F_SETFD, FD_CLOEXEC) == 0);
    const int hidden = open("hidden", O_RDWR | O_CREAT, 0600); /* in use, without a name */
    must(hidden >= 0 && unlink("hidden") == 0 && write(hidden, block, page + 1) == page + 1);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

static void use_memory(void) {
    char* const memory = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
    memset(memory, 1, 8 * page);
    must(mprotect(memory, 2 * page, PROT_READ) == 0 && munmap(memory + 4 * page, page) == 0);
    must(madvise(memory + 5 * page, page, MADV_DONTNEED) == 0);
    must(mremap(memory + 8 * page, 8 * page, 12 * page, MREMAP_MAYMOVE) != MAP_FAILED);
    char* const heap = malloc(6 * page);
    must(heap != NULL);
    memset(heap, 2, 6 * page);
    must(vmCopy(K_MYACTOR, (VmAddr)block, K_MYACTOR, (VmAddr)heap, 5 * page, 0) == K_OK);
    must(vmLock(K_MYACTOR, (VmAddr)block, 4 * page, K_WRITABLE) == K_OK);
    const KnRgnDesc source = {(VmAddr)block, 4 * page, 0, 0, NULL, 0};
    KnRgnDesc copy = {0, 4 * page, K_WRITABLE | K_ANYWHERE, 0, NULL, 0}, shared = copy;
    must(rgnInitFromActor(K_MYACTOR, &copy, K_MYACTOR, &source) == K_OK);
    must(rgnMapFromActor(K_MYACTOR, &shared, K_MYACTOR, &source) == K_OK);
    block[0] = ((char*)copy.startAddr)[1] = 7;
    must(((char*)shared.startAddr)[0] == 7);
    must(vmUnLock(K_MYACTOR, (VmAddr)block, 4 * page, K_WRITABLE) == K_OK);
}

/* ---- threads ----------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static KnRtMutex rt_mutex = K_KNRTMUTEX_INITIALIZER;
static KnSem turn = K_KNSEM_INITIALIZER(0), never = K_KNSEM_INITIALIZER(0);
static KnEventSet events = K_KNEVENTSET_INITIALIZER;
static int arrived;

static void* wait_for_mutex(void* argument) {
    pthread_mutex_lock(&mutex);
    ++arrived;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_lock(&held); /* for ever */
    return argument;
}

static void* wait_for_terminal(void* argument) {
    char byte;
    rtMutexGet(&rt_mutex);
    semV(&turn);
    while (read(0, &byte, 1) >= 0) continue;
    return argument;
}

static void* come_and_go(void* argument) {
    eventPost(&events, 2);
    usleep(20);
    return argument;
}

static char nucleus_stack[2 * page] __attribute__((aligned(16)));
static void nucleus_thread(void) {
    semV(&turn);
    semP(&never, K_NOTIMEOUT);
}

static void use_threads(void) {
    pthread_t thread;
    void* result;
    pthread_mutex_lock(&held);
    for (int i = 0; i < 2; ++i) must(pthread_create(&thread, NULL, wait_for_mutex, NULL) == 0);
    pthread_mutex_lock(&mutex);
    while (arrived != 2) pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    must(pthread_create(&thread, NULL, wait_for_terminal, NULL) == 0);
    must(semP(&turn, K_NOTIMEOUT) == K_OK);
    must(pthread_create(&thread, NULL, come_and_go, &thread) == 0);
    must(eventWait(&events, 2, K_EVENT_AND, NULL, K_NOTIMEOUT) == K_OK);
    must(pthread_join(thread, &result) == 0 && result == &thread);
    const KnDefaultStartInfo_f start = {K_DEFAULT_START_INFO, K_USERTHREAD, 0,
                                        (VmAddr)(nucleus_stack + sizeof nucleus_stack), (KnPc)nucleus_thread};
    KnThreadLid lid = 0;
    must(threadCreate(K_MYACTOR, &lid, K_ACTIVE, NULL, &start) == K_OK);
    must(semP(&turn, K_NOTIMEOUT) == K_OK && threadSuspend(K_MYACTOR, lid) == K_OK);
    sem_t semaphore;
    struct timespec limit;
    sem_init(&semaphore, 0, 0);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec = limit.tv_nsec < 999900000 ? limit.tv_nsec + 50 * microsecond : 999999999;
    must(sem_timedwait(&semaphore, &limit) == -1);
}

/* ---- messages ---------------------------------------------------------------------------------------- */

static void send_to_self(int port_li, const KnIpcDest* port, const KnIpcDest* group) {
    char room[100];
    KnMsgDesc small = {0, 40, (VmAddr)block, 0, 0}, large = {0, 3 * page, (VmAddr)block, 0, 0};
    for (int i = 0; i < 3; ++i) must(ipcSend(&small, K_DEFAULTPORT, port) == K_OK);
    must(ipcSend(&large, K_DEFAULTPORT, port) == K_OK && ipcSend(&large, port_li, group) == K_OK);
    KnMsgDesc message = {0, sizeof room, (VmAddr)room, 0, 0};
    int from = port_li;
    must(ipcReceive(&message, &from, 0) == 40 && ipcSave(K_NONEPORT) > 0);
    must(ipcReceive(&message, &from, 0) == 40); /* the others stay in the queue */
}

static void call(int what, const KnUniqueId* port) {
    struct request request = {what, {0, 0}, ""};
    if (port != NULL) request.port = *port;
    const KnIpcDest destination = {server, {0, 0}};
    KnMsgDesc message = {0, sizeof request, (VmAddr)&request, 0, 0}, reply = message;
    must(ipcCall(&message, K_DEFAULTPORT, &destination, &reply, -1) == sizeof request);
}

/* The client's request is received at once, or after it has waited in the queue. */
static void be_called(int late) {
    KnUniqueId ui;
    char room[64];
    const int port = portCreate(K_MYACTOR, &ui);
    must(port > 0);
    call(serve_and_call_back, &ui);
    if (late) usleep(60);
    KnMsgDesc message = {0, sizeof room, (VmAddr)room, 0, 0};
    int from = port;
    must(ipcReceive(&message, &from, -1) == 40);
    usleep(60);
    must(ipcReply(&message) == K_OK);
}

static void use_messages(void) {
    KnCap group;
    KnIpcDest port = {{0, 0}, {0, 0}}, to_group = port;
    const int li = portCreate(K_MYACTOR, &port.target);
    must(li > 0 && portEnable(K_MYACTOR, li, 3) == K_OK);
    must(grpAllocate(K_STATUSER, &group, 77) == K_OK && grpPortInsert(&group, &port.target) == K_OK);
    to_group.target = group.ui;
    send_to_self(li, &port, &to_group);
    call(serve_at_once, NULL);
    call(serve_later, NULL);
    be_called(0);
    be_called(1);
}

static void use_message_space(void) {
    static const KnMsgPool pools[] = {{64, 8}, {page, 2}};
    const KnTimeVal limit = {0, 40 * microsecond};
    const int space = msgSpaceCreate(7, 3, 2, pools);
    char* message = NULL;
    must(space >= 0 && msgSpaceOpen(7) == space);
    for (unsigned i = 0; i < 3; ++i) {
        must(msgAllocate(space, 0, 60, K_NOBLOCK, &message) == K_OK);
        strcpy(message, "to myself");
        must(msgPut(space, i, message, i) == K_OK);
    }
    must(msgGet(space, 0, K_NOTIMEOUT, &message, NULL) == K_OK);
    must(msgGet(space, 0, &limit, &message, NULL) == K_ETIMEOUT);
}

/* ---- time, descriptors ------------------------------------------------------------------------------- */

static void use_timers(void) {
    static KnThreadPool pool;
    static const KnITimer soon = {{0, 500 * microsecond}, {0, 30 * microsecond}};
    void* cookie = NULL;
    int timer = 0, overrun = 0;
    must(timerThreadPoolInit(&pool) == K_OK);
    must(timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &pool, &pool, &timer) == K_OK);
    must(timerSet(K_MYACTOR, timer, 0, &soon, NULL) == K_OK);
    must(timerThreadPoolWait(&pool, &cookie, &overrun, K_NOTIMEOUT) == K_OK && cookie == &pool);
}

static void use_pipes(void) {
    int ends[2];
    char bytes[600];
    must(write(victim_writes, block, 3000) == 3000);
    must(read(victim_reads, bytes, sizeof bytes) > 0);
    must(pipe(ends) == 0 && write(ends[1], block, 6000) == 6000 && read(ends[0], bytes, 600) == 600);
    struct pollfd poll_set[2] = {{0, POLLIN, 0}, {ends[0], POLLIN, 0}};
    must(poll(poll_set, 2, -1) == 1);
    const struct timespec limit = {0, 40 * microsecond};
    must(ppoll(poll_set, 1, &limit, NULL) == 0);
    struct termios attributes;
    must(tcgetattr(0, &attributes) == 0 && tcsetattr(0, TCSANOW, &attributes) == 0);
    fd_set set;
    struct timeval wait = {0, 30};
    FD_ZERO(&set);
    FD_SET(0, &set);
    must(select(1, &set, NULL, NULL, &wait) == 0);
}

/* ---- actors ------------------------------------------------------------------------------------------ */

static void await_child(const KnCap* child) {
    int status = 0;
    must(awaits(child, &status) == 0 && IS_EXIT_EVT(status) && GET_EXIT_EVT(status) == 3);
}

static void use_actors(void) {
    char* arguments[] = {CHILD_NAME, NULL};
    KnCap child;
    must(afexecve(VICTIM_PROGRAM, &child, NULL, arguments, NULL) > 0);
    await_child(&child);
    AlParam* const packed = alParamBuild(arguments, NULL);
    must(packed != NULL && acreate(&child, NULL) == 0 && aload(&child, VICTIM_PROGRAM, packed, NULL) == 0);
    must(astart(&child) == 0);
    await_child(&child);
}

int main(int argc, char** argv) {
    if (strcmp(argv[0], CHILD_NAME) == 0) {
        usleep(50);
        return 3;
    }
    must(argc == 3);
    server.uiHead = strtoull(argv[1], NULL, 16);
    server.uiTail = strtoull(argv[2], NULL, 16);
    use_names();
    use_memory();
    use_contents();
    use_threads();
    use_messages();
    use_message_space();
    use_timers();
    use_pipes();
    use_actors();
    usleep(100);
    return 0;
}
