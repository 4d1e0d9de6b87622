/* data.c - the rows of a hyper-cleaning run: loaded, split, corrupted and checked. */
#include "run/data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/file.h"
#include "run/reviewed.h"
#include "run/utf8.h"

enum { TRAIN, VALIDATION, TEST };

/* ---- parts ------------------------------------------------------------------------------------- */

static ait_status copy_labels(const ait_dataset *source, int64_t count, const int64_t *rows, int32_t **labels) {
  int32_t *copy = malloc((size_t)count * sizeof *copy);
  if (copy == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld labels", (long long)count);
  }
  const int32_t *from = ait_dataset_labels(source);
  for (int64_t i = 0; i < count; i++) {
    copy[i] = from[rows != NULL ? rows[i] : i];
  }
  *labels = copy;
  return AIT_OK;
}

/* Takes `count` rows of a source (all of them, in order, where `rows` is NULL). */
static ait_status take_part(const ait_dataset *source, int64_t count, const int64_t *rows, ait_matrix **owned,
                            const ait_matrix **part, int32_t **labels) {
  if (rows != NULL) {
    AIT_TRY(ait_matrix_gather(ait_dataset_images(source), count, rows, owned));
    *part = *owned;
  } else {
    *part = ait_dataset_images(source);
  }
  return copy_labels(source, count, rows, labels);
}

static ait_status allocate_rows(int64_t count, int64_t **rows) {
  *rows = malloc((size_t)count * sizeof **rows);
  return *rows != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld row numbers", (long long)count);
}

/* The numbers of all rows, where none were drawn. */
static ait_status count_rows(int64_t count, int64_t **rows) {
  AIT_TRY(allocate_rows(count, rows));
  for (int64_t i = 0; i < count; i++) {
    (*rows)[i] = i;
  }
  return AIT_OK;
}

/* A random subset of `count` rows, or NULL when that is all of them. */
static ait_status draw_rows(uint64_t seed, int64_t there, int64_t count, const char *option, int64_t **rows) {
  *rows = NULL;
  if (count > there) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %lld: there are %lld rows", option, (long long)count, (long long)there);
  }
  if (count == there) {
    return AIT_OK;
  }
  AIT_TRY(allocate_rows(count, rows));
  return ait_split(seed, there, 1, &count, *rows);
}

static ait_status take_test(const ait_clean_settings *s, int64_t count, ait_clean_data *d) {
  int64_t *rows;
  ait_status status = draw_rows(s->seed, ait_dataset_rows(d->sources[TEST]), count, "--test", &rows);
  if (status == AIT_OK) {
    d->test_rows = count;
    status = take_part(d->sources[TEST], count, rows, &d->owned[TEST], &d->test, &d->test_labels);
  }
  free(rows);
  return status;
}

/* ---- published data sets ----------------------------------------------------------------------- */

/* The authors' script draws its test rows from the published training part too, which is easier than
 * the test part by about one per cent in accuracy. */
static int tests_on_training_part(const ait_clean_settings *s) {
  return s->protocol == AIT_PROTOCOL_PAPER;
}

/* Training and validation rows, and test rows where `test` is above 0, are disjoint parts of the published
 * training part. */
static ait_status split_published(const ait_clean_settings *s, int64_t test, ait_clean_data *d) {
  const ait_dataset *source = d->sources[TRAIN];
  const int64_t sizes[] = {s->train, s->validation, test};
  int64_t there = ait_dataset_rows(source);
  if (s->train > there || s->validation > there - s->train || test > there - s->train - s->validation) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--train %lld and --validation %lld%s: the training part of %s has %lld rows",
                    (long long)s->train, (long long)s->validation, test > 0 ? " and the test rows" : "", s->dataset,
                    (long long)there);
  }
  int64_t *rows;
  AIT_TRY(allocate_rows(s->train + s->validation + test, &rows));
  d->source_rows = rows;
  AIT_TRY(ait_split(s->seed, there, 3, sizes, rows));
  AIT_TRY(take_part(source, s->train, rows, &d->owned[TRAIN], &d->train, &d->given));
  AIT_TRY(
      take_part(source, s->validation, rows + s->train, &d->owned[VALIDATION], &d->validation, &d->validation_labels));
  AIT_TRY(allocate_rows(s->validation, &d->validation_source_rows));
  memcpy(d->validation_source_rows, rows + s->train, (size_t)s->validation * sizeof *rows);
  if (test == 0) {
    return AIT_OK;
  }
  d->test_rows = test;
  return take_part(source, test, rows + s->train + s->validation, &d->owned[TEST], &d->test, &d->test_labels);
}

static ait_status load_published(const ait_clean_settings *s, ait_clean_data *d) {
  if (!d->borrows) {
    AIT_TRY(ait_dataset_load(s->dataset, s->data_dir, AIT_TRAIN_PART, &d->sources[TRAIN]));
  }
  d->train_rows = s->train;
  d->validation_rows = s->validation;
  d->classes = ait_dataset_classes(d->sources[TRAIN]);
  if (tests_on_training_part(s)) {
    return split_published(s, s->test != -1 ? s->test : AIT_DEFAULT_TEST, d);
  }
  AIT_TRY(split_published(s, 0, d));
  if (!d->borrows) {
    AIT_TRY(ait_dataset_load(s->dataset, s->data_dir, AIT_TEST_PART, &d->sources[TEST]));
  }
  int64_t there = ait_dataset_rows(d->sources[TEST]);
  int64_t usual = there < AIT_DEFAULT_TEST ? there : AIT_DEFAULT_TEST;
  return take_test(s, s->test != -1 ? s->test : usual, d);
}

/* ---- files of the user's own ------------------------------------------------------------------- */

static ait_status check_features(const ait_clean_settings *s, const ait_clean_data *d) {
  const char *names[] = {s->images, s->validation_images, s->test_images};
  int64_t expected = ait_matrix_columns(ait_dataset_images(d->sources[TRAIN]));
  for (int part = VALIDATION; part <= TEST; part++) {
    if (d->sources[part] == NULL) {
      continue;
    }
    int64_t columns = ait_matrix_columns(ait_dataset_images(d->sources[part]));
    if (columns != expected) {
      return ait_fail(AIT_BAD_DATA, "%s has %lld features a row, but %s has %lld; they must be equal", names[part],
                      (long long)columns, s->images, (long long)expected);
    }
  }
  return AIT_OK;
}

/* The number of classes is that of the largest label. One that no training row can carry and that is beyond the number
 * of rows is an id, or damage; so many classes would take all memory. */
static ait_status check_validation_labels(const ait_clean_settings *s, const ait_clean_data *d) {
  const ait_dataset *train = d->sources[TRAIN], *validation = d->sources[VALIDATION];
  const int64_t largest = ait_dataset_classes(train) - 1;
  const int64_t rows = ait_dataset_rows(train) + ait_dataset_rows(validation);
  for (int64_t i = 0; i < ait_dataset_rows(validation); i++) {
    const int32_t label = ait_dataset_labels(validation)[i];
    if (label > largest && label >= rows) {
      return ait_fail(AIT_BAD_DATA,
                      "%s: the label of row %lld (counted from 0) is %d; no label of %s is above %lld, and there are "
                      "but %lld rows in all",
                      s->validation_labels, (long long)i, label, s->labels, (long long)largest, (long long)rows);
    }
  }
  return AIT_OK;
}

static ait_status open_own(const ait_clean_settings *s, ait_clean_data *d) {
  if (!d->borrows) {
    AIT_TRY(ait_dataset_open_npy(s->images, s->labels, 0, &d->sources[TRAIN]));
    AIT_TRY(ait_dataset_open_npy(s->validation_images, s->validation_labels, 0, &d->sources[VALIDATION]));
  }
  AIT_TRY(check_validation_labels(s, d));
  int32_t train = ait_dataset_classes(d->sources[TRAIN]), validation = ait_dataset_classes(d->sources[VALIDATION]);
  d->classes = train > validation ? train : validation;
  if (d->classes < 2) {
    return ait_fail(AIT_BAD_DATA, "%s: every label is 0; expected at least two classes", s->labels);
  }
  if (s->test_images != NULL && !d->borrows) {
    AIT_TRY(ait_dataset_open_npy(s->test_images, s->test_labels, d->classes, &d->sources[TEST]));
  }
  return check_features(s, d);
}

/* The row numbers of the training part, written out where all rows are taken. */
static ait_status own_rows(const ait_clean_settings *s, ait_clean_data *d) {
  AIT_TRY(draw_rows(s->seed, ait_dataset_rows(d->sources[TRAIN]), d->train_rows, "--train", &d->source_rows));
  AIT_TRY(take_part(d->sources[TRAIN], d->train_rows, d->source_rows, &d->owned[TRAIN], &d->train, &d->given));
  return d->source_rows == NULL ? count_rows(d->train_rows, &d->source_rows) : AIT_OK;
}

static ait_status own_validation(const ait_clean_settings *s, ait_clean_data *d) {
  int64_t **rows = &d->validation_source_rows;
  AIT_TRY(draw_rows(s->seed, ait_dataset_rows(d->sources[VALIDATION]), d->validation_rows, "--validation", rows));
  AIT_TRY(take_part(d->sources[VALIDATION], d->validation_rows, *rows, &d->owned[VALIDATION], &d->validation,
                    &d->validation_labels));
  return *rows == NULL ? count_rows(d->validation_rows, rows) : AIT_OK;
}

static ait_status load_own(const ait_clean_settings *s, ait_clean_data *d) {
  AIT_TRY(open_own(s, d));
  d->train_rows = s->train != -1 ? s->train : ait_dataset_rows(d->sources[TRAIN]);
  d->validation_rows = s->validation != -1 ? s->validation : ait_dataset_rows(d->sources[VALIDATION]);
  AIT_TRY(own_rows(s, d));
  AIT_TRY(own_validation(s, d));
  if (d->sources[TEST] == NULL) {
    return AIT_OK;
  }
  return take_test(s, s->test != -1 ? s->test : ait_dataset_rows(d->sources[TEST]), d);
}

/* ---- ids --------------------------------------------------------------------------------------- */

static ait_status append_id(const char *line, size_t length, ait_clean_data *d, int64_t *capacity) {
  if (d->id_count == *capacity) {
    int64_t larger = *capacity > 0 ? 2 * *capacity : 1024;
    char **ids = realloc(d->ids, (size_t)larger * sizeof *ids);
    if (ids == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld ids", (long long)larger);
    }
    d->ids = ids;
    *capacity = larger;
  }
  char *id = strndup(line, length);
  if (id == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for id %lld", (long long)d->id_count);
  }
  d->ids[d->id_count++] = id;
  return AIT_OK;
}

/* suspects.csv repeats them, and tables are read as UTF-8. */
static ait_status expect_utf8(const char *line, size_t length, const char *path, int64_t number) {
  for (size_t i = 0; i < length;) {
    const int bytes = ait_utf8_character(line + i);
    if (bytes == 0) {
      return ait_fail(AIT_BAD_DATA, "%s: line %lld is not in UTF-8; expected ids in UTF-8", path, (long long)number);
    }
    i += (size_t)bytes;
  }
  return AIT_OK;
}

static ait_status read_ids(FILE *file, const char *path, ait_clean_data *d) {
  char *line = NULL;
  size_t size = 0;
  int64_t capacity = 0;
  ait_status status = AIT_OK;
  ssize_t length;
  while (status == AIT_OK && (length = getline(&line, &size, file)) != -1) {
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
      length--;
    }
    status = expect_utf8(line, (size_t)length, path, d->id_count + 1);
    if (status == AIT_OK) {
      status = append_id(line, (size_t)length, d, &capacity);
    }
  }
  if (status == AIT_OK && ferror(file)) {
    status = ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  }
  free(line);
  return status;
}

static ait_status load_ids(const ait_clean_settings *s, ait_clean_data *d) {
  FILE *file;
  AIT_TRY(ait_file_open(s->ids, &file));
  ait_file_skip_mark(file);
  ait_status status = read_ids(file, s->ids, d);
  fclose(file);
  AIT_TRY(status);
  int64_t rows = ait_dataset_rows(d->sources[TRAIN]);
  if (d->id_count != rows) {
    return ait_fail(AIT_BAD_DATA, "%s has %lld lines, but %s has %lld rows; expected one id a row", s->ids,
                    (long long)d->id_count, s->images, (long long)rows);
  }
  return AIT_OK;
}

/* ---- truth and checks -------------------------------------------------------------------------- */

static ait_status redraw(const ait_clean_settings *s, ait_clean_data *d) {
  switch ((ait_noise_model)s->noise_model) {
    case AIT_NOISE_ASYMMETRIC:
      return ait_corrupt_labels_asymmetric(s->seed, s->noise, d->classes, ait_dataset_partners(d->sources[TRAIN]),
                                           d->train_rows, d->given, d->redrawn);
    case AIT_NOISE_FEATURE:
      return ait_corrupt_labels_feature(s->seed, s->noise, d->classes, d->train, d->given, d->redrawn);
    default:
      return ait_corrupt_labels(s->seed, (ait_noise_model)s->noise_model, s->noise, d->classes, d->train_rows, d->given,
                                d->redrawn);
  }
}

/* Redraws labels and keeps what they were. */
static ait_status corrupt(const ait_clean_settings *s, ait_clean_data *d) {
  int64_t n = d->train_rows;
  d->truth = malloc((size_t)n * sizeof *d->truth);
  d->redrawn = malloc((size_t)n);
  d->mislabelled = malloc((size_t)n);
  if (d->truth == NULL || d->redrawn == NULL || d->mislabelled == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the true labels of %lld rows", (long long)n);
  }
  memcpy(d->truth, d->given, (size_t)n * sizeof *d->truth);
  AIT_TRY(redraw(s, d));
  for (int64_t i = 0; i < n; i++) {
    d->mislabelled[i] = d->given[i] != d->truth[i];
    d->mislabelled_rows += d->mislabelled[i];
  }
  return AIT_OK;
}

/* Without a clean row of a class its rows would all look wrong. */
static ait_status check_classes(const ait_clean_data *d) {
  uint8_t *seen = calloc((size_t)d->classes, 1);
  if (seen == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %d classes", d->classes);
  }
  for (int64_t i = 0; i < d->validation_rows; i++) {
    seen[d->validation_labels[i]] = 1;
  }
  ait_status status = AIT_OK;
  for (int64_t i = 0; i < d->train_rows && status == AIT_OK; i++) {
    if (!seen[d->given[i]]) {
      char number[16];
      status = ait_fail(AIT_BAD_DATA,
                        "class %s occurs in the training labels but not in the validation labels; every class needs "
                        "a clean validation row",
                        ait_clean_data_class(d, d->given[i], number));
    }
  }
  free(seen);
  return status;
}

static ait_status load(const ait_clean_settings *s, ait_clean_data *d) {
  AIT_TRY(s->dataset != NULL ? load_published(s, d) : load_own(s, d));
  d->features = ait_matrix_columns(d->train);
  if (s->ids != NULL && !d->borrows) {
    AIT_TRY(load_ids(s, d));
  }
  if (s->reviewed != NULL) {
    AIT_TRY(ait_reviewed_apply(s, d));
  }
  if (s->noise > 0) {
    AIT_TRY(corrupt(s, d));
  }
  AIT_TRY(check_classes(d)); /* after the noise, which may bring in any class */
  AIT_TRY(ait_data_check(d, &d->checks));
  return ait_aside_apply(s, d);
}

ait_status ait_clean_data_load(const ait_clean_settings *settings, ait_clean_data *data) {
  static const ait_clean_data nothing;
  return ait_clean_data_load_beside(settings, &nothing, data);
}

ait_status ait_clean_data_load_beside(const ait_clean_settings *settings, const ait_clean_data *first,
                                      ait_clean_data *data) {
  memset(data, 0, sizeof *data);
  memcpy(data->sources, first->sources, sizeof data->sources);
  data->ids = first->ids;
  data->id_count = first->id_count;
  data->borrows = first->sources[TRAIN] != NULL;
  ait_status status = load(settings, data);
  if (status != AIT_OK) {
    ait_clean_data_free(data);
  }
  return status;
}

ait_cleaning_entry ait_clean_data_entry(const ait_clean_data *d) {
  const ait_aside *a = &d->aside;
  return (ait_cleaning_entry){.train = a->planted > 0 ? a->learned.matrix : d->train,
                              .train_labels = d->given,
                              .validation = a->upper != NULL ? a->upper : d->validation,
                              .validation_labels = a->upper != NULL ? a->upper_labels : d->validation_labels};
}

int64_t ait_clean_data_learned(const ait_clean_data *d) {
  return d->train_rows + d->aside.planted;
}

const char *ait_clean_data_class(const ait_clean_data *data, int32_t label, char buffer[16]) {
  const char *name = data->sources[TRAIN] != NULL ? ait_dataset_class_name(data->sources[TRAIN], label) : NULL;
  if (name != NULL) {
    return name;
  }
  snprintf(buffer, 16, "%d", label);
  return buffer;
}

/* What was read, and not borrowed. */
static void free_sources(ait_clean_data *d) {
  for (int64_t i = 0; i < d->id_count; i++) {
    free(d->ids[i]);
  }
  free(d->ids);
  for (int part = TRAIN; part <= TEST; part++) {
    ait_dataset_destroy(d->sources[part]);
  }
}

void ait_clean_data_free(ait_clean_data *d) {
  if (!d->borrows) {
    free_sources(d);
  }
  free(d->given);
  free(d->validation_labels);
  free(d->test_labels);
  free(d->source_rows);
  free(d->validation_source_rows);
  free(d->truth);
  free(d->redrawn);
  free(d->mislabelled);
  for (int part = TRAIN; part <= TEST; part++) {
    ait_matrix_destroy(d->owned[part]);
  }
  ait_aside_free(&d->aside);
  ait_stack_free(&d->with_reviewed);
  memset(d, 0, sizeof *d);
}
