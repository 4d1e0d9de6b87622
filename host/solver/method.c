/* method.c - the named bundles of choices. */
#include "ait/method.h"

#include <string.h>

#include "context/error.h"

static const struct {
  const char *name, *summary;
  ait_method method;
} bundles[] = {
    {"iaptt-gm",
     "initialisation auxiliary, pessimistic trajectory truncation (the paper's method)",
     {.initialisation = AIT_INITIALISATION_AUXILIARY, .truncation = AIT_TRUNCATION_PESSIMISTIC}},
    {"ait",
     "initialisation auxiliary, pessimistic trajectory truncation, prior regularisation of z",
     {.initialisation = AIT_INITIALISATION_AUXILIARY, .truncation = AIT_TRUNCATION_PESSIMISTIC, .prior_weight = 0.01}},
    {"ia-gm",
     "initialisation auxiliary, the whole trajectory",
     {.initialisation = AIT_INITIALISATION_AUXILIARY, .truncation = AIT_TRUNCATION_NONE}},
    {"ia-gm-a",
     "initialisation auxiliary, the whole trajectory, Nesterov acceleration",
     {.initialisation = AIT_INITIALISATION_AUXILIARY, .truncation = AIT_TRUNCATION_NONE, .nesterov = 1}},
    {"rhg",
     "fixed start, the whole trajectory (reverse hyper-gradient)",
     {.initialisation = AIT_INITIALISATION_FIXED, .truncation = AIT_TRUNCATION_NONE}},
    {"t-rhg",
     "fixed start, the last steps only (truncated reverse hyper-gradient)",
     {.initialisation = AIT_INITIALISATION_FIXED, .truncation = AIT_TRUNCATION_LAST}},
    {"bda",
     "fixed start, the whole trajectory of steps that descend f and F together (bi-level descent aggregation)",
     {.initialisation = AIT_INITIALISATION_FIXED,
      .truncation = AIT_TRUNCATION_NONE,
      .mapping = AIT_MAPPING_AGGREGATE,
      .aggregate = {.mu = 0.5, .decay = 0.9}}},
    {"ls",
     "fixed start, implicit at the last iterate: a linear system by conjugate gradient",
     {.initialisation = AIT_INITIALISATION_FIXED,
      .truncation = AIT_TRUNCATION_NONE,
      .hypergradient = AIT_HYPERGRADIENT_CONJUGATE_GRADIENT,
      .conjugate_gradient = {.tolerance = 1e-6}}},
    {"ns",
     "fixed start, implicit at the last iterate: a Neumann series",
     {.initialisation = AIT_INITIALISATION_FIXED,
      .truncation = AIT_TRUNCATION_NONE,
      .hypergradient = AIT_HYPERGRADIENT_NEUMANN}},
    {"one-stage",
     "one LL step from the last y, its derivative by finite differences (DARTS)",
     {.initialisation = AIT_INITIALISATION_WARM,
      .truncation = AIT_TRUNCATION_NONE,
      .hypergradient = AIT_HYPERGRADIENT_FINITE_DIFFERENCES}},
};

enum { BUNDLES = sizeof bundles / sizeof bundles[0] };

ait_status ait_method_by_name(const char *name, ait_method *method) {
  for (int i = 0; i < BUNDLES; i++) {
    if (strcmp(name, bundles[i].name) == 0) {
      *method = bundles[i].method;
      return AIT_OK;
    }
  }
  char known[160] = "";
  for (int i = 0; i < BUNDLES; i++) {
    strcat(known, i == 0 ? "" : ", ");
    strcat(known, bundles[i].name);
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "there is no method '%.40s'; expected one of %s", name, known);
}

const char *ait_method_name(int32_t i) {
  return i >= 0 && i < BUNDLES ? bundles[i].name : NULL;
}

const char *ait_method_summary(int32_t i) {
  return i >= 0 && i < BUNDLES ? bundles[i].summary : NULL;
}
