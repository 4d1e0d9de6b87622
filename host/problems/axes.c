/* axes.c - leading principal axes of rows, for preconditioners (docs/derivation.md#transition-cleaning). */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "ait/problems.h"
#include "context/error.h"

/* LAPACK's eigenvalues and eigenvectors of a symmetric matrix, which OpenBLAS brings; column-major. */
void dsyevr_(const char *vectors, const char *range, const char *triangle, const blasint *n, double *a,
             const blasint *stride, const double *from, const double *to, const blasint *first, const blasint *last,
             const double *tolerance, blasint *found, double *values, double *z, const blasint *z_stride,
             blasint *support, double *work, const blasint *work_length, blasint *integers,
             const blasint *integers_length, blasint *info);

enum { MOST_ROWS = 8192, BLOCK_ROWS = 256 };

/* The memory of one call. */
typedef struct axes_memory {
  double *block;   /* BLOCK_ROWS x D */
  double *moments; /* D x D: the upper triangle of (1/N) U'U */
  double *values;  /* D */
  double *vectors; /* count x D */
  blasint *support;
  double *work;
  blasint *integers;
} axes_memory;

static ait_status out_of_memory(int64_t features) {
  return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the principal axes of %lld features", (long long)features);
}

/* Adds the outer products of `count` rows, the first of which is number `first` of those that are taken. */
static void add_block(const ait_matrix *rows, int64_t first, int64_t count, int64_t taken, axes_memory *memory) {
  const int64_t features = ait_matrix_columns(rows);
  const double step = (double)ait_matrix_rows(rows) / (double)taken;
  for (int64_t i = 0; i < count; i++) {
    const int64_t place = (int64_t)((double)(first + i) * step);
    for (int64_t j = 0; j < features; j++) {
      memory->block[i * features + j] = ait_matrix_value(rows, place, j);
    }
  }
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)features, (blasint)count, 1 / (double)taken,
              memory->block, (blasint)features, 1, memory->moments, (blasint)features);
}

static double take_moments(const ait_matrix *rows, axes_memory *memory) {
  const int64_t all = ait_matrix_rows(rows), taken = all < MOST_ROWS ? all : MOST_ROWS;
  double trace = 0;
  for (int64_t first = 0; first < taken; first += BLOCK_ROWS) {
    const int64_t left = taken - first;
    add_block(rows, first, left < BLOCK_ROWS ? left : BLOCK_ROWS, taken, memory);
  }
  for (int64_t j = 0; j < ait_matrix_columns(rows); j++) {
    trace += memory->moments[j * (ait_matrix_columns(rows) + 1)];
  }
  return trace;
}

/* The row-major upper triangle is LAPACK's lower one, and its columns of vectors are our rows. */
static blasint decompose(int64_t features, int64_t count, axes_memory *memory, double *work, blasint work_length,
                         blasint *integers, blasint integers_length) {
  const blasint n = (blasint)features, first = (blasint)(features - count + 1);
  const double unused = 0;
  blasint found, info;
  dsyevr_("V", "I", "L", &n, memory->moments, &n, &unused, &unused, &first, &n, &unused, &found, memory->values,
          memory->vectors, &n, memory->support, work, &work_length, integers, &integers_length, &info);
  return info == 0 && found < count ? -1 : info;
}

static ait_status find(const ait_axes *axes, axes_memory *memory) {
  const blasint question = -1;
  double work_length;
  blasint integers_length;
  decompose(axes->features, axes->count, memory, &work_length, question, &integers_length, question);
  memory->work = malloc((size_t)work_length * sizeof *memory->work);
  memory->integers = malloc((size_t)integers_length * sizeof *memory->integers);
  if (memory->work == NULL || memory->integers == NULL) {
    return out_of_memory(axes->features);
  }
  if (decompose(axes->features, axes->count, memory, memory->work, (blasint)work_length, memory->integers,
                integers_length) != 0) {
    return ait_fail(AIT_BAD_DATA, "the principal axes of the rows cannot be found: are all of their numbers finite?");
  }
  return AIT_OK;
}

/* LAPACK's eigenvalues ascend. */
static ait_status fill(const ait_matrix *rows, axes_memory *memory, ait_axes *axes) {
  const int64_t features = axes->features, count = axes->count;
  double rest = take_moments(rows, memory);
  if (!isfinite(rest)) {
    return ait_fail(AIT_BAD_DATA, "the rows have numbers that are not finite, and so no principal axes");
  }
  AIT_TRY(find(axes, memory));
  for (int64_t k = 0; k < count; k++) {
    const int64_t from = count - 1 - k;
    axes->squares[k] = fmax(memory->values[from], 0);
    rest -= axes->squares[k];
    for (int64_t j = 0; j < features; j++) {
      axes->vectors[k * features + j] = (ait_real)memory->vectors[from * features + j];
    }
  }
  axes->rest = features > count ? fmax(rest, 0) / (double)(features - count) : 0;
  return AIT_OK;
}

static int32_t is_complete(const ait_axes *axes, const axes_memory *memory) {
  return axes->vectors != NULL && axes->squares != NULL && memory->block != NULL && memory->moments != NULL &&
         memory->values != NULL && memory->vectors != NULL && memory->support != NULL;
}

ait_status ait_axes_take(const ait_matrix *rows, int64_t most, ait_axes *axes) {
  const int64_t features = ait_matrix_columns(rows), count = most < features ? most : features;
  *axes = (ait_axes){.features = features, .count = count};
  if (most < 1 || features > AIT_MOST_FEATURES_OF_AXES) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%lld principal axes of %lld features; expected 1 or more of at most %d",
                    (long long)most, (long long)features, AIT_MOST_FEATURES_OF_AXES);
  }
  axes->vectors = malloc((size_t)(count * features) * sizeof *axes->vectors);
  axes->squares = malloc((size_t)count * sizeof *axes->squares);
  axes_memory memory = {.block = malloc((size_t)(BLOCK_ROWS * features) * sizeof *memory.block),
                        .moments = calloc((size_t)(features * features), sizeof *memory.moments),
                        .values = malloc((size_t)features * sizeof *memory.values),
                        .vectors = malloc((size_t)(count * features) * sizeof *memory.vectors),
                        .support = malloc((size_t)(2 * features) * sizeof *memory.support)};
  const ait_status status = is_complete(axes, &memory) ? fill(rows, &memory, axes) : out_of_memory(features);
  free(memory.block);
  free(memory.moments);
  free(memory.values);
  free(memory.vectors);
  free(memory.support);
  free(memory.work);
  free(memory.integers);
  return status;
}

void ait_axes_free(ait_axes *axes) {
  free(axes->vectors);
  free(axes->squares);
  *axes = (ait_axes){0};
}
