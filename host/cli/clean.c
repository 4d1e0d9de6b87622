/* clean.c - ait clean: hyper-cleaning of a data set. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "context/error.h"
#include "run/run.h"

enum {
  KEY_DATASET = 256,
  KEY_DATA_DIR,
  KEY_IMAGES,
  KEY_LABELS,
  KEY_VAL_IMAGES,
  KEY_VAL_LABELS,
  KEY_TEST_IMAGES,
  KEY_TEST_LABELS,
  KEY_IDS,
  KEY_TRAIN,
  KEY_VALIDATION,
  KEY_TEST,
  KEY_NOISE,
  KEY_NOISE_MODEL,
  KEY_MODEL,
  KEY_ACTIVATION,
  KEY_METHOD,
  KEY_PROTOCOL,
  KEY_ITERATIONS,
  KEY_LL_STEPS,
  KEY_LL_RATE,
  KEY_UL_OPTIMIZER,
  KEY_UL_RATE,
  KEY_INIT_OPTIMIZER,
  KEY_INIT_RATE,
  KEY_SCORE,
  KEY_EVAL_EVERY,
  KEY_SEED,
  KEY_OUT,
  KEY_FORCE,
  KEY_QUIET,
  KEY_DEVICE,
  KEY_THREADS,
  KEY_MATH
};

#define SHOW(macro) AIT_TEXT_OF(macro)

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "A published data set, with wrong labels put in on purpose:", 1},
    {"dataset", KEY_DATASET, "NAME", 0, "fashion-mnist, mnist or cifar10", 1},
    {"data-dir", KEY_DATA_DIR, "DIR", 0, "Where its files are (default: AIT_DATA_DIR and the system's folders)", 1},
    {"noise", KEY_NOISE, "RATE", 0,
     "Share of the training labels to redraw, 0 to 1 (default " SHOW(AIT_DEFAULT_NOISE) "; 0 looks for errors in the "
                                                                                        "data set itself)",
     1},
    {"noise-model", KEY_NOISE_MODEL, "NAME", 0,
     "symmetric: any other class; pair: the next class; paper: any class, so that a tenth stays right "
     "(default symmetric)",
     1},
    {NULL, 0, NULL, 0, "Files of your own, whose wrong labels nobody knows:", 2},
    {"images", KEY_IMAGES, "FILE", 0, "Training rows: pixels or features, N x anything (.npy)", 2},
    {"labels", KEY_LABELS, "FILE", 0, "Their labels: N whole numbers from 0 (.npy)", 2},
    {"val-images", KEY_VAL_IMAGES, "FILE", 0, "Clean validation rows (.npy)", 2},
    {"val-labels", KEY_VAL_LABELS, "FILE", 0, "Their labels (.npy)", 2},
    {"test-images", KEY_TEST_IMAGES, "FILE", 0, "Test rows, for accuracy (.npy; optional)", 2},
    {"test-labels", KEY_TEST_LABELS, "FILE", 0, "Their labels (.npy)", 2},
    {"ids", KEY_IDS, "FILE", 0, "Names or paths of the training rows, one a line; they appear in suspects.csv", 2},
    {NULL, 0, NULL, 0, "How many rows, drawn by seed:", 3},
    {"train", KEY_TRAIN, "N", 0, "Training rows (default " SHOW(AIT_DEFAULT_TRAIN) "; own files: all)", 3},
    {"validation", KEY_VALIDATION, "N", 0,
     "Clean validation rows (default " SHOW(AIT_DEFAULT_VALIDATION) "; own files: all)", 3},
    {"test", KEY_TEST, "N", 0, "Test rows (default " SHOW(AIT_DEFAULT_TEST) " or what there is; own files: all)", 3},
    {NULL, 0, NULL, 0, "Classifier and method:", 4},
    {"model", KEY_MODEL, "MODEL", 0,
     "linear, deep:SIZES (hidden layers without activation) or mlp:SIZES, such as deep:300 or mlp:300,100 "
     "(default " AIT_DEFAULT_MODEL ")",
     4},
    {"activation", KEY_ACTIVATION, "NAME", 0, "Of an mlp: relu or tanh (default relu)", 4},
    {"method", KEY_METHOD, "NAME", 0, "iaptt-gm, ia-gm, ia-gm-a, rhg, t-rhg, ls or ns (default " AIT_DEFAULT_METHOD ")",
     4},
    {"protocol", KEY_PROTOCOL, "NAME", 0,
     "paper: the settings of the authors' script for all that is not given, and its test rows, which it takes from the "
     "published training part (default: settings for users)",
     4},
    {"score", KEY_SCORE, "NAME", 0,
     "What ranks the rows: classifier (its doubt in the given label), weight or gradient (default classifier)", 4},
    {NULL, 0, NULL, 0, "Algorithm:", 5},
    {"iterations", KEY_ITERATIONS, "T", 0, "UL iterations (default " SHOW(AIT_DEFAULT_ITERATIONS) ")", 5},
    {"ll-steps", KEY_LL_STEPS, "K", 0, "LL steps a UL iteration (default " SHOW(AIT_DEFAULT_LL_STEPS) ")", 5},
    {"ll-rate", KEY_LL_RATE, "A", 0,
     "Size of an LL step (default " SHOW(AIT_DEFAULT_LL_RATE) "; features larger than 1 want a smaller one)", 5},
    {"ul-optimizer", KEY_UL_OPTIMIZER, "NAME", 0, "Update of the weights: adam or sgd (default adam)", 5},
    {"ul-rate", KEY_UL_RATE, "A", 0, "Its step size (default " SHOW(AIT_DEFAULT_UL_RATE) ")", 5},
    {"init-optimizer", KEY_INIT_OPTIMIZER, "NAME", 0, "Update of the learned start z: sgd or adam (default sgd)", 5},
    {"init-rate", KEY_INIT_RATE, "A", 0, "Its step size (default " SHOW(AIT_DEFAULT_INIT_RATE) ")", 5},
    {"seed", KEY_SEED, "S", 0, "Decides split, noise and start; the same seed repeats a run (default 0)", 5},
    {NULL, 0, NULL, 0, "Output and machine:", 6},
    {"out", KEY_OUT, "DIR", 0, "Folder for the results (default " AIT_DEFAULT_OUT ")", 6},
    {"force", KEY_FORCE, NULL, 0, "Replace an older run in that folder, once the new one is complete", 6},
    {"eval-every", KEY_EVAL_EVERY, "N", 0, "Iterations between figures on test rows (default: a 20th of all)", 6},
    {"quiet", KEY_QUIET, NULL, 0, "Print nothing but errors", 6},
    {"device", KEY_DEVICE, "NAME", 0, AIT_HELP_DEVICE, 6},
    {"math", KEY_MATH, "NAME", 0, AIT_HELP_MATH, 6},
    {"threads", KEY_THREADS, "N", 0, "CPU threads; results do not depend on it (default: OMP_NUM_THREADS, else all)",
     6},
    {0}};

static const char documentation[] =
    "Find the mislabelled rows of a data set, given a small clean validation set: every training row gets a weight, a "
    "classifier is trained on the weighted rows, and the weights are moved so that it does well on the validation "
    "rows.\v"
    "Ctrl-C ends the iteration (or the training of a classifier beside the run) under way and writes what there is. "
    "Exit status: 0 success, 1 the run failed or was stopped, 2 wrong usage.\n\n"
    "Examples:\n"
    "  " AIT_PROGRAM
    " clean --dataset fashion-mnist --out first-run\n"
    "  " AIT_PROGRAM
    " clean --images x.npy --labels y.npy \\\n"
    "      --val-images vx.npy --val-labels vy.npy --ids names.txt --out mine";

/* ---- options ----------------------------------------------------------------------------------- */

/* Options whose value is a text as it is. */
static const char **text_option(int key, ait_clean_settings *s) {
  switch (key) {
    case KEY_DATASET:
      return &s->dataset;
    case KEY_DATA_DIR:
      return &s->data_dir;
    case KEY_IMAGES:
      return &s->images;
    case KEY_LABELS:
      return &s->labels;
    case KEY_VAL_IMAGES:
      return &s->validation_images;
    case KEY_VAL_LABELS:
      return &s->validation_labels;
    case KEY_TEST_IMAGES:
      return &s->test_images;
    case KEY_TEST_LABELS:
      return &s->test_labels;
    case KEY_IDS:
      return &s->ids;
    case KEY_DEVICE:
      return &s->device;
    case KEY_OUT:
      return &s->out;
    default:
      return NULL;
  }
}

static error_t parse_words(int key, char *text, ait_clean_settings *s) {
  static const char *const protocols[] = {"paper", NULL};
  const char *const noise_models[] = {ait_noise_model_name(AIT_NOISE_SYMMETRIC), ait_noise_model_name(AIT_NOISE_PAPER),
                                      ait_noise_model_name(AIT_NOISE_PAIR), NULL};
  int32_t choice;
  switch (key) {
    case KEY_NOISE_MODEL:
      return ait_option_fail(ait_option_choice("--noise-model", text, noise_models, &s->noise_model));
    case KEY_MODEL:
      return ait_option_fail(ait_model_parse(text, &s->model));
    case KEY_ACTIVATION:
      return ait_option_fail(ait_option_choice("--activation", text, ait_activation_words, &s->activation));
    case KEY_METHOD:
      snprintf(s->method_name, sizeof s->method_name, "%s", text);
      return ait_option_fail(ait_option_method("--method", text, &s->method));
    case KEY_PROTOCOL:
      s->protocol = AIT_PROTOCOL_PAPER;
      return ait_option_fail(ait_option_choice("--protocol", text, protocols, &choice));
    case KEY_MATH:
      return ait_option_fail(ait_option_math(text, &s->math));
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
    case KEY_TRAIN:
      return ait_option_fail(ait_option_whole("--train", text, 2, &s->train));
    case KEY_VALIDATION:
      return ait_option_fail(ait_option_whole("--validation", text, 2, &s->validation));
    case KEY_TEST:
      return ait_option_fail(ait_option_whole("--test", text, 1, &s->test));
    case KEY_NOISE:
      return ait_option_fail(ait_option_share("--noise", text, &s->noise));
    case KEY_ITERATIONS:
      return ait_option_fail(ait_option_whole("--iterations", text, 1, &s->iterations));
    case KEY_LL_STEPS:
      return ait_option_fail(ait_option_whole("--ll-steps", text, 1, &s->ll_steps));
    case KEY_LL_RATE:
      return ait_option_fail(ait_option_positive("--ll-rate", text, &s->ll_rate));
    case KEY_UL_RATE:
      return ait_option_fail(ait_option_positive("--ul-rate", text, &s->ul_rate));
    case KEY_INIT_RATE:
      return ait_option_fail(ait_option_positive("--init-rate", text, &s->init_rate));
    case KEY_EVAL_EVERY:
      return ait_option_fail(ait_option_whole("--eval-every", text, 1, &s->eval_every));
    case KEY_SEED:
      return ait_option_fail(ait_option_seed("--seed", text, &s->seed));
    case KEY_THREADS:
      return ait_option_fail(ait_option_int("--threads", text, 1, &s->threads));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_clean_settings *s = state->input;
  if (key == ARGP_KEY_INIT) {
    state->child_inputs[0] = &s->method_settings;
    return 0;
  }
  const char **target = text_option(key, s);
  if (target != NULL) {
    *target = text;
    return 0;
  }
  if (key == KEY_FORCE || key == KEY_QUIET) {
    *(key == KEY_FORCE ? &s->force : &s->quiet) = 1;
    return 0;
  }
  if (key == ARGP_KEY_ARG) {
    return ait_option_fail(
        ait_fail(AIT_INVALID_ARGUMENT, "clean: %s is no option; data come in by --dataset or --images", text));
  }
  error_t error = parse_words(key, text, s);
  return error == ARGP_ERR_UNKNOWN ? parse_numbers(key, text, s) : error;
}

/* ---- signals ----------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked = 0;

static int32_t quiet_signals = 0;

static void ask_to_stop(int signal_number) {
  static const char said[] = "\nstopping as soon as what is under way has ended; a second Ctrl-C ends at once\n";
  (void)signal_number;
  stop_asked = 1;
  if (!quiet_signals) {
    int kept = errno;
    ssize_t written = write(STDERR_FILENO, said, sizeof said - 1);
    (void)written;
    errno = kept;
  }
}

/* Ctrl-C, a polite end, a closed terminal. */
static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};

/* The first Ctrl-C asks the loop to stop, a second one ends the program at once. */
static void catch_signals(int32_t quiet) {
  quiet_signals = quiet;
  struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
    sigaction(stopping[i], &action, NULL);
  }
  signal(SIGPIPE, SIG_IGN); /* a reader that has gone shows as a write error, not as a death */
}

/* Writes the run folder with the signals held back, so that none leaves half of it. */
static ait_status write_run(ait_run *run, ait_folder *folder) {
  sigset_t held, before;
  sigemptyset(&held);
  for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
    sigaddset(&held, stopping[i]);
  }
  sigprocmask(SIG_BLOCK, &held, &before);
  ait_status status = ait_run_write(run, folder);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return status;
}

/* ---- the command ------------------------------------------------------------------------------- */

/* u8 is read as value / 255; anything else is taken as it is, which is easily another scale. */
static void warn_of_scales(const ait_clean_data *data) {
  const int train_u8 = ait_matrix_type(data->train) == AIT_U8,
            validation_u8 = ait_matrix_type(data->validation) == AIT_U8;
  if (train_u8 != validation_u8) {
    fprintf(stderr,
            "%s: warning: the %s rows are u8 and are read as value / 255, the %s rows are %s and are read as they are: "
            "see to it that both have one scale\n",
            AIT_PROGRAM, train_u8 ? "training" : "validation", train_u8 ? "validation" : "training",
            ait_type_name(ait_matrix_type(train_u8 ? data->validation : data->train)));
  }
}

static ait_status run_on_data(const ait_clean_settings *settings, ait_context *context, const ait_clean_data *data,
                              ait_folder *folder, int32_t *stopped) {
  ait_run run;
  warn_of_scales(data);
  ait_status status = ait_run_begin(context, settings, data, &run);
  if (status == AIT_OK && !settings->quiet) {
    ait_announce_device(settings->device, context);
  }
  if (status == AIT_OK) {
    catch_signals(settings->quiet);
    status = ait_run_iterate(&run, &stop_asked);
  }
  if (status == AIT_OK) {
    status = ait_run_evaluate(&run, &stop_asked);
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

static ait_status clean(const ait_clean_settings *settings, int32_t *stopped) {
  ait_folder folder;
  AIT_TRY(ait_folder_check(settings->out, settings->force, &folder));
  ait_clean_data data;
  AIT_TRY(ait_clean_data_load(settings, &data));
  ait_context *context;
  ait_status status = ait_open_device(settings->device, settings->threads, settings->math, &context);
  if (status == AIT_OK) {
    status = run_on_data(settings, context, &data, &folder, stopped);
    ait_context_destroy(context);
  }
  ait_clean_data_free(&data);
  return status;
}

int ait_command_clean(int argc, char **argv) {
  const struct argp_child children[] = {{&ait_method_argp, 0, NULL, 0}, {0}};
  const struct argp argp = {.options = options, .parser = parse, .doc = documentation, .children = children};
  ait_clean_settings settings;
  ait_clean_settings_init(&settings);
  int32_t stopped = 0;
  ait_status status = ait_parse_options(&argp, argc, argv, "clean", &settings);
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
