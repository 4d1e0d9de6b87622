/* sweep_table.c - the figures of a sweep's runs, with their means and spreads: sweep.json, sweep.csv, and for people.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "context/error.h"
#include "data/file.h"
#include "run/document.h"
#include "run/json.h"
#include "run/sweep.h"

/* ---- figures ----------------------------------------------------------------------------------- */

/* A row of figures a run. The runs of one noise rate, which follow each other, are a group. */
typedef struct table {
  const ait_sweep *sweep;
  double (*rows)[AIT_SWEEP_MOST_FIGURES];
} table;

/* The first figure from f on that this kind of cleaning has; the list's end where there is none. */
static int figure_from(const table *t, int f) {
  while (ait_sweep_figures[f].name != NULL && ait_sweep_figures[f].cleaning != -1 &&
         ait_sweep_figures[f].cleaning != t->sweep->settings->cleaning) {
    f++;
  }
  return f;
}

/* Goes through these figures: for (int f = figure_from(t, 0); is_figure(f); f = figure_from(t, f + 1)). */
static int is_figure(int f) {
  return ait_sweep_figures[f].name != NULL;
}

static ait_status make_table(const ait_sweep *sweep, table *t) {
  *t = (table){.sweep = sweep, .rows = malloc((size_t)sweep->count * sizeof *t->rows)};
  if (t->rows == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the figures of %lld runs", (long long)sweep->count);
  }
  for (int64_t i = 0; i < sweep->count; i++) {
    ait_sweep_take_figures(sweep, i, t->rows[i]);
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

static ait_sweep_state state_of(const table *t, int64_t i) {
  return t->sweep->kind->state(t->sweep, i);
}

/* The runs of the group that have a result. */
static int64_t results_of(const table *t, int64_t first) {
  return count_of(t, first, figure_from(t, 0));
}

/* ---- sweep.csv --------------------------------------------------------------------------------- */

static void write_figures(const table *t, int64_t i, reading read, FILE *stream) {
  for (int f = figure_from(t, 0); is_figure(f); f = figure_from(t, f + 1)) {
    ait_document_csv(stream, read(t, i, f));
  }
  fputc('\n', stream);
}

/* "mean,,0.3,2 runs," and its figures */
static void write_group(const table *t, int64_t first, const char *word, reading read, FILE *stream) {
  fprintf(stream, "%s,", word);
  ait_document_csv(stream, noise_of(t->sweep, first));
  fprintf(stream, ",%lld of %lld runs,", (long long)results_of(t, first), (long long)t->sweep->seeds);
  write_figures(t, first, read, stream);
}

static void write_run(const table *t, int64_t i, FILE *stream) {
  const ait_sweep_state state = state_of(t, i);
  fprintf(stream, "%s,%" PRIu64, t->sweep->names[i], t->sweep->run_settings[i].seed);
  ait_document_csv(stream, noise_of(t->sweep, i));
  fprintf(stream, ",%s,%lld", state.word, (long long)state.iterations);
  write_figures(t, i, value_of, stream);
}

static ait_status write_csv(const table *t, const ait_folder *folder) {
  char path[PATH_MAX];
  ait_file file;
  AIT_TRY(ait_folder_path(folder, "sweep.csv", path));
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "run,seed,noise,state,iterations");
  for (int f = figure_from(t, 0); is_figure(f); f = figure_from(t, f + 1)) {
    fprintf(file.stream, ",%s", ait_sweep_figures[f].name);
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
  for (int f = figure_from(t, 0); is_figure(f); f = figure_from(t, f + 1)) {
    ait_document_figure(item, ait_sweep_figures[f].name, read(t, i, f));
  }
}

static cJSON *describe_group(const table *t, int64_t first) {
  cJSON *item = cJSON_CreateObject();
  ait_document_figure(item, "noise", noise_of(t->sweep, first));
  cJSON_AddNumberToObject(item, "runs", (double)results_of(t, first));
  add_figures(item, "mean", t, first, mean_of);
  add_figures(item, "spread", t, first, spread_of);
  return item;
}

static cJSON *describe_run(const table *t, int64_t i) {
  const ait_sweep_state state = state_of(t, i);
  const int32_t failed = state.failure[0] != '\0';
  cJSON *item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "run", t->sweep->names[i]);
  ait_document_text(item, "folder", failed ? NULL : t->sweep->names[i]);
  ait_document_seed(item, t->sweep->run_settings[i].seed);
  ait_document_figure(item, "noise", noise_of(t->sweep, i));
  cJSON_AddStringToObject(item, "state", state.word);
  if (failed) {
    ait_document_text(item, "failure", state.failure);
  }
  cJSON_AddNumberToObject(item, "iterations", (double)state.iterations);
  add_figures(item, "figures", t, i, value_of);
  return item;
}

static cJSON *describe(const table *t) {
  cJSON *json = ait_json_begin();
  ait_document_program(json, t->sweep->context, t->sweep->settings->math);
  ait_document_text(json, "cleaning", ait_cleaning_words[t->sweep->settings->cleaning]);
  cJSON_AddNumberToObject(json, "seconds", t->sweep->seconds);
  cJSON *groups = cJSON_AddArrayToObject(json, "summary"), *runs = cJSON_AddArrayToObject(json, "runs");
  for (int64_t i = 0; i < t->sweep->count; i++) {
    if (i % t->sweep->seeds == 0) {
      ait_json_append(groups, describe_group(t, i));
    }
    ait_json_append(runs, describe_run(t, i));
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

/* Nonzero for the columns of the printed table; those without any figure are left out. */
static int32_t is_shown(const table *t, int f) {
  int32_t shown = 0;
  for (int64_t first = 0; first < t->sweep->count; first += t->sweep->seeds) {
    shown = shown || count_of(t, first, f) > 0;
  }
  return shown && ait_sweep_figures[f].head != NULL;
}

static void print_cell(const ait_sweep_figure *figure, double value, FILE *out) {
  if (isnan(value)) {
    fprintf(out, " %7s", "-");
  } else {
    fprintf(out, " %7.*f", (int)figure->digits, value / figure->unit);
  }
}

static void print_line(const table *t, const char *name, int64_t i, reading read, FILE *out) {
  fprintf(out, "  %-22s", name);
  for (int f = figure_from(t, 0); is_figure(f); f = figure_from(t, f + 1)) {
    if (is_shown(t, f)) {
      print_cell(&ait_sweep_figures[f], read(t, i, f), out);
    }
  }
  fputc('\n', out);
}

static void print_heads(const table *t, FILE *out) {
  fprintf(out, "\n  %-22s", "run");
  for (int f = figure_from(t, 0); is_figure(f); f = figure_from(t, f + 1)) {
    if (is_shown(t, f)) {
      fprintf(out, " %7s", ait_sweep_figures[f].head);
    }
  }
  fputc('\n', out);
}

/* The runs of one noise rate, with their mean and spread where there are several. */
static void print_group(const table *t, int64_t first, FILE *out) {
  for (int64_t i = first; i < first + t->sweep->seeds; i++) {
    const ait_sweep_state state = state_of(t, i);
    if (state.failure[0] != '\0') {
      fprintf(out, "  %-22s %s: %s\n", t->sweep->names[i], state.word, state.failure);
    } else {
      print_line(t, t->sweep->names[i], i, value_of, out);
    }
  }
  if (t->sweep->seeds > 1) {
    print_line(t, "mean", first, mean_of, out);
    print_line(t, "spread", first, spread_of, out);
  }
}

ait_status ait_sweep_print_table(const ait_sweep *sweep, FILE *out) {
  table t;
  AIT_TRY(make_table(sweep, &t));
  print_heads(&t, out);
  for (int64_t first = 0; first < sweep->count; first += sweep->seeds) {
    print_group(&t, first, out);
  }
  ait_sweep_print_legend(sweep, out);
  free(t.rows);
  return AIT_OK;
}
