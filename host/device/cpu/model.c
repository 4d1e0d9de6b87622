/* model.c - the small model operations of the CPU device, and the table of all. */
#include "device/cpu/data_pass.h"

static ait_status add_bias(ait_device *device, int64_t count, int64_t h, const ait_real *b, ait_real *z) {
#pragma omp parallel for num_threads(device->threads) if (count * h > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < count; ++i) {
    ait_real *row = z + i * h;
    for (int64_t j = 0; j < h; ++j) {
      row[j] += b[j];
    }
  }
  return AIT_OK;
}

/* ---- sums over rows ------------------------------------------------------------------------ */

enum { SUM_COLUMNS = 64 };

/* The sums of at most SUM_COLUMNS columns, in double, over all rows in their order. */
static void column_sums_range(int64_t count, int64_t h, int64_t begin, int64_t end, const ait_real *r, ait_real *out) {
  double sum[SUM_COLUMNS] = {0};
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = begin; j < end; ++j) {
      sum[j - begin] += (double)r[i * h + j];
    }
  }
  for (int64_t j = begin; j < end; ++j) {
    out[j] = (ait_real)sum[j - begin];
  }
}

static ait_status column_sums(ait_device *device, int64_t count, int64_t h, const ait_real *r, ait_real *out) {
#pragma omp parallel for num_threads(device->threads) if (count * h > AIT_CPU_SERIAL && h > SUM_COLUMNS)
  for (int64_t begin = 0; begin < h; begin += SUM_COLUMNS) {
    column_sums_range(count, h, begin, ait_min64(h, begin + SUM_COLUMNS), r, out);
  }
  return AIT_OK;
}

static ait_status accumulate(ait_device *device, int64_t n, const ait_real *v, double *sum) {
  const ait_pass_kernel *kernel = ait_cpu_kernel(device);
#pragma omp parallel for num_threads(device->threads) if (n > AIT_CPU_SERIAL)
  for (int64_t j = 0; j < n; j += AIT_CPU_CHUNK) {
    kernel->accumulate(ait_min64(AIT_CPU_CHUNK, n - j), v + j, 1, sum + j);
  }
  return AIT_OK;
}

static ait_status round_sum(ait_device *device, int64_t n, double scale, const double *sum, ait_real *out) {
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
  for (int64_t j = 0; j < n; ++j) {
    out[j] = (ait_real)(scale * sum[j]);
  }
  return AIT_OK;
}

/* ---- activations --------------------------------------------------------------------------- */

static ait_status unknown_activation(ait_activation kind) {
  return ait_fail(AIT_INVALID_ARGUMENT, "activation %d; expected none, relu or tanh", (int)kind);
}

/* relu keeps NaN: only what is less than 0 becomes 0. */
static ait_status activation(ait_device *device, ait_activation kind, int64_t n, ait_real *a) {
  switch (kind) {
    case AIT_ACTIVATION_NONE:
      return AIT_OK;
    case AIT_ACTIVATION_RELU:
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
      for (int64_t i = 0; i < n; ++i) {
        a[i] = a[i] < 0 ? 0 : a[i];
      }
      return AIT_OK;
    case AIT_ACTIVATION_TANH:
#pragma omp parallel for num_threads(device->threads) if (n > AIT_CPU_SERIAL)
      for (int64_t i = 0; i < n; i += AIT_CPU_CHUNK) {
        ait_cpu_kernel(device)->hyperbolic_tangent(ait_min64(AIT_CPU_CHUNK, n - i), a + i);
      }
      return AIT_OK;
  }
  return unknown_activation(kind);
}

/* relu' = 1 where a > 0, else 0;  tanh' = 1 - a^2 = (1 - a) (1 + a), which does not cancel. */
static ait_status activation_derivative(ait_device *device, ait_activation kind, int64_t n, const ait_real *a,
                                        ait_real *dz) {
  switch (kind) {
    case AIT_ACTIVATION_NONE:
      return AIT_OK;
    case AIT_ACTIVATION_RELU:
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
      for (int64_t i = 0; i < n; ++i) {
        dz[i] = a[i] > 0 ? dz[i] : 0;
      }
      return AIT_OK;
    case AIT_ACTIVATION_TANH:
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
      for (int64_t i = 0; i < n; ++i) {
        dz[i] *= (1 - a[i]) * (1 + a[i]);
      }
      return AIT_OK;
  }
  return unknown_activation(kind);
}

/* relu'' = 0. For tanh, phi''(z) dz = -2 a phi'(z) dz = -2 a da. */
static ait_status activation_second(ait_device *device, ait_activation kind, int64_t n, const ait_real *a,
                                    const ait_real *da, ait_real *back, ait_real *dback) {
  switch (kind) {
    case AIT_ACTIVATION_NONE:
      return AIT_OK;
    case AIT_ACTIVATION_RELU:
      AIT_TRY(activation_derivative(device, kind, n, a, dback));
      return activation_derivative(device, kind, n, a, back);
    case AIT_ACTIVATION_TANH:
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
      for (int64_t i = 0; i < n; ++i) {
        ait_real derivative = (1 - a[i]) * (1 + a[i]);
        dback[i] = derivative * dback[i] - 2 * a[i] * da[i] * back[i];
        back[i] *= derivative;
      }
      return AIT_OK;
  }
  return unknown_activation(kind);
}

/* ---- accuracy ------------------------------------------------------------------------------ */

static ait_status count_correct(ait_device *device, int64_t count, int64_t classes, const ait_real *p,
                                const int32_t *labels, int64_t *correct) {
  int64_t right = 0;
#pragma omp parallel for num_threads(device->threads) if (count * classes > AIT_CPU_SERIAL) reduction(+ : right)
  for (int64_t i = 0; i < count; ++i) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c) {
      best = p[i * classes + c] > p[i * classes + best] ? c : best;
    }
    right += best == labels[i];
  }
  *correct = right;
  return AIT_OK;
}

/* What a device and its lanes have in common. */
#define OPERATIONS                                                                                                  \
  .row_chunk = AIT_CPU_ROW_CHUNK, .upload_rows = ait_cpu_upload_rows, .release_rows = ait_cpu_release_rows,         \
  .data_pass_workspace = ait_cpu_data_pass_workspace, .data_pass = ait_cpu_data_pass,                               \
  .descent_workspace = ait_cpu_descent_workspace, .rollout = ait_cpu_rollout, .reverse = ait_cpu_reverse,           \
  .rows_workspace = ait_cpu_rows_workspace, .rows_times = ait_cpu_rows_times,                                       \
  .rows_transposed_times = ait_cpu_rows_transposed_times, .add_bias = add_bias, .column_sums = column_sums,         \
  .accumulate = accumulate, .round_sum = round_sum, .cross_entropy = ait_cpu_cross_entropy,                         \
  .cross_entropy_x_gradient = ait_cpu_cross_entropy_x_gradient, .softmax = ait_cpu_softmax,                         \
  .cross_entropy_tangent = ait_cpu_cross_entropy_tangent, .noise_cross = ait_cpu_noise_cross,                       \
  .activation = activation, .activation_derivative = activation_derivative, .activation_second = activation_second, \
  .count_correct = count_correct, .transition_terms = ait_cpu_transition_terms,                                     \
  .transition_cross = ait_cpu_transition_cross

const ait_model_ops ait_cpu_model = {
    OPERATIONS,
    .gemm = ait_cpu_gemm,
    .for_slots = ait_cpu_for_slots,
    .add_slots = ait_cpu_add_slots,
};

const ait_model_ops ait_cpu_lane_model = {OPERATIONS, .gemm = ait_cpu_lane_gemm};
