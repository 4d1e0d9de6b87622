/* softmax.cuh - one row of logits: softmax, cross-entropy, residual, and their tangents
 * (docs/derivation.md#folded-data-pass). The formulas are chosen not to cancel where a P_c is near 1 or w near 0 or 1.
 */
#ifndef AIT_KERNELS_SOFTMAX_CUH
#define AIT_KERNELS_SOFTMAX_CUH

#include "ait/real.h"
#include "device.cuh"
#include "kernels.h"

/* Row i's weight w and, where it is a sigmoid(x), the derivative of it, without overflow; NaN stays NaN. */
__device__ inline void ait_row_weight(const ait_row_weights &from, int64_t i, ait_real *w, ait_real *derivative) {
  *w = from.weights != NULL ? from.weights[i] : 1;
  *derivative = 0;
  if (from.x != NULL) {
    const ait_real x = from.x[i], e = exp(-fabs(x)), inverse = 1 / (1 + e);
    *w = isnan(x) ? x : x >= 0 ? inverse : e * inverse;
    *derivative = isnan(x) ? x : e * inverse * inverse;
  }
  if (from.folds != NULL && (from.folds[i] == from.fold) != (from.only_fold != 0)) {
    *w = *derivative = 0;
  }
}

/* The softmax P over the logits, in place; entry c stands at p[c]. Returns the cross-entropy
 * log sum_c exp(L_c - max) - (L_y - max), which is log1p of the others where L_y is the largest;
 * *own_residual is P_y - 1 as minus the sum of the others. */
__device__ inline double ait_softmax_row(int64_t classes, int32_t label, ait_real *p, ait_real *own_residual) {
  ait_real largest = p[0];
  for (int64_t c = 1; c < classes; ++c) {
    largest = p[c] > largest ? p[c] : largest;
  }
  const ait_real own = p[label] - largest;
  ait_real others = 0;
  for (int64_t c = 0; c < classes; ++c) {
    p[c] = exp(p[c] - largest);
    others += c == label ? 0 : p[c];
  }
  const ait_real sum = others + p[label];
  for (int64_t c = 0; c < classes; ++c) {
    p[c] /= sum;
  }
  *own_residual = -(others / sum);
  return own == 0 ? log1p((double)others) : log((double)sum) - (double)own;
}

/* With s = d(logits) measured from that of the most probable class, rowsum(P s) is a sum over the other classes.
 * Writes scale P (s - rowsum(P s)) over s and returns sum_c (P - onehot)_c s_c. */
__device__ inline ait_real ait_tangent_row(int64_t classes, int32_t label, ait_real scale, const ait_real *p,
                                           ait_real *s) {
  int64_t top = 0;
  for (int64_t c = 1; c < classes; ++c) {
    top = p[c] > p[top] ? c : top;
  }
  const ait_real reference = s[top], own = s[label] - reference;
  ait_real sum = 0;
  for (int64_t c = 0; c < classes; ++c) {
    s[c] -= reference;
    sum += p[c] * s[c];
  }
  for (int64_t c = 0; c < classes; ++c) {
    s[c] = scale * p[c] * (s[c] - sum);
  }
  return sum - own;
}

#endif
