/* reduce.cu - sums and counts.
 *
 * Numerics: products are summed in double, each thread over its own entries, pairwise over the
 * threads of a block, block after block; how many blocks there are depends on the length alone, so
 * equal inputs give equal bits on every GPU. No floating-point atomics. Counts are exact. */
#include "device.cuh"
#include "kernels.h"

namespace {

/* ---- dot products ------------------------------------------------------------------------------ */

/* Entries for which a further block pays: 32 a thread. */
enum { SLOT_ENTRIES = 32 * AIT_THREADS };

/* Block `slot` of row b sums its share of the row. */
__global__ void dot_slots(int64_t slots, int64_t m, const ait_real *a, const ait_real *c, double *sums) {
  const int64_t b = blockIdx.x / slots, slot = blockIdx.x % slots;
  double sum = 0;
  for (int64_t i = slot * AIT_THREADS + threadIdx.x; i < m; i += slots * AIT_THREADS) {
    sum += (double)a[b * m + i] * (double)c[b * m + i];
  }
  sum = ait_block_sum(sum, ait_shared<double>());
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = sum;
  }
}

__global__ void dot_finish(int64_t batch, int64_t slots, const double *sums, ait_real *out) {
  for (AIT_EACH(b, batch)) {
    double sum = 0;
    for (int64_t slot = 0; slot < slots; ++slot) {
      sum += sums[b * slots + slot];
    }
    out[b] = (ait_real)sum;
  }
}

/* ---- counts ------------------------------------------------------------------------------------- */

/* Whether entry i counts; project also moves it. */
struct project_entry {
  ait_real lower, upper;
  ait_real *v;
  __device__ bool operator()(int64_t i) const {
    ait_real u = v[i] < lower ? lower : v[i];
    u = u > upper ? upper : u;
    v[i] = u;
    return u == lower || u == upper;
  }
};

struct is_nonfinite {
  const ait_real *v;
  __device__ bool operator()(int64_t i) const {
    return !isfinite(v[i]);
  }
};

struct is_correct {
  int64_t classes;
  const ait_real *p;
  const int32_t *labels;
  __device__ bool operator()(int64_t i) const {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c) {
      best = p[i * classes + c] > p[i * classes + best] ? c : best;
    }
    return best == labels[i];
  }
};

template <class Counted>
__global__ void count_blocks(int64_t n, Counted counted, int64_t *counts) {
  int64_t count = 0;
  for (AIT_EACH(i, n)) {
    count += counted(i);
  }
  count = ait_block_sum(count, ait_shared<int64_t>());
  if (threadIdx.x == 0) {
    counts[blockIdx.x] = count;
  }
}

/* One block adds up and writes the count as int32 (at most its largest value) or as int64. */
__global__ void count_finish(int64_t blocks, const int64_t *counts, int32_t *narrow, int64_t *wide) {
  int64_t count = 0;
  for (int64_t block = threadIdx.x; block < blocks; block += AIT_THREADS) {
    count += counts[block];
  }
  count = ait_block_sum(count, ait_shared<int64_t>());
  if (threadIdx.x == 0 && narrow != NULL) {
    *narrow = (int32_t)(count < INT32_MAX ? count : INT32_MAX);
  }
  if (threadIdx.x == 0 && wide != NULL) {
    *wide = count;
  }
}

template <class Counted>
cudaError_t count_all(cudaStream_t stream, int64_t n, const Counted &counted, int32_t *narrow, int64_t *wide,
                      ait_reduce_memory *memory) {
  const int64_t blocks = ait_smaller(ait_ceil_div(n, AIT_THREADS), AIT_COUNT_BLOCKS);
  if (blocks > 0) {
    AIT_LAUNCH(count_blocks<Counted>, (unsigned)blocks, AIT_THREADS, AIT_THREADS * sizeof(int64_t), stream, n, counted,
               memory->counts);
    const cudaError_t error = AIT_LAUNCHED();
    if (error != cudaSuccess) {
      return error;
    }
  }
  if (narrow != NULL || wide != NULL) {
    AIT_LAUNCH(count_finish, 1, AIT_THREADS, AIT_THREADS * sizeof(int64_t), stream, blocks, memory->counts, narrow,
               wide);
  }
  return AIT_LAUNCHED();
}

}  // namespace

/* Rows beyond what the memory holds follow in further launches. */
cudaError_t ait_kernel_dot(cudaStream_t stream, int64_t batch, int64_t m, const ait_real *a, const ait_real *c,
                           ait_real *out, ait_reduce_memory *memory) {
  const int64_t slots = ait_smaller(ait_larger(1, ait_ceil_div(m, SLOT_ENTRIES)), AIT_SUM_SLOTS);
  for (int64_t first = 0; first < batch; first += AIT_REDUCE_BATCH) {
    const int64_t rows = ait_smaller(batch - first, AIT_REDUCE_BATCH);
    AIT_LAUNCH(dot_slots, (unsigned)(rows * slots), AIT_THREADS, AIT_THREADS * sizeof(double), stream, slots, m,
               a + first * m, c + first * m, memory->sums);
    cudaError_t error = AIT_LAUNCHED();
    if (error == cudaSuccess) {
      AIT_LAUNCH(dot_finish, ait_blocks(rows), AIT_THREADS, 0, stream, rows, slots, memory->sums, out + first);
      error = AIT_LAUNCHED();
    }
    if (error != cudaSuccess) {
      return error;
    }
  }
  return cudaSuccess;
}

cudaError_t ait_kernel_project(cudaStream_t stream, int64_t n, double lower, double upper, ait_real *v,
                               int32_t *at_bound, ait_reduce_memory *memory) {
  const project_entry project = {(ait_real)lower, (ait_real)upper, v};
  return count_all(stream, n, project, at_bound, NULL, memory);
}

cudaError_t ait_kernel_count_nonfinite(cudaStream_t stream, int64_t n, const ait_real *v, int32_t *count,
                                       ait_reduce_memory *memory) {
  const is_nonfinite nonfinite = {v};
  return count_all(stream, n, nonfinite, count, NULL, memory);
}

cudaError_t ait_kernel_count_correct(cudaStream_t stream, int64_t count, int64_t classes, const ait_real *p,
                                     const int32_t *labels, int64_t *correct, ait_reduce_memory *memory) {
  const is_correct is = {classes, p, labels};
  return count_all(stream, count, is, NULL, correct, memory);
}
