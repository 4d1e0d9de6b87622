/* solver.h - Algorithm 1 of the paper: the augmented iterative trajectory method.
 *
 *     for t = 0 .. T-1
 *       y_0 = z_t
 *       y_{k+1} = Proj_Y(y_k - alpha_k grad_y f(x_t, y_k)),  k = 0 .. K-1      (rollout)
 *       kbar = argmax over 1 <= k <= K of F(x_t, y_k)                          (truncation)
 *       x_{t+1} = Proj_X(x_t - alpha_x d/dx F(x_t, y_kbar(x_t, z_t)))          (hyper-gradient, update)
 *       z_{t+1} = Proj_Y(z_t - alpha_z d/dz F(x_t, y_kbar(x_t, z_t)))
 */
#ifndef AIT_SOLVER_H
#define AIT_SOLVER_H

#include "ait/method.h"
#include "ait/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_solver ait_solver;

/* A step size as a function of an index i (the LL step k, or the UL iteration t). */
typedef enum ait_schedule_kind {
  AIT_SCHEDULE_CONSTANT, /* rate */
  AIT_SCHEDULE_STEP,     /* rate * factor^floor(i / period) */
  AIT_SCHEDULE_COSINE    /* final + (rate - final) (1 + cos(pi min(i, period) / period)) / 2 */
} ait_schedule_kind;

typedef struct ait_schedule {
  ait_schedule_kind kind;
  double rate;    /* > 0 (0 is allowed for UL steps: hold still) */
  double factor;  /* step: > 0, default 1 */
  double final;   /* cosine: the rate from i = period on, >= 0, default 0 */
  int64_t period; /* step, cosine: >= 1; 0: the run's length (K for LL steps, T for UL steps) */
} ait_schedule;

typedef enum ait_optimizer_kind { AIT_OPTIMIZER_SGD, AIT_OPTIMIZER_ADAM } ait_optimizer_kind;

/* An update rule of x or of z, as PyTorch defines it.
 *   SGD:  v = momentum v + s g;  x = x - rate v
 *   Adam: m = beta1 m + (1 - beta1) s g;  v = beta2 v + (1 - beta2) (s g)^2;
 *         x = x - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) */
typedef struct ait_optimizer {
  ait_optimizer_kind kind;
  ait_schedule rate;
  double momentum;       /* SGD: 0 <= momentum < 1; default 0 */
  double beta1, beta2;   /* Adam: default 0.9, 0.999 */
  double epsilon;        /* Adam: default 1e-8 */
  double gradient_scale; /* s, default 1: hyper-cleaning sets N, for its gx scales as 1/N */
} ait_optimizer;

/* What z is drawn to where method.prior_weight is not 0. */
typedef enum ait_prior {
  AIT_PRIOR_INITIAL, /* z0 */
  AIT_PRIOR_ZERO,
  AIT_PRIOR_GIVEN /* prior_point */
} ait_prior;

typedef struct ait_solver_options {
  size_t struct_size;           /* set by ait_solver_options_init */
  ait_method method;            /* default: iaptt-gm */
  int64_t ul_iterations;        /* T, >= 1, default 100: the length of ait_solver_run and of schedules */
  int64_t ll_steps;             /* K, >= 1, default 100 */
  ait_schedule ll_rate;         /* alpha_k; default: constant 0.1 */
  ait_optimizer ul_optimizer;   /* of x; default: SGD, rate 0.1 */
  ait_optimizer init_optimizer; /* of z; default: SGD, rate 0.1 */
  double
      divergence_limit; /* stop when f at an LL step, or F where it is evaluated (and descended), exceeds its value at
                           (x_0, y_0) by this times max(1, |that value|); default 1000; infinity: stop
                           only at values that are not finite */
  ait_prior prior;      /* default: AIT_PRIOR_INITIAL */
  const ait_real *prior_point; /* host, batch x m, copied; for AIT_PRIOR_GIVEN, else NULL */
  int32_t record_trajectory;   /* nonzero: F at every y_0 .. y_K, whatever the truncation needs */
  int64_t trajectory_bytes; /* device memory that the stored states of the trajectory may take, in bytes; 0 (default):
                               as much as the plan that stores all of them takes */
  int64_t trajectory_every; /* c of the plan; 0 (default): the best one for trajectory_bytes. Without a hyper-gradient
                               along the trajectory it is not looked at */
} ait_solver_options;

AIT_API void ait_solver_options_init(ait_solver_options *options);

/* How the trajectory of a rollout is stored (docs/derivation.md#trajectories-in-memory): every state that the
 * hyper-gradient goes back to, or every c-th with the states between computed once more. All plans give the same
 * bits. */
typedef struct ait_trajectory_plan {
  int64_t every;  /* c, at most the LL steps that are differentiated: as many, and every state is stored; 0: the
                     hyper-gradient does not go back along the trajectory, of which no more than the last states
                     are stored */
  int64_t states; /* of batch x m numbers that are in memory at a time */
  int64_t recomputed_steps; /* LL steps that a UL iteration takes a second time; with pessimistic truncation at most */
  int64_t bytes;            /* of the states */
} ait_trajectory_plan;

/* The plan of a solver with these options for a problem of that size: without trajectory_bytes, or where they are
 * enough, every state; else the c with the fewest recomputed steps that fits, of equals the one with the fewest bytes.
 * Errors: AIT_INVALID_ARGUMENT: an option is off; or no plan fits, and *plan is the one with the fewest bytes, which
 * the sentence tells. AIT_OUT_OF_MEMORY: a state is larger than any memory. */
AIT_API ait_status ait_solver_plan_trajectory(const ait_solver_options *options, int64_t batch, int64_t m,
                                              ait_trajectory_plan *plan);

/* Makes a solver. `x0` (n) and `z0` (batch x m) are host arrays and are copied, not projected; options
 * are copied.
 * The problem must outlive the solver. Every setting is checked; a combination that makes no sense
 * is refused with the two choices that clash.
 * Errors: AIT_INVALID_ARGUMENT, AIT_UNSUPPORTED (the problem lacks an optional oracle that the method needs),
 * AIT_BAD_DATA (x0, z0 or the prior not finite), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_solver_create(ait_problem *problem, const ait_solver_options *options, const ait_real *x0,
                                     const ait_real *z0, ait_solver **solver);
AIT_API void ait_solver_destroy(ait_solver *solver); /* NULL is allowed */

/* One UL iteration t: rollout, truncation, hyper-gradient, update of x and z. One host
 * synchronisation, and one more where negative curvature is an error. After AIT_DIVERGED the sentence names t and k,
 * and x and z are not to be used.
 * Errors: AIT_DIVERGED, AIT_DEVICE_ERROR, and whatever an oracle returns. */
AIT_API ait_status ait_solver_step(ait_solver *solver);

/* Called after each UL iteration; nonzero stops the run with AIT_STOPPED. */
typedef int32_t (*ait_solver_callback)(ait_solver *solver, void *user);

/* Steps until T iterations have been made in all; `callback` may be NULL. */
AIT_API ait_status ait_solver_run(ait_solver *solver, ait_solver_callback callback, void *user);

/* The hyper-gradient at the present (x, z), with no update: rollout, truncation, then reverse sweep or implicit
 * solution. An implicit hyper-gradient (docs/derivation.md#implicit-hyper-gradients) is taken at y_K and has gz = 0;
 * its solver stores no trajectory. By finite differences (docs/derivation.md#one-stage) gz is 0 where the start is not
 * learned. */
AIT_API ait_status ait_solver_hypergradient(ait_solver *solver);

/* The K LL steps from the present z alone: y_1 .. y_K and, with record_trajectory, F. */
AIT_API ait_status ait_solver_rollout(ait_solver *solver);

/* L, the largest absolute eigenvalue of H = the second derivative of f in y, over the LL problems of a batch, at
 * (x, y): n and batch x m host numbers. A gradient step of size up to 1 / L lowers an f of such curvature.
 * Power iteration (docs/derivation.md#the-size-of-an-ll-step) from a direction drawn by `seed`: the result is never
 * above L, and has settled to a thousandth, as a rule; it takes 32 products with H, at most 256. 0 where H = 0.
 * Errors: AIT_DIVERGED (H is not finite), AIT_BAD_DATA (x or y is not finite), AIT_OUT_OF_MEMORY, and whatever an
 * oracle returns. */
AIT_API ait_status ait_problem_ll_curvature(ait_problem *problem, const ait_real *x, const ait_real *y, uint64_t seed,
                                            double *curvature);

/* UL iterations made so far. */
AIT_API int64_t ait_solver_iteration(const ait_solver *solver);

/* Copies to the caller's host arrays. Each waits for the device. x, gx: n entries. z, gz, y_K, y at
 * kbar: batch x m. Errors: AIT_DEVICE_ERROR; AIT_DIVERGED when the last sweep was not finite;
 * AIT_UNSUPPORTED for gradients before the first hyper-gradient or y before the first rollout. */
AIT_API ait_status ait_solver_get_x(ait_solver *solver, ait_real *x);
AIT_API ait_status ait_solver_get_z(ait_solver *solver, ait_real *z);
AIT_API ait_status ait_solver_get_y(ait_solver *solver, ait_real *y);
AIT_API ait_status ait_solver_get_y_kbar(ait_solver *solver, ait_real *y);
AIT_API ait_status ait_solver_get_gx(ait_solver *solver, ait_real *gx);
AIT_API ait_status ait_solver_get_gz(ait_solver *solver, ait_real *gz);

/* Directions of conjugate gradient whose curvature was not above 0, over all hyper-gradients so far: `batch` host
 * entries, 0 with another hyper-gradient. Waits for the device. Errors: as for the copies above. */
AIT_API ait_status ait_solver_curvature_count(ait_solver *solver, int64_t *directions);

/* With AIT_MAPPING_LBFGS, `batch` host entries each, of the last rollout: ||grad_y f(x, y_K)|| / ||grad_y f(x, y_0)||,
 * and the steps that led from y_0 to y_K; and of all rollouts so far, those that did not meet the tolerance (0 where it
 * is 0). Errors: AIT_UNSUPPORTED (another mapping). */
AIT_API ait_status ait_solver_ll_solution(const ait_solver *solver, double *residual, int64_t *iterations,
                                          int64_t *unsolved);

/* Replaces x or z by a host array; optimiser state is kept. Errors: AIT_BAD_DATA (not finite). */
AIT_API ait_status ait_solver_set_x(ait_solver *solver, const ait_real *x);
AIT_API ait_status ait_solver_set_z(ait_solver *solver, const ait_real *z);

/* All that a solver needs to go on later: t, x, z, the moments of both optimisers, what divergence is measured against,
 * and the counts above; gradients and trajectory are made anew. A solver of the same problem, options, x0 and z0 (a
 * prior is made of them) that takes a state makes the same bits from there on as the one that gave it, on the same
 * device and the same build. `state` is a host block of ait_solver_state_size bytes, little-endian on every machine,
 * that the caller owns and guards: it has no checksum. Get waits for the device; errors: AIT_DIVERGED when the last
 * sweep was not finite, AIT_DEVICE_ERROR. Set replaces what the solver was, but for an error of AIT_BAD_DATA (the state
 * is of another version, precision or shape, or cut), which leaves it as it was. */
AIT_API size_t ait_solver_state_size(const ait_solver *solver);
AIT_API ait_status ait_solver_get_state(ait_solver *solver, void *state);
AIT_API ait_status ait_solver_set_state(ait_solver *solver, size_t bytes, const void *state);

/* Of the last rollout, on the host, owned by the solver and valid until the next one: kbar (batch
 * entries), and F along the trajectory, F[k * batch + b] for k = 0 .. K. F is NaN where it was not
 * evaluated (k = 0 without record_trajectory; k < K where the truncation does not need it; k = K where
 * the method has no hyper-gradient either). */
AIT_API const int32_t *ait_solver_kbar(const ait_solver *solver);
AIT_API const ait_real *ait_solver_trajectory_F(const ait_solver *solver);

#ifdef __cplusplus
}
#endif
#endif
