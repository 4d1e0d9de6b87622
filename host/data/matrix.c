/* matrix.c - data matrices that keep their own type: views, copies of rows, values, checks. */
#include "data/matrix.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "context/error.h"
#include "data/half.h"

static const struct {
  size_t size;
  const char *name;
} types[AIT_TYPE_COUNT] = {
    [AIT_U8] = {1, "u8"},   [AIT_I32] = {4, "i32"}, [AIT_I64] = {8, "i64"},
    [AIT_F16] = {2, "f16"}, [AIT_F32] = {4, "f32"}, [AIT_F64] = {8, "f64"},
};

size_t ait_type_size(ait_type type) {
  return (unsigned)type < AIT_TYPE_COUNT ? types[type].size : 0;
}

const char *ait_type_name(ait_type type) {
  return (unsigned)type < AIT_TYPE_COUNT ? types[type].name : "unknown type";
}

int ait_matrix_bytes(ait_type type, int64_t rows, int64_t stride, size_t *bytes) {
  size_t elements;
  return !__builtin_mul_overflow(rows, stride, &elements) &&
         !__builtin_mul_overflow(elements, ait_type_size(type), bytes) && *bytes <= PTRDIFF_MAX;
}

/* ---- making and ending --------------------------------------------------------------------- */

static ait_status create(const ait_matrix *contents, ait_matrix **matrix) {
  ait_matrix *made = malloc(sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a matrix");
  }
  *made = *contents;
  *matrix = made;
  return AIT_OK;
}

ait_status ait_matrix_view(ait_type type, int64_t rows, int64_t columns, int64_t stride, const void *data,
                           ait_matrix **matrix) {
  size_t bytes;
  if ((unsigned)type >= AIT_TYPE_COUNT) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a matrix has type %d; expected one of ait_type", (int)type);
  }
  if (rows < 0 || columns < 1 || stride < columns) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "a matrix of %" PRId64 " rows, %" PRId64 " columns, stride %" PRId64
                    "; expected rows >= 0, columns >= 1 and stride >= columns",
                    rows, columns, stride);
  }
  if (!ait_matrix_bytes(type, rows, stride, &bytes)) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "a matrix of %" PRId64 " rows of stride %" PRId64 " is larger than the address space", rows,
                    stride);
  }
  if (data == NULL && rows > 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a matrix of %" PRId64 " rows has no data: the pointer is NULL", rows);
  }
  ait_matrix contents = {.type = type, .rows = rows, .columns = columns, .stride = stride, .data = data};
  return create(&contents, matrix);
}

ait_status ait_matrix_adopt(ait_type type, int64_t rows, int64_t columns, void *memory, ait_matrix **matrix) {
  ait_matrix contents = {
      .type = type, .rows = rows, .columns = columns, .stride = columns, .data = memory, .memory = memory};
  ait_status status = create(&contents, matrix);
  if (status != AIT_OK) {
    free(memory);
  }
  return status;
}

ait_status ait_matrix_adopt_map(ait_type type, int64_t rows, int64_t columns, const void *data, void *map,
                                size_t map_bytes, ait_matrix **matrix) {
  ait_matrix contents = {.type = type,
                         .rows = rows,
                         .columns = columns,
                         .stride = columns,
                         .data = data,
                         .map = map,
                         .map_bytes = map_bytes};
  ait_status status = create(&contents, matrix);
  if (status != AIT_OK) {
    munmap(map, map_bytes);
  }
  return status;
}

void ait_matrix_destroy(ait_matrix *matrix) {
  if (matrix == NULL) {
    return;
  }
  if (matrix->map != NULL) {
    munmap(matrix->map, matrix->map_bytes);
  }
  free(matrix->memory);
  free(matrix->scale);
  free(matrix->shift);
  free(matrix);
}

/* ---- scale and shift ----------------------------------------------------------------------- */

/* *copy = a copy of `count` finite numbers, or NULL for NULL. */
static ait_status copy_numbers(const char *what, const double *numbers, int64_t count, double **copy) {
  *copy = NULL;
  if (numbers == NULL) {
    return AIT_OK;
  }
  for (int64_t j = 0; j < count; ++j) {
    if (!isfinite(numbers[j])) {
      return ait_fail(AIT_INVALID_ARGUMENT, "the %s of column %" PRId64 " is %g; expected a finite number", what, j,
                      numbers[j]);
    }
  }
  double *made = malloc((size_t)count * sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the %s of %" PRId64 " columns", what, count);
  }
  memcpy(made, numbers, (size_t)count * sizeof *made);
  *copy = made;
  return AIT_OK;
}

ait_status ait_matrix_set_scale(ait_matrix *matrix, const double *scale, const double *shift) {
  double *new_scale, *new_shift;
  AIT_TRY(copy_numbers("scale", scale, matrix->columns, &new_scale));
  ait_status status = copy_numbers("shift", shift, matrix->columns, &new_shift);
  if (status != AIT_OK) {
    free(new_scale);
    return status;
  }
  free(matrix->scale);
  free(matrix->shift);
  matrix->scale = new_scale;
  matrix->shift = new_shift;
  return AIT_OK;
}

ait_status ait_matrix_scale_pixels(ait_matrix *matrix) {
  double *scale = malloc((size_t)matrix->columns * sizeof *scale);
  if (scale == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scale of %" PRId64 " columns", matrix->columns);
  }
  for (int64_t j = 0; j < matrix->columns; ++j) {
    scale[j] = 1.0 / 255.0;
  }
  free(matrix->scale);
  matrix->scale = scale;
  return AIT_OK;
}

/* ---- rows ---------------------------------------------------------------------------------- */

static const char *row_data(const ait_matrix *matrix, int64_t i) {
  return (const char *)matrix->data + (size_t)i * (size_t)matrix->stride * types[matrix->type].size;
}

static ait_status check_rows(const ait_matrix *matrix, int64_t count, const int64_t *rows) {
  if (count < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%" PRId64 " rows to gather; expected 0 or more", count);
  }
  for (int64_t i = 0; i < count; ++i) {
    if (rows[i] < 0 || rows[i] >= matrix->rows) {
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "entry %" PRId64 " of the rows to gather is %" PRId64 "; the matrix has rows 0 to %" PRId64, i,
                      rows[i], matrix->rows - 1);
    }
  }
  return AIT_OK;
}

ait_status ait_matrix_gather(const ait_matrix *matrix, int64_t count, const int64_t *rows, ait_matrix **out) {
  AIT_TRY(check_rows(matrix, count, rows));
  size_t bytes, row_bytes = (size_t)matrix->columns * types[matrix->type].size;
  char *memory = NULL;
  if (ait_matrix_bytes(matrix->type, count, matrix->columns, &bytes)) {
    memory = malloc(bytes > 0 ? bytes : 1);
  }
  if (memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a copy of %" PRId64 " rows of %zu bytes", count, row_bytes);
  }
  for (int64_t i = 0; i < count; ++i) {
    memcpy(memory + (size_t)i * row_bytes, row_data(matrix, rows[i]), row_bytes);
  }
  ait_matrix *made;
  AIT_TRY(ait_matrix_adopt(matrix->type, count, matrix->columns, memory, &made));
  ait_status status = ait_matrix_set_scale(made, matrix->scale, matrix->shift);
  made->layout = matrix->layout;
  if (status != AIT_OK) {
    ait_matrix_destroy(made);
    return status;
  }
  *out = made;
  return AIT_OK;
}

/* ---- values -------------------------------------------------------------------------------- */

static double stored(const ait_matrix *matrix, int64_t i, int64_t j) {
  const void *row = row_data(matrix, i);
  switch (matrix->type) {
    case AIT_U8:
      return ((const uint8_t *)row)[j];
    case AIT_I32:
      return ((const int32_t *)row)[j];
    case AIT_I64:
      return (double)((const int64_t *)row)[j];
    case AIT_F16:
      return ait_half_to_float(((const uint16_t *)row)[j]);
    case AIT_F32:
      return ((const float *)row)[j];
    case AIT_F64:
      return ((const double *)row)[j];
    case AIT_TYPE_COUNT:
      break;
  }
  return NAN;
}

double ait_matrix_value(const ait_matrix *matrix, int64_t i, int64_t j) {
  double scale = matrix->scale != NULL ? matrix->scale[j] : 1.0;
  double shift = matrix->shift != NULL ? matrix->shift[j] : 0.0;
  return scale * stored(matrix, i, j) + shift;
}

/* ---- finite check -------------------------------------------------------------------------- */

/* Whether any of n stored numbers is not finite as ait_real. Plain loops over comparisons that the
 * compiler vectorises: the check runs at the speed of memory. */
static int row_is_bad_f16(const void *row, int64_t n) {
  const uint16_t *v = row;
  int bad = 0;
  for (int64_t j = 0; j < n; ++j) {
    bad |= (v[j] & 0x7c00) == 0x7c00;
  }
  return bad;
}

static int row_is_bad_f32(const void *row, int64_t n) {
  const float *v = row;
  int bad = 0;
  for (int64_t j = 0; j < n; ++j) {
    bad |= !(fabsf(v[j]) <= FLT_MAX);
  }
  return bad;
}

/* Devices compute in ait_real: in the float library a double above FLT_MAX would become infinite. */
static const double largest = sizeof(ait_real) == sizeof(float) ? FLT_MAX : DBL_MAX;

static int row_is_bad_f64(const void *row, int64_t n) {
  const double *v = row;
  int64_t bad = 0;
  for (int64_t j = 0; j < n; ++j) {
    bad |= !(fabs(v[j]) <= largest);
  }
  return bad != 0;
}

/* Below this many numbers the check is over before threads would have started. */
enum { PARALLEL_NUMBERS = 1 << 18 };

/* The first row with a number that is not finite; the number of rows where there is none. */
static int64_t first_bad_row(const ait_matrix *matrix, int (*row_is_bad)(const void *, int64_t)) {
  int64_t first = matrix->rows;
  int large = matrix->rows * matrix->columns >= PARALLEL_NUMBERS;
#pragma omp parallel for schedule(static) reduction(min : first) if (large)
  for (int64_t i = 0; i < matrix->rows; ++i) {
    if (i < first && row_is_bad(row_data(matrix, i), matrix->columns)) {
      first = i;
    }
  }
  return first;
}

ait_status ait_matrix_check_finite(const ait_matrix *matrix, const char *name) {
  static int (*const row_is_bad[AIT_TYPE_COUNT])(const void *, int64_t) = {
      [AIT_F16] = row_is_bad_f16, [AIT_F32] = row_is_bad_f32, [AIT_F64] = row_is_bad_f64};
  if (row_is_bad[matrix->type] == NULL) {
    return AIT_OK;
  }
  int64_t i = first_bad_row(matrix, row_is_bad[matrix->type]), j = 0;
  if (i == matrix->rows) {
    return AIT_OK;
  }
  while (fabs(stored(matrix, i, j)) <= largest) {
    ++j;
  }
  double value = stored(matrix, i, j);
  return ait_fail(AIT_BAD_DATA,
                  "%s: row %" PRId64 ", column %" PRId64 " (counted from 0) is %g%s; expected finite numbers", name, i,
                  j, isnan(value) ? fabs(value) : value, isfinite(value) ? ", too large for single precision" : "");
}

/* ---- getters ------------------------------------------------------------------------------- */

ait_type ait_matrix_type(const ait_matrix *matrix) {
  return matrix->type;
}

int64_t ait_matrix_rows(const ait_matrix *matrix) {
  return matrix->rows;
}

int64_t ait_matrix_columns(const ait_matrix *matrix) {
  return matrix->columns;
}

int64_t ait_matrix_stride(const ait_matrix *matrix) {
  return matrix->stride;
}

const void *ait_matrix_data(const ait_matrix *matrix) {
  return matrix->data;
}

const double *ait_matrix_scale(const ait_matrix *matrix) {
  return matrix->scale;
}

const double *ait_matrix_shift(const ait_matrix *matrix) {
  return matrix->shift;
}
