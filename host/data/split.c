/* split.c - disjoint random subsets and wrong labels, by seed. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ait/dataset.h"
#include "context/error.h"
#include "context/random.h"

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

static const char *const model_names[AIT_NOISE_MODEL_COUNT] = {
    [AIT_NOISE_SYMMETRIC] = "symmetric", [AIT_NOISE_PAPER] = "paper", [AIT_NOISE_PAIR] = "pair"};

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
  return ait_fail(AIT_INVALID_ARGUMENT, "noise model %s: expected symmetric, paper or pair", name);
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
    case AIT_NOISE_PAIR:
    case AIT_NOISE_MODEL_COUNT:
      break;
  }
  return (int32_t)(((uint64_t)label + step) % (uint64_t)classes);
}

static ait_status check_corruption(ait_noise_model model, double rate, int32_t classes, int64_t count,
                                   const int32_t *labels) {
  if ((unsigned)model >= AIT_NOISE_MODEL_COUNT) {
    return ait_fail(AIT_INVALID_ARGUMENT, "noise model %d: expected one of ait_noise_model", (int)model);
  }
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
  AIT_TRY(check_corruption(model, rate, classes, count, labels));
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
