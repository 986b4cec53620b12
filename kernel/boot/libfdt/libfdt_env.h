/* What libfdt asks of its surroundings, in place of the header of that name that comes with it: integers in
 * the tree's byte order. Included by libfdt's own files, and by ours through libfdt.hpp. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As they stand in the tree, most significant byte first. */
typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the conversions swap bytes");

static inline uint16_t fdt16_to_cpu(fdt16_t value) { return __builtin_bswap16(value); }
static inline uint32_t fdt32_to_cpu(fdt32_t value) { return __builtin_bswap32(value); }
static inline uint64_t fdt64_to_cpu(fdt64_t value) { return __builtin_bswap64(value); }
static inline fdt16_t cpu_to_fdt16(uint16_t value) { return __builtin_bswap16(value); }
static inline fdt32_t cpu_to_fdt32(uint32_t value) { return __builtin_bswap32(value); }
static inline fdt64_t cpu_to_fdt64(uint64_t value) { return __builtin_bswap64(value); }
