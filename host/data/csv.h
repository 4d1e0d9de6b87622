/* csv.h - reading tables (RFC 4180), row by row. */
#ifndef AIT_DATA_CSV_H
#define AIT_DATA_CSV_H

#include <stdio.h>

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIT_CSV_MOST_FIELDS = 32 };

/* A file as RFC 4180 has it; its first record names the columns. A byte order mark before it is passed over. */
typedef struct ait_csv {
  const char *path; /* borrowed */
  FILE *stream;
  int64_t line; /* on which the record at hand begins, from 1 */
  int64_t next_line;
  char *names, *record; /* the fields one after another, each ended by a NUL */
  size_t capacity;
  int32_t columns;
  const char *column[AIT_CSV_MOST_FIELDS]; /* names */
  const char *field[AIT_CSV_MOST_FIELDS];  /* of the record at hand */
} ait_csv;

/* Opens a file and reads the names. On failure nothing has to be closed; path must live as long as the table.
 * Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA, AIT_OUT_OF_MEMORY. */
ait_status ait_csv_open(const char *path, ait_csv *csv);

/* Reads the next record, or sets *more to 0 at the end of the file.
 * Errors: AIT_IO_ERROR, AIT_BAD_DATA (the sentence names the line), AIT_OUT_OF_MEMORY. */
ait_status ait_csv_next(ait_csv *csv, int32_t *more);

/* The place of a column, or -1. */
int32_t ait_csv_column(const ait_csv *csv, const char *name);

/* The same, where there must be one (AIT_BAD_DATA). */
ait_status ait_csv_expect(const ait_csv *csv, const char *name, int32_t *column);

/* A cell as a number, NaN where it is empty; or as a whole number from `least` to `most`.
 * Errors: AIT_BAD_DATA (the sentence names line and column). */
ait_status ait_csv_number(const ait_csv *csv, int32_t column, double *value);
ait_status ait_csv_whole(const ait_csv *csv, int32_t column, int64_t least, int64_t most, int64_t *value);

void ait_csv_close(ait_csv *csv);

#ifdef __cplusplus
}
#endif
#endif
