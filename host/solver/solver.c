/* solver.c - Algorithm 1: the augmented iterative trajectory method. */
#include "ait/solver.h"

#include <math.h>
#include <stdlib.h>

#include "context/context.h"
#include "context/error.h"
#include "solver/solver_state.h"

/* ---- the algorithm ------------------------------------------------------------------------------- */

ait_status ait_solver_rollout(ait_solver *solver) {
  AIT_TRY(ait_constants_upload(solver));
  AIT_TRY(ait_initialise_lower_level(solver)); /* y_0 = z_t */
  AIT_TRY(ait_rollout(solver));                /* y_{k+1} = Proj_Y(y_k - alpha_k grad_y f(x_t, y_k)) and */
  return ait_findings_read(solver);            /* kbar = argmax over 1 <= k <= K of F(x_t, y_k) */
}

static ait_status rollout_and_reverse(ait_solver *solver) {
  if (solver->options.method.hypergradient == AIT_HYPERGRADIENT_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the solver's method has no hyper-gradient: it can only roll out");
  }
  AIT_TRY(ait_solver_rollout(solver));
  return ait_hypergradient_of(solver); /* gx = d/dx F(x_t, y_kbar(x_t, z_t)), gz = d/dz of the same */
}

ait_status ait_solver_step(ait_solver *solver) {
  AIT_TRY(rollout_and_reverse(solver));
  AIT_TRY(ait_update_upper_level(solver));    /* x_{t+1} = Proj_X(x_t - alpha_x gx) */
  AIT_TRY(ait_update_initialisation(solver)); /* z_{t+1} = Proj_Y(z_t - alpha_z gz) */
  solver->t++;
  return AIT_OK;
}

ait_status ait_solver_run(ait_solver *solver, ait_solver_callback callback, void *user) {
  while (solver->t < solver->options.ul_iterations) {
    AIT_TRY(ait_solver_step(solver));
    if (callback != NULL && callback(solver, user) != 0) {
      return ait_fail(AIT_STOPPED, "the callback stopped the run after %lld of %lld UL iterations",
                      (long long)solver->t, (long long)solver->options.ul_iterations);
    }
  }
  return ait_solver_settle(solver);
}

ait_status ait_solver_hypergradient(ait_solver *solver) {
  AIT_TRY(rollout_and_reverse(solver));
  return ait_solver_settle(solver);
}

/* ---- a solver's life ------------------------------------------------------------------------------- */

ait_status ait_solver_allocate(ait_solver *solver, size_t bytes, void **memory) {
  AIT_TRY(solver->device->runtime->allocate(solver->device, bytes, memory));
  solver->allocations[solver->allocated++] = *memory;
  return AIT_OK;
}

ait_status ait_solver_allocate_reals(ait_solver *solver, int64_t count, ait_real **memory) {
  void *made;
  if (count > (int64_t)(PTRDIFF_MAX / sizeof(ait_real))) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%lld numbers do not fit into memory", (long long)count);
  }
  AIT_TRY(ait_solver_allocate(solver, (size_t)count * sizeof(ait_real), &made));
  *memory = made;
  return AIT_OK;
}

static ait_status allocate_zeros(ait_solver *solver, int64_t count, ait_real **memory) {
  AIT_TRY(ait_solver_allocate_reals(solver, count, memory));
  return solver->device->runtime->fill(solver->device, (size_t)count * sizeof(ait_real), 0, *memory);
}

static ait_status check_finite(const char *name, int64_t count, const ait_real *v) {
  for (int64_t i = 0; i < count; i++) {
    if (!isfinite(v[i])) {
      return ait_fail(AIT_BAD_DATA, "%s[%lld] is %g; expected a finite number", name, (long long)i, (double)v[i]);
    }
  }
  return AIT_OK;
}

static ait_status create_variable(ait_solver *solver, ait_variable *variable, int64_t size, const char *name,
                                  const ait_real *start, const ait_optimizer *optimizer) {
  AIT_TRY(check_finite(name, size, start));
  variable->size = size;
  AIT_TRY(ait_solver_allocate_reals(solver, size, &variable->value));
  AIT_TRY(allocate_zeros(solver, size, &variable->gradient));
  AIT_TRY(allocate_zeros(solver, size, &variable->moment1));
  if (optimizer->kind == AIT_OPTIMIZER_ADAM) {
    AIT_TRY(allocate_zeros(solver, size, &variable->moment2));
  }
  return solver->device->runtime->copy_in(solver->device, (size_t)size * sizeof *start, start, variable->value);
}

/* The point that z is drawn to: z0, 0, or the caller's. */
static ait_status create_prior(ait_solver *solver, const ait_real *z0) {
  const ait_solver_options *options = &solver->options;
  const int64_t size = solver->z.size;
  const ait_real *point = options->prior == AIT_PRIOR_GIVEN ? options->prior_point : z0;
  if (options->method.prior_weight == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->z_descent));
  AIT_TRY(allocate_zeros(solver, size, &solver->prior));
  if (options->prior == AIT_PRIOR_ZERO) {
    return AIT_OK;
  }
  AIT_TRY(check_finite("the prior", size, point));
  return solver->device->runtime->copy_in(solver->device, (size_t)size * sizeof *point, point, solver->prior);
}

/* What a hyper-gradient needs beside the trajectory. */
static ait_status create_hypergradient(ait_solver *solver) {
  const int64_t size = solver->batch * solver->m;
  void *masks;
  AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->hv));
  AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->y_kbar));
  AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->gy));
  AIT_TRY(ait_solver_allocate(solver, 2 * (size_t)solver->batch, &masks));
  solver->enter = masks;
  solver->active = solver->enter + solver->batch;
  if (ait_is_implicit(&solver->options.method)) {
    return ait_implicit_create(solver);
  }
  for (int i = 0; i < (solver->options.method.nesterov ? 3 : 1); i++) {
    AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->adjoint[i]));
  }
  return solver->options.method.hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES ? ait_differences_create(solver)
                                                                                      : AIT_OK;
}

static ait_status create_parts(ait_solver *solver, const ait_real *x0, const ait_real *z0) {
  const ait_solver_options *options = &solver->options;
  const int64_t size = solver->batch * solver->m;
  AIT_TRY(ait_mapping_create(solver));
  AIT_TRY(create_variable(solver, &solver->x, solver->n, "x0", x0, &options->ul_optimizer));
  AIT_TRY(create_variable(solver, &solver->z, size, "z0", z0, &options->init_optimizer));
  AIT_TRY(create_prior(solver, z0));
  AIT_TRY(ait_trajectory_create(solver));
  AIT_TRY(ait_constants_create(solver));
  AIT_TRY(ait_findings_create(solver));
  AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->g));
  if (options->method.nesterov) {
    AIT_TRY(ait_solver_allocate_reals(solver, size, &solver->u));
  }
  if (options->method.hypergradient != AIT_HYPERGRADIENT_NONE) {
    AIT_TRY(create_hypergradient(solver));
  }
  AIT_TRY(ait_quasi_newton_create(solver));
  AIT_TRY(ait_oracles_prepare(solver));
  AIT_TRY(ait_recordings_create(solver));
  solver->f_reference = calloc(2 * (size_t)solver->batch, sizeof *solver->f_reference);
  solver->curved = calloc((size_t)solver->batch, sizeof *solver->curved);
  solver->unsolved = calloc((size_t)solver->batch, sizeof *solver->unsolved);
  if (solver->f_reference == NULL || solver->curved == NULL || solver->unsolved == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a solver");
  }
  solver->F_reference = solver->f_reference + solver->batch;
  return AIT_OK;
}

/* Whether the problem has the optional oracles that the method calls. */
static ait_status check_oracles(const ait_problem *problem, const ait_method *method) {
  if (method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES && problem->oracles.ll_x_gradient == NULL) {
    return ait_fail(AIT_UNSUPPORTED,
                    "the hyper-gradient is by finite differences but the problem has no oracle ll_x_gradient: give it "
                    "one or choose reverse accumulation");
  }
  return AIT_OK;
}

ait_status ait_solver_create(ait_problem *problem, const ait_solver_options *options, const ait_real *x0,
                             const ait_real *z0, ait_solver **solver) {
  AIT_TRY(ait_solver_options_check(options));
  AIT_TRY(check_oracles(problem, &options->method));
  ait_solver *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a solver");
  }
  made->problem = problem;
  made->device = &problem->context->device;
  made->options = *options;
  made->batch = problem->batch;
  made->n = problem->n;
  made->m = problem->m;
  made->K = options->ll_steps;
  made->X = problem->X;
  made->Y = problem->Y;
  made->diverged_entry = -1;
  ait_status status = create_parts(made, x0, z0);
  if (status != AIT_OK) {
    ait_solver_destroy(made);
    return status;
  }
  *solver = made;
  return AIT_OK;
}

void ait_solver_destroy(ait_solver *solver) {
  if (solver == NULL) {
    return;
  }
  ait_recordings_release(solver);
  for (int32_t i = 0; i < solver->allocated; i++) {
    solver->device->runtime->release(solver->device, solver->allocations[i]);
  }
  ait_solver_release_blocks(solver);
  ait_oracles_release(solver);
  free(solver->f_reference);
  free(solver->curved);
  free(solver->unsolved);
  free(solver);
}
