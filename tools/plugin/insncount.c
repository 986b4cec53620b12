// QEMU TCG plugin: splits what each virtual CPU executes into user, nucleus, firmware and idle instructions,
// between the markers that the guest puts into its code, and writes one JSON object per line to the file
// `out=`.
//
// This interface does not tell the privilege, so an instruction is classed by its address: the upper half is
// the nucleus's, as are the physical addresses `image=LOW-END`, where it runs before it has mapped itself;
// `firmware=LOW-END` are those of firmware that stays behind (riscv64, machine mode); all else is the user's.
//
// Context: callbacks run on the virtual CPU's own thread, in parallel under MTTCG.
// Invariant: a `struct cpu` is written by its own thread only. Other threads read its counters (relaxed: each
// is one aligned word, and a snapshot of another running CPU is only ever as exact as "about now").
// `profile=K` adds where the instructions of result K are: one line for each address and CPU.
// Exactness: `count=insn` (the default) counts each instruction when it starts, right even if a block is left
// in its middle by a fault or restarted by -icount for a device access. `count=block` counts straight runs at
// their first instruction: faster, and equal where nothing faults inside a block.

#include "guest.h"

#include <inttypes.h>
#include <stdatomic.h>

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { MAX_CPUS = 64, CHUNK = 4096, MAX_CHUNKS = 1024, PROFILE_CELLS = 1 << 15 };
enum class { USER, NUCLEUS, FIRMWARE, IDLE, CLASSES }; // two bits of on_instructions()'s argument
enum kind { ROUND, BATCH };
enum scope { LOCAL, ALL, SCOPES };

// One measured span. `ALL` adds what the other CPUs did since the span before it ended, so that no
// instruction of a server that tidies up after its reply is lost between two spans.
struct span {
    uint32_t result;
    uint32_t kind;
    uint64_t of[IDLE][SCOPES]; // by class; who waits is not measured
};

struct counts {
    uint64_t of[CLASSES];
};

// An open-addressed table, address to count; 0 marks a free cell.
struct profile {
    uint64_t address[PROFILE_CELLS];
    uint64_t count[PROFILE_CELLS];
};

// On its own cache lines: two CPUs never write to the same one.
struct cpu {
    _Alignas(128) _Atomic uint64_t count[CLASSES];
    bool idle;
    bool open[2];
    uint32_t result[2];
    struct counts own_start[2];
    struct counts others_start[2];
    bool others_valid[2];
    bool measures;           // began a span of the profiled result: then only what is inside its spans counts
    struct profile* profile; // made on first use
    // Grows by whole chunks that never move: the reader at exit may meet a thread that still appends.
    struct span* _Atomic chunks[MAX_CHUNKS];
    _Atomic size_t spans; // stored after the span is whole
};

static struct cpu cpus[MAX_CPUS];
static _Atomic uint32_t current_result = UINT32_MAX;
static _Atomic uint32_t results_seen;
static _Atomic bool boot_seen, entry_seen;
static struct counts boot_counts, counts_at_entry;
static const struct target* target;
static uint64_t entry_address; // where the firmware hands over (`entry=`), 0 to count what it did before too
static struct range image_range, firmware_range;
static _Atomic uint64_t unknown_markers, unpaired_markers, lost_spans, cpus_beyond;
static FILE* out;
static bool by_block;
static uint32_t profiled = UINT32_MAX;
static _Atomic bool profiling;

static struct counts counts_of(const struct cpu* cpu) {
    struct counts sum;
    // relaxed: the counters publish nothing else (see the invariant above)
    for (int i = 0; i < CLASSES; ++i) sum.of[i] = atomic_load_explicit(&cpu->count[i], memory_order_relaxed);
    return sum;
}

static struct counts counts_of_others(unsigned but) {
    struct counts sum = {{0}};
    for (unsigned v = 0; v < MAX_CPUS; ++v) {
        if (v == but) continue;
        struct counts one = counts_of(&cpus[v]);
        for (int i = 0; i < CLASSES; ++i) sum.of[i] += one.of[i];
    }
    return sum;
}

static void on_instructions(unsigned vcpu, void* packed) {
    if (vcpu >= MAX_CPUS) {
        atomic_fetch_add(&cpus_beyond, 1);
        return;
    }
    struct cpu* cpu = &cpus[vcpu];
    enum class class = (uintptr_t)packed & 3;
    if (class == NUCLEUS && cpu->idle) class = IDLE;
    // Not a read-modify-write: only this thread writes here. Relaxed: the counters publish nothing else.
    uint64_t value = atomic_load_explicit(&cpu->count[class], memory_order_relaxed);
    atomic_store_explicit(&cpu->count[class], value + ((uintptr_t)packed >> 2), memory_order_relaxed);
}

static void on_profiled(unsigned vcpu, void* address) {
    // relaxed: one instruction more or less at the ends of the result
    if (vcpu >= MAX_CPUS || !atomic_load_explicit(&profiling, memory_order_relaxed)) return;
    struct cpu* cpu = &cpus[vcpu];
    if (cpu->idle || (cpu->measures && !cpu->open[ROUND] && !cpu->open[BATCH])) return;
    if (!cpu->profile && !(cpu->profile = calloc(1, sizeof *cpu->profile))) abort();
    size_t cell = (uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 49;
    for (size_t i = 0; i < PROFILE_CELLS; ++i, cell = (cell + 1) % PROFILE_CELLS) {
        if (!cpu->profile->count[cell]) cpu->profile->address[cell] = (uintptr_t)address;
        if (cpu->profile->address[cell] != (uintptr_t)address) continue;
        ++cpu->profile->count[cell];
        return;
    }
    atomic_fetch_add(&lost_spans, 1);
}

static void append(struct cpu* cpu, const struct span* span) {
    size_t index = atomic_load_explicit(&cpu->spans, memory_order_relaxed); // relaxed: own thread's value
    size_t chunk = index / CHUNK;
    if (chunk >= MAX_CHUNKS) {
        atomic_fetch_add(&lost_spans, 1);
        return;
    }
    // relaxed: the release of `spans` below publishes the chunk with the span
    struct span* cells = atomic_load_explicit(&cpu->chunks[chunk], memory_order_relaxed);
    if (!cells) {
        cells = malloc(CHUNK * sizeof *cells);
        if (!cells) abort();
        atomic_store_explicit(&cpu->chunks[chunk], cells, memory_order_relaxed); // published below
    }
    cells[index % CHUNK] = *span;
    atomic_store_explicit(&cpu->spans, index + 1, memory_order_release); // pairs with collect()
}

static void begin(unsigned vcpu, enum kind kind) {
    struct cpu* cpu = &cpus[vcpu];
    uint32_t result = atomic_load(&current_result);
    if (!cpu->others_valid[kind] || cpu->result[kind] != result) {
        cpu->others_start[kind] = counts_of_others(vcpu);
        cpu->others_valid[kind] = true;
    }
    if (cpu->open[kind]) atomic_fetch_add(&unpaired_markers, 1);
    cpu->result[kind] = result;
    cpu->open[kind] = true;
    if (result == profiled) {
        cpu->measures = true;
        atomic_store(&profiling, true);
    }
    cpu->own_start[kind] = counts_of(cpu);
}

static void end(unsigned vcpu, enum kind kind) {
    struct cpu* cpu = &cpus[vcpu];
    if (!cpu->open[kind]) {
        atomic_fetch_add(&unpaired_markers, 1);
        return;
    }
    struct counts own = counts_of(cpu), others = counts_of_others(vcpu);
    const struct counts *own_start = &cpu->own_start[kind], *others_start = &cpu->others_start[kind];
    struct span span = {.result = cpu->result[kind], .kind = kind};
    for (int i = 0; i < IDLE; ++i) {
        span.of[i][LOCAL] = own.of[i] - own_start->of[i];
        span.of[i][ALL] = span.of[i][LOCAL] + others.of[i] - others_start->of[i];
    }
    cpu->open[kind] = false;
    cpu->others_start[kind] = others;
    append(cpu, &span);
}

static void on_entry(unsigned vcpu, void* unused) {
    (void)vcpu, (void)unused;
    if (!atomic_exchange(&entry_seen, true)) counts_at_entry = counts_of_others(MAX_CPUS);
}

static void on_first_user(void) {
    if (!atomic_exchange(&boot_seen, true)) boot_counts = counts_of_others(MAX_CPUS);
}

static void on_result(uint32_t index) {
    atomic_store(&current_result, index);
    atomic_store(&profiling, false);
    uint32_t seen = atomic_load(&results_seen);
    while (seen <= index && !atomic_compare_exchange_weak(&results_seen, &seen, index + 1)) continue;
}

static void on_marker(unsigned vcpu, void* packed) {
    uintptr_t id = (uintptr_t)packed;
    if (vcpu >= MAX_CPUS) return;
    switch (id) {
    case ROUND_BEGIN: begin(vcpu, ROUND); break;
    case ROUND_END: end(vcpu, ROUND); break;
    case IDLE_BEGIN: cpus[vcpu].idle = true; break;
    case IDLE_END: cpus[vcpu].idle = false; break;
    case FIRST_USER: on_first_user(); break;
    case BATCH_BEGIN: begin(vcpu, BATCH); break;
    case BATCH_END: end(vcpu, BATCH); break;
    case TIMER_TAKEN:
    case TIMERS_SERVED: break; // what latency.c counts from
    default:
        if (id >= FIRST_RESULT)
            on_result((uint32_t)(id - FIRST_RESULT));
        else
            atomic_fetch_add(&unknown_markers, 1);
    }
}

static enum class class_of(uint64_t address) {
    if (address >= target->nucleus_base || within(address, &image_range)) return NUCLEUS;
    return within(address, &firmware_range) ? FIRMWARE : USER;
}

static void count_run(struct qemu_plugin_insn* first, size_t length) {
    if (!length) return;
    enum class class = class_of(qemu_plugin_insn_vaddr(first));
    qemu_plugin_register_vcpu_insn_exec_cb(first, on_instructions, QEMU_PLUGIN_CB_NO_REGS,
                                           (void*)(length << 2 | class));
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
    (void)id;
    size_t size = qemu_plugin_tb_n_insns(block), length = 0;
    struct qemu_plugin_insn* first = NULL;
    for (size_t i = 0; i < size; ++i) {
        struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
        int marker = target->marker_id(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
        if (entry_address && qemu_plugin_insn_vaddr(insn) == entry_address)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_entry, QEMU_PLUGIN_CB_NO_REGS, NULL);
        if (marker < 0 && profiled != UINT32_MAX)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_profiled, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void*)(uintptr_t)qemu_plugin_insn_vaddr(insn));
        // A run never crosses a marker: what stands before it belongs to the span before it.
        if (marker >= 0 || !by_block) {
            count_run(first, length);
            length = 0;
        }
        if (marker >= 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void*)(uintptr_t)marker);
        } else if (length++ == 0) {
            first = insn;
        }
    }
    count_run(first, length);
}

static int compare_values(const void* left, const void* right) {
    uint64_t a = *(const uint64_t*)left, b = *(const uint64_t*)right;
    return (a > b) - (a < b);
}

static void print_statistics(const char* name, uint64_t* values, size_t n) {
    uint64_t sum = 0;
    qsort(values, n, sizeof *values, compare_values);
    for (size_t i = 0; i < n; ++i) sum += values[i];
    // Nearest rank: the smallest value that is not below 99 of 100.
    size_t p99 = (n * 99 + 99) / 100 - 1;
    fprintf(out, "\"%s\":{\"min\":%" PRIu64 ",\"median\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64
                 ",\"mean\":%.3f,\"sum\":%" PRIu64 "}",
            name, values[0], values[(n - 1) / 2], values[p99], values[n - 1], (double)sum / (double)n, sum);
}

// Copies up to `limit` spans of one result from every CPU, or only counts them when `into` is null.
static size_t collect(uint32_t result, enum kind kind, struct span* into, size_t limit) {
    size_t n = 0;
    for (unsigned v = 0; v < MAX_CPUS; ++v) {
        size_t spans = atomic_load_explicit(&cpus[v].spans, memory_order_acquire); // pairs with append()
        for (size_t i = 0; i < spans && n < limit; ++i) {
            const struct span* span = &cpus[v].chunks[i / CHUNK][i % CHUNK];
            if (span->result != result || span->kind != (uint32_t)kind) continue;
            if (into) into[n] = *span;
            ++n;
        }
    }
    return n;
}

static void print_spans(uint32_t result, enum kind kind) {
    static const char* const kinds[] = {"round", "batch"};
    static const char* const scopes[] = {"local", "all"};
    static const char* const classes[] = {"user", "nucleus", "firmware"};
    size_t n = collect(result, kind, NULL, SIZE_MAX);
    if (!n) return;
    struct span* spans = malloc(n * sizeof *spans);
    uint64_t* values = malloc(n * sizeof *values);
    if (!spans || !values) abort();
    // A CPU may have appended meanwhile: there are never fewer than counted, the limit holds the rest off.
    n = collect(result, kind, spans, n);
    for (int scope = LOCAL; scope < SCOPES; ++scope) {
        fprintf(out, "{\"event\":\"%s\",\"result\":%" PRIu32 ",\"scope\":\"%s\",\"n\":%zu,", kinds[kind],
                result, scopes[scope], n);
        for (int class = USER; class < IDLE; ++class) {
            for (size_t i = 0; i < n; ++i) values[i] = spans[i].of[class][scope];
            print_statistics(classes[class], values, n);
            fputc(',', out);
        }
        for (size_t i = 0; i < n; ++i) {
            values[i] = 0;
            for (int class = USER; class < IDLE; ++class) values[i] += spans[i].of[class][scope];
        }
        print_statistics("total", values, n);
        fputs("}\n", out);
    }
    free(values);
    free(spans);
}

static void print_profile(void) {
    for (unsigned v = 0; v < MAX_CPUS; ++v) {
        for (size_t i = 0; cpus[v].profile && i < PROFILE_CELLS; ++i) {
            if (!cpus[v].profile->count[i]) continue;
            fprintf(out, "{\"event\":\"profile\",\"cpu\":%u,\"address\":%" PRIu64, v,
                    cpus[v].profile->address[i]);
            fprintf(out, ",\"count\":%" PRIu64 "}\n", cpus[v].profile->count[i]);
        }
    }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void* unused) {
    (void)id, (void)unused;
    if (atomic_load(&boot_seen)) {
        struct counts boot = boot_counts;
        for (int i = 0; i < CLASSES; ++i) boot.of[i] -= counts_at_entry.of[i];
        const uint64_t* of = boot.of;
        fprintf(out, "{\"event\":\"boot\",\"instructions\":%" PRIu64 ",\"firmware\":%" PRIu64
                     ",\"idle\":%" PRIu64 "}\n",
                of[USER] + of[NUCLEUS] + of[FIRMWARE], of[FIRMWARE], of[IDLE]);
    }
    uint32_t results = atomic_load(&results_seen);
    for (uint32_t result = 0; result < results; ++result) {
        print_spans(result, ROUND);
        print_spans(result, BATCH);
    }
    print_profile();
    struct counts sum = counts_of_others(MAX_CPUS);
    fprintf(out, "{\"event\":\"exit\",\"user\":%" PRIu64 ",\"nucleus\":%" PRIu64 ",\"firmware\":%" PRIu64
                 ",\"idle\":%" PRIu64 ",\"unknown_markers\":%" PRIu64 ",\"unpaired_markers\":%" PRIu64
                 ",\"lost\":%" PRIu64 "}\n",
            sum.of[USER], sum.of[NUCLEUS], sum.of[FIRMWARE], sum.of[IDLE], atomic_load(&unknown_markers),
            atomic_load(&unpaired_markers), atomic_load(&lost_spans) + atomic_load(&cpus_beyond));
    fclose(out);
}

static bool read_argument(const char* text, const char** path) {
    if (!strncmp(text, "out=", 4)) {
        *path = text + 4;
    } else if (!strncmp(text, "profile=", 8)) {
        profiled = (uint32_t)strtoul(text + 8, NULL, 0);
    } else if (!strncmp(text, "entry=", 6)) {
        entry_address = strtoull(text + 6, NULL, 0);
    } else if (!strncmp(text, "image=", 6)) {
        return read_range(text + 6, &image_range);
    } else if (!strncmp(text, "firmware=", 9)) {
        return read_range(text + 9, &firmware_range);
    } else if (!strcmp(text, "count=block") || !strcmp(text, "count=insn")) {
        by_block = !strcmp(text, "count=block");
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
                "insncount: bad argument %s (out=FILE, entry=ADDRESS, image=LOW-END, firmware=LOW-END, "
                "profile=RESULT, count=insn|block)\n",
                argv[i]);
        return 1;
    }
    target = find_target(info);
    if (!target || !path || !(out = fopen(path, "w"))) {
        fprintf(stderr, "insncount: wants target x86_64 or riscv64, and out=FILE that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
