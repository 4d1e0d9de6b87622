/* clean.c - ait clean: hyper-cleaning of a data set. */
#include <stdio.h>

#include "cli/options.h"
#include "cli/signals.h"
#include "context/error.h"
#include "run/rate.h"
#include "run/run.h"
#include "run/transition.h"

enum { KEY_METHOD = 256, KEY_BASELINES, KEY_SEED, KEY_CLEANING, KEY_LQ_WEIGHT, KEY_LQ_Q, KEY_LQ_EPSILON };

static const struct argp_option options[] = {
    {"cleaning", KEY_CLEANING, "NAME", 0,
     "What is learned: weights (one a row) or transition (the chances of wrong labels in a noise model; linear "
     "classifiers; needs no option of methods and algorithm) (default weights)",
     4},
    {"method", KEY_METHOD, "NAME", 0,
     "iaptt-gm, or another one that " AIT_PROGRAM " methods lists (default " AIT_DEFAULT_METHOD ")", 4},
    {"lq-weight", KEY_LQ_WEIGHT, "A", 0,
     "Add A (||W||^2 + E^2)^(Q/2), which is not convex, to the training loss, for the weights W of every layer "
     "(default: no such term); the classifiers beside the run do without",
     4},
    {"lq-q", KEY_LQ_Q, "Q", 0, "Its Q, above 0 and below 1 (default " AIT_TEXT_OF(AIT_DEFAULT_LQ_Q) ")", 4},
    {"lq-epsilon", KEY_LQ_EPSILON, "E", 0, "Its E, above 0 (default " AIT_TEXT_OF(AIT_DEFAULT_LQ_EPSILON) ")", 4},
    {"baselines", KEY_BASELINES, "NAME", 0,
     "Cheap rankings beside the run: validation, or all that the command baseline makes, which take about as long as "
     "the run itself (default validation)",
     4},
    {"seed", KEY_SEED, "S", 0, "Decides split, noise and start; the same seed repeats a run (default 0)", 5},
    {0}};

static const char documentation[] =
    "Find the mislabelled rows of a data set, given a small clean validation set: every training row gets a weight, a "
    "classifier is trained on the weighted rows, and the weights are moved so that it does well on the validation "
    "rows.\v"
    "Ctrl-C ends the iteration (or the training of a classifier beside the run) under way and writes what there is; "
    "with --cleaning transition that is nothing. "
    "Exit status: 0 success, 1 the run failed or was stopped, 2 wrong usage.\n\n"
    "Examples:\n"
    "  " AIT_PROGRAM
    " clean --dataset fashion-mnist --out first-run\n"
    "  " AIT_PROGRAM
    " clean --images x.npy --labels y.npy \\\n"
    "      --val-images vx.npy --val-labels vy.npy --ids names.txt --out mine";

/* ---- options ----------------------------------------------------------------------------------- */

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_clean_settings *s = state->input;
  if (key == ARGP_KEY_INIT) {
    state->child_inputs[0] = state->child_inputs[1] = s;
    state->child_inputs[2] = &s->method_settings;
    return 0;
  }
  if (key == ARGP_KEY_ARG) {
    return ait_option_fail(
        ait_fail(AIT_INVALID_ARGUMENT, "clean: %s is no option; data come in by --dataset or --images", text));
  }
  switch (key) {
    case KEY_METHOD:
      snprintf(s->method_name, sizeof s->method_name, "%s", text);
      return ait_option_fail(ait_option_method("--method", text, &s->method));
    case KEY_BASELINES:
      return ait_option_fail(ait_option_choice("--baselines", text, ait_beside_words, &s->baselines));
    case KEY_LQ_WEIGHT:
      return ait_option_fail(ait_option_positive("--lq-weight", text, &s->lq_weight));
    case KEY_LQ_Q:
      return ait_option_fail(ait_option_positive("--lq-q", text, &s->lq_q));
    case KEY_LQ_EPSILON:
      return ait_option_fail(ait_option_positive("--lq-epsilon", text, &s->lq_epsilon));
    case KEY_CLEANING:
      return ait_option_fail(ait_option_choice("--cleaning", text, ait_cleaning_words, &s->cleaning));
    case KEY_SEED:
      return ait_option_fail(ait_option_seed("--seed", text, &s->seed));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

/* ---- the command ------------------------------------------------------------------------------- */

/* Writes the run folder with the signals held back, so that none leaves half of it. */
static ait_status write_run(ait_run *run, ait_folder *folder) {
  sigset_t before;
  ait_signals_hold(&before);
  ait_status status = ait_run_write(run, folder);
  ait_signals_release(&before);
  return status;
}

static ait_status run_on_data(const ait_clean_settings *settings, ait_context *context, const ait_clean_data *data,
                              ait_folder *folder, int32_t *stopped) {
  ait_run run;
  ait_warn_of_scales(data);
  ait_status status = ait_run_begin(context, settings, data, &run);
  if (status == AIT_OK && !settings->quiet) {
    ait_announce_device(settings->device, context);
  }
  if (status == AIT_OK) {
    ait_signals_catch(settings->quiet);
    status = ait_run_iterate(&run, &ait_stop_asked);
  }
  if (status == AIT_OK) {
    status = ait_run_evaluate(&run, &ait_stop_asked);
  }
  if (status == AIT_OK) {
    status = write_run(&run, folder);
  }
  if (status == AIT_OK) {
    *stopped = run.stopped || run.sides_skipped;
    if (!settings->quiet) {
      ait_run_print(&run, settings->out, stdout);
    }
  }
  ait_run_end(&run);
  return status;
}

/* The same with a noise model. */
static ait_status find_transition(const ait_clean_settings *settings, ait_context *context, const ait_clean_data *data,
                                  ait_folder *folder) {
  ait_transition_run run;
  ait_warn_of_scales(data);
  ait_status status = ait_transition_begin(context, settings, data, &run);
  if (status == AIT_OK && !settings->quiet) {
    ait_announce_device(settings->device, context);
  }
  if (status == AIT_OK) {
    ait_signals_catch(settings->quiet);
    status = ait_transition_clean(&run, &ait_stop_asked);
  }
  if (status == AIT_OK) {
    status = ait_transition_evaluate(&run);
  }
  if (status == AIT_OK) {
    sigset_t before;
    ait_signals_hold(&before);
    status = ait_transition_write(&run, folder);
    ait_signals_release(&before);
  }
  if (status == AIT_OK && !settings->quiet) {
    ait_transition_print(&run, settings->out, stdout);
  }
  ait_transition_end(&run);
  return status;
}

static ait_status clean(const ait_clean_settings *settings, int32_t *stopped) {
  ait_folder folder;
  AIT_TRY(ait_folder_check(settings->out, settings->force, &folder));
  ait_clean_data data;
  AIT_TRY(ait_clean_data_load(settings, &data));
  ait_context *context;
  ait_status status = ait_open_device(settings->device, settings->threads, settings->math, &context);
  if (status == AIT_OK) {
    ait_clean_settings chosen = *settings;
    status = ait_clean_settings_choose_rate(context, &data, &chosen);
    if (status == AIT_OK) {
      status = chosen.cleaning == AIT_CLEANING_TRANSITION ? find_transition(&chosen, context, &data, &folder)
                                                          : run_on_data(&chosen, context, &data, &folder, stopped);
    }
    ait_context_destroy(context);
  }
  ait_clean_data_free(&data);
  return status;
}

int ait_command_clean(int argc, char **argv) {
  const struct argp_child children[] = {
      {&ait_data_argp, 0, NULL, 0}, {&ait_algorithm_argp, 0, NULL, 0}, {&ait_method_argp, 0, NULL, 0}, {0}};
  const struct argp argp = {.options = options, .parser = parse, .doc = documentation, .children = children};
  ait_clean_settings settings;
  ait_clean_settings_init(&settings);
  int32_t stopped = 0;
  ait_status status = ait_parse_options(&argp, argc, argv, "clean", &settings);
  if (status == AIT_OK && settings.cleaning == AIT_CLEANING_TRANSITION) {
    status = ait_transition_check_settings(&settings);
  }
  if (status == AIT_OK) {
    status = ait_clean_settings_complete(&settings);
  }
  if (status == AIT_OK) {
    status = clean(&settings, &stopped);
  }
  if (status == AIT_OK && stopped) {
    fprintf(stderr, "%s: stopped by a signal; what there was is in %s\n", AIT_PROGRAM, settings.out);
    return AIT_EXIT_FAILED;
  }
  return ait_exit_status(status);
}
