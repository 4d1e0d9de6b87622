/* toy.c - solves the toy problem with the library of this translation unit's precision: compiled once
 * as it is and once with AIT_DOUBLE. */
#include "toy.h"

#include <ait/ait.h>
#include <stdio.h>

#ifdef AIT_DOUBLE
#define TOY_SOLVE toy_solve_double
#else
#define TOY_SOLVE toy_solve_float
#endif

static ait_status solve(ait_context *context, toy_result *result) {
  ait_problem *problem = NULL;
  ait_solver *solver = NULL;
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.ul_iterations = TOY_ITERATIONS;
  options.ll_steps = TOY_STEPS;
  options.ll_rate.rate = TOY_LL_RATE;
  const ait_real x0 = TOY_X0, z0 = TOY_Z0;
  ait_real x = 0, z = 0;
  ait_status status = ait_problem_create_toy(context, &problem);
  status = status != AIT_OK ? status : ait_solver_create(problem, &options, &x0, &z0, &solver);
  status = status != AIT_OK ? status : ait_solver_run(solver, NULL, NULL);
  status = status != AIT_OK ? status : ait_solver_get_x(solver, &x);
  status = status != AIT_OK ? status : ait_solver_get_z(solver, &z);
  *result = (toy_result){.real_size = sizeof(ait_real), .x = (double)x, .z = (double)z};
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

int TOY_SOLVE(toy_result *result) {
  ait_context *context = NULL;
  ait_status status = ait_context_create(NULL, &context);
  status = status != AIT_OK ? status : solve(context, result);
  ait_context_destroy(context);
  if (status != AIT_OK) {
    fprintf(stderr, "%s\n", ait_last_error());
  }
  return status != AIT_OK;
}
