// threadCreate where the C library is not musl: the nucleus's own (chorus/extended.h). Threads that call such
// a library are made by its pthread_create.
#include <chorus/extended.h>

int threadCreate(const KnCap* actorcap, KnThreadLid* threadli, KnThreadStatus status, const void* schedparam,
                 const void* startinfo) {
    return threadCreateRaw(actorcap, threadli, status, schedparam, startinfo);
}
