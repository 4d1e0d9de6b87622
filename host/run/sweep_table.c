/* sweep_table.c - the figures of a sweep's runs, with their means and spreads: sweep.json, sweep.csv, and for people.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "context/error.h"
#include "data/file.h"
#include "run/document.h"
#include "run/sweep.h"

typedef enum figure {
  F_KBAR,
  F_LAST,
  AUROC,
  AVERAGE_PRECISION,
  F1,
  PRECISION_100,
  PRECISION_1000,
  BASELINE_AUROC,
  BASELINE_AVERAGE_PRECISION,
  BASELINE_F1,
  CLEAN_F1,
  ACCURACY_Y,
  ACCURACY_Z,
  ACCURACY_SIDE, /* and the other sides after it */
  FIGURES = ACCURACY_SIDE + AIT_SIDE_COUNT
} figure;

static const char *const names[FIGURES] = {"F_kbar",
                                           "F_K",
                                           "auroc",
                                           "average_precision",
                                           "f1",
                                           "precision_at_100",
                                           "precision_at_1000",
                                           "baseline_auroc",
                                           "baseline_average_precision",
                                           "baseline_f1",
                                           "clean_class_f1",
                                           "test_accuracy_y",
                                           "test_accuracy_z",
                                           "test_accuracy_validation_only",
                                           "test_accuracy_all_rows_as_given",
                                           "test_accuracy_kept_by_this_run",
                                           "test_accuracy_kept_by_baseline"};

/* ---- figures ----------------------------------------------------------------------------------- */

/* What is known of the ranking where the truth is. */
static void take_detection(const ait_run *run, double *values) {
  const ait_ranking *ours = &run->ranking[run->settings->score], *theirs = &run->sides.ranking;
  if (run->data->truth == NULL) {
    return;
  }
  values[AUROC] = ours->auroc;
  values[AVERAGE_PRECISION] = ours->average_precision;
  values[F1] = ours->f1;
  values[PRECISION_100] = ours->precision_100;
  values[PRECISION_1000] = ours->precision_1000;
  values[CLEAN_F1] = run->clean_f1;
  if (run->sides.trained[AIT_SIDE_VALIDATION]) {
    values[BASELINE_AUROC] = theirs->auroc;
    values[BASELINE_AVERAGE_PRECISION] = theirs->average_precision;
    values[BASELINE_F1] = theirs->f1;
  }
}

/* All figures of a run; NaN where there is none. */
static void take_figures(const ait_run *run, double *values) {
  for (int i = 0; i < FIGURES; i++) {
    values[i] = NAN;
  }
  if (run->failure[0] != '\0') {
    return;
  }
  const ait_history_row *last = &run->history.rows[run->history.count - 1];
  values[F_KBAR] = last->F_kbar;
  values[F_LAST] = last->F_K;
  take_detection(run, values);
  values[ACCURACY_Y] = run->accuracy_y;
  values[ACCURACY_Z] = run->accuracy_z;
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    values[ACCURACY_SIDE + side] = run->sides.accuracy[side];
  }
}

/* A row of figures a run. The runs of one noise rate, which follow each other, are a group. */
typedef struct table {
  const ait_sweep *sweep;
  double (*rows)[FIGURES];
} table;

static ait_status make_table(const ait_sweep *sweep, table *t) {
  *t = (table){.sweep = sweep, .rows = malloc((size_t)sweep->count * sizeof *t->rows)};
  if (t->rows == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the figures of %lld runs", (long long)sweep->count);
  }
  for (int64_t i = 0; i < sweep->count; i++) {
    take_figures(&sweep->runs[i], t->rows[i]);
  }
  return AIT_OK;
}

/* The runs of the group from run `first` on that have the figure. */
static int64_t count_of(const table *t, int64_t first, int f) {
  int64_t count = 0;
  for (int64_t i = first; i < first + t->sweep->seeds; i++) {
    count += !isnan(t->rows[i][f]);
  }
  return count;
}

/* Their mean; NaN where there is none. */
static double mean_of(const table *t, int64_t first, int f) {
  double sum = 0;
  for (int64_t i = first; i < first + t->sweep->seeds; i++) {
    sum += isnan(t->rows[i][f]) ? 0 : t->rows[i][f];
  }
  return sum / (double)count_of(t, first, f);
}

/* Their standard deviation, sqrt(sum (v - mean)^2 / (count - 1)); NaN where there are fewer than two. */
static double spread_of(const table *t, int64_t first, int f) {
  const double mean = mean_of(t, first, f);
  const int64_t count = count_of(t, first, f);
  double sum = 0;
  for (int64_t i = first; i < first + t->sweep->seeds; i++) {
    const double away = t->rows[i][f] - mean;
    sum += isnan(away) ? 0 : away * away;
  }
  return count > 1 ? sqrt(sum / (double)(count - 1)) : NAN;
}

/* What a line says of a figure: a run's value, or that of its group. */
typedef double (*reading)(const table *t, int64_t i, int f);

static double value_of(const table *t, int64_t i, int f) {
  return t->rows[i][f];
}

/* The noise rate of a run; NaN where its labels are taken as they are. */
static double noise_of(const ait_sweep *sweep, int64_t i) {
  return sweep->data[i].truth != NULL ? sweep->run_settings[i].noise : NAN;
}

static const char *state_of(const ait_run *run) {
  return run->failure[0] != '\0' ? "diverged" : run->stopped ? "stopped" : "complete";
}

/* ---- sweep.csv --------------------------------------------------------------------------------- */

static void write_figures(const table *t, int64_t i, reading read, FILE *stream) {
  for (int f = 0; f < FIGURES; f++) {
    ait_document_csv(stream, read(t, i, f));
  }
  fputc('\n', stream);
}

/* "mean,,0.3,2 runs," and its figures */
static void write_group(const table *t, int64_t first, const char *word, reading read, FILE *stream) {
  fprintf(stream, "%s,", word);
  ait_document_csv(stream, noise_of(t->sweep, first));
  fprintf(stream, ",%lld of %lld runs,", (long long)count_of(t, first, F_KBAR), (long long)t->sweep->seeds);
  write_figures(t, first, read, stream);
}

static void write_run(const table *t, int64_t i, FILE *stream) {
  const ait_run *run = &t->sweep->runs[i];
  fprintf(stream, "%s,%" PRIu64, t->sweep->names[i], t->sweep->run_settings[i].seed);
  ait_document_csv(stream, noise_of(t->sweep, i));
  fprintf(stream, ",%s,%lld", state_of(run), (long long)run->iterations);
  write_figures(t, i, value_of, stream);
}

static ait_status write_csv(const table *t, const ait_folder *folder) {
  char path[PATH_MAX];
  ait_file file;
  AIT_TRY(ait_folder_path(folder, "sweep.csv", path));
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "run,seed,noise,state,iterations");
  for (int f = 0; f < FIGURES; f++) {
    fprintf(file.stream, ",%s", names[f]);
  }
  fputc('\n', file.stream);
  for (int64_t first = 0; first < t->sweep->count; first += t->sweep->seeds) {
    write_group(t, first, "mean", mean_of, file.stream);
    write_group(t, first, "spread", spread_of, file.stream);
  }
  for (int64_t i = 0; i < t->sweep->count; i++) {
    write_run(t, i, file.stream);
  }
  return ait_file_commit(&file);
}

/* ---- sweep.json -------------------------------------------------------------------------------- */

static void add_figures(cJSON *object, const char *name, const table *t, int64_t i, reading read) {
  cJSON *item = cJSON_AddObjectToObject(object, name);
  for (int f = 0; f < FIGURES; f++) {
    ait_document_figure(item, names[f], read(t, i, f));
  }
}

static cJSON *describe_group(const table *t, int64_t first) {
  cJSON *item = cJSON_CreateObject();
  ait_document_figure(item, "noise", noise_of(t->sweep, first));
  cJSON_AddNumberToObject(item, "runs", (double)count_of(t, first, F_KBAR));
  add_figures(item, "mean", t, first, mean_of);
  add_figures(item, "spread", t, first, spread_of);
  return item;
}

static cJSON *describe_run(const table *t, int64_t i) {
  const ait_run *run = &t->sweep->runs[i];
  const int32_t diverged = run->failure[0] != '\0';
  cJSON *item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "run", t->sweep->names[i]);
  ait_document_text(item, "folder", diverged ? NULL : t->sweep->names[i]);
  ait_document_seed(item, t->sweep->run_settings[i].seed);
  ait_document_figure(item, "noise", noise_of(t->sweep, i));
  cJSON_AddStringToObject(item, "state", state_of(run));
  if (diverged) {
    cJSON_AddStringToObject(item, "failure", run->failure);
  }
  cJSON_AddNumberToObject(item, "iterations", (double)run->iterations);
  add_figures(item, "figures", t, i, value_of);
  return item;
}

static cJSON *describe(const table *t) {
  const ait_run *first = ait_sweep_first(t->sweep);
  cJSON *json = cJSON_CreateObject();
  ait_document_program(json, first->context, first->settings->math);
  cJSON_AddNumberToObject(json, "seconds", first->iteration_seconds);
  cJSON *groups = cJSON_AddArrayToObject(json, "summary"), *runs = cJSON_AddArrayToObject(json, "runs");
  for (int64_t i = 0; i < t->sweep->count; i++) {
    if (i % t->sweep->seeds == 0) {
      cJSON_AddItemToArray(groups, describe_group(t, i));
    }
    cJSON_AddItemToArray(runs, describe_run(t, i));
  }
  return json;
}

static ait_status write_json(const table *t, const ait_folder *folder) {
  cJSON *json = describe(t);
  const ait_status status = ait_document_write(json, folder, "sweep.json");
  cJSON_Delete(json);
  return status;
}

ait_status ait_sweep_write_tables(const ait_sweep *sweep, const ait_folder *folder) {
  table t;
  AIT_TRY(make_table(sweep, &t));
  ait_status status = write_json(&t, folder);
  if (status == AIT_OK) {
    status = write_csv(&t, folder);
  }
  free(t.rows);
  return status;
}

/* ---- for people -------------------------------------------------------------------------------- */

/* The columns of the printed table; those without any figure are left out. */
static const struct {
  figure figure;
  const char *head;
} columns[] = {{F_KBAR, "F"},
               {AUROC, "AUROC"},
               {AVERAGE_PRECISION, "AP"},
               {F1, "F1"},
               {BASELINE_AUROC, "b.AUROC"},
               {BASELINE_AVERAGE_PRECISION, "b.AP"},
               {ACCURACY_Y, "y_K"},
               {ACCURACY_Z, "z"},
               {ACCURACY_SIDE + AIT_SIDE_VALIDATION, "b.acc"},
               {ACCURACY_SIDE + AIT_SIDE_KEPT, "kept"}};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static int32_t is_shown(const table *t, int column) {
  int32_t shown = 0;
  for (int64_t first = 0; first < t->sweep->count; first += t->sweep->seeds) {
    shown = shown || count_of(t, first, columns[column].figure) > 0;
  }
  return shown;
}

static void print_cell(figure f, double value, FILE *out) {
  if (isnan(value)) {
    fprintf(out, " %7s", "-");
  } else if (f == F_KBAR) {
    fprintf(out, " %7.4f", value);
  } else {
    fprintf(out, " %7.2f", 100 * value);
  }
}

static void print_line(const table *t, const char *name, int64_t i, reading read, FILE *out) {
  fprintf(out, "  %-22s", name);
  for (int column = 0; column < COLUMNS; column++) {
    if (is_shown(t, column)) {
      print_cell(columns[column].figure, read(t, i, (int)columns[column].figure), out);
    }
  }
  fputc('\n', out);
}

static void print_heads(const table *t, FILE *out) {
  fprintf(out, "\n  %-22s", "run");
  for (int column = 0; column < COLUMNS; column++) {
    if (is_shown(t, column)) {
      fprintf(out, " %7s", columns[column].head);
    }
  }
  fputc('\n', out);
}

/* The runs of one noise rate, with their mean and spread where there are several. */
static void print_group(const table *t, int64_t first, FILE *out) {
  for (int64_t i = first; i < first + t->sweep->seeds; i++) {
    const ait_run *run = &t->sweep->runs[i];
    if (run->failure[0] != '\0') {
      fprintf(out, "  %-22s diverged: %s\n", t->sweep->names[i], run->failure);
    } else {
      print_line(t, t->sweep->names[i], i, value_of, out);
    }
  }
  if (t->sweep->seeds > 1) {
    print_line(t, "mean", first, mean_of, out);
    print_line(t, "spread", first, spread_of, out);
  }
}

static void print_legend(const table *t, FILE *out) {
  const ait_run *run = ait_sweep_first(t->sweep);
  fprintf(out, "  F: the upper level's objective at kbar.");
  if (run->data->truth != NULL) {
    fprintf(out,
            " AUROC, AP, F1: of the mislabelled rows (%%), ranked by %s;\n  b.: by the baseline of the validation "
            "rows alone.",
            ait_score_words[run->settings->score]);
  }
  if (run->data->test != NULL) {
    fprintf(out,
            " y_K, z, b.acc, kept: accuracy on the test rows (%%) of the run,\n  of its start, of the baseline, and "
            "retrained on the rows that the run keeps.");
  }
  fputc('\n', out);
}

ait_status ait_sweep_print_table(const ait_sweep *sweep, FILE *out) {
  table t;
  AIT_TRY(make_table(sweep, &t));
  print_heads(&t, out);
  for (int64_t first = 0; first < sweep->count; first += sweep->seeds) {
    print_group(&t, first, out);
  }
  print_legend(&t, out);
  free(t.rows);
  return AIT_OK;
}
