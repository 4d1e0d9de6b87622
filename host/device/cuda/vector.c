/* vector.c - the vector operations of the CUDA device: the kernels of the same names, checked. */
#include "device/cuda/cuda.h"

static cudaStream_t stream_of(const ait_device *device) {
  return ait_cuda_state(device)->stream;
}

static ait_status copy(ait_device *device, int64_t n, const ait_real *source, ait_real *target) {
  AIT_TRY(ait_cuda_enter(device));
  if (n == 0) {
    return AIT_OK;
  }
  return ait_cuda_launched(
      device, cudaMemcpyAsync(target, source, (size_t)n * sizeof *target, cudaMemcpyDeviceToDevice, stream_of(device)),
      "copying a vector");
}

static ait_status combine(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, int32_t terms,
                          const ait_term *term, ait_real *out) {
  if (terms < 1 || terms > AIT_MAX_TERMS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "combine: %d terms; expected 1 to %d", terms, AIT_MAX_TERMS);
  }
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_combine(stream_of(device), batch, m, mask, terms, term, out),
                           "combining vectors");
}

static ait_status add_scaled(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                             double factor, const ait_real *scalar, const ait_real *c, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_add_scaled(stream_of(device), batch, m, mask, a, factor, scalar, c, out),
                           "adding vectors");
}

static ait_status multiply(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                           const ait_real *c, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_multiply(stream_of(device), batch, m, mask, a, c, out),
                           "multiplying vectors");
}

static ait_status project(ait_device *device, int64_t n, double lower, double upper, ait_real *v, int32_t *at_bound) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(
      device, ait_kernel_project(stream_of(device), n, lower, upper, v, at_bound, ait_cuda_state(device)->reduce),
      "projecting");
}

static ait_status project_adjoint(ait_device *device, int64_t n, double lower, double upper, const ait_real *u,
                                  ait_real *v) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_project_adjoint(stream_of(device), n, lower, upper, u, v),
                           "taking the adjoint of a projection");
}

static ait_status prox(ait_device *device, int64_t n, const ait_real *alpha, double l1, double l2, ait_real *v) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_prox(stream_of(device), n, alpha, l1, l2, v), "taking a proximal step");
}

static ait_status prox_adjoint(ait_device *device, int64_t n, const ait_real *alpha, double l1, double l2,
                               const ait_real *y, ait_real *v) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_prox_adjoint(stream_of(device), n, alpha, l1, l2, y, v),
                           "taking the adjoint of a proximal step");
}

static ait_status dot(ait_device *device, int64_t batch, int64_t m, const ait_real *a, const ait_real *c,
                      ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device,
                           ait_kernel_dot(stream_of(device), batch, m, a, c, out, ait_cuda_state(device)->reduce),
                           "taking dot products");
}

static ait_status ratio(ait_device *device, int64_t batch, const ait_real *numerator, const ait_real *denominator,
                        ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_ratio(stream_of(device), batch, numerator, denominator, out),
                           "taking ratios");
}

static ait_status difference_step(ait_device *device, double epsilon, const ait_real *square, ait_real *step) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_difference_step(stream_of(device), epsilon, square, step),
                           "choosing the step of a difference");
}

static ait_status power(ait_device *device, int64_t batch, double scale, double shift, double exponent,
                        const ait_real *in, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_power(stream_of(device), batch, scale, shift, exponent, in, out),
                           "taking powers");
}

static ait_status argmax(ait_device *device, int64_t batch, int32_t first, int32_t last, const ait_real *values,
                         int32_t *kbar) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_argmax(stream_of(device), batch, first, last, values, kbar),
                           "finding the truncation index");
}

static ait_status truncation_masks(ait_device *device, int64_t batch, const int32_t *kbar, const int32_t *step,
                                   uint8_t *enter, uint8_t *active) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_truncation_masks(stream_of(device), batch, kbar, step, enter, active),
                           "making the masks of a reverse step");
}

static ait_status select_rows(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *source,
                              ait_real *target) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_select(stream_of(device), batch, m, mask, source, target),
                           "selecting entries of a batch");
}

static ait_status gather(ait_device *device, int64_t batch, int64_t m, const int32_t *kbar, int32_t first, int32_t last,
                         int64_t slots, int64_t stride, const ait_real *states, ait_real *out) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(
      device, ait_kernel_gather(stream_of(device), batch, m, kbar, first, last, slots, stride, states, out),
      "gathering states");
}

static ait_status update(ait_device *device, ait_optimizer_kind kind, int64_t n, const ait_update *numbers,
                         const ait_real *g, ait_real *moment1, ait_real *moment2, ait_real *x) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_update(stream_of(device), kind, n, numbers, g, moment1, moment2, x),
                           "updating variables");
}

static ait_status judge_trials(ait_device *device, int64_t batch, const ait_trial *trial) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, ait_kernel_judge_trials(stream_of(device), batch, trial), "judging trial points");
}

static ait_status count_nonfinite(ait_device *device, int64_t n, const ait_real *v, int32_t *count) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device,
                           ait_kernel_count_nonfinite(stream_of(device), n, v, count, ait_cuda_state(device)->reduce),
                           "counting entries that are not finite");
}

const ait_vector_ops ait_cuda_vector = {
    .copy = copy,
    .combine = combine,
    .add_scaled = add_scaled,
    .multiply = multiply,
    .project = project,
    .project_adjoint = project_adjoint,
    .prox = prox,
    .prox_adjoint = prox_adjoint,
    .dot = dot,
    .ratio = ratio,
    .power = power,
    .difference_step = difference_step,
    .argmax = argmax,
    .truncation_masks = truncation_masks,
    .select = select_rows,
    .gather = gather,
    .update = update,
    .judge_trials = judge_trials,
    .count_nonfinite = count_nonfinite,
};
