/* data_pass.c - the folded data pass of the CUDA device (docs/derivation.md#folded-data-pass): fused in
 * one kernel where a tile of rows fits into a multiprocessor, else made of matrix products over chunks
 * of rows, with sums over the chunks in double. */
#include "device/cuda/cuda.h"

/* ---- made of matrix products ----------------------------------------------------------------- */

/* A pass in chunks of at most `most` rows, and where its parts stand in the workspace. */
typedef struct chunked_pass {
  const ait_pass *pass;
  int64_t most, parameters; /* C * D + C */
  double *gradient, *tangent, *loss;
  ait_real *p, *r, *s; /* most x C: logits, then softmax; R; S, then dR */
  ait_real *part;      /* parameters: one chunk's share, then an output before it is selected */
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
  c.gradient = take(workspace, &c.bytes, sums);
  c.tangent = take(workspace, &c.bytes, sums);
  c.loss = take(workspace, &c.bytes, sizeof(double));
  c.p = take(workspace, &c.bytes, logits);
  c.r = take(workspace, &c.bytes, logits);
  c.s = take(workspace, &c.bytes, logits);
  c.part = take(workspace, &c.bytes, (size_t)c.parameters * sizeof(ait_real));
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

static ait_status run_direction(ait_device *device, const chunked_pass *c, int64_t first, int64_t count) {
  const ait_pass *pass = c->pass;
  const ait_real *x = pass->x != NULL ? pass->x + first : NULL;
  ait_real *cross = pass->cross != NULL ? pass->cross + first : NULL;
  AIT_TRY(affine(device, c, first, count, pass->direction, c->s));
  AIT_TRY(ait_cuda_cross_entropy_tangent(device, count, pass->classes, pass->rows->rows, pass->labels + first, x, c->p,
                                         c->s, cross));
  return pass->tangent != NULL ? add_products(device, c, first, count, c->s, c->tangent) : AIT_OK;
}

static ait_status run_chunk(ait_device *device, const chunked_pass *c, int64_t first, int64_t count) {
  const ait_pass *pass = c->pass;
  const ait_real *x = pass->x != NULL ? pass->x + first : NULL;
  AIT_TRY(affine(device, c, first, count, pass->classifier, c->p));
  AIT_TRY(ait_cuda_cross_entropy(device, count, pass->classes, pass->rows->rows, pass->labels + first, x, c->p,
                                 pass->gradient != NULL ? c->r : NULL, pass->loss != NULL ? c->loss_part : NULL));
  if (pass->loss != NULL) {
    AIT_TRY(ait_cuda_accumulate(device, 1, c->loss_part, c->loss));
  }
  if (pass->gradient != NULL) {
    AIT_TRY(add_products(device, c, first, count, c->r, c->gradient));
  }
  return pass->tangent != NULL || pass->cross != NULL ? run_direction(device, c, first, count) : AIT_OK;
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
  for (int64_t first = 0; first < rows; first += c.most) {
    AIT_TRY(run_chunk(device, &c, first, rows - first < c.most ? rows - first : c.most));
  }
  AIT_TRY(write_sum(device, pass->active, 1, c.loss, c.loss_part, pass->loss));
  AIT_TRY(write_sum(device, pass->active, c.parameters, c.gradient, c.part, pass->gradient));
  AIT_TRY(write_sum(device, pass->active, c.parameters, c.tangent, c.part, pass->tangent));
  if (pass->active == NULL || pass->cross == NULL) {
    return AIT_OK;
  }
  return ait_cuda_launched(device,
                           ait_kernel_clear_inactive(ait_cuda_state(device)->stream, rows, pass->active, pass->cross),
                           "clearing the cross terms");
}

/* ---- the pass ---------------------------------------------------------------------------------- */

size_t ait_cuda_data_pass_workspace(ait_device *device, const ait_pass *pass) {
  const ait_pass_plan plan = ait_kernel_plan_pass(pass->rows, pass->classes, &ait_cuda_state(device)->limits);
  return plan.tile_rows > 0 ? plan.workspace_bytes : lay_out(device, pass, NULL).bytes;
}

ait_status ait_cuda_data_pass(ait_device *device, const ait_pass *pass, void *workspace) {
  if (pass->direction == NULL && (pass->tangent != NULL || pass->cross != NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "data pass: the tangent and the cross term need a direction");
  }
  if (pass->rows->rows < 1 || pass->rows->columns < 1 || pass->classes < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "data pass: %lld rows, %lld columns, %lld classes; expected at least 1 of each",
                    (long long)pass->rows->rows, (long long)pass->rows->columns, (long long)pass->classes);
  }
  const ait_pass_plan plan = ait_kernel_plan_pass(pass->rows, pass->classes, &ait_cuda_state(device)->limits);
  if (plan.tile_rows == 0) {
    return run_chunked(device, pass, workspace);
  }
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_data_pass(ait_cuda_state(device)->stream, pass, &plan, workspace),
                           "running a data pass");
}
