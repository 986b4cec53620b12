/* The fixed-width types of driver interfaces. ChorusOS 5.0 section 9DKI. */
#pragma once

#include <stdint.h>

typedef int8_t int8_f;
typedef int16_t int16_f;
typedef int32_t int32_f;
typedef int64_t int64_f;
typedef uint8_t uint8_f;
typedef uint16_t uint16_f;
typedef uint32_t uint32_f;
typedef uint64_t uint64_f;
