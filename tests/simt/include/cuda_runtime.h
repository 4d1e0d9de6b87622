// cuda_runtime.h - what a kernel file sees of CUDA when it is compiled for the emulation of tests/simt
// (see simt.h): the runtime API, the words of the language, and the launch.
#ifndef SIMT_CUDA_RUNTIME_H
#define SIMT_CUDA_RUNTIME_H

#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#include "cuda_runtime_api.h"

#define __global__
#define __launch_bounds__(...)
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

// Waits until every thread of the block, of the warp, or of all blocks of a cooperative launch has come here.
void Barrier(const char *file, int line);
void WarpBarrier(const char *file, int line);
void GridBarrier(const char *file, int line);

// A collective of the warp: each lane brings up to 8 words and waits for the others; then each may look at what a
// lane has brought, until it comes to the next collective. Other memory is not ordered by it.
void Bring(const uint32_t *operands, unsigned count, const char *file, int line);
uint32_t Brought(unsigned lane, unsigned operand);

// Dies unless the mask names the whole warp: collectives of some lanes alone are not emulated.
void CheckMask(unsigned mask, const char *file, int line);

// Dies unless the address is a multiple of 16.
void CheckAligned(const void *address, const char *file, int line);

// Copies of 16 bytes that this thread has asked for: kept until it waits, and taken back one by one.
void QueueCopy(void *to, const void *from);
bool NextCopy(void **to, const void **from);

// Queues a launch; `kernel` runs one thread. Errors become the last error, as CUDA's do. `function` is the kernel's
// address, or NULL where nobody can have set an attribute of it.
cudaError_t QueueLaunch(const char *name, const void *function, bool cooperative, dim3 grid, dim3 block,
                        size_t shared_bytes, cudaStream_t stream, std::function<void()> kernel);

template <class Kernel, class... Arguments>
void Launch(const char *name, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, Kernel kernel,
            Arguments... arguments) {
  QueueLaunch(name, nullptr, false, grid, block, shared_bytes, stream, [=] { kernel(arguments...); });
}

template <class... Parameters, class... Arguments>
cudaError_t LaunchWhole(const char *name, bool cooperative, dim3 grid, dim3 block, size_t shared_bytes,
                        cudaStream_t stream, void (*kernel)(Parameters...), Arguments... arguments) {
  const auto function = reinterpret_cast<const void *>(kernel);
  const cudaError_t error =
      cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  return error != cudaSuccess ? error
                              : QueueLaunch(name, function, cooperative, grid, block, shared_bytes, stream,
                                            [=] { kernel(arguments...); });
}

// The value that lane (own ^ lanes) has brought.
template <class T>
T ShuffleXor(unsigned mask, T value, unsigned lanes, const char *file, int line) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move words");
  uint32_t words[sizeof(T) / 4];
  std::memcpy(words, &value, sizeof value);
  CheckMask(mask, file, line);
  Bring(words, sizeof(T) / 4, file, line);
  for (unsigned i = 0; i < sizeof(T) / 4; ++i) {
    words[i] = Brought(thread_index.x ^ lanes, i);
  }
  std::memcpy(&value, words, sizeof value);
  return value;
}

}  // namespace simt

inline const uint3 &threadIdx = simt::thread_index;
inline const uint3 &blockIdx = simt::block_index;
inline const dim3 &blockDim = simt::block_size;
inline const dim3 &gridDim = simt::grid_size;

#define AIT_UNROLL(times)
#define __syncthreads()                     ::simt::Barrier(__FILE__, __LINE__)
#define __syncwarp()                        ::simt::WarpBarrier(__FILE__, __LINE__)
#define __shfl_xor_sync(mask, value, lanes) ::simt::ShuffleXor((mask), (value), (lanes), __FILE__, __LINE__)
#define AIT_SYNC_GRID()                     ::simt::GridBarrier(__FILE__, __LINE__)

// The arguments are evaluated and copied by value at the launch. The lambda around the kernel lets a
// template kernel deduce its types from them, as <<<>>> does.
#define AIT_LAUNCH(kernel, blocks, threads, shared_bytes, stream, ...)   \
  ::simt::Launch(#kernel, (blocks), (threads), (shared_bytes), (stream), \
                 [=](auto... simt_arguments) { kernel(simt_arguments...); } __VA_OPT__(, ) __VA_ARGS__)

// A launch with as much shared memory as the device gives a block that asks, cooperative or not.
#define AIT_LAUNCH_LARGE(cooperative, kernel, blocks, threads, shared_bytes, stream, ...) \
  ::simt::LaunchWhole(#kernel, (cooperative), (blocks), (threads), (shared_bytes), (stream), (kernel), __VA_ARGS__)

#define AIT_SHARED_MEMORY() static_cast<unsigned char *>(::simt::shared_memory)

// Integers only: a sum of floating-point numbers in no fixed order has no place in this project.
inline int atomicAdd(int *memory, int value) {
  return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}
inline int atomicMax(int *memory, int value) {
  int old = __atomic_load_n(memory, __ATOMIC_RELAXED);
  while (old < value && !__atomic_compare_exchange_n(memory, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
inline unsigned atomicAdd(unsigned *memory, unsigned value) {
  return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}
inline unsigned long long atomicAdd(unsigned long long *memory, unsigned long long value) {
  return __atomic_fetch_add(memory, value, __ATOMIC_RELAXED);
}

#include "matrix_instructions.h"

#endif
