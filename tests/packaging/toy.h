/* toy.h - the toy problem as both precisions and the reference solve it. */
#ifndef TOY_H
#define TOY_H

#include <stddef.h>

enum { TOY_ITERATIONS = 20, TOY_STEPS = 40 };
#define TOY_LL_RATE 5e-4
#define TOY_UL_RATE 0.1 /* the solver's default, for x and for z */
#define TOY_X0      5.0
#define TOY_Z0      1.0

typedef struct toy_result {
  size_t real_size;
  double x, z;
} toy_result;

/* 0, or 1 after a sentence on the standard error stream. */
int toy_solve_float(toy_result *result);
int toy_solve_double(toy_result *result);

#endif
