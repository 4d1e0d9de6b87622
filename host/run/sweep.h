/* sweep.h - several hyper-cleaning runs, over seeds and noise rates. A single run is a sweep of one.
 *
 *     ait_sweep_load   the rows of every run
 *     ait_sweep_begin  what the runs need on a device
 *     ait_sweep_clean  the runs: of weights as one batch, of noise models one after another
 *     ait_sweep_write  the folder: a run folder a run, sweep.json and sweep.csv; or the one run's
 *     ait_sweep_print  the summary
 *     ait_sweep_end */
#ifndef AIT_RUN_SWEEP_H
#define AIT_RUN_SWEEP_H

#include "run/checkpoint.h"
#include "run/run.h"
#include "run/transition.h"

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

typedef struct ait_sweep_kind ait_sweep_kind;

typedef struct ait_sweep {
  const ait_clean_settings *settings; /* borrowed: what the runs have in common */
  const ait_sweep_kind *kind;         /* of cleaning */
  ait_context *context;               /* borrowed, from ait_sweep_begin on */
  int32_t is_single;                  /* nonzero: one run, with no list asked for */
  int64_t count, loaded;              /* runs: in all, with rows */
  ait_clean_settings *run_settings;   /* by run: the rates one after another, the seeds of a rate side by side */
  int64_t seeds;                      /* runs a rate */
  char (*names)[AIT_SWEEP_NAME];      /* folders: "seed-0", "noise-0.1", "noise-0.1-seed-0" */
  ait_clean_data *data;
  ait_run *runs;                   /* of weights, or NULL */
  ait_transition_run *transitions; /* of noise models, or NULL */
  double seconds;                  /* of the cleaning of all runs */
  ait_checkpoint *checkpoint;      /* borrowed; NULL: none */
} ait_sweep;

/* Looks for lists that clash with settings, which are not yet complete.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the options). */
ait_status ait_sweep_lists_check(const ait_sweep_lists *lists, const ait_clean_settings *settings);

/* Refuses a method whose runs would not come to the same in a batch, and early stopping; the settings are complete.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the options). */
ait_status ait_sweep_method_check(const ait_sweep_lists *lists, const ait_clean_settings *settings);

/* Lists and settings (complete) are borrowed, the lists for this call alone. Whatever is read serves all runs; the rows
 * that a run draws are its own. On failure the sweep still has to be ended.
 * Errors: those of ait_clean_data_load; the sentence begins with the run. */
ait_status ait_sweep_load(const ait_clean_settings *settings, const ait_sweep_lists *lists, ait_sweep *sweep);

/* To be called where what a stopped run has written in `target` is to give way: fails where somebody has added a column
 * to a suspects.csv, such as labels. Errors: AIT_IO_ERROR. */
ait_status ait_sweep_check_suspects(const ait_sweep *sweep, const char *target);

/* With --ll-rate auto all runs take the smallest step size that one of them would choose for itself. Errors: those of
 * ait_clean_settings_choose_rate and ait_run_begin; the sentence begins with the run. */
ait_status ait_sweep_begin(ait_context *context, ait_sweep *sweep);

/* Cleans, and trains what stands beside each run. A run that diverges, or that `stop` leaves without a result, has a
 * sentence in its place and the others stand. Errors: AIT_DIVERGED, AIT_STOPPED (no run has a result), and whatever the
 * library returns. */
ait_status ait_sweep_clean(ait_sweep *sweep, const volatile sig_atomic_t *stop);

/* Writes all folders as one, with the checkpoint where a run was stopped; on failure nothing is left of it. Errors:
 * those of ait_folder_... */
ait_status ait_sweep_write(const ait_sweep *sweep, ait_folder *folder);

/* Prints the summary of the one run, or a line a run and their means. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_sweep_print(const ait_sweep *sweep, const char *folder, FILE *stream);

/* Nonzero when a signal stopped a run, or the training of classifiers beside it. */
int32_t ait_sweep_was_stopped(const ait_sweep *sweep);

/* AIT_DIVERGED where runs have left the batch: the sentence says how many and why. */
ait_status ait_sweep_verdict(const ait_sweep *sweep, const char *folder);

void ait_sweep_end(ait_sweep *sweep);

/* ---- kinds of cleaning ------------------------------------------------------------------------- */

/* How a run went. */
typedef struct ait_sweep_state {
  const char *word;    /* "complete", "stopped" or "diverged" */
  const char *failure; /* why the run has no result; else empty */
  int32_t was_stopped; /* nonzero: a signal stopped it, or the training of classifiers beside it */
  int64_t iterations;  /* UL iterations made */
} ait_sweep_state;

/* What a kind of cleaning does in a sweep. Failures of a run are named with ait_sweep_of_run. */
struct ait_sweep_kind {
  ait_status (*begin)(ait_sweep *sweep);
  ait_status (*clean)(ait_sweep *sweep, const volatile sig_atomic_t *stop);
  ait_sweep_state (*state)(const ait_sweep *sweep, int64_t i);
  ait_status (*write_files)(const ait_sweep *sweep, int64_t i, const ait_folder *folder);
  void (*print_run)(const ait_sweep *sweep, const char *folder, FILE *stream); /* the summary of a single run */
  void (*print_method)(const ait_sweep *sweep, FILE *stream);                  /* what all runs have in common */
  void (*end)(ait_sweep *sweep);
};

extern const ait_sweep_kind ait_sweep_of_weights, ait_sweep_of_transitions;

/* The failure of one run, which is named where there are others; memory is short for all of them. */
ait_status ait_sweep_of_run(const ait_sweep *sweep, int64_t i, ait_status status);

/* Runs beside each other say nothing of their own. */
void ait_sweep_quieten(ait_sweep *sweep);

/* AIT_DIVERGED: none is left, run i for this reason. */
ait_status ait_sweep_all_diverged(const ait_sweep *sweep, int64_t i, const char *reason);

/* The index of the first run that has a result, or that has none; of the last run where there is no such run. */
int64_t ait_sweep_first(const ait_sweep *sweep, int32_t with_result);

/* ---- tables ------------------------------------------------------------------------------------ */

enum { AIT_SWEEP_MOST_FIGURES = 32 };

/* A figure of a run, in the order of the tables. */
typedef struct ait_sweep_figure {
  const char *name, *head;  /* in files; in the printed table, or NULL: not there */
  double unit;              /* that it is printed in */
  int32_t digits, cleaning; /* after the point; the ait_cleaning that has it, or -1: all */
} ait_sweep_figure;

/* Ends with a name of NULL. The first figure that a kind of cleaning has is one that every result has. */
extern const ait_sweep_figure ait_sweep_figures[];

/* The figures of run i, NaN where there is none, as the list has them. */
void ait_sweep_take_figures(const ait_sweep *sweep, int64_t i, double values[AIT_SWEEP_MOST_FIGURES]);

/* What the heads mean. */
void ait_sweep_print_legend(const ait_sweep *sweep, FILE *stream);

/* Nonzero where a run has labels that were redrawn. */
int32_t ait_sweep_has_noise(const ait_sweep *sweep);

/* Writes sweep.json and sweep.csv into a folder that has been begun. */
ait_status ait_sweep_write_tables(const ait_sweep *sweep, const ait_folder *folder);

/* Prints a line a run and the means and spreads over the seeds of a rate. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_sweep_print_table(const ait_sweep *sweep, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
