/* method_settings.c - the options of a method: what they make of it, and which of them clash. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "context/error.h"
#include "run/settings.h"
#include "solver/access.h"

const char *const ait_negative_curvature_words[] = {"continue", "stop", "error", NULL};
const char *const ait_preconditioner_words[] = {"none", "diagonal", NULL};

void ait_method_settings_init(ait_method_settings *settings) {
  *settings = (ait_method_settings){.cg_iterations = -1,
                                    .neumann_terms = -1,
                                    .cg_tolerance = NAN,
                                    .cg_damping = NAN,
                                    .cg_negative_curvature = -1,
                                    .cg_preconditioner = -1,
                                    .lbfgs_history = -1,
                                    .ll_tolerance = NAN,
                                    .fd_epsilon = NAN,
                                    .prior_weight = NAN};
  ait_method_choices_init(&settings->choices);
}

/* The first option that is set and that only conjugate gradient reads, or NULL. */
static const char *cg_option(const ait_method_settings *s) {
  return s->cg_iterations != -1           ? "--cg-iterations"
         : !isnan(s->cg_tolerance)        ? "--cg-tolerance"
         : !isnan(s->cg_damping)          ? "--cg-damping"
         : s->cg_negative_curvature != -1 ? "--cg-negative-curvature"
         : s->cg_preconditioner != -1     ? "--cg-preconditioner"
                                          : NULL;
}

/* An option that says something of a learned start, where there is none. */
static ait_status needs_learned_start(const ait_method_settings *s, const char *option, const char *name,
                                      const ait_method *method) {
  if (s->choices.initialisation != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --initialisation auxiliary, not with --initialisation %s",
                    option, ait_initialisation_words[s->choices.initialisation]);
  }
  return ait_fail(AIT_INVALID_ARGUMENT,
                  "%s goes with a method that learns where the LL iteration starts (--initialisation auxiliary), not "
                  "with --method %s with a %s start",
                  option, name, ait_initialisation_words[method->initialisation]);
}

ait_status ait_method_check_start(const ait_method_settings *s, const char *name, const ait_method *method,
                                  int32_t optimizer_given, int32_t rate_given) {
  if (method->initialisation == AIT_INITIALISATION_AUXILIARY || (!optimizer_given && !rate_given)) {
    return AIT_OK;
  }
  return needs_learned_start(s, rate_given ? "--init-rate" : "--init-optimizer", name, method);
}

static const char *prior_option(const ait_method_settings *s) {
  return !isnan(s->prior_weight) ? "--prior-weight" : s->prior != NULL ? "--prior" : NULL;
}

/* A prior draws a learned start. A weight makes a prior of its own; a prior alone needs a method with a weight. */
static ait_status apply_prior(const ait_method_settings *s, const char *name, ait_method *method) {
  const char *option = prior_option(s);
  if (option != NULL && method->initialisation != AIT_INITIALISATION_AUXILIARY) {
    return needs_learned_start(s, option, name, method);
  }
  if (s->prior != NULL && isnan(s->prior_weight) && method->prior_weight == 0) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "--prior goes with --prior-weight or --method ait, not with --method %s alone", name);
  }
  method->prior_weight = !isnan(s->prior_weight) ? s->prior_weight : method->prior_weight;
  return AIT_OK;
}

/* The first option that is set and that only L-BFGS reads, or NULL. */
static const char *lbfgs_option(const ait_method_settings *s) {
  return !isnan(s->ll_tolerance) ? "--ll-tolerance" : s->lbfgs_history != -1 ? "--lbfgs-history" : NULL;
}

/* What solves the LL problem. */
static ait_status apply_lbfgs(const ait_method_settings *s, const char *name, ait_method *method) {
  const int32_t solves = method->mapping == AIT_MAPPING_LBFGS;
  const char *option = lbfgs_option(s);
  if (option != NULL && !solves) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --mapping l-bfgs, not with --mapping %s", option,
                    ait_mapping_words[method->mapping]);
  }
  if (solves && !ait_is_implicit(method) && s->choices.hypergradient != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "--mapping l-bfgs goes with --hypergradient cg or neumann, not with --hypergradient %s",
                    ait_hypergradient_words[s->choices.hypergradient]);
  }
  if (solves && !ait_is_implicit(method)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--mapping l-bfgs goes with --method ls or ns, not with --method %s", name);
  }
  if (solves) {
    method->lbfgs.history = s->lbfgs_history != -1 ? s->lbfgs_history : 0;
    method->lbfgs.tolerance = !isnan(s->ll_tolerance) ? s->ll_tolerance : AIT_DEFAULT_LL_TOLERANCE;
  }
  return AIT_OK;
}

const char *ait_method_settings_first(const ait_method_settings *s) {
  const char *choice = ait_method_choices_first(&s->choices);
  return choice != NULL            ? choice
         : cg_option(s) != NULL    ? cg_option(s)
         : s->neumann_terms != -1  ? "--neumann-terms"
         : lbfgs_option(s) != NULL ? lbfgs_option(s)
         : !isnan(s->fd_epsilon)   ? "--fd-epsilon"
                                   : prior_option(s);
}

/* An option of a hyper-gradient that the method has not: `wanted` has it. */
static ait_status not_of(const ait_method_settings *s, const char *option, const char *wanted,
                         ait_hypergradient hypergradient, const char *name) {
  if (s->choices.hypergradient == -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --method %s, not with --method %s", option, wanted, name);
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --hypergradient %s, not with --hypergradient %s", option,
                  ait_hypergradient_words[hypergradient], ait_hypergradient_words[s->choices.hypergradient]);
}

ait_status ait_method_settings_apply(const ait_method_settings *s, const char *name, ait_method *method) {
  ait_conjugate_gradient *cg = &method->conjugate_gradient;
  const char *option = cg_option(s);
  AIT_TRY(ait_method_choices_apply(&s->choices, method));
  if (option != NULL && method->hypergradient != AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    return not_of(s, option, "ls", AIT_HYPERGRADIENT_CONJUGATE_GRADIENT, name);
  }
  if (s->neumann_terms != -1 && method->hypergradient != AIT_HYPERGRADIENT_NEUMANN) {
    return not_of(s, "--neumann-terms", "ns", AIT_HYPERGRADIENT_NEUMANN, name);
  }
  if (!isnan(s->fd_epsilon) && method->hypergradient != AIT_HYPERGRADIENT_FINITE_DIFFERENCES) {
    return not_of(s, "--fd-epsilon", "one-stage", AIT_HYPERGRADIENT_FINITE_DIFFERENCES, name);
  }
  AIT_TRY(apply_lbfgs(s, name, method));
  cg->iterations = s->cg_iterations != -1 ? s->cg_iterations : cg->iterations;
  cg->tolerance = !isnan(s->cg_tolerance) ? s->cg_tolerance : cg->tolerance;
  cg->damping = !isnan(s->cg_damping) ? s->cg_damping : cg->damping;
  if (s->cg_negative_curvature != -1) {
    cg->negative_curvature = (ait_negative_curvature)s->cg_negative_curvature;
  }
  if (s->cg_preconditioner != -1) {
    cg->preconditioner = (ait_preconditioner)s->cg_preconditioner;
  }
  method->neumann_terms = s->neumann_terms != -1 ? s->neumann_terms : method->neumann_terms;
  method->difference_epsilon = !isnan(s->fd_epsilon) ? s->fd_epsilon : method->difference_epsilon;
  return apply_prior(s, name, method);
}

ait_status ait_method_ll_steps(const ait_method *method, const char *name, int64_t asked, int64_t otherwise,
                               int64_t *steps) {
  const int32_t single = method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES;
  if (single && asked > 1) {
    const int32_t named = strcmp(name, "one-stage") == 0;
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s takes one LL step, which clashes with --ll-steps %lld",
                    named ? "--method" : "--hypergradient", named ? name : "finite-differences", (long long)asked);
  }
  *steps = asked >= 1 ? asked : single ? 1 : otherwise;
  return AIT_OK;
}

/* ---- a method that the solver takes ------------------------------------------------------------ */

/* What the choices need of the number of LL steps. */
static ait_status check_steps(const ait_method *method, int64_t steps) {
  if (method->last_steps > steps) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--last-steps %lld clashes with --ll-steps %lld: no more steps can be kept",
                    (long long)method->last_steps, (long long)steps);
  }
  if (method->mapping == AIT_MAPPING_LBFGS && steps < 2) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "--mapping l-bfgs clashes with --ll-steps %lld: its first step only looks at the start, so give 2 "
                    "or more",
                    (long long)steps);
  }
  return AIT_OK;
}

/* The method of this name with what is set put into it, and its number of LL steps. */
static ait_status make_method(const ait_method_settings *s, const char *name, int64_t asked, int64_t otherwise,
                              ait_method *method, int64_t *steps) {
  AIT_TRY(ait_method_by_name(name, method));
  AIT_TRY(ait_method_settings_apply(s, name, method));
  AIT_TRY(ait_method_ll_steps(method, name, asked, otherwise, steps));
  return check_steps(method, *steps);
}

static ait_status check_method(const ait_method *method, int64_t steps) {
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.method = *method;
  options.ll_steps = steps;
  return ait_solver_options_check(&options);
}

/* The choices that a word names. */
typedef enum choice { INITIALISATION, TRUNCATION, MAPPING, NESTEROV, HYPERGRADIENT, CHOICES } choice;

static const char *const choice_options[CHOICES] = {
    [INITIALISATION] = "--initialisation",
    [TRUNCATION] = "--truncation",
    [MAPPING] = "--mapping",
    [NESTEROV] = "--nesterov",
    [HYPERGRADIENT] = "--hypergradient",
};

static const char *const *words_of(choice c) {
  const char *const *const words[CHOICES] = {[INITIALISATION] = ait_initialisation_words,
                                             [TRUNCATION] = ait_truncation_words,
                                             [MAPPING] = ait_mapping_words,
                                             [NESTEROV] = ait_no_yes_words,
                                             [HYPERGRADIENT] = ait_hypergradient_words};
  return words[c];
}

static int32_t count_words(choice c) {
  int32_t count = 0;
  while (words_of(c)[count] != NULL) {
    count++;
  }
  return count;
}

static int32_t *option_of(ait_method_choices *choices, choice c) {
  int32_t *const options[CHOICES] = {[INITIALISATION] = &choices->initialisation,
                                     [TRUNCATION] = &choices->truncation,
                                     [MAPPING] = &choices->mapping,
                                     [NESTEROV] = &choices->nesterov,
                                     [HYPERGRADIENT] = &choices->hypergradient};
  return options[c];
}

static int32_t choice_of(const ait_method *method, choice c) {
  const int32_t made[CHOICES] = {[INITIALISATION] = (int32_t)method->initialisation,
                                 [TRUNCATION] = (int32_t)method->truncation,
                                 [MAPPING] = (int32_t)method->mapping,
                                 [NESTEROV] = method->nesterov,
                                 [HYPERGRADIENT] = (int32_t)method->hypergradient};
  return made[c];
}

/* Gives the choices that `code` counts where they differ from those of `refused`. Returns how far that is from what
 * was asked for: changing an option that was given is further than giving all the others. */
static int32_t change_choices(const ait_method *refused, int32_t code, ait_method_choices *choices) {
  int32_t distance = 0;
  for (choice c = INITIALISATION; c < CHOICES; c++) {
    const int32_t word = code % count_words(c);
    code /= count_words(c);
    if (word != choice_of(refused, c)) {
      distance += *option_of(choices, c) == -1 ? 1 : CHOICES;
      *option_of(choices, c) = word;
    }
  }
  return distance;
}

/* The settings nearest to `s` that make a method which the solver takes; zero where no choices do. */
static int32_t find_nearest(const ait_method_settings *s, const char *name, int64_t asked, int64_t otherwise,
                            const ait_method *refused, ait_method_settings *nearest) {
  int32_t codes = 1, least = INT32_MAX;
  for (choice c = INITIALISATION; c < CHOICES; c++) {
    codes *= count_words(c);
  }
  for (int32_t code = 0; code < codes; code++) {
    ait_method_settings changed = *s;
    ait_method method;
    int64_t steps;
    const int32_t distance = change_choices(refused, code, &changed.choices);
    if (distance < least && make_method(&changed, name, asked, otherwise, &method, &steps) == AIT_OK &&
        check_method(&method, steps) == AIT_OK) {
      least = distance;
      *nearest = changed;
    }
  }
  return least < INT32_MAX;
}

/* The solver's sentence knows no options: those that would help stand behind it. */
static ait_status refuse(const ait_method_settings *s, const char *name, int64_t asked, int64_t otherwise,
                         const ait_method *refused) {
  char sentence[768], options[256] = "";
  ait_method_settings given = *s, nearest;
  snprintf(sentence, sizeof sentence, "%s", ait_last_error());
  if (!find_nearest(s, name, asked, otherwise, refused, &nearest)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s", sentence);
  }
  size_t used = 0;
  for (choice c = INITIALISATION; c < CHOICES; c++) {
    const int32_t word = *option_of(&nearest.choices, c);
    if (word != *option_of(&given.choices, c)) {
      used += (size_t)snprintf(options + used, sizeof options - used, " %s %s", choice_options[c], words_of(c)[word]);
    }
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "%s (such as%s)", sentence, options);
}

ait_status ait_method_settings_complete(const ait_method_settings *s, const char *name, int64_t asked,
                                        int64_t otherwise, ait_method *method, int64_t *steps) {
  AIT_TRY(make_method(s, name, asked, otherwise, method, steps));
  return check_method(method, *steps) == AIT_OK ? AIT_OK : refuse(s, name, asked, otherwise, method);
}
