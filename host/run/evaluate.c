/* evaluate.c - what a hyper-cleaning run came to: scores, figures, the classifiers beside them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/progress.h"
#include "run/retrain.h"
#include "run/run.h"

/* The validation rows may be few, so that all folds are needed to tell when to stop. */
enum { BASELINE_FOLDS = 5 };

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

/* As many rows as are mislabelled where that is known, else those whose given label is not the most
 * probable one under y_K. */
static int64_t count_flagged(const ait_run *run) {
  if (run->data->truth != NULL) {
    return run->data->mislabelled_rows;
  }
  int64_t count = 0;
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    count += run->suggested[i] != run->data->given[i];
  }
  return count;
}

static ait_status take_scores(ait_run *run) {
  AIT_TRY(ait_run_classifier_score(run, run->y, run->scores[AIT_SCORE_CLASSIFIER]));
  suggest_labels(run);
  ait_run_weight_score(run, run->scores[AIT_SCORE_WEIGHT]);
  run->flagged = count_flagged(run);
  return ait_metrics_order(run->data->train_rows, run->scores[run->settings->score], run->order);
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

/* ---- the classifiers beside the run ------------------------------------------------------------ */

static ait_status take_side_accuracy(ait_run *run, ait_side side, const ait_real *y) {
  if (run->test_predictor == NULL) {
    return AIT_OK;
  }
  return ait_predictor_accuracy(run->test_predictor, y, run->data->test_labels, &run->side_accuracy[side]);
}

/* The validation-only classifier: its ranking of the same rows, and its accuracy. */
static ait_status train_baseline(ait_run *run, int64_t *order, ait_real *y) {
  const ait_clean_data *d = run->data;
  const ait_baseline_settings settings = {.seed = run->settings->seed,
                                          .rate = run->settings->ll_rate,
                                          .most = AIT_DEFAULT_BASELINE_STEPS,
                                          .folds = BASELINE_FOLDS};
  AIT_TRY(ait_baseline_train(run->context, &run->network, d->validation, d->validation_labels, &settings, y,
                             &run->sides[AIT_SIDE_VALIDATION]));
  AIT_TRY(take_side_accuracy(run, AIT_SIDE_VALIDATION, y));
  AIT_TRY(ait_run_classifier_score(run, y, run->baseline_score));
  AIT_TRY(ait_metrics_order(d->train_rows, run->baseline_score, order));
  if (d->truth != NULL) {
    AIT_TRY(ait_metrics_ranking(d->train_rows, run->baseline_score, d->mislabelled, &run->baseline_ranking));
  }
  return ait_metrics_shared(d->train_rows, run->flagged, run->order, order, &run->shared_with_baseline);
}

/* Accuracies that are worth comparing: the same training on the same kind of rows, which differ only in
 * what was dropped. The least suspect rows stand at the end of an order. */
static ait_status retrain(ait_run *run, ait_side side, const int64_t *baseline_order, ait_real *y) {
  if (side == AIT_SIDE_KEPT_BY_BASELINE && !run->side_trained[AIT_SIDE_VALIDATION]) {
    return ait_fail(AIT_UNSUPPORTED, "without the classifier of the validation rows alone there is no such ranking");
  }
  const int64_t *order = side == AIT_SIDE_KEPT_BY_BASELINE ? baseline_order : run->order;
  AIT_TRY(ait_retrain(run->context, &run->network, run->settings, run->data, order,
                      side == AIT_SIDE_ALL ? 0 : run->flagged, y, &run->sides[side]));
  return take_side_accuracy(run, side, y);
}

static ait_status attempt_side(ait_run *run, ait_side side, const volatile sig_atomic_t *stop, int64_t *order,
                               ait_real *y) {
  if (order == NULL || y == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a classifier of %lld parameters", (long long)run->m);
  }
  if (*stop) {
    run->sides_skipped = 1;
    return ait_fail(AIT_STOPPED, "skipped, as a signal asked to stop");
  }
  return side == AIT_SIDE_VALIDATION ? train_baseline(run, order, y) : retrain(run, side, order, y);
}

/* The run stands without its side classifiers: one that fails leaves a sentence and no figures. */
static void train_sides(ait_run *run, const volatile sig_atomic_t *stop) {
  int64_t *order = malloc((size_t)run->data->train_rows * sizeof *order);
  ait_real *y = malloc((size_t)run->m * sizeof *y);
  int sides = run->test_predictor != NULL ? AIT_SIDE_COUNT : AIT_SIDE_VALIDATION + 1;
  for (int side = 0; side < sides; side++) {
    run->side_trained[side] = attempt_side(run, (ait_side)side, stop, order, y) == AIT_OK;
    if (!run->side_trained[side]) {
      run->side_accuracy[side] = NAN;
      snprintf(run->side_failure[side], sizeof run->side_failure[side], "%s", ait_last_error());
    }
  }
  free(order);
  free(y);
}

/* The validation-only ranking is there already. */
static ait_status make_rankings(ait_run *run, const volatile sig_atomic_t *stop) {
  if (run->settings->baselines != AIT_BESIDE_ALL) {
    return AIT_OK;
  }
  int32_t asked[AIT_RANKING_COUNT];
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    asked[kind] = kind != AIT_RANKING_VALIDATION;
  }
  AIT_TRY(ait_rankings_make(run->context, run->settings, run->data, asked, AIT_DEFAULT_BASELINE_STEPS, stop,
                            &run->rankings));
  run->sides_skipped |= run->rankings.skipped;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (run->rankings.each[kind].made) {
      AIT_TRY(ait_metrics_shared(run->data->train_rows, run->flagged, run->order, run->rankings.orders[kind],
                                 &run->shared_with_ranking[kind]));
    }
  }
  return AIT_OK;
}

ait_status ait_run_take_figures(ait_run *run) {
  run->accuracy_y = run->accuracy_z = NAN;
  AIT_TRY(take_scores(run));
  AIT_TRY(take_rankings(run));
  return take_accuracies(run);
}

ait_status ait_run_evaluate(ait_run *run, const volatile sig_atomic_t *stop) {
  double began = ait_run_clock();
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    run->side_accuracy[side] = NAN;
  }
  AIT_TRY(ait_run_take_figures(run));
  if (!*stop) {
    ait_progress_note(run->settings->quiet, "training the classifiers beside the run; Ctrl-C skips those left");
  }
  train_sides(run, stop);
  AIT_TRY(make_rankings(run, stop));
  run->evaluation_seconds = ait_run_clock() - began;
  return AIT_OK;
}
