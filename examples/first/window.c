/* window.c: window ADDRESS: lets drivers in user mode touch one page of registers, and nothing else */
#include "window.h"

#include <chorus.h>
#include <dki/f_dki.h>
#include <mem/chMem.h>
#include <stdio.h>
#include <stdlib.h>

static KnPhMemChunk page;

/* On the driver's own thread, in supervisor mode. What it points to may be anything. */
static void on_access(void* argument, void* cookie) {
    struct access access;
    (void)cookie;
    if (svCopyIn((VmAddr)argument, &access, sizeof access) != K_OK) return;
    const unsigned long offset = access.address - page.paddr;
    access.error = offset >= page.psize || offset % 4 != 0 ? K_EADDR : K_OK;
    if (access.error == K_OK) {
        volatile uint32_t* const place = (volatile uint32_t*)(page.vaddr + offset);
        if (access.writes)
            *place = access.value;
        else
            access.value = *place;
    }
    svCopyOut(&access, (VmAddr)argument, sizeof access);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    page.paddr = strtoul(argv[1], NULL, 0);
    page.psize = 4096;
    KnLapDesc lap;
    int error = svPhysMap(&page, K_PTE_WRITABLE | K_PTE_UNCACHED);
    if (error == K_OK) error = svLapCreate(K_MYACTOR, on_access, NULL, K_LAP_SAFE, &lap);
    if (error == K_OK) error = svLapBind(&lap, WINDOW, 0);
    if (error != K_OK) {
        printf("no window: error %d\n", error);
        return 1;
    }
    printf("window at %lx\n", page.paddr);
    fflush(stdout);
    threadDelay(K_NOTIMEOUT); /* the LAP and the mapping are there as long as this actor */
    return 0;
}
