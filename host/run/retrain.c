/* retrain.c - the same training for all, on what a ranking leaves. */
#include "run/retrain.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/stack.h"

/* Where training rows join the validation rows, one fold is enough to tell when to stop, and costs a fifth. */
enum { RETRAINING_FOLDS = 1 };

static ait_status train_on_stack(ait_context *context, const ait_network *network, const ait_clean_settings *settings,
                                 const ait_matrix *rows, const int32_t *labels, ait_real *y, ait_baseline *baseline) {
  const ait_baseline_settings training = {
      .seed = settings->seed, .rate = settings->ll_rate, .most = AIT_DEFAULT_BASELINE_STEPS, .folds = RETRAINING_FOLDS};
  return ait_baseline_train(context, network, rows, labels, &training, y, baseline);
}

ait_status ait_retrain(ait_context *context, const ait_network *network, const ait_clean_settings *settings,
                       const ait_clean_data *d, const int64_t *order, int64_t dropped, ait_real *y,
                       ait_baseline *baseline) {
  const int64_t kept = d->train_rows - dropped;
  int32_t *labels = malloc((size_t)(kept + d->validation_rows) * sizeof *labels);
  if (labels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the labels of %lld rows", (long long)(kept + d->validation_rows));
  }
  for (int64_t i = 0; i < kept; i++) {
    labels[i] = d->given[order[dropped + i]];
  }
  memcpy(labels + kept, d->validation_labels, (size_t)d->validation_rows * sizeof *labels);
  ait_stack stack;
  ait_status status = ait_stack_rows(d->train, kept, order + dropped, d->validation, &stack);
  if (status == AIT_OK) {
    status = train_on_stack(context, network, settings, stack.matrix, labels, y, baseline);
    ait_stack_free(&stack);
  }
  free(labels);
  return status;
}
