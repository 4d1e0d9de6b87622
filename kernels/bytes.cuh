/* bytes.cuh - a tile of 8-bit rows on tensor cores (docs/derivation.md#fixed-point).
 *
 * Numerics. Stored bytes are multiplied as they are. A class of A' (of V') is held in fixed point, A'_cj = step_c q_cj
 * with step_c = max_j |A'_cj| / FULL and q_cj rounded to the nearest integer, and q in three digits,
 * q = 65536 q2 + 256 q1 + q0 with -128 <= q0, q1, q2 <= 127: tensor cores multiply bytes and add them up in int32,
 * exactly for as many columns as MOST_COLUMNS; the digits' sums are joined exactly and rounded once. R and dR are held
 * in the same way, with a step for each class and tile of rows, so that they keep their digits however small they
 * become. A class that is not finite has no digits: what depends on it is NaN.
 *
 * Operands of products stand in memory as the lanes of a warp want them: 8 bytes a lane, 32 lanes one behind the other.
 * Such a fragment holds one digit of 8 classes for 32 columns (of A'), or for 32 rows (of R). */
#ifndef AIT_KERNELS_BYTES_CUH
#define AIT_KERNELS_BYTES_CUH

#include "matrix.cuh"
#include "tile.cuh"

#ifndef AIT_DOUBLE

static_assert(AIT_MOST_TILE_CLASSES <= 32, "four groups of classes");

enum {
  AIT_DIGITS = 3,           /* bytes of a number in fixed point */
  AIT_FRAGMENT_CLASSES = 8, /* columns of a product */
  AIT_FRAGMENT_DEPTH = 32,  /* columns or rows that one product sums over */
  AIT_FRAGMENT_WORDS = 64,  /* of 4 bytes */
  AIT_STRIP = 16,           /* rows of a product: rows of U, or columns of G */
  AIT_BYTES_TILE = 64,      /* rows of a tile at most; two strips at least */
  AIT_LEAST_BYTES_TILE = 32,
  AIT_LEAST_BYTE_COLUMNS = 64,  /* narrower rows leave most of a product empty */
  AIT_MOST_BYTE_COLUMNS = 65793 /* 255 * 128 * MOST_COLUMNS fits into int32 */
};

/* The largest |q|: a little below 127 * 65536 + 127 * 256 + 127, so that rounding never passes that. */
#define AIT_FIXED_FULL 8355000.0f

/* The step of a class whose largest number is below this is that of this: still a normal number. */
#define AIT_FIXED_LEAST 0x1p-102f

/* The bits of |number|, which are ordered as the numbers are, NaN last. */
__device__ inline int32_t ait_magnitude_bits(float number) {
  const float magnitude = fabsf(number);
  int32_t bits;
  memcpy(&bits, &magnitude, sizeof bits);
  return bits;
}

/* step, and 1 / step as a sum of two floats, so that q has one rounding; without a step q is 0. */
struct ait_fixed_point {
  float step, inverse, correction;

  /* Digit t of number, the highest first, as byte i of a word: added to words[t]. */
  __device__ void add_digits(float number, int i, uint32_t (&words)[AIT_DIGITS]) const {
    const int32_t q = inverse != 0 ? (int32_t)rintf(fmaf(number, inverse, number * correction)) : 0;
    const int32_t q1 = (q + 128) >> 8, q2 = (q1 + 128) >> 8;
    words[0] |= (uint32_t)(q2 & 0xff) << 8 * i;
    words[1] |= (uint32_t)(q1 & 0xff) << 8 * i;
    words[2] |= (uint32_t)(q & 0xff) << 8 * i;
  }
};

/* `bits`: the largest of ait_magnitude_bits. */
__device__ inline ait_fixed_point ait_fixed_point_of(int32_t bits) {
  ait_fixed_point fixed = {nanf(""), 0, 0};
  float largest;
  memcpy(&largest, &bits, sizeof largest);
  if (bits < 0x7f800000) {
    fixed.step = fmaxf(largest, AIT_FIXED_LEAST) / AIT_FIXED_FULL;
    const double exact = 1 / (double)fixed.step;
    fixed.inverse = (float)exact;
    fixed.correction = (float)(exact - (double)fixed.inverse);
  }
  return fixed;
}

/* The two words that a lane holds of a right operand. */
struct __align__(8) ait_fragment {
  uint32_t word[2];
};

/* 65536 h + 256 m + l of sums over digits, rounded once. */
__device__ inline float ait_join_digits(int32_t h, int32_t m, int32_t l) {
  return (float)(((int64_t)h * 256 + m) * 256 + l);
}

/* How a block treats a tile of 8-bit rows with at most 8 GROUPS classes: the functions of ait_plain_tile. */
template <int GROUPS>
struct ait_byte_tile {
  enum { CLASSES = AIT_FRAGMENT_CLASSES * GROUPS, PRODUCTS = GROUPS * AIT_DIGITS, WARPS = AIT_THREADS / AIT_LANES };

  struct form {
    const ait_fragment *digits; /* AIT_LANES for every 32 columns, group of classes and digit */
    const ait_fixed_point *fixed;
    const float *bias;
  };

  enum { LEAST_ROWS = AIT_LEAST_BYTES_TILE, MOST_ROWS = AIT_BYTES_TILE };

  int64_t columns, classes, tile_rows;

  __host__ __device__ static int64_t chunks(int64_t columns) {
    return ait_ceil_div(columns, AIT_FRAGMENT_DEPTH);
  }

  /* Bytes from one row to the next: whole chunks, and an odd number of 16 bytes, so that 8 rows of 16 bytes stand in
   * different banks. */
  __host__ __device__ static int64_t row_bytes(int64_t columns) {
    return chunks(columns) * AIT_FRAGMENT_DEPTH + 16;
  }

  /* Bytes of what is written before the digits: a class's fixed point. */
  __host__ __device__ static int64_t fixed_bytes() {
    return CLASSES * (int64_t)sizeof(ait_fixed_point);
  }

  __host__ __device__ static int64_t form_bytes(int64_t columns, int64_t) {
    return fixed_bytes() + chunks(columns) * PRODUCTS * AIT_LANES * (int64_t)sizeof(ait_fragment);
  }

  /* The digits' sums of a tile's logits, or the digits of its residuals, or the largest numbers of a classifier: one
   * after the other. */
  __host__ __device__ static int64_t work_bytes(int64_t tile_rows, int64_t) {
    const int64_t sums = tile_rows * PRODUCTS * AIT_FRAGMENT_CLASSES * (int64_t)sizeof(int32_t);
    const int64_t fragments = tile_rows / AIT_FRAGMENT_DEPTH * PRODUCTS * AIT_LANES * (int64_t)sizeof(ait_fragment);
    return ait_larger(sums, fixed_bytes() + fragments);
  }

  /* Where digit t of class c holds word `word` of the 8 words of chunk `chunk`. */
  __device__ static uint32_t *place(ait_fragment *digits, int64_t chunk, int64_t c, int t, int64_t word) {
    const int64_t fragment = (chunk * GROUPS + c / AIT_FRAGMENT_CLASSES) * AIT_DIGITS + t;
    const int64_t lane = c % AIT_FRAGMENT_CLASSES * 4 + word % 4;
    return digits[fragment * AIT_LANES + lane].word + word / 4;
  }

  __device__ static float folded(const ait_real *row, const ait_real *scale, int64_t j) {
    return scale != NULL ? row[j] * scale[j] : row[j];
  }

  /* largest[c] = the bits of the largest number of class c; in pieces of 4 columns a lane. */
  __device__ void find_largest(const ait_real *classifier, const ait_real *scale, int32_t *largest) const {
    enum { PIECE = 4 * AIT_LANES };
    const int64_t pieces = ait_ceil_div(columns, PIECE);
    if (threadIdx.x < CLASSES) {
      largest[threadIdx.x] = 0;
    }
    __syncthreads();
    for (int64_t unit = threadIdx.x / AIT_LANES; unit < pieces * classes; unit += WARPS) {
      const int64_t c = unit / pieces, begin = unit % pieces * PIECE, end = ait_smaller(columns, begin + PIECE);
      int32_t bits = 0;
      for (int64_t j = begin + threadIdx.x % AIT_LANES; j < end; j += AIT_LANES) {
        const int32_t other = ait_magnitude_bits(folded(classifier + c * columns, scale, j));
        bits = other > bits ? other : bits;
      }
      bits = ait_warp_largest(bits);
      if (threadIdx.x % AIT_LANES == 0) {
        atomicMax(largest + c, bits);
      }
    }
    __syncthreads();
  }

  __device__ form make_form(const ait_real *classifier, const ait_real *scale, unsigned char *memory,
                            unsigned char *work) const {
    ait_fixed_point *fixed = (ait_fixed_point *)memory;
    ait_fragment *digits = (ait_fragment *)(memory + fixed_bytes());
    const int64_t words = chunks(columns) * AIT_FRAGMENT_DEPTH / 4;
    find_largest(classifier, scale, (int32_t *)work);
    if (threadIdx.x < classes) {
      fixed[threadIdx.x] = ait_fixed_point_of(((const int32_t *)work)[threadIdx.x]);
    }
    __syncthreads();
    for (int64_t i = threadIdx.x; i < words * classes; i += AIT_THREADS) {
      const int64_t c = i / words, word = i % words;
      uint32_t parts[AIT_DIGITS] = {};
      for (int b = 0; b < 4 && 4 * word + b < columns; ++b) {
        fixed[c].add_digits(folded(classifier + c * columns, scale, 4 * word + b), b, parts);
      }
      for (int t = 0; t < AIT_DIGITS; ++t) {
        *place(digits, word / 8, c, t, word % 8) = parts[t];
      }
    }
    const form made = {digits, fixed, NULL};
    return made;
  }

  /* The form of a classifier that is folded already. */
  __host__ __device__ static int64_t taken_bytes(int64_t columns, int64_t classes) {
    return form_bytes(columns, classes);
  }
  __device__ form take_form(const ait_real *matrix, const ait_real *bias, unsigned char *memory,
                            unsigned char *work) const {
    form taken = make_form(matrix, NULL, memory, work);
    taken.bias = bias;
    return taken;
  }

  /* u = the rows first .. first + count - 1, there for all behind a barrier. */
  __device__ void load(const ait_tile_work &work, int64_t first, int64_t count, unsigned char *u) const {
    const unsigned char *data = (const unsigned char *)work.data + first * work.stride;
    const bool whole = (work.stride | columns | (int64_t)(size_t)work.data) % 16 == 0;
    for (int64_t r = threadIdx.x / AIT_LANES; r < count; r += WARPS) {
      const unsigned char *from = data + r * work.stride;
      unsigned char *to = u + r * row_bytes(columns);
      if (whole) {
        for (int64_t j = threadIdx.x % AIT_LANES * 16; j < columns; j += 16 * AIT_LANES) {
          ait_copy_async(to + j, from + j);
        }
      } else {
        for (int64_t j = threadIdx.x % AIT_LANES; j < columns; j += AIT_LANES) {
          to[j] = from[j];
        }
      }
    }
    ait_wait_for_copies();
  }

  /* The digits' sums of a strip of rows over the chunks begin .. end - 1, added to sums (tile_rows x PRODUCTS x 8).
   * Rows that are missing are read as the last one. */
  __device__ void strip_sums(const ait_fragment *digits, int64_t strip, int64_t count, int64_t begin, int64_t end,
                             const unsigned char *u, int32_t *sums) const {
    const int64_t lane = threadIdx.x % AIT_LANES, g = lane / 4, q = lane % 4;
    const int64_t row = ait_smaller(count - 1, strip * AIT_STRIP + lane % 16);
    const unsigned char *from = u + row * row_bytes(columns) + lane / 16 * 16;
    int32_t part[PRODUCTS][4] = {};
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      uint32_t a[4];
      ait_load_matrices(from + chunk * AIT_FRAGMENT_DEPTH, a);
      for (int t = 0; t < PRODUCTS; ++t) {
        const ait_fragment b = digits[(chunk * PRODUCTS + t) * AIT_LANES + lane];
        ait_multiply_bytes(part[t], a, b.word);
      }
    }
    for (int t = 0; t < PRODUCTS; ++t) {
      for (int i = 0; i < 4; ++i) {
        const int64_t r = strip * AIT_STRIP + g + i / 2 * 8;
        atomicAdd(sums + (r * PRODUCTS + t) * AIT_FRAGMENT_CLASSES + 2 * q + i % 2, part[t][i]);
      }
    }
  }

  /* logits (tile_rows x ait_logit_stride) = U A'' + 1 b'. Warps share the strips of rows and the columns. */
  __device__ void logits(const form &f, int64_t count, unsigned char *u, unsigned char *work, ait_real *out) const {
    int32_t *sums = (int32_t *)work;
    const int64_t strips = ait_ceil_div(count, AIT_STRIP), warp = threadIdx.x / AIT_LANES;
    const int64_t parts = strips <= 1 ? WARPS : strips <= 2 ? WARPS / 2 : WARPS / 4, part = warp % parts;
    for (int64_t i = threadIdx.x; i < strips * AIT_STRIP * PRODUCTS * AIT_FRAGMENT_CLASSES; i += AIT_THREADS) {
      sums[i] = 0;
    }
    __syncthreads();
    for (int64_t strip = warp / parts; strip < strips; strip += WARPS / parts) {
      strip_sums(f.digits, strip, count, part * chunks(columns) / parts, (part + 1) * chunks(columns) / parts, u, sums);
    }
    __syncthreads();
    for (int64_t i = threadIdx.x; i < count * classes; i += AIT_THREADS) {
      const int64_t r = i / classes, c = i % classes;
      const int32_t *digit = sums + (r * PRODUCTS + c / AIT_FRAGMENT_CLASSES * AIT_DIGITS) * AIT_FRAGMENT_CLASSES +
                             c % AIT_FRAGMENT_CLASSES;
      const float joined = ait_join_digits(digit[0], digit[AIT_FRAGMENT_CLASSES], digit[2 * AIT_FRAGMENT_CLASSES]);
      out[r * ait_logit_stride(classes) + c] = f.fixed[c].step * joined + f.bias[c];
    }
    __syncthreads();
  }

  /* Digits and steps of R, and its column sums to bias: a warp a class, a lane a row of 32. */
  __device__ void form_residuals(int64_t count, bool is_first, const ait_real *residual, ait_fragment *digits,
                                 ait_fixed_point *fixed, double *bias) const {
    enum { MOST_CHUNKS = AIT_BYTES_TILE / AIT_FRAGMENT_DEPTH };
    const int64_t lane = threadIdx.x % AIT_LANES, row_chunks = tile_rows / AIT_FRAGMENT_DEPTH;
    for (int64_t c = threadIdx.x / AIT_LANES; c < classes; c += WARPS) {
      float number[MOST_CHUNKS] = {};
      double sum = 0;
      int32_t bits = 0;
      for (int k = 0; k < MOST_CHUNKS; ++k) {
        const int64_t r = k * AIT_FRAGMENT_DEPTH + lane;
        number[k] = r < count ? residual[r * ait_logit_stride(classes) + c] : 0;
        const int32_t other = ait_magnitude_bits(number[k]);
        bits = other > bits ? other : bits;
        sum += (double)number[k];
      }
      const ait_fixed_point own = ait_fixed_point_of(ait_warp_largest(bits));
      sum = ait_warp_sum(sum);
      for (int k = 0; k < MOST_CHUNKS && k < row_chunks; ++k) {
        const unsigned at = ait_row_place((unsigned)lane);
        uint32_t parts[AIT_DIGITS] = {};
        own.add_digits(number[k], 0, parts);
        for (int t = 0; t < AIT_DIGITS; ++t) {
          ((unsigned char *)place(digits, k, c, t, at / 4))[at % 4] = (unsigned char)parts[t];
        }
      }
      if (lane == 0) {
        fixed[c] = own;
        bias[c] = (is_first ? 0 : bias[c]) + sum;
      }
    }
  }

  /* Adds a strip of 16 columns of R' U to sum: `part` has their digits' sums. */
  __device__ void add_strip(const int32_t (&part)[PRODUCTS][4], int64_t strip, bool is_first,
                            const ait_fixed_point *fixed, double *sum) const {
    const int64_t lane = threadIdx.x % AIT_LANES, g = lane / 4, q = lane % 4;
    for (int group = 0; group < GROUPS; ++group) {
      const int32_t(*digit)[4] = part + group * AIT_DIGITS;
      for (int i = 0; i < 4; ++i) {
        const int64_t c = group * AIT_FRAGMENT_CLASSES + 2 * q + i % 2, j = strip * AIT_STRIP + 2 * g + i / 2;
        if (c < classes && j < columns) {
          double *entry = sum + c * columns + j;
          const float number = fixed[c].step * ait_join_digits(digit[0][i], digit[1][i], digit[2][i]);
          *entry = (is_first ? 0 : *entry) + (double)number;
        }
      }
    }
  }

  /* sum += the tile's R' U and column sums of R, or, on the slot's first tile, sum = them. A warp a strip of columns.
   */
  __device__ void products(int64_t count, bool is_first, const ait_real *residual, unsigned char *u,
                           unsigned char *work, double *sum) const {
    ait_fixed_point *fixed = (ait_fixed_point *)work;
    ait_fragment *digits = (ait_fragment *)(work + fixed_bytes());
    const int64_t lane = threadIdx.x % AIT_LANES, row_chunks = ait_ceil_div(count, AIT_FRAGMENT_DEPTH);
    form_residuals(count, is_first, residual, digits, fixed, sum + classes * columns);
    __syncthreads();
    for (int64_t strip = threadIdx.x / AIT_LANES; strip * AIT_STRIP < columns; strip += WARPS) {
      int32_t part[PRODUCTS][4] = {};
      for (int64_t k = 0; k < row_chunks; ++k) {
        const int64_t row = ait_smaller(count - 1, k * AIT_FRAGMENT_DEPTH + lane);
        uint32_t halves[4], a[4];
        ait_load_transposed(u + row * row_bytes(columns) + strip * AIT_STRIP, halves);
        ait_transpose_bytes(halves, a);
        for (int t = 0; t < PRODUCTS; ++t) {
          const ait_fragment b = digits[(k * PRODUCTS + t) * AIT_LANES + lane];
          ait_multiply_bytes(part[t], a, b.word);
        }
      }
      add_strip(part, strip, is_first, fixed, sum);
    }
    __syncthreads();
  }
};

/* Whether rows of so many columns are multiplied as bytes. */
inline bool ait_suit_bytes(int64_t columns) {
  return columns >= AIT_LEAST_BYTE_COLUMNS && columns <= AIT_MOST_BYTE_COLUMNS;
}

/* Calls function<ait_byte_tile<GROUPS>>(arguments...) for at most 32 classes. */
#define AIT_FOR_BYTES(classes, function, ...)                                        \
  ((classes) <= AIT_FRAGMENT_CLASSES       ? function<ait_byte_tile<1>>(__VA_ARGS__) \
   : (classes) <= 2 * AIT_FRAGMENT_CLASSES ? function<ait_byte_tile<2>>(__VA_ARGS__) \
                                           : function<ait_byte_tile<4>>(__VA_ARGS__))

#endif
#endif
