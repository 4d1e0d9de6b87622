/* rows.cu - rows of data and of intermediate results.
 *
 * Numerics: sums over rows are taken in double, each thread over every 256 / width-th row, pairwise
 * over the threads, so that their order depends on the shape alone. */
#include "device.cuh"
#include "kernels.h"
#include "stored.cuh"

namespace {

template <class Stored>
__global__ void convert(int64_t columns, int64_t stride, int64_t count, const Stored *data, const ait_real *scale,
                        const ait_real *shift, ait_real *values) {
  for (AIT_EACH(i, count * columns)) {
    const int64_t row = i / columns, j = i % columns;
    ait_real value = ait_value(data[row * stride + j]);
    value = scale != NULL ? value * scale[j] : value;
    values[i] = shift != NULL ? value + shift[j] : value;
  }
}

template <class Stored>
cudaError_t launch_convert(cudaStream_t stream, const ait_rows *rows, int64_t first, int64_t count, ait_real *values) {
  const Stored *data = (const Stored *)rows->data + first * rows->stride;
  AIT_LAUNCH(convert<Stored>, ait_blocks(count * rows->columns), AIT_THREADS, 0, stream, rows->columns, rows->stride,
             count, data, rows->scale, rows->shift, values);
  return AIT_LAUNCHED();
}

__global__ void add_bias(int64_t count, int64_t h, const ait_real *b, ait_real *z) {
  for (AIT_EACH(i, count * h)) {
    z[i] += b[i % h];
  }
}

/* A block sums `width` neighbouring columns (a power of two), AIT_THREADS / width rows at a time. */
__global__ void column_sums(int64_t count, int64_t h, unsigned width, const ait_real *r, ait_real *out) {
  double *sums = ait_shared<double>();
  const int64_t j = (int64_t)blockIdx.x * width + threadIdx.x % width;
  double sum = 0;
  for (int64_t i = threadIdx.x / width; i < count && j < h; i += AIT_THREADS / width) {
    sum += (double)r[i * h + j];
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = AIT_THREADS / 2; half >= width; half /= 2) {
    if (threadIdx.x < half) {
      sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    __syncthreads();
  }
  if (threadIdx.x < width && j < h) {
    out[j] = (ait_real)sums[threadIdx.x];
  }
}

__global__ void accumulate(int64_t n, const ait_real *v, double *sum) {
  for (AIT_EACH(j, n)) {
    sum[j] += (double)v[j];
  }
}

__global__ void round_sum(int64_t n, double scale, const double *sum, ait_real *out) {
  for (AIT_EACH(j, n)) {
    out[j] = (ait_real)(scale * sum[j]);
  }
}

}  // namespace

cudaError_t ait_kernel_convert_rows(cudaStream_t stream, const ait_rows *rows, int64_t first, int64_t count,
                                    ait_real *values) {
  if (count * rows->columns == 0) {
    return cudaSuccess;
  }
  return AIT_FOR_STORED(rows->type, launch_convert, stream, rows, first, count, values);
}

cudaError_t ait_kernel_add_bias(cudaStream_t stream, int64_t count, int64_t h, const ait_real *b, ait_real *z) {
  if (count * h == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(add_bias, ait_blocks(count * h), AIT_THREADS, 0, stream, count, h, b, z);
  return AIT_LAUNCHED();
}

/* Columns of a block: a warp's, so that it reads whole lines; fewer where there are fewer. */
cudaError_t ait_kernel_column_sums(cudaStream_t stream, int64_t count, int64_t h, const ait_real *r, ait_real *out) {
  if (h == 0) {
    return cudaSuccess;
  }
  unsigned width = 1;
  while (width < 32 && width < h) {
    width *= 2;
  }
  AIT_LAUNCH(column_sums, (unsigned)ait_ceil_div(h, width), AIT_THREADS, AIT_THREADS * sizeof(double), stream, count, h,
             width, r, out);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_accumulate(cudaStream_t stream, int64_t n, const ait_real *v, double *sum) {
  if (n == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(accumulate, ait_blocks(n), AIT_THREADS, 0, stream, n, v, sum);
  return AIT_LAUNCHED();
}

cudaError_t ait_kernel_round_sum(cudaStream_t stream, int64_t n, double scale, const double *sum, ait_real *out) {
  if (n == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(round_sum, ait_blocks(n), AIT_THREADS, 0, stream, n, scale, sum, out);
  return AIT_LAUNCHED();
}
