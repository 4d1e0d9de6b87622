/* sweep_transition.c - the runs of a sweep that learn noise models: one after another, as each is a batch of its own.
 */
#include <stdlib.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/progress.h"
#include "run/summary.h"
#include "run/sweep.h"

/* All runs have as many rows. Who did not ask for folds is told what has none. */
static ait_status check_rows(const ait_sweep *sweep) {
  const ait_status status = ait_transition_check_rows(sweep->data);
  if (status == AIT_OK) {
    return AIT_OK;
  }
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_fail(status, "%s; --cleaning weights has no folds", reason);
}

static ait_status begin(ait_sweep *sweep) {
  AIT_TRY(check_rows(sweep));
  if (sweep->settings->memory > 0) {
    ait_progress_note(sweep->settings,
                      "no trajectory is stored: transition cleaning looks at solutions of the LL problems alone");
  }
  return ait_allocate(sweep->count, sizeof *sweep->transitions, &sweep->transitions);
}

/* Those that have not begun are zeros, which end as well. */
static void end(ait_sweep *sweep) {
  for (int64_t i = 0; sweep->transitions != NULL && i < sweep->count; i++) {
    ait_transition_end(&sweep->transitions[i]);
  }
  free(sweep->transitions);
}

/* ---- the runs ---------------------------------------------------------------------------------- */

/* One run up to its scores and figures; what only that work needs is given back. */
static ait_status clean_one(ait_sweep *sweep, int64_t i, ait_transition_series *series,
                            const volatile sig_atomic_t *stop) {
  ait_transition_run *run = &sweep->transitions[i];
  if (*stop) {
    return ait_fail(AIT_STOPPED, "skipped, as a signal asked to stop");
  }
  if (!sweep->is_single) {
    char note[AIT_SWEEP_NAME + 64];
    snprintf(note, sizeof note, "%s, run %lld of %lld", sweep->names[i], (long long)i + 1, (long long)sweep->count);
    ait_progress_note(sweep->settings, note);
  }
  AIT_TRY(ait_transition_begin(sweep->context, &sweep->run_settings[i], &sweep->data[i], run));
  AIT_TRY(ait_transition_clean(run, series, stop));
  AIT_TRY(ait_transition_take_figures(run));
  ait_transition_release(run);
  sweep->seconds += run->seconds;
  return AIT_OK;
}

/* A run that is stopped or diverges leaves its sentence and nothing else. */
static ait_status settle(ait_sweep *sweep, int64_t i, ait_status status) {
  ait_transition_run *run = &sweep->transitions[i];
  if (status != AIT_STOPPED && (status != AIT_DIVERGED || sweep->is_single)) {
    return ait_sweep_of_run(sweep, i, status);
  }
  ait_transition_end(run);
  run->stopped = status == AIT_STOPPED;
  snprintf(run->failure, sizeof run->failure, "%s", ait_last_error());
  return AIT_OK;
}

static ait_sweep_state state(const ait_sweep *sweep, int64_t i) {
  const ait_transition_run *run = &sweep->transitions[i];
  return (ait_sweep_state){.word = run->failure[0] == '\0' ? "complete"
                                   : run->stopped          ? "stopped"
                                                           : "diverged",
                           .failure = run->failure,
                           .was_stopped = run->stopped || run->sides.skipped,
                           .iterations = ait_transition_iterations(run)};
}

/* A sweep that has nothing to show fails. */
static ait_status expect_result(const ait_sweep *sweep) {
  const int64_t last = sweep->count - 1;
  if (state(sweep, ait_sweep_first(sweep, 1)).failure[0] == '\0') {
    return AIT_OK;
  }
  return sweep->transitions[last].stopped
             ? ait_fail(AIT_STOPPED, "stopped by a signal before the rows were ranked; nothing was written")
             : ait_sweep_all_diverged(sweep, last, sweep->transitions[last].failure);
}

static ait_status evaluate(ait_sweep *sweep, const volatile sig_atomic_t *stop) {
  if (!sweep->is_single && !*stop) {
    ait_progress_note(sweep->settings, "training the classifiers beside every run; Ctrl-C skips those left");
  }
  for (int64_t i = 0; i < sweep->count; i++) {
    if (state(sweep, i).failure[0] == '\0') {
      AIT_TRY(ait_sweep_of_run(sweep, i, ait_transition_evaluate(&sweep->transitions[i])));
    }
  }
  return AIT_OK;
}

/* Runs that had diverged before the sweep was cut off stay so. */
static ait_status clean(ait_sweep *sweep, const volatile sig_atomic_t *stop) {
  ait_transition_series series;
  ait_sweep_quieten(sweep);
  AIT_TRY(ait_transition_series_begin(sweep->checkpoint, sweep->count, sweep->transitions, &series));
  for (int64_t i = 0; i < sweep->count; i++) {
    if (sweep->transitions[i].failure[0] == '\0') {
      AIT_TRY(settle(sweep, i, clean_one(sweep, i, &series, stop)));
    }
  }
  AIT_TRY(expect_result(sweep));
  return evaluate(sweep, stop);
}

/* ---- reports ----------------------------------------------------------------------------------- */

static ait_status write_files(const ait_sweep *sweep, int64_t i, const ait_folder *folder) {
  return ait_transition_write_files(&sweep->transitions[i], folder);
}

static void print_run(const ait_sweep *sweep, const char *folder, FILE *out) {
  ait_transition_print(sweep->transitions, folder, out);
}

static void print_method(const ait_sweep *sweep, FILE *out) {
  fprintf(out, "Run     transition cleaning, %s classifier, %d folds, in %.1f s", sweep->settings->model.text,
          AIT_TRANSITION_FOLDS, sweep->seconds);
  ait_summary_device(sweep->context, sweep->settings->math, out);
}

const ait_sweep_kind ait_sweep_of_transitions = {.begin = begin,
                                                 .clean = clean,
                                                 .state = state,
                                                 .write_files = write_files,
                                                 .print_run = print_run,
                                                 .print_method = print_method,
                                                 .end = end};
