/* choices.h - the choices that a method is a bundle of, where the user makes them one by one. */
#ifndef AIT_RUN_CHOICES_H
#define AIT_RUN_CHOICES_H

#include "ait/method.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Words of the enums of ait/method.h, in their order, then NULL. The words of ait_prox begin with that of
 * AIT_PROX_L1; those of `yes or no` are "no", "yes". */
extern const char *const ait_initialisation_words[];
extern const char *const ait_truncation_words[];
extern const char *const ait_mapping_words[];
extern const char *const ait_hypergradient_words[];
extern const char *const ait_prox_words[];
extern const char *const ait_no_yes_words[];

/* Unset: -1 for whole numbers and choices, NaN for the others. */
typedef struct ait_method_choices {
  int32_t initialisation, truncation, mapping, nesterov, hypergradient;
  int32_t prox; /* an index of ait_prox_words */
  int64_t last_steps;
  double bda_mu, bda_decay;
  double prox_weight, prox_l2_weight, prox_lower, prox_upper;
} ait_method_choices;

/* Everything unset. */
void ait_method_choices_init(ait_method_choices *choices);

/* The first option that is set, such as "--mapping", or NULL. */
const char *ait_method_choices_first(const ait_method_choices *choices);

/* Puts what is set into a method. What only a choice that is given up had a use for is reset.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the two options that clash, or the one that is missing). */
ait_status ait_method_choices_apply(const ait_method_choices *choices, ait_method *method);

#ifdef __cplusplus
}
#endif
#endif
