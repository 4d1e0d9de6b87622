/* transition_solve.c - the LL problems of transition cleaning: their solutions, and UL iterations over them. */
#include <math.h>
#include <string.h>

#include "context/error.h"
#include "run/transition_parts.h"

enum { FOLDS = AIT_TRANSITION_FOLDS };

/* A network with hidden layers, whose problem has no preconditioner, takes so many times as many looks, and as many
 * times the iterations of conjugate gradient. */
enum { NETWORK_FACTOR = 5, CG_ITERATIONS = 12 };

/* x is the mean of so many last iterates. */
enum { AVERAGED = 5 };

/* Where log lambda starts, of a linear classifier and with hidden layers, and its prior. */
static const double linear_lambda = 2e-3, network_lambda = 1e-2, prior_strength = 1;

/* Damping: with hidden layers, where there is no preconditioner and curvature is often negative. */
static const double ll_tolerance = 1e-4, cg_tolerance = 2e-3, network_damping = 0.05;

/* ---- problems ---------------------------------------------------------------------------------- */

double ait_transition_first_lambda(const ait_transition_run *run) {
  return ait_transition_has_hidden_layers(run) ? network_lambda : linear_lambda;
}

ait_transition ait_transition_rows(const ait_transition_run *run, ait_transition_noise noise) {
  const ait_clean_data *d = run->data;
  return (ait_transition){.train = run->train,
                          .train_labels = d->given,
                          .validation = run->validation,
                          .validation_labels = d->validation_labels,
                          .folds = FOLDS,
                          .train_folds = run->train_folds,
                          .validation_folds = run->validation_folds,
                          .noise = noise,
                          .prior_lambda = ait_transition_first_lambda(run),
                          .prior_strength = prior_strength,
                          .axes = run->axes.vectors != NULL ? &run->axes : NULL};
}

ait_transition ait_transition_rows_of_arm(const ait_transition_run *run, int32_t arm) {
  ait_transition rows = ait_transition_rows(run, arm == AIT_ARM_FULL ? AIT_TRANSITION_GIVEN : AIT_TRANSITION_SYMMETRIC);
  rows.chances = run->arms[arm].chances;
  return rows;
}

/* From zeros a network with hidden layers would not move. */
void ait_transition_start(const ait_transition_run *run, ait_real *y) {
  memset(y, 0, (size_t)(FOLDS * run->m) * sizeof *y);
  for (int32_t b = 0; b < FOLDS && ait_transition_has_hidden_layers(run); b++) {
    ait_network_initialise(&run->network, run->settings->seed, y + b * run->m);
  }
}

/* ---- solutions --------------------------------------------------------------------------------- */

static ait_preconditioner preconditioner_of(const ait_transition_run *run) {
  return ait_transition_has_hidden_layers(run) ? AIT_PRECONDITIONER_NONE
         : run->axes.vectors != NULL           ? AIT_PRECONDITIONER_MATRIX
                                               : AIT_PRECONDITIONER_DIAGONAL;
}

static int64_t scaled(const ait_transition_run *run, int64_t looks) {
  return ait_transition_has_hidden_layers(run) ? NETWORK_FACTOR * looks : looks;
}

static void solver_options(const ait_transition_run *run, int64_t looks, int32_t descends, int64_t iterations,
                           ait_solver_options *options) {
  ait_solver_options_init(options);
  options->method = (ait_method){.initialisation = AIT_INITIALISATION_WARM,
                                 .truncation = AIT_TRUNCATION_NONE,
                                 .mapping = AIT_MAPPING_LBFGS,
                                 .lbfgs = {.tolerance = ll_tolerance},
                                 .hypergradient = AIT_HYPERGRADIENT_NONE};
  options->ll_steps = scaled(run, looks);
  if (!descends) {
    return;
  }
  options->method.hypergradient = AIT_HYPERGRADIENT_CONJUGATE_GRADIENT;
  options->method.conjugate_gradient =
      (ait_conjugate_gradient){.iterations = scaled(run, CG_ITERATIONS),
                               .tolerance = cg_tolerance,
                               .negative_curvature = AIT_NEGATIVE_CURVATURE_STOP,
                               .damping = ait_transition_has_hidden_layers(run) ? network_damping : 0,
                               .preconditioner = preconditioner_of(run)};
  options->ul_iterations = iterations;
  options->ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  options->ul_optimizer.rate =
      (ait_schedule){.kind = AIT_SCHEDULE_COSINE, .rate = 0.25, .final = 0.05, .period = iterations};
  options->ul_optimizer.beta1 = 0.7;
  options->ul_optimizer.beta2 = 0.9;
  options->ul_optimizer.epsilon = 1e-10;
}

ait_status ait_transition_solve(ait_transition_run *run, const ait_transition *rows, int64_t looks, const ait_real *x,
                                ait_real *y, double *loss) {
  ait_problem *problem;
  ait_solver *solver = NULL;
  ait_solver_options options;
  solver_options(run, looks, 0, 1, &options);
  options.record_trajectory = loss != NULL;
  AIT_TRY(ait_problem_create_transition(run->context, &run->network, rows, &problem));
  ait_status status = ait_solver_create(problem, &options, x, y, &solver);
  if (status == AIT_OK) {
    status = ait_solver_rollout(solver);
  }
  if (status == AIT_OK) {
    status = ait_solver_get_y(solver, y);
  }
  for (int32_t b = 0; status == AIT_OK && loss != NULL && b < rows->folds; b++) {
    *loss = (b == 0 ? 0 : *loss) + (double)ait_solver_trajectory_F(solver)[options.ll_steps * rows->folds + b];
  }
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

/* ---- UL iterations ----------------------------------------------------------------------------- */

/* Adds x, where the solver's last rollout was, to the arm's path; that of a symmetric one has two variables. */
static ait_status add_point(const ait_transition_run *run, ait_transition_arm *arm, ait_solver *solver,
                            const ait_real *x, int64_t variables) {
  double residuals[FOLDS], *point = arm->path[arm->points];
  int64_t steps[FOLDS], unsolved[FOLDS];
  AIT_TRY(ait_solver_ll_solution(solver, residuals, steps, unsolved));
  point[AIT_POINT_LOG_LAMBDA] = (double)x[0];
  point[AIT_POINT_LOGIT_E] = variables > 1 ? (double)x[1] : NAN;
  point[AIT_POINT_F] = point[AIT_POINT_LL_RESIDUAL] = point[AIT_POINT_LL_ITERATIONS] = 0;
  point[AIT_POINT_GRADIENT_NORM] = NAN;
  for (int32_t b = 0; b < FOLDS; b++) {
    point[AIT_POINT_F] += (double)ait_solver_trajectory_F(solver)[scaled(run, AIT_TRANSITION_WARM_LOOKS) * FOLDS + b];
    point[AIT_POINT_LL_RESIDUAL] = fmax(point[AIT_POINT_LL_RESIDUAL], residuals[b]);
    point[AIT_POINT_LL_ITERATIONS] += (double)steps[b];
  }
  arm->points++;
  return AIT_OK;
}

static ait_status iterate(ait_transition_run *run, ait_transition_arm *arm, ait_solver *solver, int64_t variables) {
  ait_real x[2], gradient[2] = {0, 0};
  AIT_TRY(ait_solver_get_x(solver, x));
  AIT_TRY(ait_solver_step(solver));
  AIT_TRY(ait_solver_get_gx(solver, gradient));
  AIT_TRY(add_point(run, arm, solver, x, variables));
  arm->path[arm->points - 1][AIT_POINT_GRADIENT_NORM] = hypot((double)gradient[0], (double)gradient[1]);
  arm->iterations++;
  return AIT_OK;
}

/* x becomes the mean of the last iterates: the solver's and, of those before, the last on the path. */
static ait_status take_mean(ait_transition_arm *arm, ait_solver *solver, int64_t variables, int64_t iterations) {
  const int64_t before = iterations < AVERAGED - 1 ? iterations : AVERAGED - 1;
  ait_real last[2];
  AIT_TRY(ait_solver_get_x(solver, last));
  for (int64_t i = 0; i < variables; i++) {
    double sum = (double)last[i];
    for (int64_t k = 1; k <= before; k++) {
      sum += arm->path[arm->points - k][AIT_POINT_LOG_LAMBDA + i];
    }
    arm->x[i] = (ait_real)(sum / (double)(before + 1));
  }
  return AIT_OK;
}

/* What the UL iterations have come to: x, which is the path's last point, the LL solutions there, and how often
 * conjugate gradient met no positive curvature. */
static ait_status take_result(ait_transition_run *run, ait_transition_arm *arm, ait_solver *solver, int64_t variables,
                              int64_t iterations) {
  int64_t curved[FOLDS];
  AIT_TRY(take_mean(arm, solver, variables, iterations));
  AIT_TRY(ait_solver_curvature_count(solver, curved));
  for (int32_t b = 0; b < FOLDS; b++) {
    run->curved += curved[b];
  }
  AIT_TRY(ait_solver_set_x(solver, arm->x));
  AIT_TRY(ait_solver_rollout(solver));
  AIT_TRY(add_point(run, arm, solver, arm->x, variables));
  return ait_solver_get_y(solver, arm->y);
}

static ait_status iterate_all(ait_transition_run *run, int32_t kind, ait_solver *solver, int64_t variables,
                              int64_t iterations) {
  ait_transition_arm *arm = &run->arms[kind];
  AIT_TRY(ait_transition_go_on_iterating(run, arm, iterations, solver));
  while (ait_solver_iteration(solver) < iterations) {
    AIT_TRY(iterate(run, arm, solver, variables));
    ait_transition_print_iteration(run, kind);
    if (ait_solver_iteration(solver) < iterations) {
      AIT_TRY(ait_transition_keep(run, 1));
    }
  }
  return take_result(run, arm, solver, variables, iterations);
}

ait_status ait_transition_descend(ait_transition_run *run, int32_t kind, int64_t iterations) {
  const ait_transition_arm *arm = &run->arms[kind];
  const ait_transition rows = ait_transition_rows_of_arm(run, kind);
  ait_problem *problem;
  ait_solver_options options;
  solver_options(run, AIT_TRANSITION_WARM_LOOKS, 1, iterations, &options);
  AIT_TRY(ait_problem_create_transition(run->context, &run->network, &rows, &problem));
  ait_status status = ait_solver_create(problem, &options, arm->x, arm->y, &run->solver);
  if (status == AIT_OK) {
    status = iterate_all(run, kind, run->solver, ait_problem_n(problem), iterations);
  }
  ait_solver_destroy(run->solver);
  run->solver = NULL;
  ait_problem_destroy(problem);
  return status;
}
