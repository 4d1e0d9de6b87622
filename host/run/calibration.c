/* calibration.c - how many rows at the head of a ranking are really wrong (docs/derivation.md#calibration). */
#include "run/calibration.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"

/* ---- known rows -------------------------------------------------------------------------------- */

void ait_calibration_begin(ait_calibration_source source, int64_t n, const double *score, const int64_t *order,
                           int64_t listed, ait_calibration *c) {
  *c = (ait_calibration){.source = source, .n = n, .listed = listed, .score = score, .order = order};
}

ait_status ait_calibration_add(ait_calibration *c, int32_t wrong, double score, double weight) {
  ait_known_scores *known = wrong ? &c->wrong : &c->right;
  if (known->count == known->capacity) {
    const int64_t larger = known->capacity > 0 ? 2 * known->capacity : 1024;
    ait_known_score *scores = realloc(known->scores, (size_t)larger * sizeof *scores);
    if (scores == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scores of %lld known rows", (long long)larger);
    }
    known->scores = scores;
    known->capacity = larger;
  }
  known->scores[known->count++] = (ait_known_score){score, weight};
  return AIT_OK;
}

/* The largest score first; of equal scores the larger weight, so that the sums are one whatever the sort. */
static int compare(const void *a, const void *b) {
  const ait_known_score *left = a, *right = b;
  if (left->score != right->score) {
    return left->score > right->score ? -1 : 1;
  }
  return left->weight > right->weight ? -1 : left->weight < right->weight;
}

static void finish(ait_known_scores *known, double rows) {
  known->rows = rows;
  if (known->count > 0) {
    qsort(known->scores, (size_t)known->count, sizeof *known->scores, compare);
  }
  for (int64_t k = 1; k < known->count; k++) {
    known->scores[k].weight += known->scores[k - 1].weight;
  }
}

void ait_calibration_end(ait_calibration *c) {
  free(c->right.scores);
  free(c->wrong.scores);
  *c = (ait_calibration){0};
}

/* ---- estimates --------------------------------------------------------------------------------- */

/* The share of the weights whose scores are `threshold` or more. */
static double share_from(const ait_known_scores *known, double threshold) {
  int64_t from = 0, to = known->count;
  while (from < to) {
    const int64_t middle = from + (to - from) / 2;
    if (known->scores[middle].score >= threshold) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from > 0 ? known->scores[from - 1].weight / known->scores[known->count - 1].weight : 0;
}

ait_estimate ait_wilson(double share, double rows) {
  if (!(rows > 0)) {
    return (ait_estimate){share, 0, 1};
  }
  const double z = 1.959964, scale = 1 + z * z / rows, centre = (share + z * z / (2 * rows)) / scale;
  const double half = z / scale * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows));
  return (ait_estimate){share, fmin(share, fmax(0, centre - half)), fmax(share, fmin(1, centre + half))};
}

static double clamp(double share) {
  return fmin(1, fmax(0, share));
}

/* The share of the ranked rows that score `threshold` or more. */
static double share_ranked(const ait_calibration *c, double threshold) {
  int64_t from = 0, to = c->n;
  while (from < to) {
    const int64_t middle = from + (to - from) / 2;
    if (c->score[c->order[middle]] >= threshold) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return (double)from / (double)c->n;
}

/* Above a threshold are as many rows as a share `rate` of wrong labels makes it: share_ranked = rate recall +
 * (1 - rate) false_alarms. That is solved where recall and false alarms are farthest apart. */
static double estimate_noise(const ait_calibration *c) {
  double farthest = 0, rate = 0;
  for (int64_t k = 0; k < c->wrong.count; k++) {
    const double threshold = c->wrong.scores[k].score;
    const double alarms = share_from(&c->right, threshold), apart = share_from(&c->wrong, threshold) - alarms;
    if (apart > farthest) {
      farthest = apart;
      rate = clamp((share_ranked(c, threshold) - alarms) / apart);
    }
  }
  return rate;
}

void ait_calibration_finish(ait_calibration *c, int64_t clean_rows, double right_rows, double wrong_rows) {
  c->clean_rows = clean_rows;
  finish(&c->right, right_rows);
  finish(&c->wrong, wrong_rows);
  c->noise_rate = c->right.count > 0 && c->wrong.count > 0 ? estimate_noise(c) : NAN;
}

/* Both what is known of the known rows and what the ranked ones happen to be vary: their variances add up. */
static double rows_of_both(double known, double ranked) {
  return ranked > 0 ? 1 / (1 / known + 1 / ranked) : 0;
}

/* Precision is 1 - (1 - noise_rate) false_alarms / listed; it falls as false alarms grow. */
static ait_estimate precision_of(const ait_calibration *c, const ait_expectation *e, double listed) {
  const double right = isnan(c->noise_rate) ? 1 : 1 - c->noise_rate;
  const ait_estimate alarms = ait_wilson(e->false_alarms, rows_of_both(c->right.rows, right * (double)c->n));
  return (ait_estimate){clamp(1 - right * alarms.value / listed), clamp(1 - right * alarms.high / listed),
                        clamp(1 - right * alarms.low / listed)};
}

ait_expectation ait_calibration_of(const ait_calibration *c, int64_t rows) {
  const ait_estimate none = {NAN, NAN, NAN};
  ait_expectation e = {.rows = rows, .threshold = NAN, .false_alarms = NAN, .precision = none, .recall = none};
  if (rows == 0 || c->right.count == 0) {
    return e;
  }
  const double listed = (double)rows / (double)c->n;
  e.threshold = c->score[c->order[rows - 1]];
  e.false_alarms = share_from(&c->right, e.threshold);
  e.precision = precision_of(c, &e, listed);
  if (c->wrong.count == 0) {
    return e;
  }
  e.recall = ait_wilson(share_from(&c->wrong, e.threshold), rows_of_both(c->wrong.rows, c->noise_rate * (double)c->n));
  return e;
}
