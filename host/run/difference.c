/* difference.c - hyper-gradients against central differences (docs/derivation.md#finite-differences). */
#include "run/difference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"
#include "solver/access.h"

enum { SHORTER_STEPS = 3 };

/* Where phi is taken, and what is compared with it. */
typedef struct comparison {
  ait_problem *problem;
  ait_solver_options options; /* of phi */
  const ait_difference_settings *settings;
  int64_t n, bm;
  int32_t *kbar;       /* batch entries, in steps of phi */
  ait_real *x, *z;     /* the point, perturbed in place */
  ait_real *gx, *gz;   /* the hyper-gradient */
  ait_real *direction; /* max(n, bm) */
} comparison;

double ait_difference_step(void) {
  return sizeof(ait_real) == sizeof(double) ? 1e-5 : 1e-2;
}

static ait_status phi(const comparison *c, double *value) {
  ait_solver *solver;
  AIT_TRY(ait_solver_create(c->problem, &c->options, c->x, c->z, &solver));
  ait_status status = ait_solver_rollout(solver);
  if (status == AIT_OK) {
    const ait_real *F = ait_solver_trajectory_F(solver);
    int64_t batch = ait_problem_batch(c->problem);
    *value = 0;
    for (int64_t b = 0; b < batch; b++) {
      *value += (double)F[c->kbar[b] * batch + b];
    }
  }
  ait_solver_destroy(solver);
  return status;
}

static void make_direction(const comparison *c, int64_t n, int32_t index, ait_real *direction) {
  if (n <= c->settings->directions) {
    memset(direction, 0, (size_t)n * sizeof *direction);
    direction[index] = 1;
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    uint64_t counter = (uint64_t)index * (uint64_t)n + (uint64_t)i;
    direction[i] = (ait_real)(2 * ait_random_uniform(c->settings->seed, AIT_STREAM_CHECK, counter) - 1);
  }
}

/* (phi(v + h d) - phi(v - h d)) / 2h, where v is x or z. What was really added is measured, since float
 * rounds v + h d; the mean of it along d stands for h. */
static ait_status central_difference(const comparison *c, double h, int64_t n, ait_real *v, double *difference) {
  ait_real *kept = malloc((size_t)n * sizeof *kept);
  if (kept == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a difference of %lld numbers", (long long)n);
  }
  memcpy(kept, v, (size_t)n * sizeof *kept);
  double value[2] = {0, 0}, moved = 0, length = 0;
  ait_status status = AIT_OK;
  for (int side = 0; side < 2 && status == AIT_OK; side++) {
    double step = side == 0 ? h : -h;
    for (int64_t i = 0; i < n; i++) {
      double d = (double)c->direction[i];
      v[i] = (ait_real)((double)kept[i] + step * d);
      moved += fabs(((double)v[i] - (double)kept[i]) * d);
      length += d * d;
    }
    status = phi(c, &value[side]);
  }
  memcpy(v, kept, (size_t)n * sizeof *kept);
  free(kept);
  *difference = (value[0] - value[1]) / (2 * moved / length);
  return status;
}

/* The difference along the direction that comes closest to `product`, with steps h, h/10, ... */
static ait_status closest_difference(const comparison *c, double product, int64_t n, ait_real *v, double *closest) {
  double h = c->settings->step;
  AIT_TRY(central_difference(c, h, n, v, closest));
  for (int shorter = 0; shorter < SHORTER_STEPS; shorter++) {
    if (fabs(*closest - product) <= c->settings->tolerance * fabs(product)) {
      break;
    }
    double difference;
    h /= 10;
    AIT_TRY(central_difference(c, h, n, v, &difference));
    *closest = fabs(difference - product) < fabs(*closest - product) ? difference : *closest;
  }
  return AIT_OK;
}

static ait_status compare_along(const comparison *c, int64_t n, ait_real *v, const ait_real *gradient, double *error) {
  int32_t directions = n < c->settings->directions ? (int32_t)n : c->settings->directions;
  double squares = 0, norm = 0;
  for (int32_t index = 0; index < directions; index++) {
    make_direction(c, n, index, c->direction);
    double product = 0, difference;
    for (int64_t i = 0; i < n; i++) {
      product += (double)gradient[i] * (double)c->direction[i];
    }
    AIT_TRY(closest_difference(c, product, n, v, &difference));
    squares += (difference - product) * (difference - product);
    norm += product * product;
  }
  *error = norm > 0 ? sqrt(squares / norm) : sqrt(squares);
  return AIT_OK;
}

/* Where only the last T steps are differentiated, phi starts from y_{K-T} and makes T steps. */
static ait_status start_late(comparison *c) {
  int64_t last = c->options.method.last_steps > 0 ? c->options.method.last_steps : (c->options.ll_steps + 1) / 2;
  int64_t before = c->options.ll_steps - last;
  if (before > 0) {
    ait_solver_options first = c->options;
    first.ll_steps = before;
    first.method.truncation = AIT_TRUNCATION_NONE;
    first.method.last_steps = 0;
    ait_solver *solver;
    AIT_TRY(ait_solver_create(c->problem, &first, c->x, c->z, &solver));
    ait_status status = ait_solver_rollout(solver);
    if (status == AIT_OK) {
      status = ait_solver_get_y(solver, c->z);
    }
    ait_solver_destroy(solver);
    AIT_TRY(status);
    c->options.ll_steps = last;
  }
  c->options.method.truncation = AIT_TRUNCATION_NONE;
  c->options.method.last_steps = 0;
  c->options.method.aggregate.mu *= pow(c->options.method.aggregate.decay, (double)before);
  for (int64_t b = 0; b < ait_problem_batch(c->problem); b++) {
    c->kbar[b] = (int32_t)c->options.ll_steps;
  }
  return AIT_OK;
}

static ait_status hypergradient(comparison *c, ait_difference *result) {
  ait_solver *solver;
  AIT_TRY(ait_solver_create(c->problem, &c->options, c->x, c->z, &solver));
  ait_status status = ait_solver_hypergradient(solver);
  if (status == AIT_OK) {
    memcpy(c->kbar, ait_solver_kbar(solver), (size_t)ait_problem_batch(c->problem) * sizeof *c->kbar);
    result->kbar = c->kbar[0];
    status = ait_solver_get_gx(solver, c->gx);
  }
  if (status == AIT_OK) {
    status = ait_solver_get_gz(solver, c->gz);
  }
  ait_solver_destroy(solver);
  return status;
}

static double norm_of(int64_t n, const ait_real *v) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += (double)v[i] * (double)v[i];
  }
  return sqrt(sum);
}

static ait_status check(comparison *c, ait_difference *result) {
  AIT_TRY(hypergradient(c, result));
  int64_t all = c->options.ll_steps;
  if (c->options.method.truncation == AIT_TRUNCATION_LAST) {
    AIT_TRY(start_late(c));
  }
  AIT_TRY(compare_along(c, c->n, c->x, c->gx, &result->error_gx));
  if (c->options.ll_steps < all) {
    result->error_gz = norm_of(c->bm, c->gz); /* y_{K-T} counts as given, so gz is exactly 0 */
    return AIT_OK;
  }
  return compare_along(c, c->bm, c->z, c->gz, &result->error_gz);
}

static ait_real *copy_of(const ait_real *v, int64_t n) {
  ait_real *copy = malloc((size_t)n * sizeof *copy);
  if (copy != NULL && v != NULL) {
    memcpy(copy, v, (size_t)n * sizeof *copy);
  }
  return copy;
}

const char *ait_difference_excuse(const ait_method *method) {
  if (ait_is_implicit(method)) {
    return "an implicit hyper-gradient is that of a solved LL problem, not the derivative of F at y_K";
  }
  if (method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES) {
    return "a hyper-gradient by finite differences has an error of its own";
  }
  if (method->truncation == AIT_TRUNCATION_LAST && method->nesterov) {
    return "a run of the last T steps from y_{K-T} has no momentum yet";
  }
  return NULL;
}

ait_status ait_difference_check(ait_problem *problem, const ait_solver_options *options, const ait_real *x,
                                const ait_real *z, const ait_difference_settings *settings, ait_difference *result) {
  int64_t batch = ait_problem_batch(problem), n = ait_problem_n(problem), bm = batch * ait_problem_m(problem);
  const char *excuse = ait_difference_excuse(&options->method);
  if (excuse != NULL) {
    return ait_fail(AIT_UNSUPPORTED, "differences of K steps do not check it: %s", excuse);
  }
  comparison c = {.problem = problem, .options = *options, .settings = settings, .n = n, .bm = bm};
  c.options.record_trajectory = 1;
  c.kbar = malloc((size_t)batch * sizeof *c.kbar);
  c.x = copy_of(x, n);
  c.z = copy_of(z, bm);
  c.gx = copy_of(NULL, n);
  c.gz = copy_of(NULL, bm);
  c.direction = copy_of(NULL, n > bm ? n : bm);
  ait_status status = c.kbar && c.x && c.z && c.gx && c.gz && c.direction
                          ? check(&c, result)
                          : ait_fail(AIT_OUT_OF_MEMORY, "no memory to compare a hyper-gradient");
  free(c.kbar);
  free(c.x);
  free(c.z);
  free(c.gx);
  free(c.gz);
  free(c.direction);
  return status;
}
