/* mapping.c - the lower level's mappings: a forward step and its adjoint (docs/derivation.md#reverse-accumulation,
 * docs/derivation.md#aggregation, docs/derivation.md#proximal-steps). */
#include <math.h>

#include "context/error.h"
#include "solver/solver_state.h"

static int32_t aggregates(const ait_solver *solver) {
  return solver->options.method.mapping == AIT_MAPPING_AGGREGATE;
}

static int32_t shrinks(const ait_solver *solver) {
  return solver->shrinkage.l1 > 0 || solver->shrinkage.l2 > 0;
}

/* What the prox of r and of Y's bounds does: in one dimension it is the projection of the prox of r. */
static ait_status set_resolvent(ait_solver *solver) {
  const ait_proximal *r = &solver->options.method.proximal;
  const ait_box Y = solver->Y;
  solver->step_box = Y;
  if (r->kind == AIT_PROX_L1 || r->kind == AIT_PROX_ELASTIC_NET) {
    solver->shrinkage.l1 = r->weight;
  }
  if (r->kind == AIT_PROX_L2 || r->kind == AIT_PROX_ELASTIC_NET) {
    solver->shrinkage.l2 = r->kind == AIT_PROX_L2 ? r->weight : r->l2_weight;
  }
  if (r->kind != AIT_PROX_BOX) {
    return AIT_OK;
  }
  solver->step_box = (ait_box){fmax(Y.lower, r->lower), fmin(Y.upper, r->upper)};
  return solver->step_box.lower <= solver->step_box.upper
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT,
                        "the proximal box [%g, %g] and the problem's bounds of y [%g, %g] have no point in common",
                        r->lower, r->upper, Y.lower, Y.upper);
}

ait_status ait_mapping_create(ait_solver *solver) {
  const int32_t differentiated = solver->options.method.hypergradient != AIT_HYPERGRADIENT_NONE;
  if (aggregates(solver) && differentiated && solver->problem->oracles.ul_products == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the mapping is aggregate but the problem has no ul_products: choose the gradient mapping or give "
                    "the problem this oracle");
  }
  AIT_TRY(set_resolvent(solver));
  if (aggregates(solver)) {
    AIT_TRY(ait_solver_allocate_reals(solver, solver->batch * solver->m, &solver->ul_g));
  }
  if (aggregates(solver) || differentiated) {
    AIT_TRY(ait_solver_allocate_reals(solver, solver->n, &solver->xv));
  }
  return AIT_OK;
}

/* out = u - alpha_k d with d = grad_y f, or (1 - mu_k) grad_y f + mu_k grad_y F; then the prox of alpha_k r without a
 * box. f goes to `f`. */
static ait_status descend(ait_solver *solver, int64_t k, const ait_real *u, ait_real *f, ait_real *out) {
  const ait_constants *constants = &solver->constants;
  const ait_term terms[] = {
      {1, NULL, u}, {-1, constants->alpha_ll + k, solver->g}, {-1, constants->alpha_ul + k, solver->ul_g}};
  AIT_TRY(ait_call_ll_gradient(solver, k, u, solver->g, f));
  if (aggregates(solver)) {
    AIT_TRY(ait_call_ul_gradient(solver, k, u, solver->xv, solver->ul_g));
  }
  AIT_TRY(solver->device->vector->combine(solver->device, 1, solver->batch * solver->m, NULL,
                                          aggregates(solver) ? 3 : 2, terms, out));
  return shrinks(solver) ? solver->device->vector->prox(solver->device, solver->batch * solver->m, constants->alpha + k,
                                                        solver->shrinkage.l1, solver->shrinkage.l2, out)
                         : AIT_OK;
}

/* y_{k+1} = Proj(prox(u_k - alpha_k d_k)). */
static ait_status step_forward(ait_solver *solver, int64_t k, const ait_real *u, ait_real *next) {
  const ait_box box = solver->step_box;
  AIT_TRY(descend(solver, k, u, solver->findings.f + k * solver->batch, next));
  if (!ait_box_bounds(box)) {
    return AIT_OK;
  }
  return solver->device->vector->project(solver->device, solver->batch * solver->m, box.lower, box.upper, next,
                                         solver->findings.at_bound + k);
}

ait_status ait_point_before_projection(ait_solver *solver, int64_t k, const ait_real *u, ait_real *out) {
  return descend(solver, k, u, solver->findings.f + solver->K * solver->batch, out);
}

/* lambda = D Proj' lambda. Where no entry of y_{k+1} sits on a bound D = I; elsewhere the point before the projection
 * is computed again, to the same bits. */
static ait_status project_adjoint(ait_solver *solver, int64_t k, const ait_real *u, ait_real *lambda) {
  const ait_box box = solver->step_box;
  if (!ait_box_bounds(box) || solver->findings.host_at_bound[k] == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_point_before_projection(solver, k, u, solver->hv));
  return solver->device->vector->project_adjoint(solver->device, solver->batch * solver->m, box.lower, box.upper,
                                                 solver->hv, lambda);
}

/* lambda = D prox' lambda. Where a bound has moved an entry away from the prox, or onto 0, lambda is 0 already: for
 * the others the prox is y_{k+1}. */
static ait_status shrink_adjoint(ait_solver *solver, int64_t k, ait_real *lambda) {
  return shrinks(solver)
             ? solver->device->vector->prox_adjoint(
                   solver->device, solver->batch * solver->m, solver->constants.alpha + k, solver->shrinkage.l1,
                   solver->shrinkage.l2, ait_trajectory_state(&solver->trajectory, k + 1), lambda)
             : AIT_OK;
}

ait_status ait_take_products(ait_solver *solver, int64_t k, const ait_real *u, const ait_real *v) {
  return solver->options.method.hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES
             ? ait_difference_products(solver, k, u, v)
             : ait_call_ll_products(solver, k, u, v);
}

/* gx = gx - alpha xv. */
static ait_status add_to_gx(ait_solver *solver, const ait_real *alpha) {
  const ait_term terms[] = {{1, NULL, solver->x.gradient}, {-1, alpha, solver->xv}};
  return solver->device->vector->combine(solver->device, 1, solver->n, NULL, 2, terms, solver->x.gradient);
}

/* lambda = p - alpha_k E p,  gx = gx - alpha_k C' p  with E = H and C = J, or with E and C the derivatives of
 * (1 - mu_k) grad_y f + mu_k grad_y F in y and in x. */
static ait_status step_adjoint(ait_solver *solver, int64_t k, const ait_real *u, ait_real *lambda) {
  const ait_constants *constants = &solver->constants;
  const ait_term terms[] = {
      {1, NULL, lambda}, {-1, constants->alpha_ll + k, solver->hv}, {-1, constants->alpha_ul + k, solver->ul_g}};
  AIT_TRY(project_adjoint(solver, k, u, lambda));
  AIT_TRY(shrink_adjoint(solver, k, lambda));
  if (aggregates(solver)) {
    AIT_TRY(ait_call_ul_products(solver, k, u, lambda, solver->ul_g));
    AIT_TRY(add_to_gx(solver, constants->alpha_ul + k));
  }
  AIT_TRY(ait_take_products(solver, k, u, lambda));
  AIT_TRY(add_to_gx(solver, constants->alpha_ll + k));
  return solver->device->vector->combine(solver->device, solver->batch, solver->m, solver->active,
                                         aggregates(solver) ? 3 : 2, terms, lambda);
}

const ait_mapping_steps *ait_mapping_of(const ait_solver *solver) {
  static const ait_mapping_steps mappings[] = {[AIT_MAPPING_GRADIENT] = {step_forward, step_adjoint},
                                               [AIT_MAPPING_AGGREGATE] = {step_forward, step_adjoint},
                                               [AIT_MAPPING_PROXIMAL] = {step_forward, step_adjoint},
                                               [AIT_MAPPING_LBFGS] = {ait_quasi_newton_step, step_adjoint}};
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
