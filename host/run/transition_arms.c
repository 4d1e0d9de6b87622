/* transition_arms.c - the arms of transition cleaning: two noise models, none, and the choice between them. */
#include <math.h>
#include <string.h>

#include "context/error.h"
#include "run/transition_parts.h"

enum { FOLDS = AIT_TRANSITION_FOLDS };

/* The clean classifier's lambda is one of these, the largest first, so that each solution of a linear one starts the
 * next; a network's weights may be 0 at the largest, and would stay there. */
static const double lambdas[AIT_TRANSITION_LAMBDAS] = {1e-1, 1e-2, 1e-3, 1e-4};
enum { LAMBDAS = AIT_TRANSITION_LAMBDAS };

/* The noise rate that the symmetric arm starts from lies within these, and pseudo-counts of a class for it. */
static const double least_rate = 0.02, most_rate = 0.85, few_counts = 1;

/* ---- the validation rows alone ----------------------------------------------------------------- */

static ait_transition validation_rows(const ait_transition_run *run) {
  ait_transition rows = ait_transition_rows(run, AIT_TRANSITION_NONE);
  rows.train = NULL;
  rows.prior_strength = 0;
  return rows;
}

ait_status ait_transition_try_lambda(ait_transition_run *run, int32_t kind, int64_t which) {
  ait_transition_arm *arm = &run->arms[kind];
  const ait_transition rows = validation_rows(run);
  const ait_real x = (ait_real)log(lambdas[which]);
  if (which == 0 || ait_transition_has_hidden_layers(run)) {
    ait_transition_start(run, arm->y);
  }
  double *loss = &run->validation_losses[which];
  AIT_TRY(ait_transition_solve(run, &rows, AIT_TRANSITION_LOOKS, &x, arm->y, loss));
  if (which == 0 || *loss < arm->before) {
    arm->before = *loss;
    arm->x[0] = x;
    memcpy(run->alone, arm->y, (size_t)(FOLDS * run->m) * sizeof *arm->y);
  }
  return AIT_OK;
}

/* Where both noise models begin: at the classifiers of validation rows alone, and by the validation arm's
 * probabilities. From 0 the LL problems of a full model, which are not convex, end in solutions that take classes for
 * one another where training rows are few (docs/findings.md#which-noise-model). */
static ait_status prepare_models(ait_transition_run *run) {
  ait_transition_arm *full = &run->arms[AIT_ARM_FULL], *symmetric = &run->arms[AIT_ARM_SYMMETRIC];
  const ait_noisy_rows noisy = ait_transition_noisy_rows(run);
  memcpy(full->y, run->alone, (size_t)(FOLDS * run->m) * sizeof *full->y);
  memcpy(symmetric->y, run->alone, (size_t)(FOLDS * run->m) * sizeof *symmetric->y);
  AIT_TRY(ait_noise_fit(&noisy, few_counts, full->chances));
  run->clean_rate = ait_noise_rate(&noisy, full->chances);
  const double rate = fmin(most_rate, fmax(least_rate, run->clean_rate));
  symmetric->x[0] = full->x[0] = (ait_real)log(ait_transition_first_lambda(run));
  symmetric->x[1] = (ait_real)log(rate / (1 - rate));
  return ait_noise_fit(&noisy, AIT_TRANSITION_FULL_COUNTS, full->chances);
}

ait_status ait_transition_learn_validation(ait_transition_run *run, int32_t kind, int64_t looks) {
  ait_transition_arm *arm = &run->arms[kind];
  ait_transition rows = validation_rows(run);
  rows.folds = 1;
  rows.validation_folds = NULL;
  ait_transition_start(run, arm->y);
  AIT_TRY(ait_transition_solve(run, &rows, looks, arm->x, arm->y, NULL));
  for (int32_t b = 1; b < FOLDS; b++) {
    memcpy(arm->y + b * run->m, arm->y, (size_t)run->m * sizeof *arm->y);
  }
  AIT_TRY(ait_transition_predict_out_of_fold(run, arm->y));
  return prepare_models(run);
}

/* ---- the noise models at the first lambda ------------------------------------------------------ */

ait_status ait_transition_solve_model(ait_transition_run *run, int32_t kind, int64_t looks) {
  ait_transition_arm *arm = &run->arms[kind];
  const ait_transition rows = ait_transition_rows_of_arm(run, kind);
  return ait_transition_solve(run, &rows, looks, arm->x, arm->y, NULL);
}

/* What the choice goes by. */
static ait_status take_likelihoods(ait_transition_run *run, int32_t kind) {
  ait_transition_arm *arm = &run->arms[kind];
  AIT_TRY(ait_transition_hold_out(run, arm, &arm->before));
  AIT_TRY(ait_transition_predict_out_of_fold(run, arm->y));
  const ait_noisy_rows noisy = ait_transition_noisy_rows(run);
  return ait_noise_likelihoods(&noisy, run->train_folds, FOLDS,
                               kind == AIT_ARM_FULL ? AIT_TRANSITION_FULL_COUNTS : AIT_TRANSITION_SYMMETRIC_COUNTS,
                               arm->likelihoods);
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
  run->likelier = run->z > AIT_TRANSITION_CERTAIN_Z ? AIT_ARM_FULL : AIT_ARM_SYMMETRIC;
}

ait_status ait_transition_solve_refitted(ait_transition_run *run, int32_t kind, int64_t looks) {
  AIT_TRY(ait_transition_fit_full(run));
  AIT_TRY(ait_transition_solve_model(run, kind, looks));
  AIT_TRY(take_likelihoods(run, AIT_ARM_SYMMETRIC));
  AIT_TRY(take_likelihoods(run, AIT_ARM_FULL));
  choose(run);
  return AIT_OK;
}

ait_status ait_transition_descend_refitted(ait_transition_run *run, int32_t kind, int64_t iterations) {
  AIT_TRY(ait_transition_fit_full(run));
  return ait_transition_descend(run, kind, iterations);
}

/* ---- to the end -------------------------------------------------------------------------------- */

/* What the folds' classifiers of validation rows alone say of the rows that they left out. */
static ait_status finish_validation(ait_transition_run *run) {
  ait_transition_arm *arm = &run->arms[AIT_ARM_VALIDATION];
  arm->after = arm->before;
  return ait_transition_predict_held_out(run, run->alone, arm->clean_probabilities);
}

/* The mean arm's classifiers, `alone` (FOLDS x m) those of validation rows. */
static void average(ait_transition_run *run, const ait_real *alone) {
  ait_real *mean = run->arms[AIT_ARM_MEAN].y;
  const ait_real *symmetric = run->arms[AIT_ARM_SYMMETRIC].y;
  for (int64_t k = 0; k < FOLDS * run->m; k++) {
    mean[k] = ait_transition_has_hidden_layers(run) ? alone[k] : (ait_real)0.5 * (alone[k] + symmetric[k]);
  }
}

/* Its cross-entropy on rows left out is that of the folds' classifiers; its scores come from the one that learned all
 * validation rows. */
static ait_status finish_mean(ait_transition_run *run) {
  ait_transition_arm *mean = &run->arms[AIT_ARM_MEAN];
  average(run, run->alone);
  AIT_TRY(ait_transition_hold_out(run, mean, &mean->after));
  mean->before = mean->after;
  average(run, run->arms[AIT_ARM_VALIDATION].y);
  return AIT_OK;
}

/* Nonzero where validation rows left out are predicted worse with noisy rows than without, at no smaller a lambda: rows
 * that follow the noise model do not do that. */
static int32_t is_worse_than_none(const ait_transition_run *run) {
  const ait_transition_arm *arm = &run->arms[run->likelier];
  int32_t worse = 0;
  for (int32_t k = 0; k < LAMBDAS; k++) {
    worse |= log(lambdas[k]) >= (double)arm->x[0] && arm->after > run->validation_losses[k];
  }
  return worse;
}

/* Nonzero where wrong labels are found in rows that the classifier is sure of, and too few in others: it has learned
 * those there. By a noise model they have nothing to do with how sure it is. */
static int32_t depends_on_rows(const ait_transition_run *run) {
  return run->arms[run->likelier].dependence > AIT_TRANSITION_CERTAIN_Z;
}

ait_status ait_transition_compare_arms(ait_transition_run *run) {
  AIT_TRY(finish_validation(run));
  AIT_TRY(finish_mean(run));
  for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
    AIT_TRY(ait_transition_score_arm(run, kind));
  }
  run->chosen = is_worse_than_none(run) ? AIT_ARM_VALIDATION : depends_on_rows(run) ? AIT_ARM_MEAN : run->likelier;
  return AIT_OK;
}

ait_status ait_transition_polish(ait_transition_run *run) {
  ait_transition_arm *arm = &run->arms[run->chosen];
  ait_transition rows = ait_transition_rows(run, AIT_TRANSITION_NONE);
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    run->weights[i] = (ait_real)(1 / (1 + exp(arm->score[i])));
  }
  rows.weights = run->weights;
  memcpy(run->y, arm->y, (size_t)(FOLDS * run->m) * sizeof *run->y);
  if (run->chosen < AIT_ARM_MODELS) {
    AIT_TRY(ait_transition_solve(run, &rows, AIT_TRANSITION_LAST_LOOKS, arm->x, run->y, NULL));
    AIT_TRY(ait_transition_predict_held_out(run, run->y, arm->clean_probabilities));
  }
  return ait_transition_predict_out_of_fold(run, run->y);
}
