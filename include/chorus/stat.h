/* stat() and what programs with ChorusOS 4.0 headers expect beside it: read(), bzero(). For programs with a C
 * library. */
#pragma once

#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
