/* choice_options.c - the options that change a method's choices one by one. */
#include "cli/options.h"
#include "run/choices.h"

enum {
  KEY_INITIALISATION = 2048,
  KEY_TRUNCATION,
  KEY_LAST_STEPS,
  KEY_MAPPING,
  KEY_NESTEROV,
  KEY_HYPERGRADIENT,
  KEY_BDA_MU,
  KEY_BDA_DECAY,
  KEY_PROX,
  KEY_PROX_WEIGHT,
  KEY_PROX_L2_WEIGHT,
  KEY_PROX_LOWER,
  KEY_PROX_UPPER
};

/* Their group is that of --method in every command. */
static const struct argp_option options[] = {
    {"initialisation", KEY_INITIALISATION, "NAME", 0,
     "Where the LL iteration starts: fixed, warm (the last y) or auxiliary (learned z); default: the method's, as with "
     "the other choices",
     4},
    {"truncation", KEY_TRUNCATION, "NAME", 0,
     "What is differentiated: none (all steps), pessimistic (up to the largest F) or last (the last steps)", 4},
    {"last-steps", KEY_LAST_STEPS, "N", 0, "How many steps --truncation last keeps (default: half of K)", 4},
    {"mapping", KEY_MAPPING, "NAME", 0,
     "The LL step: gradient, aggregate (of f and F together) or proximal (a gradient step, then the prox of r); or, "
     "for "
     "ls and ns, l-bfgs, to --ll-tolerance or by --ll-steps looks at f",
     4},
    {"bda-mu", KEY_BDA_MU, "MU", 0, "aggregate: F's share in the first step, up to 1 (default 0.5)", 4},
    {"bda-decay", KEY_BDA_DECAY, "D", 0,
     "aggregate: that share is multiplied by D, up to 1, from step to step (default 0.9)", 4},
    {"prox", KEY_PROX, "NAME", 0,
     "proximal, or aggregate: the function r that is added to f: l1 (W |y|), l2 (W/2 y^2), elastic-net (W |y| + V/2 "
     "y^2) "
     "or box (y between bounds)",
     4},
    {"prox-weight", KEY_PROX_WEIGHT, "W", 0, "Weight W of r", 4},
    {"prox-l2-weight", KEY_PROX_L2_WEIGHT, "V", 0, "Weight V of an elastic net", 4},
    {"prox-lower", KEY_PROX_LOWER, "Y", 0, "Lower bound of a box (default: none)", 4},
    {"prox-upper", KEY_PROX_UPPER, "Y", 0, "Upper bound of a box (default: none)", 4},
    {"nesterov", KEY_NESTEROV, "yes|no", 0, "Nesterov's acceleration of the LL steps", 4},
    {"hypergradient", KEY_HYPERGRADIENT, "NAME", 0,
     "reverse (through the steps); at the last y alone cg or neumann (implicit); or finite-differences (of one step)",
     4},
    {0}};

static error_t parse_words(int key, const char *text, ait_method_choices *c) {
  switch (key) {
    case KEY_INITIALISATION:
      return ait_option_fail(ait_option_choice("--initialisation", text, ait_initialisation_words, &c->initialisation));
    case KEY_TRUNCATION:
      return ait_option_fail(ait_option_choice("--truncation", text, ait_truncation_words, &c->truncation));
    case KEY_MAPPING:
      return ait_option_fail(ait_option_choice("--mapping", text, ait_mapping_words, &c->mapping));
    case KEY_NESTEROV:
      return ait_option_fail(ait_option_choice("--nesterov", text, ait_no_yes_words, &c->nesterov));
    case KEY_HYPERGRADIENT:
      return ait_option_fail(ait_option_choice("--hypergradient", text, ait_hypergradient_words, &c->hypergradient));
    case KEY_PROX:
      return ait_option_fail(ait_option_choice("--prox", text, ait_prox_words, &c->prox));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_method_choices *c = state->input;
  switch (key) {
    case KEY_LAST_STEPS:
      return ait_option_fail(ait_option_whole("--last-steps", text, 1, &c->last_steps));
    case KEY_BDA_MU:
      return ait_option_fail(ait_option_part("--bda-mu", text, &c->bda_mu));
    case KEY_BDA_DECAY:
      return ait_option_fail(ait_option_part("--bda-decay", text, &c->bda_decay));
    case KEY_PROX_WEIGHT:
      return ait_option_fail(ait_option_positive("--prox-weight", text, &c->prox_weight));
    case KEY_PROX_L2_WEIGHT:
      return ait_option_fail(ait_option_positive("--prox-l2-weight", text, &c->prox_l2_weight));
    case KEY_PROX_LOWER:
      return ait_option_fail(ait_option_number("--prox-lower", text, &c->prox_lower));
    case KEY_PROX_UPPER:
      return ait_option_fail(ait_option_number("--prox-upper", text, &c->prox_upper));
    default:
      return parse_words(key, text, c);
  }
}

const struct argp ait_choice_argp = {.options = options, .parser = parse};
