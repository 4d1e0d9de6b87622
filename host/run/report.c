/* report.c - the files of a run folder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/document.h"
#include "run/json.h"
#include "run/run.h"
#include "run/storage.h"
#include "solver/access.h"

static const ait_type real_type = sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32;

/* ---- arrays ------------------------------------------------------------------------------------ */

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
  ait_status status = ait_document_array(folder, "weights.npy", real_type, n, 1, weights);
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
  ait_status status = ait_document_array(folder, "scores.npy", AIT_F64, n, AIT_SCORE_COUNT, scores);
  free(scores);
  return status;
}

static ait_status write_arrays(const ait_run *run, const ait_folder *folder) {
  AIT_TRY(write_weights(run, folder));
  AIT_TRY(ait_document_array(folder, "y.npy", real_type, run->m, 1, run->y));
  AIT_TRY(ait_document_array(folder, "z.npy", real_type, run->m, 1, run->z));
  return write_scores(run, folder);
}

/* As ait_transition_suspects does, the file ends with the suggested list where nobody knows which labels are wrong and
 * planted rows tell what the list is worth. */
ait_suspects ait_run_suspects(const ait_run *run) {
  const ait_clean_data *d = run->data;
  const int32_t ends = d->aside.planted > 0 && d->truth == NULL && !run->settings->all_suspects && run->suspected > 0;
  return (ait_suspects){.data = d,
                        .order = run->order,
                        .listed = run->suspected,
                        .written = ends ? run->suspected : d->train_rows,
                        .given_probability = run->given_probability,
                        .suggested_probability = run->suggested_probability,
                        .suggested = run->suggested,
                        .score = run->scores[run->settings->score],
                        .x = run->x};
}

/* ---- run.json ---------------------------------------------------------------------------------- */

static void add_mapping(cJSON *object, const ait_method *method) {
  const ait_proximal *r = &method->proximal;
  ait_document_text(object, "mapping", ait_mapping_words[method->mapping]);
  if (method->mapping == AIT_MAPPING_AGGREGATE) {
    cJSON_AddNumberToObject(object, "bda_mu", method->aggregate.mu);
    cJSON_AddNumberToObject(object, "bda_decay", method->aggregate.decay);
  }
  if (r->kind == AIT_PROX_NONE) {
    return;
  }
  ait_document_text(object, "prox", ait_prox_words[r->kind - 1]);
  if (r->kind == AIT_PROX_BOX) {
    cJSON_AddNumberToObject(object, "prox_lower", r->lower);
    cJSON_AddNumberToObject(object, "prox_upper", r->upper);
    return;
  }
  cJSON_AddNumberToObject(object, "prox_weight", r->weight);
  if (r->kind == AIT_PROX_ELASTIC_NET) {
    cJSON_AddNumberToObject(object, "prox_l2_weight", r->l2_weight);
  }
}

/* What the method is a bundle of. */
static void add_choices(cJSON *object, const ait_method *method, int64_t ll_steps) {
  ait_document_text(object, "initialisation", ait_initialisation_words[method->initialisation]);
  ait_document_text(object, "truncation", ait_truncation_words[method->truncation]);
  if (method->truncation == AIT_TRUNCATION_LAST) {
    const int64_t last = method->last_steps > 0 ? method->last_steps : (ll_steps + 1) / 2;
    cJSON_AddNumberToObject(object, "last_steps", (double)last);
  }
  add_mapping(object, method);
  cJSON_AddBoolToObject(object, "nesterov", method->nesterov);
  ait_document_text(object, "hypergradient", ait_hypergradient_words[method->hypergradient]);
}

/* The settings that the method reads. */
static void add_method_settings(cJSON *object, const ait_clean_settings *s) {
  const ait_method *method = &s->method;
  const ait_conjugate_gradient *cg = &method->conjugate_gradient;
  add_choices(object, method, s->ll_steps);
  if (method->mapping == AIT_MAPPING_LBFGS) {
    cJSON_AddNumberToObject(object, "ll_tolerance", method->lbfgs.tolerance);
    cJSON_AddNumberToObject(object, "lbfgs_history", (double)ait_lbfgs_history(method));
  }
  if (method->hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    cJSON_AddNumberToObject(object, "cg_iterations", (double)(cg->iterations > 0 ? cg->iterations : s->ll_steps));
    cJSON_AddNumberToObject(object, "cg_tolerance", cg->tolerance);
    cJSON_AddNumberToObject(object, "cg_damping", cg->damping);
    ait_document_text(object, "cg_negative_curvature", ait_negative_curvature_words[cg->negative_curvature]);
    ait_document_text(object, "cg_preconditioner", ait_preconditioner_words[cg->preconditioner]);
  }
  if (method->hypergradient == AIT_HYPERGRADIENT_NEUMANN) {
    const int64_t terms = method->neumann_terms > 0 ? method->neumann_terms : s->ll_steps;
    cJSON_AddNumberToObject(object, "neumann_terms", (double)terms);
  }
  if (method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES) {
    cJSON_AddNumberToObject(object, "fd_epsilon", ait_difference_epsilon(method));
  }
  if (method->prior_weight > 0) {
    cJSON_AddNumberToObject(object, "prior_weight", method->prior_weight);
    ait_document_text(object, "prior", s->method_settings.prior != NULL ? s->method_settings.prior : "initial");
  }
}

static void add_solver_settings(cJSON *object, const ait_clean_settings *s, int64_t rows) {
  ait_solver_options options;
  ait_clean_solver_options(s, rows, &options);
  ait_document_text(object, "cleaning", ait_cleaning_words[AIT_CLEANING_WEIGHTS]);
  ait_document_text(object, "protocol", s->protocol == AIT_PROTOCOL_PAPER ? "paper" : "user");
  ait_document_text(object, "model", s->model.text);
  ait_document_text(object, "activation", ait_activation_words[s->activation]);
  ait_document_text(object, "method", s->method_name);
  add_method_settings(object, s);
  cJSON_AddNumberToObject(object, "iterations", (double)s->iterations);
  cJSON_AddNumberToObject(object, "ll_steps", (double)s->ll_steps);
  cJSON_AddNumberToObject(object, "ll_rate", s->ll_rate);
  ait_document_text(object, "ll_rate_rule", s->ll_rate_auto ? "auto" : "fixed");
  if (s->ll_rate_auto) {
    cJSON_AddNumberToObject(object, "ll_curvature", s->ll_curvature);
  }
  if (s->lq_weight != -1) {
    cJSON_AddNumberToObject(object, "lq_weight", s->lq_weight);
    cJSON_AddNumberToObject(object, "lq_q", s->lq_q);
    cJSON_AddNumberToObject(object, "lq_epsilon", s->lq_epsilon);
  }
  ait_document_text(object, "ul_optimizer", ait_optimizer_words[s->ul_optimizer]);
  cJSON_AddNumberToObject(object, "ul_rate", s->ul_rate);
  cJSON_AddNumberToObject(object, "ul_gradient_scale", options.ul_optimizer.gradient_scale);
  ait_document_text(object, "init_optimizer", ait_optimizer_words[s->init_optimizer]);
  cJSON_AddNumberToObject(object, "init_rate", s->init_rate);
  cJSON_AddNumberToObject(object, "eval_every", (double)s->eval_every);
  ait_document_figure(object, "plant", s->plant > 0 ? s->plant : NAN);
  ait_document_figure(object, "hold_out", s->hold_out > 0 ? s->hold_out : NAN);
  ait_document_figure(object, "patience", s->hold_out > 0 ? (double)s->patience : NAN);
  ait_document_figure(object, "memory", s->memory > 0 ? (double)s->memory : NAN);
  ait_document_text(object, "score", ait_score_words[s->score]);
  ait_document_seed(object, s->seed);
}

/* Validation rows that F does not see. */
static void add_aside(cJSON *object, const ait_aside *aside) {
  cJSON_AddNumberToObject(object, "planted_rows", (double)aside->planted);
  cJSON_AddNumberToObject(object, "planted_rows_with_wrong_labels", (double)aside->flipped);
  cJSON_AddNumberToObject(object, "held_out_rows", (double)aside->held_out);
}

static void add_detection(cJSON *object, const ait_run *run) {
  ait_sides_describe_flagged(&run->sides, run->data, run->flagged, object);
  if (run->data->truth == NULL) {
    return;
  }
  cJSON *rankings = cJSON_AddObjectToObject(object, "ranking");
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    ait_document_ranking(rankings, ait_score_words[score], &run->ranking[score]);
  }
  ait_sides_describe_ranking(&run->sides, rankings);
  cJSON *clean = cJSON_AddObjectToObject(object, "clean_class_f1");
  ait_document_figure(clean, "this_run", run->clean_f1);
  ait_document_figure(clean, "all_clean", run->clean_f1_all_clean);
  ait_document_figure(clean, "perfect_oracle", run->clean_f1_oracle);
}

static void add_accuracy(cJSON *object, const ait_run *run) {
  cJSON *accuracy = cJSON_AddObjectToObject(object, "test_accuracy");
  ait_document_figure(accuracy, "y", run->accuracy_y);
  ait_document_figure(accuracy, "z", run->accuracy_z);
  ait_sides_describe(&run->sides, accuracy, object);
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

/* Which iterate is written where it need not be the last. */
static void add_early_stopping(cJSON *object, const ait_run *run) {
  if (run->early.iteration == 0) {
    return;
  }
  cJSON *item = cJSON_AddObjectToObject(object, "early_stopping");
  cJSON_AddBoolToObject(item, "ended_early",
                        ait_early_is_over(&run->early) && run->iterations < run->settings->iterations);
  cJSON_AddNumberToObject(item, "written_iteration", (double)run->early.iteration);
  cJSON_AddNumberToObject(item, "held_out_loss", run->early.loss);
}

/* What planted rows tell, and why there are none where they were to be. */
static void add_calibration(cJSON *object, const ait_run *run) {
  const ait_aside *aside = &run->data->aside;
  const ait_suspects suspects = ait_run_suspects(run);
  const ait_listed listed = ait_listed_of(&suspects);
  ait_calibration_describe(&run->calibration, &listed, object);
  if (aside->without[0] != '\0') {
    ait_document_text(object, "no_rows_planted", aside->without);
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
  add_early_stopping(object, run);
  const ait_history_row *last = &run->history.rows[ait_run_written_iteration(run) - 1];
  ait_document_figure(object, "F_kbar", last->F_kbar);
  ait_document_figure(object, "F_K", last->F_K);
  if (run->settings->method.hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    cJSON_AddNumberToObject(object, "negative_curvature", (double)run->curved);
  }
  if (run->settings->method.mapping == AIT_MAPPING_LBFGS) {
    cJSON_AddNumberToObject(object, "ll_residual", run->ll_residual);
    cJSON_AddNumberToObject(object, "ll_unsolved", (double)run->ll_unsolved);
  }
  add_kbar(object, run);
  add_detection(object, run);
  add_calibration(object, run);
  ait_label_table_describe(&run->labels, object);
  add_accuracy(object, run);
}

static cJSON *describe(const ait_run *run) {
  cJSON *json = ait_json_begin();
  ait_document_program(json, run->context, run->settings->math);
  cJSON *settings = cJSON_AddObjectToObject(json, "settings");
  ait_document_data(settings, run->settings, run->data);
  add_solver_settings(settings, run->settings, run->n);
  add_aside(settings, &run->data->aside);
  ait_document_rows(json, run->data);
  ait_data_checks_describe(run->data, json);
  ait_storage_write(&run->trajectory, json);
  add_result(cJSON_AddObjectToObject(json, "result"), run);
  cJSON *seconds = cJSON_AddObjectToObject(json, "seconds");
  cJSON_AddNumberToObject(seconds, "iterations", run->iteration_seconds);
  cJSON_AddNumberToObject(seconds, "evaluation", run->evaluation_seconds);
  return json;
}

static ait_status write_json(const ait_run *run, const ait_folder *folder) {
  cJSON *json = describe(run);
  ait_status status = ait_document_write(json, folder, "run.json");
  cJSON_Delete(json);
  return status;
}

/* ---- the folder -------------------------------------------------------------------------------- */

ait_status ait_run_write_files(const ait_run *run, const ait_folder *folder) {
  AIT_TRY(write_arrays(run, folder));
  const ait_suspects suspects = ait_run_suspects(run);
  AIT_TRY(ait_document_suspects(&suspects, folder));
  AIT_TRY(ait_calibration_write(&run->calibration, folder));
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, "history.csv", path));
  AIT_TRY(ait_history_write(&run->history, path));
  AIT_TRY(ait_folder_path(folder, "seconds.csv", path));
  AIT_TRY(ait_history_write_seconds(&run->history, path));
  return write_json(run, folder);
}
