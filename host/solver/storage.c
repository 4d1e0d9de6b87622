/* storage.c - how much of a trajectory is stored, and what a budget of bytes leaves of it
 * (docs/derivation.md#trajectories-in-memory). */
#include "context/error.h"
#include "solver/solver_state.h"

/* What a choice of c depends on. */
typedef struct storage_case {
  int64_t K, first; /* LL steps; the first one that the sweep goes back to */
  int64_t group;    /* states that are kept of a place */
} storage_case;

static storage_case case_of(const ait_solver_options *options) {
  return (storage_case){.K = options->ll_steps,
                        .first = ait_first_step(&options->method, options->ll_steps),
                        .group = 1 + (options->method.nesterov != 0)};
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t segments_of(const storage_case *s, int64_t every) {
  return (s->K - s->first + every - 1) / every;
}

/* States of the ring: y_k of a segment, from the first to its end, and with Nesterov's steps the one before. */
static int64_t slots_of(const storage_case *s, int64_t every) {
  return smaller(s->K, every + s->group - 1) + 1;
}

/* States beside the ring: where segments begin, but for the last one, which the rollout leaves in the ring, and for
 * y_0, which is z; and y_K, which the sweep overwrites there. */
static int64_t kept_of(const storage_case *s, int64_t every) {
  const int64_t segments = segments_of(s, every);
  return segments == 1 ? 0 : (segments - 1 - (s->first == 0)) * s->group + 1;
}

/* LL steps that a sweep from y_K takes once more: all but the last segment's, and in each but the step into the state
 * that the segment after it begins with. */
static int64_t recomputed_of(const storage_case *s, int64_t every) {
  const int64_t segments = segments_of(s, every);
  return segments == 1 ? 0 : s->K - s->first - every - (segments - 1);
}

static ait_trajectory_plan plan_of(const storage_case *s, int64_t every, int64_t state_bytes) {
  const int64_t states = slots_of(s, every) + kept_of(s, every);
  return (ait_trajectory_plan){.every = every,
                               .states = states,
                               .recomputed_steps = recomputed_of(s, every),
                               .bytes = states <= INT64_MAX / state_bytes ? states * state_bytes : INT64_MAX};
}

/* Nonzero where `a` is to be had rather than `b` whatever the budget: it takes fewer steps again, or as many with fewer
 * bytes. */
static int32_t is_better(const ait_trajectory_plan *a, const ait_trajectory_plan *b) {
  return a->recomputed_steps < b->recomputed_steps ||
         (a->recomputed_steps == b->recomputed_steps && a->bytes < b->bytes);
}

/* The best plan within `bytes`, of equals that with the smallest c; where none is, the one with the fewest bytes. */
static ait_trajectory_plan choose(const storage_case *s, int64_t state_bytes, int64_t bytes) {
  ait_trajectory_plan best = plan_of(s, 1, state_bytes), least = best;
  for (int64_t every = 2; every <= s->K - s->first; every++) {
    const ait_trajectory_plan plan = plan_of(s, every, state_bytes);
    least = plan.bytes < least.bytes ? plan : least;
    best = plan.bytes <= bytes && (best.bytes > bytes || is_better(&plan, &best)) ? plan : best;
  }
  return best.bytes <= bytes ? best : least;
}

int32_t ait_looks_back(const ait_method *method) {
  return method->hypergradient == AIT_HYPERGRADIENT_REVERSE ||
         method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES;
}

static ait_trajectory_plan plan_without_budget(const ait_solver_options *options, int64_t state_bytes) {
  const storage_case s = case_of(options);
  if (ait_looks_back(&options->method)) {
    return plan_of(&s,
                   options->trajectory_every > 0 ? smaller(options->trajectory_every, s.K - s.first) : s.K - s.first,
                   state_bytes);
  }
  const int64_t states = smaller(s.K + 1, AIT_LAST_STATES);
  return (ait_trajectory_plan){.states = states,
                               .bytes = state_bytes <= INT64_MAX / states ? states * state_bytes : INT64_MAX};
}

static ait_status check_budget(const ait_solver_options *options, int64_t batch, int64_t m) {
  if (batch < 1 || m < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a state of %lld x %lld numbers; expected 1 or more of each",
                    (long long)batch, (long long)m);
  }
  if (options->trajectory_bytes < 0 || options->trajectory_every < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s is %lld; expected 0 or more",
                    options->trajectory_bytes < 0 ? "trajectory_bytes" : "trajectory_every",
                    (long long)(options->trajectory_bytes < 0 ? options->trajectory_bytes : options->trajectory_every));
  }
  return batch <= INT64_MAX / (int64_t)sizeof(ait_real) / m
             ? AIT_OK
             : ait_fail(AIT_OUT_OF_MEMORY, "a state of %lld x %lld numbers does not fit into memory", (long long)batch,
                        (long long)m);
}

ait_status ait_solver_plan_trajectory(const ait_solver_options *options, int64_t batch, int64_t m,
                                      ait_trajectory_plan *plan) {
  AIT_TRY(ait_solver_options_check(options));
  AIT_TRY(check_budget(options, batch, m));
  const int64_t state_bytes = batch * m * (int64_t)sizeof(ait_real), budget = options->trajectory_bytes;
  *plan = plan_without_budget(options, state_bytes);
  if (budget == 0 || plan->bytes <= budget) {
    return AIT_OK;
  }
  if (ait_looks_back(&options->method) && options->trajectory_every == 0) {
    const storage_case s = case_of(options);
    *plan = choose(&s, state_bytes, budget);
  }
  return plan->bytes <= budget
             ? AIT_OK
             : ait_fail(
                   AIT_INVALID_ARGUMENT,
                   "the trajectory may take %lld bytes, but %lld LL steps of %lld x %lld numbers take %s%lld (%lld "
                   "states): allow these, or lower the number of LL steps, the size of the model or that of the "
                   "batch",
                   (long long)budget, (long long)options->ll_steps, (long long)batch, (long long)m,
                   options->trajectory_every == 0 ? "at least " : "", (long long)plan->bytes, (long long)plan->states);
}

/* ---- a solver's ---------------------------------------------------------------------------------- */

ait_status ait_trajectory_create(ait_solver *solver) {
  ait_trajectory *t = &solver->trajectory;
  ait_trajectory_plan plan;
  AIT_TRY(ait_solver_plan_trajectory(&solver->options, solver->batch, solver->m, &plan));
  const storage_case s = case_of(&solver->options);
  *t = (ait_trajectory){.entry = solver->batch * solver->m, .K = s.K, .first = s.first, .group = s.group};
  t->every = plan.every > 0 ? plan.every : s.K;
  t->segments = plan.every > 0 ? segments_of(&s, plan.every) : 1;
  t->slots = plan.every > 0 ? slots_of(&s, plan.every) : plan.states;
  ait_status status = AIT_OUT_OF_MEMORY;
  if (plan.bytes < INT64_MAX) {
    status = ait_solver_allocate_reals(solver, plan.states * t->entry, &t->states);
  }
  if (status == AIT_OUT_OF_MEMORY) {
    return ait_fail(
        AIT_OUT_OF_MEMORY,
        "the trajectory of %lld states of %lld x %lld numbers needs %.3g GB, which is not there on device "
        "%s: bound its memory, so that fewer states are stored, or lower the number of LL steps or the size "
        "of the model",
        (long long)plan.states, (long long)solver->batch, (long long)solver->m,
        1e-9 * (double)plan.states * (double)t->entry * sizeof(ait_real), solver->device->name);
  }
  AIT_TRY(status);
  t->kept = t->states + t->slots * t->entry;
  t->last = t->segments == 1 ? ait_trajectory_state(t, t->K) : t->states + (plan.states - 1) * t->entry;
  return AIT_OK;
}

static ait_status copy_state(ait_solver *solver, const ait_real *source, ait_real *target) {
  return solver->device->vector->copy(solver->device, solver->trajectory.entry, source, target);
}

/* Where y at the beginning of segment i >= 1 is kept; with Nesterov's steps the one before stands behind it. */
static ait_real *kept_place(const ait_trajectory *t, int64_t i) {
  return t->kept + (i - 1) * t->group * t->entry;
}

ait_status ait_trajectory_keep(ait_solver *solver, int64_t i) {
  const ait_trajectory *t = &solver->trajectory;
  const int64_t first = ait_segment_first(t, i);
  for (int64_t back = 0; back < t->group; back++) {
    AIT_TRY(copy_state(solver, ait_trajectory_state(t, first - back), kept_place(t, i) + back * t->entry));
  }
  return AIT_OK;
}

ait_status ait_trajectory_keep_last(ait_solver *solver) {
  const ait_trajectory *t = &solver->trajectory;
  return t->segments == 1 ? AIT_OK : copy_state(solver, ait_trajectory_state(t, t->K), t->last);
}

/* Puts back into the ring what stood in it where segment i begins. */
static ait_status restore_beginning(ait_solver *solver, int64_t i) {
  const ait_trajectory *t = &solver->trajectory;
  const int64_t first = ait_segment_first(t, i);
  if (first == 0) {
    return copy_state(solver, solver->z.value, ait_trajectory_state(t, 0));
  }
  for (int64_t back = 0; back < t->group; back++) {
    AIT_TRY(copy_state(solver, kept_place(t, i) + back * t->entry, ait_trajectory_state(t, first - back)));
  }
  return AIT_OK;
}

/* The state that segment i ends with is where segment i - 1 begins: kept, or for i = 1 still in the ring. */
ait_status ait_trajectory_restore(ait_solver *solver, int64_t i, int64_t until) {
  const ait_trajectory *t = &solver->trajectory;
  const int64_t end = ait_segment_end(t, i);
  if (i == 0) {
    return AIT_OK;
  }
  if (until == end && i > 1) {
    AIT_TRY(copy_state(solver, kept_place(t, i - 1), ait_trajectory_state(t, end)));
  }
  AIT_TRY(restore_beginning(solver, i));
  return ait_roll_again(solver, ait_segment_first(t, i), until == end ? end - 1 : until);
}
