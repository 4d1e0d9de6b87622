/* check.c - ait check: a hyper-gradient against central differences, or against a reference case. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ait/ait.h"
#include "cli/options.h"
#include "context/error.h"
#include "run/case.h"
#include "run/difference.h"
#include "run/sample.h"

typedef struct check_settings {
  const char *case_directory;
  int32_t problem; /* -1: none given */
  ait_model model;
  int32_t activation;
  char method_name[32]; /* empty: all */
  ait_method_settings method_settings;
  int64_t ll_steps;
  int32_t directions;
  double ll_rate, tolerance, step;
  uint64_t seed;
  ait_machine machine;
} check_settings;

enum {
  KEY_CASE = 256,
  KEY_MODEL,
  KEY_ACTIVATION,
  KEY_METHOD,
  KEY_LL_STEPS,
  KEY_LL_RATE,
  KEY_DIRECTIONS,
  KEY_STEP,
  KEY_TOLERANCE,
  KEY_SEED
};

/* Differences in float are rough: F is known to 1e-7, and the step has to be as wide as 1e-2. */
#define DOUBLE_TOLERANCE 1e-6
#define FLOAT_TOLERANCE  2e-2
#define DIRECTIONS       16

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is checked:", 1},
    {"case", KEY_CASE, "DIR", 0, "A reference case: a folder with case.json and .npy arrays; every method in it", 1},
    {"model", KEY_MODEL, "MODEL", 0, "clean: linear, deep:SIZES or mlp:SIZES (default linear)", 1},
    {"activation", KEY_ACTIVATION, "NAME", 0, "clean with mlp: relu or tanh (default tanh, which has no kinks)", 1},
    {"method", KEY_METHOD, "NAME", 0, "One method instead of all; iaptt-gm where an option below changes it", 1},
    {"ll-steps", KEY_LL_STEPS, "K", 0, "LL steps (default: what suits the problem)", 1},
    {"ll-rate", KEY_LL_RATE, "A", 0, "Size of an LL step (default: what suits the problem)", 1},
    {NULL, 0, NULL, 0, "How it is checked:", 2},
    {"tolerance", KEY_TOLERANCE, "E", 0,
     "Largest relative error allowed (default: differences 1e-6 in double and 2e-2 in float, cases 1e-9 and 2e-5)", 2},
    {"directions", KEY_DIRECTIONS, "N", 0,
     "Random directions for x and for z (default " AIT_TEXT_OF(DIRECTIONS) "; coordinates where there are no more)", 2},
    {"step", KEY_STEP, "H", 0, "Length of a difference (default 1e-5 in double, 1e-2 in float)", 2},
    {"seed", KEY_SEED, "S", 0, "Seed of the point and the directions (default 0)", 2},
    {NULL, 0, NULL, 0, "The method's choices:", 4},
    {NULL, 0, NULL, 0, "Machine:", 5},
    {0}};

static const char documentation[] =
    "Compare the hyper-gradient of a problem (toy, convex, sinusoid or clean) with central differences, or every "
    "method of a reference case with the answers stored there.\v"
    "Differences are exact to about 1e-9 in double precision and only to a per cent in float: prefer ait64. "
    "Exit status: 0 within the tolerance, 1 not, 2 wrong usage.\n\n"
    "Examples:\n"
    "  " AIT_PROGRAM
    " check clean --model mlp:20 --activation tanh\n"
    "  " AIT_PROGRAM " check --case DIR";

static error_t parse(int key, char *argument, struct argp_state *state) {
  check_settings *s = state->input;
  switch (key) {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &s->method_settings;
      state->child_inputs[1] = &s->machine;
      return 0;
    case KEY_CASE:
      s->case_directory = argument;
      return 0;
    case KEY_MODEL:
      return ait_option_fail(ait_model_parse(argument, &s->model));
    case KEY_ACTIVATION:
      return ait_option_fail(ait_option_choice("--activation", argument, ait_activation_words, &s->activation));
    case KEY_METHOD: {
      ait_method method;
      snprintf(s->method_name, sizeof s->method_name, "%s", argument);
      return ait_option_fail(ait_option_method("--method", argument, &method));
    }
    case KEY_LL_STEPS:
      return ait_option_fail(ait_option_steps("--ll-steps", argument, &s->ll_steps));
    case KEY_LL_RATE:
      return ait_option_fail(ait_option_positive("--ll-rate", argument, &s->ll_rate));
    case KEY_TOLERANCE:
      return ait_option_fail(ait_option_positive("--tolerance", argument, &s->tolerance));
    case KEY_DIRECTIONS:
      return ait_option_fail(ait_option_int("--directions", argument, 1, &s->directions));
    case KEY_STEP:
      return ait_option_fail(ait_option_difference("--step", argument, &s->step));
    case KEY_SEED:
      return ait_option_fail(ait_option_seed("--seed", argument, &s->seed));
    case ARGP_KEY_ARG:
      if (state->arg_num > 0) {
        return ait_option_superfluous("check", argument);
      }
      return ait_option_fail(ait_option_choice("problem", argument, ait_sample_words, &s->problem));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

/* The first option that is set and that a reference case leaves no room for, or NULL. */
static const char *problem_option(const check_settings *s) {
  return s->model.text[0] != '\0'    ? "--model"
         : s->activation != -1       ? "--activation"
         : s->method_name[0] != '\0' ? "--method"
         : s->ll_steps > 0           ? "--ll-steps"
         : s->ll_rate > 0            ? "--ll-rate"
         : s->directions > 0         ? "--directions"
         : s->step > 0               ? "--step"
                                     : ait_method_settings_first(&s->method_settings);
}

/* What goes with what is checked. */
static ait_status check_target(const check_settings *s) {
  if ((s->problem == -1) == (s->case_directory == NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "check: name a problem (toy, convex, sinusoid or clean) or --case DIR");
  }
  const char *option = problem_option(s);
  if (s->case_directory != NULL && option != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with a problem, not with --case, which holds all of its own",
                    option);
  }
  if (s->case_directory == NULL && s->problem != AIT_SAMPLE_CLEAN &&
      (s->model.text[0] != '\0' || s->activation != -1)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with the problem clean, not with %s",
                    s->model.text[0] != '\0' ? "--model" : "--activation", ait_sample_words[s->problem]);
  }
  return AIT_OK;
}

/* The options of a method, before anything is made: K may be any number, unless it is given. */
static ait_status complete_method(check_settings *s) {
  enum { MANY_STEPS = 1 << 30 };
  const char *changed = ait_method_settings_first(&s->method_settings);
  if (s->method_settings.prior != NULL || !isnan(s->method_settings.prior_weight)) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "a prior goes with clean and solve, not with check: it is no part of the hyper-gradient");
  }
  if (changed != NULL && s->method_name[0] == '\0') {
    snprintf(s->method_name, sizeof s->method_name, "%s", AIT_DEFAULT_METHOD);
  }
  if (s->method_name[0] == '\0') {
    return AIT_OK;
  }
  ait_method method;
  int64_t steps;
  return ait_method_settings_complete(&s->method_settings, s->method_name, s->ll_steps, MANY_STEPS, &method, &steps);
}

static ait_status complete(check_settings *s) {
  AIT_TRY(check_target(s));
  AIT_TRY(complete_method(s));
  if (s->model.text[0] == '\0') {
    AIT_TRY(ait_model_parse("linear", &s->model));
  }
  AIT_TRY(ait_model_complete_activation(&s->model, AIT_ACTIVATION_TANH, &s->activation));
  if (s->activation == AIT_ACTIVATION_RELU && s->case_directory == NULL && sizeof(ait_real) == sizeof(float)) {
    return ait_fail(AIT_UNSUPPORTED,
                    "check clean --activation relu: differences in float are too long to miss the kinks of relu; use "
                    "ait64 check");
  }
  return AIT_OK;
}

/* ---- differences ------------------------------------------------------------------------------- */

static ait_status check_method(const check_settings *s, const ait_sample *sample, const char *name, int64_t *failed) {
  ait_solver_options solver;
  ait_solver_options_init(&solver);
  AIT_TRY(ait_method_by_name(name, &solver.method));
  const char *excuse = ait_difference_excuse(&solver.method);
  if (s->method_name[0] == '\0' && excuse != NULL) {
    printf("%-10s  SKIPPED (%s)\n", name, excuse);
    return AIT_OK;
  }
  AIT_TRY(ait_method_settings_complete(&s->method_settings, name, s->ll_steps, sample->ll_steps, &solver.method,
                                       &solver.ll_steps));
  solver.ll_rate.rate = s->ll_rate > 0 ? s->ll_rate : sample->ll_rate;
  double usual = sizeof(ait_real) == sizeof(double) ? DOUBLE_TOLERANCE : FLOAT_TOLERANCE;
  double tolerance = s->tolerance > 0 ? s->tolerance : usual;
  const ait_difference_settings settings = {.seed = s->seed,
                                            .directions = s->directions > 0 ? s->directions : DIRECTIONS,
                                            .step = s->step > 0 ? s->step : ait_difference_step(),
                                            .tolerance = tolerance};
  ait_difference result;
  AIT_TRY(ait_difference_check(sample->problem, &solver, sample->x, sample->z, &settings, &result));
  int passed = result.error_gx <= tolerance && result.error_gz <= tolerance;
  *failed += !passed;
  printf("%-10s  %5d  %9.2e  %9.2e  %s\n", name, result.kbar, result.error_gx, result.error_gz,
         passed ? "passed" : "FAILED");
  return AIT_OK;
}

static ait_status check_differences(const check_settings *s, ait_context *context, int64_t *failed) {
  ait_sample sample;
  AIT_TRY(ait_sample_make(context, (ait_sample_kind)s->problem, &s->model, (ait_activation)s->activation, s->seed,
                          &sample));
  ait_announce_device(s->machine.device, context);
  printf("%s%s%s: n = %lld, m = %lld, %s precision\n", ait_sample_words[s->problem],
         s->problem == AIT_SAMPLE_CLEAN ? " " : "", s->problem == AIT_SAMPLE_CLEAN ? s->model.text : "",
         (long long)ait_problem_n(sample.problem), (long long)ait_problem_m(sample.problem), AIT_PRECISION);
  if (sizeof(ait_real) == sizeof(float)) {
    printf("Differences in float are rough; ait64 checks the same to 1e-6.\n");
  }
  printf("%-10s  %5s  %9s  %9s\n", "method", "kbar", "gx error", "gz error");
  ait_status status = AIT_OK;
  if (s->method_name[0] != '\0') {
    status = check_method(s, &sample, s->method_name, failed);
  }
  for (int32_t i = 0; s->method_name[0] == '\0' && status == AIT_OK && ait_method_name(i) != NULL; i++) {
    status = check_method(s, &sample, ait_method_name(i), failed);
  }
  ait_sample_free(&sample);
  return status;
}

/* ---- cases ------------------------------------------------------------------------------------- */

/* "12", or "1,2,12" for a batch. */
static const char *join_kbar(int32_t batch, const int32_t *kbar, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int32_t b = 0; b < batch && used < size; b++) {
    used += (size_t)snprintf(text + used, size - used, "%s%d", b == 0 ? "" : ",", kbar[b]);
  }
  return text;
}

static void print_result(const ait_case_result *r, ait_case_verdict verdict) {
  char found[256], expected[256];
  printf("%-12s  %8s  %8s  %9.2e  %9.2e  %9.2e  %9.2e  ", r->name, join_kbar(r->batch, r->kbar, found, sizeof found),
         join_kbar(r->batch, r->expected_kbar, expected, sizeof expected), r->error_F, r->error_gx, r->error_gz,
         r->error_y);
  if (verdict == AIT_CASE_BEYOND_FLOAT) {
    printf("SKIPPED (beyond float: rounding x and z alone moves F by %.1e, gx by %.1e, gz by %.1e; use ait64)\n",
           r->rounding.F, r->rounding.gx, r->rounding.gz);
    return;
  }
  const int32_t passed = verdict == AIT_CASE_PASSED;
  printf("%s%s\n", passed ? "passed" : "FAILED",
         r->kbar_equal ? ""
         : passed      ? " (kbar differs; F there is equal within the tolerance)"
                       : " (kbar differs)");
}

static ait_status check_case(const check_settings *s, ait_context *context, int64_t *failed) {
  ait_case *opened;
  AIT_TRY(ait_case_open(context, s->case_directory, &opened));
  ait_announce_device(s->machine.device, context);
  double tolerance = s->tolerance > 0 ? s->tolerance : ait_case_tolerance();
  int64_t passed = 0, skipped = 0;
  printf("%s, %s precision, tolerance %g\n", s->case_directory, AIT_PRECISION, tolerance);
  printf("%-12s  %8s  %8s  %9s  %9s  %9s  %9s\n", "method", "kbar", "expected", "F error", "gx error", "gz error",
         "y error");
  ait_status status = AIT_OK;
  for (int32_t i = 0; i < ait_case_methods(opened) && status == AIT_OK; i++) {
    ait_case_result result;
    status = ait_case_run(opened, i, &result);
    if (status != AIT_OK) {
      break;
    }
    if (result.skipped) {
      skipped++;
      printf("%-12s  SKIPPED (%s)\n", result.name, result.reason);
      continue;
    }
    const ait_case_verdict verdict = ait_case_judge(&result, tolerance);
    passed += verdict == AIT_CASE_PASSED;
    skipped += verdict == AIT_CASE_BEYOND_FLOAT;
    *failed += verdict == AIT_CASE_FAILED;
    print_result(&result, verdict);
  }
  ait_case_close(opened);
  AIT_TRY(status);
  printf("%lld passed, %lld failed, %lld skipped\n", (long long)passed, (long long)*failed, (long long)skipped);
  return AIT_OK;
}

static ait_status run_check(const check_settings *s, int64_t *failed) {
  ait_context *context;
  AIT_TRY(ait_open_device(s->machine.device, s->machine.threads, s->machine.math, &context));
  ait_status status =
      s->case_directory != NULL ? check_case(s, context, failed) : check_differences(s, context, failed);
  ait_context_destroy(context);
  return status;
}

int ait_command_check(int argc, char **argv) {
  const struct argp_child children[] = {{&ait_method_argp, 0, NULL, 0}, {&ait_machine_argp, 0, NULL, 0}, {0}};
  const struct argp argp = {.options = options,
                            .parser = parse,
                            .args_doc = "PROBLEM\n--case DIR",
                            .doc = documentation,
                            .children = children};
  check_settings settings = {.problem = -1, .activation = -1, .machine = {.device = "auto"}};
  ait_method_settings_init(&settings.method_settings);
  ait_status status = ait_parse_options(&argp, argc, argv, "check", &settings);
  int64_t failed = 0;
  if (status == AIT_OK) {
    status = complete(&settings);
  }
  if (status == AIT_OK) {
    status = run_check(&settings, &failed);
  }
  if (status != AIT_OK) {
    return ait_exit_status(status);
  }
  return failed == 0 ? AIT_EXIT_SUCCESS : AIT_EXIT_FAILED;
}
