/* cost.c - what a method costs a UL iteration, counted over the steps of Algorithm 1 as solver.c takes them. */
#include "solver/solver_state.h"

static void add(ait_formula *sum, int64_t times, ait_formula term) {
  sum->fixed += times * term.fixed;
  sum->ll_steps += times * term.ll_steps;
  sum->kbar += times * term.kbar;
  sum->last_steps += times * term.last_steps;
  sum->iterations += times * term.iterations;
}

static const ait_formula once = {.fixed = 1}, every_step = {.ll_steps = 1}, every_iteration = {.iterations = 1};

/* The LL steps that a sweep goes back through. */
static ait_formula steps_back(const ait_method *method) {
  switch (method->truncation) {
    case AIT_TRUNCATION_PESSIMISTIC:
      return (ait_formula){.kbar = 1};
    case AIT_TRUNCATION_LAST:
      return (ait_formula){.last_steps = 1};
    default:
      return every_step;
  }
}

/* The states of a sweep from y_K: y_k for every step that it goes back through, and y_K; with Nesterov's steps also the
 * one before, if there is one. */
static void add_states(const ait_method *method, ait_cost *cost) {
  const int32_t cut = method->truncation == AIT_TRUNCATION_LAST;
  add(&cost->states, 1, cut ? (ait_formula){.last_steps = 1} : every_step);
  add(&cost->states, 1 + (cut && method->nesterov), once);
}

static void add_rollout(const ait_method *method, ait_cost *cost) {
  const int32_t differentiated = method->hypergradient != AIT_HYPERGRADIENT_NONE;
  add(&cost->f_calls, 1, every_step);
  if (method->mapping == AIT_MAPPING_AGGREGATE) {
    add(&cost->F_calls, 1, every_step);
    add(&cost->vectors, 1, once); /* grad_y F */
  }
  if (method->mapping == AIT_MAPPING_LBFGS) {
    add(&cost->vectors, 2 * ait_lbfgs_history(method) + 6, once); /* pairs; what a look at a trial point works in */
  }
  if (method->truncation == AIT_TRUNCATION_PESSIMISTIC) {
    add(&cost->F_calls, 1, every_step);
  } else {
    add(&cost->F_calls, differentiated, once);
  }
  add(&cost->vectors, 1 + (method->nesterov != 0), once); /* grad_y f, u */
  if (ait_looks_back(method)) {
    add_states(method, cost);
  } else {
    add(&cost->states, AIT_LAST_STATES, once);
  }
}

static void add_sweep(const ait_method *method, ait_cost *cost) {
  add(&cost->f_calls, 1, steps_back(method));
  if (method->mapping == AIT_MAPPING_AGGREGATE) {
    add(&cost->F_calls, 1, steps_back(method));
  }
  add(&cost->vectors, method->nesterov ? 3 : 1, once); /* adjoints */
}

/* Two gradients in x in place of the products, and two in y where the start learns from them. */
static void add_differences(const ait_method *method, ait_cost *cost) {
  add(&cost->f_calls, method->initialisation == AIT_INITIALISATION_AUXILIARY ? 4 : 2, steps_back(method));
  add(&cost->vectors, 2, once); /* adjoint, point */
}

/* A product an iteration, one more with the solution; a preconditioner once. */
static void add_conjugate_gradient(const ait_method *method, ait_cost *cost) {
  const int32_t preconditioned = method->conjugate_gradient.preconditioner != AIT_PRECONDITIONER_NONE;
  add(&cost->f_calls, 1, every_iteration);
  add(&cost->f_calls, 1 + preconditioned, once);
  add(&cost->vectors, 3 + 2 * preconditioned, once); /* p, q, r; the preconditioner and its product with r */
}

static void add_hypergradient(const ait_method *method, ait_cost *cost) {
  if (method->hypergradient == AIT_HYPERGRADIENT_NONE) {
    return;
  }
  add(&cost->F_calls, 1, once);
  add(&cost->vectors, 3, once); /* hv, y_kbar, grad_y F */
  switch (method->hypergradient) {
    case AIT_HYPERGRADIENT_CONJUGATE_GRADIENT:
      add_conjugate_gradient(method, cost);
      break;
    case AIT_HYPERGRADIENT_NEUMANN:
      add(&cost->f_calls, 1, every_iteration);
      add(&cost->vectors, 1, once); /* p */
      break;
    case AIT_HYPERGRADIENT_FINITE_DIFFERENCES:
      add_differences(method, cost);
      break;
    default:
      add_sweep(method, cost);
  }
}

ait_cost ait_method_cost(const ait_method *method) {
  ait_cost cost = {.vectors = {.fixed = 3}}; /* z, its gradient, its momentum */
  add_rollout(method, &cost);
  add_hypergradient(method, &cost);
  add(&cost.vectors, method->prior_weight > 0 ? 2 : 0, once); /* the prior, what z descends */
  add(&cost.vectors, 1, cost.states);
  return cost;
}
