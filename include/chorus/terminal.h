/* Requests of ioctl(2) for terminals that C_OS adds to those of <sys/ioctl.h>: extensions of this system. */
#pragma once

/* int*: the column where the output's next character goes, from 0. What escape sequences do to it is not
 * known: each of their characters counts. */
#define CHORUS_TIOCGCOLUMN 0x4301
