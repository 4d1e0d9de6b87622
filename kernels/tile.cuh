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

/* What the functions of a tile need to know of the rows. */
struct ait_tile_work {
  int64_t rows, columns, stride, classes; /* N, D, stored numbers between rows, C */
  const void *data;
  const int32_t *labels;
  ait_row_weights weights; /* of all N rows */
  ait_real *cross;         /* N, or NULL */
};

/* What a block makes of a slot of rows. */
struct ait_slot_sums {
  double *gradient, *tangent; /* C * D + C each, or NULL */
  double loss;                /* this thread's share */
};

/* G then gb. */
__host__ __device__ inline int64_t ait_classifier_numbers(int64_t classes, int64_t columns) {
  return classes * (columns + 1);
}

__host__ __device__ inline int64_t ait_round_up(int64_t n, int64_t unit) {
  return ait_ceil_div(n, unit) * unit;
}

/* Numbers from one row of logits or residuals to the next: odd, so that threads on neighbouring rows use different
 * banks. */
__host__ __device__ inline int64_t ait_logit_stride(int64_t classes) {
  return classes | 1;
}

/* Bytes of the logits and slopes of a tile. */
__host__ __device__ inline int64_t ait_logits_bytes(int64_t tile_rows, int64_t classes) {
  return ait_round_up(2 * tile_rows * ait_logit_stride(classes) * (int64_t)sizeof(ait_real), 16);
}

/* ---- rows in any type, products in ait_real --------------------------------------------------- */

/* How a block treats a tile of rows stored as Stored. bytes.cuh has another with the same functions. */
template <class Stored>
struct ait_plain_tile {
  /* A classifier (A', b'), scale and shift folded in. */
  struct form {
    const ait_real *matrix, *bias;
  };

  enum { LEAST_ROWS = AIT_LEAST_TILE, MOST_ROWS = AIT_MOST_TILE };

  int64_t columns, classes, tile_rows;

  /* Bytes from one row to the next: an odd number of words, so that threads on neighbouring rows read different banks.
   */
  __host__ __device__ static int64_t row_bytes(int64_t columns) {
    const int64_t size = (int64_t)sizeof(Stored), word = size > 4 ? size : 4;
    return (ait_ceil_div(columns * size, word) | 1) * word;
  }

  /* Bytes of a form in shared memory, and of what the functions below need beside rows and logits. */
  __host__ __device__ static int64_t form_bytes(int64_t columns, int64_t classes) {
    return ait_round_up(ait_classifier_numbers(classes, columns) * (int64_t)sizeof(ait_real), 16);
  }
  __host__ __device__ static int64_t work_bytes(int64_t, int64_t) {
    return 0;
  }

  __device__ Stored *row(unsigned char *u, int64_t r) const {
    return (Stored *)(u + r * row_bytes(columns));
  }

  /* The form of `classifier` in `memory`, form_bytes, there for all behind a barrier; the bias is to be filled in. */
  __device__ form make_form(const ait_real *classifier, const ait_real *scale, unsigned char *memory,
                            unsigned char *) const {
    ait_real *matrix = (ait_real *)memory;
    for (int64_t c = 0; c < classes; ++c) {
      for (int64_t j = threadIdx.x; j < columns; j += AIT_THREADS) {
        const ait_real a = classifier[c * columns + j];
        matrix[c * columns + j] = scale != NULL ? a * scale[j] : a;
      }
    }
    const form made = {matrix, matrix + classes * columns};
    return made;
  }

  /* The form of a classifier that is folded already, which stays where it is: no memory of the block. */
  __host__ __device__ static int64_t taken_bytes(int64_t, int64_t) {
    return 0;
  }
  __device__ form take_form(const ait_real *matrix, const ait_real *bias, unsigned char *, unsigned char *) const {
    const form taken = {matrix, bias};
    return taken;
  }

  /* u = the rows first .. first + count - 1, there for all behind a barrier: a warp a row, so that neighbouring threads
   * read neighbours and nobody divides by the columns. */
  __device__ void load(const ait_tile_work &work, int64_t first, int64_t count, unsigned char *u) const {
    for (int64_t r = threadIdx.x / AIT_LANES; r < count; r += AIT_THREADS / AIT_LANES) {
      const Stored *from = (const Stored *)work.data + (first + r) * work.stride;
      Stored *to = row(u, r);
      for (int64_t j = threadIdx.x % AIT_LANES; j < columns; j += AIT_LANES) {
        to[j] = from[j];
      }
    }
  }

  /* a_c . u + b_c in four interleaved sums. */
  __device__ ait_real affine(const form &f, int64_t c, const Stored *u) const {
    const ait_real *a = f.matrix + c * columns;
    ait_real sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    int64_t j = 0;
    for (; j + 4 <= columns; j += 4) {
      sum0 += a[j] * ait_value(u[j]);
      sum1 += a[j + 1] * ait_value(u[j + 1]);
      sum2 += a[j + 2] * ait_value(u[j + 2]);
      sum3 += a[j + 3] * ait_value(u[j + 3]);
    }
    for (; j < columns; ++j) {
      sum0 += a[j] * ait_value(u[j]);
    }
    return (sum0 + sum1) + (sum2 + sum3) + f.bias[c];
  }

  /* logits (tile_rows x ait_logit_stride) = u A'' + 1 b'. */
  __device__ void logits(const form &f, int64_t count, unsigned char *u, unsigned char *, ait_real *out) const {
    for (int64_t i = threadIdx.x; i < tile_rows * classes; i += AIT_THREADS) {
      const int64_t r = i % tile_rows, c = i / tile_rows;
      if (r < count) {
        out[r * ait_logit_stride(classes) + c] = affine(f, c, row(u, r));
      }
    }
  }

  /* sum += the tile's R' U and column sums of R, or, on the slot's first tile, sum = them. */
  __device__ void products(int64_t count, bool is_first, const ait_real *residual, unsigned char *u, unsigned char *,
                           double *sum) const {
    const int64_t stride = ait_logit_stride(classes);
    for (int64_t j = threadIdx.x; j < columns; j += AIT_THREADS) {
      for (int64_t group = 0; group < classes; group += AIT_CLASS_GROUP) {
        ait_real part[AIT_CLASS_GROUP] = {};
        for (int64_t r = 0; r < count; ++r) {
          const ait_real value = ait_value(row(u, r)[j]);
          for (int64_t c = 0; c < AIT_CLASS_GROUP; ++c) {
            part[c] += group + c < classes ? residual[r * stride + group + c] * value : 0;
          }
        }
        for (int64_t c = 0; c < AIT_CLASS_GROUP && group + c < classes; ++c) {
          double *entry = sum + (group + c) * columns + j;
          *entry = (is_first ? 0 : *entry) + (double)part[c];
        }
      }
    }
    for (int64_t c = threadIdx.x; c < classes; c += AIT_THREADS) {
      double part = 0, *entry = sum + classes * columns + c;
      for (int64_t r = 0; r < count; ++r) {
        part += (double)residual[r * stride + c];
      }
      *entry = (is_first ? 0 : *entry) + part;
    }
  }
};

/* ---- any tile ------------------------------------------------------------------------------------ */

/* R and dR of the tile without their factor 1/N (over logits and slopes), cross, and this thread's share of the loss.
 * `slopes` may be NULL. With `step`, cross is not overwritten: *step times the cross terms is taken off it. */
__device__ inline double ait_tile_residuals(const ait_tile_work &work, int64_t first, int64_t count,
                                            const ait_real *step, ait_real *logits, ait_real *slopes) {
  const int64_t stride = ait_logit_stride(work.classes);
  double loss = 0;
  for (int64_t r = threadIdx.x; r < count; r += AIT_THREADS) {
    const int64_t i = first + r;
    const int32_t label = work.labels[i];
    ait_real *p = logits + r * stride, weight, derivative, own;
    ait_row_weight(work.weights, i, &weight, &derivative);
    loss += (double)weight * ait_softmax_row(work.classes, label, p, &own);
    if (slopes != NULL) {
      const ait_real mean = ait_tangent_row(work.classes, label, weight, p, slopes + r * stride);
      const ait_real term = derivative / (ait_real)work.rows * mean;
      if (work.cross != NULL) {
        work.cross[i] = step != NULL ? work.cross[i] - *step * term : term;
      }
    }
    for (int64_t c = 0; c < work.classes; ++c) {
      p[c] = weight * (c == label ? own : p[c]);
    }
  }
  return loss;
}

/* bias_c = b_c + sum_j A_cj shift_j: a warp a class, in double. */
__device__ inline void ait_fold_bias(int64_t columns, int64_t classes, const ait_real *classifier,
                                     const ait_real *shift, ait_real *bias) {
  for (int64_t c = threadIdx.x / AIT_LANES; c < classes; c += AIT_THREADS / AIT_LANES) {
    double sum = 0;
    for (int64_t j = threadIdx.x % AIT_LANES; shift != NULL && j < columns; j += AIT_LANES) {
      sum += (double)classifier[c * columns + j] * (double)shift[j];
    }
    sum = ait_warp_sum(sum);
    if (threadIdx.x % AIT_LANES == 0) {
      bias[c] = (ait_real)((double)classifier[classes * columns + c] + sum);
    }
  }
}

/* The classifier (A, b) in the form of a block's tiles, there for all behind a barrier. `memory`: form_bytes, `work`:
 * work_bytes, bias: classes. */
template <class Tile>
__device__ typename Tile::form ait_make_form(const Tile &tile, const ait_real *classifier, const ait_real *scale,
                                             const ait_real *shift, ait_real *bias, unsigned char *memory,
                                             unsigned char *work) {
  ait_fold_bias(tile.columns, tile.classes, classifier, shift, bias);
  typename Tile::form form = tile.make_form(classifier, scale, memory, work);
  form.bias = bias;
  return form;
}

/* The forms of classifier and direction (has_direction 0: there is none), and a block's memory for a tile. */
template <class Tile>
struct ait_slot_memory {
  typename Tile::form classifier, direction;
  int has_direction;
  const ait_real *step; /* of ait_tile_residuals, or NULL */
  ait_real *logits;     /* ait_logits_bytes */
  unsigned char *work;  /* Tile::work_bytes */
  unsigned char *rows;  /* a tile of rows, or, where `resident`, all of the slot's, which are there */
  int resident;
};

/* One tile of rows: adds to the slot's sums, or, with is_first, begins them. */
template <class Tile>
__device__ void ait_pass_tile(const Tile &tile, const ait_tile_work &work, int64_t first, int64_t count, bool is_first,
                              unsigned char *u, const ait_slot_memory<Tile> &memory, ait_slot_sums *sums) {
  ait_real *p = memory.logits, *s = memory.has_direction ? p + tile.tile_rows * ait_logit_stride(tile.classes) : NULL;
  tile.logits(memory.classifier, count, u, memory.work, p);
  if (s != NULL) {
    tile.logits(memory.direction, count, u, memory.work, s);
  }
  __syncthreads();
  sums->loss += ait_tile_residuals(work, first, count, memory.step, p, s);
  __syncthreads();
  if (sums->gradient != NULL) {
    tile.products(count, is_first, p, u, memory.work, sums->gradient);
  }
  if (sums->tangent != NULL) {
    tile.products(count, is_first, s, u, memory.work, sums->tangent);
  }
  __syncthreads();
}

/* The rows begin .. end - 1, by all threads of a block. */
template <class Tile>
__device__ void ait_pass_slot(const Tile &tile, const ait_tile_work &work, int64_t begin, int64_t end,
                              const ait_slot_memory<Tile> &memory, ait_slot_sums *sums) {
  for (int64_t first = begin; first < end; first += tile.tile_rows) {
    const int64_t count = ait_smaller(tile.tile_rows, end - first);
    unsigned char *u = memory.rows;
    if (memory.resident) {
      u += (first - begin) * Tile::row_bytes(tile.columns);
    } else {
      tile.load(work, first, count, u);
      __syncthreads();
    }
    ait_pass_tile(tile, work, first, count, first == begin, u, memory, sums);
  }
}

#endif
