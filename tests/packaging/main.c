/* main.c - one program that links libait and libait64: each must compute in its own precision. The
 * reference is Algorithm 1 written out for the scalars of the toy problem in long double:
 *     f = -sin(x y),  F = x + x y,  X = [1, 10],  Y = [-2, 2],
 * with dy_k/dx and dy_k/dz carried forward along the trajectory. */
#include <math.h>
#include <stdio.h>

#include "toy.h"

static long double clamp(long double v, long double lower, long double upper) {
  return fminl(fmaxl(v, lower), upper);
}

static void reference_iteration(long double *x, long double *z) {
  long double y = *z, dx = 0, dz = 1;
  long double best = -INFINITY, best_y = 0, best_dx = 0, best_dz = 0;
  for (int k = 0; k < TOY_STEPS; k++) {
    long double c = cosl(*x * y), s = sinl(*x * y);
    long double u = y + TOY_LL_RATE * *x * c;
    int inside = u >= -2 && u <= 2;
    long double du_dy = 1 - TOY_LL_RATE * *x * *x * s;
    long double du_dx = TOY_LL_RATE * (c - *x * y * s);
    dx = inside ? du_dy * dx + du_dx : 0;
    dz = inside ? du_dy * dz : 0;
    y = clamp(u, -2, 2);
    if (*x + *x * y > best) {
      best = *x + *x * y;
      best_y = y;
      best_dx = dx;
      best_dz = dz;
    }
  }
  long double gx = 1 + best_y + *x * best_dx, gz = *x * best_dz;
  *x = clamp(*x - TOY_UL_RATE * gx, 1, 10);
  *z = clamp(*z - TOY_UL_RATE * gz, -2, 2);
}

static double distance(const toy_result *result, long double x, long double z) {
  return (double)hypotl(result->x - x, result->z - z);
}

int main(void) {
  toy_result single, twice;
  if (toy_solve_float(&single) != 0 || toy_solve_double(&twice) != 0) {
    return 1;
  }
  long double x = TOY_X0, z = TOY_Z0;
  for (int t = 0; t < TOY_ITERATIONS; t++) {
    reference_iteration(&x, &z);
  }
  double error32 = distance(&single, x, z), error64 = distance(&twice, x, z);
  printf("float: error %.1e, double: error %.1e\n", error32, error64);
  /* 20 iterations of O(1) numbers: rounding errors of some 1e-7 and 1e-16, grown by a few tens. A float
   * result that is exact to 1e-10 would mean that the double code ran. */
  int good = single.real_size == sizeof(float) && twice.real_size == sizeof(double) && error32 <= 1e-4 &&
             error32 >= 1e-10 && error64 <= 1e-12;
  return good ? 0 : 1;
}
