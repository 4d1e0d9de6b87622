/* method_options.c - the options that belong to a method, for every command that takes --method. */
#include "cli/options.h"
#include "run/settings.h"

enum {
  KEY_CG_ITERATIONS = 512,
  KEY_CG_TOLERANCE,
  KEY_CG_DAMPING,
  KEY_CG_NEGATIVE_CURVATURE,
  KEY_CG_PRECONDITIONER,
  KEY_NEUMANN_TERMS,
  KEY_FD_EPSILON,
  KEY_PRIOR_WEIGHT,
  KEY_PRIOR,
  KEY_LL_TOLERANCE,
  KEY_LBFGS_HISTORY
};

/* Their group is that of --method in every command. */
static const struct argp_option options[] = {
    {"cg-iterations", KEY_CG_ITERATIONS, "N", 0, "ls: iterations of conjugate gradient at most (default: K)", 4},
    {"cg-tolerance", KEY_CG_TOLERANCE, "E", 0,
     "ls: size of the residual, relative to the right side, that counts as solved (default 1e-6; 0: all iterations)",
     4},
    {"cg-damping", KEY_CG_DAMPING, "D", 0, "ls: D times the identity is added to the Hessian (default 0)", 4},
    {"cg-negative-curvature", KEY_CG_NEGATIVE_CURVATURE, "NAME", 0,
     "ls, where the LL problem is not convex: continue, stop at the solution so far, or error (default continue; it is "
     "counted and told in any case)",
     4},
    {"cg-preconditioner", KEY_CG_PRECONDITIONER, "NAME", 0,
     "ls: none, or diagonal: scaled by an approximate inverse of the Hessian's diagonal, where the problem has one "
     "(clean with a linear model; default none)",
     4},
    {"neumann-terms", KEY_NEUMANN_TERMS, "N", 0, "ns: terms of the Neumann series (default: K)", 4},
    {"ll-tolerance", KEY_LL_TOLERANCE, "E", 0,
     "l-bfgs: the norm of the LL gradient, relative to the start, that counts as solved (default 1e-4; 0: all LL "
     "steps)",
     4},
    {"lbfgs-history", KEY_LBFGS_HISTORY, "N", 0, "l-bfgs: pairs of steps that are remembered (default 10)", 4},
    {"fd-epsilon", KEY_FD_EPSILON, "E", 0,
     "one-stage: distance from y, in its norm, at which differences are taken (default 0.01)", 4},
    {"prior-weight", KEY_PRIOR_WEIGHT, "R", 0,
     "ait, or any method that learns the start z: z also descends R/2 |z - prior|^2 (default with ait 0.01)", 4},
    {"prior", KEY_PRIOR, "POINT", 0,
     "What z is drawn to: initial (its start), zero, or FILE.npy such as the y.npy of a run (default initial)", 4},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_method_settings *s = state->input;
  switch (key) {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &s->choices;
      return 0;
    case KEY_CG_ITERATIONS:
      return ait_option_fail(ait_option_whole("--cg-iterations", text, 1, &s->cg_iterations));
    case KEY_CG_TOLERANCE:
      return ait_option_fail(ait_option_fraction("--cg-tolerance", text, &s->cg_tolerance));
    case KEY_CG_DAMPING:
      return ait_option_fail(ait_option_not_negative("--cg-damping", text, &s->cg_damping));
    case KEY_CG_NEGATIVE_CURVATURE:
      return ait_option_fail(
          ait_option_choice("--cg-negative-curvature", text, ait_negative_curvature_words, &s->cg_negative_curvature));
    case KEY_CG_PRECONDITIONER:
      return ait_option_fail(
          ait_option_choice("--cg-preconditioner", text, ait_preconditioner_words, &s->cg_preconditioner));
    case KEY_NEUMANN_TERMS:
      return ait_option_fail(ait_option_whole("--neumann-terms", text, 1, &s->neumann_terms));
    case KEY_LL_TOLERANCE:
      return ait_option_fail(ait_option_fraction("--ll-tolerance", text, &s->ll_tolerance));
    case KEY_LBFGS_HISTORY:
      return ait_option_fail(ait_option_whole("--lbfgs-history", text, 1, &s->lbfgs_history));
    case KEY_FD_EPSILON:
      return ait_option_fail(ait_option_difference("--fd-epsilon", text, &s->fd_epsilon));
    case KEY_PRIOR_WEIGHT:
      return ait_option_fail(ait_option_not_negative("--prior-weight", text, &s->prior_weight));
    case KEY_PRIOR:
      s->prior = text;
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&ait_choice_argp, 0, NULL, 0}, {0}};

const struct argp ait_method_argp = {.options = options, .parser = parse, .children = children};
