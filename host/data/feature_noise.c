/* feature_noise.c - wrong labels where rows are near another class (docs/derivation.md#wrong-labels). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"
#include "data/noise.h"

/* The class means of some rows. */
typedef struct centres {
  int32_t classes;
  int64_t columns;
  double *means;     /* columns x classes, so that the loop over classes is the inner one */
  int64_t *counts;   /* rows of each class */
  double *distances; /* of the row in hand to each mean, squared */
} centres;

/* A row, the class that it is most easily taken for, how close it is to it, and what decides whether it is drawn. */
typedef struct candidate {
  double closeness, key;
  int64_t row;
  int32_t label;
} candidate;

/* ---- class means ----------------------------------------------------------------------------- */

static void free_centres(centres *m) {
  free(m->means);
  free(m->counts);
  free(m->distances);
}

static ait_status allocate_centres(int32_t classes, int64_t columns, centres *m) {
  size_t entries;
  *m = (centres){.classes = classes, .columns = columns};
  if (!__builtin_mul_overflow((size_t)columns, (size_t)classes, &entries)) {
    m->means = calloc(entries, sizeof *m->means);
  }
  m->counts = calloc((size_t)classes, sizeof *m->counts);
  m->distances = malloc((size_t)classes * sizeof *m->distances);
  if (m->means == NULL || m->counts == NULL || m->distances == NULL) {
    free_centres(m);
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the means of %" PRId32 " classes of %" PRId64 " features",
                    classes, columns);
  }
  return AIT_OK;
}

static void take_means(const ait_matrix *features, const int32_t *labels, centres *m) {
  for (int64_t i = 0; i < ait_matrix_rows(features); ++i) {
    ++m->counts[labels[i]];
    for (int64_t j = 0; j < m->columns; ++j) {
      m->means[j * m->classes + labels[i]] += ait_matrix_value(features, i, j);
    }
  }
  for (int64_t j = 0; j < m->columns; ++j) {
    for (int32_t c = 0; c < m->classes; ++c) {
      m->means[j * m->classes + c] /= m->counts[c] > 0 ? (double)m->counts[c] : 1.0;
    }
  }
}

static ait_status check_centres(const centres *m) {
  int32_t there = 0;
  for (int32_t c = 0; c < m->classes; ++c) {
    there += m->counts[c] > 0;
  }
  return there >= 2 ? AIT_OK
                    : ait_fail(AIT_BAD_DATA,
                               "feature-dependent noise needs rows of two classes or more; all rows are "
                               "of one");
}

/* ---- closeness ------------------------------------------------------------------------------- */

static void measure(const ait_matrix *features, int64_t row, centres *m) {
  memset(m->distances, 0, (size_t)m->classes * sizeof *m->distances);
  for (int64_t j = 0; j < m->columns; ++j) {
    const double value = ait_matrix_value(features, row, j), *means = m->means + j * m->classes;
    for (int32_t c = 0; c < m->classes; ++c) {
      m->distances[c] += (value - means[c]) * (value - means[c]);
    }
  }
}

/* The share of the own squared distance in its sum with the other: 0 at the own mean, 1/2 halfway, 1 at the other. */
static ait_status take_closeness(const ait_matrix *features, int64_t row, int32_t label, centres *m, candidate *out) {
  measure(features, row, m);
  int32_t nearest = -1;
  for (int32_t c = 0; c < m->classes; ++c) {
    if (c != label && m->counts[c] > 0 && (nearest < 0 || m->distances[c] < m->distances[nearest])) {
      nearest = c;
    }
  }
  double sum = m->distances[label] + m->distances[nearest];
  if (!isfinite(sum)) {
    return ait_fail(AIT_BAD_DATA, "row %" PRId64 " (counted from 0) is too far from the mean of a class for its square",
                    row);
  }
  *out = (candidate){.closeness = sum > 0 ? m->distances[label] / sum : 0.5, .row = row, .label = nearest};
  return AIT_OK;
}

static ait_status take_candidates(const ait_matrix *features, const int32_t *labels, centres *m, candidate *each) {
  take_means(features, labels, m);
  AIT_TRY(check_centres(m));
  for (int64_t i = 0; i < ait_matrix_rows(features); ++i) {
    AIT_TRY(take_closeness(features, i, labels[i], m, &each[i]));
  }
  return AIT_OK;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static double deviation(int64_t count, const candidate *each, double *mean) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += each[i].closeness;
  }
  *mean = sum / (double)count;
  for (int64_t i = 0; i < count; ++i) {
    squares += (each[i].closeness - *mean) * (each[i].closeness - *mean);
  }
  return sqrt(squares / (double)count);
}

/* Uniform in (0, 1), both ends excluded: 52 bits and a half. */
static double draw_inside(uint64_t seed, int64_t row) {
  return ((double)(ait_random_bits(seed, AIT_STREAM_NOISE_KEYS, (uint64_t)row) >> 12) + 0.5) * 0x1p-52;
}

/* The logarithm of a row's weight plus a Gumbel number: the rows with the largest keys are a draw without replacement
 * by the weights. */
static void take_keys(uint64_t seed, int64_t count, candidate *each) {
  double mean, spread = deviation(count, each, &mean);
  for (int64_t i = 0; i < count; ++i) {
    double log_weight = spread > 0 ? (each[i].closeness - mean) / spread : 0;
    each[i].key = log_weight - log(-log(draw_inside(seed, i)));
  }
}

/* The largest key first, then the smallest row. */
static int compare_keys(const void *a, const void *b) {
  const candidate *p = a, *q = b;
  return p->key != q->key ? (p->key < q->key) - (p->key > q->key) : (p->row > q->row) - (p->row < q->row);
}

static ait_status check_rows(double rate, int32_t classes, const ait_matrix *features, const int32_t *labels) {
  AIT_TRY(ait_check_corruption(rate, classes, ait_matrix_rows(features), labels));
  return ait_matrix_check_finite(features, "the features of the rows");
}

ait_status ait_corrupt_labels_feature(uint64_t seed, double rate, int32_t classes, const ait_matrix *features,
                                      int32_t *labels, uint8_t *redrawn) {
  AIT_TRY(check_rows(rate, classes, features, labels));
  int64_t count = ait_matrix_rows(features), wrong = llround(rate * (double)count);
  memset(redrawn, 0, (size_t)count);
  if (wrong == 0) {
    return AIT_OK;
  }
  centres m;
  AIT_TRY(allocate_centres(classes, ait_matrix_columns(features), &m));
  candidate *each = calloc((size_t)count, sizeof *each);
  ait_status status = each != NULL
                          ? take_candidates(features, labels, &m, each)
                          : ait_fail(AIT_OUT_OF_MEMORY, "no memory for the candidates of %" PRId64 " rows", count);
  if (status == AIT_OK) {
    take_keys(seed, count, each);
    qsort(each, (size_t)count, sizeof *each, compare_keys);
    for (int64_t k = 0; k < wrong; ++k) {
      labels[each[k].row] = each[k].label;
      redrawn[each[k].row] = 1;
    }
  }
  free(each);
  free_centres(&m);
  return status;
}
