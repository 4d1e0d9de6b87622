/* transition_parts.h (internal) - what the parts of a run of transition cleaning have of each other.
 *
 *     transition.c         a run from begin to end
 *     transition_solve.c   the LL problems: their solutions, and UL iterations over them
 *     transition_arms.c    the noise models, the arm without one, and the choice between them
 *     transition_state.c   what of a run is saved, and how it goes on from there
 *     transition_history.c the UL iterations, for scripts and in a file
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

/* What a run is made of before its rows are scored: the validation arm at every lambda and with all rows, both noise
 * models and one of them again, the UL iterations of both and of that one again. */
enum { AIT_TRANSITION_STEPS = AIT_TRANSITION_LAMBDAS + 1 + 3 + 3 };

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
 * takes more; *loss (may be NULL) the UL objective. */
ait_status ait_transition_solve(ait_transition_run *run, const ait_transition *rows, int64_t looks, const ait_real *x,
                                ait_real *y, double *loss);

/* `iterations` UL iterations of an arm, each of which may be the last before the run is cut off: its x becomes the mean
 * of the last iterates, its y the LL solutions there. Until then x and y are where the iterations began. Errors:
 * AIT_STOPPED. */
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

/* The validation arm at one of its lambdas, the largest of which is the 0th: the best so far by the cross-entropy of
 * rows left out becomes its x. */
ait_status ait_transition_try_lambda(ait_transition_run *run, int32_t kind, int64_t which);

/* The validation arm: the classifier of all validation rows, which left out every training row; and by its
 * probabilities, where both noise models begin. */
ait_status ait_transition_learn_validation(ait_transition_run *run, int32_t kind, int64_t looks);

/* A noise model at the first lambda. */
ait_status ait_transition_solve_model(ait_transition_run *run, int32_t kind, int64_t looks);

/* The full noise model fitted to its own classifiers and solved again; then the choice between both. */
ait_status ait_transition_solve_refitted(ait_transition_run *run, int32_t kind, int64_t looks);

/* The full noise model fitted once more, and UL iterations from there. */
ait_status ait_transition_descend_refitted(ait_transition_run *run, int32_t kind, int64_t iterations);

/* The mean arm, the scores of all arms, and whether to take a noise model at all. */
ait_status ait_transition_compare_arms(ait_transition_run *run);

/* run->y and, out of fold, run->probabilities: of the chosen arm; of a noise model after one more solution: plain
 * cross-entropy, each training row weighted by the chance that its label is right. */
ait_status ait_transition_polish(ait_transition_run *run);

/* ---- transition_state.c ------------------------------------------------------------------------ */

/* The run goes on where the checkpoint of its series says, if it holds a state for it. Errors: AIT_BAD_DATA (the state
 * is of another run), AIT_OUT_OF_MEMORY. */
ait_status ait_transition_go_on(ait_transition_run *run);

/* To be called between two steps and between two UL iterations, and when the rows are scored: saves the series where
 * that is due, or a stop is asked for. Errors: AIT_STOPPED (a stop was asked for and the run `may_stop`, after saving),
 * those of ait_checkpoint_save. */
ait_status ait_transition_keep(ait_transition_run *run, int32_t may_stop);

/* A solver that is to make `iterations` UL iterations of an arm goes on where those were that were cut off, if any.
 * Errors: AIT_BAD_DATA (they are others). */
ait_status ait_transition_go_on_iterating(ait_transition_run *run, const ait_transition_arm *arm, int64_t iterations,
                                          ait_solver *solver);

/* ---- transition_history.c ---------------------------------------------------------------------- */

/* Tells scripts of the UL iteration that an arm has made last (run/json_lines.h). */
void ait_transition_print_iteration(const ait_transition_run *run, int32_t kind);

/* Writes history.csv of a partial folder, a row a UL iteration of each noise model. Errors: those of
 * ait_file_commit. */
ait_status ait_transition_write_history(const ait_transition_run *run, const ait_folder *folder);

/* ---- transition_calibration.c ------------------------------------------------------------------ */

/* The calibration of the final scores, and the check of the validation rows. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_transition_calibrate(ait_transition_run *run);

#endif
