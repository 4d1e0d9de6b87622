/* plan.c - rollouts and reverse sweeps that the problem takes in one piece. */
#include "context/error.h"
#include "solver/solver_state.h"

/* Whether the method's steps are those of a plan, and f is the oracles' alone. */
static int32_t has_plans(const ait_solver *solver) {
  const ait_method *method = &solver->options.method;
  return method->mapping == AIT_MAPPING_GRADIENT && !ait_box_bounds(solver->Y) && !solver->staging.wanted &&
         solver->term == NULL;
}

static ait_plan plan_of(const ait_solver *solver, int64_t first, int64_t end) {
  return (ait_plan){.struct_size = sizeof(ait_plan),
                    .first = first,
                    .end = end,
                    .alpha = solver->constants.alpha,
                    .x = solver->x.value,
                    .states = solver->trajectory.states,
                    .slots = solver->trajectory.slots};
}

ait_status ait_plan_rollout(ait_solver *solver, int64_t first, int64_t end, int64_t F_first) {
  const ait_oracles *oracles = &solver->problem->oracles;
  if (oracles->rollout == NULL || solver->single_rollout || !has_plans(solver)) {
    return AIT_UNSUPPORTED;
  }
  ait_plan plan = plan_of(solver, first, end);
  plan.beta = solver->options.method.nesterov ? solver->constants.beta : NULL;
  plan.f = solver->findings.f;
  plan.F = solver->findings.F;
  plan.F_first = F_first;
  const ait_call call = ait_call_at(solver, first);
  const ait_status status = oracles->rollout(solver->problem->self, &call, &plan);
  solver->single_rollout = status == AIT_UNSUPPORTED;
  return status;
}

ait_status ait_plan_reverse(ait_solver *solver, int64_t first, int64_t last, int32_t starts) {
  const ait_oracles *oracles = &solver->problem->oracles;
  if (oracles->reverse == NULL || solver->single_reverse || !has_plans(solver) || solver->options.method.nesterov ||
      solver->options.method.hypergradient != AIT_HYPERGRADIENT_REVERSE) {
    return AIT_UNSUPPORTED;
  }
  ait_plan plan = plan_of(solver, first, last + 1);
  plan.kbar = solver->findings.kbar;
  plan.lambda = solver->adjoint[0];
  plan.gx = solver->x.gradient;
  const ait_call call = ait_call_at(solver, first);
  const int64_t size = solver->batch * solver->m;
  if (starts) {
    AIT_TRY(solver->device->vector->copy(solver->device, size, solver->gy, plan.lambda));
  }
  const ait_status status = oracles->reverse(solver->problem->self, &call, &plan);
  if (status == AIT_UNSUPPORTED && starts) { /* single steps find their adjoints at 0 */
    AIT_TRY(solver->device->runtime->fill(solver->device, (size_t)size * sizeof(ait_real), 0, plan.lambda));
  }
  solver->single_reverse = status == AIT_UNSUPPORTED;
  return status;
}
