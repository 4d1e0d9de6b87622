/* machine_options.c - the options that choose the machine, for commands without a data set. */
#include "cli/options.h"

enum { KEY_DEVICE = 3072, KEY_MATH, KEY_THREADS };

/* Their group is that of the machine in every command. */
static const struct argp_option options[] = {
    {"device", KEY_DEVICE, "NAME", 0, AIT_HELP_DEVICE, 5},
    {"math", KEY_MATH, "NAME", 0, AIT_HELP_MATH, 5},
    {"threads", KEY_THREADS, "N", 0, "CPU threads (default: OMP_NUM_THREADS, else all)", 5},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_machine *machine = state->input;
  switch (key) {
    case KEY_DEVICE:
      machine->device = text;
      return 0;
    case KEY_MATH:
      return ait_option_fail(ait_option_math(text, &machine->math));
    case KEY_THREADS:
      return ait_option_fail(ait_option_int("--threads", text, 1, &machine->threads));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

const struct argp ait_machine_argp = {.options = options, .parser = parse};
