/* device.h - the table of operations that a device fills.
 *
 * Three small tables, `static const`, one set a device: the runtime (memory and time), the vector
 * operations (all that the solver sees) and the model operations (what the built-in problems need).
 * Every operation is enqueued on the device's stream and returns before it has run (the CPU device
 * runs it at once). Pointers are device pointers unless called `host`. No operation allocates.
 *
 * Step sizes, momentum coefficients, t and k are read from device memory when the operation runs,
 * never passed by value, so that a recorded graph can be replayed with new ones.
 *
 * The same device and input give the same bits, whatever the number of threads: every sum has one
 * fixed order, in slots whose number the shape alone decides (AIT_SUM_SLOTS at most; more in the CUDA
 * device's data pass, where a slot is a block). */
#ifndef AIT_DEVICE_H
#define AIT_DEVICE_H

#include "ait/context.h"
#include "ait/matrix.h"
#include "ait/problems.h"
#include "ait/solver.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_device ait_device;

/* Work that was recorded once and can be replayed: a CUDA graph. */
typedef struct ait_recording ait_recording;

enum { AIT_SUM_SLOTS = 64 };

/* ---- runtime ------------------------------------------------------------------------------- */

typedef struct ait_runtime_ops {
  const char *kind;    /* "cpu", "cuda" */
  int32_t host_memory; /* nonzero: device pointers are host pointers */

  /* Releases what the device's creation made. */
  void (*close)(ait_device *device);

  /* Memory of the device, aligned to 256 bytes, contents unspecified; *memory is NULL for 0 bytes.
   * AIT_OUT_OF_MEMORY names the bytes wanted. release(NULL) is allowed. */
  ait_status (*allocate)(ait_device *device, size_t bytes, void **memory);
  void (*release)(ait_device *device, void *memory);

  /* Host memory that the device reads and writes by itself (pinned); NULL for 0 bytes. */
  ait_status (*allocate_host)(ait_device *device, size_t bytes, void **memory);
  void (*release_host)(ait_device *device, void *memory);

  /* Copies between host and device. `host` may be reused when copy_in returns; what copy_out writes
   * is valid after synchronize. copy_out waits by itself unless `host` is of allocate_host. */
  ait_status (*copy_in)(ait_device *device, size_t bytes, const void *host, void *memory);
  ait_status (*copy_out)(ait_device *device, size_t bytes, const void *memory, void *host);

  /* Sets every byte to `value`. */
  ait_status (*fill)(ait_device *device, size_t bytes, int value, void *memory);

  /* Waits for everything enqueued; reports an error that has happened since the last call. */
  ait_status (*synchronize)(ait_device *device);

  /* Bytes free and bytes in all. */
  ait_status (*memory)(ait_device *device, size_t *free_bytes, size_t *total_bytes);

  /* Fills memory with random bytes for synthetic data; the same device and seed give the same bytes,
   * another device gives others. What must be equal everywhere is drawn on the host (random.h). */
  ait_status (*random_bytes)(ait_device *device, uint64_t seed, size_t bytes, void *memory);

  /* Optional, all NULL where the device runs everything at once. What is enqueued after
   * begin_recording is kept, not run, until end_recording, which must follow whatever happens in
   * between; with `recording` NULL it throws away what was kept. Copies, synchronize and allocate fail
   * while recording, and so, with AIT_UNSUPPORTED, does what makes a recording too long to be worth it. replay enqueues
   * what was kept; release_recording(NULL) is allowed. */
  ait_status (*begin_recording)(ait_device *device);
  ait_status (*end_recording)(ait_device *device, ait_recording **recording);
  ait_status (*replay)(ait_device *device, ait_recording *recording);
  void (*release_recording)(ait_device *device, ait_recording *recording);
} ait_runtime_ops;

/* ---- vector operations --------------------------------------------------------------------- */

/* One term of a linear combination: factor * (*coefficient) * vector; coefficient NULL means 1. */
typedef struct ait_term {
  double factor;
  const ait_real *coefficient;
  const ait_real *vector;
} ait_term;

enum { AIT_MAX_TERMS = 4 };

/* The numbers of one optimiser update, in device memory, refreshed every UL iteration. */
typedef struct ait_update {
  double rate, momentum, beta1, beta2, epsilon;
  double correction1, correction2; /* 1 - beta^t */
  double gradient_scale;
} ait_update;

/* Trial points y + step d of a descent along d, one for every LL problem of a batch (docs/derivation.md#l-bfgs). All
 * arrays have `batch` entries in device memory. */
typedef struct ait_trial {
  int32_t first;    /* nonzero: the trial points are the starts, accepted whatever they are */
  double tolerance; /* solved where ||g|| <= tolerance times its value at the start */

  const ait_real *f, *slope, *square; /* at the trial point: f, g'd, g'g */
  const ait_real *secant, *bend;      /* s'v and v'Mv, with s the step and v the change of g that it made */
  const ait_real *best_slope;         /* g'd at y */

  ait_real *best_f;     /* f at y */
  ait_real *step;       /* 1 after an accepted trial, shorter after a refused one */
  ait_real *scaling;    /* of M: s'v / v'Mv of the last pair with curvature */
  ait_real *rho;        /* of this pair: 1 / s'v, or 0 where the pair is to be left out */
  ait_real *start;      /* g'g at the start */
  ait_real *limit;      /* tolerance^2 times that */
  ait_real *residual;   /* g'g at y */
  ait_real *iterations; /* accepted trials but the first */
  uint8_t *active;      /* 0: solved, or no step along d is short enough; nothing of it changes but rho, to 0 */
  uint8_t *accepted;    /* y moves to the trial point */
} ait_trial;

typedef struct ait_vector_ops {
  /* target = source. */
  ait_status (*copy)(ait_device *device, int64_t n, const ait_real *source, ait_real *target);

  /* out = sum of 1 .. AIT_MAX_TERMS terms, summed in their order. `batch` rows of m entries; a row
   * whose mask is 0 is left as it was (mask NULL: every row is written). `out` may be one of the
   * vectors. */
  ait_status (*combine)(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, int32_t terms,
                        const ait_term *term, ait_real *out);

  /* out_b = a_b + factor * scalar_b * c_b: `batch` rows of m entries, one scalar a row; a row whose mask is 0 is left
   * as it was (mask NULL: every row is written). `out` may be a or c; a NULL counts as 0. */
  ait_status (*add_scaled)(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                           double factor, const ait_real *scalar, const ait_real *c, ait_real *out);

  /* out_bi = a_bi * c_bi, with the same mask. `out` may be a or c. */
  ait_status (*multiply)(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                         const ait_real *c, ait_real *out);

  /* v_i = min(max(v_i, lower), upper), NaN kept. *at_bound (may be NULL) = the number of results
   * that equal a bound. */
  ait_status (*project)(ait_device *device, int64_t n, double lower, double upper, ait_real *v, int32_t *at_bound);

  /* The adjoint of the projection of u: v_i = 0 where u_i < lower or u_i > upper. */
  ait_status (*project_adjoint)(ait_device *device, int64_t n, double lower, double upper, const ait_real *u,
                                ait_real *v);

  /* v_i = the y that minimises (y - v_i)^2 / 2 + alpha (l1 |y| + l2/2 y^2), which is
   * sign(v_i) max(|v_i| - alpha l1, 0) / (1 + alpha l2); NaN kept. alpha is one number in device memory. */
  ait_status (*prox)(ait_device *device, int64_t n, const ait_real *alpha, double l1, double l2, ait_real *v);

  /* Its adjoint where y is the result: v_i = v_i / (1 + alpha l2), but 0 where y_i = 0 and alpha l1 > 0. */
  ait_status (*prox_adjoint)(ait_device *device, int64_t n, const ait_real *alpha, double l1, double l2,
                             const ait_real *y, ait_real *v);

  /* out_b = sum_i a_bi c_bi, accumulated in double. */
  ait_status (*dot)(ait_device *device, int64_t batch, int64_t m, const ait_real *a, const ait_real *c, ait_real *out);

  /* out_b = numerator_b / denominator_b, or 0 where the denominator is 0 or either is not finite. */
  ait_status (*ratio)(ait_device *device, int64_t batch, const ait_real *numerator, const ait_real *denominator,
                      ait_real *out);

  /* For a central difference between points `epsilon` away along v, given *square = <v, v>: step[0] = epsilon / ||v||,
   * so that the points are y +- step[0] v, and step[1] = ||v|| / (2 epsilon), which the difference is multiplied by.
   * Both are 0 where v is 0. */
  ait_status (*difference_step)(ait_device *device, double epsilon, const ait_real *square, ait_real *step);

  /* out_b = scale * (in_b + shift)^exponent, computed in double and rounded once. */
  ait_status (*power)(ait_device *device, int64_t batch, double scale, double shift, double exponent,
                      const ait_real *in, ait_real *out);

  /* The truncation index: kbar_b = the smallest k in first .. last with the largest values[k * batch +
   * b]. A NaN counts as larger than every number, so that a diverged trajectory is never skipped. */
  ait_status (*argmax)(ait_device *device, int64_t batch, int32_t first, int32_t last, const ait_real *values,
                       int32_t *kbar);

  /* For the reverse step that leads from y_{k+1} to y_k: enter_b = (kbar_b == k + 1) and
   * active_b = (kbar_b >= k + 1), with k = step[1]. */
  ait_status (*truncation_masks)(ait_device *device, int64_t batch, const int32_t *kbar, const int32_t *step,
                                 uint8_t *enter, uint8_t *active);

  /* target_b = source_b where mask_b is not 0. */
  ait_status (*select)(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *source,
                       ait_real *target);

  /* out_b = entry b of state kbar_b where first <= kbar_b <= last, else left as it was. State k is batch x m numbers at
   * states + (k % slots) * stride. */
  ait_status (*gather)(ait_device *device, int64_t batch, int64_t m, const int32_t *kbar, int32_t first, int32_t last,
                       int64_t slots, int64_t stride, const ait_real *states, ait_real *out);

  /* One optimiser update of x with gradient g (see ait_optimizer). `update` is in device memory;
   * moment1 is the momentum (SGD) or m (Adam), moment2 is v (Adam; else NULL). */
  ait_status (*update)(ait_device *device, ait_optimizer_kind kind, int64_t n, const ait_update *update,
                       const ait_real *g, ait_real *moment1, ait_real *moment2, ait_real *x);

  /* What becomes of trial points. `trial` is the host's; its arrays are on the device. */
  ait_status (*judge_trials)(ait_device *device, int64_t batch, const ait_trial *trial);

  /* *count = the number of entries that are not finite. */
  ait_status (*count_nonfinite)(ait_device *device, int64_t n, const ait_real *v, int32_t *count);
} ait_vector_ops;

/* ---- model operations ---------------------------------------------------------------------- */

typedef struct ait_sparse_rows ait_sparse_rows;

/* Rows of data on the device, in their own type: value(i, j) = scale_j * stored + shift_j. */
typedef struct ait_rows {
  ait_type type;
  int64_t rows, columns, stride; /* stride in elements */
  const void *data;
  const ait_real *scale, *shift; /* columns entries each, or NULL: 1 and 0 */
  const ait_sparse_rows *sparse; /* where the CPU holds them in another form (device/cpu/sparse_rows.h), and `data` has
                                    no rows; else NULL */
} ait_rows;

/* The folded data pass (docs/derivation.md#folded-data-pass): N rows U (N x D), labels, a classifier A (C x D), b (C).
 *     L = U A' + 1 b',  P = softmax(L),  w_i = sigmoid(x_i) (1 where x is NULL)
 *     loss = (1/N) sum_i w_i CE_i,   R = diag(w) (P - onehot) / N,   G = R' U,  gb = column sums of R
 * and with a direction (V, v):
 *     S = U V' + 1 v',   dR = diag(w)/N (P*S - P*rowsum(P*S)),   dG = dR' U,  dgb = column sums of dR
 *     cross_i = sigmoid'(x_i)/N sum_c (P - onehot)_ic S_ic
 * An output that is NULL is not computed; tangent and cross need a direction.
 *
 * Where labels are noisy, T_cg is the chance that a row of class c carries label g, and a row with label g has
 * r_c = P_c T_cg / sum_k P_k T_kg, the chance of class c given its label (docs/derivation.md#transition-cleaning):
 *     loss = (1/N) sum_i w_i (-log sum_c P_ic T_cg),   R = diag(w) (P - r) / N
 *     dR_i = w_i/N (P*(S - <P,S>) - r*(S - <r,S>)),    cross_i = sigmoid'(x_i)/N <P - r, S>
 *     noise_cross_cg = -(1/N) sum over the rows with label g of w_i r_c (S_c - <r,S>) = d<(G, gb), (V, v)> / d log T_cg
 */
typedef struct ait_pass {
  const ait_rows *rows;       /* host struct; its pointers are device pointers */
  const int32_t *labels;      /* N, device */
  int64_t classes;            /* C */
  const ait_real *classifier; /* A then b: C * D + C */
  const ait_real *direction;  /* V then v, or NULL */
  const ait_real *x;          /* N, or NULL: weight 1 */
  const uint8_t *active;      /* one device flag, or NULL; where it is 0 only the cross terms are written: zeros */
  ait_real *loss;             /* 1 */
  ait_real *gradient;         /* G then gb: C * D + C */
  ait_real *tangent;          /* dG then dgb: C * D + C */
  ait_real *cross;            /* N */
  const ait_real *weights;    /* N: w_i itself, x then being NULL; or NULL */
  const int32_t *folds;       /* N: every row's fold, or NULL. w_i is 0 for the rows of `fold`, or, with */
  int32_t fold, only_fold;    /* only_fold not 0, for those of all other folds */
  const ait_real *log_noise;  /* log T, C x C, minus infinity for 0; or NULL: labels are right */
  ait_real *noise_cross;      /* C x C; needs a direction and log_noise; zeros where the pass is not active */
} ait_pass;

/* What the logits of rows are compared with, as in ait_pass. All pointers are at the first of the rows, but for
 * log_noise. */
typedef struct ait_targets {
  const int32_t *labels;
  const ait_real *x, *weights; /* w_i = sigmoid(x_i), or w_i itself; both NULL: 1 */
  const int32_t *folds;        /* or NULL */
  int32_t fold, only_fold;
  const ait_real *log_noise; /* C x C, or NULL: labels are right */
} ait_targets;

/* Gradient descent on one hyper-cleaning problem whose network has no activation, and the way back
 * along it: the device's part of an ait_plan (ait/problem.h) for one entry of a batch. `layers` matrices
 * W_l (sizes[l] x sizes[l-1]), each followed by its biases, are a state y of m numbers; sizes[0] = D,
 * sizes[layers] = C. `train`, `validation`, `sizes` and the struct are the host's; all else is on the device. */
typedef struct ait_descent {
  const ait_rows *train, *validation;
  const int32_t *train_labels, *validation_labels;
  int32_t layers;
  const int64_t *sizes;
  int64_t m;
  const ait_real *x;     /* rows of train */
  int64_t first, end;    /* the steps k = first .. end - 1 */
  const ait_real *alpha; /* alpha_k */
  const ait_real *beta;  /* beta_k: u_k = y_k + beta_{k-1} (y_k - y_{k-1}) for k >= 1; or NULL: u_k = y_k */
  ait_real *states;      /* y_k stands at states + (k % slots) * stride */
  int64_t slots, stride;
  ait_real *f, *F; /* rollout: f(x, u_k) = f[k * value_stride] for every step, F(x, y_k) likewise ... */
  int64_t F_first; /* ... for F_first <= k <= end */
  int64_t value_stride;
  const int32_t *kbar; /* reverse: one index; the sweep starts from it or, where it is above, from `end` */
  ait_real *lambda;    /* m */
  ait_real *gx;        /* rows of train */
} ait_descent;

/* c = alpha op(a) op(b) + beta c, row-major; op(a) is m x k, op(b) is k x n. With a batch, product i
 * takes a + i stride_a, b + i stride_b and c + i stride_c. */
typedef struct ait_gemm {
  int32_t transpose_a, transpose_b;
  int64_t m, n, k;
  double alpha;
  const ait_real *a;
  int64_t lda;
  const ait_real *b;
  int64_t ldb;
  double beta;
  ait_real *c;
  int64_t ldc;
  int64_t batch; /* 0 counts as 1 */
  int64_t stride_a, stride_b, stride_c;
} ait_gemm;

/* One of several pieces of work that write different memory: slot `slot`, on a device of its own that shares the
 * other's memory. No two pieces that run at the same time have the same `lane` < the other device's threads. */
typedef ait_status (*ait_slot_work)(ait_device *device, int64_t slot, int64_t lane, void *context);

/* Whether the data pass will read rows again and again, so that a layout it reads faster is worth a copy. */
typedef enum ait_row_use { AIT_READ_ONCE, AIT_READ_OFTEN } ait_row_use;

typedef struct ait_model_ops {
  /* Rows that a network with activations takes through its layers at once. */
  int64_t row_chunk;

  /* Makes the rows of a host matrix usable on the device, in their own type. Where the matrix's memory can be read
   * it is borrowed, or copied once for all that read it, so the matrix must outlive the rows and stay what it is.
   * release_rows frees what was made. */
  ait_status (*upload_rows)(ait_device *device, const ait_matrix *matrix, ait_row_use use, ait_rows *rows);
  void (*release_rows)(ait_device *device, ait_rows *rows);

  /* The folded data pass; `workspace` holds data_pass_workspace bytes, which rows, classes and whether there is a
   * log_noise decide. */
  size_t (*data_pass_workspace)(ait_device *device, const ait_pass *pass);
  ait_status (*data_pass)(ait_device *device, const ait_pass *pass, void *workspace);

  /* Optional, all NULL or none: a descent's rollout and reverse sweep, each in one piece. descent_workspace is the
   * bytes that either needs, or 0 where the device has no such piece for these rows and layers; what follows `m`
   * in the struct need not be set for it. rollout answers AIT_UNSUPPORTED, without a sentence, where it has no
   * acceleration and `beta` asks for it. */
  size_t (*descent_workspace)(ait_device *device, const ait_descent *descent);
  ait_status (*rollout)(ait_device *device, const ait_descent *descent, void *workspace);
  ait_status (*reverse)(ait_device *device, const ait_descent *descent, void *workspace);

  ait_status (*gemm)(ait_device *device, const ait_gemm *gemm);

  /* z (count x h) = U w' for the rows first .. first + count - 1 of U; w is h x columns.
   * `workspace`: rows_workspace bytes. */
  size_t (*rows_workspace)(ait_device *device, const ait_rows *rows);
  ait_status (*rows_times)(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, int64_t h,
                           const ait_real *w, ait_real *z, void *workspace);

  /* g (h x columns) = r' U for the same rows; r is count x h. */
  ait_status (*rows_transposed_times)(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, int64_t h,
                                      const ait_real *r, ait_real *g, void *workspace);

  /* z_ij += b_j. */
  ait_status (*add_bias)(ait_device *device, int64_t count, int64_t h, const ait_real *b, ait_real *z);

  /* out_j = sum_i r_ij. */
  ait_status (*column_sums)(ait_device *device, int64_t count, int64_t h, const ait_real *r, ait_real *out);

  /* sum_j += v_j in double, and out_j = scale * sum_j back: sums over chunks of rows. */
  ait_status (*accumulate)(ait_device *device, int64_t n, const ait_real *v, double *sum);
  ait_status (*round_sum)(ait_device *device, int64_t n, double scale, const double *sum, ait_real *out);

  /* Optional, both or none; none where one stream does all work in its order. for_slots does the work of the slots
   * 0 .. slots - 1, several at a time, and returns the failure of the first slot that failed. add_slots sums up:
   * sum_j += sum of sum[s * stride + j] over s = 1 .. slots - 1 in this order, for j < n. */
  ait_status (*for_slots)(ait_device *device, int64_t slots, ait_slot_work work, void *context);
  ait_status (*add_slots)(ait_device *device, int64_t slots, int64_t stride, int64_t n, double *sum);

  /* Of `count` rows of logits: r = w (P - onehot) / N (may be NULL), and *loss = sum_i w_i CE_i / N of these rows (may
   * be NULL), by log-sum-exp; with a noise model the posterior in place of onehot, and -log sum_c P_c T_cg of CE, as in
   * ait_pass. `total` is N. The logits L become what the tangent needs: P, or L - max L with a noise model. */
  ait_status (*cross_entropy)(ait_device *device, int64_t count, int64_t classes, int64_t total,
                              const ait_targets *targets, ait_real *logits, ait_real *r, ait_real *loss);

  /* Of `count` rows of logits, which it overwrites: out_i = sigmoid'(x_i) / N CE_i, the derivative of cross_entropy's
   * loss with respect to x_i. */
  ait_status (*cross_entropy_x_gradient)(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                         const int32_t *labels, const ait_real *x, ait_real *logits, ait_real *out);

  /* Softmax of every row of logits, in place. */
  ait_status (*softmax)(ait_device *device, int64_t count, int64_t classes, ait_real *logits);

  /* The tangent of r along s = d(logits), dR of ait_pass, written over s, and cross_i = sigmoid'(x_i)/N <P - r, s>
   * (may be NULL). `logits` as left by cross_entropy. With a noise model, slopes_ic = w_i/N r_ic (s_ic - <r_i, s_i>)
   * (count x C, may be NULL). */
  ait_status (*cross_entropy_tangent)(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                      const ait_targets *targets, const ait_real *logits, ait_real *s, ait_real *cross,
                                      ait_real *slopes);

  /* out_cg = -(sum of slopes_ic over the `count` rows with label g), C x C: these rows' share of noise_cross of
   * ait_pass, of the slopes of cross_entropy_tangent. */
  ait_status (*noise_cross)(ait_device *device, int64_t count, int64_t classes, const int32_t *labels,
                            const ait_real *slopes, ait_real *out);

  /* *lambda = exp(x_0), and, where log_noise is not NULL, log T(e) of the symmetric noise model, C x C, C >= 2:
   * T_cc = 1 - e and T_cg = e / (C - 1) with e = sigmoid(x_1). */
  ait_status (*transition_terms)(ait_device *device, int64_t classes, const ait_real *x, ait_real *lambda,
                                 ait_real *log_noise);

  /* The cross terms of a batch, over its entries whose `active` (NULL: all) is not 0: xv_0 = exp(x_0) sum of dots_b,
   * and, where noise_cross (batch x C x C) is not NULL, xv_1 = sum of noise_cross_bcg d log T_cg / d x_1. */
  ait_status (*transition_cross)(ait_device *device, int64_t batch, int64_t classes, const uint8_t *active,
                                 const ait_real *x, const ait_real *dots, const ait_real *noise_cross, ait_real *xv);

  /* a = phi(a), in place. */
  ait_status (*activation)(ait_device *device, ait_activation kind, int64_t n, ait_real *a);

  /* Given a = phi(z): dz = phi'(z) dz, in place. The tangent of the layer and the adjoint of it. */
  ait_status (*activation_derivative)(ait_device *device, ait_activation kind, int64_t n, const ait_real *a,
                                      ait_real *dz);

  /* The tangent of delta = phi'(z) back: given a = phi(z), da = phi'(z) dz, back and dback,
   *   dback = phi'(z) dback + phi''(z) dz back,   back = phi'(z) back, both in place. */
  ait_status (*activation_second)(ait_device *device, ait_activation kind, int64_t n, const ait_real *a,
                                  const ait_real *da, ait_real *back, ait_real *dback);

  /* *correct (int64, device) = rows whose largest entry (ties: the smallest class) is their label. */
  ait_status (*count_correct)(ait_device *device, int64_t count, int64_t classes, const ait_real *p,
                              const int32_t *labels, int64_t *correct);
} ait_model_ops;

/* ---- device -------------------------------------------------------------------------------- */

struct ait_device {
  const ait_runtime_ops *runtime;
  const ait_vector_ops *vector;
  const ait_model_ops *model;
  void *state;           /* the device's own */
  void *stream;          /* cudaStream_t, or NULL */
  int32_t threads;       /* CPU threads */
  char name[16];         /* "cpu", "cuda:0" */
  char description[256]; /* one line for people */
  char arithmetic[256];  /* what the bits of a result depend on: the same text, the same bits */
};

/* Opens the CPU device; threads 0: OMP_NUM_THREADS, else all that the process may use. The data pass
 * runs on the best instructions of the processor, or on those that the environment variable
 * AIT_CPU_KERNEL names: baseline, v2, v3, v4 or, in float, amx (AIT_INVALID_ARGUMENT where there are
 * none such, or where the system does not let the process use them). */
ait_status ait_device_open_cpu(int32_t threads, ait_device *device);

/* Opens CUDA device `index`; `threads` is for work that stays on the host (0 as above), `math` for its
 * matrix products. AIT_UNSUPPORTED where this build, this machine or this GPU cannot: the sentence
 * says which and what would help. AIT_INVALID_ARGUMENT for an index that is not there. */
ait_status ait_device_open_cuda(int32_t index, int32_t threads, ait_math math, ait_device *device);

/* CUDA devices of this machine, usable or not. AIT_UNSUPPORTED, with a sentence, where there can be
 * none: no CUDA in this build, no driver, a driver too old, no device. */
ait_status ait_device_count_cuda(int32_t *count);

/* One line for people about CUDA device `index`: name, compute capability, memory, and whether it is
 * too old for this build. */
ait_status ait_device_describe_cuda(int32_t index, size_t bytes, char *line);

#ifdef __cplusplus
}
#endif
#endif
