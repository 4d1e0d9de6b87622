/* sweep.c - several hyper-cleaning runs, over seeds and noise rates: their lists, rows, folder and summary. */
#include "run/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/document.h"

/* ---- lists ------------------------------------------------------------------------------------- */

void ait_sweep_lists_free(ait_sweep_lists *lists) {
  free(lists->seeds);
  free(lists->rates);
  *lists = (ait_sweep_lists){0};
}

ait_status ait_sweep_method_check(const ait_sweep_lists *lists, const ait_clean_settings *s) {
  const char *list = lists->seed_count > 0 ? "--seeds" : "--noise-rates";
  const int32_t differences = s->method.hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES;
  if (lists->seed_count == 0 && lists->rate_count == 0) {
    return AIT_OK;
  }
  if (s->hold_out > 0) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "%s makes a batch of runs that iterate together, but --hold-out ends each at an iteration of its "
                    "own: give a single seed and noise rate",
                    list);
  }
  return !differences
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT,
                        "%s makes a batch of runs, but the finite differences of --method %s take one step for a whole "
                        "batch: give a single seed and noise rate",
                        list, s->method_name);
}

ait_status ait_sweep_lists_check(const ait_sweep_lists *lists, const ait_clean_settings *s) {
  if (lists->rate_count > 0 && s->noise != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--noise and --noise-rates cannot be given together");
  }
  if (lists->rate_count > 0 && lists->seed_count > AIT_SWEEP_MOST_RUNS / lists->rate_count) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%lld --seeds for each of %lld --noise-rates: expected at most %d runs",
                    (long long)lists->seed_count, (long long)lists->rate_count, AIT_SWEEP_MOST_RUNS);
  }
  return AIT_OK;
}

/* The shortest text that reads as this number. */
static void format_number(double value, char text[32]) {
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(text, 32, "%.*g", digits, value);
    if (strtod(text, NULL) == value) {
      return;
    }
  }
}

static void name_run(const ait_sweep_lists *lists, const ait_clean_settings *s, char name[AIT_SWEEP_NAME]) {
  char number[32], rate[48] = "", seed[48] = "";
  if (lists->rate_count > 0) {
    format_number(s->noise, number);
    snprintf(rate, sizeof rate, "noise-%s", number);
  }
  if (lists->seed_count > 0) {
    snprintf(seed, sizeof seed, "seed-%llu", (unsigned long long)s->seed);
  }
  snprintf(name, AIT_SWEEP_NAME, "%s%s%s", rate, rate[0] != '\0' && seed[0] != '\0' ? "-" : "", seed);
}

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status allocate(ait_sweep *sweep) {
  AIT_TRY(ait_allocate(sweep->count, sizeof *sweep->run_settings, &sweep->run_settings));
  AIT_TRY(ait_allocate(sweep->count, sizeof *sweep->names, &sweep->names));
  return ait_allocate(sweep->count, sizeof *sweep->data, &sweep->data);
}

ait_status ait_sweep_of_run(const ait_sweep *sweep, int64_t i, ait_status status) {
  if (status == AIT_OK || status == AIT_OUT_OF_MEMORY || sweep->is_single) {
    return status;
  }
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_fail(status, "%s: %s", sweep->names[i], reason);
}

/* Says what helps where the runs do not fit into memory at once. */
static ait_status of_all(const ait_sweep *sweep, ait_status status) {
  if (status != AIT_OUT_OF_MEMORY || sweep->is_single) {
    return status;
  }
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_fail(status, "%lld runs at once do not fit into memory, fewer seeds or noise rates would: %s",
                  (long long)sweep->count, reason);
}

/* The failure of the first run's rows: that of all runs where the second one fails in the same words. */
static ait_status of_first_rows(const ait_sweep *sweep, ait_status status) {
  if (status == AIT_OK || status == AIT_OUT_OF_MEMORY || sweep->count == 1) {
    return ait_sweep_of_run(sweep, 0, status);
  }
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  ait_clean_data second;
  const ait_status other = ait_clean_data_load(&sweep->run_settings[1], &second);
  if (other == AIT_OK) {
    ait_clean_data_free(&second);
  }
  const int32_t same = other == status && strcmp(ait_last_error(), reason) == 0;
  return same ? ait_fail(status, "all %lld runs: %s", (long long)sweep->count, reason)
              : ait_fail(status, "%s: %s", sweep->names[0], reason);
}

static ait_status load_rows(ait_sweep *sweep) {
  AIT_TRY(of_first_rows(sweep, ait_clean_data_load(sweep->run_settings, sweep->data)));
  for (sweep->loaded = 1; sweep->loaded < sweep->count; sweep->loaded++) {
    const int64_t i = sweep->loaded;
    AIT_TRY(
        ait_sweep_of_run(sweep, i, ait_clean_data_load_beside(&sweep->run_settings[i], sweep->data, &sweep->data[i])));
  }
  return AIT_OK;
}

ait_status ait_sweep_load(const ait_clean_settings *settings, const ait_sweep_lists *lists, ait_sweep *sweep) {
  *sweep = (ait_sweep){
      .settings = settings,
      .kind = settings->cleaning == AIT_CLEANING_TRANSITION ? &ait_sweep_of_transitions : &ait_sweep_of_weights,
      .is_single = lists->seed_count == 0 && lists->rate_count == 0};
  sweep->seeds = lists->seed_count > 0 ? lists->seed_count : 1;
  sweep->count = sweep->seeds * (lists->rate_count > 0 ? lists->rate_count : 1);
  AIT_TRY(allocate(sweep));
  for (int64_t i = 0; i < sweep->count; i++) {
    ait_clean_settings *s = &sweep->run_settings[i];
    *s = *settings;
    s->seed = lists->seed_count > 0 ? lists->seeds[i % sweep->seeds] : s->seed;
    s->noise = lists->rate_count > 0 ? lists->rates[i / sweep->seeds] : s->noise;
    name_run(lists, s, sweep->names[i]);
  }
  return of_all(sweep, load_rows(sweep));
}

ait_status ait_sweep_check_suspects(const ait_sweep *sweep, const char *target) {
  for (int64_t i = 0; i < sweep->count; i++) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s%s%s", PATH_MAX - 2 * AIT_SWEEP_NAME, target, sweep->is_single ? "" : "/",
             sweep->names[i]);
    AIT_TRY(ait_document_check_suspects(folder, &sweep->data[i]));
  }
  return AIT_OK;
}

ait_status ait_sweep_begin(ait_context *context, ait_sweep *sweep) {
  sweep->context = context;
  return of_all(sweep, sweep->kind->begin(sweep));
}

void ait_sweep_end(ait_sweep *sweep) {
  if (sweep->kind != NULL) {
    sweep->kind->end(sweep);
  }
  for (int64_t i = sweep->loaded - 1; i >= 0; i--) { /* the others borrow from the first */
    ait_clean_data_free(&sweep->data[i]);
  }
  free(sweep->run_settings);
  free(sweep->names);
  free(sweep->data);
  *sweep = (ait_sweep){0};
}

/* ---- the runs ---------------------------------------------------------------------------------- */

ait_status ait_sweep_clean(ait_sweep *sweep, const volatile sig_atomic_t *stop) {
  AIT_TRY(of_all(sweep, sweep->kind->clean(sweep, stop)));
  if (sweep->checkpoint != NULL && ait_sweep_was_stopped(sweep)) {
    ait_checkpoint_save_held(sweep->checkpoint);
  }
  return AIT_OK;
}

void ait_sweep_quieten(ait_sweep *sweep) {
  for (int64_t i = 0; i < sweep->count; i++) {
    sweep->run_settings[i].quiet = sweep->settings->quiet || !sweep->is_single;
  }
}

ait_status ait_sweep_all_diverged(const ait_sweep *sweep, int64_t i, const char *reason) {
  return ait_fail(AIT_DIVERGED, "all %lld runs diverged; %s: %s", (long long)sweep->count, sweep->names[i], reason);
}

static int32_t has_result(const ait_sweep *sweep, int64_t i) {
  return sweep->kind->state(sweep, i).failure[0] == '\0';
}

int64_t ait_sweep_first(const ait_sweep *sweep, int32_t with_result) {
  int64_t i = 0;
  while (i + 1 < sweep->count && has_result(sweep, i) != with_result) {
    i++;
  }
  return i;
}

int32_t ait_sweep_was_stopped(const ait_sweep *sweep) {
  int32_t stopped = 0;
  for (int64_t i = 0; i < sweep->count; i++) {
    stopped = stopped || sweep->kind->state(sweep, i).was_stopped;
  }
  return stopped;
}

static int32_t has_diverged(const ait_sweep *sweep, int64_t i) {
  return !has_result(sweep, i) && !sweep->kind->state(sweep, i).was_stopped;
}

ait_status ait_sweep_verdict(const ait_sweep *sweep, const char *folder) {
  int64_t diverged = 0, first = -1;
  for (int64_t i = 0; i < sweep->count; i++) {
    diverged += has_diverged(sweep, i);
    first = first < 0 && has_diverged(sweep, i) ? i : first;
  }
  if (diverged == 0) {
    return AIT_OK;
  }
  return ait_fail(AIT_DIVERGED, "%lld of %lld runs diverged and have no folder in %s; %s: %s", (long long)diverged,
                  (long long)sweep->count, folder, sweep->names[first], sweep->kind->state(sweep, first).failure);
}

/* ---- the folder -------------------------------------------------------------------------------- */

static ait_status write_inner(const ait_sweep *sweep, int64_t i, const ait_folder *folder) {
  ait_folder inner;
  AIT_TRY(ait_folder_begin_inner(folder, sweep->names[i], &inner));
  ait_status status = sweep->kind->write_files(sweep, i, &inner);
  if (status == AIT_OK) {
    status = ait_folder_commit(&inner);
  }
  if (status != AIT_OK) {
    ait_folder_abandon(&inner);
  }
  return status;
}

/* The tables first: they list the runs, so that an abandoned folder knows what it holds. */
static ait_status write_all(const ait_sweep *sweep, const ait_folder *folder) {
  AIT_TRY(ait_sweep_write_tables(sweep, folder));
  for (int64_t i = 0; i < sweep->count; i++) {
    if (has_result(sweep, i)) {
      AIT_TRY(write_inner(sweep, i, folder));
    }
  }
  return AIT_OK;
}

/* A run that was stopped can still go on. */
static ait_status keep_checkpoint(const ait_sweep *sweep, const ait_folder *folder) {
  if (sweep->checkpoint == NULL || !ait_checkpoint_look(sweep->checkpoint) || !ait_sweep_was_stopped(sweep)) {
    return AIT_OK;
  }
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, AIT_CHECKPOINT_NAME, path));
  return ait_checkpoint_copy(sweep->checkpoint, path);
}

ait_status ait_sweep_write(const ait_sweep *sweep, ait_folder *folder) {
  AIT_TRY(ait_folder_begin(folder));
  ait_status status = sweep->is_single ? sweep->kind->write_files(sweep, 0, folder) : write_all(sweep, folder);
  if (status == AIT_OK) {
    status = keep_checkpoint(sweep, folder);
  }
  return ait_folder_finish(folder, status);
}

/* ---- the summary ------------------------------------------------------------------------------- */

int32_t ait_sweep_has_noise(const ait_sweep *sweep) {
  int32_t found = 0;
  for (int64_t i = 0; i < sweep->count; i++) {
    found = found || sweep->data[i].truth != NULL;
  }
  return found;
}

static void print_data(const ait_sweep *sweep, FILE *out) {
  const ait_clean_settings *s = sweep->settings;
  const ait_clean_data *d = sweep->data;
  fprintf(out, "\nData    %s: %lld training rows", s->dataset != NULL ? s->dataset : s->images,
          (long long)d->train_rows);
  if (ait_sweep_has_noise(sweep)) {
    fprintf(out, " (%s noise)", ait_noise_model_name((ait_noise_model)s->noise_model));
  }
  fprintf(out, ", %lld clean validation rows", (long long)d->validation_rows);
  if (d->test != NULL) {
    fprintf(out, ", %lld test rows", (long long)d->test_rows);
  }
  fprintf(out, ",\n        %lld features, %d classes\n", (long long)d->features, d->classes);
}

ait_status ait_sweep_print(const ait_sweep *sweep, const char *folder, FILE *out) {
  if (sweep->is_single) {
    sweep->kind->print_run(sweep, folder, out);
    return AIT_OK;
  }
  print_data(sweep, out);
  sweep->kind->print_method(sweep, out);
  AIT_TRY(ait_sweep_print_table(sweep, out));
  fprintf(out, "\nFiles in %s: sweep.json and sweep.csv (this table with all figures), a folder a run\n", folder);
  return AIT_OK;
}
