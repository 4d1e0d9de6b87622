/* options.c - the values of options one by one, and command lines of `ait clean`. */
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/resume.h"
#include "files.h"
#include "run/aside.h"
#include "run/sweep.h"
#include "run/transition.h"
#include "targets.h"

enum { MOST_ARGUMENTS = 32 };

/* ---- values ------------------------------------------------------------------------------------ */

static void parse_wholes(const char *text) {
  int64_t whole, bytes;
  int32_t number;
  uint64_t seed, *seeds = NULL;
  if (fuzz_succeeded(ait_option_whole("--n", text, 3, &whole))) {
    FUZZ_EXPECT(whole >= 3);
  }
  if (fuzz_succeeded(ait_option_int("--n", text, 0, &number))) {
    FUZZ_EXPECT(number >= 0);
  }
  if (fuzz_succeeded(ait_option_steps("--n", text, &whole))) {
    FUZZ_EXPECT(whole >= 1 && whole < INT32_MAX);
  }
  if (fuzz_succeeded(ait_option_bytes("--memory", text, &bytes))) {
    FUZZ_EXPECT(bytes >= 1);
  }
  fuzz_succeeded(ait_option_seed("--seed", text, &seed));
  if (fuzz_succeeded(ait_option_seeds("--seeds", text, &seeds, &whole))) {
    FUZZ_EXPECT(whole >= 1 && whole <= AIT_OPTION_MOST_SEEDS);
  }
  free(seeds);
}

static void parse_numbers(const char *text) {
  double value;
  int32_t automatic;
  if (fuzz_succeeded(ait_option_share("--noise", text, &value))) {
    FUZZ_EXPECT(value >= 0 && value <= 1);
  }
  if (fuzz_succeeded(ait_option_fraction("--f", text, &value))) {
    FUZZ_EXPECT(value >= 0 && value < 1);
  }
  if (fuzz_succeeded(ait_option_rate("--ll-rate", text, &automatic, &value)) && !automatic) {
    FUZZ_EXPECT(value > 0);
  }
  fuzz_succeeded(ait_option_difference("--fd-epsilon", text, &value));
}

static void parse_words(const char *text) {
  ait_model model;
  ait_method method;
  int32_t math;
  if (fuzz_succeeded(ait_model_parse(text, &model))) {
    FUZZ_EXPECT(model.hidden <= AIT_MAX_HIDDEN);
    for (int32_t i = 0; i < model.hidden; i++) {
      FUZZ_EXPECT(model.sizes[i] >= 1);
    }
  }
  fuzz_succeeded(ait_option_method("--method", text, &method));
  fuzz_succeeded(ait_option_math(text, &math));
}

/* ---- command lines ----------------------------------------------------------------------------- */

typedef struct clean_line {
  ait_clean_settings settings;
  ait_sweep_lists lists;
  ait_resume_options resume;
} clean_line;

static error_t give_inputs(int key, char *text, struct argp_state *state) {
  (void)text;
  clean_line *line = state->input;
  if (key != ARGP_KEY_INIT) {
    return ARGP_ERR_UNKNOWN;
  }
  state->child_inputs[0] = state->child_inputs[1] = &line->settings;
  state->child_inputs[2] = &line->settings.method_settings;
  state->child_inputs[3] = &line->lists;
  state->child_inputs[4] = &line->resume;
  state->child_inputs[5] = &line->settings;
  return 0;
}

static void parse_line(int count, char **arguments) {
  static const struct argp_child children[] = {{&ait_data_argp, 0, NULL, 0},
                                               {&ait_algorithm_argp, 0, NULL, 0},
                                               {&ait_method_argp, 0, NULL, 0},
                                               {&ait_sweep_argp, 0, NULL, 0},
                                               {&ait_resume_argp, 0, NULL, 0},
                                               {&ait_aside_argp, 0, NULL, 0},
                                               {0}};
  static const struct argp argp = {.parser = give_inputs, .children = children};
  clean_line line = {.resume = {.resume = NULL}};
  ait_clean_settings_init(&line.settings);
  if (argp_parse(&argp, count, arguments, ARGP_SILENT, NULL, &line) == 0 &&
      fuzz_succeeded(ait_cleaning_choose(&line.settings)) &&
      fuzz_succeeded(ait_sweep_lists_check(&line.lists, &line.settings)) &&
      fuzz_succeeded(ait_clean_settings_complete(&line.settings)) &&
      fuzz_succeeded(ait_aside_complete(&line.settings, line.lists.rate_count > 0))) {
    FUZZ_EXPECT(line.settings.plant + line.settings.hold_out < 1);
    fuzz_succeeded(ait_sweep_method_check(&line.lists, &line.settings));
  }
  ait_sweep_lists_free(&line.lists);
  fuzz_succeeded(ait_resume_check_arguments(arguments + 1));
}

/* Splits the text at line breaks. */
static void parse_lines(char *text) {
  char *arguments[MOST_ARGUMENTS + 2] = {(char *)"ait"}, *rest = text;
  int count = 1;
  for (char *word; count <= MOST_ARGUMENTS && (word = strsep(&rest, "\n")) != NULL;) {
    arguments[count++] = word;
  }
  parse_line(count, arguments);
}

/* The first byte chooses between one value and a command line. */
int fuzz_options(const uint8_t *data, size_t size) {
  fuzz_part input = {data, size};
  const int is_line = fuzz_take_byte(&input) % 2 == 1;
  char *text = strndup(input.size > 0 ? (const char *)input.data : "", input.size);
  FUZZ_EXPECT(text != NULL);
  if (is_line) {
    parse_lines(text);
  } else {
    parse_wholes(text);
    parse_numbers(text);
    parse_words(text);
  }
  free(text);
  return 0;
}
