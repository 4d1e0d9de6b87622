/* blocks.c - the two blocks of memory through which host and device talk once a UL iteration.
 *
 * Step sizes, coefficients and indices go down in one copy; F along the trajectory, kbar and what is
 * not finite come up in one copy. Every array keeps its place for the life of the solver. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "solver/solver_state.h"

/* Reserves `bytes` in a block that is being laid out and returns their offset. */
static size_t reserve(size_t *block, size_t bytes) {
  const size_t alignment = 64;
  const size_t offset = *block;
  *block += (bytes + alignment - 1) / alignment * alignment;
  return offset;
}

/* Both sides of a block; the host's is filled with zeros. */
static ait_status allocate_block(ait_solver *solver, size_t bytes, void **host, void **device) {
  AIT_TRY(solver->device->runtime->allocate_host(solver->device, bytes, host));
  memset(*host, 0, bytes);
  return ait_solver_allocate(solver, bytes, device);
}

static void *at(void *block, size_t offset) {
  return (char *)block + offset;
}

/* beta_k = (t_k - 1) / t_{k+1} with t_0 = 1, t_{k+1} = (1 + sqrt(1 + 4 t_k^2)) / 2. */
static void nesterov_coefficients(int64_t count, ait_real *beta) {
  double t = 1;
  for (int64_t k = 0; k < count; k++) {
    const double next = (1 + sqrt(1 + 4 * t * t)) / 2;
    beta[k] = (ait_real)((t - 1) / next);
    t = next;
  }
}

ait_status ait_constants_create(ait_solver *solver) {
  ait_constants *constants = &solver->constants;
  const size_t K = (size_t)solver->K;
  const size_t update = reserve(&constants->bytes, 2 * sizeof(ait_update));
  const size_t alpha = reserve(&constants->bytes, K * sizeof(ait_real));
  const size_t alpha_ll = reserve(&constants->bytes, K * sizeof(ait_real));
  const size_t alpha_ul = reserve(&constants->bytes, K * sizeof(ait_real));
  const size_t beta = reserve(&constants->bytes, (K + 1) * sizeof(ait_real));
  const size_t step = reserve(&constants->bytes, (K + 1) * 2 * sizeof(int32_t));
  AIT_TRY(allocate_block(solver, constants->bytes, &constants->host, &constants->device));
  constants->host_update = at(constants->host, update);
  constants->host_alpha = at(constants->host, alpha);
  constants->host_alpha_ll = at(constants->host, alpha_ll);
  constants->host_alpha_ul = at(constants->host, alpha_ul);
  constants->host_beta = at(constants->host, beta);
  constants->host_step = at(constants->host, step);
  constants->update = at(constants->device, update);
  constants->alpha = at(constants->device, alpha);
  constants->alpha_ll = at(constants->device, alpha_ll);
  constants->alpha_ul = at(constants->device, alpha_ul);
  constants->beta = at(constants->device, beta);
  constants->step = at(constants->device, step);
  nesterov_coefficients(solver->K + 1, constants->host_beta);
  return AIT_OK;
}

ait_status ait_findings_create(ait_solver *solver) {
  ait_findings *findings = &solver->findings;
  const size_t values = (size_t)(solver->K + 1) * (size_t)solver->batch * sizeof(ait_real);
  const size_t F = reserve(&findings->bytes, values);
  const size_t f = reserve(&findings->bytes, values);
  const size_t kbar = reserve(&findings->bytes, (size_t)solver->batch * sizeof(int32_t));
  const size_t at_bound = reserve(&findings->bytes, (size_t)solver->K * sizeof(int32_t));
  const size_t nonfinite = reserve(&findings->bytes, 3 * sizeof(int32_t));
  const size_t curved = reserve(&findings->bytes, (size_t)solver->batch * sizeof(ait_real));
  const size_t row = (size_t)solver->batch * sizeof(ait_real);
  const size_t start = reserve(&findings->bytes, row), limit = reserve(&findings->bytes, row);
  const size_t residual = reserve(&findings->bytes, row), iterations = reserve(&findings->bytes, row);
  AIT_TRY(allocate_block(solver, findings->bytes, &findings->host, &findings->device));
  findings->host_F = at(findings->host, F);
  findings->host_f = at(findings->host, f);
  findings->host_kbar = at(findings->host, kbar);
  findings->host_at_bound = at(findings->host, at_bound);
  findings->host_nonfinite = at(findings->host, nonfinite);
  findings->host_curved = at(findings->host, curved);
  findings->host_start = at(findings->host, start);
  findings->host_limit = at(findings->host, limit);
  findings->host_residual = at(findings->host, residual);
  findings->host_iterations = at(findings->host, iterations);
  findings->F = at(findings->device, F);
  findings->f = at(findings->device, f);
  findings->kbar = at(findings->device, kbar);
  findings->at_bound = at(findings->device, at_bound);
  findings->nonfinite = at(findings->device, nonfinite);
  findings->curved = at(findings->device, curved);
  findings->start = at(findings->device, start);
  findings->limit = at(findings->device, limit);
  findings->residual = at(findings->device, residual);
  findings->iterations = at(findings->device, iterations);
  for (int64_t i = 0; i < (solver->K + 1) * solver->batch; i++) {
    findings->host_F[i] = (ait_real)NAN;
  }
  for (int64_t b = 0; b < solver->batch; b++) {
    findings->host_kbar[b] = (int32_t)solver->K;
  }
  return solver->device->runtime->copy_in(solver->device, findings->bytes, findings->host, findings->device);
}

void ait_solver_release_blocks(ait_solver *solver) {
  solver->device->runtime->release_host(solver->device, solver->constants.host);
  solver->device->runtime->release_host(solver->device, solver->findings.host);
}

static ait_update update_numbers(const ait_optimizer *optimizer, int64_t t, int64_t length) {
  return (ait_update){.rate = ait_schedule_rate(&optimizer->rate, t, length),
                      .momentum = optimizer->momentum,
                      .beta1 = optimizer->beta1,
                      .beta2 = optimizer->beta2,
                      .epsilon = optimizer->epsilon,
                      .correction1 = 1 - pow(optimizer->beta1, (double)(t + 1)),
                      .correction2 = 1 - pow(optimizer->beta2, (double)(t + 1)),
                      .gradient_scale = optimizer->gradient_scale};
}

/* alpha_k, and its shares of the two gradients. */
static void set_step_sizes(ait_solver *solver) {
  const ait_constants *constants = &solver->constants;
  const ait_aggregate *aggregate = &solver->options.method.aggregate;
  for (int64_t k = 0; k < solver->K; k++) {
    const double alpha = ait_schedule_rate(&solver->options.ll_rate, k, solver->K);
    const double mu = aggregate->mu * pow(aggregate->decay, (double)k);
    constants->host_alpha[k] = (ait_real)alpha;
    constants->host_alpha_ll[k] = (ait_real)(alpha * (1 - mu));
    constants->host_alpha_ul[k] = (ait_real)(alpha * mu);
  }
}

ait_status ait_constants_upload(ait_solver *solver) {
  ait_constants *constants = &solver->constants;
  const ait_solver_options *options = &solver->options;
  constants->host_update[0] = update_numbers(&options->ul_optimizer, solver->t, options->ul_iterations);
  constants->host_update[1] = update_numbers(&options->init_optimizer, solver->t, options->ul_iterations);
  set_step_sizes(solver);
  for (int64_t k = 0; k <= solver->K; k++) {
    constants->host_step[2 * k] = (int32_t)solver->t;
    constants->host_step[2 * k + 1] = (int32_t)k;
  }
  return solver->device->runtime->copy_in(solver->device, constants->bytes, constants->host, constants->device);
}

/* AIT_DIVERGED with everything a user needs to act on it. What is wrong before the first step is not the
 * work of the LL step size. */
static ait_status diverged(const ait_solver *solver, int64_t k, const char *what, double value, double began) {
  value = isnan(value) ? (double)NAN : value; /* which is printed without a sign */
  if (k == 0) {
    return ait_fail(
        AIT_DIVERGED,
        "UL iteration %lld starts far off: %s is %g before the first LL step, it began at %g; lower the step "
        "size of z (or of x), or scale the data",
        (long long)solver->t, what, value, began);
  }
  return ait_fail(
      AIT_DIVERGED,
      "the lower level diverged in UL iteration %lld at step k = %lld of %lld: %s is %g, it began at %g; the "
      "LL step size is %g: lower it",
      (long long)solver->t, (long long)k, (long long)solver->K, what, value, began,
      ait_schedule_rate(&solver->options.ll_rate, k < solver->K ? k : solver->K - 1, solver->K));
}

/* Nonzero where a value is not finite, or above its start by more than the limit. */
static int32_t exploded(const ait_solver *solver, double value, double began) {
  const double limit = began + solver->options.divergence_limit * fmax(1, fabs(began));
  return !isfinite(value) || value > limit;
}

/* f and F of step k, entry b. f is known at y_0 .. y_{K-1}, F where it is evaluated. Where nothing descends
 * F it may grow as it likes: rows left out of a training tell of overfitting that way. */
static ait_status look_at_step(const ait_solver *solver, int64_t k, int64_t b) {
  const ait_findings *findings = &solver->findings;
  const double f = findings->host_f[k * solver->batch + b], F = findings->host_F[k * solver->batch + b];
  if (k < solver->K && exploded(solver, f, solver->f_reference[b])) {
    return diverged(solver, k, "f", f, solver->f_reference[b]);
  }
  if (!ait_evaluates_F(solver, k)) {
    return AIT_OK;
  }
  const int32_t descended = solver->options.method.hypergradient != AIT_HYPERGRADIENT_NONE;
  if (!isfinite(F) || (descended && exploded(solver, F, solver->F_reference[b]))) {
    return diverged(solver, k, "F", F, solver->F_reference[b]);
  }
  return AIT_OK;
}

/* The first rollout tells f(x_0, y_0) and F(x_0, y_0). */
static void keep_references(ait_solver *solver) {
  const ait_real *f = solver->findings.host_f;
  for (int64_t b = 0; b < solver->batch && !solver->has_references; b++) {
    solver->f_reference[b] = f[b];
    solver->F_reference[b] = f[solver->K * solver->batch + b];
  }
  solver->has_references = 1;
}

/* f and F may rise along a trajectory, but not a thousandfold: then the step size is wrong. */
static ait_status look_for_divergence(ait_solver *solver) {
  keep_references(solver);
  for (int64_t k = 0; k <= solver->K; k++) {
    for (int64_t b = 0; b < solver->batch; b++) {
      const ait_status status = look_at_step(solver, k, b);
      if (status != AIT_OK) {
        solver->diverged_entry = b;
        return status;
      }
    }
  }
  return solver->findings.host_nonfinite[0] > 0 ? diverged(solver, solver->K, "y", NAN, solver->f_reference[0])
                                                : AIT_OK;
}

/* AIT_DIVERGED where the last hyper-gradient is not finite. */
static ait_status look_for_overflow(const ait_solver *solver) {
  static const struct {
    const char *vector, *advice;
  } words[] = {
      [AIT_HYPERGRADIENT_REVERSE] = {"dF/dz",
                                     "the reverse sweep overflowed; lower the LL step size or the number of LL steps"},
      [AIT_HYPERGRADIENT_CONJUGATE_GRADIENT] =
          {"the residual", "conjugate gradient overflowed; lower its number of iterations or raise its damping"},
      [AIT_HYPERGRADIENT_NEUMANN] = {"the last term",
                                     "the Neumann series overflowed; lower the LL step size or the number of terms"},
  };
  const ait_hypergradient kind = solver->options.method.hypergradient;
  const int32_t *nonfinite = solver->findings.host_nonfinite;
  if (nonfinite[1] == 0 && nonfinite[2] == 0) {
    return AIT_OK;
  }
  return ait_fail(
      AIT_DIVERGED, "the hyper-gradient of UL iteration %lld is not finite (%d entries of dF/dx, %d of %s): %s",
      (long long)solver->sweep_iteration, nonfinite[1], nonfinite[2], words[kind].vector, words[kind].advice);
}

/* Adds up how often conjugate gradient met negative curvature; AIT_DIVERGED where that is an error. */
static ait_status look_at_curvature(ait_solver *solver) {
  int64_t met = 0, first = -1;
  for (int64_t b = 0; b < solver->batch; b++) {
    const int64_t here = (int64_t)solver->findings.host_curved[b];
    solver->curved[b] += here;
    met += here > 0;
    first = first < 0 && here > 0 ? b : first;
  }
  if (met == 0 || solver->options.method.conjugate_gradient.negative_curvature != AIT_NEGATIVE_CURVATURE_ERROR) {
    return AIT_OK;
  }
  solver->diverged_entry = first;
  return ait_fail(
      AIT_DIVERGED,
      "conjugate gradient met negative curvature in UL iteration %lld (in %lld of %lld LL problems): the LL "
      "problem is not convex at y_K; raise the damping, let negative curvature continue or stop it, or "
      "choose another hyper-gradient",
      (long long)solver->sweep_iteration, (long long)met, (long long)solver->batch);
}

static ait_status look_at_sweep(ait_solver *solver) {
  solver->unsettled = 0;
  AIT_TRY(look_at_curvature(solver));
  return look_for_overflow(solver);
}

static ait_status copy_findings(ait_solver *solver) {
  const ait_runtime_ops *runtime = solver->device->runtime;
  AIT_TRY(runtime->copy_out(solver->device, solver->findings.bytes, solver->findings.device, solver->findings.host));
  return runtime->synchronize(solver->device);
}

ait_status ait_findings_read(ait_solver *solver) {
  solver->diverged_entry = -1;
  AIT_TRY(copy_findings(solver));
  if (solver->unsettled) {
    AIT_TRY(look_at_sweep(solver));
  }
  ait_quasi_newton_look(solver);
  return look_for_divergence(solver);
}

ait_status ait_solver_settle(ait_solver *solver) {
  if (!solver->unsettled) {
    return solver->device->runtime->synchronize(solver->device);
  }
  solver->diverged_entry = -1;
  AIT_TRY(copy_findings(solver));
  return look_at_sweep(solver);
}
