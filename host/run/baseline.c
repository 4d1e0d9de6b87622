/* baseline.c - plain classifiers, trained without any weighing of rows.
 *
 * The training is the LL problem of hyper-cleaning (docs/derivation.md#hyper-cleaning) with every weight 1:
 * Nesterov's iteration (docs/derivation.md#nesterov) from PyTorch's start, and no hyper-gradient. Stopping early takes
 * the place of an L2 penalty: for a convex loss both leave the same directions of little curvature unfitted, and one
 * number of steps is found in a single rollout where a penalty takes one rollout a value tried. */
#include "run/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"

enum {
  FOLDS = 5,
  RATES_TRIED = 6,
  /* Above this many rows one fold is left out, not five in turn: the loss on so many rows is smooth
   * enough, and the rows are not copied five times. */
  MOST_ROWS_FOR_ALL_FOLDS = 50000
};

/* A training whose loss climbs above twice its start has too large a rate. */
static const double overshoot = 1;

/* sigmoid(40) is 1 in double as in float. */
static const ait_real weight_of_one = 40;

/* A classifier's training: `folds` data sets under one network. */
typedef struct training {
  const ait_network *network;
  int32_t folds;
  ait_matrix *train[FOLDS], *validation[FOLDS];
  int32_t *labels; /* of the folds: training, validation, training, ... */
  ait_cleaning_entry entries[FOLDS];
} training;

static void free_training(training *t) {
  for (int i = 0; i < FOLDS; i++) {
    ait_matrix_destroy(t->train[i]);
    ait_matrix_destroy(t->validation[i]);
  }
  free(t->labels);
}

/* ---- one rollout ------------------------------------------------------------------------------- */

typedef struct rollout {
  ait_context *context;
  const training *training;
  uint64_t seed;
  double rate;
  int64_t steps;
} rollout;

static ait_status start_values(const rollout *r, int64_t n, int64_t m, ait_real **x, ait_real **z) {
  *x = malloc((size_t)n * sizeof **x);
  *z = malloc((size_t)(r->training->folds * m) * sizeof **z);
  if (*x == NULL || *z == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to train a classifier of %lld parameters", (long long)m);
  }
  for (int64_t i = 0; i < n; i++) {
    (*x)[i] = weight_of_one;
  }
  for (int32_t b = 0; b < r->training->folds; b++) {
    ait_network_initialise(r->training->network, r->seed, *z + b * m);
  }
  return AIT_OK;
}

/* All steps, on a problem with its solver; F has steps + 1 means over the folds, y the last iterates;
 * either may be NULL. */
static ait_status roll(const rollout *r, ait_problem *problem, double *F, ait_real *y) {
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.method = (ait_method){.initialisation = AIT_INITIALISATION_FIXED,
                                .truncation = AIT_TRUNCATION_NONE,
                                .nesterov = 1,
                                .hypergradient = AIT_HYPERGRADIENT_NONE};
  options.ll_steps = r->steps;
  options.ll_rate.rate = r->rate;
  options.record_trajectory = F != NULL;
  options.divergence_limit = overshoot;
  ait_real *x = NULL, *z = NULL;
  ait_solver *solver = NULL;
  ait_status status = start_values(r, ait_problem_n(problem), ait_problem_m(problem), &x, &z);
  if (status == AIT_OK) {
    status = ait_solver_create(problem, &options, x, z, &solver);
  }
  free(x);
  free(z);
  if (status == AIT_OK) {
    status = ait_solver_rollout(solver);
  }
  int64_t folds = r->training->folds;
  const ait_real *trajectory = status == AIT_OK ? ait_solver_trajectory_F(solver) : NULL;
  for (int64_t k = 0; status == AIT_OK && F != NULL && k <= r->steps; k++) {
    F[k] = 0;
    for (int64_t b = 0; b < folds; b++) {
      F[k] += (double)trajectory[k * folds + b] / (double)folds;
    }
  }
  if (status == AIT_OK && y != NULL) {
    status = ait_solver_get_y(solver, y);
  }
  ait_solver_destroy(solver);
  return status;
}

static ait_status roll_out(const rollout *r, double *F, ait_real *y) {
  ait_problem *problem;
  AIT_TRY(ait_problem_create_cleaning(r->context, r->training->network, r->training->folds, r->training->entries,
                                      &problem));
  ait_status status = roll(r, problem, F, y);
  ait_problem_destroy(problem);
  return status;
}

/* ---- folds ------------------------------------------------------------------------------------- */

/* Fold b leaves out the b-th of `left_out` rows of the permutation. All folds have the same sizes, so
 * what is left over when rows / 5 is not whole is always trained on. */
static ait_status make_fold(const ait_matrix *rows, const int32_t *labels, const int64_t *permutation, int64_t left_out,
                            int32_t b, int64_t *others, training *t) {
  int64_t n = ait_matrix_rows(rows), first = b * left_out, kept = n - left_out;
  memcpy(others, permutation, (size_t)first * sizeof *others);
  memcpy(others + first, permutation + first + left_out, (size_t)(kept - first) * sizeof *others);
  AIT_TRY(ait_matrix_gather(rows, kept, others, &t->train[b]));
  AIT_TRY(ait_matrix_gather(rows, left_out, permutation + first, &t->validation[b]));
  int32_t *train_labels = t->labels + b * n, *validation_labels = train_labels + kept;
  for (int64_t i = 0; i < kept; i++) {
    train_labels[i] = labels[others[i]];
  }
  for (int64_t i = 0; i < left_out; i++) {
    validation_labels[i] = labels[permutation[first + i]];
  }
  t->entries[b] = (ait_cleaning_entry){.train = t->train[b],
                                       .train_labels = train_labels,
                                       .validation = t->validation[b],
                                       .validation_labels = validation_labels};
  return AIT_OK;
}

static ait_status make_folds(const ait_matrix *rows, const int32_t *labels, const ait_baseline_settings *settings,
                             training *t) {
  int64_t n = ait_matrix_rows(rows), left_out = n / FOLDS > 0 ? n / FOLDS : 1;
  t->folds = n <= MOST_ROWS_FOR_ALL_FOLDS && n >= FOLDS && settings->folds <= FOLDS ? settings->folds : 1;
  t->labels = malloc((size_t)(t->folds * n) * sizeof *t->labels);
  int64_t *permutation = malloc((size_t)(2 * n) * sizeof *permutation);
  ait_status status = AIT_OK;
  if (t->labels == NULL || permutation == NULL) {
    status = ait_fail(AIT_OUT_OF_MEMORY, "no memory to split %lld rows into folds", (long long)n);
  } else {
    ait_random_permutation(settings->seed, AIT_STREAM_FOLDS, n, n, permutation);
  }
  for (int32_t b = 0; b < t->folds && status == AIT_OK; b++) {
    status = make_fold(rows, labels, permutation, left_out, b, permutation + n, t);
  }
  free(permutation);
  return status;
}

/* ---- training ---------------------------------------------------------------------------------- */

/* k* = argmin over 1 <= k <= most of the mean loss on what the folds left out. */
static ait_status find_steps(rollout *r, int64_t *steps) {
  double *F = malloc((size_t)(r->steps + 1) * sizeof *F);
  if (F == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the losses of %lld steps", (long long)r->steps);
  }
  ait_status status = roll_out(r, F, NULL);
  if (status == AIT_OK) {
    *steps = 1;
    for (int64_t k = 2; k <= r->steps; k++) {
      *steps = F[k] < F[*steps] ? k : *steps;
    }
  }
  free(F);
  return status;
}

/* All rows, k* steps. The problem wants validation rows; the training rows stand in, their F unused. */
static ait_status train_on_all(const rollout *folds, const ait_matrix *rows, const int32_t *labels, int64_t steps,
                               ait_real *y) {
  training all = {
      .network = folds->training->network,
      .folds = 1,
      .entries = {{.train = rows, .train_labels = labels, .validation = rows, .validation_labels = labels}}};
  rollout last = *folds;
  last.training = &all;
  last.steps = steps;
  return roll_out(&last, NULL, y);
}

/* All of the training, at the first of rate, rate / 2, rate / 4, ... that diverges neither on the folds nor
 * on all rows, among which there may be larger ones. */
static ait_status train_at_some_rate(rollout *r, const ait_matrix *rows, const int32_t *labels, ait_real *y,
                                     ait_baseline *baseline) {
  ait_status status = AIT_DIVERGED;
  for (int tried = 0; tried < RATES_TRIED && status == AIT_DIVERGED; tried++) {
    r->rate = tried == 0 ? r->rate : r->rate / 2;
    status = find_steps(r, &baseline->steps);
    if (status == AIT_OK) {
      status = train_on_all(r, rows, labels, baseline->steps, y);
    }
  }
  baseline->rate = r->rate;
  return status;
}

ait_status ait_baseline_train(ait_context *context, const ait_network *network, const ait_matrix *rows,
                              const int32_t *labels, const ait_baseline_settings *settings, ait_real *y,
                              ait_baseline *baseline) {
  if (ait_matrix_rows(rows) < 2) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a classifier needs at least 2 rows to be trained on; there is %lld",
                    (long long)ait_matrix_rows(rows));
  }
  training t = {.network = network};
  rollout r = {
      .context = context, .training = &t, .seed = settings->seed, .rate = settings->rate, .steps = settings->most};
  ait_status status = make_folds(rows, labels, settings, &t);
  if (status == AIT_OK) {
    status = train_at_some_rate(&r, rows, labels, y, baseline);
  }
  free_training(&t);
  return status;
}
