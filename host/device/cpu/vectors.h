/* vectors.h (internal) - vectors of the instruction set that a file is compiled for, in vector extensions of
 * the compiler, and tiles of sums that stay in registers. Included by the files of kernels. */
#ifndef AIT_VECTORS_H
#define AIT_VECTORS_H

#include "device/cpu/data_pass.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define REGISTERS    32
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define REGISTERS    16
#else
#define VECTOR_BYTES 16
#define REGISTERS    16
#endif

#ifdef AIT_DOUBLE
#define LANES (VECTOR_BYTES / 8)
typedef int64_t integer;
#else
#define LANES (VECTOR_BYTES / 4)
typedef int32_t integer;
#endif

enum {
  MOST_SUMS = REGISTERS == 32 ? 20 : 10, /* accumulators kept in registers */
  MOST_GROUP = MOST_SUMS / 2,            /* classes of a group: two rows (columns) share each load */
  MOST_TILE = 4                          /* rows or column vectors of a tile, at most */
};

typedef ait_real vector __attribute__((vector_size(VECTOR_BYTES)));
typedef integer integers __attribute__((vector_size(VECTOR_BYTES)));
/* A vector anywhere in an array of ait_real. */
typedef ait_real loose_vector __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(ait_real)), may_alias));

/* LANES bytes as numbers, where there is an instruction for it (WIDENS_BYTES), which compilers do not find by
 * themselves. Elsewhere it is there to be compiled alone, and never called. */
#if defined(__AVX512F__) && !defined(AIT_DOUBLE)
#define WIDENS_BYTES 1
INLINE vector widen_bytes(const uint8_t *bytes) {
  return (vector)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)bytes)));
}
#elif defined(__AVX2__) && !defined(AIT_DOUBLE)
#define WIDENS_BYTES 1
INLINE vector widen_bytes(const uint8_t *bytes) {
  return (vector)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)bytes)));
}
#else
#define WIDENS_BYTES 0
INLINE vector widen_bytes(const uint8_t *bytes) {
  return (vector){bytes[0]};
}
#endif

/* The rows (column vectors) that a tile takes beside `classes` classes. */
INLINE int tile_of(int classes) {
  return MOST_TILE * classes <= MOST_SUMS ? MOST_TILE : 2;
}

/* ---- sums of lanes --------------------------------------------------------------------------- */

#if LANES >= 4
#if LANES == 16
#define LANE_NUMBERS 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#elif LANES == 8
#define LANE_NUMBERS 0, 1, 2, 3, 4, 5, 6, 7
#else
#define LANE_NUMBERS 0, 1, 2, 3
#endif
static const integers lane_numbers = {LANE_NUMBERS};

/* The lanes of a, then b, that have these numbers. */
INLINE vector pick_lanes(vector a, vector b, integers numbers) {
#ifdef __clang__ /* shuffles by constants alone */
  vector picked;
  for (int l = 0; l < LANES; ++l) {
    picked[l] = numbers[l] < LANES ? a[numbers[l]] : b[numbers[l] - LANES];
  }
  return picked;
#else
  return __builtin_shuffle(a, b, numbers);
#endif
}

/* Lane l of the result: a_l + a_{l^h} where bit h of l is 0, b_l + b_{l^h} where it is 1. */
INLINE vector fold(vector a, vector b, integer h) {
  const integers from_b = ((lane_numbers & h) != 0) & LANES;
  return pick_lanes(a, b, lane_numbers + from_b) + pick_lanes(a, b, (lane_numbers ^ h) + from_b);
}

/* out_k = the sum of the lanes of v_k, for k < n <= 4: sums are folded while they are gathered. */
INLINE void sum_lanes(int n, const vector *v, ait_real *out) {
  vector sum = fold(fold(v[0], v[n > 1 ? 1 : 0], 1), fold(v[n > 2 ? 2 : 0], v[n > 3 ? 3 : n > 1 ? 1 : 0], 1), 2);
  for (int h = 4; h < LANES; h *= 2) {
    sum = fold(sum, sum, h);
  }
  for (int k = 0; k < n; ++k) {
    out[k] = sum[k];
  }
}
#else
/* out_k = the sum of the lanes of v_k, for k < n. */
INLINE void sum_lanes(int n, const vector *v, ait_real *out) {
  for (int k = 0; k < n; ++k) {
    out[k] = v[k][0];
    for (int l = 1; l < LANES; ++l) {
      out[k] += v[k][l];
    }
  }
}
#endif

/* sums (+)= the numbers of the first `count` vectors, which are set. */
INLINE void add_vectors(int count, const vector *v, int add, double *sums) {
  const ait_real *number = (const ait_real *)v;
  for (int e = 0; e < count * LANES; ++e) {
    /* cppcheck-suppress uninitvar ; it does not follow the unrolled loops that set them */
    sums[e] = (add ? sums[e] : 0) + (double)number[e];
  }
}

/* ---- classes --------------------------------------------------------------------------------- */

/* Calls a function of a constant number of classes, 1 .. 5, or what `more` has further cases for. */
#define WITH_FEW_CLASSES(classes, call, more) \
  switch (classes) {                          \
    case 1:                                   \
      call(1);                                \
      break;                                  \
    case 2:                                   \
      call(2);                                \
      break;                                  \
    case 3:                                   \
      call(3);                                \
      break;                                  \
    case 4:                                   \
      call(4);                                \
      break;                                  \
    case 5:                                   \
      call(5);                                \
      break;                                  \
      more                                    \
  }

/* The same for 1 .. MOST_GROUP. */
#define WITH_CLASSES(classes, call) WITH_FEW_CLASSES(classes, call, EXTRA_CLASSES(call))
#if REGISTERS == 32
#define EXTRA_CLASSES(call) \
  case 6:                   \
    call(6);                \
    break;                  \
  case 7:                   \
    call(7);                \
    break;                  \
  case 8:                   \
    call(8);                \
    break;                  \
  case 9:                   \
    call(9);                \
    break;                  \
  case 10:                  \
    call(10);               \
    break;
#else
#define EXTRA_CLASSES(call)
#endif

/* ---- names ----------------------------------------------------------------------------------- */

#define JOIN2(a, b) a##b
#define JOIN(a, b)  JOIN2(a, b)
#define TEXT2(a)    #a
#define TEXT(a)     TEXT2(a)

#ifdef AIT_VARIANT
#define KERNEL_SYMBOL(prefix) JOIN(prefix, AIT_VARIANT)
#define KERNEL_NAME           "x86-64-" TEXT(AIT_VARIANT)
#else
#define KERNEL_SYMBOL(prefix) prefix##baseline
#define KERNEL_NAME           "baseline"
#endif

#endif
