/* metrics.c - how well a score ranks the mislabelled rows (docs/derivation.md#metrics). */
#include "run/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"

typedef struct scored_row {
  double score;
  int64_t row;
} scored_row;

/* Most suspect first; NaN last; ties by row. */
static int compare_rows(const void *left, const void *right) {
  const scored_row *a = left, *b = right;
  int a_is_nan = isnan(a->score) != 0, b_is_nan = isnan(b->score) != 0;
  if (a_is_nan != b_is_nan) {
    return a_is_nan - b_is_nan;
  }
  if (a->score > b->score || a->score < b->score) {
    return a->score > b->score ? -1 : 1;
  }
  return (a->row > b->row) - (a->row < b->row);
}

static ait_status sorted_rows(int64_t n, const double *score, scored_row **sorted) {
  scored_row *rows = malloc((size_t)(n > 0 ? n : 1) * sizeof *rows);
  if (rows == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to sort %lld rows by their score", (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    rows[i] = (scored_row){score[i], i};
  }
  qsort(rows, (size_t)n, sizeof *rows, compare_rows);
  *sorted = rows;
  return AIT_OK;
}

ait_status ait_metrics_order(int64_t n, const double *score, int64_t *order) {
  scored_row *sorted;
  AIT_TRY(sorted_rows(n, score, &sorted));
  for (int64_t i = 0; i < n; i++) {
    order[i] = sorted[i].row;
  }
  free(sorted);
  return AIT_OK;
}

ait_status ait_metrics_shared(int64_t n, int64_t count, const int64_t *order, const int64_t *other, int64_t *shared) {
  uint8_t *first = calloc((size_t)(n > 0 ? n : 1), 1);
  if (first == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to compare two rankings");
  }
  for (int64_t place = 0; place < count; place++) {
    first[order[place]] = 1;
  }
  *shared = 0;
  for (int64_t place = 0; place < count; place++) {
    *shared += first[other[place]];
  }
  free(first);
  return AIT_OK;
}

static int64_t count_positives(int64_t n, const uint8_t *positive) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) {
    count += positive[i] != 0;
  }
  return count;
}

/* The Mann-Whitney statistic: over groups of equal score, the negatives below each positive, plus
 * half of those beside it. */
static double area_under_curve(int64_t n, const scored_row *sorted, const uint8_t *positive, int64_t positives) {
  int64_t negatives = n - positives;
  double below = (double)negatives, sum = 0;
  for (int64_t first = 0; first < n;) {
    int64_t last = first, group_positives = 0;
    while (last < n && sorted[last].score == sorted[first].score) {
      group_positives += positive[sorted[last].row] != 0;
      last++;
    }
    double group_negatives = (double)(last - first - group_positives);
    sum += (double)group_positives * (below - group_negatives / 2);
    below -= group_negatives;
    first = last;
  }
  return sum / ((double)positives * (double)negatives);
}

static double average_precision(int64_t n, const scored_row *sorted, const uint8_t *positive, int64_t positives) {
  double sum = 0;
  int64_t found = 0;
  for (int64_t i = 0; i < n; i++) {
    if (positive[sorted[i].row]) {
      found++;
      sum += (double)found / (double)(i + 1);
    }
  }
  return sum / (double)positives;
}

static int64_t found_among(int64_t first, const scored_row *sorted, const uint8_t *positive) {
  int64_t found = 0;
  for (int64_t i = 0; i < first; i++) {
    found += positive[sorted[i].row] != 0;
  }
  return found;
}

static double precision_at(int64_t first, int64_t n, const scored_row *sorted, const uint8_t *positive) {
  return first <= n ? (double)found_among(first, sorted, positive) / (double)first : NAN;
}

ait_status ait_metrics_ranking(int64_t n, const double *score, const uint8_t *positive, ait_ranking *ranking) {
  int64_t positives = count_positives(n, positive);
  *ranking = (ait_ranking){.positives = positives,
                           .auroc = NAN,
                           .average_precision = NAN,
                           .f1 = NAN,
                           .precision_100 = NAN,
                           .precision_1000 = NAN};
  scored_row *sorted;
  AIT_TRY(sorted_rows(n, score, &sorted));
  if (positives > 0 && !isnan(sorted[n - 1].score)) {
    ranking->found = found_among(positives, sorted, positive);
    ranking->f1 = (double)ranking->found / (double)positives;
    ranking->average_precision = average_precision(n, sorted, positive, positives);
    ranking->precision_100 = precision_at(100, n, sorted, positive);
    ranking->precision_1000 = precision_at(1000, n, sorted, positive);
    if (positives < n) {
      ranking->auroc = area_under_curve(n, sorted, positive, positives);
    }
  }
  free(sorted);
  return AIT_OK;
}

double ait_metrics_clean_f1(int64_t n, const uint8_t *flag, const uint8_t *dirty) {
  int64_t both = 0, said_clean = 0, is_clean = 0;
  for (int64_t i = 0; i < n; i++) {
    both += !flag[i] && !dirty[i];
    said_clean += !flag[i];
    is_clean += !dirty[i];
  }
  return said_clean + is_clean > 0 ? 2.0 * (double)both / (double)(said_clean + is_clean) : NAN;
}
