/* problem.h - a bi-level problem is a table of functions; built-in and own problems use the same.
 *
 *     min over x in X  sum_b F_b(x, y_b)   subject to   y_b in argmin over y_b in Y of f_b(x, y_b)
 *
 * x has n entries. There are `batch` >= 1 independent lower-level (LL) problems under one x, each of
 * m variables: y is batch x m, row-major. Write g = grad_y f, H = the second derivative of f in y,
 * J = dg/dx (m x n).
 *
 * Contract of every function in the table
 *   - pure: equal inputs give equal bits; no state that a caller could see;
 *   - outputs are overwritten as a whole and never alias inputs;
 *   - an entry b with active[b] == 0 may be skipped: its part of a batch-wise output is then left
 *     unspecified, and it adds nothing to an output that sums over the batch;
 *   - v_b = 0 contributes exactly 0 to xv; sums over the batch are taken in a fixed order;
 *   - a call only enqueues work on call->stream (on the CPU: does it at once);
 *   - pointers are device pointers of the context, unless the flags say AIT_HOST_POINTERS. */
#ifndef AIT_PROBLEM_H
#define AIT_PROBLEM_H

#include "ait/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_problem ait_problem;

/* Flags of a table. */
enum {
  AIT_CAPTURABLE = 1u << 0,   /* its calls may be recorded into a CUDA graph and replayed */
  AIT_HOST_POINTERS = 1u << 1 /* its functions want host pointers; on a GPU the solver copies */
};

/* What every call carries. All pointers are borrowed for the duration of the enqueued work. */
typedef struct ait_call {
  ait_context *context;
  void *stream;          /* ait_context_stream(context) */
  int64_t batch, n, m;   /* LL problems, entries of x, variables of one LL problem */
  const int32_t *step;   /* device: {t, k}, the UL iteration and the LL step */
  const uint8_t *active; /* device, batch entries, or NULL: all active */
  void *workspace;       /* device, as many bytes as the table's workspace function asked for */
} ait_call;

/* LL steps of the gradient mapping, y_{k+1} = u_k - alpha_k grad_y f(x, u_k), that a problem takes in one
 * piece: all steps of a rollout, or the whole reverse sweep, or where the trajectory is stored in part
 * (ait_trajectory_plan) a segment of either. Y is the whole space; other steps are taken one
 * by one. u_k is y_k, or in a rollout with acceleration (Nesterov's) u_k = y_k + beta_{k-1} (y_k - y_{k-1}) for
 * k >= 1. All pointers are device pointers; those of the other direction are NULL. */
typedef struct ait_plan {
  size_t struct_size;    /* sizeof(ait_plan) */
  int64_t first, end;    /* the steps k = first .. end - 1 */
  const ait_real *alpha; /* alpha_k */
  const ait_real *beta;  /* beta_k, or NULL: no acceleration; NULL for a reverse sweep */
  const ait_real *x;     /* n */
  ait_real *states;      /* y_k (batch x m) stands at states + (k % slots) * batch * m */
  int64_t slots;         /* end - first + 1 or more for a reverse sweep; at least 3 for an accelerated step */

  /* Rollout: y_first is there (with beta also y_{first-1} where first > 0). y_{k+1} and f_b(x, u_k), at
   * f[k * batch + b], are written for every step, and F_b(x, y_k), at F[k * batch + b], for F_first <= k <= end. */
  ait_real *f, *F;
  int64_t F_first;

  /* Reverse sweep: entry b goes from y_kbar_b back to y_first by
   *     lambda_b = lambda_b - alpha_k H_b lambda_b,  gx = gx - alpha_k J_b' lambda_b   (lambda before the step)
   * for k = min(kbar_b, end) - 1 .. first; with kbar_b <= first nothing is done. */
  const int32_t *kbar; /* batch */
  ait_real *lambda;    /* batch x m: the adjoint of y_kbar_b, or of y_end where kbar_b > end; becomes that of y_first */
  ait_real *gx;        /* n: what is there is added to */
} ait_plan;

/* The table of oracles. Shapes: x, gx, xv: n; y, g, v, hv, gy: batch x m; f, F: batch. Functions
 * marked optional may be NULL. Each returns AIT_OK or the status that ends the run. */
typedef struct ait_oracles {
  size_t struct_size; /* sizeof(ait_oracles) */
  uint32_t flags;

  /* Optional: bytes of device workspace for a batch; NULL means 0. */
  size_t (*workspace)(const void *self, int64_t batch);

  /* g = grad_y f(x, y) and f(x, y). */
  ait_status (*ll_gradient)(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                            ait_real *f);

  /* hv = H v and xv = sum over b of J_b' v_b, at (x, y). */
  ait_status (*ll_products)(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                            ait_real *hv, ait_real *xv);

  /* F_b(x, y_b). */
  ait_status (*ul_value)(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F);

  /* gx = sum over b of grad_x F_b and gy_b = grad_y F_b, at (x, y). */
  ait_status (*ul_gradient)(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                            ait_real *gy);

  /* Optional (the aggregate mapping needs it): the products of ll_products with F in place of f. */
  ait_status (*ul_products)(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                            ait_real *hv, ait_real *xv);

  /* Optional: a plan's rollout and its reverse sweep. AIT_UNSUPPORTED, answered before any work was
   * enqueued, means that the solver takes these steps one by one, and that it need not ask again. The
   * result must agree with that of single steps to rounding. call->step is {t, first} and call->active
   * NULL. */
  ait_status (*rollout)(void *self, const ait_call *call, const ait_plan *plan);
  ait_status (*reverse)(void *self, const ait_call *call, const ait_plan *plan);

  /* Optional: frees `self` when the problem is destroyed. */
  void (*destroy)(void *self);

  /* Optional (hyper-gradients by finite differences need it): gx = sum over b of grad_x f_b(x, y_b), n numbers.
   * call->active is NULL. */
  ait_status (*ll_x_gradient)(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx);

  /* Optional: an approximation of the inverse of H's diagonal at (x, y), batch x m numbers above 0, by which
   * preconditioned conjugate gradient and L-BFGS scale. NULL: the problem has none, and stands for the identity. */
  ait_status (*ll_preconditioner)(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                  ait_real *inverse_diagonal);

  /* Optional: out = M v for every entry of the batch, with a symmetric positive definite M that approximates the
   * inverse of H at (x, y) better than a diagonal can. L-BFGS takes it in place of ll_preconditioner. */
  ait_status (*ll_precondition)(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                const ait_real *v, ait_real *out);
} ait_oracles;

/* Makes a problem of a table. The table is copied; `self` is passed to every function and must live
 * as long as the problem. On failure `self` stays with the caller. X and Y are the whole space until
 * bounded.
 * Errors: AIT_INVALID_ARGUMENT (a required function missing, a size below 1), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_problem_create(ait_context *context, const ait_oracles *oracles, void *self, int64_t batch,
                                      int64_t n, int64_t m, ait_problem **problem);

/* X = [lower, upper]^n and Y = [lower, upper]^m; infinities are allowed. A solver keeps the bounds that it
 * was created with.
 * Errors: AIT_INVALID_ARGUMENT (lower > upper, NaN). */
AIT_API ait_status ait_problem_bound_x(ait_problem *problem, double lower, double upper);
AIT_API ait_status ait_problem_bound_y(ait_problem *problem, double lower, double upper);

/* A term of f_b over some of the variables, w = y_b[first] .. y_b[first + count - 1]: the smoothed l_q regulariser
 *     weight (||w||^2 + epsilon^2)^(q/2),
 * which is not convex (docs/derivation.md#smoothed-lq-terms). */
typedef struct ait_lq_term {
  int64_t first, count; /* within 0 .. m - 1; count >= 1 */
  double weight;        /* > 0, in units of f */
  double q;             /* 0 < q < 1 */
  double epsilon;       /* > 0, in units of y */
} ait_lq_term;

/* Adds terms to the f of every LL problem of the batch, on the problem's device; the problem's functions do not know
 * of them. They are copied, and may overlap. Solvers of the problem are created after its last term was added, and take
 * its LL steps one by one.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the term and what is off), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_problem_add_lq(ait_problem *problem, int32_t count, const ait_lq_term *terms);

AIT_API ait_context *ait_problem_context(const ait_problem *problem);
AIT_API int64_t ait_problem_batch(const ait_problem *problem);
AIT_API int64_t ait_problem_n(const ait_problem *problem);
AIT_API int64_t ait_problem_m(const ait_problem *problem);

AIT_API void ait_problem_destroy(ait_problem *problem); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
