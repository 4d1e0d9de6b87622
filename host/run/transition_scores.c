/* transition_scores.c - what the classifiers of transition cleaning say of the rows that they left out: noise models
 * fitted to that, scores and figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/run.h"
#include "run/transition_parts.h"

enum { FOLDS = AIT_TRANSITION_FOLDS };

/* ---- out of fold ------------------------------------------------------------------------------- */

ait_status ait_transition_predict_out_of_fold(ait_transition_run *run, const ait_real *y) {
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

ait_status ait_transition_predict_held_out(ait_transition_run *run, const ait_real *y, ait_real *p) {
  const int64_t m = run->data->validation_rows, classes = run->data->classes;
  for (int32_t b = 0; b < FOLDS; b++) {
    AIT_TRY(ait_predictor_probabilities(run->validation_predictor, y + b * run->m, run->all_probabilities));
    for (int64_t j = 0; j < m; j++) {
      if (run->validation_folds[j] == b) {
        memcpy(p + j * classes, run->all_probabilities + j * classes, (size_t)classes * sizeof *p);
      }
    }
  }
  return AIT_OK;
}

ait_status ait_transition_hold_out(ait_transition_run *run, ait_transition_arm *arm, double *mean) {
  const double least = 1e-30;
  const int64_t m = run->data->validation_rows, classes = run->data->classes;
  double sum = 0;
  AIT_TRY(ait_transition_predict_held_out(run, arm->y, arm->clean_probabilities));
  for (int64_t j = 0; j < m; j++) {
    const double p = (double)arm->clean_probabilities[j * classes + run->data->validation_labels[j]];
    arm->held_out[j] = -log(p > least ? p : least);
    sum += arm->held_out[j];
  }
  *mean = sum / (double)m;
  return AIT_OK;
}

ait_noisy_rows ait_transition_noisy_rows(const ait_transition_run *run) {
  return (ait_noisy_rows){
      .n = run->data->train_rows, .classes = run->data->classes, .p = run->probabilities, .labels = run->data->given};
}

/* The full noise model of the arm's classifiers, out of fold. */
ait_status ait_transition_fit_full(ait_transition_run *run) {
  ait_transition_arm *arm = &run->arms[AIT_ARM_FULL];
  const ait_noisy_rows rows = ait_transition_noisy_rows(run);
  AIT_TRY(ait_transition_predict_out_of_fold(run, arm->y));
  return ait_noise_fit(&rows, AIT_TRANSITION_FULL_COUNTS, arm->chances);
}

/* ---- scores ------------------------------------------------------------------------------------ */

ait_status ait_transition_score_arm(ait_transition_run *run, int32_t kind) {
  ait_transition_arm *arm = &run->arms[kind];
  const ait_noisy_rows rows = ait_transition_noisy_rows(run);
  if (kind < AIT_ARM_MODELS) {
    AIT_TRY(ait_transition_hold_out(run, arm, &arm->after));
  }
  AIT_TRY(ait_transition_predict_out_of_fold(run, arm->y));
  if (kind != AIT_ARM_FULL) {
    AIT_TRY(ait_noise_fit(&rows, AIT_TRANSITION_SYMMETRIC_COUNTS, arm->chances));
  }
  for (int64_t i = 0; i < rows.n; i++) {
    arm->score[i] = ait_noise_log_odds(&rows, arm->chances, i);
  }
  arm->rate = ait_noise_rate(&rows, arm->chances);
  if (kind < AIT_ARM_MODELS) {
    AIT_TRY(ait_noise_dependence(&rows, arm->chances, &arm->dependence));
  }
  return AIT_OK;
}

ait_status ait_transition_take_scores(ait_transition_run *run) {
  const double *chances = run->arms[run->chosen].chances;
  const ait_noisy_rows rows = ait_transition_noisy_rows(run);
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
  run->suspected = disagreeing;
  run->flagged = run->data->truth != NULL ? run->data->mislabelled_rows : disagreeing;
  return ait_metrics_order(rows.n, run->score, run->order);
}

/* ---- figures ----------------------------------------------------------------------------------- */

static ait_status take_accuracy(ait_transition_run *run) {
  if (run->test_predictor == NULL) {
    return AIT_OK;
  }
  run->accuracy = 0;
  for (int32_t b = 0; b < FOLDS; b++) {
    double accuracy;
    AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->y + b * run->m, run->data->test_labels, &accuracy));
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
  const double began = ait_run_clock();
  AIT_TRY(take_rankings(run));
  AIT_TRY(take_accuracy(run));
  run->evaluation_seconds = ait_run_clock() - began;
  return AIT_OK;
}
