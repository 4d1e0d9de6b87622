/* ridge.c - a problem of one's own: ridge regression with one penalty a feature, learned.
 *
 *     y* = argmin over y of f = 1/(2N) ||U y - t||^2 + 1/2 sum_j exp(x_j) y_j^2     (training rows)
 *     x  = argmin over x of F = 1/M ||V y* - s||^2                                  (validation rows)
 *
 * 20 features, of which 5 matter, and 30 training rows: least squares fits the noise. The learned
 * penalties switch the useless features off. The program also compares the hyper-gradient with a
 * central difference and fails where they disagree.
 *
 * Build it against the installed library, in double precision:
 *     cc ridge.c $(pkg-config --cflags --libs ait64) -lm -o ridge */
#include <ait/ait.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FEATURES = 20, USEFUL = 5, TRAIN_ROWS = 30, VALIDATION_ROWS = 60, LL_STEPS = 200, UL_ITERATIONS = 300 };

typedef struct regression {
  int64_t rows;
  ait_real inputs[VALIDATION_ROWS][FEATURES];
  ait_real targets[VALIDATION_ROWS];
} regression;

typedef struct ridge {
  regression train, validation;
  regression fresh; /* rows that neither level sees */
} ridge;

/* ---- the oracles ---------------------------------------------------------------------------- */

/* out = scale * inputs' (inputs v - targets), `targets` NULL: zero; returns ||inputs v - targets||^2. */
static double normal_equations(const regression *data, const ait_real *v, const ait_real *targets, double scale,
                               ait_real *out) {
  double squares = 0;
  memset(out, 0, FEATURES * sizeof *out);
  for (int64_t i = 0; i < data->rows; i++) {
    double residual = targets != NULL ? -targets[i] : 0;
    for (int j = 0; j < FEATURES; j++) {
      residual += data->inputs[i][j] * v[j];
    }
    squares += residual * residual;
    for (int j = 0; j < FEATURES; j++) {
      out[j] += scale * residual * data->inputs[i][j];
    }
  }
  return squares;
}

/* g_j = (U'(U y - t))_j / N + exp(x_j) y_j. */
static ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                              ait_real *f) {
  const regression *train = &((ridge *)self)->train;
  (void)call;
  double value = normal_equations(train, y, train->targets, 1.0 / train->rows, g) / (2 * train->rows);
  for (int j = 0; j < FEATURES; j++) {
    double penalty = exp(x[j]);
    g[j] += penalty * y[j];
    value += penalty * y[j] * y[j] / 2;
  }
  *f = value;
  return AIT_OK;
}

/* H v = U'U v / N + exp(x) * v, and J'v = exp(x) * y * v, for dg_j/dx_j = exp(x_j) y_j. */
static ait_status ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                              ait_real *hv, ait_real *xv) {
  const regression *train = &((ridge *)self)->train;
  (void)call;
  normal_equations(train, v, NULL, 1.0 / train->rows, hv);
  for (int j = 0; j < FEATURES; j++) {
    ait_real penalized = exp(x[j]) * v[j];
    hv[j] += penalized;
    xv[j] = penalized * y[j];
  }
  return AIT_OK;
}

static ait_status ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                              ait_real *gy) {
  const regression *validation = &((ridge *)self)->validation;
  (void)call;
  (void)x;
  memset(gx, 0, FEATURES * sizeof *gx); /* F depends on x through y alone */
  normal_equations(validation, y, validation->targets, 2.0 / validation->rows, gy);
  return AIT_OK;
}

static double mean_squared_error(const regression *data, const ait_real *y) {
  ait_real unused[FEATURES];
  return normal_equations(data, y, data->targets, 0, unused) / data->rows;
}

static ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  (void)call;
  (void)x;
  *F = mean_squared_error(&((ridge *)self)->validation, y);
  return AIT_OK;
}

static const ait_oracles ridge_oracles = {.struct_size = sizeof(ait_oracles),
                                          .flags = AIT_HOST_POINTERS,
                                          .ll_gradient = ll_gradient,
                                          .ll_products = ll_products,
                                          .ul_value = ul_value,
                                          .ul_gradient = ul_gradient};

/* ---- data ----------------------------------------------------------------------------------- */

/* Uniform in -1 .. 1 (a linear congruential generator is enough for an example). */
static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return ldexp(*state >> 11, -52) - 1;
}

/* The first USEFUL features carry the target; uniform noise of about the same size hides it. */
static void draw(uint64_t *state, int64_t rows, regression *data) {
  data->rows = rows;
  for (int64_t i = 0; i < rows; i++) {
    double target = 1.5 * uniform(state);
    for (int j = 0; j < FEATURES; j++) {
      double input = 1.7 * uniform(state);
      data->inputs[i][j] = input;
      target += j < USEFUL ? (j % 2 == 0 ? input : -input) : 0;
    }
    data->targets[i] = target;
  }
}

/* ---- solving and checking ------------------------------------------------------------------- */

/* y_K under the penalties x; *F is its validation error. */
static ait_status fit(ait_solver *solver, const ait_real *x, ait_real *y, double *F) {
  ait_status status = ait_solver_set_x(solver, x);
  status = status != AIT_OK ? status : ait_solver_rollout(solver);
  status = status != AIT_OK ? status : ait_solver_get_y(solver, y);
  *F = status == AIT_OK ? ait_solver_trajectory_F(solver)[LL_STEPS] : NAN;
  return status;
}

/* *difference = ||gx - central difference|| / ||central difference|| at x. */
static ait_status check_hypergradient(ait_solver *solver, const ait_real *x, double *difference) {
  const double h = 1e-5;
  ait_real gx[FEATURES], moved[FEATURES], y[FEATURES];
  double squares = 0, norm = 0;
  ait_status status = ait_solver_set_x(solver, x);
  status = status != AIT_OK ? status : ait_solver_hypergradient(solver);
  status = status != AIT_OK ? status : ait_solver_get_gx(solver, gx);
  for (int j = 0; j < FEATURES && status == AIT_OK; j++) {
    double above = 0, below = 0;
    memcpy(moved, x, sizeof moved);
    moved[j] = x[j] + h;
    status = fit(solver, moved, y, &above);
    moved[j] = x[j] - h;
    status = status != AIT_OK ? status : fit(solver, moved, y, &below);
    double central = (above - below) / (2 * h);
    squares += (gx[j] - central) * (gx[j] - central);
    norm += central * central;
  }
  *difference = sqrt(squares / norm);
  return status;
}

static void print_features(const ait_real *x, const ait_real *y) {
  printf("switched off (penalty above 1, the size of the data's own curvature):");
  for (int j = 0; j < FEATURES; j++) {
    if (x[j] > 0) {
      printf(" %d", j);
    }
  }
  printf("\ncoefficients of features 0 to %d (truth: 1 and -1 in turn):", USEFUL - 1);
  for (int j = 0; j < USEFUL; j++) {
    printf(" %.2f", y[j]);
  }
  printf("\n");
}

static ait_status learn_penalties(ait_solver *solver, const ridge *data, const ait_real *x0, double *difference) {
  ait_real x[FEATURES], y0[FEATURES], y[FEATURES];
  double before = NAN, after = NAN;
  ait_status status = check_hypergradient(solver, x0, difference);
  status = status != AIT_OK ? status : fit(solver, x0, y0, &before);
  status = status != AIT_OK ? status : ait_solver_run(solver, NULL, NULL);
  status = status != AIT_OK ? status : ait_solver_get_x(solver, x);
  status = status != AIT_OK ? status : fit(solver, x, y, &after);
  if (status == AIT_OK) {
    printf("mean squared error     equal penalties   learned penalties\n");
    printf("  validation rows  %15.4f %19.4f\n", before, after);
    printf("  fresh rows       %15.4f %19.4f\n", mean_squared_error(&data->fresh, y0),
           mean_squared_error(&data->fresh, y));
    print_features(x, y);
    printf("hyper-gradient against central differences: relative difference %.1e\n", *difference);
  }
  return status;
}

static ait_status run(ait_context *context, ridge *data, double *difference) {
  ait_problem *problem = NULL;
  ait_solver *solver = NULL;
  ait_real x0[FEATURES], y0[FEATURES] = {0};
  for (int j = 0; j < FEATURES; j++) {
    x0[j] = -4; /* exp(-4) = 0.02: hardly any penalty */
  }

  ait_solver_options options;
  ait_solver_options_init(&options);
  options.ul_iterations = UL_ITERATIONS;
  options.ll_steps = LL_STEPS;
  options.ll_rate.rate = 0.2; /* below 2 / (largest curvature + largest penalty) */
  options.ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  options.ul_optimizer.rate.rate = 0.05;

  /* f is strongly convex here, so a fixed start and the last iterate will do. */
  ait_status status = ait_method_by_name("rhg", &options.method);
  status =
      status != AIT_OK ? status : ait_problem_create(context, &ridge_oracles, data, 1, FEATURES, FEATURES, &problem);
  status = status != AIT_OK ? status : ait_problem_bound_x(problem, -8, 1);
  status = status != AIT_OK ? status : ait_solver_create(problem, &options, x0, y0, &solver);
  status = status != AIT_OK ? status : learn_penalties(solver, data, x0, difference);
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

int main(void) {
  static ridge data;
  uint64_t state = 20;
  draw(&state, TRAIN_ROWS, &data.train);
  draw(&state, VALIDATION_ROWS, &data.validation);
  draw(&state, VALIDATION_ROWS, &data.fresh);

  ait_context_options options;
  ait_context *context = NULL;
  double difference = NAN;
  ait_context_options_init(&options);
  options.device = "cpu";
  ait_status status = ait_context_create(&options, &context);
  status = status != AIT_OK ? status : run(context, &data, &difference);
  ait_context_destroy(context);
  if (status != AIT_OK) {
    fprintf(stderr, "ridge: %s\n", ait_last_error());
    return 1;
  }
  /* The central difference errs by some h^2 = 1e-10 (truncation) and 1e-16 / h = 1e-11 (rounding). */
  const double tolerance = 1e-6;
  if (!(difference <= tolerance)) {
    fprintf(stderr, "ridge: the hyper-gradient disagrees with central differences (tolerance %.0e)\n", tolerance);
    return 1;
  }
  return 0;
}
