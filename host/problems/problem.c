/* problem.c - a problem: a table of oracles, its sizes and its feasible sets. */
#include "problems/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"

int32_t ait_box_bounds(ait_box box) {
  return box.lower > -INFINITY || box.upper < INFINITY;
}

static ait_status check_table(const ait_oracles *oracles) {
  if (oracles->struct_size != sizeof *oracles) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the oracle table's struct_size is %zu; expected sizeof(ait_oracles) = %zu",
                    oracles->struct_size, sizeof *oracles);
  }
  const char *missing = oracles->ll_gradient == NULL   ? "ll_gradient"
                        : oracles->ll_products == NULL ? "ll_products"
                        : oracles->ul_value == NULL    ? "ul_value"
                        : oracles->ul_gradient == NULL ? "ul_gradient"
                                                       : NULL;
  if (missing != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the oracle table has no %s; every problem needs one", missing);
  }
  return AIT_OK;
}

ait_status ait_problem_create(ait_context *context, const ait_oracles *oracles, void *self, int64_t batch, int64_t n,
                              int64_t m, ait_problem **problem) {
  AIT_TRY(check_table(oracles));
  if (batch < 1 || n < 1 || m < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a problem of batch %lld, n %lld, m %lld; expected each to be 1 or more",
                    (long long)batch, (long long)n, (long long)m);
  }
  ait_problem *made = malloc(sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a problem");
  }
  const ait_box everything = {-INFINITY, INFINITY};
  *made = (ait_problem){.context = context,
                        .oracles = *oracles,
                        .self = self,
                        .batch = batch,
                        .n = n,
                        .m = m,
                        .X = everything,
                        .Y = everything};
  *problem = made;
  return AIT_OK;
}

static ait_status bound(ait_box *box, const char *name, double lower, double upper) {
  if (!(lower <= upper)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the bounds of %s are [%g, %g]; expected lower <= upper", name, lower, upper);
  }
  *box = (ait_box){lower, upper};
  return AIT_OK;
}

ait_status ait_problem_bound_x(ait_problem *problem, double lower, double upper) {
  return bound(&problem->X, "x", lower, upper);
}

ait_status ait_problem_bound_y(ait_problem *problem, double lower, double upper) {
  return bound(&problem->Y, "y", lower, upper);
}

static ait_status check_term(const ait_problem *problem, int32_t i, const ait_lq_term *term) {
  if (term->first < 0 || term->count < 1 || term->count > problem->m - term->first) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "l_q term %d begins at variable %lld and has %lld of them; y has the variables 0 to %lld", i,
                    (long long)term->first, (long long)term->count, (long long)problem->m - 1);
  }
  const char *wrong = !(isfinite(term->weight) && term->weight > 0)     ? "weight"
                      : !(isfinite(term->epsilon) && term->epsilon > 0) ? "epsilon"
                      : !(term->q > 0 && term->q < 1)                   ? "q"
                                                                        : NULL;
  if (wrong != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "l_q term %d has weight %g, q %g and epsilon %g; expected %s to be above 0%s",
                    i, term->weight, term->q, term->epsilon, wrong, wrong[0] == 'q' ? " and below 1" : "");
  }
  return AIT_OK;
}

ait_status ait_problem_add_lq(ait_problem *problem, int32_t count, const ait_lq_term *terms) {
  if (count < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%d l_q terms; expected 0 or more", count);
  }
  if (count == 0) {
    return AIT_OK;
  }
  for (int32_t i = 0; i < count; i++) {
    AIT_TRY(check_term(problem, i, terms + i));
  }
  ait_lq_term *all = realloc(problem->terms, (size_t)(problem->term_count + count) * sizeof *all);
  if (all == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %d terms of f", problem->term_count + count);
  }
  memcpy(all + problem->term_count, terms, (size_t)count * sizeof *all);
  problem->terms = all;
  problem->term_count += count;
  return AIT_OK;
}

ait_context *ait_problem_context(const ait_problem *problem) {
  return problem->context;
}

int64_t ait_problem_batch(const ait_problem *problem) {
  return problem->batch;
}

int64_t ait_problem_n(const ait_problem *problem) {
  return problem->n;
}

int64_t ait_problem_m(const ait_problem *problem) {
  return problem->m;
}

void ait_problem_destroy(ait_problem *problem) {
  if (problem == NULL) {
    return;
  }
  if (problem->oracles.destroy != NULL) {
    problem->oracles.destroy(problem->self);
  }
  free(problem->terms);
  free(problem);
}
