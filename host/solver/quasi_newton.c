/* quasi_newton.c - the LL mapping L-BFGS: the LL problem is solved to a tolerance (docs/derivation.md#l-bfgs).
 *
 * An LL step is one look at a trial point: f and its gradient there. Every LL problem of a batch accepts or refuses
 * its own; its scalars and masks stay on the device, so that no step waits for the host, and an LL problem that is
 * solved is left alone. */
#include <math.h>

#include "context/error.h"
#include "solver/solver_state.h"

/* The rows of quasi_newton.scalars, `batch` numbers each. */
typedef enum scalar {
  TRIAL_F,
  TRIAL_SLOPE,  /* g'd at the trial point */
  TRIAL_SQUARE, /* g'g there */
  SECANT,       /* s'v: the step from y to the trial point, and the change of g that it makes */
  BEND,         /* v'Mv */
  BEST_F,
  BEST_SLOPE, /* g'd at y */
  STEP,
  SCALING, /* of M */
  PRODUCT, /* the last dot product, and what is made of it */
  ONE,     /* 1 */
  SCALARS
} scalar;

static ait_real *row(const ait_solver *solver, scalar which) {
  return solver->quasi_newton.scalars + (int64_t)which * solver->batch;
}

/* ---- the pairs that are remembered ------------------------------------------------------------------- */

/* What is kept of the pair of step k >= 1, in the place of that of step k - slots. */
typedef struct remembered {
  ait_real *s, *v;        /* batch x m */
  ait_real *rho, *weight; /* batch */
} remembered;

static remembered pair_of(const ait_solver *solver, int64_t k) {
  const ait_quasi_newton *memory = &solver->quasi_newton;
  const int64_t slot = k % memory->slots, size = solver->batch * solver->m;
  return (remembered){.s = memory->pairs + 2 * slot * size,
                      .v = memory->pairs + (2 * slot + 1) * size,
                      .rho = memory->factors + 2 * slot * solver->batch,
                      .weight = memory->factors + (2 * slot + 1) * solver->batch};
}

static int64_t slots_of(const ait_solver *solver) {
  const int64_t history = ait_lbfgs_history(&solver->options.method);
  return history < solver->K ? history : solver->K;
}

static int32_t has_matrix(const ait_solver *solver) {
  return solver->problem->oracles.ll_precondition != NULL;
}

static ait_status allocate_zeros(ait_solver *solver, int64_t count, ait_real **memory) {
  AIT_TRY(ait_solver_allocate_reals(solver, count, memory));
  return solver->device->runtime->fill(solver->device, (size_t)count * sizeof(ait_real), 0, *memory);
}

ait_status ait_quasi_newton_create(ait_solver *solver) {
  ait_quasi_newton *memory = &solver->quasi_newton;
  const int64_t size = solver->batch * solver->m;
  void *masks;
  if (solver->options.method.mapping != AIT_MAPPING_LBFGS) {
    return AIT_OK;
  }
  if (ait_box_bounds(solver->Y)) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the LL mapping is L-BFGS but Y has bounds [%g, %g], which it does not keep: choose the gradient "
                    "mapping or no bounds",
                    solver->Y.lower, solver->Y.upper);
  }
  memory->slots = slots_of(solver);
  AIT_TRY(allocate_zeros(solver, 2 * memory->slots * size, &memory->pairs));
  AIT_TRY(allocate_zeros(solver, 2 * memory->slots * solver->batch, &memory->factors));
  AIT_TRY(allocate_zeros(solver, 6 * size, &memory->trial));
  memory->gradient = memory->trial + size;
  memory->direction = memory->gradient + size;
  memory->s = memory->direction + size;
  memory->v = memory->s + size;
  memory->work = memory->v + size;
  if (has_matrix(solver)) {
    AIT_TRY(ait_solver_allocate_reals(solver, size, &memory->product));
  } else if (solver->problem->oracles.ll_preconditioner != NULL) {
    AIT_TRY(ait_solver_allocate_reals(solver, size, &memory->inverse));
  }
  AIT_TRY(allocate_zeros(solver, SCALARS * solver->batch, &memory->scalars));
  AIT_TRY(ait_solver_allocate(solver, 2 * (size_t)solver->batch, &masks));
  memory->active = masks;
  memory->accepted = memory->active + solver->batch;
  const ait_real one = 1;
  for (int64_t b = 0; b < solver->batch; b++) {
    AIT_TRY(solver->device->runtime->copy_in(solver->device, sizeof one, &one, row(solver, ONE) + b));
  }
  return AIT_OK;
}

/* ---- a trial point ------------------------------------------------------------------------------------- */

static ait_status dot(ait_solver *solver, const ait_real *a, const ait_real *c, scalar which) {
  return solver->device->vector->dot(solver->device, solver->batch, solver->m, a, c, row(solver, which));
}

/* Nonzero where the host can see, without waiting, that no entry of a mask is set. */
static int32_t is_empty(const ait_solver *solver, const uint8_t *mask) {
  int32_t set = !solver->device->runtime->host_memory;
  for (int64_t b = 0; b < solver->batch && !set; b++) {
    set = mask[b] != 0;
  }
  return !set;
}

/* out = M v at y_k, or v where the problem has no M; v and out may be the same. */
static ait_status precondition(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v, ait_real *out) {
  const ait_vector_ops *vector = solver->device->vector;
  const ait_real *M = solver->quasi_newton.inverse;
  if (has_matrix(solver)) {
    AIT_TRY(ait_call_ll_precondition(solver, k, y, v, solver->quasi_newton.product));
    return vector->copy(solver->device, solver->batch * solver->m, solver->quasi_newton.product, out);
  }
  if (M == NULL) {
    return vector->copy(solver->device, solver->batch * solver->m, v, out);
  }
  return vector->multiply(solver->device, solver->batch, solver->m, NULL, M, v, out);
}

/* The first trial point is y_0. A diagonal M is taken there; without any, the first step is that of the gradient
 * mapping. */
static ait_status start(ait_solver *solver, const ait_real *y) {
  ait_device *device = solver->device;
  ait_quasi_newton *memory = &solver->quasi_newton;
  const int32_t scaled = memory->inverse != NULL || has_matrix(solver);
  const ait_term scaling = {1, scaled ? NULL : solver->constants.alpha, row(solver, ONE)};
  if (memory->inverse != NULL) {
    AIT_TRY(ait_call_ll_preconditioner(solver, 0, y, memory->inverse));
  }
  AIT_TRY(device->vector->combine(device, 1, solver->batch, NULL, 1, &scaling, row(solver, SCALING)));
  AIT_TRY(device->runtime->fill(device, (size_t)solver->batch, 1, memory->active));
  return device->vector->copy(device, solver->batch * solver->m, y, memory->trial);
}

/* f and g at the trial point; s = trial - y, v = the change of g; and the numbers by which it is judged. */
static ait_status look_at_trial(ait_solver *solver, int64_t k, const ait_real *y) {
  ait_device *device = solver->device;
  ait_quasi_newton *memory = &solver->quasi_newton;
  const int64_t size = solver->batch * solver->m;
  const ait_term step[] = {{1, NULL, memory->trial}, {-1, NULL, y}};
  const ait_term change[] = {{1, NULL, solver->g}, {-1, NULL, memory->gradient}};
  AIT_TRY(ait_call_ll_gradient_of(solver, k, memory->trial, memory->active, solver->g, row(solver, TRIAL_F)));
  AIT_TRY(device->vector->combine(device, 1, size, NULL, 2, step, memory->s));
  AIT_TRY(device->vector->combine(device, 1, size, NULL, 2, change, memory->v));
  AIT_TRY(precondition(solver, k, y, memory->v, memory->work));
  AIT_TRY(dot(solver, solver->g, memory->direction, TRIAL_SLOPE));
  AIT_TRY(dot(solver, solver->g, solver->g, TRIAL_SQUARE));
  AIT_TRY(dot(solver, memory->s, memory->v, SECANT));
  return dot(solver, memory->v, memory->work, BEND);
}

static ait_status judge(ait_solver *solver, int64_t k) {
  const ait_trial trial = {.first = k == 0,
                           .tolerance = solver->options.method.lbfgs.tolerance,
                           .f = row(solver, TRIAL_F),
                           .slope = row(solver, TRIAL_SLOPE),
                           .square = row(solver, TRIAL_SQUARE),
                           .secant = row(solver, SECANT),
                           .bend = row(solver, BEND),
                           .best_slope = row(solver, BEST_SLOPE),
                           .best_f = row(solver, BEST_F),
                           .step = row(solver, STEP),
                           .scaling = row(solver, SCALING),
                           .rho = pair_of(solver, k).rho,
                           .start = solver->findings.start,
                           .limit = solver->findings.limit,
                           .residual = solver->findings.residual,
                           .iterations = solver->findings.iterations,
                           .active = solver->quasi_newton.active,
                           .accepted = solver->quasi_newton.accepted};
  return solver->device->vector->judge_trials(solver->device, solver->batch, &trial);
}

/* next, the gradient and the pair move where the trial was accepted. */
static ait_status move(ait_solver *solver, int64_t k, ait_real *next) {
  const ait_quasi_newton *memory = &solver->quasi_newton;
  const remembered pair = pair_of(solver, k);
  const ait_real *const from[] = {memory->trial, solver->g, memory->s, memory->v};
  ait_real *const to[] = {next, memory->gradient, pair.s, pair.v};
  for (int i = 0; i < 4; i++) {
    AIT_TRY(solver->device->vector->select(solver->device, solver->batch, solver->m, memory->accepted, from[i], to[i]));
  }
  return AIT_OK;
}

/* ---- the direction: the two loops ---------------------------------------------------------------------- */

/* work_b = work_b + factor c_b (scalar row) for the LL problems that moved. */
static ait_status add_scaled(ait_solver *solver, double factor, const ait_real *scalars, const ait_real *c) {
  ait_quasi_newton *memory = &solver->quasi_newton;
  return solver->device->vector->add_scaled(solver->device, solver->batch, solver->m, memory->accepted, memory->work,
                                            factor, scalars, c, memory->work);
}

/* out = rho (c'work). */
static ait_status weigh(ait_solver *solver, const remembered *pair, const ait_real *c, ait_real *out) {
  AIT_TRY(dot(solver, c, solver->quasi_newton.work, PRODUCT));
  return solver->device->vector->multiply(solver->device, 1, solver->batch, NULL, pair->rho, row(solver, PRODUCT), out);
}

/* weight = rho s'q,  q = q - weight v. */
static ait_status go_back(ait_solver *solver, int64_t k) {
  const remembered pair = pair_of(solver, k);
  AIT_TRY(weigh(solver, &pair, pair.s, pair.weight));
  return add_scaled(solver, -1, pair.weight, pair.v);
}

/* r = r + (weight - rho v'r) s. */
static ait_status go_forth(ait_solver *solver, int64_t k) {
  const remembered pair = pair_of(solver, k);
  AIT_TRY(weigh(solver, &pair, pair.v, row(solver, PRODUCT)));
  const ait_term terms[] = {{1, NULL, pair.weight}, {-1, NULL, row(solver, PRODUCT)}};
  AIT_TRY(solver->device->vector->combine(solver->device, 1, solver->batch, NULL, 2, terms, row(solver, PRODUCT)));
  return add_scaled(solver, 1, row(solver, PRODUCT), pair.s);
}

/* d = -B g with B the inverse Hessian that the pairs make of scaling M, for the LL problems that moved; and g'd. */
static ait_status turn(ait_solver *solver, int64_t k, const ait_real *y) {
  ait_device *device = solver->device;
  ait_quasi_newton *memory = &solver->quasi_newton;
  const int64_t oldest = k < memory->slots ? 1 : k - memory->slots + 1;
  AIT_TRY(device->vector->copy(device, solver->batch * solver->m, memory->gradient, memory->work));
  for (int64_t j = k; j >= oldest; j--) {
    AIT_TRY(go_back(solver, j));
  }
  AIT_TRY(precondition(solver, k, y, memory->work, memory->work));
  AIT_TRY(device->vector->add_scaled(device, solver->batch, solver->m, memory->accepted, NULL, 1, row(solver, SCALING),
                                     memory->work, memory->work));
  for (int64_t j = oldest; j <= k; j++) {
    AIT_TRY(go_forth(solver, j));
  }
  const ait_term downhill = {-1, NULL, memory->work};
  AIT_TRY(device->vector->combine(device, solver->batch, solver->m, memory->accepted, 1, &downhill, memory->direction));
  return dot(solver, memory->gradient, memory->direction, BEST_SLOPE);
}

/* ---- an LL step ---------------------------------------------------------------------------------------- */

/* The next trial point: y + step d. */
static ait_status aim(ait_solver *solver, int64_t k, const ait_real *y) {
  ait_quasi_newton *memory = &solver->quasi_newton;
  if (!is_empty(solver, memory->accepted)) {
    AIT_TRY(turn(solver, k, y));
  }
  return solver->device->vector->add_scaled(solver->device, solver->batch, solver->m, memory->active, y, 1,
                                            row(solver, STEP), memory->direction, memory->trial);
}

/* y_{k+1} = the trial point of step k where it is accepted, else y_k; y_1 = y_0. */
ait_status ait_quasi_newton_step(ait_solver *solver, int64_t k, const ait_real *u, ait_real *next) {
  ait_device *device = solver->device;
  const ait_quasi_newton *memory = &solver->quasi_newton;
  AIT_TRY(device->vector->copy(device, solver->batch * solver->m, u, next));
  if (k == 0) {
    AIT_TRY(start(solver, u));
  }
  if (!is_empty(solver, memory->active)) {
    AIT_TRY(look_at_trial(solver, k, u));
    AIT_TRY(judge(solver, k));
    AIT_TRY(move(solver, k, next));
    if (k + 1 < solver->K) {
      AIT_TRY(aim(solver, k, next));
    }
  }
  return device->vector->copy(device, solver->batch, row(solver, BEST_F), solver->findings.f + k * solver->batch);
}

/* ---- what the host learns ------------------------------------------------------------------------------ */

void ait_quasi_newton_look(ait_solver *solver) {
  const ait_findings *findings = &solver->findings;
  if (!(solver->options.method.lbfgs.tolerance > 0)) {
    return;
  }
  for (int64_t b = 0; b < solver->batch; b++) {
    solver->unsolved[b] += !(findings->host_residual[b] <= findings->host_limit[b]);
  }
}

ait_status ait_solver_ll_solution(const ait_solver *solver, double *residual, int64_t *iterations, int64_t *unsolved) {
  const ait_findings *findings = &solver->findings;
  if (solver->options.method.mapping != AIT_MAPPING_LBFGS) {
    return ait_fail(AIT_UNSUPPORTED, "only the LL mapping L-BFGS tells how far the LL problem is solved");
  }
  for (int64_t b = 0; b < solver->batch; b++) {
    const double start = findings->host_start[b], end = findings->host_residual[b];
    residual[b] = start > 0 ? sqrt(end / start) : 0;
    iterations[b] = (int64_t)findings->host_iterations[b];
    unsolved[b] = solver->unsolved[b];
  }
  return AIT_OK;
}
