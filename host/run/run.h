/* run.h - one hyper-cleaning run: what it is made of, what it came to, and its steps.
 *
 *     ait_run_begin      network, predictors
 *     ait_run_iterate    Algorithm 1, with history and progress (several runs at once: ait_batch_iterate)
 *     ait_run_evaluate   scores, figures, the classifiers beside them
 *     ait_run_write_files  the files of the run folder
 *     ait_run_print      the summary
 *     ait_run_end */
#ifndef AIT_RUN_RUN_H
#define AIT_RUN_RUN_H

#include <signal.h>
#include <stdio.h>

#include "run/calibration.h"
#include "run/data.h"
#include "run/early_stopping.h"
#include "run/folder.h"
#include "run/history.h"
#include "run/label_table.h"
#include "run/metrics.h"
#include "run/settings.h"
#include "run/sides.h"
#include "run/suspects.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIT_SENTENCE = 512 };

/* Figures are NaN where there is none. Everything is owned by the run unless called borrowed. */
typedef struct ait_run {
  ait_context *context;               /* borrowed */
  const ait_clean_settings *settings; /* borrowed */
  const ait_clean_data *data;         /* borrowed */
  int64_t sizes[AIT_MAX_HIDDEN + 2];
  ait_network network;
  int64_t n, m; /* rows that weights are learned for, planted ones last; parameters */
  ait_predictor *train_predictor, *test_predictor; /* test: NULL where there are no test rows */

  /* the iteration */
  ait_real *x;                    /* n */
  ait_real *y, *z;                /* m: y_K, and z or the fixed start */
  int64_t *kbar_counts;           /* K + 1: UL iterations with each kbar */
  ait_trajectory_plan trajectory; /* of the batch, with this run's share of the bytes */
  ait_real *probabilities;        /* n x classes, under the parameters predicted last */
  ait_history history;
  ait_early_stopping early;
  int64_t iterations;  /* made */
  int64_t curved;      /* directions of conjugate gradient without positive curvature, in all iterations */
  double ll_residual;  /* L-BFGS, at the end: the norm of the LL gradient at y_K relative to y_0 */
  int64_t ll_unsolved; /* L-BFGS: LL problems, of iterations + 1, that were not solved to the tolerance */
  int32_t stopped;     /* nonzero: by a signal */
  double iteration_seconds, evaluation_seconds;
  double figure_seconds;      /* of the iteration's, spent on figures on the way */
  char failure[AIT_SENTENCE]; /* why it left its batch, with nothing found; else empty */

  /* the scores */
  double *scores[AIT_SCORE_COUNT];                   /* n each; that of the gradient comes with the iteration */
  double *given_probability, *suggested_probability; /* N, under y_K */
  int32_t *suggested;                                /* N: the class with the largest probability under y_K */
  int64_t *order;                                    /* N: most suspect first, by the chosen score */
  int64_t flagged;                                   /* rows that count as found: mislabelled, or disagreeing */
  int64_t suspected;                                 /* rows whose given label is not the most probable under y_K */
  ait_label_table labels;
  ait_calibration calibration; /* by planted rows */

  /* the figures */
  ait_ranking ranking[AIT_SCORE_COUNT];
  double accuracy_y, accuracy_z;
  double clean_f1, clean_f1_all_clean, clean_f1_oracle; /* the paper's measure */
  ait_sides sides;                                      /* what stands beside it */
} ait_run;

/* On failure the run still has to be ended. Errors: whatever the library returns. */
ait_status ait_run_begin(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                         ait_run *run);

/* `stop` becomes nonzero when the run is to end after the iteration under way. Errors: AIT_OUT_OF_MEMORY,
 * AIT_DIVERGED, and whatever else the library returns. */
ait_status ait_run_iterate(ait_run *run, const volatile sig_atomic_t *stop);

/* The UL iterations after which the run was what it writes: all that were made, or those of early stopping. */
int64_t ait_run_written_iteration(const ait_run *run);

/* Scores, and the figures that come from them and from y_K and z. Errors: whatever the library returns. */
ait_status ait_run_take_figures(ait_run *run);

/* The same, and what stands beside the run, as ait_sides_train. */
ait_status ait_run_evaluate(ait_run *run, const volatile sig_atomic_t *stop);

/* Scores 1 - the probability of the given label under parameters `y`. */
ait_status ait_run_classifier_score(ait_run *run, const ait_real *y, double *score);

/* Scores 1 - sigmoid(x_i). */
void ait_run_weight_score(const ait_run *run, double *score);

/* The run's ranking, borrowed from it. */
ait_suspects ait_run_suspects(const ait_run *run);

/* Writes the files into a folder that has been begun. */
ait_status ait_run_write_files(const ait_run *run, const ait_folder *folder);

/* Prints what the run found, at most about 40 lines. */
void ait_run_print(const ait_run *run, const char *folder, FILE *stream);

/* Prints the part of it that says what was done, how long it took, and where. */
void ait_run_print_method(const ait_run *run, FILE *stream);

void ait_run_end(ait_run *run);

/* Seconds of a monotonic clock. */
double ait_run_clock(void);

#ifdef __cplusplus
}
#endif
#endif
