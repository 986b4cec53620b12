/* Unique identifiers (UIs): the names of ports, groups of ports and sites; protection identifiers. ChorusOS
 * 5.0 uiBuild(2K), uiLocalSite(2K), portPi(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
#define K_UICAST(type, value) static_cast<type>(value)
#else
#define K_UICAST(type, value) ((type)(value))
#endif

/* Stamped by the nucleus on each message, once for the sending actor, once for the source port; it gives
 * it no meaning. */
typedef struct KnProtId {
    unsigned short uid, gid, did;
} KnProtId;

/* ---- unique identifiers ------------------------------------------------------------------------------
 *
 * A UI's head: bits 63 to 51 say where the nucleus finds what it names, 50 to 47 the type, 46 to 15 the site,
 * 1 and 0 a group's mode (ipcTarget). Dynamic UIs, which the nucleus makes, have 64 unpredictable bits in the
 * tail; static ones, which programs make, the stamp. The functions here look at nothing but the UI: a bad
 * pointer is the caller's exception. */
#define K_CUI_STAMPMAX 0x07FFFFFF /* of uiBuild; grpAllocate has stamps of 32 bits */
#define K_CUI_BUCKETSHIFT 51
#define K_CUI_TYPESHIFT 47
#define K_CUI_SITESHIFT 15
#define K_CUI_MODEMASK 3

/* uiBuild: type. 1 to 3 are dynamic objects; from 8 on they are groups of ports. */
#define K_UIPORT 4           /* a port for portDeclare */
#define K_UIPORT_STATPORT 5  /* the same, and it never migrates */
#define K_UISITE 6           /* a site; the stamp is 0 */
#define K_UIGROUP_DYN 8      /* a group; only grpAllocate makes one that ports can enter */
#define K_UIGROUP_STATUSER 9 /* the group of that stamp, on every site: `site` is not looked at */
#define K_UIGROUP_STATSYS 10 /* the same, for ports of the system */

/* uiBuild(2K), form of 5.0: the static UI of that type, site and stamp. Errors: K_EINVAL (type, stamp). */
static inline int uiBuild(KnUniqueId* ui, unsigned int type, unsigned int site, unsigned int stamp) {
    const uint64_t kind = type, at = type > K_UISITE ? 0 : site;
    uint64_t bucket = 0;
    if (stamp > K_CUI_STAMPMAX || type < K_UIPORT || type > K_UIGROUP_STATSYS || type == K_UISITE + 1 ||
        (type == K_UISITE && stamp != 0))
        return K_EINVAL;
    if (type < K_UISITE) bucket = 0x1000 | ((stamp ^ stamp >> 12) & 0xfff);
    ui->uiHead = bucket << K_CUI_BUCKETSHIFT | kind << K_CUI_TYPESHIFT | at << K_CUI_SITESHIFT;
    ui->uiTail = stamp;
    return K_OK;
}

/* uiSite(2K): the UI of a site. */
static inline int uiSite(KnUniqueId* ui, int site) {
    return uiBuild(ui, K_UISITE, K_UICAST(unsigned int, site), 0);
}

/* uiGetSite(2K): the number of the site that the UI tells; 0: it tells none. */
static inline int uiGetSite(const KnUniqueId* ui) {
    return K_UICAST(int, ui->uiHead >> K_CUI_SITESHIFT & 0xFFFFFFFF);
}

static inline int uiEqual(const KnUniqueId* first, const KnUniqueId* second) {
    return first->uiHead == second->uiHead && first->uiTail == second->uiTail;
}

/* The cleared UI names nothing. */
static inline void uiClear(KnUniqueId* ui) {
    ui->uiHead = 0;
    ui->uiTail = 0;
}

static inline int uiValid(const KnUniqueId* ui) { return ui->uiHead != 0 || ui->uiTail != 0; }

/* ipcTarget: mode. Where in the group's ports a message to it goes. */
#define K_BROADMODE 0 /* each port; what a group's UI means as it is allocated. Not for ipcCall */
#define K_FUNCMODE 1  /* one of them */
#define K_FUNCUMODE 2 /* one on the site where KnIpcDest.coTarget is known */
#define K_FUNCXMODE 3 /* one that is not coTarget; of a site's UI: one on another site */

/* ipcTarget(2K): *groupui is edited in place. Errors: K_EINVAL (not a group, mode). */
static inline int ipcTarget(KnUniqueId* groupui, int mode) {
    if ((groupui->uiHead >> K_CUI_TYPESHIFT & 8) == 0 || mode < K_BROADMODE || mode > K_FUNCXMODE)
        return K_EINVAL;
    groupui->uiHead &= ~K_UICAST(uint64_t, K_CUI_MODEMASK);
    groupui->uiHead |= K_UICAST(uint64_t, mode);
    return K_OK;
}

#ifdef __cplusplus
extern "C" {
#endif

/* uiIsLocal(2K): 1 when this site knows what the UI names: a port, a group that has one, an actor, the site
 * itself; else 0. Errors: K_EFAULT. */
int uiIsLocal(const KnUniqueId* ui);

/* uiLocalSite(2K): *site = the number of this site. Errors: K_EFAULT. */
int uiLocalSite(int* site);

#ifdef __cplusplus
}
#endif
