/* implicit.c - hyper-gradients of a solved lower level, at y_K alone (docs/derivation.md#implicit-hyper-gradients).
 *
 * Where y_K solves the LL problem, dF/dx = grad_x F - J' q with H q = grad_y F. Conjugate gradient and the Neumann
 * series find q from products with H. Every LL problem of a batch has its own scalars; they stay on the device,
 * so that no iteration waits for the host, and an LL problem that is solved is left alone by a mask. */
#include "context/error.h"
#include "solver/solver_state.h"

/* The rows of implicit.scalars, `batch` numbers each. LIMIT and RESIDUAL are compared with each other, and ZERO and
 * CURVATURE: the rows of a pair follow each other. */
typedef enum scalar {
  LIMIT,     /* tolerance^2 ||grad_y F||^2 */
  RESIDUAL,  /* r'r */
  ZERO,      /* 0 */
  CURVATURE, /* p'(H + damping I)p; 1 for an LL problem that is left alone */
  ONE,       /* 1 */
  PRODUCT,   /* the last dot product */
  STEP,      /* r'z / p'(H + damping I)p */
  TURN,      /* r'z / r'z of the iteration before */
  INNER,     /* r'z with z = M r, where there is a preconditioner M */
  SCALARS
} scalar;

static ait_real *row(const ait_solver *solver, scalar which) {
  return solver->implicit.scalars + (int64_t)which * solver->batch;
}

static int32_t has_preconditioner(const ait_solver *solver) {
  return solver->options.method.conjugate_gradient.preconditioner != AIT_PRECONDITIONER_NONE;
}

static int32_t has_diagonal(const ait_solver *solver) {
  return solver->options.method.conjugate_gradient.preconditioner == AIT_PRECONDITIONER_DIAGONAL;
}

static ait_status check_preconditioner(const ait_solver *solver) {
  const ait_oracles *oracles = &solver->problem->oracles;
  if (has_diagonal(solver) ? oracles->ll_preconditioner != NULL : oracles->ll_precondition != NULL) {
    return AIT_OK;
  }
  return ait_fail(AIT_INVALID_ARGUMENT,
                  "conjugate gradient's preconditioner is %s but the problem has no %s: choose no preconditioner or "
                  "supply one",
                  has_diagonal(solver) ? "diagonal" : "matrix",
                  has_diagonal(solver) ? "ll_preconditioner" : "ll_precondition");
}

static ait_status create_preconditioner(ait_solver *solver) {
  const int64_t size = solver->batch * solver->m;
  if (!has_preconditioner(solver)) {
    return AIT_OK;
  }
  AIT_TRY(check_preconditioner(solver));
  if (has_diagonal(solver)) {
    AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->implicit.inverse));
  }
  return ait_solver_allocate_reals(solver, size, &solver->implicit.scaled);
}

ait_status ait_implicit_create(ait_solver *solver) {
  ait_implicit *implicit = &solver->implicit;
  const int64_t size = solver->batch * solver->m;
  void *memory;
  AIT_TRY(ait_solver_allocate_reals(solver, size, &implicit->direction));
  if (solver->options.method.hypergradient != AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_allocate_reals(solver, size, &implicit->solution));
  AIT_TRY(ait_solver_allocate_reals(solver, size, &implicit->residual));
  if (ait_box_bounds(solver->step_box)) {
    AIT_TRY(ait_solver_allocate_reals(solver, size, &implicit->point));
  }
  AIT_TRY(create_preconditioner(solver));
  AIT_TRY(ait_solver_allocate_reals(solver, SCALARS * solver->batch, &implicit->scalars));
  AIT_TRY(ait_solver_allocate(solver, (size_t)solver->batch * sizeof(int32_t), &memory));
  implicit->compared = memory;
  AIT_TRY(ait_solver_allocate(solver, (size_t)solver->batch, &memory));
  implicit->spare = memory;
  AIT_TRY(solver->device->runtime->fill(solver->device, SCALARS * (size_t)solver->batch * sizeof(ait_real), 0,
                                        implicit->scalars));
  const ait_real one = 1;
  for (int64_t b = 0; b < solver->batch; b++) {
    AIT_TRY(solver->device->runtime->copy_in(solver->device, sizeof one, &one, row(solver, ONE) + b));
  }
  return AIT_OK;
}

/* ---- what both have in common ------------------------------------------------------------------------ */

/* y_K, grad_x F and grad_y F there; every LL problem takes part. */
static ait_status begin(ait_solver *solver) {
  ait_device *device = solver->device;
  AIT_TRY(ait_call_ul_gradient(solver, solver->K, solver->y_kbar, solver->x.gradient, solver->gy));
  return device->runtime->fill(device, (size_t)solver->batch, 1, solver->active);
}

/* Nonzero where bounds may hold entries of y_K, which then do not move with x. */
static int32_t holds_entries(const ait_solver *solver) {
  return ait_box_bounds(solver->step_box) && solver->findings.host_at_bound[solver->K - 1] > 0;
}

/* Nonzero where the host can see, without waiting, that every LL problem is left alone. */
static int32_t all_solved(const ait_solver *solver) {
  int32_t active = !solver->device->runtime->host_memory;
  for (int64_t b = 0; b < solver->batch && !active; b++) {
    active = solver->active[b] != 0;
  }
  return !active;
}

/* The same step again and again, all of it in the same places: one recording serves every repetition. */
static ait_status repeat(ait_solver *solver, int64_t times, ait_status (*step)(ait_solver *, int64_t)) {
  ait_recordings *recordings = &solver->recordings;
  const int32_t held = holds_entries(solver);
  for (int64_t i = 0; i < times && !all_solved(solver); i++) {
    ait_recording **recording = recordings->wanted && recordings->ran[held] ? recordings->reverse + held : NULL;
    AIT_TRY(ait_replay(solver, recording, step, solver->K - 1));
    recordings->ran[held] = 1;
  }
  return AIT_OK;
}

/* `wanted`, or as many as there are LL steps. */
static int64_t times_of(const ait_solver *solver, int64_t wanted) {
  return wanted > 0 ? wanted : solver->K;
}

/* ---- conjugate gradient ------------------------------------------------------------------------------ */

/* v = D v: entries that a bound holds, or an l1 term at 0, are taken out of the system. */
static ait_status release_held(ait_solver *solver, ait_real *v) {
  const ait_vector_ops *vector = solver->device->vector;
  const int64_t size = solver->batch * solver->m;
  if (solver->shrinkage.l1 > 0) {
    AIT_TRY(vector->prox_adjoint(solver->device, size, solver->constants.alpha + solver->K - 1, solver->shrinkage.l1, 0,
                                 solver->y_kbar, v));
  }
  if (!holds_entries(solver)) {
    return AIT_OK;
  }
  return vector->project_adjoint(solver->device, size, solver->step_box.lower, solver->step_box.upper,
                                 solver->implicit.point, v);
}

/* The point that one more LL step would project: what leaves the box there is held. */
static ait_status find_held(ait_solver *solver) {
  const int64_t last = solver->K - 1;
  if (!holds_entries(solver)) {
    return AIT_OK;
  }
  return ait_point_before_projection(solver, last, solver->y_kbar, solver->implicit.point);
}

/* out_b = a_b + factor scalar_b c_b for the LL problems that are not solved yet. */
static ait_status add_scaled(ait_solver *solver, const ait_real *a, double factor, scalar which, const ait_real *c,
                             ait_real *out) {
  return solver->device->vector->add_scaled(solver->device, solver->batch, solver->m, solver->active, a, factor,
                                            row(solver, which), c, out);
}

/* z = M r, or r where there is no preconditioner. */
static ait_status precondition(ait_solver *solver, int64_t k, const ait_real **z) {
  const ait_implicit *implicit = &solver->implicit;
  *z = has_preconditioner(solver) ? implicit->scaled : implicit->residual;
  if (!has_preconditioner(solver)) {
    return AIT_OK;
  }
  if (!has_diagonal(solver)) {
    return ait_call_ll_precondition(solver, k, solver->y_kbar, implicit->residual, implicit->scaled);
  }
  return solver->device->vector->multiply(solver->device, solver->batch, solver->m, NULL, implicit->inverse,
                                          implicit->residual, implicit->scaled);
}

/* The row of r'z: without a preconditioner that of r'r. */
static scalar inner(const ait_solver *solver) {
  return has_preconditioner(solver) ? INNER : RESIDUAL;
}

/* active_b = [r'r > tolerance^2 ||grad_y F||^2]: solved where it is not. A NaN stays active, to be found at the end. */
static ait_status leave_solved(ait_solver *solver) {
  const ait_vector_ops *vector = solver->device->vector;
  const int32_t *step = solver->constants.step; /* of k = 0 */
  AIT_TRY(vector->argmax(solver->device, solver->batch, LIMIT, RESIDUAL, solver->implicit.scalars,
                         solver->implicit.compared));
  return vector->truncation_masks(solver->device, solver->batch, solver->implicit.compared, step,
                                  solver->implicit.spare, solver->active);
}

/* r'r, which tells whether an LL problem is solved, for those that are not left alone. */
static ait_status measure_residual(ait_solver *solver) {
  ait_device *device = solver->device;
  const ait_real *r = solver->implicit.residual;
  AIT_TRY(device->vector->dot(device, solver->batch, solver->m, r, r, row(solver, PRODUCT)));
  return device->vector->select(device, solver->batch, 1, solver->active, row(solver, PRODUCT), row(solver, RESIDUAL));
}

/* p = z and r'z. */
static ait_status start_direction(ait_solver *solver) {
  ait_device *device = solver->device;
  const ait_implicit *implicit = &solver->implicit;
  const ait_real *z;
  if (has_diagonal(solver)) {
    AIT_TRY(ait_call_ll_preconditioner(solver, solver->K - 1, solver->y_kbar, implicit->inverse));
  }
  AIT_TRY(precondition(solver, solver->K - 1, &z));
  AIT_TRY(device->vector->copy(device, solver->batch * solver->m, z, implicit->direction));
  return device->vector->dot(device, solver->batch, solver->m, implicit->residual, z, row(solver, inner(solver)));
}

/* q = 0, r = D grad_y F, p = M r. */
static ait_status start_conjugate_gradient(ait_solver *solver) {
  ait_device *device = solver->device;
  const ait_implicit *implicit = &solver->implicit;
  const int64_t size = solver->batch * solver->m;
  const double tolerance = solver->options.method.conjugate_gradient.tolerance;
  AIT_TRY(find_held(solver));
  AIT_TRY(device->runtime->fill(device, (size_t)size * sizeof(ait_real), 0, implicit->solution));
  AIT_TRY(device->runtime->fill(device, (size_t)solver->batch * sizeof(ait_real), 0, solver->findings.curved));
  AIT_TRY(device->vector->copy(device, size, solver->gy, implicit->residual));
  AIT_TRY(release_held(solver, implicit->residual));
  AIT_TRY(measure_residual(solver));
  AIT_TRY(start_direction(solver));
  const ait_term limit = {tolerance * tolerance, NULL, row(solver, RESIDUAL)};
  AIT_TRY(device->vector->combine(device, 1, solver->batch, NULL, 1, &limit, row(solver, LIMIT)));
  return leave_solved(solver);
}

/* hv = D (H + damping I) p and p'hv; an l2 term of the proximal mapping damps as its weight. */
static ait_status take_curvature(ait_solver *solver, int64_t k) {
  ait_device *device = solver->device;
  const ait_real *p = solver->implicit.direction;
  const double damping = solver->options.method.conjugate_gradient.damping + solver->shrinkage.l2;
  AIT_TRY(ait_call_ll_products(solver, k, solver->y_kbar, p));
  if (damping > 0) {
    const ait_term terms[] = {{1, NULL, solver->hv}, {damping, NULL, p}};
    AIT_TRY(device->vector->combine(device, solver->batch, solver->m, solver->active, 2, terms, solver->hv));
  }
  AIT_TRY(release_held(solver, solver->hv));
  AIT_TRY(device->vector->dot(device, solver->batch, solver->m, p, solver->hv, row(solver, PRODUCT)));
  AIT_TRY(device->vector->copy(device, solver->batch, row(solver, ONE), row(solver, CURVATURE)));
  return device->vector->select(device, solver->batch, 1, solver->active, row(solver, PRODUCT), row(solver, CURVATURE));
}

/* Counts directions whose curvature is not above 0; unless the method says to go on, their LL problems count as
 * solved from here. */
static ait_status look_at_curvature(ait_solver *solver) {
  const ait_vector_ops *vector = solver->device->vector;
  const int32_t *step = solver->constants.step + 2 * (ZERO - 1); /* of k = ZERO - 1, which row ZERO enters */
  ait_real *curved = solver->findings.curved;
  AIT_TRY(vector->argmax(solver->device, solver->batch, ZERO, CURVATURE, solver->implicit.scalars,
                         solver->implicit.compared));
  AIT_TRY(vector->truncation_masks(solver->device, solver->batch, solver->implicit.compared, step, solver->enter,
                                   solver->implicit.spare));
  const ait_term terms[] = {{1, NULL, curved}, {1, NULL, row(solver, ONE)}};
  AIT_TRY(vector->combine(solver->device, solver->batch, 1, solver->enter, 2, terms, curved));
  if (solver->options.method.conjugate_gradient.negative_curvature == AIT_NEGATIVE_CURVATURE_CONTINUE) {
    return AIT_OK;
  }
  AIT_TRY(vector->select(solver->device, solver->batch, 1, solver->enter, row(solver, ZERO), row(solver, RESIDUAL)));
  return leave_solved(solver);
}

/* z = M r,  p = z + b p,  b = r'z / (r'z before). */
static ait_status turn(ait_solver *solver, int64_t k) {
  ait_device *device = solver->device;
  const ait_vector_ops *vector = device->vector;
  ait_real *p = solver->implicit.direction;
  const ait_real *z;
  AIT_TRY(precondition(solver, k, &z));
  AIT_TRY(vector->dot(device, solver->batch, solver->m, solver->implicit.residual, z, row(solver, PRODUCT)));
  AIT_TRY(vector->ratio(device, solver->batch, row(solver, PRODUCT), row(solver, inner(solver)), row(solver, TURN)));
  AIT_TRY(add_scaled(solver, z, 1, TURN, p, p));
  return vector->select(device, solver->batch, 1, solver->active, row(solver, PRODUCT), row(solver, inner(solver)));
}

/* q = q + a p,  r = r - a (H + damping I) p  with  a = r'z / p'(H + damping I)p; then the next p. */
static ait_status conjugate_gradient_step(ait_solver *solver, int64_t k) {
  ait_device *device = solver->device;
  ait_real *p = solver->implicit.direction, *q = solver->implicit.solution, *r = solver->implicit.residual;
  AIT_TRY(take_curvature(solver, k));
  AIT_TRY(look_at_curvature(solver));
  AIT_TRY(device->vector->ratio(device, solver->batch, row(solver, inner(solver)), row(solver, CURVATURE),
                                row(solver, STEP)));
  AIT_TRY(add_scaled(solver, q, 1, STEP, p, q));
  AIT_TRY(add_scaled(solver, r, -1, STEP, solver->hv, r));
  AIT_TRY(turn(solver, k));
  if (has_preconditioner(solver)) {
    AIT_TRY(measure_residual(solver));
  }
  return leave_solved(solver);
}

/* gx = grad_x F - J' q. */
static ait_status apply_solution(ait_solver *solver) {
  ait_device *device = solver->device;
  AIT_TRY(device->runtime->fill(device, (size_t)solver->batch, 1, solver->active));
  AIT_TRY(ait_call_ll_products(solver, solver->K - 1, solver->y_kbar, solver->implicit.solution));
  const ait_term terms[] = {{1, NULL, solver->x.gradient}, {-1, NULL, solver->xv}};
  return device->vector->combine(device, 1, solver->n, NULL, 2, terms, solver->x.gradient);
}

ait_status ait_conjugate_gradient_solve(ait_solver *solver) {
  const ait_conjugate_gradient *options = &solver->options.method.conjugate_gradient;
  AIT_TRY(begin(solver));
  AIT_TRY(start_conjugate_gradient(solver));
  AIT_TRY(repeat(solver, times_of(solver, options->iterations), conjugate_gradient_step));
  AIT_TRY(apply_solution(solver));
  AIT_TRY(ait_hypergradient_end(solver, solver->implicit.residual));
  /* An error leaves x as it is, so the host has to know of it now. */
  return options->negative_curvature == AIT_NEGATIVE_CURVATURE_ERROR ? ait_solver_settle(solver) : AIT_OK;
}

/* ---- Neumann series ---------------------------------------------------------------------------------- */

/* p = (I - alpha H) p,  gx = gx - alpha J' p: the adjoint of an LL step that stands still at y_K. */
static ait_status neumann_step(ait_solver *solver, int64_t k) {
  return ait_mapping_of(solver)->adjoint(solver, k, solver->y_kbar, solver->implicit.direction);
}

/* gx = grad_x F - J' q,  q = alpha sum over i < terms of (I - alpha H)^i grad_y F. */
ait_status ait_neumann_series(ait_solver *solver) {
  AIT_TRY(begin(solver));
  AIT_TRY(
      solver->device->vector->copy(solver->device, solver->batch * solver->m, solver->gy, solver->implicit.direction));
  AIT_TRY(repeat(solver, times_of(solver, solver->options.method.neumann_terms), neumann_step));
  return ait_hypergradient_end(solver, solver->implicit.direction);
}
