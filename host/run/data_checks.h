/* data_checks.h - what is odd about the rows of a run before anything is learned from them. */
#ifndef AIT_RUN_DATA_CHECKS_H
#define AIT_RUN_DATA_CHECKS_H

#include "ait/ait.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ait_clean_data;
struct cJSON;

/* Rows of one pair, by their numbers in the user's files or in the published part. */
typedef struct ait_data_pair {
  int64_t first, second;
} ait_data_pair;

enum { AIT_FEW_VALIDATION_ROWS = 5, AIT_FEW_TRAINING_ROWS = 10, AIT_DATA_SENTENCE = 768 };

/* Classes with few rows, among those that occur at all. */
typedef struct ait_few_rows {
  int32_t classes, least; /* how many, and the class with the fewest rows of all */
  int64_t least_rows;
} ait_few_rows;

typedef struct ait_data_checks {
  int32_t compared;            /* nonzero: training and validation rows are stored alike, so that equal ones show */
  int64_t shared;              /* training rows that are equal to a validation row */
  int64_t shared_conflicts;    /* those that carry another label than it */
  ait_data_pair shared_pair;   /* the first: training row, validation row */
  int64_t repeated;            /* training rows that are equal to an earlier one */
  int64_t repeated_conflicts;  /* those that carry another label than the first of them */
  ait_data_pair repeated_pair; /* the first of these: earlier row, later row */
  ait_few_rows few_validation, few_training; /* fewer than the enum says */
} ait_data_checks;

/* Looks the rows through; equal means equal byte for byte. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_data_check(const struct ait_clean_data *data, ait_data_checks *checks);

/* Writes warning `i`, one sentence for people, or returns 0 past the last. */
int32_t ait_data_warning(const struct ait_clean_data *data, int32_t i, char sentence[AIT_DATA_SENTENCE]);

/* Adds "data_checks": counts and warnings. */
void ait_data_checks_describe(const struct ait_clean_data *data, struct cJSON *object);

#ifdef __cplusplus
}
#endif
#endif
