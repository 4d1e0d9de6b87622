/* progress.h - how far a run is: a bar on a terminal, about ten plain lines elsewhere. */
#ifndef AIT_RUN_PROGRESS_H
#define AIT_RUN_PROGRESS_H

#include "run/history.h"
#include "run/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_progress {
  int32_t quiet, terminal;
  int64_t runs;         /* whose means are shown */
  int64_t total;        /* UL iterations in all */
  int64_t lines;        /* plain lines printed */
  double drawn_seconds; /* of the run, when the bar was drawn last */
  double accuracy, f1;  /* the last that were taken, or NaN */
  int32_t drawn;        /* nonzero: a bar stands on the terminal */
} ait_progress;

/* Everything goes to stderr, and nothing does with `quiet`. */
void ait_progress_begin(ait_progress *progress, int32_t quiet, int64_t runs, int64_t total);

/* To be called after each UL iteration with its row; of several runs with their means. */
void ait_progress_update(ait_progress *progress, const ait_history_row *row);

/* Ends the bar's line. */
void ait_progress_end(ait_progress *progress);

/* One line, for what takes time beside the iterations; with --json an object on standard output too, which --quiet
 * leaves. */
void ait_progress_note(const ait_clean_settings *settings, const char *text);

#ifdef __cplusplus
}
#endif
#endif
