/* transition.c - what transition cleaning takes from its UL variables log lambda and logit e, and gives back to them
 * (docs/derivation.md#transition-cleaning). */
#include "device/cpu/cpu.h"

/* log(1 + e^u) without overflow. */
static double softplus(double u) {
  return fmax(u, 0) + log1p(exp(-fabs(u))) + 0 * u; /* 0 u keeps NaN, which fmax loses */
}

ait_status ait_cpu_transition_terms(ait_device *device, int64_t classes, const ait_real *x, ait_real *lambda,
                                    ait_real *log_noise) {
  (void)device;
  *lambda = (ait_real)exp((double)x[0]);
  if (log_noise == NULL) {
    return AIT_OK;
  }
  const double right = -softplus((double)x[1]), wrong = -softplus(-(double)x[1]) - log((double)(classes - 1));
  for (int64_t k = 0; k < classes * classes; ++k) {
    log_noise[k] = (ait_real)(k % (classes + 1) == 0 ? right : wrong);
  }
  return AIT_OK;
}

ait_status ait_cpu_transition_cross(ait_device *device, int64_t batch, int64_t classes, const uint8_t *active,
                                    const ait_real *x, const ait_real *dots, const ait_real *noise_cross,
                                    ait_real *xv) {
  (void)device;
  double dot = 0, right = 0, wrong = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const int counts = active == NULL || active[b] != 0;
    dot += counts ? (double)dots[b] : 0;
    for (int64_t k = 0; counts && noise_cross != NULL && k < classes * classes; ++k) {
      *(k % (classes + 1) == 0 ? &right : &wrong) += (double)noise_cross[b * classes * classes + k];
    }
  }
  xv[0] = (ait_real)(exp((double)x[0]) * dot);
  if (noise_cross != NULL) {
    const double rate = exp(-softplus(-(double)x[1])), rest = exp(-softplus((double)x[1]));
    xv[1] = (ait_real)(rest * wrong - rate * right);
  }
  return AIT_OK;
}
