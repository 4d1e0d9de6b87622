/* data_pass.cu - the folded data pass and its tangent, in one read of the rows
 * (docs/derivation.md#folded-data-pass).
 *
 * A block takes a slot of rows through shared memory, a tile at a time and in their stored type:
 * logits (a thread a row and class), softmax and residual (a thread a row), then the tile's share of
 * G = R' U (a thread a column). Scale and shift never touch the rows:
 *     A'_cj = A_cj scale_j,   b'_c = b_c + sum_j A_cj shift_j     (and the same of V and v)
 *     G_cj = scale_j (R' U)_cj + shift_j gb_c                    (and the same of dG)
 *
 * Numerics: ait_real inside a tile, double from tile to tile and from slot to slot, all in an order
 * that the shape alone decides; the division by N comes last. */
#include "device.cuh"
#include "kernels.h"
#include "softmax.cuh"
#include "stored.cuh"

namespace {

/* Shared memory that every GPU gives a block without being asked, and how it is cut. MOST_TILE rows
 * are a warp's lanes, so that a warp reads one class and 32 rows at a time. Above MOST_CLASSES matrix
 * products win: a tile's sums would cost more than its rows. */
enum { WARP = 32, SHARED_BYTES = 48 << 10, MOST_TILE = WARP, LEAST_TILE = 4, MOST_CLASSES = 32 };

/* Slots of one pass: enough blocks for the largest GPUs, within a bound on their memory. */
enum { MOST_SLOTS = 256, MOST_SLOT_BYTES = 64 << 20 };

/* Classes whose sums a thread holds in registers at once. */
enum { CLASS_GROUP = 8 };

/* What a block needs to know; passed to the kernel by value. */
struct pass_work {
  int64_t rows, columns, stride, classes, slot_rows, slot_numbers;
  const int32_t *labels;
  const ait_real *classifier, *direction, *x;
  const uint8_t *active;
  ait_real *cross;
  int want_gradient, want_tangent;
  double *slots;
};

/* A slot's sums: G, gb, dG, dgb, loss. */
__host__ __device__ int64_t slot_numbers(int64_t classes, int64_t columns) {
  return 2 * classes * (columns + 1) + 1;
}

/* Bytes from one row of a tile to the next: an odd number of words, so that threads on neighbouring
 * rows read different banks. */
__host__ __device__ int64_t tile_stride(int64_t columns, int64_t size) {
  const int64_t word = size > 4 ? size : 4;
  return (ait_ceil_div(columns * size, word) | 1) * word;
}

/* Numbers from one row of logits or residuals to the next: odd for the same reason. */
__host__ __device__ int64_t logit_stride(int64_t classes) {
  return classes | 1;
}

/* The parts of a block's shared memory. */
template <class Stored>
struct tile_memory {
  double *sums;     /* AIT_THREADS */
  ait_real *p, *s;  /* tile_rows x logit_stride: logits, P, then R; S, then dR */
  unsigned char *u; /* tile_rows x tile_stride */
  int64_t row_bytes, logits;

  __device__ tile_memory(int64_t tile_rows, int64_t columns, int64_t classes)
      : sums(ait_shared<double>()),
        row_bytes(tile_stride(columns, (int64_t)sizeof(Stored))),
        logits(logit_stride(classes)) {
    u = (unsigned char *)(sums + AIT_THREADS);
    p = (ait_real *)(u + ait_ceil_div(tile_rows * row_bytes, 16) * 16);
    s = p + tile_rows * logits;
  }

  __device__ Stored *row(int64_t r) const {
    return (Stored *)(u + r * row_bytes);
  }
};

/* A warp a row, so that neighbouring threads read neighbours and nobody divides by the columns. */
template <class Stored>
__device__ void load_tile(const pass_work &work, const Stored *data, int64_t first, int64_t count,
                          const tile_memory<Stored> &tile) {
  for (int64_t r = threadIdx.x / WARP; r < count; r += AIT_THREADS / WARP) {
    const Stored *from = data + (first + r) * work.stride;
    Stored *to = tile.row(r);
    for (int64_t j = threadIdx.x % WARP; j < work.columns; j += WARP) {
      to[j] = from[j];
    }
  }
}

/* a_c . u + b_c in four interleaved sums, for classifier (a, b). */
template <class Stored>
__device__ ait_real affine(const pass_work &work, const ait_real *classifier, int64_t c, const Stored *u) {
  const ait_real *a = classifier + c * work.columns;
  ait_real sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  int64_t j = 0;
  for (; j + 4 <= work.columns; j += 4) {
    sum0 += a[j] * ait_value(u[j]);
    sum1 += a[j + 1] * ait_value(u[j + 1]);
    sum2 += a[j + 2] * ait_value(u[j + 2]);
    sum3 += a[j + 3] * ait_value(u[j + 3]);
  }
  for (; j < work.columns; ++j) {
    sum0 += a[j] * ait_value(u[j]);
  }
  return (sum0 + sum1) + (sum2 + sum3) + classifier[work.classes * work.columns + c];
}

/* Logits of the tile, and their tangents along the direction. */
template <class Stored>
__device__ void tile_logits(const pass_work &work, int64_t tile_rows, int64_t count, const tile_memory<Stored> &tile) {
  for (int64_t i = threadIdx.x; i < tile_rows * work.classes; i += AIT_THREADS) {
    const int64_t r = i % tile_rows, c = i / tile_rows;
    if (r >= count) {
      continue;
    }
    tile.p[r * tile.logits + c] = affine(work, work.classifier, c, tile.row(r));
    if (work.direction != NULL) {
      tile.s[r * tile.logits + c] = affine(work, work.direction, c, tile.row(r));
    }
  }
}

/* R and dR of the tile without their factor 1/N, cross, and this thread's share of the loss. */
template <class Stored>
__device__ double tile_residuals(const pass_work &work, int64_t first, int64_t count, const tile_memory<Stored> &tile) {
  double loss = 0;
  for (int64_t r = threadIdx.x; r < count; r += AIT_THREADS) {
    const int64_t i = first + r;
    const int32_t label = work.labels[i];
    ait_real *p = tile.p + r * tile.logits, weight, derivative, own;
    ait_sample_weight(work.x, i, &weight, &derivative);
    loss += (double)weight * ait_softmax_row(work.classes, label, p, &own);
    if (work.direction != NULL) {
      const ait_real mean = ait_tangent_row(work.classes, label, weight, p, tile.s + r * tile.logits);
      if (work.cross != NULL) {
        work.cross[i] = derivative / (ait_real)work.rows * mean;
      }
    }
    for (int64_t c = 0; c < work.classes; ++c) {
      p[c] = weight * (c == label ? own : p[c]);
    }
  }
  return loss;
}

/* sum += the tile's R' U and column sums of R, or, on the slot's first tile, sum = them. */
template <class Stored>
__device__ void add_products(const pass_work &work, int64_t count, bool is_first, const ait_real *residual,
                             const tile_memory<Stored> &tile, double *sum) {
  for (int64_t j = threadIdx.x; j < work.columns; j += AIT_THREADS) {
    for (int64_t group = 0; group < work.classes; group += CLASS_GROUP) {
      ait_real part[CLASS_GROUP] = {};
      for (int64_t r = 0; r < count; ++r) {
        const ait_real u = ait_value(tile.row(r)[j]);
        for (int64_t c = 0; c < CLASS_GROUP; ++c) {
          part[c] += group + c < work.classes ? residual[r * tile.logits + group + c] * u : 0;
        }
      }
      for (int64_t c = 0; c < CLASS_GROUP && group + c < work.classes; ++c) {
        double *entry = sum + (group + c) * work.columns + j;
        *entry = (is_first ? 0 : *entry) + (double)part[c];
      }
    }
  }
  for (int64_t c = threadIdx.x; c < work.classes; c += AIT_THREADS) {
    double part = 0, *entry = sum + work.classes * work.columns + c;
    for (int64_t r = 0; r < count; ++r) {
      part += (double)residual[r * tile.logits + c];
    }
    *entry = (is_first ? 0 : *entry) + part;
  }
}

/* One block a slot. */
template <class Stored>
__global__ void pass_slots(pass_work work, const Stored *data, int64_t tile_rows) {
  const tile_memory<Stored> tile(tile_rows, work.columns, work.classes);
  const int64_t begin = blockIdx.x * work.slot_rows, end = ait_smaller(work.rows, begin + work.slot_rows);
  if (work.active != NULL && *work.active == 0) {
    for (int64_t i = begin + threadIdx.x; i < end && work.cross != NULL; i += AIT_THREADS) {
      work.cross[i] = 0;
    }
    return;
  }
  double loss = 0, *sums = work.slots + blockIdx.x * work.slot_numbers;
  double *tangent = sums + work.classes * (work.columns + 1);
  for (int64_t first = begin; first < end; first += tile_rows) {
    const int64_t count = ait_smaller(tile_rows, end - first);
    load_tile(work, data, first, count, tile);
    __syncthreads();
    tile_logits(work, tile_rows, count, tile);
    __syncthreads();
    loss += tile_residuals(work, first, count, tile);
    __syncthreads();
    if (work.want_gradient) {
      add_products(work, count, first == begin, tile.p, tile, sums);
    }
    if (work.want_tangent) {
      add_products(work, count, first == begin, tile.s, tile, tangent);
    }
    __syncthreads();
  }
  loss = ait_block_sum(loss, tile.sums);
  if (threadIdx.x == 0) {
    sums[work.slot_numbers - 1] = loss;
  }
}

/* ---- before and after ---------------------------------------------------------------------------- */

/* Block c: row c of a classifier with scale and shift folded in. */
__global__ void pack(int64_t columns, int64_t classes, const ait_real *scale, const ait_real *shift,
                     const ait_real *classifier, ait_real *packed) {
  const int64_t c = blockIdx.x;
  double bias = 0;
  for (int64_t j = threadIdx.x; j < columns; j += AIT_THREADS) {
    const ait_real a = classifier[c * columns + j];
    packed[c * columns + j] = scale != NULL ? a * scale[j] : a;
    bias += shift != NULL ? (double)a * (double)shift[j] : 0;
  }
  bias = ait_block_sum(bias, ait_shared<double>());
  if (threadIdx.x == 0) {
    packed[classes * columns + c] = (ait_real)((double)classifier[classes * columns + c] + bias);
  }
}

/* The sum over the slots of one of their numbers. */
__device__ double sum_slots(int64_t slots, int64_t numbers, const double *first) {
  double sum = 0;
  for (int64_t slot = 0; slot < slots; ++slot) {
    sum += first[slot * numbers];
  }
  return sum;
}

/* What the sums of the slots become. */
struct pass_result {
  int64_t slots, numbers, columns, classes;
  double inverse; /* 1/N */
  const double *sums;
  const ait_real *scale, *shift;
  const uint8_t *active;
};

__device__ bool is_skipped(const pass_result &from) {
  return from.active != NULL && *from.active == 0;
}

/* G and gb, or dG and dgb, whose sums begin at `offset`. */
__global__ void finish_matrix(pass_result from, int64_t offset, ait_real *out) {
  const int64_t matrix = from.classes * from.columns;
  for (AIT_EACH(i, matrix + from.classes)) {
    if (is_skipped(from)) {
      return;
    }
    const double *sums = from.sums + offset;
    double sum = sum_slots(from.slots, from.numbers, sums + i);
    if (i < matrix && from.scale != NULL) {
      sum *= (double)from.scale[i % from.columns];
    }
    if (i < matrix && from.shift != NULL) {
      const double bias = sum_slots(from.slots, from.numbers, sums + matrix + i / from.columns);
      sum += (double)from.shift[i % from.columns] * bias;
    }
    out[i] = (ait_real)(from.inverse * sum);
  }
}

__global__ void finish_loss(pass_result from, ait_real *loss) {
  if (!is_skipped(from)) {
    *loss = (ait_real)(from.inverse * sum_slots(from.slots, from.numbers, from.sums + from.numbers - 1));
  }
}

__global__ void clear_inactive(int64_t n, const uint8_t *active, ait_real *cross) {
  for (AIT_EACH(i, n)) {
    if (*active == 0) {
      cross[i] = 0;
    }
  }
}

/* ---- launches -------------------------------------------------------------------------------------- */

/* The classifier to use: packed, or as it is where rows have neither scale nor shift. */
cudaError_t launch_pack(cudaStream_t stream, const ait_pass *pass, const ait_real *classifier, ait_real *memory,
                        const ait_real **packed) {
  const ait_rows *rows = pass->rows;
  *packed = classifier;
  if (classifier == NULL || (rows->scale == NULL && rows->shift == NULL)) {
    return cudaSuccess;
  }
  *packed = memory;
  AIT_LAUNCH(pack, (unsigned)pass->classes, AIT_THREADS, AIT_THREADS * sizeof(double), stream, rows->columns,
             pass->classes, rows->scale, rows->shift, classifier, memory);
  return AIT_LAUNCHED();
}

template <class Stored>
cudaError_t launch_slots(cudaStream_t stream, const ait_pass_plan *plan, const ait_rows *rows, const pass_work &work) {
  AIT_LAUNCH(pass_slots<Stored>, (unsigned)plan->slots, AIT_THREADS, plan->shared_bytes, stream, work,
             (const Stored *)rows->data, plan->tile_rows);
  return AIT_LAUNCHED();
}

cudaError_t launch_finish(cudaStream_t stream, const ait_pass *pass, const pass_result &from) {
  const int64_t numbers = from.classes * (from.columns + 1);
  if (pass->gradient != NULL) {
    AIT_LAUNCH(finish_matrix, ait_blocks(numbers), AIT_THREADS, 0, stream, from, (int64_t)0, pass->gradient);
  }
  if (pass->tangent != NULL) {
    AIT_LAUNCH(finish_matrix, ait_blocks(numbers), AIT_THREADS, 0, stream, from, numbers, pass->tangent);
  }
  if (pass->loss != NULL) {
    AIT_LAUNCH(finish_loss, 1, 1, 0, stream, from, pass->loss);
  }
  return AIT_LAUNCHED();
}

}  // namespace

ait_pass_plan ait_kernel_plan_pass(const ait_rows *rows, int64_t classes) {
  const int64_t size = (int64_t)ait_type_size(rows->type);
  const int64_t row_bytes = tile_stride(rows->columns, size) + 2 * logit_stride(classes) * (int64_t)sizeof(ait_real);
  const int64_t slack = AIT_THREADS * (int64_t)sizeof(double) + 16;
  ait_pass_plan plan = {};
  if (classes > MOST_CLASSES || rows->rows == 0) {
    return plan;
  }
  int64_t tile = MOST_TILE;
  while (tile >= LEAST_TILE && slack + tile * row_bytes > SHARED_BYTES) {
    tile /= 2;
  }
  if (tile < LEAST_TILE) {
    return plan;
  }
  plan.tile_rows = tile;
  plan.shared_bytes = (size_t)(slack + tile * row_bytes);
  plan.slot_bytes = (size_t)slot_numbers(classes, rows->columns) * sizeof(double);
  const int64_t most = ait_larger(1, ait_smaller(MOST_SLOTS, MOST_SLOT_BYTES / (int64_t)plan.slot_bytes));
  plan.slot_rows = ait_ceil_div(ait_ceil_div(rows->rows, most), tile) * tile;
  plan.slots = ait_ceil_div(rows->rows, plan.slot_rows);
  plan.packed_bytes = (size_t)(ait_ceil_div(classes * (rows->columns + 1) * (int64_t)sizeof(ait_real), 256) * 256);
  plan.workspace_bytes = 2 * plan.packed_bytes + (size_t)plan.slots * plan.slot_bytes;
  return plan;
}

cudaError_t ait_kernel_data_pass(cudaStream_t stream, const ait_pass *pass, const ait_pass_plan *plan,
                                 void *workspace) {
  const ait_rows *rows = pass->rows;
  char *memory = (char *)workspace;
  double *slots = (double *)(memory + 2 * plan->packed_bytes);
  const int64_t numbers = slot_numbers(pass->classes, rows->columns);
  pass_work work = {};
  work.rows = rows->rows;
  work.columns = rows->columns;
  work.stride = rows->stride;
  work.classes = pass->classes;
  work.slot_rows = plan->slot_rows;
  work.slot_numbers = numbers;
  work.labels = pass->labels;
  work.x = pass->x;
  work.active = pass->active;
  work.cross = pass->cross;
  work.want_gradient = pass->gradient != NULL;
  work.want_tangent = pass->tangent != NULL;
  work.slots = slots;
  pass_result result = {plan->slots, numbers,     rows->columns, pass->classes, 1 / (double)rows->rows,
                        slots,       rows->scale, rows->shift,   pass->active};
  cudaError_t error = launch_pack(stream, pass, pass->classifier, (ait_real *)memory, &work.classifier);
  if (error == cudaSuccess) {
    error = launch_pack(stream, pass, pass->direction, (ait_real *)(memory + plan->packed_bytes), &work.direction);
  }
  if (error == cudaSuccess) {
    error = AIT_FOR_STORED(rows->type, launch_slots, stream, plan, rows, work);
  }
  return error == cudaSuccess ? launch_finish(stream, pass, result) : error;
}

cudaError_t ait_kernel_clear_inactive(cudaStream_t stream, int64_t n, const uint8_t *active, ait_real *cross) {
  if (n == 0) {
    return cudaSuccess;
  }
  AIT_LAUNCH(clear_inactive, ait_blocks(n), AIT_THREADS, 0, stream, n, active, cross);
  return AIT_LAUNCHED();
}
