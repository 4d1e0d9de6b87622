/* batch.c - runs that iterate together. */
#include "run/batch.h"

#include <math.h>
#include <stdlib.h>

#include "context/context.h"
#include "context/error.h"
#include "run/batch_state.h"
#include "run/json_lines.h"
#include "run/prior.h"
#include "run/progress.h"
#include "run/storage.h"
#include "solver/access.h"

/* All runs, those that are left, and what the call was given. */
typedef struct whole_batch {
  int64_t count, left_count;
  ait_run *runs, **left;
  const volatile sig_atomic_t *stop;
  ait_checkpoint *checkpoint; /* NULL: none */
} whole_batch;

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status no_memory(int64_t count) {
  return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a batch of %lld runs", (long long)count);
}

static ait_status make_problem(ait_batch *b) {
  ait_cleaning_entry *entries = malloc((size_t)b->count * sizeof *entries);
  if (entries == NULL) {
    return no_memory(b->count);
  }
  for (int64_t i = 0; i < b->count; i++) {
    entries[i] = ait_clean_data_entry(b->runs[i]->data);
  }
  ait_status status = ait_problem_create_cleaning(b->context, &b->runs[0]->network, b->count, entries, &b->problem);
  free(entries);
  AIT_TRY(status);
  return ait_clean_settings_add_terms(b->settings, &b->runs[0]->network, b->problem);
}

/* How the trajectory is stored, which is told where --memory asks for it. Every run has its share of the bytes. */
static ait_status plan_trajectory(ait_batch *b, const ait_solver_options *options) {
  const char *shrinks = b->count == 1 ? "--ll-steps or the classifier (--model)"
                                      : "--ll-steps, the classifier (--model) or the number of runs";
  ait_trajectory_plan plan;
  AIT_TRY(ait_storage_plan(options, b->count, b->m, shrinks, &plan));
  for (int64_t i = 0; i < b->count; i++) {
    b->runs[i]->trajectory = plan;
    b->runs[i]->trajectory.bytes = plan.bytes / b->count;
  }
  if (options->trajectory_bytes > 0) {
    char text[AIT_STORAGE_TEXT];
    ait_storage_describe(&plan, text);
    ait_progress_note(b->settings, text);
  }
  return AIT_OK;
}

/* x_0 = 0 gives every row the weight 1/2; z_0 is PyTorch's start. */
static ait_status make_solver(ait_batch *b, const ait_solver_options *options) {
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

static ait_status make_sums(ait_batch *b) {
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

static ait_status begin(const whole_batch *whole, ait_batch *b) {
  ait_run **runs = whole->left;
  *b = (ait_batch){.context = runs[0]->context,
                   .settings = runs[0]->settings,
                   .count = whole->left_count,
                   .runs = runs,
                   .all_count = whole->count,
                   .all = whole->runs,
                   .n = runs[0]->n,
                   .m = runs[0]->m};
  ait_solver_options options;
  ait_clean_solver_options(b->settings, b->n, &options);
  AIT_TRY(plan_trajectory(b, &options));
  AIT_TRY(make_problem(b));
  AIT_TRY(make_solver(b, &options));
  return make_sums(b);
}

static void end(ait_batch *b) {
  ait_solver_destroy(b->solver);
  b->context->device.runtime->release(&b->context->device, b->gradient_sum);
  ait_problem_destroy(b->problem);
  free(b->tallies);
  free(b->residuals);
}

/* ---- iteration --------------------------------------------------------------------------------- */

/* The mean of gx over so many iterations. */
static ait_status gradient_score(const ait_batch *b, int64_t i, int64_t iterations, double *score) {
  ait_device *device = &b->context->device;
  AIT_TRY(device->runtime->copy_out(device, (size_t)b->n * sizeof *score, b->gradient_sum + i * b->n, score));
  AIT_TRY(device->runtime->synchronize(device));
  for (int64_t row = 0; row < b->n; row++) {
    score[row] /= (double)iterations;
  }
  return AIT_OK;
}

static ait_status chosen_score(const ait_batch *b, int64_t i, double *score) {
  ait_run *run = b->runs[i];
  switch ((ait_score)run->settings->score) {
    case AIT_SCORE_WEIGHT:
      AIT_TRY(ait_solver_get_x_part(b->solver, i * b->n, b->n, run->x));
      ait_run_weight_score(run, score);
      return AIT_OK;
    case AIT_SCORE_GRADIENT:
      return gradient_score(b, i, run->iterations, score);
    default:
      return ait_run_classifier_score(run, run->y, score);
  }
}

/* The figures that are taken every --eval-every iterations. */
static ait_status take_figures(const ait_batch *b, int64_t i, ait_history_row *row) {
  ait_run *run = b->runs[i];
  const ait_clean_data *data = run->data;
  if (run->test_predictor == NULL && data->mislabelled_rows == 0 && run->early.predictor == NULL) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_get_y_of(b->solver, i, run->y));
  if (run->early.predictor != NULL) {
    AIT_TRY(ait_early_loss(&run->early, run->y, &row->held_out_loss));
  }
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
static double seconds_spent(const ait_batch *b) {
  return ait_run_clock() - b->began - b->figure_seconds;
}

/* Every --eval-every iterations, or 20 times in a budget of seconds, and at the end. */
static int figures_are_due(const ait_batch *b) {
  const ait_clean_settings *s = b->settings;
  const ait_history *h = &b->runs[0]->history;
  if (s->seconds > 0) {
    const double before = h->count > 0 ? h->rows[h->count - 1].seconds - h->rows[h->count - 1].figure_seconds : 0;
    return floor(20 * seconds_spent(b) / s->seconds) > floor(20 * before / s->seconds);
  }
  const int64_t made = h->count + 1;
  return made % s->eval_every == 0 || made == s->iterations;
}

static int is_complete(const ait_batch *b) {
  const ait_clean_settings *s = b->settings;
  return b->runs[0]->iterations >= s->iterations || (s->seconds > 0 && seconds_spent(b) >= s->seconds) ||
         ait_early_is_over(&b->runs[0]->early);
}

/* Keeps what the iteration that was just made is for run i. */
static ait_status keep_iteration(ait_batch *b, int64_t i, int with_figures) {
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
                         .auroc = NAN,
                         .held_out_loss = NAN};
  if (with_figures) {
    const double began = ait_run_clock();
    AIT_TRY(take_figures(b, i, &row));
    b->figure_seconds += ait_run_clock() - began;
  }
  row.figure_seconds = run->figure_seconds = b->figure_seconds;
  row.seconds = ait_run_clock() - b->began;
  return ait_history_append(&run->history, &row);
}

/* Keeps the state of the only run, which is between two UL iterations, where held-out rows find it the best so far. */
static ait_status keep_best(const ait_batch *b) {
  ait_device *device = &b->context->device;
  ait_run *run = b->runs[0];
  ait_early_stopping *early = &run->early;
  const ait_history_row *row = &run->history.rows[run->history.count - 1];
  int32_t is_best;
  if (early->predictor == NULL || isnan(row->held_out_loss)) {
    return AIT_OK;
  }
  AIT_TRY(ait_early_count(early, row->t, row->held_out_loss, ait_solver_state_size(b->solver), &is_best));
  if (!is_best) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_get_state(b->solver, early->state));
  AIT_TRY(device->runtime->copy_out(device, (size_t)b->n * sizeof *early->gradient_sum, b->gradient_sum,
                                    early->gradient_sum));
  return device->runtime->synchronize(device);
}

/* Makes the run what it was then. */
static ait_status go_back_to_best(const ait_batch *b) {
  ait_device *device = &b->context->device;
  const ait_early_stopping *early = &b->runs[0]->early;
  if (early->iteration == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_set_state(b->solver, early->state_bytes, early->state));
  return device->runtime->copy_in(device, (size_t)b->n * sizeof *early->gradient_sum, early->gradient_sum,
                                  b->gradient_sum);
}

/* One UL iteration of all runs. The sums stay on the device, so that it waits for nothing but its own
 * history line. */
static ait_status iterate(ait_batch *b) {
  ait_device *device = &b->context->device;
  AIT_TRY(ait_solver_step(b->solver));
  AIT_TRY(device->model->accumulate(device, b->count * b->n, ait_solver_gx(b->solver), b->gradient_sum));
  const int with_figures = figures_are_due(b);
  for (int64_t i = 0; i < b->count; i++) {
    AIT_TRY(keep_iteration(b, i, with_figures));
  }
  return keep_best(b);
}

/* What the runs are at this iteration: their means. */
static ait_history_row mean_row(const ait_batch *b) {
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
static ait_status take_tallies(const ait_batch *b) {
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
static ait_status take_result(const ait_batch *b) {
  AIT_TRY(go_back_to_best(b));
  AIT_TRY(ait_solver_rollout(b->solver));
  AIT_TRY(take_tallies(b));
  for (int64_t i = 0; i < b->count; i++) {
    ait_run *run = b->runs[i];
    AIT_TRY(ait_solver_get_x_part(b->solver, i * b->n, b->n, run->x));
    AIT_TRY(ait_solver_get_y_of(b->solver, i, run->y));
    AIT_TRY(ait_solver_get_z_of(b->solver, i, run->z));
    AIT_TRY(gradient_score(b, i, ait_run_written_iteration(run), run->scores[AIT_SCORE_GRADIENT]));
  }
  return AIT_OK;
}

/* Tells scripts what every run was at the iteration just made. */
static void print_iteration(const ait_batch *b) {
  for (int64_t i = 0; b->settings->json && i < b->count; i++) {
    const ait_history *history = &b->runs[i]->history;
    ait_json_line_iteration(b->runs[i]->settings, &history->rows[history->count - 1]);
  }
}

/* Nonzero where the batch ends here, before it is complete. */
static int32_t take_stop(const ait_batch *b, const volatile sig_atomic_t *stop) {
  const int32_t stopped = *stop && !is_complete(b);
  for (int64_t i = 0; i < b->count; i++) {
    b->runs[i]->stopped = stopped;
  }
  return stopped;
}

/* By the rule, and whenever a stop is asked for: the iterations that are made will then not have to be made again.
 * After the last one it is at least held, for a stop while the classifiers beside the runs are trained. */
static ait_status keep_checkpoint(const whole_batch *whole, ait_batch *b) {
  const int64_t made = b->runs[0]->iterations;
  if (whole->checkpoint == NULL) {
    return AIT_OK;
  }
  if (*whole->stop || ait_checkpoint_is_due(whole->checkpoint, made)) {
    return ait_checkpoint_save(whole->checkpoint, made, ait_batch_put, b);
  }
  return is_complete(b) ? ait_checkpoint_hold(whole->checkpoint, ait_batch_put, b) : AIT_OK;
}

static ait_status take_iterations(const whole_batch *whole, ait_batch *b) {
  ait_status status = AIT_OK;
  ait_progress progress;
  ait_progress_begin(&progress, b->settings->quiet, b->count, b->settings->iterations);
  for (int32_t stopped = 0; status == AIT_OK && !is_complete(b) && !stopped;) {
    status = iterate(b);
    if (status == AIT_OK) {
      const ait_history_row row = mean_row(b);
      ait_progress_update(&progress, &row);
      print_iteration(b);
      stopped = take_stop(b, whole->stop);
      status = keep_checkpoint(whole, b);
    }
  }
  ait_progress_end(&progress);
  return status;
}

static ait_status iterate_all(const whole_batch *whole, ait_batch *b) {
  ait_status status = take_iterations(whole, b);
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
static ait_status find_block(const ait_batch *b, const ait_real *numbers, int64_t size, ait_real *host,
                             int64_t *found) {
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

/* Which run it was that has diverged: the solver's word, or the first whose hyper-gradient is not finite. The arrays
 * of the first run are free until there is a result. */
static ait_status find_diverged(const ait_batch *b, int64_t *found) {
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
static ait_status drop_diverged(ait_batch *b) {
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

/* A batch that was cut off goes on where its checkpoint was saved. */
static ait_status go_on(const whole_batch *whole, ait_batch *b) {
  ait_checkpoint *checkpoint = whole->checkpoint;
  b->began = ait_run_clock();
  if (checkpoint != NULL && checkpoint->resumed.data != NULL) {
    char note[64];
    AIT_TRY(ait_batch_take(b, &checkpoint->resumed));
    AIT_TRY(ait_checkpoint_went_on(checkpoint));
    snprintf(note, sizeof note, "going on after UL iteration %lld", (long long)b->runs[0]->iterations);
    ait_progress_note(b->settings, note);
  }
  if (checkpoint != NULL) {
    ait_checkpoint_start(checkpoint, b->runs[0]->iterations);
  }
  return AIT_OK;
}

/* Iterates the runs that are left until they are through or one of them, which is then taken out, diverges. */
static ait_status attempt(whole_batch *whole, int32_t *through) {
  ait_batch b;
  ait_status status = begin(whole, &b);
  if (status == AIT_OK) {
    status = go_on(whole, &b);
  }
  if (status == AIT_OK) {
    status = iterate_all(whole, &b);
    *through = status == AIT_OK;
    if (status == AIT_DIVERGED) {
      status = drop_diverged(&b);
      whole->left_count -= status == AIT_OK;
    }
  }
  end(&b);
  return status;
}

/* Which runs are left: all, or those of the checkpoint. */
static ait_status take_left(whole_batch *whole) {
  if (whole->checkpoint != NULL && whole->checkpoint->resumed.data != NULL) {
    AIT_TRY(ait_batch_take_failures(&whole->checkpoint->resumed, whole->count, whole->runs));
  }
  for (int64_t i = 0; i < whole->count; i++) {
    if (whole->runs[i].failure[0] == '\0') {
      whole->left[whole->left_count++] = whole->runs + i;
    }
  }
  return whole->left_count > 0 ? AIT_OK : ait_fail(AIT_BAD_DATA, "no run of the batch is left to go on with");
}

ait_status ait_batch_iterate(int64_t count, ait_run *runs, const volatile sig_atomic_t *stop,
                             ait_checkpoint *checkpoint) {
  whole_batch whole = {.count = count, .runs = runs, .stop = stop, .checkpoint = checkpoint};
  whole.left = malloc((size_t)count * sizeof *whole.left);
  if (whole.left == NULL) {
    return no_memory(count);
  }
  ait_status status = take_left(&whole);
  for (int32_t through = 0; status == AIT_OK && !through;) {
    status = attempt(&whole, &through);
  }
  free(whole.left);
  return status;
}

ait_status ait_run_iterate(ait_run *run, const volatile sig_atomic_t *stop) {
  return ait_batch_iterate(1, run, stop, NULL);
}
