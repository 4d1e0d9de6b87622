/* report.c - the files of a run folder. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "context/error.h"
#include "data/file.h"
#include "run/run.h"

static const ait_type real_type = sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32;

/* ---- arrays ------------------------------------------------------------------------------------ */

static ait_status write_array(const ait_folder *folder, const char *name, ait_type type, int64_t rows, int64_t columns,
                              const void *data) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, name, path));
  ait_matrix *view;
  AIT_TRY(ait_matrix_view(type, rows, columns, columns, data, &view));
  ait_status status = ait_matrix_write_npy(view, 1, path);
  ait_matrix_destroy(view);
  return status;
}

/* sigmoid(x) */
static ait_status write_weights(const ait_run *run, const ait_folder *folder) {
  int64_t n = run->data->train_rows;
  ait_real *weights = malloc((size_t)n * sizeof *weights);
  if (weights == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the weights of %lld rows", (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    weights[i] = (ait_real)(1 / (1 + exp(-(double)run->x[i])));
  }
  ait_status status = write_array(folder, "weights.npy", real_type, n, 1, weights);
  free(weights);
  return status;
}

/* N x 3: classifier, weight, gradient. */
static ait_status write_scores(const ait_run *run, const ait_folder *folder) {
  int64_t n = run->data->train_rows;
  double *scores = malloc((size_t)n * AIT_SCORE_COUNT * sizeof *scores);
  if (scores == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scores of %lld rows", (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    for (int score = 0; score < AIT_SCORE_COUNT; score++) {
      scores[i * AIT_SCORE_COUNT + score] = run->scores[score][i];
    }
  }
  ait_status status = write_array(folder, "scores.npy", AIT_F64, n, AIT_SCORE_COUNT, scores);
  free(scores);
  return status;
}

static ait_status write_arrays(const ait_run *run, const ait_folder *folder) {
  AIT_TRY(write_weights(run, folder));
  AIT_TRY(write_array(folder, "y.npy", real_type, run->m, 1, run->y));
  AIT_TRY(write_array(folder, "z.npy", real_type, run->m, 1, run->z));
  return write_scores(run, folder);
}

/* ---- suspects.csv ------------------------------------------------------------------------------ */

/* A field as RFC 4180 wants it: quoted where it holds a comma, a quote or a line break. */
static void write_field(FILE *stream, const char *text) {
  if (strpbrk(text, ",\"\r\n") == NULL) {
    fputs(text, stream);
    return;
  }
  fputc('"', stream);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"') {
      fputc('"', stream);
    }
    fputc(*c, stream);
  }
  fputc('"', stream);
}

static void write_suspect(const ait_run *run, int64_t i, FILE *stream) {
  const ait_clean_data *d = run->data;
  fprintf(stream, "%lld", (long long)d->source_rows[i]);
  if (d->ids != NULL) {
    fputc(',', stream);
    write_field(stream, d->ids[d->source_rows[i]]);
  }
  double weight = 1 / (1 + exp(-(double)run->x[i]));
  fprintf(stream, ",%d,%.9g,%d,%.9g,%.9g,%.9g", d->given[i], run->given_probability[i], run->suggested[i],
          run->suggested_probability[i], weight, run->scores[run->settings->score][i]);
  if (d->truth != NULL) {
    fprintf(stream, ",%d", d->truth[i]);
  }
  fputc('\n', stream);
}

static ait_status write_suspects(const ait_run *run, const ait_folder *folder) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, "suspects.csv", path));
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "row%s,given_label,given_probability,suggested_label,suggested_probability,weight,score%s\n",
          run->data->ids != NULL ? ",id" : "", run->data->truth != NULL ? ",true_label" : "");
  for (int64_t i = 0; i < run->data->train_rows; i++) {
    write_suspect(run, run->order[i], file.stream);
  }
  return ait_file_commit(&file);
}

/* ---- run.json ---------------------------------------------------------------------------------- */

/* NaN has no place in JSON: a figure that there is none of is null. */
static void add_figure(cJSON *object, const char *name, double value) {
  if (isnan(value)) {
    cJSON_AddNullToObject(object, name);
  } else {
    cJSON_AddNumberToObject(object, name, value);
  }
}

static void add_text(cJSON *object, const char *name, const char *text) {
  if (text == NULL) {
    cJSON_AddNullToObject(object, name);
  } else {
    cJSON_AddStringToObject(object, name, text);
  }
}

static void add_data_settings(cJSON *object, const ait_clean_settings *s, const ait_clean_data *d) {
  static const char *const keys[] = {"dataset",    "data_dir",    "images",      "labels", "val_images",
                                     "val_labels", "test_images", "test_labels", "ids"};
  const char *const values[] = {s->dataset,           s->data_dir,    s->images,      s->labels, s->validation_images,
                                s->validation_labels, s->test_images, s->test_labels, s->ids};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    add_text(object, keys[i], values[i]);
  }
  cJSON_AddNumberToObject(object, "train", (double)d->train_rows);
  cJSON_AddNumberToObject(object, "validation", (double)d->validation_rows);
  cJSON_AddNumberToObject(object, "test", (double)d->test_rows);
  add_figure(object, "noise", d->truth != NULL ? s->noise : NAN);
  add_text(object, "noise_model", d->truth != NULL ? ait_noise_model_name((ait_noise_model)s->noise_model) : NULL);
}

/* The settings that the method reads. */
static void add_method_settings(cJSON *object, const ait_method *method, int64_t ll_steps) {
  const ait_conjugate_gradient *cg = &method->conjugate_gradient;
  if (method->hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    cJSON_AddNumberToObject(object, "cg_iterations", (double)(cg->iterations > 0 ? cg->iterations : ll_steps));
    cJSON_AddNumberToObject(object, "cg_tolerance", cg->tolerance);
    cJSON_AddNumberToObject(object, "cg_damping", cg->damping);
    add_text(object, "cg_negative_curvature", ait_negative_curvature_words[cg->negative_curvature]);
  }
  if (method->hypergradient == AIT_HYPERGRADIENT_NEUMANN) {
    const int64_t terms = method->neumann_terms > 0 ? method->neumann_terms : ll_steps;
    cJSON_AddNumberToObject(object, "neumann_terms", (double)terms);
  }
}

static void add_solver_settings(cJSON *object, const ait_clean_settings *s, int64_t rows) {
  ait_solver_options options;
  ait_clean_solver_options(s, rows, &options);
  add_text(object, "protocol", s->protocol == AIT_PROTOCOL_PAPER ? "paper" : "user");
  add_text(object, "model", s->model.text);
  add_text(object, "activation", ait_activation_words[s->activation]);
  add_text(object, "method", s->method_name);
  add_method_settings(object, &s->method, s->ll_steps);
  cJSON_AddNumberToObject(object, "iterations", (double)s->iterations);
  cJSON_AddNumberToObject(object, "ll_steps", (double)s->ll_steps);
  cJSON_AddNumberToObject(object, "ll_rate", s->ll_rate);
  add_text(object, "ul_optimizer", ait_optimizer_words[s->ul_optimizer]);
  cJSON_AddNumberToObject(object, "ul_rate", s->ul_rate);
  cJSON_AddNumberToObject(object, "ul_gradient_scale", options.ul_optimizer.gradient_scale);
  add_text(object, "init_optimizer", ait_optimizer_words[s->init_optimizer]);
  cJSON_AddNumberToObject(object, "init_rate", s->init_rate);
  cJSON_AddNumberToObject(object, "eval_every", (double)s->eval_every);
  add_text(object, "score", ait_score_words[s->score]);
  char seed[24];
  snprintf(seed, sizeof seed, "%" PRIu64, s->seed); /* as text: a double would round it */
  cJSON_AddRawToObject(object, "seed", seed);
}

static void add_ranking(cJSON *object, const char *name, const ait_ranking *ranking) {
  cJSON *item = cJSON_AddObjectToObject(object, name);
  cJSON_AddNumberToObject(item, "found", (double)ranking->found);
  add_figure(item, "auroc", ranking->auroc);
  add_figure(item, "average_precision", ranking->average_precision);
  add_figure(item, "f1", ranking->f1);
  add_figure(item, "precision_at_100", ranking->precision_100);
  add_figure(item, "precision_at_1000", ranking->precision_1000);
}

static void add_detection(cJSON *object, const ait_run *run) {
  cJSON_AddNumberToObject(object, "flagged_rows", (double)run->flagged);
  add_text(object, "flagged_rule",
           run->data->truth != NULL ? "as many as are mislabelled" : "given label is not the suggested one");
  if (run->side_trained[AIT_SIDE_VALIDATION]) {
    cJSON_AddNumberToObject(object, "flagged_by_baseline_too", (double)run->shared_with_baseline);
  }
  if (run->data->truth == NULL) {
    return;
  }
  cJSON_AddNumberToObject(object, "mislabelled_rows", (double)run->data->mislabelled_rows);
  cJSON *rankings = cJSON_AddObjectToObject(object, "ranking");
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    add_ranking(rankings, ait_score_words[score], &run->ranking[score]);
  }
  if (run->side_trained[AIT_SIDE_VALIDATION]) {
    add_ranking(rankings, "validation_only", &run->baseline_ranking);
  }
  cJSON *clean = cJSON_AddObjectToObject(object, "clean_class_f1");
  add_figure(clean, "this_run", run->clean_f1);
  add_figure(clean, "all_clean", run->clean_f1_all_clean);
  add_figure(clean, "perfect_oracle", run->clean_f1_oracle);
}

static void add_accuracy(cJSON *object, const ait_run *run) {
  cJSON *accuracy = cJSON_AddObjectToObject(object, "test_accuracy");
  add_figure(accuracy, "y", run->accuracy_y);
  add_figure(accuracy, "z", run->accuracy_z);
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    add_figure(accuracy, ait_side_words[side], run->side_accuracy[side]);
  }
  cJSON *sides = cJSON_AddObjectToObject(object, "side_classifiers");
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    if (run->side_trained[side]) {
      cJSON *item = cJSON_AddObjectToObject(sides, ait_side_words[side]);
      cJSON_AddNumberToObject(item, "steps", (double)run->sides[side].steps);
      cJSON_AddNumberToObject(item, "rate", run->sides[side].rate);
    }
  }
  cJSON *failures = cJSON_AddObjectToObject(object, "side_failures");
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    if (run->side_failure[side][0] != '\0') {
      cJSON_AddStringToObject(failures, ait_side_words[side], run->side_failure[side]);
    }
  }
}

/* How often each kbar was chosen. */
static void add_kbar(cJSON *object, const ait_run *run) {
  cJSON *counts = cJSON_AddObjectToObject(object, "kbar_counts");
  for (int64_t k = 1; k <= run->settings->ll_steps; k++) {
    if (run->kbar_counts[k] > 0) {
      char name[24];
      snprintf(name, sizeof name, "%lld", (long long)k);
      cJSON_AddNumberToObject(counts, name, (double)run->kbar_counts[k]);
    }
  }
}

static void add_result(cJSON *object, const ait_run *run) {
  cJSON_AddNumberToObject(object, "iterations", (double)run->iterations);
  cJSON_AddBoolToObject(object, "stopped", run->stopped);
  if (run->stopped) {
    char text[64];
    snprintf(text, sizeof text, "stopped after %lld iterations", (long long)run->iterations);
    cJSON_AddStringToObject(object, "note", text);
  }
  const ait_history_row *last = &run->history.rows[run->history.count - 1];
  add_figure(object, "F_kbar", last->F_kbar);
  add_figure(object, "F_K", last->F_K);
  if (run->settings->method.hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    cJSON_AddNumberToObject(object, "negative_curvature", (double)run->curved);
  }
  add_kbar(object, run);
  add_detection(object, run);
  add_accuracy(object, run);
}

static cJSON *describe(const ait_run *run) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "program", sizeof(ait_real) == sizeof(double) ? "ait64" : "ait");
  cJSON_AddStringToObject(json, "version", ait_version());
  cJSON_AddStringToObject(json, "precision", sizeof(ait_real) == sizeof(double) ? "double" : "float");
  cJSON_AddStringToObject(json, "device", ait_context_device(run->context));
  cJSON_AddStringToObject(json, "device_description", ait_context_description(run->context));
  cJSON_AddStringToObject(json, "math", ait_math_words[run->settings->math]);
  cJSON_AddNumberToObject(json, "threads", ait_context_threads(run->context));
  cJSON *settings = cJSON_AddObjectToObject(json, "settings");
  add_data_settings(settings, run->settings, run->data);
  add_solver_settings(settings, run->settings, run->data->train_rows);
  cJSON *data = cJSON_AddObjectToObject(json, "data");
  cJSON_AddNumberToObject(data, "features", (double)run->data->features);
  cJSON_AddNumberToObject(data, "classes", run->data->classes);
  cJSON_AddStringToObject(data, "type", ait_type_name(ait_matrix_type(run->data->train)));
  add_result(cJSON_AddObjectToObject(json, "result"), run);
  cJSON *seconds = cJSON_AddObjectToObject(json, "seconds");
  cJSON_AddNumberToObject(seconds, "iterations", run->iteration_seconds);
  cJSON_AddNumberToObject(seconds, "evaluation", run->evaluation_seconds);
  return json;
}

static ait_status write_json(const ait_run *run, const ait_folder *folder) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, "run.json", path));
  cJSON *json = describe(run);
  char *text = cJSON_Print(json);
  cJSON_Delete(json);
  if (text == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to write it", path);
  }
  ait_file file;
  ait_status status = ait_file_begin(&file, path);
  if (status == AIT_OK) {
    fprintf(file.stream, "%s\n", text);
    status = ait_file_commit(&file);
  }
  cJSON_free(text);
  return status;
}

/* ---- the folder -------------------------------------------------------------------------------- */

static ait_status write_files(const ait_run *run, const ait_folder *folder) {
  AIT_TRY(write_arrays(run, folder));
  AIT_TRY(write_suspects(run, folder));
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, "history.csv", path));
  AIT_TRY(ait_history_write(&run->history, path));
  return write_json(run, folder);
}

ait_status ait_run_write(const ait_run *run, ait_folder *folder) {
  AIT_TRY(ait_folder_begin(folder));
  ait_status status = write_files(run, folder);
  if (status == AIT_OK) {
    return ait_folder_commit(folder);
  }
  ait_folder_abandon(folder);
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_fail(status, "--out %s: the run could not be written and nothing is left of it: %s", folder->target,
                  reason);
}
