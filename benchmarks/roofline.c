/* roofline.c - loops that do nothing but what they measure. Each is compiled for its own instructions by an
 * attribute, and called only where the processor has them. */
#include "roofline.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
#include <immintrin.h>
#include <sys/syscall.h>
#define TARGET(instructions) __attribute__((target(instructions)))
#else
#define TARGET(instructions)
#endif

enum {
  BURSTS = 12,
  CHAINS = 12,            /* sums that do not wait for each other: more than latency times units */
  FLOAT_ROUNDS = 1 << 17, /* a burst of about a millisecond */
  TILE_ROUNDS = 1 << 14,  /* the same */
  TILE = 1024,            /* bytes: 16 rows of 64 */
  TILE_PRODUCTS = 4,      /* of a round */
  TILE_STEPS = 4,         /* rounds whose tiles are different: 16 KiB, which stay in the first-level cache */
  TILE_OPERATIONS = 2 * 16 * 16 * 64,
  READ_BLOCK = 16 << 10, /* bytes between which the direction may change */
  READ_LEAST = 16 << 20  /* bytes read in a burst, at least */
};

/* ---- floats ---------------------------------------------------------------------------------- */

/* Sums s = s f + f of vectors of floats; f below 1 keeps them finite. `memory` holds f, and takes the sums, so
 * that nothing can be left out. */
#define FLOAT_LOOP(name, vector_bytes, attribute)                    \
  attribute static void name(int64_t rounds, float *memory) {        \
    typedef float vector __attribute__((vector_size(vector_bytes))); \
    vector sum[CHAINS], factor;                                      \
    memcpy(&factor, memory, sizeof factor);                          \
    for (int k = 0; k < CHAINS; k++) {                               \
      sum[k] = factor;                                               \
    }                                                                \
    for (int64_t i = 0; i < rounds; i++) {                           \
      _Pragma("GCC unroll 12") for (int k = 0; k < CHAINS; k++) {    \
        sum[k] = sum[k] * factor + factor;                           \
      }                                                              \
    }                                                                \
    memcpy(memory, sum, sizeof sum);                                 \
  }

FLOAT_LOOP(floats_128, 16, )
#ifdef __x86_64__
FLOAT_LOOP(floats_256, 32, TARGET("avx2,fma"))
FLOAT_LOOP(floats_512, 64, TARGET("avx512f"))
#endif

/* ---- tiles ----------------------------------------------------------------------------------- */

#ifdef AIT_COMPILER_HAS_AMX
#define AMX TARGET("amx-tile,amx-int8")

AMX static void configure_tiles(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1};
  for (int k = 0; k < 8; k++) {
    config.row_bytes[k] = 64;
    config.rows[k] = 16;
  }
  __asm__ volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

AMX static void tiles_in_registers(int64_t rounds, const char *memory) {
  configure_tiles();
  _tile_loadd(4, memory, 64);
  _tile_loadd(5, memory + TILE, 64);
  _tile_loadd(6, memory + 2 * TILE, 64);
  _tile_loadd(7, memory + 3 * TILE, 64);
  for (int64_t i = 0; i < rounds; i++) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 5, 6);
    _tile_dpbusd(2, 4, 7);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
}

/* Two tiles times two others, as the product of matrices that do not stay in registers takes them. */
AMX static void tiles_loaded(int64_t rounds, const char *memory) {
  configure_tiles();
  for (int64_t i = 0; i < rounds; i++) {
    const char *tiles = memory + i % TILE_STEPS * TILE_PRODUCTS * TILE;
    _tile_loadd(4, tiles, 64);
    _tile_loadd(6, tiles + TILE, 64);
    _tile_loadd(5, tiles + 2 * TILE, 64);
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 5, 6);
    _tile_loadd(7, tiles + 3 * TILE, 64);
    _tile_dpbusd(2, 4, 7);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
}

/* The system saves the registers of tiles only for processes that have asked. */
static int tiles_available(void) {
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* of Linux's arch_prctl */
  return __builtin_cpu_supports("amx-int8") && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

/* ---- reading --------------------------------------------------------------------------------- */

#define READ_LOOP(name, vector_bytes, attribute)                                    \
  attribute static uint64_t name(const char *memory, size_t bytes) {                \
    typedef uint64_t vector __attribute__((vector_size(vector_bytes), aligned(1))); \
    const vector *from = (const vector *)(const void *)memory;                      \
    vector a = from[0], b = a, c = a, d = a;                                        \
    for (size_t i = 0; i + 4 <= bytes / sizeof(vector); i += 4) {                   \
      a |= from[i];                                                                 \
      b |= from[i + 1];                                                             \
      c |= from[i + 2];                                                             \
      d |= from[i + 3];                                                             \
    }                                                                               \
    a |= b | c | d;                                                                 \
    return a[0] | a[1];                                                             \
  }

READ_LOOP(read_128, 16, )
#ifdef __x86_64__
READ_LOOP(read_256, 32, TARGET("avx2"))
READ_LOOP(read_512, 64, TARGET("avx512f"))
#endif

static uint64_t read_block(const char *memory, size_t bytes) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) {
    return read_512(memory, bytes);
  }
  if (__builtin_cpu_supports("avx2")) {
    return read_256(memory, bytes);
  }
#endif
  return read_128(memory, bytes);
}

/* Reads all of `memory` in blocks, the last one first where `backwards`. */
static uint64_t read_all(const char *memory, size_t bytes, int backwards) {
  const size_t blocks = (bytes + READ_BLOCK - 1) / READ_BLOCK;
  uint64_t seen = 0;
  for (size_t i = 0; i < blocks; i++) {
    const size_t begin = (backwards ? blocks - 1 - i : i) * READ_BLOCK;
    seen |= read_block(memory + begin, bytes - begin < READ_BLOCK ? bytes - begin : READ_BLOCK);
  }
  return seen;
}

/* ---- timing ---------------------------------------------------------------------------------- */

double roof_seconds(int threads) {
  struct timespec now;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static double lower_quartile(double *seconds) {
  qsort(seconds, BURSTS, sizeof *seconds, compare);
  return seconds[BURSTS / 4];
}

/* What one thread does in a burst, with floats that it may change; returns its operations. */
static double work(roof_unit unit, float *floats) {
  switch (unit) {
#ifdef __x86_64__
    case ROOF_FLOAT_256:
      floats_256(FLOAT_ROUNDS, floats);
      return 2.0 * 8 * CHAINS * FLOAT_ROUNDS;
    case ROOF_FLOAT_512:
      floats_512(FLOAT_ROUNDS, floats);
      return 2.0 * 16 * CHAINS * FLOAT_ROUNDS;
#endif
#ifdef AIT_COMPILER_HAS_AMX
    case ROOF_TILES:
    case ROOF_TILES_LOADED: {
      static const char zeros[TILE_STEPS * TILE_PRODUCTS * TILE] __attribute__((aligned(64)));
      (unit == ROOF_TILES ? tiles_in_registers : tiles_loaded)(TILE_ROUNDS, zeros);
      return (double)TILE_OPERATIONS * TILE_PRODUCTS * TILE_ROUNDS;
    }
#endif
    default:
      floats_128(FLOAT_ROUNDS, floats);
      return 2.0 * 4 * CHAINS * FLOAT_ROUNDS;
  }
}

static double burst(roof_unit unit) {
  float floats[CHAINS * 16];
  for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
    floats[i] = 0.5f;
  }
  const double operations = work(unit, floats);
  __asm__ volatile("" : : "r"(floats) : "memory"); /* somebody may read them */
  return operations;
}

/* ---- interface ------------------------------------------------------------------------------- */

const char *roof_name(roof_unit unit) {
  static const char *const names[ROOF_UNITS] = {"float_128", "float_256", "float_512", "tiles", "tiles_loaded"};
  return names[unit];
}

int roof_available(roof_unit unit) {
  switch (unit) {
    case ROOF_FLOAT_128:
      return 1;
#ifdef __x86_64__
    case ROOF_FLOAT_256:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ROOF_FLOAT_512:
      return __builtin_cpu_supports("avx512f");
#endif
#ifdef AIT_COMPILER_HAS_AMX
    case ROOF_TILES:
    case ROOF_TILES_LOADED:
      return tiles_available();
#endif
    default:
      return 0;
  }
}

double roof_operations(roof_unit unit, int threads) {
  double seconds[BURSTS], operations = 0;
  if (!roof_available(unit)) {
    return 0;
  }
  for (int i = 0; i < BURSTS; i++) {
    const double start = roof_seconds(threads);
    operations = 0;
#pragma omp parallel num_threads(threads) reduction(+ : operations)
    operations += burst(unit);
    seconds[i] = roof_seconds(threads) - start;
  }
  return operations / lower_quartile(seconds);
}

double roof_read(const void *memory, size_t bytes, int threads) {
  double seconds[BURSTS];
  uint64_t seen = 0;
  int64_t times = 1 + (int64_t)(READ_LEAST / bytes);
  for (int i = 0; i < BURSTS; i++) {
    const double start = roof_seconds(threads);
#pragma omp parallel num_threads(threads) reduction(| : seen)
    {
      const size_t part = bytes / (size_t)omp_get_num_threads();
      const char *own = (const char *)memory + part * (size_t)omp_get_thread_num();
      for (int64_t k = 0; k < times; k++) {
        seen |= read_all(own, part, (int)(k % 2));
      }
    }
    seconds[i] = roof_seconds(threads) - start;
  }
  volatile uint64_t kept = seen;
  (void)kept;
  return (double)bytes * (double)times / lower_quartile(seconds);
}

size_t roof_cache(int level) {
  const long bytes = sysconf(level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
  return bytes > 0 ? (size_t)bytes : 0;
}
