/* metrics.h - how well a score ranks the mislabelled rows.
 *
 * A score is higher where a row is more suspect; mislabelled is the positive class. Rows of equal
 * score stand in the order of their numbers, so that every figure is a function of the input alone. */
#ifndef AIT_RUN_METRICS_H
#define AIT_RUN_METRICS_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Figures in 0 .. 1; NaN where a figure is not defined (no positive or no negative row, too few
 * rows, a score that is NaN). */
typedef struct ait_ranking {
  int64_t positives;
  int64_t found;            /* positives among the `positives` most suspect rows */
  double auroc;             /* chance that a positive stands above a negative; a tie counts one half */
  double average_precision; /* mean over the positives of the precision at their place */
  double f1;                /* at the true noise rate: `positives` rows flagged, so precision = recall = F1 */
  double precision_100, precision_1000;
} ait_ranking;

/* The rows from the most to the least suspect; `order` has n entries. A NaN stands last.
 * Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_metrics_order(int64_t n, const double *score, int64_t *order);

/* How many rows stand among the first `count` of both orders of n rows. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_metrics_shared(int64_t n, int64_t count, const int64_t *order, const int64_t *other, int64_t *shared);

/* The figures of a score; positive[i] is 0 or 1. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_metrics_ranking(int64_t n, const double *score, const uint8_t *positive, ait_ranking *ranking);

/* The paper's clean-class F1: predicted clean where flag is 0, truly clean where dirty is 0. NaN
 * where nothing is clean on either side. */
double ait_metrics_clean_f1(int64_t n, const uint8_t *flag, const uint8_t *dirty);

#ifdef __cplusplus
}
#endif
#endif
