/* Names of ports and their protection identifiers. ChorusOS 5.0 uiBuild(2K), portPi(2K). */
#pragma once

#include <chorus/types.h>

/* Stamped by the nucleus on each message, once for the sending actor, once for the source port; it gives
 * it no meaning. */
typedef struct KnProtId {
    unsigned short uid, gid, did;
} KnProtId;

static inline int uiEqual(const KnUniqueId* first, const KnUniqueId* second) {
    return first->uiHead == second->uiHead && first->uiTail == second->uiTail;
}

/* The cleared UI names nothing. */
static inline void uiClear(KnUniqueId* ui) {
    ui->uiHead = 0;
    ui->uiTail = 0;
}

static inline int uiValid(const KnUniqueId* ui) { return ui->uiHead != 0 || ui->uiTail != 0; }
