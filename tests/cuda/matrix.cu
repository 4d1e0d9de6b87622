// matrix.cu - one kernel an instruction of kernels/matrix.cuh, and one that strings them together.
#include "matrix.cuh"

#include "matrix.h"

namespace {

__device__ uint32_t word_at(const void *bytes, int i) {
  const unsigned char *from = static_cast<const unsigned char *>(bytes) + i;
  return from[0] | static_cast<uint32_t>(from[1]) << 8 | static_cast<uint32_t>(from[2]) << 16 |
         static_cast<uint32_t>(from[3]) << 24;
}

__global__ void multiply_bytes(const uint8_t *a, const int8_t *b, int32_t *sum) {
  const int g = static_cast<int>(threadIdx.x) / 4, q = static_cast<int>(threadIdx.x) % 4;
  const uint32_t left[4] = {word_at(a, 32 * g + 4 * q), word_at(a, 32 * (g + 8) + 4 * q),
                            word_at(a, 32 * g + 16 + 4 * q), word_at(a, 32 * (g + 8) + 16 + 4 * q)};
  const uint32_t right[2] = {word_at(b, 32 * g + 4 * q), word_at(b, 32 * g + 16 + 4 * q)};
  int32_t *near = sum + 8 * g + 2 * q, *far = near + 64;
  int32_t part[4] = {near[0], near[1], far[0], far[1]};
  ait_multiply_bytes(part, left, right);
  near[0] = part[0];
  near[1] = part[1];
  far[0] = part[2];
  far[1] = part[3];
}

__global__ void load(bool transposed, int stride, const uint8_t *rows, uint32_t *words) {
  unsigned char *shared = ait_shared<unsigned char>();
  for (int i = 0; i < 16; ++i) {
    shared[static_cast<int>(threadIdx.x) * stride + i] = rows[16 * threadIdx.x + static_cast<unsigned>(i)];
  }
  __syncthreads();
  uint32_t loaded[4];
  if (transposed) {
    ait_load_transposed(shared + static_cast<int>(threadIdx.x) * stride, loaded);
  } else {
    ait_load_matrices(shared + static_cast<int>(threadIdx.x) * stride, loaded);
  }
  for (unsigned i = 0; i < 4; ++i) {
    words[4 * threadIdx.x + i] = loaded[i];
  }
}

__global__ void transposed_product(const uint8_t *u, const int8_t *r, int32_t *sum) {
  unsigned char *rows = ait_shared<unsigned char>();
  int8_t *digits = reinterpret_cast<int8_t *>(rows + 32 * 16);  // 8 columns of 32, in the order of ait_row_place
  for (unsigned i = 0; i < 16; ++i) {
    rows[16 * threadIdx.x + i] = u[16 * threadIdx.x + i];
  }
  for (unsigned c = 0; c < 8; ++c) {
    digits[32 * c + ait_row_place(threadIdx.x)] = r[8 * threadIdx.x + c];
  }
  __syncthreads();
  const unsigned g = threadIdx.x / 4, q = threadIdx.x % 4;
  uint32_t loaded[4], left[4];
  ait_load_transposed(rows + 16 * threadIdx.x, loaded);
  ait_transpose_bytes(loaded, left);
  const uint32_t right[2] = {word_at(digits, static_cast<int>(32 * g + 4 * q)),
                             word_at(digits, static_cast<int>(32 * g + 16 + 4 * q))};
  int32_t part[4] = {};
  ait_multiply_bytes(part, left, right);
  for (unsigned i = 0; i < 4; ++i) {
    sum[8 * (2 * g + i / 2) + 2 * q + i % 2] = part[i];
  }
}

__global__ void copy(const uint8_t *from, uint8_t *to) {
  unsigned char *shared = ait_shared<unsigned char>();
  ait_copy_async(shared + 16 * threadIdx.x, from + 16 * threadIdx.x);
  ait_wait_for_copies();
  __syncthreads();
  for (unsigned i = 0; i < 16; ++i) {
    to[32 * i + threadIdx.x] = shared[32 * i + threadIdx.x];
  }
}

__global__ void pick(uint32_t selector, const uint32_t *low, const uint32_t *high, uint32_t *out) {
  out[threadIdx.x] = __byte_perm(low[threadIdx.x], high[threadIdx.x], selector);
}

}  // namespace

cudaError_t run_multiply_bytes(cudaStream_t stream, const uint8_t *a, const int8_t *b, int32_t *sum) {
  AIT_LAUNCH(multiply_bytes, 1, AIT_LANES, 0, stream, a, b, sum);
  return AIT_LAUNCHED();
}

cudaError_t run_load(cudaStream_t stream, bool transposed, int stride, const uint8_t *rows, uint32_t *words) {
  AIT_LAUNCH(load, 1, AIT_LANES, static_cast<size_t>(AIT_LANES * stride), stream, transposed, stride, rows, words);
  return AIT_LAUNCHED();
}

cudaError_t run_transposed_product(cudaStream_t stream, const uint8_t *u, const int8_t *r, int32_t *sum) {
  AIT_LAUNCH(transposed_product, 1, AIT_LANES, 32 * 16 + 8 * 32, stream, u, r, sum);
  return AIT_LAUNCHED();
}

cudaError_t run_copy(cudaStream_t stream, const uint8_t *from, uint8_t *to) {
  AIT_LAUNCH(copy, 1, AIT_LANES, 512, stream, from, to);
  return AIT_LAUNCHED();
}

cudaError_t run_pick(cudaStream_t stream, uint32_t selector, const uint32_t *low, const uint32_t *high, uint32_t *out) {
  AIT_LAUNCH(pick, 1, AIT_LANES, 0, stream, selector, low, high, out);
  return AIT_LAUNCHED();
}
