/* device.cuh - what every kernel file shares: the launch, a block's memory, loops and sums.
 *
 * Kernels are written so that they also compile as plain C++ against an emulation of the threads of a
 * GPU: they are launched by AIT_LAUNCH alone, have no static __shared__ arrays, and find their block's
 * memory by ait_shared. Everything below is deterministic: loops and sums have an order that depends on
 * sizes alone. */
#ifndef AIT_KERNELS_DEVICE_CUH
#define AIT_KERNELS_DEVICE_CUH

#include <cuda_runtime.h>
#include <math.h>
#include <stdint.h>

/* AIT_LAUNCH(kernel, blocks, threads, shared_bytes, stream, arguments...) enqueues a launch.
 * AIT_LAUNCH_LARGE(cooperative, kernel, ...) asks for as much shared memory as the launch has, which may be more than
 * every block has; with `cooperative` all blocks live at once and AIT_SYNC_GRID() waits for all of them: what they
 * wrote is there for all behind it. Its value is the error of the launch.
 * AIT_SHARED_MEMORY() is the address of the block's shared memory, aligned to 16 bytes.
 * AIT_UNROLL(times) before a loop asks the compiler to have so many loads under way at once. */
#ifndef AIT_LAUNCH
#include <cooperative_groups.h>
#define AIT_LAUNCH(kernel, blocks, threads, shared_bytes, stream, ...) \
  (kernel<<<(blocks), (threads), (shared_bytes), (stream)>>>(__VA_ARGS__))
extern __shared__ __align__(16) unsigned char ait_shared_memory[];
#define AIT_SHARED_MEMORY() ait_shared_memory
#define AIT_SYNC_GRID()     cooperative_groups::this_grid().sync()
#define AIT_PRAGMA(text)    _Pragma(#text)
#define AIT_UNROLL(times)   AIT_PRAGMA(unroll times)
#define AIT_LAUNCH_LARGE(cooperative, kernel, blocks, threads, shared_bytes, stream, ...) \
  ait_launch_large((cooperative), (kernel), (blocks), (threads), (shared_bytes), (stream), __VA_ARGS__)

template <class... Parameters, class... Arguments>
cudaError_t ait_launch_large(bool cooperative, void (*kernel)(Parameters...), unsigned blocks, unsigned threads,
                             size_t shared_bytes, cudaStream_t stream, Arguments... arguments) {
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes);
  if (error != cudaSuccess) {
    return error;
  }
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = cooperative;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}
#endif

/* Lanes of a warp, and the mask of all of them. */
enum { AIT_LANES = 32 };
#define AIT_ALL_LANES 0xffffffffu

/* Threads of a block: 8 warps, enough to hide latency at the registers that these kernels use. */
enum { AIT_THREADS = 256 };

/* Blocks of an elementwise launch: 16 waves of 2 blocks a multiprocessor on the largest GPUs; beyond
 * that each thread takes several entries. */
enum { AIT_MOST_BLOCKS = 4096 };

__host__ __device__ inline int64_t ait_smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

__host__ __device__ inline int64_t ait_larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

__host__ __device__ inline int64_t ait_ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

inline unsigned ait_blocks(int64_t n) {
  return (unsigned)ait_smaller(ait_ceil_div(n, AIT_THREADS), AIT_MOST_BLOCKS);
}

/* for (AIT_EACH(i, n)): the entries i < n of this thread, over the whole grid. */
#define AIT_EACH(i, n)                                                       \
  int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, i##_end = (n); \
  i < i##_end;                                                               \
  i += (int64_t)gridDim.x * blockDim.x

/* The error of the launch just made. */
#define AIT_LAUNCHED() cudaGetLastError()

template <class T>
__device__ inline T *ait_shared() {
  return reinterpret_cast<T *>(AIT_SHARED_MEMORY());
}

/* The sum of `value` over the AIT_THREADS threads of a block, pairwise in a fixed order, for every
 * thread; `memory` holds AIT_THREADS numbers and may be used again after the next barrier. */
template <class T>
__device__ inline T ait_block_sum(T value, T *memory) {
  memory[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = AIT_THREADS / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      memory[threadIdx.x] += memory[threadIdx.x + half];
    }
    __syncthreads();
  }
  return memory[0];
}

/* The sum, and the largest, of the lanes' values, for every lane; the sum pairwise in a fixed order. */
template <class T>
__device__ inline T ait_warp_sum(T value) {
  for (int lanes = AIT_LANES / 2; lanes > 0; lanes /= 2) {
    value += __shfl_xor_sync(AIT_ALL_LANES, value, lanes);
  }
  return value;
}

template <class T>
__device__ inline T ait_warp_largest(T value) {
  for (int lanes = AIT_LANES / 2; lanes > 0; lanes /= 2) {
    const T other = __shfl_xor_sync(AIT_ALL_LANES, value, lanes);
    value = other > value ? other : value;
  }
  return value;
}

#endif
