/* evaluate.c - what a hyper-cleaning run came to: scores, figures, the classifiers beside them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/progress.h"
#include "run/run.h"

/* ---- scores ------------------------------------------------------------------------------------ */

static void suggest_labels(ait_run *run) {
  int64_t classes = run->data->classes;
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    const ait_real *p = run->probabilities + i * classes;
    int32_t best = 0;
    for (int32_t c = 1; c < classes; c++) {
      best = p[c] > p[best] ? c : best;
    }
    run->suggested[i] = best;
    run->suggested_probability[i] = (double)p[best];
    run->given_probability[i] = (double)p[run->data->given[i]];
  }
}

static int64_t count_suspected(const ait_run *run) {
  int64_t count = 0;
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    count += run->suggested[i] != run->data->given[i];
  }
  return count;
}

/* Planted rows were learned with as training rows are; their true labels are known. */
static ait_status calibrate(ait_run *run) {
  const ait_clean_data *d = run->data;
  const double *score = run->scores[run->settings->score];
  ait_calibration_end(&run->calibration);
  if (d->aside.planted == 0) {
    return AIT_OK;
  }
  ait_calibration_begin(AIT_CALIBRATION_PLANTED, d->train_rows, score, run->order, run->suspected, &run->calibration);
  for (int64_t k = 0; k < d->aside.planted; k++) {
    AIT_TRY(ait_calibration_add(&run->calibration, k < d->aside.flipped, score[d->train_rows + k], 1));
  }
  ait_calibration_finish(&run->calibration, d->aside.planted, (double)(d->aside.planted - d->aside.flipped),
                         (double)d->aside.flipped);
  return AIT_OK;
}

static ait_status take_scores(ait_run *run) {
  AIT_TRY(ait_run_classifier_score(run, run->y, run->scores[AIT_SCORE_CLASSIFIER]));
  suggest_labels(run);
  ait_run_weight_score(run, run->scores[AIT_SCORE_WEIGHT]);
  run->suspected = count_suspected(run);
  run->flagged = run->data->truth != NULL ? run->data->mislabelled_rows : run->suspected;
  AIT_TRY(ait_metrics_order(run->data->train_rows, run->scores[run->settings->score], run->order));
  AIT_TRY(calibrate(run));
  ait_label_table_end(&run->labels);
  const ait_suspects suspects = ait_run_suspects(run);
  return ait_label_table_make(&suspects, &run->labels);
}

/* The paper's measure counts every redrawn row as dirty and x_i < 0 as flagged. */
static ait_status take_clean_f1(ait_run *run) {
  int64_t n = run->data->train_rows;
  uint8_t *flag = calloc((size_t)n, 1);
  if (flag == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the flags of %lld rows", (long long)n);
  }
  run->clean_f1_all_clean = ait_metrics_clean_f1(n, flag, run->data->redrawn);
  run->clean_f1_oracle = ait_metrics_clean_f1(n, run->data->mislabelled, run->data->redrawn);
  for (int64_t i = 0; i < n; i++) {
    flag[i] = run->x[i] < 0;
  }
  run->clean_f1 = ait_metrics_clean_f1(n, flag, run->data->redrawn);
  free(flag);
  return AIT_OK;
}

static ait_status take_rankings(ait_run *run) {
  if (run->data->truth == NULL) {
    return AIT_OK;
  }
  int64_t n = run->data->train_rows;
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    AIT_TRY(ait_metrics_ranking(n, run->scores[score], run->data->mislabelled, &run->ranking[score]));
  }
  return take_clean_f1(run);
}

static ait_status take_accuracies(ait_run *run) {
  if (run->test_predictor == NULL) {
    return AIT_OK;
  }
  const int32_t *labels = run->data->test_labels;
  AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->y, labels, &run->accuracy_y));
  if (run->settings->method.initialisation != AIT_INITIALISATION_AUXILIARY) {
    return AIT_OK;
  }
  return ait_predictor_accuracy(run->test_predictor, run->z, labels, &run->accuracy_z);
}

/* ---- all of it --------------------------------------------------------------------------------- */

ait_status ait_run_take_figures(ait_run *run) {
  run->accuracy_y = run->accuracy_z = NAN;
  AIT_TRY(take_scores(run));
  AIT_TRY(take_rankings(run));
  return take_accuracies(run);
}

ait_status ait_run_evaluate(ait_run *run, const volatile sig_atomic_t *stop) {
  const double began = ait_run_clock();
  AIT_TRY(ait_run_take_figures(run));
  if (!*stop) {
    ait_progress_note(run->settings, "training the classifiers beside the run; Ctrl-C skips those left");
  }
  const ait_sided_run sided = {.context = run->context,
                               .settings = run->settings,
                               .data = run->data,
                               .network = &run->network,
                               .order = run->order,
                               .flagged = run->flagged};
  AIT_TRY(ait_sides_train(&sided, stop, &run->sides));
  run->evaluation_seconds = ait_run_clock() - began;
  return AIT_OK;
}
