/* history.c - what a run was at every UL iteration: history.csv and seconds.csv. */
#include "run/history.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "data/file.h"

ait_status ait_history_append(ait_history *history, const ait_history_row *row) {
  if (history->count == history->capacity) {
    int64_t capacity = history->capacity > 0 ? 2 * history->capacity : 64;
    ait_history_row *rows = realloc(history->rows, (size_t)capacity * sizeof *rows);
    if (rows == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld rows of history", (long long)capacity);
    }
    history->rows = rows;
    history->capacity = capacity;
  }
  history->rows[history->count++] = *row;
  return AIT_OK;
}

static void write_cell(FILE *stream, double value) {
  if (isnan(value)) {
    fprintf(stream, ",");
  } else {
    fprintf(stream, ",%.17g", value);
  }
}

ait_status ait_history_write(const ait_history *history, const char *path) {
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "t,F_kbar,F_K,kbar,test_accuracy_y,test_accuracy_z,f1,auroc,held_out_loss\n");
  for (int64_t i = 0; i < history->count; i++) {
    const ait_history_row *row = &history->rows[i];
    fprintf(file.stream, "%lld", (long long)row->t);
    write_cell(file.stream, row->F_kbar);
    write_cell(file.stream, row->F_K);
    fprintf(file.stream, ",%d", row->kbar);
    write_cell(file.stream, row->accuracy_y);
    write_cell(file.stream, row->accuracy_z);
    write_cell(file.stream, row->f1);
    write_cell(file.stream, row->auroc);
    write_cell(file.stream, row->held_out_loss);
    fprintf(file.stream, "\n");
  }
  return ait_file_commit(&file);
}

ait_status ait_history_write_seconds(const ait_history *history, const char *path) {
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "t,seconds,figure_seconds\n");
  for (int64_t i = 0; i < history->count; i++) {
    const ait_history_row *row = &history->rows[i];
    fprintf(file.stream, "%lld,%.6f,%.6f\n", (long long)row->t, row->seconds, row->figure_seconds);
  }
  return ait_file_commit(&file);
}

void ait_history_clear(ait_history *history) {
  free(history->rows);
  *history = (ait_history){0};
}
