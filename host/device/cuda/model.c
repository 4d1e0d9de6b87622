/* model.c - the small model operations of the CUDA device: the kernels of the same names, checked; and
 * the table of all. */
#include "device/cuda/cuda.h"

static cudaStream_t stream_of(const ait_device *device) {
  return ait_cuda_state(device)->stream;
}

ait_status ait_cuda_add_bias(ait_device *device, int64_t count, int64_t h, const ait_real *b, ait_real *z) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_add_bias(stream_of(device), count, h, b, z), "adding biases");
}

ait_status ait_cuda_column_sums(ait_device *device, int64_t count, int64_t h, const ait_real *r, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_column_sums(stream_of(device), count, h, r, out), "summing columns");
}

ait_status ait_cuda_accumulate(ait_device *device, int64_t n, const ait_real *v, double *sum) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_accumulate(stream_of(device), n, v, sum), "adding to sums");
}

ait_status ait_cuda_round_sum(ait_device *device, int64_t n, double scale, const double *sum, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_round_sum(stream_of(device), n, scale, sum, out), "rounding sums");
}

/* ---- cross-entropy --------------------------------------------------------------------------- */

static ait_row_weights weights_of(const ait_targets *targets) {
  return (ait_row_weights){.x = targets->x,
                           .weights = targets->weights,
                           .folds = targets->folds,
                           .fold = targets->fold,
                           .only_fold = targets->only_fold};
}

ait_status ait_cuda_cross_entropy(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                  const ait_targets *targets, ait_real *logits, ait_real *r, ait_real *loss) {
  const ait_row_weights weights = weights_of(targets);
  const ait_noisy_labels labels = {targets->labels, targets->log_noise};
  ait_cuda *cuda = ait_cuda_state(device);
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device,
                           targets->log_noise != NULL
                               ? ait_kernel_noise_entropy(cuda->stream, count, classes, total, &labels, &weights,
                                                          logits, r, loss, cuda->reduce)
                               : ait_kernel_cross_entropy(cuda->stream, count, classes, total, labels.labels, &weights,
                                                          logits, r, loss, cuda->reduce),
                           "taking cross-entropies");
}

static ait_status cross_entropy_x_gradient(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                           const int32_t *labels, const ait_real *x, ait_real *logits, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(
      device, ait_kernel_cross_entropy_x_gradient(stream_of(device), count, classes, total, labels, x, logits, out),
      "taking derivatives of cross-entropies");
}

static ait_status softmax(ait_device *device, int64_t count, int64_t classes, ait_real *logits) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_softmax(stream_of(device), count, classes, logits), "taking a softmax");
}

ait_status ait_cuda_cross_entropy_tangent(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                          const ait_targets *targets, const ait_real *logits, ait_real *s,
                                          ait_real *cross, ait_real *slopes) {
  const ait_row_weights weights = weights_of(targets);
  const ait_noisy_labels labels = {targets->labels, targets->log_noise};
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device,
                           targets->log_noise != NULL
                               ? ait_kernel_noise_tangent(stream_of(device), count, classes, total, &labels, &weights,
                                                          logits, s, slopes, cross)
                               : ait_kernel_cross_entropy_tangent(stream_of(device), count, classes, total,
                                                                  labels.labels, &weights, logits, s, cross),
                           "taking tangents of cross-entropies");
}

ait_status ait_cuda_noise_cross(ait_device *device, int64_t count, int64_t classes, const int32_t *labels,
                                const ait_real *slopes, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_sum_labels(stream_of(device), count, classes, labels, slopes, out),
                           "summing over labels");
}

/* ---- transition cleaning --------------------------------------------------------------------- */

static ait_status transition_terms(ait_device *device, int64_t classes, const ait_real *x, ait_real *lambda,
                                   ait_real *log_noise) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_transition_terms(stream_of(device), classes, x, lambda, log_noise),
                           "making a noise model");
}

static ait_status transition_cross(ait_device *device, int64_t batch, int64_t classes, const uint8_t *active,
                                   const ait_real *x, const ait_real *dots, const ait_real *noise_cross, ait_real *xv) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(
      device, ait_kernel_transition_cross(stream_of(device), batch, classes, active, x, dots, noise_cross, xv),
      "differentiating a noise model");
}

/* ---- activations --------------------------------------------------------------------------- */

static ait_status check_activation(ait_activation kind) {
  if (kind != AIT_ACTIVATION_NONE && kind != AIT_ACTIVATION_RELU && kind != AIT_ACTIVATION_TANH) {
    return ait_fail(AIT_INVALID_ARGUMENT, "activation %d; expected none, relu or tanh", (int)kind);
  }
  return AIT_OK;
}

static ait_status activation(ait_device *device, ait_activation kind, int64_t n, ait_real *a) {
  AIT_TRY(check_activation(kind));
  AIT_TRY(ait_cuda_enter(device));
  return kind == AIT_ACTIVATION_NONE
             ? AIT_OK
             : ait_cuda_launched(device, ait_kernel_activation(stream_of(device), kind, n, a), "activating");
}

static ait_status activation_derivative(ait_device *device, ait_activation kind, int64_t n, const ait_real *a,
                                        ait_real *dz) {
  AIT_TRY(check_activation(kind));
  AIT_TRY(ait_cuda_enter(device));
  return kind == AIT_ACTIVATION_NONE
             ? AIT_OK
             : ait_cuda_launched(device, ait_kernel_activation_derivative(stream_of(device), kind, n, a, dz),
                                 "taking derivatives of activations");
}

static ait_status activation_second(ait_device *device, ait_activation kind, int64_t n, const ait_real *a,
                                    const ait_real *da, ait_real *back, ait_real *dback) {
  AIT_TRY(check_activation(kind));
  AIT_TRY(ait_cuda_enter(device));
  return kind == AIT_ACTIVATION_NONE
             ? AIT_OK
             : ait_cuda_launched(device, ait_kernel_activation_second(stream_of(device), kind, n, a, da, back, dback),
                                 "taking second derivatives of activations");
}

/* ---- accuracy ------------------------------------------------------------------------------ */

static ait_status count_correct(ait_device *device, int64_t count, int64_t classes, const ait_real *p,
                                const int32_t *labels, int64_t *correct) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(
      device,
      ait_kernel_count_correct(stream_of(device), count, classes, p, labels, correct, ait_cuda_state(device)->reduce),
      "counting correct rows");
}

const ait_model_ops ait_cuda_model = {
    .row_chunk = AIT_CUDA_ROW_CHUNK,
    .upload_rows = ait_cuda_upload_rows,
    .release_rows = ait_cuda_release_rows,
    .data_pass_workspace = ait_cuda_data_pass_workspace,
    .data_pass = ait_cuda_data_pass,
    .descent_workspace = ait_cuda_descent_workspace,
    .rollout = ait_cuda_rollout,
    .reverse = ait_cuda_reverse,
    .gemm = ait_cuda_gemm,
    .rows_workspace = ait_cuda_rows_workspace,
    .rows_times = ait_cuda_rows_times,
    .rows_transposed_times = ait_cuda_rows_transposed_times,
    .add_bias = ait_cuda_add_bias,
    .column_sums = ait_cuda_column_sums,
    .accumulate = ait_cuda_accumulate,
    .round_sum = ait_cuda_round_sum,
    .cross_entropy = ait_cuda_cross_entropy,
    .cross_entropy_x_gradient = cross_entropy_x_gradient,
    .softmax = softmax,
    .cross_entropy_tangent = ait_cuda_cross_entropy_tangent,
    .noise_cross = ait_cuda_noise_cross,
    .transition_terms = transition_terms,
    .transition_cross = transition_cross,
    .activation = activation,
    .activation_derivative = activation_derivative,
    .activation_second = activation_second,
    .count_correct = count_correct,
};
