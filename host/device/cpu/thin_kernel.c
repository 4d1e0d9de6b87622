/* thin_kernel.c - products of a layer's matrix with a few rows (ait_thin_kernel, data_pass.h). Compiled, as
 * data_pass_kernel.c is, once for every instruction set.
 *
 * BLAS is not made for 10 rows. Each product reads W once and keeps what it sums in registers, for a group of
 * at most MOST_GROUP rows of the thin operand at a time. */
#include <string.h>

#include "device/cpu/vectors.h"

/* The numbers of one vector, `width` of which are there. */
INLINE vector load(const ait_real *from, int64_t width) {
  if (width >= LANES) {
    return *(const loose_vector *)from;
  }
  ait_real part[LANES] = {0};
  memcpy(part, from, (size_t)width * sizeof *part);
  return *(const loose_vector *)part;
}

INLINE void store(vector numbers, int64_t width, ait_real *to) {
  if (width >= LANES) {
    *(loose_vector *)to = numbers;
  } else {
    ait_real part[LANES];
    *(loose_vector *)part = numbers;
    /* cppcheck-suppress uninitvar ; the vector fills all of it */
    memcpy(to, part, (size_t)width * sizeof *part);
  }
}

/* Calls a function for the rows of the thin operand, a group at a time. */
#define FOR_GROUPS(count, call)                                      \
  for (int64_t first = 0; first < (count); first += MOST_GROUP) {    \
    const int64_t left = (count)-first;                              \
    WITH_CLASSES((int)(left < MOST_GROUP ? left : MOST_GROUP), call) \
  }

/* ---- P W ------------------------------------------------------------------------------------- */

/* `tile` column vectors from `column` on, `width` numbers of whose last are there. */
INLINE void times_tile(int tile, int rows, int64_t h, int64_t n, const ait_real *P, const ait_real *W, int64_t width,
                       int add, ait_real *out) {
  vector sum[2][MOST_GROUP];
#pragma GCC unroll 2
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) {
      sum[k][r] = add ? load(out + r * n + k * LANES, k == tile - 1 ? width : LANES) : (vector){0};
    }
  }
  for (int64_t i = 0; i < h; ++i) {
    vector w[2];
#pragma GCC unroll 2
    for (int k = 0; k < tile; ++k) {
      w[k] = load(W + i * n + k * LANES, k == tile - 1 ? width : LANES);
    }
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
      for (int k = 0; k < tile; ++k) {
        sum[k][r] += w[k] * P[r * h + i];
      }
    }
  }
#pragma GCC unroll 2
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) {
      store(sum[k][r], k == tile - 1 ? width : LANES, out + r * n + k * LANES);
    }
  }
}

INLINE void times_group(int rows, int64_t h, int64_t n, const ait_real *P, const ait_real *W, int64_t begin,
                        int64_t end, int add, ait_real *out) {
  int64_t j = begin;
  for (; j + 2 * LANES <= end; j += 2 * LANES) {
    times_tile(2, rows, h, n, P, W + j, LANES, add, out + j);
  }
  for (; j < end; j += LANES) {
    times_tile(1, rows, h, n, P, W + j, end - j < LANES ? end - j : LANES, add, out + j);
  }
}

static void times(int64_t count, int64_t h, int64_t n, const ait_real *P, const ait_real *W, int64_t begin, int64_t end,
                  int add, ait_real *out){
#define TIMES(rows) times_group(rows, h, n, P + first * h, W, begin, end, add, out + first * n)
    FOR_GROUPS(count, TIMES)
#undef TIMES
}

/* ---- Q W' ------------------------------------------------------------------------------------ */

/* `tile` rows of W. */
INLINE void transposed_tile(int tile, int rows, int64_t h, int64_t n, const ait_real *Q, const ait_real *W, int add,
                            ait_real *out) {
  vector sum[2 * MOST_GROUP];
#pragma GCC unroll 20
  for (int k = 0; k < tile * rows; ++k) {
    sum[k] = (vector){0};
  }
  for (int64_t j = 0; j < n; j += LANES) {
    const int64_t width = n - j;
    vector w[2];
#pragma GCC unroll 2
    for (int k = 0; k < tile; ++k) {
      w[k] = load(W + k * n + j, width);
    }
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) {
      const vector q = load(Q + r * n + j, width);
#pragma GCC unroll 2
      for (int k = 0; k < tile; ++k) {
        sum[r * tile + k] += w[k] * q;
      }
    }
  }
#pragma GCC unroll 5
  for (int k = 0; k < tile * rows; k += MOST_TILE) {
    ait_real total[MOST_TILE];
    const int there = tile * rows - k < MOST_TILE ? tile * rows - k : MOST_TILE;
    sum_lanes(there, sum + k, total);
    for (int e = 0; e < there; ++e) {
      ait_real *target = out + (k + e) / tile * h + (k + e) % tile;
      *target = total[e] + (add ? *target : 0);
    }
  }
}

INLINE void transposed_group(int rows, int64_t h, int64_t n, const ait_real *Q, const ait_real *W, int64_t begin,
                             int64_t end, int add, ait_real *out) {
  int64_t i = begin;
  for (; i + 2 <= end; i += 2) {
    transposed_tile(2, rows, h, n, Q, W + i * n, add, out + i);
  }
  if (i < end) {
    transposed_tile(1, rows, h, n, Q, W + i * n, add, out + i);
  }
}

static void times_transposed(int64_t count, int64_t h, int64_t n, const ait_real *Q, const ait_real *W, int64_t begin,
                             int64_t end, int add, ait_real *out){
#define TRANSPOSED(rows) transposed_group(rows, h, n, Q + first * n, W, begin, end, add, out + first * h)
    FOR_GROUPS(count, TRANSPOSED)
#undef TRANSPOSED
}

/* ---- W + alpha P' Q --------------------------------------------------------------------------- */

/* `tile` rows of W, from row i on. */
INLINE void outer_tile(int tile, int rows, int64_t h, int64_t n, ait_real alpha, const ait_real *P, const ait_real *Q,
                       const ait_real *W, ait_real *out) {
  vector factor[2][MOST_GROUP];
#pragma GCC unroll 2
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) {
      factor[k][r] = (vector){0} + alpha * P[r * h + k];
    }
  }
  for (int64_t j = 0; j < n; j += LANES) {
    const int64_t width = n - j;
    vector sum[2];
#pragma GCC unroll 2
    for (int k = 0; k < tile; ++k) {
      sum[k] = load(W + k * n + j, width);
    }
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) {
      const vector q = load(Q + r * n + j, width);
#pragma GCC unroll 2
      for (int k = 0; k < tile; ++k) {
        sum[k] += factor[k][r] * q;
      }
    }
#pragma GCC unroll 2
    for (int k = 0; k < tile; ++k) {
      store(sum[k], width, out + k * n + j);
    }
  }
}

INLINE void outer_group(int rows, int64_t h, int64_t n, ait_real alpha, const ait_real *P, const ait_real *Q,
                        const ait_real *W, int64_t begin, int64_t end, ait_real *out) {
  int64_t i = begin;
  for (; i + 2 <= end; i += 2) {
    outer_tile(2, rows, h, n, alpha, P + i, Q, W + i * n, out + i * n);
  }
  if (i < end) {
    outer_tile(1, rows, h, n, alpha, P + i, Q, W + i * n, out + i * n);
  }
}

static void add_outer(int64_t count, int64_t h, int64_t n, ait_real alpha, const ait_real *P, const ait_real *Q,
                      const ait_real *W, int64_t begin, int64_t end, ait_real *out) {
#define OUTER(rows) outer_group(rows, h, n, alpha, P + first * h, Q + first * n, first == 0 ? W : out, begin, end, out)
  FOR_GROUPS(count, OUTER)
#undef OUTER
}

const ait_thin_kernel KERNEL_SYMBOL(ait_thin_kernel_) = {
    .times = times, .times_transposed = times_transposed, .add_outer = add_outer};
