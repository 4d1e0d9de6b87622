/* rollout.c - the lower level's trajectory and the iterate that is differentiated. */
#include "context/error.h"
#include "solver/solver_state.h"

/* y_0: z, or the last y_K. */
ait_status ait_initialise_lower_level(ait_solver *solver) {
  const ait_vector_ops *vector = solver->device->vector;
  const int32_t warm = solver->options.method.initialisation == AIT_INITIALISATION_WARM && solver->rolled_out;
  const ait_real *start = warm ? ait_trajectory_state(&solver->trajectory, solver->K) : solver->z.value;
  ait_real *y0 = ait_trajectory_state(&solver->trajectory, 0);
  return start == y0 ? AIT_OK : vector->copy(solver->device, solver->batch * solver->m, start, y0);
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

/* y_{k+1} = step(u_k) for k = 0 .. K-1, with F along the way. */
ait_status ait_rollout(ait_solver *solver) {
  const ait_mapping_steps *mapping = ait_mapping_of(solver);
  AIT_TRY(evaluate_F(solver, 0));
  for (int64_t k = 0; k < solver->K; k++) {
    const ait_real *u;
    AIT_TRY(ait_step_point(solver, k, &u));
    AIT_TRY(mapping->forward(solver, k, u, ait_trajectory_state(&solver->trajectory, k + 1)));
    AIT_TRY(evaluate_F(solver, k + 1));
  }
  solver->rolled_out = 1;
  return solver->device->vector->count_nonfinite(solver->device, solver->batch * solver->m,
                                                 ait_trajectory_state(&solver->trajectory, solver->K),
                                                 solver->findings.nonfinite);
}

/* kbar = argmax over 1 <= k <= K of F(x, y_k), or K; then the host learns of it. */
ait_status ait_truncate(ait_solver *solver) {
  if (solver->options.method.truncation == AIT_TRUNCATION_PESSIMISTIC) {
    AIT_TRY(solver->device->vector->argmax(solver->device, solver->batch, 1, (int32_t)solver->K, solver->findings.F,
                                           solver->findings.kbar));
  }
  return ait_findings_read(solver);
}
