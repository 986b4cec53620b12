/* device_direct.c: a driver that runs beside the nucleus touches the registers itself */
#include "device.h"

#include <dki/f_dki.h>

static volatile uint32_t* registers;

int device_open(unsigned long address) {
    KnPhMemChunk chunk = {.paddr = address, .psize = 4096};
    const KnError error = svPhysMap(&chunk, K_PTE_WRITABLE | K_PTE_UNCACHED);
    registers = (volatile uint32_t*)chunk.vaddr;
    return error;
}

uint32_t device_read(unsigned long offset) { return registers[offset / 4]; }
void device_write(unsigned long offset, uint32_t value) { registers[offset / 4] = value; }
