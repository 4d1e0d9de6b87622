/* aside.c - validation rows that F does not see: planted among the training rows, or held out. */
#include "run/aside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"
#include "data/matrix.h"
#include "run/allocate.h"
#include "run/data.h"

/* What is needed while rows are set aside. */
typedef struct draw {
  const ait_clean_settings *settings;
  ait_clean_data *data;
  int64_t planted, held_out;
  int64_t *order; /* the rows that nobody has reviewed, permuted */
  int64_t *rows;  /* M: planted, held out, those of F in order */
  uint8_t *taken; /* M: 1: set aside */
  int64_t *left;  /* by class: validation rows of F */
  uint8_t *seen;  /* by class: 1: a training row carries it */
} draw;

/* ---- settings ---------------------------------------------------------------------------------- */

static ait_status check_paper(const ait_clean_settings *s) {
  const char *option = s->plant > 0 ? "--plant" : s->hold_out > 0 ? "--hold-out" : NULL;
  return option == NULL || s->protocol != AIT_PROTOCOL_PAPER
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s clashes with --protocol paper, whose F sees every validation row",
                        option);
}

static ait_status complete_hold_out(ait_clean_settings *s) {
  if (s->patience != -1 && !(s->hold_out > 0)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--patience goes with --hold-out, which holds no validation row back");
  }
  s->hold_out = s->hold_out == -1 ? 0 : s->hold_out;
  s->patience = s->hold_out > 0 && s->patience == -1 ? AIT_DEFAULT_PATIENCE : s->patience;
  return AIT_OK;
}

ait_status ait_aside_complete(ait_clean_settings *s, int32_t several_rates) {
  if (s->cleaning == AIT_CLEANING_TRANSITION) {
    return s->plant == -1 ? AIT_OK
                          : ait_fail(AIT_INVALID_ARGUMENT,
                                     "--plant goes with --cleaning weights; transition cleaning leaves validation rows "
                                     "out of its folds instead, which tells the same");
  }
  AIT_TRY(check_paper(s));
  AIT_TRY(complete_hold_out(s));
  const int32_t unknown = !(s->noise > 0) && !several_rates && s->protocol == AIT_PROTOCOL_USER;
  s->plant_asked = s->plant > 0;
  s->plant = s->plant == -1 ? (unknown ? AIT_DEFAULT_PLANT : 0) : s->plant;
  return s->plant + s->hold_out < 1 ? AIT_OK
                                    : ait_fail(AIT_INVALID_ARGUMENT,
                                               "--plant %g%s and --hold-out %g leave no validation row for F: "
                                               "expected less than 1 together",
                                               s->plant, s->plant_asked ? "" : " (the default)", s->hold_out);
}

/* ---- which rows -------------------------------------------------------------------------------- */

static int64_t share_of(const draw *w, double share) {
  return share > 0 ? llround(share * (double)(w->data->validation_rows - w->data->reviewed_rows)) : 0;
}

static ait_status begin(draw *w) {
  const ait_clean_data *d = w->data;
  const int64_t drawn = d->validation_rows - d->reviewed_rows;
  AIT_TRY(ait_allocate(drawn, sizeof *w->order, &w->order));
  AIT_TRY(ait_allocate(d->validation_rows, sizeof *w->rows, &w->rows));
  AIT_TRY(ait_allocate(d->validation_rows, sizeof *w->taken, &w->taken));
  AIT_TRY(ait_allocate(d->classes, sizeof *w->left, &w->left));
  AIT_TRY(ait_allocate(d->classes, sizeof *w->seen, &w->seen));
  ait_random_permutation(w->settings->seed, AIT_STREAM_ASIDE_ROWS, drawn, drawn, w->order);
  for (int64_t i = 0; i < d->train_rows; i++) {
    w->seen[d->given[i]] = 1;
  }
  return AIT_OK;
}

static void count_classes(draw *w) {
  const ait_clean_data *d = w->data;
  memset(w->left, 0, (size_t)d->classes * sizeof *w->left);
  for (int64_t j = 0; j < d->validation_rows; j++) {
    w->left[d->validation_labels[j]]++;
    w->taken[j] = 0;
  }
}

/* Takes rows in the order drawn, but the last of a class stays with F. */
static ait_status part_rows(draw *w) {
  const ait_clean_data *d = w->data;
  const int64_t wanted = w->planted + w->held_out;
  int64_t taken = 0, stays = wanted;
  count_classes(w);
  for (int64_t place = 0; place < d->validation_rows - d->reviewed_rows && taken < wanted; place++) {
    const int64_t j = d->reviewed_rows + w->order[place];
    if (w->left[d->validation_labels[j]] > 1) {
      w->left[d->validation_labels[j]]--;
      w->taken[j] = 1;
      w->rows[taken++] = j;
    }
  }
  if (taken < wanted) {
    return ait_fail(AIT_UNSUPPORTED, "%lld of %lld validation rows cannot be set aside, as F needs one of every class",
                    (long long)wanted, (long long)d->validation_rows);
  }
  for (int64_t j = 0; j < d->validation_rows; j++) {
    if (!w->taken[j]) {
      w->rows[stays++] = j;
    }
  }
  return AIT_OK;
}

/* ---- planted rows ------------------------------------------------------------------------------ */

/* The k-th wrong label: any but the right one of those that training rows carry. */
static ait_status draw_label(const draw *w, int64_t k, int32_t right, int32_t *label) {
  uint64_t others = 0;
  for (int32_t c = 0; c < w->data->classes; c++) {
    others += w->seen[c] && c != right;
  }
  if (others == 0) {
    return ait_fail(AIT_UNSUPPORTED, "all training rows carry one label");
  }
  int64_t place = (int64_t)ait_random_below(w->settings->seed, AIT_STREAM_ASIDE_LABELS, (uint64_t)k, others);
  for (int32_t c = 0; c < w->data->classes; c++) {
    if (w->seen[c] && c != right && place-- == 0) {
      *label = c;
    }
  }
  return AIT_OK;
}

/* Labels of the training rows, then of the planted ones. */
static ait_status extend_labels(const draw *w) {
  ait_clean_data *d = w->data;
  const int64_t n = d->train_rows;
  int32_t *labels = realloc(d->given, (size_t)(n + w->planted) * sizeof *labels);
  if (labels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the labels of %lld planted rows", (long long)w->planted);
  }
  d->given = labels;
  for (int64_t k = 0; k < w->planted; k++) {
    labels[n + k] = d->validation_labels[w->rows[k]];
    if (k < w->planted / AIT_PLANTED_PER_FLIPPED) {
      AIT_TRY(draw_label(w, k, labels[n + k], &labels[n + k]));
    }
  }
  return AIT_OK;
}

/* The training rows where they now stand, so that they need not be in memory twice. */
static ait_status view_training(ait_clean_data *d) {
  ait_matrix *view;
  AIT_TRY(ait_matrix_view(ait_matrix_type(d->train), d->train_rows, d->features, d->features, d->aside.learned.data,
                          &view));
  const ait_status status = ait_matrix_set_scale(view, ait_matrix_scale(d->train), ait_matrix_shift(d->train));
  view->layout = d->train->layout;
  ait_matrix_destroy(d->owned[0]);
  d->owned[0] = view;
  d->train = view;
  return status;
}

static ait_status plant(const draw *w) {
  ait_clean_data *d = w->data;
  ait_matrix *rows;
  AIT_TRY(extend_labels(w));
  AIT_TRY(ait_matrix_gather(d->validation, w->planted, w->rows, &rows));
  const ait_status status = ait_stack_rows(d->train, d->train_rows, NULL, rows, &d->aside.learned);
  ait_matrix_destroy(rows);
  AIT_TRY(status);
  d->aside.planted = w->planted;
  d->aside.flipped = w->planted / AIT_PLANTED_PER_FLIPPED;
  return view_training(d);
}

/* ---- the other rows ---------------------------------------------------------------------------- */

static ait_status take_rows(const draw *w, int64_t count, const int64_t *rows, ait_matrix **matrix, int32_t **labels) {
  AIT_TRY(ait_allocate(count, sizeof **labels, labels));
  for (int64_t k = 0; k < count; k++) {
    (*labels)[k] = w->data->validation_labels[rows[k]];
  }
  return ait_matrix_gather(w->data->validation, count, rows, matrix);
}

static ait_status set_aside(draw *w) {
  ait_aside *aside = &w->data->aside;
  const int64_t taken = w->planted + w->held_out;
  if (taken == 0) {
    return AIT_OK;
  }
  AIT_TRY(part_rows(w));
  if (w->planted > 0) {
    AIT_TRY(plant(w));
  }
  if (w->held_out > 0) {
    aside->held_out = w->held_out;
    AIT_TRY(take_rows(w, w->held_out, w->rows + w->planted, &aside->held_out_rows, &aside->held_out_labels));
  }
  return take_rows(w, w->data->validation_rows - taken, w->rows + taken, &aside->upper, &aside->upper_labels);
}

/* Goes on with no row planted, but not where rows were asked for. */
static ait_status go_without(draw *w, const char *why) {
  if (w->settings->plant_asked) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--plant %g: %s", w->settings->plant, why);
  }
  snprintf(w->data->aside.without, AIT_ASIDE_SENTENCE, "%s", why);
  w->planted = 0;
  return AIT_OK;
}

/* Rows that cannot be planted are no reason not to clean. */
static ait_status set_aside_or_less(draw *w) {
  char why[AIT_ASIDE_SENTENCE];
  if (w->settings->plant > 0 && w->planted < AIT_LEAST_PLANTED) {
    snprintf(why, sizeof why,
             "a share of %g of the %lld validation rows is %lld, and fewer than %d would tell next to nothing",
             w->settings->plant, (long long)(w->data->validation_rows - w->data->reviewed_rows), (long long)w->planted,
             AIT_LEAST_PLANTED);
    AIT_TRY(go_without(w, why));
  }
  const ait_status status = set_aside(w);
  if (status != AIT_UNSUPPORTED || w->planted == 0) {
    return status;
  }
  snprintf(why, sizeof why, "%s", ait_last_error());
  AIT_TRY(go_without(w, why));
  return set_aside(w);
}

ait_status ait_aside_apply(const ait_clean_settings *settings, ait_clean_data *data) {
  if (!(settings->plant > 0) && !(settings->hold_out > 0)) {
    return AIT_OK;
  }
  draw w = {.settings = settings, .data = data};
  w.planted = share_of(&w, settings->plant);
  w.held_out = share_of(&w, settings->hold_out);
  if (settings->hold_out > 0 && w.held_out < AIT_LEAST_HELD_OUT) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--hold-out %g of the validation rows is %lld; expected at least %d",
                    settings->hold_out, (long long)w.held_out, AIT_LEAST_HELD_OUT);
  }
  ait_status status = begin(&w);
  if (status == AIT_OK) {
    status = set_aside_or_less(&w);
  }
  free(w.order);
  free(w.rows);
  free(w.taken);
  free(w.left);
  free(w.seen);
  return status;
}

void ait_aside_free(ait_aside *aside) {
  ait_stack_free(&aside->learned);
  ait_matrix_destroy(aside->upper);
  ait_matrix_destroy(aside->held_out_rows);
  free(aside->upper_labels);
  free(aside->held_out_labels);
  *aside = (ait_aside){.planted = 0};
}
