/* baseline.c - plain classifiers, trained without any weighing of rows.
 *
 * Stopping early takes the place of an L2 penalty: for a convex loss both leave the same directions of little curvature
 * unfitted, and one number of steps is found in a single rollout where a penalty takes one rollout a value tried. */
#include "run/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"
#include "run/trainer.h"

enum {
  FOLDS = AIT_TRAINER_MOST_SETS,
  /* Above this many rows one fold is left out, not five in turn: the loss on so many rows is smooth
   * enough, and the rows are not copied five times. */
  MOST_ROWS_FOR_ALL_FOLDS = 50000
};

/* Fold b leaves out the b-th of `blocks` equal parts of the permutation. */
static ait_status make_fold(const ait_matrix *rows, const int32_t *labels, const int64_t *permutation, int32_t blocks,
                            int32_t b, int64_t *others, ait_trainer *trainer) {
  int64_t n = ait_matrix_rows(rows), first = b * n / blocks, last = (b + 1) * n / blocks;
  memcpy(others, permutation, (size_t)first * sizeof *others);
  memcpy(others + first, permutation + last, (size_t)(n - last) * sizeof *others);
  const ait_labelled_rows train = {rows, labels, n - (last - first), others},
                          judge = {rows, labels, last - first, permutation + first};
  return ait_trainer_add(trainer, &train, &judge);
}

static ait_status make_folds(const ait_matrix *rows, const int32_t *labels, const ait_baseline_settings *settings,
                             ait_trainer *trainer) {
  int64_t n = ait_matrix_rows(rows);
  int32_t blocks = n < FOLDS ? (int32_t)n : FOLDS;
  int32_t folds = n <= MOST_ROWS_FOR_ALL_FOLDS && n >= FOLDS && settings->folds <= FOLDS ? settings->folds : 1;
  int64_t *permutation = malloc((size_t)(2 * n) * sizeof *permutation);
  if (permutation == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to split %lld rows into folds", (long long)n);
  }
  ait_random_permutation(settings->seed, AIT_STREAM_FOLDS, n, n, permutation);
  ait_status status = AIT_OK;
  for (int32_t b = 0; b < folds && status == AIT_OK; b++) {
    status = make_fold(rows, labels, permutation, blocks, b, permutation + n, trainer);
  }
  free(permutation);
  return status;
}

/* All rows, k* steps. */
static ait_status train_on_all(const ait_trainer *folds, const ait_matrix *rows, const int32_t *labels, int64_t steps,
                               ait_real *y) {
  ait_trainer all = {.context = folds->context, .network = folds->network, .seed = folds->seed, .rate = folds->rate};
  const ait_labelled_rows train = {rows, labels, ait_matrix_rows(rows), NULL};
  ait_status status = ait_trainer_add(&all, &train, NULL);
  if (status == AIT_OK) {
    status = ait_trainer_fit(&all, steps, y);
  }
  ait_trainer_clear(&all);
  return status;
}

/* All of the training, at the first of rate, rate / 2, rate / 4, ... that diverges neither on the folds nor
 * on all rows, among which there may be larger ones. */
static ait_status train_at_some_rate(ait_trainer *folds, int64_t most, const ait_matrix *rows, const int32_t *labels,
                                     ait_real *y, ait_baseline *baseline) {
  ait_status status = AIT_DIVERGED;
  for (int tried = 0; tried < AIT_TRAINER_RATES && status == AIT_DIVERGED; tried++) {
    folds->rate = tried == 0 ? folds->rate : folds->rate / 2;
    status = ait_trainer_find_steps(folds, most, &baseline->steps);
    if (status == AIT_OK) {
      status = train_on_all(folds, rows, labels, baseline->steps, y);
    }
  }
  baseline->rate = folds->rate;
  return status;
}

ait_status ait_baseline_train(ait_context *context, const ait_network *network, const ait_matrix *rows,
                              const int32_t *labels, const ait_baseline_settings *settings, ait_real *y,
                              ait_baseline *baseline) {
  if (ait_matrix_rows(rows) < 2) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a classifier needs at least 2 rows to be trained on; there is %lld",
                    (long long)ait_matrix_rows(rows));
  }
  ait_trainer folds = {.context = context, .network = network, .seed = settings->seed, .rate = settings->rate};
  ait_status status = make_folds(rows, labels, settings, &folds);
  if (status == AIT_OK) {
    status = train_at_some_rate(&folds, settings->most, rows, labels, y, baseline);
  }
  ait_trainer_clear(&folds);
  return status;
}

ait_status ait_baseline_accuracy(ait_context *context, const ait_network *network, const ait_matrix *rows,
                                 const int32_t *labels, const ait_real *y, double *accuracy) {
  if (rows == NULL) {
    return AIT_OK;
  }
  ait_predictor *predictor;
  AIT_TRY(ait_predictor_create(context, network, rows, &predictor));
  const ait_status status = ait_predictor_accuracy(predictor, y, labels, accuracy);
  ait_predictor_destroy(predictor);
  return status;
}
