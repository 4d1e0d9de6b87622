/* problem.c - a problem: a table of oracles, its sizes and its feasible sets. */
#include "problems/problem.h"

#include <math.h>
#include <stdlib.h>

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
  free(problem);
}
