/* data_pass.c - the folded data pass of the CUDA device (docs/derivation.md#folded-data-pass): fused in
 * one kernel where a tile of rows fits into a multiprocessor, else made of matrix products over chunks
 * of rows, with sums over the chunks in double. */
#include "device/check_pass.h"
#include "device/cuda/cuda.h"
#include "device/targets.h"

/* ---- made of matrix products ----------------------------------------------------------------- */

/* A pass in chunks of at most `most` rows, and where its parts stand in the workspace. */
typedef struct chunked_pass {
  const ait_pass *pass;
  int64_t most, parameters; /* C * D + C */
  double *gradient, *tangent, *noise, *loss;
  ait_real *p, *r, *s; /* most x C: logits, then softmax (noisy labels: L - max L); R; S, then dR */
  ait_real *slopes;    /* most x C where labels are noisy: w r (S - <r,S>) / N */
  ait_real *part; /* parameters (noisy labels: or C * C): one chunk's share, then an output before it is selected */
  ait_real *loss_part; /* 1 */
  void *rows_workspace;
  size_t bytes;
} chunked_pass;

/* Takes `bytes` of the workspace, whose base may be NULL when only its size is asked for. */
static void *take(char *base, size_t *used, size_t bytes) {
  enum { ALIGNMENT = 256 };
  void *part = base != NULL ? base + *used : NULL;
  *used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return part;
}

static chunked_pass lay_out(ait_device *device, const ait_pass *pass, void *workspace) {
  const ait_rows *rows = pass->rows;
  chunked_pass c = {.pass = pass,
                    .most = rows->rows < AIT_CUDA_ROW_CHUNK ? rows->rows : AIT_CUDA_ROW_CHUNK,
                    .parameters = pass->classes * (rows->columns + 1)};
  const size_t sums = (size_t)c.parameters * sizeof(double);
  const size_t logits = (size_t)(c.most * pass->classes) * sizeof(ait_real);
  const int64_t noise = pass->log_noise != NULL ? pass->classes * pass->classes : 0;
  const int64_t part = c.parameters > noise ? c.parameters : noise;
  c.gradient = take(workspace, &c.bytes, sums);
  c.tangent = take(workspace, &c.bytes, sums);
  c.noise = take(workspace, &c.bytes, (size_t)noise * sizeof(double));
  c.loss = take(workspace, &c.bytes, sizeof(double));
  c.p = take(workspace, &c.bytes, logits);
  c.r = take(workspace, &c.bytes, logits);
  c.s = take(workspace, &c.bytes, logits);
  c.slopes = take(workspace, &c.bytes, pass->log_noise != NULL ? logits : 0);
  c.part = take(workspace, &c.bytes, (size_t)part * sizeof(ait_real));
  c.loss_part = take(workspace, &c.bytes, sizeof(ait_real));
  c.rows_workspace = take(workspace, &c.bytes, ait_cuda_rows_workspace(device, rows));
  return c;
}

/* out (count x C) = U A' + 1 b' for the rows of a chunk; `classifier` is A then b. */
static ait_status affine(ait_device *device, const chunked_pass *c, int64_t first, int64_t count,
                         const ait_real *classifier, ait_real *out) {
  const int64_t classes = c->pass->classes, columns = c->pass->rows->columns;
  AIT_TRY(ait_cuda_rows_times(device, c->pass->rows, first, count, classes, classifier, out, c->rows_workspace));
  return ait_cuda_add_bias(device, count, classes, classifier + classes * columns, out);
}

/* sum += (r' U, column sums of r) of a chunk. */
static ait_status add_products(ait_device *device, const chunked_pass *c, int64_t first, int64_t count,
                               const ait_real *r, double *sum) {
  const int64_t classes = c->pass->classes, columns = c->pass->rows->columns;
  AIT_TRY(ait_cuda_rows_transposed_times(device, c->pass->rows, first, count, classes, r, c->part, c->rows_workspace));
  AIT_TRY(ait_cuda_column_sums(device, count, classes, r, c->part + classes * columns));
  return ait_cuda_accumulate(device, c->parameters, c->part, sum);
}

/* What the logits of the rows from `first` on are compared with. */
static ait_targets targets_of(const ait_pass *pass, int64_t first) {
  const ait_targets all = {.labels = pass->labels,
                           .x = pass->x,
                           .weights = pass->weights,
                           .folds = pass->folds,
                           .fold = pass->fold,
                           .only_fold = pass->only_fold,
                           .log_noise = pass->log_noise};
  return ait_targets_from(&all, first);
}

/* r and, where they are wanted, the loss of a chunk; the logits become what the tangent needs. */
static ait_status run_entropy(ait_device *device, const chunked_pass *c, int64_t first, int64_t count) {
  const ait_pass *pass = c->pass;
  const ait_targets targets = targets_of(pass, first);
  return ait_cuda_cross_entropy(device, count, pass->classes, pass->rows->rows, &targets, c->p,
                                pass->gradient != NULL ? c->r : NULL, pass->loss != NULL ? c->loss_part : NULL);
}

/* S becomes dR, and the cross terms of a chunk are written or added up. */
static ait_status run_direction(ait_device *device, const chunked_pass *c, int64_t first, int64_t count) {
  const ait_pass *pass = c->pass;
  const ait_targets targets = targets_of(pass, first);
  AIT_TRY(affine(device, c, first, count, pass->direction, c->s));
  AIT_TRY(ait_cuda_cross_entropy_tangent(device, count, pass->classes, pass->rows->rows, &targets, c->p, c->s,
                                         pass->cross != NULL ? pass->cross + first : NULL,
                                         pass->noise_cross != NULL ? c->slopes : NULL));
  if (pass->noise_cross != NULL) {
    AIT_TRY(ait_cuda_noise_cross(device, count, pass->classes, targets.labels, c->slopes, c->part));
    AIT_TRY(ait_cuda_accumulate(device, pass->classes * pass->classes, c->part, c->noise));
  }
  return pass->tangent != NULL ? add_products(device, c, first, count, c->s, c->tangent) : AIT_OK;
}

static ait_status run_chunk(ait_device *device, const chunked_pass *c, int64_t first, int64_t count) {
  const ait_pass *pass = c->pass;
  AIT_TRY(affine(device, c, first, count, pass->classifier, c->p));
  AIT_TRY(run_entropy(device, c, first, count));
  if (pass->loss != NULL) {
    AIT_TRY(ait_cuda_accumulate(device, 1, c->loss_part, c->loss));
  }
  if (pass->gradient != NULL) {
    AIT_TRY(add_products(device, c, first, count, c->r, c->gradient));
  }
  const int directed = pass->tangent != NULL || pass->cross != NULL || pass->noise_cross != NULL;
  return directed ? run_direction(device, c, first, count) : AIT_OK;
}

/* The cross terms of a pass that is not active become 0. */
static ait_status clear_inactive(ait_device *device, const ait_pass *pass) {
  cudaStream_t stream = ait_cuda_state(device)->stream;
  const int64_t noise = pass->classes * pass->classes;
  static const char doing[] = "clearing the cross terms";
  if (pass->active != NULL && pass->cross != NULL) {
    AIT_TRY(ait_cuda_launched(device, ait_kernel_clear_inactive(stream, pass->rows->rows, pass->active, pass->cross),
                              doing));
  }
  return pass->active != NULL && pass->noise_cross != NULL
             ? ait_cuda_launched(device, ait_kernel_clear_inactive(stream, noise, pass->active, pass->noise_cross),
                                 doing)
             : AIT_OK;
}

/* out = sum, where the pass is active; `rounded` is memory of n numbers. */
static ait_status write_sum(ait_device *device, const uint8_t *active, int64_t n, const double *sum, ait_real *rounded,
                            ait_real *out) {
  if (out == NULL) {
    return AIT_OK;
  }
  if (active == NULL) {
    return ait_cuda_round_sum(device, n, 1, sum, out);
  }
  AIT_TRY(ait_cuda_round_sum(device, n, 1, sum, rounded));
  return device->vector->select(device, 1, n, active, rounded, out);
}

static ait_status run_chunked(ait_device *device, const ait_pass *pass, void *workspace) {
  const chunked_pass c = lay_out(device, pass, workspace);
  const int64_t rows = pass->rows->rows;
  const size_t sums = (size_t)c.parameters * sizeof(double);
  AIT_TRY(ait_cuda_fill(device, sums, 0, c.gradient));
  AIT_TRY(ait_cuda_fill(device, sums, 0, c.tangent));
  AIT_TRY(ait_cuda_fill(device, sizeof(double), 0, c.loss));
  if (pass->noise_cross != NULL) {
    AIT_TRY(ait_cuda_fill(device, (size_t)(pass->classes * pass->classes) * sizeof(double), 0, c.noise));
  }
  for (int64_t first = 0; first < rows; first += c.most) {
    AIT_TRY(run_chunk(device, &c, first, rows - first < c.most ? rows - first : c.most));
  }
  AIT_TRY(write_sum(device, pass->active, 1, c.loss, c.loss_part, pass->loss));
  AIT_TRY(write_sum(device, pass->active, c.parameters, c.gradient, c.part, pass->gradient));
  AIT_TRY(write_sum(device, pass->active, c.parameters, c.tangent, c.part, pass->tangent));
  AIT_TRY(write_sum(device, pass->active, pass->classes * pass->classes, c.noise, c.part, pass->noise_cross));
  return clear_inactive(device, pass);
}

/* ---- the pass ---------------------------------------------------------------------------------- */

/* tile_rows is 0 where the pass is made of matrix products, as all of noisy labels are. */
static ait_pass_plan plan_of(ait_device *device, const ait_pass *pass) {
  return pass->log_noise != NULL ? (ait_pass_plan){0}
                                 : ait_kernel_plan_pass(pass->rows, pass->classes, &ait_cuda_state(device)->limits);
}

size_t ait_cuda_data_pass_workspace(ait_device *device, const ait_pass *pass) {
  const ait_pass_plan plan = plan_of(device, pass);
  return plan.tile_rows > 0 ? plan.workspace_bytes : lay_out(device, pass, NULL).bytes;
}

ait_status ait_cuda_data_pass(ait_device *device, const ait_pass *pass, void *workspace) {
  AIT_TRY(ait_check_pass(pass));
  const ait_pass_plan plan = plan_of(device, pass);
  if (plan.tile_rows == 0) {
    return run_chunked(device, pass, workspace);
  }
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_data_pass(ait_cuda_state(device)->stream, pass, &plan, workspace),
                           "running a data pass");
}
