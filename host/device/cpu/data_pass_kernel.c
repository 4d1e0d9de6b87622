/* data_pass_kernel.c - the data pass over a range of rows (docs/derivation.md#folded-data-pass).
 *
 * Compiled once for every instruction set, in vector extensions of the compiler.
 * Rows come in blocks of AIT_PASS_ROWS: stored numbers become ait_real once, but for bytes that an instruction widens,
 * which it does whenever they are read, so that a block of them stays in the first-level cache. L = U A' and S = U V'
 * are formed for two or more rows by a part of the classes in registers; softmax works on vectors of rows; G = R' U is
 * summed in registers from zero over the block and then added, in double, to the sums of the slot. Padded columns are
 * zeros and padded rows have weight 0.
 *
 * Measured on an EPYC with AVX-512 (Zen 4, a virtual machine, one thread), 5,000 rows of 784 pixels, 10 classes,
 * microseconds (best of interleaved runs) of train, validation and adjoint pass, whose multiplications alone would take
 * 1,330, 665 and 2,000:
 *     parts of 5 classes beside 4 rows, bytes widened when read        1,660   780   2,420
 *     the same, values kept by the first product that widens them      1,770   850   2,730
 *     10 classes beside 2 rows, all bytes of a block converted first   2,000 1,120   2,980
 * 10 classes of 784 columns fill a first-level cache of 32 kB to the last line; 5 leave room for the rows. */
#include <string.h>

#include "data/half.h"
#include "device/cpu/data_pass.h"
#include "device/cpu/data_pass_softmax.h"
#include "device/cpu/data_pass_sparse.h"
#include "device/cpu/vectors.h"

enum {
  MOST_PART = 5,               /* classes of a part of a group, whose sums stay in registers */
  PANEL = 3264 / VECTOR_BYTES, /* column vectors whose part of a group stays in L1, with the rows of a tile */
};

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

/* A block's rows: `sparse` where they have vectors of zeros to be left out. Else their values stand row after row,
 * `stride` apart; those of the first `narrow` column vectors are not there: they stay bytes, which are widened whenever
 * they are read. */
typedef struct block_view {
  const ait_real *values;
  int64_t stride;
  const uint8_t *bytes;
  int64_t byte_stride, narrow;
  sparse_block sparse;
} block_view;

/* The values of a block: where they are stored if they can be used as they are, else converted into `scratch` and
 * padded with zeros. */
static block_view view_block(const ait_pass_job *job, int64_t begin, int64_t count, ait_real *scratch) {
  const ait_rows *rows = job->pass->rows;
  if (rows->sparse != NULL) {
    return (block_view){.sparse = {rows->sparse, begin, count}};
  }
  const size_t size = ait_type_size(rows->type);
  const char *stored = (const char *)rows->data + (size_t)(begin * rows->stride) * size;
  if (rows->type == (sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32) && job->columns == job->padded) {
    return (block_view){.values = (const ait_real *)(const void *)stored, .stride = rows->stride};
  }
  const int64_t narrow = WIDENS_BYTES && rows->type == AIT_U8 ? job->columns / LANES : 0;
  for (int64_t i = 0; i < count; ++i) {
    const char *row = stored + (size_t)(i * rows->stride + narrow * LANES) * size;
    ait_real *target = scratch + i * job->padded;
    convert(rows->type, job->columns - narrow * LANES, row, target + narrow * LANES);
    memset(target + job->columns, 0, (size_t)(job->padded - job->columns) * sizeof *target);
  }
  return (block_view){.values = scratch,
                      .stride = job->padded,
                      .bytes = (const uint8_t *)stored,
                      .byte_stride = rows->stride,
                      .narrow = narrow};
}

/* A column vector of a row, whose values or, where they are narrow, bytes are given. */
INLINE vector vector_of(int narrow, const ait_real *values, const uint8_t *bytes, int64_t v) {
  return narrow ? widen_bytes(bytes + v * LANES) : (vector) * (const loose_vector *)(values + v * LANES);
}

/* Classes of the parts that a group is taken in, but for the last. */
static int64_t part_of(int64_t group) {
  return ait_ceil_div(group, ait_ceil_div(group, MOST_PART));
}

/* ---- L = U A' ------------------------------------------------------------------------------ */

/* A product of some column vectors of a block with the classes of a part, whose vectors stand next to each other, and
 * `step` vectors after those for the column vector before. */
typedef struct forward_job {
  block_view block; /* from these column vectors on */
  int64_t count;    /* of rows */
  int64_t vectors;
  const vector *a;
  int64_t step;
  int add; /* to the logits */
} forward_job;

/* logits_ci (+)= the sum over the column vectors of A_cj u_ij, for `tile` rows from i on. Rows past the last repeat
 * it. */
INLINE void forward_tile(int narrow, int tile, int classes, int64_t i, const forward_job *job, ait_real *logits) {
  vector sum[MOST_TILE][MOST_PART];
  const ait_real *values[MOST_TILE];
  const uint8_t *bytes[MOST_TILE];
#pragma GCC unroll 4
  for (int r = 0; r < tile; ++r) {
    const int64_t row = ait_min64(i + r, job->count - 1);
    values[r] = job->block.values + row * job->block.stride;
    bytes[r] = narrow ? job->block.bytes + row * job->block.byte_stride : NULL;
#pragma GCC unroll 5
    for (int c = 0; c < classes; ++c) {
      sum[r][c] = (vector){0};
    }
  }
  const vector *a = job->a;
  for (int64_t v = 0; v < job->vectors; ++v, a += job->step) {
    vector x[MOST_TILE];
#pragma GCC unroll 4
    for (int r = 0; r < tile; ++r) {
      x[r] = vector_of(narrow, values[r], bytes[r], v);
    }
#pragma GCC unroll 5
    for (int c = 0; c < classes; ++c) {
#pragma GCC unroll 4
      for (int r = 0; r < tile; ++r) {
        sum[r][c] += x[r] * a[c];
      }
    }
  }
#pragma GCC unroll 5
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
      *logit = out[k] + (job->add ? *logit : 0);
    }
  }
}

INLINE void forward_part(int narrow, int classes, const forward_job *job, ait_real *logits) {
  for (int64_t i = 0; i < job->count; i += tile_of(classes)) {
    forward_tile(narrow, tile_of(classes), classes, i, job, logits);
  }
}

/* The products of `width` column vectors, from v on, with all classes. */
static void forward_panel(const ait_pass_job *job, int64_t count, const block_view *block, int64_t v, int64_t width,
                          const ait_real *packed, ait_real *logits) {
  const int narrow = v < block->narrow;
  forward_job part_job = {.block = *block, .count = count, .vectors = width, .add = v > 0};
  part_job.block.values += v * LANES;
  part_job.block.bytes += narrow ? v * LANES : 0;
  for (int64_t first = 0; first < job->classes; first += job->group) {
    const int64_t group = ait_min64(job->group, job->classes - first), part = part_of(group);
    part_job.step = group;
    for (int64_t c = 0; c < group; c += part) {
      part_job.a = (const vector *)(packed + first * job->padded + v * LANES * group) + c;
#define FORWARD(n)                                                       \
  if (narrow) {                                                          \
    forward_part(1, n, &part_job, logits + (first + c) * AIT_PASS_ROWS); \
  } else {                                                               \
    forward_part(0, n, &part_job, logits + (first + c) * AIT_PASS_ROWS); \
  }
      WITH_FEW_CLASSES(ait_min64(part, group - c), FORWARD, )
#undef FORWARD
    }
  }
}

/* logits (classes x AIT_PASS_ROWS) = the products of a block with a packed classifier, without bias. */
static void dense_forward(const ait_pass_job *job, int64_t count, const block_view *block, const ait_real *packed,
                          ait_real *logits) {
  const int64_t vectors = job->padded / LANES, panel = ait_ceil_div(vectors, ait_ceil_div(vectors, PANEL));
  for (int64_t v = 0, width; v < vectors; v += width) {
    width = ait_min64(panel, (v < block->narrow ? block->narrow : vectors) - v);
    forward_panel(job, count, block, v, width, packed, logits);
  }
}

/* The same of a block with vectors of zeros. */
static void sparse_forward(const ait_pass_job *job, const sparse_block *block, const ait_real *packed,
                           ait_real *logits) {
  for (int64_t first = 0; first < job->classes; first += job->group) {
    const vector *a = (const vector *)(packed + first * job->padded);
#define FORWARD(n) sparse_forward_group(n, block, a, logits + first * AIT_PASS_ROWS)
    WITH_CLASSES(ait_min64(job->group, job->classes - first), FORWARD)
#undef FORWARD
  }
}

/* The same of any block, and 0 for the rows past `count`. */
static void forward(const ait_pass_job *job, int64_t count, const block_view *block, const ait_real *packed,
                    ait_real *logits) {
  if (block->sparse.rows != NULL) {
    sparse_forward(job, &block->sparse, packed, logits);
  } else {
    dense_forward(job, count, block, packed, logits);
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    for (int64_t i = count; i < AIT_PASS_ROWS; ++i) {
      logits[c * AIT_PASS_ROWS + i] = 0;
    }
  }
}

/* ---- G = R' U ------------------------------------------------------------------------------ */

/* sums (+)= r' U of one block, for `tile` column vectors from v on and `classes` classes, whose sums for one column
 * vector stand `step` vectors after those for the one before. */
INLINE void backward_tile(int narrow, int tile, int classes, int64_t count, const block_view *block, int64_t v,
                          const ait_real *r, int add, int64_t step, double *sums) {
  vector sum[MOST_TILE][MOST_PART];
  const ait_real *values = block->values;
  const uint8_t *bytes = block->bytes;
#pragma GCC unroll 4
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 5
    for (int c = 0; c < classes; ++c) {
      sum[k][c] = (vector){0};
    }
  }
  for (int64_t i = 0; i < count; ++i, values += block->stride, bytes += narrow ? block->byte_stride : 0) {
    vector x[MOST_TILE];
#pragma GCC unroll 4
    for (int k = 0; k < tile; ++k) {
      x[k] = vector_of(narrow, values, bytes, v + k);
    }
#pragma GCC unroll 5
    for (int c = 0; c < classes; ++c) {
#pragma GCC unroll 4
      for (int k = 0; k < tile; ++k) {
        sum[k][c] += x[k] * r[c * AIT_PASS_ROWS + i];
      }
    }
  }
  vector flat[MOST_TILE * MOST_PART];
#pragma GCC unroll 4
  for (int k = 0; k < tile; ++k) {
#pragma GCC unroll 5
    for (int c = 0; c < classes; ++c) {
      flat[k * classes + c] = sum[k][c];
    }
  }
  sums += v * step * LANES;
  for (int k = 0; k < tile; ++k, sums += step * LANES) {
    add_vectors(classes, flat + k * classes, add, sums);
  }
}

/* The same for all column vectors. */
INLINE void backward_part(int classes, int64_t vectors, int64_t count, const block_view *block, const ait_real *r,
                          int add, int64_t step, double *sums) {
  const int tile = tile_of(classes);
  int64_t v = 0;
  for (; v + tile <= block->narrow; v += tile) {
    backward_tile(1, tile, classes, count, block, v, r, add, step, sums);
  }
  for (; v < block->narrow; ++v) {
    backward_tile(1, 1, classes, count, block, v, r, add, step, sums);
  }
  for (; v + tile <= vectors; v += tile) {
    backward_tile(0, tile, classes, count, block, v, r, add, step, sums);
  }
  for (; v < vectors; ++v) {
    backward_tile(0, 1, classes, count, block, v, r, add, step, sums);
  }
}

/* sums (+)= R' U for a block's residuals (classes x AIT_PASS_ROWS). */
static void dense_backward(const ait_pass_job *job, int64_t count, const block_view *block, const ait_real *r, int add,
                           double *sums) {
  for (int64_t first = 0; first < job->classes; first += job->group) {
    const int64_t group = ait_min64(job->group, job->classes - first), part = part_of(group);
    for (int64_t c = 0; c < group; c += part) {
      const ait_real *part_r = r + (first + c) * AIT_PASS_ROWS;
      double *part_sums = sums + first * job->padded + c * LANES;
#define BACKWARD(n) backward_part(n, job->padded / LANES, count, block, part_r, add, group, part_sums)
      WITH_FEW_CLASSES(ait_min64(part, group - c), BACKWARD, )
#undef BACKWARD
    }
  }
}

/* The same of a block with vectors of zeros. */
static void sparse_backward(const ait_pass_job *job, const sparse_block *block, const ait_real *r, int add,
                            double *sums) {
  for (int64_t first = 0; first < job->classes; first += job->group) {
#define BACKWARD(n) sparse_backward_group(n, block, r + first * AIT_PASS_ROWS, add, sums + first * job->padded)
    WITH_CLASSES(ait_min64(job->group, job->classes - first), BACKWARD)
#undef BACKWARD
  }
}

/* The same of any block, and bias (+)= the column sums of R. */
static void backward(const ait_pass_job *job, int64_t count, const block_view *block, const ait_real *r, int add,
                     double *sums, double *bias) {
  if (block->sparse.rows != NULL) {
    sparse_backward(job, &block->sparse, r, add, sums);
  } else {
    dense_backward(job, count, block, r, add, sums);
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    bias[c] = (add ? bias[c] : 0) + sum_rows(r + c * AIT_PASS_ROWS);
  }
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* The block's values, which rows without their zeros do not need, logits and slopes. */
static int64_t scratch_reals(const ait_pass_job *job) {
  return AIT_PASS_ROWS * ((job->pass->rows->sparse != NULL ? 0 : job->padded) + 2 * job->classes);
}

/* One block of at most AIT_PASS_ROWS rows; `add`: to the sums, else they are overwritten. */
static void block(const ait_pass_job *job, int64_t begin, int64_t count, int add, const ait_pass_sums *sums,
                  ait_real *scratch) {
  ait_real *logits = scratch, *slopes = logits + AIT_PASS_ROWS * job->classes;
  const block_view view = view_block(job, begin, count, slopes + AIT_PASS_ROWS * job->classes);
  forward(job, count, &view, job->a, logits);
  if (job->v != NULL) {
    forward(job, count, &view, job->v, slopes);
  }
  double loss = 0;
  softmax(job, begin, count, &loss, sums->noise, logits, slopes);
  if (sums->loss != NULL) {
    *sums->loss = (add ? *sums->loss : 0) + loss;
  }
  if (sums->dg != NULL) {
    backward(job, count, &view, slopes, add, sums->dg, sums->dgb);
  }
  if (sums->g != NULL) {
    backward(job, count, &view, logits, add, sums->g, sums->gb);
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
    .skips_zeros = WIDENS_BYTES,
    .convert = convert,
    .transform = transform,
    .hyperbolic_tangent = hyperbolic_tangent,
    .scratch = scratch_reals,
    .rows = rows,
    .softmax = softmax,
    .accumulate = accumulate,
    .add_slots = add_slots,
};
