/* rounding.c - the conditioning of a hyper-gradient, in units of what rounding its inputs does. */
#include "run/rounding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"

enum { PARTS = 4, RUNS = 4 };

/* The results of one run end to end: F, gx, gz, y. */
typedef struct results {
  int64_t begin[PARTS + 1];
  ait_real *values;
} results;

static ait_status collect(ait_solver *solver, const results *r) {
  AIT_TRY(ait_solver_hypergradient(solver));
  memcpy(r->values, ait_solver_trajectory_F(solver), (size_t)r->begin[1] * sizeof *r->values);
  AIT_TRY(ait_solver_get_gx(solver, r->values + r->begin[1]));
  AIT_TRY(ait_solver_get_gz(solver, r->values + r->begin[2]));
  return ait_solver_get_y_kbar(solver, r->values + r->begin[3]);
}

/* Runs from x and z, every entry moved by a unit in the last place where `run` is not 0. */
static ait_status run_moved(ait_problem *problem, const ait_solver_options *options, const ait_real *x,
                            const ait_real *z, uint64_t run, ait_real *point, const results *r) {
  const int64_t n = ait_problem_n(problem), size = ait_problem_batch(problem) * ait_problem_m(problem);
  memcpy(point, x, (size_t)n * sizeof *x);
  memcpy(point + n, z, (size_t)size * sizeof *z);
  for (int64_t i = 0; run > 0 && i < n + size; i++) {
    const int up = (int)(ait_random_bits(run, AIT_STREAM_CHECK, (uint64_t)i) & 1);
    const double towards = up ? INFINITY : -INFINITY;
    point[i] = sizeof *point == sizeof(float) ? (ait_real)nextafterf((float)point[i], (float)towards)
                                              : (ait_real)nextafter((double)point[i], towards);
  }
  ait_solver *solver;
  AIT_TRY(ait_solver_create(problem, options, point, point + n, &solver));
  ait_status status = collect(solver, r);
  ait_solver_destroy(solver);
  return status;
}

static double relative_change(const results *moved, const results *base, int part) {
  double change = 0, norm = 0;
  for (int64_t i = base->begin[part]; i < base->begin[part + 1]; i++) {
    change += pow((double)moved->values[i] - (double)base->values[i], 2);
    norm += pow((double)base->values[i], 2);
  }
  return norm > 0 ? sqrt(change / norm) : sqrt(change);
}

static ait_status measure(ait_problem *problem, const ait_solver_options *options, const ait_real *x, const ait_real *z,
                          ait_real *point, const results *base, const results *moved, double *largest) {
  AIT_TRY(run_moved(problem, options, x, z, 0, point, base));
  for (uint64_t run = 1; run <= RUNS; run++) {
    AIT_TRY(run_moved(problem, options, x, z, run, point, moved));
    for (int part = 0; part < PARTS; part++) {
      largest[part] = fmax(largest[part], relative_change(moved, base, part) / sqrt(12));
    }
  }
  return AIT_OK;
}

ait_status ait_measure_rounding(ait_problem *problem, const ait_solver_options *options, const ait_real *x,
                                const ait_real *z, ait_rounding_effect *effect) {
  const int64_t batch = ait_problem_batch(problem), n = ait_problem_n(problem), size = batch * ait_problem_m(problem);
  const int64_t F = (options->ll_steps + 1) * batch, all = F + n + 2 * size;
  ait_real *memory = malloc((size_t)(n + size + 2 * all) * sizeof *memory);
  if (memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to measure the effect of rounding");
  }
  const results base = {{0, F, F + n, F + n + size, all}, memory + n + size};
  results moved = base;
  moved.values = base.values + all;
  double largest[PARTS] = {0, 0, 0, 0};
  ait_status status = measure(problem, options, x, z, memory, &base, &moved, largest);
  free(memory);
  *effect = (ait_rounding_effect){.F = largest[0], .gx = largest[1], .gz = largest[2], .y = largest[3]};
  return status;
}
