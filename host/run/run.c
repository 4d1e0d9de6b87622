/* run.c - a hyper-cleaning run: begin, end, and the scores that a network gives. */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context/error.h"
#include "run/allocate.h"

double ait_run_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status allocate_all(ait_run *run) {
  int64_t n = run->n;
  AIT_TRY(ait_allocate(n, sizeof *run->x, &run->x));
  AIT_TRY(ait_allocate(run->m, sizeof *run->y, &run->y));
  AIT_TRY(ait_allocate(run->m, sizeof *run->z, &run->z));
  AIT_TRY(ait_allocate(run->settings->ll_steps + 1, sizeof *run->kbar_counts, &run->kbar_counts));
  AIT_TRY(ait_allocate(n * run->data->classes, sizeof *run->probabilities, &run->probabilities));
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    AIT_TRY(ait_allocate(n, sizeof *run->scores[score], &run->scores[score]));
  }
  AIT_TRY(ait_allocate(n, sizeof *run->given_probability, &run->given_probability));
  AIT_TRY(ait_allocate(n, sizeof *run->suggested_probability, &run->suggested_probability));
  AIT_TRY(ait_allocate(n, sizeof *run->suggested, &run->suggested));
  return ait_allocate(n, sizeof *run->order, &run->order);
}

static ait_status make_predictors(ait_run *run) {
  const ait_cleaning_entry entry = ait_clean_data_entry(run->data);
  AIT_TRY(ait_predictor_create(run->context, &run->network, entry.train, &run->train_predictor));
  if (run->data->test == NULL) {
    return AIT_OK;
  }
  return ait_predictor_create(run->context, &run->network, run->data->test, &run->test_predictor);
}

ait_status ait_run_begin(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                         ait_run *run) {
  memset(run, 0, sizeof *run);
  run->context = context;
  run->settings = settings;
  run->data = data;
  ait_model_network(&settings->model, (ait_activation)settings->activation, data->features, data->classes, run->sizes,
                    &run->network);
  run->m = ait_network_parameters(&run->network);
  run->n = ait_clean_data_learned(data);
  AIT_TRY(allocate_all(run));
  AIT_TRY(ait_early_begin(context, &run->network, settings, data, &run->early));
  return make_predictors(run);
}

void ait_run_end(ait_run *run) {
  ait_predictor_destroy(run->train_predictor);
  ait_predictor_destroy(run->test_predictor);
  ait_early_end(&run->early);
  ait_history_clear(&run->history);
  ait_sides_clear(&run->sides);
  ait_label_table_end(&run->labels);
  ait_calibration_end(&run->calibration);
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    free(run->scores[score]);
  }
  free(run->given_probability);
  free(run->suggested_probability);
  free(run->suggested);
  free(run->order);
  free(run->x);
  free(run->y);
  free(run->z);
  free(run->kbar_counts);
  free(run->probabilities);
  memset(run, 0, sizeof *run);
}

int64_t ait_run_written_iteration(const ait_run *run) {
  return run->early.iteration > 0 ? run->early.iteration : run->iterations;
}

/* ---- scores ------------------------------------------------------------------------------------ */

ait_status ait_run_classifier_score(ait_run *run, const ait_real *y, double *score) {
  int64_t classes = run->data->classes;
  AIT_TRY(ait_predictor_probabilities(run->train_predictor, y, run->probabilities));
  for (int64_t i = 0; i < run->n; i++) {
    score[i] = 1 - (double)run->probabilities[i * classes + run->data->given[i]];
  }
  return AIT_OK;
}

/* 1 - sigmoid(x) = 1 / (1 + e^x), which does not round to 0 where x is large. */
void ait_run_weight_score(const ait_run *run, double *score) {
  for (int64_t i = 0; i < run->n; i++) {
    score[i] = 1 / (1 + exp((double)run->x[i]));
  }
}
