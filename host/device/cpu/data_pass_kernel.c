/* data_pass_kernel.c - the data pass over a range of rows (docs/derivation.md#folded-data-pass).
 *
 * Compiled once for every instruction set, in vector extensions of the compiler, without intrinsics.
 * Rows come in blocks of AIT_PASS_ROWS: stored numbers become ait_real once; L = U A' and S = U V'
 * are formed for two or more rows by a group of classes in registers; softmax works on vectors of
 * rows; G = R' U is summed in registers from zero over the block and then added, in double, to the
 * sums of the slot. Padded columns are zeros and padded rows have weight 0. */
#include <string.h>

#include "data/half.h"
#include "device/cpu/data_pass.h"
#include "device/cpu/data_pass_softmax.h"
#include "device/cpu/vectors.h"

enum { PANEL = 3264 / VECTOR_BYTES }; /* column vectors whose part of a group stays in L1 */

/* ---- conversion ---------------------------------------------------------------------------- */

#define CONVERT_LOOP(type, number)           \
  do {                                       \
    const type *from = stored;               \
    for (int64_t j = 0; j < n; ++j) {        \
      target[j] = (ait_real)number(from[j]); \
    }                                        \
  } while (0)

static void convert(ait_type type, int64_t n, const void *restrict stored, ait_real *restrict target) {
  switch (type) {
    case AIT_U8:
      CONVERT_LOOP(uint8_t, );
      break;
    case AIT_I32:
      CONVERT_LOOP(int32_t, );
      break;
    case AIT_I64:
      CONVERT_LOOP(int64_t, );
      break;
    case AIT_F16:
      CONVERT_LOOP(uint16_t, ait_half_to_float);
      break;
    case AIT_F64:
      CONVERT_LOOP(double, );
      break;
    default:
      CONVERT_LOOP(float, );
      break;
  }
}

/* target_j = scale_j target_j + shift_j; scale and shift may be NULL. */
static void transform(int64_t n, const ait_real *restrict scale, const ait_real *restrict shift,
                      ait_real *restrict target) {
  for (int64_t j = 0; scale != NULL && j < n; ++j) {
    target[j] *= scale[j];
  }
  for (int64_t j = 0; shift != NULL && j < n; ++j) {
    target[j] += shift[j];
  }
}

/* The values of a block, row after row `stride` apart: where they are stored if they can be used as
 * they are, else converted into `scratch` and padded with zeros. */
static const ait_real *block_values(const ait_pass_job *job, int64_t begin, int64_t count, ait_real *scratch,
                                    int64_t *stride) {
  const ait_rows *rows = job->pass->rows;
  const size_t size = ait_type_size(rows->type);
  const char *stored = (const char *)rows->data + (size_t)(begin * rows->stride) * size;
  if (rows->type == (sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32) && job->columns == job->padded) {
    *stride = rows->stride;
    return (const ait_real *)(const void *)stored;
  }
  for (int64_t i = 0; i < count; ++i) {
    ait_real *row = scratch + i * job->padded;
    convert(rows->type, job->columns, stored + (size_t)(i * rows->stride) * size, row);
    memset(row + job->columns, 0, (size_t)(job->padded - job->columns) * sizeof *row);
  }
  *stride = job->padded;
  return scratch;
}

/* ---- L = U A' ------------------------------------------------------------------------------ */

/* logits_ci (+)= the sum over `vectors` column vectors of A_cj u_ij, for `tile` rows from i on. Rows
 * past the last repeat it. */
INLINE void forward_tile(int tile, int classes, int64_t vectors, int64_t i, int64_t count, const ait_real *u,
                         int64_t stride, const vector *a, int add, ait_real *logits) {
  vector sum[MOST_TILE][MOST_GROUP];
  const ait_real *row[MOST_TILE];
#pragma GCC unroll 4
  for (int r = 0; r < tile; ++r) {
    row[r] = u + ait_min64(i + r, count - 1) * stride;
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
      sum[r][c] = (vector){0};
    }
  }
  for (int64_t v = 0; v < vectors; ++v, a += classes) {
    vector x[MOST_TILE];
#pragma GCC unroll 4
    for (int r = 0; r < tile; ++r) {
      x[r] = *(const loose_vector *)(row[r] + v * LANES);
    }
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
#pragma GCC unroll 4
      for (int r = 0; r < tile; ++r) {
        sum[r][c] += x[r] * a[c];
      }
    }
  }
#pragma GCC unroll 10
  for (int c = 0; c < classes; c += MOST_TILE / tile) {
    const int n = tile * (classes - c < MOST_TILE / tile ? classes - c : MOST_TILE / tile);
    vector part[MOST_TILE];
    ait_real out[MOST_TILE];
#pragma GCC unroll 4
    for (int k = 0; k < n; ++k) {
      part[k] = sum[k % tile][c + k / tile];
    }
    sum_lanes(n, part, out);
#pragma GCC unroll 4
    for (int k = 0; k < n; ++k) {
      ait_real *logit = logits + (c + k / tile) * AIT_PASS_ROWS + i + k % tile;
      *logit = out[k] + (add ? *logit : 0);
    }
  }
}

INLINE void forward_group(int classes, int64_t vectors, int64_t count, const ait_real *u, int64_t stride,
                          const ait_real *a, int add, ait_real *logits) {
  for (int64_t i = 0; i < count; i += tile_of(classes)) {
    forward_tile(tile_of(classes), classes, vectors, i, count, u, stride, (const vector *)a, add, logits);
  }
}

/* logits (classes x AIT_PASS_ROWS) = the products of a block with a packed classifier, without bias;
 * 0 for the rows past `count`. */
static void forward(const ait_pass_job *job, int64_t count, const ait_real *u, int64_t stride, const ait_real *packed,
                    ait_real *logits) {
  const int64_t vectors = job->padded / LANES, panel = ait_ceil_div(vectors, ait_ceil_div(vectors, PANEL));
  for (int64_t v = 0; v < vectors; v += panel) {
    const int64_t width = ait_min64(panel, vectors - v);
    for (int64_t c = 0; c < job->classes; c += job->group) {
      const int64_t classes = ait_min64(job->group, job->classes - c);
#define FORWARD(n)                                                                                         \
  forward_group(n, width, count, u + v * LANES, stride, packed + c * job->padded + v * LANES * (n), v > 0, \
                logits + c * AIT_PASS_ROWS)
      WITH_CLASSES(classes, FORWARD)
#undef FORWARD
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    for (int64_t i = count; i < AIT_PASS_ROWS; ++i) {
      logits[c * AIT_PASS_ROWS + i] = 0;
    }
  }
}

/* ---- G = R' U ------------------------------------------------------------------------------ */

/* sums (+)= r' U of one block, for `tile` column vectors and `classes` classes. */
INLINE void backward_tile(int tile, int classes, int64_t count, const ait_real *u, int64_t stride, const ait_real *r,
                          int add, double *sums) {
  vector sum[MOST_TILE][MOST_GROUP];
#pragma GCC unroll 4
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
      sum[k][c] = (vector){0};
    }
  }
  for (int64_t i = 0; i < count; ++i, u += stride) {
    vector x[MOST_TILE];
#pragma GCC unroll 4
    for (int k = 0; k < tile; ++k) {
      x[k] = *(const loose_vector *)(u + k * LANES);
    }
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
#pragma GCC unroll 4
      for (int k = 0; k < tile; ++k) {
        sum[k][c] += x[k] * r[c * AIT_PASS_ROWS + i];
      }
    }
  }
  vector flat[MOST_TILE * MOST_GROUP];
#pragma GCC unroll 4
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 10
    for (int c = 0; c < classes; ++c) {
      flat[k * classes + c] = sum[k][c];
    }
  }
  const ait_real *number = (const ait_real *)flat;
  for (int e = 0; e < tile * classes * LANES; ++e) {
    /* cppcheck-suppress uninitvar ; the loops above fill all of it */
    sums[e] = (add ? sums[e] : 0) + (double)number[e];
  }
}

INLINE void backward_group(int classes, int64_t vectors, int64_t count, const ait_real *u, int64_t stride,
                           const ait_real *r, int add, double *sums) {
  const int tile = tile_of(classes);
  int64_t v = 0;
  for (; v + tile <= vectors; v += tile) {
    backward_tile(tile, classes, count, u + v * LANES, stride, r, add, sums + v * classes * LANES);
  }
  for (; v < vectors; ++v) {
    backward_tile(1, classes, count, u + v * LANES, stride, r, add, sums + v * classes * LANES);
  }
}

/* sums (+)= R' U and bias (+)= the column sums of R, for a block's residuals (classes x
 * AIT_PASS_ROWS). */
static void backward(const ait_pass_job *job, int64_t count, const ait_real *u, int64_t stride, const ait_real *r,
                     int add, double *sums, double *bias) {
  for (int64_t c = 0; c < job->classes; c += job->group) {
    const int64_t classes = ait_min64(job->group, job->classes - c);
#define BACKWARD(n) \
  backward_group(n, job->padded / LANES, count, u, stride, r + c * AIT_PASS_ROWS, add, sums + c * job->padded)
    WITH_CLASSES(classes, BACKWARD)
#undef BACKWARD
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    bias[c] = (add ? bias[c] : 0) + sum_rows(r + c * AIT_PASS_ROWS);
  }
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* The block's values, logits and slopes. */
static int64_t scratch_reals(const ait_pass_job *job) {
  return AIT_PASS_ROWS * (job->padded + 2 * job->classes);
}

/* One block of at most AIT_PASS_ROWS rows; `add`: to the sums, else they are overwritten. */
static void block(const ait_pass_job *job, int64_t begin, int64_t count, int add, const ait_pass_sums *sums,
                  ait_real *scratch) {
  ait_real *logits = scratch, *slopes = logits + AIT_PASS_ROWS * job->classes;
  int64_t stride;
  const ait_real *u = block_values(job, begin, count, slopes + AIT_PASS_ROWS * job->classes, &stride);
  forward(job, count, u, stride, job->a, logits);
  if (job->v != NULL) {
    forward(job, count, u, stride, job->v, slopes);
  }
  double loss = 0;
  softmax(job, begin, count, &loss, sums->noise, logits, slopes);
  if (sums->loss != NULL) {
    *sums->loss = (add ? *sums->loss : 0) + loss;
  }
  if (sums->dg != NULL) {
    backward(job, count, u, stride, slopes, add, sums->dg, sums->dgb);
  }
  if (sums->g != NULL) {
    backward(job, count, u, stride, logits, add, sums->g, sums->gb);
  }
}

static void rows(const ait_pass_job *job, int64_t begin, int64_t end, const ait_pass_sums *sums, ait_real *scratch) {
  for (int64_t i = begin; i < end; i += AIT_PASS_ROWS) {
    block(job, i, ait_min64(AIT_PASS_ROWS, end - i), i > begin, sums, scratch);
  }
}

/* (e^r - 1) / r for |r| <= ln 2 / 2, by Taylor's series. */
INLINE ait_real exp_slope(ait_real r) {
  static const ait_real inverse_factorial[] = {
      1,           1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,       1.0 / 5040,
      1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  ait_real p = inverse_factorial[EXP_TERMS - 1];
#pragma GCC unroll 16
  for (int k = EXP_TERMS - 2; k >= 0; --k) {
    p = p * r + inverse_factorial[k];
  }
  return p;
}

/* a = tanh a = -m / (2 + m) with the sign of a, where m = e^x - 1 and x = -2 |a|. With x = n ln 2 + r as in
 * exp_nonpositive, m = 2^n (e^r - 1) + (2^n - 1), which does not cancel: n = 0 leaves e^r - 1 alone. */
static void hyperbolic_tangent(int64_t n, ait_real *a) {
  for (int64_t i = 0; i < n; ++i) {
    ait_real x = -2 * ait_real_fabs(a[i]);
    x = x < LEAST ? LEAST : x;
    const ait_real shifted = x * INVERSE_LN2 + ROUNDER, whole = shifted - ROUNDER;
    const ait_real r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    const ait_real power = real_of((bits_of(shifted) << MANTISSA_BITS) + bits_of(1));
    const ait_real m = power * (r * exp_slope(r)) + (power - 1);
    a[i] = ait_real_copysign(-m / (2 + m), a[i]);
  }
}

static void accumulate(int64_t n, const ait_real *restrict numbers, int add, double *restrict sum) {
  for (int64_t k = 0; k < n; ++k) {
    sum[k] = (add ? sum[k] : 0) + (double)numbers[k];
  }
}

static void add_slots(int64_t slots, int64_t stride, int64_t n, const double *sums, double *out) {
  memcpy(out, sums, (size_t)n * sizeof *out);
  for (int64_t s = 1; s < slots; ++s) {
    for (int64_t k = 0; k < n; ++k) {
      out[k] += sums[s * stride + k];
    }
  }
}

const ait_pass_kernel KERNEL_SYMBOL(ait_pass_kernel_) = {
    .name = KERNEL_NAME,
    .thin = &KERNEL_SYMBOL(ait_thin_kernel_),
    .lanes = LANES,
    .most_group = MOST_GROUP,
    .least_rows = 256,
    .convert = convert,
    .transform = transform,
    .hyperbolic_tangent = hyperbolic_tangent,
    .scratch = scratch_reals,
    .rows = rows,
    .softmax = softmax,
    .accumulate = accumulate,
    .add_slots = add_slots,
};
