/* random.h - counter-based random numbers (Philox 4x32-10, Random123).
 *
 * Every number is a pure function of (seed, stream, counter): the same on every device, for every
 * thread count and in both precisions. A stream is one use of the seed (AIT_STREAM_...), so that a
 * change of one use never shifts another. */
#ifndef AIT_RANDOM_H
#define AIT_RANDOM_H

#include <stdint.h>

enum {
  AIT_STREAM_SPLIT = 1,
  AIT_STREAM_NOISE_ROWS = 2,
  AIT_STREAM_NOISE_LABELS = 3,
  AIT_STREAM_INITIAL_VALUES = 4,
  AIT_STREAM_FOLDS = 5,
  AIT_STREAM_CHECK = 6,     /* directions and points of ait check */
  AIT_STREAM_BYTES = 7,     /* the CPU device's random bytes */
  AIT_STREAM_CURVATURE = 8, /* the first direction of a power iteration */
  AIT_STREAM_BOOTSTRAP = 9,
  AIT_STREAM_NOISE_KEYS = 10,  /* of the rows that feature-dependent noise may hit */
  AIT_STREAM_ASIDE_ROWS = 11,  /* validation rows that F does not see */
  AIT_STREAM_ASIDE_LABELS = 12 /* wrong labels of those that are planted */
};

/* 64 random bits. */
uint64_t ait_random_bits(uint64_t seed, uint32_t stream, uint64_t counter);

/* Uniform in 0 .. bound - 1, without bias (bits rejected by Lemire's test are redrawn). */
uint64_t ait_random_below(uint64_t seed, uint32_t stream, uint64_t counter, uint64_t bound);

/* Uniform in [0, 1): a multiple of 2^-24, exact in float and in double. */
double ait_random_uniform(uint64_t seed, uint32_t stream, uint64_t counter);

/* The first `count` entries of a random permutation of 0 .. rows - 1 (Fisher-Yates; `rows` entries of
 * scratch are written). */
void ait_random_permutation(uint64_t seed, uint32_t stream, int64_t rows, int64_t count, int64_t *permutation);

#endif
