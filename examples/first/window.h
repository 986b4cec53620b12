/* window.h: what a driver in user mode and the window agree on */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdint.h>

#define WINDOW "window" /* the LAP */

struct access {
    unsigned long address; /* physical */
    uint32_t value;        /* read, or to be written */
    int writes;
    int error; /* 0, or negative */
};

#endif
