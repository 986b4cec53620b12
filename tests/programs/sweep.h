/* The sweep of kills: what the sweeper (sweep.c), those who deal with its victims (sweep_partners.c) and the
 * victim (sweep_victim.c) agree on. */
#ifndef SWEEP_H
#define SWEEP_H

#include <chorus.h>

#define VICTIM_PROGRAM "/bin/sweep_victim"
#define VICTIM_NAME "life" /* argv[0]: by it the sweeper finds its victim */
#define CHILD_NAME "child" /* argv[0] of what the victim starts itself */
#define VICTIM_FOLDER "/tmp/life"
#define VICTIM_LOCK "/tmp/life.lock" /* locked by every life; it belongs to the sweeper */

/* The victim's descriptors beside the standard ones. */
enum { victim_writes = 3, victim_reads = 4 };

/* A request to the server among the partners. */
enum { serve_at_once, serve_later, serve_and_call_back };
struct request {
    int what;
    KnUniqueId port; /* serve_and_call_back: of the victim */
    char filling[40];
};

/* ---- the partners ------------------------------------------------------------------------------------ */

/* How the calls to victims ended. other: what no partner should see, of replies and pipes too. */
struct callbacks {
    unsigned answered, no_port, unknown, crashed, dropped, other;
};

/* Threads that last as long as the sweeper. The port for requests of victims to *server. */
int start_partners(KnUniqueId* server);
/* From now on the one reads to the end and the other one writes until nobody reads any more. They close the
 * descriptors. */
void begin_pipes(int from_victim, int to_victim);
/* Waits until all partners have nothing to do any more. 0; else who still waits. */
const char* await_partners(void);
const struct callbacks* callback_counts(void);

#endif
