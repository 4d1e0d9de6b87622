/* calibration.h - how many rows at the head of a ranking are really wrong, told by rows whose true labels are known
 * (docs/derivation.md#calibration).
 *
 *     ait_calibration_begin   what is ranked
 *     ait_calibration_add     a known row: what the ranking's score would be under its own label, or a wrong one
 *     ait_calibration_finish  sorts what was added
 *     ait_calibration_of      what a list of the most suspect rows holds
 *     ait_calibration_end */
#ifndef AIT_RUN_CALIBRATION_H
#define AIT_RUN_CALIBRATION_H

#include <stdio.h>

#include "run/folder.h"
#include "run/suspects.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cJSON;

/* Where the known rows come from. */
typedef enum ait_calibration_source {
  AIT_CALIBRATION_NONE,
  AIT_CALIBRATION_HELD_OUT, /* validation rows, by classifiers that left them out */
  AIT_CALIBRATION_PLANTED   /* validation rows that stood among the training rows */
} ait_calibration_source;

typedef struct ait_known_score {
  double score, weight; /* finished: the weights of all scores down to this one, added up */
} ait_known_score;

/* Scores of known rows of one kind, whose labels are all right or all wrong. */
typedef struct ait_known_scores {
  int64_t count, capacity;
  ait_known_score *scores; /* finished: the largest first */
  double rows;             /* as many independent rows of equal weight would tell as much */
} ait_known_scores;

/* A share and its 95 % interval; NaN where there is none. */
typedef struct ait_estimate {
  double value, low, high;
} ait_estimate;

/* What the first `rows` of the ranking are expected to hold. */
typedef struct ait_expectation {
  int64_t rows;
  double threshold;       /* the least score among them */
  double false_alarms;    /* share of the known right labels that score as high */
  ait_estimate precision; /* share of these rows whose labels are wrong */
  ait_estimate recall;    /* share of all wrong labels that are among them */
} ait_expectation;

/* Start from zeros, which stand for no calibration. */
typedef struct ait_calibration {
  ait_calibration_source source;
  int64_t clean_rows; /* known rows */
  ait_known_scores right, wrong;
  int64_t n, listed;    /* rows that are ranked; those of the suggested list, which come first */
  const double *score;  /* n, borrowed */
  const int64_t *order; /* n, borrowed: most suspect first */
  double noise_rate;    /* share of wrong labels among the n rows, 0 .. 1; NaN where no wrong labels are known */
} ait_calibration;

/* The ranking is borrowed. `listed` rows are suggested. */
void ait_calibration_begin(ait_calibration_source source, int64_t n, const double *score, const int64_t *order,
                           int64_t listed, ait_calibration *calibration);

/* Adds what a known row scores under a label that is wrong (nonzero) or right; `weight` > 0 says how often rows of
 * that label are like it. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_calibration_add(ait_calibration *calibration, int32_t wrong, double score, double weight);

/* Sorts the scores and estimates the noise rate. `right_rows` and `wrong_rows` count independent rows as
 * ait_known_scores has them. */
void ait_calibration_finish(ait_calibration *calibration, int64_t clean_rows, double right_rows, double wrong_rows);

/* Figures are NaN where `rows` is 0 or nothing is known. Without known wrong labels recall is, and precision counts on
 * no wrong labels among the ranked rows, which makes it a little too small. */
ait_expectation ait_calibration_of(const ait_calibration *calibration, int64_t rows);

/* Wilson's 95 % interval of a share that was seen in `rows` independent rows (E. B. Wilson: Probable inference, the
 * law of succession, and statistical inference, 1927). */
ait_estimate ait_wilson(double share, double rows);

void ait_calibration_end(ait_calibration *calibration);

/* ---- reports ----------------------------------------------------------------------------------- */

/* What is known besides: the mean chance, by the posterior of a noise model, that listed rows are wrong, and where the
 * truth is known the share that is, and the share of all wrong ones that they are; NaN for none. */
typedef struct ait_listed {
  double posterior, precision, recall;
} ait_listed;

/* What is known of the suggested list of a ranking; no posterior. */
ait_listed ait_listed_of(const ait_suspects *suspects);

/* Adds "calibration" to a result. */
void ait_calibration_describe(const ait_calibration *calibration, const ait_listed *listed, struct cJSON *result);

/* Writes calibration.csv of a partial folder: what lists of every half per cent of the rows, and the suggested list,
 * hold. Errors: those of ait_file_commit. */
ait_status ait_calibration_write(const ait_calibration *calibration, const ait_folder *folder);

/* Lines that say what the suggested list holds. */
void ait_calibration_print(const ait_calibration *calibration, const ait_listed *listed, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
