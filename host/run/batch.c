/* batch.c - runs that iterate together. */
#include "run/batch.h"

#include <math.h>
#include <stdlib.h>

#include "context/context.h"
#include "context/error.h"
#include "run/json_lines.h"
#include "run/prior.h"
#include "run/progress.h"
#include "run/storage.h"
#include "solver/access.h"

typedef struct batch {
  ait_context *context;
  const ait_clean_settings *settings; /* those of the first run; what differs is not read here */
  int64_t count;
  ait_run **runs;
  int64_t n, m; /* of one run */
  ait_problem *problem;
  ait_solver *solver;
  double *gradient_sum;         /* count x n, on the device: sum of gx_i */
  double began, figure_seconds; /* since when, and for how long of it figures were taken */
  int64_t *tallies;  /* 3 x count: directions without positive curvature, L-BFGS steps, unsolved LL problems */
  double *residuals; /* count: of the last LL problems */
} batch;

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status no_memory(int64_t count) {
  return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a batch of %lld runs", (long long)count);
}

static ait_status make_problem(batch *b) {
  ait_cleaning_entry *entries = malloc((size_t)b->count * sizeof *entries);
  if (entries == NULL) {
    return no_memory(b->count);
  }
  for (int64_t i = 0; i < b->count; i++) {
    const ait_clean_data *data = b->runs[i]->data;
    entries[i] = (ait_cleaning_entry){.train = data->train,
                                      .train_labels = data->given,
                                      .validation = data->validation,
                                      .validation_labels = data->validation_labels};
  }
  ait_status status = ait_problem_create_cleaning(b->context, &b->runs[0]->network, b->count, entries, &b->problem);
  free(entries);
  AIT_TRY(status);
  return ait_clean_settings_add_terms(b->settings, &b->runs[0]->network, b->problem);
}

/* How the trajectory is stored, which is told where --memory asks for it. */
static ait_status plan_trajectory(batch *b, const ait_solver_options *options) {
  const char *shrinks = b->count == 1 ? "--ll-steps or the classifier (--model)"
                                      : "--ll-steps, the classifier (--model) or the number of runs";
  ait_trajectory_plan plan;
  AIT_TRY(ait_storage_plan(options, b->count, b->m, shrinks, &plan));
  for (int64_t i = 0; i < b->count; i++) {
    b->runs[i]->trajectory = plan;
  }
  if (options->trajectory_bytes > 0) {
    char text[AIT_STORAGE_TEXT];
    ait_storage_describe(&plan, text);
    ait_progress_note(b->settings, text);
  }
  return AIT_OK;
}

/* x_0 = 0 gives every row the weight 1/2; z_0 is PyTorch's start. */
static ait_status make_solver(batch *b, const ait_solver_options *options) {
  ait_real *x = calloc((size_t)(b->count * b->n), sizeof *x), *z = malloc((size_t)(b->count * b->m) * sizeof *z);
  ait_status status = AIT_OK;
  if (x == NULL || z == NULL) {
    status = no_memory(b->count);
  } else {
    for (int64_t i = 0; i < b->count; i++) {
      ait_network_initialise(&b->runs[i]->network, b->runs[i]->settings->seed, z + i * b->m);
    }
    status = ait_prior_create_solver(b->problem, options, b->settings->method_settings.prior, x, z, &b->solver);
  }
  free(x);
  free(z);
  return status;
}

static ait_status make_sums(batch *b) {
  ait_device *device = &b->context->device;
  const size_t bytes = (size_t)(b->count * b->n) * sizeof *b->gradient_sum;
  void *memory;
  b->tallies = malloc(3 * (size_t)b->count * sizeof *b->tallies);
  b->residuals = malloc((size_t)b->count * sizeof *b->residuals);
  if (b->tallies == NULL || b->residuals == NULL) {
    return no_memory(b->count);
  }
  AIT_TRY(device->runtime->allocate(device, bytes, &memory));
  b->gradient_sum = memory;
  return device->runtime->fill(device, bytes, 0, memory);
}

static ait_status begin(int64_t count, ait_run **runs, batch *b) {
  *b = (batch){.context = runs[0]->context,
               .settings = runs[0]->settings,
               .count = count,
               .runs = runs,
               .n = runs[0]->data->train_rows,
               .m = runs[0]->m};
  ait_solver_options options;
  ait_clean_solver_options(b->settings, b->n, &options);
  AIT_TRY(plan_trajectory(b, &options));
  AIT_TRY(make_problem(b));
  AIT_TRY(make_solver(b, &options));
  return make_sums(b);
}

static void end(batch *b) {
  ait_solver_destroy(b->solver);
  b->context->device.runtime->release(&b->context->device, b->gradient_sum);
  ait_problem_destroy(b->problem);
  free(b->tallies);
  free(b->residuals);
}

/* ---- iteration --------------------------------------------------------------------------------- */

/* The mean of gx over the iterations made. */
static ait_status gradient_score(const batch *b, int64_t i, double *score) {
  ait_device *device = &b->context->device;
  AIT_TRY(device->runtime->copy_out(device, (size_t)b->n * sizeof *score, b->gradient_sum + i * b->n, score));
  AIT_TRY(device->runtime->synchronize(device));
  for (int64_t row = 0; row < b->n; row++) {
    score[row] /= (double)b->runs[i]->iterations;
  }
  return AIT_OK;
}

static ait_status chosen_score(const batch *b, int64_t i, double *score) {
  ait_run *run = b->runs[i];
  switch ((ait_score)run->settings->score) {
    case AIT_SCORE_WEIGHT:
      AIT_TRY(ait_solver_get_x_part(b->solver, i * b->n, b->n, run->x));
      ait_run_weight_score(run, score);
      return AIT_OK;
    case AIT_SCORE_GRADIENT:
      return gradient_score(b, i, score);
    default:
      return ait_run_classifier_score(run, run->y, score);
  }
}

/* The figures that are taken every --eval-every iterations. */
static ait_status take_figures(const batch *b, int64_t i, ait_history_row *row) {
  ait_run *run = b->runs[i];
  const ait_clean_data *data = run->data;
  if (run->test_predictor == NULL && data->mislabelled_rows == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_get_y_of(b->solver, i, run->y));
  if (run->test_predictor != NULL) {
    AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->y, data->test_labels, &row->accuracy_y));
    if (run->settings->method.initialisation == AIT_INITIALISATION_AUXILIARY) {
      AIT_TRY(ait_solver_get_z_of(b->solver, i, run->z));
      AIT_TRY(ait_predictor_accuracy(run->test_predictor, run->z, data->test_labels, &row->accuracy_z));
    }
  }
  if (data->mislabelled_rows > 0) {
    double *score = run->scores[run->settings->score];
    ait_ranking ranking;
    AIT_TRY(chosen_score(b, i, score));
    AIT_TRY(ait_metrics_ranking(data->train_rows, score, data->mislabelled, &ranking));
    row->f1 = ranking.f1;
    row->auroc = ranking.auroc;
  }
  return AIT_OK;
}

/* Seconds of the iterations alone, which a budget of seconds is for. */
static double seconds_spent(const batch *b) {
  return ait_run_clock() - b->began - b->figure_seconds;
}

/* Every --eval-every iterations, or 20 times in a budget of seconds, and at the end. */
static int figures_are_due(const batch *b) {
  const ait_clean_settings *s = b->settings;
  const ait_history *h = &b->runs[0]->history;
  if (s->seconds > 0) {
    const double before = h->count > 0 ? h->rows[h->count - 1].seconds - h->rows[h->count - 1].figure_seconds : 0;
    return floor(20 * seconds_spent(b) / s->seconds) > floor(20 * before / s->seconds);
  }
  const int64_t made = h->count + 1;
  return made % s->eval_every == 0 || made == s->iterations;
}

static int is_complete(const batch *b) {
  const ait_clean_settings *s = b->settings;
  return b->runs[0]->iterations >= s->iterations || (s->seconds > 0 && seconds_spent(b) >= s->seconds);
}

/* Keeps what the iteration that was just made is for run i. */
static ait_status keep_iteration(batch *b, int64_t i, int with_figures) {
  ait_run *run = b->runs[i];
  const int32_t kbar = ait_solver_kbar(b->solver)[i];
  const ait_real *F = ait_solver_trajectory_F(b->solver) + i;
  run->iterations++;
  run->kbar_counts[kbar]++;
  ait_history_row row = {.t = run->iterations,
                         .F_kbar = (double)F[kbar * b->count],
                         .F_K = (double)F[b->settings->ll_steps * b->count],
                         .kbar = kbar,
                         .accuracy_y = NAN,
                         .accuracy_z = NAN,
                         .f1 = NAN,
                         .auroc = NAN};
  if (with_figures) {
    const double began = ait_run_clock();
    AIT_TRY(take_figures(b, i, &row));
    b->figure_seconds += ait_run_clock() - began;
  }
  row.figure_seconds = run->figure_seconds = b->figure_seconds;
  row.seconds = ait_run_clock() - b->began;
  return ait_history_append(&run->history, &row);
}

/* One UL iteration of all runs. The sums stay on the device, so that it waits for nothing but its own
 * history line. */
static ait_status iterate(batch *b) {
  ait_device *device = &b->context->device;
  AIT_TRY(ait_solver_step(b->solver));
  AIT_TRY(device->model->accumulate(device, b->count * b->n, ait_solver_gx(b->solver), b->gradient_sum));
  const int with_figures = figures_are_due(b);
  for (int64_t i = 0; i < b->count; i++) {
    AIT_TRY(keep_iteration(b, i, with_figures));
  }
  return AIT_OK;
}

/* What the runs are at this iteration: their means. */
static ait_history_row mean_row(const batch *b) {
  ait_history_row mean = {0};
  for (int64_t i = 0; i < b->count; i++) {
    const ait_history *history = &b->runs[i]->history;
    const ait_history_row *row = &history->rows[history->count - 1];
    const double share = 1 / (double)b->count;
    mean.t = row->t;
    mean.seconds = row->seconds;
    mean.kbar = row->kbar;
    mean.F_kbar += share * row->F_kbar;
    mean.accuracy_y += share * row->accuracy_y;
    mean.f1 += share * row->f1;
  }
  return mean;
}

/* How the systems of conjugate gradient and the LL problems of L-BFGS went. */
static ait_status take_tallies(const batch *b) {
  int64_t *curved = b->tallies, *steps = curved + b->count, *unsolved = steps + b->count;
  const int32_t solves = b->settings->method.mapping == AIT_MAPPING_LBFGS;
  AIT_TRY(ait_solver_curvature_count(b->solver, curved));
  if (solves) {
    AIT_TRY(ait_solver_ll_solution(b->solver, b->residuals, steps, unsolved));
  }
  for (int64_t i = 0; i < b->count; i++) {
    b->runs[i]->curved = curved[i];
    b->runs[i]->ll_residual = solves ? b->residuals[i] : 0;
    b->runs[i]->ll_unsolved = solves ? unsolved[i] : 0;
  }
  return AIT_OK;
}

/* y_K at the final x and z, so that what is written belongs together. */
static ait_status take_result(const batch *b) {
  AIT_TRY(ait_solver_rollout(b->solver));
  AIT_TRY(take_tallies(b));
  for (int64_t i = 0; i < b->count; i++) {
    ait_run *run = b->runs[i];
    AIT_TRY(ait_solver_get_x_part(b->solver, i * b->n, b->n, run->x));
    AIT_TRY(ait_solver_get_y_of(b->solver, i, run->y));
    AIT_TRY(ait_solver_get_z_of(b->solver, i, run->z));
    AIT_TRY(gradient_score(b, i, run->scores[AIT_SCORE_GRADIENT]));
  }
  return AIT_OK;
}

/* Tells scripts what every run was at the iteration just made. */
static void print_iteration(const batch *b) {
  for (int64_t i = 0; b->settings->json && i < b->count; i++) {
    const ait_history *history = &b->runs[i]->history;
    ait_json_line_iteration(b->runs[i]->settings, &history->rows[history->count - 1]);
  }
}

static ait_status take_iterations(batch *b, const volatile sig_atomic_t *stop) {
  ait_status status = AIT_OK;
  ait_progress progress;
  ait_progress_begin(&progress, b->settings->quiet, b->count, b->settings->iterations);
  while (status == AIT_OK && !is_complete(b) && !b->runs[0]->stopped) {
    status = iterate(b);
    if (status == AIT_OK) {
      const ait_history_row row = mean_row(b);
      ait_progress_update(&progress, &row);
      print_iteration(b);
      const int32_t stopped = *stop && !is_complete(b);
      for (int64_t i = 0; i < b->count; i++) {
        b->runs[i]->stopped = stopped;
      }
    }
  }
  ait_progress_end(&progress);
  return status;
}

static ait_status iterate_all(batch *b, const volatile sig_atomic_t *stop) {
  b->began = ait_run_clock();
  ait_status status = take_iterations(b, stop);
  if (status == AIT_OK) {
    status = take_result(b);
  }
  for (int64_t i = 0; i < b->count; i++) {
    b->runs[i]->iteration_seconds = ait_run_clock() - b->began;
  }
  return status;
}

/* ---- runs that diverge ------------------------------------------------------------------------- */

/* Finds the first of `blocks` blocks of `size` numbers on the device that has one that is not finite, or -1. */
static ait_status find_block(const batch *b, const ait_real *numbers, int64_t size, ait_real *host, int64_t *found) {
  ait_device *device = &b->context->device;
  *found = -1;
  for (int64_t i = 0; i < b->count && *found < 0; i++) {
    AIT_TRY(device->runtime->copy_out(device, (size_t)size * sizeof *host, numbers + i * size, host));
    AIT_TRY(device->runtime->synchronize(device));
    for (int64_t j = 0; j < size && *found < 0; j++) {
      *found = isfinite(host[j]) ? -1 : i;
    }
  }
  return AIT_OK;
}

/* Which run it was that has diverged: the solver's word, or the first whose hyper-gradient is not finite. The arrays of
 * the first run are free until there is a result. */
static ait_status find_diverged(const batch *b, int64_t *found) {
  *found = ait_solver_diverged_entry(b->solver);
  if (*found < 0) {
    AIT_TRY(find_block(b, ait_solver_gx(b->solver), b->n, b->runs[0]->x, found));
  }
  if (*found < 0) {
    AIT_TRY(find_block(b, ait_solver_gz(b->solver), b->m, b->runs[0]->z, found));
  }
  return AIT_OK;
}

static void forget_iterations(ait_run *run) {
  run->iterations = 0;
  run->stopped = 0;
  run->figure_seconds = 0;
  ait_history_clear(&run->history);
  for (int64_t k = 0; k <= run->settings->ll_steps; k++) {
    run->kbar_counts[k] = 0;
  }
}

/* Takes the run that has diverged out; AIT_DIVERGED with its sentence where none is left or none is found. */
static ait_status drop_diverged(batch *b) {
  char reason[AIT_SENTENCE];
  int64_t found;
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  AIT_TRY(find_diverged(b, &found));
  if (found < 0 || b->count == 1) {
    return ait_fail(AIT_DIVERGED, "%s", reason);
  }
  ait_run *diverged = b->runs[found];
  snprintf(diverged->failure, sizeof diverged->failure, "%s", reason);
  for (int64_t i = 0; i < b->count; i++) {
    forget_iterations(b->runs[i]);
  }
  for (int64_t i = found; i + 1 < b->count; i++) {
    b->runs[i] = b->runs[i + 1];
  }
  ait_progress_note(b->settings, "a run has diverged and leaves the batch; the others begin again without it");
  return AIT_OK;
}

/* Iterates the first *count of `runs` until they are through or one of them, which is then taken out, diverges. */
static ait_status attempt(int64_t *count, ait_run **runs, const volatile sig_atomic_t *stop, int32_t *through) {
  batch b;
  ait_status status = begin(*count, runs, &b);
  if (status == AIT_OK) {
    status = iterate_all(&b, stop);
    *through = status == AIT_OK;
    if (status == AIT_DIVERGED) {
      status = drop_diverged(&b);
      *count -= status == AIT_OK;
    }
  }
  end(&b);
  return status;
}

ait_status ait_batch_iterate(int64_t count, ait_run *runs, const volatile sig_atomic_t *stop) {
  ait_run **left = malloc((size_t)count * sizeof *left);
  if (left == NULL) {
    return no_memory(count);
  }
  for (int64_t i = 0; i < count; i++) {
    left[i] = runs + i;
  }
  ait_status status = AIT_OK;
  for (int32_t through = 0; status == AIT_OK && !through;) {
    status = attempt(&count, left, stop, &through);
  }
  free(left);
  return status;
}

ait_status ait_run_iterate(ait_run *run, const volatile sig_atomic_t *stop) {
  return ait_batch_iterate(1, run, stop);
}
