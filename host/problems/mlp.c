/* mlp.c - classifiers with activations, by Pearlmutter's R-operator (docs/derivation.md#mlp).
 *
 * Rows go through all layers in chunks, so that memory does not grow with the number of rows and activations
 * stay in a cache; where the device can work on several slots of rows at a time, each of them has its own
 * chunk. Sums over chunks and slots are taken in double, in the order of the rows. An entry that may be skipped
 * (active = 0) is computed all the same: its direction is 0 there, so that it adds exact zeros.
 *
 *   forward           z_l = a_{l-1} W_l' + b_l,  a_l = phi(z_l) for l < L
 *   backward          d_L = r,  gW_l = d_l' a_{l-1},  d_{l-1} = phi'(z_{l-1}) (d_l W_l)
 *   tangent forward   Rz_l = Ra_{l-1} W_l' + a_{l-1} V_l' + v_l,  Ra_l = phi'(z_l) Rz_l
 *   tangent backward  HW_l = Rd_l' a_{l-1} + d_l' Ra_{l-1}, and Rd_{l-1} by the product rule */
#include "context/error.h"
#include "device/targets.h"
#include "problems/network.h"

/* The arrays of one chunk; index l as above (a_0 is the data, which stays where it is). */
typedef struct row_chunk {
  const ait_rows *rows;
  int64_t first, count;
  ait_real *a[AIT_MAX_LAYERS + 1], *Ra[AIT_MAX_LAYERS + 1]; /* count x h_l; l = L: logits, softmax */
  ait_real *d, *Rd, *back, *Rback;                          /* count x the largest h_l */
  ait_real *part;                                           /* m: this chunk's share of a derivative */
  ait_real *slopes, *noise; /* with a noise model: count x C, and C x C, this chunk's share of the cross terms */
  ait_real *loss;
  void *rows_workspace;
} row_chunk;

/* Slots of rows, and the memory of each: their sums, and a chunk for each that is worked on. */
typedef struct row_slots {
  const ait_shape *shape;
  const ait_network_pass *pass;
  int64_t count, rows; /* rows of a slot */
  int64_t stride; /* doubles of a slot: the loss, the derivative that is wanted, with a noise model its cross terms */
  double *sums;
  char *chunks;
  size_t chunk_bytes;
} row_slots;

/* A slot has at least SLOT_ROWS rows, so that its sums are a small part of its work, and those of all slots take
 * no more than MOST_BYTES. */
enum { SLOT_ROWS = 512, MOST_BYTES = 128 << 20 };

static int64_t largest_layer(const ait_shape *shape) {
  int64_t largest = 0;
  for (int32_t l = 1; l <= shape->layers; l++) {
    largest = shape->sizes[l] > largest ? shape->sizes[l] : largest;
  }
  return largest;
}

/* The cross terms of a noise model; 0: there is none. */
static int64_t noise_terms(const ait_shape *shape, int32_t noisy) {
  return noisy ? ait_shape_classes(shape) * ait_shape_classes(shape) : 0;
}

static void lay_out(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy, ait_layout *layout,
                    row_chunk *chunk) {
  const int64_t count = rows->rows < device->model->row_chunk ? rows->rows : device->model->row_chunk;
  const int64_t largest = largest_layer(shape);
  *chunk = (row_chunk){.rows = rows};
  for (int32_t l = 1; l <= shape->layers; l++) {
    chunk->a[l] = ait_layout_reals(layout, count * shape->sizes[l]);
    chunk->Ra[l] = ait_layout_reals(layout, count * shape->sizes[l]);
  }
  chunk->d = ait_layout_reals(layout, count * largest);
  chunk->Rd = ait_layout_reals(layout, count * largest);
  chunk->back = ait_layout_reals(layout, count * largest);
  chunk->Rback = ait_layout_reals(layout, count * largest);
  chunk->part = ait_layout_reals(layout, shape->parameters);
  chunk->slopes = ait_layout_reals(layout, noisy ? count * ait_shape_classes(shape) : 0);
  chunk->noise = ait_layout_reals(layout, noise_terms(shape, noisy));
  chunk->loss = ait_layout_reals(layout, 1);
  chunk->rows_workspace = ait_layout_take(layout, device->model->rows_workspace(device, rows));
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* The slots of these rows, by their number and the network alone. */
static void lay_out_slots(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy,
                          ait_layout *layout, row_slots *slots) {
  const int64_t stride = 1 + shape->parameters + noise_terms(shape, noisy), bytes = stride * (int64_t)sizeof(double);
  const int64_t fitting = MOST_BYTES / bytes;
  const int64_t most_slots = least(AIT_SUM_SLOTS, fitting > 1 ? fitting : 1);
  const int64_t wanted = least(most_slots, 1 + (rows->rows - 1) / SLOT_ROWS);
  const int32_t several = device->model->for_slots != NULL && wanted > 1;
  ait_layout chunk_layout = {0};
  row_chunk chunk;
  lay_out(device, shape, rows, noisy, &chunk_layout, &chunk);
  const int64_t count = several ? wanted : 1;
  *slots = (row_slots){.shape = shape, .count = count, .rows = (rows->rows + count - 1) / count, .stride = stride};
  slots->chunk_bytes = chunk_layout.used;
  slots->sums = ait_layout_take(layout, (size_t)(slots->count * bytes));
  slots->chunks = ait_layout_take(layout, (size_t)(several ? device->threads : 1) * slots->chunk_bytes);
}

size_t ait_mlp_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy) {
  ait_layout layout = {0};
  row_slots counted;
  lay_out_slots(device, shape, rows, noisy, &layout, &counted);
  return layout.used;
}

/* out (count x rows of w) = in w' + beta out: in is a_{l-1}, or the data for l = 1. */
static ait_status times_transposed(ait_device *device, const ait_shape *shape, const row_chunk *chunk, int32_t l,
                                   const ait_real *in, const ait_real *w, double beta, ait_real *out) {
  const int64_t columns = shape->sizes[l - 1], rows = shape->sizes[l];
  if (l == 1) {
    return device->model->rows_times(device, chunk->rows, chunk->first, chunk->count, rows, w, out,
                                     chunk->rows_workspace);
  }
  return ait_multiply(device, 0, 1, chunk->count, rows, columns, in, w, beta, out);
}

/* out (count x h_{l-1}) = d w + beta out, w one of layer l's matrices. */
static ait_status times(ait_device *device, const ait_shape *shape, const row_chunk *chunk, int32_t l,
                        const ait_real *d, const ait_real *w, double beta, ait_real *out) {
  const int64_t columns = shape->sizes[l - 1], rows = shape->sizes[l];
  return ait_multiply(device, 0, 0, chunk->count, columns, rows, d, w, beta, out);
}

/* out (h_l x h_{l-1}) = d' in + beta out: in is a_{l-1}, or the data for l = 1 (beta = 0). */
static ait_status outer(ait_device *device, const ait_shape *shape, const row_chunk *chunk, int32_t l,
                        const ait_real *d, const ait_real *in, double beta, ait_real *out) {
  const int64_t columns = shape->sizes[l - 1], rows = shape->sizes[l];
  if (l == 1) {
    return device->model->rows_transposed_times(device, chunk->rows, chunk->first, chunk->count, rows, d, out,
                                                chunk->rows_workspace);
  }
  return ait_multiply(device, 1, 0, rows, columns, chunk->count, d, in, beta, out);
}

/* a_l for l = 1 .. L; a_L are the logits. */
static ait_status forward(ait_device *device, const ait_shape *shape, const row_chunk *chunk, const ait_real *y) {
  const ait_model_ops *model = device->model;
  for (int32_t l = 1; l <= shape->layers; l++) {
    AIT_TRY(times_transposed(device, shape, chunk, l, chunk->a[l - 1], ait_layer_weights(shape, y, l), 0, chunk->a[l]));
    AIT_TRY(model->add_bias(device, chunk->count, shape->sizes[l], ait_layer_biases(shape, y, l), chunk->a[l]));
    if (l < shape->layers) {
      AIT_TRY(model->activation(device, shape->activation, chunk->count * shape->sizes[l], chunk->a[l]));
    }
  }
  return AIT_OK;
}

/* Ra_l for l = 1 .. L along the direction v. */
static ait_status tangent_forward(ait_device *device, const ait_shape *shape, const row_chunk *chunk, const ait_real *y,
                                  const ait_real *v) {
  const ait_model_ops *model = device->model;
  for (int32_t l = 1; l <= shape->layers; l++) {
    AIT_TRY(
        times_transposed(device, shape, chunk, l, chunk->a[l - 1], ait_layer_weights(shape, v, l), 0, chunk->Ra[l]));
    if (l > 1) {
      AIT_TRY(
          times_transposed(device, shape, chunk, l, chunk->Ra[l - 1], ait_layer_weights(shape, y, l), 1, chunk->Ra[l]));
    }
    AIT_TRY(model->add_bias(device, chunk->count, shape->sizes[l], ait_layer_biases(shape, v, l), chunk->Ra[l]));
    if (l < shape->layers) {
      AIT_TRY(model->activation_derivative(device, shape->activation, chunk->count * shape->sizes[l], chunk->a[l],
                                           chunk->Ra[l]));
    }
  }
  return AIT_OK;
}

static void swap(ait_real **one, ait_real **other) {
  ait_real *kept = *one;
  *one = *other;
  *other = kept;
}

/* part = the chunk's gradient, from d = r. */
static ait_status backward(ait_device *device, const ait_shape *shape, row_chunk *chunk, const ait_real *y) {
  const ait_model_ops *model = device->model;
  for (int32_t l = shape->layers; l >= 1; l--) {
    AIT_TRY(outer(device, shape, chunk, l, chunk->d, chunk->a[l - 1], 0, chunk->part + shape->weights[l - 1]));
    AIT_TRY(model->column_sums(device, chunk->count, shape->sizes[l], chunk->d, chunk->part + shape->biases[l - 1]));
    if (l > 1) {
      AIT_TRY(times(device, shape, chunk, l, chunk->d, ait_layer_weights(shape, y, l), 0, chunk->back));
      AIT_TRY(model->activation_derivative(device, shape->activation, chunk->count * shape->sizes[l - 1],
                                           chunk->a[l - 1], chunk->back));
      swap(&chunk->d, &chunk->back);
    }
  }
  return AIT_OK;
}

/* part = the chunk's share of H v, from d = r and Rd = dr. */
static ait_status tangent_backward(ait_device *device, const ait_shape *shape, row_chunk *chunk, const ait_real *y,
                                   const ait_real *v) {
  const ait_model_ops *model = device->model;
  for (int32_t l = shape->layers; l >= 1; l--) {
    ait_real *HW = chunk->part + shape->weights[l - 1];
    AIT_TRY(outer(device, shape, chunk, l, chunk->Rd, chunk->a[l - 1], 0, HW));
    AIT_TRY(model->column_sums(device, chunk->count, shape->sizes[l], chunk->Rd, chunk->part + shape->biases[l - 1]));
    if (l > 1) {
      AIT_TRY(outer(device, shape, chunk, l, chunk->d, chunk->Ra[l - 1], 1, HW));
      AIT_TRY(times(device, shape, chunk, l, chunk->d, ait_layer_weights(shape, y, l), 0, chunk->back));
      AIT_TRY(times(device, shape, chunk, l, chunk->Rd, ait_layer_weights(shape, y, l), 0, chunk->Rback));
      AIT_TRY(times(device, shape, chunk, l, chunk->d, ait_layer_weights(shape, v, l), 1, chunk->Rback));
      AIT_TRY(model->activation_second(device, shape->activation, chunk->count * shape->sizes[l - 1], chunk->a[l - 1],
                                       chunk->Ra[l - 1], chunk->back, chunk->Rback));
      swap(&chunk->d, &chunk->back);
      swap(&chunk->Rd, &chunk->Rback);
    }
  }
  return AIT_OK;
}

/* The derivatives of the loss with respect to the logits: d = r, and, along a direction, Rd = dr. */
static ait_status logit_derivatives(ait_device *device, const ait_shape *shape, const row_chunk *chunk,
                                    const ait_network_pass *pass) {
  const int64_t classes = ait_shape_classes(shape), N = pass->rows->rows;
  const ait_targets targets = ait_targets_from(&pass->targets, chunk->first);
  ait_real *logits = chunk->a[shape->layers], *cross = pass->cross == NULL ? NULL : pass->cross + chunk->first;
  AIT_TRY(device->model->cross_entropy(device, chunk->count, classes, N, &targets, logits, chunk->d,
                                       pass->loss == NULL ? NULL : chunk->loss));
  if (pass->v == NULL) {
    return AIT_OK;
  }
  AIT_TRY(device->vector->copy(device, chunk->count * classes, chunk->Ra[shape->layers], chunk->Rd));
  return device->model->cross_entropy_tangent(device, chunk->count, classes, N, &targets, logits, chunk->Rd, cross,
                                              pass->noise_cross == NULL ? NULL : chunk->slopes);
}

/* Adds the chunk's cross terms of the noise model to a sum. */
static ait_status add_noise_cross(ait_device *device, const ait_shape *shape, const row_chunk *chunk,
                                  const int32_t *labels, double *sum) {
  const int64_t classes = ait_shape_classes(shape);
  AIT_TRY(
      device->model->noise_cross(device, chunk->count, classes, labels + chunk->first, chunk->slopes, chunk->noise));
  return device->model->accumulate(device, classes * classes, chunk->noise, sum);
}

/* Adds the chunk's loss and derivative to the sums of its slot. */
static ait_status run_chunk(ait_device *device, const ait_shape *shape, row_chunk *chunk, const ait_network_pass *pass,
                            double *sums) {
  const ait_model_ops *model = device->model;
  AIT_TRY(forward(device, shape, chunk, pass->y));
  if (pass->v != NULL) {
    AIT_TRY(tangent_forward(device, shape, chunk, pass->y, pass->v));
  }
  AIT_TRY(logit_derivatives(device, shape, chunk, pass));
  if (pass->loss != NULL) {
    AIT_TRY(model->accumulate(device, 1, chunk->loss, sums));
  }
  if (pass->noise_cross != NULL) {
    AIT_TRY(add_noise_cross(device, shape, chunk, pass->targets.labels, sums + 1 + shape->parameters));
  }
  if (pass->product != NULL) {
    AIT_TRY(tangent_backward(device, shape, chunk, pass->y, pass->v));
  } else if (pass->gradient != NULL) {
    AIT_TRY(backward(device, shape, chunk, pass->y));
  } else {
    return AIT_OK;
  }
  return model->accumulate(device, shape->parameters, chunk->part, sums + 1);
}

/* The sums that a pass asks for: of a slot's doubles the first. */
static int64_t wanted_sums(const row_slots *slots) {
  const ait_network_pass *pass = slots->pass;
  const int64_t derivative = pass->gradient != NULL || pass->product != NULL ? slots->shape->parameters : 0;
  return pass->noise_cross != NULL ? slots->stride : 1 + derivative;
}

/* A slot in chunks of nearly the same length, as few as the device allows. */
static ait_status run_slot(ait_device *device, int64_t slot, int64_t lane, void *context) {
  const row_slots *slots = context;
  const ait_rows *rows = slots->pass->rows;
  const int64_t end = least(rows->rows, (slot + 1) * slots->rows);
  const int64_t chunks = 1 + (slots->rows - 1) / device->model->row_chunk;
  const int64_t most = (slots->rows + chunks - 1) / chunks;
  double *sums = slots->sums + slot * slots->stride;
  ait_layout layout = {.base = slots->chunks + (size_t)lane * slots->chunk_bytes};
  row_chunk chunk;
  lay_out(device, slots->shape, rows, slots->pass->targets.log_noise != NULL, &layout, &chunk);
  AIT_TRY(device->runtime->fill(device, (size_t)wanted_sums(slots) * sizeof *sums, 0, sums));
  for (chunk.first = slot * slots->rows; chunk.first < end; chunk.first += chunk.count) {
    chunk.count = least(end - chunk.first, most);
    AIT_TRY(run_chunk(device, slots->shape, &chunk, slots->pass, sums));
  }
  return AIT_OK;
}

/* out = the sum over all rows. */
static ait_status finish(ait_device *device, int64_t count, const double *sum, ait_real *out) {
  return out == NULL ? AIT_OK : device->model->round_sum(device, count, 1, sum, out);
}

ait_status ait_mlp_run(ait_device *device, const ait_shape *shape, const ait_network_pass *pass, void *workspace) {
  ait_layout layout = {.base = workspace};
  row_slots slots;
  lay_out_slots(device, shape, pass->rows, pass->targets.log_noise != NULL, &layout, &slots);
  slots.pass = pass;
  if (slots.count > 1) {
    AIT_TRY(device->model->for_slots(device, slots.count, run_slot, &slots));
    AIT_TRY(device->model->add_slots(device, slots.count, slots.stride, wanted_sums(&slots), slots.sums));
  } else {
    AIT_TRY(run_slot(device, 0, 0, &slots));
  }
  AIT_TRY(finish(device, 1, slots.sums, pass->loss));
  AIT_TRY(finish(device, shape->parameters, slots.sums + 1, pass->gradient));
  AIT_TRY(finish(device, shape->parameters, slots.sums + 1, pass->product));
  return finish(device, slots.stride - 1 - shape->parameters, slots.sums + 1 + shape->parameters, pass->noise_cross);
}

ait_status ait_mlp_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, int64_t first,
                          int64_t count, const ait_real *y, ait_real *logits, void *workspace) {
  ait_layout layout = {.base = workspace};
  row_chunk chunk;
  lay_out(device, shape, rows, 0, &layout, &chunk);
  chunk.first = first;
  chunk.count = count;
  chunk.a[shape->layers] = logits;
  return forward(device, shape, &chunk, y);
}
