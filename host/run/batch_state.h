/* batch_state.h - what a batch of runs is, and what of it goes into a checkpoint and comes out again. */
#ifndef AIT_RUN_BATCH_STATE_H
#define AIT_RUN_BATCH_STATE_H

#include "run/checkpoint.h"
#include "run/run.h"

typedef struct ait_batch {
  ait_context *context;
  const ait_clean_settings *settings; /* those of the first run; what differs is not read here */
  int64_t count;
  ait_run **runs;
  int64_t all_count; /* with those that have left the batch, and were begun one after another from `all` on */
  ait_run *all;
  int64_t n, m; /* of one run */
  ait_problem *problem;
  ait_solver *solver;
  double *gradient_sum;         /* count x n, on the device: sum of gx_i */
  double began, figure_seconds; /* since when, and for how long of it figures were taken */
  int64_t *tallies;  /* 3 x count: directions without positive curvature, L-BFGS steps, unsolved LL problems */
  double *residuals; /* count: of the last LL problems */
} ait_batch;

/* An ait_checkpoint_put of an ait_batch between two UL iterations. Errors: AIT_DIVERGED where the last hyper-gradient
 * was not finite, AIT_DEVICE_ERROR. */
ait_status ait_batch_put(void *batch, ait_writer *writer);

/* The sentences of the runs that had left the batch; the others' are empty. Read before the batch begins.
 * Errors: AIT_BAD_DATA (not as many runs). */
ait_status ait_batch_take_failures(ait_reader *reader, int64_t count, ait_run *runs);

/* The rest, into a batch of the other runs that has begun and made no iteration. Errors: AIT_BAD_DATA,
 * AIT_OUT_OF_MEMORY, AIT_DEVICE_ERROR. */
ait_status ait_batch_take(ait_batch *batch, ait_reader *reader);

#endif
