/* methods.c - ait methods: what there is to choose from, and what it costs. */
#include <stdio.h>

#include "cli/options.h"
#include "run/settings.h"

static const char documentation[] =
    "List the methods, the choices that they stand for, the options that they take, and what each costs a UL "
    "iteration.";

static const char *const initialisation_words[] = {[AIT_INITIALISATION_FIXED] = "fixed",
                                                   [AIT_INITIALISATION_WARM] = "warm",
                                                   [AIT_INITIALISATION_AUXILIARY] = "auxiliary"};
static const char *const truncation_words[] = {
    [AIT_TRUNCATION_NONE] = "none", [AIT_TRUNCATION_PESSIMISTIC] = "pessimistic", [AIT_TRUNCATION_LAST] = "last steps"};
static const char *const hypergradient_words[] = {[AIT_HYPERGRADIENT_REVERSE] = "reverse",
                                                  [AIT_HYPERGRADIENT_CONJUGATE_GRADIENT] = "conjugate gradient",
                                                  [AIT_HYPERGRADIENT_NEUMANN] = "Neumann series",
                                                  [AIT_HYPERGRADIENT_FINITE_DIFFERENCES] = "finite differences",
                                                  [AIT_HYPERGRADIENT_NONE] = "none"};

enum { FORMULA_TEXT = 48 };

/* "2 K + kbar + 1" */
static void write_formula(const ait_formula *formula, char text[FORMULA_TEXT]) {
  const struct {
    int64_t times;
    const char *name;
  } terms[] = {{formula->ll_steps, "K"},
               {formula->kbar, "kbar"},
               {formula->last_steps, "T"},
               {formula->iterations, "I"},
               {formula->fixed, ""}};
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof terms / sizeof *terms && used < FORMULA_TEXT; i++) {
    const char *plus = used > 0 ? " + " : "";
    if (terms[i].times == 0) {
      continue;
    }
    used += (size_t)(terms[i].times == 1 && terms[i].name[0] != '\0'
                         ? snprintf(text + used, FORMULA_TEXT - used, "%s%s", plus, terms[i].name)
                         : snprintf(text + used, FORMULA_TEXT - used, "%s%lld%s%s", plus, (long long)terms[i].times,
                                    terms[i].name[0] != '\0' ? " " : "", terms[i].name));
  }
}

static void print_choices(void) {
  printf("Methods (--method NAME) and the choices behind them\n");
  printf("  %-10s %-10s %-12s %-19s %-19s %s\n", "name", "start", "truncation", "LL step", "hyper-gradient", "prior");
  ait_method method;
  for (int32_t i = 0; ait_method_name(i) != NULL && ait_method_by_name(ait_method_name(i), &method) == AIT_OK; i++) {
    char step[32];
    snprintf(step, sizeof step, "%s%s", ait_mapping_words[method.mapping], method.nesterov ? ", Nesterov" : "");
    printf("  %-10s %-10s %-12s %-19s %-19s %s\n", ait_method_name(i), initialisation_words[method.initialisation],
           truncation_words[method.truncation], step, hypergradient_words[method.hypergradient],
           method.prior_weight > 0 ? "yes" : "no");
  }
}

static void print_costs(void) {
  printf("\nCost of a UL iteration\n");
  printf("  %-10s %-16s %-18s %-14s %s\n", "name", "training passes", "validation passes", "states of y",
         "memory in y");
  ait_method method;
  for (int32_t i = 0; ait_method_name(i) != NULL && ait_method_by_name(ait_method_name(i), &method) == AIT_OK; i++) {
    const ait_cost cost = ait_method_cost(&method);
    char f[FORMULA_TEXT], F[FORMULA_TEXT], states[FORMULA_TEXT], vectors[FORMULA_TEXT];
    write_formula(&cost.f_calls, f);
    write_formula(&cost.F_calls, F);
    write_formula(&cost.states, states);
    write_formula(&cost.vectors, vectors);
    printf("  %-10s %-16s %-18s %-14s %s\n", ait_method_name(i), f, F, states, vectors);
  }
}

static void print_notes(void) {
  printf(
      "\nK: --ll-steps. kbar: the iterate with the largest F, 1 to K. T: the last steps that are kept, half of K by\n"
      "default. I: iterations of conjugate gradient, or terms of the Neumann series. one-stage has K = 1. A training "
      "pass\n"
      "is a gradient of f or a pair of products with its second derivatives, a validation pass F, its gradient or\n"
      "products with its second derivatives. States are the y_k that are kept; memory in y counts all arrays of the "
      "size\n"
      "of y, states among them (sgd for z; adam takes one more). With --memory fewer states are kept and training "
      "passes\n"
      "come on top.\n");
}

static void print_options(void) {
  printf(
      "\nOptions\n"
      "  all methods                    --iterations --ll-steps --ll-rate --ul-optimizer --ul-rate --memory\n"
      "                                 --initialisation --truncation --mapping --nesterov --hypergradient\n"
      "  auxiliary start                --init-optimizer --init-rate --prior-weight --prior\n"
      "  truncation to the last steps   --last-steps\n"
      "  aggregate LL step              --bda-mu --bda-decay\n"
      "  proximal, aggregate LL step    --prox --prox-weight --prox-l2-weight --prox-lower --prox-upper\n"
      "  LL step by l-bfgs              --ll-tolerance --lbfgs-history\n"
      "  conjugate gradient             --cg-iterations --cg-tolerance --cg-damping --cg-negative-curvature\n"
      "                                 --cg-preconditioner\n"
      "  Neumann series                 --neumann-terms\n"
      "  finite differences             --fd-epsilon\n"
      "A combination that makes no sense is refused with the two choices that clash. Any of these options, and "
      "--method,\n"
      "makes clean learn weights, where its default for a linear classifier is a noise model.\n");
}

static void print_summaries(void) {
  printf("\nWhat they are\n");
  for (int32_t i = 0; ait_method_name(i) != NULL; i++) {
    printf("  %-10s %s\n", ait_method_name(i), ait_method_summary(i));
  }
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  (void)state;
  return key == ARGP_KEY_ARG ? ait_option_superfluous("methods", argument) : ARGP_ERR_UNKNOWN;
}

int ait_command_methods(int argc, char **argv) {
  const struct argp argp = {.parser = parse, .doc = documentation};
  const ait_status status = ait_parse_options(&argp, argc, argv, "methods", NULL);
  if (status != AIT_OK) {
    return ait_exit_status(status);
  }
  print_choices();
  print_summaries();
  print_costs();
  print_notes();
  print_options();
  return AIT_EXIT_SUCCESS;
}
