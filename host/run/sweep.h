/* sweep.h - several hyper-cleaning runs, over seeds and noise rates, as one batch. A single run is a sweep of one.
 *
 *     ait_sweep_load      the rows of every run
 *     ait_sweep_begin     the runs on a device
 *     ait_sweep_iterate   Algorithm 1 for all at once
 *     ait_sweep_evaluate  scores, figures, the classifiers beside each run
 *     ait_sweep_write     the folder: a run folder a run, sweep.json and sweep.csv; or the one run's
 *     ait_sweep_print     the summary
 *     ait_sweep_end */
#ifndef AIT_RUN_SWEEP_H
#define AIT_RUN_SWEEP_H

#include "run/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a sweep goes through, each value once. Nothing given, the settings' own seed or noise rate is the only one. */
typedef struct ait_sweep_lists {
  uint64_t *seeds; /* owned, as are the rates */
  double *rates;
  int64_t seed_count, rate_count;
} ait_sweep_lists;

void ait_sweep_lists_free(ait_sweep_lists *lists);

enum { AIT_SWEEP_NAME = 100, AIT_SWEEP_MOST_RUNS = 1000 };

typedef struct ait_sweep {
  const ait_clean_settings *settings; /* borrowed: what the runs have in common */
  int32_t is_single;                  /* nonzero: one run, with no list asked for */
  int64_t count, loaded, begun;       /* runs: in all, with rows, on the device */
  ait_clean_settings *run_settings;   /* by run: the rates one after another, the seeds of a rate side by side */
  int64_t seeds;                      /* runs a rate */
  char (*names)[AIT_SWEEP_NAME];      /* folders: "seed-0", "noise-0.1", "noise-0.1-seed-0" */
  ait_clean_data *data;
  ait_run *runs;
} ait_sweep;

/* Looks for lists that clash with settings, which are not yet complete.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the options). */
ait_status ait_sweep_lists_check(const ait_sweep_lists *lists, const ait_clean_settings *settings);

/* Refuses a method whose runs would not come to the same in a batch; the settings are complete.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the options). */
ait_status ait_sweep_method_check(const ait_sweep_lists *lists, const ait_clean_settings *settings);

/* Lists and settings (complete) are borrowed, the lists for this call alone. Whatever is read serves all runs; the rows
 * that a run draws are its own. On failure the sweep still has to be ended.
 * Errors: those of ait_clean_data_load; the sentence begins with the run. */
ait_status ait_sweep_load(const ait_clean_settings *settings, const ait_sweep_lists *lists, ait_sweep *sweep);

/* With --ll-rate auto all runs take the smallest step size that one of them would choose for itself. Errors: those of
 * ait_clean_settings_choose_rate and ait_run_begin; the sentence begins with the run. */
ait_status ait_sweep_begin(ait_context *context, ait_sweep *sweep);

/* As ait_batch_iterate: a run that diverges has no result, the others stand. */
ait_status ait_sweep_iterate(ait_sweep *sweep, const volatile sig_atomic_t *stop);

/* As ait_run_evaluate. */
ait_status ait_sweep_evaluate(ait_sweep *sweep, const volatile sig_atomic_t *stop);

/* Writes all folders as one; on failure nothing is left of it. Errors: those of ait_folder_... */
ait_status ait_sweep_write(const ait_sweep *sweep, ait_folder *folder);

/* Prints the summary of the one run, or a line a run and their means. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_sweep_print(const ait_sweep *sweep, const char *folder, FILE *stream);

/* Nonzero when a signal stopped the iterations, or the training of classifiers beside a run. */
int32_t ait_sweep_was_stopped(const ait_sweep *sweep);

/* AIT_DIVERGED where runs have left the batch: the sentence says how many and why. */
ait_status ait_sweep_verdict(const ait_sweep *sweep, const char *folder);

void ait_sweep_end(ait_sweep *sweep);

/* ---- tables ------------------------------------------------------------------------------------ */

/* The first run that has a result. */
const ait_run *ait_sweep_first(const ait_sweep *sweep);

/* Writes sweep.json and sweep.csv into a folder that has been begun. */
ait_status ait_sweep_write_tables(const ait_sweep *sweep, const ait_folder *folder);

/* Prints a line a run and the means and spreads over the seeds of a rate. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_sweep_print_table(const ait_sweep *sweep, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
