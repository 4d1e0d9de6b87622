/* sweep_weights.c - the runs of a sweep that learn weights: one batch. */
#include <stdlib.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/batch.h"
#include "run/progress.h"
#include "run/rate.h"
#include "run/sweep.h"

/* ---- begin and end ----------------------------------------------------------------------------- */

/* One LL step size serves the batch: where it is to be chosen, the smallest that a run would choose for itself. */
static ait_status choose_rate(ait_sweep *sweep) {
  const ait_clean_settings *least = sweep->run_settings;
  for (int64_t i = 0; i < sweep->count; i++) {
    ait_clean_settings *s = &sweep->run_settings[i];
    AIT_TRY(ait_sweep_of_run(sweep, i, ait_clean_settings_choose_rate(sweep->context, &sweep->data[i], s)));
    least = s->ll_rate < least->ll_rate ? s : least;
  }
  const ait_clean_settings chosen = *least;
  for (int64_t i = 0; i < sweep->count; i++) {
    ait_clean_settings *s = &sweep->run_settings[i];
    s->ll_rate = chosen.ll_rate;
    s->ll_curvature = chosen.ll_curvature;
    s->init_rate = chosen.init_rate;
  }
  return AIT_OK;
}

/* The runs of a batch learn from equally many rows; classes with few validation rows may keep one run from planting. */
static ait_status check_planted(const ait_sweep *sweep) {
  for (int64_t i = 1; i < sweep->count; i++) {
    const ait_aside *first = &sweep->data[0].aside, *other = &sweep->data[i].aside;
    if (first->planted != other->planted) {
      return ait_fail(AIT_UNSUPPORTED, "--plant: rows can be planted in %s and not in %s (%s): give --plant 0",
                      sweep->names[first->planted > 0 ? 0 : i], sweep->names[first->planted > 0 ? i : 0],
                      first->planted > 0 ? other->without : first->without);
    }
  }
  return AIT_OK;
}

static ait_status begin(ait_sweep *sweep) {
  AIT_TRY(check_planted(sweep));
  AIT_TRY(choose_rate(sweep));
  AIT_TRY(ait_allocate(sweep->count, sizeof *sweep->runs, &sweep->runs));
  for (int64_t i = 0; i < sweep->count; i++) {
    AIT_TRY(ait_sweep_of_run(sweep, i,
                             ait_run_begin(sweep->context, &sweep->run_settings[i], &sweep->data[i], &sweep->runs[i])));
  }
  return AIT_OK;
}

/* Those that have not begun are zeros, which end as well. */
static void end(ait_sweep *sweep) {
  for (int64_t i = 0; sweep->runs != NULL && i < sweep->count; i++) {
    ait_run_end(&sweep->runs[i]);
  }
  free(sweep->runs);
}

/* ---- the runs ---------------------------------------------------------------------------------- */

static int32_t has_diverged(const ait_run *run) {
  return run->failure[0] != '\0';
}

static int64_t count_diverged(const ait_sweep *sweep) {
  int64_t count = 0;
  for (int64_t i = 0; i < sweep->count; i++) {
    count += has_diverged(&sweep->runs[i]);
  }
  return count;
}

static ait_status iterate(ait_sweep *sweep, const volatile sig_atomic_t *stop) {
  const ait_status status = ait_batch_iterate(sweep->count, sweep->runs, stop, sweep->checkpoint);
  if (status != AIT_DIVERGED || sweep->is_single || count_diverged(sweep) != sweep->count - 1) {
    return status;
  }
  char reason[AIT_SENTENCE];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_sweep_all_diverged(sweep, ait_sweep_first(sweep, 1), reason);
}

static ait_status clean(ait_sweep *sweep, const volatile sig_atomic_t *stop) {
  AIT_TRY(iterate(sweep, stop));
  sweep->seconds = sweep->runs[0].iteration_seconds;
  if (!sweep->is_single && !*stop) {
    ait_progress_note(sweep->settings, "training the classifiers beside every run; Ctrl-C skips those left");
  }
  ait_sweep_quieten(sweep);
  for (int64_t i = 0; i < sweep->count; i++) {
    if (!has_diverged(&sweep->runs[i])) {
      AIT_TRY(ait_sweep_of_run(sweep, i, ait_run_evaluate(&sweep->runs[i], stop)));
    }
  }
  return AIT_OK;
}

static ait_sweep_state state(const ait_sweep *sweep, int64_t i) {
  const ait_run *run = &sweep->runs[i];
  return (ait_sweep_state){.word = has_diverged(run) ? "diverged"
                                   : run->stopped    ? "stopped"
                                                     : "complete",
                           .failure = run->failure,
                           .was_stopped = run->stopped || run->sides.skipped,
                           .iterations = run->iterations};
}

/* ---- reports ----------------------------------------------------------------------------------- */

static ait_status write_files(const ait_sweep *sweep, int64_t i, const ait_folder *folder) {
  return ait_run_write_files(&sweep->runs[i], folder);
}

static void print_run(const ait_sweep *sweep, const char *folder, FILE *out) {
  ait_run_print(sweep->runs, folder, out);
}

static void print_method(const ait_sweep *sweep, FILE *out) {
  ait_run_print_method(&sweep->runs[ait_sweep_first(sweep, 1)], out);
}

const ait_sweep_kind ait_sweep_of_weights = {.begin = begin,
                                             .clean = clean,
                                             .state = state,
                                             .write_files = write_files,
                                             .print_run = print_run,
                                             .print_method = print_method,
                                             .end = end};
