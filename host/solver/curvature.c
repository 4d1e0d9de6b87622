/* curvature.c - the largest curvature of what LL steps descend, by power iteration
 * (docs/derivation.md#the-size-of-an-ll-step).
 *
 * Two products a round, u = H v and w = H u: w is a product of v with H^2, which has no negative eigenvalue. The
 * scale of v is mended with (v'v) / (u'u), so that no square root is needed on the device; each LL problem of a batch
 * has its own scalars, which stay there until all rounds are enqueued. */
#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "context/random.h"
#include "solver/solver_state.h"

/* Rounds between two looks of the host, and looks at most. */
enum { ROUNDS = 16, LOOKS = 8 };

/* The last round of a look must raise the curvature by no more than this share, which is far below what a step size
 * is known to be good for. */
static const double tolerance = 1e-3;

/* v'v and u'u of the last round but one, v'v and u'u of the last one, and their ratio: `batch` numbers each. */
enum { BEFORE = 0, LAST = 2, SCALE = 4, ROWS = 5 };

typedef struct power_iteration {
  ait_solver *solver;               /* lends its oracles, y_0 = y, and vectors: the direction is v, hv a product */
  double mu;                        /* F's share in what is looked at */
  ait_real *u, *ul_hv;              /* ul_hv: a product of F's second derivative; NULL where mu is 0 */
  ait_real *scalars, *host_scalars; /* ROWS * batch */
} power_iteration;

static ait_real *row(const power_iteration *power, int32_t which) {
  return power->scalars + which * power->solver->batch;
}

/* A random v of length 1 for every LL problem. */
static ait_status draw_direction(ait_solver *solver, uint64_t seed) {
  const int64_t size = solver->batch * solver->m;
  ait_real *v = malloc((size_t)size * sizeof *v);
  if (v == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a direction of %lld numbers", (long long)size);
  }
  for (int64_t b = 0; b < solver->batch; b++) {
    double square = 0;
    for (int64_t i = b * solver->m; i < (b + 1) * solver->m; i++) {
      const double entry = ait_random_uniform(seed, AIT_STREAM_CURVATURE, (uint64_t)i) - 0.5 + 0x1p-25; /* never 0 */
      v[i] = (ait_real)entry;
      square += entry * entry;
    }
    for (int64_t i = b * solver->m; i < (b + 1) * solver->m; i++) {
      v[i] = (ait_real)(v[i] / sqrt(square));
    }
  }
  ait_status status =
      solver->device->runtime->copy_in(solver->device, (size_t)size * sizeof *v, v, solver->implicit.direction);
  free(v);
  return status;
}

/* hv = H v with H the second derivative of (1 - mu) f + mu F. */
static ait_status multiply(const power_iteration *power, const ait_real *v) {
  ait_solver *solver = power->solver;
  const ait_real *y = ait_trajectory_state(&solver->trajectory, 0);
  AIT_TRY(ait_call_ll_products(solver, 0, y, v));
  if (power->ul_hv == NULL) {
    return AIT_OK;
  }
  const ait_term terms[] = {{1 - power->mu, NULL, solver->hv}, {power->mu, NULL, power->ul_hv}};
  AIT_TRY(ait_call_ul_products(solver, 0, y, v, power->ul_hv));
  return solver->device->vector->combine(solver->device, 1, solver->batch * solver->m, NULL, 2, terms, solver->hv);
}

/* u = H v, w = H u, v = (v'v / u'u) w; v'v and u'u are kept in the rows from `kept` on. */
static ait_status take_round(const power_iteration *power, int32_t kept) {
  ait_solver *solver = power->solver;
  ait_device *device = solver->device;
  const int64_t m = solver->m;
  ait_real *v = solver->implicit.direction, *u = power->u;
  AIT_TRY(multiply(power, v));
  AIT_TRY(device->vector->copy(device, solver->batch * m, solver->hv, u));
  AIT_TRY(device->vector->dot(device, solver->batch, m, v, v, row(power, kept)));
  AIT_TRY(device->vector->dot(device, solver->batch, m, u, u, row(power, kept + 1)));
  AIT_TRY(device->vector->ratio(device, solver->batch, row(power, kept), row(power, kept + 1), row(power, SCALE)));
  AIT_TRY(multiply(power, u));
  for (int64_t b = 0; b < solver->batch; b++) {
    const ait_term term = {1, row(power, SCALE) + b, solver->hv + b * m};
    AIT_TRY(device->vector->combine(device, 1, m, NULL, 1, &term, v + b * m));
  }
  return AIT_OK;
}

/* ||u|| / ||v|| of LL problem b, 0 where H v = 0. */
static double curvature_of(const power_iteration *power, int32_t kept, int64_t b) {
  const int64_t batch = power->solver->batch;
  const double v = (double)power->host_scalars[kept * batch + b],
               u = (double)power->host_scalars[(kept + 1) * batch + b];
  return u == 0 || v == 0 ? 0 : sqrt(u / v);
}

/* The rounds up to a look: the largest curvature, and whether every LL problem's has settled. */
static ait_status look(const power_iteration *power, double *curvature, int32_t *settled) {
  ait_solver *solver = power->solver;
  const ait_runtime_ops *runtime = solver->device->runtime;
  for (int32_t i = 0; i < ROUNDS; i++) {
    AIT_TRY(take_round(power, i == ROUNDS - 1 ? LAST : BEFORE));
  }
  AIT_TRY(runtime->copy_out(solver->device, (size_t)(ROWS * solver->batch) * sizeof(ait_real), power->scalars,
                            power->host_scalars));
  AIT_TRY(runtime->synchronize(solver->device));
  *curvature = 0;
  *settled = 1;
  for (int64_t b = 0; b < solver->batch; b++) {
    const double before = curvature_of(power, BEFORE, b), last = curvature_of(power, LAST, b);
    if (!isfinite(last)) {
      return ait_fail(AIT_DIVERGED, "the second derivative of %s is not finite where its curvature was asked for",
                      power->mu > 0 ? "f or F" : "f");
    }
    *settled = *settled && last <= (1 + tolerance) * before;
    *curvature = fmax(*curvature, last);
  }
  return AIT_OK;
}

static ait_status iterate(power_iteration *power, uint64_t seed, double *curvature) {
  ait_solver *solver = power->solver;
  int32_t settled = 0;
  AIT_TRY(draw_direction(solver, seed));
  AIT_TRY(ait_solver_allocate_reals(solver, solver->batch * solver->m, &power->u));
  if (power->mu > 0) {
    AIT_TRY(ait_solver_allocate_reals(solver, solver->batch * solver->m, &power->ul_hv));
  }
  AIT_TRY(ait_solver_allocate_reals(solver, ROWS * solver->batch, &power->scalars));
  AIT_TRY(ait_constants_upload(solver));
  AIT_TRY(ait_initialise_lower_level(solver));
  AIT_TRY(solver->device->runtime->fill(solver->device, (size_t)solver->batch, 1, solver->active));
  for (int32_t i = 0; i < LOOKS && !settled; i++) {
    AIT_TRY(look(power, curvature, &settled));
  }
  return AIT_OK;
}

ait_status ait_problem_ll_curvature(ait_problem *problem, const ait_real *x, const ait_real *y, uint64_t seed,
                                    double *curvature) {
  return ait_problem_step_curvature(problem, 0, x, y, seed, curvature);
}

ait_status ait_problem_step_curvature(ait_problem *problem, double mu, const ait_real *x, const ait_real *y,
                                      uint64_t seed, double *curvature) {
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.method = (ait_method){.initialisation = AIT_INITIALISATION_FIXED,
                                .truncation = AIT_TRUNCATION_NONE,
                                .hypergradient = AIT_HYPERGRADIENT_NEUMANN};
  options.ll_steps = 1;
  power_iteration power = {.mu = mu, .host_scalars = malloc((size_t)(ROWS * problem->batch) * sizeof(ait_real))};
  if (power.host_scalars == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the curvature of %lld LL problems", (long long)problem->batch);
  }
  double found = 0;
  ait_status status = ait_solver_create(problem, &options, x, y, &power.solver);
  if (status == AIT_OK) {
    status = iterate(&power, seed, &found);
    ait_solver_destroy(power.solver);
  }
  free(power.host_scalars);
  if (status == AIT_OK) {
    *curvature = found;
  }
  return status;
}
