/* roofline.h - what the units of this processor do at most, measured: multiplications and additions of floats
 * at the width of each instruction set, products of 8-bit tiles (AMX), and reading memory.
 *
 * Every figure is that of the lower quartile of the times of some bursts of about a millisecond, on as many threads
 * as the work that it is compared with, so that both see the same clock and what other processes take counts
 * little. */
#ifndef AIT_BENCHMARKS_ROOFLINE_H
#define AIT_BENCHMARKS_ROOFLINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum roof_unit {
  ROOF_FLOAT_128,    /* multiplication, then addition, of 4 floats */
  ROOF_FLOAT_256,    /* fused, of 8 floats (AVX2, FMA) */
  ROOF_FLOAT_512,    /* fused, of 16 floats (AVX-512) */
  ROOF_TILES,        /* AMX: products of tiles that stay in their registers */
  ROOF_TILES_LOADED, /* AMX: with one tile loaded for every product, from the first-level cache */
  ROOF_UNITS
} roof_unit;

/* Seconds since some moment: for work on one thread those that this thread ran, which do not count what other
 * processes took; for more threads those of the wall's clock. */
double roof_seconds(int threads);

/* "float_128", ... */
const char *roof_name(roof_unit unit);

/* Nonzero where processor, system and compiler have the unit. Asks the system for leave to use tiles. */
int roof_available(roof_unit unit);

/* Operations a second, a multiplication and an addition counting one each; 0 where the unit is not available.
 * `threads` >= 1. */
double roof_operations(roof_unit unit, int threads);

/* Bytes read a second from `memory` (`bytes` >= 4096, any contents), each thread reading a part of its own
 * again and again, forwards and backwards in turn: from the caches where the parts fit into them. */
double roof_read(const void *memory, size_t bytes, int threads);

/* Bytes of the cache of level 2 (of one core) or 3 (of all), or 0 where the system does not say. */
size_t roof_cache(int level);

#ifdef __cplusplus
}
#endif
#endif
