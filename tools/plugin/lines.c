// Which cache lines two CPUs write while round trips are measured. Of a CPU count the stores between the
// beginning and the end of its own round trips; with `all=1`, for a round trip that goes over several CPUs,
// those of all CPUs while any is under way.
//
// A line is told by its physical address: spaces differ. One table, one lock: how long it takes does not
// matter here.
//
// Output (out=FILE), a JSON object a line: each line that two CPUs wrote, with an address by which it was
// written, each CPU's stores and the last instruction that did one; at the end how many lines and stores
// there were, so that an empty table is known not to be the table of a run that stored nothing.
#include "guest.h"

#include <inttypes.h>
#include <pthread.h>

struct qemu_plugin_hwaddr;
typedef uint32_t qemu_plugin_meminfo_t;
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W };

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn*,
                                      void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void*),
                                      enum qemu_plugin_cb_flags, enum qemu_plugin_mem_rw, void*);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
struct qemu_plugin_hwaddr* qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t, uint64_t);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr*);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr*);

enum { MAX_CPUS = 64, CELLS = 1 << 16, LINE_SHIFT = 6 };

// stores == 0: by that CPU none.
struct line {
    uint64_t number, address;
    uint64_t stores[MAX_CPUS], pc[MAX_CPUS];
    bool used;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // over all that follows
static struct line* lines;
static bool open[MAX_CPUS];
static unsigned opened;
static uint64_t used_lines, stores, rounds, lost;

static const struct target* target;
static bool all;
static FILE* out;

static struct line* line_of(uint64_t number) {
    size_t cell = number * UINT64_C(0x9e3779b97f4a7c15) >> 48;
    for (size_t i = 0; i < CELLS; ++i, cell = (cell + 1) % CELLS) {
        struct line* line = &lines[cell];
        if (line->used && line->number != number) continue;
        used_lines += !line->used;
        line->used = true;
        line->number = number;
        return line;
    }
    return NULL;
}

static void on_store(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void* pc) {
    // The emulator tells of loads, too, when one instruction does both, or a helper did it.
    if (vcpu >= MAX_CPUS || !qemu_plugin_mem_is_store(info)) return;
    pthread_mutex_lock(&lock);
    if (all ? opened != 0 : open[vcpu]) {
        struct qemu_plugin_hwaddr* place = qemu_plugin_get_hwaddr(info, address);
        const bool memory = place && !qemu_plugin_hwaddr_is_io(place); // each CPU has its own APIC there
        struct line* line = memory ? line_of(qemu_plugin_hwaddr_phys_addr(place) >> LINE_SHIFT) : NULL;
        if (line) {
            ++stores;
            ++line->stores[vcpu];
            line->pc[vcpu] = (uintptr_t)pc;
            line->address = address;
        } else if (memory) {
            ++lost;
        }
    }
    pthread_mutex_unlock(&lock);
}

static void on_marker(unsigned vcpu, void* id) {
    if (vcpu >= MAX_CPUS) return;
    const bool opens = (uintptr_t)id == ROUND_BEGIN;
    pthread_mutex_lock(&lock);
    if (opens != open[vcpu]) opened += opens ? 1u : -1u;
    rounds += opens;
    open[vcpu] = opens;
    pthread_mutex_unlock(&lock);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
        struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
        int marker = target->marker_id(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
        if (marker == ROUND_BEGIN || marker == ROUND_END)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void*)(uintptr_t)marker);
        qemu_plugin_register_vcpu_mem_cb(insn, on_store, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W,
                                         (void*)(uintptr_t)qemu_plugin_insn_vaddr(insn));
    }
}

static void print(const struct line* line) {
    unsigned writers = 0;
    for (unsigned v = 0; v < MAX_CPUS; ++v) writers += line->stores[v] != 0;
    if (writers < 2) return;
    fprintf(out, "{\"event\":\"line\",\"physical\":%" PRIu64 ",\"address\":%" PRIu64 ",\"writers\":[",
            line->number << LINE_SHIFT, line->address);
    const char* comma = "";
    for (unsigned v = 0; v < MAX_CPUS; ++v) {
        if (!line->stores[v]) continue;
        fprintf(out, "%s{\"cpu\":%u,\"stores\":%" PRIu64 ",\"pc\":%" PRIu64 "}", comma, v, line->stores[v],
                line->pc[v]);
        comma = ",";
    }
    fputs("]}\n", out);
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void* unused) {
    (void)id, (void)unused;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < CELLS; ++i) print(&lines[i]);
    fprintf(out, "{\"event\":\"exit\",\"lines\":%" PRIu64 ",\"stores\":%" PRIu64 ",\"rounds\":%" PRIu64
                 ",\"lost\":%" PRIu64 "}\n",
            used_lines, stores, rounds, lost);
    fclose(out);
    all = false;
    memset(open, 0, sizeof open);
    pthread_mutex_unlock(&lock);
}

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info,
                                                               int argc, char** argv) {
    const char* path = NULL;
    for (int i = 0; i < argc; ++i) {
        if (!strncmp(argv[i], "out=", 4)) {
            path = argv[i] + 4;
        } else if (!strcmp(argv[i], "all=1")) {
            all = true;
        } else {
            fprintf(stderr, "lines: bad argument %s (out=FILE, all=1)\n", argv[i]);
            return 1;
        }
    }
    target = find_target(info);
    lines = calloc(CELLS, sizeof *lines);
    if (!target || !lines || !path || !(out = fopen(path, "w"))) {
        fprintf(stderr, "lines: wants target x86_64 or riscv64, and out=FILE that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
