/* vector.cu - operations on vectors, entry by entry.
 *
 * Numerics: the terms of a combination are added in their order in ait_real, multiplications and
 * additions may be fused; coefficients are rounded to ait_real once, as on the CPU. */
#include "device.cuh"
#include "device/trial.h"
#include "kernels.h"

namespace {

struct combination {
  int32_t terms;
  double factor[AIT_MAX_TERMS];
  const ait_real *coefficient[AIT_MAX_TERMS];
  const ait_real *vector[AIT_MAX_TERMS];
};

__device__ ait_real coefficient_of(const combination &f, int32_t t) {
  return (ait_real)(f.factor[t] * (f.coefficient[t] != NULL ? (double)*f.coefficient[t] : 1.0));
}

__global__ void combine(int64_t batch, int64_t m, const uint8_t *mask, combination f, ait_real *out) {
  const ait_real c0 = coefficient_of(f, 0), c1 = f.terms > 1 ? coefficient_of(f, 1) : 0;
  const ait_real c2 = f.terms > 2 ? coefficient_of(f, 2) : 0, c3 = f.terms > 3 ? coefficient_of(f, 3) : 0;
  for (AIT_EACH(i, batch * m)) {
    if (mask != NULL && mask[i / m] == 0) {
      continue;
    }
    ait_real sum = c0 * f.vector[0][i];
    if (f.terms > 1) {
      sum += c1 * f.vector[1][i];
    }
    if (f.terms > 2) {
      sum += c2 * f.vector[2][i];
    }
    if (f.terms > 3) {
      sum += c3 * f.vector[3][i];
    }
    out[i] = sum;
  }
}

__global__ void add_scaled(int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a, double factor,
                           const ait_real *scalar, const ait_real *c, ait_real *out) {
  for (AIT_EACH(i, batch * m)) {
    if (mask == NULL || mask[i / m] != 0) {
      out[i] = (a != NULL ? a[i] : 0) + (ait_real)(factor * (double)scalar[i / m]) * c[i];
    }
  }
}

__global__ void multiply(int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a, const ait_real *c,
                         ait_real *out) {
  for (AIT_EACH(i, batch * m)) {
    if (mask == NULL || mask[i / m] != 0) {
      out[i] = a[i] * c[i];
    }
  }
}

__global__ void judge_trials(int64_t batch, ait_trial trial) {
  for (AIT_EACH(b, batch)) {
    ait_judge_trial(&trial, b);
  }
}

__global__ void project_adjoint(int64_t n, ait_real lower, ait_real upper, const ait_real *u, ait_real *v) {
  for (AIT_EACH(i, n)) {
    if (u[i] < lower || u[i] > upper) {
      v[i] = 0;
    }
  }
}

/* Threshold and scale are rounded to ait_real once, as on the CPU. */
__global__ void prox(int64_t n, const ait_real *alpha, double l1, double l2, ait_real *v) {
  const ait_real threshold = (ait_real)(*alpha * l1), scale = (ait_real)(1 / (1 + *alpha * l2));
  for (AIT_EACH(i, n)) {
    const ait_real size = fabs(v[i]) - threshold;
    v[i] = size <= 0 ? 0 : copysign(scale * size, v[i]);
  }
}

__global__ void prox_adjoint(int64_t n, const ait_real *alpha, double l1, double l2, const ait_real *y, ait_real *v) {
  const ait_real scale = (ait_real)(1 / (1 + *alpha * l2));
  const bool holds = (ait_real)(*alpha * l1) > 0;
  for (AIT_EACH(i, n)) {
    v[i] = holds && y[i] == 0 ? 0 : scale * v[i];
  }
}

__global__ void ratio(int64_t batch, const ait_real *numerator, const ait_real *denominator, ait_real *out) {
  for (AIT_EACH(b, batch)) {
    const bool usable = isfinite(numerator[b]) && isfinite(denominator[b]) && denominator[b] != 0;
    out[b] = usable ? numerator[b] / denominator[b] : 0;
  }
}

__global__ void difference_step(double epsilon, const ait_real *square, ait_real *step) {
  const double norm = sqrt((double)*square);
  step[0] = (ait_real)(norm == 0 ? 0 : epsilon / norm);
  step[1] = (ait_real)(norm / (2 * epsilon));
}

__global__ void power(int64_t batch, double scale, double shift, double exponent, const ait_real *in, ait_real *out) {
  for (AIT_EACH(b, batch)) {
    out[b] = (ait_real)(scale * pow((double)in[b] + shift, exponent));
  }
}

}  // namespace

cudaError_t ait_kernel_combine(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask, int32_t terms,
                               const ait_term *term, ait_real *out) {
  combination f = {};
  f.terms = terms;
  for (int32_t t = 0; t < terms; ++t) {
    f.factor[t] = term[t].factor;
    f.coefficient[t] = term[t].coefficient;
    f.vector[t] = term[t].vector;
  }
  if (batch * m == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(combine, ait_blocks(batch * m), AIT_THREADS, 0, stream, batch, m, mask, f, out);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_add_scaled(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                                  double factor, const ait_real *scalar, const ait_real *c, ait_real *out) {
  if (batch * m == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(add_scaled, ait_blocks(batch * m), AIT_THREADS, 0, stream, batch, m, mask, a, factor, scalar, c, out);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_multiply(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                                const ait_real *c, ait_real *out) {
  if (batch * m == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(multiply, ait_blocks(batch * m), AIT_THREADS, 0, stream, batch, m, mask, a, c, out);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_judge_trials(cudaStream_t stream, int64_t batch, const ait_trial *trial) {
  if (batch == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(judge_trials, ait_blocks(batch), AIT_THREADS, 0, stream, batch, *trial);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_project_adjoint(cudaStream_t stream, int64_t n, double lower, double upper, const ait_real *u,
                                       ait_real *v) {
  if (n == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(project_adjoint, ait_blocks(n), AIT_THREADS, 0, stream, n, (ait_real)lower, (ait_real)upper, u, v);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_prox(cudaStream_t stream, int64_t n, const ait_real *alpha, double l1, double l2, ait_real *v) {
  if (n == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(prox, ait_blocks(n), AIT_THREADS, 0, stream, n, alpha, l1, l2, v);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_prox_adjoint(cudaStream_t stream, int64_t n, const ait_real *alpha, double l1, double l2,
                                    const ait_real *y, ait_real *v) {
  if (n == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(prox_adjoint, ait_blocks(n), AIT_THREADS, 0, stream, n, alpha, l1, l2, y, v);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_ratio(cudaStream_t stream, int64_t batch, const ait_real *numerator, const ait_real *denominator,
                             ait_real *out) {
  if (batch == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(ratio, ait_blocks(batch), AIT_THREADS, 0, stream, batch, numerator, denominator, out);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_difference_step(cudaStream_t stream, double epsilon, const ait_real *square, ait_real *step) {
  AIT_LAUNCH(difference_step, 1, 1, 0, stream, epsilon, square, step);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_power(cudaStream_t stream, int64_t batch, double scale, double shift, double exponent,
                             const ait_real *in, ait_real *out) {
  if (batch == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(power, ait_blocks(batch), AIT_THREADS, 0, stream, batch, scale, shift, exponent, in, out);
  return AIT_LAUNCHED();
}
