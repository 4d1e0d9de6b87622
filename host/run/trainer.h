/* trainer.h - a plain classifier trained on several sets of rows at once, without any weighing of rows.
 *
 * The training is the LL problem of hyper-cleaning (docs/derivation.md#hyper-cleaning) with every weight 1:
 * Nesterov's iteration (docs/derivation.md#nesterov) from PyTorch's start, and no hyper-gradient. */
#ifndef AIT_RUN_TRAINER_H
#define AIT_RUN_TRAINER_H

#include "ait/ait.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIT_TRAINER_MOST_SETS = 5, AIT_TRAINER_RATES = 6 };

/* The x of a row whose weight is 1: sigmoid(40) is so in double as in float. */
extern const ait_real ait_weight_of_one;

/* Rows of a matrix with their labels; everything is borrowed. */
typedef struct ait_labelled_rows {
  const ait_matrix *matrix;
  const int32_t *labels; /* one a row of the matrix */
  int64_t count;
  const int64_t *rows; /* `count` row numbers, which are copied out; NULL: the matrix as it is */
} ait_labelled_rows;

/* Start from {.context, .network, .seed, .rate}, which are borrowed and stay; sets are added. */
typedef struct ait_trainer {
  ait_context *context;
  const ait_network *network;
  uint64_t seed; /* of the start, which all sets share */
  double rate;   /* of the steps */
  int32_t sets;
  ait_matrix *matrices[2 * AIT_TRAINER_MOST_SETS];
  int32_t *labels[2 * AIT_TRAINER_MOST_SETS];
  ait_cleaning_entry entries[AIT_TRAINER_MOST_SETS];
} ait_trainer;

/* Adds a set of rows to train on, with the rows whose loss judges the training (NULL: none are needed).
 * Errors: AIT_OUT_OF_MEMORY, AIT_INVALID_ARGUMENT (no rows, or more than AIT_TRAINER_MOST_SETS sets). */
ait_status ait_trainer_add(ait_trainer *trainer, const ait_labelled_rows *train, const ait_labelled_rows *left_out);

/* *steps = argmin over 1 <= k <= most of the mean loss on the rows left out, over all sets alike.
 * Errors: AIT_DIVERGED (the rate is too large), and whatever the solver returns. */
ait_status ait_trainer_find_steps(const ait_trainer *trainer, int64_t most, int64_t *steps);

/* Trains every set for `steps` steps; `y` receives sets x m parameters. Errors: as above. */
ait_status ait_trainer_fit(const ait_trainer *trainer, int64_t steps, ait_real *y);

/* Drops the sets. */
void ait_trainer_clear(ait_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
