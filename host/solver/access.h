/* access.h (internal) - what the layers above take from a solver without waiting for the device. */
#ifndef AIT_SOLVER_ACCESS_H
#define AIT_SOLVER_ACCESS_H

#include "ait/solver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gx (n numbers) and gz (batch x m) of the last hyper-gradient, in device memory: owned by the solver, rewritten by the
 * next one. */
const ait_real *ait_solver_gx(const ait_solver *solver);
const ait_real *ait_solver_gz(const ait_solver *solver);

/* Parts of what ait_solver_get_x and so on copy: `count` entries of x from `first` on, and the m entries of LL problem
 * b. They wait and fail as those do. */
ait_status ait_solver_get_x_part(ait_solver *solver, int64_t first, int64_t count, ait_real *x);
ait_status ait_solver_get_y_of(ait_solver *solver, int64_t b, ait_real *y);
ait_status ait_solver_get_z_of(ait_solver *solver, int64_t b, ait_real *z);

/* The LL problem of the batch whose f, F or curvature was the reason of the last AIT_DIVERGED; -1 where it was no
 * single one's, as with a hyper-gradient that is not finite. */
int64_t ait_solver_diverged_entry(const ait_solver *solver);

/* The pairs that L-BFGS remembers at most. */
int64_t ait_lbfgs_history(const ait_method *method);

/* Nonzero where a method's hyper-gradient is taken at y_K alone and needs no trajectory. */
int32_t ait_is_implicit(const ait_method *method);

/* The epsilon of a method by finite differences, its default filled in. */
double ait_difference_epsilon(const ait_method *method);

/* The least epsilon, the spacing of ait_real's numbers around 1 (docs/derivation.md#one-stage). */
double ait_least_difference_epsilon(void);

/* ait_problem_ll_curvature of (1 - mu) f + mu F, which an aggregate LL step descends: 0 <= mu <= 1; above 0 the problem
 * has ul_products. */
ait_status ait_problem_step_curvature(ait_problem *problem, double mu, const ait_real *x, const ait_real *y,
                                      uint64_t seed, double *curvature);

/* Checks every setting; the sentence names the one that is off, or the two that clash. */
ait_status ait_solver_options_check(const ait_solver_options *options);

#ifdef __cplusplus
}
#endif
#endif
