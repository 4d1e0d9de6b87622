/* solver_state.h (internal) - what a solver holds, and its steps. */
#ifndef AIT_SOLVER_STATE_H
#define AIT_SOLVER_STATE_H

#include "ait/solver.h"
#include "device/device.h"
#include "problems/problem.h"
#include "solver/access.h"
#include "solver/trajectory.h"

/* Numbers that the device reads while it iterates, in one block of device memory that is written
 * once a UL iteration. The pointers stay the same for the life of a solver. */
typedef struct ait_constants {
  size_t bytes;
  void *host, *device;
  ait_update *host_update;          /* [2]: x, z */
  const ait_update *update;         /* the same, on the device, and so on */
  ait_real *host_alpha, *host_beta; /* alpha[K], beta[K + 1] */
  const ait_real *alpha, *beta;
  ait_real *host_alpha_ll, *host_alpha_ul; /* [K]: what a step takes of grad_y f and of grad_y F: alpha_k (1 - mu_k)
                                              and alpha_k mu_k, with mu_k = 0 unless the mapping aggregates */
  const ait_real *alpha_ll, *alpha_ul;
  int32_t *host_step; /* [K + 1] pairs {t, k} */
  const int32_t *step;
} ait_constants;

/* What the host learns of a rollout, in one block of device memory that is read once a UL iteration. */
typedef struct ait_findings {
  size_t bytes;
  void *host, *device;
  ait_real *host_F, *F;                /* [K + 1][batch]: F at y_k; NaN where not evaluated */
  ait_real *host_f, *f;                /* [K + 1][batch]: f at the point of step k (entry K: scratch) */
  int32_t *host_kbar, *kbar;           /* [batch] */
  int32_t *host_at_bound, *at_bound;   /* [K]: entries of y_{k+1} that sit on a bound */
  int32_t *host_nonfinite, *nonfinite; /* [3]: entries that are not finite of y_K, of gx, and of gz or of an implicit
                                          solution's last vector */
  ait_real *host_curved, *curved;      /* [batch]: directions of the last hyper-gradient with curvature <= 0 */
  /* [batch] each, of the mapping L-BFGS: g'g at y_0, tolerance^2 times that, g'g at y_K, steps from y_0 to y_K */
  ait_real *host_start, *start, *host_limit, *limit, *host_residual, *residual, *host_iterations, *iterations;
} ait_findings;

/* r = l1 |y| + l2/2 y^2 in every entry; 0 and 0: none. */
typedef struct ait_shrinkage {
  double l1, l2;
} ait_shrinkage;

/* A variable of the upper level: x, or the start z. */
typedef struct ait_variable {
  int64_t size;
  ait_real *value, *gradient, *moment1, *moment2;
} ait_variable;

/* What a device that can record keeps of the work that every UL iteration repeats. */
typedef struct ait_recordings {
  int32_t wanted;
  int32_t ran[2]; /* nonzero: a step back without and with the projection's adjoint has run unrecorded */
  ait_recording *rollout;
  int64_t steps;
  ait_recording **reverse; /* [steps][2], without and with the projection's adjoint: the step back from y_{k+1} for
                              every k, or the one step that an implicit solution repeats */
  ait_recording **again;   /* [steps]: the step to y_{k+1}, taken once more; NULL where every state is stored */
} ait_recordings;

/* What the implicit hyper-gradients work in. */
typedef struct ait_implicit {
  ait_real *direction; /* batch x m: p; the Neumann series has no more than this */
  ait_real *solution;  /* batch x m: q */
  ait_real *residual;  /* batch x m: r */
  ait_real *inverse;   /* batch x m: the preconditioner M where it is diagonal; else NULL */
  ait_real *scaled;    /* batch x m: M r; NULL without one */
  ait_real *point;     /* batch x m: y_K - alpha g, where Y has bounds; else NULL */
  ait_real *scalars;   /* rows of `batch` numbers (implicit.c says which) */
  int32_t *compared;   /* batch: the larger row of a comparison */
  uint8_t *spare;      /* batch: a mask that nobody reads */
} ait_implicit;

/* What products by finite differences work in. */
typedef struct ait_differences {
  ait_real *point;      /* batch x m: u + step v, then u - step v */
  ait_real *x_gradient; /* n: grad_x f at the second point */
  ait_real *square;     /* 1: <v, v> */
  ait_real *step;       /* 2: see ait_vector_ops.difference_step */
} ait_differences;

/* What the mapping L-BFGS works in and remembers; batch x m unless it says otherwise. */
typedef struct ait_quasi_newton {
  int64_t slots;                          /* pairs that are remembered */
  ait_real *pairs;                        /* [slots][2]: s, v */
  ait_real *factors;                      /* [slots][2][batch]: 1 / s'v or 0, and the pair's weight in the first loop */
  ait_real *inverse;                      /* M where it is diagonal; else NULL */
  ait_real *product;                      /* M v where M is a matrix; else NULL */
  ait_real *trial, *gradient, *direction; /* y + step d, g at y, d */
  ait_real *s, *v, *work;                 /* trial - y, the change of g; what the two loops work on */
  ait_real *scalars;                      /* rows of `batch` numbers (quasi_newton.c says which) */
  uint8_t *active, *accepted;             /* [batch]: not solved yet; moved to its trial point in this step */
} ait_quasi_newton;

/* Host copies of what an oracle reads and writes: for a problem that wants host pointers on a device
 * with memory of its own. */
typedef struct ait_staging {
  int32_t wanted;
  ait_real *x, *xv;     /* n */
  ait_real *y, *v, *hv; /* batch x m */
  ait_real *values;     /* batch */
  uint8_t *active;      /* batch */
  void *workspace;
} ait_staging;

enum { AIT_MAX_ALLOCATIONS = 64 };

struct ait_solver {
  ait_problem *problem;
  ait_device *device;
  ait_solver_options options;
  int64_t t; /* UL iterations made */
  int64_t batch, n, m, K;
  ait_box X, Y;
  ait_box step_box;        /* what every LL step ends in: Y, within the proximal mapping's box */
  ait_shrinkage shrinkage; /* what it shrinks y with before that */
  ait_variable x, z;
  ait_real *prior, *z_descent; /* batch x m: what z is drawn to, and gz + rho (z - prior); NULL without a prior */
  ait_trajectory trajectory;
  ait_constants constants;
  ait_findings findings;
  void *workspace; /* the oracles' */
  ait_real *term;  /* three numbers that the terms of f are computed with; NULL where there are none */

  ait_real *u;       /* the point at which a step is taken (Nesterov), or recomputed (box) */
  ait_real *g;       /* grad_y f */
  ait_real *ul_g;    /* grad_y F at the point of a step, where the mapping aggregates; in a sweep its product */
  ait_real *hv, *xv; /* products */
  ait_real *y_kbar, *gy;
  ait_real *adjoint[3]; /* of u_k in entry k mod 3; without Nesterov in the first */
  uint8_t *enter, *active;
  ait_implicit implicit;
  ait_quasi_newton quasi_newton;
  ait_differences differences;
  int64_t *curved;   /* [batch]: findings.curved, summed up over all hyper-gradients looked at */
  int64_t *unsolved; /* [batch]: rollouts by L-BFGS that did not meet the tolerance */

  double *f_reference, *F_reference; /* [batch]: f and F at (x_0, y_0), what divergence is measured against */
  int32_t has_references;
  int64_t diverged_entry;   /* the LL problem that was found to diverge; -1: none, or not one alone */
  int32_t rolled_out;       /* a rollout was made */
  int32_t swept, unsettled; /* a reverse sweep was made; its result was not looked at yet */
  int64_t sweep_iteration;  /* the UL iteration of the last sweep */

  int32_t single_rollout, single_reverse; /* nonzero: the problem was asked, and wants single steps */

  ait_recordings recordings;
  ait_staging staging;

  void *allocations[AIT_MAX_ALLOCATIONS];
  int32_t allocated;
};

/* ---- recorded work ------------------------------------------------------------------------------- */

ait_status ait_recordings_create(ait_solver *solver);
void ait_recordings_release(ait_solver *solver);

/* work(solver, k): run, or, with *recording, recorded by the first call and replayed by every call.
 * `recording` NULL: run. Work that is recorded must not change the solver's host side. */
ait_status ait_replay(ait_solver *solver, ait_recording **recording, ait_status (*work)(ait_solver *, int64_t),
                      int64_t k);

/* ---- oracle calls: at LL step k of the present UL iteration --------------------------------------- */

ait_status ait_call_ll_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *g, ait_real *f);
/* Of the LL problems of a mask (NULL: of all). */
ait_status ait_call_ll_gradient_of(ait_solver *solver, int64_t k, const ait_real *y, const uint8_t *active, ait_real *g,
                                   ait_real *f);
ait_status ait_call_ll_products(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v);
ait_status ait_call_ll_x_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *gx);
ait_status ait_call_ll_preconditioner(ait_solver *solver, int64_t k, const ait_real *y, ait_real *inverse_diagonal);
ait_status ait_call_ll_precondition(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v, ait_real *out);
ait_status ait_call_ul_products(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v, ait_real *hv);
ait_status ait_call_ul_value(ait_solver *solver, int64_t k, const ait_real *y, ait_real *F);
ait_status ait_call_ul_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *gx, ait_real *gy);

/* What a call at LL step k carries; every entry is active. */
ait_call ait_call_at(const ait_solver *solver, int64_t k);

/* What oracle calls need beside the solver's arrays: their workspace, and host copies where wanted. */
ait_status ait_oracles_prepare(ait_solver *solver);
void ait_oracles_release(ait_solver *solver);

/* The steps first .. end - 1 of a rollout, with F from F_first on, and the sweep from y_{last+1} back to y_first, by
 * the problem's own oracles for them; `starts`: no sweep from later states has gone before. AIT_UNSUPPORTED, without a
 * sentence and with nothing done, where the method or the problem wants single steps. */
ait_status ait_plan_rollout(ait_solver *solver, int64_t first, int64_t end, int64_t F_first);
ait_status ait_plan_reverse(ait_solver *solver, int64_t first, int64_t last, int32_t starts);

/* ---- the trajectory's store ----------------------------------------------------------------------- */

/* Its memory, by the options. Errors: those of ait_solver_plan_trajectory, AIT_OUT_OF_MEMORY. */
ait_status ait_trajectory_create(ait_solver *solver);

/* During a rollout: the state that segment i >= 1 begins with stands in the ring and is not y_0; y_K does. */
ait_status ait_trajectory_keep(ait_solver *solver, int64_t i);
ait_status ait_trajectory_keep_last(ait_solver *solver);

/* During a sweep, segment by segment, some from the first on left out: the ring holds what the steps back from y_until
 * to where segment i begins look at. */
ait_status ait_trajectory_restore(ait_solver *solver, int64_t i, int64_t until);

/* Takes the steps first .. end - 1 of the last rollout again, from the states before them in the ring. */
ait_status ait_roll_again(ait_solver *solver, int64_t first, int64_t end);

/* ---- terms that f has beside the oracles' -------------------------------------------------------- */

/* g = g + their gradient, f = f + their value, for the entries that are active (NULL: all). */
ait_status ait_terms_add_gradient(ait_solver *solver, const ait_real *y, const uint8_t *active, ait_real *g,
                                  ait_real *f);

/* hv = hv + their second derivative times v, for the entries that are active. */
ait_status ait_terms_add_product(ait_solver *solver, const ait_real *y, const ait_real *v, ait_real *hv);

/* ---- an LL mapping: the forward step and its adjoint ------------------------------------------------ */

typedef struct ait_mapping_steps {
  /* next = the step from u at LL step k. */
  ait_status (*forward)(ait_solver *solver, int64_t k, const ait_real *u, ait_real *next);

  /* lambda holds the adjoint of the step's result and becomes the adjoint of u, for the entries that
   * are active; gx collects the step's dependence on x. */
  ait_status (*adjoint)(ait_solver *solver, int64_t k, const ait_real *u, ait_real *lambda);
} ait_mapping_steps;

const ait_mapping_steps *ait_mapping_of(const ait_solver *solver);

/* hv = H v and xv = J' v at (x, u): by the problem's products, or by finite differences where the method says so. */
ait_status ait_take_products(ait_solver *solver, int64_t k, const ait_real *u, const ait_real *v);
ait_status ait_difference_products(ait_solver *solver, int64_t k, const ait_real *u, const ait_real *v);

/* The numbers and the memory of a step and its adjoint. AIT_INVALID_ARGUMENT where the problem lacks an oracle that the
 * mapping needs, or its bounds leave nothing of the mapping's. */
ait_status ait_mapping_create(ait_solver *solver);

/* out = where the step from u at LL step k stands before the projection onto step_box; overwrites g. */
ait_status ait_point_before_projection(ait_solver *solver, int64_t k, const ait_real *u, ait_real *out);

/* The mapping L-BFGS: its memory (AIT_INVALID_ARGUMENT where Y has bounds), its step, and what the host counts after a
 * rollout. */
ait_status ait_quasi_newton_create(ait_solver *solver);
ait_status ait_quasi_newton_step(ait_solver *solver, int64_t k, const ait_real *u, ait_real *next);
void ait_quasi_newton_look(ait_solver *solver);

/* The point u_k at which LL step k is taken: y_k, or Nesterov's extrapolation of y_k and y_{k-1}. */
ait_status ait_step_point(ait_solver *solver, int64_t k, const ait_real **u);

/* Nonzero when a rollout evaluates F at y_k: where the truncation or the caller needs it. */
int32_t ait_evaluates_F(const ait_solver *solver, int64_t k);

/* ---- the steps of Algorithm 1 ------------------------------------------------------------------------ */

ait_status ait_initialise_lower_level(ait_solver *solver);
ait_status ait_rollout(ait_solver *solver);
ait_status ait_hypergradient_of(ait_solver *solver); /* by the method's choice: */
ait_status ait_reverse(ait_solver *solver);
ait_status ait_conjugate_gradient_solve(ait_solver *solver);
ait_status ait_neumann_series(ait_solver *solver);
ait_status ait_update_upper_level(ait_solver *solver);
ait_status ait_update_initialisation(ait_solver *solver);

/* Ends a hyper-gradient whose last vector (batch x m) is `last`: what is not finite shows in it or in gx. */
ait_status ait_hypergradient_end(ait_solver *solver, const ait_real *last);

/* ---- parts of a solver's life ----------------------------------------------------------------------- */

/* Nonzero where a hyper-gradient goes back along the trajectory. */
int32_t ait_looks_back(const ait_method *method);

/* The first LL step that a sweep goes back to: 0, or what the truncation to the last steps leaves. */
int64_t ait_first_step(const ait_method *method, int64_t ll_steps);

/* The rate of a schedule at index i of a run of `length`. */
double ait_schedule_rate(const ait_schedule *schedule, int64_t i, int64_t length);

/* Device memory that ends with the solver. */
ait_status ait_solver_allocate(ait_solver *solver, size_t bytes, void **memory);

/* The same for `count` numbers. */
ait_status ait_solver_allocate_reals(ait_solver *solver, int64_t count, ait_real **memory);

/* The memory of the method's implicit hyper-gradient, or of its differences. */
ait_status ait_implicit_create(ait_solver *solver);
ait_status ait_differences_create(ait_solver *solver);

/* Lays out and allocates the two blocks; ait_solver_release_blocks frees their host sides. */
ait_status ait_constants_create(ait_solver *solver);
ait_status ait_findings_create(ait_solver *solver);
void ait_solver_release_blocks(ait_solver *solver);

/* Writes this UL iteration's step sizes, coefficients and indices to the device. */
ait_status ait_constants_upload(ait_solver *solver);

/* Reads the findings (the host synchronisation of a UL iteration) and looks for divergence. */
ait_status ait_findings_read(ait_solver *solver);

/* Waits for the last sweep and reports it if its gradients are not finite. */
ait_status ait_solver_settle(ait_solver *solver);

#endif
