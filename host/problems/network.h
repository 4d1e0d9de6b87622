/* network.h (internal) - classifiers: their shape, and one pass of rows through them.
 *
 * Two implementations: folded.c (no activation: linear and deep linear) and mlp.c. */
#ifndef AIT_NETWORK_H
#define AIT_NETWORK_H

#include "ait/problems.h"
#include "device/device.h"

enum { AIT_MAX_LAYERS = 32 };

/* A checked copy of an ait_network. */
typedef struct ait_shape {
  int32_t layers;
  int64_t sizes[AIT_MAX_LAYERS + 1];
  ait_activation activation;
  int64_t parameters;              /* m */
  int64_t weights[AIT_MAX_LAYERS]; /* offset of W_{l+1} in y */
  int64_t biases[AIT_MAX_LAYERS];  /* offset of b_{l+1} in y */
} ait_shape;

/* Copies and checks a network. Errors: AIT_INVALID_ARGUMENT. */
ait_status ait_shape_of(const ait_network *network, ait_shape *shape);

/* Nonzero where the logits are linear in the data: no activation between the first and the last layer. */
int32_t ait_shape_is_folded(const ait_shape *shape);

static inline int64_t ait_shape_features(const ait_shape *shape) {
  return shape->sizes[0];
}

static inline int64_t ait_shape_classes(const ait_shape *shape) {
  return shape->sizes[shape->layers];
}

/* W_l and b_l of layer l = 1 .. layers in the parameters y. */
static inline const ait_real *ait_layer_weights(const ait_shape *shape, const ait_real *y, int32_t l) {
  return y + shape->weights[l - 1];
}

static inline const ait_real *ait_layer_biases(const ait_shape *shape, const ait_real *y, int32_t l) {
  return y + shape->biases[l - 1];
}

/* Looks whether the labels of rows, which sentences call `side`, are classes, and copies them to *on_device: the
 * caller's to release. Errors: AIT_BAD_DATA, AIT_OUT_OF_MEMORY, AIT_DEVICE_ERROR. */
ait_status ait_upload_labels(ait_device *device, const char *side, int64_t count, int64_t classes,
                             const int32_t *labels, int32_t **on_device);

/* c (m x n) = op(a) op(b) + beta c for dense row-major matrices on the device; op(a) is m x k. */
ait_status ait_multiply(ait_device *device, int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n, int64_t k,
                        const ait_real *a, const ait_real *b, double beta, ait_real *c);

/* One pass: the weighted cross-entropy of rows under parameters y, and its derivatives; with a noise model
 * -log sum_c p_c T_cg in its place (ait_pass). Outputs that are NULL are not computed; gradient and product are not
 * asked for together; product and the cross terms need a direction v, and noise_cross a noise model. All pointers but
 * `rows` are device pointers. */
typedef struct ait_network_pass {
  const ait_rows *rows;  /* N x D */
  ait_targets targets;   /* of N rows */
  const uint8_t *active; /* one flag, or NULL */
  const ait_real *y, *v; /* m */
  ait_real *loss;        /* 1 */
  ait_real *gradient;    /* m */
  ait_real *product;     /* m: H v */
  ait_real *cross;       /* N: J' v */
  ait_real *noise_cross; /* C x C: d<gradient, v> / d log T */
} ait_network_pass;

/* Bytes of workspace that any pass over these rows may need, with a noise model where `noisy` is not 0. */
size_t ait_network_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy);

ait_status ait_network_run(ait_device *device, const ait_shape *shape, const ait_network_pass *pass, void *workspace);

/* x_gradient_i = sigmoid'(x_i) / N CE_i: the derivative of the loss of a pass with respect to x. The pass has rows, y
 * and targets of labels and x; its other members are not looked at. The workspace is of its own size. */
size_t ait_network_x_gradient_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows);
ait_status ait_network_x_gradient(ait_device *device, const ait_shape *shape, const ait_network_pass *pass,
                                  ait_real *x_gradient, void *workspace);

/* Logits (count x classes) of the rows first .. first + count - 1; count <= row_chunk of the device.
 * The workspace of passes without a noise model. */
ait_status ait_network_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, int64_t first,
                              int64_t count, const ait_real *y, ait_real *logits, void *workspace);

/* The two implementations, chosen by the activation. */
size_t ait_folded_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy);
ait_status ait_folded_run(ait_device *device, const ait_shape *shape, const ait_network_pass *pass, void *workspace);
ait_status ait_folded_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, int64_t first,
                             int64_t count, const ait_real *y, ait_real *logits, void *workspace);
size_t ait_mlp_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy);
ait_status ait_mlp_run(ait_device *device, const ait_shape *shape, const ait_network_pass *pass, void *workspace);
ait_status ait_mlp_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, int64_t first,
                          int64_t count, const ait_real *y, ait_real *logits, void *workspace);

/* A cursor that lays arrays out in a workspace: with base NULL it only counts. */
typedef struct ait_layout {
  char *base;
  size_t used;
} ait_layout;

/* The next `bytes` of the workspace, aligned to 256 bytes; NULL while counting. */
void *ait_layout_take(ait_layout *layout, size_t bytes);
ait_real *ait_layout_reals(ait_layout *layout, int64_t count);

#endif
