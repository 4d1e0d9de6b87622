/* transition_parts.h (internal) - what the parts of a run of transition cleaning have of each other.
 *
 *     transition.c         a run from begin to end
 *     transition_solve.c   the LL problems: their solutions, and UL iterations over them
 *     transition_arms.c    the noise models, the arm without one, and the choice between them
 *     transition_scores.c  what classifiers say of the rows that they left out: scores and figures
 *     transition_calibration.c  what the suggested list is expected to hold
 *
 * Errors are whatever the library returns unless others are named. */
#ifndef AIT_RUN_TRANSITION_PARTS_H
#define AIT_RUN_TRANSITION_PARTS_H

#include "run/noise_model.h"
#include "run/transition.h"

/* Looks at f of one LL solution: from nothing, from a solution near by, and the last of a run. */
enum { AIT_TRANSITION_LOOKS = 40, AIT_TRANSITION_WARM_LOOKS = 10, AIT_TRANSITION_LAST_LOOKS = 25 };

/* What one descent makes at most. */
enum { AIT_TRANSITION_MOST_ITERATIONS = 10 };

/* Pseudo-counts of a class: for a full T, and for one that is as good as symmetric. */
enum { AIT_TRANSITION_FULL_COUNTS = 30, AIT_TRANSITION_SYMMETRIC_COUNTS = 1000000 };

static inline int32_t ait_transition_has_hidden_layers(const ait_transition_run *run) {
  return run->network.layers > 1;
}

/* ---- transition_solve.c ------------------------------------------------------------------------ */

/* Where lambda starts, and where its prior is. */
double ait_transition_first_lambda(const ait_transition_run *run);

/* The rows of LL problems, in all folds; of an arm: with its noise model. They borrow from the run. */
ait_transition ait_transition_rows(const ait_transition_run *run, ait_transition_noise noise);
ait_transition ait_transition_rows_of_arm(const ait_transition_run *run, int32_t arm);

/* y (FOLDS x m): where solutions begin. */
void ait_transition_start(const ait_transition_run *run, ait_real *y);

/* y (folds x m) becomes the LL solutions at x, from what it is, by `looks` at f, of which a network with hidden layers
 * takes more; *loss (may be NULL) the UL objective. Errors: AIT_STOPPED. */
ait_status ait_transition_solve(ait_transition_run *run, const ait_transition *rows, int64_t looks, const ait_real *x,
                                ait_real *y, double *loss);

/* `iterations` UL iterations of an arm: its x becomes the mean of the last iterates, its y the LL solutions there.
 * Errors: AIT_STOPPED. */
ait_status ait_transition_descend(ait_transition_run *run, int32_t kind, int64_t iterations);

/* ---- transition_scores.c ----------------------------------------------------------------------- */

/* run->probabilities: of each training row by the classifier of y (FOLDS x m) that left it out. */
ait_status ait_transition_predict_out_of_fold(ait_transition_run *run, const ait_real *y);

/* p (M x C): of each validation row by the classifier of y (FOLDS x m) that left it out. */
ait_status ait_transition_predict_held_out(ait_transition_run *run, const ait_real *y, ait_real *p);

/* arm->clean_probabilities, arm->held_out, and *mean of it: cross-entropies of the validation rows by the classifiers
 * that left them out. */
ait_status ait_transition_hold_out(ait_transition_run *run, ait_transition_arm *arm, double *mean);

/* The training rows with run->probabilities. */
ait_noisy_rows ait_transition_noisy_rows(const ait_transition_run *run);

/* The full noise model of the full arm's classifiers, out of fold. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_transition_fit_full(ait_transition_run *run);

/* The figures of an arm that has its LL solutions; a symmetric noise model is fitted anew to what its classifiers say,
 * which run->probabilities become. */
ait_status ait_transition_score_arm(ait_transition_run *run, int32_t kind);

/* The final scores and suggestions, by the chosen arm. */
ait_status ait_transition_take_scores(ait_transition_run *run);

/* ---- transition_arms.c, in the order of a run -------------------------------------------------- */

/* The validation arm: its cross-entropy on rows left out, then the classifier of all validation rows, which left out
 * every training row; its probabilities. */
ait_status ait_transition_learn_validation(ait_transition_run *run);

/* Both noise models at the first lambda, and the choice between them. */
ait_status ait_transition_start_models(ait_transition_run *run);

/* The UL iterations of both noise models, the mean arm, the scores of all arms, and whether to take a noise model at
 * all. */
ait_status ait_transition_run_arms(ait_transition_run *run);

/* run->probabilities, out of fold, of the chosen arm; of a noise model after one more solution: plain cross-entropy,
 * each training row weighted by the chance that its label is right. */
ait_status ait_transition_polish(ait_transition_run *run);

/* ---- transition_calibration.c ------------------------------------------------------------------ */

/* The calibration of the final scores, and the check of the validation rows. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_transition_calibrate(ait_transition_run *run);

#endif
