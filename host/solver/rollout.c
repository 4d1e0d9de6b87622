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
  if (solver->has_references || solver->options.method.hypergradient == AIT_HYPERGRADIENT_NONE) {
    return AIT_OK;
  }
  return ait_call_ul_value(solver, 0, ait_trajectory_state(&solver->trajectory, 0),
                           solver->findings.f + solver->K * solver->batch);
}

/* y_{k+1} = step(u_k). */
static ait_status take_step(ait_solver *solver, int64_t k) {
  const ait_real *u;
  AIT_TRY(ait_step_point(solver, k, &u));
  return ait_mapping_of(solver)->forward(solver, k, u, ait_trajectory_state(&solver->trajectory, k + 1));
}

/* The steps first .. end - 1, with F along the way: one by one. F at y_first is there already, but for y_0. */
static ait_status take_single_steps(ait_solver *solver, int64_t first, int64_t end) {
  if (first == 0) {
    AIT_TRY(evaluate_F(solver, 0));
  }
  for (int64_t k = first; k < end; k++) {
    AIT_TRY(take_step(solver, k));
    AIT_TRY(evaluate_F(solver, k + 1));
  }
  return AIT_OK;
}

/* The first k at which the steps from y_first on evaluate F; from then on they always do. */
static int64_t first_F(const ait_solver *solver, int64_t first) {
  int64_t k = first > 0 ? first + 1 : 0;
  while (k <= solver->K && !ait_evaluates_F(solver, k)) {
    k++;
  }
  return k;
}

/* kbar = argmax over 1 <= k <= end of F(x, y_k), or K, and y_kbar where it is among y_{first+1} .. y_end, which are
 * still there. */
static ait_status truncate(ait_solver *solver, int64_t first, int64_t end) {
  const ait_trajectory *t = &solver->trajectory;
  const ait_vector_ops *vector = solver->device->vector;
  if (solver->options.method.truncation == AIT_TRUNCATION_PESSIMISTIC) {
    AIT_TRY(vector->argmax(solver->device, solver->batch, 1, (int32_t)end, solver->findings.F, solver->findings.kbar));
  }
  return solver->y_kbar == NULL
             ? AIT_OK
             : vector->gather(solver->device, solver->batch, solver->m, solver->findings.kbar, (int32_t)first + 1,
                              (int32_t)end, t->slots, t->entry, t->states, solver->y_kbar);
}

/* From y_first to y_end, in one piece where the problem can. */
static ait_status roll_to(ait_solver *solver, int64_t first, int64_t end) {
  const ait_status status = ait_plan_rollout(solver, first, end, first_F(solver, first));
  AIT_TRY(status == AIT_UNSUPPORTED ? take_single_steps(solver, first, end) : status);
  return truncate(solver, first, end);
}

/* All steps. Where the trajectory has segments the steps stop wherever one begins, and that state is kept. */
static ait_status take_steps(ait_solver *solver, int64_t first) {
  const ait_trajectory *t = &solver->trajectory;
  for (int64_t i = t->segments > 1 ? t->segments - 1 : -1; i >= 0; i--) {
    const int64_t begin = ait_segment_first(t, i);
    if (begin > 0) {
      AIT_TRY(roll_to(solver, first, begin));
      AIT_TRY(i > 0 ? ait_trajectory_keep(solver, i) : AIT_OK);
    }
    first = begin;
  }
  AIT_TRY(roll_to(solver, first, solver->K));
  AIT_TRY(ait_trajectory_keep_last(solver));
  return solver->device->vector->count_nonfinite(solver->device, t->entry, t->last, solver->findings.nonfinite);
}

/* The first rollout runs as it is, so that libraries have loaded what they need; later ones replay. */
ait_status ait_rollout(ait_solver *solver) {
  AIT_TRY(evaluate_first_F(solver));
  AIT_TRY(ait_replay(solver, solver->rolled_out ? &solver->recordings.rollout : NULL, take_steps, 0));
  solver->rolled_out = 1;
  return AIT_OK;
}

/* What the rollout has found at these steps is found again, bit for bit. */
ait_status ait_roll_again(ait_solver *solver, int64_t first, int64_t end) {
  if (first >= end) {
    return AIT_OK;
  }
  const ait_status status = ait_plan_rollout(solver, first, end, solver->K + 1);
  if (status != AIT_UNSUPPORTED) {
    return status;
  }
  for (int64_t k = first; k < end; k++) {
    ait_recording **again = solver->recordings.again;
    AIT_TRY(ait_replay(solver, again != NULL ? again + k : NULL, take_step, k));
  }
  return AIT_OK;
}
