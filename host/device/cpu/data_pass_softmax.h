/* data_pass_softmax.h (internal) - the part of the data pass between its two products, of one block of
 * AIT_PASS_ROWS rows: weights, softmax, loss, residuals and their tangents. Included by every file of
 * kernels, so that it is compiled for their instructions. Matrices of a block are classes x AIT_PASS_ROWS. */
#ifndef AIT_DATA_PASS_SOFTMAX_H
#define AIT_DATA_PASS_SOFTMAX_H

#include <string.h>

#include "device/cpu/data_pass.h"

/* The sum of AIT_PASS_ROWS numbers in double. */
static double sum_rows(const ait_real *v) {
  double lane[8] = {0};
  for (int i = 0; i < AIT_PASS_ROWS; i += 8) {
    for (int l = 0; l < 8; ++l) {
      lane[l] += (double)v[i + l];
    }
  }
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

#ifdef AIT_DOUBLE
typedef uint64_t real_bits;
#define MANTISSA_BITS 52
#define ROUNDER       0x1.8p52 /* adding it leaves an integer in the low bits */
#define LEAST         (-708.0) /* exp of it is still a normal number */
#define LN2_HIGH      0x1.62e42feep-1
#define LN2_LOW       0x1.a39ef35793c76p-33
#define EXP_TERMS     13
#define LOG_TERMS     11
#else
typedef uint32_t real_bits;
#define MANTISSA_BITS 23
#define ROUNDER       0x1.8p23f
#define LEAST         (-87.0f)
#define LN2_HIGH      0x1.62e4p-1f
#define LN2_LOW       0x1.7f7d1cp-20f
#define EXP_TERMS     7
#define LOG_TERMS     5
#endif
#define LN2          ((ait_real)0x1.62e42fefa39efp-1)
#define INVERSE_LN2  ((ait_real)0x1.71547652b82fep+0)
#define ROOT_OF_HALF ((ait_real)0x1.6a09e667f3bcdp-1)

INLINE real_bits bits_of(ait_real value) {
  real_bits bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

INLINE ait_real real_of(real_bits bits) {
  ait_real value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* exp(x) for x <= 0: x = n ln 2 + r with |r| <= ln 2 / 2, and Taylor's polynomial of exp(r), whose
 * remainder is below a tenth of the last bit. exp(LEAST) for smaller x; NaN stays NaN. */
INLINE ait_real exp_nonpositive(ait_real x) {
  static const ait_real inverse_factorial[] = {
      1,          1,           1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
      1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  x = x < LEAST ? LEAST : x;
  const ait_real shifted = x * INVERSE_LN2 + ROUNDER, n = shifted - ROUNDER;
  const ait_real r = (x - n * LN2_HIGH) - n * LN2_LOW;
  ait_real p = inverse_factorial[EXP_TERMS];
#pragma GCC unroll 16
  for (int k = EXP_TERMS - 1; k >= 0; --k) {
    p = p * r + inverse_factorial[k];
  }
  return p * real_of((bits_of(shifted) << MANTISSA_BITS) + bits_of(1));
}

/* log(x) for x >= 1, given x - 1 with the digits that x has lost: x = 2^e m with m around 1, and the
 * series of 2 artanh(s), s = (m - 1) / (m + 1), whose remainder is below a tenth of the last bit.
 * x - x keeps NaN, which the bits would lose. */
INLINE ait_real log_from_one(ait_real x, ait_real excess) {
  const real_bits e = (bits_of(x) - bits_of(ROOT_OF_HALF)) >> MANTISSA_BITS;
  const ait_real f = e == 0 ? excess : real_of(bits_of(x) - (e << MANTISSA_BITS)) - 1;
  const ait_real s = f / (2 + f), square = s * s;
  ait_real p = (ait_real)1 / (2 * LOG_TERMS - 1);
#pragma GCC unroll 16
  for (int k = LOG_TERMS - 2; k >= 0; --k) {
    p = p * square + (ait_real)1 / (2 * k + 1);
  }
  return (ait_real)(int32_t)e * LN2 + 2 * s * p + (x - x);
}

/* What softmax knows of every row of a block. Labels are held as numbers, so that comparing them
 * yields masks of the right width. */
typedef struct row_terms {
  ait_real label[AIT_PASS_ROWS];      /* -1 in padded rows */
  ait_real weight[AIT_PASS_ROWS];     /* w; 0 in padded rows and in those that their fold leaves out */
  ait_real derivative[AIT_PASS_ROWS]; /* sigmoid'(x) */
  ait_real top[AIT_PASS_ROWS];        /* the first class whose logit is the largest; -1 where none is */
  ait_real own[AIT_PASS_ROWS];        /* L_y - max_c L_c */
  ait_real others[AIT_PASS_ROWS];     /* sum of exp(L_c - max) over c != y */
  ait_real sum[AIT_PASS_ROWS];        /* and over all c */
  ait_real inverse[AIT_PASS_ROWS];    /* 1 / sum */
} row_terms;

/* e = exp(-|x|) gives both w and w' = e / (1 + e)^2 without overflow or cancellation. */
static void read_weights(const ait_pass *pass, int64_t begin, int64_t count, row_terms *t) {
  for (int64_t i = 0; pass->weights != NULL && i < count; ++i) {
    t->weight[i] = pass->weights[begin + i];
  }
  for (int64_t i = 0; pass->x != NULL && i < count; ++i) {
    const ait_real x = pass->x[begin + i], e = exp_nonpositive(-ait_real_fabs(x)), inverse = 1 / (1 + e);
    t->weight[i] = x >= 0 ? inverse : e * inverse;
    t->derivative[i] = e * inverse * inverse;
  }
}

static void read_rows(const ait_pass *pass, int64_t begin, int64_t count, row_terms *t) {
  for (int64_t i = 0; i < AIT_PASS_ROWS; ++i) {
    t->label[i] = i < count ? (ait_real)pass->labels[begin + i] : -1;
    t->weight[i] = i < count ? 1 : 0;
    t->derivative[i] = 0;
  }
  read_weights(pass, begin, count, t);
  for (int64_t i = 0; pass->folds != NULL && i < count; ++i) {
    const int counts = (pass->folds[begin + i] == pass->fold) == (pass->only_fold != 0);
    t->weight[i] = counts ? t->weight[i] : 0;
    t->derivative[i] = counts ? t->derivative[i] : 0;
  }
}

/* logits without bias become exp(L_c - max); fills top, own, others, sum and inverse. */
static void exponentials(const ait_pass_job *job, ait_real *logits, row_terms *t) {
  ait_real largest[AIT_PASS_ROWS], label_exponential[AIT_PASS_ROWS] = {0};
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    largest[i] = -ait_real_infinity;
    t->own[i] = t->others[i] = 0;
    t->top[i] = -1;
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *l = logits + c * AIT_PASS_ROWS;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      l[i] += job->b[c];
      largest[i] = l[i] > largest[i] ? l[i] : largest[i];
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *l = logits + c * AIT_PASS_ROWS;
    const ait_real class_number = (ait_real)c;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      const ait_real below = l[i] - largest[i], e = exp_nonpositive(below);
      const int is_label = t->label[i] == class_number;
      t->top[i] = below == 0 && t->top[i] < 0 ? class_number : t->top[i];
      t->own[i] = is_label ? below : t->own[i];
      label_exponential[i] = is_label ? e : label_exponential[i];
      t->others[i] += is_label ? 0 : e;
      l[i] = e;
    }
  }
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    t->sum[i] = t->others[i] + label_exponential[i];
    t->inverse[i] = 1 / t->sum[i];
  }
}

/* sum_i w_i CE_i of a block, CE = log sum_c exp(L_c - max) - (L_y - max). Where the label has the
 * largest logit, the sum is 1 + others, and CE keeps its digits however small it is. */
static double block_loss(const row_terms *t) {
  ait_real loss[AIT_PASS_ROWS];
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    const ait_real excess = t->own[i] == 0 ? t->others[i] : t->sum[i] - 1;
    loss[i] = t->weight[i] * (log_from_one(t->sum[i], excess) - t->own[i]);
  }
  return sum_rows(loss);
}

/* exponentials become w (P - onehot); P_y - 1 is minus the sum of the others, which does not cancel. */
static void residuals(const ait_pass_job *job, const row_terms *t, ait_real *exponential) {
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *r = exponential + c * AIT_PASS_ROWS;
    const ait_real class_number = (ait_real)c;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      const ait_real numerator = t->label[i] == class_number ? -t->others[i] : r[i];
      r[i] = t->weight[i] * (numerator * t->inverse[i]);
    }
  }
}

/* slopes S without bias become w (P*S - P*rowsum(P*S)); mean_i = sum_c (P - onehot)_c S_c. S is measured from
 * that of the top class, so that rowsum(P*S) is a sum over the other classes: every entry keeps its digits
 * however near 1 a P_c is, and a row's entries add up to 0 as well as P to 1. */
static void tangents(const ait_pass_job *job, const row_terms *t, const ait_real *exponential, ait_real *slopes,
                     ait_real *mean) {
  ait_real top[AIT_PASS_ROWS] = {0}, own[AIT_PASS_ROWS] = {0}, weighted[AIT_PASS_ROWS] = {0};
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *s = slopes + c * AIT_PASS_ROWS;
    const ait_real class_number = (ait_real)c;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      s[i] += job->w[c];
      top[i] = t->top[i] == class_number ? s[i] : top[i];
      own[i] = t->label[i] == class_number ? s[i] : own[i];
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    const ait_real *e = exponential + c * AIT_PASS_ROWS;
    ait_real *s = slopes + c * AIT_PASS_ROWS;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      s[i] -= top[i];
      weighted[i] += e[i] * t->inverse[i] * s[i];
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    const ait_real *e = exponential + c * AIT_PASS_ROWS;
    ait_real *s = slopes + c * AIT_PASS_ROWS;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      s[i] = t->weight[i] * (e[i] * t->inverse[i]) * (s[i] - weighted[i]);
    }
  }
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    mean[i] = weighted[i] - (own[i] - top[i]);
  }
}

static void write_cross(const ait_pass *pass, int64_t begin, int64_t count, const row_terms *t, const ait_real *mean) {
  for (int64_t i = 0; pass->cross != NULL && i < count; ++i) {
    pass->cross[begin + i] = t->derivative[i] / (ait_real)pass->rows->rows * mean[i];
  }
}

/* Of rows whose labels are right. */
static void exact_softmax(const ait_pass_job *job, int64_t begin, int64_t count, double *loss, row_terms *t,
                          ait_real *logits, ait_real *slopes) {
  const ait_pass *pass = job->pass;
  exponentials(job, logits, t);
  if (pass->loss != NULL) {
    *loss = block_loss(t);
  }
  if (job->v != NULL) {
    ait_real mean[AIT_PASS_ROWS];
    tangents(job, t, logits, slopes, mean);
    write_cross(pass, begin, count, t, mean);
  }
  if (pass->gradient != NULL) {
    residuals(job, t, logits);
  }
}

#include "device/cpu/data_pass_noise.h"

/* What is done to the logits and slopes of a block between its products: `softmax` of ait_pass_kernel. */
static void softmax(const ait_pass_job *job, int64_t begin, int64_t count, double *loss, double *noise,
                    ait_real *logits, ait_real *slopes) {
  row_terms t;
  read_rows(job->pass, begin, count, &t);
  if (job->pass->log_noise != NULL) {
    noisy_softmax(job, begin, count, loss, noise, &t, logits, slopes);
  } else {
    exact_softmax(job, begin, count, loss, &t, logits, slopes);
  }
}

#endif
