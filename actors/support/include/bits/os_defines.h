// Replaces libstdc++'s view of the operating system, which asks glibc: the C library is musl.
#pragma once

#include <features.h>
