/* trial.h - what becomes of the trial point of one LL problem: shared by the devices, so that all of them decide alike
 * (docs/derivation.md#l-bfgs). */
#ifndef AIT_DEVICE_TRIAL_H
#define AIT_DEVICE_TRIAL_H

#include <math.h>

#include "device/device.h"

#ifdef __CUDACC__
#define AIT_ANY_SIDE __host__ __device__
#else
#define AIT_ANY_SIDE
#endif

/* Armijo's constant; the relative noise of f in units of its rounding; the secant pair's least curvature beside
 * the scaling in use; the shortest step. */
#define AIT_TRIAL_DECREASE  1e-4
#define AIT_TRIAL_NOISE     8
#define AIT_TRIAL_CURVATURE 1e-8
#define AIT_TRIAL_SHORTEST  1e-12

/* f fell enough along the step: by Armijo's rule, or, where rounding hides that, by the slopes alone. */
static inline AIT_ANY_SIDE int32_t ait_trial_is_good(const ait_trial *t, int64_t b) {
  const double f = t->f[b], slope = t->slope[b], best = t->best_f[b], best_slope = t->best_slope[b];
  const double epsilon = sizeof(ait_real) == sizeof(double) ? 2.2204460492503131e-16 : 1.1920928955078125e-7;
  const int32_t armijo = f <= best + AIT_TRIAL_DECREASE * t->step[b] * best_slope;
  const int32_t by_slope =
      f <= best + AIT_TRIAL_NOISE * epsilon * fabs(best) && slope <= (2 * AIT_TRIAL_DECREASE - 1) * best_slope;
  return isfinite(f) && isfinite(slope) && isfinite((double)t->square[b]) && best_slope < 0 && (armijo || by_slope);
}

/* The step after a refused one: where the parabola through f, its slope and the refused f is least, between a tenth
 * and a half of it. */
static inline AIT_ANY_SIDE double ait_trial_shorter(const ait_trial *t, int64_t b) {
  const double step = t->step[b], fall = step * (double)t->best_slope[b];
  const double least = -0.5 * step * fall / ((double)t->f[b] - (double)t->best_f[b] - fall);
  return least >= 0.1 * step ? (least <= 0.5 * step ? least : 0.5 * step) : 0.1 * step;
}

/* 1 / s'v, and the scaling s'v / v'Mv that goes with it; 0, and the scaling as it was, where the pair has no
 * curvature to speak of. */
static inline AIT_ANY_SIDE void ait_trial_pair(const ait_trial *t, int64_t b) {
  const double secant = t->secant[b], bend = t->bend[b];
  const ait_real inverse = (ait_real)(1 / secant);
  const int32_t usable = secant > AIT_TRIAL_CURVATURE * t->scaling[b] * bend && bend > 0 && isfinite((double)inverse);
  t->rho[b] = usable ? inverse : 0;
  t->scaling[b] = usable ? (ait_real)(secant / bend) : t->scaling[b];
}

static inline AIT_ANY_SIDE void ait_trial_accept(const ait_trial *t, int64_t b) {
  if (t->first) {
    t->start[b] = t->square[b];
    t->limit[b] = (ait_real)(t->tolerance * t->tolerance * (double)t->square[b]);
    t->rho[b] = 0;
  } else {
    ait_trial_pair(t, b);
  }
  t->best_f[b] = t->f[b];
  t->residual[b] = t->square[b];
  t->iterations[b] = t->first ? 0 : t->iterations[b] + 1;
  t->step[b] = 1;
  t->active[b] = !(t->square[b] <= t->limit[b]);
}

/* Of LL problem b; see ait_trial. */
static inline AIT_ANY_SIDE void ait_judge_trial(const ait_trial *t, int64_t b) {
  t->accepted[b] = t->active[b] != 0 && (t->first || ait_trial_is_good(t, b));
  if (t->accepted[b]) {
    ait_trial_accept(t, b);
    return;
  }
  t->rho[b] = 0;
  if (t->active[b] != 0) {
    t->step[b] = (ait_real)ait_trial_shorter(t, b);
    t->active[b] = t->step[b] > AIT_TRIAL_SHORTEST;
  }
}

#endif
