/* The sweep of kills: the same life again and again (sweep_victim.c), each time ended at another point. The
 * points lie evenly from before it is made, through its loading, to behind its natural end. After each all
 * counts of the nucleus and of C_OS are back where they were, and whoever dealt with it has been told.
 *
 *   sweep [points [first [stride [count]]]]    2000 0 1 2000
 *
 * In a machine of one CPU that counts its instructions (-icount) a run is the same run each time. What fails
 * prints its point and how to do it alone; what is in memory by then is not the same then, the point is. */
#define _GNU_SOURCE
#include "sweep.h"

#include "check.h"

#include <am/acap.h>
#include <am/afexec.h>
#include <am/astat.h>
#include <am/await.h>
#include <chorus/os_statistics.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { killer_priority = 100, most_actors = 8, microsecond = 1000, most_problems = 10 };
enum { longest_end = 4000 * microsecond }; /* from exit() until its parent knows */

/* ---- what is counted --------------------------------------------------------------------------------- */

enum { count_number = 12 };
static const char* const count_names[count_number] = {
    "actors", "threads",   "ports", "messages",   "regions",    "nucleus objects",
    "pages",  "processes", "tasks", "open files", "file pages", "heap pieces",
};
struct counts {
    unsigned long value[count_number];
    unsigned long kept; /* runs of pages that C_OS keeps: not its loss, but to be few */
};
static struct counts at_start;

static void look(struct counts* counts) {
    KnSysStatistics nucleus;
    KnOsStatistics os;
    sysStatistics(&nucleus);
    osStatistics(&os);
    const unsigned long value[count_number] = {
        nucleus.actors,
        nucleus.threads,
        nucleus.ports,
        nucleus.messages,
        /* Each run of pages that C_OS keeps is a region, which is an object. */
        nucleus.regions - os.keptRuns,
        nucleus.slabObjects - os.keptRuns,
        nucleus.totalPages - nucleus.freePages - os.keptPages,
        os.processes,
        os.tasks,
        os.openFiles,
        os.filePages,
        os.heapPieces,
    };
    memcpy(counts->value, value, sizeof value);
    counts->kept = os.keptRuns;
}

static int same(const struct counts* a, const struct counts* b) {
    return memcmp(a->value, b->value, sizeof a->value) == 0;
}

static void sleep_nanoseconds(long count) {
    const struct timespec time = {count / 1000000000, count % 1000000000};
    nanosleep(&time, NULL);
}

/* ---- a point ----------------------------------------------------------------------------------------- */

/* How a life is ended. */
enum way { by_akill, by_delete, by_fault, not_at_all };
static const char* const way_names[] = {"akill", "actorDelete", "a fault", "nothing"};

/* Of eight points five are akill's, two actorDelete's; at one the victim's memory is taken away. */
static enum way way_of(long point) {
    static const enum way ways[] = {by_akill, by_akill, by_delete, by_akill,
                                    by_akill, by_fault, by_delete, by_akill};
    return ways[point % 8];
}

struct point {
    long number;
    long offset; /* nanoseconds after the start of the life */
    enum way way;
};
static struct {
    long points;
    long loaded, shortest, longest; /* of whole lives, in nanoseconds */
    unsigned problems, not_made, while_loading, ended, ways[3];
} sweep = {.points = 2000};

static void report(const struct point* point, const char* what, long found, long expected) {
    ++failures;
    ++sweep.problems;
    printf(
        "FAILED point %ld (%ld us, by %s): %s: %ld, expected %ld; alone: init=/bin/test_sweep,%ld,%ld,1,1\n",
        point->number, point->offset / microsecond, way_names[point->way], what, found, expected,
        sweep.points, point->number);
}

/* ---- the killer: a thread that is better than all others -------------------------------------------- */

static KnSem killer_go = K_KNSEM_INITIALIZER(0), killer_done = K_KNSEM_INITIALIZER(0);
static struct timespec kill_time;
static enum way kill_way;
static int killed; /* there was something to kill */

/* While it is loaded it has no name yet, and nobody else is there. */
static int find_victim(KnCap* victim) {
    astatEntry entries[most_actors];
    const int count = astat(entries, most_actors), self = agetId();
    int found = 0;
    for (int i = 0; i < count && i < most_actors; ++i) {
        if (entries[i].astatAid == self) continue;
        const int named = strcmp(entries[i].astatName, VICTIM_NAME) == 0;
        if (found == 0 || named) found = entries[i].astatAid;
        if (named) break;
    }
    return found != 0 && acap(found, victim) == 0;
}

/* 0: it has ended already, or (by_fault) has no memory yet. */
static int kill_victim(const KnCap* victim) {
    const KnRgnDesc everything = {0, 0, K_FREEALL, 0, NULL, 0};
    KnActorStatistics statistics;
    int result;
    switch (kill_way) {
    case by_akill:
        return akill(victim) == 0;
    case by_delete:
        return actorDelete(victim) == K_OK;
    case by_fault:
        /* Busy: a thread of its own is changing its regions. */
        if (actorStatistics(victim, &statistics) != K_OK || statistics.regions == 0) return 0;
        while ((result = rgnFree(victim, &everything)) == K_EBUSY) sleep_nanoseconds(20 * microsecond);
        return result == K_OK;
    case not_at_all:
        break;
    }
    return 0;
}

static void* kill_again_and_again(void* argument) {
    const KnRrThParms better = {K_SCHED_RR, killer_priority};
    CHECK_EQUAL(threadScheduler(K_MYACTOR, threadSelf(), NULL, &better), K_OK);
    for (;;) {
        KnCap victim;
        semP(&killer_go, K_NOTIMEOUT);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &kill_time, NULL);
        killed = find_victim(&victim) && kill_victim(&victim);
        semV(&killer_done);
    }
    return argument;
}

static void arm_killer(const struct point* point) {
    clock_gettime(CLOCK_MONOTONIC, &kill_time);
    kill_time.tv_nsec += point->offset;
    kill_time.tv_sec += kill_time.tv_nsec / 1000000000;
    kill_time.tv_nsec %= 1000000000;
    kill_way = point->way;
    semV(&killer_go);
}

/* ---- what a victim may leave ------------------------------------------------------------------------- */

/* What it has started lives on. */
static void end_strays(void) {
    astatEntry entries[most_actors];
    for (int looks = 0; looks < 1000; ++looks) {
        const int count = astat(entries, most_actors), self = agetId();
        if (count == 1) return;
        for (int i = 0; i < count && i < most_actors; ++i) {
            KnCap stray;
            if (entries[i].astatAid != self && acap(entries[i].astatAid, &stray) == 0) akill(&stray);
        }
        sleep_nanoseconds(50 * microsecond);
    }
}

static void remove_folder(const char* path) {
    DIR* const folder = opendir(path);
    if (folder == NULL) return;
    for (struct dirent* entry; (entry = readdir(folder)) != NULL;) {
        char name[300];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_folder(name);
        else
            unlink(name);
    }
    closedir(folder);
    rmdir(path);
}

/* ---- a life ------------------------------------------------------------------------------------------ */

static KnUniqueId server;
static int lock_file;

struct life {
    int aid, error, status;
    long loaded, ended; /* nanoseconds after its start */
};

static long nanoseconds_since(const struct timespec* start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000000000L + now.tv_nsec - start->tv_nsec;
}

/* No other descriptor gets the victim's numbers. */
static void keep_places(void) {
    dup3(lock_file, victim_writes, O_CLOEXEC);
    dup3(lock_file, victim_reads, O_CLOEXEC);
}

static void live(struct life* life, const struct point* point) {
    char head[20], tail[20];
    char* arguments[] = {VICTIM_NAME, head, tail, NULL};
    int out[2], in[2];
    KnCap victim;
    struct timespec start;
    snprintf(head, sizeof head, "%llx", (unsigned long long)server.uiHead);
    snprintf(tail, sizeof tail, "%llx", (unsigned long long)server.uiTail);
    CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(in, O_CLOEXEC) == 0);
    dup2(out[1], victim_writes);
    dup2(in[0], victim_reads);
    close(out[1]);
    close(in[0]);
    clock_gettime(CLOCK_MONOTONIC, &start);
    arm_killer(point);
    life->aid = afexecve(VICTIM_PROGRAM, &victim, NULL, arguments, NULL);
    life->error = errno;
    life->loaded = nanoseconds_since(&start);
    keep_places();
    begin_pipes(out[0], in[1]);
    life->status = -1;
    if (life->aid > 0) CHECK_EQUAL(awaits(&victim, &life->status), 0);
    life->ended = nanoseconds_since(&start);
    semP(&killer_done, K_NOTIMEOUT);
    end_strays();
}

/* It is as if the victim had never been. */
static void check_traces(const struct point* point) {
    const char* const late = await_partners();
    if (late != NULL) report(point, late, 0, 1);
    if (flock(lock_file, LOCK_EX | LOCK_NB) != 0) report(point, "its lock is still there", errno, 0);
    flock(lock_file, LOCK_UN);
    remove_folder(VICTIM_FOLDER);
    struct counts now;
    for (int looks = 0; look(&now), !same(&now, &at_start); ++looks) {
        if (looks == 200) {
            for (int i = 0; i < count_number; ++i) {
                if (now.value[i] != at_start.value[i])
                    report(point, count_names[i], (long)now.value[i], (long)at_start.value[i]);
            }
            at_start = now;
            return;
        }
        sleep_nanoseconds(100 * microsecond); /* what ends goes on ending for a while */
    }
}

static int expected_event(enum way way) {
    return way == by_akill ? AEVT_AKILL : way == by_delete ? AEVT_DELETE : AEVT_PROTECTION;
}

/* It had begun to end by itself when it was to be killed, or there was nobody yet. */
static void check_natural_end(const struct point* point, const struct life* life) {
    const int early = point->offset < sweep.loaded;
    if (GET_EXIT_EVT(life->status) != 0) report(point, "exit status", GET_EXIT_EVT(life->status), 0);
    /* While it is loaded a part of its memory may be taken that it does not miss. */
    const int spared = point->way == by_fault && early;
    if (killed && !spared && life->ended > point->offset + longest_end) report(point, "survived", 1, 0);
    if (!killed && !early && life->ended > point->offset + longest_end) report(point, "nobody to kill", 0, 1);
    ++*(early ? &sweep.not_made : &sweep.ended);
}

/* How it ended is what has been done to it. */
static void check_end(const struct point* point, const struct life* life) {
    if (life->aid < 0) {
        ++sweep.while_loading;
        if (!killed) report(point, "not started, but not killed: errno", life->error, 0);
        if (life->error != ESRCH && (point->way != by_fault || life->error != ENOMEM))
            report(point, "killed while it was loaded: errno", life->error, ESRCH);
    } else if (IS_EXIT_EVT(life->status)) {
        check_natural_end(point, life);
    } else {
        if (GET_KILL_EVT(life->status) != expected_event(point->way))
            report(point, "ended by event", GET_KILL_EVT(life->status), expected_event(point->way));
        ++sweep.ways[point->way];
    }
}

/* Whole lives, to learn how long one takes. What the first one leaves is what the partners and caches keep.
 */
static int rehearse(void) {
    const struct point none = {-1, 0, not_at_all};
    for (int i = 0; i < 6 && failures == 0; ++i) {
        struct life life;
        live(&life, &none);
        CHECK_EQUAL(life.status, 0);
        if (i == 0) {
            CHECK(await_partners() == NULL);
            remove_folder(VICTIM_FOLDER);
            sleep_nanoseconds(10000 * microsecond);
            look(&at_start);
            continue;
        }
        check_traces(&none);
        sweep.loaded = life.loaded;
        if (life.ended > sweep.longest) sweep.longest = life.ended;
        if (sweep.shortest == 0 || life.ended < sweep.shortest) sweep.shortest = life.ended;
    }
    return failures == 0;
}

static void sweep_over(long first, long stride, long count) {
    for (long i = 0; i < count && first + i * stride < sweep.points; ++i) {
        struct point point = {first + i * stride, 0, not_at_all};
        point.offset = (long)((double)sweep.longest * 1.05 * (double)point.number / (double)sweep.points);
        point.way = way_of(point.number);
        struct life life;
        live(&life, &point);
        check_end(&point, &life);
        check_traces(&point);
        if (i % 100 == 99) printf("sweep: %ld of %ld points\n", i + 1, count);
        if (sweep.problems >= most_problems) {
            printf("sweep: too many problems, stopped\n");
            return;
        }
    }
}

static void check_kept(unsigned long before) {
    enum { more = 8 };
    struct counts now;
    look(&now);
    printf("sweep: runs of pages that C_OS keeps: %lu, before %lu\n", now.kept, before);
    CHECK(now.kept <= before + more);
}

static void check_callbacks(void) {
    const struct callbacks* const calls = callback_counts();
    printf("sweep: calls to victims: %u answered, %u no port, %u unknown, %u crashed, %u dropped\n",
           calls->answered, calls->no_port, calls->unknown, calls->crashed, calls->dropped);
    CHECK_EQUAL(calls->other, 0);
}

int main(int argc, char** argv) {
    const long first = argc > 2 ? atol(argv[2]) : 0, stride = argc > 3 ? atol(argv[3]) : 1;
    if (argc > 1) sweep.points = atol(argv[1]);
    const long count = argc > 4 ? atol(argv[4]) : sweep.points;
    pthread_t killer;
    CHECK(start_partners(&server) == 0 && pthread_create(&killer, NULL, kill_again_and_again, NULL) == 0);
    lock_file = open(VICTIM_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    lock_file = fcntl(lock_file, F_DUPFD_CLOEXEC, victim_reads + 1);
    CHECK(lock_file > victim_reads);
    keep_places();
    if (failures == 0 && rehearse()) {
        printf("sweep: a life takes %ld to %ld us, %ld us of it loading\n", sweep.shortest / microsecond,
               sweep.longest / microsecond, sweep.loaded / microsecond);
        const unsigned long kept = at_start.kept;
        sweep_over(first, stride, count);
        check_kept(kept);
    }
    printf(
        "sweep: ended by akill %u, by actorDelete %u, by a fault %u, while loading %u, not yet made %u, by "
        "itself %u\n",
        sweep.ways[by_akill], sweep.ways[by_delete], sweep.ways[by_fault], sweep.while_loading,
        sweep.not_made, sweep.ended);
    check_callbacks();
    return finish("sweep");
}
