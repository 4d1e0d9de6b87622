/* rollout.c - the lower level's trajectory and the iterate that is differentiated
 * (docs/derivation.md#truncation). */
#include "context/error.h"
#include "solver/solver_state.h"

/* y_0 = z: fixed, the last y_K, or learned. */
ait_status ait_initialise_lower_level(ait_solver *solver) {
  const ait_vector_ops *vector = solver->device->vector;
  return vector->copy(solver->device, solver->batch * solver->m, solver->z.value,
                      ait_trajectory_state(&solver->trajectory, 0));
}

int32_t ait_evaluates_F(const ait_solver *solver, int64_t k) {
  const ait_method *method = &solver->options.method;
  return solver->options.record_trajectory || (k > 0 && method->truncation == AIT_TRUNCATION_PESSIMISTIC) ||
         (k == solver->K && method->hypergradient != AIT_HYPERGRADIENT_NONE);
}

static ait_status evaluate_F(ait_solver *solver, int64_t k) {
  if (!ait_evaluates_F(solver, k)) {
    return AIT_OK;
  }
  return ait_call_ul_value(solver, k, ait_trajectory_state(&solver->trajectory, k),
                           solver->findings.F + k * solver->batch);
}

/* F(x_0, y_0), once, in the spare entry of f: what a diverging F is measured against. */
static ait_status evaluate_first_F(ait_solver *solver) {
  if (solver->rolled_out || solver->options.method.hypergradient == AIT_HYPERGRADIENT_NONE) {
    return AIT_OK;
  }
  return ait_call_ul_value(solver, 0, ait_trajectory_state(&solver->trajectory, 0),
                           solver->findings.f + solver->K * solver->batch);
}

/* y_{k+1} = step(u_k) for k = `first` .. K-1, with F along the way: one by one. */
static ait_status take_single_steps(ait_solver *solver, int64_t first) {
  const ait_mapping_steps *mapping = ait_mapping_of(solver);
  AIT_TRY(evaluate_F(solver, first));
  for (int64_t k = first; k < solver->K; k++) {
    const ait_real *u;
    AIT_TRY(ait_step_point(solver, k, &u));
    AIT_TRY(mapping->forward(solver, k, u, ait_trajectory_state(&solver->trajectory, k + 1)));
    AIT_TRY(evaluate_F(solver, k + 1));
  }
  return AIT_OK;
}

static ait_status take_steps(ait_solver *solver, int64_t first) {
  const ait_status status = ait_plan_rollout(solver, first);
  AIT_TRY(status == AIT_UNSUPPORTED ? take_single_steps(solver, first) : status);
  return solver->device->vector->count_nonfinite(solver->device, solver->batch * solver->m,
                                                 ait_trajectory_state(&solver->trajectory, solver->K),
                                                 solver->findings.nonfinite);
}

/* The first rollout runs as it is, so that libraries have loaded what they need; later ones replay. */
ait_status ait_rollout(ait_solver *solver) {
  AIT_TRY(evaluate_first_F(solver));
  AIT_TRY(ait_replay(solver, solver->rolled_out ? &solver->recordings.rollout : NULL, take_steps, 0));
  solver->rolled_out = 1;
  return AIT_OK;
}

/* kbar = argmax over 1 <= k <= K of F(x, y_k), or K; then the host learns of it. */
ait_status ait_truncate(ait_solver *solver) {
  if (solver->options.method.truncation == AIT_TRUNCATION_PESSIMISTIC) {
    AIT_TRY(solver->device->vector->argmax(solver->device, solver->batch, 1, (int32_t)solver->K, solver->findings.F,
                                           solver->findings.kbar));
  }
  return ait_findings_read(solver);
}
