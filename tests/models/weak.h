// The memory of the models: what C++11 promises, executed. Included by weak.pml; compiled into spin's
// checker.
//
// Each location keeps the values that it has had, oldest first, as long as somebody may still read them. Each
// CPU has, for each location, the oldest value that it may still read: `seen`. So a plain or relaxed load may
// return any value from there to the last one, and a CPU's loads of two weak_locations may be as old as they
// like in relation to each other: that is what store buffers, early loads and late invalidations amount to. A
// release store carries its CPU's `seen` along; an acquire load that reads it raises its own CPU's to that.
// `order` stands for the single order of the seq_cst operations.
//
// What is not here: a load that is overtaken by a later store of its own CPU (load buffering). Values are
// written in the order in which they are stored; the weak_locations of the models have one writer at a time.
#ifndef WEAK_H
#define WEAK_H

#include <string.h>

extern void (*Uerror)(char*); // the checker's: a violation

struct Weak {
    unsigned char value[weak_locations][weak_depth];
    unsigned char newest[weak_locations]; // index of the last value
    unsigned char seen[weak_cpus][weak_locations];
    unsigned char carries[weak_locations][weak_depth][weak_locations]; // with each value, its writer's `seen`
    unsigned char order[weak_locations];
    unsigned char bell[weak_cpus][weak_locations];      // with an interrupt under way, its sender's `seen`
    unsigned char parcel[weak_parcels][weak_locations]; // with a request under way, the same
};

static struct Weak weak;

static void weak_fail(char* what) { Uerror(what); }

static void weak_raise(unsigned char* to, const unsigned char* from) {
    for (int l = 0; l < weak_locations; ++l) {
        if (from[l] > to[l]) to[l] = from[l];
    }
}

static void weak_lower(unsigned char* at, unsigned by) { *at = *at > by ? (unsigned char)(*at - by) : 0; }

// Drops the values of a location that no CPU may read any more: finite state in endless runs.
static void weak_forget(int l) {
    unsigned by = weak.seen[0][l];
    for (int c = 1; c < weak_cpus; ++c) {
        if (weak.seen[c][l] < by) by = weak.seen[c][l];
    }
    if (by == 0) return;
    const unsigned left = weak.newest[l] + 1 - by;
    memmove(weak.value[l], weak.value[l] + by, left);
    memset(weak.value[l] + left, 0, weak_depth - left);
    memmove(weak.carries[l], weak.carries[l] + by, left * weak_locations);
    memset(weak.carries[l] + left, 0, (weak_depth - left) * weak_locations);
    weak.newest[l] = (unsigned char)(left - 1);
    weak_lower(&weak.order[l], by);
    for (int c = 0; c < weak_cpus; ++c) {
        weak_lower(&weak.seen[c][l], by);
        weak_lower(&weak.bell[c][l], by);
    }
    for (int p = 0; p < weak_parcels; ++p) weak_lower(&weak.parcel[p][l], by);
    for (int k = 0; k < weak_locations; ++k) {
        for (int i = 0; i <= weak.newest[k]; ++i) weak_lower(&weak.carries[k][i][l], by);
    }
}

static void weak_forget_all(void) {
    for (int l = 0; l < weak_locations; ++l) weak_forget(l);
}

// Whether a load may return a value that is newer than the one `newer` places after the oldest.
#define WEAK_MORE (weak.seen[now.me][now.at] + now.pick < weak.newest[now.at])

static int weak_load(int c, int l, int newer, int acquire) {
    const int i = weak.seen[c][l] + newer;
    const int value = weak.value[l][i];
    weak.seen[c][l] = (unsigned char)i;
    if (acquire) weak_raise(weak.seen[c], weak.carries[l][i]);
    weak_forget_all();
    return value;
}

// A seq_cst load returns nothing older than the last seq_cst store: raised before the choice is made.
static void weak_raise_to_order(int c, int l) {
    if (weak.order[l] > weak.seen[c][l]) weak.seen[c][l] = weak.order[l];
}

static void weak_fence(int c) {
    weak_raise(weak.seen[c], weak.order);
    weak_raise(weak.order, weak.seen[c]);
    weak_forget_all();
}

static void weak_append(int c, int l, int value, int release, int continues) {
    if (weak.newest[l] + 1 == weak_depth) { // nobody lags behind as far as that
        for (int other = 0; other < weak_cpus; ++other) {
            if (weak.seen[other][l] == 0) weak.seen[other][l] = 1;
        }
        weak_forget(l);
    }
    const int last = weak.newest[l];
    weak.value[l][last + 1] = (unsigned char)value;
    ++weak.newest[l];
    weak.seen[c][l] = (unsigned char)(last + 1);
    unsigned char* const carries = weak.carries[l][last + 1];
    if (continues) memcpy(carries, weak.carries[l][last], weak_locations);
    if (release) weak_raise(carries, weak.seen[c]);
    if (carries[l] < last + 1) carries[l] = (unsigned char)(last + 1);
}

static void weak_store(int c, int l, int value, int release, int in_order) {
    weak_append(c, l, value, release, 0);
    if (in_order) weak.order[l] = weak.newest[l];
    weak_forget_all();
}

enum { weak_exchange, weak_or, weak_and, weak_add };

// Returns the value before.
static int weak_change(int c, int l, int how, int operand, int acquire, int release, int in_order) {
    const int last = weak.newest[l];
    const int before = weak.value[l][last];
    const int after = how == weak_exchange ? operand
                      : how == weak_or     ? before | operand
                      : how == weak_and    ? before & operand
                                           : before + operand;
    weak.seen[c][l] = (unsigned char)last;
    if (acquire) weak_raise(weak.seen[c], weak.carries[l][last]);
    weak_append(c, l, after, release, 1);
    if (in_order) weak.order[l] = weak.newest[l];
    weak_forget_all();
    return before;
}

// The last value, whoever may see it: for guards that say "sooner or later" and for what is checked.
static int weak_latest(int l) { return weak.value[l][weak.newest[l]]; }
// Whether all that the CPU may still read there is the last value: a plain access is no data race then.
static int weak_current(int c, int l) { return weak.seen[c][l] == weak.newest[l]; }
static int weak_oldest(int c, int l) { return weak.value[l][weak.seen[c][l]]; }

static void weak_ring(int from, int to, int ordered) {
    if (ordered) weak_raise(weak.bell[to], weak.seen[from]);
}
static void weak_rung(int c) {
    weak_raise(weak.seen[c], weak.bell[c]);
    memset(weak.bell[c], 0, weak_locations);
    weak_forget_all();
}

static void weak_post(int c, int parcel, int release) {
    memset(weak.parcel[parcel], 0, weak_locations);
    if (release) weak_raise(weak.parcel[parcel], weak.seen[c]);
}
static void weak_receive(int c, int parcel) {
    weak_raise(weak.seen[c], weak.parcel[parcel]);
    memset(weak.parcel[parcel], 0, weak_locations);
    weak_forget_all();
}

#endif
