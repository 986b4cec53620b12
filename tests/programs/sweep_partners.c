/* Whoever deals with the victims of the sweep: a server, a client, a reader, a writer. What they wait for
 * may never come, since the victim dies: then they must be told. */
#include "sweep.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { microsecond = 1000, patience = 20000 /* looks, of 100 us each */ };

static int server_port;
static KnUniqueId victim_port; /* where the client calls next */
static int reading, writing;   /* descriptors */
static KnSem client_go = K_KNSEM_INITIALIZER(0), reader_go = K_KNSEM_INITIALIZER(0),
             writer_go = K_KNSEM_INITIALIZER(0);
/* Beginnings and ends of each: equal when it is idle. */
static volatile unsigned client_begun, client_done, pipe_begun, reader_done, writer_done;
static struct callbacks counts;

static void wait_microseconds(long count) {
    const KnTimeVal time = {0, count * microsecond};
    threadDelay(&time);
}

static void* serve(void* argument) {
    static struct request request;
    for (;;) {
        KnMsgDesc message = {0, sizeof request, (VmAddr)&request, 0, 0};
        int port = server_port;
        if (ipcReceive(&message, &port, -1) < 0) continue;
        if (request.what == serve_later) wait_microseconds(100);
        if (request.what == serve_and_call_back) {
            victim_port = request.port;
            ++client_begun;
            semV(&client_go);
        }
        KnMsgDesc reply = {0, sizeof request, (VmAddr)&request, 0, 0};
        if (ipcReply(&reply) != K_OK) ++counts.other; /* to a victim that is dead is no error */
    }
    return argument;
}

static void count(int result) {
    if (result >= 0)
        ++counts.answered;
    else if (result == K_ENOPORT)
        ++counts.no_port;
    else if (result == K_EUNKNOWN)
        ++counts.unknown;
    else if (result == K_ECRASH)
        ++counts.crashed;
    else if (result == K_EFAIL)
        ++counts.dropped;
    else
        ++counts.other;
}

static void* call_victim(void* argument) {
    static char body[40];
    for (;;) {
        semP(&client_go, K_NOTIMEOUT);
        KnMsgDesc request = {0, sizeof body, (VmAddr)body, 0, 0}, reply = request;
        const KnIpcDest destination = {victim_port, {0, 0}};
        count(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1));
        ++client_done;
    }
    return argument;
}

static void* read_all(void* argument) {
    char block[512];
    for (;;) {
        semP(&reader_go, K_NOTIMEOUT);
        ssize_t size;
        while ((size = read(reading, block, sizeof block)) > 0) continue;
        if (size != 0) ++counts.other; /* the end, and no error */
        close(reading);
        ++reader_done;
    }
    return argument;
}

static void* write_all(void* argument) {
    static const char block[512];
    for (;;) {
        semP(&writer_go, K_NOTIMEOUT);
        while (write(writing, block, sizeof block) > 0) continue;
        if (errno != EPIPE) ++counts.other;
        close(writing);
        ++writer_done;
    }
    return argument;
}

int start_partners(KnUniqueId* server) {
    void* (*const bodies[])(void*) = {serve, call_victim, read_all, write_all};
    signal(SIGPIPE, SIG_IGN);
    server_port = portCreate(K_MYACTOR, server);
    if (server_port < 0) return -1;
    for (unsigned i = 0; i < sizeof bodies / sizeof bodies[0]; ++i) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, bodies[i], NULL) != 0) return -1;
    }
    return 0;
}

void begin_pipes(int from_victim, int to_victim) {
    reading = from_victim;
    writing = to_victim;
    ++pipe_begun;
    semV(&reader_go);
    semV(&writer_go);
}

const char* await_partners(void) {
    for (int looks = 0;; ++looks) {
        const char* const late = reader_done != pipe_begun     ? "the reader of its pipe"
                                 : writer_done != pipe_begun   ? "the writer of its pipe"
                                 : client_done != client_begun ? "who has called it"
                                                               : NULL;
        if (late == NULL || looks == patience) return late;
        wait_microseconds(100);
    }
}

const struct callbacks* callback_counts(void) { return &counts; }
