/* transition_report.c - the files and the summary of a run of transition cleaning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/document.h"
#include "run/json.h"
#include "run/run.h"
#include "run/summary.h"
#include "run/transition_parts.h"

enum { SCORES = 1 + AIT_ARM_COUNT };

/* The choice of the noise model is doubtful where z is between these (docs/findings.md). */
static const double least_doubtful = 0, most_doubtful = 8;

const char *ait_transition_warning(const ait_transition_run *run, int32_t i) {
  static const char doubtful[] =
      "the given labels do not tell clearly which noise model is right; where errors depend on what a row looks like, "
      "none is, and the cheap rankings may be better: look at these and at the scores of both noise models";
  static const char unlike[] =
      "with the training rows, validation rows left out are predicted worse than without, under either noise model: "
      "errors seem to depend on what a row looks like, so the ranking is that of the validation rows alone";
  static const char learned[] =
      "labels look wrong where the classifier is sure of a row, and too few where it is not, as if it had learned "
      "those: "
      "errors seem to depend on what a row looks like, so no noise model is taken, but the mean with the validation "
      "rows' classifier; the cheap rankings may be better";
  const int32_t is_doubtful = run->z > least_doubtful && run->z < most_doubtful;
  return i > 0                               ? NULL
         : run->chosen == AIT_ARM_VALIDATION ? unlike
         : run->chosen == AIT_ARM_MEAN       ? learned
         : is_doubtful                       ? doubtful
                                             : NULL;
}

static double lambda_of(const ait_transition_arm *arm) {
  return exp((double)arm->x[0]);
}

/* e of the symmetric arm. */
static double learned_rate(const ait_transition_run *run) {
  return 1 / (1 + exp(-(double)run->arms[AIT_ARM_SYMMETRIC].x[1]));
}

/* Where nobody knows which labels are wrong, suspects.csv ends with the suggested list unless that is empty or all rows
 * are asked for. */
ait_suspects ait_transition_suspects(const ait_transition_run *run) {
  const int32_t all = run->data->truth != NULL || run->settings->all_suspects || run->suspected == 0;
  return (ait_suspects){.data = run->data,
                        .order = run->order,
                        .listed = run->suspected,
                        .written = all ? run->data->train_rows : run->suspected,
                        .given_probability = run->given_probability,
                        .suggested_probability = run->suggested_probability,
                        .suggested = run->suggested,
                        .score = run->score};
}

/* ---- run.json ---------------------------------------------------------------------------------- */

static void add_settings(cJSON *object, const ait_transition_run *run) {
  ait_document_data(object, run->settings, run->data);
  ait_document_text(object, "cleaning", "transition");
  ait_document_text(object, "model", run->settings->model.text);
  ait_document_text(object, "activation", ait_activation_words[run->settings->activation]);
  cJSON_AddNumberToObject(object, "folds", AIT_TRANSITION_FOLDS);
  ait_document_seed(object, run->settings->seed);
}

/* [x, F] a point. */
static void add_path(cJSON *object, const ait_transition_arm *arm, int32_t variables) {
  cJSON *path = cJSON_AddArrayToObject(object, "path");
  for (int64_t t = 0; t < arm->points; t++) {
    double numbers[3];
    memcpy(numbers, arm->path[t] + AIT_POINT_LOG_LAMBDA, (size_t)variables * sizeof *numbers);
    numbers[variables] = arm->path[t][AIT_POINT_F];
    ait_json_append(path, cJSON_CreateDoubleArray(numbers, variables + 1));
  }
}

static void add_arm(cJSON *object, const ait_transition_run *run, int32_t kind) {
  const ait_transition_arm *arm = &run->arms[kind];
  const int64_t classes = run->data->classes;
  cJSON *item = cJSON_AddObjectToObject(object, ait_transition_arm_words[kind]);
  cJSON_AddNumberToObject(item, "ul_iterations", (double)arm->iterations);
  ait_document_figure(item, "lambda", kind != AIT_ARM_MEAN ? lambda_of(arm) : NAN);
  ait_document_figure(item, "noise_rate", kind == AIT_ARM_SYMMETRIC ? learned_rate(run) : NAN);
  cJSON_AddNumberToObject(item, "estimated_noise_rate", arm->rate);
  ait_document_figure(item, "dependence_z", kind < AIT_ARM_MODELS ? arm->dependence : NAN);
  cJSON_AddNumberToObject(item, "held_out_cross_entropy_before", arm->before);
  cJSON_AddNumberToObject(item, "held_out_cross_entropy", arm->after);
  add_path(item, arm, kind == AIT_ARM_SYMMETRIC ? 2 : 1);
  cJSON *model = cJSON_AddArrayToObject(item, "noise_model");
  for (int64_t c = 0; c < classes; c++) {
    ait_json_append(model, cJSON_CreateDoubleArray(arm->chances + c * classes, (int)classes));
  }
  if (run->data->truth != NULL) {
    ait_document_ranking(item, "ranking", &arm->figures);
  }
}

static void add_detection(cJSON *object, const ait_transition_run *run) {
  ait_sides_describe_flagged(&run->sides, run->data, run->flagged, object);
  if (run->data->truth != NULL) {
    cJSON *rankings = cJSON_AddObjectToObject(object, "ranking");
    ait_document_ranking(rankings, "transition", &run->figures);
    ait_sides_describe_ranking(&run->sides, rankings);
  }
  cJSON *accuracy = cJSON_AddObjectToObject(object, "test_accuracy");
  ait_document_figure(accuracy, "transition", run->accuracy);
  ait_sides_describe(&run->sides, accuracy, object);
}

static void add_result(cJSON *object, const ait_transition_run *run) {
  cJSON_AddNumberToObject(object, "feature_factor", run->factor);
  cJSON_AddNumberToObject(object, "validation_noise_rate", run->clean_rate);
  cJSON *arms = cJSON_AddObjectToObject(object, "arms");
  for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
    add_arm(arms, run, kind);
  }
  cJSON_AddNumberToObject(object, "z", run->z);
  cJSON_AddNumberToObject(object, "held_out_z", run->held_out_z);
  ait_document_text(object, "likelier", ait_transition_arm_words[run->likelier]);
  ait_document_text(object, "chosen", ait_transition_arm_words[run->chosen]);
  cJSON_AddNumberToObject(object, "noise_rate", run->arms[run->chosen].rate);
  cJSON_AddNumberToObject(object, "negative_curvature", (double)run->curved);
  cJSON *warnings = cJSON_AddArrayToObject(object, "warnings");
  for (int32_t i = 0; ait_transition_warning(run, i) != NULL; i++) {
    ait_json_append(warnings, cJSON_CreateString(ait_transition_warning(run, i)));
  }
  char sentence[AIT_DATA_SENTENCE];
  if (ait_validation_check_warning(&run->validation_check, sentence)) {
    ait_json_append(warnings, cJSON_CreateString(sentence));
  }
  add_detection(object, run);
  const ait_listed listed = ait_transition_listed(run);
  ait_calibration_describe(&run->calibration, &listed, object);
  ait_validation_check_describe(&run->validation_check, object);
  ait_label_table_describe(&run->labels, object);
}

static ait_status write_json(const ait_transition_run *run, const ait_folder *folder) {
  cJSON *json = ait_json_begin();
  ait_document_program(json, run->context, run->settings->math);
  add_settings(cJSON_AddObjectToObject(json, "settings"), run);
  ait_document_rows(json, run->data);
  ait_data_checks_describe(run->data, json);
  cJSON_AddNullToObject(json, "trajectory"); /* none is stored */
  add_result(cJSON_AddObjectToObject(json, "result"), run);
  cJSON *seconds = cJSON_AddObjectToObject(json, "seconds");
  cJSON_AddNumberToObject(seconds, "cleaning", run->seconds);
  cJSON_AddNumberToObject(seconds, "evaluation", run->evaluation_seconds);
  const ait_status status = ait_document_write(json, folder, "run.json");
  cJSON_Delete(json);
  return status;
}

/* ---- the folder -------------------------------------------------------------------------------- */

/* N x 5: the final score, and those of the arms before the last solution. */
static ait_status write_scores(const ait_transition_run *run, const ait_folder *folder) {
  const int64_t n = run->data->train_rows;
  double *scores = malloc((size_t)(n * SCORES) * sizeof *scores);
  if (scores == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scores of %lld rows", (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    scores[i * SCORES] = run->score[i];
    for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
      scores[i * SCORES + 1 + kind] = run->arms[kind].score[i];
    }
  }
  const ait_status status = ait_document_array(folder, "scores.npy", AIT_F64, n, SCORES, scores);
  free(scores);
  return status;
}

/* The classifiers of the rows as they are: of the first layer, W factor (u - mean) + b = V u + (b - V mean) with
 * V = factor W. */
static ait_status write_classifiers(const ait_transition_run *run, const ait_folder *folder) {
  const ait_type real_type = sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32;
  const int64_t outputs = run->sizes[1], features = run->data->features;
  const size_t bytes = (size_t)(AIT_TRANSITION_FOLDS * run->m) * sizeof(ait_real);
  ait_real *y = malloc(bytes);
  if (y == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %d classifiers", AIT_TRANSITION_FOLDS);
  }
  memcpy(y, run->y, bytes);
  for (int64_t k = 0; k < AIT_TRANSITION_FOLDS * outputs; k++) {
    ait_real *row = y + k / outputs * run->m + k % outputs * features;
    double moved = 0;
    for (int64_t j = 0; j < features; j++) {
      row[j] *= (ait_real)run->factor;
      moved += (double)row[j] * run->means[j];
    }
    y[k / outputs * run->m + outputs * features + k % outputs] -= (ait_real)moved;
  }
  const ait_status status = ait_document_array(folder, "y.npy", real_type, AIT_TRANSITION_FOLDS, run->m, y);
  free(y);
  return status;
}

ait_status ait_transition_write_files(const ait_transition_run *run, const ait_folder *folder) {
  const ait_type real_type = sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32;
  const ait_suspects suspects = ait_transition_suspects(run);
  AIT_TRY(ait_document_array(folder, "weights.npy", real_type, run->data->train_rows, 1, run->weights));
  AIT_TRY(write_classifiers(run, folder));
  AIT_TRY(write_scores(run, folder));
  AIT_TRY(ait_transition_write_history(run, folder));
  AIT_TRY(ait_document_suspects(&suspects, folder));
  AIT_TRY(ait_calibration_write(&run->calibration, folder));
  AIT_TRY(ait_validation_check_write(&run->validation_check, run->data, folder));
  return write_json(run, folder);
}

/* ---- summary ----------------------------------------------------------------------------------- */

static void print_choice(const ait_transition_run *run, FILE *out) {
  fprintf(
      out,
      "  The full one is taken where it makes the given labels likelier, out of fold, by z > %d; here z = %.1f (on\n"
      "  validation rows left out: %.1f). The mean is, where wrong labels pile up in rows that the classifier is sure\n"
      "  of, by z > %d; here z = %.1f. The e that trains best is no estimate; estimated share of wrong labels: %.3f\n",
      AIT_TRANSITION_CERTAIN_Z, run->z, run->held_out_z, AIT_TRANSITION_CERTAIN_Z, run->arms[run->likelier].dependence,
      run->arms[run->chosen].rate);
}

static void print_arms(const ait_transition_run *run, FILE *out) {
  const ait_transition_arm *symmetric = &run->arms[AIT_ARM_SYMMETRIC], *full = &run->arms[AIT_ARM_FULL];
  const ait_transition_arm *none = &run->arms[AIT_ARM_VALIDATION], *mean = &run->arms[AIT_ARM_MEAN];
  fprintf(out, "\nNoise models (cross-entropy of held-out validation rows before and after the UL iterations)\n");
  fprintf(out, "  symmetric   %.4f  %.4f   lambda %.2g, e %.3f%s\n", symmetric->before, symmetric->after,
          lambda_of(symmetric), learned_rate(run), run->chosen == AIT_ARM_SYMMETRIC ? "   (taken)" : "");
  fprintf(out, "  full        %.4f  %.4f   lambda %.2g%s\n", full->before, full->after, lambda_of(full),
          run->chosen == AIT_ARM_FULL ? "   (taken)" : "");
  fprintf(out, "  none        %.4f           lambda %.2g, validation rows alone%s\n", none->before, lambda_of(none),
          run->chosen == AIT_ARM_VALIDATION ? "   (taken)" : "");
  fprintf(out, "  mean        %.4f           of the symmetric one and validation rows alone%s\n", mean->before,
          run->chosen == AIT_ARM_MEAN ? "   (taken)" : "");
  print_choice(run, out);
  for (int32_t i = 0; ait_transition_warning(run, i) != NULL; i++) {
    ait_summary_warning(ait_transition_warning(run, i), out);
  }
  char sentence[AIT_DATA_SENTENCE];
  if (ait_validation_check_warning(&run->validation_check, sentence)) {
    ait_summary_warning(sentence, out);
  }
}

static void print_rankings(const ait_transition_run *run, FILE *out) {
  ait_summary_ranking_heading(run->flagged, out);
  ait_summary_ranking("transition cleaning (used)", &run->figures, out);
  ait_summary_ranking("symmetric noise model alone", &run->arms[AIT_ARM_SYMMETRIC].figures, out);
  ait_summary_ranking("full noise model alone", &run->arms[AIT_ARM_FULL].figures, out);
  ait_sides_print_rankings(&run->sides, out);
  ait_sides_print_verdict(&run->sides, run->figures.auroc, out);
}

static void print_suspects(const ait_transition_run *run, FILE *out) {
  const ait_listed listed = ait_transition_listed(run);
  fprintf(out, "\nSuspects: %lld of %lld rows carry a label that is less likely than another\n",
          (long long)run->suspected, (long long)run->data->train_rows);
  ait_calibration_print(&run->calibration, &listed, out);
}

static void print_disagreement(const ait_transition_run *run, FILE *out) {
  ait_label_table_print(&run->labels, run->data, out);
  ait_sides_print_agreement(&run->sides, run->flagged, out);
}

static void print_accuracies(const ait_transition_run *run, FILE *out) {
  if (run->data->test == NULL) {
    return;
  }
  ait_summary_accuracy_heading(out);
  ait_summary_accuracy("this run, mean of the folds' classifiers", run->accuracy, out);
  ait_sides_print_accuracies(&run->sides, run->data, run->flagged, out);
}

void ait_transition_print(const ait_transition_run *run, const char *folder, FILE *out) {
  const ait_suspects suspects = ait_transition_suspects(run);
  ait_summary_data(run->settings, run->data, out);
  fprintf(out, "Run     transition cleaning, %s classifier, %d folds, in %.1f s", run->settings->model.text,
          AIT_TRANSITION_FOLDS, run->seconds);
  ait_summary_device(run->context, run->settings->math, out);
  print_arms(run, out);
  if (run->data->mislabelled_rows > 0) {
    print_rankings(run, out);
  }
  print_suspects(run, out);
  if (run->data->truth == NULL) {
    print_disagreement(run, out);
  }
  print_accuracies(run, out);
  ait_sides_print_failures(&run->sides, out);
  ait_summary_examples(&suspects, out);
  fprintf(out, "\nFiles in %s: suspects.csv (%s row%s, most suspect first), run.json (settings and figures),\n", folder,
          suspects.written < run->data->train_rows ? "these" : "every",
          suspects.written < run->data->train_rows ? "s" : "");
  fprintf(out,
          "  scores.npy (final, symmetric, full, validation, mean), weights.npy (chances that labels are right), y.npy "
          "(%d folds),\n  history.csv (UL iterations), calibration.csv (what lists of other lengths are expected to "
          "hold)%s\n",
          AIT_TRANSITION_FOLDS, run->validation_check.contradicted > 0 ? ", validation_suspects.csv" : "");
}
