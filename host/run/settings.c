/* settings.c - every setting of a hyper-cleaning run, and the defaults in one place. */
#include "run/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "solver/access.h"

const char *const ait_score_words[] = {"classifier", "weight", "gradient", NULL};
const char *const ait_beside_words[] = {"validation", "all", NULL};
const char *const ait_optimizer_words[] = {"sgd", "adam", NULL};
const char *const ait_activation_words[] = {"none", "relu", "tanh", NULL};
const char *const ait_negative_curvature_words[] = {"continue", "stop", "error", NULL};
const char *const ait_preconditioner_words[] = {"none", "diagonal", NULL};
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
                                   .math = AIT_MATH_FLOAT32,
                                   .protocol = AIT_PROTOCOL_USER,
                                   .score = AIT_SCORE_CLASSIFIER,
                                   .baselines = AIT_BESIDE_ALL};
  ait_method_settings_init(&settings->method_settings);
}

/* ---- method ------------------------------------------------------------------------------------ */

void ait_method_settings_init(ait_method_settings *settings) {
  *settings = (ait_method_settings){.cg_iterations = -1,
                                    .neumann_terms = -1,
                                    .cg_tolerance = NAN,
                                    .cg_damping = NAN,
                                    .cg_negative_curvature = -1,
                                    .cg_preconditioner = -1,
                                    .lbfgs_history = -1,
                                    .ll_tolerance = NAN,
                                    .fd_epsilon = NAN,
                                    .prior_weight = NAN};
  ait_method_choices_init(&settings->choices);
}

/* The first option that is set and that only conjugate gradient reads, or NULL. */
static const char *cg_option(const ait_method_settings *s) {
  return s->cg_iterations != -1           ? "--cg-iterations"
         : !isnan(s->cg_tolerance)        ? "--cg-tolerance"
         : !isnan(s->cg_damping)          ? "--cg-damping"
         : s->cg_negative_curvature != -1 ? "--cg-negative-curvature"
         : s->cg_preconditioner != -1     ? "--cg-preconditioner"
                                          : NULL;
}

static const char *prior_option(const ait_method_settings *s) {
  return !isnan(s->prior_weight) ? "--prior-weight" : s->prior != NULL ? "--prior" : NULL;
}

/* A prior draws a learned start. A weight makes a prior of its own; a prior alone needs a method with a weight. */
static ait_status apply_prior(const ait_method_settings *s, const char *name, ait_method *method) {
  const char *option = prior_option(s);
  if (option != NULL && method->initialisation != AIT_INITIALISATION_AUXILIARY) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "%s goes with a method that learns where the LL iteration starts (--initialisation auxiliary), not "
                    "with --method %s with a %s start",
                    option, name, ait_initialisation_words[method->initialisation]);
  }
  if (s->prior != NULL && isnan(s->prior_weight) && method->prior_weight == 0) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "--prior goes with --prior-weight or --method ait, not with --method %s alone", name);
  }
  method->prior_weight = !isnan(s->prior_weight) ? s->prior_weight : method->prior_weight;
  return AIT_OK;
}

/* The first option that is set and that only L-BFGS reads, or NULL. */
static const char *lbfgs_option(const ait_method_settings *s) {
  return !isnan(s->ll_tolerance) ? "--ll-tolerance" : s->lbfgs_history != -1 ? "--lbfgs-history" : NULL;
}

/* What solves the LL problem. */
static ait_status apply_lbfgs(const ait_method_settings *s, const char *name, ait_method *method) {
  const int32_t solves = method->mapping == AIT_MAPPING_LBFGS;
  const char *option = lbfgs_option(s);
  if (option != NULL && !solves) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --mapping l-bfgs, not with --mapping %s", option,
                    ait_mapping_words[method->mapping]);
  }
  if (solves && !ait_is_implicit(method) && s->choices.hypergradient != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "--mapping l-bfgs goes with --hypergradient cg or neumann, not with --hypergradient %s",
                    ait_hypergradient_words[s->choices.hypergradient]);
  }
  if (solves && !ait_is_implicit(method)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--mapping l-bfgs goes with --method ls or ns, not with --method %s", name);
  }
  if (solves) {
    method->lbfgs.history = s->lbfgs_history != -1 ? s->lbfgs_history : 0;
    method->lbfgs.tolerance = !isnan(s->ll_tolerance) ? s->ll_tolerance : AIT_DEFAULT_LL_TOLERANCE;
  }
  return AIT_OK;
}

const char *ait_method_settings_first(const ait_method_settings *s) {
  const char *choice = ait_method_choices_first(&s->choices);
  return choice != NULL            ? choice
         : cg_option(s) != NULL    ? cg_option(s)
         : s->neumann_terms != -1  ? "--neumann-terms"
         : lbfgs_option(s) != NULL ? lbfgs_option(s)
         : !isnan(s->fd_epsilon)   ? "--fd-epsilon"
                                   : prior_option(s);
}

/* An option of a hyper-gradient that the method has not: `wanted` has it. */
static ait_status not_of(const ait_method_settings *s, const char *option, const char *wanted,
                         ait_hypergradient hypergradient, const char *name) {
  if (s->choices.hypergradient == -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --method %s, not with --method %s", option, wanted, name);
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --hypergradient %s, not with --hypergradient %s", option,
                  ait_hypergradient_words[hypergradient], ait_hypergradient_words[s->choices.hypergradient]);
}

ait_status ait_method_settings_apply(const ait_method_settings *s, const char *name, ait_method *method) {
  ait_conjugate_gradient *cg = &method->conjugate_gradient;
  const char *option = cg_option(s);
  AIT_TRY(ait_method_choices_apply(&s->choices, method));
  if (option != NULL && method->hypergradient != AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    return not_of(s, option, "ls", AIT_HYPERGRADIENT_CONJUGATE_GRADIENT, name);
  }
  if (s->neumann_terms != -1 && method->hypergradient != AIT_HYPERGRADIENT_NEUMANN) {
    return not_of(s, "--neumann-terms", "ns", AIT_HYPERGRADIENT_NEUMANN, name);
  }
  if (!isnan(s->fd_epsilon) && method->hypergradient != AIT_HYPERGRADIENT_FINITE_DIFFERENCES) {
    return not_of(s, "--fd-epsilon", "one-stage", AIT_HYPERGRADIENT_FINITE_DIFFERENCES, name);
  }
  AIT_TRY(apply_lbfgs(s, name, method));
  cg->iterations = s->cg_iterations != -1 ? s->cg_iterations : cg->iterations;
  cg->tolerance = !isnan(s->cg_tolerance) ? s->cg_tolerance : cg->tolerance;
  cg->damping = !isnan(s->cg_damping) ? s->cg_damping : cg->damping;
  if (s->cg_negative_curvature != -1) {
    cg->negative_curvature = (ait_negative_curvature)s->cg_negative_curvature;
  }
  if (s->cg_preconditioner != -1) {
    cg->preconditioner = (ait_preconditioner)s->cg_preconditioner;
  }
  method->neumann_terms = s->neumann_terms != -1 ? s->neumann_terms : method->neumann_terms;
  method->difference_epsilon = !isnan(s->fd_epsilon) ? s->fd_epsilon : method->difference_epsilon;
  return apply_prior(s, name, method);
}

ait_status ait_method_ll_steps(const ait_method *method, const char *name, int64_t asked, int64_t otherwise,
                               int64_t *steps) {
  const int32_t single = method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES;
  if (single && asked > 1) {
    const int32_t named = strcmp(name, "one-stage") == 0;
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s takes one LL step, which clashes with --ll-steps %lld",
                    named ? "--method" : "--hypergradient", named ? name : "finite-differences", (long long)asked);
  }
  *steps = asked >= 1 ? asked : single ? 1 : otherwise;
  return AIT_OK;
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
    if (s->ids != NULL) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--ids goes with --images, not with --dataset");
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
  if (s->test_images == NULL && s->test != -1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--test needs --test-images and --test-labels");
  }
  return AIT_OK;
}

static ait_status complete_activation(ait_clean_settings *s) {
  if (!s->model.has_activation) {
    if (s->activation > AIT_ACTIVATION_NONE) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--activation goes with --model mlp:SIZES, not with --model %s",
                      s->model.text);
    }
    s->activation = AIT_ACTIVATION_NONE;
    return AIT_OK;
  }
  if (s->activation == AIT_ACTIVATION_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--activation none clashes with --model %s; --model deep:SIZES has none",
                    s->model.text);
  }
  s->activation = s->activation == -1 ? AIT_ACTIVATION_RELU : s->activation;
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
  AIT_TRY(complete_activation(s));
  if (s->method_name[0] == '\0') {
    snprintf(s->method_name, sizeof s->method_name, "%s", AIT_DEFAULT_METHOD);
    AIT_TRY(ait_method_by_name(s->method_name, &s->method));
  }
  AIT_TRY(ait_method_settings_apply(&s->method_settings, s->method_name, &s->method));
  AIT_TRY(ait_method_ll_steps(&s->method, s->method_name, s->ll_steps, defaults[s->protocol].ll_steps, &s->ll_steps));
  AIT_TRY(complete_terms(s));
  complete_data(s);
  complete_solver(s);
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
}
