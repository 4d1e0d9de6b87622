/* network.c - the shape of a classifier, its start, and the choice of its implementation. */
#include "problems/network.h"

#include <math.h>

#include "context/error.h"
#include "context/random.h"
#include "device/row_products.h"

static const int64_t largest_size = 1 << 24;

ait_status ait_shape_of(const ait_network *network, ait_shape *shape) {
  if (network->layers < 1 || network->layers > AIT_MAX_LAYERS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the network has %d layers; expected 1 to %d", network->layers,
                    AIT_MAX_LAYERS);
  }
  if ((unsigned)network->activation > AIT_ACTIVATION_TANH) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the network's activation is %d; expected none, relu or tanh",
                    network->activation);
  }
  *shape = (ait_shape){.layers = network->layers, .activation = network->activation};
  for (int32_t l = 0; l <= network->layers; l++) {
    const int64_t size = network->sizes[l];
    if (size < 1 || size > largest_size || (l == network->layers && size < 2)) {
      return ait_fail(AIT_INVALID_ARGUMENT, "size %d of the network is %lld; expected %d to %lld", l, (long long)size,
                      l == network->layers ? 2 : 1, (long long)largest_size);
    }
    shape->sizes[l] = size;
  }
  for (int32_t l = 0; l < network->layers; l++) {
    shape->weights[l] = shape->parameters;
    shape->biases[l] = shape->parameters + shape->sizes[l] * shape->sizes[l + 1];
    shape->parameters = shape->biases[l] + shape->sizes[l + 1];
  }
  return AIT_OK;
}

int64_t ait_network_parameters(const ait_network *network) {
  int64_t parameters = 0;
  for (int32_t l = 0; l < network->layers; l++) {
    parameters += (network->sizes[l] + 1) * network->sizes[l + 1];
  }
  return parameters;
}

void ait_network_initialise(const ait_network *network, uint64_t seed, ait_real *y) {
  int64_t i = 0;
  for (int32_t l = 0; l < network->layers; l++) {
    const double bound = 1 / sqrt((double)network->sizes[l]);
    const int64_t end = i + (network->sizes[l] + 1) * network->sizes[l + 1];
    for (; i < end; i++) {
      const double unit = 2 * ait_random_uniform(seed, AIT_STREAM_INITIAL_VALUES, (uint64_t)i) - 1;
      y[i] = (ait_real)(bound * unit);
    }
  }
}

ait_status ait_problem_add_network_lq(ait_problem *problem, const ait_network *network, double weight, double q,
                                      double epsilon) {
  ait_shape shape;
  ait_lq_term terms[AIT_MAX_LAYERS];
  AIT_TRY(ait_shape_of(network, &shape));
  if (shape.parameters != ait_problem_m(problem)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the network has %lld parameters; the problem has %lld LL variables",
                    (long long)shape.parameters, (long long)ait_problem_m(problem));
  }
  for (int32_t l = 0; l < shape.layers; l++) {
    terms[l] = (ait_lq_term){.first = shape.weights[l],
                             .count = shape.biases[l] - shape.weights[l],
                             .weight = weight,
                             .q = q,
                             .epsilon = epsilon};
  }
  return ait_problem_add_lq(problem, shape.layers, terms);
}

ait_status ait_upload_labels(ait_device *device, const char *side, int64_t count, int64_t classes,
                             const int32_t *labels, int32_t **on_device) {
  for (int64_t i = 0; i < count; i++) {
    if (labels[i] < 0 || labels[i] >= classes) {
      return ait_fail(AIT_BAD_DATA, "the label of %s row %lld is %d; expected 0 to %lld", side, (long long)i, labels[i],
                      (long long)classes - 1);
    }
  }
  void *memory;
  AIT_TRY(device->runtime->allocate(device, (size_t)count * sizeof *labels, &memory));
  *on_device = memory;
  return device->runtime->copy_in(device, (size_t)count * sizeof *labels, labels, memory);
}

int32_t ait_shape_is_folded(const ait_shape *shape) {
  return shape->activation == AIT_ACTIVATION_NONE || shape->layers == 1;
}

size_t ait_network_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy) {
  return ait_shape_is_folded(shape) ? ait_folded_workspace(device, shape, rows, noisy)
                                    : ait_mlp_workspace(device, shape, rows, noisy);
}

ait_status ait_network_run(ait_device *device, const ait_shape *shape, const ait_network_pass *pass, void *workspace) {
  if (pass->gradient != NULL && pass->product != NULL) {
    return ait_fail(AIT_UNSUPPORTED, "a pass gives a gradient or a product, not both at once");
  }
  return ait_shape_is_folded(shape) ? ait_folded_run(device, shape, pass, workspace)
                                    : ait_mlp_run(device, shape, pass, workspace);
}

ait_status ait_network_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, int64_t first,
                              int64_t count, const ait_real *y, ait_real *logits, void *workspace) {
  return ait_shape_is_folded(shape) ? ait_folded_logits(device, shape, rows, first, count, y, logits, workspace)
                                    : ait_mlp_logits(device, shape, rows, first, count, y, logits, workspace);
}

/* Rows whose logits are taken at once. */
static int64_t logits_chunk(const ait_device *device, const ait_rows *rows) {
  return rows->rows < device->model->row_chunk ? rows->rows : device->model->row_chunk;
}

/* The logits of a chunk, and the workspace in which they are found. */
static void *lay_out_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, ait_layout *layout,
                            ait_real **logits) {
  *logits = ait_layout_reals(layout, logits_chunk(device, rows) * ait_shape_classes(shape));
  return ait_layout_take(layout, ait_network_workspace(device, shape, rows, 0));
}

size_t ait_network_x_gradient_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows) {
  ait_layout layout = {0};
  ait_real *logits;
  lay_out_logits(device, shape, rows, &layout, &logits);
  return layout.used;
}

ait_status ait_network_x_gradient(ait_device *device, const ait_shape *shape, const ait_network_pass *pass,
                                  ait_real *x_gradient, void *workspace) {
  ait_layout layout = {.base = workspace};
  ait_real *logits;
  void *rest = lay_out_logits(device, shape, pass->rows, &layout, &logits);
  const int64_t total = pass->rows->rows, chunk = logits_chunk(device, pass->rows);
  for (int64_t first = 0; first < total; first += chunk) {
    const int64_t count = total - first < chunk ? total - first : chunk;
    AIT_TRY(ait_network_logits(device, shape, pass->rows, first, count, pass->y, logits, rest));
    AIT_TRY(device->model->cross_entropy_x_gradient(device, count, ait_shape_classes(shape), total,
                                                    pass->targets.labels + first, pass->targets.x + first, logits,
                                                    x_gradient + first));
  }
  return AIT_OK;
}

ait_status ait_multiply(ait_device *device, int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n, int64_t k,
                        const ait_real *a, const ait_real *b, double beta, ait_real *c) {
  ait_gemm gemm = ait_dense_product(transpose_a, transpose_b, m, n, k, a, b, c);
  gemm.beta = beta;
  return device->model->gemm(device, &gemm);
}

void *ait_layout_take(ait_layout *layout, size_t bytes) {
  const size_t alignment = 256;
  void *memory = layout->base == NULL ? NULL : layout->base + layout->used;
  layout->used += (bytes + alignment - 1) / alignment * alignment;
  return memory;
}

ait_real *ait_layout_reals(ait_layout *layout, int64_t count) {
  return ait_layout_take(layout, (size_t)count * sizeof(ait_real));
}
