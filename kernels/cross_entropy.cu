/* cross_entropy.cu - softmax cross-entropy of rows of logits and its tangent, one thread a row.
 *
 * Numerics: as softmax.cuh; the loss is summed in double, each thread over its own rows, pairwise over
 * the threads of a block, block after block; the number of blocks depends on the number of rows alone. */
#include "row_loss.cuh"
#include "softmax.cuh"

namespace {

__global__ void cross_entropy(int64_t count, int64_t classes, ait_real total, const int32_t *labels,
                              ait_row_weights weights, ait_real *logits, ait_real *r, double *sums) {
  double loss = 0;
  for (AIT_EACH(i, count)) {
    ait_real weight, derivative, own;
    ait_real *p = logits + i * classes;
    ait_row_weight(weights, i, &weight, &derivative);
    loss += (double)weight * ait_softmax_row(classes, labels[i], p, &own);
    const ait_real scale = weight / total;
    for (int64_t c = 0; c < classes && r != NULL; ++c) {
      r[i * classes + c] = scale * (c == labels[i] ? own : p[c]);
    }
  }
  loss = ait_block_sum(loss, ait_shared<double>());
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = loss;
  }
}

__global__ void cross_entropy_x_gradient(int64_t count, int64_t classes, double total, const int32_t *labels,
                                         const ait_real *x, ait_real *logits, ait_real *out) {
  for (AIT_EACH(i, count)) {
    ait_real weight, derivative, own;
    ait_row_weights weights = {};
    weights.x = x;
    ait_row_weight(weights, i, &weight, &derivative);
    const double entropy = ait_softmax_row(classes, labels[i], logits + i * classes, &own);
    out[i] = (ait_real)((double)derivative / total * entropy);
  }
}

__global__ void softmax(int64_t count, int64_t classes, ait_real *logits) {
  for (AIT_EACH(i, count)) {
    ait_real own;
    ait_softmax_row(classes, 0, logits + i * classes, &own);
  }
}

__global__ void cross_entropy_tangent(int64_t count, int64_t classes, ait_real total, const int32_t *labels,
                                      ait_row_weights weights, const ait_real *p, ait_real *s, ait_real *cross) {
  for (AIT_EACH(i, count)) {
    ait_real weight, derivative;
    ait_row_weight(weights, i, &weight, &derivative);
    const ait_real mean = ait_tangent_row(classes, labels[i], weight / total, p + i * classes, s + i * classes);
    if (cross != NULL) {
      cross[i] = derivative / total * mean;
    }
  }
}

}  // namespace

cudaError_t ait_kernel_cross_entropy(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                     const int32_t *labels, const ait_row_weights *weights, ait_real *logits,
                                     ait_real *r, ait_real *loss, ait_reduce_memory *memory) {
  const int64_t blocks = ait_loss_blocks(count);
  if (blocks > 0) {
    AIT_LAUNCH(cross_entropy, (unsigned)blocks, AIT_THREADS, AIT_THREADS * sizeof(double), stream, count, classes,
               (ait_real)total, labels, *weights, logits, r, memory->sums);
    const cudaError_t error = AIT_LAUNCHED();
    if (error != cudaSuccess) {
      return error;
    }
  }
  return launch_finish_loss(stream, blocks, total, memory->sums, loss);
}

cudaError_t ait_kernel_cross_entropy_x_gradient(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                                const int32_t *labels, const ait_real *x, ait_real *logits,
                                                ait_real *out) {
  if (count == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(cross_entropy_x_gradient, ait_blocks(count), AIT_THREADS, 0, stream, count, classes, (double)total, labels,
             x, logits, out);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_softmax(cudaStream_t stream, int64_t count, int64_t classes, ait_real *logits) {
  if (count == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(softmax, ait_blocks(count), AIT_THREADS, 0, stream, count, classes, logits);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_cross_entropy_tangent(cudaStream_t stream, int64_t count, int64_t classes, int64_t total,
                                             const int32_t *labels, const ait_row_weights *weights, const ait_real *p,
                                             ait_real *s, ait_real *cross) {
  if (count == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(cross_entropy_tangent, ait_blocks(count), AIT_THREADS, 0, stream, count, classes, (ait_real)total, labels,
             *weights, p, s, cross);
  return AIT_LAUNCHED();
}
