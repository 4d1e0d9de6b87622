/* reviewed.c - training rows whose labels a person has checked. */
#include "run/reviewed.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/csv.h"
#include "run/allocate.h"

enum { LEAST_LEFT = 2 };

/* What is needed while the file is read. */
typedef struct review {
  ait_clean_data *data;
  ait_csv csv;
  int32_t row, id, label; /* columns; row or id may be -1 */
  char ***by_id;          /* the ids' places in data->ids, sorted by id; NULL where rows have numbers */
  int32_t *labels;        /* N: of reviewed rows, else -1 */
  int64_t count;
} review;

/* ---- the file ---------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b) {
  return strcmp(**(char **const *)a, **(char **const *)b);
}

static ait_status sort_ids(review *r) {
  const ait_clean_data *d = r->data;
  AIT_TRY(ait_allocate(d->id_count, sizeof *r->by_id, &r->by_id));
  for (int64_t i = 0; i < d->id_count; i++) {
    r->by_id[i] = &d->ids[i];
  }
  qsort(r->by_id, (size_t)d->id_count, sizeof *r->by_id, compare_ids);
  return AIT_OK;
}

static ait_status find_columns(review *r) {
  AIT_TRY(ait_csv_expect(&r->csv, "label", &r->label));
  r->row = ait_csv_column(&r->csv, "row");
  r->id = ait_csv_column(&r->csv, "id");
  if (r->row < 0 && r->id < 0) {
    return ait_fail(AIT_BAD_DATA, "%s: expected a column row, or id, beside label", r->csv.path);
  }
  if (r->row < 0 && r->data->ids == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--reviewed %s names rows by id; that takes --ids", r->csv.path);
  }
  return r->row < 0 ? sort_ids(r) : AIT_OK;
}

static ait_status find_id(const review *r, int64_t *row) {
  char *id = (char *)r->csv.field[r->id], **key = &id;
  const int64_t ids = r->data->id_count;
  char ***found = bsearch(&key, r->by_id, (size_t)ids, sizeof *r->by_id, compare_ids);
  if (found == NULL) {
    return ait_fail(AIT_BAD_DATA, "%s: line %lld: no row has the id %s", r->csv.path, (long long)r->csv.line, id);
  }
  const int64_t place = found - r->by_id;
  if ((place > 0 && strcmp(*r->by_id[place - 1], id) == 0) ||
      (place + 1 < ids && strcmp(*r->by_id[place + 1], id) == 0)) {
    return ait_fail(AIT_BAD_DATA, "%s: line %lld: several rows have the id %s; a column row would name one of them",
                    r->csv.path, (long long)r->csv.line, id);
  }
  *row = *found - r->data->ids;
  return AIT_OK;
}

/* A row by its number. An id beside it has to be that row's, or one of the two is of another file. */
static ait_status find_row(const review *r, int64_t *row) {
  AIT_TRY(ait_csv_whole(&r->csv, r->row, 0, r->data->train_rows - 1, row));
  if (r->id < 0 || r->data->ids == NULL || strcmp(r->data->ids[*row], r->csv.field[r->id]) == 0) {
    return AIT_OK;
  }
  return ait_fail(AIT_BAD_DATA, "%s: line %lld: row %lld has the id %.80s, not %.80s", r->csv.path,
                  (long long)r->csv.line, (long long)*row, r->data->ids[*row], r->csv.field[r->id]);
}

static ait_status take_record(review *r) {
  int64_t row, label;
  if (r->csv.field[r->label][0] == '\0') {
    return AIT_OK; /* not yet looked at */
  }
  AIT_TRY(ait_csv_whole(&r->csv, r->label, 0, r->data->classes - 1, &label));
  AIT_TRY(r->row >= 0 ? find_row(r, &row) : find_id(r, &row));
  if (r->labels[row] >= 0) {
    return ait_fail(AIT_BAD_DATA, "%s: line %lld: row %lld stands there twice", r->csv.path, (long long)r->csv.line,
                    (long long)row);
  }
  r->labels[row] = (int32_t)label;
  r->count++;
  return AIT_OK;
}

static ait_status read_records(review *r) {
  AIT_TRY(find_columns(r));
  for (int32_t more = 1;;) {
    AIT_TRY(ait_csv_next(&r->csv, &more));
    if (!more) {
      break;
    }
    AIT_TRY(take_record(r));
  }
  if (r->count == 0) {
    return ait_fail(AIT_BAD_DATA, "%s: no row has a label", r->csv.path);
  }
  return r->data->train_rows - r->count >= LEAST_LEFT
             ? AIT_OK
             : ait_fail(AIT_BAD_DATA, "%s: with %lld rows reviewed, fewer than %d of %lld are left to clean",
                        r->csv.path, (long long)r->count, LEAST_LEFT, (long long)r->data->train_rows);
}

static ait_status read_file(const char *path, review *r) {
  AIT_TRY(ait_allocate(r->data->train_rows, sizeof *r->labels, &r->labels));
  for (int64_t i = 0; i < r->data->train_rows; i++) {
    r->labels[i] = -1;
  }
  AIT_TRY(ait_csv_open(path, &r->csv));
  const ait_status status = read_records(r);
  ait_csv_close(&r->csv);
  return status;
}

/* ---- the rows ---------------------------------------------------------------------------------- */

/* rows (N): those that stay, in order, and then the reviewed ones. */
static void part_rows(const review *r, int64_t *rows) {
  int64_t stays = 0, goes = r->data->train_rows - r->count;
  for (int64_t i = 0; i < r->data->train_rows; i++) {
    rows[r->labels[i] < 0 ? stays++ : goes++] = i;
  }
}

/* Puts the reviewed rows, their labels and numbers before the validation rows. */
static ait_status extend_validation(const review *r, const int64_t *rows) {
  ait_clean_data *d = r->data;
  const int64_t all = r->count + d->validation_rows;
  ait_matrix *reviewed;
  AIT_TRY(ait_matrix_gather(d->train, r->count, rows, &reviewed));
  const ait_status status = ait_stack_rows(reviewed, r->count, NULL, d->validation, &d->with_reviewed);
  ait_matrix_destroy(reviewed);
  AIT_TRY(status);
  d->validation = d->with_reviewed.matrix;
  int32_t *labels = NULL;
  int64_t *numbers = NULL;
  AIT_TRY(ait_allocate(all, sizeof *labels, &labels));
  memcpy(labels + r->count, d->validation_labels, (size_t)d->validation_rows * sizeof *labels);
  free(d->validation_labels);
  d->validation_labels = labels;
  AIT_TRY(ait_allocate(all, sizeof *numbers, &numbers));
  memcpy(numbers + r->count, d->validation_source_rows, (size_t)d->validation_rows * sizeof *numbers);
  free(d->validation_source_rows);
  d->validation_source_rows = numbers;
  for (int64_t k = 0; k < r->count; k++) {
    labels[k] = r->labels[rows[k]];
    numbers[k] = rows[k];
  }
  d->reviewed_rows = r->count;
  d->validation_rows = all;
  return AIT_OK;
}

/* Leaves the training rows that stay; `rows` are their numbers, in order. */
static ait_status shorten_training(const review *r, const int64_t *rows) {
  ait_clean_data *d = r->data;
  const int64_t left = d->train_rows - r->count;
  ait_matrix *kept;
  AIT_TRY(ait_matrix_gather(d->train, left, rows, &kept));
  d->owned[0] = kept;
  d->train = kept;
  for (int64_t i = 0; i < left; i++) {
    d->given[i] = d->given[rows[i]];
    d->source_rows[i] = rows[i];
  }
  d->train_rows = left;
  return AIT_OK;
}

static ait_status move_rows(const review *r) {
  int64_t *rows;
  const int64_t left = r->data->train_rows - r->count;
  AIT_TRY(ait_allocate(r->data->train_rows, sizeof *rows, &rows));
  part_rows(r, rows);
  ait_status status = extend_validation(r, rows + left);
  if (status == AIT_OK) {
    status = shorten_training(r, rows);
  }
  free(rows);
  return status;
}

ait_status ait_reviewed_apply(const ait_clean_settings *settings, ait_clean_data *data) {
  review r = {.data = data};
  ait_status status = read_file(settings->reviewed, &r);
  if (status == AIT_OK) {
    status = move_rows(&r);
  }
  free(r.by_id);
  free(r.labels);
  return status;
}
