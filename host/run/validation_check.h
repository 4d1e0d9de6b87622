/* validation_check.h - whether the validation rows are as clean as they are taken to be
 * (docs/derivation.md#impure-validation-rows). */
#ifndef AIT_RUN_VALIDATION_CHECK_H
#define AIT_RUN_VALIDATION_CHECK_H

#include "run/data.h"
#include "run/folder.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A validation row whose label is more likely wrong than right. */
typedef struct ait_contradiction {
  int64_t row; /* of the validation rows of the run */
  int32_t suggested;
  double wrong; /* the chance that the label is */
  double label_probability, suggested_probability;
} ait_contradiction;

/* Start from zeros, which stand for no check. */
typedef struct ait_validation_check {
  double share;                      /* estimated share of wrong labels */
  double ratio;                      /* twice the log likelihood ratio of that share against none */
  int64_t contradicted;              /* rows whose labels are more likely wrong than right */
  ait_contradiction *contradictions; /* these, the likeliest first; owned */
} ait_validation_check;

/* probabilities (M x classes): of each validation row by a classifier that left it out. Errors: AIT_OUT_OF_MEMORY;
 * nothing is then left to end. */
ait_status ait_validation_check_make(const ait_clean_data *data, const ait_real *probabilities,
                                     ait_validation_check *check);

/* Writes the warning, one sentence for people, or returns 0 where the rows may well be clean. */
int32_t ait_validation_check_warning(const ait_validation_check *check, char sentence[AIT_DATA_SENTENCE]);

struct cJSON;

/* Adds "validation_check" to a result. */
void ait_validation_check_describe(const ait_validation_check *check, struct cJSON *result);

/* Writes validation_suspects.csv of a partial folder where a row is contradicted. Errors: those of ait_file_commit. */
ait_status ait_validation_check_write(const ait_validation_check *check, const ait_clean_data *data,
                                      const ait_folder *folder);

void ait_validation_check_end(ait_validation_check *check);

#ifdef __cplusplus
}
#endif
#endif
