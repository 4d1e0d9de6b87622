/* digest.c - what a report shows of suspects.csv. */
#include "report/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/csv.h"

/* What is kept of a row until the whole file is known. */
typedef struct row {
  double value; /* weight or score */
  int32_t given, suggested, truth;
} row;

typedef struct rows {
  row *all;
  int64_t count, capacity;
} rows;

typedef struct columns {
  int32_t row, id, given, given_probability, suggested, suggested_probability, weight, score, truth;
} columns;

/* ---- reading ----------------------------------------------------------------------------------- */

static ait_status find_columns(const ait_csv *csv, columns *c) {
  AIT_TRY(ait_csv_expect(csv, "row", &c->row));
  AIT_TRY(ait_csv_expect(csv, "given_label", &c->given));
  AIT_TRY(ait_csv_expect(csv, "given_probability", &c->given_probability));
  AIT_TRY(ait_csv_expect(csv, "suggested_label", &c->suggested));
  AIT_TRY(ait_csv_expect(csv, "suggested_probability", &c->suggested_probability));
  c->id = ait_csv_column(csv, "id");
  c->weight = ait_csv_column(csv, "weight");
  c->truth = ait_csv_column(csv, "true_label");
  return ait_csv_expect(csv, "score", &c->score);
}

static ait_status take_label(const ait_csv *csv, int32_t column, int32_t *label) {
  int64_t value = -1;
  if (column >= 0) {
    AIT_TRY(ait_csv_whole(csv, column, 0, INT32_MAX - 1, &value));
  }
  *label = (int32_t)value;
  return AIT_OK;
}

static ait_status make_room(rows *r, const char *path) {
  if (r->count < r->capacity) {
    return AIT_OK;
  }
  const int64_t capacity = r->capacity > 0 ? 2 * r->capacity : 4096;
  row *all = realloc(r->all, (size_t)capacity * sizeof *all);
  if (all == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %lld rows", path, (long long)capacity);
  }
  r->all = all;
  r->capacity = capacity;
  return AIT_OK;
}

static ait_status keep_suspect(const ait_csv *csv, const columns *c, const row *kept, ait_digest *d) {
  ait_digest_suspect *s = &d->suspects[d->suspect_count];
  *s = (ait_digest_suspect){.given = kept->given, .suggested = kept->suggested, .truth = kept->truth};
  AIT_TRY(ait_csv_whole(csv, c->row, 0, INT64_MAX, &s->row));
  AIT_TRY(ait_csv_number(csv, c->given_probability, &s->given_probability));
  AIT_TRY(ait_csv_number(csv, c->suggested_probability, &s->suggested_probability));
  AIT_TRY(ait_csv_number(csv, c->score, &s->score));
  if (c->id >= 0 && (s->id = strdup(csv->field[c->id])) == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for an id", csv->path);
  }
  d->suspect_count++;
  return AIT_OK;
}

static ait_status take_row(const ait_csv *csv, const columns *c, rows *r, ait_digest *d) {
  AIT_TRY(make_room(r, csv->path));
  row *taken = &r->all[r->count++];
  AIT_TRY(take_label(csv, c->given, &taken->given));
  AIT_TRY(take_label(csv, c->suggested, &taken->suggested));
  AIT_TRY(take_label(csv, c->truth, &taken->truth));
  AIT_TRY(ait_csv_number(csv, c->weight >= 0 ? c->weight : c->score, &taken->value));
  return d->suspect_count < AIT_DIGEST_SUSPECTS ? keep_suspect(csv, c, taken, d) : AIT_OK;
}

static ait_status take_rows(ait_csv *csv, rows *r, ait_digest *d) {
  columns c;
  AIT_TRY(find_columns(csv, &c));
  d->has_ids = c.id >= 0;
  d->has_weights = c.weight >= 0;
  d->knows_truth = c.truth >= 0;
  for (int32_t more = 1;;) {
    AIT_TRY(ait_csv_next(csv, &more));
    if (!more) {
      break;
    }
    AIT_TRY(take_row(csv, &c, r, d));
  }
  d->rows = r->count;
  return r->count > 0 ? AIT_OK : ait_fail(AIT_BAD_DATA, "%s: lists no rows", csv->path);
}

/* ---- counts ------------------------------------------------------------------------------------ */

static int32_t is_other(const ait_digest *d, const row *r) {
  return r->given != (d->knows_truth ? r->truth : r->suggested);
}

static int32_t larger(int32_t a, int32_t b) {
  return a > b ? a : b;
}

static void count_rows(const rows *r, ait_digest *d) {
  for (int64_t i = 0; i < r->count; i++) {
    const row *one = &r->all[i];
    const int32_t wrong = d->knows_truth && one->given != one->truth;
    d->classes = larger(d->classes, 1 + larger(larger(one->given, one->suggested), one->truth));
    d->disagreeing += one->given != one->suggested;
    d->wrong += wrong;
    d->wrong_made_right += wrong && one->suggested == one->truth;
  }
}

/* ---- histogram --------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The weights or scores that there are bars of: of all training rows where they are known, else of those in the file.
 */
static double value_at(const rows *r, const ait_matrix *values, int64_t i) {
  return values != NULL ? ait_matrix_value(values, i, 0) : r->all[i].value;
}

/* Weights lie in 0 .. 1; of scores the ends are those between which 99 in 100 lie. */
static ait_status find_ends(const rows *r, const ait_matrix *values, ait_digest *d) {
  d->low = 0;
  d->high = 1;
  if (d->has_weights) {
    return AIT_OK;
  }
  double *finite = malloc((size_t)d->all_rows * sizeof *finite);
  if (finite == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scores of %lld rows", (long long)d->all_rows);
  }
  int64_t count = 0;
  for (int64_t i = 0; i < d->all_rows; i++) {
    finite[count] = value_at(r, values, i);
    count += isfinite(finite[count]) != 0;
  }
  qsort(finite, (size_t)count, sizeof *finite, compare_doubles);
  if (count > 0 && finite[count - 1] > finite[0]) {
    d->low = finite[count / 200];
    d->high = finite[count - 1 - count / 200];
  }
  if (!(d->high > d->low)) {
    d->low = count > 0 ? finite[0] - 0.5 : 0;
    d->high = d->low + 1;
  }
  free(finite);
  return AIT_OK;
}

/* The bar of a value, or -1 for NaN. */
static int bar_of(const ait_digest *d, double value) {
  const double place = AIT_DIGEST_BARS * (value - d->low) / (d->high - d->low);
  return isnan(place) ? -1 : (int)fmin(fmax(floor(place), 0), AIT_DIGEST_BARS - 1);
}

static void fill_bars(const rows *r, const ait_matrix *values, ait_digest *d) {
  int64_t all[AIT_DIGEST_BARS] = {0};
  for (int64_t i = 0; i < r->count; i++) {
    const int bar = bar_of(d, r->all[i].value);
    if (bar >= 0) {
      (is_other(d, &r->all[i]) ? d->other_bars : d->right_bars)[bar]++;
    }
  }
  for (int64_t i = 0; values != NULL && i < d->all_rows; i++) {
    const int bar = bar_of(d, value_at(r, values, i));
    all[bar >= 0 ? bar : 0] += bar >= 0;
  }
  for (int bar = 0; values != NULL && bar < AIT_DIGEST_BARS; bar++) {
    d->right_bars[bar] = all[bar] > d->other_bars[bar] ? all[bar] - d->other_bars[bar] : 0;
  }
}

/* ---- the precision-recall curve ---------------------------------------------------------------- */

/* A point at every so many wrong rows, the last one among them. */
static void take_curve(const rows *r, ait_digest *d) {
  int64_t found = 0, next = 1;
  for (int64_t i = 0; i < r->count && d->wrong > 0 && d->wrong < d->rows; i++) {
    found += is_other(d, &r->all[i]);
    if (is_other(d, &r->all[i]) && found >= next) {
      d->recall[d->points] = (double)found / (double)d->wrong;
      d->precision[d->points++] = (double)found / (double)(i + 1);
      next = 1 + (d->wrong - 1) * d->points / (AIT_DIGEST_POINTS - 1);
      next = next > found ? next : found + 1;
    }
  }
}

/* ---- given against suggested labels ------------------------------------------------------------ */

static ait_status fill_labels(const rows *r, ait_digest *d) {
  if (d->classes > AIT_DIGEST_MOST_CLASSES) {
    return AIT_OK;
  }
  d->labels = calloc((size_t)d->classes * (size_t)d->classes, sizeof *d->labels);
  if (d->labels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a table of %d classes", d->classes);
  }
  for (int64_t i = 0; i < r->count; i++) {
    d->labels[(int64_t)r->all[i].given * d->classes + r->all[i].suggested]++;
  }
  return AIT_OK;
}

static int compare_labels(const void *a, const void *b) {
  const row *x = a, *y = b;
  return x->given != y->given ? (x->given > y->given) - (x->given < y->given)
                              : (x->suggested > y->suggested) - (x->suggested < y->suggested);
}

/* Puts a pair at its place among the most frequent ones, after equals. */
static void insert_pair(ait_digest *d, ait_digest_pair pair) {
  int32_t place = d->pair_count;
  while (place > 0 && d->pairs[place - 1].rows < pair.rows) {
    place--;
  }
  if (place == AIT_DIGEST_PAIRS) {
    return;
  }
  d->pair_count += d->pair_count < AIT_DIGEST_PAIRS;
  memmove(d->pairs + place + 1, d->pairs + place, (size_t)(d->pair_count - place - 1) * sizeof *d->pairs);
  d->pairs[place] = pair;
}

/* Sorts the rows by their labels, as their order is no longer needed. */
static void find_pairs(rows *r, ait_digest *d) {
  qsort(r->all, (size_t)r->count, sizeof *r->all, compare_labels);
  for (int64_t i = 0, end; i < r->count; i = end) {
    const row *first = &r->all[i];
    for (end = i + 1; end < r->count && compare_labels(first, &r->all[end]) == 0; end++) {
    }
    if (first->given != first->suggested) {
      insert_pair(d, (ait_digest_pair){.given = first->given, .suggested = first->suggested, .rows = end - i});
    }
  }
}

/* ---- the whole --------------------------------------------------------------------------------- */

static ait_status read_rows(const char *path, rows *r, ait_digest *d) {
  ait_csv csv;
  AIT_TRY(ait_csv_open(path, &csv));
  const ait_status status = take_rows(&csv, r, d);
  ait_csv_close(&csv);
  return status;
}

static ait_status digest_rows(const char *path, const ait_matrix *values, rows *r, ait_digest *d) {
  AIT_TRY(read_rows(path, r, d));
  count_rows(r, d);
  values = values != NULL && ait_matrix_rows(values) > d->rows ? values : NULL;
  d->all_rows = values != NULL ? ait_matrix_rows(values) : d->rows;
  AIT_TRY(find_ends(r, values, d));
  fill_bars(r, values, d);
  take_curve(r, d);
  AIT_TRY(fill_labels(r, d));
  find_pairs(r, d);
  return AIT_OK;
}

ait_status ait_digest_read(const char *path, const ait_matrix *values, ait_digest *digest) {
  memset(digest, 0, sizeof *digest);
  rows r = {0};
  const ait_status status = digest_rows(path, values, &r, digest);
  free(r.all);
  if (status != AIT_OK) {
    ait_digest_free(digest);
  }
  return status;
}

void ait_digest_free(ait_digest *d) {
  for (int32_t i = 0; i < d->suspect_count; i++) {
    free(d->suspects[i].id);
  }
  free(d->labels);
  memset(d, 0, sizeof *d);
}
