/* transition_settings.c - which kind of cleaning settings ask for, and which of them mean nothing in transition
 * cleaning. */
#include <string.h>

#include "context/error.h"
#include "run/transition.h"

const char *const ait_cleaning_words[] = {"weights", "transition", NULL};

/* The first option of Algorithm 1 that is set, or NULL. */
static const char *algorithm_option(const ait_clean_settings *s) {
  const struct {
    int32_t set;
    const char *option;
  } options[] = {{s->method_name[0] != '\0', "--method"},
                 {s->protocol != AIT_PROTOCOL_USER, "--protocol"},
                 {s->score != -1, "--score"},
                 {s->lq_weight != -1, "--lq-weight"},
                 {s->lq_q != -1, "--lq-q"},
                 {s->lq_epsilon != -1, "--lq-epsilon"},
                 {s->iterations != -1, "--iterations"},
                 {s->ll_steps != -1, "--ll-steps"},
                 {s->ll_rate != -1 || s->ll_rate_auto, "--ll-rate"},
                 {s->ul_optimizer != -1, "--ul-optimizer"},
                 {s->ul_rate != -1, "--ul-rate"},
                 {s->init_optimizer != -1, "--init-optimizer"},
                 {s->init_rate != -1, "--init-rate"},
                 {s->eval_every != -1, "--eval-every"},
                 {s->hold_out != -1, "--hold-out"},
                 {s->patience != -1, "--patience"}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (options[i].set) {
      return options[i].option;
    }
  }
  return NULL;
}

/* The first option that belongs to the weights and is set, or NULL. */
static const char *weights_option(const ait_clean_settings *s) {
  const char *option = algorithm_option(s);
  return option != NULL ? option : ait_method_settings_first(&s->method_settings);
}

static ait_status check_transition(const ait_clean_settings *s) {
  const char *option = weights_option(s);
  if (option != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --cleaning weights, not with --cleaning transition", option);
  }
  const int32_t few_train = s->train != -1 && s->train < AIT_TRANSITION_FOLDS,
                few_validation = s->validation != -1 && s->validation < AIT_TRANSITION_FOLDS;
  return few_train || few_validation
             ? ait_fail(AIT_INVALID_ARGUMENT,
                        "transition cleaning needs %s %d or more, for its %d folds; --cleaning weights has none",
                        few_train ? "--train" : "--validation", AIT_TRANSITION_FOLDS, AIT_TRANSITION_FOLDS)
             : AIT_OK;
}

ait_status ait_cleaning_choose(ait_clean_settings *s) {
  if (s->cleaning == -1) {
    s->cleaning = s->model.hidden == 0 && weights_option(s) == NULL ? AIT_CLEANING_TRANSITION : AIT_CLEANING_WEIGHTS;
  }
  return s->cleaning == AIT_CLEANING_TRANSITION ? check_transition(s) : AIT_OK;
}
