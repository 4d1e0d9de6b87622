/* kernels.h - launchers of the CUDA kernels.
 *
 * Each launcher enqueues one operation of the tables in device/device.h on a stream and returns the
 * error of its launches (cudaGetLastError); what went wrong while a kernel ran shows at a later
 * synchronisation. Pointers are device pointers unless called `host`. Lengths of 0 launch nothing.
 * Shapes, formulas and contracts are those of the operation of the same name in device.h. */
#ifndef AIT_KERNELS_H
#define AIT_KERNELS_H

#include <cuda_runtime_api.h>

#include "device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- vector.cu: entry by entry --------------------------------------------------------------- */

/* `term` is a host array; its pointers are device pointers. */
cudaError_t ait_kernel_combine(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask, int32_t terms,
                               const ait_term *term, ait_real *out);
cudaError_t ait_kernel_add_scaled(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                                  double factor, const ait_real *scalar, const ait_real *c, ait_real *out);
/* `trial` is a host struct. */
cudaError_t ait_kernel_judge_trials(cudaStream_t stream, int64_t batch, const ait_trial *trial);
cudaError_t ait_kernel_multiply(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                                const ait_real *c, ait_real *out);
cudaError_t ait_kernel_project_adjoint(cudaStream_t stream, int64_t n, double lower, double upper, const ait_real *u,
                                       ait_real *v);
cudaError_t ait_kernel_prox(cudaStream_t stream, int64_t n, const ait_real *alpha, double l1, double l2, ait_real *v);
cudaError_t ait_kernel_prox_adjoint(cudaStream_t stream, int64_t n, const ait_real *alpha, double l1, double l2,
                                    const ait_real *y, ait_real *v);
cudaError_t ait_kernel_ratio(cudaStream_t stream, int64_t batch, const ait_real *numerator, const ait_real *denominator,
                             ait_real *out);
cudaError_t ait_kernel_power(cudaStream_t stream, int64_t batch, double scale, double shift, double exponent,
                             const ait_real *in, ait_real *out);
cudaError_t ait_kernel_difference_step(cudaStream_t stream, double epsilon, const ait_real *square, ait_real *step);

/* ---- reduce.cu: sums and counts -------------------------------------------------------------- */

/* Memory for the partial results of one reduction, reused by the next one on the same stream. */
enum { AIT_REDUCE_BATCH = 256, AIT_COUNT_BLOCKS = 1024 };
typedef struct ait_reduce_memory {
  double sums[AIT_REDUCE_BATCH * AIT_SUM_SLOTS];
  int64_t counts[AIT_COUNT_BLOCKS];
} ait_reduce_memory;

/* `memory` is one ait_reduce_memory on the device. */
cudaError_t ait_kernel_dot(cudaStream_t stream, int64_t batch, int64_t m, const ait_real *a, const ait_real *c,
                           ait_real *out, ait_reduce_memory *memory);
/* at_bound may be NULL. */
cudaError_t ait_kernel_project(cudaStream_t stream, int64_t n, double lower, double upper, ait_real *v,
                               int32_t *at_bound, ait_reduce_memory *memory);
cudaError_t ait_kernel_count_nonfinite(cudaStream_t stream, int64_t n, const ait_real *v, int32_t *count,
                                       ait_reduce_memory *memory);
cudaError_t ait_kernel_count_correct(cudaStream_t stream, int64_t count, int64_t classes, const ait_real *p,
                                     const int32_t *labels, int64_t *correct, ait_reduce_memory *memory);

/* ---- truncation.cu: the iterate that is differentiated ---------------------------------------- */

cudaError_t ait_kernel_argmax(cudaStream_t stream, int64_t batch, int32_t first, int32_t last, const ait_real *values,
                              int32_t *kbar);
cudaError_t ait_kernel_truncation_masks(cudaStream_t stream, int64_t batch, const int32_t *kbar, const int32_t *step,
                                        uint8_t *enter, uint8_t *active);
cudaError_t ait_kernel_select(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask,
                              const ait_real *source, ait_real *target);
cudaError_t ait_kernel_gather(cudaStream_t stream, int64_t batch, int64_t m, const int32_t *kbar, int32_t first,
                              int32_t last, int64_t slots, int64_t stride, const ait_real *states, ait_real *out);

/* ---- update.cu: optimisers --------------------------------------------------------------------- */

cudaError_t ait_kernel_update(cudaStream_t stream, ait_optimizer_kind kind, int64_t n, const ait_update *update,
                              const ait_real *g, ait_real *moment1, ait_real *moment2, ait_real *x);

/* ---- activation.cu; the kind is relu or tanh ---------------------------------------------------- */

cudaError_t ait_kernel_activation(cudaStream_t stream, ait_activation kind, int64_t n, ait_real *a);
cudaError_t ait_kernel_activation_derivative(cudaStream_t stream, ait_activation kind, int64_t n, const ait_real *a,
                                             ait_real *dz);
cudaError_t ait_kernel_activation_second(cudaStream_t stream, ait_activation kind, int64_t n, const ait_real *a,
                                         const ait_real *da, ait_real *back, ait_real *dback);

/* ---- rows.cu: rows of data and of intermediate results ------------------------------------------ */

/* values (count x columns, dense) of the rows first .. first + count - 1, scale and shift applied.
 * `rows` is a host struct. */
cudaError_t ait_kernel_convert_rows(cudaStream_t stream, const ait_rows *rows, int64_t first, int64_t count,
                                    ait_real *values);
cudaError_t ait_kernel_add_bias(cudaStream_t stream, int64_t count, int64_t h, const ait_real *b, ait_real *z);
cudaError_t ait_kernel_column_sums(cudaStream_t stream, int64_t count, int64_t h, const ait_real *r, ait_real *out);
cudaError_t ait_kernel_accumulate(cudaStream_t stream, int64_t n, const ait_real *v, double *sum);
cudaError_t ait_kernel_round_sum(cudaStream_t stream, int64_t n, double scale, const double *sum, ait_real *out);

/* ---- cross_entropy.cu ---------------------------------------------------------------------------- */

/* What weighs rows, as in ait_pass: each pointer at the first of the rows, or NULL. */
typedef struct ait_row_weights {
  const ait_real *x, *weights;
  const int32_t *folds;
  int32_t fold, only_fold;
} ait_row_weights;

/* `weights` is a host struct; r and loss may be NULL. */
cudaError_t ait_kernel_cross_entropy(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                     const int32_t *labels, const ait_row_weights *weights, ait_real *logits,
                                     ait_real *r, ait_real *loss, ait_reduce_memory *memory);
/* x may not be NULL. */
cudaError_t ait_kernel_cross_entropy_x_gradient(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                                const int32_t *labels, const ait_real *x, ait_real *logits,
                                                ait_real *out);
cudaError_t ait_kernel_softmax(cudaStream_t stream, int64_t count, int64_t classes, ait_real *logits);
/* cross may be NULL. */
cudaError_t ait_kernel_cross_entropy_tangent(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                             const int32_t *labels, const ait_row_weights *weights, const ait_real *p,
                                             ait_real *s, ait_real *cross);

/* ---- noise.cu: the same where labels are noisy (ait_pass) ----------------------------------------- */

/* The rows' labels and noise model. */
typedef struct ait_noisy_labels {
  const int32_t *labels;
  const ait_real *log_noise;
} ait_noisy_labels;

/* logits become L_c - max L; r = w (P - r) / total and loss may be NULL. */
cudaError_t ait_kernel_noise_entropy(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                     const ait_noisy_labels *labels, const ait_row_weights *weights, ait_real *logits,
                                     ait_real *r, ait_real *loss, ait_reduce_memory *memory);
/* `logits` as left by noise_entropy; s becomes the tangent of r along s, `slopes` (may be NULL) w r_c (S_c - <r,S>) /
 * total. cross may be NULL. */
cudaError_t ait_kernel_noise_tangent(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                     const ait_noisy_labels *labels, const ait_row_weights *weights,
                                     const ait_real *logits, ait_real *s, ait_real *slopes, ait_real *cross);
/* out_cg = -(sum of slopes_ic over the rows with label g). */
cudaError_t ait_kernel_sum_labels(cudaStream_t stream, int64_t count, int64_t classes, const int32_t *labels,
                                  const ait_real *slopes, ait_real *out);

/* ---- transition.cu ------------------------------------------------------------------------------- */

/* log_noise, active and noise_cross may be NULL. */
cudaError_t ait_kernel_transition_terms(cudaStream_t stream, int64_t classes, const ait_real *x, ait_real *lambda,
                                        ait_real *log_noise);
cudaError_t ait_kernel_transition_cross(cudaStream_t stream, int64_t batch, int64_t classes, const uint8_t *active,
                                        const ait_real *x, const ait_real *dots, const ait_real *noise_cross,
                                        ait_real *xv);

/* ---- limits of a device --------------------------------------------------------------------------- */

/* What the kernels may use of a device. */
typedef struct ait_kernel_limits {
  int32_t multiprocessors;
  int32_t cooperative;                /* nonzero: the blocks of a launch may wait for each other */
  size_t shared_bytes;                /* of a block that asks */
  size_t multiprocessor_shared_bytes; /* of all blocks of a multiprocessor */
  size_t reserved_shared_bytes;       /* of each block, for the system */
} ait_kernel_limits;

/* ---- data_pass.cu: the folded data pass, fused ---------------------------------------------------- */

/* How the rows of a pass are cut, by their shape alone, and how many bytes its parts of the workspace
 * take. tile_rows is 0 where a tile would not fit into a block's shared memory or the classes are too
 * many: such a pass is made of matrix products instead. */
typedef struct ait_pass_plan {
  int64_t tile_rows;      /* rows that a block holds at once */
  int64_t slots;          /* blocks, each with sums of its own */
  int64_t slot_rows;      /* rows of a slot, a multiple of tile_rows */
  size_t shared_bytes[2]; /* of a block: without a direction, and with one */
  int32_t bytes;          /* nonzero: rows are multiplied as bytes */
  size_t packed_bytes;    /* of one classifier with scale and shift folded in */
  size_t slot_bytes;      /* of one slot's sums */
  size_t workspace_bytes; /* of all: packed classifier, packed direction, slots */
} ait_pass_plan;

ait_pass_plan ait_kernel_plan_pass(const ait_rows *rows, int64_t classes, const ait_kernel_limits *limits);

/* The whole pass; plan->tile_rows is not 0, `workspace` holds plan->workspace_bytes. */
cudaError_t ait_kernel_data_pass(cudaStream_t stream, const ait_pass *pass, const ait_pass_plan *plan, void *workspace);

/* cross_i = 0 where *active is 0, for passes made of matrix products. */
cudaError_t ait_kernel_clear_inactive(cudaStream_t stream, int64_t n, const uint8_t *active, ait_real *cross);

/* ---- rollout.cu: whole rollouts and reverse sweeps ------------------------------------------------- */

/* The rows of one side, cut by their shape alone: each slot has sums of its own. */
typedef struct ait_descent_side_plan {
  int64_t slots, slot_rows;
} ait_descent_side_plan;

/* One cooperative launch; blocks 0: the device cannot. */
typedef struct ait_descent_launch {
  int32_t blocks;
  int32_t resident; /* nonzero: a block keeps its rows in shared memory */
  size_t shared_bytes;
} ait_descent_launch;

typedef struct ait_descent_plan {
  ait_descent_side_plan side[2]; /* training, validation */
  int64_t tile_rows;
  int32_t bytes; /* nonzero: rows are multiplied as bytes */
  ait_descent_launch rollout, reverse;
  size_t losses_bytes, sums_bytes, workspace_bytes;
} ait_descent_plan;

/* How a descent runs; workspace_bytes 0: it does not, for these rows, layers or limits. */
ait_descent_plan ait_kernel_plan_descent(const ait_descent *descent, const ait_kernel_limits *limits);

/* `workspace` holds plan->workspace_bytes. */
cudaError_t ait_kernel_rollout(cudaStream_t stream, const ait_descent *descent, const ait_descent_plan *plan,
                               void *workspace);
cudaError_t ait_kernel_reverse(cudaStream_t stream, const ait_descent *descent, const ait_descent_plan *plan,
                               void *workspace);

#ifdef __cplusplus
}
#endif
#endif
