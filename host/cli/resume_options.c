/* resume_options.c - the options of runs that are saved, stopped and gone on with. */
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/resume.h"
#include "context/error.h"

enum { KEY_RESUME = 1536, KEY_CHECKPOINT_EVERY, KEY_TIME_LIMIT };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Runs that are cut off:", 7},
    {"checkpoint-every", KEY_CHECKPOINT_EVERY, "N", 0,
     "Save the run in --out every N UL iterations, or with a value such as 60s every so many seconds, and when it is "
     "stopped; 0: never (default " AIT_TEXT_OF(AIT_DEFAULT_CHECKPOINT_SECONDS) "s)",
     7},
    {"resume", KEY_RESUME, "DIR", 0,
     "Go on with the run that was saved in DIR, to the same bits as if it had never stopped; its options are known, "
     "and "
     "only --threads, --memory, --quiet, --json, --checkpoint-every and --time-limit can be given anew",
     7},
    {"time-limit", KEY_TIME_LIMIT, "SECONDS", 0, "Stop after so many seconds, as Ctrl-C does", 7},
    {0}};

static ait_status take_every(const char *text, ait_resume_options *o) {
  const size_t length = strlen(text);
  o->every_given = 1;
  o->every_iterations = 0;
  o->every_seconds = 0;
  if (length > 1 && text[length - 1] == 's') {
    char *end;
    o->every_seconds = strtod(text, &end);
    if (end == text + length - 1 && o->every_seconds > 0 && o->every_seconds < 1e9) {
      return AIT_OK;
    }
  } else if (ait_option_whole("--checkpoint-every", text, 0, &o->every_iterations) == AIT_OK) {
    return AIT_OK;
  }
  return ait_fail(AIT_INVALID_ARGUMENT,
                  "--checkpoint-every %s: expected a number of UL iterations, seconds such as 60s, or 0", text);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_resume_options *o = state->input;
  switch (key) {
    case KEY_RESUME:
      o->resume = text;
      return 0;
    case KEY_CHECKPOINT_EVERY:
      return ait_option_fail(take_every(text, o));
    case KEY_TIME_LIMIT:
      return ait_option_fail(ait_option_positive("--time-limit", text, &o->time_limit));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

const struct argp ait_resume_argp = {.options = options, .parser = parse};

/* ---- what may be given anew -------------------------------------------------------------------- */

static const struct {
  const char *name;
  int32_t has_value;
} renewable[] = {
    {"--resume", 1},     {"--threads", 1}, {"--memory", 1}, {"--checkpoint-every", 1},
    {"--time-limit", 1}, {"--quiet", 0},   {"--json", 0},
};

enum { RENEWABLE = sizeof renewable / sizeof *renewable };

/* The index of the option whose name the argument begins with, up to a value behind "="; RENEWABLE: none. */
static size_t find_renewable(const char *argument) {
  const size_t length = strcspn(argument, "=");
  size_t i = 0;
  while (i < RENEWABLE && (strlen(renewable[i].name) != length || strncmp(renewable[i].name, argument, length) != 0)) {
    i++;
  }
  return i;
}

ait_status ait_resume_check_arguments(char *const *arguments) {
  for (; *arguments != NULL; arguments++) {
    const size_t i = find_renewable(*arguments);
    if (i == RENEWABLE) {
      return ait_fail(
          AIT_INVALID_ARGUMENT,
          "%.*s cannot be given with --resume, which takes the run's own options: only --threads, --memory, "
          "--quiet, --json, --checkpoint-every and --time-limit can change",
          (int)strcspn(*arguments, "="), *arguments);
    }
    if (renewable[i].has_value && strchr(*arguments, '=') == NULL && arguments[1] != NULL) {
      arguments++;
    }
  }
  return AIT_OK;
}
