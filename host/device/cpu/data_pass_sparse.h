/* data_pass_sparse.h (internal) - the products of data_pass_kernel.c with rows without their zeros (sparse_rows.h).
 * What is left out would add 0 to a sum, which therefore has the bits that it would have with it, if A, V and R are
 * finite.
 *
 * L = U A' goes row by row over the vectors that hold something, with the sums of a group of classes in registers;
 * G = R' U goes vector by vector over the rows of the block that hold something there.
 *
 * Measured on an EPYC with AVX-512 (Zen 4, a virtual machine, one thread), the first 5,000 rows, 10 classes,
 * milliseconds (benchmarks/passes.cc, medians of three interleaved runs) of train, validation and adjoint pass:
 *                                           x86-64-v4             x86-64-v3
 *     any pixels, nothing left out      1.98  0.929  2.95     2.50  1.39   3.74
 *     Fashion-MNIST                     1.64  0.759  2.46     2.25  1.18   3.41
 *     MNIST                             1.08  0.451  1.60     1.49  0.634  2.44
 * Of their vectors 69 and 38 in a hundred hold something on v4 (16 columns), 65 and 32 on v3 (8 columns). With all
 * bytes of a row kept and read where those vectors stand, runs on MNIST took 1.1 times as long even with later rows
 * fetched ahead: no prefetcher foresees where the next one lies. */
#ifndef AIT_DATA_PASS_SPARSE_H
#define AIT_DATA_PASS_SPARSE_H

#include <string.h>

#include "device/cpu/sparse_rows.h"
#include "device/cpu/vectors.h"

/* Rows begin .. begin + count - 1; begin is a multiple of AIT_PASS_ROWS. */
typedef struct sparse_block {
  const ait_sparse_rows *rows;
  int64_t begin, count;
} sparse_block;

/* logits_ci = the sum over the columns of A_cj u_ij for the classes of a group, whose vectors stand next to each other
 * in `a`, those of each vector of columns after those of the one before. */
INLINE void sparse_forward_group(int classes, const sparse_block *block, const vector *a, ait_real *logits) {
  const ait_sparse_rows *rows = block->rows;
  for (int64_t i = 0; i < block->count; ++i) {
    const uint8_t *bytes = rows->bytes + rows->starts[block->begin + i];
    const uint64_t *filled = rows->filled + (block->begin + i) * rows->words;
    vector sum[MOST_GROUP];
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
      sum[c] = (vector){0};
    }
    for (int64_t w = 0; w < rows->words; ++w) {
      for (uint64_t left = filled[w]; left != 0; left &= left - 1, bytes += LANES) {
        const vector x = widen_bytes(bytes), *a_v = a + (64 * w + __builtin_ctzll(left)) * classes;
#pragma GCC unroll 10
        for (int c = 0; c < classes; ++c) {
          sum[c] += x * a_v[c];
        }
      }
    }
#pragma GCC unroll 3
    for (int c = 0; c < classes; c += MOST_TILE) {
      const int n = classes - c < MOST_TILE ? classes - c : MOST_TILE;
      ait_real out[MOST_TILE];
      sum_lanes(n, sum + c, out);
#pragma GCC unroll 4
      for (int k = 0; k < n; ++k) {
        logits[(c + k) * AIT_PASS_ROWS + i] = out[k];
      }
    }
  }
}

/* sums (+)= r' U for the classes of a group, packed. */
INLINE void sparse_backward_group(int classes, const sparse_block *block, const ait_real *r, int add, double *sums) {
  const ait_sparse_rows *rows = block->rows;
  const uint32_t *holders = rows->holders + block->begin / AIT_PASS_ROWS * rows->vectors;
  const uint8_t *next[AIT_PASS_ROWS]; /* vector of each row */
  for (int64_t i = 0; i < block->count; ++i) {
    next[i] = rows->bytes + rows->starts[block->begin + i];
  }
  for (int64_t v = 0; v < rows->vectors; ++v, sums += classes * LANES) {
    uint32_t left = holders[v];
    if (left == 0) {
      if (!add) {
        memset(sums, 0, (size_t)(classes * LANES) * sizeof *sums);
      }
      continue;
    }
    vector sum[MOST_GROUP];
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
      sum[c] = (vector){0};
    }
    do {
      const int i = __builtin_ctz(left);
      const vector x = widen_bytes(next[i]);
      next[i] += LANES;
#pragma GCC unroll 10
      for (int c = 0; c < classes; ++c) {
        sum[c] += x * r[c * AIT_PASS_ROWS + i];
      }
      left &= left - 1;
    } while (left != 0);
    add_vectors(classes, sum, add, sums);
  }
}

#endif
