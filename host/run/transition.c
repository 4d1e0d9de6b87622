/* transition.c - cleaning by a noise model: two noise models, the choice between them and none, and scores out of fold
 * (docs/derivation.md#transition-cleaning). Here: a run from begin to end. */
#include "run/transition.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "context/random.h"
#include "run/allocate.h"
#include "run/progress.h"
#include "run/run.h"
#include "run/transition_parts.h"

const char *const ait_transition_arm_words[] = {"symmetric", "full", "validation", "mean"};

/* UL iterations of the arms; the full noise model is fitted again between its two runs. */
enum { SYMMETRIC_ITERATIONS = 10, FULL_ITERATIONS = 6, REFITTED_ITERATIONS = 3 };

_Static_assert(SYMMETRIC_ITERATIONS + 1 <= (int)AIT_TRANSITION_MOST_POINTS &&
                   FULL_ITERATIONS + REFITTED_ITERATIONS + 2 <= (int)AIT_TRANSITION_MOST_POINTS,
               "an arm's path has too many points");

/* Leading principal axes, along which the LL problems' Hessians are known best. */
enum { MOST_AXES = 128, FOLDS = AIT_TRANSITION_FOLDS };

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status allocate_arm(const ait_transition_run *run, int32_t kind, ait_transition_arm *arm) {
  if (kind != AIT_ARM_VALIDATION) {
    AIT_TRY(ait_allocate(run->data->validation_rows, sizeof *arm->held_out, &arm->held_out));
  }
  if (kind < AIT_ARM_MODELS) {
    AIT_TRY(ait_allocate(run->data->train_rows, sizeof *arm->likelihoods, &arm->likelihoods));
  }
  AIT_TRY(ait_allocate((int64_t)run->data->classes * run->data->classes, sizeof *arm->chances, &arm->chances));
  AIT_TRY(ait_allocate(FOLDS * run->m, sizeof *arm->y, &arm->y));
  AIT_TRY(ait_allocate(run->data->validation_rows * run->data->classes, sizeof *arm->clean_probabilities,
                       &arm->clean_probabilities));
  return ait_allocate(run->data->train_rows, sizeof *arm->score, &arm->score);
}

/* Each row's fold; all have as many rows, but for one. */
static ait_status draw_folds(uint64_t seed, int64_t n, int32_t **folds) {
  AIT_TRY(ait_allocate(n, sizeof **folds, folds));
  int64_t *order = malloc((size_t)n * sizeof *order);
  if (order == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the folds of %lld rows", (long long)n);
  }
  ait_random_permutation(seed, AIT_STREAM_FOLDS, n, n, order);
  for (int64_t i = 0; i < n; i++) {
    (*folds)[order[i]] = (int32_t)(i % FOLDS);
  }
  free(order);
  return AIT_OK;
}

static ait_status allocate_all(ait_transition_run *run) {
  const int64_t n = run->data->train_rows, classes = run->data->classes;
  const int64_t most = n > run->data->validation_rows ? n : run->data->validation_rows;
  AIT_TRY(ait_allocate(run->data->features, sizeof *run->means, &run->means));
  AIT_TRY(ait_allocate(most * classes, sizeof *run->all_probabilities, &run->all_probabilities));
  AIT_TRY(ait_allocate(n * classes, sizeof *run->probabilities, &run->probabilities));
  AIT_TRY(ait_allocate(FOLDS * run->m, sizeof *run->alone, &run->alone));
  AIT_TRY(ait_allocate(FOLDS * run->m, sizeof *run->y, &run->y));
  AIT_TRY(ait_allocate(n, sizeof *run->weights, &run->weights));
  AIT_TRY(ait_allocate(n, sizeof *run->score, &run->score));
  AIT_TRY(ait_allocate(n, sizeof *run->given_probability, &run->given_probability));
  AIT_TRY(ait_allocate(n, sizeof *run->suggested_probability, &run->suggested_probability));
  AIT_TRY(ait_allocate(n, sizeof *run->suggested, &run->suggested));
  AIT_TRY(ait_allocate(n, sizeof *run->order, &run->order));
  AIT_TRY(draw_folds(run->settings->seed, n, &run->train_folds));
  AIT_TRY(draw_folds(run->settings->seed, run->data->validation_rows, &run->validation_folds));
  for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
    AIT_TRY(allocate_arm(run, kind, &run->arms[kind]));
  }
  return AIT_OK;
}

/* A view of a matrix less the means, times the factor; `numbers` has 2 D entries. */
static ait_status view_centred(const ait_transition_run *run, const ait_matrix *matrix, double *numbers,
                               ait_matrix **view) {
  double *scale = numbers, *shift = numbers + ait_matrix_columns(matrix);
  for (int64_t j = 0; j < ait_matrix_columns(matrix); j++) {
    scale[j] = (ait_matrix_scale(matrix) != NULL ? ait_matrix_scale(matrix)[j] : 1) * run->factor;
    shift[j] = ((ait_matrix_shift(matrix) != NULL ? ait_matrix_shift(matrix)[j] : 0) - run->means[j]) * run->factor;
  }
  AIT_TRY(ait_matrix_view(ait_matrix_type(matrix), ait_matrix_rows(matrix), ait_matrix_columns(matrix),
                          ait_matrix_stride(matrix), ait_matrix_data(matrix), view));
  return ait_matrix_set_scale(*view, scale, shift);
}

/* The power of two that brings the root mean square of the centred training rows to where it is for pixels from 0 to 1,
 * as lambda starts at a size for those. A power of two rounds nothing; 1 where all rows are the same. */
static double factor_of(const ait_transition_run *run) {
  const double least_size = 0.2; /* up to twice that */
  const ait_clean_data *d = run->data;
  double squares = 0;
  for (int64_t i = 0; i < d->train_rows; i++) {
    for (int64_t j = 0; j < d->features; j++) {
      const double u = ait_matrix_value(d->train, i, j) - run->means[j];
      squares += u * u;
    }
  }
  const double size = sqrt(squares / ((double)d->train_rows * (double)d->features));
  int exponent = 1;
  if (size > 0 && isfinite(size)) {
    frexp(size / least_size, &exponent);
  }
  return ldexp(1, 1 - exponent);
}

/* Rows whose columns have the mean 0 make the LL problems far better conditioned, and change none of their solutions,
 * as biases are not penalised. `numbers` has 2 D entries. */
static ait_status centre(ait_transition_run *run, double *numbers) {
  const ait_clean_data *d = run->data;
  for (int64_t i = 0; i < d->train_rows; i++) {
    for (int64_t j = 0; j < d->features; j++) {
      run->means[j] += ait_matrix_value(d->train, i, j) / (double)d->train_rows;
    }
  }
  run->factor = factor_of(run);
  AIT_TRY(view_centred(run, d->train, numbers, &run->train));
  AIT_TRY(view_centred(run, d->validation, numbers, &run->validation));
  return d->test != NULL ? view_centred(run, d->test, numbers, &run->test) : AIT_OK;
}

static ait_status make_predictors(ait_transition_run *run) {
  double *numbers;
  AIT_TRY(ait_allocate(2 * run->data->features, sizeof *numbers, &numbers));
  const ait_status status = centre(run, numbers);
  free(numbers);
  AIT_TRY(status);
  AIT_TRY(ait_predictor_create(run->context, &run->network, run->train, &run->train_predictor));
  AIT_TRY(ait_predictor_create(run->context, &run->network, run->validation, &run->validation_predictor));
  if (!ait_transition_has_hidden_layers(run) && run->data->features <= AIT_MOST_FEATURES_OF_AXES) {
    AIT_TRY(ait_axes_take(run->train, MOST_AXES, &run->axes));
  }
  return run->test != NULL ? ait_predictor_create(run->context, &run->network, run->test, &run->test_predictor)
                           : AIT_OK;
}

ait_status ait_transition_check_rows(const ait_clean_data *data) {
  return data->validation_rows >= FOLDS && data->train_rows >= FOLDS && data->classes >= 2
             ? AIT_OK
             : ait_fail(AIT_BAD_DATA,
                        "transition cleaning takes %d folds: it needs %d or more training rows, as many validation "
                        "rows and 2 classes; there are %lld, %lld and %d",
                        FOLDS, FOLDS, (long long)data->train_rows, (long long)data->validation_rows, data->classes);
}

ait_status ait_transition_begin(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                                ait_transition_run *run) {
  *run = (ait_transition_run){.context = context, .settings = settings, .data = data, .accuracy = NAN};
  AIT_TRY(ait_transition_check_rows(data));
  ait_model_network(&settings->model, (ait_activation)settings->activation, data->features, data->classes, run->sizes,
                    &run->network);
  run->m = ait_network_parameters(&run->network);
  AIT_TRY(allocate_all(run));
  return make_predictors(run);
}

void ait_transition_release(ait_transition_run *run) {
  ait_predictor_destroy(run->train_predictor);
  ait_predictor_destroy(run->validation_predictor);
  ait_predictor_destroy(run->test_predictor);
  run->train_predictor = run->validation_predictor = run->test_predictor = NULL;
  ait_axes_free(&run->axes);
  ait_matrix_destroy(run->train);
  ait_matrix_destroy(run->validation);
  ait_matrix_destroy(run->test);
  run->train = run->validation = run->test = NULL;
  free(run->all_probabilities);
  free(run->probabilities);
  run->all_probabilities = run->probabilities = NULL;
  for (int32_t arm = 0; arm < AIT_ARM_COUNT; arm++) {
    free(run->arms[arm].clean_probabilities);
    run->arms[arm].clean_probabilities = NULL;
  }
}

void ait_transition_end(ait_transition_run *run) {
  ait_transition_release(run);
  ait_sides_clear(&run->sides);
  ait_calibration_end(&run->calibration);
  ait_validation_check_end(&run->validation_check);
  ait_label_table_end(&run->labels);
  for (int32_t arm = 0; arm < AIT_ARM_COUNT; arm++) {
    free(run->arms[arm].chances);
    free(run->arms[arm].y);
    free(run->arms[arm].held_out);
    free(run->arms[arm].likelihoods);
    free(run->arms[arm].score);
  }
  free(run->means);
  free(run->solver_state);
  free(run->alone);
  free(run->y);
  free(run->weights);
  free(run->score);
  free(run->given_probability);
  free(run->suggested_probability);
  free(run->suggested);
  free(run->order);
  free(run->train_folds);
  free(run->validation_folds);
  *run = (ait_transition_run){0};
}

int64_t ait_transition_iterations(const ait_transition_run *run) {
  int64_t iterations = 0;
  for (int32_t arm = 0; arm < AIT_ARM_COUNT; arm++) {
    iterations += run->arms[arm].iterations;
  }
  return iterations;
}

/* ---- the work ---------------------------------------------------------------------------------- */

/* A part of the work. The run is saved between two of them, and between two UL iterations. */
typedef struct step {
  ait_status (*make)(ait_transition_run *run, int32_t kind, int64_t amount);
  int32_t kind;     /* an arm */
  int64_t amount;   /* of UL iterations, or of what else `make` takes */
  const char *note; /* what is told before it; NULL: what was told last */
} step;

static const step steps[] = {
    {ait_transition_try_lambda, AIT_ARM_VALIDATION, 0, "learning the validation rows"},
    {ait_transition_try_lambda, AIT_ARM_VALIDATION, 1, NULL},
    {ait_transition_try_lambda, AIT_ARM_VALIDATION, 2, NULL},
    {ait_transition_try_lambda, AIT_ARM_VALIDATION, 3, NULL},
    {ait_transition_learn_validation, AIT_ARM_VALIDATION, AIT_TRANSITION_LOOKS, NULL},
    {ait_transition_solve_model, AIT_ARM_SYMMETRIC, AIT_TRANSITION_LOOKS, "trying a symmetric and a full noise model"},
    {ait_transition_solve_model, AIT_ARM_FULL, AIT_TRANSITION_LOOKS, NULL},
    {ait_transition_solve_refitted, AIT_ARM_FULL, AIT_TRANSITION_LAST_LOOKS, NULL},
    {ait_transition_descend, AIT_ARM_SYMMETRIC, SYMMETRIC_ITERATIONS, "learning penalty and noise rate"},
    {ait_transition_descend, AIT_ARM_FULL, FULL_ITERATIONS, NULL},
    {ait_transition_descend_refitted, AIT_ARM_FULL, REFITTED_ITERATIONS, NULL}};

_Static_assert(sizeof steps / sizeof *steps == AIT_TRANSITION_STEPS, "a run has other steps");

static ait_status make_steps(ait_transition_run *run) {
  while (run->steps < AIT_TRANSITION_STEPS) {
    const step *next = &steps[run->steps];
    if (next->note != NULL) {
      ait_progress_note(run->settings, next->note);
    }
    AIT_TRY(next->make(run, next->kind, next->amount));
    run->steps++;
    AIT_TRY(ait_transition_keep(run, run->steps < AIT_TRANSITION_STEPS));
  }
  return AIT_OK;
}

ait_status ait_transition_clean(ait_transition_run *run, ait_transition_series *series,
                                const volatile sig_atomic_t *stop) {
  run->began = ait_run_clock();
  run->series = series;
  run->stop = stop;
  AIT_TRY(ait_transition_go_on(run));
  AIT_TRY(make_steps(run));
  ait_progress_note(run->settings, "scoring the rows");
  AIT_TRY(ait_transition_compare_arms(run));
  AIT_TRY(ait_transition_polish(run));
  AIT_TRY(ait_transition_take_scores(run));
  AIT_TRY(ait_transition_calibrate(run));
  return ait_transition_keep(run, 0);
}

ait_status ait_transition_evaluate(ait_transition_run *run) {
  const double began = ait_run_clock();
  if (!*run->stop) {
    ait_progress_note(run->settings, "training the classifiers beside the run; Ctrl-C skips those left");
  }
  const ait_sided_run sided = {.context = run->context,
                               .settings = run->settings,
                               .data = run->data,
                               .network = &run->network,
                               .order = run->order,
                               .flagged = run->flagged};
  AIT_TRY(ait_sides_train(&sided, run->stop, &run->sides));
  run->evaluation_seconds += ait_run_clock() - began;
  return AIT_OK;
}
