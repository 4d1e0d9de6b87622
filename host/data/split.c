/* split.c - disjoint random subsets and wrong labels, by seed. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ait/dataset.h"
#include "context/error.h"
#include "context/random.h"
#include "data/noise.h"

/* *permutation = `rows` numbers of which the first `count` are drawn; the caller frees it. */
static ait_status draw_rows(uint64_t seed, uint32_t stream, int64_t rows, int64_t count, int64_t **permutation) {
  *permutation = NULL;
  size_t bytes;
  if (!__builtin_mul_overflow(rows, sizeof **permutation, &bytes)) {
    *permutation = malloc(bytes > 0 ? bytes : 1);
  }
  if (*permutation == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a permutation of %" PRId64 " rows", rows);
  }
  ait_random_permutation(seed, stream, rows, count, *permutation);
  return AIT_OK;
}

ait_status ait_split(uint64_t seed, int64_t rows, int32_t count, const int64_t *sizes, int64_t *indices) {
  int64_t total = 0;
  if (rows < 0 || count < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a split of %" PRId64 " rows into %" PRId32 " subsets; expected 0 or more",
                    rows, count);
  }
  for (int32_t s = 0; s < count; ++s) {
    if (sizes[s] < 0) {
      return ait_fail(AIT_INVALID_ARGUMENT, "subset %" PRId32 " of a split has %" PRId64 " rows; expected 0 or more", s,
                      sizes[s]);
    }
    if (sizes[s] > rows - total) {
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "subset %" PRId32 " of a split has %" PRId64 " rows, but only %" PRId64 " of %" PRId64
                      " rows are left for it",
                      s, sizes[s], rows - total, rows);
    }
    total += sizes[s];
  }
  int64_t *permutation;
  AIT_TRY(draw_rows(seed, AIT_STREAM_SPLIT, rows, total, &permutation));
  memcpy(indices, permutation, (size_t)total * sizeof *indices);
  free(permutation);
  return AIT_OK;
}

/* ---- noise --------------------------------------------------------------------------------- */

static const char *const model_names[AIT_NOISE_MODEL_COUNT] = {[AIT_NOISE_SYMMETRIC] = "symmetric",
                                                               [AIT_NOISE_PAPER] = "paper",
                                                               [AIT_NOISE_PAIR] = "pair",
                                                               [AIT_NOISE_ASYMMETRIC] = "asymmetric",
                                                               [AIT_NOISE_FEATURE] = "feature"};

const char *ait_noise_model_name(ait_noise_model model) {
  return (unsigned)model < AIT_NOISE_MODEL_COUNT ? model_names[model] : "unknown noise model";
}

ait_status ait_noise_model_by_name(const char *name, ait_noise_model *model) {
  for (int i = 0; i < AIT_NOISE_MODEL_COUNT; ++i) {
    if (strcmp(name, model_names[i]) == 0) {
      *model = (ait_noise_model)i;
      return AIT_OK;
    }
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "noise model %s: expected symmetric, paper, pair, asymmetric or feature", name);
}

/* The new label of a row: a function of the seed, the row and its label alone. */
static int32_t redraw(uint64_t seed, ait_noise_model model, int32_t classes, int64_t row, int32_t label) {
  uint64_t others = (uint64_t)classes - 1;
  uint64_t step = 1;
  switch (model) {
    case AIT_NOISE_SYMMETRIC:
      step = 1 + ait_random_below(seed, AIT_STREAM_NOISE_LABELS, (uint64_t)row, others);
      break;
    case AIT_NOISE_PAPER:
      step = ait_random_below(seed, AIT_STREAM_NOISE_LABELS, (uint64_t)row, others + 1);
      break;
    default:
      break;
  }
  return (int32_t)(((uint64_t)label + step) % (uint64_t)classes);
}

/* Those that need nothing but the labels. */
static ait_status check_model(ait_noise_model model) {
  switch (model) {
    case AIT_NOISE_SYMMETRIC:
    case AIT_NOISE_PAPER:
    case AIT_NOISE_PAIR:
      return AIT_OK;
    case AIT_NOISE_ASYMMETRIC:
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "asymmetric noise needs the partners of the classes; expected a call of "
                      "ait_corrupt_labels_asymmetric");
    case AIT_NOISE_FEATURE:
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "feature-dependent noise needs the rows; expected a call of ait_corrupt_labels_feature");
    case AIT_NOISE_MODEL_COUNT:
      break;
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "noise model %d: expected one of ait_noise_model", (int)model);
}

ait_status ait_check_corruption(double rate, int32_t classes, int64_t count, const int32_t *labels) {
  if (!(rate >= 0.0 && rate <= 1.0)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "noise rate %g: expected 0 to 1", rate);
  }
  if (classes < 2 || count < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "%" PRId64 " labels of %" PRId32 " classes to corrupt; expected 0 or more of 2 or more classes",
                    count, classes);
  }
  for (int64_t i = 0; i < count; ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "the label of row %" PRId64 " (counted from 0) is %" PRId32 "; expected 0 to %" PRId32, i,
                      labels[i], classes - 1);
    }
  }
  return AIT_OK;
}

ait_status ait_corrupt_labels(uint64_t seed, ait_noise_model model, double rate, int32_t classes, int64_t count,
                              int32_t *labels, uint8_t *redrawn) {
  AIT_TRY(check_model(model));
  AIT_TRY(ait_check_corruption(rate, classes, count, labels));
  int64_t wrong = llround(rate * (double)count);
  int64_t *rows;
  AIT_TRY(draw_rows(seed, AIT_STREAM_NOISE_ROWS, count, wrong, &rows));
  memset(redrawn, 0, (size_t)count);
  for (int64_t k = 0; k < wrong; ++k) {
    int64_t i = rows[k];
    labels[i] = redraw(seed, model, classes, i, labels[i]);
    redrawn[i] = 1;
  }
  free(rows);
  return AIT_OK;
}

/* ---- asymmetric noise ------------------------------------------------------------------------ */

static ait_status check_partners(int32_t classes, const int32_t *partners) {
  if (partners == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "asymmetric noise needs the partners of the classes, and there are none");
  }
  for (int32_t c = 0; c < classes; ++c) {
    if (partners[c] < -1 || partners[c] >= classes || partners[c] == c) {
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "the partner of class %" PRId32 " is %" PRId32 "; expected another class from 0 to %" PRId32
                      ", or -1 for none",
                      c, partners[c], classes - 1);
    }
  }
  return AIT_OK;
}

/* *wrong = for each class how many of its rows get its partner's label; the caller frees it. */
static ait_status count_wrong(double rate, int32_t classes, const int32_t *partners, int64_t count,
                              const int32_t *labels, int64_t **wrong) {
  *wrong = calloc((size_t)classes, sizeof **wrong);
  if (*wrong == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the counts of %" PRId32 " classes", classes);
  }
  for (int64_t i = 0; i < count; ++i) {
    (*wrong)[labels[i]] += partners[labels[i]] >= 0;
  }
  for (int32_t c = 0; c < classes; ++c) {
    (*wrong)[c] = llround(rate * (double)(*wrong)[c]);
  }
  return AIT_OK;
}

/* Rows come in random order, and each class takes the first of its own. */
ait_status ait_corrupt_labels_asymmetric(uint64_t seed, double rate, int32_t classes, const int32_t *partners,
                                         int64_t count, int32_t *labels, uint8_t *redrawn) {
  AIT_TRY(ait_check_corruption(rate, classes, count, labels));
  AIT_TRY(check_partners(classes, partners));
  int64_t *wrong, *rows;
  AIT_TRY(count_wrong(rate, classes, partners, count, labels, &wrong));
  ait_status status = draw_rows(seed, AIT_STREAM_NOISE_ROWS, count, count, &rows);
  if (status == AIT_OK) {
    memset(redrawn, 0, (size_t)count);
    for (int64_t k = 0; k < count; ++k) {
      int64_t i = rows[k];
      int32_t label = labels[i];
      if (wrong[label] > 0) {
        --wrong[label];
        labels[i] = partners[label];
        redrawn[i] = 1;
      }
    }
  }
  free(rows);
  free(wrong);
  return status;
}
