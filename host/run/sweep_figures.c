/* sweep_figures.c - which figures of a run stand in the tables of a sweep. */
#include <math.h>

#include "run/sweep.h"

typedef enum figure {
  F_KBAR,
  F_LAST,
  HELD_OUT,
  Z_OF_FULL,
  NOISE_RATE,
  AUROC,
  AVERAGE_PRECISION,
  F1,
  PRECISION_100,
  PRECISION_1000,
  BASELINE_AUROC,
  BASELINE_AVERAGE_PRECISION,
  BASELINE_F1,
  BEST_BASELINE_AUROC,
  CLEAN_F1,
  ACCURACY_Y,
  ACCURACY_Z,
  ACCURACY_FOLDS,
  ACCURACY_SIDE, /* and the other sides after it */
  FIGURES = ACCURACY_SIDE + AIT_SIDE_COUNT
} figure;

enum { ALL = -1, WEIGHTS = AIT_CLEANING_WEIGHTS, NOISE = AIT_CLEANING_TRANSITION };

const ait_sweep_figure ait_sweep_figures[] = {
    [F_KBAR] = {"F_kbar", "F", 1, 4, WEIGHTS},
    [F_LAST] = {"F_K", NULL, 1, 4, WEIGHTS},
    [HELD_OUT] = {"held_out_cross_entropy", "F", 1, 4, NOISE},
    [Z_OF_FULL] = {"z", "z", 1, 1, NOISE},
    [NOISE_RATE] = {"noise_rate", "noise", 0.01, 2, NOISE},
    [AUROC] = {"auroc", "AUROC", 0.01, 2, ALL},
    [AVERAGE_PRECISION] = {"average_precision", "AP", 0.01, 2, ALL},
    [F1] = {"f1", "F1", 0.01, 2, ALL},
    [PRECISION_100] = {"precision_at_100", NULL, 0.01, 2, ALL},
    [PRECISION_1000] = {"precision_at_1000", NULL, 0.01, 2, ALL},
    [BASELINE_AUROC] = {"baseline_auroc", "b.AUROC", 0.01, 2, ALL},
    [BASELINE_AVERAGE_PRECISION] = {"baseline_average_precision", "b.AP", 0.01, 2, ALL},
    [BASELINE_F1] = {"baseline_f1", NULL, 0.01, 2, ALL},
    [BEST_BASELINE_AUROC] = {"best_baseline_auroc", "best.b", 0.01, 2, ALL},
    [CLEAN_F1] = {"clean_class_f1", NULL, 0.01, 2, WEIGHTS},
    [ACCURACY_Y] = {"test_accuracy_y", "y_K", 0.01, 2, WEIGHTS},
    [ACCURACY_Z] = {"test_accuracy_z", "z", 0.01, 2, WEIGHTS},
    [ACCURACY_FOLDS] = {"test_accuracy_transition", "acc", 0.01, 2, NOISE},
    [ACCURACY_SIDE + AIT_SIDE_VALIDATION] = {"test_accuracy_validation_only", "b.acc", 0.01, 2, ALL},
    [ACCURACY_SIDE + AIT_SIDE_ALL] = {"test_accuracy_all_rows_as_given", NULL, 0.01, 2, ALL},
    [ACCURACY_SIDE + AIT_SIDE_KEPT] = {"test_accuracy_kept_by_this_run", "kept", 0.01, 2, ALL},
    [ACCURACY_SIDE + AIT_SIDE_KEPT_BY_BASELINE] = {"test_accuracy_kept_by_baseline", NULL, 0.01, 2, ALL},
    [FIGURES] = {NULL, NULL, 1, 0, ALL}};

_Static_assert((int)FIGURES <= (int)AIT_SWEEP_MOST_FIGURES, "a run has more figures than a table holds");

/* ---- values ------------------------------------------------------------------------------------ */

static void take_ranking(const ait_ranking *ours, const ait_sides *sides, double *values) {
  const ait_ranking *theirs = &sides->ranking;
  values[AUROC] = ours->auroc;
  values[AVERAGE_PRECISION] = ours->average_precision;
  values[F1] = ours->f1;
  values[PRECISION_100] = ours->precision_100;
  values[PRECISION_1000] = ours->precision_1000;
  if (sides->trained[AIT_SIDE_VALIDATION]) {
    values[BASELINE_AUROC] = theirs->auroc;
    values[BASELINE_AVERAGE_PRECISION] = theirs->average_precision;
    values[BASELINE_F1] = theirs->f1;
  }
  values[BEST_BASELINE_AUROC] = ait_sides_best_auroc(sides);
}

static void take_sides(const ait_sides *sides, double *values) {
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    values[ACCURACY_SIDE + side] = sides->accuracy[side];
  }
}

static void take_weights(const ait_run *run, double *values) {
  const ait_history_row *last = &run->history.rows[ait_run_written_iteration(run) - 1];
  values[F_KBAR] = last->F_kbar;
  values[F_LAST] = last->F_K;
  values[ACCURACY_Y] = run->accuracy_y;
  values[ACCURACY_Z] = run->accuracy_z;
  take_sides(&run->sides, values);
  if (run->data->truth != NULL) {
    values[CLEAN_F1] = run->clean_f1;
    take_ranking(&run->ranking[run->settings->score], &run->sides, values);
  }
}

static void take_transition(const ait_transition_run *run, double *values) {
  values[HELD_OUT] = run->arms[run->chosen].after;
  values[Z_OF_FULL] = run->z;
  values[NOISE_RATE] = run->arms[run->chosen].rate;
  values[ACCURACY_FOLDS] = run->accuracy;
  take_sides(&run->sides, values);
  if (run->data->truth != NULL) {
    take_ranking(&run->figures, &run->sides, values);
  }
}

void ait_sweep_take_figures(const ait_sweep *sweep, int64_t i, double values[AIT_SWEEP_MOST_FIGURES]) {
  for (int f = 0; f < FIGURES; f++) {
    values[f] = NAN;
  }
  if (sweep->kind->state(sweep, i).failure[0] != '\0') {
    return;
  }
  if (sweep->transitions != NULL) {
    take_transition(&sweep->transitions[i], values);
  } else {
    take_weights(&sweep->runs[i], values);
  }
}

/* ---- what the heads mean ----------------------------------------------------------------------- */

void ait_sweep_print_legend(const ait_sweep *sweep, FILE *out) {
  const ait_clean_data *d = sweep->data;
  const int32_t transition = sweep->transitions != NULL;
  fputs(transition
            ? "  F: cross-entropy of held-out validation rows under the noise model that was taken. z: of the full "
              "model's lead.\n  noise: estimated share of wrong labels (%).\n"
            : "  F: the upper level's objective at kbar.\n",
        out);
  if (ait_sweep_has_noise(sweep)) {
    fprintf(
        out,
        "  AUROC, AP, F1: of the mislabelled rows (%%), ranked by %s.\n  b.: by the baseline of the validation rows "
        "alone. best.b: AUROC of the best of the cheap rankings that were made.\n",
        transition ? "the odds of a wrong label" : ait_score_words[sweep->settings->score]);
  }
  if (d->test != NULL) {
    fprintf(out,
            "  %s, b.acc, kept: accuracy on the test rows (%%) of the run%s, of the baseline, and\n  retrained on "
            "the rows that the run keeps.\n",
            transition ? "acc" : "y_K, z", transition ? "" : ", of its start");
  }
}
