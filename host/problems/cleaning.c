/* cleaning.c - data hyper-cleaning (docs/derivation.md#hyper-cleaning).
 *
 *     f = (1/N) sum_i sigmoid(x_i) CE_i(train; y),   F = (1/M) sum_j CE_j(validation; y)
 *
 * Every oracle is one pass of rows through the network with other outputs asked for. */
#include <stdlib.h>

#include "context/context.h"
#include "context/error.h"
#include "problems/network.h"

typedef struct cleaning_entry {
  ait_rows train, validation;
  int32_t *train_labels, *validation_labels; /* device */
  int64_t x_offset;                          /* where this entry's x begins */
  ait_real *inverse_diagonal;                /* device: m numbers, for a linear classifier; else NULL */
} cleaning_entry;

typedef struct cleaning {
  ait_device *device;
  ait_shape shape;
  int64_t batch, n;
  cleaning_entry entries[];
} cleaning;

/* Entry b as gradient descent on its device; the parts of a plan are still missing. */
static ait_descent descent_of(const cleaning *problem, int64_t b) {
  const cleaning_entry *entry = &problem->entries[b];
  return (ait_descent){.train = &entry->train,
                       .validation = &entry->validation,
                       .train_labels = entry->train_labels,
                       .validation_labels = entry->validation_labels,
                       .layers = problem->shape.layers,
                       .sizes = problem->shape.sizes,
                       .m = problem->shape.parameters};
}

/* Bytes of workspace for a whole rollout of entry b; 0: its steps are taken one by one. */
static size_t descent_workspace(const cleaning *problem, int64_t b) {
  if (problem->device->model->descent_workspace == NULL || !ait_shape_is_folded(&problem->shape)) {
    return 0;
  }
  const ait_descent descent = descent_of(problem, b);
  return problem->device->model->descent_workspace(problem->device, &descent);
}

static size_t cleaning_workspace(const void *self, int64_t batch) {
  const cleaning *problem = self;
  size_t largest = 0;
  for (int64_t b = 0; b < batch; b++) {
    const cleaning_entry *entry = &problem->entries[b];
    const size_t train = ait_network_workspace(problem->device, &problem->shape, &entry->train, 0);
    const size_t validation = ait_network_workspace(problem->device, &problem->shape, &entry->validation, 0);
    largest = train > largest ? train : largest;
    largest = validation > largest ? validation : largest;
    const size_t whole = descent_workspace(problem, b);
    largest = whole > largest ? whole : largest;
    const size_t in_x = ait_network_x_gradient_workspace(problem->device, &problem->shape, &entry->train);
    largest = in_x > largest ? in_x : largest;
  }
  return largest;
}

/* The rows of one side of entry b, with its parameters. */
static ait_network_pass pass_of(const cleaning *problem, const ait_call *call, int64_t b, int32_t training,
                                const ait_real *x, const ait_real *y) {
  const cleaning_entry *entry = &problem->entries[b];
  return (ait_network_pass){.rows = training ? &entry->train : &entry->validation,
                            .targets = {.labels = training ? entry->train_labels : entry->validation_labels,
                                        .x = training ? x + entry->x_offset : NULL},
                            .active = call->active == NULL ? NULL : call->active + b,
                            .y = y + b * call->m};
}

static ait_status run(const cleaning *problem, const ait_call *call, const ait_network_pass *pass) {
  return ait_network_run(problem->device, &problem->shape, pass, call->workspace);
}

static ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                              ait_real *f) {
  const cleaning *problem = self;
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(problem, call, b, 1, x, y);
    pass.loss = f + b;
    pass.gradient = g + b * call->m;
    AIT_TRY(run(problem, call, &pass));
  }
  return AIT_OK;
}

static ait_status ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                              ait_real *hv, ait_real *xv) {
  const cleaning *problem = self;
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(problem, call, b, 1, x, y);
    pass.v = v + b * call->m;
    pass.product = hv + b * call->m;
    pass.cross = xv + problem->entries[b].x_offset;
    AIT_TRY(run(problem, call, &pass));
  }
  return AIT_OK;
}

static ait_status ll_x_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx) {
  const cleaning *problem = self;
  for (int64_t b = 0; b < call->batch; b++) {
    const ait_network_pass pass = pass_of(problem, call, b, 1, x, y);
    AIT_TRY(ait_network_x_gradient(problem->device, &problem->shape, &pass, gx + problem->entries[b].x_offset,
                                   call->workspace));
  }
  return AIT_OK;
}

static ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  const cleaning *problem = self;
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(problem, call, b, 0, x, y);
    pass.loss = F + b;
    AIT_TRY(run(problem, call, &pass));
  }
  return AIT_OK;
}

/* F does not depend on x. */
static ait_status no_x(const cleaning *problem, ait_real *gx) {
  return problem->device->runtime->fill(problem->device, (size_t)problem->n * sizeof *gx, 0, gx);
}

static ait_status ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                              ait_real *gy) {
  const cleaning *problem = self;
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(problem, call, b, 0, x, y);
    pass.gradient = gy + b * call->m;
    AIT_TRY(run(problem, call, &pass));
  }
  return no_x(problem, gx);
}

static ait_status ul_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                              ait_real *hv, ait_real *xv) {
  const cleaning *problem = self;
  for (int64_t b = 0; b < call->batch; b++) {
    ait_network_pass pass = pass_of(problem, call, b, 0, x, y);
    pass.v = v + b * call->m;
    pass.product = hv + b * call->m;
    AIT_TRY(run(problem, call, &pass));
  }
  return no_x(problem, xv);
}

static ait_status ll_preconditioner(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                    ait_real *inverse_diagonal) {
  const cleaning *problem = self;
  (void)x, (void)y;
  for (int64_t b = 0; b < call->batch; b++) {
    AIT_TRY(problem->device->vector->copy(problem->device, call->m, problem->entries[b].inverse_diagonal,
                                          inverse_diagonal + b * call->m));
  }
  return AIT_OK;
}

/* ---- whole rollouts and sweeps ---------------------------------------------------------------- */

typedef ait_status (*descent_work)(ait_device *device, const ait_descent *descent, void *workspace);

/* A plan, entry by entry: each has its rows, its x and its trajectory. */
static ait_status run_plan(const cleaning *problem, const ait_call *call, const ait_plan *plan, descent_work work) {
  for (int64_t b = 0; b < call->batch; b++) {
    const int64_t offset = problem->entries[b].x_offset;
    ait_descent descent = descent_of(problem, b);
    descent.first = plan->first;
    descent.end = plan->end;
    descent.alpha = plan->alpha;
    descent.beta = plan->beta;
    descent.x = plan->x + offset;
    descent.states = plan->states + b * call->m;
    descent.slots = plan->slots;
    descent.stride = call->batch * call->m;
    descent.f = plan->f != NULL ? plan->f + b : NULL;
    descent.F = plan->F != NULL ? plan->F + b : NULL;
    descent.F_first = plan->F_first;
    descent.value_stride = call->batch;
    descent.kbar = plan->kbar != NULL ? plan->kbar + b : NULL;
    descent.lambda = plan->lambda != NULL ? plan->lambda + b * call->m : NULL;
    descent.gx = plan->gx != NULL ? plan->gx + offset : NULL;
    AIT_TRY(work(problem->device, &descent, call->workspace));
  }
  return AIT_OK;
}

/* Whether every entry can. */
static int32_t runs_plans(const cleaning *problem) {
  int32_t all = 1;
  for (int64_t b = 0; b < problem->batch; b++) {
    all = all && descent_workspace(problem, b) > 0;
  }
  return all;
}

static ait_status rollout(void *self, const ait_call *call, const ait_plan *plan) {
  const cleaning *problem = self;
  return runs_plans(problem) ? run_plan(problem, call, plan, problem->device->model->rollout) : AIT_UNSUPPORTED;
}

static ait_status reverse(void *self, const ait_call *call, const ait_plan *plan) {
  const cleaning *problem = self;
  return runs_plans(problem) ? run_plan(problem, call, plan, problem->device->model->reverse) : AIT_UNSUPPORTED;
}

/* ---- a problem's life --------------------------------------------------------------------------- */

static void destroy(void *self) {
  cleaning *problem = self;
  ait_device *device = problem->device;
  for (int64_t b = 0; b < problem->batch; b++) {
    cleaning_entry *entry = &problem->entries[b];
    device->model->release_rows(device, &entry->train);
    device->model->release_rows(device, &entry->validation);
    device->runtime->release(device, entry->train_labels);
    device->runtime->release(device, entry->validation_labels);
    device->runtime->release(device, entry->inverse_diagonal);
  }
  free(problem);
}

/* Checks one side of an entry and puts it on the device. */
static ait_status upload(ait_device *device, const ait_shape *shape, int64_t b, const char *side,
                         const ait_matrix *matrix, const int32_t *labels, ait_rows *rows, int32_t **device_labels) {
  const int64_t count = ait_matrix_rows(matrix);
  if (count < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "entry %lld has no %s rows; expected 1 or more", (long long)b, side);
  }
  if (ait_matrix_columns(matrix) != ait_shape_features(shape)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the %s rows of entry %lld have %lld features; the network expects %lld",
                    side, (long long)b, (long long)ait_matrix_columns(matrix), (long long)ait_shape_features(shape));
  }
  AIT_TRY(ait_upload_labels(device, side, count, ait_shape_classes(shape), labels, device_labels));
  const ait_row_use use = ait_shape_is_folded(shape) ? AIT_READ_OFTEN : AIT_READ_ONCE; /* by the data pass */
  return device->model->upload_rows(device, matrix, use, rows);
}

/* The rows that the means of columns are taken over, evenly spread, and the least of a column's mean that counts,
 * as a share of all columns' mean: columns that are 0 in these rows. */
enum { SAMPLED_ROWS = 1024 };
static const double LEAST_SHARE = 0.01;

/* square_j = the mean of u_j^2 over the sampled rows, at least LEAST_SHARE of the mean over j. */
static void mean_squares(const ait_matrix *matrix, double *square) {
  const int64_t rows = ait_matrix_rows(matrix), columns = ait_matrix_columns(matrix);
  const int64_t count = rows < SAMPLED_ROWS ? rows : SAMPLED_ROWS;
  double sum = 0;
  for (int64_t s = 0; s < count; s++) {
    const int64_t i = s * rows / count;
    for (int64_t j = 0; j < columns; j++) {
      const double value = ait_matrix_value(matrix, i, j);
      square[j] += value * value / (double)count;
      sum += value * value / (double)count;
    }
  }
  const double least = sum > 0 ? LEAST_SHARE * sum / (double)columns : 1;
  for (int64_t j = 0; j < columns; j++) {
    square[j] = square[j] > least ? square[j] : least;
  }
}

/* The inverse of H's diagonal at x = 0, y = 0, where w_i = 1/2 and every p_ic = 1/C
 * (docs/derivation.md#hyper-cleaning): H_cj,cj = (1/N) sum_i w_i p_ic (1 - p_ic) u_ij^2. The biases follow the weights.
 */
static ait_status upload_inverse_diagonal(cleaning *problem, const ait_matrix *train, ait_real **inverse_diagonal) {
  const int64_t columns = ait_shape_features(&problem->shape), classes = ait_shape_classes(&problem->shape);
  const size_t bytes = (size_t)problem->shape.parameters * sizeof(ait_real);
  const double curvature = 0.5 * (1 - 1 / (double)classes) / (double)classes;
  double *square = calloc((size_t)columns, sizeof *square);
  ait_real *inverse = malloc(bytes);
  void *memory = NULL;
  ait_status status = square != NULL && inverse != NULL
                          ? problem->device->runtime->allocate(problem->device, bytes, &memory)
                          : ait_fail(AIT_OUT_OF_MEMORY, "no memory for the diagonal of a Hessian");
  if (status == AIT_OK) {
    mean_squares(train, square);
    for (int64_t i = 0; i < problem->shape.parameters; i++) {
      inverse[i] = (ait_real)(1 / (curvature * (i < classes * columns ? square[i % columns] : 1)));
    }
    *inverse_diagonal = memory;
    status = problem->device->runtime->copy_in(problem->device, bytes, inverse, memory);
  }
  free(square);
  free(inverse);
  return status;
}

/* Only a single layer without activation has a diagonal that columns alone tell. One class has no curvature. */
static int32_t has_diagonal(const ait_shape *shape) {
  return shape->layers == 1 && ait_shape_classes(shape) > 1;
}

static ait_status fill_entries(cleaning *problem, const ait_cleaning_entry *entries) {
  for (int64_t b = 0; b < problem->batch; b++) {
    cleaning_entry *entry = &problem->entries[b];
    entry->x_offset = problem->n;
    problem->n += ait_matrix_rows(entries[b].train);
    AIT_TRY(upload(problem->device, &problem->shape, b, "training", entries[b].train, entries[b].train_labels,
                   &entry->train, &entry->train_labels));
    AIT_TRY(upload(problem->device, &problem->shape, b, "validation", entries[b].validation,
                   entries[b].validation_labels, &entry->validation, &entry->validation_labels));
    if (has_diagonal(&problem->shape)) {
      AIT_TRY(upload_inverse_diagonal(problem, entries[b].train, &entry->inverse_diagonal));
    }
  }
  return AIT_OK;
}

ait_status ait_problem_create_cleaning(ait_context *context, const ait_network *network, int64_t batch,
                                       const ait_cleaning_entry *entries, ait_problem **problem) {
  ait_shape shape;
  AIT_TRY(ait_shape_of(network, &shape));
  const ait_oracles table = {.struct_size = sizeof table,
                             .flags = AIT_CAPTURABLE,
                             .workspace = cleaning_workspace,
                             .ll_gradient = ll_gradient,
                             .ll_products = ll_products,
                             .ul_value = ul_value,
                             .ul_gradient = ul_gradient,
                             .ul_products = ul_products,
                             .rollout = rollout,
                             .reverse = reverse,
                             .destroy = destroy,
                             .ll_x_gradient = ll_x_gradient,
                             .ll_preconditioner = has_diagonal(&shape) ? ll_preconditioner : NULL};
  if (batch < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a batch of %lld data sets; expected 1 or more", (long long)batch);
  }
  cleaning *self = calloc(1, sizeof *self + (size_t)batch * sizeof self->entries[0]);
  if (self == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a cleaning problem of %lld data sets", (long long)batch);
  }
  self->device = &context->device;
  self->shape = shape;
  self->batch = batch;
  ait_status status = fill_entries(self, entries);
  if (status == AIT_OK) {
    status = ait_problem_create(context, &table, self, batch, self->n, shape.parameters, problem);
  }
  if (status != AIT_OK) {
    destroy(self);
  }
  return status;
}
