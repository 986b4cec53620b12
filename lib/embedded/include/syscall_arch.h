/* In place of musl's header of this name, which makes system calls by the machine's instruction: here each is
 * a call of lib/embedded/system_calls.c. */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

hidden long chorus_system_call(long number, long first, long second, long third, long fourth, long fifth,
                               long sixth);

static inline long __syscall0(long n) { return chorus_system_call(n, 0, 0, 0, 0, 0, 0); }
static inline long __syscall1(long n, long a) { return chorus_system_call(n, a, 0, 0, 0, 0, 0); }
static inline long __syscall2(long n, long a, long b) { return chorus_system_call(n, a, b, 0, 0, 0, 0); }
static inline long __syscall3(long n, long a, long b, long c) {
    return chorus_system_call(n, a, b, c, 0, 0, 0);
}
static inline long __syscall4(long n, long a, long b, long c, long d) {
    return chorus_system_call(n, a, b, c, d, 0, 0);
}
static inline long __syscall5(long n, long a, long b, long c, long d, long e) {
    return chorus_system_call(n, a, b, c, d, e, 0);
}
static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f) {
    return chorus_system_call(n, a, b, c, d, e, f);
}

#define IPC_64 0
