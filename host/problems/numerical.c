/* numerical.c - the paper's numerical examples (docs/derivation.md#numerical-examples).
 *
 * They are small, so they compute on the host, in double, whatever the precision of the library. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ait/problems.h"
#include "context/error.h"

/* The function that makes a host problem of a table, sizes and owned data; frees `self` on failure. */
static ait_status create(ait_context *context, const ait_oracles *table, void *self, int64_t n, int64_t m,
                         ait_problem **problem) {
  ait_oracles oracles = *table;
  oracles.struct_size = sizeof oracles;
  oracles.flags = AIT_HOST_POINTERS;
  oracles.destroy = free;
  ait_status status = ait_problem_create(context, &oracles, self, 1, n, m, problem);
  if (status != AIT_OK) {
    free(self);
  }
  return status;
}

/* ---- toy: f = -sin(x y), F = x + x y ------------------------------------------------------------ */

static ait_status toy_ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                                  ait_real *f) {
  (void)self, (void)call;
  const double product = (double)x[0] * y[0];
  g[0] = (ait_real)(-x[0] * cos(product));
  f[0] = (ait_real)-sin(product);
  return AIT_OK;
}

static ait_status toy_ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                  const ait_real *v, ait_real *hv, ait_real *xv) {
  (void)self, (void)call;
  const double product = (double)x[0] * y[0];
  hv[0] = (ait_real)((double)x[0] * x[0] * sin(product) * v[0]);
  xv[0] = (ait_real)((product * sin(product) - cos(product)) * v[0]);
  return AIT_OK;
}

static ait_status toy_ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  (void)self, (void)call;
  F[0] = (ait_real)(x[0] + (double)x[0] * y[0]);
  return AIT_OK;
}

static ait_status toy_ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                                  ait_real *gy) {
  (void)self, (void)call;
  gx[0] = 1 + y[0];
  gy[0] = x[0];
  return AIT_OK;
}

static ait_status toy_ul_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                  const ait_real *v, ait_real *hv, ait_real *xv) {
  (void)self, (void)call, (void)x, (void)y;
  hv[0] = 0;
  xv[0] = v[0];
  return AIT_OK;
}

static ait_status toy_ll_x_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                    ait_real *gx) {
  (void)self, (void)call;
  gx[0] = (ait_real)(-y[0] * cos((double)x[0] * y[0]));
  return AIT_OK;
}

ait_status ait_problem_create_toy(ait_context *context, ait_problem **problem) {
  static const ait_oracles table = {.ll_gradient = toy_ll_gradient,
                                    .ll_products = toy_ll_products,
                                    .ul_value = toy_ul_value,
                                    .ul_gradient = toy_ul_gradient,
                                    .ul_products = toy_ul_products,
                                    .ll_x_gradient = toy_ll_x_gradient};
  AIT_TRY(create(context, &table, NULL, 1, 1, problem));
  ait_problem_bound_x(*problem, 1, 10);
  ait_problem_bound_y(*problem, -2, 2);
  return AIT_OK;
}

/* ---- convex: y = (y1, y2), f = 1/2 ||y1||^2 - x' y1, F = ||x - y2||^4 + ||y1 - e||^4 ------------- */

static ait_status convex_ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                     ait_real *g, ait_real *f) {
  (void)self;
  double value = 0;
  for (int64_t i = 0; i < call->n; i++) {
    g[i] = y[i] - x[i];
    value += (0.5 * y[i] - x[i]) * y[i];
  }
  memset(g + call->n, 0, (size_t)call->n * sizeof *g);
  f[0] = (ait_real)value;
  return AIT_OK;
}

static ait_status convex_ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                     const ait_real *v, ait_real *hv, ait_real *xv) {
  (void)self, (void)x, (void)y;
  for (int64_t i = 0; i < call->n; i++) {
    hv[i] = v[i];
    hv[call->n + i] = 0;
    xv[i] = -v[i];
  }
  return AIT_OK;
}

/* ||x - y2||^2 and ||y1 - e||^2. */
static void convex_distances(const ait_call *call, const ait_real *x, const ait_real *y, double *to_x, double *to_e) {
  *to_x = *to_e = 0;
  for (int64_t i = 0; i < call->n; i++) {
    const double d = (double)x[i] - y[call->n + i];
    const double e = y[i] - 1.0;
    *to_x += d * d;
    *to_e += e * e;
  }
}

static ait_status convex_ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  (void)self;
  double to_x, to_e;
  convex_distances(call, x, y, &to_x, &to_e);
  F[0] = (ait_real)(to_x * to_x + to_e * to_e);
  return AIT_OK;
}

static ait_status convex_ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                     ait_real *gx, ait_real *gy) {
  (void)self;
  double to_x, to_e;
  convex_distances(call, x, y, &to_x, &to_e);
  for (int64_t i = 0; i < call->n; i++) {
    const double d = 4 * to_x * ((double)x[i] - y[call->n + i]);
    gx[i] = (ait_real)d;
    gy[i] = (ait_real)(4 * to_e * (y[i] - 1.0));
    gy[call->n + i] = (ait_real)-d;
  }
  return AIT_OK;
}

/* The Hessian of ||d||^4 is 4 ||d||^2 I + 8 d d'. */
static ait_status convex_ul_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                     const ait_real *v, ait_real *hv, ait_real *xv) {
  (void)self;
  double to_x, to_e, along_x = 0, along_e = 0;
  convex_distances(call, x, y, &to_x, &to_e);
  for (int64_t i = 0; i < call->n; i++) {
    along_e += (y[i] - 1.0) * v[i];
    along_x += ((double)x[i] - y[call->n + i]) * v[call->n + i];
  }
  for (int64_t i = 0; i < call->n; i++) {
    const double second = 4 * to_x * v[call->n + i] + 8 * ((double)x[i] - y[call->n + i]) * along_x;
    hv[i] = (ait_real)(4 * to_e * v[i] + 8 * (y[i] - 1.0) * along_e);
    hv[call->n + i] = (ait_real)second;
    xv[i] = (ait_real)-second;
  }
  return AIT_OK;
}

static ait_status convex_ll_x_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                       ait_real *gx) {
  (void)self, (void)x;
  for (int64_t i = 0; i < call->n; i++) {
    gx[i] = -y[i];
  }
  return AIT_OK;
}

ait_status ait_problem_create_convex(ait_context *context, int64_t n, ait_problem **problem) {
  static const ait_oracles table = {.ll_gradient = convex_ll_gradient,
                                    .ll_products = convex_ll_products,
                                    .ul_value = convex_ul_value,
                                    .ul_gradient = convex_ul_gradient,
                                    .ul_products = convex_ul_products,
                                    .ll_x_gradient = convex_ll_x_gradient};
  return create(context, &table, NULL, n, 2 * n, problem);
}

/* ---- sinusoid: f = sum_i sin(x + y_i - c_i), F = (x - a)^2 + ||y - a - c||^2 --------------------- */

typedef struct sinusoid {
  double a;
  double c[];
} sinusoid;

static ait_status sinusoid_ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                       ait_real *g, ait_real *f) {
  const sinusoid *problem = self;
  double value = 0;
  for (int64_t i = 0; i < call->m; i++) {
    const double angle = (double)x[0] + y[i] - problem->c[i];
    g[i] = (ait_real)cos(angle);
    value += sin(angle);
  }
  f[0] = (ait_real)value;
  return AIT_OK;
}

static ait_status sinusoid_ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                       const ait_real *v, ait_real *hv, ait_real *xv) {
  const sinusoid *problem = self;
  double sum = 0;
  for (int64_t i = 0; i < call->m; i++) {
    const double second = -sin((double)x[0] + y[i] - problem->c[i]) * v[i];
    hv[i] = (ait_real)second;
    sum += second;
  }
  xv[0] = (ait_real)sum;
  return AIT_OK;
}

static ait_status sinusoid_ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                    ait_real *F) {
  const sinusoid *problem = self;
  double value = (x[0] - problem->a) * (x[0] - problem->a);
  for (int64_t i = 0; i < call->m; i++) {
    const double d = y[i] - problem->a - problem->c[i];
    value += d * d;
  }
  F[0] = (ait_real)value;
  return AIT_OK;
}

static ait_status sinusoid_ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                       ait_real *gx, ait_real *gy) {
  const sinusoid *problem = self;
  gx[0] = (ait_real)(2 * (x[0] - problem->a));
  for (int64_t i = 0; i < call->m; i++) {
    gy[i] = (ait_real)(2 * (y[i] - problem->a - problem->c[i]));
  }
  return AIT_OK;
}

static ait_status sinusoid_ul_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                       const ait_real *v, ait_real *hv, ait_real *xv) {
  (void)self, (void)x, (void)y;
  for (int64_t i = 0; i < call->m; i++) {
    hv[i] = 2 * v[i];
  }
  xv[0] = 0;
  return AIT_OK;
}

static ait_status sinusoid_ll_x_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y,
                                         ait_real *gx) {
  const sinusoid *problem = self;
  double sum = 0;
  for (int64_t i = 0; i < call->m; i++) {
    sum += cos((double)x[0] + y[i] - problem->c[i]);
  }
  gx[0] = (ait_real)sum;
  return AIT_OK;
}

ait_status ait_problem_create_sinusoid(ait_context *context, int64_t m, double a, const double *c,
                                       ait_problem **problem) {
  static const ait_oracles table = {.ll_gradient = sinusoid_ll_gradient,
                                    .ll_products = sinusoid_ll_products,
                                    .ul_value = sinusoid_ul_value,
                                    .ul_gradient = sinusoid_ul_gradient,
                                    .ul_products = sinusoid_ul_products,
                                    .ll_x_gradient = sinusoid_ll_x_gradient};
  if (m < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the sinusoid problem has m = %lld; expected 1 or more", (long long)m);
  }
  sinusoid *self = malloc(sizeof *self + (size_t)m * sizeof self->c[0]);
  if (self == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a sinusoid problem of m = %lld", (long long)m);
  }
  self->a = a;
  memcpy(self->c, c, (size_t)m * sizeof *c);
  return create(context, &table, self, 1, m, problem);
}
