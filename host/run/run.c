/* run.c - a hyper-cleaning run: begin, iterate, end. */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context/context.h"
#include "context/error.h"
#include "run/prior.h"
#include "run/progress.h"
#include "solver/access.h"

const char *const ait_side_words[] = {"validation_only", "all_rows_as_given", "kept_by_this_run", "kept_by_baseline"};

double ait_run_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status allocate(int64_t count, size_t size, void *pointer) {
  void *memory = calloc((size_t)count, size);
  if (memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld numbers of the run", (long long)count);
  }
  memcpy(pointer, &memory, sizeof memory);
  return AIT_OK;
}

static ait_status allocate_all(ait_run *run) {
  int64_t n = run->data->train_rows;
  AIT_TRY(allocate(n, sizeof *run->x, &run->x));
  AIT_TRY(allocate(run->m, sizeof *run->y, &run->y));
  AIT_TRY(allocate(run->m, sizeof *run->z, &run->z));
  AIT_TRY(allocate(run->settings->ll_steps + 1, sizeof *run->kbar_counts, &run->kbar_counts));
  AIT_TRY(allocate(n * run->data->classes, sizeof *run->probabilities, &run->probabilities));
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    AIT_TRY(allocate(n, sizeof *run->scores[score], &run->scores[score]));
  }
  AIT_TRY(allocate(n, sizeof *run->baseline_score, &run->baseline_score));
  AIT_TRY(allocate(n, sizeof *run->given_probability, &run->given_probability));
  AIT_TRY(allocate(n, sizeof *run->suggested_probability, &run->suggested_probability));
  AIT_TRY(allocate(n, sizeof *run->suggested, &run->suggested));
  return allocate(n, sizeof *run->order, &run->order);
}

static ait_status make_gradient_sum(ait_run *run) {
  ait_device *device = &run->context->device;
  const size_t bytes = (size_t)run->data->train_rows * sizeof *run->gradient_sum;
  void *memory;
  AIT_TRY(device->runtime->allocate(device, bytes, &memory));
  run->gradient_sum = memory;
  return device->runtime->fill(device, bytes, 0, memory);
}

static ait_status make_predictors(ait_run *run) {
  AIT_TRY(ait_predictor_create(run->context, &run->network, run->data->train, &run->train_predictor));
  if (run->data->test == NULL) {
    return AIT_OK;
  }
  return ait_predictor_create(run->context, &run->network, run->data->test, &run->test_predictor);
}

/* x_0 = 0 gives every row the weight 1/2; z_0 is PyTorch's start. */
static ait_status make_solver(ait_run *run) {
  const ait_clean_data *data = run->data;
  const ait_cleaning_entry entry = {.train = data->train,
                                    .train_labels = data->given,
                                    .validation = data->validation,
                                    .validation_labels = data->validation_labels};
  AIT_TRY(ait_problem_create_cleaning(run->context, &run->network, 1, &entry, &run->problem));
  AIT_TRY(ait_clean_settings_add_terms(run->settings, &run->network, run->problem));
  ait_network_initialise(&run->network, run->settings->seed, run->z);
  ait_solver_options options;
  ait_clean_solver_options(run->settings, data->train_rows, &options);
  return ait_prior_create_solver(run->problem, &options, run->settings->method_settings.prior, run->x, run->z,
                                 &run->solver);
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
  AIT_TRY(allocate_all(run));
  AIT_TRY(make_solver(run));
  AIT_TRY(make_gradient_sum(run));
  return make_predictors(run);
}

void ait_run_end(ait_run *run) {
  ait_predictor_destroy(run->train_predictor);
  ait_predictor_destroy(run->test_predictor);
  ait_solver_destroy(run->solver);
  run->context->device.runtime->release(&run->context->device, run->gradient_sum);
  ait_problem_destroy(run->problem);
  ait_history_clear(&run->history);
  ait_rankings_free(&run->rankings);
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    free(run->scores[score]);
  }
  free(run->baseline_score);
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

/* ---- scores ------------------------------------------------------------------------------------ */

ait_status ait_run_classifier_score(ait_run *run, const ait_real *y, double *score) {
  int64_t classes = run->data->classes;
  AIT_TRY(ait_predictor_probabilities(run->train_predictor, y, run->probabilities));
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    score[i] = 1 - (double)run->probabilities[i * classes + run->data->given[i]];
  }
  return AIT_OK;
}

/* 1 - sigmoid(x) = 1 / (1 + e^x), which does not round to 0 where x is large. */
void ait_run_weight_score(const ait_run *run, double *score) {
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    score[i] = 1 / (1 + exp((double)run->x[i]));
  }
}

ait_status ait_run_gradient_score(const ait_run *run, double *score) {
  ait_device *device = &run->context->device;
  const size_t bytes = (size_t)run->data->train_rows * sizeof *score;
  AIT_TRY(device->runtime->copy_out(device, bytes, run->gradient_sum, score));
  AIT_TRY(device->runtime->synchronize(device));
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    score[i] /= (double)run->iterations;
  }
  return AIT_OK;
}

static ait_status chosen_score(ait_run *run, double *score) {
  switch ((ait_score)run->settings->score) {
    case AIT_SCORE_WEIGHT:
      AIT_TRY(ait_solver_get_x(run->solver, run->x));
      ait_run_weight_score(run, score);
      return AIT_OK;
    case AIT_SCORE_GRADIENT:
      return ait_run_gradient_score(run, score);
    default:
      return ait_run_classifier_score(run, run->y, score);
  }
}

/* ---- iteration --------------------------------------------------------------------------------- */

/* The figures that are taken every --eval-every iterations. */
static ait_status take_figures(ait_run *run, ait_history_row *row) {
  if (run->test_predictor == NULL && run->data->mislabelled_rows == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_get_y(run->solver, run->y));
  if (run->test_predictor != NULL) {
    AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->y, run->data->test_labels, &row->accuracy_y));
    if (run->settings->method.initialisation == AIT_INITIALISATION_AUXILIARY) {
      AIT_TRY(ait_solver_get_z(run->solver, run->z));
      AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->z, run->data->test_labels, &row->accuracy_z));
    }
  }
  if (run->data->mislabelled_rows > 0) {
    double *score = run->scores[run->settings->score];
    ait_ranking ranking;
    AIT_TRY(chosen_score(run, score));
    AIT_TRY(ait_metrics_ranking(run->data->train_rows, score, run->data->mislabelled, &ranking));
    row->f1 = ranking.f1;
    row->auroc = ranking.auroc;
  }
  return AIT_OK;
}

/* Seconds of the iterations alone, which a budget of seconds is for. */
static double seconds_spent(const ait_run *run, double began) {
  return ait_run_clock() - began - run->figure_seconds;
}

/* Every --eval-every iterations, or 20 times in a budget of seconds, and at the end. */
static int figures_are_due(const ait_run *run, double began) {
  const ait_clean_settings *s = run->settings;
  if (s->seconds > 0) {
    const ait_history *h = &run->history;
    const double before = h->count > 0 ? h->rows[h->count - 1].seconds - h->rows[h->count - 1].figure_seconds : 0;
    return floor(20 * seconds_spent(run, began) / s->seconds) > floor(20 * before / s->seconds);
  }
  return run->iterations % s->eval_every == 0 || run->iterations == s->iterations;
}

/* On the device, so that an iteration waits for nothing but its own history line. */
static ait_status add_gradient(ait_run *run) {
  ait_device *device = &run->context->device;
  return device->model->accumulate(device, run->data->train_rows, ait_solver_gx(run->solver), run->gradient_sum);
}

static ait_status iterate(ait_run *run, double began, ait_history_row *row) {
  const ait_clean_settings *s = run->settings;
  AIT_TRY(ait_solver_step(run->solver));
  run->iterations++;
  AIT_TRY(add_gradient(run));
  int32_t kbar = *ait_solver_kbar(run->solver);
  const ait_real *F = ait_solver_trajectory_F(run->solver);
  run->kbar_counts[kbar]++;
  *row = (ait_history_row){.t = run->iterations,
                           .F_kbar = (double)F[kbar],
                           .F_K = (double)F[s->ll_steps],
                           .kbar = kbar,
                           .accuracy_y = NAN,
                           .accuracy_z = NAN,
                           .f1 = NAN,
                           .auroc = NAN};
  if (figures_are_due(run, began)) {
    const double figures_began = ait_run_clock();
    AIT_TRY(take_figures(run, row));
    run->figure_seconds += ait_run_clock() - figures_began;
  }
  row->figure_seconds = run->figure_seconds;
  row->seconds = ait_run_clock() - began;
  return ait_history_append(&run->history, row);
}

static int is_complete(const ait_run *run, double began) {
  const ait_clean_settings *s = run->settings;
  return run->iterations >= s->iterations || (s->seconds > 0 && seconds_spent(run, began) >= s->seconds);
}

static ait_status take_ll_solution(ait_run *run) {
  int64_t steps;
  if (run->settings->method.mapping != AIT_MAPPING_LBFGS) {
    return AIT_OK;
  }
  return ait_solver_ll_solution(run->solver, &run->ll_residual, &steps, &run->ll_unsolved);
}

/* y_K at the final x and z, so that what is written belongs together. */
static ait_status take_result(ait_run *run) {
  AIT_TRY(ait_solver_rollout(run->solver));
  AIT_TRY(ait_solver_get_x(run->solver, run->x));
  AIT_TRY(ait_solver_get_y(run->solver, run->y));
  AIT_TRY(ait_solver_curvature_count(run->solver, &run->curved));
  AIT_TRY(take_ll_solution(run));
  return ait_solver_get_z(run->solver, run->z);
}

ait_status ait_run_iterate(ait_run *run, const volatile sig_atomic_t *stop) {
  double began = ait_run_clock();
  ait_progress progress;
  ait_progress_begin(&progress, run->settings->quiet, run->settings->iterations);
  ait_status status = AIT_OK;
  while (status == AIT_OK && !is_complete(run, began) && !run->stopped) {
    ait_history_row row;
    status = iterate(run, began, &row);
    if (status == AIT_OK) {
      ait_progress_update(&progress, &row);
      run->stopped = *stop && !is_complete(run, began);
    }
  }
  ait_progress_end(&progress);
  if (status == AIT_OK) {
    status = take_result(run);
  }
  run->iteration_seconds = ait_run_clock() - began;
  return status;
}
