/* rounding.h - how far one rounding of a problem's inputs moves its hyper-gradient. */
#ifndef AIT_RUN_ROUNDING_H
#define AIT_RUN_ROUNDING_H

#include "ait/solver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Relative changes, in the 2-norm. */
typedef struct ait_rounding_effect {
  double F, gx, gz, y; /* of F along the trajectory, dF/dx, dF/dz and y at kbar */
} ait_rounding_effect;

/* The effect of rounding x and z to ait_real: the largest change over four runs in which every entry
 * of x and z moves one unit in the last place up or down at random, divided by sqrt(12), the ratio of
 * a unit to the root mean square of a rounding error. No computation that keeps its states in ait_real
 * can be expected to err less. x: n, z: batch x m, host. Errors: what the solver returns. */
ait_status ait_measure_rounding(ait_problem *problem, const ait_solver_options *options, const ait_real *x,
                                const ait_real *z, ait_rounding_effect *effect);

#ifdef __cplusplus
}
#endif
#endif
