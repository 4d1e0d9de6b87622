/* baseline.h - plain classifiers, trained without any weighing of rows.
 *
 * They stand beside every result: the one that saw the clean validation rows alone is the cheap
 * baseline, those that saw kept rows as well show what the cleaning is worth. */
#ifndef AIT_RUN_BASELINE_H
#define AIT_RUN_BASELINE_H

#include "ait/ait.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_baseline_settings {
  uint64_t seed; /* of the folds and of the start */
  double rate;   /* of the steps; halved where they diverge */
  int64_t most;  /* steps at most, >= 1 */
  int32_t folds; /* 1 .. 5: how many of five folds are left out in turn to find the number of steps */
} ait_baseline_settings;

/* What the training came to. */
typedef struct ait_baseline {
  int64_t steps;
  double rate;
} ait_baseline;

/* Trains a network on rows with labels; `y` receives its parameters. The number of steps is the one at
 * which the mean loss on the rows left out is least.
 * Errors: AIT_DIVERGED (at every rate tried), AIT_INVALID_ARGUMENT (fewer than 2 rows), and whatever
 * the solver returns. */
ait_status ait_baseline_train(ait_context *context, const ait_network *network, const ait_matrix *rows,
                              const int32_t *labels, const ait_baseline_settings *settings, ait_real *y,
                              ait_baseline *baseline);

/* *accuracy of the classifier with parameters y on rows with labels, 0 .. 1; stays as it is where `rows` is NULL.
 * Errors: whatever the predictor returns. */
ait_status ait_baseline_accuracy(ait_context *context, const ait_network *network, const ait_matrix *rows,
                                 const int32_t *labels, const ait_real *y, double *accuracy);

#ifdef __cplusplus
}
#endif
#endif
