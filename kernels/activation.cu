/* activation.cu - relu and tanh, their derivatives and second derivatives.
 *
 * Numerics: relu keeps NaN; relu'(0) = 0 and relu'' = 0; tanh' = (1 - a) (1 + a), which does not
 * cancel; tanh''(z) dz = -2 a da. */
#include "device.cuh"
#include "kernels.h"

namespace {

struct relu {
  static __device__ ait_real value(ait_real z) {
    return z < 0 ? 0 : z;
  }
  static __device__ ait_real derivative(ait_real a, ait_real dz) {
    return a > 0 ? dz : 0;
  }
  static __device__ ait_real second(ait_real a, ait_real, ait_real, ait_real dback) {
    return derivative(a, dback);
  }
};

struct hyperbolic {
  static __device__ ait_real value(ait_real z) {
    return tanh(z);
  }
  static __device__ ait_real derivative(ait_real a, ait_real dz) {
    return dz * ((1 - a) * (1 + a));
  }
  static __device__ ait_real second(ait_real a, ait_real da, ait_real back, ait_real dback) {
    return derivative(a, dback) - 2 * a * da * back;
  }
};

template <class Phi>
__global__ void activate(int64_t n, ait_real *a) {
  for (AIT_EACH(i, n)) {
    a[i] = Phi::value(a[i]);
  }
}

template <class Phi>
__global__ void differentiate(int64_t n, const ait_real *a, ait_real *dz) {
  for (AIT_EACH(i, n)) {
    dz[i] = Phi::derivative(a[i], dz[i]);
  }
}

template <class Phi>
__global__ void differentiate_twice(int64_t n, const ait_real *a, const ait_real *da, ait_real *back, ait_real *dback) {
  for (AIT_EACH(i, n)) {
    dback[i] = Phi::second(a[i], da[i], back[i], dback[i]);
    back[i] = Phi::derivative(a[i], back[i]);
  }
}

}  // namespace

cudaError_t ait_kernel_activation(cudaStream_t stream, ait_activation kind, int64_t n, ait_real *a) {
  if (n == 0) {
    return cudaSuccess;
  }
  if (kind == AIT_ACTIVATION_RELU) {
    AIT_LAUNCH(activate<relu>, ait_blocks(n), AIT_THREADS, 0, stream, n, a);
  } else {
    AIT_LAUNCH(activate<hyperbolic>, ait_blocks(n), AIT_THREADS, 0, stream, n, a);
  }
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_activation_derivative(cudaStream_t stream, ait_activation kind, int64_t n, const ait_real *a,
                                             ait_real *dz) {
  if (n == 0) {
    return cudaSuccess;
  }
  if (kind == AIT_ACTIVATION_RELU) {
    AIT_LAUNCH(differentiate<relu>, ait_blocks(n), AIT_THREADS, 0, stream, n, a, dz);
  } else {
    AIT_LAUNCH(differentiate<hyperbolic>, ait_blocks(n), AIT_THREADS, 0, stream, n, a, dz);
  }
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_activation_second(cudaStream_t stream, ait_activation kind, int64_t n, const ait_real *a,
                                         const ait_real *da, ait_real *back, ait_real *dback) {
  if (n == 0) {
    return cudaSuccess;
  }
  if (kind == AIT_ACTIVATION_RELU) {
    AIT_LAUNCH(differentiate_twice<relu>, ait_blocks(n), AIT_THREADS, 0, stream, n, a, da, back, dback);
  } else {
    AIT_LAUNCH(differentiate_twice<hyperbolic>, ait_blocks(n), AIT_THREADS, 0, stream, n, a, da, back, dback);
  }
  return AIT_LAUNCHED();
}
