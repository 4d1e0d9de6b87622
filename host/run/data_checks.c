/* data_checks.c - what is odd about the rows of a run before anything is learned from them. */
#include "run/data_checks.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "context/error.h"
#include "data/duplicates.h"
#include "run/allocate.h"
#include "run/data.h"
#include "run/json.h"

/* ---- equal rows -------------------------------------------------------------------------------- */

/* What is needed while equal rows are looked for. */
typedef struct finder {
  const ait_clean_data *data;
  uint64_t *train_hashes, *validation_hashes; /* N, M */
  int64_t *first;                             /* N: the row that each training row is equal to */
} finder;

static ait_status find_shared(const finder *f, ait_data_checks *checks) {
  const ait_clean_data *d = f->data;
  AIT_TRY(ait_rows_find(d->validation, f->validation_hashes, d->train, f->train_hashes, f->first));
  for (int64_t i = 0; i < d->train_rows; i++) {
    const int64_t j = f->first[i];
    if (j < d->reviewed_rows) { /* none; or a reviewed row, which is a training row that is repeated */
      continue;
    }
    if (checks->shared == 0) {
      checks->shared_pair = (ait_data_pair){d->source_rows[i], d->validation_source_rows[j]};
    }
    checks->shared++;
    checks->shared_conflicts += d->given[i] != d->validation_labels[j];
  }
  return AIT_OK;
}

static ait_status find_repeated(const finder *f, ait_data_checks *checks) {
  const ait_clean_data *d = f->data;
  AIT_TRY(ait_rows_find(d->train, f->train_hashes, d->train, f->train_hashes, f->first));
  for (int64_t i = 0; i < d->train_rows; i++) {
    const int64_t j = f->first[i];
    checks->repeated += j != i;
    if (j == i || d->given[i] == d->given[j]) {
      continue;
    }
    if (checks->repeated_conflicts == 0) {
      checks->repeated_pair = (ait_data_pair){d->source_rows[j], d->source_rows[i]};
    }
    checks->repeated_conflicts++;
  }
  return AIT_OK;
}

static ait_status find_equal_rows(finder *f, ait_data_checks *checks) {
  const ait_clean_data *d = f->data;
  AIT_TRY(ait_allocate(d->train_rows, sizeof *f->train_hashes, &f->train_hashes));
  AIT_TRY(ait_allocate(d->train_rows, sizeof *f->first, &f->first));
  ait_rows_hash(d->train, f->train_hashes);
  AIT_TRY(find_repeated(f, checks));
  if (ait_matrix_type(d->train) != ait_matrix_type(d->validation)) {
    return AIT_OK;
  }
  checks->compared = 1;
  AIT_TRY(ait_allocate(d->validation_rows, sizeof *f->validation_hashes, &f->validation_hashes));
  ait_rows_hash(d->validation, f->validation_hashes);
  return find_shared(f, checks);
}

/* ---- classes ----------------------------------------------------------------------------------- */

static void count_labels(int64_t rows, const int32_t *labels, int64_t *counts) {
  for (int64_t i = 0; i < rows; i++) {
    counts[labels[i]]++;
  }
}

/* Of the classes that occur on either side: those with fewer than `few` rows on one, and the one that has the fewest
 * there. */
static void find_few(int32_t classes, const int64_t *counts, const int64_t *others, int64_t few, ait_few_rows *found) {
  *found = (ait_few_rows){.least_rows = INT64_MAX};
  for (int32_t c = 0; c < classes; c++) {
    if (counts[c] + others[c] == 0) {
      continue;
    }
    found->classes += counts[c] < few;
    if (counts[c] < found->least_rows) {
      found->least_rows = counts[c];
      found->least = c;
    }
  }
}

static ait_status count_classes(const ait_clean_data *d, ait_data_checks *checks) {
  int64_t *counts;
  AIT_TRY(ait_allocate(2 * (int64_t)d->classes, sizeof *counts, &counts));
  int64_t *validation = counts + d->classes;
  count_labels(d->train_rows, d->given, counts);
  count_labels(d->validation_rows, d->validation_labels, validation);
  find_few(d->classes, validation, counts, AIT_FEW_VALIDATION_ROWS, &checks->few_validation);
  find_few(d->classes, counts, validation, AIT_FEW_TRAINING_ROWS, &checks->few_training);
  free(counts);
  return AIT_OK;
}

ait_status ait_data_check(const ait_clean_data *d, ait_data_checks *checks) {
  *checks = (ait_data_checks){0};
  finder f = {.data = d};
  const ait_status status = find_equal_rows(&f, checks);
  free(f.train_hashes);
  free(f.validation_hashes);
  free(f.first);
  AIT_TRY(status);
  return count_classes(d, checks);
}

/* ---- what is said ------------------------------------------------------------------------------ */

/* Each writes its warning, or returns 0 where there is nothing to say. */

static int32_t warn_of_shared(const ait_clean_data *d, char *sentence) {
  const ait_data_checks *c = &d->checks;
  snprintf(sentence, AIT_DATA_SENTENCE,
           "%lld training row%s equal to validation rows, %lld with another label (first: training row %lld is "
           "validation row %lld): figures of validation rows left out are too good by them; drop them from one side",
           (long long)c->shared, c->shared == 1 ? " is" : "s are", (long long)c->shared_conflicts,
           (long long)c->shared_pair.first, (long long)c->shared_pair.second);
  return c->shared > 0;
}

static int32_t warn_of_repeated(const ait_clean_data *d, char *sentence) {
  const ait_data_checks *c = &d->checks;
  snprintf(sentence, AIT_DATA_SENTENCE,
           "%lld training row%s equal to an earlier one but for the label (first: rows %lld and %lld): at most one of "
           "the two labels is right",
           (long long)c->repeated_conflicts, c->repeated_conflicts == 1 ? " is" : "s are",
           (long long)c->repeated_pair.first, (long long)c->repeated_pair.second);
  return c->repeated_conflicts > 0;
}

static int32_t warn_of_few(const ait_clean_data *d, const char *side, int32_t few, const ait_few_rows *found,
                           const char *why, char *sentence) {
  char number[16];
  snprintf(sentence, AIT_DATA_SENTENCE, "%d class%s fewer than %d %s rows (fewest: %s with %lld): %s", found->classes,
           found->classes == 1 ? " has" : "es have", few, side, ait_clean_data_class(d, found->least, number),
           (long long)found->least_rows, why);
  return found->classes > 0;
}

static int32_t warn_of_few_validation(const ait_clean_data *d, char *sentence) {
  return warn_of_few(d, "validation", AIT_FEW_VALIDATION_ROWS, &d->checks.few_validation,
                     "there is little to judge their labels by", sentence);
}

static int32_t warn_of_few_training(const ait_clean_data *d, char *sentence) {
  return warn_of_few(d, "training", AIT_FEW_TRAINING_ROWS, &d->checks.few_training,
                     "how often they are mistaken can hardly be told", sentence);
}

int32_t ait_data_warning(const ait_clean_data *data, int32_t i, char sentence[AIT_DATA_SENTENCE]) {
  static int32_t (*const warnings[])(const ait_clean_data *, char *) = {warn_of_shared, warn_of_repeated,
                                                                        warn_of_few_validation, warn_of_few_training};
  for (size_t k = 0; k < sizeof warnings / sizeof *warnings; k++) {
    if (warnings[k](data, sentence) && i-- == 0) {
      return 1;
    }
  }
  return 0;
}

void ait_data_checks_describe(const ait_clean_data *d, cJSON *object) {
  const ait_data_checks *c = &d->checks;
  char sentence[AIT_DATA_SENTENCE];
  cJSON *checks = cJSON_AddObjectToObject(object, "data_checks");
  if (c->compared) {
    cJSON_AddNumberToObject(checks, "training_rows_equal_to_validation_rows", (double)c->shared);
    cJSON_AddNumberToObject(checks, "of_these_with_another_label", (double)c->shared_conflicts);
  }
  cJSON_AddNumberToObject(checks, "training_rows_equal_to_earlier_ones", (double)c->repeated);
  cJSON_AddNumberToObject(checks, "training_rows_equal_but_for_the_label", (double)c->repeated_conflicts);
  cJSON_AddNumberToObject(checks, "least_validation_rows_of_a_class", (double)c->few_validation.least_rows);
  cJSON_AddNumberToObject(checks, "least_training_rows_of_a_class", (double)c->few_training.least_rows);
  cJSON *warnings = cJSON_AddArrayToObject(checks, "warnings");
  for (int32_t i = 0; ait_data_warning(d, i, sentence); i++) {
    ait_json_append(warnings, cJSON_CreateString(sentence));
  }
}
