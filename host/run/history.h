/* history.h - what a run was at every UL iteration: history.csv, which the same run fills with the same bytes wherever
 * it is repeated, and seconds.csv, which it does not. */
#ifndef AIT_RUN_HISTORY_H
#define AIT_RUN_HISTORY_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One UL iteration; a figure that was not taken is NaN and gives an empty cell. */
typedef struct ait_history_row {
  int64_t t;             /* UL iterations made so far, from 1 */
  double seconds;        /* of iterations so far, figures included; in seconds.csv */
  double figure_seconds; /* of them, spent on figures */
  double F_kbar, F_K;
  int32_t kbar;
  double accuracy_y, accuracy_z; /* on the test rows, 0 .. 1: at y_K of this iteration, at z after it */
  double f1, auroc;              /* of the default score */
  double held_out_loss;          /* of y_K of this iteration on the validation rows held out of F */
} ait_history_row;

typedef struct ait_history {
  ait_history_row *rows;
  int64_t count, capacity;
} ait_history;

/* Appends a copy of the row; a zeroed history is empty. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_history_append(ait_history *history, const ait_history_row *row);

/* Writes the rows as a CSV file with 17 significant digits. Errors: those of ait_file_commit. */
ait_status ait_history_write(const ait_history *history, const char *path);

/* Writes t, seconds and figure_seconds of every row as a CSV file. Errors: those of ait_file_commit. */
ait_status ait_history_write_seconds(const ait_history *history, const char *path);

/* Frees the rows; the history is empty afterwards. */
void ait_history_clear(ait_history *history);

#ifdef __cplusplus
}
#endif
#endif
