/* transition_calibration.c - transition cleaning judged by its validation rows: each was left out by one fold's
 * classifier, as a training row is, so that it can stand for training rows with its own label and, by the noise model,
 * with wrong ones (docs/derivation.md#calibration). */
#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/transition_parts.h"

/* weights (C x C): how often a validation row of class c stands for training rows that carry label g: their number by
 * the posterior of the classes, shared by the validation rows of the class. */
static ait_status take_weights(const ait_transition_run *run, double *weights) {
  const ait_clean_data *d = run->data;
  const int64_t classes = d->classes;
  const ait_noisy_rows rows = ait_transition_noisy_rows(run);
  double *posterior;
  AIT_TRY(ait_allocate(2 * classes, sizeof *posterior, &posterior));
  double *clean = posterior + classes;
  for (int64_t i = 0; i < d->train_rows; i++) {
    ait_noise_posterior(&rows, run->arms[run->chosen].chances, i, posterior);
    for (int64_t c = 0; c < classes; c++) {
      weights[c * classes + d->given[i]] += posterior[c];
    }
  }
  for (int64_t j = d->reviewed_rows; j < d->validation_rows; j++) {
    clean[d->validation_labels[j]]++;
  }
  for (int64_t k = 0; k < classes * classes; k++) {
    weights[k] = clean[k / classes] > 0 ? weights[k] / clean[k / classes] : 0;
  }
  free(posterior);
  return AIT_OK;
}

/* So many rows of equal weight vary as those of these weights do (L. Kish: Survey sampling, 1965). */
static double equal_rows(double sum, double squares) {
  return squares > 0 ? sum * sum / squares : 0;
}

/* What the scores would be if validation rows carried each label as often as training rows of their class do. Where
 * errors follow no noise model nobody knows which wrong labels to give them, and they get none. */
static ait_status add_validation_rows(ait_transition_run *run, const double *weights) {
  const ait_clean_data *d = run->data;
  const ait_transition_arm *arm = &run->arms[run->chosen];
  const int32_t kinds = run->chosen < AIT_ARM_MODELS ? 2 : 1;
  double sums[2] = {0, 0}, squares[2] = {0, 0};
  for (int64_t j = d->reviewed_rows; j < d->validation_rows; j++) { /* reviewed rows were chosen, not drawn */
    const int32_t c = d->validation_labels[j];
    double by_kind[2] = {0, 0};
    for (int32_t g = 0; g < d->classes; g++) {
      const ait_noisy_rows row = {1, d->classes, arm->clean_probabilities + j * d->classes, &g, NULL, 0};
      const double weight = weights[c * d->classes + g];
      if (weight > 0 && (g != c) < kinds) {
        AIT_TRY(ait_calibration_add(&run->calibration, g != c, ait_noise_log_odds(&row, arm->chances, 0), weight));
        by_kind[g != c] += weight;
      }
    }
    for (int kind = 0; kind < 2; kind++) {
      sums[kind] += by_kind[kind];
      squares[kind] += by_kind[kind] * by_kind[kind];
    }
  }
  ait_calibration_finish(&run->calibration, d->validation_rows - d->reviewed_rows, equal_rows(sums[0], squares[0]),
                         equal_rows(sums[1], squares[1]));
  return AIT_OK;
}

ait_status ait_transition_calibrate(ait_transition_run *run) {
  const ait_clean_data *d = run->data;
  double *weights;
  AIT_TRY(ait_allocate((int64_t)d->classes * d->classes, sizeof *weights, &weights));
  ait_calibration_begin(AIT_CALIBRATION_HELD_OUT, d->train_rows, run->score, run->order, run->suspected,
                        &run->calibration);
  ait_status status = take_weights(run, weights);
  if (status == AIT_OK) {
    status = add_validation_rows(run, weights);
  }
  free(weights);
  AIT_TRY(status);
  const ait_suspects suspects = ait_transition_suspects(run);
  AIT_TRY(ait_label_table_make(&suspects, &run->labels));
  return ait_validation_check_make(d, run->arms[run->chosen].clean_probabilities, &run->validation_check);
}

ait_listed ait_transition_listed(const ait_transition_run *run) {
  const ait_suspects suspects = ait_transition_suspects(run);
  ait_listed listed = ait_listed_of(&suspects);
  double chances = 0;
  for (int64_t place = 0; place < run->suspected; place++) {
    chances += 1 - run->given_probability[run->order[place]];
  }
  listed.posterior = run->suspected > 0 ? chances / (double)run->suspected : NAN;
  return listed;
}
