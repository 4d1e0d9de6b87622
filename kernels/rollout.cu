/* rollout.cu - gradient descent on a hyper-cleaning problem and the way back along it, each in one cooperative launch
 * (docs/derivation.md#folded-data-pass, #reverse-accumulation).
 *
 * Each block owns slots of training and validation rows, which stay in its shared memory for the whole launch where
 * they fit, and are read once a step where they do not. A step of a linear classifier has two barriers of the grid:
 *     every block: the classifier in the form its tiles want, a pass over its slots, their sums to global memory;
 *     barrier; every block: a slice of G summed over the slots, y_{k+1} = y_k - alpha_k g of that slice;
 *     barrier.
 * A step back is the same with the direction lambda: dG, and lambda = lambda - alpha_k H lambda. With L layers a step
 * has L - 1 barriers more to fold them (layers.cuh), one behind the sums of G, and L - 2 more to unfold it; a step back
 * one more than that.
 *
 * Numerics: those of a tile (tile.cuh, bytes.cuh); slots are added in double, in an order that the shape alone decides:
 * neither the number of blocks nor their memory changes a bit. */
#include "bytes.cuh"
#include "kernels.h"
#include "layers.cuh"
#include "tile.cuh"

namespace {

/* Slots of one side: about as many as large GPUs have multiprocessors, and four times as many where that leaves a slot
 * many tiles; not so many that a slot has few rows; within a bound on their memory. */
enum { SLOTS = 128, MANY_ROWS = 1 << 17, MANY_SLOTS = 4 * SLOTS, LEAST_SLOT_ROWS = 16, MOST_SLOT_BYTES = 128 << 20 };

/* A tile's rows, at most. */
enum { MOST_TILE_BYTES = 64 << 10 };

/* Entries of G that a block sums at once, and the parts into which it cuts the slots. */
enum { ENTRIES = 64, PARTS = AIT_THREADS / ENTRIES };

/* Blocks of a multiprocessor: while one waits for rows the other computes. */
enum { MOST_BLOCKS = 2 };

enum { TRAIN, VALIDATION, SIDES };

struct descent_side {
  ait_tile_work tile;
  const ait_real *scale, *shift; /* of the columns, or NULL */
  int64_t slots, slot_rows;
  double *losses; /* of the slots */
};

/* What a block needs to know; passed to the kernel by value. */
struct descent_work {
  descent_side side[SIDES];
  ait_layers layers;
  int64_t columns, classes, tile_rows, slot_numbers;
  int64_t first, end, F_first, value_stride, state_slots, state_stride;
  int resident;
  const ait_real *alpha;
  ait_real *states, *f, *F;
  const int32_t *kbar;
  ait_real *lambda;
  double *sums; /* of the training slots: G and gb each, or dG and dgb, or both */
};

__device__ ait_real *state_of(const descent_work &work, int64_t k) {
  return work.states + k % work.state_slots * work.state_stride;
}

/* ---- a block's memory ----------------------------------------------------------------------------- */

/* Bytes of the rows that a block holds: a tile, or all rows of its slots. */
template <class Tile>
__host__ __device__ int64_t held_bytes(int64_t rows, int64_t columns) {
  return ait_round_up(rows * Tile::row_bytes(columns), 16);
}

/* The most slots of a side that one of `blocks` blocks owns. */
__host__ __device__ int64_t owned_slots(int64_t slots, int64_t blocks) {
  return ait_ceil_div(slots, blocks);
}

/* How the shared memory of a block is cut; the rows come last. */
template <class Tile>
struct block_memory {
  double *thread_sums; /* AIT_THREADS */
  double *bias_sums;   /* AIT_MOST_TILE_CLASSES */
  ait_real *bias[2];   /* of the two forms: AIT_MOST_TILE_CLASSES each */
  unsigned char *form[2], *work, *rows;
  ait_real *logits;

  __host__ __device__ static int64_t bytes(int64_t forms, int64_t columns, int64_t classes, int64_t tile_rows) {
    return (AIT_THREADS + AIT_MOST_TILE_CLASSES) * (int64_t)sizeof(double) +
           2 * AIT_MOST_TILE_CLASSES * (int64_t)sizeof(ait_real) + forms * Tile::form_bytes(columns, classes) +
           ait_logits_bytes(tile_rows, classes) + Tile::work_bytes(tile_rows, classes);
  }

  __device__ block_memory(int64_t forms, const descent_work &work_of) {
    thread_sums = ait_shared<double>();
    bias_sums = thread_sums + AIT_THREADS;
    bias[0] = (ait_real *)(bias_sums + AIT_MOST_TILE_CLASSES);
    bias[1] = bias[0] + AIT_MOST_TILE_CLASSES;
    form[0] = (unsigned char *)(bias[1] + AIT_MOST_TILE_CLASSES);
    form[1] = form[0] + (forms - 1) * Tile::form_bytes(work_of.columns, work_of.classes);
    logits = (ait_real *)(form[1] + Tile::form_bytes(work_of.columns, work_of.classes));
    work = (unsigned char *)logits + ait_logits_bytes(work_of.tile_rows, work_of.classes);
    rows = work + Tile::work_bytes(work_of.tile_rows, work_of.classes);
  }
};

/* Where the rows of this block's n-th slot of a side stand, if they stay. */
template <class Tile>
__device__ unsigned char *slot_rows_of(const descent_work &work, unsigned char *rows, int s, int64_t n) {
  const descent_side *side = work.side;
  const int64_t before =
      s == TRAIN ? 0
                 : owned_slots(side[TRAIN].slots, gridDim.x) * held_bytes<Tile>(side[TRAIN].slot_rows, work.columns);
  return rows + before + n * held_bytes<Tile>(side[s].slot_rows, work.columns);
}

template <class Tile>
__device__ void load_slots(const Tile &tile, const descent_work &work, int s, unsigned char *rows) {
  const descent_side &side = work.side[s];
  for (int64_t slot = blockIdx.x, n = 0; slot < side.slots; slot += gridDim.x, ++n) {
    const int64_t begin = slot * side.slot_rows, end = ait_smaller(side.tile.rows, begin + side.slot_rows);
    tile.load(side.tile, begin, end - begin, slot_rows_of<Tile>(work, rows, s, n));
  }
}

/* ---- a pass ---------------------------------------------------------------------------------------- */

/* The classifier (A, b) in the form of a side's tiles: form `i` of the block. */
template <class Tile>
__device__ typename Tile::form make_form(const Tile &tile, const descent_side &side, const ait_real *classifier,
                                         const block_memory<Tile> &block, int i) {
  return ait_make_form(tile, classifier, side.scale, side.shift, block.bias[i], block.form[i], block.work);
}

/* All slots of a side that this block owns: sums of G or of dG and losses to global memory. */
template <class Tile>
__device__ void pass_side(const Tile &tile, const descent_work &work, int s, const block_memory<Tile> &block,
                          ait_slot_memory<Tile> memory) {
  const descent_side &side = work.side[s];
  const int64_t numbers = ait_classifier_numbers(work.classes, work.columns);
  const bool wants_gradient = s == TRAIN && (!memory.has_direction || work.layers.count > 1);
  for (int64_t slot = blockIdx.x, n = 0; slot < side.slots; slot += gridDim.x, ++n) {
    const int64_t begin = slot * side.slot_rows, end = ait_smaller(side.tile.rows, begin + side.slot_rows);
    double *into = work.sums + slot * work.slot_numbers;
    ait_slot_sums sums = {wants_gradient ? into : NULL, NULL, 0};
    if (memory.has_direction) {
      sums.tangent = wants_gradient ? into + numbers : into;
    }
    memory.rows = memory.resident ? slot_rows_of<Tile>(work, block.rows, s, n) : block.rows;
    ait_pass_slot(tile, side.tile, begin, end, memory, &sums);
    if (!memory.has_direction) {
      const double loss = ait_block_sum(sums.loss, block.thread_sums);
      if (threadIdx.x == 0) {
        side.losses[slot] = loss;
      }
    }
  }
}

/* ---- sums over the slots ---------------------------------------------------------------------------- */

/* Part `part` of PARTS of the sum over the training slots of one of their numbers. */
__device__ double sum_part(const descent_work &work, int64_t entry, int64_t part) {
  const int64_t slots = work.side[TRAIN].slots, end = (part + 1) * slots / PARTS;
  double sum = 0;
  AIT_UNROLL(8)
  for (int64_t slot = part * slots / PARTS; slot < end; ++slot) {
    sum += work.sums[slot * work.slot_numbers + entry];
  }
  return sum;
}

/* The sum over the slots of number `first` + threadIdx.x % ENTRIES, if it is below `end`; for the threads below
 * ENTRIES. `memory`: AIT_THREADS numbers. */
__device__ double sum_entries(const descent_work &work, int64_t first, int64_t end, double *memory) {
  const int64_t entry = first + threadIdx.x % ENTRIES;
  __syncthreads();
  memory[threadIdx.x] = entry < end ? sum_part(work, entry, threadIdx.x / ENTRIES) : 0;
  __syncthreads();
  const double *own = memory + threadIdx.x % ENTRIES;
  return (own[0] + own[ENTRIES]) + (own[2 * ENTRIES] + own[3 * ENTRIES]);
}

/* Entry i of a gradient from its sum: scale and shift of the columns, and 1/N. bias_sums: the sums of gb, C. */
__device__ ait_real finished(const descent_work &work, int64_t i, double sum, const double *bias_sums) {
  const descent_side &side = work.side[TRAIN];
  if (i < work.classes * work.columns) {
    const int64_t c = i / work.columns, j = i - c * work.columns;
    sum *= side.scale != NULL ? (double)side.scale[j] : 1;
    sum += side.shift != NULL ? (double)side.shift[j] * bias_sums[c] : 0;
  }
  return (ait_real)(1 / (double)side.tile.rows * sum);
}

/* write(i, g_i) for this block's entries of the gradient whose sums begin at number `offset` of a slot. */
template <class Tile, class Write>
__device__ void sum_slots(const descent_work &work, const block_memory<Tile> &block, int64_t offset, Write write) {
  const int64_t numbers = ait_classifier_numbers(work.classes, work.columns), matrix = work.classes * work.columns;
  if (work.side[TRAIN].shift != NULL) {
    const double sum = sum_entries(work, offset + matrix, offset + numbers, block.thread_sums);
    if (threadIdx.x < work.classes) {
      block.bias_sums[threadIdx.x] = sum;
    }
  }
  for (int64_t first = (int64_t)blockIdx.x * ENTRIES; first < numbers; first += (int64_t)gridDim.x * ENTRIES) {
    const int64_t i = first + threadIdx.x;
    const double sum = sum_entries(work, offset + first, offset + numbers, block.thread_sums);
    if (threadIdx.x < ENTRIES && i < numbers) {
      write(i, finished(work, i, sum, block.bias_sums));
    }
  }
  __syncthreads();
}

/* *loss = a side's loss from those of its slots, by one block. */
__device__ void write_loss(const descent_side &side, double *memory, ait_real *loss) {
  double sum = 0;
  __syncthreads();
  for (int64_t slot = threadIdx.x; slot < side.slots; slot += AIT_THREADS) {
    sum += side.losses[slot];
  }
  sum = ait_block_sum(sum, memory);
  if (threadIdx.x == 0) {
    *loss = (ait_real)(1 / (double)side.tile.rows * sum);
  }
}

/* ---- the kernels ------------------------------------------------------------------------------------- */

/* Whether both sides scale and shift their columns alike, so that one form serves both; the same for every block. */
__device__ bool same_columns(const descent_work &work, double *memory) {
  const descent_side &a = work.side[TRAIN], &b = work.side[VALIDATION];
  double differences = (a.scale == NULL) != (b.scale == NULL) || (a.shift == NULL) != (b.shift == NULL) ? 1 : 0;
  for (int64_t j = threadIdx.x; differences == 0 && j < work.columns; j += AIT_THREADS) {
    differences += a.scale != NULL && !(a.scale[j] == b.scale[j]);
    differences += a.shift != NULL && !(a.shift[j] == b.shift[j]);
  }
  differences = ait_block_sum(differences, memory);
  __syncthreads();
  return differences == 0;
}

/* The classifier (A, b) of a state: itself, or folded. */
template <class Tile>
__device__ const ait_real *classifier_of(const descent_work &work, const ait_real *y, const block_memory<Tile> &block) {
  if (work.layers.count == 1) {
    return y;
  }
  ait_fold_layers(work.layers, y, NULL, block.thread_sums);
  return work.layers.P[0];
}

/* next = y - rate * g from the sums of the slots, for all blocks behind a barrier of the grid. */
template <class Tile>
__device__ void descend(const descent_work &work, const block_memory<Tile> &block, ait_real rate, const ait_real *y,
                        ait_real *next) {
  const ait_layers &layers = work.layers;
  if (layers.count == 1) {
    sum_slots(work, block, 0, [&](int64_t i, ait_real g) { next[i] = y[i] - rate * g; });
    return;
  }
  sum_slots(work, block, 0, [&](int64_t i, ait_real g) { layers.Q[0][i] = g; });
  AIT_SYNC_GRID();
  ait_descend_layers(layers, rate, y, next);
}

/* lambda = lambda - rate * H lambda, likewise. */
template <class Tile>
__device__ void descend_adjoint(const descent_work &work, const block_memory<Tile> &block, ait_real rate,
                                const ait_real *y) {
  const ait_layers &layers = work.layers;
  if (layers.count == 1) {
    sum_slots(work, block, 0, [&](int64_t i, ait_real g) { work.lambda[i] = work.lambda[i] - rate * g; });
    return;
  }
  const int64_t numbers = ait_classifier_numbers(work.classes, work.columns);
  sum_slots(work, block, 0, [&](int64_t i, ait_real g) { layers.Q[0][i] = g; });
  sum_slots(work, block, numbers, [&](int64_t i, ait_real g) { layers.dQ[0][i] = g; });
  AIT_SYNC_GRID();
  ait_unfold_tangents(layers, y, work.lambda);
  ait_descend_adjoint(layers, rate, y, work.lambda);
}

/* y_{k+1}, f(x, y_k) and F(x, y_k) for k = first .. end. */
template <class Tile>
__global__ void __launch_bounds__(AIT_THREADS, MOST_BLOCKS) rollout(descent_work work) {
  const Tile tile = {work.columns, work.classes, work.tile_rows};
  const block_memory<Tile> block(1, work);
  ait_slot_memory<Tile> memory = {};
  memory.logits = block.logits;
  memory.work = block.work;
  memory.resident = work.resident;
  if (work.resident) {
    load_slots(tile, work, TRAIN, block.rows);
    load_slots(tile, work, VALIDATION, block.rows);
  }
  const bool one_form = same_columns(work, block.thread_sums);
  for (int64_t k = work.first; k <= work.end; ++k) {
    const bool trains = k < work.end, validates = k >= work.F_first;
    const ait_real *y = state_of(work, k), *classifier = classifier_of(work, y, block);
    if (trains) {
      memory.classifier = make_form(tile, work.side[TRAIN], classifier, block, 0);
      __syncthreads();
      pass_side(tile, work, TRAIN, block, memory);
    }
    if (validates && !(trains && one_form)) {
      __syncthreads();
      memory.classifier = make_form(tile, work.side[VALIDATION], classifier, block, 0);
      __syncthreads();
    }
    if (validates) {
      pass_side(tile, work, VALIDATION, block, memory);
    }
    AIT_SYNC_GRID();
    if (trains && blockIdx.x == 0) {
      write_loss(work.side[TRAIN], block.thread_sums, work.f + k * work.value_stride);
    }
    if (validates && blockIdx.x == gridDim.x - 1) {
      write_loss(work.side[VALIDATION], block.thread_sums, work.F + k * work.value_stride);
    }
    if (trains) {
      descend(work, block, work.alpha[k], y, state_of(work, k + 1));
      AIT_SYNC_GRID();
    }
  }
}

/* lambda and gx for k = kbar - 1 .. first. */
template <class Tile>
__global__ void __launch_bounds__(AIT_THREADS, MOST_BLOCKS) reverse(descent_work work) {
  const Tile tile = {work.columns, work.classes, work.tile_rows};
  const block_memory<Tile> block(2, work);
  const bool deep = work.layers.count > 1;
  ait_slot_memory<Tile> memory = {};
  memory.logits = block.logits;
  memory.work = block.work;
  memory.resident = work.resident;
  memory.has_direction = 1;
  if (work.resident) {
    load_slots(tile, work, TRAIN, block.rows);
    __syncthreads();
  }
  for (int64_t k = ait_smaller(*work.kbar, work.end) - 1; k >= work.first; --k) {
    const ait_real *y = state_of(work, k);
    if (deep) {
      ait_fold_layers(work.layers, y, work.lambda, block.thread_sums);
    }
    memory.classifier = make_form(tile, work.side[TRAIN], deep ? work.layers.P[0] : y, block, 0);
    __syncthreads();
    memory.direction = make_form(tile, work.side[TRAIN], deep ? work.layers.dP[0] : work.lambda, block, 1);
    __syncthreads();
    memory.step = work.alpha + k;
    pass_side(tile, work, TRAIN, block, memory);
    AIT_SYNC_GRID();
    descend_adjoint(work, block, work.alpha[k], y);
    AIT_SYNC_GRID();
  }
}

/* ---- plans --------------------------------------------------------------------------------------------- */

int64_t slots_of(int64_t rows, int64_t slot_bytes) {
  const int64_t wanted = rows >= MANY_ROWS ? MANY_SLOTS : SLOTS;
  const int64_t most = ait_smaller(wanted, ait_ceil_div(rows, LEAST_SLOT_ROWS));
  return ait_larger(1, ait_smaller(most, MOST_SLOT_BYTES / slot_bytes));
}

/* Slots of a side by its shape alone. */
void plan_side(const ait_rows *rows, int64_t slot_bytes, ait_descent_side_plan *side) {
  side->slot_rows = ait_ceil_div(rows->rows, slots_of(rows->rows, slot_bytes));
  side->slots = ait_ceil_div(rows->rows, side->slot_rows);
}

/* Rows of a tile by the shape alone, no more than twice those of a slot; 0: too wide. */
template <class Tile>
int64_t plan_tile(int64_t slot_rows, int64_t columns) {
  int64_t tile_rows = Tile::MOST_ROWS;
  while (tile_rows > Tile::LEAST_ROWS &&
         (tile_rows * Tile::row_bytes(columns) > MOST_TILE_BYTES || tile_rows >= 2 * slot_rows)) {
    tile_rows /= 2;
  }
  return tile_rows * Tile::row_bytes(columns) <= MOST_TILE_BYTES ? tile_rows : 0;
}

/* Blocks, shared memory, and whether the rows stay in it, of a launch with this many forms and sides. */
template <class Tile>
ait_descent_launch plan_launch(const ait_descent_plan &plan, int64_t forms, int sides, int64_t columns, int64_t classes,
                               const ait_kernel_limits *limits) {
  const int64_t least = block_memory<Tile>::bytes(forms, columns, classes, plan.tile_rows);
  const int64_t streamed = least + held_bytes<Tile>(plan.tile_rows, columns), most = (int64_t)limits->shared_bytes;
  ait_descent_launch launch = {};
  if (plan.tile_rows == 0 || streamed > most) {
    return launch;
  }
  int64_t useful = ait_ceil_div(ait_classifier_numbers(classes, columns), ENTRIES), resident = least;
  for (int s = 0; s < sides; ++s) {
    useful = ait_larger(useful, plan.side[s].slots);
    resident +=
        owned_slots(plan.side[s].slots, limits->multiprocessors) * held_bytes<Tile>(plan.side[s].slot_rows, columns);
  }
  launch.resident = resident <= most;
  launch.shared_bytes = (size_t)(launch.resident ? resident : streamed);
  const int64_t beside = (int64_t)limits->multiprocessor_shared_bytes / (streamed + limits->reserved_shared_bytes);
  const int64_t blocks = launch.resident ? 1 : ait_larger(1, ait_smaller(MOST_BLOCKS, beside));
  launch.blocks = (int32_t)ait_smaller(useful, blocks * limits->multiprocessors);
  return launch;
}

/* Takes `count` numbers of the memory at `base`, which may be NULL when only their size is asked for. */
ait_real *take(char *base, size_t *used, int64_t count) {
  ait_real *part = base != NULL ? (ait_real *)(base + *used) : NULL;
  *used += (size_t)ait_round_up(count * (int64_t)sizeof(ait_real), 256);
  return part;
}

/* The layers of a descent; *used counts the bytes for what folds of them. */
ait_layers layers_of(const ait_descent *descent, char *base, size_t *used) {
  ait_layers layers = {};
  int64_t offset = 0;
  layers.count = descent->layers;
  layers.sizes[0] = descent->sizes[0];
  for (int32_t l = 1; l <= layers.count; ++l) {
    layers.sizes[l] = descent->sizes[l];
    layers.weights[l] = offset;
    layers.biases[l] = offset + layers.sizes[l] * layers.sizes[l - 1];
    offset = layers.biases[l] + layers.sizes[l];
  }
  for (int32_t l = 0; layers.count > 1 && l < layers.count; ++l) {
    const int64_t numbers = layers.sizes[layers.count] * (layers.sizes[l] + (l == 0 ? 1 : 0));
    layers.P[l] = take(base, used, numbers);
    layers.dP[l] = take(base, used, numbers);
    layers.Q[l] = take(base, used, numbers);
    layers.dQ[l] = take(base, used, numbers);
  }
  return layers;
}

template <class Tile>
ait_descent_plan plan_tiles(const ait_descent *descent, const ait_kernel_limits *limits) {
  const int64_t columns = descent->sizes[0], classes = descent->sizes[descent->layers];
  const int64_t parts = descent->layers > 1 ? 2 : 1; /* a step back of several layers wants G and dG */
  const int64_t slot_bytes = parts * ait_classifier_numbers(classes, columns) * (int64_t)sizeof(double);
  ait_descent_plan plan = {};
  plan_side(descent->train, slot_bytes, &plan.side[TRAIN]);
  plan_side(descent->validation, slot_bytes, &plan.side[VALIDATION]);
  plan.tile_rows = plan_tile<Tile>(ait_larger(plan.side[TRAIN].slot_rows, plan.side[VALIDATION].slot_rows), columns);
  plan.rollout = plan_launch<Tile>(plan, 1, SIDES, columns, classes, limits);
  plan.reverse = plan_launch<Tile>(plan, 2, 1, columns, classes, limits);
  if (plan.rollout.blocks == 0 || plan.reverse.blocks == 0) {
    return ait_descent_plan{};
  }
  plan.losses_bytes = (size_t)ait_round_up((plan.side[0].slots + plan.side[1].slots) * (int64_t)sizeof(double), 256);
  plan.sums_bytes = (size_t)ait_round_up(plan.side[TRAIN].slots * slot_bytes, 256);
  size_t folded = 0;
  (void)layers_of(descent, NULL, &folded);
  plan.workspace_bytes = plan.losses_bytes + plan.sums_bytes + folded;
  return plan;
}

template <class Stored>
ait_descent_plan plan_plain(const ait_descent *descent, const ait_kernel_limits *limits) {
  return plan_tiles<ait_plain_tile<Stored>>(descent, limits);
}

/* ---- launches ------------------------------------------------------------------------------------------- */

descent_side side_of(const ait_rows *rows, const int32_t *labels, int64_t classes, const ait_descent_side_plan &plan,
                     double *losses) {
  descent_side side = {};
  side.tile.rows = rows->rows;
  side.tile.columns = rows->columns;
  side.tile.stride = rows->stride;
  side.tile.classes = classes;
  side.tile.data = rows->data;
  side.tile.labels = labels;
  side.scale = rows->scale;
  side.shift = rows->shift;
  side.slots = plan.slots;
  side.slot_rows = plan.slot_rows;
  side.losses = losses;
  return side;
}

descent_work work_of(const ait_descent *descent, const ait_descent_plan *plan, const ait_descent_launch &launch,
                     void *workspace) {
  double *losses = (double *)workspace;
  descent_work work = {};
  size_t folded = 0;
  work.layers = layers_of(descent, (char *)workspace + plan->losses_bytes + plan->sums_bytes, &folded);
  work.columns = descent->sizes[0];
  work.classes = descent->sizes[descent->layers];
  work.side[TRAIN] = side_of(descent->train, descent->train_labels, work.classes, plan->side[TRAIN], losses);
  work.side[VALIDATION] = side_of(descent->validation, descent->validation_labels, work.classes, plan->side[VALIDATION],
                                  losses + plan->side[TRAIN].slots);
  work.side[TRAIN].tile.weights.x = descent->x;
  work.tile_rows = plan->tile_rows;
  work.slot_numbers = (descent->layers > 1 ? 2 : 1) * ait_classifier_numbers(work.classes, work.columns);
  work.first = descent->first;
  work.end = descent->end;
  work.F_first = descent->F_first;
  work.value_stride = descent->value_stride;
  work.state_slots = descent->slots;
  work.state_stride = descent->stride;
  work.resident = launch.resident;
  work.alpha = descent->alpha;
  work.states = descent->states;
  work.f = descent->f;
  work.F = descent->F;
  work.kbar = descent->kbar;
  work.lambda = descent->lambda;
  work.sums = (double *)((char *)workspace + plan->losses_bytes);
  return work;
}

template <class Tile>
cudaError_t launch_tiles(cudaStream_t stream, const ait_descent_launch &launch, bool back, const descent_work &work) {
  return AIT_LAUNCH_LARGE(true, (back ? reverse<Tile> : rollout<Tile>), (unsigned)launch.blocks, AIT_THREADS,
                          launch.shared_bytes, stream, work);
}

template <class Stored>
cudaError_t launch_plain(cudaStream_t stream, const ait_descent_launch &launch, bool back, const descent_work &work) {
  return launch_tiles<ait_plain_tile<Stored>>(stream, launch, back, work);
}

/* The types of rows that rollouts are compiled for, which are the ones that data come in: each costs nvcc some
 * 10 s. Rows of others take their steps one by one. */
static bool is_data(ait_type type) {
  return type == AIT_U8 || type == AIT_F16 || type == AIT_F32 ||
         (type == AIT_F64 && sizeof(ait_real) == sizeof(double));
}

#ifdef AIT_DOUBLE
#define AIT_WIDEST_DATA(type, launcher, ...) \
  ((type) == AIT_F32 ? launcher<float>(__VA_ARGS__) : launcher<double>(__VA_ARGS__))
#else
#define AIT_WIDEST_DATA(type, launcher, ...) launcher<float>(__VA_ARGS__)
#endif
#define AIT_FOR_DATA(type, launcher, ...)                \
  ((type) == AIT_U8    ? launcher<uint8_t>(__VA_ARGS__)  \
   : (type) == AIT_F16 ? launcher<ait_half>(__VA_ARGS__) \
                       : AIT_WIDEST_DATA(type, launcher, __VA_ARGS__))

cudaError_t run(cudaStream_t stream, ait_type type, const ait_descent_plan *plan, bool back, const descent_work &work) {
  const ait_descent_launch &launch = back ? plan->reverse : plan->rollout;
#ifndef AIT_DOUBLE
  if (plan->bytes) {
    return AIT_FOR_BYTES(work.classes, launch_tiles, stream, launch, back, work);
  }
#endif
  return AIT_FOR_DATA(type, launch_plain, stream, launch, back, work);
}

/* The plan with products of bytes, where there is one. */
ait_descent_plan plan_bytes([[maybe_unused]] const ait_descent *descent,
                            [[maybe_unused]] const ait_kernel_limits *limits) {
  ait_descent_plan plan = {};
#ifndef AIT_DOUBLE
  if (descent->train->type == AIT_U8 && ait_suit_bytes(descent->sizes[0])) {
    plan = AIT_FOR_BYTES(descent->sizes[descent->layers], plan_tiles, descent, limits);
    plan.bytes = 1;
  }
#endif
  return plan;
}

}  // namespace

ait_descent_plan ait_kernel_plan_descent(const ait_descent *descent, const ait_kernel_limits *limits) {
  if (!limits->cooperative || !is_data(descent->train->type) || descent->layers > AIT_MOST_FOLDED ||
      descent->train->type != descent->validation->type || descent->sizes[descent->layers] > AIT_MOST_TILE_CLASSES) {
    return ait_descent_plan{};
  }
  const ait_descent_plan plan = plan_bytes(descent, limits);
  return plan.workspace_bytes > 0 ? plan : AIT_FOR_DATA(descent->train->type, plan_plain, descent, limits);
}

cudaError_t ait_kernel_rollout(cudaStream_t stream, const ait_descent *descent, const ait_descent_plan *plan,
                               void *workspace) {
  return run(stream, descent->train->type, plan, false, work_of(descent, plan, plan->rollout, workspace));
}

cudaError_t ait_kernel_reverse(cudaStream_t stream, const ait_descent *descent, const ait_descent_plan *plan,
                               void *workspace) {
  descent_work work = work_of(descent, plan, plan->reverse, workspace);
  work.side[TRAIN].tile.cross = descent->gx;
  return run(stream, descent->train->type, plan, true, work);
}
