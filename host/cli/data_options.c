/* data_options.c - the options that say what the rows are, what classifier learns them and on which machine, for
 * every command that cleans or compares. */
#include <stdio.h>

#include "ait/dataset.h"
#include "cli/options.h"
#include "run/settings.h"

enum {
  KEY_DATASET = 768,
  KEY_DATA_DIR,
  KEY_IMAGES,
  KEY_LABELS,
  KEY_VAL_IMAGES,
  KEY_VAL_LABELS,
  KEY_TEST_IMAGES,
  KEY_TEST_LABELS,
  KEY_IDS,
  KEY_REVIEWED,
  KEY_TRAIN,
  KEY_VALIDATION,
  KEY_TEST,
  KEY_NOISE,
  KEY_NOISE_MODEL,
  KEY_MODEL,
  KEY_ACTIVATION,
  KEY_PROTOCOL,
  KEY_OUT,
  KEY_FORCE,
  KEY_QUIET,
  KEY_DEVICE,
  KEY_THREADS,
  KEY_MATH
};

#define SHOW(macro) AIT_TEXT_OF(macro)

/* Their groups are the same in every command: 1 to 3 for the data, 4 for classifier and method, 6 for the machine. */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "A published data set, with wrong labels put in on purpose:", 1},
    {"dataset", KEY_DATASET, "NAME", 0, "fashion-mnist, mnist or cifar10", 1},
    {"data-dir", KEY_DATA_DIR, "DIR", 0, "Where its files are (default: AIT_DATA_DIR and the system's folders)", 1},
    {"noise", KEY_NOISE, "RATE", 0,
     "Share of the training labels to redraw, 0 to 1 (default " SHOW(AIT_DEFAULT_NOISE) "; 0 looks for errors in the "
                                                                                        "data set itself)",
     1},
    {"noise-model", KEY_NOISE_MODEL, "NAME", 0,
     "symmetric: any other class; pair: the next class; paper: any class, so that a tenth stays right; asymmetric: the "
     "class that people take it for, where there is one, at that rate in each such class; feature: the class with the "
     "nearest mean, above all in rows that are near it (default symmetric)",
     1},
    {NULL, 0, NULL, 0, "Files of your own, whose wrong labels nobody knows:", 2},
    {"images", KEY_IMAGES, "FILE", 0, "Training rows: pixels or features, N x anything (.npy)", 2},
    {"labels", KEY_LABELS, "FILE", 0, "Their labels: N whole numbers from 0 (.npy)", 2},
    {"val-images", KEY_VAL_IMAGES, "FILE", 0, "Clean validation rows (.npy)", 2},
    {"val-labels", KEY_VAL_LABELS, "FILE", 0, "Their labels (.npy)", 2},
    {"test-images", KEY_TEST_IMAGES, "FILE", 0, "Test rows, for accuracy (.npy; optional)", 2},
    {"test-labels", KEY_TEST_LABELS, "FILE", 0, "Their labels (.npy)", 2},
    {"ids", KEY_IDS, "FILE", 0, "Names or paths of the training rows, one a line; they appear in suspects.csv", 2},
    {"reviewed", KEY_REVIEWED, "FILE", 0,
     "Training rows whose labels a person has checked, a CSV file with the columns label and row (from 0) or, with "
     "--ids, id: they become validation rows with these labels; rows with an empty label are passed over",
     2},
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
    {"protocol", KEY_PROTOCOL, "NAME", 0,
     "paper: the settings of the authors' script for all that is not given, and its test rows, which it takes from the "
     "published training part (default: settings for users)",
     4},
    {NULL, 0, NULL, 0, "Output and machine:", 6},
    {"out", KEY_OUT, "DIR", 0, "Folder for the results (default " AIT_DEFAULT_OUT ")", 6},
    {"force", KEY_FORCE, NULL, 0, "Replace an older run in that folder, once the new one is complete", 6},
    {"quiet", KEY_QUIET, NULL, 0, "Print nothing but errors", 6},
    {"device", KEY_DEVICE, "NAME", 0, AIT_HELP_DEVICE, 6},
    {"math", KEY_MATH, "NAME", 0, AIT_HELP_MATH, 6},
    {"threads", KEY_THREADS, "N", 0, "CPU threads; results do not depend on it (default: OMP_NUM_THREADS, else all)",
     6},
    {0}};

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
    case KEY_REVIEWED:
      return &s->reviewed;
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
  const char *noise_models[AIT_NOISE_MODEL_COUNT + 1] = {NULL};
  int32_t choice;
  switch (key) {
    case KEY_NOISE_MODEL:
      for (int32_t model = 0; model < AIT_NOISE_MODEL_COUNT; model++) {
        noise_models[model] = ait_noise_model_name((ait_noise_model)model);
      }
      return ait_option_fail(ait_option_choice("--noise-model", text, noise_models, &s->noise_model));
    case KEY_MODEL:
      return ait_option_fail(ait_model_parse(text, &s->model));
    case KEY_ACTIVATION:
      return ait_option_fail(ait_option_choice("--activation", text, ait_activation_words, &s->activation));
    case KEY_PROTOCOL:
      s->protocol = AIT_PROTOCOL_PAPER;
      return ait_option_fail(ait_option_choice("--protocol", text, protocols, &choice));
    case KEY_MATH:
      return ait_option_fail(ait_option_math(text, &s->math));
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
    case KEY_THREADS:
      return ait_option_fail(ait_option_int("--threads", text, 1, &s->threads));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  ait_clean_settings *s = state->input;
  const char **target = text_option(key, s);
  if (target != NULL) {
    *target = text;
    return 0;
  }
  if (key == KEY_FORCE || key == KEY_QUIET) {
    *(key == KEY_FORCE ? &s->force : &s->quiet) = 1;
    return 0;
  }
  error_t error = parse_words(key, text, s);
  return error == ARGP_ERR_UNKNOWN ? parse_numbers(key, text, s) : error;
}

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

void ait_warn_of_data(const ait_clean_data *data, int32_t quiet) {
  char sentence[AIT_DATA_SENTENCE];
  warn_of_scales(data);
  for (int32_t i = 0; !quiet && ait_data_warning(data, i, sentence); i++) {
    fprintf(stderr, "%s: warning: %s\n", AIT_PROGRAM, sentence);
  }
}

const struct argp ait_data_argp = {.options = options, .parser = parse};
