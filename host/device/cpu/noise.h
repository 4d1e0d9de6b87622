/* noise.h (internal) - one row of logits whose label is noisy: its residual and loss, and their tangents
 * (docs/derivation.md#transition-cleaning). The data pass has its own, of blocks of rows (data_pass_noise.h).
 *
 * P and the posterior r, r_c = P_c T_cg / sum_k P_k T_kg, are softmaxes of L_c and of B_c = L_c - max L + log T_cg.
 * The row holds l_c = L_c - max L; exponentials are taken where they are needed. Terms of 0 times a number keep NaN and
 * infinity, which comparisons would lose. */
#ifndef AIT_CPU_NOISE_H
#define AIT_CPU_NOISE_H

#include "device/cpu/cpu.h"

/* Of the two softmaxes: the first class of the largest number, the sum of the exponentials of the others, and the
 * inverse of the sum of all. */
typedef struct ait_noise_row {
  const ait_real *log_noise; /* log T_cg stands at [c * classes] */
  int64_t classes, top, likely;
  ait_real best; /* max_c B_c */
  ait_real others, unlikely, inverse, posterior_inverse;
} ait_noise_row;

static inline ait_real ait_noise_b(const ait_noise_row *row, const ait_real *l, int64_t c) {
  return l[c] + row->log_noise[c * row->classes];
}

static inline ait_real ait_noise_prior(const ait_noise_row *row, const ait_real *l, int64_t c) {
  return ait_real_exp(l[c]) * row->inverse;
}

static inline ait_real ait_noise_posterior(const ait_noise_row *row, const ait_real *l, int64_t c) {
  return ait_real_exp(ait_noise_b(row, l, c) - row->best) * row->posterior_inverse;
}

/* L becomes L - max L. */
static inline void ait_noise_shift(int64_t classes, ait_real *l) {
  ait_real largest = l[0];
  for (int64_t c = 1; c < classes; ++c) {
    largest = l[c] > largest ? l[c] : largest;
  }
  for (int64_t c = 0; c < classes; ++c) {
    l[c] -= largest;
  }
}

static inline ait_noise_row ait_noise_measure(int64_t classes, const ait_real *log_noise, int32_t label,
                                              const ait_real *l) {
  ait_noise_row row = {.log_noise = log_noise + label, .classes = classes};
  for (int64_t c = 1; c < classes; ++c) {
    row.top = l[c] > l[row.top] ? c : row.top;
    row.likely = ait_noise_b(&row, l, c) > ait_noise_b(&row, l, row.likely) ? c : row.likely;
  }
  row.best = ait_noise_b(&row, l, row.likely);
  for (int64_t c = 0; c < classes; ++c) {
    row.others += c == row.top ? 0 : ait_real_exp(l[c]);
    row.unlikely += c == row.likely ? 0 : ait_real_exp(ait_noise_b(&row, l, c) - row.best);
  }
  row.inverse = 1 / (1 + row.others + 0 * l[row.top]);
  row.posterior_inverse = 1 / (1 + row.unlikely + 0 * row.best);
  return row;
}

/* -log sum_c P_c T_cg */
static inline double ait_noise_loss(const ait_noise_row *row, const ait_real *l) {
  return log1p((double)row->others) - log1p((double)row->unlikely) - (double)(row->best + 0 * l[row->top]);
}

/* out = scale (P - r); that of the top class is minus the sum of the others, which keeps its digits. */
static inline void ait_noise_residual(const ait_noise_row *row, ait_real scale, const ait_real *l, ait_real *out) {
  ait_real rest = 0;
  for (int64_t c = 0; c < row->classes; ++c) {
    const ait_real own = ait_noise_prior(row, l, c) - ait_noise_posterior(row, l, c);
    rest += c == row->top ? 0 : own;
    out[c] = scale * own;
  }
  out[row->top] = -scale * rest;
}

/* s becomes scale (P*(s - <P,s>) - r*(s - <r,s>)), slopes (may be NULL) scale r*(s - <r,s>); returns <P - r, s>. */
static inline ait_real ait_noise_tangent(const ait_noise_row *row, ait_real scale, const ait_real *l, ait_real *s,
                                         ait_real *slopes) {
  const ait_real top = s[row->top], likely = s[row->likely];
  ait_real prior = 0, posterior = 0;
  for (int64_t c = 0; c < row->classes; ++c) {
    prior += ait_noise_prior(row, l, c) * (s[c] - top);
    posterior += ait_noise_posterior(row, l, c) * (s[c] - likely);
  }
  for (int64_t c = 0; c < row->classes; ++c) {
    const ait_real own = scale * ait_noise_posterior(row, l, c) * (s[c] - likely - posterior);
    s[c] = scale * ait_noise_prior(row, l, c) * (s[c] - top - prior) - own;
    if (slopes != NULL) {
      slopes[c] = own;
    }
  }
  return prior - posterior + (top - likely);
}

#endif
