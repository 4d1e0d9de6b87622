/* clean.c - ait clean: hyper-cleaning of a data set. */
#include <stdio.h>

#include "cli/options.h"
#include "cli/signals.h"
#include "context/error.h"
#include "run/json_lines.h"
#include "run/sweep.h"

enum {
  KEY_METHOD = 256,
  KEY_BASELINES,
  KEY_SEED,
  KEY_CLEANING,
  KEY_ALL_SUSPECTS,
  KEY_LQ_WEIGHT,
  KEY_LQ_Q,
  KEY_LQ_EPSILON,
  KEY_JSON
};

static const struct argp_option options[] = {
    {"cleaning", KEY_CLEANING, "NAME", 0,
     "What is learned: transition (a noise model: the chances that a class carries each label) or weights (one a "
     "row, as in the paper). Default: transition if the classifier is linear and no option is given that belongs to "
     "the weights (--method and what goes with it, --protocol, --score, --lq-weight, all under Algorithm, "
     "--eval-every); else weights",
     4},
    {"method", KEY_METHOD, "NAME", 0,
     "How weights are learned: a name that " AIT_PROGRAM " methods lists (default " AIT_DEFAULT_METHOD ")", 4},
    {"lq-weight", KEY_LQ_WEIGHT, "A", 0,
     "Add A (||W||^2 + E^2)^(Q/2), which is not convex, to the training loss, for the weights W of every layer "
     "(default: no such term); the classifiers beside the run do without",
     4},
    {"lq-q", KEY_LQ_Q, "Q", 0, "Its Q, above 0 and below 1 (default " AIT_TEXT_OF(AIT_DEFAULT_LQ_Q) ")", 4},
    {"lq-epsilon", KEY_LQ_EPSILON, "E", 0, "Its E, above 0 (default " AIT_TEXT_OF(AIT_DEFAULT_LQ_EPSILON) ")", 4},
    {"baselines", KEY_BASELINES, "NAME", 0,
     "Cheap rankings beside the run: all that the command baseline makes, which take about as long as the run itself, "
     "or validation, the quick choice (default all)",
     4},
    {"all-suspects", KEY_ALL_SUSPECTS, NULL, 0,
     "List every row in suspects.csv, where transition cleaning of own files ends it with the rows whose label is less "
     "likely than another",
     6},
    {"seed", KEY_SEED, "S", 0, "Decides split, noise and start; the same seed repeats a run (default 0)", 5},
    {"json", KEY_JSON, NULL, 0,
     "Print JSON objects for scripts, one a line: every UL iteration of weights, notes of what is being done, and at "
     "the "
     "end run.json or sweep.json; all else goes to standard error",
     6},
    {0}};

static const char documentation[] =
    "Find the mislabelled rows of a data set, given a small clean validation set. The default is transition "
    "cleaning: a classifier and a noise model, the chances that a class carries each label, are learned together, and "
    "every training row gets the odds that its label is wrong. In the paper's method (--method iaptt-gm or --cleaning "
    "weights) every training row gets a weight, a classifier is trained on the weighted rows, and the weights are "
    "moved so that it does well on the validation rows; with hidden layers that is the default.\v"
    "Ctrl-C ends the iteration (or the training of a classifier beside the run) under way and writes what there is; "
    "with transition cleaning that is nothing of a run whose rows are not yet ranked. "
    "Exit status: 0 success, 1 the run failed or was stopped, 2 wrong usage.\n\n"
    "Examples:\n"
    "  " AIT_PROGRAM
    " clean --dataset fashion-mnist --out first-run\n"
    "  " AIT_PROGRAM
    " clean --dataset fashion-mnist --method iaptt-gm --out as-in-the-paper\n"
    "  " AIT_PROGRAM
    " clean --images x.npy --labels y.npy \\\n"
    "      --val-images vx.npy --val-labels vy.npy --ids names.txt --out mine\n"
    "  " AIT_PROGRAM
    " clean --dataset fashion-mnist --method iaptt-gm --json | jq .F_kbar\n"
    "  " AIT_PROGRAM " clean --dataset mnist --seeds 0..9 --noise-rates 0.1,0.3,0.5 --out sweep";

/* ---- options ----------------------------------------------------------------------------------- */

/* What the options fill. */
typedef struct clean_input {
  ait_clean_settings settings;
  ait_sweep_lists lists;
  int32_t seed_given;
} clean_input;

static error_t parse(int key, char *text, struct argp_state *state) {
  clean_input *input = state->input;
  ait_clean_settings *s = &input->settings;
  if (key == ARGP_KEY_INIT) {
    state->child_inputs[0] = state->child_inputs[1] = s;
    state->child_inputs[2] = &s->method_settings;
    state->child_inputs[3] = &input->lists;
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
    case KEY_JSON:
      s->json = 1;
      return 0;
    case KEY_ALL_SUSPECTS:
      s->all_suspects = 1;
      return 0;
    case KEY_SEED:
      input->seed_given = 1;
      return ait_option_fail(ait_option_seed("--seed", text, &s->seed));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

/* ---- the command ------------------------------------------------------------------------------- */

/* Writes the folder with the signals held back, so that none leaves half of it. */
static ait_status write_sweep(const ait_sweep *sweep, ait_folder *folder) {
  sigset_t before;
  ait_signals_hold(&before);
  ait_status status = ait_sweep_write(sweep, folder);
  ait_signals_release(&before);
  return status;
}

static ait_status run_on_device(ait_sweep *sweep, ait_context *context, ait_folder *folder) {
  const ait_clean_settings *settings = sweep->settings;
  AIT_TRY(ait_sweep_begin(context, sweep));
  if (!settings->quiet) {
    ait_announce_device(settings->device, context);
  }
  ait_signals_catch(settings->quiet);
  AIT_TRY(ait_sweep_clean(sweep, &ait_stop_asked));
  AIT_TRY(write_sweep(sweep, folder));
  if (settings->json) {
    AIT_TRY(ait_json_line_summary(settings->out, sweep->is_single ? "run.json" : "sweep.json"));
  }
  return settings->quiet ? AIT_OK : ait_sweep_print(sweep, settings->out, settings->json ? stderr : stdout);
}

/* The caller ends the sweep, and then its context. */
static ait_status run_sweep(const clean_input *input, ait_sweep *sweep, ait_context **context) {
  const ait_clean_settings *settings = &input->settings;
  ait_folder folder;
  AIT_TRY(ait_folder_check(settings->out, settings->force, &folder));
  AIT_TRY(ait_sweep_load(settings, &input->lists, sweep));
  AIT_TRY(ait_open_device(settings->device, settings->threads, settings->math, context));
  ait_warn_of_data(sweep->data, settings->quiet);
  return run_on_device(sweep, *context, &folder);
}

static ait_status clean(const clean_input *input, int32_t *stopped) {
  ait_sweep sweep = {0};
  ait_context *context = NULL;
  ait_status status = run_sweep(input, &sweep, &context);
  if (status == AIT_OK) {
    *stopped = ait_sweep_was_stopped(&sweep);
    status = ait_sweep_verdict(&sweep, input->settings.out);
  }
  ait_sweep_end(&sweep);
  ait_context_destroy(context);
  return status;
}

/* Looks for what cannot be told from one option alone, and fills in what was not given. */
static ait_status complete(clean_input *input) {
  if (input->seed_given && input->lists.seed_count > 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--seed and --seeds cannot be given together");
  }
  AIT_TRY(ait_cleaning_choose(&input->settings));
  AIT_TRY(ait_sweep_lists_check(&input->lists, &input->settings));
  if (input->lists.rate_count > 0) {
    input->settings.noise = input->lists.rates[0]; /* each run gets its own */
  }
  AIT_TRY(ait_clean_settings_complete(&input->settings));
  return ait_sweep_method_check(&input->lists, &input->settings);
}

int ait_command_clean(int argc, char **argv) {
  const struct argp_child children[] = {{&ait_data_argp, 0, NULL, 0},
                                        {&ait_algorithm_argp, 0, NULL, 0},
                                        {&ait_method_argp, 0, NULL, 0},
                                        {&ait_sweep_argp, 0, NULL, 0},
                                        {0}};
  const struct argp argp = {.options = options, .parser = parse, .doc = documentation, .children = children};
  clean_input input = {0};
  ait_clean_settings_init(&input.settings);
  int32_t stopped = 0;
  ait_status status = ait_parse_options(&argp, argc, argv, "clean", &input);
  if (status == AIT_OK) {
    status = complete(&input);
  }
  if (status == AIT_OK) {
    status = clean(&input, &stopped);
  }
  ait_sweep_lists_free(&input.lists);
  if (status == AIT_OK && stopped) {
    fprintf(stderr, "%s: stopped by a signal; what there was is in %s\n", AIT_PROGRAM, input.settings.out);
    return AIT_EXIT_FAILED;
  }
  return ait_exit_status(status);
}
