/* data_pass.cu - the folded data pass and its tangent, in one read of the rows
 * (docs/derivation.md#folded-data-pass).
 *
 * A block takes a slot of rows through shared memory, a tile at a time (tile.cuh and bytes.cuh, where the numerics are
 * told). */
#include "bytes.cuh"
#include "kernels.h"
#include "tile.cuh"

namespace {

/* Shared memory that every GPU gives a block without being asked. */
enum { SHARED_BYTES = 48 << 10 };

/* Slots of one pass: enough blocks for the largest GPUs, within a bound on their memory. */
enum { MOST_SLOTS = 256, MOST_SLOT_BYTES = 64 << 20 };

/* A classifier with scale and shift folded in: A' (C x D) and b' (C). */
struct folded_classifier {
  const ait_real *matrix, *bias;
};

/* What a block needs to know; passed to the kernel by value. */
struct pass_work {
  ait_tile_work tile;
  folded_classifier classifier, direction; /* direction.matrix NULL: there is none */
  int64_t slot_rows, slot_numbers;
  const uint8_t *active;
  int want_gradient, want_tangent;
  double *slots;
};

/* A slot's sums: G, gb, dG, dgb, loss. */
__host__ __device__ int64_t slot_numbers(int64_t classes, int64_t columns) {
  return 2 * ait_classifier_numbers(classes, columns) + 1;
}

/* How the shared memory of a block is cut. */
template <class Tile>
struct block_memory {
  double *thread_sums; /* AIT_THREADS */
  unsigned char *form[2], *work, *rows;
  ait_real *logits;

  __host__ __device__ static int64_t bytes(int64_t forms, int64_t columns, int64_t classes, int64_t tile_rows) {
    return AIT_THREADS * (int64_t)sizeof(double) + forms * Tile::taken_bytes(columns, classes) +
           ait_logits_bytes(tile_rows, classes) + Tile::work_bytes(tile_rows, classes) +
           tile_rows * Tile::row_bytes(columns);
  }

  __device__ block_memory(int64_t forms, const ait_tile_work &w, int64_t tile_rows) {
    thread_sums = ait_shared<double>();
    form[0] = (unsigned char *)(thread_sums + AIT_THREADS);
    form[1] = form[0] + Tile::taken_bytes(w.columns, w.classes);
    logits = (ait_real *)(form[0] + forms * Tile::taken_bytes(w.columns, w.classes));
    work = (unsigned char *)logits + ait_logits_bytes(tile_rows, w.classes);
    rows = work + Tile::work_bytes(tile_rows, w.classes);
  }
};

/* One block a slot. */
template <class Tile>
__global__ void pass_slots(pass_work work, int64_t tile_rows) {
  const ait_tile_work &w = work.tile;
  const int64_t begin = blockIdx.x * work.slot_rows, end = ait_smaller(w.rows, begin + work.slot_rows);
  if (work.active != NULL && *work.active == 0) {
    for (int64_t i = begin + threadIdx.x; i < end && w.cross != NULL; i += AIT_THREADS) {
      w.cross[i] = 0;
    }
    return;
  }
  const Tile tile = {w.columns, w.classes, tile_rows};
  const bool directed = work.direction.matrix != NULL;
  const block_memory<Tile> block(directed ? 2 : 1, w, tile_rows);
  ait_slot_memory<Tile> memory = {};
  memory.classifier = tile.take_form(work.classifier.matrix, work.classifier.bias, block.form[0], block.work);
  if (directed) {
    __syncthreads();
    memory.direction = tile.take_form(work.direction.matrix, work.direction.bias, block.form[1], block.work);
  }
  memory.has_direction = directed;
  memory.logits = block.logits;
  memory.work = block.work;
  memory.rows = block.rows;
  double *slot = work.slots + blockIdx.x * work.slot_numbers;
  ait_slot_sums sums = {work.want_gradient ? slot : NULL,
                        work.want_tangent ? slot + ait_classifier_numbers(w.classes, w.columns) : NULL, 0};
  ait_pass_slot(tile, w, begin, end, memory, &sums);
  const double loss = ait_block_sum(sums.loss, block.thread_sums);
  if (threadIdx.x == 0) {
    slot[work.slot_numbers - 1] = loss;
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
                        folded_classifier *folded) {
  const ait_rows *rows = pass->rows;
  const int packs = classifier != NULL && (rows->scale != NULL || rows->shift != NULL);
  folded->matrix = packs ? memory : classifier;
  folded->bias = classifier != NULL ? folded->matrix + pass->classes * rows->columns : NULL;
  if (!packs) {
    return cudaSuccess;
  }
  AIT_LAUNCH(pack, (unsigned)pass->classes, AIT_THREADS, AIT_THREADS * sizeof(double), stream, rows->columns,
             pass->classes, rows->scale, rows->shift, classifier, memory);
  return AIT_LAUNCHED();
}

template <class Tile>
cudaError_t launch_tiles(cudaStream_t stream, const ait_pass_plan *plan, const pass_work &work) {
  return AIT_LAUNCH_LARGE(false, pass_slots<Tile>, (unsigned)plan->slots, AIT_THREADS,
                          plan->shared_bytes[work.direction.matrix != NULL], stream, work, plan->tile_rows);
}

template <class Stored>
cudaError_t launch_plain(cudaStream_t stream, const ait_pass_plan *plan, const pass_work &work) {
  return launch_tiles<ait_plain_tile<Stored>>(stream, plan, work);
}

cudaError_t launch_slots(cudaStream_t stream, ait_type type, const ait_pass_plan *plan, const pass_work &work) {
#ifndef AIT_DOUBLE
  if (plan->bytes) {
    return AIT_FOR_BYTES(work.tile.classes, launch_tiles, stream, plan, work);
  }
#endif
  return AIT_FOR_STORED(type, launch_plain, stream, plan, work);
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

/* ---- plans --------------------------------------------------------------------------------------- */

/* The largest tile that leaves room for two forms in `most` bytes of shared memory, or none. */
template <class Tile>
ait_pass_plan plan_tiles(const ait_rows *rows, int64_t classes, int64_t most) {
  ait_pass_plan plan = {};
  for (int64_t tile = AIT_MOST_TILE; tile >= Tile::LEAST_ROWS && plan.tile_rows == 0; tile /= 2) {
    if (block_memory<Tile>::bytes(2, rows->columns, classes, tile) <= most) {
      plan.tile_rows = tile;
      plan.shared_bytes[0] = (size_t)block_memory<Tile>::bytes(1, rows->columns, classes, tile);
      plan.shared_bytes[1] = (size_t)block_memory<Tile>::bytes(2, rows->columns, classes, tile);
    }
  }
  return plan;
}

template <class Stored>
ait_pass_plan plan_plain(const ait_rows *rows, int64_t classes) {
  return plan_tiles<ait_plain_tile<Stored>>(rows, classes, SHARED_BYTES);
}

/* The plan with products of bytes, where there is one. */
ait_pass_plan plan_bytes([[maybe_unused]] const ait_rows *rows, [[maybe_unused]] int64_t classes,
                         [[maybe_unused]] const ait_kernel_limits *limits) {
  ait_pass_plan plan = {};
#ifndef AIT_DOUBLE
  if (rows->type == AIT_U8 && ait_suit_bytes(rows->columns)) {
    plan = AIT_FOR_BYTES(classes, plan_tiles, rows, classes, (int64_t)limits->shared_bytes);
    plan.bytes = 1;
  }
#endif
  return plan;
}

}  // namespace

ait_pass_plan ait_kernel_plan_pass(const ait_rows *rows, int64_t classes, const ait_kernel_limits *limits) {
  ait_pass_plan plan = {};
  if (classes > AIT_MOST_TILE_CLASSES || rows->rows == 0) {
    return plan;
  }
  plan = plan_bytes(rows, classes, limits);
  if (plan.tile_rows == 0) {
    plan = AIT_FOR_STORED(rows->type, plan_plain, rows, classes);
  }
  if (plan.tile_rows == 0) {
    return plan;
  }
  plan.slot_bytes = (size_t)slot_numbers(classes, rows->columns) * sizeof(double);
  const int64_t most = ait_larger(1, ait_smaller(MOST_SLOTS, MOST_SLOT_BYTES / (int64_t)plan.slot_bytes));
  plan.slot_rows = ait_round_up(ait_ceil_div(rows->rows, most), plan.tile_rows);
  plan.slots = ait_ceil_div(rows->rows, plan.slot_rows);
  plan.packed_bytes = (size_t)ait_round_up(classes * (rows->columns + 1) * (int64_t)sizeof(ait_real), 256);
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
  work.tile.rows = rows->rows;
  work.tile.columns = rows->columns;
  work.tile.stride = rows->stride;
  work.tile.classes = pass->classes;
  work.tile.data = rows->data;
  work.tile.labels = pass->labels;
  work.tile.weights.x = pass->x;
  work.tile.weights.weights = pass->weights;
  work.tile.weights.folds = pass->folds;
  work.tile.weights.fold = pass->fold;
  work.tile.weights.only_fold = pass->only_fold;
  work.tile.cross = pass->cross;
  work.slot_rows = plan->slot_rows;
  work.slot_numbers = numbers;
  work.active = pass->active;
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
    error = launch_slots(stream, rows->type, plan, work);
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
