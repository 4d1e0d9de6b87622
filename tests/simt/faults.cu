// faults.cu - kernels with planted faults, and their correct twins, for the emulation's own tests.
#include "faults.h"

#include "device.cuh"
#include "matrix.cuh"

namespace faults {
namespace {

template <class T>
__global__ void FillKernel(int64_t n, T value, T *out) {
  for (AIT_EACH(i, n)) {
    out[i] = value;
  }
}

__global__ void FillSharedKernel(unsigned excess, float *out) {
  float *shared = ait_shared<float>();
  shared[threadIdx.x + excess] = static_cast<float>(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = shared[threadIdx.x];
}

// A reversal needs one barrier between writing and reading, and one before the next writing.
template <bool after_writing, bool after_reading>
__global__ void ReverseKernel(int times, float *v) {
  float *shared = ait_shared<float>();
  for (int i = 0; i < times; ++i) {
    shared[threadIdx.x] = v[threadIdx.x];
    if (after_writing) {
      __syncthreads();
    }
    v[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
    if (after_reading) {
      __syncthreads();
    }
  }
}

__global__ void WriteKernel(bool same, float *out) {
  out[same ? 0 : blockIdx.x] = 1;
}

__global__ void SomeKernel(unsigned live) {
  if (blockIdx.x == 0 || threadIdx.x < live) {
    __syncthreads();
  }
}

__global__ void BranchesKernel(bool different) {
  if (different && blockIdx.x == 1 && threadIdx.x % 2 == 1) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void SumSharedKernel(unsigned count, unsigned written, float *out) {
  float *shared = ait_shared<float>();
  for (unsigned i = 0; i < written; ++i) {
    shared[i] = 1;
  }
  float sum = 0;
  for (unsigned i = 0; i < count; ++i) {
    sum += shared[i];
  }
  *out = sum;
}

__global__ void SumKernel(int64_t n, const float *__restrict__ v, float *out) {
  float sum = 0;
  for (AIT_EACH(i, n)) {
    sum += v[i];
  }
  sum = ait_block_sum(sum, ait_shared<float>());
  if (threadIdx.x == 0) {
    *out = sum;
  }
}

__device__ void Scale(int64_t n, float factor, float *v) {
  for (AIT_EACH(i, n)) {
    v[i] *= factor;
  }
}

__global__ void ScaleByValueKernel(int64_t n, float factor, float *v) {
  Scale(n, factor, v);
}

__global__ void ScaleByMemoryKernel(int64_t n, const float *factor, float *v) {
  Scale(n, *factor, v);
}

__global__ void NumberKernel(int *out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const unsigned i = block * blockDim.x * blockDim.y * blockDim.z + thread;
  out[i] = static_cast<int>(i);
}

__global__ void CountKernel(int *a, unsigned *b, unsigned long long *c) {
  atomicAdd(a, 1);
  atomicAdd(b, 1U);
  atomicAdd(c, 1ULL);
}

__global__ void BarriersKernel(int rounds, float *out) {
  float *shared = ait_shared<float>();
  float sum = 0;
  shared[threadIdx.x] = 1;
  for (int i = 0; i < rounds; ++i) {
    __syncthreads();
    sum += shared[(threadIdx.x + static_cast<unsigned>(i)) % blockDim.x];
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

__global__ void ExchangeKernel(int rounds, OmitGrid omit, int *v) {
  const unsigned all = gridDim.x * blockDim.x, i = blockIdx.x * blockDim.x + threadIdx.x;
  v[i] = 0;
  for (int round = 0; round < rounds; ++round) {
    if (omit == OmitGrid::kInTheLastBlock && blockIdx.x + 1 == gridDim.x) {
      return;
    }
    if (omit != OmitGrid::kAfterWriting) {
      AIT_SYNC_GRID();
    }
    const int other = v[(i + blockDim.x) % all];
    AIT_SYNC_GRID();
    v[i] = other + 1;
  }
}

__global__ void SumOfWarpKernel(unsigned live, int *out) {
  if (threadIdx.x / AIT_LANES % 2 == 1 && threadIdx.x % AIT_LANES >= live) {
    return;
  }
  out[threadIdx.x] = ait_warp_sum(static_cast<int>(threadIdx.x));
}

__global__ void CopyKernel(OmitCopy omit, const int *v, int *out) {
  int *shared = ait_shared<int>();
  ait_copy_async(shared + 4 * threadIdx.x, v + 4 * threadIdx.x);
  if (omit != OmitCopy::kWait) {
    ait_wait_for_copies();
  }
  if (omit != OmitCopy::kBarrier) {
    __syncthreads();
  }
  const unsigned other = omit == OmitCopy::kWait ? threadIdx.x : (threadIdx.x + 1) % blockDim.x;
  for (unsigned i = 0; i < 4; ++i) {
    out[4 * threadIdx.x + i] = shared[4 * other + i];
  }
  ait_wait_for_copies();
}

}  // namespace

void Fill(cudaStream_t stream, int64_t n, float value, float *out) {
  AIT_LAUNCH(FillKernel, ait_blocks(n), AIT_THREADS, 0, stream, n, value, out);
}

void FillShared(cudaStream_t stream, unsigned n, unsigned excess, float *out) {
  AIT_LAUNCH(FillSharedKernel, 1, n, n * sizeof(float), stream, excess, out);
}

void Reverse(cudaStream_t stream, unsigned n, int times, Omit omit, float *v) {
  const auto kernel = omit == Omit::kNothing        ? ReverseKernel<true, true>
                      : omit == Omit::kAfterWriting ? ReverseKernel<false, true>
                                                    : ReverseKernel<true, false>;
  AIT_LAUNCH(kernel, 1, n, n * sizeof(float), stream, times, v);
}

void WriteFromBlocks(cudaStream_t stream, bool same, float *out) {
  AIT_LAUNCH(WriteKernel, 2, 1, 0, stream, same, out);
}

void BarrierForSome(cudaStream_t stream, unsigned n, unsigned live) {
  AIT_LAUNCH(SomeKernel, 2, n, 0, stream, live);
}

void BarrierInBranches(cudaStream_t stream, unsigned n, bool different) {
  AIT_LAUNCH(BranchesKernel, 2, n, 0, stream, different);
}

void SumShared(cudaStream_t stream, unsigned count, unsigned written, float *out) {
  AIT_LAUNCH(SumSharedKernel, 1, 1, count * sizeof(float), stream, count, written, out);
}

void Sum(cudaStream_t stream, int64_t n, const float *v, float *out) {
  AIT_LAUNCH(SumKernel, 1, AIT_THREADS, AIT_THREADS * sizeof(float), stream, n, v, out);
}

void ScaleByValue(cudaStream_t stream, int64_t n, float factor, float *v) {
  AIT_LAUNCH(ScaleByValueKernel, ait_blocks(n), AIT_THREADS, 0, stream, n, factor, v);
}

void ScaleByMemory(cudaStream_t stream, int64_t n, const float *factor, float *v) {
  AIT_LAUNCH(ScaleByMemoryKernel, ait_blocks(n), AIT_THREADS, 0, stream, n, factor, v);
}

void Number(cudaStream_t stream, const unsigned *blocks, const unsigned *threads, int *out) {
  AIT_LAUNCH(NumberKernel, dim3(blocks[0], blocks[1], blocks[2]), dim3(threads[0], threads[1], threads[2]), 0, stream,
             out);
}

void Count(cudaStream_t stream, unsigned blocks, int *a, unsigned *b, unsigned long long *c) {
  AIT_LAUNCH(CountKernel, blocks, AIT_THREADS, 0, stream, a, b, c);
}

void Barriers(cudaStream_t stream, unsigned blocks, int rounds, float *out) {
  AIT_LAUNCH(BarriersKernel, blocks, 256, 256 * sizeof(float), stream, rounds, out);
}

cudaError_t Exchange(cudaStream_t stream, unsigned blocks, unsigned n, size_t shared_bytes, int rounds, OmitGrid omit,
                     int *v) {
  return AIT_LAUNCH_LARGE(true, ExchangeKernel, blocks, n, shared_bytes, stream, rounds, omit, v);
}

cudaError_t ExchangeAlone(cudaStream_t stream, int *v) {
  return AIT_LAUNCH_LARGE(false, ExchangeKernel, 1, 32, 0, stream, 1, OmitGrid::kNothing, v);
}

void SumOfWarp(cudaStream_t stream, unsigned n, unsigned live, int *out) {
  AIT_LAUNCH(SumOfWarpKernel, 1, n, 0, stream, live, out);
}

void CopyThroughShared(cudaStream_t stream, unsigned n, OmitCopy omit, const int *v, int *out) {
  AIT_LAUNCH(CopyKernel, 1, n, 16 * n, stream, omit, v, out);
}

void Configured(cudaStream_t stream, int blocks, int threads, size_t shared_bytes, float *out) {
  AIT_LAUNCH(FillKernel<float>, blocks, threads, shared_bytes, stream, 1, 1.0f, out);
}

}  // namespace faults
