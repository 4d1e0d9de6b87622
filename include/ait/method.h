/* method.h - methods are named bundles of choices (docs/derivation.md#the-problem and the sections after it). */
#ifndef AIT_METHOD_H
#define AIT_METHOD_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the LL iteration starts. */
typedef enum ait_initialisation {
  AIT_INITIALISATION_FIXED,    /* y_0 = the given z_0, every time */
  AIT_INITIALISATION_WARM,     /* y_0 = y_K of the UL iteration before; how it depends on x is not differentiated */
  AIT_INITIALISATION_AUXILIARY /* y_0 = z_t, learned with dF/dz (initialisation auxiliary) */
} ait_initialisation;

/* Which iterate is differentiated, and how far back. */
typedef enum ait_truncation {
  AIT_TRUNCATION_NONE,        /* kbar = K, all K steps */
  AIT_TRUNCATION_PESSIMISTIC, /* kbar = argmax over 1 <= k <= K of F(x, y_k); ties: the smallest k */
  AIT_TRUNCATION_LAST         /* kbar = K, the last `last_steps` steps only (T-RHG) */
} ait_truncation;

/* How y_{k+1} comes from y_k. */
typedef enum ait_mapping {
  AIT_MAPPING_GRADIENT /* y_{k+1} = Proj_Y(y_k - alpha_k grad_y f(x, y_k)) */
} ait_mapping;

/* How dF/dx is computed. */
typedef enum ait_hypergradient {
  AIT_HYPERGRADIENT_REVERSE, /* reverse accumulation along the trajectory */
  AIT_HYPERGRADIENT_NONE     /* none: the solver only rolls the LL problem out, and stores no trajectory */
} ait_hypergradient;

typedef struct ait_method {
  ait_initialisation initialisation;
  ait_truncation truncation;
  int64_t last_steps; /* for AIT_TRUNCATION_LAST; 0: half of K, rounded up */
  ait_mapping mapping;
  int32_t nesterov; /* nonzero: Nesterov acceleration of the mapping */
  ait_hypergradient hypergradient;
} ait_method;

/* The bundle of a name: "iaptt-gm", "ia-gm", "ia-gm-a", "rhg", "t-rhg".
 * Errors: AIT_INVALID_ARGUMENT (the sentence lists the names there are). */
AIT_API ait_status ait_method_by_name(const char *name, ait_method *method);

/* The i-th name and what it stands for, for listings; NULL past the last. */
AIT_API const char *ait_method_name(int32_t i);
AIT_API const char *ait_method_summary(int32_t i);

#ifdef __cplusplus
}
#endif
#endif
