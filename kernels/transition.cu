/* transition.cu - what transition cleaning takes from its UL variables log lambda and logit e, and gives back to them
 * (docs/derivation.md#transition-cleaning).
 *
 * Numerics: in double; the sums by one block, each thread over its own entries, pairwise over the threads. */
#include "device.cuh"
#include "kernels.h"

namespace {

/* log(1 + e^u) without overflow. */
__device__ double softplus(double u) {
  return fmax(u, 0.0) + log1p(exp(-fabs(u))) + 0 * u; /* 0 u keeps NaN, which fmax loses */
}

__global__ void terms(int64_t classes, const ait_real *x, ait_real *lambda, ait_real *log_noise) {
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    *lambda = (ait_real)exp((double)x[0]);
  }
  if (log_noise == NULL) {
    return;
  }
  const double right = -softplus((double)x[1]), wrong = -softplus(-(double)x[1]) - log((double)(classes - 1));
  for (AIT_EACH(k, classes * classes)) {
    log_noise[k] = (ait_real)(k % (classes + 1) == 0 ? right : wrong);
  }
}

/* The sum over the batch's active entries of `size` numbers each, of those on a diagonal or beside it. */
__device__ double sum_active(int64_t batch, int64_t classes, const uint8_t *active, const ait_real *numbers,
                             bool diagonal, double *memory) {
  const int64_t size = classes * classes;
  double sum = 0;
  for (int64_t i = threadIdx.x; i < batch * size; i += AIT_THREADS) {
    const bool counts = active == NULL || active[i / size] != 0;
    sum += counts && (i % size % (classes + 1) == 0) == diagonal ? (double)numbers[i] : 0;
  }
  sum = ait_block_sum(sum, memory);
  __syncthreads();
  return sum;
}

/* One block. */
__global__ void cross(int64_t batch, int64_t classes, const uint8_t *active, const ait_real *x, const ait_real *dots,
                      const ait_real *noise_cross, ait_real *xv) {
  double *memory = ait_shared<double>();
  const double dot = sum_active(batch, 1, active, dots, true, memory);
  if (threadIdx.x == 0) {
    xv[0] = (ait_real)(exp((double)x[0]) * dot);
  }
  if (noise_cross == NULL) {
    return;
  }
  const double right = sum_active(batch, classes, active, noise_cross, true, memory);
  const double wrong = sum_active(batch, classes, active, noise_cross, false, memory);
  if (threadIdx.x == 0) {
    xv[1] = (ait_real)(exp(-softplus((double)x[1])) * wrong - exp(-softplus(-(double)x[1])) * right);
  }
}

}  // namespace

cudaError_t ait_kernel_transition_terms(cudaStream_t stream, int64_t classes, const ait_real *x, ait_real *lambda,
                                        ait_real *log_noise) {
  AIT_LAUNCH(terms, ait_blocks(classes * classes), AIT_THREADS, 0, stream, classes, x, lambda, log_noise);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_transition_cross(cudaStream_t stream, int64_t batch, int64_t classes, const uint8_t *active,
                                        const ait_real *x, const ait_real *dots, const ait_real *noise_cross,
                                        ait_real *xv) {
  AIT_LAUNCH(cross, 1, AIT_THREADS, AIT_THREADS * sizeof(double), stream, batch, classes, active, x, dots, noise_cross,
             xv);
  return AIT_LAUNCHED();
}
