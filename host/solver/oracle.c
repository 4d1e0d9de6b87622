/* oracle.c - calls a problem's oracles. */
#include "context/error.h"
#include "solver/solver_state.h"

static ait_call call_at(const ait_solver *solver, int64_t k, const uint8_t *active) {
  return (ait_call){.context = solver->problem->context,
                    .stream = solver->device->stream,
                    .batch = solver->batch,
                    .n = solver->n,
                    .m = solver->m,
                    .step = solver->constants.step + 2 * k,
                    .active = active,
                    .workspace = solver->workspace};
}

ait_status ait_call_ll_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *g, ait_real *f) {
  const ait_call call = call_at(solver, k, NULL);
  return solver->problem->oracles.ll_gradient(solver->problem->self, &call, solver->x.value, y, g, f);
}

ait_status ait_call_ll_products(ait_solver *solver, int64_t k, const ait_real *y, const ait_real *v) {
  const ait_call call = call_at(solver, k, solver->active);
  return solver->problem->oracles.ll_products(solver->problem->self, &call, solver->x.value, y, v, solver->hv,
                                              solver->xv);
}

ait_status ait_call_ul_value(ait_solver *solver, int64_t k, const ait_real *y, ait_real *F) {
  const ait_call call = call_at(solver, k, NULL);
  return solver->problem->oracles.ul_value(solver->problem->self, &call, solver->x.value, y, F);
}

ait_status ait_call_ul_gradient(ait_solver *solver, int64_t k, const ait_real *y, ait_real *gx, ait_real *gy) {
  const ait_call call = call_at(solver, k, NULL);
  return solver->problem->oracles.ul_gradient(solver->problem->self, &call, solver->x.value, y, gx, gy);
}
