/* rate.h - the size of an LL step by the curvature of the LL objective: --ll-rate auto. */
#ifndef AIT_RUN_RATE_H
#define AIT_RUN_RATE_H

#include "run/data.h"
#include "run/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the settings ask for it, puts 1 / L into ll_rate, and into init_rate if that was not given. L, put into
 * ll_curvature, is the largest curvature of what the method's LL steps descend with every weight at 1, the largest that
 * a weight can be, at the start of the classifier and at points between it and 0
 * (docs/derivation.md#the-size-of-an-ll-step). Errors: AIT_UNSUPPORTED (f has no curvature there: the sentence says
 * what to do), and whatever ait_problem_ll_curvature returns. */
ait_status ait_clean_settings_choose_rate(ait_context *context, const ait_clean_data *data,
                                          ait_clean_settings *settings);

/* The largest curvature at (x, y) of what a method's LL steps descend: f, or with the aggregate mapping also
 * (1 - mu_0) f + mu_0 F. Errors: those of ait_problem_ll_curvature. */
ait_status ait_curvature_of_steps(ait_problem *problem, const ait_method *method, const ait_real *x, const ait_real *y,
                                  uint64_t seed, double *curvature);

/* 1 / curvature, for commands with --ll-rate auto. Errors: AIT_UNSUPPORTED (a curvature of 0). */
ait_status ait_rate_of_curvature(double curvature, double *rate);

#ifdef __cplusplus
}
#endif
#endif
