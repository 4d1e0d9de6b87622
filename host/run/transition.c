/* transition.c - cleaning by a noise model: two noise models, the choice between them and none, and scores out of fold
 * (docs/derivation.md#transition-cleaning). */
#include "run/transition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"
#include "run/allocate.h"
#include "run/noise_model.h"
#include "run/progress.h"
#include "run/run.h"

const char *const ait_transition_arm_words[] = {"symmetric", "full", "validation"};

enum { FOLDS = AIT_TRANSITION_FOLDS };

/* Looks at f of one LL solution: from nothing, and from a solution near by. A network with hidden layers, whose problem
 * has no preconditioner, takes so many times as many, and as many times the iterations of conjugate gradient. */
enum { LOOKS = 40, WARM_LOOKS = 10, LAST_SOLVE_LOOKS = 25, NETWORK_FACTOR = 5 };

/* Leading principal axes, along which the LL problems' Hessians are known best. */
enum { MOST_AXES = 128 };

/* UL iterations of the arms; the full noise model is fitted again between its two runs. */
enum { SYMMETRIC_ITERATIONS = 10, FULL_ITERATIONS = 6, REFITTED_ITERATIONS = 3, MOST_ITERATIONS = 10 };

_Static_assert(SYMMETRIC_ITERATIONS + 1 <= (int)AIT_TRANSITION_MOST_POINTS &&
                   FULL_ITERATIONS + REFITTED_ITERATIONS + 2 <= (int)AIT_TRANSITION_MOST_POINTS,
               "an arm's path has too many points");

/* x is the mean of so many last iterates. */
enum { AVERAGED = 5 };

/* The clean classifier's lambda is one of these, the largest first, so that each solution of a linear one starts the
 * next; a network's weights may be 0 at the largest, and would stay there. */
static const double lambdas[AIT_TRANSITION_LAMBDAS] = {1e-1, 1e-2, 1e-3, 1e-4};
enum { LAMBDAS = AIT_TRANSITION_LAMBDAS };

/* Where log lambda starts, of a linear classifier and with hidden layers, and its prior. */
static const double linear_lambda = 2e-3, network_lambda = 1e-2, prior_strength = 1;

/* The noise rate that the symmetric arm starts from lies within these. */
static const double least_rate = 0.02, most_rate = 0.85;

/* Pseudo-counts of a class: for the first rate, for a full T, and for one that is as good as symmetric. */
static const double few_counts = 1, full_counts = 30, symmetric_counts = 1e6;

/* The full T is taken above this z. */
static const double z_of_full = 3;

/* Damping: with hidden layers, where there is no preconditioner and curvature is often negative. */
static const double ll_tolerance = 1e-4, cg_tolerance = 2e-3, network_damping = 0.05;
enum { CG_ITERATIONS = 12 };

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status allocate_arm(const ait_transition_run *run, ait_transition_arm *arm) {
  AIT_TRY(ait_allocate((int64_t)run->data->classes * run->data->classes, sizeof *arm->chances, &arm->chances));
  AIT_TRY(ait_allocate(FOLDS * run->m, sizeof *arm->y, &arm->y));
  AIT_TRY(ait_allocate(run->data->validation_rows, sizeof *arm->held_out, &arm->held_out));
  AIT_TRY(ait_allocate(run->data->train_rows, sizeof *arm->likelihoods, &arm->likelihoods));
  return ait_allocate(run->data->train_rows, sizeof *arm->score, &arm->score);
}

/* Each row's fold; all have as many rows, but for one. */
static ait_status draw_folds(uint64_t seed, int64_t n, int32_t **folds) {
  AIT_TRY(ait_allocate(n, sizeof **folds, folds));
  int64_t *order = malloc((size_t)n * sizeof *order);
  if (order == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the folds of %lld rows", (long long)n);
  }
  ait_random_permutation(seed, AIT_STREAM_FOLDS, n, n, order);
  for (int64_t i = 0; i < n; i++) {
    (*folds)[order[i]] = (int32_t)(i % FOLDS);
  }
  free(order);
  return AIT_OK;
}

static ait_status allocate_all(ait_transition_run *run) {
  const int64_t n = run->data->train_rows, classes = run->data->classes;
  const int64_t most = n > run->data->validation_rows ? n : run->data->validation_rows;
  AIT_TRY(ait_allocate(run->data->features, sizeof *run->means, &run->means));
  AIT_TRY(ait_allocate(most * classes, sizeof *run->all_probabilities, &run->all_probabilities));
  AIT_TRY(ait_allocate(n * classes, sizeof *run->probabilities, &run->probabilities));
  AIT_TRY(ait_allocate(n, sizeof *run->weights, &run->weights));
  AIT_TRY(ait_allocate(n, sizeof *run->score, &run->score));
  AIT_TRY(ait_allocate(n, sizeof *run->given_probability, &run->given_probability));
  AIT_TRY(ait_allocate(n, sizeof *run->suggested_probability, &run->suggested_probability));
  AIT_TRY(ait_allocate(n, sizeof *run->suggested, &run->suggested));
  AIT_TRY(ait_allocate(n, sizeof *run->order, &run->order));
  AIT_TRY(draw_folds(run->settings->seed, n, &run->train_folds));
  AIT_TRY(draw_folds(run->settings->seed, run->data->validation_rows, &run->validation_folds));
  for (int32_t arm = 0; arm < AIT_ARM_COUNT; arm++) {
    AIT_TRY(allocate_arm(run, &run->arms[arm]));
  }
  return AIT_OK;
}

/* A view of a matrix less `means`, which only moves what the biases are. */
static ait_status view_centred(const ait_matrix *matrix, const double *means, double *shift, ait_matrix **view) {
  for (int64_t j = 0; j < ait_matrix_columns(matrix); j++) {
    shift[j] = (ait_matrix_shift(matrix) != NULL ? ait_matrix_shift(matrix)[j] : 0) - means[j];
  }
  AIT_TRY(ait_matrix_view(ait_matrix_type(matrix), ait_matrix_rows(matrix), ait_matrix_columns(matrix),
                          ait_matrix_stride(matrix), ait_matrix_data(matrix), view));
  return ait_matrix_set_scale(*view, ait_matrix_scale(matrix), shift);
}

static int32_t has_hidden_layers(const ait_transition_run *run) {
  return run->network.layers > 1;
}

/* Rows whose columns have the mean 0 make the LL problems far better conditioned, and change none of their solutions,
 * as biases are not penalised. `shift` has D entries. */
static ait_status centre(ait_transition_run *run, double *shift) {
  const ait_clean_data *d = run->data;
  for (int64_t i = 0; i < d->train_rows; i++) {
    for (int64_t j = 0; j < d->features; j++) {
      run->means[j] += ait_matrix_value(d->train, i, j) / (double)d->train_rows;
    }
  }
  AIT_TRY(view_centred(d->train, run->means, shift, &run->train));
  AIT_TRY(view_centred(d->validation, run->means, shift, &run->validation));
  return d->test != NULL ? view_centred(d->test, run->means, shift, &run->test) : AIT_OK;
}

static ait_status make_predictors(ait_transition_run *run) {
  double *shift;
  AIT_TRY(ait_allocate(run->data->features, sizeof *shift, &shift));
  const ait_status status = centre(run, shift);
  free(shift);
  AIT_TRY(status);
  AIT_TRY(ait_predictor_create(run->context, &run->network, run->train, &run->train_predictor));
  AIT_TRY(ait_predictor_create(run->context, &run->network, run->validation, &run->validation_predictor));
  if (!has_hidden_layers(run) && run->data->features <= AIT_MOST_FEATURES_OF_AXES) {
    AIT_TRY(ait_axes_take(run->train, MOST_AXES, &run->axes));
  }
  return run->test != NULL ? ait_predictor_create(run->context, &run->network, run->test, &run->test_predictor)
                           : AIT_OK;
}

ait_status ait_transition_check_rows(const ait_clean_data *data) {
  return data->validation_rows >= FOLDS && data->train_rows >= FOLDS && data->classes >= 2
             ? AIT_OK
             : ait_fail(AIT_BAD_DATA,
                        "transition cleaning takes %d folds: it needs %d or more training rows, as many validation "
                        "rows and 2 classes; there are %lld, %lld and %d",
                        FOLDS, FOLDS, (long long)data->train_rows, (long long)data->validation_rows, data->classes);
}

ait_status ait_transition_begin(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                                ait_transition_run *run) {
  *run = (ait_transition_run){.context = context, .settings = settings, .data = data, .accuracy = NAN};
  AIT_TRY(ait_transition_check_rows(data));
  ait_model_network(&settings->model, (ait_activation)settings->activation, data->features, data->classes, run->sizes,
                    &run->network);
  run->m = ait_network_parameters(&run->network);
  AIT_TRY(allocate_all(run));
  return make_predictors(run);
}

void ait_transition_release(ait_transition_run *run) {
  ait_predictor_destroy(run->train_predictor);
  ait_predictor_destroy(run->validation_predictor);
  ait_predictor_destroy(run->test_predictor);
  run->train_predictor = run->validation_predictor = run->test_predictor = NULL;
  ait_axes_free(&run->axes);
  ait_matrix_destroy(run->train);
  ait_matrix_destroy(run->validation);
  ait_matrix_destroy(run->test);
  run->train = run->validation = run->test = NULL;
  free(run->all_probabilities);
  free(run->probabilities);
  run->all_probabilities = run->probabilities = NULL;
}

void ait_transition_end(ait_transition_run *run) {
  ait_transition_release(run);
  ait_sides_clear(&run->sides);
  for (int32_t arm = 0; arm < AIT_ARM_COUNT; arm++) {
    free(run->arms[arm].chances);
    free(run->arms[arm].y);
    free(run->arms[arm].held_out);
    free(run->arms[arm].likelihoods);
    free(run->arms[arm].score);
  }
  free(run->means);
  free(run->weights);
  free(run->score);
  free(run->given_probability);
  free(run->suggested_probability);
  free(run->suggested);
  free(run->order);
  free(run->train_folds);
  free(run->validation_folds);
  *run = (ait_transition_run){0};
}

int64_t ait_transition_iterations(const ait_transition_run *run) {
  int64_t iterations = 0;
  for (int32_t arm = 0; arm < AIT_ARM_COUNT; arm++) {
    iterations += run->arms[arm].iterations;
  }
  return iterations;
}

/* ---- solutions --------------------------------------------------------------------------------- */

static double first_lambda(const ait_transition_run *run) {
  return has_hidden_layers(run) ? network_lambda : linear_lambda;
}

static ait_transition rows_of(const ait_transition_run *run, ait_transition_noise noise) {
  const ait_clean_data *d = run->data;
  return (ait_transition){.train = run->train,
                          .train_labels = d->given,
                          .validation = run->validation,
                          .validation_labels = d->validation_labels,
                          .folds = FOLDS,
                          .train_folds = run->train_folds,
                          .validation_folds = run->validation_folds,
                          .noise = noise,
                          .prior_lambda = first_lambda(run),
                          .prior_strength = prior_strength,
                          .axes = run->axes.vectors != NULL ? &run->axes : NULL};
}

static ait_transition rows_of_arm(const ait_transition_run *run, int32_t arm) {
  ait_transition rows = rows_of(run, arm == AIT_ARM_FULL ? AIT_TRANSITION_GIVEN : AIT_TRANSITION_SYMMETRIC);
  rows.chances = run->arms[arm].chances;
  return rows;
}

/* Where solutions begin: from zeros a network with hidden layers would not move. */
static void start(const ait_transition_run *run, ait_real *y) {
  memset(y, 0, (size_t)(FOLDS * run->m) * sizeof *y);
  for (int32_t b = 0; b < FOLDS && has_hidden_layers(run); b++) {
    ait_network_initialise(&run->network, run->settings->seed, y + b * run->m);
  }
}

static ait_preconditioner preconditioner_of(const ait_transition_run *run) {
  return has_hidden_layers(run)      ? AIT_PRECONDITIONER_NONE
         : run->axes.vectors != NULL ? AIT_PRECONDITIONER_MATRIX
                                     : AIT_PRECONDITIONER_DIAGONAL;
}

static int64_t scaled(const ait_transition_run *run, int64_t looks) {
  return has_hidden_layers(run) ? NETWORK_FACTOR * looks : looks;
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
  options->method.conjugate_gradient = (ait_conjugate_gradient){.iterations = scaled(run, CG_ITERATIONS),
                                                                .tolerance = cg_tolerance,
                                                                .negative_curvature = AIT_NEGATIVE_CURVATURE_STOP,
                                                                .damping = has_hidden_layers(run) ? network_damping : 0,
                                                                .preconditioner = preconditioner_of(run)};
  options->ul_iterations = iterations;
  options->ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  options->ul_optimizer.rate =
      (ait_schedule){.kind = AIT_SCHEDULE_COSINE, .rate = 0.25, .final = 0.05, .period = iterations};
  options->ul_optimizer.beta1 = 0.7;
  options->ul_optimizer.beta2 = 0.9;
  options->ul_optimizer.epsilon = 1e-10;
}

static ait_status go_on(const ait_transition_run *run) {
  return *run->stop ? ait_fail(AIT_STOPPED, "stopped by a signal before the rows were ranked") : AIT_OK;
}

/* y (folds x m) becomes the LL solutions at x, from what it is; *loss (may be NULL) the UL objective. */
static ait_status solve(ait_transition_run *run, const ait_transition *rows, int64_t looks, const ait_real *x,
                        ait_real *y, double *loss) {
  ait_problem *problem;
  ait_solver *solver = NULL;
  ait_solver_options options;
  AIT_TRY(go_on(run));
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

/* Adds x to the arm's path; the solver's last rollout was there. */
static void add_point(const ait_transition_run *run, ait_transition_arm *arm, const ait_solver *solver,
                      const ait_real *x) {
  ait_transition_point *point = &arm->path[arm->points++];
  *point = (ait_transition_point){.x = {x[0], x[1]}};
  for (int32_t b = 0; b < FOLDS; b++) {
    point->F += (double)ait_solver_trajectory_F(solver)[scaled(run, WARM_LOOKS) * FOLDS + b];
  }
}

/* `iterations` UL iterations of an arm; x becomes the mean of the last iterates, y the LL solutions there. */
static ait_status iterate(ait_transition_run *run, ait_transition_arm *arm, ait_solver *solver, int64_t variables,
                          int64_t iterations) {
  ait_real path[MOST_ITERATIONS + 1][2] = {{arm->x[0], arm->x[1]}};
  for (int64_t t = 0; t < iterations; t++) {
    AIT_TRY(go_on(run));
    AIT_TRY(ait_solver_step(solver));
    AIT_TRY(ait_solver_get_x(solver, path[t + 1]));
    add_point(run, arm, solver, path[t]);
    arm->iterations++;
  }
  const int64_t averaged = iterations + 1 < AVERAGED ? iterations + 1 : AVERAGED;
  for (int64_t i = 0; i < variables; i++) {
    double sum = 0;
    for (int64_t k = 0; k < averaged; k++) {
      sum += (double)path[iterations - k][i];
    }
    arm->x[i] = (ait_real)(sum / (double)averaged);
  }
  int64_t curved[FOLDS];
  AIT_TRY(ait_solver_curvature_count(solver, curved));
  for (int32_t b = 0; b < FOLDS; b++) {
    run->curved += curved[b];
  }
  AIT_TRY(ait_solver_set_x(solver, arm->x));
  AIT_TRY(ait_solver_rollout(solver));
  add_point(run, arm, solver, arm->x);
  return ait_solver_get_y(solver, arm->y);
}

static ait_status descend(ait_transition_run *run, int32_t kind, int64_t iterations) {
  ait_transition_arm *arm = &run->arms[kind];
  const ait_transition rows = rows_of_arm(run, kind);
  ait_problem *problem;
  ait_solver *solver = NULL;
  ait_solver_options options;
  solver_options(run, WARM_LOOKS, 1, iterations, &options);
  AIT_TRY(ait_problem_create_transition(run->context, &run->network, &rows, &problem));
  ait_status status = ait_solver_create(problem, &options, arm->x, arm->y, &solver);
  if (status == AIT_OK) {
    status = iterate(run, arm, solver, ait_problem_n(problem), iterations);
  }
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

/* ---- out of fold ------------------------------------------------------------------------------- */

/* probabilities (N x C): of each training row by the classifier that left it out. */
static ait_status predict_out_of_fold(ait_transition_run *run, const ait_real *y) {
  const int64_t n = run->data->train_rows, classes = run->data->classes;
  for (int32_t b = 0; b < FOLDS; b++) {
    AIT_TRY(ait_predictor_probabilities(run->train_predictor, y + b * run->m, run->all_probabilities));
    for (int64_t i = 0; i < n; i++) {
      if (run->train_folds[i] == b) {
        memcpy(run->probabilities + i * classes, run->all_probabilities + i * classes,
               (size_t)classes * sizeof *run->probabilities);
      }
    }
  }
  return AIT_OK;
}

/* *mean of the cross-entropies of the validation rows by the classifiers that left them out. */
static ait_status hold_out(ait_transition_run *run, ait_transition_arm *arm, double *mean) {
  const double least = 1e-30;
  const int64_t m = run->data->validation_rows, classes = run->data->classes;
  double sum = 0;
  for (int32_t b = 0; b < FOLDS; b++) {
    AIT_TRY(ait_predictor_probabilities(run->validation_predictor, arm->y + b * run->m, run->all_probabilities));
    for (int64_t i = 0; i < m; i++) {
      if (run->validation_folds[i] == b) {
        const double p = (double)run->all_probabilities[i * classes + run->data->validation_labels[i]];
        arm->held_out[i] = -log(p > least ? p : least);
        sum += arm->held_out[i];
      }
    }
  }
  *mean = sum / (double)m;
  return AIT_OK;
}

static ait_noisy_rows noisy_rows(const ait_transition_run *run) {
  return (ait_noisy_rows){
      .n = run->data->train_rows, .classes = run->data->classes, .p = run->probabilities, .labels = run->data->given};
}

/* The full noise model of the arm's classifiers, out of fold. */
static ait_status fit_full(ait_transition_run *run) {
  ait_transition_arm *arm = &run->arms[AIT_ARM_FULL];
  const ait_noisy_rows rows = noisy_rows(run);
  AIT_TRY(predict_out_of_fold(run, arm->y));
  return ait_noise_fit(&rows, full_counts, arm->chances);
}

/* ---- the steps --------------------------------------------------------------------------------- */

/* The lambda of least held-out cross-entropy among a few, for the validation rows alone. */
static ait_status choose_clean_lambda(ait_transition_run *run, ait_transition *rows, ait_real *y, ait_real *best) {
  double least = INFINITY;
  for (int32_t k = 0; k < LAMBDAS; k++) {
    const ait_real x = (ait_real)log(lambdas[k]);
    double loss;
    if (k == 0 || has_hidden_layers(run)) {
      start(run, y);
    }
    AIT_TRY(solve(run, rows, LOOKS, &x, y, &loss));
    run->validation_losses[k] = loss;
    if (loss < least) {
      least = loss;
      *best = (ait_real)log(lambdas[k]);
    }
  }
  return AIT_OK;
}

/* The validation arm: its cross-entropy on rows left out, then the classifier of all validation rows, which left out
 * every training row; its probabilities. */
static ait_status learn_validation(ait_transition_run *run) {
  ait_transition_arm *arm = &run->arms[AIT_ARM_VALIDATION];
  ait_transition rows = rows_of(run, AIT_TRANSITION_NONE);
  rows.train = NULL;
  rows.prior_strength = 0;
  AIT_TRY(choose_clean_lambda(run, &rows, arm->y, &arm->x[0]));
  start(run, arm->y);
  AIT_TRY(solve(run, &rows, LOOKS, arm->x, arm->y, NULL));
  AIT_TRY(hold_out(run, arm, &arm->before));
  arm->after = arm->before;
  rows.folds = 1;
  rows.validation_folds = NULL;
  start(run, arm->y);
  AIT_TRY(solve(run, &rows, LOOKS, arm->x, arm->y, NULL));
  for (int32_t b = 1; b < FOLDS; b++) {
    memcpy(arm->y + b * run->m, arm->y, (size_t)run->m * sizeof *arm->y);
  }
  return predict_out_of_fold(run, arm->y);
}

/* Where both noise models begin, by the validation arm's probabilities. */
static ait_status prepare_models(ait_transition_run *run) {
  ait_transition_arm *full = &run->arms[AIT_ARM_FULL], *symmetric = &run->arms[AIT_ARM_SYMMETRIC];
  const ait_noisy_rows noisy = noisy_rows(run);
  start(run, full->y);
  start(run, symmetric->y);
  AIT_TRY(ait_noise_fit(&noisy, few_counts, full->chances));
  run->clean_rate = ait_noise_rate(&noisy, full->chances);
  const double rate = fmin(most_rate, fmax(least_rate, run->clean_rate));
  symmetric->x[0] = full->x[0] = (ait_real)log(first_lambda(run));
  symmetric->x[1] = (ait_real)log(rate / (1 - rate));
  return ait_noise_fit(&noisy, full_counts, full->chances);
}

/* Both noise models at the first lambda. */
static ait_status start_arms(ait_transition_run *run) {
  for (int32_t kind = 0; kind < AIT_ARM_MODELS; kind++) {
    ait_transition_arm *arm = &run->arms[kind];
    ait_transition rows = rows_of_arm(run, kind);
    AIT_TRY(solve(run, &rows, LOOKS, arm->x, arm->y, NULL));
    if (kind == AIT_ARM_FULL) {
      AIT_TRY(fit_full(run));
      AIT_TRY(solve(run, &rows, LAST_SOLVE_LOOKS, arm->x, arm->y, NULL));
    }
    AIT_TRY(hold_out(run, arm, &arm->before));
    AIT_TRY(predict_out_of_fold(run, arm->y));
    const ait_noisy_rows noisy = noisy_rows(run);
    AIT_TRY(ait_noise_likelihoods(&noisy, run->train_folds, FOLDS,
                                  kind == AIT_ARM_FULL ? full_counts : symmetric_counts, arm->likelihoods));
  }
  return AIT_OK;
}

/* The mean of n differences a - b over its standard error. */
static double paired_z(int64_t n, const double *a, const double *b) {
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    mean += (a[i] - b[i]) / (double)n;
  }
  for (int64_t i = 0; i < n; i++) {
    squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
  }
  const double error = sqrt(squares) / (double)n;
  return error > 0 ? mean / error : 0;
}

/* The arm under which the given labels are likelier, out of fold. They tell far more than the validation rows, which
 * are fewer. */
static void choose(ait_transition_run *run) {
  const ait_transition_arm *symmetric = &run->arms[AIT_ARM_SYMMETRIC], *full = &run->arms[AIT_ARM_FULL];
  run->z = paired_z(run->data->train_rows, full->likelihoods, symmetric->likelihoods);
  run->held_out_z = paired_z(run->data->validation_rows, symmetric->held_out, full->held_out);
  run->chosen = run->z > z_of_full ? AIT_ARM_FULL : AIT_ARM_SYMMETRIC;
}

/* An arm's scores; a symmetric noise model is fitted anew to what its classifiers say. */
static ait_status score_arm(ait_transition_run *run, int32_t kind) {
  ait_transition_arm *arm = &run->arms[kind];
  const ait_noisy_rows rows = noisy_rows(run);
  if (kind < AIT_ARM_MODELS) {
    AIT_TRY(hold_out(run, arm, &arm->after));
  }
  AIT_TRY(predict_out_of_fold(run, arm->y));
  if (kind != AIT_ARM_FULL) {
    AIT_TRY(ait_noise_fit(&rows, symmetric_counts, arm->chances));
  }
  for (int64_t i = 0; i < rows.n; i++) {
    arm->score[i] = ait_noise_log_odds(&rows, arm->chances, i);
  }
  arm->rate = ait_noise_rate(&rows, arm->chances);
  return AIT_OK;
}

/* Nonzero where validation rows left out are predicted worse with noisy rows than without, at no smaller a lambda: rows
 * that follow the noise model do not do that. */
static int32_t is_worse_than_none(const ait_transition_run *run) {
  const ait_transition_arm *arm = &run->arms[run->chosen];
  int32_t worse = 0;
  for (int32_t k = 0; k < LAMBDAS; k++) {
    worse |= log(lambdas[k]) >= (double)arm->x[0] && arm->after > run->validation_losses[k];
  }
  return worse;
}

static ait_status run_arms(ait_transition_run *run) {
  AIT_TRY(descend(run, AIT_ARM_SYMMETRIC, SYMMETRIC_ITERATIONS));
  AIT_TRY(descend(run, AIT_ARM_FULL, FULL_ITERATIONS));
  AIT_TRY(fit_full(run));
  AIT_TRY(descend(run, AIT_ARM_FULL, REFITTED_ITERATIONS));
  for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
    AIT_TRY(score_arm(run, kind));
  }
  if (is_worse_than_none(run)) {
    run->chosen = AIT_ARM_VALIDATION;
  }
  return AIT_OK;
}

/* But for the validation arm one more solution: plain cross-entropy, each training row weighted by the chance that its
 * label is right. */
static ait_status polish(ait_transition_run *run) {
  ait_transition_arm *arm = &run->arms[run->chosen];
  ait_transition rows = rows_of(run, AIT_TRANSITION_NONE);
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    run->weights[i] = (ait_real)(1 / (1 + exp(arm->score[i])));
  }
  rows.weights = run->weights;
  if (run->chosen != AIT_ARM_VALIDATION) {
    AIT_TRY(solve(run, &rows, LAST_SOLVE_LOOKS, arm->x, arm->y, NULL));
  }
  return predict_out_of_fold(run, arm->y);
}

/* The final scores and suggestions, by the posterior of the classes given each row's label. */
static ait_status take_scores(ait_transition_run *run) {
  const double *chances = run->arms[run->chosen].chances;
  const ait_noisy_rows rows = noisy_rows(run);
  double *posterior = malloc((size_t)rows.classes * sizeof *posterior);
  if (posterior == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the chances of %d classes", rows.classes);
  }
  int64_t disagreeing = 0;
  for (int64_t i = 0; i < rows.n; i++) {
    int32_t best = 0;
    ait_noise_posterior(&rows, chances, i, posterior);
    for (int32_t c = 1; c < rows.classes; c++) {
      best = posterior[c] > posterior[best] ? c : best;
    }
    run->score[i] = ait_noise_log_odds(&rows, chances, i);
    run->suggested[i] = best;
    run->suggested_probability[i] = posterior[best];
    run->given_probability[i] = posterior[rows.labels[i]];
    disagreeing += best != rows.labels[i];
  }
  free(posterior);
  run->flagged = run->data->truth != NULL ? run->data->mislabelled_rows : disagreeing;
  return ait_metrics_order(rows.n, run->score, run->order);
}

ait_status ait_transition_clean(ait_transition_run *run, const volatile sig_atomic_t *stop) {
  const double began = ait_run_clock();
  const int32_t quiet = run->settings->quiet;
  run->stop = stop;
  ait_progress_note(quiet, "learning the validation rows");
  AIT_TRY(learn_validation(run));
  AIT_TRY(prepare_models(run));
  ait_progress_note(quiet, "trying a symmetric and a full noise model");
  AIT_TRY(start_arms(run));
  choose(run);
  ait_progress_note(quiet, "learning penalty and noise rate");
  AIT_TRY(run_arms(run));
  ait_progress_note(quiet, "scoring the rows");
  AIT_TRY(polish(run));
  AIT_TRY(take_scores(run));
  run->seconds = ait_run_clock() - began;
  return AIT_OK;
}

/* ---- figures ----------------------------------------------------------------------------------- */

static ait_status take_accuracy(ait_transition_run *run) {
  if (run->test_predictor == NULL) {
    return AIT_OK;
  }
  run->accuracy = 0;
  for (int32_t b = 0; b < FOLDS; b++) {
    double accuracy;
    AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->arms[run->chosen].y + b * run->m, run->data->test_labels,
                                   &accuracy));
    run->accuracy += accuracy / FOLDS;
  }
  return AIT_OK;
}

static ait_status take_rankings(ait_transition_run *run) {
  const ait_clean_data *d = run->data;
  if (d->truth == NULL) {
    return AIT_OK;
  }
  AIT_TRY(ait_metrics_ranking(d->train_rows, run->score, d->mislabelled, &run->figures));
  for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
    ait_transition_arm *arm = &run->arms[kind];
    AIT_TRY(ait_metrics_ranking(d->train_rows, arm->score, d->mislabelled, &arm->figures));
  }
  return AIT_OK;
}

ait_status ait_transition_take_figures(ait_transition_run *run) {
  AIT_TRY(take_rankings(run));
  return take_accuracy(run);
}

ait_status ait_transition_evaluate(ait_transition_run *run) {
  const double began = ait_run_clock();
  AIT_TRY(ait_transition_take_figures(run));
  if (!*run->stop) {
    ait_progress_note(run->settings->quiet, "training the classifiers beside the run; Ctrl-C skips those left");
  }
  const ait_sided_run sided = {.context = run->context,
                               .settings = run->settings,
                               .data = run->data,
                               .network = &run->network,
                               .order = run->order,
                               .flagged = run->flagged};
  AIT_TRY(ait_sides_train(&sided, run->stop, &run->sides));
  run->evaluation_seconds = ait_run_clock() - began;
  return AIT_OK;
}
