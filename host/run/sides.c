/* sides.c - the classifiers and the cheap rankings beside a hyper-cleaning run. */
#include "run/sides.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/retrain.h"

const char *const ait_side_words[] = {"validation_only", "all_rows_as_given", "kept_by_this_run", "kept_by_baseline"};

/* The validation rows may be few, so that all folds are needed to tell when to stop. */
enum { BASELINE_FOLDS = 5 };

/* What is needed while sides are trained. */
typedef struct trainer {
  const ait_sided_run *run;
  ait_sides *sides;
  ait_real *y;             /* of the side under way */
  ait_real *probabilities; /* N x classes */
  double *score;           /* N: the validation-only classifier's */
  int64_t *order;          /* N: by that score */
} trainer;

/* ---- the sides --------------------------------------------------------------------------------- */

static ait_status take_accuracy(const trainer *t, ait_side side) {
  const ait_sided_run *run = t->run;
  return ait_baseline_accuracy(run->context, run->network, run->data->test, run->data->test_labels, t->y,
                               &t->sides->accuracy[side]);
}

/* 1 - the probability of each given label. */
static ait_status score_rows(const trainer *t) {
  const ait_clean_data *d = t->run->data;
  ait_predictor *predictor;
  AIT_TRY(ait_predictor_create(t->run->context, t->run->network, d->train, &predictor));
  const ait_status status = ait_predictor_probabilities(predictor, t->y, t->probabilities);
  ait_predictor_destroy(predictor);
  AIT_TRY(status);
  for (int64_t i = 0; i < d->train_rows; i++) {
    t->score[i] = 1 - (double)t->probabilities[i * d->classes + d->given[i]];
  }
  return AIT_OK;
}

/* The validation-only classifier: its ranking of the same rows, and its accuracy. */
static ait_status train_baseline(const trainer *t) {
  const ait_sided_run *run = t->run;
  const ait_clean_data *d = run->data;
  const ait_baseline_settings settings = {.seed = run->settings->seed,
                                          .rate = run->settings->ll_rate,
                                          .most = AIT_DEFAULT_BASELINE_STEPS,
                                          .folds = BASELINE_FOLDS};
  AIT_TRY(ait_baseline_train(run->context, run->network, d->validation, d->validation_labels, &settings, t->y,
                             &t->sides->training[AIT_SIDE_VALIDATION]));
  AIT_TRY(take_accuracy(t, AIT_SIDE_VALIDATION));
  AIT_TRY(score_rows(t));
  AIT_TRY(ait_metrics_order(d->train_rows, t->score, t->order));
  if (d->truth != NULL) {
    AIT_TRY(ait_metrics_ranking(d->train_rows, t->score, d->mislabelled, &t->sides->ranking));
  }
  return ait_metrics_shared(d->train_rows, run->flagged, run->order, t->order, &t->sides->shared);
}

/* Accuracies that are worth comparing: the same training on the same kind of rows, which differ only in
 * what was dropped. The least suspect rows stand at the end of an order. */
static ait_status retrain(const trainer *t, ait_side side) {
  const ait_sided_run *run = t->run;
  if (side == AIT_SIDE_KEPT_BY_BASELINE && !t->sides->trained[AIT_SIDE_VALIDATION]) {
    return ait_fail(AIT_UNSUPPORTED, "without the classifier of the validation rows alone there is no such ranking");
  }
  AIT_TRY(ait_retrain(run->context, run->network, run->settings, run->data,
                      side == AIT_SIDE_KEPT_BY_BASELINE ? t->order : run->order,
                      side == AIT_SIDE_ALL ? 0 : run->flagged, t->y, &t->sides->training[side]));
  return take_accuracy(t, side);
}

static ait_status attempt(const trainer *t, ait_side side, const volatile sig_atomic_t *stop) {
  if (*stop) {
    t->sides->skipped = 1;
    return ait_fail(AIT_STOPPED, "skipped, as a signal asked to stop");
  }
  return side == AIT_SIDE_VALIDATION ? train_baseline(t) : retrain(t, side);
}

/* The run stands without its sides: one that fails leaves a sentence and no figures. */
static void train_all(const trainer *t, const volatile sig_atomic_t *stop) {
  ait_sides *s = t->sides;
  const int sides = t->run->data->test != NULL ? AIT_SIDE_COUNT : AIT_SIDE_VALIDATION + 1;
  for (int side = 0; side < sides; side++) {
    s->trained[side] = attempt(t, (ait_side)side, stop) == AIT_OK;
    if (!s->trained[side]) {
      s->accuracy[side] = NAN;
      snprintf(s->failure[side], sizeof s->failure[side], "%s", ait_last_error());
    }
  }
}

/* ---- the rankings ------------------------------------------------------------------------------ */

/* All but the validation-only one, which is a side. */
static ait_status make_rankings(const ait_sided_run *run, const volatile sig_atomic_t *stop, ait_sides *s) {
  int32_t asked[AIT_RANKING_COUNT];
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    asked[kind] = kind != AIT_RANKING_VALIDATION;
  }
  s->with_rankings = 1;
  AIT_TRY(
      ait_rankings_make(run->context, run->settings, run->data, asked, AIT_DEFAULT_BASELINE_STEPS, stop, &s->rankings));
  s->skipped |= s->rankings.skipped;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (s->rankings.each[kind].made) {
      AIT_TRY(ait_metrics_shared(run->data->train_rows, run->flagged, run->order, s->rankings.orders[kind],
                                 &s->shared_with[kind]));
    }
  }
  return AIT_OK;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static ait_status allocate(trainer *t) {
  const int64_t n = t->run->data->train_rows;
  AIT_TRY(ait_allocate(ait_network_parameters(t->run->network), sizeof *t->y, &t->y));
  AIT_TRY(ait_allocate(n * t->run->data->classes, sizeof *t->probabilities, &t->probabilities));
  AIT_TRY(ait_allocate(n, sizeof *t->score, &t->score));
  return ait_allocate(n, sizeof *t->order, &t->order);
}

ait_status ait_sides_train(const ait_sided_run *run, const volatile sig_atomic_t *stop, ait_sides *sides) {
  *sides = (ait_sides){0};
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    sides->accuracy[side] = NAN;
  }
  trainer t = {.run = run, .sides = sides};
  const ait_status status = allocate(&t);
  if (status == AIT_OK) {
    train_all(&t, stop);
  }
  free(t.y);
  free(t.probabilities);
  free(t.score);
  free(t.order);
  AIT_TRY(status);
  return run->settings->baselines == AIT_BESIDE_ALL ? make_rankings(run, stop, sides) : AIT_OK;
}

void ait_sides_clear(ait_sides *sides) {
  ait_rankings_free(&sides->rankings);
  *sides = (ait_sides){0};
}
