/* noise.cu - cross-entropy of rows whose labels are noisy, its tangent, and sums a class and label
 * (docs/derivation.md#transition-cleaning).
 *
 * Numerics: as noise.cuh, one thread a row; the loss is summed as in cross_entropy.cu; a sum a class and label is
 * taken by one block, in double, each thread over its own rows, pairwise over the threads. */
#include "noise.cuh"
#include "row_loss.cuh"

namespace {

__global__ void noise_entropy(int64_t count, int64_t classes, ait_real total, ait_noisy_labels labels,
                              ait_row_weights weights, ait_real *logits, ait_real *r, double *sums) {
  double loss = 0;
  for (AIT_EACH(i, count)) {
    ait_real weight, derivative, *l = logits + i * classes;
    ait_row_weight(weights, i, &weight, &derivative);
    ait_shift_noise_row(classes, l);
    const ait_noise_row row = ait_measure_noise_row(classes, labels.log_noise, labels.labels[i], l);
    loss += (double)weight * ait_noise_loss(row, l);
    if (r != NULL) {
      ait_noise_residual(row, weight / total, l, r + i * classes);
    }
  }
  loss = ait_block_sum(loss, ait_shared<double>());
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = loss;
  }
}

__global__ void noise_tangent(int64_t count, int64_t classes, ait_real total, ait_noisy_labels labels,
                              ait_row_weights weights, const ait_real *logits, ait_real *s, ait_real *slopes,
                              ait_real *cross) {
  for (AIT_EACH(i, count)) {
    const ait_real *l = logits + i * classes;
    ait_real weight, derivative;
    ait_row_weight(weights, i, &weight, &derivative);
    const ait_noise_row row = ait_measure_noise_row(classes, labels.log_noise, labels.labels[i], l);
    const ait_real mean =
        ait_noise_tangent(row, weight / total, l, s + i * classes, slopes != NULL ? slopes + i * classes : NULL);
    if (cross != NULL) {
      cross[i] = derivative / total * mean;
    }
  }
}

/* Block c * classes + g. */
__global__ void sum_labels(int64_t count, int64_t classes, const int32_t *labels, const ait_real *slopes,
                           ait_real *out) {
  const int64_t c = blockIdx.x / classes, g = blockIdx.x % classes;
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += AIT_THREADS) {
    sum += labels[i] == g ? (double)slopes[i * classes + c] : 0;
  }
  sum = ait_block_sum(sum, ait_shared<double>());
  if (threadIdx.x == 0) {
    out[blockIdx.x] = (ait_real)-sum;
  }
}

}  // namespace

cudaError_t ait_kernel_noise_entropy(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                     const ait_noisy_labels *labels, const ait_row_weights *weights, ait_real *logits,
                                     ait_real *r, ait_real *loss, ait_reduce_memory *memory) {
  const int64_t blocks = ait_loss_blocks(count);
  if (blocks > 0) {
    AIT_LAUNCH(noise_entropy, (unsigned)blocks, AIT_THREADS, AIT_THREADS * sizeof(double), stream, count, classes,
               (ait_real)total, *labels, *weights, logits, r, memory->sums);
    const cudaError_t error = AIT_LAUNCHED();
    if (error != cudaSuccess) {
      return error;
    }
  }
  return launch_finish_loss(stream, blocks, total, memory->sums, loss);
}

cudaError_t ait_kernel_noise_tangent(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                     const ait_noisy_labels *labels, const ait_row_weights *weights,
                                     const ait_real *logits, ait_real *s, ait_real *slopes, ait_real *cross) {
  if (count == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(noise_tangent, ait_blocks(count), AIT_THREADS, 0, stream, count, classes, (ait_real)total, *labels,
             *weights, logits, s, slopes, cross);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_sum_labels(cudaStream_t stream, int64_t count, int64_t classes, const int32_t *labels,
                                  const ait_real *slopes, ait_real *out) {
  AIT_LAUNCH(sum_labels, (unsigned)(classes * classes), AIT_THREADS, AIT_THREADS * sizeof(double), stream, count,
             classes, labels, slopes, out);
  return AIT_LAUNCHED();
}
