/* compare.c - ait compare: several methods on the same data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/signals.h"
#include "context/error.h"
#include "run/claim.h"
#include "run/compare.h"
#include "run/inputs.h"

enum { KEY_METHODS = 256, KEY_SEEDS, KEY_SECONDS, KEY_AGAINST };

static const char default_seeds[] = "0..4";

static const struct argp_option options[] = {
    {"methods", KEY_METHODS, "LIST", 0,
     "Methods, as clean --method takes them, transition for clean --cleaning transition, and cheap rankings, as "
     "baseline --rankings takes them, with commas between; baselines stands for all rankings (default: all methods, "
     "transition, baselines)",
     4},
    {"against", KEY_AGAINST, "NAME", 0,
     "The one that the others are held against (default: the cheap ranking that does best, else the first method)", 4},
    {"seeds", KEY_SEEDS, "LIST", 0, "Seeds, such as 0..9 or 0,3,5: all methods at each of them (default 0..4)", 5},
    {"seconds", KEY_SECONDS, "S", 0,
     "Instead of --iterations: UL iterations until S seconds have passed, without the figures taken on the way", 5},
    {0}};

static const char documentation[] =
    "Compare methods of hyper-cleaning with each other and with cheap rankings: the same rows, wrong labels, start and "
    "budget for all of them at every seed, figures at the last iterate.\v"
    "Transition cleaning has a budget of its own and reads neither --iterations nor --seconds nor any other option of "
    "the algorithm, but for --ll-rate in the training on kept rows. A method that fails is told with its sentence and "
    "stops no other. Ctrl-C ends the run under way (the rankings "
    "of a seed after the one under way) and writes what results there are. Intervals are 95 % percentile bootstrap "
    "intervals over seeds. Exit status: 0 success, 1 a method failed or a signal stopped it, 2 wrong usage.\n\n"
    "Example:\n"
    "  " AIT_PROGRAM
    " compare --dataset fashion-mnist --methods iaptt-gm,transition,baselines --seeds 0..9 --out comparison";

/* ---- options ----------------------------------------------------------------------------------- */

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_compare_settings *s = state->input;
  switch (key) {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = state->child_inputs[1] = &s->clean;
      return 0;
    case KEY_METHODS:
      s->count = 0;
      return ait_option_fail(ait_compare_parse(text, s));
    case KEY_SEEDS:
      free(s->seeds);
      return ait_option_fail(ait_option_seeds("--seeds", text, &s->seeds, &s->seed_count));
    case KEY_SECONDS:
      return ait_option_fail(ait_option_positive("--seconds", text, &s->clean.seconds));
    case KEY_AGAINST:
      snprintf(s->against, sizeof s->against, "%s", text);
      return 0;
    case ARGP_KEY_ARG:
      return ait_option_fail(
          ait_fail(AIT_INVALID_ARGUMENT, "compare: %s is no option; data come in by --dataset or --images", text));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static ait_status check_against(const ait_compare_settings *s) {
  for (int32_t c = 0; c < s->count; c++) {
    if (s->against[0] == '\0' || strcmp(s->contestants[c].name, s->against) == 0) {
      return AIT_OK;
    }
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "--against %s: is not among the --methods", s->against);
}

/* The options of a learned start need one. */
static ait_status check_start(const ait_compare_settings *s) {
  int32_t learned = s->clean.init_rate == -1 && s->clean.init_optimizer == -1;
  for (int32_t c = 0; c < s->count && !learned; c++) {
    ait_method method;
    learned = s->contestants[c].kind == AIT_CONTESTANT_METHOD &&
              ait_method_by_name(s->contestants[c].name, &method) == AIT_OK &&
              method.initialisation == AIT_INITIALISATION_AUXILIARY;
  }
  return learned ? AIT_OK
                 : ait_fail(AIT_INVALID_ARGUMENT, "%s: none of the --methods learns where the LL iteration starts",
                            s->clean.init_rate != -1 ? "--init-rate" : "--init-optimizer");
}

static ait_status add_everything(ait_compare_settings *s) {
  for (int32_t i = 0; ait_method_name(i) != NULL; i++) {
    AIT_TRY(ait_compare_parse(ait_method_name(i), s));
  }
  AIT_TRY(ait_compare_parse("transition", s));
  return ait_compare_parse("baselines", s);
}

static ait_status complete(ait_compare_settings *s) {
  if (s->clean.seconds > 0 && s->clean.iterations != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--seconds and --iterations cannot be given together");
  }
  if (s->count == 0) {
    AIT_TRY(add_everything(s));
  }
  if (s->seeds == NULL) {
    AIT_TRY(ait_option_seeds("--seeds", default_seeds, &s->seeds, &s->seed_count));
  }
  AIT_TRY(check_against(s));
  AIT_TRY(check_start(s));
  return ait_clean_settings_complete(&s->clean);
}

/* ---- the command ------------------------------------------------------------------------------- */

/* Writes and prints what there is; fails where a contestant has no result somewhere. */
static ait_status finish(const ait_comparison *comparison, ait_folder *folder) {
  const ait_compare_settings *s = comparison->settings;
  if (comparison->stopped && ait_compare_done(comparison) == 0) {
    return ait_fail(AIT_STOPPED, "stopped by a signal before there was any result; nothing was written");
  }
  sigset_t before;
  ait_signals_hold(&before);
  ait_status status = ait_compare_write(comparison, folder);
  ait_signals_release(&before);
  AIT_TRY(status);
  if (!s->clean.quiet) {
    ait_compare_print(comparison, s->clean.out, stdout);
  }
  if (comparison->stopped) {
    return ait_fail(AIT_STOPPED, "stopped by a signal; what there was is in %s", s->clean.out);
  }
  for (int32_t c = 0; c < s->count; c++) {
    for (int64_t place = 0; place < s->seed_count; place++) {
      const ait_cell *cell = ait_compare_cell(comparison, c, place);
      if (!cell->done) {
        return ait_fail(AIT_UNSUPPORTED, "%s: %s at seed %llu: %s", s->clean.out, s->contestants[c].name,
                        (unsigned long long)s->seeds[place], cell->failure);
      }
    }
  }
  return AIT_OK;
}

static ait_status compare_in(const ait_compare_settings *s, ait_folder *folder) {
  ait_context *context;
  AIT_TRY(ait_open_device(s->clean.device, s->clean.threads, s->clean.math, &context));
  ait_signals_catch(s->clean.quiet);
  if (!s->clean.quiet) {
    ait_announce_device(s->clean.device, context);
  }
  ait_comparison comparison;
  ait_status status = ait_compare_run(context, s, &ait_stop_asked, &comparison);
  if (status == AIT_OK) {
    ait_warn_of_data(&comparison.data, s->clean.quiet);
    status = finish(&comparison, folder);
  }
  ait_compare_free(&comparison);
  ait_context_destroy(context);
  return status;
}

static ait_status compare(const ait_compare_settings *s) {
  ait_folder folder;
  ait_claim claim;
  AIT_TRY(ait_folder_check(s->clean.out, s->clean.force, &folder));
  AIT_TRY(ait_inputs_check(&s->clean, &folder));
  AIT_TRY(ait_claim_take(&folder, &claim));
  const ait_status status = compare_in(s, &folder);
  ait_claim_release(&claim);
  return status;
}

int ait_command_compare(int argc, char **argv) {
  const struct argp_child children[] = {{&ait_data_argp, 0, NULL, 0}, {&ait_algorithm_argp, 0, NULL, 0}, {0}};
  const struct argp argp = {.options = options, .parser = parse, .doc = documentation, .children = children};
  ait_compare_settings settings = {0};
  ait_clean_settings_init(&settings.clean);
  ait_status status = ait_parse_options(&argp, argc, argv, "compare", &settings);
  if (status == AIT_OK) {
    status = complete(&settings);
  }
  if (status == AIT_OK) {
    status = compare(&settings);
  }
  free(settings.seeds);
  return ait_exit_status(status);
}
