/* folded.c - classifiers whose logits are linear in the data (docs/derivation.md#deep-linear).
 *
 * A network without activations is one C x D classifier (A, b). It is folded out of the layers, the
 * data pass sees only (A, b), and the result is unfolded:
 *
 *     P_L = I,  P_{l-1} = P_l W_l,  A = P_0,  b = b_L + sum_{l<L} P_l b_l                    (fold)
 *     Q_0 = G,  Q_l = Q_{l-1} W_l' + gb b_l',  gW_l = P_l' Q_{l-1},  gb_l = P_l' gb          (unfold)
 *
 * and, along a direction (V_l, v_l), the tangents of all of these by the product rule. P_l and Q_l
 * are C x h_l, so that the cost of the hidden layers does not grow with the number of rows. */
#include "context/error.h"
#include "problems/network.h"

/* The folded classifier, the data pass's results, and the matrices P_l and Q_l with their tangents;
 * index l runs from 0 to L - 1. P_{L-1} = W_L is read where it stands (matrix_P); Q_{L-1} is the
 * gradient of W_L and stands in the output. */
typedef struct folding {
  ait_real *classifier, *direction; /* (A, b) and its tangent: C * D + C */
  ait_real *gradient, *tangent;     /* (G, gb) and (dG, dgb): C * D + C */
  ait_real *P[AIT_MAX_LAYERS], *dP[AIT_MAX_LAYERS];
  ait_real *Q[AIT_MAX_LAYERS], *dQ[AIT_MAX_LAYERS];
  void *data_pass; /* its workspace */
} folding;

static ait_pass data_pass_of(const ait_shape *shape, const ait_rows *rows) {
  return (ait_pass){.rows = rows, .classes = ait_shape_classes(shape)};
}

/* The workspace of a data pass depends on whether there is a noise model, not on what it holds. */
static size_t data_pass_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy) {
  static const ait_real unread = 0;
  ait_pass pass = data_pass_of(shape, rows);
  pass.log_noise = noisy ? &unread : NULL;
  return device->model->data_pass_workspace(device, &pass);
}

static void lay_out(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy, ait_layout *layout,
                    folding *fold) {
  const int32_t L = shape->layers;
  const int64_t C = ait_shape_classes(shape), classifier = C * (ait_shape_features(shape) + 1);
  const size_t own = data_pass_workspace(device, shape, rows, noisy);
  const size_t logits = device->model->rows_workspace(device, rows);
  fold->data_pass = ait_layout_take(layout, own > logits ? own : logits);
  if (L == 1) {
    return;
  }
  fold->P[0] = fold->classifier = ait_layout_reals(layout, classifier);
  fold->dP[0] = fold->direction = ait_layout_reals(layout, classifier);
  fold->Q[0] = fold->gradient = ait_layout_reals(layout, classifier);
  fold->dQ[0] = fold->tangent = ait_layout_reals(layout, classifier);
  for (int32_t l = 1; l < L; l++) {
    fold->P[l] = ait_layout_reals(layout, C * shape->sizes[l]);
    fold->dP[l] = ait_layout_reals(layout, C * shape->sizes[l]);
    fold->Q[l] = ait_layout_reals(layout, C * shape->sizes[l]);
    fold->dQ[l] = ait_layout_reals(layout, C * shape->sizes[l]);
  }
}

size_t ait_folded_workspace(ait_device *device, const ait_shape *shape, const ait_rows *rows, int32_t noisy) {
  ait_layout layout = {0};
  folding counted;
  lay_out(device, shape, rows, noisy, &layout, &counted);
  return layout.used;
}

/* P_l, or its tangent dP_l with `v` in place of `y`. */
static const ait_real *matrix_P(const ait_shape *shape, ait_real *const *P, const ait_real *y, int32_t l) {
  return l == shape->layers - 1 ? ait_layer_weights(shape, y, l + 1) : P[l];
}

/* P_{l-1} = P_l W_l down to A = P_0, and b = b_L + sum P_l b_l. */
static ait_status fold_layers(ait_device *device, const ait_shape *shape, const ait_real *y, folding *fold) {
  const int32_t L = shape->layers;
  const int64_t C = ait_shape_classes(shape);
  ait_real *bias = fold->classifier + C * ait_shape_features(shape);
  AIT_TRY(device->vector->copy(device, C, ait_layer_biases(shape, y, L), bias));
  for (int32_t l = L - 1; l >= 1; l--) {
    const int64_t rows = shape->sizes[l], columns = shape->sizes[l - 1];
    const ait_real *P = matrix_P(shape, fold->P, y, l);
    AIT_TRY(ait_multiply(device, 0, 0, C, columns, rows, P, ait_layer_weights(shape, y, l), 0, fold->P[l - 1]));
    AIT_TRY(ait_multiply(device, 0, 0, C, 1, rows, P, ait_layer_biases(shape, y, l), 1, bias));
  }
  return AIT_OK;
}

/* dP_{l-1} = dP_l W_l + P_l V_l,  db = v_L + sum (dP_l b_l + P_l v_l). */
static ait_status fold_direction(ait_device *device, const ait_shape *shape, const ait_real *y, const ait_real *v,
                                 folding *fold) {
  const int32_t L = shape->layers;
  const int64_t C = ait_shape_classes(shape);
  ait_real *bias = fold->direction + C * ait_shape_features(shape);
  AIT_TRY(device->vector->copy(device, C, ait_layer_biases(shape, v, L), bias));
  for (int32_t l = L - 1; l >= 1; l--) {
    const int64_t rows = shape->sizes[l], columns = shape->sizes[l - 1];
    const ait_real *P = matrix_P(shape, fold->P, y, l), *dP = matrix_P(shape, fold->dP, v, l);
    ait_real *next = fold->dP[l - 1];
    AIT_TRY(ait_multiply(device, 0, 0, C, columns, rows, dP, ait_layer_weights(shape, y, l), 0, next));
    AIT_TRY(ait_multiply(device, 0, 0, C, columns, rows, P, ait_layer_weights(shape, v, l), 1, next));
    AIT_TRY(ait_multiply(device, 0, 0, C, 1, rows, dP, ait_layer_biases(shape, y, l), 1, bias));
    AIT_TRY(ait_multiply(device, 0, 0, C, 1, rows, P, ait_layer_biases(shape, v, l), 1, bias));
  }
  return AIT_OK;
}

/* Q_l = Q_{l-1} W_l' + gb b_l' for l = 1 .. L-1; with `out`, gW_l = P_l' Q_{l-1} and gb_l = P_l' gb. */
static ait_status unfold_gradient(ait_device *device, const ait_shape *shape, const ait_real *y, folding *fold,
                                  ait_real *out) {
  const int32_t L = shape->layers;
  const int64_t C = ait_shape_classes(shape);
  const ait_real *gb = fold->gradient + C * ait_shape_features(shape);
  if (out != NULL) {
    fold->Q[L - 1] = out + shape->weights[L - 1];
    AIT_TRY(device->vector->copy(device, C, gb, out + shape->biases[L - 1]));
  }
  for (int32_t l = 1; l < L; l++) {
    const int64_t rows = shape->sizes[l], columns = shape->sizes[l - 1];
    AIT_TRY(
        ait_multiply(device, 0, 1, C, rows, columns, fold->Q[l - 1], ait_layer_weights(shape, y, l), 0, fold->Q[l]));
    AIT_TRY(ait_multiply(device, 0, 0, C, rows, 1, gb, ait_layer_biases(shape, y, l), 1, fold->Q[l]));
    if (out != NULL) {
      const ait_real *P = matrix_P(shape, fold->P, y, l);
      AIT_TRY(ait_multiply(device, 1, 0, rows, columns, C, P, fold->Q[l - 1], 0, out + shape->weights[l - 1]));
      AIT_TRY(ait_multiply(device, 1, 0, rows, 1, C, P, gb, 0, out + shape->biases[l - 1]));
    }
  }
  return AIT_OK;
}

/* The tangent of unfold_gradient:
 *   dQ_l = dQ_{l-1} W_l' + Q_{l-1} V_l' + dgb b_l' + gb v_l',
 *   HW_l = dP_l' Q_{l-1} + P_l' dQ_{l-1},  Hb_l = dP_l' gb + P_l' dgb;  HW_L = dQ_{L-1}, Hb_L = dgb. */
static ait_status unfold_product(ait_device *device, const ait_shape *shape, const ait_real *y, const ait_real *v,
                                 folding *fold, ait_real *out) {
  const int32_t L = shape->layers;
  const int64_t C = ait_shape_classes(shape), weights = C * ait_shape_features(shape);
  const ait_real *gb = fold->gradient + weights, *dgb = fold->tangent + weights;
  fold->dQ[L - 1] = out + shape->weights[L - 1];
  AIT_TRY(device->vector->copy(device, C, dgb, out + shape->biases[L - 1]));
  for (int32_t l = 1; l < L; l++) {
    const int64_t rows = shape->sizes[l], columns = shape->sizes[l - 1];
    const ait_real *P = matrix_P(shape, fold->P, y, l), *dP = matrix_P(shape, fold->dP, v, l);
    ait_real *HW = out + shape->weights[l - 1], *Hb = out + shape->biases[l - 1];
    AIT_TRY(
        ait_multiply(device, 0, 1, C, rows, columns, fold->dQ[l - 1], ait_layer_weights(shape, y, l), 0, fold->dQ[l]));
    AIT_TRY(
        ait_multiply(device, 0, 1, C, rows, columns, fold->Q[l - 1], ait_layer_weights(shape, v, l), 1, fold->dQ[l]));
    AIT_TRY(ait_multiply(device, 0, 0, C, rows, 1, dgb, ait_layer_biases(shape, y, l), 1, fold->dQ[l]));
    AIT_TRY(ait_multiply(device, 0, 0, C, rows, 1, gb, ait_layer_biases(shape, v, l), 1, fold->dQ[l]));
    AIT_TRY(ait_multiply(device, 1, 0, rows, columns, C, dP, fold->Q[l - 1], 0, HW));
    AIT_TRY(ait_multiply(device, 1, 0, rows, columns, C, P, fold->dQ[l - 1], 1, HW));
    AIT_TRY(ait_multiply(device, 1, 0, rows, 1, C, dP, gb, 0, Hb));
    AIT_TRY(ait_multiply(device, 1, 0, rows, 1, C, P, dgb, 1, Hb));
  }
  return AIT_OK;
}

static ait_status run_data_pass(ait_device *device, const ait_shape *shape, const ait_network_pass *pass,
                                const ait_real *classifier, const ait_real *direction, ait_real *gradient,
                                ait_real *tangent, void *workspace) {
  ait_pass data_pass = data_pass_of(shape, pass->rows);
  data_pass.labels = pass->targets.labels;
  data_pass.x = pass->targets.x;
  data_pass.weights = pass->targets.weights;
  data_pass.folds = pass->targets.folds;
  data_pass.fold = pass->targets.fold;
  data_pass.only_fold = pass->targets.only_fold;
  data_pass.log_noise = pass->targets.log_noise;
  data_pass.active = pass->active;
  data_pass.classifier = classifier;
  data_pass.direction = direction;
  data_pass.loss = pass->loss;
  data_pass.gradient = gradient;
  data_pass.tangent = tangent;
  data_pass.cross = pass->cross;
  data_pass.noise_cross = pass->noise_cross;
  return device->model->data_pass(device, &data_pass, workspace);
}

ait_status ait_folded_run(ait_device *device, const ait_shape *shape, const ait_network_pass *pass, void *workspace) {
  ait_layout layout = {.base = workspace};
  folding fold;
  lay_out(device, shape, pass->rows, pass->targets.log_noise != NULL, &layout, &fold);
  if (shape->layers == 1) {
    return run_data_pass(device, shape, pass, pass->y, pass->v, pass->gradient, pass->product, fold.data_pass);
  }
  const int32_t second = pass->product != NULL;
  AIT_TRY(fold_layers(device, shape, pass->y, &fold));
  if (pass->v != NULL) {
    AIT_TRY(fold_direction(device, shape, pass->y, pass->v, &fold));
  }
  AIT_TRY(run_data_pass(device, shape, pass, fold.classifier, pass->v != NULL ? fold.direction : NULL,
                        pass->gradient != NULL || second ? fold.gradient : NULL, second ? fold.tangent : NULL,
                        fold.data_pass));
  if (pass->gradient != NULL || second) {
    AIT_TRY(unfold_gradient(device, shape, pass->y, &fold, pass->gradient));
  }
  return second ? unfold_product(device, shape, pass->y, pass->v, &fold, pass->product) : AIT_OK;
}

ait_status ait_folded_logits(ait_device *device, const ait_shape *shape, const ait_rows *rows, int64_t first,
                             int64_t count, const ait_real *y, ait_real *logits, void *workspace) {
  ait_layout layout = {.base = workspace};
  folding fold;
  const int64_t C = ait_shape_classes(shape);
  const ait_real *classifier = y;
  lay_out(device, shape, rows, 0, &layout, &fold);
  if (shape->layers > 1) {
    AIT_TRY(fold_layers(device, shape, y, &fold));
    classifier = fold.classifier;
  }
  AIT_TRY(device->model->rows_times(device, rows, first, count, C, classifier, logits, fold.data_pass));
  return device->model->add_bias(device, count, C, classifier + C * ait_shape_features(shape), logits);
}
