/* problem.h (internal) - what a problem holds. */
#ifndef AIT_PROBLEM_INTERNAL_H
#define AIT_PROBLEM_INTERNAL_H

#include "ait/problem.h"

/* A box [lower, upper]^n; infinite ends for the whole space. */
typedef struct ait_box {
  double lower, upper;
} ait_box;

struct ait_problem {
  ait_context *context;
  ait_oracles oracles;
  void *self;
  int64_t batch, n, m;
  ait_box X, Y;
  int32_t term_count;
  ait_lq_term *terms; /* what f has beside what the table computes */
};

/* Nonzero when the box is not the whole space. */
int32_t ait_box_bounds(ait_box box);

#endif
