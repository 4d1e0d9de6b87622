// cuda_runtime.h - what a kernel file sees of CUDA when it is compiled for the emulation of tests/simt
// (see simt.h): the runtime API, the words of the language, and the launch.
#ifndef SIMT_CUDA_RUNTIME_H
#define SIMT_CUDA_RUNTIME_H

#include <functional>
#include <utility>

#include "cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __align__(bytes) __attribute__((aligned(bytes)))

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace simt {

extern uint3 thread_index, block_index;
extern dim3 block_size, grid_size;
extern void *shared_memory;

// Waits until every thread of the block has come here.
void Barrier(const char *file, int line);

// Queues a launch; `kernel` runs one thread. Errors become the last error, as CUDA's do.
void QueueLaunch(const char *name, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                 std::function<void()> kernel);

template <class Kernel, class... Arguments>
void Launch(const char *name, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, Kernel kernel,
            Arguments... arguments) {
  QueueLaunch(name, grid, block, shared_bytes, stream, [=] { kernel(arguments...); });
}

}  // namespace simt

inline const uint3 &threadIdx = simt::thread_index;
inline const uint3 &blockIdx = simt::block_index;
inline const dim3 &blockDim = simt::block_size;
inline const dim3 &gridDim = simt::grid_size;

#define __syncthreads() ::simt::Barrier(__FILE__, __LINE__)

// The arguments are evaluated and copied by value at the launch. The lambda around the kernel lets a
// template kernel deduce its types from them, as <<<>>> does.
#define AIT_LAUNCH(kernel, blocks, threads, shared_bytes, stream, ...)   \
  ::simt::Launch(#kernel, (blocks), (threads), (shared_bytes), (stream), \
                 [=](auto... simt_arguments) { kernel(simt_arguments...); } __VA_OPT__(, ) __VA_ARGS__)

#define AIT_SHARED_MEMORY() static_cast<unsigned char *>(::simt::shared_memory)

// Integers only: a sum of floating-point numbers in no fixed order has no place in this project.
inline int atomicAdd(int *memory, int value) {
  return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}
inline unsigned atomicAdd(unsigned *memory, unsigned value) {
  return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}
inline unsigned long long atomicAdd(unsigned long long *memory, unsigned long long value) {
  return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}

#endif
