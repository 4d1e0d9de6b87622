/* tile.cuh - a tile of rows in a block's shared memory, in their stored type: logits, softmax and residual, and the
 * tile's share of G = R' U (docs/derivation.md#folded-data-pass). The data pass and the rollout are made of it.
 *
 * Scale and shift never touch the rows:
 *     A'_cj = A_cj scale_j,   b'_c = b_c + sum_j A_cj shift_j     (and the same of V and v)
 *     G_cj = scale_j (R' U)_cj + shift_j gb_c                    (and the same of dG)
 *
 * Numerics: ait_real inside a tile, double from tile to tile and from slot to slot, all in an order that the shape
 * alone decides; the division by N comes last. */
#ifndef AIT_KERNELS_TILE_CUH
#define AIT_KERNELS_TILE_CUH

#include "device.cuh"
#include "device/device.h"
#include "softmax.cuh"
#include "stored.cuh"

/* MOST_TILE rows are a warp's lanes, so that a warp reads one class and 32 rows at a time. Above MOST_CLASSES matrix
 * products win: a tile's sums would cost more than its rows. */
enum { AIT_MOST_TILE = AIT_LANES, AIT_LEAST_TILE = 4, AIT_MOST_TILE_CLASSES = 32 };

/* Classes whose sums a thread holds in registers at once. */
enum { AIT_CLASS_GROUP = 8 };

/* A linear classifier with scale and shift folded in: A' (C x D) and b' (C). */
struct ait_folded {
  const ait_real *matrix, *bias;
};

/* What the functions of a tile need to know. */
struct ait_tile_work {
  int64_t rows, columns, stride, classes; /* N, D, stored numbers between rows, C */
  const int32_t *labels;
  const ait_real *x;                /* N, or NULL: weight 1 */
  ait_folded classifier, direction; /* direction.matrix NULL: there is none */
  ait_real *cross;                  /* N, or NULL */
  const ait_real *step;             /* NULL: cross is overwritten; else *step times the cross terms is taken off it */
};

/* G then gb. */
__host__ __device__ inline int64_t ait_classifier_numbers(int64_t classes, int64_t columns) {
  return classes * (columns + 1);
}

/* Bytes from one row of a tile to the next: an odd number of words, so that threads on neighbouring rows read different
 * banks. */
__host__ __device__ inline int64_t ait_tile_stride(int64_t columns, int64_t size) {
  const int64_t word = size > 4 ? size : 4;
  return (ait_ceil_div(columns * size, word) | 1) * word;
}

/* Numbers from one row of logits or residuals to the next: odd for the same reason. */
__host__ __device__ inline int64_t ait_logit_stride(int64_t classes) {
  return classes | 1;
}

/* Bytes of `rows` rows of stored numbers. */
__host__ __device__ inline int64_t ait_rows_bytes(int64_t rows, int64_t columns, int64_t size) {
  return ait_ceil_div(rows * ait_tile_stride(columns, size), 16) * 16;
}

/* Bytes of the logits and slopes of a tile. */
__host__ __device__ inline int64_t ait_logits_bytes(int64_t tile_rows, int64_t classes) {
  return ait_ceil_div(2 * tile_rows * ait_logit_stride(classes) * (int64_t)sizeof(ait_real), 16) * 16;
}

/* The parts of a tile. */
template <class Stored>
struct ait_tile {
  unsigned char *u; /* tile_rows x row_bytes */
  ait_real *p, *s;  /* tile_rows x logits: logits, P, then R; S, then dR */
  int64_t row_bytes, logits;

  __device__ ait_tile(unsigned char *rows, ait_real *numbers, int64_t tile_rows, int64_t columns, int64_t classes)
      : u(rows),
        p(numbers),
        s(numbers + tile_rows * ait_logit_stride(classes)),
        row_bytes(ait_tile_stride(columns, (int64_t)sizeof(Stored))),
        logits(ait_logit_stride(classes)) {}

  __device__ Stored *row(int64_t r) const {
    return (Stored *)(u + r * row_bytes);
  }
};

/* The rows first .. first + count - 1: a warp a row, so that neighbouring threads read neighbours and nobody divides by
 * the columns. */
template <class Stored>
__device__ void ait_load_tile(const ait_tile_work &work, const Stored *data, int64_t first, int64_t count,
                              const ait_tile<Stored> &tile) {
  for (int64_t r = threadIdx.x / AIT_LANES; r < count; r += AIT_THREADS / AIT_LANES) {
    const Stored *from = data + (first + r) * work.stride;
    Stored *to = tile.row(r);
    for (int64_t j = threadIdx.x % AIT_LANES; j < work.columns; j += AIT_LANES) {
      to[j] = from[j];
    }
  }
}

/* a_c . u + b_c in four interleaved sums. */
template <class Stored>
__device__ ait_real ait_affine(const ait_tile_work &work, const ait_folded &folded, int64_t c, const Stored *u) {
  const ait_real *a = folded.matrix + c * work.columns;
  ait_real sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  int64_t j = 0;
  for (; j + 4 <= work.columns; j += 4) {
    sum0 += a[j] * ait_value(u[j]);
    sum1 += a[j + 1] * ait_value(u[j + 1]);
    sum2 += a[j + 2] * ait_value(u[j + 2]);
    sum3 += a[j + 3] * ait_value(u[j + 3]);
  }
  for (; j < work.columns; ++j) {
    sum0 += a[j] * ait_value(u[j]);
  }
  return (sum0 + sum1) + (sum2 + sum3) + folded.bias[c];
}

/* Logits of the tile, and their tangents along the direction. */
template <class Stored>
__device__ void ait_tile_logits(const ait_tile_work &work, int64_t tile_rows, int64_t count,
                                const ait_tile<Stored> &tile) {
  for (int64_t i = threadIdx.x; i < tile_rows * work.classes; i += AIT_THREADS) {
    const int64_t r = i % tile_rows, c = i / tile_rows;
    if (r >= count) {
      continue;
    }
    tile.p[r * tile.logits + c] = ait_affine(work, work.classifier, c, tile.row(r));
    if (work.direction.matrix != NULL) {
      tile.s[r * tile.logits + c] = ait_affine(work, work.direction, c, tile.row(r));
    }
  }
}

/* R and dR of the tile without their factor 1/N, cross, and this thread's share of the loss. */
template <class Stored>
__device__ double ait_tile_residuals(const ait_tile_work &work, int64_t first, int64_t count,
                                     const ait_tile<Stored> &tile) {
  double loss = 0;
  for (int64_t r = threadIdx.x; r < count; r += AIT_THREADS) {
    const int64_t i = first + r;
    const int32_t label = work.labels[i];
    ait_real *p = tile.p + r * tile.logits, weight, derivative, own;
    ait_sample_weight(work.x, i, &weight, &derivative);
    loss += (double)weight * ait_softmax_row(work.classes, label, p, &own);
    if (work.direction.matrix != NULL) {
      const ait_real mean = ait_tangent_row(work.classes, label, weight, p, tile.s + r * tile.logits);
      const ait_real term = derivative / (ait_real)work.rows * mean;
      if (work.cross != NULL) {
        work.cross[i] = work.step != NULL ? work.cross[i] - *work.step * term : term;
      }
    }
    for (int64_t c = 0; c < work.classes; ++c) {
      p[c] = weight * (c == label ? own : p[c]);
    }
  }
  return loss;
}

/* sum += the tile's R' U and column sums of R, or, on the slot's first tile, sum = them. */
template <class Stored>
__device__ void ait_add_products(const ait_tile_work &work, int64_t count, bool is_first, const ait_real *residual,
                                 const ait_tile<Stored> &tile, double *sum) {
  for (int64_t j = threadIdx.x; j < work.columns; j += AIT_THREADS) {
    for (int64_t group = 0; group < work.classes; group += AIT_CLASS_GROUP) {
      ait_real part[AIT_CLASS_GROUP] = {};
      for (int64_t r = 0; r < count; ++r) {
        const ait_real u = ait_value(tile.row(r)[j]);
        for (int64_t c = 0; c < AIT_CLASS_GROUP; ++c) {
          part[c] += group + c < work.classes ? residual[r * tile.logits + group + c] * u : 0;
        }
      }
      for (int64_t c = 0; c < AIT_CLASS_GROUP && group + c < work.classes; ++c) {
        double *entry = sum + (group + c) * work.columns + j;
        *entry = (is_first ? 0 : *entry) + (double)part[c];
      }
    }
  }
  for (int64_t c = threadIdx.x; c < work.classes; c += AIT_THREADS) {
    double part = 0, *entry = sum + work.classes * work.columns + c;
    for (int64_t r = 0; r < count; ++r) {
      part += (double)residual[r * tile.logits + c];
    }
    *entry = (is_first ? 0 : *entry) + part;
  }
}

#endif
