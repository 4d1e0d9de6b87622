/* noise.cuh - one row whose label is noisy: its residual and loss, and their tangents
 * (docs/derivation.md#transition-cleaning).
 *
 * P and the posterior r, r_c = P_c T_cg / sum_k P_k T_kg, are softmaxes of L_c and of B_c = L_c - max L + log T_cg.
 * The row holds L_c - max L all the while; exponentials are taken where they are needed. Terms of 0 times a number
 * keep NaN and infinity, which comparisons would lose. */
#ifndef AIT_KERNELS_NOISE_CUH
#define AIT_KERNELS_NOISE_CUH

#include "softmax.cuh"

/* Of the two softmaxes: the first class of the largest number, the sum of the exponentials of the others, and the
 * inverse of the sum of all. */
struct ait_noise_row {
  const ait_real *log_noise; /* log T_cg stands at [c * classes] */
  int64_t classes, top, likely;
  ait_real best; /* max_c B_c */
  ait_real others, unlikely, inverse, posterior_inverse;

  __device__ ait_real b(const ait_real *l, int64_t c) const {
    return l[c] + log_noise[c * classes];
  }
  __device__ ait_real prior(const ait_real *l, int64_t c) const {
    return exp(l[c]) * inverse;
  }
  __device__ ait_real posterior(const ait_real *l, int64_t c) const {
    return exp(b(l, c) - best) * posterior_inverse;
  }
};

/* L becomes L - max L. */
__device__ inline void ait_shift_noise_row(int64_t classes, ait_real *l) {
  ait_real largest = l[0];
  for (int64_t c = 1; c < classes; ++c) {
    largest = l[c] > largest ? l[c] : largest;
  }
  for (int64_t c = 0; c < classes; ++c) {
    l[c] -= largest;
  }
}

__device__ inline ait_noise_row ait_measure_noise_row(int64_t classes, const ait_real *log_noise, int32_t label,
                                                      const ait_real *l) {
  ait_noise_row row = {};
  row.log_noise = log_noise + label;
  row.classes = classes;
  for (int64_t c = 1; c < classes; ++c) {
    row.top = l[c] > l[row.top] ? c : row.top;
    row.likely = row.b(l, c) > row.b(l, row.likely) ? c : row.likely;
  }
  row.best = row.b(l, row.likely);
  for (int64_t c = 0; c < classes; ++c) {
    row.others += c == row.top ? 0 : exp(l[c]);
    row.unlikely += c == row.likely ? 0 : exp(row.b(l, c) - row.best);
  }
  row.inverse = 1 / (1 + row.others + 0 * l[row.top]);
  row.posterior_inverse = 1 / (1 + row.unlikely + 0 * row.best);
  return row;
}

/* -log sum_c P_c T_cg */
__device__ inline double ait_noise_loss(const ait_noise_row &row, const ait_real *l) {
  return log1p((double)row.others) - log1p((double)row.unlikely) - (double)(row.best + 0 * l[row.top]);
}

/* out = scale (P - r); that of the top class is minus the sum of the others, which keeps its digits. `out` may be l. */
__device__ inline void ait_noise_residual(const ait_noise_row &row, ait_real scale, const ait_real *l, ait_real *out) {
  ait_real rest = 0;
  for (int64_t c = 0; c < row.classes; ++c) {
    const ait_real own = row.prior(l, c) - row.posterior(l, c);
    rest += c == row.top ? 0 : own;
    out[c] = scale * own;
  }
  out[row.top] = -scale * rest;
}

/* s becomes scale (P*(s - <P,s>) - r*(s - <r,s>)), slopes (may be NULL) scale r*(s - <r,s>); returns <P - r, s>. */
__device__ inline ait_real ait_noise_tangent(const ait_noise_row &row, ait_real scale, const ait_real *l, ait_real *s,
                                             ait_real *slopes) {
  const ait_real top = s[row.top], likely = s[row.likely];
  ait_real prior = 0, posterior = 0;
  for (int64_t c = 0; c < row.classes; ++c) {
    prior += row.prior(l, c) * (s[c] - top);
    posterior += row.posterior(l, c) * (s[c] - likely);
  }
  for (int64_t c = 0; c < row.classes; ++c) {
    const ait_real own = scale * row.posterior(l, c) * (s[c] - likely - posterior);
    s[c] = scale * row.prior(l, c) * (s[c] - top - prior) - own;
    if (slopes != NULL) {
      slopes[c] = own;
    }
  }
  return prior - posterior + (top - likely);
}

#endif
