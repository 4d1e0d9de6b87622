/* case.c - reference cases: a problem, a point and the hyper-gradients expected there. */
#include "run/case.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ait/ait.h"
#include "context/error.h"
#include "data/matrix.h"
#include "run/json.h"
#include "run/settings.h"
#include "solver/access.h"

/* Sizes beyond this are mistakes, and their products would not fit into 64 bits. */
enum { MAX_LAYERS = 16, LARGEST_SIZE = 1 << 24 };

struct ait_case {
  ait_context *context;
  char directory[PATH_MAX];
  char path[PATH_MAX]; /* of case.json, for sentences */
  cJSON *json;
  const cJSON *methods; /* part of json */
  ait_problem *problem;
  ait_matrix *train, *validation;            /* as stored: batch entries as rows where there is a batch axis */
  ait_matrix *views[2 * AIT_CASE_MAX_BATCH]; /* the entries' own rows: training, validation, training, ... */
  int32_t *train_labels, *validation_labels; /* the entries' labels end to end */
  ait_real *x, *z;
  int64_t ll_steps;
  double ll_rate;
};

/* ---- arrays ------------------------------------------------------------------------------------ */

static ait_status open_array(const ait_case *c, const char *name, ait_matrix **matrix) {
  char path[PATH_MAX + 64];
  snprintf(path, sizeof path, "%s/%s.npy", c->directory, name);
  return ait_matrix_open_npy(path, matrix);
}

/* Reads an array as doubles; `*count` is what must be there, or -1 for whatever there is. */
static ait_status read_array(const ait_case *c, const char *name, int64_t *count, double **values) {
  ait_matrix *matrix;
  AIT_TRY(open_array(c, name, &matrix));
  int64_t rows = ait_matrix_rows(matrix), columns = ait_matrix_columns(matrix), there = rows * columns;
  ait_status status = AIT_OK;
  double *read = malloc((size_t)(there > 0 ? there : 1) * sizeof *read);
  if (read == NULL) {
    status = ait_fail(AIT_OUT_OF_MEMORY, "%s/%s.npy: no memory for %lld numbers", c->directory, name, (long long)there);
  } else if (*count >= 0 && there != *count) {
    status = ait_fail(AIT_BAD_DATA, "%s/%s.npy: holds %lld numbers; expected %lld", c->directory, name,
                      (long long)there, (long long)*count);
  }
  for (int64_t i = 0; status == AIT_OK && i < there; i++) {
    read[i] = ait_matrix_value(matrix, i / columns, i % columns);
  }
  ait_matrix_destroy(matrix);
  if (status != AIT_OK) {
    free(read);
    return status;
  }
  *count = there;
  *values = read;
  return AIT_OK;
}

/* The same, rounded to ait_real. */
static ait_status read_reals(const ait_case *c, const char *name, int64_t count, ait_real **reals) {
  double *values;
  AIT_TRY(read_array(c, name, &count, &values));
  *reals = malloc((size_t)count * sizeof **reals);
  for (int64_t i = 0; *reals != NULL && i < count; i++) {
    (*reals)[i] = (ait_real)values[i];
  }
  free(values);
  return *reals != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %s", c->directory, name);
}

static ait_status read_labels(const ait_case *c, const char *name, int64_t count, int32_t **labels) {
  double *values;
  AIT_TRY(read_array(c, name, &count, &values));
  *labels = malloc((size_t)count * sizeof **labels);
  ait_status status =
      *labels != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %s", c->directory, name);
  for (int64_t i = 0; status == AIT_OK && i < count; i++) {
    if (!(values[i] >= 0 && values[i] <= INT32_MAX && floor(values[i]) == values[i])) {
      status = ait_fail(AIT_BAD_DATA, "%s/%s.npy: label %lld is %g; expected a whole number from 0", c->directory, name,
                        (long long)i, values[i]);
      break;
    }
    (*labels)[i] = (int32_t)values[i];
  }
  free(values);
  return status;
}

/* ---- hyper-cleaning cases ---------------------------------------------------------------------- */

static ait_status read_network(const ait_case *c, int64_t *sizes, ait_network *network) {
  const cJSON *layers = cJSON_GetObjectItemCaseSensitive(c->json, "layers");
  int count = cJSON_GetArraySize(layers);
  if (!cJSON_IsArray(layers) || count < 2 || count > MAX_LAYERS) {
    return ait_fail(AIT_BAD_DATA, "%s: expected \"layers\", a list of 2 to %d sizes", c->path, MAX_LAYERS);
  }
  for (int i = 0; i < count; i++) {
    const cJSON *size = cJSON_GetArrayItem(layers, i);
    if (!cJSON_IsNumber(size) || !(size->valuedouble >= 1 && size->valuedouble <= LARGEST_SIZE)) {
      return ait_fail(AIT_BAD_DATA, "%s: layer size %d: expected a number from 1 to %d", c->path, i, LARGEST_SIZE);
    }
    sizes[i] = (int64_t)size->valuedouble;
  }
  const char *word;
  AIT_TRY(ait_json_string(c->json, "activation", c->path, &word));
  for (int i = 0; ait_activation_words[i] != NULL; i++) {
    if (strcmp(word, ait_activation_words[i]) == 0) {
      *network = (ait_network){.layers = count - 1, .sizes = sizes, .activation = (ait_activation)i};
      return AIT_OK;
    }
  }
  return ait_fail(AIT_BAD_DATA, "%s: activation \"%s\"; expected none, relu or tanh", c->path, word);
}

/* Gives the columns the scale that case.json asks for. */
static ait_status set_pixel_scale(const ait_case *c, ait_matrix *matrix) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->json, "pixel_scale");
  if (item == NULL || cJSON_IsNull(item)) {
    return AIT_OK;
  }
  if (!cJSON_IsString(item) || strcmp(item->valuestring, "1/255") != 0) {
    return ait_fail(AIT_BAD_DATA, "%s: pixel_scale may only be \"1/255\"", c->path);
  }
  return ait_matrix_scale_pixels(matrix);
}

/* A view of entry b of `batch` of a stored array, as rows of `features` columns. */
static ait_status view_entry(const ait_case *c, const ait_matrix *stored, int64_t batch, int64_t b, int64_t features,
                             ait_matrix **view) {
  int64_t all = ait_matrix_rows(stored) * ait_matrix_columns(stored);
  int64_t rows = all / (batch * features);
  if (rows < 1 || rows * batch * features != all) {
    return ait_fail(AIT_BAD_DATA, "%s: %lld stored numbers do not make %lld sets of rows of %lld features",
                    c->directory, (long long)all, (long long)batch, (long long)features);
  }
  ait_type type = ait_matrix_type(stored);
  const char *data = ait_matrix_data(stored);
  data += (size_t)b * (size_t)(rows * features) * ait_type_size(type);
  AIT_TRY(ait_matrix_view(type, rows, features, features, data, view));
  return set_pixel_scale(c, *view);
}

static ait_status make_entries(ait_case *c, int64_t batch, int64_t features, ait_cleaning_entry *entries) {
  for (int64_t b = 0; b < batch; b++) {
    ait_matrix **view = c->views + 2 * b;
    AIT_TRY(view_entry(c, c->train, batch, b, features, &view[0]));
    AIT_TRY(view_entry(c, c->validation, batch, b, features, &view[1]));
    entries[b].train = view[0];
    entries[b].validation = view[1];
  }
  int64_t train = ait_matrix_rows(entries[0].train), validation = ait_matrix_rows(entries[0].validation);
  AIT_TRY(read_labels(c, "train_labels", batch * train, &c->train_labels));
  AIT_TRY(read_labels(c, "val_labels", batch * validation, &c->validation_labels));
  for (int64_t b = 0; b < batch; b++) {
    entries[b].train_labels = c->train_labels + b * train;
    entries[b].validation_labels = c->validation_labels + b * validation;
  }
  return AIT_OK;
}

static ait_status open_cleaning(ait_case *c) {
  int64_t sizes[MAX_LAYERS];
  ait_network network;
  AIT_TRY(read_network(c, sizes, &network));
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->json, "batch");
  int64_t batch = 1;
  if (item != NULL && !cJSON_IsNull(item)) {
    AIT_TRY(ait_json_whole(c->json, "batch", c->path, 1, AIT_CASE_MAX_BATCH, &batch));
  }
  AIT_TRY(open_array(c, "train_images", &c->train));
  AIT_TRY(open_array(c, "val_images", &c->validation));
  ait_cleaning_entry entries[AIT_CASE_MAX_BATCH];
  AIT_TRY(make_entries(c, batch, sizes[0], entries));
  return ait_problem_create_cleaning(c->context, &network, batch, entries, &c->problem);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static ait_status open_sinusoid(ait_case *c) {
  double a;
  AIT_TRY(ait_json_number(c->json, "a", c->path, &a));
  double *phases;
  int64_t m = -1;
  AIT_TRY(read_array(c, "c", &m, &phases));
  ait_status status = ait_problem_create_sinusoid(c->context, m, a, phases, &c->problem);
  free(phases);
  return status;
}

static ait_status open_problem(ait_case *c) {
  const char *name;
  AIT_TRY(ait_json_string(c->json, "problem", c->path, &name));
  if (strcmp(name, "clean") == 0) {
    return open_cleaning(c);
  }
  if (strcmp(name, "sin_high") == 0) {
    return open_sinusoid(c);
  }
  if (strcmp(name, "convex13") == 0) {
    int64_t n;
    AIT_TRY(ait_json_whole(c->json, "n", c->path, 1, LARGEST_SIZE, &n));
    return ait_problem_create_convex(c->context, n, &c->problem);
  }
  return ait_fail(AIT_BAD_DATA, "%s: problem \"%s\"; expected clean, convex13 or sin_high", c->path, name);
}

static ait_status set_box(ait_case *c) {
  const cJSON *box = cJSON_GetObjectItemCaseSensitive(c->json, "box");
  if (box == NULL || cJSON_IsNull(box)) {
    return AIT_OK;
  }
  const cJSON *lower = cJSON_GetArrayItem(box, 0), *upper = cJSON_GetArrayItem(box, 1);
  if (cJSON_GetArraySize(box) != 2 || !cJSON_IsNumber(lower) || !cJSON_IsNumber(upper)) {
    return ait_fail(AIT_BAD_DATA, "%s: expected \"box\" to be [lower, upper]", c->path);
  }
  return ait_problem_bound_y(c->problem, lower->valuedouble, upper->valuedouble);
}

static ait_status fill_case(ait_case *c) {
  AIT_TRY(ait_json_read(c->path, &c->json));
  AIT_TRY(ait_json_whole(c->json, "ll_steps", c->path, 1, LARGEST_SIZE, &c->ll_steps));
  AIT_TRY(ait_json_number(c->json, "ll_step_size", c->path, &c->ll_rate));
  c->methods = cJSON_GetObjectItemCaseSensitive(c->json, "methods");
  if (!cJSON_IsObject(c->methods)) {
    return ait_fail(AIT_BAD_DATA, "%s: expected an object called \"methods\"", c->path);
  }
  AIT_TRY(open_problem(c));
  AIT_TRY(set_box(c));
  AIT_TRY(read_reals(c, "x", ait_problem_n(c->problem), &c->x));
  return read_reals(c, "z", ait_problem_batch(c->problem) * ait_problem_m(c->problem), &c->z);
}

ait_status ait_case_open(ait_context *context, const char *directory, ait_case **opened) {
  ait_case *c = calloc(1, sizeof *c);
  if (c == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for a case", directory);
  }
  c->context = context;
  int length = snprintf(c->directory, sizeof c->directory, "%s", directory);
  int path_length = snprintf(c->path, sizeof c->path, "%s/case.json", directory);
  ait_status status = AIT_OK;
  if (length >= (int)sizeof c->directory || path_length >= (int)sizeof c->path) {
    status = ait_fail(AIT_INVALID_ARGUMENT, "the path of the case is longer than %d characters", PATH_MAX);
  } else {
    status = fill_case(c);
  }
  if (status != AIT_OK) {
    ait_case_close(c);
    return status;
  }
  *opened = c;
  return AIT_OK;
}

void ait_case_close(ait_case *c) {
  if (c == NULL) {
    return;
  }
  ait_problem_destroy(c->problem);
  for (int i = 0; i < 2 * AIT_CASE_MAX_BATCH; i++) {
    ait_matrix_destroy(c->views[i]);
  }
  ait_matrix_destroy(c->train);
  ait_matrix_destroy(c->validation);
  free(c->train_labels);
  free(c->validation_labels);
  free(c->x);
  free(c->z);
  cJSON_Delete(c->json);
  free(c);
}

int32_t ait_case_methods(const ait_case *c) {
  return cJSON_GetArraySize(c->methods);
}

double ait_case_tolerance(void) {
  return sizeof(ait_real) == sizeof(double) ? 1e-9 : 2e-5;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* The numbers of a method that a case gives. The case's Neumann series goes up to the power M. */
static ait_status read_method_numbers(const ait_case *c, const cJSON *item, ait_method *method) {
  const struct {
    const char *key;
    int64_t most, *value;
  } numbers[] = {{"T", c->ll_steps, &method->last_steps},
                 {"cg", LARGEST_SIZE, &method->conjugate_gradient.iterations},
                 {"neumann", LARGEST_SIZE, &method->neumann_terms}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(item, numbers[i].key);
    if (number != NULL && !cJSON_IsNull(number)) {
      AIT_TRY(ait_json_whole(item, numbers[i].key, c->path, 0, numbers[i].most, numbers[i].value));
    }
  }
  method->neumann_terms += method->hypergradient == AIT_HYPERGRADIENT_NEUMANN;
  method->conjugate_gradient.tolerance = 0;
  return AIT_OK;
}

/* Where the case has a prox, steps of every method end in it. */
static ait_status read_prox(const ait_case *c, ait_method *method) {
  const cJSON *prox = cJSON_GetObjectItemCaseSensitive(c->json, "prox");
  if (prox == NULL || cJSON_IsNull(prox)) {
    return AIT_OK;
  }
  if (!cJSON_IsString(prox) || strcmp(prox->valuestring, "l1") != 0) {
    return ait_fail(AIT_BAD_DATA, "%s: prox may only be \"l1\"", c->path);
  }
  method->mapping = method->mapping == AIT_MAPPING_AGGREGATE ? AIT_MAPPING_AGGREGATE : AIT_MAPPING_PROXIMAL;
  method->proximal.kind = AIT_PROX_L1;
  return ait_json_number(c->json, "prox_weight", c->path, &method->proximal.weight);
}

/* The library's method for a case's word; `result->skipped` where there is none yet. */
static ait_status choose_method(const ait_case *c, const cJSON *item, ait_method *method, ait_case_result *result) {
  static const struct {
    const char *word, *name;
  } known[] = {{"rhg", "rhg"}, {"trhg", "t-rhg"}, {"iaptt", "iaptt-gm"}, {"iagm_a", "ia-gm-a"},
               {"cg", "ls"},   {"neumann", "ns"}, {"bda", "bda"},        {"bda_nesterov", "bda"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(item->string, known[i].word) == 0) {
      AIT_TRY(ait_method_by_name(known[i].name, method));
      method->nesterov |= strcmp(item->string, "bda_nesterov") == 0;
      AIT_TRY(read_prox(c, method));
      return read_method_numbers(c, item, method);
    }
  }
  result->skipped = 1;
  snprintf(result->reason, sizeof result->reason, "this version has no method %s", item->string);
  return AIT_OK;
}

static ait_status read_expected_kbar(const ait_case *c, const cJSON *item, int64_t least, ait_case_result *result) {
  const cJSON *kbar = cJSON_GetObjectItemCaseSensitive(item, "kbar");
  for (int b = 0; b < result->batch; b++) {
    const cJSON *entry = cJSON_IsArray(kbar) ? cJSON_GetArrayItem(kbar, b) : kbar;
    if (!cJSON_IsNumber(entry) || entry->valuedouble < (double)least || entry->valuedouble > (double)c->ll_steps) {
      return ait_fail(AIT_BAD_DATA, "%s: method %s, entry %d: expected kbar in %lld .. %lld", c->path, item->string, b,
                      (long long)least, (long long)c->ll_steps);
    }
    result->expected_kbar[b] = (int32_t)entry->valuedouble;
  }
  return AIT_OK;
}

/* ||a - e|| / ||e||, or ||a - e|| where e is 0. */
static double relative_error(int64_t n, const ait_real *a, const double *e) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) {
    difference += ((double)a[i] - e[i]) * ((double)a[i] - e[i]);
    norm += e[i] * e[i];
  }
  return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}

static ait_status compare_array(const ait_case *c, const char *method, const char *suffix, int64_t count,
                                const ait_real *found, double *error) {
  char name[64];
  snprintf(name, sizeof name, "%s_%s", method, suffix);
  double *expected;
  AIT_TRY(read_array(c, name, &count, &expected));
  *error = relative_error(count, found, expected);
  free(expected);
  return AIT_OK;
}

/* Compares F along the trajectory, which the solver keeps as (K + 1) x batch and the case as batch x
 * (K + 1), and measures the gap between the two kbar. For an implicit method the case has F at y_K alone. */
static ait_status compare_F(const ait_case *c, const ait_solver *solver, int32_t implicit, ait_case_result *result) {
  char name[64];
  snprintf(name, sizeof name, "%s_F", result->name);
  int64_t first = implicit ? c->ll_steps : 0, states = c->ll_steps + 1 - first, count = result->batch * states;
  double *expected;
  AIT_TRY(read_array(c, name, &count, &expected));
  ait_real *found = malloc((size_t)count * sizeof *found);
  if (found == NULL) {
    free(expected);
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to compare F", c->directory);
  }
  const ait_real *F = ait_solver_trajectory_F(solver);
  result->gap_F = 0;
  for (int b = 0; b < result->batch; b++) {
    for (int64_t k = 0; k < states; k++) {
      found[b * states + k] = F[(first + k) * result->batch + b];
    }
    double at_kbar = expected[b * states + result->kbar[b] - first];
    double at_expected = expected[b * states + result->expected_kbar[b] - first];
    double gap = fabs(at_kbar - at_expected) / fmax(fabs(at_expected), 1e-300);
    result->gap_F = gap <= result->gap_F ? result->gap_F : gap; /* keeps a NaN */
  }
  result->error_F = relative_error(count, found, expected);
  free(found);
  free(expected);
  return AIT_OK;
}

static ait_status compare_vectors(const ait_case *c, ait_solver *solver, ait_real *buffer, ait_case_result *result) {
  int64_t n = ait_problem_n(c->problem), bm = ait_problem_batch(c->problem) * ait_problem_m(c->problem);
  AIT_TRY(ait_solver_get_gx(solver, buffer));
  AIT_TRY(compare_array(c, result->name, "gx", n, buffer, &result->error_gx));
  AIT_TRY(ait_solver_get_gz(solver, buffer));
  AIT_TRY(compare_array(c, result->name, "gz", bm, buffer, &result->error_gz));
  AIT_TRY(ait_solver_get_y_kbar(solver, buffer));
  return compare_array(c, result->name, "y", bm, buffer, &result->error_y);
}

static ait_status compare(const ait_case *c, ait_solver *solver, int32_t implicit, ait_case_result *result) {
  AIT_TRY(ait_solver_hypergradient(solver));
  const int32_t *kbar = ait_solver_kbar(solver);
  result->kbar_equal = 1;
  for (int b = 0; b < result->batch; b++) {
    result->kbar[b] = kbar[b];
    result->kbar_equal &= kbar[b] == result->expected_kbar[b];
  }
  AIT_TRY(compare_F(c, solver, implicit, result));
  int64_t n = ait_problem_n(c->problem), bm = ait_problem_batch(c->problem) * ait_problem_m(c->problem);
  ait_real *buffer = malloc((size_t)(n > bm ? n : bm) * sizeof *buffer);
  if (buffer == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to compare the hyper-gradient", c->directory);
  }
  ait_status status = compare_vectors(c, solver, buffer, result);
  free(buffer);
  return status;
}

/* Nonzero when every error is within its limit: the tolerance, or `roundings` times the effect of
 * rounding x and z where that is larger. */
static int32_t within(const ait_case_result *r, double tolerance, double roundings) {
  return r->error_F <= fmax(tolerance, roundings * r->rounding.F) &&
         r->error_gx <= fmax(tolerance, roundings * r->rounding.gx) &&
         r->error_gz <= fmax(tolerance, roundings * r->rounding.gz) &&
         r->error_y <= fmax(tolerance, roundings * r->rounding.y);
}

/* Where the case's own iteration overflows there is nothing to compare: all that can be asked is that ours says so. */
static ait_status judge_divergence(const ait_case *c, ait_case_result *result) {
  char name[64];
  snprintf(name, sizeof name, "%s_gx", result->name);
  double *expected;
  int64_t count = ait_problem_n(c->problem);
  AIT_TRY(read_array(c, name, &count, &expected));
  for (int64_t i = 0; i < count; i++) {
    result->skipped |= !isfinite(expected[i]);
  }
  free(expected);
  snprintf(result->reason, sizeof result->reason, "its steps diverge: the case holds NaN, and so they do here");
  return result->skipped ? AIT_OK : AIT_DIVERGED;
}

ait_status ait_case_run(ait_case *c, int32_t method, ait_case_result *result) {
  const cJSON *item = cJSON_GetArrayItem(c->methods, method);
  if (item == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s has no method %d", c->path, method);
  }
  memset(result, 0, sizeof *result);
  snprintf(result->name, sizeof result->name, "%s", item->string);
  result->batch = (int32_t)ait_problem_batch(c->problem);
  ait_solver_options options;
  ait_solver_options_init(&options);
  AIT_TRY(choose_method(c, item, &options.method, result));
  if (result->skipped) {
    return AIT_OK;
  }
  const int32_t implicit = ait_is_implicit(&options.method);
  AIT_TRY(read_expected_kbar(c, item, implicit ? c->ll_steps : 1, result));
  options.ll_steps = c->ll_steps;
  options.ll_rate.rate = c->ll_rate;
  options.divergence_limit = INFINITY;
  options.record_trajectory = 1;
  ait_solver *solver;
  AIT_TRY(ait_solver_create(c->problem, &options, c->x, c->z, &solver));
  ait_status status = compare(c, solver, implicit, result);
  ait_solver_destroy(solver);
  if (status == AIT_DIVERGED) {
    status = judge_divergence(c, result);
  }
  if (status == AIT_OK && sizeof(ait_real) == sizeof(float) && !within(result, ait_case_tolerance(), 0)) {
    status = ait_measure_rounding(c->problem, &options, c->x, c->z, &result->rounding);
  }
  return status;
}

ait_case_verdict ait_case_judge(const ait_case_result *r, double tolerance) {
  const double roundings = 8;
  if (!r->kbar_equal) {
    const int32_t excused = sizeof(ait_real) == sizeof(float) && r->gap_F <= tolerance && r->error_F <= tolerance;
    return excused ? AIT_CASE_PASSED : AIT_CASE_FAILED;
  }
  return within(r, tolerance, 0)           ? AIT_CASE_PASSED
         : within(r, tolerance, roundings) ? AIT_CASE_BEYOND_FLOAT
                                           : AIT_CASE_FAILED;
}
