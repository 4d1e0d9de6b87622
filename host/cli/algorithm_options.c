/* algorithm_options.c - the options of Algorithm 1 on a data set, for every command that runs it. */
#include "cli/options.h"
#include "run/settings.h"

enum {
  KEY_ITERATIONS = 1024,
  KEY_LL_STEPS,
  KEY_LL_RATE,
  KEY_UL_OPTIMIZER,
  KEY_UL_RATE,
  KEY_INIT_OPTIMIZER,
  KEY_INIT_RATE,
  KEY_SCORE,
  KEY_EVAL_EVERY,
  KEY_MEMORY
};

#define SHOW(macro) AIT_TEXT_OF(macro)

static const struct argp_option options[] = {
    {"score", KEY_SCORE, "NAME", 0,
     "What ranks the rows: classifier (its doubt in the given label), weight or gradient (default classifier)", 4},
    {NULL, 0, NULL, 0, "Algorithm:", 5},
    {"iterations", KEY_ITERATIONS, "T", 0, "UL iterations (default " SHOW(AIT_DEFAULT_ITERATIONS) ")", 5},
    {"ll-steps", KEY_LL_STEPS, "K", 0, "LL steps a UL iteration (default " SHOW(AIT_DEFAULT_LL_STEPS) ")", 5},
    {"ll-rate", KEY_LL_RATE, "A", 0,
     "Size of an LL step, or auto: by the curvature at the start, for features of any scale (default " SHOW(
         AIT_DEFAULT_LL_RATE) "; features larger than 1 want a smaller one)",
     5},
    {"ul-optimizer", KEY_UL_OPTIMIZER, "NAME", 0, "Update of the weights: adam or sgd (default adam)", 5},
    {"ul-rate", KEY_UL_RATE, "A", 0, "Its step size (default " SHOW(AIT_DEFAULT_UL_RATE) ")", 5},
    {"init-optimizer", KEY_INIT_OPTIMIZER, "NAME", 0, "Update of the learned start z: sgd or adam (default sgd)", 5},
    {"init-rate", KEY_INIT_RATE, "A", 0,
     "Its step size (default " SHOW(AIT_DEFAULT_INIT_RATE) "; sgd with --ll-rate auto: that of an LL step)", 5},
    {"eval-every", KEY_EVAL_EVERY, "N", 0,
     "Iterations between figures on test rows, and on those held out (default: a 20th of all)", 6},
    {"memory", KEY_MEMORY, "SIZE", 0, AIT_HELP_MEMORY, 6},
    {0}};

static error_t parse_words(int key, char *text, ait_clean_settings *s) {
  switch (key) {
    case KEY_SCORE:
      return ait_option_fail(ait_option_choice("--score", text, ait_score_words, &s->score));
    case KEY_UL_OPTIMIZER:
      return ait_option_fail(ait_option_choice("--ul-optimizer", text, ait_optimizer_words, &s->ul_optimizer));
    case KEY_INIT_OPTIMIZER:
      return ait_option_fail(ait_option_choice("--init-optimizer", text, ait_optimizer_words, &s->init_optimizer));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_numbers(int key, char *text, ait_clean_settings *s) {
  switch (key) {
    case KEY_ITERATIONS:
      return ait_option_fail(ait_option_whole("--iterations", text, 1, &s->iterations));
    case KEY_LL_STEPS:
      return ait_option_fail(ait_option_steps("--ll-steps", text, &s->ll_steps));
    case KEY_LL_RATE:
      return ait_option_fail(ait_option_rate("--ll-rate", text, &s->ll_rate_auto, &s->ll_rate));
    case KEY_UL_RATE:
      return ait_option_fail(ait_option_positive("--ul-rate", text, &s->ul_rate));
    case KEY_INIT_RATE:
      return ait_option_fail(ait_option_positive("--init-rate", text, &s->init_rate));
    case KEY_EVAL_EVERY:
      return ait_option_fail(ait_option_whole("--eval-every", text, 1, &s->eval_every));
    case KEY_MEMORY:
      return ait_option_fail(ait_option_bytes("--memory", text, &s->memory));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  error_t error = parse_words(key, text, state->input);
  return error == ARGP_ERR_UNKNOWN ? parse_numbers(key, text, state->input) : error;
}

const struct argp ait_algorithm_argp = {.options = options, .parser = parse};
