/* aside_options.c - the options that keep validation rows from F. */
#include "cli/options.h"
#include "run/settings.h"

enum { KEY_PLANT = 2304 };

static const struct argp_option options[] = {
    {"plant", KEY_PLANT, "SHARE", 0,
     "weights: plant this share of the validation rows among the training rows, every third with a wrong label; how "
     "many of the suspected rows are really wrong is told by how these are ranked (default " AIT_TEXT_OF(
         AIT_DEFAULT_PLANT) " where nobody knows which labels are wrong, else 0)",
     4},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_clean_settings *s = state->input;
  switch (key) {
    case KEY_PLANT:
      return ait_option_fail(ait_option_fraction("--plant", text, &s->plant));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

const struct argp ait_aside_argp = {.options = options, .parser = parse};
