/* finite_differences.c - products with H and J' from differences of gradients (docs/derivation.md#one-stage). */
#include <float.h>

#include "context/error.h"
#include "solver/solver_state.h"

double ait_difference_epsilon(const ait_method *method) {
  const double usual = 0.01; /* of DARTS */
  return method->difference_epsilon > 0 ? method->difference_epsilon : usual;
}

double ait_least_difference_epsilon(void) {
  return sizeof(ait_real) == sizeof(double) ? DBL_EPSILON : (double)FLT_EPSILON;
}

ait_status ait_differences_create(ait_solver *solver) {
  ait_differences *differences = &solver->differences;
  AIT_TRY(ait_solver_allocate_reals(solver, solver->batch * solver->m, &differences->point));
  AIT_TRY(ait_solver_allocate_reals(solver, solver->n, &differences->x_gradient));
  AIT_TRY(ait_solver_allocate_reals(solver, 1, &differences->square));
  return ait_solver_allocate_reals(solver, 2, &differences->step);
}

/* The step along v, all LL problems together: one x gradient is the sum of theirs. */
static ait_status choose_step(ait_solver *solver, const ait_real *v) {
  const ait_vector_ops *vector = solver->device->vector;
  const ait_differences *differences = &solver->differences;
  AIT_TRY(vector->dot(solver->device, 1, solver->batch * solver->m, v, v, differences->square));
  return vector->difference_step(solver->device, ait_difference_epsilon(&solver->options.method), differences->square,
                                 differences->step);
}

/* grad_x f at u + sign step v, and grad_y f where it is wanted. */
static ait_status take_gradients(ait_solver *solver, int64_t k, const ait_real *u, double sign, const ait_real *v,
                                 ait_real *in_x, ait_real *in_y) {
  const ait_differences *differences = &solver->differences;
  const ait_term terms[] = {{1, NULL, u}, {sign, differences->step, v}};
  AIT_TRY(solver->device->vector->combine(solver->device, 1, solver->batch * solver->m, NULL, 2, terms,
                                          differences->point));
  AIT_TRY(ait_call_ll_x_gradient(solver, k, differences->point, in_x));
  if (in_y == NULL) {
    return AIT_OK;
  }
  return ait_call_ll_gradient(solver, k, differences->point, in_y, solver->findings.f + solver->K * solver->batch);
}

/* plus = (plus - minus) ||v|| / (2 epsilon). */
static ait_status divide_difference(ait_solver *solver, int64_t n, const ait_real *minus, ait_real *plus) {
  const ait_real *scale = solver->differences.step + 1;
  const ait_term difference[] = {{1, NULL, plus}, {-1, NULL, minus}}, scaled = {1, scale, plus};
  AIT_TRY(solver->device->vector->combine(solver->device, 1, n, NULL, 2, difference, plus));
  return solver->device->vector->combine(solver->device, 1, n, NULL, 1, &scaled, plus);
}

/* xv = (grad_x f(u + e v) - grad_x f(u - e v)) / 2e, as J' v = grad_x <grad_y f, v> is the derivative of grad_x f along
 * v; hv = (g(u + e v) - g(u - e v)) / 2e where it leads to a start that is learned, else 0. */
ait_status ait_difference_products(ait_solver *solver, int64_t k, const ait_real *u, const ait_real *v) {
  const int64_t size = solver->batch * solver->m;
  const int32_t learned = solver->options.method.initialisation == AIT_INITIALISATION_AUXILIARY;
  ait_real *minus = solver->differences.x_gradient;
  AIT_TRY(choose_step(solver, v));
  AIT_TRY(take_gradients(solver, k, u, 1, v, solver->xv, learned ? solver->hv : NULL));
  AIT_TRY(take_gradients(solver, k, u, -1, v, minus, learned ? solver->g : NULL));
  AIT_TRY(divide_difference(solver, solver->n, minus, solver->xv));
  return learned ? divide_difference(solver, size, solver->g, solver->hv)
                 : solver->device->runtime->fill(solver->device, (size_t)size * sizeof(ait_real), 0, solver->hv);
}
