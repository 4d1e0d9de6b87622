/* transition_settings.c - which settings mean nothing in transition cleaning. */
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
                 {s->score != AIT_SCORE_CLASSIFIER, "--score"},
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
                 {s->eval_every != -1, "--eval-every"}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (options[i].set) {
      return options[i].option;
    }
  }
  return NULL;
}

ait_status ait_transition_check_settings(const ait_clean_settings *s) {
  const char *option = algorithm_option(s);
  option = option != NULL ? option : ait_method_settings_first(&s->method_settings);
  if (option != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with --cleaning weights, not with --cleaning transition", option);
  }
  const int32_t few_train = s->train != -1 && s->train < AIT_TRANSITION_FOLDS,
                few_validation = s->validation != -1 && s->validation < AIT_TRANSITION_FOLDS;
  return few_train || few_validation
             ? ait_fail(AIT_INVALID_ARGUMENT, "--cleaning transition needs %s %d or more, for its %d folds",
                        few_train ? "--train" : "--validation", AIT_TRANSITION_FOLDS, AIT_TRANSITION_FOLDS)
             : AIT_OK;
}
