/* layers.cuh - folding and unfolding a network without activations by all blocks of a cooperative launch
 * (docs/derivation.md#deep-linear):
 *
 *     P_L = I,  P_{l-1} = P_l W_l,  A = P_0,  b = b_L + sum_{l<L} P_l b_l                    (fold)
 *     Q_0 = G,  Q_l = Q_{l-1} W_l' + gb b_l',  gW_l = P_l' Q_{l-1},  gb_l = P_l' gb          (unfold)
 *
 * and their tangents. Levels that depend on each other have a barrier of the grid between them.
 *
 * Numerics: sums over a layer's width in double, over classes in ait_real, in orders that the shape alone decides. */
#ifndef AIT_KERNELS_LAYERS_CUH
#define AIT_KERNELS_LAYERS_CUH

#include "device.cuh"
#include "device/device.h"

/* Layers that a launch folds; deeper networks are folded by matrix products. */
enum { AIT_MOST_FOLDED = 4 };

/* The layers of a state y, and memory for what folds of it: P[0] is C * D + C, as are dP[0], Q[0] and dQ[0], the others
 * C * sizes[l]. P[L-1] is W_L, which is read where it stands; dP[L-1] is a copy of V_L, and Q[L-1] the gradient of W_L.
 */
struct ait_layers {
  int32_t count;
  int64_t sizes[AIT_MOST_FOLDED + 1], weights[AIT_MOST_FOLDED + 1], biases[AIT_MOST_FOLDED + 1]; /* of layer l in y */
  ait_real *P[AIT_MOST_FOLDED], *dP[AIT_MOST_FOLDED], *Q[AIT_MOST_FOLDED], *dQ[AIT_MOST_FOLDED];
};

__device__ inline const ait_real *ait_folded_behind(const ait_layers &layers, const ait_real *y, int32_t l) {
  return l == layers.count - 1 ? y + layers.weights[layers.count] : layers.P[l];
}

/* One factor pair of a product: C x k and k x n, or C x k and n x k. */
struct ait_factors {
  const ait_real *left, *right;
};

/* This warp's part of sum_h left_ch right_hj: the rows h of `factors` that it takes. */
__device__ inline double ait_part_of_product(const ait_factors &factors, int64_t c, int64_t j, int64_t k, int64_t n) {
  const int64_t warps = AIT_THREADS / AIT_LANES, warp = threadIdx.x / AIT_LANES;
  double sum = 0;
  AIT_UNROLL(8)
  for (int64_t h = warp * k / warps; h < (warp + 1) * k / warps; ++h) {
    sum += (double)factors.left[c * k + h] * (double)factors.right[h * n + j];
  }
  return sum;
}

/* out (C x n) = the sum of one or two products (C x k)(k x n): a block a row and 32 columns, its warps share k.
 * `memory`: AIT_THREADS numbers of the block. */
__device__ inline void ait_grid_product(int64_t classes, int64_t n, int64_t k, const ait_factors &first,
                                        const ait_factors &second, double *memory, ait_real *out) {
  const int64_t groups = ait_ceil_div(n, AIT_LANES);
  for (int64_t unit = blockIdx.x; unit < classes * groups; unit += gridDim.x) {
    const int64_t c = unit / groups, j = unit % groups * AIT_LANES + threadIdx.x % AIT_LANES;
    double sum = j < n ? ait_part_of_product(first, c, j, k, n) : 0;
    sum += j < n && second.left != NULL ? ait_part_of_product(second, c, j, k, n) : 0;
    memory[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < AIT_LANES && j < n) {
      for (int warp = 1; warp < AIT_THREADS / AIT_LANES; ++warp) {
        sum += memory[warp * AIT_LANES + threadIdx.x];
      }
      out[c * n + j] = (ait_real)sum;
    }
    __syncthreads();
  }
}

/* write(c * n + i, sum_j left_cj right_ij of one or two pairs of factors (C x k, n x k)): a warp an entry; by lane 0.
 */
template <class Write>
__device__ void ait_grid_product_transposed(int64_t classes, int64_t n, int64_t k, const ait_factors &first,
                                            const ait_factors &second, Write write) {
  const int64_t warps = AIT_THREADS / AIT_LANES, lane = threadIdx.x % AIT_LANES;
  for (int64_t i = blockIdx.x * warps + threadIdx.x / AIT_LANES; i < classes * n; i += gridDim.x * warps) {
    const int64_t c = i / n, row = i % n;
    double sum = 0;
    AIT_UNROLL(8)
    for (int64_t j = lane; j < k; j += AIT_LANES) {
      sum += (double)first.left[c * k + j] * (double)first.right[row * k + j];
    }
    for (int64_t j = lane; second.left != NULL && j < k; j += AIT_LANES) {
      sum += (double)second.left[c * k + j] * (double)second.right[row * k + j];
    }
    sum = ait_warp_sum(sum);
    if (lane == 0) {
      write(i, (ait_real)sum);
    }
  }
}

/* bias_c += sum_h left_ch right_h, by the lanes of a warp; for lane 0. */
__device__ inline double ait_warp_dot(int64_t n, const ait_real *left, const ait_real *right) {
  double sum = 0;
  for (int64_t h = threadIdx.x % AIT_LANES; h < n; h += AIT_LANES) {
    sum += (double)left[h] * (double)right[h];
  }
  return ait_warp_sum(sum);
}

/* b = b_L + sum_l P_l b_l, and with v its tangent v_L + sum_l (dP_l b_l + P_l v_l): by the last block, a warp a class.
 */
__device__ inline void ait_fold_biases(const ait_layers &layers, const ait_real *y, const ait_real *v) {
  const int32_t L = layers.count;
  const int64_t classes = layers.sizes[L], warps = AIT_THREADS / AIT_LANES, matrix = classes * layers.sizes[0];
  for (int64_t c = threadIdx.x / AIT_LANES; blockIdx.x == gridDim.x - 1 && c < classes; c += warps) {
    double bias = (double)y[layers.biases[L] + c], slope = v != NULL ? (double)v[layers.biases[L] + c] : 0;
    for (int32_t l = L - 1; l >= 1; --l) {
      const int64_t n = layers.sizes[l];
      const ait_real *P = ait_folded_behind(layers, y, l) + c * n;
      bias += ait_warp_dot(n, P, y + layers.biases[l]);
      if (v != NULL) {
        const ait_real *dP = l == L - 1 ? v + layers.weights[L] : layers.dP[l];
        slope += ait_warp_dot(n, dP + c * n, y + layers.biases[l]) + ait_warp_dot(n, P, v + layers.biases[l]);
      }
    }
    if (threadIdx.x % AIT_LANES == 0) {
      layers.P[0][matrix + c] = (ait_real)bias;
      if (v != NULL) {
        layers.dP[0][matrix + c] = (ait_real)slope;
      }
    }
  }
}

/* P_{l-1} = P_l W_l for l = L-1 .. 1 and b, and with v (may be NULL) dP_{l-1} = dP_l W_l + P_l V_l and its b; then for
 * all blocks behind a barrier of the grid, which it ends with. */
__device__ inline void ait_fold_layers(const ait_layers &layers, const ait_real *y, const ait_real *v, double *memory) {
  const int32_t L = layers.count;
  const int64_t classes = layers.sizes[L];
  for (int32_t l = L - 1; l >= 1; --l) {
    const int64_t n = layers.sizes[l - 1], k = layers.sizes[l];
    const ait_real *P = ait_folded_behind(layers, y, l), *W = y + layers.weights[l];
    const ait_factors none = {NULL, NULL}, plain = {P, W};
    ait_grid_product(classes, n, k, plain, none, memory, layers.P[l - 1]);
    if (v != NULL) {
      const ait_factors first = {l == L - 1 ? v + layers.weights[L] : layers.dP[l], W};
      const ait_factors second = {P, v + layers.weights[l]};
      ait_grid_product(classes, n, k, first, second, memory, layers.dP[l - 1]);
    }
    if (l == 1) {
      ait_fold_biases(layers, y, v);
    }
    AIT_SYNC_GRID();
  }
}

/* sum_c P_ci q_cj + dP_ci p_cj of one column each: an entry of P' Q + dP' p. dP may be NULL. */
__device__ inline ait_real ait_sum_over_classes(int64_t classes, const ait_real *P, int64_t P_stride, const ait_real *q,
                                                int64_t q_stride, const ait_real *dP, const ait_real *p) {
  ait_real sum = 0;
  for (int64_t c = 0; c < classes; ++c) {
    sum += P[c * P_stride] * q[c * q_stride];
    sum += dP != NULL ? dP[c * P_stride] * p[c * q_stride] : 0;
  }
  return sum;
}

/* What a layer's update is made of: out_i = from_i - rate * entry i of P' q + dP' p, for weights and biases of layer l
 * (q, p: C x sizes[l-1]; qb, pb: C). */
struct ait_layer_update {
  const ait_real *P, *dP, *q, *p, *qb, *pb;
  ait_real rate;
};

__device__ inline void ait_update_layer(const ait_layers &layers, int32_t l, const ait_layer_update &update,
                                        const ait_real *from, ait_real *out) {
  const int64_t classes = layers.sizes[layers.count], rows = layers.sizes[l], columns = layers.sizes[l - 1];
  const int64_t W = layers.weights[l], b = layers.biases[l];
  for (AIT_EACH(i, rows * columns)) {
    const int64_t h = i / columns, j = i % columns;
    const ait_real g =
        ait_sum_over_classes(classes, update.P + h, rows, update.q + j, columns,
                             update.dP != NULL ? update.dP + h : NULL, update.dP != NULL ? update.p + j : NULL);
    out[W + i] = from[W + i] - update.rate * g;
  }
  for (AIT_EACH(h, rows)) {
    const ait_real g = ait_sum_over_classes(classes, update.P + h, rows, update.qb, 1,
                                            update.dP != NULL ? update.dP + h : NULL, update.pb);
    out[b + h] = from[b + h] - update.rate * g;
  }
}

/* next = y - rate * (the gradient in the layers of (G, gb), which is Q[0]), for all blocks behind a barrier. */
__device__ inline void ait_descend_layers(const ait_layers &layers, ait_real rate, const ait_real *y, ait_real *next) {
  const int32_t L = layers.count;
  const int64_t classes = layers.sizes[L];
  const ait_real *gb = layers.Q[0] + classes * layers.sizes[0];
  for (int32_t l = 1; l < L; ++l) {
    const int64_t rows = layers.sizes[l];
    const ait_layer_update update = {ait_folded_behind(layers, y, l), NULL, layers.Q[l - 1], NULL, gb, NULL, rate};
    ait_update_layer(layers, l, update, y, next);
    const ait_factors none = {NULL, NULL}, plain = {layers.Q[l - 1], y + layers.weights[l]};
    ait_grid_product_transposed(classes, rows, layers.sizes[l - 1], plain, none, [&](int64_t i, ait_real sum) {
      const ait_real entry = sum + gb[i / rows] * y[layers.biases[l] + i % rows];
      if (l < L - 1) {
        layers.Q[l][i] = entry;
      } else {
        next[layers.weights[L] + i] = y[layers.weights[L] + i] - rate * entry;
      }
    });
    if (l < L - 1) {
      AIT_SYNC_GRID();
    }
  }
  for (AIT_EACH(c, classes)) {
    next[layers.biases[L] + c] = y[layers.biases[L] + c] - rate * gb[c];
  }
}

/* Q_l and dQ_l of l = 1 .. L-1 from those of 0, and a copy of V_L; for all blocks behind its barriers. */
__device__ inline void ait_unfold_tangents(const ait_layers &layers, const ait_real *y, const ait_real *v) {
  const int32_t L = layers.count;
  const int64_t classes = layers.sizes[L];
  const ait_real *gb = layers.Q[0] + classes * layers.sizes[0], *dgb = layers.dQ[0] + classes * layers.sizes[0];
  for (AIT_EACH(i, classes * layers.sizes[L - 1])) {
    layers.dP[L - 1][i] = v[layers.weights[L] + i];
  }
  for (int32_t l = 1; l < L; ++l) {
    const int64_t rows = layers.sizes[l], columns = layers.sizes[l - 1];
    const ait_real *W = y + layers.weights[l], *b = y + layers.biases[l], *vb = v + layers.biases[l];
    const ait_factors none = {NULL, NULL}, plain = {layers.Q[l - 1], W};
    const ait_factors first = {layers.dQ[l - 1], W}, second = {layers.Q[l - 1], v + layers.weights[l]};
    ait_grid_product_transposed(classes, rows, columns, plain, none,
                                [&](int64_t i, ait_real sum) { layers.Q[l][i] = sum + gb[i / rows] * b[i % rows]; });
    ait_grid_product_transposed(classes, rows, columns, first, second, [&](int64_t i, ait_real sum) {
      layers.dQ[l][i] = sum + (dgb[i / rows] * b[i % rows] + gb[i / rows] * vb[i % rows]);
    });
    AIT_SYNC_GRID();
  }
}

/* v = v - rate * H v, given Q and dQ:
 *     HW_l = dP_l' Q_{l-1} + P_l' dQ_{l-1},  Hb_l = dP_l' gb + P_l' dgb,  HW_L = dQ_{L-1},  Hb_L = dgb. */
__device__ inline void ait_descend_adjoint(const ait_layers &layers, ait_real rate, const ait_real *y, ait_real *v) {
  const int32_t L = layers.count;
  const int64_t classes = layers.sizes[L];
  const ait_real *gb = layers.Q[0] + classes * layers.sizes[0], *dgb = layers.dQ[0] + classes * layers.sizes[0];
  for (int32_t l = 1; l < L; ++l) {
    const ait_layer_update update = {
        ait_folded_behind(layers, y, l), layers.dP[l], layers.dQ[l - 1], layers.Q[l - 1], dgb, gb, rate};
    ait_update_layer(layers, l, update, v, v);
  }
  for (AIT_EACH(i, classes * layers.sizes[L - 1])) {
    v[layers.weights[L] + i] -= rate * layers.dQ[L - 1][i];
  }
  for (AIT_EACH(c, classes)) {
    v[layers.biases[L] + c] -= rate * dgb[c];
  }
}

#endif
