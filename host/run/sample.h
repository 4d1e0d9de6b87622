/* sample.h - small problems at a random point, for ait check and the tests. */
#ifndef AIT_RUN_SAMPLE_H
#define AIT_RUN_SAMPLE_H

#include "run/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ait_sample_kind {
  AIT_SAMPLE_TOY,
  AIT_SAMPLE_CONVEX,
  AIT_SAMPLE_SINUSOID,
  AIT_SAMPLE_CLEAN,
  AIT_SAMPLE_COUNT
} ait_sample_kind;

extern const char *const ait_sample_words[]; /* "toy", "convex", "sinusoid", "clean", NULL */

typedef struct ait_sample {
  ait_problem *problem;
  ait_real *x, *z;  /* the point */
  int64_t ll_steps; /* K and alpha that suit the problem */
  double ll_rate;
  double *train, *validation; /* clean: the rows, and their views and labels */
  ait_matrix *views[2];
  int32_t *labels[2];
} ait_sample;

/* Makes a sample; `model` and `activation` matter to clean alone. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_sample_make(ait_context *context, ait_sample_kind kind, const ait_model *model,
                           ait_activation activation, uint64_t seed, ait_sample *sample);

void ait_sample_free(ait_sample *sample);

#ifdef __cplusplus
}
#endif
#endif
