/* update.cu - one step of SGD or Adam (see ait_optimizer in ait/solver.h).
 *
 * The numbers of the step are read from device memory when the kernel runs and rounded to ait_real,
 * as on the CPU. */
#include "device.cuh"
#include "kernels.h"

namespace {

/* v = momentum v + s g;  x = x - rate v */
__global__ void update_sgd(int64_t n, const ait_update *update, const ait_real *g, ait_real *v, ait_real *x) {
  const ait_real rate = (ait_real)update->rate, momentum = (ait_real)update->momentum;
  const ait_real scale = (ait_real)update->gradient_scale;
  for (AIT_EACH(i, n)) {
    v[i] = momentum * v[i] + scale * g[i];
    x[i] -= rate * v[i];
  }
}

/* m = beta1 m + (1 - beta1) s g;  v = beta2 v + (1 - beta2) (s g)^2;
 * x = x - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) */
__global__ void update_adam(int64_t n, const ait_update *update, const ait_real *g, ait_real *m, ait_real *v,
                            ait_real *x) {
  const ait_real rate = (ait_real)update->rate, epsilon = (ait_real)update->epsilon;
  const ait_real beta1 = (ait_real)update->beta1, rest1 = (ait_real)(1 - update->beta1);
  const ait_real beta2 = (ait_real)update->beta2, rest2 = (ait_real)(1 - update->beta2);
  const ait_real correction1 = (ait_real)update->correction1, correction2 = (ait_real)update->correction2;
  const ait_real scale = (ait_real)update->gradient_scale;
  for (AIT_EACH(i, n)) {
    const ait_real s = scale * g[i];
    m[i] = beta1 * m[i] + rest1 * s;
    v[i] = beta2 * v[i] + rest2 * (s * s);
    x[i] -= rate * (m[i] / correction1) / (sqrt(v[i] / correction2) + epsilon);
  }
}

}  // namespace

cudaError_t ait_kernel_update(cudaStream_t stream, ait_optimizer_kind kind, int64_t n, const ait_update *update,
                              const ait_real *g, ait_real *moment1, ait_real *moment2, ait_real *x) {
  if (n == 0) {
    return cudaSuccess;
  }
  if (kind == AIT_OPTIMIZER_ADAM) {
    AIT_LAUNCH(update_adam, ait_blocks(n), AIT_THREADS, 0, stream, n, update, g, moment1, moment2, x);
  } else {
    AIT_LAUNCH(update_sgd, ait_blocks(n), AIT_THREADS, 0, stream, n, update, g, moment1, x);
  }
  return AIT_LAUNCHED();
}
