/* solve.c - ait solve: the paper's numerical examples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ait/ait.h"
#include "cli/options.h"
#include "context/error.h"
#include "data/file.h"
#include "run/prior.h"
#include "run/rate.h"
#include "run/settings.h"
#include "run/storage.h"

typedef enum example { EXAMPLE_TOY, EXAMPLE_CONVEX, EXAMPLE_SINUSOID, EXAMPLE_COUNT } example;

static const char *const example_words[] = {"toy", "convex", "sinusoid", NULL};

typedef struct solve_settings {
  int32_t example; /* -1: none given */
  double x0, z0;   /* NaN: the example's own */
  char method_name[32];
  ait_method method;
  ait_method_settings method_settings;
  int64_t iterations, ll_steps, n;
  int64_t memory; /* bytes for the trajectory; 0: as many as it takes */
  double ll_rate, ul_rate, init_rate;
  int32_t ll_rate_auto;
  int32_t ul_optimizer, init_optimizer;
  const char *history;
  int32_t quiet;
  ait_machine machine;
  uint64_t seed;
} solve_settings;

/* By example, for what is not asked for. toy: the paper's values. */
static const solve_settings defaults[] = {
    [EXAMPLE_TOY] = {.x0 = 1,
                     .z0 = 2,
                     .iterations = 500,
                     .ll_steps = 40,
                     .n = 1,
                     .ll_rate = 5e-4,
                     .ul_rate = 0.1,
                     .init_rate = 0.1,
                     .ul_optimizer = AIT_OPTIMIZER_SGD,
                     .init_optimizer = AIT_OPTIMIZER_SGD},
    [EXAMPLE_CONVEX] = {.x0 = 0,
                        .z0 = 0,
                        .iterations = 2000,
                        .ll_steps = 20,
                        .n = 50,
                        .ll_rate = 0.1,
                        .ul_rate = 0.1,
                        .init_rate = 0.1,
                        .ul_optimizer = AIT_OPTIMIZER_ADAM,
                        .init_optimizer = AIT_OPTIMIZER_ADAM},
    [EXAMPLE_SINUSOID] = {.x0 = 3,
                          .z0 = 3,
                          .iterations = 2000,
                          .ll_steps = 20,
                          .n = 20,
                          .ll_rate = 0.1,
                          .ul_rate = 0.01,
                          .init_rate = 0.01,
                          .ul_optimizer = AIT_OPTIMIZER_ADAM,
                          .init_optimizer = AIT_OPTIMIZER_ADAM},
};

/* The sinusoid's constants, as in the paper: F = (x - a)^2 + ||y - a - c||^2, c_i = 2. */
static const double sinusoid_a = 2, sinusoid_c = 2;

enum {
  KEY_X0 = 256,
  KEY_Z0,
  KEY_N,
  KEY_METHOD,
  KEY_ITERATIONS,
  KEY_LL_STEPS,
  KEY_LL_RATE,
  KEY_UL_OPTIMIZER,
  KEY_UL_RATE,
  KEY_INIT_OPTIMIZER,
  KEY_INIT_RATE,
  KEY_HISTORY,
  KEY_QUIET,
  KEY_MEMORY,
  KEY_SEED
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Example:", 1},
    {"x0", KEY_X0, "X", 0, "Every entry of the first x (default: toy 1, convex 0, sinusoid 3)", 1},
    {"z0", KEY_Z0, "Z", 0, "Every entry of the first z (default: toy 2, convex 0, sinusoid 3)", 1},
    {"n", KEY_N, "N", 0, "Size: entries of x for convex (default 50), of y for sinusoid (default 20)", 1},
    {NULL, 0, NULL, 0, "Method:", 4},
    {"method", KEY_METHOD, "NAME", 0, "iaptt-gm, or another one that " AIT_PROGRAM " methods lists (default iaptt-gm)",
     4},
    {"iterations", KEY_ITERATIONS, "T", 0, "UL iterations (default: toy 500, others 2000)", 4},
    {"ll-steps", KEY_LL_STEPS, "K", 0, "LL steps a UL iteration (default: toy 40, others 20)", 4},
    {"ll-rate", KEY_LL_RATE, "A", 0,
     "Size of an LL step, or auto: 1 / the largest curvature at the start of what it descends (default: toy 5e-4, "
     "others 0.1)",
     4},
    {"ul-optimizer", KEY_UL_OPTIMIZER, "NAME", 0, "Update of x: sgd or adam (default: toy sgd, others adam)", 4},
    {"ul-rate", KEY_UL_RATE, "A", 0, "Size of a step of x (default: sinusoid 0.01, others 0.1)", 4},
    {"init-optimizer", KEY_INIT_OPTIMIZER, "NAME", 0, "Update of z: sgd or adam (default: toy sgd, others adam)", 4},
    {"init-rate", KEY_INIT_RATE, "A", 0, "Size of a step of z (default: sinusoid 0.01, others 0.1)", 4},
    {NULL, 0, NULL, 0, "Output and machine:", 5},
    {"history", KEY_HISTORY, "FILE", 0,
     "Write a CSV row a UL iteration, with the values before its update; a file of that name is replaced", 5},
    {"quiet", KEY_QUIET, NULL, 0, "Print nothing but errors", 5},
    {"memory", KEY_MEMORY, "SIZE", 0, AIT_HELP_MEMORY, 5},
    {"seed", KEY_SEED, "S", 0, "Of the first direction in which --ll-rate auto looks (default 0)", 5},
    {0}};

static const char documentation[] =
    "Solve one of the paper's numerical examples, whose solutions are known:\n\n"
    "  toy       f = -sin(x y), F = x + x y, x in [1, 10], y in [-2, 2]\n"
    "  convex    f = 1/2 |y1|^2 - x'y1, F = |x - y2|^4 + |y1 - e|^4\n"
    "  sinusoid  f = sum sin(x + y_i - c_i), F = (x - a)^2 + |y - a - c|^2\v"
    "Which solution is reached depends on the start; the one named is the best of all.\n\n"
    "Example:\n"
    "  " AIT_PROGRAM " solve toy --x0 1 --z0 2 --method iaptt-gm --history F.csv";

static error_t parse_method(solve_settings *s, const char *argument) {
  snprintf(s->method_name, sizeof s->method_name, "%s", argument);
  return ait_option_fail(ait_option_method("--method", argument, &s->method));
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  solve_settings *s = state->input;
  switch (key) {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &s->method_settings;
      state->child_inputs[1] = &s->machine;
      return 0;
    case KEY_X0:
      return ait_option_fail(ait_option_number("--x0", argument, &s->x0));
    case KEY_Z0:
      return ait_option_fail(ait_option_number("--z0", argument, &s->z0));
    case KEY_N:
      return ait_option_fail(ait_option_whole("--n", argument, 1, &s->n));
    case KEY_METHOD:
      return parse_method(s, argument);
    case KEY_ITERATIONS:
      return ait_option_fail(ait_option_whole("--iterations", argument, 1, &s->iterations));
    case KEY_LL_STEPS:
      return ait_option_fail(ait_option_steps("--ll-steps", argument, &s->ll_steps));
    case KEY_LL_RATE:
      return ait_option_fail(ait_option_rate("--ll-rate", argument, &s->ll_rate_auto, &s->ll_rate));
    case KEY_UL_OPTIMIZER:
      return ait_option_fail(ait_option_choice("--ul-optimizer", argument, ait_optimizer_words, &s->ul_optimizer));
    case KEY_UL_RATE:
      return ait_option_fail(ait_option_positive("--ul-rate", argument, &s->ul_rate));
    case KEY_INIT_OPTIMIZER:
      return ait_option_fail(ait_option_choice("--init-optimizer", argument, ait_optimizer_words, &s->init_optimizer));
    case KEY_INIT_RATE:
      return ait_option_fail(ait_option_positive("--init-rate", argument, &s->init_rate));
    case KEY_HISTORY:
      s->history = argument;
      return 0;
    case KEY_QUIET:
      s->quiet = 1;
      return 0;
    case KEY_MEMORY:
      return ait_option_fail(ait_option_bytes("--memory", argument, &s->memory));
    case KEY_SEED:
      return ait_option_fail(ait_option_seed("--seed", argument, &s->seed));
    case ARGP_KEY_ARG:
      if (state->arg_num > 0) {
        return ait_option_superfluous("solve", argument);
      }
      return ait_option_fail(ait_option_choice("example", argument, example_words, &s->example));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static ait_status complete(solve_settings *s) {
  if (s->example == -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "solve: name an example: toy, convex or sinusoid");
  }
  if (s->example == EXAMPLE_TOY && s->n > 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--n %lld: the toy example has one variable", (long long)s->n);
  }
  const solve_settings *d = &defaults[s->example];
  if (s->method_name[0] == '\0') {
    snprintf(s->method_name, sizeof s->method_name, AIT_DEFAULT_METHOD);
  }
  AIT_TRY(ait_method_settings_complete(&s->method_settings, s->method_name, s->ll_steps, d->ll_steps, &s->method,
                                       &s->ll_steps));
  AIT_TRY(ait_method_check_start(&s->method_settings, s->method_name, &s->method, s->init_optimizer != -1,
                                 s->init_rate > 0));
  s->x0 = isnan(s->x0) ? d->x0 : s->x0;
  s->z0 = isnan(s->z0) ? d->z0 : s->z0;
  s->iterations = s->iterations > 0 ? s->iterations : d->iterations;
  s->n = s->n > 0 ? s->n : d->n;
  s->ll_rate = s->ll_rate > 0 ? s->ll_rate : d->ll_rate;
  s->ul_rate = s->ul_rate > 0 ? s->ul_rate : d->ul_rate;
  s->init_rate = s->init_rate > 0 ? s->init_rate : d->init_rate;
  s->ul_optimizer = s->ul_optimizer != -1 ? s->ul_optimizer : d->ul_optimizer;
  s->init_optimizer = s->init_optimizer != -1 ? s->init_optimizer : d->init_optimizer;
  return AIT_OK;
}

/* ---- running ----------------------------------------------------------------------------------- */

typedef struct solve_run {
  const solve_settings *settings;
  ait_problem *problem;
  ait_solver *solver;
  ait_real *x, *z; /* the present point */
  double ll_rate;  /* as used */
  ait_trajectory_plan trajectory;
  double solution;  /* every entry of the x that solves the example */
  int64_t curved;   /* directions of conjugate gradient without positive curvature */
  int64_t unsolved; /* LL problems that L-BFGS did not solve to the tolerance */
  FILE *history;    /* NULL: none */
} solve_run;

/* The sinusoid's x: the LL problem makes y_i = c_i - x + d + a with d = -pi/2 + 2 pi j - a for some whole
 * j, so that F = (x - a)^2 + m (x - d)^2, least at x = (a + m d) / (1 + m) and for the j nearest to a = d. */
static double sinusoid_solution(int64_t m) {
  double turn = 2 * M_PI, base = -M_PI / 2 - sinusoid_a;
  double d = base + turn * round((sinusoid_a - base) / turn);
  return (sinusoid_a + (double)m * d) / (1 + (double)m);
}

static ait_status make_problem(solve_run *run, ait_context *context) {
  int64_t n = run->settings->n;
  switch (run->settings->example) {
    case EXAMPLE_TOY:
      run->solution = 11 * M_PI / 4;
      return ait_problem_create_toy(context, &run->problem);
    case EXAMPLE_CONVEX:
      run->solution = 1;
      return ait_problem_create_convex(context, n, &run->problem);
    default: {
      run->solution = sinusoid_solution(n);
      double *c = malloc((size_t)n * sizeof *c);
      if (c == NULL) {
        return ait_fail(AIT_OUT_OF_MEMORY, "--n %lld: no memory for so many variables", (long long)n);
      }
      for (int64_t i = 0; i < n; i++) {
        c[i] = sinusoid_c;
      }
      ait_status status = ait_problem_create_sinusoid(context, n, sinusoid_a, c, &run->problem);
      free(c);
      return status;
    }
  }
}

/* The size of an LL step, at the start where it goes by the curvature there. */
static ait_status choose_rate(solve_run *run) {
  double curvature;
  run->ll_rate = run->settings->ll_rate;
  if (!run->settings->ll_rate_auto) {
    return AIT_OK;
  }
  AIT_TRY(
      ait_curvature_of_steps(run->problem, &run->settings->method, run->x, run->z, run->settings->seed, &curvature));
  return ait_rate_of_curvature(curvature, &run->ll_rate);
}

static ait_status make_solver(solve_run *run) {
  const solve_settings *s = run->settings;
  int64_t n = ait_problem_n(run->problem), m = ait_problem_m(run->problem);
  run->x = malloc((size_t)n * sizeof *run->x);
  run->z = malloc((size_t)m * sizeof *run->z);
  if (run->x == NULL || run->z == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "--n %lld: no memory for so many variables", (long long)s->n);
  }
  for (int64_t i = 0; i < n; i++) {
    run->x[i] = (ait_real)s->x0;
  }
  for (int64_t i = 0; i < m; i++) {
    run->z[i] = (ait_real)s->z0;
  }
  ait_solver_options solver;
  ait_solver_options_init(&solver);
  solver.method = s->method;
  solver.ul_iterations = s->iterations;
  solver.ll_steps = s->ll_steps;
  AIT_TRY(choose_rate(run));
  solver.ll_rate.rate = run->ll_rate;
  solver.ul_optimizer.kind = (ait_optimizer_kind)s->ul_optimizer;
  solver.ul_optimizer.rate.rate = s->ul_rate;
  solver.init_optimizer.kind = (ait_optimizer_kind)s->init_optimizer;
  solver.init_optimizer.rate.rate = s->init_rate;
  solver.trajectory_bytes = s->memory;
  AIT_TRY(ait_storage_plan(&solver, 1, m, "--ll-steps or --n", &run->trajectory));
  return ait_prior_create_solver(run->problem, &solver, s->method_settings.prior, run->x, run->z, &run->solver);
}

/* ||x - x*||, which is |x - x*| where n is 1. */
static double distance(const solve_run *run) {
  double sum = 0;
  for (int64_t i = 0; i < ait_problem_n(run->problem); i++) {
    double difference = (double)run->x[i] - run->solution;
    sum += difference * difference;
  }
  return sqrt(sum);
}

static ait_status read_point(solve_run *run) {
  AIT_TRY(ait_solver_get_x(run->solver, run->x));
  return ait_solver_get_z(run->solver, run->z);
}

/* One UL iteration; its row has the point that the iteration began with. */
static ait_status iterate(solve_run *run, int64_t t) {
  AIT_TRY(read_point(run));
  AIT_TRY(ait_solver_step(run->solver));
  if (run->history == NULL) {
    return AIT_OK;
  }
  int32_t kbar = *ait_solver_kbar(run->solver);
  const ait_real *F = ait_solver_trajectory_F(run->solver);
  if (run->settings->example == EXAMPLE_TOY) {
    fprintf(run->history, "%lld,%.17g,%.17g", (long long)t, (double)*run->x, (double)*run->z);
  } else {
    fprintf(run->history, "%lld,%.17g", (long long)t, distance(run));
  }
  fprintf(run->history, ",%d,%.17g,%.17g\n", kbar, (double)F[kbar], (double)F[run->settings->ll_steps]);
  return AIT_OK;
}

static ait_status iterate_all(solve_run *run) {
  if (run->history != NULL) {
    int toy = run->settings->example == EXAMPLE_TOY;
    fprintf(run->history, "t,%s,kbar,F_kbar,F_K\n", toy ? "x,z" : "distance");
  }
  for (int64_t t = 0; t < run->settings->iterations; t++) {
    AIT_TRY(iterate(run, t));
  }
  AIT_TRY(ait_solver_curvature_count(run->solver, &run->curved));
  if (run->settings->method.mapping == AIT_MAPPING_LBFGS) {
    double residual;
    int64_t steps;
    AIT_TRY(ait_solver_ll_solution(run->solver, &residual, &steps, &run->unsolved));
  }
  return read_point(run);
}

static ait_status iterate_with_history(solve_run *run) {
  if (run->settings->history == NULL) {
    return iterate_all(run);
  }
  ait_file file;
  AIT_TRY(ait_file_begin(&file, run->settings->history));
  run->history = file.stream;
  ait_status status = iterate_all(run);
  run->history = NULL;
  if (status != AIT_OK) {
    ait_file_abandon(&file);
    return status;
  }
  return ait_file_commit(&file);
}

static void print_summary(const solve_run *run) {
  const solve_settings *s = run->settings;
  const ait_real *F = ait_solver_trajectory_F(run->solver);
  int32_t kbar = *ait_solver_kbar(run->solver);
  const int changed = ait_method_choices_first(&s->method_settings.choices) != NULL;
  printf("%s, %s%s, %lld iterations of %lld steps\n", example_words[s->example], s->method_name,
         changed ? " with other choices" : "", (long long)s->iterations, (long long)s->ll_steps);
  if (s->example == EXAMPLE_TOY) {
    printf("  x = %.10g    solution 11 pi / 4 = %.10g\n", (double)*run->x, run->solution);
    printf("  z = %.10g    solution -2\n", (double)*run->z);
  } else {
    printf("  first entry of x = %.10g    solution %.10g\n", (double)*run->x, run->solution);
  }
  printf("  distance of x to the solution = %.3g\n", distance(run));
  if (s->memory > 0) {
    char text[AIT_STORAGE_TEXT];
    ait_storage_describe(&run->trajectory, text);
    printf("  %s\n", text);
  }
  if (s->ll_rate_auto) {
    printf("  LL step size %.3g, chosen by the largest curvature at the start\n", run->ll_rate);
  }
  printf("  last iteration: kbar = %d, F at kbar = %.10g, F at K = %.10g\n", kbar, (double)F[kbar],
         (double)F[s->ll_steps]);
  if (run->unsolved > 0) {
    printf("  %lld of %lld LL problems were not solved to the tolerance %g: their hyper-gradients need not be right\n",
           (long long)run->unsolved, (long long)s->iterations, s->method.lbfgs.tolerance);
  }
  if (run->curved > 0) {
    printf("  conjugate gradient met negative curvature %lld times: its hyper-gradients need not be right\n",
           (long long)run->curved);
  }
  if (s->history != NULL) {
    printf("  history in %s\n", s->history);
  }
}

static ait_status solve_in(solve_run *run, ait_context *context) {
  AIT_TRY(make_problem(run, context));
  AIT_TRY(make_solver(run));
  if (!run->settings->quiet) {
    ait_announce_device(run->settings->machine.device, context);
  }
  AIT_TRY(iterate_with_history(run));
  if (!run->settings->quiet) {
    print_summary(run);
  }
  return AIT_OK;
}

static ait_status solve(const solve_settings *settings) {
  ait_context *context;
  AIT_TRY(ait_open_device(settings->machine.device, settings->machine.threads, settings->machine.math, &context));
  solve_run run = {.settings = settings};
  ait_status status = solve_in(&run, context);
  ait_solver_destroy(run.solver);
  ait_problem_destroy(run.problem);
  free(run.x);
  free(run.z);
  ait_context_destroy(context);
  return status;
}

int ait_command_solve(int argc, char **argv) {
  const struct argp_child children[] = {{&ait_method_argp, 0, NULL, 0}, {&ait_machine_argp, 0, NULL, 0}, {0}};
  const struct argp argp = {.options = options,
                            .parser = parse,
                            .args_doc = "toy|convex|sinusoid",
                            .doc = documentation,
                            .children = children};
  solve_settings settings = {
      .example = -1, .x0 = NAN, .z0 = NAN, .ul_optimizer = -1, .init_optimizer = -1, .machine = {.device = "auto"}};
  ait_method_settings_init(&settings.method_settings);
  ait_status status = ait_parse_options(&argp, argc, argv, "solve", &settings);
  if (status == AIT_OK) {
    status = complete(&settings);
  }
  if (status == AIT_OK) {
    status = solve(&settings);
  }
  return ait_exit_status(status);
}
