/* settings.c - every setting of a hyper-cleaning run, and the defaults in one place. */
#include "run/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"

const char *const ait_score_words[] = {"classifier", "weight", "gradient", NULL};
const char *const ait_beside_words[] = {"validation", "all", NULL};
const char *const ait_optimizer_words[] = {"sgd", "adam", NULL};
const char *const ait_activation_words[] = {"none", "relu", "tanh", NULL};
const char *const ait_math_words[] = {"float32", "tf32", NULL};

typedef struct solver_defaults {
  int64_t iterations, ll_steps;
  double ll_rate;
  int32_t ul_optimizer;
  double ul_rate;
  int32_t init_optimizer;
  double init_rate;
  int32_t noise_model;
} solver_defaults;

/* By protocol: what works for users, and the values of the authors' script. */
static const solver_defaults defaults[] = {
    [AIT_PROTOCOL_USER] = {.iterations = AIT_DEFAULT_ITERATIONS,
                           .ll_steps = AIT_DEFAULT_LL_STEPS,
                           .ll_rate = AIT_DEFAULT_LL_RATE,
                           .ul_optimizer = AIT_OPTIMIZER_ADAM,
                           .ul_rate = AIT_DEFAULT_UL_RATE,
                           .init_optimizer = AIT_OPTIMIZER_SGD,
                           .init_rate = AIT_DEFAULT_INIT_RATE,
                           .noise_model = AIT_NOISE_SYMMETRIC},
    [AIT_PROTOCOL_PAPER] = {.iterations = AIT_DEFAULT_ITERATIONS,
                            .ll_steps = AIT_DEFAULT_PAPER_LL_STEPS,
                            .ll_rate = AIT_DEFAULT_PAPER_LL_RATE,
                            .ul_optimizer = AIT_OPTIMIZER_ADAM,
                            .ul_rate = AIT_DEFAULT_PAPER_UL_RATE,
                            .init_optimizer = AIT_OPTIMIZER_SGD,
                            .init_rate = AIT_DEFAULT_PAPER_INIT_RATE,
                            .noise_model = AIT_NOISE_PAPER},
};

void ait_clean_settings_init(ait_clean_settings *settings) {
  *settings = (ait_clean_settings){.train = -1,
                                   .validation = -1,
                                   .test = -1,
                                   .noise = -1,
                                   .noise_model = -1,
                                   .activation = -1,
                                   .iterations = -1,
                                   .ll_steps = -1,
                                   .ll_rate = -1,
                                   .ul_optimizer = -1,
                                   .ul_rate = -1,
                                   .init_optimizer = -1,
                                   .init_rate = -1,
                                   .seconds = -1,
                                   .lq_weight = -1,
                                   .lq_q = -1,
                                   .lq_epsilon = -1,
                                   .eval_every = -1,
                                   .plant = -1,
                                   .hold_out = -1,
                                   .patience = -1,
                                   .memory = -1,
                                   .math = AIT_MATH_FLOAT32,
                                   .protocol = AIT_PROTOCOL_USER,
                                   .score = -1,
                                   .baselines = AIT_BESIDE_ALL,
                                   .cleaning = -1};
  ait_method_settings_init(&settings->method_settings);
}

/* ---- model ------------------------------------------------------------------------------------- */

static ait_status bad_model(const char *text) {
  return ait_fail(AIT_INVALID_ARGUMENT,
                  "--model %s: expected linear, deep:SIZES or mlp:SIZES with SIZES up to %d hidden layer sizes such as "
                  "300,100",
                  text, AIT_MAX_HIDDEN);
}

ait_status ait_model_parse(const char *text, ait_model *model) {
  *model = (ait_model){0};
  if (strlen(text) >= sizeof model->text) {
    return bad_model("(too long)");
  }
  snprintf(model->text, sizeof model->text, "%s", text);
  if (strcmp(text, "linear") == 0) {
    return AIT_OK;
  }
  const char *sizes;
  if (strncmp(text, "deep:", 5) == 0) {
    sizes = text + 5;
  } else if (strncmp(text, "mlp:", 4) == 0) {
    sizes = text + 4;
    model->has_activation = 1;
  } else {
    return bad_model(text);
  }
  for (;;) {
    char *end;
    long long size = strtoll(sizes, &end, 10);
    if (end == sizes || size < 1 || size > INT32_MAX || model->hidden == AIT_MAX_HIDDEN ||
        (*end != '\0' && *end != ',')) {
      return bad_model(text);
    }
    model->sizes[model->hidden++] = size;
    if (*end == '\0') {
      return AIT_OK;
    }
    sizes = end + 1;
  }
}

ait_status ait_model_complete_activation(const ait_model *model, ait_activation usual, int32_t *activation) {
  if (!model->has_activation && *activation > AIT_ACTIVATION_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--activation goes with --model mlp:SIZES, not with --model %s", model->text);
  }
  if (model->has_activation && *activation == AIT_ACTIVATION_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--activation none clashes with --model %s; --model deep:SIZES has none",
                    model->text);
  }
  if (*activation == -1) {
    *activation = model->has_activation ? (int32_t)usual : AIT_ACTIVATION_NONE;
  }
  return AIT_OK;
}

void ait_model_network(const ait_model *model, ait_activation activation, int64_t features, int32_t classes,
                       int64_t *sizes, ait_network *network) {
  sizes[0] = features;
  for (int32_t i = 0; i < model->hidden; i++) {
    sizes[i + 1] = model->sizes[i];
  }
  sizes[model->hidden + 1] = classes;
  *network = (ait_network){.layers = model->hidden + 1, .sizes = sizes, .activation = activation};
}

/* ---- completion -------------------------------------------------------------------------------- */

static int64_t whole_or(int64_t value, int64_t otherwise) {
  return value != -1 ? value : otherwise;
}

static double number_or(double value, double otherwise) {
  return value != -1 ? value : otherwise;
}

static const char *text_or(const char *value, const char *otherwise) {
  return value != NULL ? value : otherwise;
}

/* Where the rows come from: a published data set, or files of the user's own. */
static ait_status check_source(const ait_clean_settings *s) {
  if (s->dataset != NULL) {
    if (s->images || s->labels || s->validation_images || s->validation_labels || s->test_images || s->test_labels) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--dataset and files of your own cannot be given together");
    }
    if (s->ids != NULL || s->reviewed != NULL) {
      return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --images, not with --dataset",
                      s->ids != NULL ? "--ids" : "--reviewed");
    }
    return AIT_OK;
  }
  if (s->images == NULL || s->labels == NULL || s->validation_images == NULL || s->validation_labels == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "give --dataset NAME, or all of --images, --labels, --val-images and --val-labels");
  }
  if ((s->test_images == NULL) != (s->test_labels == NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--test-images and --test-labels go together; only one was given");
  }
  if (s->data_dir != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--data-dir goes with --dataset, not with --images");
  }
  if (s->noise_model == AIT_NOISE_ASYMMETRIC) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "--noise-model asymmetric goes with --dataset, whose classes have known partners, not with --images");
  }
  if (s->noise_model != -1 && s->noise == -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--noise-model goes with --noise where the files are your own");
  }
  if (s->reviewed != NULL && s->train != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "--reviewed and --train cannot be given together: a reviewed row might not be drawn");
  }
  if (s->test_images == NULL && s->test != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--test needs --test-images and --test-labels");
  }
  return AIT_OK;
}

/* A published data set gets wrong labels, since its own are taken to be right; a user's own labels are
 * left as they are unless asked. */
static void complete_data(ait_clean_settings *s) {
  if (s->dataset != NULL) {
    s->train = whole_or(s->train, AIT_DEFAULT_TRAIN);
    s->validation = whole_or(s->validation, AIT_DEFAULT_VALIDATION);
    s->noise = number_or(s->noise, AIT_DEFAULT_NOISE);
  }
  s->noise_model = (int32_t)whole_or(s->noise_model, defaults[s->protocol].noise_model);
}

static void complete_solver(ait_clean_settings *s) {
  const solver_defaults *d = &defaults[s->protocol];
  s->iterations = whole_or(s->iterations, s->seconds > 0 ? INT32_MAX : d->iterations);
  s->ll_rate = s->ll_rate_auto ? s->ll_rate : number_or(s->ll_rate, d->ll_rate);
  s->ul_optimizer = (int32_t)whole_or(s->ul_optimizer, d->ul_optimizer);
  s->ul_rate = number_or(s->ul_rate, d->ul_rate);
  s->init_optimizer = (int32_t)whole_or(s->init_optimizer, d->init_optimizer);
  if (!s->ll_rate_auto || s->init_optimizer != AIT_OPTIMIZER_SGD) { /* steps along a gradient scale as those of y */
    s->init_rate = number_or(s->init_rate, d->init_rate);
  }
  s->eval_every = whole_or(s->eval_every, s->iterations >= 20 ? s->iterations / 20 : 1);
}

static ait_status complete_terms(ait_clean_settings *s) {
  if (s->lq_weight == -1 && (s->lq_q != -1 || s->lq_epsilon != -1)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --lq-weight", s->lq_q != -1 ? "--lq-q" : "--lq-epsilon");
  }
  if (s->lq_weight != -1) {
    s->lq_q = number_or(s->lq_q, AIT_DEFAULT_LQ_Q);
    if (s->lq_q >= 1) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--lq-q %g: expected a number above 0 and below 1", s->lq_q);
    }
    s->lq_epsilon = number_or(s->lq_epsilon, AIT_DEFAULT_LQ_EPSILON);
  }
  return AIT_OK;
}

ait_status ait_clean_settings_complete(ait_clean_settings *s) {
  AIT_TRY(check_source(s));
  if (s->model.text[0] == '\0') {
    AIT_TRY(ait_model_parse(AIT_DEFAULT_MODEL, &s->model));
  }
  AIT_TRY(ait_model_complete_activation(&s->model, AIT_ACTIVATION_RELU, &s->activation));
  if (s->method_name[0] == '\0') {
    snprintf(s->method_name, sizeof s->method_name, "%s", AIT_DEFAULT_METHOD);
  }
  AIT_TRY(ait_method_settings_complete(&s->method_settings, s->method_name, s->ll_steps, defaults[s->protocol].ll_steps,
                                       &s->method, &s->ll_steps));
  AIT_TRY(ait_method_check_start(&s->method_settings, s->method_name, &s->method, s->init_optimizer != -1,
                                 s->init_rate != -1));
  AIT_TRY(complete_terms(s));
  complete_data(s);
  complete_solver(s);
  s->score = (int32_t)whole_or(s->score, AIT_SCORE_CLASSIFIER);
  s->device = text_or(s->device, "auto");
  s->out = text_or(s->out, AIT_DEFAULT_OUT);
  return AIT_OK;
}

ait_status ait_clean_settings_add_terms(const ait_clean_settings *s, const ait_network *network, ait_problem *problem) {
  return s->lq_weight == -1 ? AIT_OK
                            : ait_problem_add_network_lq(problem, network, s->lq_weight, s->lq_q, s->lq_epsilon);
}

void ait_clean_solver_options(const ait_clean_settings *s, int64_t rows, ait_solver_options *options) {
  ait_solver_options_init(options);
  options->method = s->method;
  options->ul_iterations = s->iterations;
  options->ll_steps = s->ll_steps;
  options->ll_rate.rate = s->ll_rate;
  options->ul_optimizer.kind = (ait_optimizer_kind)s->ul_optimizer;
  options->ul_optimizer.rate.rate = s->ul_rate;
  /* gx scales as 1/N; seen as N gx it is the same whatever the number of rows. */
  options->ul_optimizer.gradient_scale = s->protocol == AIT_PROTOCOL_PAPER ? 1.0 : (double)rows;
  options->init_optimizer.kind = (ait_optimizer_kind)s->init_optimizer;
  options->init_optimizer.rate.rate = s->init_rate;
  options->trajectory_bytes = s->memory > 0 ? s->memory : 0;
}
