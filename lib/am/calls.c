// The actor manager's calls, each a system call of C_OS (chorus/c_os_calls.h).
#include <am/afexec.h>
#include <am/astat.h>
#include <am/await.h>
#include <chorus/c_os_calls.h>
#include <chorus/os_statistics.h>
#include <unistd.h>

int afexecve(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[],
             char* const envp[]) {
    return (int)syscall(C_OS_AFEXECVE, path, actorcap, param, argv, envp);
}

int acreate(KnCap* actorcap, const AcParam* param) {
    return syscall(C_OS_ACREATE, actorcap, param) < 0 ? -1 : 0;
}

int aload(const KnCap* actorcap, const char* path, const AlParam* param, KnPc* entry) {
    return (int)syscall(C_OS_ALOAD, actorcap, path, param, entry);
}

int astart(const KnCap* actorcap) { return (int)syscall(C_OS_ASTART, actorcap); }

int agetalparam(AlParam** param) { return (int)syscall(C_OS_AGETALPARAM, param); }

int agetId(void) { return (int)getpid(); }

int acap(int aid, KnCap* actorcap) { return (int)syscall(C_OS_ACAP, aid, actorcap); }

int acred(const KnCap* actorcap, cx_cred_t* old_credentials, const cx_cred_t* new_credentials) {
    return (int)syscall(C_OS_ACRED, actorcap, old_credentials, new_credentials);
}

int akill(const KnCap* actorcap) { return (int)syscall(C_OS_AKILL, actorcap); }

int awaits(const KnCap* actorcap, int* statusp) { return (int)syscall(C_OS_AWAITS, actorcap, statusp); }

int await(KnCap* actorcap, int* statusp) { return (int)syscall(C_OS_AWAIT, actorcap, statusp); }

int astat(astatEntry* entries, int max) { return (int)syscall(C_OS_ASTAT, entries, max); }

int osStatistics(KnOsStatistics* statistics) { return (int)syscall(C_OS_STATISTICS, statistics); }
