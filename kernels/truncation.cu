/* truncation.cu - the truncation index kbar and what is picked by it (docs/derivation.md#truncation).
 *
 * kbar is chosen by comparisons alone, so it is the same for every order of comparing: the largest
 * value wins, NaN is larger than every number, and of equals the smallest k. */
#include "device.cuh"
#include "kernels.h"

namespace {

struct candidate {
  ait_real value;
  int32_t k;
};

/* Whether `a` goes before `b`. */
__device__ bool goes_before(const candidate &a, const candidate &b) {
  const bool a_nan = isnan(a.value), b_nan = isnan(b.value);
  if (a_nan || b_nan) {
    return a_nan && (!b_nan || a.k < b.k);
  }
  return a.value > b.value || (a.value == b.value && a.k < b.k);
}

/* One block a batch entry; a thread without a k of its own stands in for the first. */
__global__ void argmax(int64_t batch, int32_t first, int32_t last, const ait_real *values, int32_t *kbar) {
  candidate *best = ait_shared<candidate>();
  const int64_t b = blockIdx.x;
  candidate mine = {values[first * batch + b], first};
  for (int64_t k = first + (int64_t)threadIdx.x; k <= last; k += AIT_THREADS) {
    const candidate next = {values[k * batch + b], (int32_t)k};
    mine = goes_before(next, mine) ? next : mine;
  }
  best[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned half = AIT_THREADS / 2; half > 0; half /= 2) {
    if (threadIdx.x < half && goes_before(best[threadIdx.x + half], best[threadIdx.x])) {
      best[threadIdx.x] = best[threadIdx.x + half];
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    kbar[b] = best[0].k;
  }
}

__global__ void truncation_masks(int64_t batch, const int32_t *kbar, const int32_t *step, uint8_t *enter,
                                 uint8_t *active) {
  for (AIT_EACH(b, batch)) {
    enter[b] = kbar[b] == step[1] + 1;
    active[b] = kbar[b] >= step[1] + 1;
  }
}

__global__ void select(int64_t batch, int64_t m, const uint8_t *mask, const ait_real *source, ait_real *target) {
  for (AIT_EACH(i, batch * m)) {
    if (mask[i / m] != 0) {
      target[i] = source[i];
    }
  }
}

__global__ void gather(int64_t batch, int64_t m, const int32_t *kbar, int32_t first, int32_t last, int64_t slots,
                       int64_t stride, const ait_real *states, ait_real *out) {
  for (AIT_EACH(i, batch * m)) {
    const int32_t k = kbar[i / m];
    if (k >= first && k <= last) {
      out[i] = states[k % slots * stride + i];
    }
  }
}

}  // namespace

cudaError_t ait_kernel_argmax(cudaStream_t stream, int64_t batch, int32_t first, int32_t last, const ait_real *values,
                              int32_t *kbar) {
  if (batch == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(argmax, (unsigned)batch, AIT_THREADS, AIT_THREADS * sizeof(candidate), stream, batch, first, last, values,
             kbar);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_truncation_masks(cudaStream_t stream, int64_t batch, const int32_t *kbar, const int32_t *step,
                                        uint8_t *enter, uint8_t *active) {
  if (batch == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(truncation_masks, ait_blocks(batch), AIT_THREADS, 0, stream, batch, kbar, step, enter, active);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_select(cudaStream_t stream, int64_t batch, int64_t m, const uint8_t *mask,
                              const ait_real *source, ait_real *target) {
  if (batch * m == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(select, ait_blocks(batch * m), AIT_THREADS, 0, stream, batch, m, mask, source, target);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_gather(cudaStream_t stream, int64_t batch, int64_t m, const int32_t *kbar, int32_t first,
                              int32_t last, int64_t slots, int64_t stride, const ait_real *states, ait_real *out) {
  if (batch * m == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(gather, ait_blocks(batch * m), AIT_THREADS, 0, stream, batch, m, kbar, first, last, slots, stride, states,
             out);
  return AIT_LAUNCHED();
}
