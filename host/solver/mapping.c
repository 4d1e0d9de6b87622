/* mapping.c - the lower level's mappings: a forward step and its adjoint
 * (docs/derivation.md#reverse-accumulation). */
#include "context/error.h"
#include "solver/solver_state.h"

/* out = u - alpha_k g. */
static ait_status descend(ait_solver *solver, int64_t k, const ait_real *u, ait_real *out) {
  const ait_term terms[] = {{1, NULL, u}, {-1, solver->constants.alpha + k, solver->g}};
  return solver->device->vector->combine(solver->device, 1, solver->batch * solver->m, NULL, 2, terms, out);
}

/* y_{k+1} = Proj_Y(u_k - alpha_k grad_y f(x, u_k)). */
static ait_status gradient_forward(ait_solver *solver, int64_t k, const ait_real *u, ait_real *next) {
  const ait_box Y = solver->Y;
  AIT_TRY(ait_call_ll_gradient(solver, k, u, solver->g, solver->findings.f + k * solver->batch));
  AIT_TRY(descend(solver, k, u, next));
  if (!ait_box_bounds(Y)) {
    return AIT_OK;
  }
  return solver->device->vector->project(solver->device, solver->batch * solver->m, Y.lower, Y.upper, next,
                                         solver->findings.at_bound + k);
}

/* p = D Proj_Y(u_k - alpha_k g)' lambda. Where no entry of y_{k+1} sits on a bound, p = lambda;
 * elsewhere the point before the projection is computed again, to the same bits. */
static ait_status project_adjoint(ait_solver *solver, int64_t k, const ait_real *u, ait_real *lambda) {
  const ait_box Y = solver->Y;
  if (!ait_box_bounds(Y) || solver->findings.host_at_bound[k] == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_call_ll_gradient(solver, k, u, solver->g, solver->findings.f + solver->K * solver->batch));
  AIT_TRY(descend(solver, k, u, solver->hv));
  return solver->device->vector->project_adjoint(solver->device, solver->batch * solver->m, Y.lower, Y.upper,
                                                 solver->hv, lambda);
}

ait_status ait_take_products(ait_solver *solver, int64_t k, const ait_real *u, const ait_real *v) {
  return solver->options.method.hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES
             ? ait_difference_products(solver, k, u, v)
             : ait_call_ll_products(solver, k, u, v);
}

/* lambda = p - alpha_k H p,  gx = gx - alpha_k J' p. */
static ait_status gradient_adjoint(ait_solver *solver, int64_t k, const ait_real *u, ait_real *lambda) {
  const ait_vector_ops *vector = solver->device->vector;
  const ait_real *alpha = solver->constants.alpha + k;
  AIT_TRY(project_adjoint(solver, k, u, lambda));
  AIT_TRY(ait_take_products(solver, k, u, lambda));
  const ait_term through_y[] = {{1, NULL, lambda}, {-1, alpha, solver->hv}};
  AIT_TRY(vector->combine(solver->device, solver->batch, solver->m, solver->active, 2, through_y, lambda));
  const ait_term through_x[] = {{1, NULL, solver->x.gradient}, {-1, alpha, solver->xv}};
  return vector->combine(solver->device, 1, solver->n, NULL, 2, through_x, solver->x.gradient);
}

const ait_mapping_steps *ait_mapping_of(const ait_solver *solver) {
  static const ait_mapping_steps mappings[] = {[AIT_MAPPING_GRADIENT] = {gradient_forward, gradient_adjoint}};
  return &mappings[solver->options.method.mapping];
}

/* u_0 = y_0,  u_k = y_k + beta_{k-1} (y_k - y_{k-1}). */
ait_status ait_step_point(ait_solver *solver, int64_t k, const ait_real **u) {
  const ait_real *y = ait_trajectory_state(&solver->trajectory, k);
  if (!solver->options.method.nesterov || k == 0) {
    *u = y;
    return AIT_OK;
  }
  const ait_real *beta = solver->constants.beta + (k - 1);
  const ait_term terms[] = {{1, NULL, y}, {1, beta, y}, {-1, beta, ait_trajectory_state(&solver->trajectory, k - 1)}};
  *u = solver->u;
  return solver->device->vector->combine(solver->device, 1, solver->batch * solver->m, NULL, 3, terms, solver->u);
}
