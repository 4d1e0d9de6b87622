/* settings.h - every setting of a hyper-cleaning run, and the defaults in one place. */
#ifndef AIT_RUN_SETTINGS_H
#define AIT_RUN_SETTINGS_H

#include "ait/ait.h"
#include "run/choices.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defaults as the help texts show them; settings.c uses the same numbers. */
#define AIT_DEFAULT_METHOD          "iaptt-gm"
#define AIT_DEFAULT_MODEL           "linear"
#define AIT_DEFAULT_TRAIN           5000
#define AIT_DEFAULT_VALIDATION      5000
#define AIT_DEFAULT_TEST            10000
#define AIT_DEFAULT_NOISE           0.5
#define AIT_DEFAULT_ITERATIONS      400
#define AIT_DEFAULT_LL_STEPS        10
#define AIT_DEFAULT_LL_RATE         0.03
#define AIT_DEFAULT_UL_RATE         0.01
#define AIT_DEFAULT_INIT_RATE       0.03
#define AIT_DEFAULT_BASELINE_STEPS  300
#define AIT_DEFAULT_LQ_Q            0.5
#define AIT_DEFAULT_LQ_EPSILON      0.1
#define AIT_DEFAULT_PLANT           0.2
#define AIT_DEFAULT_PATIENCE        3
#define AIT_DEFAULT_OUT             "ait-run"
#define AIT_DEFAULT_PAPER_LL_STEPS  100
#define AIT_DEFAULT_PAPER_LL_RATE   0.03
#define AIT_DEFAULT_PAPER_UL_RATE   0.01
#define AIT_DEFAULT_PAPER_INIT_RATE 0.03

enum { AIT_MAX_HIDDEN = 8, AIT_MODEL_TEXT = 128 };

/* What a row's suspicion is taken from. */
typedef enum ait_score {
  AIT_SCORE_CLASSIFIER, /* 1 - the probability of the given label under y_K */
  AIT_SCORE_WEIGHT,     /* 1 - sigmoid(x_i) */
  AIT_SCORE_GRADIENT,   /* the mean of gx_i over the run */
  AIT_SCORE_COUNT
} ait_score;

/* The cheap rankings beside a run. */
typedef enum ait_beside { AIT_BESIDE_VALIDATION, AIT_BESIDE_ALL } ait_beside;

extern const char *const ait_beside_words[]; /* "validation", "all", NULL */

extern const char *const ait_score_words[]; /* "classifier", "weight", "gradient", NULL */

/* The words of ait_optimizer_kind and ait_activation, in the order of the enums, then NULL. */
extern const char *const ait_optimizer_words[];
extern const char *const ait_activation_words[];

/* The words of ait_math, likewise. */
extern const char *const ait_math_words[];

/* The words of ait_negative_curvature, likewise. */
extern const char *const ait_negative_curvature_words[];

/* The words of ait_preconditioner, likewise. */
extern const char *const ait_preconditioner_words[];

/* The tolerance of L-BFGS where none is asked for. */
#define AIT_DEFAULT_LL_TOLERANCE 1e-4

/* The settings of single methods. Unset: -1 for whole numbers and choices, NaN for the others. */
typedef struct ait_method_settings {
  int64_t cg_iterations, neumann_terms, lbfgs_history;
  double cg_tolerance, cg_damping, fd_epsilon, ll_tolerance, prior_weight;
  int32_t cg_negative_curvature, cg_preconditioner;
  const char *prior; /* "initial", "zero" or a file; borrowed; unset: NULL */
  ait_method_choices choices;
} ait_method_settings;

/* Everything unset. */
void ait_method_settings_init(ait_method_settings *settings);

/* The first option that is set, such as "--cg-damping", or NULL. */
const char *ait_method_settings_first(const ait_method_settings *settings);

/* Puts what is set into the method that has this name.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the option and the method that clash). */
ait_status ait_method_settings_apply(const ait_method_settings *settings, const char *name, ait_method *method);

/* The number of LL steps: `asked`, or where that is less than 1 `otherwise`; a method of one LL step has one.
 * Errors: AIT_INVALID_ARGUMENT (such a method was asked for more: the sentence names both). */
ait_status ait_method_ll_steps(const ait_method *method, const char *name, int64_t asked, int64_t otherwise,
                               int64_t *steps);

/* All of a method: what is set is put into the one that has this name, *steps becomes its number of LL steps, and the
 * solver has no objection to them.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the two that clash, and options that would help). */
ait_status ait_method_settings_complete(const ait_method_settings *settings, const char *name, int64_t asked,
                                        int64_t otherwise, ait_method *method, int64_t *steps);

/* Looks whether the options of z's update, of which those named by nonzero were given, have a z to update.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the option and the choice that clash). */
ait_status ait_method_check_start(const ait_method_settings *settings, const char *name, const ait_method *method,
                                  int32_t optimizer_given, int32_t rate_given);

/* What hyper-cleaning learns: a weight for every row, or a noise model (run/transition.h). Which of them where none is
 * asked for, says ait_cleaning_choose. */
typedef enum ait_cleaning { AIT_CLEANING_WEIGHTS, AIT_CLEANING_TRANSITION } ait_cleaning;

extern const char *const ait_cleaning_words[]; /* "weights", "transition", NULL */

typedef enum ait_protocol { AIT_PROTOCOL_USER, AIT_PROTOCOL_PAPER } ait_protocol;

typedef struct ait_model {
  char text[AIT_MODEL_TEXT]; /* as it was given: "linear", "deep:300", "mlp:300,100" */
  int32_t hidden;
  int64_t sizes[AIT_MAX_HIDDEN];
  int32_t has_activation; /* mlp */
} ait_model;

/* Strings are borrowed. "Unset" is -1 for numbers and NULL for strings until
 * ait_clean_settings_complete has chosen the defaults. */
typedef struct ait_clean_settings {
  const char *dataset, *data_dir;
  const char *images, *labels, *validation_images, *validation_labels, *test_images, *test_labels, *ids, *reviewed;
  int64_t train, validation, test; /* rows; a user's own files: -1 means all */
  double noise;                    /* -1: the labels are taken as they are */
  int32_t noise_model;
  ait_model model;
  int32_t activation;
  char method_name[32];
  ait_method method;
  ait_method_settings method_settings;
  int64_t iterations, ll_steps;
  double ll_rate;
  int32_t ll_rate_auto; /* nonzero: ll_rate is unset until ait_clean_settings_choose_rate (run/rate.h) */
  double ll_curvature;  /* what it then came from */
  int32_t ul_optimizer;
  double ul_rate;
  int32_t init_optimizer;
  double init_rate;        /* -1 with ll_rate_auto: as ll_rate will be */
  double seconds;          /* above 0: UL iterations until so many have passed, and `iterations` is only a bound */
  double lq_weight;        /* of a smoothed l_q term a layer; -1: no such terms */
  double lq_q, lq_epsilon; /* -1 without */
  int64_t eval_every;
  double plant, hold_out; /* shares of the validation rows that F does not see (run/aside.h) */
  int32_t plant_asked;    /* nonzero: plant was given and is no default */
  int64_t patience;       /* evaluations without a better one that end a run; -1 where no rows are held out */
  int64_t memory;         /* bytes that the trajectories may take; -1: as many as they take */
  const char *device;
  int32_t threads, math;
  uint64_t seed;
  const char *out;
  int32_t force, quiet;
  int32_t json; /* nonzero: standard output gets JSON objects (run/json_lines.h), other output goes to stderr */
  int32_t protocol;
  int32_t score;
  int32_t baselines; /* an ait_beside */
  int32_t cleaning;
  int32_t all_suspects; /* nonzero: suspects.csv lists every row in any case */
} ait_clean_settings;

/* Everything unset. */
void ait_clean_settings_init(ait_clean_settings *settings);

/* Fills what is unset with the protocol's defaults and looks for settings that clash.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the options). */
ait_status ait_clean_settings_complete(ait_clean_settings *settings);

/* "linear", "deep:H1,H2,..." or "mlp:H1,H2,...". Errors: AIT_INVALID_ARGUMENT. */
ait_status ait_model_parse(const char *text, ait_model *model);

/* *activation, where it is -1 for none given, becomes what the model has: none, or the usual one.
 * Errors: AIT_INVALID_ARGUMENT (the one given does not go with the model). */
ait_status ait_model_complete_activation(const ait_model *model, ait_activation usual, int32_t *activation);

/* The network of a model on data; `sizes` has AIT_MAX_HIDDEN + 2 entries and must outlive it. */
void ait_model_network(const ait_model *model, ait_activation activation, int64_t features, int32_t classes,
                       int64_t *sizes, ait_network *network);

/* Adds the terms of f that the settings ask for to a problem on data of that network.
 * Errors: those of ait_problem_add_network_lq. */
ait_status ait_clean_settings_add_terms(const ait_clean_settings *settings, const ait_network *network,
                                        ait_problem *problem);

/* The solver's options for `rows` training rows. */
void ait_clean_solver_options(const ait_clean_settings *settings, int64_t rows, ait_solver_options *options);

#ifdef __cplusplus
}
#endif
#endif
