/* stack.c - rows of two matrices, one under the other. */
#include "run/stack.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

/* Column factors may be absent, which means `otherwise` throughout. */
static int equal_factors(const double *a, const double *b, int64_t columns, double otherwise) {
  for (int64_t j = 0; j < columns; j++) {
    if ((a != NULL ? a[j] : otherwise) != (b != NULL ? b[j] : otherwise)) {
      return 0;
    }
  }
  return 1;
}

/* Only rows that are stored alike can be copied as they are; bringing training rows to another type would
 * take several times the memory that they have. */
static ait_status check_stack(const ait_matrix *top, const ait_matrix *bottom) {
  int64_t columns = ait_matrix_columns(top);
  if (columns != ait_matrix_columns(bottom)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "rows of %lld and of %lld columns cannot stand under each other",
                    (long long)columns, (long long)ait_matrix_columns(bottom));
  }
  if (ait_matrix_rows(top) > AIT_STACK_MOST_ROWS) {
    return ait_fail(AIT_UNSUPPORTED, "the %lld training rows would be copied, which is done for at most %d",
                    (long long)ait_matrix_rows(top), AIT_STACK_MOST_ROWS);
  }
  if (ait_matrix_type(top) != ait_matrix_type(bottom)) {
    return ait_fail(AIT_UNSUPPORTED, "the training rows are %s and the validation rows %s",
                    ait_type_name(ait_matrix_type(top)), ait_type_name(ait_matrix_type(bottom)));
  }
  if (!equal_factors(ait_matrix_scale(top), ait_matrix_scale(bottom), columns, 1) ||
      !equal_factors(ait_matrix_shift(top), ait_matrix_shift(bottom), columns, 0)) {
    return ait_fail(AIT_UNSUPPORTED, "the training rows and the validation rows are scaled differently");
  }
  return AIT_OK;
}

static void copy_stored(const ait_matrix *from, int64_t count, const int64_t *rows, char *to) {
  size_t size = ait_type_size(ait_matrix_type(from));
  size_t stride = (size_t)ait_matrix_stride(from) * size, length = (size_t)ait_matrix_columns(from) * size;
  const char *data = ait_matrix_data(from);
  for (int64_t i = 0; i < count; i++) {
    memcpy(to + (size_t)i * length, data + (size_t)(rows != NULL ? rows[i] : i) * stride, length);
  }
}

ait_status ait_stack_rows(const ait_matrix *top, int64_t count, const int64_t *rows, const ait_matrix *bottom,
                          ait_stack *stack) {
  *stack = (ait_stack){0};
  AIT_TRY(check_stack(top, bottom));
  int64_t columns = ait_matrix_columns(top), below = ait_matrix_rows(bottom);
  ait_type type = ait_matrix_type(top);
  size_t row_bytes = (size_t)columns * ait_type_size(type);
  stack->data = malloc((size_t)(count + below) * row_bytes);
  if (stack->data == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld rows of %lld columns", (long long)(count + below),
                    (long long)columns);
  }
  copy_stored(top, count, rows, stack->data);
  copy_stored(bottom, below, NULL, (char *)stack->data + (size_t)count * row_bytes);
  ait_status status = ait_matrix_view(type, count + below, columns, columns, stack->data, &stack->matrix);
  if (status == AIT_OK) {
    status = ait_matrix_set_scale(stack->matrix, ait_matrix_scale(top), ait_matrix_shift(top));
  }
  if (status != AIT_OK) {
    ait_stack_free(stack);
  }
  return status;
}

void ait_stack_free(ait_stack *stack) {
  ait_matrix_destroy(stack->matrix);
  free(stack->data);
  *stack = (ait_stack){0};
}
