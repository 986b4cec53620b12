/* device.h: what the driver knows of how it gets at the registers of its device */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdint.h>

/* The page of registers at this physical address; negative: an error of the nucleus. Before the others. */
int device_open(unsigned long address);
/* A register of 32 bits, `offset` bytes from the page's beginning. */
uint32_t device_read(unsigned long offset);
void device_write(unsigned long offset, uint32_t value);

#endif
