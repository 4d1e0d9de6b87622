/* descent.c - whole rollouts and reverse sweeps of gradient descent on the CPU device: all their steps in
 * one parallel region, whose threads keep their own rows of both sides, so that a step reads much of what
 * it needs from the thread's cache and waits for others only a few times.
 *
 * A network without activations is folded into one classifier and its gradient unfolded
 * (docs/derivation.md#deep-linear):
 *     P_{L-1} = W_L,  P_{l-1} = P_l W_l,      (A, b) = (P_0, b_L + sum_{l<L} P_l b_l)
 *     Q_0 = G,        Q_l = Q_{l-1} W_l' + gb b_l',   gW_l = P_l' Q_{l-1},  gb_l = P_l' gb
 * and along a direction by the product rule. With one layer (A, b) is the state itself.
 *
 * Functions that say "team" are called by every thread and end with all threads having finished. */
#include <omp.h>
#include <string.h>

#include "device/cpu/data_pass.h"
#include "device/row_products.h"

/* PANEL: columns or rows of a product that one thread takes at once; their number does not depend on the
 * threads, so that neither does a sum. MOST_THIN: with more classes BLAS is faster. */
enum { PANEL = 32, MOST_THIN = 40 };

/* One of the matrices P_l, dP_l, Q_l, dQ_l for l = 0 .. L - 1 (those of l = 0 with C biases), one after the other. */
typedef struct family {
  ait_real *first;
} family;

typedef struct descent_work {
  const ait_descent *descent;
  ait_barrier *barrier;
  ait_pass train, validation;
  ait_pass_plan train_plan, validation_plan;
  int one_form;        /* both sides read the same packed classifier */
  family P, dP, Q, dQ; /* where there is more than one layer */
  ait_real *cross;     /* rows of train */
  ait_real *u;         /* m: the point of an accelerated step */
} descent_work;

/* ---- layers ---------------------------------------------------------------------------------- */

static int64_t classes_of(const ait_descent *d) {
  return d->sizes[d->layers];
}

/* Where W_l (l = 1 .. L) begins in a state; its biases follow it. */
static int64_t weights_of(const ait_descent *d, int32_t l) {
  int64_t offset = 0;
  for (int32_t i = 1; i < l; ++i) {
    offset += (d->sizes[i - 1] + 1) * d->sizes[i];
  }
  return offset;
}

static int64_t biases_of(const ait_descent *d, int32_t l) {
  return weights_of(d, l) + d->sizes[l - 1] * d->sizes[l];
}

/* Where matrix l of a family begins; that of l = L is the family's length. */
static int64_t member_offset(const ait_descent *d, int32_t l) {
  int64_t columns = l == 0 ? 0 : d->sizes[0] + 1;
  for (int32_t i = 1; i < l; ++i) {
    columns += d->sizes[i];
  }
  return classes_of(d) * columns;
}

static ait_real *member(const ait_descent *d, const family *f, int32_t l) {
  return f->first + member_offset(d, l);
}

/* P_l of the state y; of P_{L-1} = W_L there is no copy. */
static const ait_real *folded(const ait_descent *d, const family *f, const ait_real *y, int32_t l) {
  return l == d->layers - 1 ? y + weights_of(d, l + 1) : member(d, f, l);
}

static ait_real *state(const ait_descent *d, int64_t k) {
  return d->states + k % d->slots * d->stride;
}

/* ---- products by panels ------------------------------------------------------------------------ */

/* Panel by panel with the kernels for a few classes, else with BLAS. All matrices are dense and row-major; W is
 * h x n, and P, Q have a row a class. */
typedef struct layer_product {
  const ait_thin_kernel *thin;
  int64_t C, h, n;
} layer_product;

static layer_product product_of(const descent_work *w, int32_t l) {
  const ait_descent *d = w->descent;
  return (layer_product){w->train_plan.kernel->thin, classes_of(d), d->sizes[l], d->sizes[l - 1]};
}

/* One panel of columns of out (C x n) = P W, or += with `add`. */
static void times(const layer_product *s, int64_t panel, const ait_real *P, const ait_real *W, int add, ait_real *out) {
  const int64_t begin = panel * PANEL, end = ait_min64(s->n, begin + PANEL);
  if (s->C <= MOST_THIN) {
    s->thin->times(s->C, s->h, s->n, P, W, begin, end, add, out);
    return;
  }
  ait_gemm gemm = ait_dense_product(0, 0, s->C, s->n, s->h, P, W, out);
  gemm.beta = add;
  ait_cpu_gemm_tile(&gemm, 0, s->C, begin, end - begin);
}

/* One panel of columns of out (C x h) = Q W', or += with `add`. */
static void times_transposed(const layer_product *s, int64_t panel, const ait_real *Q, const ait_real *W, int add,
                             ait_real *out) {
  const int64_t begin = panel * PANEL, end = ait_min64(s->h, begin + PANEL);
  if (s->C <= MOST_THIN) {
    s->thin->times_transposed(s->C, s->h, s->n, Q, W, begin, end, add, out);
    return;
  }
  ait_gemm gemm = ait_dense_product(0, 1, s->C, s->h, s->n, Q, W, out);
  gemm.beta = add;
  ait_cpu_gemm_tile(&gemm, 0, s->C, begin, end - begin);
}

/* One panel of rows of out (h x n) = W - alpha P' Q; out may be W. */
static void descend_outer(const layer_product *s, int64_t panel, ait_real alpha, const ait_real *P, const ait_real *Q,
                          const ait_real *W, ait_real *out) {
  const int64_t begin = panel * PANEL, end = ait_min64(s->h, begin + PANEL);
  if (s->C <= MOST_THIN) {
    s->thin->add_outer(s->C, s->h, s->n, -alpha, P, Q, W, begin, end, out);
    return;
  }
  if (out != W) {
    memcpy(out + begin * s->n, W + begin * s->n, (size_t)((end - begin) * s->n) * sizeof *out);
  }
  ait_gemm gemm = ait_dense_product(1, 0, s->h, s->n, s->C, P, Q, out);
  gemm.alpha = -(double)alpha;
  gemm.beta = 1;
  ait_cpu_gemm_tile(&gemm, begin, end - begin, 0, s->n);
}

/* out_c += sum_i P_ci b_i. */
static void add_products(int64_t classes, int64_t n, const ait_real *P, const ait_real *b, ait_real *out) {
  for (int64_t c = 0; c < classes; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum += (double)P[c * n + i] * (double)b[i];
    }
    out[c] += (ait_real)sum;
  }
}

/* ---- fold ------------------------------------------------------------------------------------ */

/* Team: the classifier of the state y in a family; with `v`, its direction too, in dP. */
static void fold_layers(const descent_work *w, const family *f, const ait_real *y, const ait_real *v) {
  const ait_descent *d = w->descent;
  const int32_t L = d->layers;
  const int64_t C = classes_of(d), D = d->sizes[0];
  ait_real *b = f->first + C * D, *db = w->dP.first + C * D;
#pragma omp single nowait
  {
    memcpy(b, y + biases_of(d, L), (size_t)C * sizeof *b);
    if (v != NULL) {
      memcpy(db, v + biases_of(d, L), (size_t)C * sizeof *db);
    }
  }
  ait_barrier_wait(w->barrier);
  for (int32_t l = L - 1; l >= 1; --l) {
    const int64_t h = d->sizes[l], panels = ait_ceil_div(d->sizes[l - 1], PANEL);
    const layer_product s = product_of(w, l);
    const ait_real *W = y + weights_of(d, l), *bias = y + biases_of(d, l), *P = folded(d, f, y, l);
#pragma omp for nowait
    for (int64_t panel = 0; panel < panels; ++panel) {
      times(&s, panel, P, W, 0, member(d, f, l - 1));
    }
    if (v != NULL) {
      const ait_real *V = v + weights_of(d, l), *v_bias = v + biases_of(d, l), *dP = folded(d, &w->dP, v, l);
#pragma omp for nowait
      for (int64_t panel = 0; panel < panels; ++panel) {
        times(&s, panel, dP, W, 0, member(d, &w->dP, l - 1));
        times(&s, panel, P, V, 1, member(d, &w->dP, l - 1));
      }
#pragma omp single nowait
      {
        add_products(C, h, dP, bias, db);
        add_products(C, h, P, v_bias, db);
      }
    }
#pragma omp single nowait
    add_products(C, h, P, bias, b);
    ait_barrier_wait(w->barrier);
  }
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Team: deals the rows and packs the classifier of the training side, with a direction where there is one, and of the
 * validation side (NULL: it is not passed). */
static void pack(const descent_work *w, const ait_real *train, const ait_real *direction, const ait_real *validation) {
#pragma omp single nowait
  {
    ait_deal(omp_get_num_threads(), w->train_plan.shares);
    ait_deal(omp_get_num_threads(), w->validation_plan.shares);
  }
#pragma omp for nowait
  for (int64_t c = 0; c < classes_of(w->descent); ++c) {
    ait_pass_pack(&w->train_plan, c, train, direction);
    if (validation != NULL && !w->one_form) {
      ait_pass_pack(&w->validation_plan, c, validation, NULL);
    }
  }
  ait_barrier_wait(w->barrier);
}

/* Team: the passes of step k over both sides, in alternating directions. */
static void pass_rows(const descent_work *w, int64_t k, int wants_train, int wants_validation) {
  const int backwards = k % 2 != 0;
  if (wants_validation && backwards) {
    ait_pass_thread_rows(&w->validation_plan, 1);
  }
  if (wants_train) {
    ait_pass_thread_rows(&w->train_plan, backwards);
  }
  if (wants_validation && !backwards) {
    ait_pass_thread_rows(&w->validation_plan, 0);
  }
  ait_barrier_wait(w->barrier);
}

/* Team: the sums of the training side. */
static void add_up(const descent_work *w) {
#pragma omp for nowait
  for (int64_t piece = 0; piece < ait_pass_pieces(&w->train_plan); ++piece) {
    ait_pass_add_up(&w->train_plan, piece);
  }
  ait_barrier_wait(w->barrier);
}

/* ---- unfold ---------------------------------------------------------------------------------- */

/* Rows of Q_l += gb b' of one panel of columns. */
static void add_bias_products(int64_t classes, int64_t n, int64_t panel, const ait_real *gb, const ait_real *b,
                              ait_real *Q) {
  const int64_t begin = panel * PANEL, end = ait_min64(n, begin + PANEL);
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t i = begin; i < end; ++i) {
      Q[c * n + i] += gb[c] * b[i];
    }
  }
}

/* Team: Q_l for l = 1 .. L - 1; with `v`, dQ_l = dQ_{l-1} W_l' + Q_{l-1} V_l' + dgb b_l' + gb v_l' too. */
static void unfold(const descent_work *w, const ait_real *y, const ait_real *v) {
  const ait_descent *d = w->descent;
  const int64_t C = classes_of(d);
  const ait_real *gb = w->Q.first + C * d->sizes[0], *dgb = w->dQ.first + C * d->sizes[0];
  for (int32_t l = 1; l < d->layers; ++l) {
    const int64_t h = d->sizes[l];
    const layer_product s = product_of(w, l);
    const ait_real *W = y + weights_of(d, l), *b = y + biases_of(d, l), *last = member(d, &w->Q, l - 1);
    ait_real *Q = member(d, &w->Q, l), *dQ = member(d, &w->dQ, l);
#pragma omp for nowait
    for (int64_t panel = 0; panel < ait_ceil_div(h, PANEL); ++panel) {
      times_transposed(&s, panel, last, W, 0, Q);
      add_bias_products(C, h, panel, gb, b, Q);
      if (v != NULL) {
        times_transposed(&s, panel, member(d, &w->dQ, l - 1), W, 0, dQ);
        times_transposed(&s, panel, last, v + weights_of(d, l), 1, dQ);
        add_bias_products(C, h, panel, dgb, b, dQ);
        add_bias_products(C, h, panel, gb, v + biases_of(d, l), dQ);
      }
    }
    ait_barrier_wait(w->barrier);
  }
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* target = source - alpha slope for the calling thread's share. */
static void descend(int64_t n, ait_real alpha, const ait_real *slope, const ait_real *source, ait_real *target) {
#pragma omp for simd nowait
  for (int64_t i = 0; i < n; ++i) {
    target[i] = source[i] + -alpha * slope[i];
  }
}

/* target_i -= alpha sum_c P_ci g_c: the biases of a hidden layer. */
static void descend_biases(int64_t classes, int64_t h, ait_real alpha, const ait_real *P, const ait_real *g,
                           ait_real *target) {
  for (int64_t i = 0; i < h; ++i) {
    ait_real sum = 0;
    for (int64_t c = 0; c < classes; ++c) {
      sum += P[c * h + i] * g[c];
    }
    target[i] -= alpha * sum;
  }
}

/* Layer l of the next state: W_l - alpha P_l' Q_{l-1}, b_l - alpha P_l' gb. */
static void descend_layer(const descent_work *w, int32_t l, ait_real alpha, const ait_real *y, ait_real *next) {
  const ait_descent *d = w->descent;
  const layer_product s = product_of(w, l);
  const ait_real *P = folded(d, &w->P, y, l), *Q = member(d, &w->Q, l - 1);
  const int64_t W = weights_of(d, l), b = biases_of(d, l);
#pragma omp for nowait
  for (int64_t panel = 0; panel < ait_ceil_div(s.h, PANEL); ++panel) {
    descend_outer(&s, panel, alpha, P, Q, y + W, next + W);
  }
#pragma omp single nowait
  {
    memcpy(next + b, y + b, (size_t)s.h * sizeof *next);
    descend_biases(s.C, s.h, alpha, P, w->Q.first + s.C * d->sizes[0], next + b);
  }
}

/* Team: y_{k+1} = u - alpha_k grad f(x, u), from the sums of the rows. */
static void step_forward(const descent_work *w, int64_t k, const ait_real *u) {
  const ait_descent *d = w->descent;
  const int32_t L = d->layers;
  const int64_t C = classes_of(d);
  const ait_real alpha = d->alpha[k];
  ait_real *next = state(d, k + 1);
  unfold(w, u, NULL);
  for (int32_t l = 1; l < L; ++l) {
    descend_layer(w, l, alpha, u, next);
  }
  const int64_t W = weights_of(d, L), b = biases_of(d, L);
  descend(C * d->sizes[L - 1], alpha, member(d, &w->Q, L - 1), u + W, next + W);
  descend(C, alpha, w->Q.first + C * d->sizes[0], u + b, next + b);
  ait_barrier_wait(w->barrier);
}

/* Team: the point u_k at which step k is taken. */
static const ait_real *step_point(const descent_work *w, int64_t k) {
  const ait_descent *d = w->descent;
  const ait_real *y = state(d, k);
  if (d->beta == NULL || k == 0) {
    return y;
  }
  const ait_real beta = d->beta[k - 1], *last = state(d, k - 1);
#pragma omp for simd nowait
  for (int64_t i = 0; i < d->m; ++i) {
    w->u[i] = y[i] + beta * y[i] + -beta * last[i];
  }
  ait_barrier_wait(w->barrier);
  return w->u;
}

/* Team: the classifiers of both sides, folded and packed. Where both are taken at one point, folded once. */
static void prepare_step(const descent_work *w, const ait_real *u, const ait_real *y, int wants_F) {
  const ait_descent *d = w->descent;
  if (d->layers == 1) {
    pack(w, u, NULL, wants_F ? y : NULL);
    return;
  }
  fold_layers(w, &w->P, u, NULL);
  if (u != y && wants_F) {
    fold_layers(w, &w->dP, y, NULL);
  }
  pack(w, w->P.first, NULL, !wants_F ? NULL : u != y ? w->dP.first : w->P.first);
}

/* Team: f(x, u_k) and F(x, y_k) where they are wanted, and with `steps` y_{k+1}. */
static void rollout_step(const descent_work *w, int64_t k, int steps) {
  const ait_descent *d = w->descent;
  const int wants_F = k >= d->F_first;
  if (!steps && !wants_F) {
    return;
  }
  const ait_real *y = state(d, k), *u = steps ? step_point(w, k) : y;
  prepare_step(w, u, y, wants_F);
  pass_rows(w, k, steps, wants_F);
#pragma omp single nowait
  {
    if (steps) {
      d->f[k * d->value_stride] = ait_pass_loss(&w->train_plan);
    }
    if (wants_F) {
      d->F[k * d->value_stride] = ait_pass_loss(&w->validation_plan);
    }
  }
  if (steps) {
    add_up(w);
    step_forward(w, k, u);
  }
}

/* ---- steps back ------------------------------------------------------------------------------ */

/* lambda - alpha H lambda of the hidden layer l: HW_l = dP_l' Q_{l-1} + P_l' dQ_{l-1}. */
static void descend_layer_back(const descent_work *w, int32_t l, ait_real alpha, const ait_real *y) {
  const ait_descent *d = w->descent;
  const layer_product s = product_of(w, l);
  ait_real *lambda = d->lambda, *W = lambda + weights_of(d, l), *b = lambda + biases_of(d, l);
  const ait_real *P = folded(d, &w->P, y, l), *dP = folded(d, &w->dP, lambda, l);
#pragma omp for nowait
  for (int64_t panel = 0; panel < ait_ceil_div(s.h, PANEL); ++panel) {
    descend_outer(&s, panel, alpha, dP, member(d, &w->Q, l - 1), W, W);
    descend_outer(&s, panel, alpha, P, member(d, &w->dQ, l - 1), W, W);
  }
#pragma omp single nowait
  {
    descend_biases(s.C, s.h, alpha, dP, w->Q.first + s.C * d->sizes[0], b);
    descend_biases(s.C, s.h, alpha, P, w->dQ.first + s.C * d->sizes[0], b);
  }
}

/* Team: lambda and gx of step k, from the adjoint of y_{k+1} to that of y_k. */
static void step_back(const descent_work *w, int64_t k) {
  const ait_descent *d = w->descent;
  const int32_t L = d->layers;
  const int64_t C = classes_of(d);
  const ait_real alpha = d->alpha[k], *y = state(d, k);
  if (L > 1) {
    fold_layers(w, &w->P, y, d->lambda);
  }
  pack(w, L > 1 ? w->P.first : y, L > 1 ? w->dP.first : d->lambda, NULL);
  pass_rows(w, k, 1, 0);
  add_up(w);
  unfold(w, y, d->lambda);
  for (int32_t l = 1; l < L; ++l) {
    descend_layer_back(w, l, alpha, y);
  }
  ait_barrier_wait(w->barrier);
  ait_real *last = d->lambda + weights_of(d, L), *biases = d->lambda + biases_of(d, L);
  descend(C * d->sizes[L - 1], alpha, member(d, &w->dQ, L - 1), last, last);
  descend(C, alpha, w->dQ.first + C * d->sizes[0], biases, biases);
  descend(d->train->rows, alpha, w->cross, d->gx, d->gx);
  ait_barrier_wait(w->barrier);
}

/* ---- workspace ------------------------------------------------------------------------------- */

static int same_numbers(int64_t n, const ait_real *a, const ait_real *b) {
  return a == b || (a != NULL && b != NULL && memcmp(a, b, (size_t)n * sizeof *a) == 0);
}

/* Whether one packed classifier, with scale and shift folded in, serves both sides. */
static int have_one_form(const descent_work *w) {
  const ait_rows *train = w->train.rows, *validation = w->validation.rows;
  return w->descent->beta == NULL && w->train_plan.kernel == w->validation_plan.kernel &&
         train->type == validation->type && train->sparse == validation->sparse &&
         same_numbers(train->columns, train->scale, validation->scale) &&
         same_numbers(train->columns, train->shift, validation->shift);
}

/* The passes of a rollout, or of a reverse sweep. The outputs of a pass only say what is wanted here. */
static void choose_outputs(int back, descent_work *w) {
  static ait_real wanted;
  w->validation.loss = &wanted;
  if (!back) {
    w->train.loss = &wanted;
    w->train.gradient = w->Q.first;
    return;
  }
  w->train.direction = &wanted;
  w->train.gradient = w->descent->layers > 1 ? w->Q.first : NULL;
  w->train.tangent = w->dQ.first;
  w->train.cross = w->cross;
}

/* Lays the work out in a workspace and returns its bytes; workspace NULL: only these are of use. */
static size_t plan_work(const ait_device *device, const ait_descent *d, int back, void *workspace, descent_work *w) {
  const size_t size = (size_t)member_offset(d, d->layers) * sizeof(ait_real);
  size_t used = 0;
  *w = (descent_work){.descent = d};
  w->P.first = ait_take(workspace, &used, size);
  w->dP.first = ait_take(workspace, &used, size);
  w->Q.first = ait_take(workspace, &used, size);
  w->dQ.first = ait_take(workspace, &used, size);
  w->cross = ait_take(workspace, &used, (size_t)d->train->rows * sizeof *w->cross);
  w->u = ait_take(workspace, &used, (size_t)d->m * sizeof *w->u);
  w->train = (ait_pass){.rows = d->train, .labels = d->train_labels, .classes = classes_of(d), .x = d->x};
  w->validation = (ait_pass){.rows = d->validation, .labels = d->validation_labels, .classes = classes_of(d)};
  choose_outputs(back, w);
  w->train_plan = ait_plan_pass(device, &w->train, ait_take(workspace, &used, 0));
  used += w->train_plan.bytes;
  w->validation_plan = ait_plan_pass(device, &w->validation, ait_take(workspace, &used, 0));
  used += w->validation_plan.bytes;
  w->one_form = have_one_form(w);
  if (w->one_form) {
    w->validation_plan.job.a = w->train_plan.job.a;
    w->validation_plan.job.b = w->train_plan.job.b;
    w->validation_plan.job.a_form = w->train_plan.job.a_form;
  }
  return used;
}

size_t ait_cpu_descent_workspace(ait_device *device, const ait_descent *descent) {
  descent_work w;
  const size_t bytes = plan_work(device, descent, 1, NULL, &w);
  return ait_cpu_pass_is_wide(device, &w.train) || ait_cpu_pass_is_wide(device, &w.validation) ? 0 : bytes;
}

ait_status ait_cpu_rollout(ait_device *device, const ait_descent *descent, void *workspace) {
  ait_barrier barrier = {0};
  descent_work w;
  plan_work(device, descent, 0, workspace, &w);
  w.barrier = &barrier;
#pragma omp parallel num_threads(device->threads) if (ait_pass_pays_threads(&w.train_plan))
  for (int64_t k = descent->first; k <= descent->end; ++k) {
    rollout_step(&w, k, k < descent->end);
  }
  return AIT_OK;
}

ait_status ait_cpu_reverse(ait_device *device, const ait_descent *descent, void *workspace) {
  ait_barrier barrier = {0};
  descent_work w;
  plan_work(device, descent, 1, workspace, &w);
  w.barrier = &barrier;
#pragma omp parallel num_threads(device->threads) if (ait_pass_pays_threads(&w.train_plan))
  for (int64_t k = ait_min64(*descent->kbar, descent->end) - 1; k >= descent->first; --k) {
    step_back(&w, k);
  }
  return AIT_OK;
}
