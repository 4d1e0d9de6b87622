/* validation_check.c - whether the validation rows are as clean as they are taken to be
 * (docs/derivation.md#impure-validation-rows). */
#include "run/validation_check.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "context/error.h"
#include "data/file.h"
#include "run/allocate.h"

/* Powers of the probabilities that are tried: 2^(k / 3) for k from the first to the last. */
enum { FIRST_POWER = -3, LAST_POWER = 9, ITERATIONS = 100 };

/* A ratio above this is a matter of chance in about 4 of 1,000 clean sets: of two sides of a chi-square variable of one
 * degree of freedom only one counts. */
static const double doubtful_ratio = 7;

/* Probabilities below it are as good as 0; the bound keeps logarithms finite. */
static const double least_probability = 1e-12;

/* label_chances (M): of each label under the probabilities taken to a power and brought to the sum 1. */
static void sharpen(const ait_clean_data *d, const ait_real *probabilities, double power, double *label_chances) {
  for (int64_t j = 0; j < d->validation_rows; j++) {
    const ait_real *p = probabilities + j * d->classes;
    double sum = 0;
    for (int32_t c = 0; c < d->classes; c++) {
      sum += pow(fmax((double)p[c], least_probability), power);
    }
    label_chances[j] = pow(fmax((double)p[d->validation_labels[j]], least_probability), power) / sum;
  }
}

/* The chance that a label of chance q is wrong, where a share of all labels is, any other class alike. */
static double wrong_of(double q, double share, int32_t classes, double *likelihood) {
  const double wrong = share * (1 - q) / (classes - 1);
  *likelihood = fmax((1 - share) * q + wrong, least_probability);
  return wrong / *likelihood;
}

/* The log likelihood of the labels; the mean chance that they are wrong. */
static double log_likelihood(const ait_clean_data *d, const double *label_chances, double share, double *mean) {
  double sum = 0, likelihood;
  *mean = 0;
  for (int64_t j = 0; j < d->validation_rows; j++) {
    *mean += wrong_of(label_chances[j], share, d->classes, &likelihood) / (double)d->validation_rows;
    sum += log(likelihood);
  }
  return sum;
}

/* Expectation maximisation from a share of 5 per cent. */
static double fit_share(const ait_clean_data *d, const double *label_chances, double *share) {
  double mean = 0.05;
  for (int t = 0; t < ITERATIONS; t++) {
    *share = mean;
    log_likelihood(d, label_chances, *share, &mean);
  }
  return log_likelihood(d, label_chances, *share, &mean);
}

/* The best power and share; the ratio against the best power alone. */
static void fit(const ait_clean_data *d, const ait_real *probabilities, double *label_chances,
                ait_validation_check *check) {
  double with = -INFINITY, without = -INFINITY, best = 1, share, mean;
  for (int k = FIRST_POWER; k <= LAST_POWER; k++) {
    const double power = exp2(k / 3.0);
    sharpen(d, probabilities, power, label_chances);
    without = fmax(without, log_likelihood(d, label_chances, 0, &mean));
    const double likelihood = fit_share(d, label_chances, &share);
    if (likelihood > with) {
      with = likelihood;
      best = power;
      check->share = share;
    }
  }
  check->ratio = fmax(0, 2 * (with - without));
  sharpen(d, probabilities, best, label_chances);
}

/* ---- rows -------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
  const ait_contradiction *left = a, *right = b;
  if (left->wrong != right->wrong) {
    return left->wrong > right->wrong ? -1 : 1;
  }
  return left->row < right->row ? -1 : left->row > right->row;
}

static void list_rows(const ait_clean_data *d, const ait_real *probabilities, const double *label_chances,
                      ait_validation_check *check) {
  for (int64_t j = 0; j < d->validation_rows; j++) {
    const ait_real *p = probabilities + j * d->classes;
    double likelihood;
    const double wrong = wrong_of(label_chances[j], check->share, d->classes, &likelihood);
    int32_t best = 0;
    for (int32_t c = 1; c < d->classes; c++) {
      best = p[c] > p[best] ? c : best;
    }
    if (wrong > 0.5) {
      check->contradictions[check->contradicted++] =
          (ait_contradiction){j, best, wrong, (double)p[d->validation_labels[j]], (double)p[best]};
    }
  }
  qsort(check->contradictions, (size_t)check->contradicted, sizeof *check->contradictions, compare);
}

ait_status ait_validation_check_make(const ait_clean_data *d, const ait_real *probabilities,
                                     ait_validation_check *check) {
  *check = (ait_validation_check){0};
  double *label_chances;
  AIT_TRY(ait_allocate(d->validation_rows, sizeof *label_chances, &label_chances));
  const ait_status status = ait_allocate(d->validation_rows, sizeof *check->contradictions, &check->contradictions);
  if (status == AIT_OK) {
    fit(d, probabilities, label_chances, check);
    list_rows(d, probabilities, label_chances, check);
  }
  free(label_chances);
  return status;
}

void ait_validation_check_end(ait_validation_check *check) {
  free(check->contradictions);
  *check = (ait_validation_check){0};
}

/* ---- reports ----------------------------------------------------------------------------------- */

int32_t ait_validation_check_warning(const ait_validation_check *c, char sentence[AIT_DATA_SENTENCE]) {
  snprintf(sentence, AIT_DATA_SENTENCE,
           "the validation rows do not seem to be clean: about %.1f %% of their labels look wrong to classifiers that "
           "left them out; %lld rows that more likely are than not stand in validation_suspects.csv",
           100 * c->share, (long long)c->contradicted);
  return c->ratio > doubtful_ratio;
}

void ait_validation_check_describe(const ait_validation_check *check, cJSON *result) {
  cJSON *object = cJSON_AddObjectToObject(result, "validation_check");
  cJSON_AddNumberToObject(object, "estimated_wrong_share", check->share);
  cJSON_AddNumberToObject(object, "likelihood_ratio", check->ratio);
  cJSON_AddNumberToObject(object, "contradicted_rows", (double)check->contradicted);
}

ait_status ait_validation_check_write(const ait_validation_check *check, const ait_clean_data *d,
                                      const ait_folder *folder) {
  char path[PATH_MAX];
  ait_file file;
  if (check->contradicted == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_folder_path(folder, "validation_suspects.csv", path));
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "row,from,label,label_probability,suggested_label,suggested_probability,wrong_probability\n");
  for (int64_t k = 0; k < check->contradicted; k++) {
    const ait_contradiction *c = &check->contradictions[k];
    fprintf(file.stream, "%lld,%s,%d,%.9g,%d,%.9g,%.9g\n", (long long)d->validation_source_rows[c->row],
            c->row < d->reviewed_rows ? "reviewed" : "validation", d->validation_labels[c->row], c->label_probability,
            c->suggested, c->suggested_probability, c->wrong);
  }
  return ait_file_commit(&file);
}
