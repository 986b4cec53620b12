/* The system calls of C_OS that Linux does not have. They are made as Linux calls are on the machine (x86-64:
 * SYSCALL with the number in rax; riscv64: ECALL with it in a7) and return as those do: a result, or a
 * negative number of <errno.h>. The C functions of <am/afexec.h>, <am/await.h>, <am/astat.h> and
 * <chorus/os_statistics.h> make them; what those say of errors holds here with -errno for -1. Pointers are
 * addresses in the caller's space.
 *
 * Both sides include this: the numbers are stable, new calls get new ones. */
#ifndef CHORUS_C_OS_CALLS_H
#define CHORUS_C_OS_CALLS_H

/* (const char* path, KnCap* actor, const AcParam*, char* const argv[], char* const envp[]): the aid. actor
 * and param may be null. */
#define C_OS_AFEXECVE 4096
/* (const KnCap* actor): 0 */
#define C_OS_AKILL 4097
/* (const KnCap* actor, int* status): 0, when the actor has ended. status may be null. Blocks; EINTR. */
#define C_OS_AWAITS 4098
/* (int aid, KnCap* actor): 0 */
#define C_OS_ACAP 4099
/* (KnCap* actor, const AcParam*): the aid of a new actor without a program. param may be null. */
#define C_OS_ACREATE 4100
/* (const KnCap* actor, const char* path, const AlParam* packed, KnPc* entry): 0. All but actor may be null.
 */
#define C_OS_ALOAD 4101
/* (const KnCap* actor): 0. Also releases an actor that was made with AFX_STOPPED. */
#define C_OS_ASTART 4102
/* (AlParam** packed): 0; *packed is the address of the caller's packed block, or null when it has none. */
#define C_OS_AGETALPARAM 4103
/* (const KnCap* actor, cx_cred_t* old, const cx_cred_t* new): 0. old and new may be null. */
#define C_OS_ACRED 4104
/* (astatEntry* entries, int max): how many actors there are, which may be more than max. */
#define C_OS_ASTAT 4105
/* (KnCap* actor, int* status): the aid of an actor that the caller has started and that has ended since.
 * actor and status may be null. Blocks; EINTR. */
#define C_OS_AWAIT 4106
/* (KnOsStatistics* statistics): 0 */
#define C_OS_STATISTICS 4107

/* In supervisor mode there is no trap: a system call, Linux's or one of these, is the invocation of the LAP
 * of this name (lapResolve) with a KnSystemCall. From an actor that C_OS has not started: result -ENOSYS. */
#define C_OS_LAP "C_OS"

typedef struct KnSystemCall {
    unsigned long number;
    unsigned long argument[6];
    long result;
} KnSystemCall;

#define C_OS_FIRST_CALL C_OS_AFEXECVE
#define C_OS_LAST_CALL C_OS_STATISTICS

#endif
