/* source.c - the runs that a report is about, as their folders tell them. */
#include "report/source.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/error.h"
#include "data/csv.h"
#include "data/matrix.h"
#include "run/json.h"

/* ---- documents --------------------------------------------------------------------------------- */

const cJSON *ait_report_item(const cJSON *object, const char *path) {
  char key[64];
  while (object != NULL && *path != '\0') {
    const size_t length = strcspn(path, "/");
    snprintf(key, sizeof key, "%.*s", (int)length, path);
    object = cJSON_GetObjectItemCaseSensitive(object, key);
    path += length + (path[length] == '/');
  }
  return object;
}

double ait_report_number(const cJSON *object, const char *path) {
  const cJSON *item = ait_report_item(object, path);
  return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

const char *ait_report_text(const cJSON *object, const char *path) {
  return cJSON_GetStringValue(ait_report_item(object, path));
}

const char *ait_report_class(const ait_report_run *run, int32_t label, char number[16]) {
  const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(ait_report_item(run->data, "class_names"), label));
  snprintf(number, 16, "%d", label);
  return name != NULL ? name : number;
}

static ait_status join(const char *folder, const char *name, char path[PATH_MAX]) {
  return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s: the path is too long", folder);
}

static int32_t is_there(const char *folder, const char *name) {
  char path[PATH_MAX];
  return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

/* A document that this program has written. */
static ait_status read_document(const char *folder, const char *name, cJSON **document) {
  char path[PATH_MAX];
  const char *program;
  AIT_TRY(join(folder, name, path));
  AIT_TRY(ait_json_read(path, document));
  ait_status status = ait_json_string(*document, "program", path, &program);
  if (status == AIT_OK && strcmp(program, "ait") != 0 && strcmp(program, "ait64") != 0) {
    status = ait_fail(AIT_BAD_DATA, "%s: was written by another program", path);
  }
  if (status != AIT_OK) {
    cJSON_Delete(*document);
    *document = NULL;
  }
  return status;
}

/* ---- history.csv and seconds.csv --------------------------------------------------------------- */

static const char *const curve_columns[AIT_CURVE_COUNT] = {
    "t", "seconds", "F_kbar", "F_K", "kbar", "test_accuracy_y", "test_accuracy_z", "f1", "auroc", "held_out_loss"};

static ait_status make_room(ait_curves *curves, const char *path) {
  if (curves->count < curves->capacity) {
    return AIT_OK;
  }
  const int64_t capacity = curves->capacity > 0 ? 2 * curves->capacity : 512;
  for (int32_t kind = 0; kind < AIT_CURVE_COUNT; kind++) {
    double *value = realloc(curves->value[kind], (size_t)capacity * sizeof *value);
    if (value == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %lld rows", path, (long long)capacity);
    }
    curves->value[kind] = value;
  }
  curves->capacity = capacity;
  return AIT_OK;
}

/* Of calibration.csv; the others have no use for it. */
static const char *const expected_columns[AIT_CURVE_COUNT] = {
    "rows", "precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high", "", "", ""};

_Static_assert((int)AIT_EXPECTED_COUNT <= (int)AIT_CURVE_COUNT, "calibration.csv has more columns than a history");

/* Columns that are not there are NaN. */
static ait_status take_columns(ait_csv *csv, const char *const *names, ait_curves *curves) {
  for (int32_t more = 1;;) {
    AIT_TRY(ait_csv_next(csv, &more));
    if (!more) {
      return AIT_OK;
    }
    AIT_TRY(make_room(curves, csv->path));
    for (int32_t kind = 0; kind < AIT_CURVE_COUNT; kind++) {
      const int32_t column = ait_csv_column(csv, names[kind]);
      curves->value[kind][curves->count] = NAN;
      if (column >= 0) {
        AIT_TRY(ait_csv_number(csv, column, &curves->value[kind][curves->count]));
      }
    }
    curves->count++;
  }
}

static ait_status take_curves(ait_csv *csv, ait_curves *curves) {
  return take_columns(csv, curve_columns, curves);
}

static ait_status take_expected(ait_csv *csv, ait_curves *expected) {
  return take_columns(csv, expected_columns, expected);
}

/* The seconds, row for row with the history; it may go on for longer than they do. */
static ait_status take_seconds(ait_csv *csv, ait_curves *curves) {
  int32_t column, more = 1;
  AIT_TRY(ait_csv_expect(csv, "seconds", &column));
  for (int64_t i = 0; i < curves->count && more; i++) {
    AIT_TRY(ait_csv_next(csv, &more));
    if (more) {
      AIT_TRY(ait_csv_number(csv, column, &curves->value[AIT_CURVE_SECONDS][i]));
    }
  }
  return AIT_OK;
}

/* A table that a run may be without. */
static ait_status read_table(const ait_report_run *run, const char *name, ait_status (*take)(ait_csv *, ait_curves *),
                             ait_curves *curves) {
  char path[PATH_MAX];
  ait_csv csv;
  if (!is_there(run->folder, name)) {
    return AIT_OK;
  }
  AIT_TRY(join(run->folder, name, path));
  AIT_TRY(ait_csv_open(path, &csv));
  const ait_status status = take(&csv, curves);
  ait_csv_close(&csv);
  return status;
}

/* ---- a run ------------------------------------------------------------------------------------- */

static ait_status expect_objects(const ait_report_run *run, const char *name) {
  return cJSON_IsObject(run->settings) && cJSON_IsObject(run->result)
             ? AIT_OK
             : ait_fail(AIT_BAD_DATA, "%s/%s: expected objects called \"settings\" and \"result\"", run->folder, name);
}

static ait_status open_run(const char *folder, const char *name, ait_report_run *run) {
  *run = (ait_report_run){.folder = strdup(folder), .is_baseline = strcmp(name, "baseline.json") == 0};
  if (run->folder == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the name of a folder");
  }
  AIT_TRY(read_document(folder, name, &run->document));
  run->settings = ait_report_item(run->document, "settings");
  run->result = ait_report_item(run->document, "result");
  run->data = ait_report_item(run->document, "data");
  run->baselines = run->is_baseline ? run->result : ait_report_item(run->result, "baselines");
  const char *cleaning = ait_report_text(run->settings, "cleaning");
  run->is_transition = cleaning != NULL && strcmp(cleaning, "transition") == 0;
  return expect_objects(run, name);
}

/* suspect_images.npy, which older runs and runs on mere numbers are without. */
static ait_status read_pictures(ait_report_run *run) {
  static const char name[] = "suspect_images.npy";
  char path[PATH_MAX];
  if (!is_there(run->folder, name)) {
    return AIT_OK;
  }
  AIT_TRY(join(run->folder, name, path));
  AIT_TRY(ait_matrix_open_npy(path, &run->pictures));
  const ait_image_layout *l = &run->pictures->layout;
  return run->pictures->type == AIT_U8 && l->height > 0 && !l->planar && (l->channels == 1 || l->channels == 3)
             ? AIT_OK
             : ait_fail(AIT_BAD_DATA, "%s: expected pictures, rows x height x width (x 3) of u8", path);
}

/* Counts all rows by their labels where suspects.csv ends with those that are suspected: the document has them too,
 * suggested label by suggested label. */
static ait_status complete_labels(ait_report_run *run) {
  const cJSON *table = ait_report_item(run->result, "labels/rows_by_suggested_and_given_label");
  ait_digest *d = &run->digest;
  const int32_t classes = cJSON_GetArraySize(table);
  if (classes < d->classes || classes > AIT_DIGEST_MOST_CLASSES) {
    return AIT_OK;
  }
  int64_t *labels = calloc((size_t)classes * (size_t)classes, sizeof *labels);
  if (labels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a table of %d classes", classes);
  }
  for (int32_t suggested = 0; suggested < classes; suggested++) {
    for (int32_t given = 0; given < classes; given++) {
      const cJSON *count = cJSON_GetArrayItem(cJSON_GetArrayItem(table, suggested), given);
      labels[given * classes + suggested] = cJSON_IsNumber(count) ? count->valueint : 0;
    }
  }
  free(d->labels);
  d->labels = labels;
  d->classes = classes;
  return AIT_OK;
}

/* suspects.csv, and weights or scores of the rows that it leaves out. */
static ait_status read_suspects(ait_report_run *run) {
  const char *all = run->is_transition ? "scores.npy" : "weights.npy";
  char path[PATH_MAX];
  ait_matrix *values = NULL;
  if (!run->is_baseline && is_there(run->folder, all)) {
    AIT_TRY(join(run->folder, all, path));
    AIT_TRY(ait_matrix_open_npy(path, &values));
  }
  ait_status status = join(run->folder, "suspects.csv", path);
  if (status == AIT_OK) {
    status = ait_digest_read(path, values, &run->digest);
  }
  ait_matrix_destroy(values);
  AIT_TRY(status);
  return run->digest.rows < run->digest.all_rows ? complete_labels(run) : AIT_OK;
}

/* What is shown of a run beyond its document. */
static ait_status read_run(ait_report_run *run) {
  run->is_shown = 1;
  AIT_TRY(read_suspects(run));
  AIT_TRY(read_pictures(run));
  AIT_TRY(read_table(run, "history.csv", take_curves, &run->curves));
  AIT_TRY(read_table(run, "seconds.csv", take_seconds, &run->curves));
  return read_table(run, "calibration.csv", take_expected, &run->expected);
}

/* ---- folders ----------------------------------------------------------------------------------- */

static ait_status make_room_for_run(ait_report_source *source) {
  if (source->count < source->capacity) {
    return AIT_OK;
  }
  const int64_t capacity = source->capacity > 0 ? 2 * source->capacity : 1;
  ait_report_run *runs = realloc(source->runs, (size_t)capacity * sizeof *runs);
  if (runs == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld runs", (long long)capacity);
  }
  source->runs = runs;
  source->capacity = capacity;
  return AIT_OK;
}

static ait_status add_run(ait_report_source *source, const char *folder, const char *document) {
  if (source->count == AIT_REPORT_MOST_RUNS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "report: expected at most %d runs", AIT_REPORT_MOST_RUNS);
  }
  AIT_TRY(make_room_for_run(source));
  return open_run(folder, document, &source->runs[source->count++]);
}

/* A run that a sweep names is a folder in that of the sweep; one that failed has none. */
static ait_status add_listed(ait_report_source *source, const ait_report_group *group) {
  const cJSON *run;
  cJSON_ArrayForEach(run, ait_report_item(group->document, "runs")) {
    char inner[PATH_MAX];
    const char *name = ait_report_text(run, "folder");
    if (name == NULL) {
      continue;
    }
    if (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '\0') {
      return ait_fail(AIT_BAD_DATA, "%s/sweep.json: lists a run that is no folder beside it", group->folder);
    }
    AIT_TRY(join(group->folder, name, inner));
    AIT_TRY(add_run(source, inner, "run.json"));
  }
  return AIT_OK;
}

static ait_status add_group(ait_report_source *source, const char *folder, const char *document) {
  ait_report_group *group = &source->groups[source->group_count++];
  *group = (ait_report_group){.folder = strdup(folder)};
  if (group->folder == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the name of a folder");
  }
  AIT_TRY(read_document(folder, document, &group->document));
  return add_listed(source, group);
}

static ait_status add_folder(ait_report_source *source, const char *folder) {
  if (is_there(folder, "run.json")) {
    return add_run(source, folder, "run.json");
  }
  if (is_there(folder, "baseline.json")) {
    return add_run(source, folder, "baseline.json");
  }
  if (is_there(folder, "sweep.json")) {
    return add_group(source, folder, "sweep.json");
  }
  if (is_there(folder, "compare.json")) {
    return add_group(source, folder, "compare.json");
  }
  return ait_fail(AIT_NOT_FOUND,
                  "%s: holds no run.json, sweep.json, compare.json or baseline.json; expected a folder that clean, "
                  "compare or baseline has written",
                  folder);
}

/* ---- names ------------------------------------------------------------------------------------- */

/* The last `parts` parts of a path, without slashes at its end. */
static void end_of(const char *path, int32_t parts, char text[PATH_MAX]) {
  snprintf(text, PATH_MAX, "%s", path);
  size_t length = strlen(text);
  while (length > 1 && text[length - 1] == '/') {
    text[--length] = '\0';
  }
  const char *start = text + length;
  for (; start > text && parts > 0; start -= parts > 0) {
    parts -= start[-1] == '/';
  }
  memmove(text, start, strlen(start) + 1);
}

static int32_t are_distinct(const ait_report_source *source, int32_t parts) {
  for (int64_t i = 0; i < source->count; i++) {
    for (int64_t j = i + 1; j < source->count; j++) {
      char one[PATH_MAX], other[PATH_MAX];
      end_of(source->runs[i].folder, parts, one);
      end_of(source->runs[j].folder, parts, other);
      if (strcmp(one, other) == 0) {
        return 0;
      }
    }
  }
  return 1;
}

static ait_status name_runs(ait_report_source *source) {
  enum { MOST_PARTS = 8 };
  int32_t parts = 1;
  while (parts < MOST_PARTS && !are_distinct(source, parts)) {
    parts++;
  }
  for (int64_t i = 0; i < source->count; i++) {
    char text[PATH_MAX];
    end_of(source->runs[i].folder, parts, text);
    source->runs[i].name = strdup(text);
    if (source->runs[i].name == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the name of a run");
    }
  }
  return AIT_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static ait_status read_all(int32_t count, char *const *folders, ait_report_source *source) {
  source->groups = calloc((size_t)count, sizeof *source->groups);
  if (source->groups == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %d folders", count);
  }
  for (int32_t i = 0; i < count; i++) {
    AIT_TRY(add_folder(source, folders[i]));
  }
  AIT_TRY(name_runs(source));
  source->shown = source->count < AIT_REPORT_MOST_SHOWN ? source->count : AIT_REPORT_MOST_SHOWN;
  for (int64_t i = 0; i < source->shown; i++) {
    AIT_TRY(read_run(&source->runs[i]));
  }
  return AIT_OK;
}

ait_status ait_report_read(int32_t count, char *const *folders, ait_report_source *source) {
  *source = (ait_report_source){0};
  const ait_status status = read_all(count, folders, source);
  if (status != AIT_OK) {
    ait_report_free(source);
  }
  return status;
}

static void free_run(ait_report_run *run) {
  for (int32_t kind = 0; kind < AIT_CURVE_COUNT; kind++) {
    free(run->curves.value[kind]);
    free(run->expected.value[kind]);
  }
  ait_digest_free(&run->digest);
  ait_matrix_destroy(run->pictures);
  cJSON_Delete(run->document);
  free(run->folder);
  free(run->name);
}

void ait_report_free(ait_report_source *source) {
  for (int64_t i = 0; i < source->count; i++) {
    free_run(&source->runs[i]);
  }
  for (int32_t i = 0; i < source->group_count; i++) {
    cJSON_Delete(source->groups[i].document);
    free(source->groups[i].folder);
  }
  free(source->runs);
  free(source->groups);
  *source = (ait_report_source){0};
}
