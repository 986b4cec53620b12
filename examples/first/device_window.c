/* device_window.c: a driver in user mode asks the window */
#include "device.h"
#include "window.h"

#include <chorus.h>

static KnLapDesc window;
static unsigned long base;

static uint32_t go(struct access access) {
    access.error = K_EFAIL;
    const int error = lapInvoke(&window, &access);
    return error == K_OK && access.error == K_OK ? access.value : 0;
}

int device_open(unsigned long address) {
    base = address;
    return lapResolve(&window, WINDOW, K_LAP_NOBLOCK);
}

uint32_t device_read(unsigned long offset) { return go((struct access){.address = base + offset}); }

void device_write(unsigned long offset, uint32_t value) {
    go((struct access){.address = base + offset, .value = value, .writes = 1});
}
