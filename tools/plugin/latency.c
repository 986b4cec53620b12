// QEMU TCG plugin: how long the nucleus keeps interrupts off, and how long a thread waits that a timer wakes
// up. Both in instructions, each with the instructions that it was, so that the longest has a name.
//
// A *stretch* is what a CPU executes from the moment when interrupts are off to the moment when they may come
// in: to the first user instruction, or to STI (riscv64: CSRSI of sstatus.SIE). It begins with the first
// nucleus instruction after user code, behind CLI (CSRCI), or with a handler that came in through an open
// window; IRETQ (SRET) leads such a handler back into its window. What firmware does for the nucleus
// meanwhile is counted apart: it may wait for other CPUs. Code in the upper half but outside `text=` is that
// of supervisor actors: they run with interrupts on.
//
// Waiting for another CPU, a loop around PAUSE, counts as one turn of the loop: under an emulator its length
// is that of the host's time slices. How often it happened is told. The idle loop counts in full.
//
// A *wake* begins with the timer interrupt (the first that has not been served when TIMERS_SERVED comes) and
// ends at ROUND_END in the thread that it woke. All that the CPU executes in between is counted.
//
// Stretches that lie between BATCH_BEGIN and BATCH_END are counted, of all CPUs; with `from=user` all from
// FIRST_USER on, and with `from=batch` (the default) wakes too are those of the batch.
//
// Context: callbacks run on the virtual CPU's own thread, and `struct cpu` is written by that thread only.
#include "guest.h"

#include <inttypes.h>
#include <stdatomic.h>

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { MAX_CPUS = 64, TRACE = 1 << 15, KEPT = 24, LENGTHS = 1 << 16, SPIN = 16, WINDOW_BYTES = 16 };
enum class { USER, NUCLEUS, FIRMWARE };
enum state { ON, WINDOW, OFF };

// One instruction of the guest, or for user code a run of them. Made at translation, never freed.
struct run {
    uint64_t address;
    uint32_t bytes, length;
    enum class class;
    enum special special;
};

// Runs of instructions in the order in which they were executed.
struct piece {
    uint64_t address, next;
    uint32_t instructions;
};
struct mark {
    uint64_t length;
    size_t pieces;
    struct piece last;
};
struct trace {
    uint64_t length, waits, firmware; // `length` counts on where the pieces end
    size_t pieces;
    struct mark mark; // at the last PAUSE, 0: none
    struct piece piece[TRACE];
};

// The longest traces, each with another part of the nucleus where most of it was spent.
struct kept {
    uint64_t signature;
    struct trace* trace;
};

struct cpu {
    _Alignas(128) enum state state;
    bool nested, idle, measured;  // came in by a window; in the idle loop; the stretch began in the batch
    bool taken, waking;           // a timer interrupt that is not served; a wake is being traced
    uint64_t window;              // where STI stood
    struct trace *stretch, *wake; // of now
    struct kept stretches[KEPT], wakes[KEPT];
    uint64_t* stretch_count; // by length; the last cell counts what is longer
    uint64_t* wake_count;
    uint64_t stretch_max, wake_max, unwoken;
};

static struct cpu cpus[MAX_CPUS];
static const struct target* target;
static struct range text_range, firmware_range;
static bool from_user;
static _Atomic bool measuring;
static FILE* out;

static void* zeroed(size_t bytes) {
    void* memory = calloc(1, bytes);
    if (!memory) abort();
    return memory;
}

static struct cpu* cpu_of(unsigned vcpu) {
    struct cpu* cpu = &cpus[vcpu % MAX_CPUS];
    if (!cpu->stretch) {
        cpu->stretch_count = zeroed((LENGTHS + 1) * sizeof(uint64_t));
        cpu->wake_count = zeroed((LENGTHS + 1) * sizeof(uint64_t));
        cpu->wake = zeroed(sizeof(struct trace));
        cpu->stretch = zeroed(sizeof(struct trace));
    }
    return cpu;
}

static void reset(struct trace* trace) { memset(trace, 0, offsetof(struct trace, piece)); }

static void add(struct trace* trace, const struct run* run) {
    trace->length += run->length;
    if (trace->pieces && trace->piece[trace->pieces - 1].next == run->address) {
        trace->piece[trace->pieces - 1].next += run->bytes;
        trace->piece[trace->pieces - 1].instructions += run->length;
    } else if (trace->pieces < TRACE) {
        trace->piece[trace->pieces++] = (struct piece){run->address, run->address + run->bytes, run->length};
    }
}

// Where most of the instructions are, in lines of 128 bytes: tells one path from another.
static uint64_t signature_of(const struct trace* trace) {
    enum { CELLS = 1024 };
    static _Thread_local struct {
        uint64_t line, count;
    } cell[CELLS];
    memset(cell, 0, sizeof cell);
    uint64_t most = 0, signature = 0;
    for (size_t i = 0; i < trace->pieces; ++i) {
        uint64_t line = trace->piece[i].address >> 7;
        size_t at = line % CELLS;
        if (cell[at].line != line) cell[at].line = line, cell[at].count = 0;
        cell[at].count += trace->piece[i].instructions;
        if (cell[at].count > most) most = cell[at].count, signature = line;
    }
    return signature;
}

// Puts the trace among the longest; returns memory for the next one.
static struct trace* keep(struct kept* kept, struct trace* trace) {
    struct kept* least = &kept[0];
    for (int i = 0; i < KEPT; ++i) {
        if (!kept[i].trace) kept[i].trace = zeroed(sizeof(struct trace));
        if (kept[i].trace->length < least->trace->length) least = &kept[i];
    }
    if (trace->length <= least->trace->length) return trace;
    uint64_t signature = signature_of(trace);
    for (int i = 0; i < KEPT; ++i) {
        if (kept[i].signature != signature || !kept[i].trace->length) continue;
        if (trace->length <= kept[i].trace->length) return trace;
        least = &kept[i];
    }
    struct trace* free_one = least->trace;
    *least = (struct kept){signature, trace};
    return free_one;
}

static void note(uint64_t* count, uint64_t* max, uint64_t length) {
    ++count[length < LENGTHS ? length : LENGTHS];
    if (length > *max) *max = length;
}

static void begin_stretch(struct cpu* cpu, bool nested) {
    cpu->state = OFF;
    cpu->nested = nested;
    cpu->measured =
        atomic_load_explicit(&measuring, memory_order_relaxed); // relaxed: one stretch more or less
    reset(cpu->stretch);
}

static void end_stretch(struct cpu* cpu, enum state state) {
    if (cpu->state == OFF && cpu->measured && cpu->stretch->length) {
        note(cpu->stretch_count, &cpu->stretch_max, cpu->stretch->length);
        cpu->stretch = keep(cpu->stretches, cpu->stretch);
    }
    cpu->state = state;
}

// Takes a turn of a loop that waits out again: only the first one counts.
static void relax_in(struct trace* trace) {
    struct mark* mark = &trace->mark;
    if (mark->length && trace->length - mark->length <= SPIN) {
        trace->length = mark->length;
        trace->pieces = mark->pieces;
        trace->piece[trace->pieces - 1] = mark->last;
        ++trace->waits;
    } else if (trace->pieces) {
        *mark = (struct mark){trace->length, trace->pieces, trace->piece[trace->pieces - 1]};
    }
}

static void relax(struct cpu* cpu) {
    if (cpu->idle) return;
    if (cpu->state == OFF) relax_in(cpu->stretch);
    if (cpu->waking) relax_in(cpu->wake);
}

static void in_nucleus(struct cpu* cpu, const struct run* run) {
    if (cpu->state == ON) begin_stretch(cpu, false);
    if (cpu->state == WINDOW && run->address - cpu->window > WINDOW_BYTES) begin_stretch(cpu, true);
    if (cpu->state == OFF) add(cpu->stretch, run);
    if (cpu->waking) add(cpu->wake, run);
    switch (run->special) {
    case OPENS:
        end_stretch(cpu, WINDOW);
        cpu->window = run->address;
        break;
    case CLOSES:
        begin_stretch(cpu, false);
        break;
    case RETURNS:
        if (cpu->state == OFF && cpu->nested) end_stretch(cpu, WINDOW);
        break;
    case RELAXES:
        relax(cpu);
        break;
    case PLAIN:
        break;
    }
}

static void on_run(unsigned vcpu, void* packed) {
    const struct run* run = packed;
    struct cpu* cpu = cpu_of(vcpu);
    switch (run->class) {
    case NUCLEUS:
        in_nucleus(cpu, run);
        return;
    case FIRMWARE:
        if (cpu->state == OFF) cpu->stretch->firmware += run->length;
        if (cpu->waking) cpu->wake->firmware += run->length;
        return;
    case USER:
        if (cpu->state != ON) end_stretch(cpu, ON);
        break;
    }
    if (cpu->waking) add(cpu->wake, run);
}

// The interrupt came in where the stretch of now began.
static void timer_taken(struct cpu* cpu) {
    if (cpu->taken) return;
    cpu->taken = cpu->waking = true;
    memcpy(cpu->wake, cpu->stretch, offsetof(struct trace, piece));
    memcpy(cpu->wake->piece, cpu->stretch->piece, cpu->stretch->pieces * sizeof(struct piece));
}

static void woken(struct cpu* cpu) {
    if (!cpu->waking || !atomic_load(&measuring)) {
        ++cpu->unwoken; // its time was over before it began to wait
        return;
    }
    note(cpu->wake_count, &cpu->wake_max, cpu->wake->length);
    cpu->wake = keep(cpu->wakes, cpu->wake);
    cpu->waking = cpu->taken = false;
}

static void on_marker(unsigned vcpu, void* packed) {
    struct cpu* cpu = cpu_of(vcpu);
    switch ((uintptr_t)packed) {
    case IDLE_BEGIN:
        cpu->idle = true;
        break;
    case IDLE_END:
        cpu->idle = false;
        break;
    case FIRST_USER:
        if (from_user) atomic_store(&measuring, true);
        break;
    case BATCH_BEGIN:
        atomic_store(&measuring, true);
        break;
    case BATCH_END:
        atomic_store(&measuring, from_user);
        break;
    case TIMER_TAKEN:
        timer_taken(cpu);
        break;
    case TIMERS_SERVED:
        cpu->taken = false;
        break;
    case ROUND_BEGIN:
        cpu->waking = false;
        break;
    case ROUND_END:
        woken(cpu);
        break;
    default:
        break;
    }
}

static enum class class_of(uint64_t address) {
    if (within(address, &text_range)) return NUCLEUS;
    return within(address, &firmware_range) ? FIRMWARE : USER;
}

static struct run* make_run(struct qemu_plugin_insn* first) {
    struct run* run = zeroed(sizeof *run);
    run->address = qemu_plugin_insn_vaddr(first);
    run->class = class_of(run->address);
    qemu_plugin_register_vcpu_insn_exec_cb(first, on_run, QEMU_PLUGIN_CB_NO_REGS, run);
    return run;
}

// Nucleus instructions one by one: a fault may end a block in its middle. User code in runs.
static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
    (void)id;
    struct run* run = NULL;
    for (size_t i = 0, size = qemu_plugin_tb_n_insns(block); i < size; ++i) {
        struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
        const uint8_t* bytes = qemu_plugin_insn_data(insn);
        size_t length = qemu_plugin_insn_size(insn);
        int marker = target->marker_id(bytes, length);
        if (marker >= 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void*)(uintptr_t)marker);
            if (run) run->bytes += (uint32_t)length; // what stands around it is one piece
            if (!run || run->class != NUCLEUS) run = NULL;
            continue;
        }
        if (!run || run->class == NUCLEUS) run = make_run(insn);
        run->bytes += (uint32_t)length;
        ++run->length;
        run->special = run->class == NUCLEUS ? target->special(bytes, length) : PLAIN;
    }
}

static void print_distribution(const char* event, size_t count_at, size_t max_at) {
    uint64_t n = 0, max = 0, seen = 0, rank = 0;
    static const struct {
        const char* name;
        unsigned per_cent;
    } parts[] = {{"min", 0}, {"median", 50}, {"p99", 99}};
    uint64_t* sum = zeroed((LENGTHS + 1) * sizeof *sum);
    for (unsigned v = 0; v < MAX_CPUS; ++v) {
        if (!cpus[v].stretch) continue;
        const uint64_t* count = *(uint64_t**)((char*)&cpus[v] + count_at);
        const uint64_t cpu_max = *(uint64_t*)((char*)&cpus[v] + max_at);
        for (size_t i = 0; i <= LENGTHS; ++i) sum[i] += count[i], n += count[i];
        if (cpu_max > max) max = cpu_max;
    }
    fprintf(out, "{\"event\":\"%s\",\"n\":%" PRIu64 ",\"max\":%" PRIu64, event, n, max);
    size_t length = 0;
    for (size_t i = 0; n && i < sizeof parts / sizeof parts[0]; ++i) {
        rank = (n * parts[i].per_cent + 99) / 100;
        if (!rank) rank = 1;
        while (seen + sum[length] < rank) seen += sum[length++];
        fprintf(out, ",\"%s\":%zu", parts[i].name, length);
    }
    fputs("}\n", out);
    free(sum);
}

static void print_kept(const char* event, unsigned vcpu, const struct kept* kept) {
    for (int i = 0; i < KEPT; ++i) {
        const struct trace* trace = kept[i].trace;
        if (!trace || !trace->length) continue;
        fprintf(out, "{\"event\":\"%s\",\"cpu\":%u,\"length\":%" PRIu64, event, vcpu, trace->length);
        fprintf(out, ",\"waits\":%" PRIu64 ",\"firmware\":%" PRIu64 ",\"pieces\":[", trace->waits,
                trace->firmware);
        for (size_t p = 0; p < trace->pieces; ++p)
            fprintf(out, "%s[%" PRIu64 ",%u]", p ? "," : "", trace->piece[p].address,
                    trace->piece[p].instructions);
        fputs("]}\n", out);
    }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void* unused) {
    (void)id, (void)unused;
    uint64_t unwoken = 0;
    print_distribution("stretch", offsetof(struct cpu, stretch_count), offsetof(struct cpu, stretch_max));
    print_distribution("wake", offsetof(struct cpu, wake_count), offsetof(struct cpu, wake_max));
    for (unsigned v = 0; v < MAX_CPUS; ++v) {
        print_kept("longest stretch", v, cpus[v].stretches);
        print_kept("longest wake", v, cpus[v].wakes);
        unwoken += cpus[v].unwoken;
    }
    fprintf(out, "{\"event\":\"exit\",\"unwoken\":%" PRIu64 "}\n", unwoken);
    fclose(out);
}

static bool read_argument(const char* text, const char** path) {
    if (!strncmp(text, "out=", 4)) {
        *path = text + 4;
    } else if (!strncmp(text, "text=", 5)) {
        return read_range(text + 5, &text_range);
    } else if (!strncmp(text, "firmware=", 9)) {
        return read_range(text + 9, &firmware_range);
    } else if (!strcmp(text, "from=user") || !strcmp(text, "from=batch")) {
        from_user = !strcmp(text, "from=user");
    } else {
        return false;
    }
    return true;
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info,
                                                               int argc, char** argv) {
    const char* path = NULL;
    for (int i = 0; i < argc; ++i) {
        if (read_argument(argv[i], &path)) continue;
        fprintf(stderr,
                "latency: bad argument %s (out=FILE, text=LOW-END, firmware=LOW-END, "
                "from=user|batch)\n",
                argv[i]);
        return 1;
    }
    target = find_target(info);
    if (!target || !path || !text_range.end || !(out = fopen(path, "w"))) {
        fprintf(stderr, "latency: wants target x86_64 or riscv64, text=, and out=FILE that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
