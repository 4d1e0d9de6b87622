/* csv.c - reading tables, row by row. */
#include "data/csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/file.h"

enum { FIRST_CAPACITY = 1024, LARGEST_RECORD = 1 << 24 };

/* ---- records ----------------------------------------------------------------------------------- */

static ait_status append(ait_csv *csv, size_t *length, int c) {
  if (*length == csv->capacity) {
    const size_t capacity = csv->capacity > 0 ? 2 * csv->capacity : FIRST_CAPACITY;
    if (capacity > LARGEST_RECORD) {
      return ait_fail(AIT_BAD_DATA, "%s: the record that begins in line %lld has no end", csv->path,
                      (long long)csv->line);
    }
    char *record = realloc(csv->record, capacity);
    if (record == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for a record of %zu bytes", csv->path, capacity);
    }
    csv->record = record;
    csv->capacity = capacity;
  }
  csv->record[(*length)++] = (char)c;
  return AIT_OK;
}

static int take(ait_csv *csv) {
  const int c = getc_unlocked(csv->stream);
  csv->next_line += c == '\n';
  return c;
}

/* Takes a field behind its opening quote; *after is what follows the closing one. */
static ait_status take_quoted(ait_csv *csv, size_t *length, int *after) {
  for (;;) {
    const int c = take(csv);
    if (c == EOF) {
      return ait_fail(AIT_BAD_DATA, "%s: line %lld: a quote is opened and not closed", csv->path, (long long)csv->line);
    }
    if (c == '"') {
      *after = take(csv);
      if (*after != '"') {
        return AIT_OK;
      }
    }
    AIT_TRY(append(csv, length, c));
  }
}

/* Takes a field whose first character is `first`; *after is the comma, line break or EOF that ends it. */
static ait_status take_field(ait_csv *csv, int first, size_t *length, int *after) {
  *after = first;
  if (first == '"') {
    AIT_TRY(take_quoted(csv, length, after));
  } else {
    while (*after != ',' && *after != '\n' && *after != '\r' && *after != EOF) {
      AIT_TRY(append(csv, length, *after));
      *after = take(csv);
    }
  }
  if (*after == '\r') {
    *after = take(csv);
  }
  if (*after != ',' && *after != '\n' && *after != EOF) {
    return ait_fail(AIT_BAD_DATA, "%s: line %lld: expected a comma or the end of the line behind a field", csv->path,
                    (long long)csv->line);
  }
  return append(csv, length, '\0');
}

/* Takes a record, whose fields stand one after another in csv->record then. No fields: the end of the file. */
static ait_status take_record(ait_csv *csv, int32_t *fields) {
  size_t length = 0, starts[AIT_CSV_MOST_FIELDS];
  *fields = 0;
  csv->line = csv->next_line;
  int c = take(csv);
  if (c != EOF) {
    for (;; c = take(csv)) {
      if (*fields == AIT_CSV_MOST_FIELDS) {
        return ait_fail(AIT_BAD_DATA, "%s: line %lld: more than %d fields", csv->path, (long long)csv->line,
                        AIT_CSV_MOST_FIELDS);
      }
      starts[(*fields)++] = length;
      AIT_TRY(take_field(csv, c, &length, &c));
      if (c != ',') {
        break;
      }
    }
  }
  if (ferror(csv->stream)) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", csv->path, strerror(errno));
  }
  for (int32_t i = 0; i < *fields; i++) {
    csv->field[i] = csv->record + starts[i];
  }
  return AIT_OK;
}

/* ---- tables ------------------------------------------------------------------------------------ */

static ait_status take_names(ait_csv *csv) {
  AIT_TRY(take_record(csv, &csv->columns));
  if (csv->columns == 0) {
    return ait_fail(AIT_BAD_DATA, "%s: is empty; expected a line with the names of its columns", csv->path);
  }
  memcpy(csv->column, csv->field, sizeof csv->column);
  csv->names = csv->record;
  csv->record = NULL;
  csv->capacity = 0;
  return AIT_OK;
}

ait_status ait_csv_open(const char *path, ait_csv *csv) {
  *csv = (ait_csv){.path = path, .next_line = 1};
  AIT_TRY(ait_file_open(path, &csv->stream));
  ait_file_skip_mark(csv->stream);
  const ait_status status = take_names(csv);
  if (status != AIT_OK) {
    ait_csv_close(csv);
  }
  return status;
}

ait_status ait_csv_next(ait_csv *csv, int32_t *more) {
  int32_t fields;
  AIT_TRY(take_record(csv, &fields));
  *more = fields > 0;
  if (fields > 0 && fields != csv->columns) {
    return ait_fail(AIT_BAD_DATA, "%s: line %lld has %d fields; expected %d, as in its first line", csv->path,
                    (long long)csv->line, fields, csv->columns);
  }
  return AIT_OK;
}

void ait_csv_close(ait_csv *csv) {
  if (csv->stream != NULL) {
    fclose(csv->stream);
  }
  free(csv->names);
  free(csv->record);
  *csv = (ait_csv){0};
}

/* ---- cells ------------------------------------------------------------------------------------- */

int32_t ait_csv_column(const ait_csv *csv, const char *name) {
  for (int32_t i = 0; i < csv->columns; i++) {
    if (strcmp(csv->column[i], name) == 0) {
      return i;
    }
  }
  return -1;
}

ait_status ait_csv_expect(const ait_csv *csv, const char *name, int32_t *column) {
  *column = ait_csv_column(csv, name);
  return *column >= 0 ? AIT_OK : ait_fail(AIT_BAD_DATA, "%s: has no column %s", csv->path, name);
}

ait_status ait_csv_number(const ait_csv *csv, int32_t column, double *value) {
  const char *text = csv->field[column];
  char *end;
  *value = text[0] == '\0' ? NAN : strtod(text, &end);
  if (text[0] != '\0' && (end == text || *end != '\0')) {
    return ait_fail(AIT_BAD_DATA, "%s: line %lld, column %s: expected a number, found \"%.40s\"", csv->path,
                    (long long)csv->line, csv->column[column], text);
  }
  return AIT_OK;
}

ait_status ait_csv_whole(const ait_csv *csv, int32_t column, int64_t least, int64_t most, int64_t *value) {
  const char *text = csv->field[column];
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || *value < least || *value > most) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: line %lld, column %s: expected a whole number from %lld to %lld, found \"%.40s\"", csv->path,
                    (long long)csv->line, csv->column[column], (long long)least, (long long)most, text);
  }
  return AIT_OK;
}
