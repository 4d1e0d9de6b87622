/* data_pass_amx.c - the data pass over 8-bit rows on AMX, the tile unit of the processor
 * (docs/derivation.md#folded-data-pass, #fixed-point).
 *
 * Numerics. Stored bytes enter the tile unit as they are. A row of A (of V) is held in fixed point,
 * A_cj = step_c q_cj with step_c = max_j |A_cj| / FULL and q_cj rounded to the nearest integer, and q in
 * three digits, q = 65536 q2 + 256 q1 + q0 with -128 <= q0, q1, q2 <= 127: the tile unit multiplies
 * bytes and adds them up in int32, exactly for as many columns as MOST_COLUMNS. So a logit has the
 * rounding of 23 bits below the largest entry of its class, a few roundings of the digits' sums, and
 * none of a sum over columns: together that of float. R and dR are held in the same way, with a step for
 * each class and block of rows, so that they keep their digits however small they become. Sums over a
 * block are exact up to that, and are added in double. A class with an entry that is not finite cannot be
 * held: then the pass is left to the kernels for x86-64-v4, as are rows of other types and narrow ones;
 * where R has such an entry, the sums of its class become NaN.
 *
 * What it costs to hold numbers relative to the largest: where one entry of A_c is far larger than the
 * others and its column is zero in the data, the others lose the digits that float would have kept.
 *
 * Measured on a Xeon with AVX-512 and AMX (a virtual machine), microseconds per 512 rows of 784 pixels, 10 classes, one
 * thread, the best of interleaved runs of a few hundred. Beside a busy neighbour all take up to twice as long, four
 * products and their loads 120 to 145 ns instead of 27.
 *                         from L2 (768 rows)   from L3 (5,120)   from memory (81,920)
 *     loss and gradient   40                   55                78
 *     loss                14                   27                56
 *     tangent and cross   55                   66                90
 * The same with rows that begin inside a line read as they are: 59, 22, 78 from L2 and 110, 58, 117 from memory.
 * Relative errors against double: loss 3.1e-8, G 3.1e-8, dG 7.2e-8, cross 1.4e-7 (x86-64-v4: 3.1e-8, 2.7e-8, 3.6e-8,
 * 1.4e-7), and after 3,000 gradient steps 6.6e-8, 9.4e-7, 7.3e-8, 4.8e-7 (v4: 6.6e-8, 8.3e-7, 1.0e-7, 4.7e-7).
 * What was tried in vain: prefetching the rows of the next part or block into either cache, copying the next block
 * during the products of this one, weaving 1 or 3 products ahead, blocks of 256 and 384 rows. */
#include "device/cpu/data_pass.h"

#ifdef AIT_AMX
#include <immintrin.h>
#include <string.h>

#include "device/cpu/data_pass_softmax.h"

enum {
  LANES = 16,                    /* floats in a vector, and columns of a tile of int32 */
  TILE = 1024,                   /* bytes of a tile: 16 rows of LINE bytes */
  LINE = AIT_LINE,               /* bytes of a tile's row, and columns (rows) that a product takes */
  DIGITS = 3,                    /* bytes of a number in fixed point */
  PAIR = 2 * TILE,               /* the digits of a group of classes: at most 2 * 16 columns */
  BLOCK = 512,                   /* rows of a block at most */
  MOST_COPY = 1 << 19,           /* bytes of a block's copied rows, which stay in the second-level cache */
  PARTS = BLOCK / AIT_PASS_ROWS, /* softmax takes a block in parts */
  STEPS = BLOCK / LINE,          /* products over the rows of a block */
  AHEAD = 2,                     /* products that rows are woven ahead: tiles cannot be loaded from stores in flight */
  RING = 4,                      /* pairs of woven tiles, so few that they stay in the first-level cache */
  LEAST_COLUMNS = LINE,          /* narrower rows leave most of a tile empty */
  MOST_COLUMNS = 65793           /* 255 * 128 * MOST_COLUMNS fits into int32 */
};

/* The largest |q|: a little below 127 * 65536 + 127 * 256 + 127, so that rounding never passes that. */
#define FULL 8355000.0f

/* The step of a class whose largest number is below this is that of this: still a normal number. */
#define LEAST_LARGEST 0x1p-102f

/* Where the digits of a classifier stand in its form: a step for each class, then for every group and
 * every LINE columns a PAIR, in which digit t of class c is column t * classes + c. */
static size_t steps_bytes(const ait_pass_job *job) {
  return (size_t)ait_round_up(job->classes * (int64_t)sizeof(float), LINE);
}

static int64_t chunks_of(const ait_pass_job *job) {
  return ait_ceil_div(job->columns, LINE);
}

static int64_t groups_of(const ait_pass_job *job) {
  return ait_ceil_div(job->classes, job->group);
}

/* Whether the tile unit takes rows. */
static int takes_rows(ait_type type, int64_t columns) {
  return type == AIT_U8 && columns >= LEAST_COLUMNS && columns <= MOST_COLUMNS;
}

static int takes(const ait_pass_job *job) {
  return takes_rows(job->pass->rows->type, job->columns);
}

/* An odd number of lines, so that rows do not share one place of the cache. */
static int64_t row_stride(ait_type type, int64_t columns) {
  return takes_rows(type, columns) ? LINE * (ait_ceil_div(columns, LINE) | 1) : 0;
}

/* Bytes between copied rows. */
static int64_t row_bytes(const ait_pass_job *job) {
  return row_stride(AIT_U8, job->columns);
}

/* Rows of a block: a multiple of LINE. */
static int64_t block_rows(const ait_pass_job *job) {
  return ait_max64(LINE, ait_min64(BLOCK, MOST_COPY / row_bytes(job) / LINE * LINE));
}

static size_t form_bytes(const ait_pass_job *job) {
  return takes(job) ? steps_bytes(job) + (size_t)(groups_of(job) * chunks_of(job) * PAIR) : 0;
}

/* ---- fixed point --------------------------------------------------------------------------- */

/* step, and 1 / step as a sum of two floats, so that q has one rounding. */
typedef struct fixed_point {
  float step;
  __m512 inverse, correction;
} fixed_point;

/* `bits`: the largest bits of |number|, which are ordered as the numbers are, NaN last. */
static fixed_point fixed_point_of(int32_t bits) {
  float largest;
  memcpy(&largest, &bits, sizeof largest);
  if (bits >= 0x7f800000) {
    return (fixed_point){.step = __builtin_nanf(""), .inverse = _mm512_setzero_ps(), .correction = _mm512_setzero_ps()};
  }
  const float step = (largest > LEAST_LARGEST ? largest : LEAST_LARGEST) / FULL;
  const double inverse = 1 / (double)step;
  const float high = (float)inverse, low = (float)(inverse - (double)high);
  return (fixed_point){.step = step, .inverse = _mm512_set1_ps(high), .correction = _mm512_set1_ps(low)};
}

INLINE __m512i larger_bits(__m512i largest, __m512 numbers) {
  return _mm512_max_epi32(largest, _mm512_castps_si512(_mm512_abs_ps(numbers)));
}

/* The digits of 16 numbers, the highest first. */
INLINE void digits_of(const fixed_point *f, __m512 numbers, __m128i digit[DIGITS]) {
  const __m512 scaled = _mm512_fmadd_ps(numbers, f->inverse, _mm512_mul_ps(numbers, f->correction));
  const __m512i q = _mm512_cvtps_epi32(scaled);
  /* What is left after a digit was taken off: rounded division by 256. */
  const __m512i half = _mm512_set1_epi32(128);
  const __m512i q1 = _mm512_srai_epi32(_mm512_add_epi32(q, half), 8);
  const __m512i q2 = _mm512_srai_epi32(_mm512_add_epi32(q1, half), 8);
  digit[0] = _mm512_cvtepi32_epi8(q2);
  digit[1] = _mm512_cvtepi32_epi8(q1);
  digit[2] = _mm512_cvtepi32_epi8(q);
}

/* 65536 h + 256 m + l of sums over digits. */
INLINE __m512 number_of(__m512i h, __m512i m, __m512i l) {
  const __m512 low = _mm512_fmadd_ps(_mm512_cvtepi32_ps(m), _mm512_set1_ps(256), _mm512_cvtepi32_ps(l));
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(h), _mm512_set1_ps(65536), low);
}

/* Writes step and digits of class c of a packed classifier. */
static void form_class(const ait_pass_job *job, int64_t c, const ait_real *packed, void *form) {
  const int64_t first = c / job->group * job->group, classes = ait_min64(job->group, job->classes - first);
  const ait_real *numbers = packed + first * job->padded + (c - first) * LANES;
  __m512i largest = _mm512_setzero_si512();
  for (int64_t j = 0; j < job->padded; j += LANES) {
    largest = larger_bits(largest, _mm512_loadu_ps(numbers + j * classes));
  }
  const fixed_point f = fixed_point_of(_mm512_reduce_max_epi32(largest));
  ((float *)form)[c] = f.step;
  char *digits = (char *)form + steps_bytes(job) + first / job->group * chunks_of(job) * PAIR;
  for (int64_t j = 0; j < chunks_of(job) * LINE; j += LANES) {
    __m128i digit[DIGITS];
    digits_of(&f, j < job->padded ? _mm512_loadu_ps(numbers + j * classes) : _mm512_setzero_ps(), digit);
    for (int64_t t = 0; t < DIGITS; ++t) {
      const int64_t column = t * classes + (c - first);
      char *place = digits + j / LINE * PAIR + column / 16 * TILE + j % LINE / 4 * LINE + column % 16 * 4;
      int32_t four[4];
      memcpy(four, &digit[t], sizeof four);
      for (int k = 0; k < 4; ++k) {
        memcpy(place + k * LINE, &four[k], sizeof four[k]);
      }
    }
  }
}

/* ---- scratch ------------------------------------------------------------------------------- */

/* One thread's scratch. */
typedef struct amx_scratch {
  uint8_t *rows;    /* copies of block_rows rows, row_bytes apart */
  uint8_t *ring;    /* RING pairs of woven tiles */
  int8_t *residual; /* digits of R, or of dR: a PAIR for every group and product */
  int32_t *sums;    /* of the digits: 8 tiles */
  float *logits;    /* PARTS matrices of classes x AIT_PASS_ROWS; exponentials, then R */
  float *slopes;    /* the same of the direction, then dR */
  float *steps;     /* of R, or of dR: classes */
} amx_scratch;

/* The parts of a scratch, which starts on a line; NULL: only *bytes is of use. */
static amx_scratch divide(const ait_pass_job *job, void *scratch, size_t *bytes) {
  const size_t matrix = (size_t)(job->classes * BLOCK) * sizeof(float);
  *bytes = 0;
  return (amx_scratch){.rows = ait_take(scratch, bytes, (size_t)(block_rows(job) * row_bytes(job))),
                       .ring = ait_take(scratch, bytes, RING * PAIR),
                       .residual = ait_take(scratch, bytes, (size_t)(groups_of(job) * STEPS * PAIR)),
                       .sums = ait_take(scratch, bytes, 8 * TILE),
                       .logits = ait_take(scratch, bytes, matrix),
                       .slopes = ait_take(scratch, bytes, matrix),
                       .steps = ait_take(scratch, bytes, (size_t)job->classes * sizeof(float))};
}

static int64_t scratch_reals(const ait_pass_job *job) {
  const int64_t plain = ait_pass_kernel_v4.scratch(job);
  size_t bytes;
  if (!takes(job)) {
    return plain;
  }
  divide(job, NULL, &bytes);
  return ait_max64(plain, (int64_t)(bytes / sizeof(ait_real)));
}

/* ---- transposing --------------------------------------------------------------------------- */

/* Lane l (of 128 bits) of v[k] goes to lane k of v[l]. */
INLINE void transpose_lanes(__m512 *v0, __m512 *v1, __m512 *v2, __m512 *v3) {
  const __m512 even01 = _mm512_shuffle_f32x4(*v0, *v1, 0x88), odd01 = _mm512_shuffle_f32x4(*v0, *v1, 0xdd);
  const __m512 even23 = _mm512_shuffle_f32x4(*v2, *v3, 0x88), odd23 = _mm512_shuffle_f32x4(*v2, *v3, 0xdd);
  *v0 = _mm512_shuffle_f32x4(even01, even23, 0x88);
  *v1 = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
  *v2 = _mm512_shuffle_f32x4(even01, even23, 0xdd);
  *v3 = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
}

/* Number k of v[i] goes to number i of v[k]. */
INLINE void transpose(__m512 v[16]) {
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(v[i], v[i + 1]));
    const __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(v[i], v[i + 1]));
    const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(v[i + 2], v[i + 3]));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(v[i + 2], v[i + 3]));
    v[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    v[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    v[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    v[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    transpose_lanes(&v[k], &v[4 + k], &v[8 + k], &v[12 + k]);
  }
}

/* ---- tiles --------------------------------------------------------------------------------- */

/* Tile instructions read memory that some compilers do not know they read: everything written so far is
 * in memory after this. */
INLINE void memory_is_read(const void *memory) {
  __asm__ volatile("" : : "r"(memory) : "memory");
}

/* Clears the tiles 0 to 3, where sums are made. */
INLINE void clear_sums(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/* All eight tiles have 16 rows of LINE bytes. */
static void configure_tiles(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1};
  for (int k = 0; k < 8; ++k) {
    config.row_bytes[k] = LINE;
    config.rows[k] = 16;
  }
  memory_is_read(&config);
  _tile_loadconfig(&config);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Rows as the tile unit reads them: each on whole lines, with whatever after its columns, which meets digits of 0. */
typedef struct row_view {
  const uint8_t *rows;
  int64_t stride; /* bytes between them */
} row_view;

static const uint8_t *row_address(const ait_pass_job *job, int64_t i) {
  return (const uint8_t *)job->pass->rows->data + i * job->pass->rows->stride;
}

/* Whether a block can be read where it is: rows on whole lines, products over rows that are all there, and not the
 * last row, which may end with its columns. */
static int is_in_place(const ait_pass_job *job, int64_t begin, int64_t count) {
  const ait_rows *rows = job->pass->rows;
  return ((uintptr_t)rows->data | (uintptr_t)rows->stride) % LINE == 0 && rows->stride >= chunks_of(job) * LINE &&
         count % LINE == 0 && begin + count < rows->rows;
}

/* Copies the rows from `begin` on, of which `count` are there, padding columns and rows with zeros. */
static void copy_rows(const ait_pass_job *job, int64_t begin, int64_t count, uint8_t *copy) {
  const int64_t whole = job->columns / LINE * LINE, stride = row_bytes(job);
  const __mmask64 rest = ((__mmask64)1 << job->columns % LINE) - 1;
  for (int64_t i = 0; i < count; ++i, copy += stride) {
    const uint8_t *row = row_address(job, begin + i);
    for (int64_t j = 0; j < whole; j += LINE) {
      _mm512_store_si512(copy + j, _mm512_loadu_si512(row + j));
    }
    if (rest != 0) {
      _mm512_store_si512(copy + whole, _mm512_maskz_loadu_epi8(rest, row + whole));
    }
  }
  memset(copy, 0, (size_t)((ait_round_up(count, AIT_PASS_ROWS) - count) * stride));
}

/* ---- L = U A' ------------------------------------------------------------------------------ */

/* sums (32 x 32) = 32 rows times the digits of a group in two tiles' columns, or in one's. Rows are read past the
 * first-level cache, which then keeps the digits. */
INLINE void forward_tiles(int tiles, int64_t chunks, const row_view *view, const char *digits, int32_t *sums) {
  const uint8_t *rows = view->rows;
  memory_is_read(rows);
  clear_sums();
  for (int64_t k = 0; k < chunks; ++k, rows += LINE, digits += PAIR) {
    _tile_stream_loadd(4, rows, view->stride);
    _tile_loadd(6, digits, LINE);
    _tile_stream_loadd(5, rows + 16 * view->stride, view->stride);
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 5, 6);
    if (tiles == 2) {
      _tile_loadd(7, digits + TILE, LINE);
      _tile_dpbusd(2, 4, 7);
      _tile_dpbusd(3, 5, 7);
    }
  }
  _tile_stored(0, sums, 2 * LINE);
  _tile_stored(1, sums + 16 * 32, 2 * LINE);
  if (tiles == 2) {
    _tile_stored(2, sums + 16, 2 * LINE);
    _tile_stored(3, sums + 16 * 32 + 16, 2 * LINE);
  }
}

/* logits (classes x AIT_PASS_ROWS of a group) from the sums over its digits. */
static void gather_logits(int64_t classes, const float *steps, const int32_t *sums, float *logits) {
  const __m512 step = _mm512_maskz_loadu_ps((__mmask16)((1 << classes) - 1), steps);
  for (int64_t i = 0; i < AIT_PASS_ROWS; i += 16) {
    __m512 v[16];
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) {
      const int32_t *row = sums + (i + r) * 32;
      v[r] = _mm512_mul_ps(step, number_of(_mm512_loadu_si512(row), _mm512_loadu_si512(row + classes),
                                           _mm512_loadu_si512(row + 2 * classes)));
    }
    transpose(v);
    for (int64_t c = 0; c < classes; ++c) {
      _mm512_storeu_ps(logits + c * AIT_PASS_ROWS + i, v[c]);
    }
  }
}

/* logits (classes x AIT_PASS_ROWS) of one part of a block, without bias. */
static void forward(const ait_pass_job *job, const void *form, const row_view *view, int32_t *sums, float *logits) {
  const float *steps = form;
  const char *digits = (const char *)form + steps_bytes(job);
  for (int64_t first = 0; first < job->classes; first += job->group, digits += chunks_of(job) * PAIR) {
    const int64_t classes = ait_min64(job->group, job->classes - first);
    if (DIGITS * classes > 16) {
      forward_tiles(2, chunks_of(job), view, digits, sums);
    } else {
      forward_tiles(1, chunks_of(job), view, digits, sums);
    }
    gather_logits(classes, steps + first, sums, logits + first * AIT_PASS_ROWS);
  }
}

/* ---- G = R' U ------------------------------------------------------------------------------ */

/* Writes steps and digits of R (PARTS of classes x AIT_PASS_ROWS, of which `parts` are there), and adds its column
 * sums to `bias`. */
static void form_residuals(const ait_pass_job *job, int64_t parts, const float *r, float *steps, int8_t *digits,
                           int add, double *bias) {
  const int64_t size = job->classes * AIT_PASS_ROWS, vectors = parts * AIT_PASS_ROWS / LANES;
  for (int64_t c = 0; c < job->classes; ++c) {
    const int64_t group = c / job->group, within = c % job->group;
    const int64_t classes = ait_min64(job->group, job->classes - group * job->group);
    const float *numbers = r + c * AIT_PASS_ROWS;
    __m512i largest = _mm512_setzero_si512();
    __m512d sum[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    for (int64_t v = 0; v < vectors; ++v) {
      const __m512 sixteen = _mm512_loadu_ps(numbers + v / 2 * size + v % 2 * LANES);
      largest = larger_bits(largest, sixteen);
      sum[0] = _mm512_add_pd(sum[0], _mm512_cvtps_pd(_mm512_castps512_ps256(sixteen)));
      sum[1] = _mm512_add_pd(sum[1], _mm512_cvtps_pd(_mm512_extractf32x8_ps(sixteen, 1)));
    }
    bias[c] = (add ? bias[c] : 0) + _mm512_reduce_add_pd(_mm512_add_pd(sum[0], sum[1]));
    const fixed_point f = fixed_point_of(_mm512_reduce_max_epi32(largest));
    steps[c] = f.step;
    for (int64_t v = 0; v < ait_round_up(vectors, LINE / LANES); ++v) {
      __m128i digit[DIGITS];
      digits_of(&f, v < vectors ? _mm512_loadu_ps(numbers + v / 2 * size + v % 2 * LANES) : _mm512_setzero_ps(), digit);
      int8_t *pair = digits + (group * STEPS + v / 4) * PAIR + v % 4 * LANES;
      for (int64_t t = 0; t < DIGITS; ++t) {
        _mm_storeu_si128((__m128i *)(void *)(pair + (t * classes + within) * LINE), digit[t]);
      }
    }
  }
}

/* LINE columns of LINE rows are woven into tiles whose rows hold the bytes of four data rows next to each other:
 * column 16 q + 4 k + l becomes column 4 q + l of tile k. Half 0 weaves the tiles 0 and 1, half 1 the others. */
INLINE void weave(int half, const uint8_t *row, int64_t stride, uint8_t *woven) {
#pragma GCC unroll 1
  for (int64_t i = 0; i < LINE; i += 4, row += 4 * stride, woven += LINE) {
    const __m512i a = _mm512_load_si512(row), b = _mm512_load_si512(row + stride);
    const __m512i c = _mm512_load_si512(row + 2 * stride), d = _mm512_load_si512(row + 3 * stride);
    const __m512i ab = half == 0 ? _mm512_unpacklo_epi8(a, b) : _mm512_unpackhi_epi8(a, b);
    const __m512i cd = half == 0 ? _mm512_unpacklo_epi8(c, d) : _mm512_unpackhi_epi8(c, d);
    _mm512_store_si512(woven, _mm512_unpacklo_epi16(ab, cd));
    _mm512_store_si512(woven + TILE, _mm512_unpackhi_epi16(ab, cd));
  }
}

/* sums (2 tiles for each of the two woven tiles of a half) = the digits of R times the rows. */
INLINE void backward_tiles(int tiles, int half, int64_t steps, const int8_t *digits, const row_view *view,
                           uint8_t *ring, int32_t *sums) {
  const int64_t step = LINE * view->stride;
  clear_sums();
  for (int64_t k = 0; k < ait_min64(AHEAD, steps); ++k) {
    weave(half, view->rows + k * step, view->stride, ring + k * PAIR);
  }
  for (int64_t k = 0; k < steps; ++k, digits += PAIR) {
    const uint8_t *woven = ring + k % RING * PAIR;
    memory_is_read(woven);
    _tile_loadd(4, digits, LINE);
    _tile_loadd(6, woven, LINE);
    _tile_loadd(7, woven + TILE, LINE);
    _tile_dpbsud(0, 4, 6);
    _tile_dpbsud(2, 4, 7);
    if (tiles == 2) {
      _tile_loadd(5, digits + TILE, LINE);
      _tile_dpbsud(1, 5, 6);
      _tile_dpbsud(3, 5, 7);
    }
    if (k + AHEAD < steps) {
      weave(half, view->rows + (k + AHEAD) * step, view->stride, ring + (k + AHEAD) % RING * PAIR);
    }
  }
  _tile_stored(0, sums, LINE);
  _tile_stored(2, sums + 512, LINE);
  if (tiles == 2) {
    _tile_stored(1, sums + 256, LINE);
    _tile_stored(3, sums + 768, LINE);
  }
}

/* target (+)= 16 numbers. */
INLINE void add_numbers(int add, __m512 numbers, double *target) {
  __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(numbers));
  __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(numbers, 1));
  if (add) {
    low = _mm512_add_pd(low, _mm512_loadu_pd(target));
    high = _mm512_add_pd(high, _mm512_loadu_pd(target + 8));
  }
  _mm512_storeu_pd(target, low);
  _mm512_storeu_pd(target + 8, high);
}

/* Adds the sums over LINE columns of a group to g, `vectors` of whose 4 vectors are there. */
static void scatter_sums(int64_t classes, int64_t vectors, const float *steps, const int32_t *sums, int add,
                         double *g) {
  for (int64_t c = 0; c < classes; ++c) {
    __m512 v[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const int32_t *tile = sums + k * 512 + c * 16;
      v[k] = _mm512_mul_ps(_mm512_set1_ps(steps[c]),
                           number_of(_mm512_loadu_si512(tile), _mm512_loadu_si512(tile + classes * 16),
                                     _mm512_loadu_si512(tile + 2 * classes * 16)));
    }
    transpose_lanes(&v[0], &v[1], &v[2], &v[3]);
    for (int64_t k = 0; k < vectors; ++k) {
      add_numbers(add, v[k], g + (k * classes + c) * LANES);
    }
  }
}

/* g (+)= R' U over the rows of a block, LINE columns at a time. */
static void backward(const ait_pass_job *job, int64_t steps, const row_view *view, const int8_t *residual,
                     const float *r_steps, int add, const amx_scratch *s, double *g) {
  for (int64_t k = 0; k < chunks_of(job); ++k) {
    const row_view chunk = {view->rows + k * LINE, view->stride};
    const int64_t vectors = ait_min64(LINE, job->padded - k * LINE) / LANES;
    const int8_t *digits = residual;
    for (int64_t first = 0; first < job->classes; first += job->group, digits += STEPS * PAIR) {
      const int64_t classes = ait_min64(job->group, job->classes - first);
      if (DIGITS * classes > 16) {
        backward_tiles(2, 0, steps, digits, &chunk, s->ring, s->sums);
        backward_tiles(2, 1, steps, digits, &chunk, s->ring, s->sums + TILE);
      } else {
        backward_tiles(1, 0, steps, digits, &chunk, s->ring, s->sums);
        backward_tiles(1, 1, steps, digits, &chunk, s->ring, s->sums + TILE);
      }
      scatter_sums(classes, vectors, r_steps + first, s->sums, add, g + first * job->padded + k * LINE * classes);
    }
  }
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* Logits, softmax and, where they are wanted, R and dR of a block, whose rows are in place or copied on the way: all
 * of them where they are wanted afterwards. */
static row_view forward_block(const ait_pass_job *job, int64_t begin, int64_t count, int add, const ait_pass_sums *sums,
                              const amx_scratch *s) {
  const int in_place = is_in_place(job, begin, count), keep = sums->g != NULL || sums->dg != NULL;
  const int64_t size = job->classes * AIT_PASS_ROWS, stride = in_place ? job->pass->rows->stride : row_bytes(job);
  const row_view view = {in_place ? row_address(job, begin) : s->rows, stride};
  for (int64_t i = 0; i < count; i += AIT_PASS_ROWS) {
    const int64_t there = ait_min64(AIT_PASS_ROWS, count - i), p = i / AIT_PASS_ROWS;
    float *logits = s->logits + p * size, *slopes = s->slopes + p * size;
    const row_view rows = {view.rows + (in_place || keep ? i * stride : 0), stride};
    if (!in_place) {
      copy_rows(job, begin + i, there, s->rows + (keep ? i * stride : 0));
    }
    forward(job, job->a_form, &rows, s->sums, logits);
    if (job->v != NULL) {
      forward(job, job->v_form, &rows, s->sums, slopes);
    }
    double loss = 0;
    softmax(job, begin + i, there, &loss, sums->noise, logits, slopes);
    if (sums->loss != NULL) {
      *sums->loss = (add || i > 0 ? *sums->loss : 0) + loss;
    }
  }
  return view;
}

/* One block of at most block_rows rows; `add`: to the sums, else they are overwritten. */
static void block(const ait_pass_job *job, int64_t begin, int64_t count, int add, const ait_pass_sums *sums,
                  const amx_scratch *s) {
  const int64_t parts = ait_ceil_div(count, AIT_PASS_ROWS), steps = ait_ceil_div(count, LINE);
  const row_view view = forward_block(job, begin, count, add, sums, s);
  if (sums->g != NULL) {
    form_residuals(job, parts, s->logits, s->steps, s->residual, add, sums->gb);
    backward(job, steps, &view, s->residual, s->steps, add, s, sums->g);
  }
  if (sums->dg != NULL) {
    form_residuals(job, parts, s->slopes, s->steps, s->residual, add, sums->dgb);
    backward(job, steps, &view, s->residual, s->steps, add, s, sums->dg);
  }
}

/* Whether every class of a classifier could be held in fixed point. */
static int all_finite(const ait_pass_job *job, const void *form) {
  const float *steps = form;
  float sum = 0;
  for (int64_t c = 0; c < job->classes; ++c) {
    sum += 0 * steps[c];
  }
  return sum == 0;
}

static void rows_by_tiles(const ait_pass_job *job, int64_t begin, int64_t end, const ait_pass_sums *sums,
                          ait_real *scratch) {
  if (!takes(job) || !all_finite(job, job->a_form) || (job->v != NULL && !all_finite(job, job->v_form))) {
    ait_pass_kernel_v4.rows(job, begin, end, sums, scratch);
    return;
  }
  size_t bytes;
  const amx_scratch s = divide(job, scratch, &bytes);
  configure_tiles();
  for (int64_t i = begin; i < end; i += block_rows(job)) {
    block(job, i, ait_min64(block_rows(job), end - i), i > begin, sums, &s);
  }
  _tile_release();
}

static void convert(ait_type type, int64_t n, const void *stored, ait_real *target) {
  ait_pass_kernel_v4.convert(type, n, stored, target);
}

static void transform(int64_t n, const ait_real *scale, const ait_real *shift, ait_real *target) {
  ait_pass_kernel_v4.transform(n, scale, shift, target);
}

static void hyperbolic_tangent(int64_t n, ait_real *a) {
  ait_pass_kernel_v4.hyperbolic_tangent(n, a);
}

static void accumulate(int64_t n, const ait_real *numbers, int add, double *sum) {
  ait_pass_kernel_v4.accumulate(n, numbers, add, sum);
}

static void add_slots(int64_t slots, int64_t stride, int64_t n, const double *sums, double *out) {
  ait_pass_kernel_v4.add_slots(slots, stride, n, sums, out);
}

/* lanes and most_group are those of x86-64-v4, so that both read one packed classifier. */
const ait_pass_kernel ait_pass_kernel_amx = {
    .name = "amx",
    .thin = &ait_thin_kernel_v4,
    .lanes = LANES,
    .most_group = 10,
    .least_rows = BLOCK,
    .convert = convert,
    .transform = transform,
    .hyperbolic_tangent = hyperbolic_tangent,
    .scratch = scratch_reals,
    .form_bytes = form_bytes,
    .form_class = form_class,
    .row_stride = row_stride,
    .rows = rows_by_tiles,
    .softmax = softmax,
    .accumulate = accumulate,
    .add_slots = add_slots,
};
#endif
