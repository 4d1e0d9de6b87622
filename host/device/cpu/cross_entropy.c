/* cross_entropy.c - softmax cross-entropy of rows of logits and its tangent, for networks with
 * activations. The formulas are those of the data pass (docs/derivation.md#folded-data-pass; where labels are noisy,
 * #transition-cleaning); the rows are cut into slots by their number alone. */
#include "device/cpu/noise.h"

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

/* Row i's weight w and, where it is a sigmoid(x), the derivative of it. */
static void row_weight(const ait_targets *targets, int64_t i, ait_real *w, ait_real *derivative) {
  *w = targets->weights != NULL ? targets->weights[i] : 1;
  *derivative = 0;
  if (targets->x != NULL) {
    sigmoid(targets->x[i], w, derivative);
  }
  if (targets->folds != NULL && (targets->folds[i] == targets->fold) != (targets->only_fold != 0)) {
    *w = *derivative = 0;
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

/* The same where the label is noisy: logits become L - max L. */
static double noisy_row(int64_t classes, const ait_real *log_noise, int32_t label, ait_real weight, ait_real scale,
                        ait_real *logits, ait_real *r) {
  ait_noise_shift(classes, logits);
  const ait_noise_row row = ait_noise_measure(classes, log_noise, label, logits);
  if (r != NULL) {
    ait_noise_residual(&row, scale, logits, r);
  }
  return (double)weight * ait_noise_loss(&row, logits);
}

ait_status ait_cpu_cross_entropy(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                 const ait_targets *targets, ait_real *logits, ait_real *r, ait_real *loss) {
  const ait_slots slots = ait_slots_of(count, LEAST_ROWS, LEAST_ROWS);
  double partial[AIT_SUM_SLOTS];
#pragma omp parallel for num_threads(device->threads) if (slots.count > 1)
  for (int64_t slot = 0; slot < slots.count; ++slot) {
    partial[slot] = 0;
    for (int64_t i = ait_slot_begin(&slots, slot); i < ait_slot_end(&slots, slot); ++i) {
      const int32_t label = targets->labels[i];
      ait_real weight, derivative, *l = logits + i * classes, *out = r != NULL ? r + i * classes : NULL;
      row_weight(targets, i, &weight, &derivative);
      const ait_real scale = weight / (ait_real)total;
      partial[slot] += targets->log_noise != NULL ? noisy_row(classes, targets->log_noise, label, weight, scale, l, out)
                                                  : entropy_row(classes, label, weight, scale, l, out);
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

static ait_real noisy_tangent_row(int64_t classes, const ait_real *log_noise, int32_t label, ait_real scale,
                                  const ait_real *l, ait_real *s, ait_real *slopes) {
  const ait_noise_row row = ait_noise_measure(classes, log_noise, label, l);
  return ait_noise_tangent(&row, scale, l, s, slopes);
}

ait_status ait_cpu_cross_entropy_tangent(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                         const ait_targets *targets, const ait_real *logits, ait_real *s,
                                         ait_real *cross, ait_real *slopes) {
#pragma omp parallel for num_threads(device->threads) if (count * classes > AIT_CPU_SERIAL / 8)
  for (int64_t i = 0; i < count; ++i) {
    const int32_t label = targets->labels[i];
    const ait_real *l = logits + i * classes;
    ait_real weight, derivative, *own = slopes != NULL ? slopes + i * classes : NULL;
    row_weight(targets, i, &weight, &derivative);
    const ait_real scale = weight / (ait_real)total;
    const ait_real mean = targets->log_noise != NULL
                              ? noisy_tangent_row(classes, targets->log_noise, label, scale, l, s + i * classes, own)
                              : tangent_row(classes, label, scale, l, s + i * classes);
    if (cross != NULL) {
      cross[i] = derivative / (ait_real)total * mean;
    }
  }
  return AIT_OK;
}

enum { SUM_LABELS = 64 };

/* out_g of class c and at most SUM_LABELS labels, in double, over all rows in their order. */
static void noise_cross_range(int64_t count, int64_t classes, int64_t c, int64_t begin, const int32_t *labels,
                              const ait_real *slopes, ait_real *out) {
  const int64_t end = ait_min64(classes, begin + SUM_LABELS);
  double sum[SUM_LABELS] = {0};
  for (int64_t i = 0; i < count; ++i) {
    if (labels[i] >= begin && labels[i] < end) {
      sum[labels[i] - begin] += (double)slopes[i * classes + c];
    }
  }
  for (int64_t g = begin; g < end; ++g) {
    out[g] = (ait_real)-sum[g - begin];
  }
}

ait_status ait_cpu_noise_cross(ait_device *device, int64_t count, int64_t classes, const int32_t *labels,
                               const ait_real *slopes, ait_real *out) {
#pragma omp parallel for num_threads(device->threads) if (count * classes > AIT_CPU_SERIAL / 8)
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t begin = 0; begin < classes; begin += SUM_LABELS) {
      noise_cross_range(count, classes, c, begin, labels, slopes, out + c * classes);
    }
  }
  return AIT_OK;
}
