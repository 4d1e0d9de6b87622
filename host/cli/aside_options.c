/* aside_options.c - the options that keep validation rows from F. */
#include "cli/options.h"
#include "run/settings.h"

enum { KEY_PLANT = 2304, KEY_HOLD_OUT, KEY_PATIENCE };

static const struct argp_option options[] = {
    {"plant", KEY_PLANT, "SHARE", 0,
     "weights: plant this share of the validation rows among the training rows, every third with a wrong label; how "
     "many of the suspected rows are really wrong is told by how these are ranked (default " AIT_TEXT_OF(
         AIT_DEFAULT_PLANT) " where nobody knows which labels are wrong and so many can be planted, else 0)",
     4},
    {"hold-out", KEY_HOLD_OUT, "SHARE", 0,
     "weights: hold this share of the validation rows out of F, and write not the last iterate, as the paper's method "
     "does, but that of those looked at every --eval-every UL iterations whose classifier y_K has the least loss on "
     "them: what a run of so many iterations writes (default 0: early stopping is off)",
     4},
    {"patience", KEY_PATIENCE, "N", 0,
     "With --hold-out: end the run when that loss was no less in N evaluations (default " AIT_TEXT_OF(
         AIT_DEFAULT_PATIENCE) ")",
     4},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_clean_settings *s = state->input;
  switch (key) {
    case KEY_PLANT:
      return ait_option_fail(ait_option_fraction("--plant", text, &s->plant));
    case KEY_HOLD_OUT:
      return ait_option_fail(ait_option_fraction("--hold-out", text, &s->hold_out));
    case KEY_PATIENCE:
      return ait_option_fail(ait_option_whole("--patience", text, 1, &s->patience));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

const struct argp ait_aside_argp = {.options = options, .parser = parse};
