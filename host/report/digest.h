/* digest.h - what a report shows of suspects.csv: counts, a histogram, a curve, and the rows at its head. */
#ifndef AIT_REPORT_DIGEST_H
#define AIT_REPORT_DIGEST_H

#include "ait/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AIT_DIGEST_BARS = 48,
  AIT_DIGEST_POINTS = 300,
  AIT_DIGEST_SUSPECTS = 100,
  AIT_DIGEST_MOST_CLASSES = 20, /* for which there is a whole table */
  AIT_DIGEST_PAIRS = 30
};

typedef struct ait_digest_suspect {
  int64_t row;
  char *id; /* or NULL */
  int32_t given, suggested, truth /* -1: not known */;
  double given_probability, suggested_probability, score;
} ait_digest_suspect;

/* Rows with one given and another suggested label. */
typedef struct ait_digest_pair {
  int32_t given, suggested;
  int64_t rows;
} ait_digest_pair;

/* Two kinds of rows are told apart: those whose given label is right, and wrong ones; where the truth is not known,
 * those whose given label is the suggested one, and others. */
typedef struct ait_digest {
  int64_t rows;     /* in the file, which may end with the last row that is suspected */
  int64_t all_rows; /* of the training set */
  int32_t classes;  /* the largest label + 1 */
  int32_t knows_truth, has_ids;
  int64_t disagreeing;      /* rows whose suggested label is not the given one */
  int64_t wrong;            /* where the truth is known */
  int64_t wrong_made_right; /* of them, those with the true label suggested */

  int32_t has_weights; /* nonzero: bars are of weights, else of scores */
  double low, high;    /* their ends; what lies beyond counts in the last bars */
  int64_t right_bars[AIT_DIGEST_BARS], other_bars[AIT_DIGEST_BARS];

  int32_t points; /* of the precision-recall curve; 0 where there is none */
  double recall[AIT_DIGEST_POINTS], precision[AIT_DIGEST_POINTS];

  int64_t *labels; /* classes x classes: rows by given and suggested label; NULL where there are too many classes */
  int32_t pair_count;
  ait_digest_pair pairs[AIT_DIGEST_PAIRS]; /* the most frequent first */

  int32_t suspect_count;
  ait_digest_suspect suspects[AIT_DIGEST_SUSPECTS]; /* the most suspect first */
} ait_digest;

/* Reads a file, the most suspect row first. The first column of `values` is the weight, where the file has weights, or
 * the score of every training row: those that the file leaves out count as not suspected in the bars. NULL where the
 * file has all rows. On failure nothing is left to free. Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA,
 * AIT_OUT_OF_MEMORY. */
ait_status ait_digest_read(const char *path, const ait_matrix *values, ait_digest *digest);

void ait_digest_free(ait_digest *digest);

#ifdef __cplusplus
}
#endif
#endif
