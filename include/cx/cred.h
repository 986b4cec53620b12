/* On whose behalf an actor runs. ChorusOS 4.0 acred(2K): one user and one group, not real and effective ones.
 */
#ifndef CX_CRED_H
#define CX_CRED_H

/* The nucleus and supervisor actors have no C library. */
#if __has_include(<sys/types.h>)
#include <sys/types.h>
#else
typedef unsigned int uid_t;
typedef unsigned int gid_t;
#endif

#define CX_NGROUPS 16

typedef struct cx_cred {
    uid_t cr_uid;
    gid_t cr_gid;
    unsigned short cr_ngroups;   /* how many of cr_groups count, at most CX_NGROUPS */
    gid_t cr_groups[CX_NGROUPS]; /* supplementary groups */
} cx_cred_t;

#endif
