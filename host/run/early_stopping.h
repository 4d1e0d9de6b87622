/* early_stopping.h - a run of weights that ends when validation rows held out of F say so, and is then what was best
 * for them: the state that a run of so many UL iterations ends with. */
#ifndef AIT_RUN_EARLY_STOPPING_H
#define AIT_RUN_EARLY_STOPPING_H

#include "data/bytes.h"
#include "run/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zeros: no rows are held out, and the run writes its last iterate. */
typedef struct ait_early_stopping {
  ait_predictor *predictor; /* of the held-out rows; NULL without */
  const ait_aside *rows;    /* borrowed */
  int32_t classes;
  ait_real *probabilities; /* held-out rows x classes */
  int64_t patience;        /* evaluations in a row without a lower loss that end the run */
  int64_t in_vain;         /* how many there have been */
  int64_t iteration;       /* after which the loss was least; 0: it was not yet looked at */
  double loss;             /* then */
  int64_t n;               /* rows that weights are learned for */
  double *gradient_sum;    /* n: sum of gx_i up to then */
  size_t state_bytes;
  unsigned char *state; /* of the solver, then; NULL before */
} ait_early_stopping;

/* Begins where data->aside holds rows out. On failure it still has to be ended.
 * Errors: AIT_OUT_OF_MEMORY, those of ait_predictor_create. */
ait_status ait_early_begin(ait_context *context, const ait_network *network, const ait_clean_settings *settings,
                           const ait_clean_data *data, ait_early_stopping *early);

/* The mean cross-entropy of the held-out rows under y. Errors: those of ait_predictor_probabilities. */
ait_status ait_early_loss(const ait_early_stopping *early, const ait_real *y, double *loss);

/* Counts an evaluation after `iteration` UL iterations. *is_best becomes nonzero where it is the best so far; the
 * caller then fills in `state` and `gradient_sum`, for which there is room of `state_bytes` and n numbers. Errors:
 * AIT_OUT_OF_MEMORY. */
ait_status ait_early_count(ait_early_stopping *early, int64_t iteration, double loss, size_t state_bytes,
                           int32_t *is_best);

/* Nonzero where the run is to end. */
int32_t ait_early_is_over(const ait_early_stopping *early);

/* What of it goes into a checkpoint: nothing where no rows are held out. */
void ait_early_put(const ait_early_stopping *early, ait_writer *writer);

/* The same out of a checkpoint; `state_bytes` is what the solver's state takes. Errors: AIT_BAD_DATA,
 * AIT_OUT_OF_MEMORY. */
ait_status ait_early_take(ait_early_stopping *early, size_t state_bytes, ait_reader *reader);

void ait_early_end(ait_early_stopping *early);

#ifdef __cplusplus
}
#endif
#endif
