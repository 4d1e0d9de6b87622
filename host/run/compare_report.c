/* compare_report.c - the files and the summary of a comparison. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "data/file.h"
#include "run/compare.h"
#include "run/document.h"
#include "run/json.h"
#include "run/storage.h"
#include "run/summary.h"

/* ---- compare.json ------------------------------------------------------------------------------ */

static cJSON *describe_intervals(const ait_interval *intervals) {
  cJSON *object = cJSON_CreateObject();
  for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
    cJSON *item = cJSON_AddObjectToObject(object, ait_figure_words[figure]);
    cJSON_AddNumberToObject(item, "seeds", (double)intervals[figure].count);
    ait_document_figure(item, "mean", intervals[figure].mean);
    ait_document_figure(item, "low", intervals[figure].low);
    ait_document_figure(item, "high", intervals[figure].high);
  }
  return object;
}

/* A method's plan, which is the same at every seed. */
static void add_trajectory(cJSON *item, const ait_comparison *c, int32_t k) {
  for (int64_t s = 0; s < c->settings->seed_count; s++) {
    const ait_cell *cell = ait_compare_cell(c, k, s);
    if (cell->done && cell->trajectory.states > 0) {
      ait_storage_write(&cell->trajectory, item);
      return;
    }
  }
}

static cJSON *describe_contestant(const ait_comparison *c, int32_t k) {
  cJSON *item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "name", c->settings->contestants[k].name);
  cJSON_AddStringToObject(item, "kind", ait_contestant_words[c->settings->contestants[k].kind]);
  ait_json_add(item, "means", describe_intervals(c->means[k]));
  ait_json_add(item, "differences", describe_intervals(c->differences[k]));
  add_trajectory(item, c, k);
  cJSON *failures = cJSON_AddArrayToObject(item, "failures");
  for (int64_t s = 0; s < c->settings->seed_count; s++) {
    const ait_cell *cell = ait_compare_cell(c, k, s);
    if (!cell->done) {
      cJSON *failure = cJSON_CreateObject();
      ait_document_seed(failure, c->settings->seeds[s]);
      ait_document_text(failure, "sentence", cell->failure);
      ait_json_append(failures, failure);
    }
  }
  return item;
}

static void add_settings(cJSON *object, const ait_comparison *c) {
  const ait_clean_settings *s = &c->settings->clean;
  ait_document_data(object, s, &c->data);
  ait_document_text(object, "protocol", s->protocol == AIT_PROTOCOL_PAPER ? "paper" : "user");
  ait_document_text(object, "model", s->model.text);
  ait_document_text(object, "activation", ait_activation_words[s->activation]);
  ait_document_figure(object, "iterations", s->seconds > 0 ? NAN : (double)s->iterations);
  ait_document_figure(object, "seconds", s->seconds > 0 ? s->seconds : NAN);
  cJSON_AddNumberToObject(object, "ll_steps", (double)s->ll_steps);
  ait_document_figure(object, "ll_rate", s->ll_rate_auto ? NAN : s->ll_rate);
  ait_document_text(object, "ul_optimizer", ait_optimizer_words[s->ul_optimizer]);
  cJSON_AddNumberToObject(object, "ul_rate", s->ul_rate);
  ait_document_text(object, "init_optimizer", ait_optimizer_words[s->init_optimizer]);
  ait_document_figure(object, "init_rate", s->init_rate > 0 ? s->init_rate : NAN);
  ait_document_figure(object, "memory", s->memory > 0 ? (double)s->memory : NAN);
  ait_document_text(object, "score", ait_score_words[s->score]);
  cJSON *seeds = cJSON_AddArrayToObject(object, "seeds");
  for (int64_t i = 0; i < c->settings->seed_count; i++) {
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, c->settings->seeds[i]);
    ait_json_append(seeds, cJSON_CreateRaw(seed));
  }
}

static cJSON *describe(const ait_comparison *c) {
  cJSON *json = ait_json_begin();
  ait_document_program(json, c->context, c->settings->clean.math);
  add_settings(cJSON_AddObjectToObject(json, "settings"), c);
  cJSON_AddBoolToObject(json, "stopped", c->stopped);
  cJSON_AddNumberToObject(json, "resamples", AIT_BOOTSTRAP_RESAMPLES);
  ait_document_text(json, "differences_to", c->settings->contestants[c->reference].name);
  cJSON *contestants = cJSON_AddArrayToObject(json, "contestants");
  for (int32_t k = 0; k < c->settings->count; k++) {
    ait_json_append(contestants, describe_contestant(c, k));
  }
  return json;
}

/* ---- tables ------------------------------------------------------------------------------------ */

static void write_cell(const ait_comparison *c, int32_t k, int64_t s, FILE *stream) {
  const ait_cell *cell = ait_compare_cell(c, k, s);
  fprintf(stream, "%s,%" PRIu64, c->settings->contestants[k].name, c->settings->seeds[s]);
  ait_document_csv(stream, cell->done && cell->iterations > 0 ? (double)cell->iterations : NAN);
  for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
    ait_document_csv(stream, cell->done ? cell->figures[figure] : NAN);
  }
  fprintf(stream, ",%s\n", cell->done ? "yes" : "no");
}

static void write_rows(const ait_comparison *c, FILE *stream) {
  fprintf(stream, "method,seed,iterations");
  for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
    fprintf(stream, ",%s", ait_figure_words[figure]);
  }
  fprintf(stream, ",done\n");
  for (int32_t k = 0; k < c->settings->count; k++) {
    for (int64_t s = 0; s < c->settings->seed_count; s++) {
      write_cell(c, k, s, stream);
    }
  }
}

/* The iterations at which figures were taken. */
static void write_curve(const ait_comparison *c, int32_t k, int64_t s, FILE *stream) {
  const ait_history *history = &ait_compare_cell(c, k, s)->history;
  for (int64_t i = 0; i < history->count; i++) {
    const ait_history_row *row = &history->rows[i];
    if (isnan(row->accuracy_y) && isnan(row->auroc)) {
      continue;
    }
    fprintf(stream, "%s,%" PRIu64 ",%lld", c->settings->contestants[k].name, c->settings->seeds[s], (long long)row->t);
    const double figures[] = {row->seconds - row->figure_seconds,
                              row->F_kbar,
                              row->F_K,
                              row->accuracy_y,
                              row->accuracy_z,
                              row->auroc,
                              row->f1};
    for (size_t figure = 0; figure < sizeof figures / sizeof *figures; figure++) {
      ait_document_csv(stream, figures[figure]);
    }
    fputc('\n', stream);
  }
}

static void write_curves(const ait_comparison *c, FILE *stream) {
  fprintf(stream, "method,seed,iteration,seconds,F_kbar,F_K,accuracy_y,accuracy_z,auroc,f1\n");
  for (int32_t k = 0; k < c->settings->count; k++) {
    for (int64_t s = 0; s < c->settings->seed_count; s++) {
      write_curve(c, k, s, stream);
    }
  }
}

static ait_status write_table(const ait_comparison *c, const ait_folder *folder, const char *name,
                              void (*write)(const ait_comparison *, FILE *)) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, name, path));
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  write(c, file.stream);
  return ait_file_commit(&file);
}

static ait_status write_files(const ait_comparison *c, const ait_folder *folder) {
  AIT_TRY(write_table(c, folder, "compare.csv", write_rows));
  AIT_TRY(write_table(c, folder, "curves.csv", write_curves));
  cJSON *json = describe(c);
  ait_status status = ait_document_write(json, folder, "compare.json");
  cJSON_Delete(json);
  return status;
}

ait_status ait_compare_write(const ait_comparison *c, ait_folder *folder) {
  AIT_TRY(ait_folder_begin(folder));
  return ait_folder_finish(folder, write_files(c, folder));
}

/* ---- summary ----------------------------------------------------------------------------------- */

/* "97.61", or "-"; seconds and bytes as they are read best. */
static const char *format_mean(double mean, int figure, char text[24]) {
  if (isnan(mean)) {
    return "-";
  }
  const double unit = figure == AIT_FIGURE_SECONDS ? 1 : figure == AIT_FIGURE_MEMORY ? 1e-6 : 100;
  snprintf(text, 24, figure >= AIT_FIGURE_SECONDS ? "%.1f" : "%.2f", unit * mean);
  return text;
}

static int has_figure(const ait_comparison *c, int figure) {
  for (int32_t k = 0; k < c->settings->count; k++) {
    if (c->means[k][figure].count > 0) {
      return 1;
    }
  }
  return 0;
}

static int64_t seeds_done(const ait_comparison *c, int32_t k) {
  int64_t done = 0;
  for (int64_t s = 0; s < c->settings->seed_count; s++) {
    done += ait_compare_cell(c, k, s)->done;
  }
  return done;
}

static void print_means(const ait_comparison *c, FILE *out) {
  static const char *const headings[] = {"acc y_K", "acc z", "acc kept", "AUROC", "AP", "F1", "P@100", "seconds", "MB"};
  fprintf(out, "\nMeans over seeds (figures in %%)\n  %-16s %5s", "method", "seeds");
  for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
    if (has_figure(c, figure)) {
      fprintf(out, " %8s", headings[figure]);
    }
  }
  fputc('\n', out);
  for (int32_t k = 0; k < c->settings->count; k++) {
    fprintf(out, "  %-16s %5lld", c->settings->contestants[k].name, (long long)seeds_done(c, k));
    for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
      char text[24];
      if (has_figure(c, figure)) {
        fprintf(out, " %8s", format_mean(c->means[k][figure].mean, figure, text));
      }
    }
    fputc('\n', out);
  }
}

static void print_own_budget(const ait_comparison *c, FILE *out) {
  for (int32_t k = 0; k < c->settings->count; k++) {
    if (c->settings->contestants[k].kind == AIT_CONTESTANT_TRANSITION) {
      fprintf(out,
              "  %s has a budget of its own, whatever that of the methods; acc y_K: mean of its folds' "
              "classifiers.\n",
              c->settings->contestants[k].name);
    }
  }
}

/* "+0.12 [-0.03, +0.27]" */
static void print_interval(const ait_interval *interval, FILE *out) {
  char text[64] = "-";
  if (interval->count > 1) {
    snprintf(text, sizeof text, "%+.2f [%+.2f, %+.2f]", 100 * interval->mean, 100 * interval->low,
             100 * interval->high);
  } else if (interval->count == 1) {
    snprintf(text, sizeof text, "%+.2f", 100 * interval->mean);
  }
  fprintf(out, " %23s", text);
}

static void print_differences(const ait_comparison *c, FILE *out) {
  static const int shown[] = {AIT_FIGURE_AUROC, AIT_FIGURE_AVERAGE_PRECISION, AIT_FIGURE_F1, AIT_FIGURE_ACCURACY_KEPT};
  static const char *const headings[] = {"AUROC", "AP", "F1", "acc kept"};
  const int chosen =
      c->settings->against[0] == '\0' && c->settings->contestants[c->reference].kind == AIT_CONTESTANT_RANKING;
  fprintf(out, "\nDifferences to %s%s at the same seeds, with 95 %% bootstrap intervals\n  %-16s",
          c->settings->contestants[c->reference].name, chosen ? " (the best cheap ranking, seen afterwards)" : "",
          "method");
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    if (has_figure(c, shown[i])) {
      fprintf(out, " %23s", headings[i]);
    }
  }
  fputc('\n', out);
  for (int32_t k = 0; k < c->settings->count; k++) {
    if (k == c->reference) {
      continue;
    }
    fprintf(out, "  %-16s", c->settings->contestants[k].name);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
      if (has_figure(c, shown[i])) {
        print_interval(&c->differences[k][shown[i]], out);
      }
    }
    fputc('\n', out);
  }
}

/* The first failure of each contestant. */
static void print_failures(const ait_comparison *c, FILE *out) {
  for (int32_t k = 0; k < c->settings->count; k++) {
    for (int64_t s = 0; s < c->settings->seed_count; s++) {
      const ait_cell *cell = ait_compare_cell(c, k, s);
      if (!cell->done) {
        fprintf(out, "  %s has no result at %lld of %lld seeds; at seed %" PRIu64 ": %s\n",
                c->settings->contestants[k].name, (long long)(c->settings->seed_count - seeds_done(c, k)),
                (long long)c->settings->seed_count, c->settings->seeds[s], cell->failure);
        break;
      }
    }
  }
}

static void print_run(const ait_comparison *c, FILE *out) {
  const ait_clean_settings *s = &c->settings->clean;
  if (s->seconds > 0) {
    fprintf(out, "Run     %g s of UL iterations of %lld LL steps", s->seconds, (long long)s->ll_steps);
  } else {
    fprintf(out, "Run     %lld UL iterations of %lld LL steps", (long long)s->iterations, (long long)s->ll_steps);
  }
  fprintf(out, ", %s classifier, %lld seeds from %" PRIu64, s->model.text, (long long)c->settings->seed_count,
          c->settings->seeds[0]);
  ait_summary_device(c->context, s->math, out);
}

void ait_compare_print(const ait_comparison *c, const char *folder, FILE *out) {
  ait_clean_settings first = c->settings->clean;
  first.seed = c->settings->seeds[0];
  ait_summary_data(&first, &c->data, out);
  if (c->settings->seed_count > 1) {
    fprintf(out, "        every other seed draws rows%s and start anew\n",
            c->data.truth != NULL ? ", wrong labels" : "");
  }
  print_run(c, out);
  print_means(c, out);
  if (has_figure(c, AIT_FIGURE_ACCURACY_KEPT)) {
    fprintf(out, "  acc kept: after the same training on the rows that a ranking keeps and the validation rows.\n");
  }
  fprintf(out,
          "  seconds: without figures on the way. MB: host memory that a run took at its peak beyond the rows, which "
          "were\n  there before; all rankings of a seed have one figure.\n");
  print_own_budget(c, out);
  print_differences(c, out);
  print_failures(c, out);
  fprintf(out,
          "\nFiles in %s: compare.json (means, differences, intervals), compare.csv (a row a method and seed),\n"
          "  curves.csv (figures along the runs)\n",
          folder);
}
