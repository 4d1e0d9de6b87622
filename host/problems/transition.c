/* transition.c - transition cleaning: a noise model inside the LL objective, few UL variables, folds as a batch
 * (docs/derivation.md#transition-cleaning).
 *
 *     f_j = mean over the rows kept of [ -w_i log sum_c p_c T_cg on training rows, CE on validation rows ]
 *           + lambda/2 (the squares of all weights; biases are free)
 *     F_j = (1/M) sum of CE over the validation rows of fold j + tau/(B M) (log lambda - log lambda_0)^2
 *
 * with x = (log lambda) or (log lambda, logit e). A pass takes the mean over all rows, those left out with weight 0, so
 * that its results count N / n_j or M / n_j times, n_j the number of rows kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/context.h"
#include "context/error.h"
#include "device/row_products.h"
#include "problems/network.h"

/* One kind of rows on the device. */
typedef struct transition_rows {
  ait_rows rows; /* rows.rows 0: there are none */
  int32_t *labels, *folds;
  ait_real *weights;   /* or NULL */
  int64_t *fold_sizes; /* host: B */
} transition_rows;

typedef struct transition {
  ait_device *device;
  ait_shape shape;
  int32_t folds;
  ait_transition_noise noise;
  double prior_centre, prior_strength; /* log lambda_0; tau / M */
  transition_rows train, validation;
  ait_real *log_noise; /* of the given chances, or NULL */
  int64_t axis_count;
  ait_real *axes;           /* axes x D: an axis a row, or NULL */
  ait_real *axis_curvature; /* C x axes: 0.05 mean square along each, the same for every class; or NULL */
  ait_real *curvature;      /* m: 0.05 mean u_j^2 for every entry of y, or where there are axes the mean of the others
                               for every u_j; for a linear classifier, else NULL */
  ait_real *ones;           /* m */
  ait_real *is_weight;      /* m: 1 for weights, 0 for biases */
} transition;

/* What an oracle needs of the workspace. */
typedef struct transition_memory {
  ait_real *lambda, *log_noise; /* 1; C x C */
  ait_real *part;               /* m: what the validation rows give */
  ait_real *weights;            /* m: those of y or v, 0 in place of the biases */
  ait_real *gain, *turned;      /* C x axes: what M adds along them; a matrix along them */
  ait_real *values;             /* 3: the losses of both kinds, and a square */
  ait_real *dots, *noise_cross; /* B; B x C x C */
  void *pass;
} transition_memory;

/* ---- workspace --------------------------------------------------------------------------------- */

static size_t pass_workspace(const transition *t, const transition_rows *side, int32_t noisy) {
  return side->rows.rows > 0 ? ait_network_workspace(t->device, &t->shape, &side->rows, noisy) : 0;
}

static transition_memory lay_out(const transition *t, int64_t batch, ait_layout *layout) {
  const int64_t classes = ait_shape_classes(&t->shape), noise = classes * classes;
  const size_t train = pass_workspace(t, &t->train, t->noise != AIT_TRANSITION_NONE);
  const size_t validation = pass_workspace(t, &t->validation, 0);
  return (transition_memory){.lambda = ait_layout_reals(layout, 1),
                             .log_noise = ait_layout_reals(layout, noise),
                             .part = ait_layout_reals(layout, t->shape.parameters),
                             .weights = ait_layout_reals(layout, t->shape.parameters),
                             .gain = ait_layout_reals(layout, classes * t->axis_count),
                             .turned = ait_layout_reals(layout, classes * t->axis_count),
                             .values = ait_layout_reals(layout, 3),
                             .dots = ait_layout_reals(layout, batch),
                             .noise_cross = ait_layout_reals(layout, batch * noise),
                             .pass = ait_layout_take(layout, train > validation ? train : validation)};
}

static size_t transition_workspace(const void *self, int64_t batch) {
  ait_layout layout = {0};
  lay_out(self, batch, &layout);
  return layout.used;
}

static transition_memory memory_of(const transition *t, const ait_call *call) {
  ait_layout layout = {.base = call->workspace};
  return lay_out(t, call->batch, &layout);
}

/* ---- passes ------------------------------------------------------------------------------------ */

/* lambda, and the noise model in use: NULL where labels are taken as they are. */
static ait_status take_terms(const transition *t, const ait_real *x, const transition_memory *memory,
                             const ait_real **log_noise) {
  const int32_t symmetric = t->noise == AIT_TRANSITION_SYMMETRIC;
  *log_noise = symmetric ? memory->log_noise : t->log_noise;
  return t->device->model->transition_terms(t->device, ait_shape_classes(&t->shape), x, memory->lambda,
                                            symmetric ? memory->log_noise : NULL);
}

/* A pass over one kind of rows for problem b; outputs and direction are still missing. */
static ait_network_pass pass_of(const transition *t, const transition_rows *side, const ait_call *call, int64_t b,
                                const ait_real *y) {
  return (ait_network_pass){.rows = &side->rows,
                            .targets = {.labels = side->labels,
                                        .weights = side->weights,
                                        .folds = t->folds > 1 ? side->folds : NULL,
                                        .fold = (int32_t)b},
                            .active = call->active != NULL ? call->active + b : NULL,
                            .y = y + b * call->m};
}

static ait_status run(const transition *t, const ait_network_pass *pass, const transition_memory *memory) {
  return ait_network_run(t->device, &t->shape, pass, memory->pass);
}

/* Rows of one kind that problem b keeps. */
static int64_t kept(const transition *t, const transition_rows *side, int64_t b) {
  return side->rows.rows - (t->folds > 1 && side->rows.rows > 0 ? side->fold_sizes[b] : 0);
}

/* What the results of a pass over one kind of rows count in problem b's mean: N / n_b or M / n_b. */
static double share(const transition *t, const transition_rows *side, int64_t b) {
  return (double)side->rows.rows / (double)(kept(t, &t->train, b) + kept(t, &t->validation, b));
}

/* memory->weights = the weights of problem b in y or v. */
static ait_status take_weights(const transition *t, const ait_call *call, int64_t b, const ait_real *y,
                               const transition_memory *memory) {
  return t->device->vector->multiply(t->device, 1, call->m, NULL, t->is_weight, y + b * call->m, memory->weights);
}

/* out = train's share of `out` (0 where there are no such rows) + validation's share of `part` + lambda `weights`, for
 * g and H v alike. */
static ait_status add_sides(const transition *t, const ait_call *call, int64_t b, const transition_memory *memory,
                            ait_real *out) {
  const uint8_t *active = call->active != NULL ? call->active + b : NULL;
  const int32_t first = t->train.rows.rows > 0 ? 0 : 1;
  const ait_term terms[] = {{share(t, &t->train, b), NULL, out},
                            {share(t, &t->validation, b), NULL, memory->part},
                            {1, memory->lambda, memory->weights}};
  return t->device->vector->combine(t->device, 1, call->m, active, 3 - first, terms + first, out);
}

/* *dot = <y_b, weights>. */
static ait_status dot_weights(const transition *t, const ait_call *call, int64_t b, const ait_real *y,
                              const transition_memory *memory, ait_real *dot) {
  return t->device->vector->dot(t->device, 1, call->m, y + b * call->m, memory->weights, dot);
}

/* ---- oracles: f -------------------------------------------------------------------------------- */

static ait_status gradient_of(const transition *t, const ait_call *call, int64_t b, const transition_memory *memory,
                              const ait_real *log_noise, const ait_real *y, ait_real *g, ait_real *f) {
  const uint8_t *active = call->active != NULL ? call->active + b : NULL;
  const int32_t first = t->train.rows.rows > 0 ? 0 : 1;
  if (first == 0) {
    ait_network_pass pass = pass_of(t, &t->train, call, b, y);
    pass.targets.log_noise = log_noise;
    pass.loss = memory->values;
    pass.gradient = g + b * call->m;
    AIT_TRY(run(t, &pass, memory));
  }
  ait_network_pass pass = pass_of(t, &t->validation, call, b, y);
  pass.loss = memory->values + 1;
  pass.gradient = memory->part;
  AIT_TRY(run(t, &pass, memory));
  AIT_TRY(take_weights(t, call, b, y, memory));
  AIT_TRY(add_sides(t, call, b, memory, g + b * call->m));
  AIT_TRY(dot_weights(t, call, b, y, memory, memory->values + 2));
  const ait_term terms[] = {{share(t, &t->train, b), NULL, memory->values},
                            {share(t, &t->validation, b), NULL, memory->values + 1},
                            {0.5, memory->lambda, memory->values + 2}};
  return t->device->vector->combine(t->device, 1, 1, active, 3 - first, terms + first, f + b);
}

static ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                              ait_real *f) {
  const transition *t = self;
  const transition_memory memory = memory_of(t, call);
  const ait_real *log_noise;
  AIT_TRY(take_terms(t, x, &memory, &log_noise));
  for (int64_t b = 0; b < call->batch; b++) {
    AIT_TRY(gradient_of(t, call, b, &memory, log_noise, y, g, f));
  }
  return AIT_OK;
}

/* The part of the training rows: H v, and the cross terms of log T where e is a variable. */
static ait_status train_product(const transition *t, const ait_call *call, int64_t b, const transition_memory *memory,
                                const ait_real *log_noise, const ait_real *y, const ait_real *v, ait_real *hv) {
  const int64_t noise = ait_shape_classes(&t->shape) * ait_shape_classes(&t->shape);
  ait_real *noise_cross = t->noise == AIT_TRANSITION_SYMMETRIC ? memory->noise_cross + b * noise : NULL;
  ait_network_pass pass = pass_of(t, &t->train, call, b, y);
  pass.targets.log_noise = log_noise;
  pass.v = v + b * call->m;
  pass.product = hv + b * call->m;
  pass.noise_cross = noise_cross;
  AIT_TRY(run(t, &pass, memory));
  const ait_term scaled = {share(t, &t->train, b), NULL, noise_cross};
  return noise_cross != NULL ? t->device->vector->combine(t->device, 1, noise, NULL, 1, &scaled, noise_cross) : AIT_OK;
}

static ait_status ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                              ait_real *hv, ait_real *xv) {
  const transition *t = self;
  const transition_memory memory = memory_of(t, call);
  const ait_real *log_noise;
  AIT_TRY(take_terms(t, x, &memory, &log_noise));
  for (int64_t b = 0; b < call->batch; b++) {
    if (t->train.rows.rows > 0) {
      AIT_TRY(train_product(t, call, b, &memory, log_noise, y, v, hv));
    }
    ait_network_pass pass = pass_of(t, &t->validation, call, b, y);
    pass.v = v + b * call->m;
    pass.product = memory.part;
    AIT_TRY(run(t, &pass, &memory));
    AIT_TRY(take_weights(t, call, b, v, &memory));
    AIT_TRY(add_sides(t, call, b, &memory, hv + b * call->m));
    AIT_TRY(dot_weights(t, call, b, y, &memory, memory.dots + b));
  }
  return t->device->model->transition_cross(t->device, call->batch, ait_shape_classes(&t->shape), call->active, x,
                                            memory.dots,
                                            t->noise == AIT_TRANSITION_SYMMETRIC ? memory.noise_cross : NULL, xv);
}

/* memory->part = 0.05 mean u_j^2 + lambda, for a linear classifier: P (1 - P) is about 0.05 in the mean over rows and
 * classes. With hidden layers H's diagonal depends on y and need not be above 0. */
static ait_status approximate_diagonal(const transition *t, const ait_real *x, const transition_memory *memory) {
  const ait_real *log_noise;
  const ait_term terms[] = {{1, NULL, t->curvature}, {1, memory->lambda, t->ones}};
  AIT_TRY(take_terms(t, x, memory, &log_noise));
  return t->device->vector->combine(t->device, 1, t->shape.parameters, NULL, 2, terms, memory->part);
}

static ait_status ll_preconditioner(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                    ait_real *inverse_diagonal) {
  const transition *t = self;
  const transition_memory memory = memory_of(t, call);
  (void)y;
  AIT_TRY(approximate_diagonal(t, x, &memory));
  for (int64_t b = 0; b < call->batch; b++) {
    AIT_TRY(t->device->vector->ratio(t->device, call->m, t->ones, memory.part, inverse_diagonal + b * call->m));
  }
  return AIT_OK;
}

/* memory->gain = 1 / (0.05 square + lambda) - 1 / (0.05 rest + lambda) for each axis, memory->part the latter's
 * denominator. */
static ait_status take_gain(const transition *t, const transition_memory *memory) {
  const ait_vector_ops *vector = t->device->vector;
  const int64_t entries = ait_shape_classes(&t->shape) * t->axis_count;
  const ait_term along[] = {{1, NULL, t->axis_curvature}, {1, memory->lambda, t->ones}};
  const ait_term difference[] = {{1, NULL, memory->turned}, {-1, NULL, memory->gain}};
  AIT_TRY(vector->combine(t->device, 1, entries, NULL, 2, along, memory->gain));
  AIT_TRY(vector->ratio(t->device, entries, t->ones, memory->gain, memory->turned));
  AIT_TRY(vector->ratio(t->device, entries, t->ones, memory->part, memory->gain));
  return vector->combine(t->device, 1, entries, NULL, 2, difference, memory->gain);
}

/* v = (V, v_0) becomes (c V + V E' G E, v_0 / d_0), E the axes, G the gain along them and c what is right across. */
static ait_status precondition_one(const transition *t, const transition_memory *memory, const ait_real *v,
                                   ait_real *out) {
  const ait_model_ops *model = t->device->model;
  const int64_t classes = ait_shape_classes(&t->shape), features = ait_shape_features(&t->shape);
  const ait_gemm along = ait_dense_product(0, 1, classes, t->axis_count, features, v, t->axes, memory->turned);
  ait_gemm back = ait_dense_product(0, 0, classes, features, t->axis_count, memory->turned, t->axes, out);
  back.beta = 1;
  AIT_TRY(t->device->vector->ratio(t->device, t->shape.parameters, v, memory->part, out));
  AIT_TRY(model->gemm(t->device, &along));
  AIT_TRY(t->device->vector->multiply(t->device, 1, classes * t->axis_count, NULL, memory->gain, memory->turned,
                                      memory->turned));
  return model->gemm(t->device, &back);
}

static ait_status ll_precondition(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                  const ait_real *v, ait_real *out) {
  const transition *t = self;
  const transition_memory memory = memory_of(t, call);
  (void)y;
  AIT_TRY(approximate_diagonal(t, x, &memory));
  AIT_TRY(take_gain(t, &memory));
  for (int64_t b = 0; b < call->batch; b++) {
    AIT_TRY(precondition_one(t, &memory, v + b * call->m, out + b * call->m));
  }
  return AIT_OK;
}

/* ---- oracles: F -------------------------------------------------------------------------------- */

/* *distance = log lambda - log lambda_0. */
static ait_status prior_distance(const transition *t, const ait_real *x, ait_real *distance) {
  const ait_term terms[] = {{1, NULL, x}, {-t->prior_centre, NULL, t->ones}};
  return t->device->vector->combine(t->device, 1, 1, NULL, 2, terms, distance);
}

static ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  const transition *t = self;
  const transition_memory memory = memory_of(t, call);
  ait_real *distance = memory.values, *square = memory.values + 1;
  AIT_TRY(prior_distance(t, x, distance));
  AIT_TRY(t->device->vector->dot(t->device, 1, 1, distance, distance, square));
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(t, &t->validation, call, b, y);
    pass.targets.only_fold = 1;
    pass.loss = F + b;
    AIT_TRY(run(t, &pass, &memory));
    const ait_term terms[] = {{1, NULL, F + b}, {t->prior_strength / (double)t->folds, NULL, square}};
    AIT_TRY(t->device->vector->combine(t->device, 1, 1, pass.active, 2, terms, F + b));
  }
  return AIT_OK;
}

/* The prior's slope is a part of each F_b: what inactive entries would give is left out. */
static ait_status prior_slope(const transition *t, const ait_call *call, const ait_real *x,
                              const transition_memory *memory, ait_real *gx) {
  ait_real *distance = memory->values;
  const ait_term step[] = {{1, NULL, gx}, {2 * t->prior_strength / (double)t->folds, NULL, distance}};
  const size_t variables = t->noise == AIT_TRANSITION_SYMMETRIC ? 2 : 1;
  AIT_TRY(prior_distance(t, x, distance));
  AIT_TRY(t->device->runtime->fill(t->device, variables * sizeof *gx, 0, gx));
  for (int64_t b = 0; b < call->batch; b++) {
    const uint8_t *active = call->active != NULL ? call->active + b : NULL;
    AIT_TRY(t->device->vector->combine(t->device, 1, 1, active, 2, step, gx));
  }
  return AIT_OK;
}

static ait_status ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                              ait_real *gy) {
  const transition *t = self;
  const transition_memory memory = memory_of(t, call);
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(t, &t->validation, call, b, y);
    pass.targets.only_fold = 1;
    pass.gradient = gy + b * call->m;
    AIT_TRY(run(t, &pass, &memory));
  }
  return prior_slope(t, call, x, &memory, gx);
}

/* ---- a problem's life -------------------------------------------------------------------------- */

static void release_side(ait_device *device, transition_rows *side) {
  if (side->rows.rows > 0) {
    device->model->release_rows(device, &side->rows);
  }
  device->runtime->release(device, side->labels);
  device->runtime->release(device, side->folds);
  device->runtime->release(device, side->weights);
  free(side->fold_sizes);
}

static void destroy(void *self) {
  transition *t = self;
  release_side(t->device, &t->train);
  release_side(t->device, &t->validation);
  t->device->runtime->release(t->device, t->log_noise);
  t->device->runtime->release(t->device, t->axes);
  t->device->runtime->release(t->device, t->axis_curvature);
  t->device->runtime->release(t->device, t->curvature);
  t->device->runtime->release(t->device, t->ones);
  t->device->runtime->release(t->device, t->is_weight);
  free(t);
}

/* A copy of host numbers on the device, in the pointer that `pointer` points to. */
static ait_status upload(ait_device *device, size_t bytes, const void *host, void *pointer) {
  void *memory;
  AIT_TRY(device->runtime->allocate(device, bytes, &memory));
  memcpy(pointer, &memory, sizeof memory);
  return device->runtime->copy_in(device, bytes, host, memory);
}

/* Every row's fold, and how many rows each has. */
static ait_status fill_folds(const transition *t, const char *name, int64_t count, const int32_t *given, int64_t *sizes,
                             int32_t *folds) {
  for (int64_t i = 0; i < count; i++) {
    folds[i] = given != NULL ? given[i] : (int32_t)(i % t->folds);
    if (folds[i] < 0 || folds[i] >= t->folds) {
      return ait_fail(AIT_INVALID_ARGUMENT, "the fold of %s row %lld is %d; expected 0 to %d", name, (long long)i,
                      folds[i], t->folds - 1);
    }
    sizes[folds[i]]++;
  }
  return AIT_OK;
}

static ait_status upload_folds(transition *t, const char *name, int64_t count, const int32_t *given,
                               transition_rows *side) {
  const size_t bytes = (size_t)count * sizeof(int32_t);
  int32_t *folds = malloc(bytes);
  side->fold_sizes = calloc((size_t)t->folds, sizeof *side->fold_sizes);
  ait_status status = folds != NULL && side->fold_sizes != NULL
                          ? fill_folds(t, name, count, given, side->fold_sizes, folds)
                          : ait_fail(AIT_OUT_OF_MEMORY, "no memory for the folds of %lld rows", (long long)count);
  if (status == AIT_OK) {
    status = upload(t->device, bytes, folds, &side->folds);
  }
  free(folds);
  return status;
}

static ait_status upload_side(transition *t, const char *name, const ait_matrix *matrix, const int32_t *labels,
                              const int32_t *folds, transition_rows *side) {
  const int64_t count = ait_matrix_rows(matrix), features = ait_shape_features(&t->shape);
  const ait_row_use use = ait_shape_is_folded(&t->shape) ? AIT_READ_OFTEN : AIT_READ_ONCE; /* by the data pass */
  if (ait_matrix_columns(matrix) != features || count < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%lld %s rows of %lld features; expected 1 or more, of %lld",
                    (long long)count, name, (long long)ait_matrix_columns(matrix), (long long)features);
  }
  AIT_TRY(ait_upload_labels(t->device, name, count, ait_shape_classes(&t->shape), labels, &side->labels));
  AIT_TRY(t->device->model->upload_rows(t->device, matrix, use, &side->rows));
  return upload_folds(t, name, count, folds, side);
}

/* Adds the squares of a matrix's columns. */
static void add_squares(const ait_matrix *matrix, double *squares) {
  for (int64_t i = 0; i < ait_matrix_rows(matrix); i++) {
    for (int64_t j = 0; j < ait_matrix_columns(matrix); j++) {
      const double u = ait_matrix_value(matrix, i, j);
      squares[j] += u * u;
    }
  }
}

/* P (1 - P), in the mean over rows and classes. */
static const double mean_spread = 0.05;

/* The diagonal of H for lambda = 0, of a linear classifier; `squares` has D entries, `numbers` m. */
static ait_status upload_curvature(transition *t, const ait_transition *from, double *squares, ait_real *numbers) {
  const int64_t rows = ait_matrix_rows(from->validation) + (from->train != NULL ? ait_matrix_rows(from->train) : 0);
  add_squares(from->validation, squares);
  if (from->train != NULL) {
    add_squares(from->train, squares);
  }
  for (int64_t k = 0; k < t->shape.parameters; k++) {
    const double square =
        from->axes != NULL ? from->axes->rest : squares[k % ait_shape_features(&t->shape)] / (double)rows;
    numbers[k] = (ait_real)(mean_spread * (k < t->shape.biases[0] ? square : 1));
  }
  return upload(t->device, (size_t)t->shape.parameters * sizeof *numbers, numbers, &t->curvature);
}

/* `numbers` has m entries, which are more than C x axes. */
static ait_status upload_axes(transition *t, const ait_axes *axes, ait_real *numbers) {
  const int64_t entries = ait_shape_classes(&t->shape) * axes->count;
  for (int64_t k = 0; k < entries; k++) {
    numbers[k] = (ait_real)(mean_spread * axes->squares[k % axes->count]);
  }
  AIT_TRY(upload(t->device, (size_t)entries * sizeof *numbers, numbers, &t->axis_curvature));
  return upload(t->device, (size_t)(axes->count * axes->features) * sizeof *axes->vectors, axes->vectors, &t->axes);
}

/* A vector of ones, and one with zeros in place of the biases; `numbers` has m entries. */
static ait_status upload_ones(transition *t, ait_real *numbers) {
  const size_t bytes = (size_t)t->shape.parameters * sizeof *numbers;
  for (int64_t k = 0; k < t->shape.parameters; k++) {
    numbers[k] = 1;
  }
  AIT_TRY(upload(t->device, bytes, numbers, &t->ones));
  for (int32_t l = 0; l < t->shape.layers; l++) {
    memset(numbers + t->shape.biases[l], 0, (size_t)t->shape.sizes[l + 1] * sizeof *numbers);
  }
  return upload(t->device, bytes, numbers, &t->is_weight);
}

static ait_status make_constants(transition *t, const ait_transition *from) {
  const int64_t m = t->shape.parameters;
  double *squares = calloc((size_t)ait_shape_features(&t->shape), sizeof *squares);
  ait_real *numbers = malloc((size_t)m * sizeof *numbers);
  ait_status status = squares != NULL && numbers != NULL
                          ? upload_ones(t, numbers)
                          : ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld parameters", (long long)m);
  if (status == AIT_OK && t->shape.layers == 1) {
    status = upload_curvature(t, from, squares, numbers);
  }
  if (status == AIT_OK && from->axes != NULL) {
    status = upload_axes(t, from->axes, numbers);
  }
  free(squares);
  free(numbers);
  return status;
}

/* log T of the given chances. */
static ait_status upload_chances(transition *t, const double *chances) {
  const int64_t classes = ait_shape_classes(&t->shape), entries = classes * classes;
  ait_real *log_noise = malloc((size_t)entries * sizeof *log_noise);
  if (log_noise == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a noise model of %lld classes", (long long)classes);
  }
  for (int64_t k = 0; k < entries; k++) {
    log_noise[k] = (ait_real)log(chances[k]);
  }
  const ait_status status = upload(t->device, (size_t)entries * sizeof *log_noise, log_noise, &t->log_noise);
  free(log_noise);
  return status;
}

static ait_status check_chances(int64_t classes, const double *chances) {
  if (chances == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a given noise model needs chances, and there are none");
  }
  for (int64_t g = 0; g < classes; g++) {
    double largest = 0;
    for (int64_t c = 0; c < classes; c++) {
      const double chance = chances[c * classes + g];
      if (!(chance >= 0 && chance <= 1)) {
        return ait_fail(AIT_INVALID_ARGUMENT, "the chance of label %lld in class %lld is %g; expected 0 to 1",
                        (long long)g, (long long)c, chance);
      }
      largest = fmax(largest, chance);
    }
    if (largest == 0) {
      return ait_fail(AIT_INVALID_ARGUMENT, "no class can carry label %lld; expected a chance above 0", (long long)g);
    }
  }
  return AIT_OK;
}

static ait_status check_axes(const ait_shape *shape, const ait_axes *axes) {
  if (axes == NULL || (shape->layers == 1 && axes->features == ait_shape_features(shape))) {
    return AIT_OK;
  }
  return ait_fail(AIT_INVALID_ARGUMENT,
                  "axes of %lld features for a network of %d layers and %lld features; expected 1 "
                  "layer and as many features",
                  (long long)axes->features, shape->layers, (long long)ait_shape_features(shape));
}

static ait_status check(int64_t classes, const ait_transition *from) {
  if (from->validation == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "transition cleaning needs validation rows");
  }
  const int64_t rows = ait_matrix_rows(from->validation);
  if (from->folds < 1 || from->folds > rows) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%d folds of %lld validation rows; expected 1 to %lld", from->folds,
                    (long long)rows, (long long)rows);
  }
  if (!(from->prior_strength >= 0) || (from->prior_strength > 0 && !(from->prior_lambda > 0))) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a prior of strength %g around lambda %g; expected 0 or more, above 0",
                    from->prior_strength, from->prior_lambda);
  }
  if (from->train == NULL && (from->noise != AIT_TRANSITION_NONE || from->weights != NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a noise model or weights need training rows, and there are none");
  }
  for (int64_t i = 0; from->weights != NULL && i < ait_matrix_rows(from->train); i++) {
    if (!((double)from->weights[i] >= 0 && (double)from->weights[i] < INFINITY)) {
      return ait_fail(AIT_BAD_DATA, "the weight of training row %lld is %g; expected 0 or more", (long long)i,
                      (double)from->weights[i]);
    }
  }
  return from->noise == AIT_TRANSITION_GIVEN ? check_chances(classes, from->chances) : AIT_OK;
}

static ait_status upload_sides(transition *t, const ait_transition *from) {
  AIT_TRY(
      upload_side(t, "validation", from->validation, from->validation_labels, from->validation_folds, &t->validation));
  if (from->train != NULL) {
    AIT_TRY(upload_side(t, "training", from->train, from->train_labels, from->train_folds, &t->train));
  }
  for (int64_t b = 0; b < t->folds; b++) {
    if (kept(t, &t->train, b) + kept(t, &t->validation, b) == 0) {
      return ait_fail(AIT_INVALID_ARGUMENT, "every row is in fold %lld, so that LL problem %lld has none", (long long)b,
                      (long long)b);
    }
  }
  return AIT_OK;
}

static ait_status fill(transition *t, const ait_transition *from) {
  AIT_TRY(upload_sides(t, from));
  if (from->weights != NULL) {
    AIT_TRY(upload(t->device, (size_t)ait_matrix_rows(from->train) * sizeof *from->weights, from->weights,
                   &t->train.weights));
  }
  if (from->noise == AIT_TRANSITION_GIVEN) {
    AIT_TRY(upload_chances(t, from->chances));
  }
  return make_constants(t, from);
}

ait_status ait_problem_create_transition(ait_context *context, const ait_network *network, const ait_transition *from,
                                         ait_problem **problem) {
  ait_shape shape;
  AIT_TRY(ait_shape_of(network, &shape));
  AIT_TRY(check(ait_shape_classes(&shape), from));
  AIT_TRY(check_axes(&shape, from->axes));
  const ait_oracles table = {.struct_size = sizeof table,
                             .flags = AIT_CAPTURABLE,
                             .workspace = transition_workspace,
                             .ll_gradient = ll_gradient,
                             .ll_products = ll_products,
                             .ul_value = ul_value,
                             .ul_gradient = ul_gradient,
                             .destroy = destroy,
                             .ll_preconditioner = shape.layers == 1 ? ll_preconditioner : NULL,
                             .ll_precondition = from->axes != NULL ? ll_precondition : NULL};
  transition *t = calloc(1, sizeof *t);
  if (t == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a problem of transition cleaning");
  }
  *t = (transition){.device = &context->device,
                    .shape = shape,
                    .axis_count = from->axes != NULL ? from->axes->count : 0,
                    .folds = from->folds,
                    .noise = from->noise,
                    .prior_centre = from->prior_strength > 0 ? log(from->prior_lambda) : 0,
                    .prior_strength = from->prior_strength / (double)ait_matrix_rows(from->validation)};
  ait_status status = fill(t, from);
  if (status == AIT_OK) {
    const int64_t n = from->noise == AIT_TRANSITION_SYMMETRIC ? 2 : 1;
    status = ait_problem_create(context, &table, t, from->folds, n, shape.parameters, problem);
  }
  if (status != AIT_OK) {
    destroy(t);
  }
  return status;
}
