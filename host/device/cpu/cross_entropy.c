/* cross_entropy.c - softmax cross-entropy of rows of logits and its tangent, for networks with
 * activations. The formulas are those of the data pass (docs/derivation.md#folded-data-pass); the rows are cut into
 * slots by their number alone. */
#include "device/cpu/cpu.h"

enum { LEAST_ROWS = 16 };

/* sigmoid(x) and its derivative, without overflow and without the cancellation of w (1 - w). */
static void sigmoid(ait_real x, ait_real *w, ait_real *derivative) {
  ait_real e = ait_real_exp(-ait_real_fabs(x));
  ait_real inverse = 1 / (1 + e);
  *w = x >= 0 ? inverse : e * inverse;
  *derivative = e * inverse * inverse;
  if (isnan(x)) {
    *w = *derivative = x;
  }
}

/* One row: logits become P; r = scale w (P - onehot), with P_y - 1 taken as minus the sum of the
 * others, which does not cancel. Returns w CE,
 * CE = log sum_c exp(L_c - max) - (L_y - max), which is log1p of the others where L_y is the largest. */
static double entropy_row(int64_t classes, int32_t label, ait_real weight, ait_real scale, ait_real *logits,
                          ait_real *r) {
  ait_real largest = logits[0];
  for (int64_t c = 1; c < classes; ++c) {
    largest = logits[c] > largest ? logits[c] : largest;
  }
  ait_real others = 0, own = logits[label] - largest;
  for (int64_t c = 0; c < classes; ++c) {
    logits[c] = ait_real_exp(logits[c] - largest);
    others += c == label ? 0 : logits[c];
  }
  ait_real sum = others + logits[label];
  for (int64_t c = 0; c < classes; ++c) {
    logits[c] /= sum;
    if (r != NULL) {
      r[c] = scale * (c == label ? -(others / sum) : logits[c]);
    }
  }
  return (double)weight * (own == 0 ? log1p((double)others) : log((double)sum) - (double)own);
}

ait_status ait_cpu_cross_entropy(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                 const int32_t *labels, const ait_real *x, ait_real *logits, ait_real *r,
                                 ait_real *loss) {
  const ait_slots slots = ait_slots_of(count, LEAST_ROWS, LEAST_ROWS);
  double partial[AIT_SUM_SLOTS];
#pragma omp parallel for num_threads(device->threads) if (slots.count > 1)
  for (int64_t slot = 0; slot < slots.count; ++slot) {
    partial[slot] = 0;
    for (int64_t i = ait_slot_begin(&slots, slot); i < ait_slot_end(&slots, slot); ++i) {
      ait_real weight = 1, derivative;
      if (x != NULL) {
        sigmoid(x[i], &weight, &derivative);
      }
      partial[slot] += entropy_row(classes, labels[i], weight, weight / (ait_real)total, logits + i * classes,
                                   r != NULL ? r + i * classes : NULL);
    }
  }
  double sum = 0;
  for (int64_t slot = 0; slot < slots.count; ++slot) {
    sum += partial[slot];
  }
  if (loss != NULL) {
    *loss = (ait_real)(sum / (double)total);
  }
  return AIT_OK;
}

ait_status ait_cpu_cross_entropy_x_gradient(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                            const int32_t *labels, const ait_real *x, ait_real *logits, ait_real *out) {
#pragma omp parallel for num_threads(device->threads) if (count * classes > AIT_CPU_SERIAL / 8)
  for (int64_t i = 0; i < count; ++i) {
    ait_real weight, derivative;
    sigmoid(x[i], &weight, &derivative);
    const double entropy = entropy_row(classes, labels[i], 1, 0, logits + i * classes, NULL);
    out[i] = (ait_real)((double)derivative / (double)total * entropy);
  }
  return AIT_OK;
}

ait_status ait_cpu_softmax(ait_device *device, int64_t count, int64_t classes, ait_real *logits) {
#pragma omp parallel for num_threads(device->threads) if (count * classes > AIT_CPU_SERIAL / 8)
  for (int64_t i = 0; i < count; ++i) {
    entropy_row(classes, 0, 0, 0, logits + i * classes, NULL);
  }
  return AIT_OK;
}

/* One row. s is measured from that of the most probable class, so that rowsum(P s) is a sum over the other
 * classes, which does not cancel. Writes scale P (s - rowsum) over s; returns sum_c (P - onehot)_c s_c. */
static ait_real tangent_row(int64_t classes, int32_t label, ait_real scale, const ait_real *p, ait_real *s) {
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

ait_status ait_cpu_cross_entropy_tangent(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                         const int32_t *labels, const ait_real *x, const ait_real *p, ait_real *s,
                                         ait_real *cross) {
#pragma omp parallel for num_threads(device->threads) if (count * classes > AIT_CPU_SERIAL / 8)
  for (int64_t i = 0; i < count; ++i) {
    ait_real weight = 1, derivative = 0;
    if (x != NULL) {
      sigmoid(x[i], &weight, &derivative);
    }
    const ait_real slope = tangent_row(classes, labels[i], weight / (ait_real)total, p + i * classes, s + i * classes);
    if (cross != NULL) {
      cross[i] = derivative / (ait_real)total * slope;
    }
  }
  return AIT_OK;
}
