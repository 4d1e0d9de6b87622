/* clean.c - ait clean: hyper-cleaning of a data set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/resume.h"
#include "cli/signals.h"
#include "context/error.h"
#include "run/claim.h"
#include "run/inputs.h"
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
     "the weights (--method and what goes with it, --protocol, --score, --lq-weight, --hold-out, --eval-every, and "
     "all under Algorithm but the seeds); else weights",
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
     "List every row in suspects.csv, where cleaning of own files ends it with the rows whose label is less likely "
     "than another (weights: with planted rows alone)",
     6},
    {"seed", KEY_SEED, "S", 0, "Decides split, noise and start; the same seed repeats a run (default 0)", 5},
    {"json", KEY_JSON, NULL, 0,
     "Print JSON objects for scripts, one a line: every UL iteration, notes of what is being done, and at the end "
     "run.json or sweep.json; all else goes to standard error",
     6},
    {0}};

static const char documentation[] =
    "Find the mislabelled rows of a data set, given a small clean validation set. The default is transition "
    "cleaning: a classifier and a noise model, the chances that a class carries each label, are learned together, and "
    "every training row gets the odds that its label is wrong. In the paper's method (--method iaptt-gm or --cleaning "
    "weights) every training row gets a weight, a classifier is trained on the weighted rows, and the weights are "
    "moved so that it does well on the validation rows; with hidden layers that is the default.\v"
    "Ctrl-C or SIGTERM ends the iteration (or the training of a classifier beside the run) under way, saves the run "
    "for --resume, and writes what there is; with transition cleaning that is nothing but the checkpoint of a run "
    "whose rows are not yet ranked. A second one ends the program at once. "
    "Exit status: 0 success, 1 the run failed, 2 wrong usage, 124 stopped at the end of --time-limit, 128 + N stopped "
    "by signal N (130 Ctrl-C, 143 SIGTERM).\n\n"
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
  ait_resume_options resume;
  int32_t seed_given;
} clean_input;

static void hand_on(clean_input *input, void **children) {
  children[0] = children[1] = children[5] = &input->settings;
  children[2] = &input->settings.method_settings;
  children[3] = &input->lists;
  children[4] = &input->resume;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  clean_input *input = state->input;
  ait_clean_settings *s = &input->settings;
  if (key == ARGP_KEY_INIT) {
    hand_on(input, state->child_inputs);
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

/* What a command holds while it works. */
typedef struct clean_work {
  clean_input *input;
  ait_sweep sweep;
  ait_context *context;
  ait_folder folder;
  ait_claim claim;
  ait_checkpoint checkpoint;
  double began;
} clean_work;

/* What to do about a run that was saved and could not be ended or written. */
static ait_status of_saved(ait_checkpoint *checkpoint, const char *out, ait_status status) {
  if (status == AIT_OK || !ait_checkpoint_look(checkpoint)) {
    return status;
  }
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_fail(status, "%s; its last checkpoint is there, to go on from with --resume %s", reason, out);
}

/* Writes the folder with the signals held back, so that none leaves half of it. */
static ait_status write_sweep(clean_work *work) {
  sigset_t before;
  ait_signals_hold(&before);
  ait_status status = ait_sweep_write(&work->sweep, &work->folder);
  ait_signals_release(&before);
  return of_saved(&work->checkpoint, work->input->settings.out, status);
}

/* A run that diverges would diverge again. */
static ait_status clean_rows(clean_work *work) {
  const ait_status status = ait_sweep_clean(&work->sweep, &ait_stop_asked);
  if (status == AIT_DIVERGED && work->checkpoint.is_there) {
    ait_checkpoint_remove(&work->checkpoint);
  }
  return of_saved(&work->checkpoint, work->input->settings.out, status);
}

static ait_status run_on_device(clean_work *work) {
  const clean_input *input = work->input;
  const ait_clean_settings *settings = &input->settings;
  AIT_TRY(ait_sweep_begin(work->context, &work->sweep));
  if (!settings->quiet) {
    ait_announce_device(settings->device, work->context);
  }
  ait_signals_catch(settings->quiet);
  if (input->resume.time_limit > 0) {
    ait_signals_limit(input->resume.time_limit - (ait_run_clock() - work->began));
  }
  AIT_TRY(clean_rows(work));
  AIT_TRY(write_sweep(work));
  if (settings->json) {
    AIT_TRY(ait_json_line_summary(settings->out, work->sweep.is_single ? "run.json" : "sweep.json"));
  }
  return settings->quiet ? AIT_OK : ait_sweep_print(&work->sweep, settings->out, settings->json ? stderr : stdout);
}

/* A checkpoint that was opened stays; else one begins where the run is to be saved. */
static ait_status take_checkpoint(clean_work *work, char *const *arguments) {
  const clean_input *input = work->input;
  const int32_t never = input->resume.every_iterations == 0 && input->resume.every_seconds == 0;
  if (work->checkpoint.resumed.data == NULL && !never) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 64, work->folder.target, AIT_CHECKPOINT_NAME);
    AIT_TRY(ait_checkpoint_begin(path, arguments, &work->checkpoint));
  }
  if (work->checkpoint.path[0] == '\0') {
    return AIT_OK;
  }
  work->sweep.checkpoint = &work->checkpoint;
  work->checkpoint.every_iterations = input->resume.every_iterations;
  work->checkpoint.every_seconds = input->resume.every_seconds;
  return ait_checkpoint_bind(&work->checkpoint, work->context, work->sweep.count, work->sweep.data);
}

static ait_status run_sweep(clean_work *work, char *const *arguments) {
  const ait_clean_settings *settings = &work->input->settings;
  AIT_TRY(ait_folder_check(settings->out, settings->force, &work->folder));
  AIT_TRY(ait_inputs_check(settings, &work->folder));
  AIT_TRY(ait_claim_take(&work->folder, &work->claim));
  AIT_TRY(ait_sweep_load(settings, &work->input->lists, &work->sweep));
  if (work->input->resume.resume != NULL) {
    AIT_TRY(ait_sweep_check_suspects(&work->sweep, work->folder.target));
  }
  AIT_TRY(ait_open_device(settings->device, settings->threads, settings->math, &work->context));
  ait_warn_of_data(work->sweep.data, settings->quiet);
  AIT_TRY(take_checkpoint(work, arguments));
  return run_on_device(work);
}

/* Says that the run was stopped, what there is of it, and how it goes on. */
static void print_stopped(const clean_work *work, int32_t is_written) {
  const char *out = work->input->settings.out;
  fprintf(stderr, "%s: %s; ", AIT_PROGRAM, ait_stop_reason());
  if (is_written) {
    fprintf(stderr, "what there was is in %s", out);
  } else {
    fprintf(stderr, "no rows are ranked yet");
  }
  if (work->checkpoint.is_there) {
    fprintf(stderr, "; go on with: %s clean --resume %s", AIT_PROGRAM, out);
  }
  fputc('\n', stderr);
}

/* The exit status. */
static int clean(clean_work *work, char *const *arguments) {
  ait_status status = run_sweep(work, arguments);
  const int32_t is_written = status == AIT_OK;
  int32_t stopped = status == AIT_STOPPED && work->checkpoint.is_there;
  if (is_written) {
    status = ait_sweep_verdict(&work->sweep, work->input->settings.out);
    stopped = status == AIT_OK && ait_sweep_was_stopped(&work->sweep);
  }
  if (stopped) {
    print_stopped(work, is_written);
  }
  ait_sweep_end(&work->sweep);
  ait_context_destroy(work->context);
  ait_claim_release(&work->claim);
  return stopped ? ait_stop_status() : ait_exit_status(status);
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
  AIT_TRY(ait_aside_complete(&input->settings, input->lists.rate_count > 0));
  return ait_sweep_method_check(&input->lists, &input->settings);
}

static ait_status parse_input(int argc, char **argv, clean_input *input) {
  const struct argp_child children[] = {{&ait_data_argp, 0, NULL, 0},
                                        {&ait_algorithm_argp, 0, NULL, 0},
                                        {&ait_method_argp, 0, NULL, 0},
                                        {&ait_sweep_argp, 0, NULL, 0},
                                        {&ait_resume_argp, 0, NULL, 0},
                                        {&ait_aside_argp, 0, NULL, 0},
                                        {0}};
  const struct argp argp = {.options = options, .parser = parse, .doc = documentation, .children = children};
  *input = (clean_input){.seed_given = 0};
  ait_clean_settings_init(&input->settings);
  return ait_parse_options(&argp, argc, argv, "clean", input);
}

/* ---- going on ---------------------------------------------------------------------------------- */

/* The options that the run began with, in the folder in which they were given; then what was given anew. */
static ait_status take_saved_options(const ait_checkpoint_origin *origin, char *out, clean_input *input) {
  const clean_input given = *input;
  char **arguments = calloc((size_t)origin->argument_count + 2, sizeof *arguments);
  if (arguments == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the options of the run");
  }
  for (int64_t i = 0; i < origin->argument_count; i++) {
    arguments[i + 1] = origin->arguments[i];
  }
  const ait_status status = parse_input((int)origin->argument_count + 1, arguments, input);
  free(arguments);
  input->settings.out = out;
  input->settings.force = 1;
  input->settings.quiet = given.settings.quiet;
  input->settings.json = given.settings.json;
  input->settings.threads = given.settings.threads > 0 ? given.settings.threads : input->settings.threads;
  input->settings.memory = given.settings.memory != -1 ? given.settings.memory : input->settings.memory;
  const ait_resume_options saved = input->resume;
  input->resume = given.resume;
  if (!given.resume.every_given) {
    input->resume.every_given = saved.every_given;
    input->resume.every_iterations = saved.every_iterations;
    input->resume.every_seconds = saved.every_seconds;
  }
  return status;
}

/* Opens the checkpoint of --resume and takes the run's options from it; `out` is its folder, PATH_MAX bytes. */
static ait_status take_saved(char *const *arguments, ait_checkpoint *checkpoint, char *out, clean_input *input) {
  const char *folder = input->resume.resume;
  char path[PATH_MAX];
  AIT_TRY(ait_resume_check_arguments(arguments));
  if (realpath(folder, out) == NULL ||
      snprintf(path, sizeof path, "%s/%s", out, AIT_CHECKPOINT_NAME) >= PATH_MAX - 64) {
    return ait_fail(AIT_NOT_FOUND, "--resume %s: there is no such folder", folder);
  }
  if (access(path, F_OK) != 0) {
    return ait_fail(AIT_NOT_FOUND, "--resume %s: holds no checkpoint: no run was saved there, or it is complete",
                    folder);
  }
  AIT_TRY(ait_checkpoint_open(path, checkpoint));
  if (chdir(checkpoint->origin.folder) != 0) {
    return ait_fail(AIT_NOT_FOUND, "--resume %s: the run was begun in the folder %s, which is not there: %s", folder,
                    checkpoint->origin.folder, strerror(errno));
  }
  return take_saved_options(&checkpoint->origin, out, input);
}

int ait_command_clean(int argc, char **argv) {
  clean_input input;
  clean_work work = {.input = &input, .claim = {.descriptor = -1}, .began = ait_run_clock()};
  char out[PATH_MAX];
  ait_status status = parse_input(argc, argv, &input);
  if (status == AIT_OK && input.resume.resume != NULL) {
    status = take_saved(argv + 1, &work.checkpoint, out, &input);
  }
  if (status == AIT_OK) {
    status = complete(&input);
  }
  if (!input.resume.every_given) {
    input.resume.every_seconds = AIT_DEFAULT_CHECKPOINT_SECONDS;
  }
  const int exit_status = status == AIT_OK ? clean(&work, argv + 1) : ait_exit_status(status);
  ait_sweep_lists_free(&input.lists);
  ait_checkpoint_end(&work.checkpoint);
  return exit_status;
}
