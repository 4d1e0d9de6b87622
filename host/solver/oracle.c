/* oracle.c - calls a problem's oracles.
 *
 * They get device pointers. A problem that wants host pointers, on a device with memory of its own,
 * gets host copies: each call then waits for its inputs and sends its outputs down. */
#include <string.h>

#include "context/error.h"
#include "solver/solver_state.h"

/* ---- host copies ------------------------------------------------------------------------------------ */

/* Host memory that the device copies to by itself, so that a call waits once for all its inputs. */
static ait_status allocate_host(ait_solver *solver, int64_t count, size_t size, void *pointer) {
  void *memory;
  AIT_TRY(solver->device->runtime->allocate_host(solver->device, (size_t)count * size, &memory));
  memcpy(pointer, &memory, sizeof memory);
  return AIT_OK;
}

static ait_status create_staging(ait_solver *solver, size_t workspace) {
  ait_staging *staging = &solver->staging;
  const int64_t size = solver->batch * solver->m;
  staging->wanted = 1;
  AIT_TRY(allocate_host(solver, solver->n, sizeof(ait_real), &staging->x));
  AIT_TRY(allocate_host(solver, solver->n, sizeof(ait_real), &staging->xv));
  AIT_TRY(allocate_host(solver, size, sizeof(ait_real), &staging->y));
  AIT_TRY(allocate_host(solver, size, sizeof(ait_real), &staging->v));
  AIT_TRY(allocate_host(solver, size, sizeof(ait_real), &staging->hv));
  AIT_TRY(allocate_host(solver, solver->batch, sizeof(ait_real), &staging->values));
  AIT_TRY(allocate_host(solver, solver->batch, 1, &staging->active));
  return allocate_host(solver, 1, workspace, &staging->workspace);
}

ait_status ait_oracles_prepare(ait_solver *solver) {
  const ait_oracles *oracles = &solver->problem->oracles;
  if (solver->problem->term_count > 0) {
    AIT_TRY(ait_solver_allocate_reals(solver, 3, &solver->term));
  }
  const size_t workspace = oracles->workspace != NULL ? oracles->workspace(solver->problem->self, solver->batch) : 0;
  if ((oracles->flags & AIT_HOST_POINTERS) && !solver->device->runtime->host_memory) {
    return create_staging(solver, workspace);
  }
  /* Zeros, for what an oracle leaves out of an inactive entry may still be read before it is masked. */
  AIT_TRY(ait_solver_allocate(solver, workspace, &solver->workspace));
  return solver->device->runtime->fill(solver->device, workspace, 0, solver->workspace);
}

void ait_oracles_release(ait_solver *solver) {
  const ait_staging *staging = &solver->staging;
  void *const memory[] = {staging->x,  staging->xv,     staging->y,      staging->v,
                          staging->hv, staging->values, staging->active, staging->workspace};
  for (size_t i = 0; staging->wanted && i < sizeof memory / sizeof *memory; i++) {
    solver->device->runtime->release_host(solver->device, memory[i]);
  }
}

static ait_status fetch(ait_solver *solver, size_t bytes, const void *source, void *host) {
  return solver->device->runtime->copy_out(solver->device, bytes, source, host);
}

/* What an oracle wrote into a host copy goes to where it belongs. */
static ait_status deliver(ait_solver *solver, int64_t count, const ait_real *host, ait_real *target) {
  if (!solver->staging.wanted) {
    return AIT_OK;
  }
  return solver->device->runtime->copy_in(solver->device, (size_t)count * sizeof *host, host, target);
}

/* Where an oracle writes an output. */
static ait_real *landing(const ait_solver *solver, ait_real *host, ait_real *target) {
  return solver->staging.wanted ? host : target;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

/* What every call reads, as device or as host pointers. */
typedef struct oracle_inputs {
  ait_call call;
  const ait_real *x, *y, *v;
} oracle_inputs;

static ait_status fetch_inputs(ait_solver *solver, int64_t k, oracle_inputs *in) {
  ait_staging *staging = &solver->staging;
  const size_t size = (size_t)(solver->batch * solver->m) * sizeof(ait_real);
  AIT_TRY(fetch(solver, (size_t)solver->n * sizeof(ait_real), in->x, staging->x));
  AIT_TRY(fetch(solver, size, in->y, staging->y));
  if (in->v != NULL) {
    AIT_TRY(fetch(solver, size, in->v, staging->v));
    in->v = staging->v;
  }
  if (in->call.active != NULL) {
    AIT_TRY(fetch(solver, (size_t)solver->batch, in->call.active, staging->active));
    in->call.active = staging->active;
  }
  in->x = staging->x;
  in->y = staging->y;
  in->call.step = solver->constants.host_step + 2 * k;
  in->call.workspace = staging->workspace;
  return solver->device->runtime->synchronize(solver->device);
}

ait_call ait_call_at(const ait_solver *solver, int64_t k) {
  return (ait_call){.context = solver->problem->context,
                    .stream = solver->device->stream,
                    .batch = solver->batch,
                    .n = solver->n,
                    .m = solver->m,
                    .step = solver->constants.step + 2 * k,
                    .workspace = solver->workspace};
}

/* Inputs of a call at LL step k for the entries of a mask, or all of them (NULL). */
static ait_status inputs_of(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v, const uint8_t *active,
                            oracle_inputs *in) {
  *in = (oracle_inputs){.call = ait_call_at(solver, k), .x = solver->x.value, .y = y, .v = v};
  in->call.active = active;
  return solver->staging.wanted ? fetch_inputs(solver, k, in) : AIT_OK;
}

/* The same; with a direction v only the active entries count. */
static ait_status inputs_at(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v, oracle_inputs *in) {
  return inputs_of(solver, k, y, v, v != NULL ? solver->active : NULL, in);
}

ait_status ait_call_ll_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *g, ait_real *f) {
  return ait_call_ll_gradient_of(solver, k, y, NULL, g, f);
}

ait_status ait_call_ll_gradient_of(ait_solver *solver, int64_t k, const ait_real *y, const uint8_t *active, ait_real *g,
                                   ait_real *f) {
  const ait_problem *problem = solver->problem;
  ait_real *out = landing(solver, solver->staging.hv, g), *value = landing(solver, solver->staging.values, f);
  oracle_inputs in;
  AIT_TRY(inputs_of(solver, k, y, NULL, active, &in));
  AIT_TRY(problem->oracles.ll_gradient(problem->self, &in.call, in.x, in.y, out, value));
  AIT_TRY(deliver(solver, solver->batch * solver->m, out, g));
  AIT_TRY(deliver(solver, solver->batch, value, f));
  return ait_terms_add_gradient(solver, y, active, g, f);
}

ait_status ait_call_ll_products(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v) {
  const ait_problem *problem = solver->problem;
  ait_real *hv = landing(solver, solver->staging.hv, solver->hv), *xv = landing(solver, solver->staging.xv, solver->xv);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, v, &in));
  AIT_TRY(problem->oracles.ll_products(problem->self, &in.call, in.x, in.y, in.v, hv, xv));
  AIT_TRY(deliver(solver, solver->batch * solver->m, hv, solver->hv));
  AIT_TRY(deliver(solver, solver->n, xv, solver->xv));
  return ait_terms_add_product(solver, y, v, solver->hv);
}

ait_status ait_call_ll_x_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *gx) {
  const ait_problem *problem = solver->problem;
  ait_real *out = landing(solver, solver->staging.xv, gx);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, NULL, &in));
  AIT_TRY(problem->oracles.ll_x_gradient(problem->self, &in.call, in.x, in.y, out));
  return deliver(solver, solver->n, out, gx);
}

ait_status ait_call_ll_preconditioner(ait_solver *solver, int64_t k, const ait_real *y, ait_real *inverse_diagonal) {
  const ait_problem *problem = solver->problem;
  ait_real *out = landing(solver, solver->staging.hv, inverse_diagonal);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, NULL, &in));
  AIT_TRY(problem->oracles.ll_preconditioner(problem->self, &in.call, in.x, in.y, out));
  return deliver(solver, solver->batch * solver->m, out, inverse_diagonal);
}

ait_status ait_call_ll_precondition(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v,
                                    ait_real *out) {
  const ait_problem *problem = solver->problem;
  ait_real *product = landing(solver, solver->staging.hv, out);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, v, &in));
  AIT_TRY(problem->oracles.ll_precondition(problem->self, &in.call, in.x, in.y, in.v, product));
  return deliver(solver, solver->batch * solver->m, product, out);
}

ait_status ait_call_ul_products(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v, ait_real *hv) {
  const ait_problem *problem = solver->problem;
  ait_real *y_part = landing(solver, solver->staging.hv, hv), *xv = landing(solver, solver->staging.xv, solver->xv);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, v, &in));
  AIT_TRY(problem->oracles.ul_products(problem->self, &in.call, in.x, in.y, in.v, y_part, xv));
  AIT_TRY(deliver(solver, solver->batch * solver->m, y_part, hv));
  return deliver(solver, solver->n, xv, solver->xv);
}

ait_status ait_call_ul_value(ait_solver *solver, int64_t k, const ait_real *y, ait_real *F) {
  const ait_problem *problem = solver->problem;
  ait_real *value = landing(solver, solver->staging.values, F);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, NULL, &in));
  AIT_TRY(problem->oracles.ul_value(problem->self, &in.call, in.x, in.y, value));
  return deliver(solver, solver->batch, value, F);
}

ait_status ait_call_ul_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *gx, ait_real *gy) {
  const ait_problem *problem = solver->problem;
  ait_real *x_part = landing(solver, solver->staging.xv, gx), *y_part = landing(solver, solver->staging.hv, gy);
  oracle_inputs in;
  AIT_TRY(inputs_at(solver, k, y, NULL, &in));
  AIT_TRY(problem->oracles.ul_gradient(problem->self, &in.call, in.x, in.y, x_part, y_part));
  AIT_TRY(deliver(solver, solver->n, x_part, gx));
  return deliver(solver, solver->batch * solver->m, y_part, gy);
}
