/* reverse.c - reverse accumulation along the trajectory (docs/derivation.md#reverse-accumulation). */
#include "context/error.h"
#include "solver/solver_state.h"

/* grad_x F and grad_y F at y_kbar; every adjoint starts at 0. */
static ait_status begin_sweep(ait_solver *solver) {
  ait_device *device = solver->device;
  const size_t bytes = (size_t)(solver->batch * solver->m) * sizeof(ait_real);
  AIT_TRY(ait_call_ul_gradient(solver, solver->K, solver->y_kbar, solver->x.gradient, solver->gy));
  for (int i = 0; i < 3 && solver->adjoint[i] != NULL; i++) {
    AIT_TRY(device->runtime->fill(device, bytes, 0, solver->adjoint[i]));
  }
  return AIT_OK;
}

/* Where the adjoint of u_k stands: always in the same place, so that a recorded step finds it. */
static ait_real *adjoint_of(const ait_solver *solver, int64_t k) {
  return solver->adjoint[solver->options.method.nesterov ? k % 3 : 0];
}

/* The adjoint of y_{k+1} from those of later points, in the place of u_k's. Without acceleration u is
 * y and the adjoint of u_{k+1} is it; with Nesterov's it is (1 + beta_k) of u_{k+1}'s minus beta_{k+1}
 * of u_{k+2}'s. */
static ait_status collect_adjoint(ait_solver *solver, int64_t k) {
  if (!solver->options.method.nesterov) {
    return AIT_OK;
  }
  const ait_real *beta = solver->constants.beta, *next = adjoint_of(solver, k + 1);
  const ait_term terms[] = {{1, NULL, next}, {1, beta + k, next}, {-1, beta + k + 1, adjoint_of(solver, k + 2)}};
  return solver->device->vector->combine(solver->device, 1, solver->batch * solver->m, NULL, 3, terms,
                                         adjoint_of(solver, k));
}

/* One step back: from the adjoint of y_{k+1} to that of u_k. */
static ait_status reverse_step(ait_solver *solver, int64_t k) {
  const ait_vector_ops *vector = solver->device->vector;
  ait_real *lambda = adjoint_of(solver, k);
  const ait_real *u;
  AIT_TRY(vector->truncation_masks(solver->device, solver->batch, solver->findings.kbar, solver->constants.step + 2 * k,
                                   solver->enter, solver->active));
  AIT_TRY(collect_adjoint(solver, k));
  AIT_TRY(vector->select(solver->device, solver->batch, solver->m, solver->enter, solver->gy, lambda));
  AIT_TRY(ait_step_point(solver, k, &u));
  return ait_mapping_of(solver)->adjoint(solver, k, u, lambda);
}

/* Where the recording of step k is kept; NULL in the first sweep that takes such a step. Whether a
 * projection's adjoint is part of the step depends on the trajectory. */
static ait_recording **recording_of(const ait_solver *solver, int64_t k) {
  const int32_t at_bound = solver->findings.host_at_bound[k] > 0;
  if (!solver->recordings.wanted || !solver->recordings.ran[at_bound]) {
    return NULL;
  }
  return solver->recordings.reverse + 2 * k + at_bound;
}

/* Remembers which kinds of step the sweep over end .. last has taken. */
static void note_steps(ait_solver *solver, int64_t end, int64_t last) {
  for (int64_t k = end; k <= last; k++) {
    solver->recordings.ran[solver->findings.host_at_bound[k] > 0] = 1;
  }
}

static int64_t largest_kbar(const ait_solver *solver) {
  int64_t largest = 0;
  for (int64_t b = 0; b < solver->batch; b++) {
    const int64_t kbar = solver->findings.host_kbar[b];
    largest = kbar > largest ? kbar : largest;
  }
  return largest;
}

ait_status ait_hypergradient_end(ait_solver *solver, const ait_real *last) {
  ait_device *device = solver->device;
  solver->swept = solver->unsettled = 1;
  solver->sweep_iteration = solver->t;
  AIT_TRY(device->vector->count_nonfinite(device, solver->n, solver->x.gradient, solver->findings.nonfinite + 1));
  return device->vector->count_nonfinite(device, solver->batch * solver->m, last, solver->findings.nonfinite + 2);
}

/* Whether the adjoint of y_0 was computed. Finite differences leave it out where nobody learns from it. */
static int32_t reaches_start(const ait_solver *solver, int64_t end) {
  const ait_method *method = &solver->options.method;
  return end == 0 && (method->hypergradient != AIT_HYPERGRADIENT_FINITE_DIFFERENCES ||
                      method->initialisation == AIT_INITIALISATION_AUXILIARY);
}

/* gz: the adjoint of y_0 = u_0 (beta_0 = 0), or 0 when the sweep did not reach it. */
static ait_status end_sweep(ait_solver *solver, int64_t end) {
  ait_device *device = solver->device;
  const int64_t size = solver->batch * solver->m;
  if (!reaches_start(solver, end)) {
    AIT_TRY(device->runtime->fill(device, (size_t)size * sizeof(ait_real), 0, solver->z.gradient));
  } else {
    AIT_TRY(device->vector->copy(device, size, adjoint_of(solver, 0), solver->z.gradient));
  }
  return ait_hypergradient_end(solver, solver->z.gradient);
}

/* From y_{last+1} to y_end, step by step. */
static ait_status take_steps_back(ait_solver *solver, int64_t end, int64_t last) {
  for (int64_t k = last; k >= end; k--) {
    AIT_TRY(ait_replay(solver, recording_of(solver, k), reverse_step, k));
  }
  note_steps(solver, end, last);
  return AIT_OK;
}

/* Segment i: from y_until back to where it begins. `starts`: the first segment of a sweep. */
static ait_status reverse_segment(ait_solver *solver, int64_t i, int64_t until, int32_t starts) {
  const int64_t first = ait_segment_first(&solver->trajectory, i);
  AIT_TRY(ait_trajectory_restore(solver, i, until));
  const ait_status status = ait_plan_reverse(solver, first, until - 1, starts);
  return status == AIT_UNSUPPORTED ? take_steps_back(solver, first, until - 1) : status;
}

/* gx = d/dx F(x, y_kbar(x, z)) and gz = d/dz of the same. */
ait_status ait_reverse(ait_solver *solver) {
  const ait_trajectory *t = &solver->trajectory;
  const int64_t kbar = largest_kbar(solver);
  AIT_TRY(begin_sweep(solver));
  for (int64_t i = 0; i < t->segments; i++) {
    const int64_t end = ait_segment_end(t, i), until = kbar < end ? kbar : end;
    if (ait_segment_first(t, i) < until) {
      AIT_TRY(reverse_segment(solver, i, until, until == kbar));
    }
  }
  return end_sweep(solver, t->first);
}

ait_status ait_hypergradient_of(ait_solver *solver) {
  static ait_status (*const hypergradients[])(ait_solver *) = {
      [AIT_HYPERGRADIENT_REVERSE] = ait_reverse,
      [AIT_HYPERGRADIENT_CONJUGATE_GRADIENT] = ait_conjugate_gradient_solve,
      [AIT_HYPERGRADIENT_NEUMANN] = ait_neumann_series,
      [AIT_HYPERGRADIENT_FINITE_DIFFERENCES] = ait_reverse,
  };
  return hypergradients[solver->options.method.hypergradient](solver);
}
