/* sample.c - small problems at a random point, for ait check and the tests. */
#include "run/sample.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"

const char *const ait_sample_words[] = {"toy", "convex", "sinusoid", "clean", NULL};

enum { TRAIN_ROWS = 61, VALIDATION_ROWS = 47, FEATURES = 13, CLASSES = 5, CONVEX_N = 10, SINUSOID_M = 10 };

/* Counters of the random numbers: each use has a range of its own, above those of directions. */
static const uint64_t first_counter = 1ull << 40;

static double draw(uint64_t seed, uint64_t use, int64_t i) {
  return 2 * ait_random_uniform(seed, AIT_STREAM_CHECK, first_counter + (use << 32) + (uint64_t)i) - 1;
}

static ait_status random_reals(uint64_t seed, uint64_t use, int64_t count, double size, ait_real **values) {
  *values = malloc((size_t)count * sizeof **values);
  if (*values == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld numbers", (long long)count);
  }
  for (int64_t i = 0; i < count; i++) {
    (*values)[i] = (ait_real)(size * draw(seed, use, i));
  }
  return AIT_OK;
}

static ait_status make_rows(uint64_t seed, uint64_t use, int64_t rows, double **data, ait_matrix **view,
                            int32_t **labels) {
  *data = malloc((size_t)(rows * FEATURES) * sizeof **data);
  *labels = malloc((size_t)rows * sizeof **labels);
  if (*data == NULL || *labels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld rows", (long long)rows);
  }
  for (int64_t i = 0; i < rows * FEATURES; i++) {
    (*data)[i] = draw(seed, use, i);
  }
  for (int64_t i = 0; i < rows; i++) {
    (*labels)[i] = (int32_t)(i % CLASSES);
  }
  return ait_matrix_view(AIT_F64, rows, FEATURES, FEATURES, *data, view);
}

static ait_status make_clean(ait_context *context, const ait_model *model, ait_activation activation, uint64_t seed,
                             ait_sample *s) {
  AIT_TRY(make_rows(seed, 1, TRAIN_ROWS, &s->train, &s->views[0], &s->labels[0]));
  AIT_TRY(make_rows(seed, 2, VALIDATION_ROWS, &s->validation, &s->views[1], &s->labels[1]));
  int64_t sizes[AIT_MAX_HIDDEN + 2];
  ait_network network;
  ait_model_network(model, activation, FEATURES, CLASSES, sizes, &network);
  const ait_cleaning_entry entry = {
      .train = s->views[0], .train_labels = s->labels[0], .validation = s->views[1], .validation_labels = s->labels[1]};
  s->ll_steps = 12;
  s->ll_rate = 0.8;
  return ait_problem_create_cleaning(context, &network, 1, &entry, &s->problem);
}

static ait_status make_sinusoid(ait_context *context, uint64_t seed, ait_sample *s) {
  double phases[SINUSOID_M];
  for (int i = 0; i < SINUSOID_M; i++) {
    phases[i] = draw(seed, 5, i);
  }
  s->ll_steps = 16;
  s->ll_rate = 0.1;
  return ait_problem_create_sinusoid(context, SINUSOID_M, 2.0, phases, &s->problem);
}

static ait_status make_problem(ait_context *context, ait_sample_kind kind, const ait_model *model,
                               ait_activation activation, uint64_t seed, ait_sample *s) {
  switch (kind) {
    case AIT_SAMPLE_TOY:
      s->ll_steps = 40;
      s->ll_rate = 0.001;
      return ait_problem_create_toy(context, &s->problem);
    case AIT_SAMPLE_CONVEX: /* the step suits F too, whose curvature is tens of times f's */
      s->ll_steps = 20;
      s->ll_rate = 0.02;
      return ait_problem_create_convex(context, CONVEX_N, &s->problem);
    case AIT_SAMPLE_SINUSOID:
      return make_sinusoid(context, seed, s);
    default:
      return make_clean(context, model, activation, seed, s);
  }
}

static ait_status make(ait_context *context, ait_sample_kind kind, const ait_model *model, ait_activation activation,
                       uint64_t seed, ait_sample *s) {
  AIT_TRY(make_problem(context, kind, model, activation, seed, s));
  AIT_TRY(random_reals(seed, 3, ait_problem_n(s->problem), 1.0, &s->x));
  AIT_TRY(random_reals(seed, 4, ait_problem_m(s->problem), 0.5, &s->z));
  if (kind == AIT_SAMPLE_TOY) {
    s->x[0] += (ait_real)3; /* inside X = [1, 10], away from its kinks */
  }
  return AIT_OK;
}

ait_status ait_sample_make(ait_context *context, ait_sample_kind kind, const ait_model *model,
                           ait_activation activation, uint64_t seed, ait_sample *sample) {
  memset(sample, 0, sizeof *sample);
  ait_status status = make(context, kind, model, activation, seed, sample);
  if (status != AIT_OK) {
    ait_sample_free(sample);
  }
  return status;
}

void ait_sample_free(ait_sample *s) {
  ait_problem_destroy(s->problem);
  for (int i = 0; i < 2; i++) {
    ait_matrix_destroy(s->views[i]);
    free(s->labels[i]);
  }
  free(s->train);
  free(s->validation);
  free(s->x);
  free(s->z);
  memset(s, 0, sizeof *s);
}
