/* The actor manager: extended actors (c_actors), made from files, with arguments, an environment, files and
 * credentials. ChorusOS 4.0 afexec(2K), acreate(2K), aload(2K), astart(2K), akill(2K), acap(2K), acred(2K),
 * agetId(2K); feature ACTOR_EXTENDED_MNGT.
 *
 * For actors that run under C_OS, with libchorus.a. Unless it is said otherwise a call returns 0, or -1 with
 * errno. Those that all can set: EFAULT (a pointer), ENOSYS (no C_OS here); those with an actor's capability
 * also ESRCH (no such extended actor, or it has ended) and EINVAL (not an actor's capability). */
#ifndef AM_AFEXEC_H
#define AM_AFEXEC_H

#include <chorus/types.h>
#include <cx/cred.h>

/* ---- what a new actor gets ----------------------------------------------------------------------------- */

/* AcParam.acFlags. A trusted actor is a SYSTEM actor: acap() and setting credentials are for those. */
#define AFX_ANY_SPACE 0x00        /* as the file says: `.r` in the supervisor space, else a user space */
#define AFX_USER_SPACE 0x01       /* a private address space */
#define AFX_SUPERVISOR_SPACE 0x02 /* the supervisor space; trusted. Not with AFX_USER_SPACE: EINVAL */
#define AFX_TRUSTED 0x04          /* a SYSTEM actor; without it a user actor, which is not trusted */
#define AFX_STOPPED 0x08          /* extension: its main thread waits for astart() or a debugger */

/* All zero: like the caller. A NULL path means the caller's file, standard or not. */
typedef struct AcParam {
    int acSite;        /* not looked at: actors are made on the caller's site */
    int acFlags;       /* AFX_… */
    char* acStdin;     /* path of what is opened as file 0 */
    char* acStdout;    /* … as file 1 */
    char* acStderr;    /* … as file 2 */
    char* acCurdir;    /* current folder */
    char* acRootdir;   /* root folder */
    cx_cred_t* acCred; /* credentials: trusted callers only (EPERM) */
} AcParam;

/* Arguments and environment in one block: this header, then `argc` strings and `envc` strings ("NAME=value"),
 * each with its NUL, one directly behind the other. Only the whole block may be copied. */
typedef struct AlParam {
    unsigned int alSize; /* bytes of the block, with this header */
    unsigned int alArgc;
    unsigned int alEnvc;
#ifndef __cplusplus
    char alStrings[];
#endif
} AlParam;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- making actors from files -------------------------------------------------------------------------- */

/* afexecve(2K): a new actor that runs the program in the file path, with these arguments and environment
 * (argv and envp end with NULL; argv[0] should be there). `path` is tried, then `path.r` (supervisor actors)
 * and `path.gz`. *actorcap (unless null) = its capability; param may be null. The caller waits until the
 * program is loaded, not longer. Returns the aid, positive, or -1: ENOENT, EACCES, ENOEXEC (not a program for
 * this machine), E2BIG (arguments), ENOMEM, EAGAIN (too many actors), EPERM (space, trust or credentials not
 * allowed), EINVAL (acFlags), ESRCH (somebody has ended the new actor while it was
 * loaded; nobody else hears of it). */
int afexecve(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[], char* const envp[]);

/* The same with, for each letter of the name: l, the arguments one by one, NULL behind the last; v, as an
 * array; e, an environment, else the caller's; p, a path without `/` is looked for in the folders of the
 * caller's variable PATH (without one: /bin). afexec(2K) is afexecl by its first name. */
int afexec(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...);
int afexecl(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...);
int afexecle(const char* path, KnCap* actorcap, const AcParam* param, const char* argument,
             ... /* NULL, char* const envp[] */);
int afexeclp(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...);
int afexecv(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[]);
int afexecvp(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[]);

/* ---- the same in steps --------------------------------------------------------------------------------- */

/* acreate(2K): a new actor without program and threads; *actorcap = its capability. Errors: as afexecve's
 * that are not about the file. */
int acreate(KnCap* actorcap, const AcParam* param);

/* aload(2K): load the program in the file path into an actor made by acreate() that has not started, and give
 * it the packed arguments. path null: load nothing. param null: keep what it has. *entry (unless null) =
 * where the program begins. Errors: as afexecve's about the file; EBUSY (it has started). */
int aload(const KnCap* actorcap, const char* path, const AlParam* param, KnPc* entry);

/* astart(2K): start the main thread of an actor that has been loaded, or let one go on that was made with
 * AFX_STOPPED. Errors: EINVAL (nothing loaded), EBUSY (it runs). */
int astart(const KnCap* actorcap);

/* alParamBuild(2K): the packed block of these arrays, each of which ends with NULL or is null. To be given
 * back with free(). Returns null with errno: ENOMEM, E2BIG (more than 4 GiB). */
AlParam* alParamBuild(char* const argv[], char* const envp[]);

/* alParamUnpack(2K): the arrays of a packed block, both in one piece of memory that begins at *argv (to be
 * given back with free()); the strings stay in the block. Errors: EINVAL (it is not whole), ENOMEM. */
int alParamUnpack(const AlParam* param, char*** argv, char*** envp);

/* agetalparam(2K): *param = the caller's own packed block, null when it was given none. It lies in memory of
 * the caller's, which may free it (munmap). */
int agetalparam(AlParam** param);

/* ---- actors that there are ----------------------------------------------------------------------------- */

/* agetId(2K): the caller's aid, which is its process id. Does not fail. */
int agetId(void);

/* acap(2K): *actorcap = the capability of the actor aid. Trusted callers only: EPERM. ESRCH: none, or aid 0.
 */
int acap(int aid, KnCap* actorcap);

/* acred(2K): *old = the actor's credentials, unless null; then set *new, unless null: trusted callers only
 * (EPERM). EINVAL: too many groups. */
int acred(const KnCap* actorcap, cx_cred_t* old_credentials, const cx_cred_t* new_credentials);

/* akill(2K): end an actor; on return its threads do not run any more. EPERM: another user's, and the caller
 * is not trusted. */
int akill(const KnCap* actorcap);

#ifdef __cplusplus
}
#endif

#endif
