/* transition.h - cleaning by a noise model: one run of transition cleaning (docs/derivation.md#transition-cleaning).
 *
 *     ait_transition_begin     classifier, predictors
 *     ait_transition_clean     both arms, the choice, the scores; saved on the way
 *     ait_transition_take_figures
 *     ait_transition_release   memory that only the work needs
 *     ait_transition_evaluate  what stands beside the run
 *     ait_transition_write_files  the files of the run folder
 *     ait_transition_print     the summary
 *     ait_transition_end */
#ifndef AIT_RUN_TRANSITION_H
#define AIT_RUN_TRANSITION_H

#include <signal.h>
#include <stdio.h>

#include "run/calibration.h"
#include "run/checkpoint.h"
#include "run/data.h"
#include "run/folder.h"
#include "run/label_table.h"
#include "run/metrics.h"
#include "run/sides.h"
#include "run/suspects.h"
#include "run/validation_check.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The two noise models that are tried, and what is taken where neither holds. */
typedef enum ait_transition_arm_kind {
  AIT_ARM_SYMMETRIC,                   /* T(e), e learned */
  AIT_ARM_FULL,                        /* any T, fitted by expectation maximisation */
  AIT_ARM_MODELS,                      /* how many noise models there are */
  AIT_ARM_VALIDATION = AIT_ARM_MODELS, /* a classifier of the validation rows alone: no use is made of noisy labels */
  AIT_ARM_MEAN, /* the mean of the symmetric and the validation arm's logits; the latter's, with hidden layers */
  AIT_ARM_COUNT
} ait_transition_arm_kind;

extern const char *const ait_transition_arm_words[]; /* "symmetric", "full", "validation", "mean" */

/* What the choice between arms takes for certain: a difference of so many standard errors. */
enum { AIT_TRANSITION_CERTAIN_Z = 4 };

enum { AIT_TRANSITION_FOLDS = 5, AIT_TRANSITION_LAMBDAS = 4, AIT_TRANSITION_MOST_POINTS = 32 };

/* What is known of a point x on an arm's path. */
typedef enum ait_transition_point {
  AIT_POINT_F, /* the UL objective */
  AIT_POINT_LOG_LAMBDA,
  AIT_POINT_LOGIT_E,       /* NaN but for the symmetric arm */
  AIT_POINT_GRADIENT_NORM, /* of the hyper-gradient that the UL iteration there took; NaN where there was none */
  AIT_POINT_LL_RESIDUAL,   /* the largest over the folds: the norm of the LL gradient at y_K relative to y_0 */
  AIT_POINT_LL_ITERATIONS, /* of L-BFGS, in all folds */
  AIT_POINT_NUMBERS
} ait_transition_point;

typedef struct ait_transition_arm {
  ait_real x[2];    /* log lambda (not of the mean); logit e of the symmetric arm */
  double *chances;  /* C x C: T, symmetric where it is not the full arm's, and then fitted at the end */
  ait_real *y;      /* FOLDS x m: the LL solutions; of the validation arm one, as often; of the mean the means */
  double *held_out; /* but for the validation arm, M: cross-entropy of each validation row by the classifier that left
                       it out */
  ait_real *clean_probabilities; /* M x C: of each validation row by a classifier that left it out */
  double *likelihoods;  /* of a noise model, N: log chance of each given label, out of fold, before the UL iterations */
  double before, after; /* mean cross-entropy of validation rows left out, before and after the UL iterations */
  int64_t iterations;   /* UL iterations made */
  /* of each descent every iterate but the last, and then their mean, which x becomes */
  double path[AIT_TRANSITION_MOST_POINTS][AIT_POINT_NUMBERS];
  int64_t points;
  double rate;         /* the noise rate under T */
  double dependence;   /* of a noise model: z of ait_noise_dependence */
  double *score;       /* N: log odds, out of fold, that the given label is wrong */
  ait_ranking figures; /* where the truth is known */
} ait_transition_arm;

typedef struct ait_transition_series ait_transition_series;

/* Everything is owned by the run unless called borrowed. */
typedef struct ait_transition_run {
  ait_context *context;               /* borrowed */
  const ait_clean_settings *settings; /* borrowed */
  const ait_clean_data *data;         /* borrowed */
  const volatile sig_atomic_t *stop;  /* borrowed: nonzero asks to stop */
  ait_transition_series *series;      /* borrowed; NULL: it is not saved */
  int64_t sizes[AIT_MAX_HIDDEN + 2];
  ait_network network;
  int64_t m;                             /* parameters of one classifier */
  ait_axes axes;                         /* of the training rows less their means; none where there are many features */
  double *means;                         /* D: of the training rows' columns */
  double factor;                         /* that rows less these means are multiplied by */
  ait_matrix *train, *validation, *test; /* such views of the data's; test: or NULL */
  ait_predictor *train_predictor, *validation_predictor, *test_predictor; /* test: NULL where there are no such rows */
  ait_real *all_probabilities;                                            /* max(N, M) x C: of one fold's classifier */
  ait_real *probabilities; /* N x C: of each row by the classifier that left it out */

  int32_t *train_folds, *validation_folds; /* N, M: drawn by seed */

  /* how far it is */
  int64_t steps;               /* made, of those of ait_transition_clean */
  ait_solver *solver;          /* borrowed: of the UL iterations under way, or NULL */
  unsigned char *solver_state; /* of UL iterations that were under way, to go on with; NULL: none */
  size_t solver_bytes;
  double began; /* the clock, less the seconds before it was cut off */

  ait_real *alone; /* FOLDS x m: LL solutions of the validation rows alone, each without its fold */
  double validation_losses[AIT_TRANSITION_LAMBDAS]; /* of the validation arm at each lambda tried: cross-entropy held
                                                       out */
  double clean_rate;                                /* the noise rate that it finds */
  ait_transition_arm arms[AIT_ARM_COUNT];
  double z;          /* of the paired difference of `likelihoods`, full less symmetric: decides */
  double held_out_z; /* of the paired difference of `held_out`, symmetric less full, before the UL iterations */
  int32_t likelier;  /* the noise model under which the given labels are, by z */
  int32_t chosen;    /* an arm: that noise model, unless the rows contradict it */
  int64_t curved;    /* directions of conjugate gradient without positive curvature */
  double seconds, evaluation_seconds;

  /* the final scores */
  ait_real *weights; /* N: chances that labels are right, which the last solve weighs rows by */
  ait_real *y;       /* FOLDS x m: the classifiers that they come from */
  double *score;     /* N */
  double *given_probability, *suggested_probability;
  int32_t *suggested;
  int64_t *order;             /* N: most suspect first */
  int64_t flagged, suspected; /* rows that count as found; rows that carry a label less likely than another */

  /* the figures */
  ait_ranking figures;
  double accuracy;             /* on the test rows: mean over the folds' classifiers; NaN where there are none */
  ait_sides sides;             /* what stands beside the run */
  ait_calibration calibration; /* of the suspected rows */
  ait_validation_check validation_check;
  ait_label_table labels;

  /* in a sweep */
  int32_t stopped;                 /* nonzero: by a signal, with nothing found */
  char failure[AIT_SIDE_SENTENCE]; /* why there is no result; else empty */
} ait_transition_run;

/* Runs one after another, of which a checkpoint holds those that have begun (run/transition_state.c). Everything is
 * borrowed. */
struct ait_transition_series {
  ait_checkpoint *checkpoint; /* NULL: they are not saved */
  ait_transition_run *runs;
  int64_t begun;
  int64_t left; /* states of a checkpoint that was opened, which runs have still to take */
};

/* Where no kind of cleaning was asked for, it becomes transition cleaning if the classifier is linear and no option was
 * given that belongs to the weights, else that of weights; the settings are as given, not yet completed.
 * Errors: AIT_INVALID_ARGUMENT (settings that mean nothing in transition cleaning: the sentence names the two options
 * that clash, or what helps). */
ait_status ait_cleaning_choose(ait_clean_settings *settings);

/* Looks whether there are enough rows for the folds. Errors: AIT_BAD_DATA. */
ait_status ait_transition_check_rows(const ait_clean_data *data);

/* On failure the run still has to be ended. Errors: AIT_BAD_DATA (too few rows), and whatever the library returns. */
ait_status ait_transition_begin(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                                ait_transition_run *run);

/* `runs` are `count` runs of zeros; checkpoint may be NULL. Where it was opened it says which of them had diverged, and
 * their sentences become `failure`. Errors: AIT_BAD_DATA (it holds other runs), AIT_OUT_OF_MEMORY. */
ait_status ait_transition_series_begin(ait_checkpoint *checkpoint, int64_t count, ait_transition_run *runs,
                                       ait_transition_series *series);

/* Learns both noise models, chooses, and scores the rows; `stop` must live as long as the run. In a series (or NULL)
 * whose runs come in their order it is saved on the way, and goes on where the checkpoint says. Errors: AIT_STOPPED
 * where `stop` became nonzero, after saving; whatever the library returns. */
ait_status ait_transition_clean(ait_transition_run *run, ait_transition_series *series,
                                const volatile sig_atomic_t *stop);

/* The figures that come from the scores and the classifiers. Errors: whatever the library returns. */
ait_status ait_transition_take_figures(ait_transition_run *run);

/* What stands beside the run, as ait_sides_train. Errors: whatever the library returns. */
ait_status ait_transition_evaluate(ait_transition_run *run);

/* Frees what the reports do not need; the run still has to be ended. */
void ait_transition_release(ait_transition_run *run);

/* The run's ranking, borrowed from it. */
ait_suspects ait_transition_suspects(const ait_transition_run *run);

/* What is known of the suspected rows besides the calibration. */
ait_listed ait_transition_listed(const ait_transition_run *run);

/* UL iterations made by both arms. */
int64_t ait_transition_iterations(const ait_transition_run *run);

/* Where the run is not to be trusted, sentence `i` for people, or NULL past the last. */
const char *ait_transition_warning(const ait_transition_run *run, int32_t i);

/* Writes the files into a folder that has been begun. Errors: those of ait_document_... */
ait_status ait_transition_write_files(const ait_transition_run *run, const ait_folder *folder);

void ait_transition_print(const ait_transition_run *run, const char *folder, FILE *stream);

void ait_transition_end(ait_transition_run *run);

#ifdef __cplusplus
}
#endif
#endif
