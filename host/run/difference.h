/* difference.h - hyper-gradients against central differences.
 *
 * phi(x, z) = sum_b F_b(x, y_kbar(x, z)) with kbar held at what it is at the point itself: the argmax of the
 * pessimistic truncation is piecewise constant, and its jumps are no part of the derivative.
 *
 * relu has kinks: where one lies between the two ends of a difference, grad_y f and with it every later y_k
 * jumps. A shorter step steps around it, while no step makes a wrong derivative right. */
#ifndef AIT_RUN_DIFFERENCE_H
#define AIT_RUN_DIFFERENCE_H

#include "ait/solver.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_difference_settings {
  uint64_t seed;      /* of the directions */
  int32_t directions; /* random directions for x and for z; coordinates where there are no more of them */
  double step;        /* length of a difference, > 0 */
  double tolerance;   /* a difference further off than this is taken again with a shorter step */
} ait_difference_settings;

/* Relative errors over all directions d, sqrt(sum (difference - <g, d>)^2 / sum <g, d>^2), or the
 * absolute ones where <g, d> is 0 throughout. */
typedef struct ait_difference {
  int32_t kbar; /* of the first entry of the batch */
  double error_gx, error_gz;
} ait_difference;

/* The step that balances truncation and rounding in this build's precision. */
double ait_difference_step(void);

/* Why such differences do not check a method's hyper-gradient, in words; NULL where they do. */
const char *ait_difference_excuse(const ait_method *method);

/* Compares the hyper-gradient of `options` at (x, z) with differences. A method that stops after its last
 * T steps gives the derivative of those T steps from y_{K-T}; that is what it is compared with.
 * Errors: whatever the solver returns; AIT_OUT_OF_MEMORY; AIT_UNSUPPORTED where there is an excuse. */
ait_status ait_difference_check(ait_problem *problem, const ait_solver_options *options, const ait_real *x,
                                const ait_real *z, const ait_difference_settings *settings, ait_difference *result);

#ifdef __cplusplus
}
#endif
#endif
