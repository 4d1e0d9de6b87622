/* access.h (internal) - what the layers above take from a solver without waiting for the device. */
#ifndef AIT_SOLVER_ACCESS_H
#define AIT_SOLVER_ACCESS_H

#include "ait/solver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gx of the last sweep: n numbers in device memory, owned by the solver, rewritten by the next one. */
const ait_real *ait_solver_gx(const ait_solver *solver);

/* The pairs that L-BFGS remembers at most. */
int64_t ait_lbfgs_history(const ait_method *method);

/* Nonzero where a method's hyper-gradient is taken at y_K alone and needs no trajectory. */
int32_t ait_is_implicit(const ait_method *method);

/* The epsilon of a method by finite differences, its default filled in. */
double ait_difference_epsilon(const ait_method *method);

#ifdef __cplusplus
}
#endif
#endif
