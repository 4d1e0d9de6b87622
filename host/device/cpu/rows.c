/* rows.c - rows of data in their own type: borrowing a matrix, and products with a chunk of rows. */
#include <stdlib.h>
#include <string.h>

#include "device/cpu/sparse_rows.h"
#include "device/row_products.h"

/* A copy of a column vector of a matrix in ait_real; NULL stays NULL. */
static ait_status copy_columns(int64_t columns, const double *source, const ait_real **copy) {
  *copy = NULL;
  if (source == NULL) {
    return AIT_OK;
  }
  ait_real *made = malloc((size_t)ait_max64(columns, 1) * sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scale of %lld columns", (long long)columns);
  }
  for (int64_t j = 0; j < columns; ++j) {
    made[j] = (ait_real)source[j];
  }
  *copy = made;
  return AIT_OK;
}

/* At most so many bytes of copies a device: where data are larger, a pass waits for memory and a copy gains little. */
enum { MOST_COPIED = 64 << 20 };

/* Bytes of all copies of rows. */
static size_t copied_bytes(const ait_cpu *cpu) {
  size_t bytes = 0;
  for (const ait_upload *copy = cpu->copies; copy != NULL; copy = copy->next) {
    bytes += copy->bytes;
  }
  return bytes;
}

/* Rows of `width` bytes, `stride` bytes apart and padded with zeros; NULL where there is no memory. */
static void *padded_copy(ait_device *device, const ait_upload_source *source, size_t stride) {
  void *memory;
  if (device->runtime->allocate(device, source->count * stride, &memory) != AIT_OK) {
    return NULL;
  }
  char *copy = memory;
#pragma omp parallel for num_threads(device->threads) if (source->count * stride > AIT_CPU_SERIAL)
  for (size_t i = 0; i < source->count; ++i) {
    memcpy(copy + i * stride, source->host + i * source->stride, source->width);
    memset(copy + i * stride + source->width, 0, stride - source->width);
  }
  return memory;
}

/* Replaces borrowed rows by a copy with the stride that the kernel reads fastest, where there is one and room. */
static void align_rows(ait_device *device, const ait_upload_source *source, ait_rows *rows) {
  ait_cpu *cpu = device->state;
  const int64_t element = (int64_t)ait_type_size(rows->type);
  const int64_t stride = cpu->kernel->row_stride != NULL ? cpu->kernel->row_stride(rows->type, rows->columns) : 0;
  const size_t bytes = source->count * (size_t)stride;
  const int is_aligned = rows->stride * element == stride && (uintptr_t)rows->data % AIT_LINE == 0;
  if (stride == 0 || is_aligned) {
    return;
  }
  void *copy = ait_share_upload(cpu->copies, source);
  if (copy == NULL && copied_bytes(cpu) + bytes <= MOST_COPIED) {
    copy = padded_copy(device, source, (size_t)stride);
    if (copy != NULL && ait_keep_upload(&cpu->copies, source, copy, bytes) != AIT_OK) {
      device->runtime->release(device, copy);
      copy = NULL;
    }
  }
  if (copy != NULL) {
    rows->data = copy;
    rows->stride = stride / element;
  }
}

/* Replaces borrowed rows by a copy in the form that the kernel reads fastest, if it has one. Copies are found by their
 * source alone, so a kernel has one such form at most. */
static ait_status lay_out(ait_device *device, ait_rows *rows) {
  const size_t element = ait_type_size(rows->type);
  const ait_upload_source source = {.host = rows->data,
                                    .count = (size_t)rows->rows,
                                    .width = (size_t)rows->columns * element,
                                    .stride = (size_t)rows->stride * element};
  if (ait_cpu_kernel(device)->skips_zeros) {
    return ait_make_sparse(device, &source, rows);
  }
  align_rows(device, &source, rows);
  return AIT_OK;
}

ait_status ait_cpu_upload_rows(ait_device *device, const ait_matrix *matrix, ait_row_use use, ait_rows *rows) {
  *rows = (ait_rows){.type = ait_matrix_type(matrix),
                     .rows = ait_matrix_rows(matrix),
                     .columns = ait_matrix_columns(matrix),
                     .stride = ait_matrix_stride(matrix),
                     .data = ait_matrix_data(matrix)};
  ait_status status = copy_columns(rows->columns, ait_matrix_scale(matrix), &rows->scale);
  if (status == AIT_OK) {
    status = copy_columns(rows->columns, ait_matrix_shift(matrix), &rows->shift);
  }
  if (status == AIT_OK && use == AIT_READ_OFTEN) {
    status = lay_out(device, rows);
  }
  if (status != AIT_OK) {
    ait_cpu_release_rows(device, rows);
  }
  return status;
}

void ait_cpu_release_rows(ait_device *device, ait_rows *rows) {
  ait_cpu *cpu = device->state;
  if (ait_drop_upload(&cpu->copies, rows->data)) {
    device->runtime->release(device, (void *)rows->data);
  }
  free((void *)rows->scale);
  free((void *)rows->shift);
  *rows = (ait_rows){.data = NULL};
}

size_t ait_cpu_rows_workspace(ait_device *device, const ait_rows *rows) {
  (void)device;
  return (size_t)AIT_CPU_ROW_CHUNK * (size_t)rows->columns * sizeof(ait_real);
}

/* The address of row i. */
static const void *row_address(const ait_rows *rows, int64_t i) {
  return (const char *)rows->data + (size_t)(i * rows->stride) * ait_type_size(rows->type);
}

void ait_cpu_convert_row(const ait_pass_kernel *kernel, const ait_rows *rows, int64_t i, ait_real *target) {
  if (rows->sparse != NULL) {
    ait_convert_sparse_row(rows, i, target);
  } else {
    kernel->convert(rows->type, rows->columns, row_address(rows, i), target);
  }
}

static void value_row(const ait_pass_kernel *kernel, const ait_rows *rows, int64_t i, ait_real *target) {
  ait_cpu_convert_row(kernel, rows, i, target);
  kernel->transform(rows->columns, rows->scale, rows->shift, target);
}

/* The values of a chunk of rows: in place where they are stored as such, else converted into the
 * workspace. */
static ait_status chunk_values(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, void *workspace,
                               const ait_real **values, int64_t *stride) {
  const ait_type own = sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32;
  if (rows->type == own && rows->scale == NULL && rows->shift == NULL) {
    *values = row_address(rows, first);
    *stride = ait_leading(rows->stride);
    return AIT_OK;
  }
  if (count > AIT_CPU_ROW_CHUNK) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a chunk of %lld rows; expected at most %d", (long long)count,
                    AIT_CPU_ROW_CHUNK);
  }
  ait_real *converted = workspace;
#pragma omp parallel for num_threads(device->threads) if (count * rows->columns > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < count; ++i) {
    value_row(ait_cpu_kernel(device), rows, first + i, converted + i * rows->columns);
  }
  *values = converted;
  *stride = ait_leading(rows->columns);
  return AIT_OK;
}

ait_status ait_cpu_rows_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, int64_t h,
                              const ait_real *w, ait_real *z, void *workspace) {
  const ait_real *values = NULL;
  int64_t stride = 0;
  AIT_TRY(chunk_values(device, rows, first, count, workspace, &values, &stride));
  const ait_gemm product = ait_rows_product(count, h, rows->columns, values, stride, w, z);
  return device->model->gemm(device, &product);
}

ait_status ait_cpu_rows_transposed_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count,
                                         int64_t h, const ait_real *r, ait_real *g, void *workspace) {
  const ait_real *values = NULL;
  int64_t stride = 0;
  AIT_TRY(chunk_values(device, rows, first, count, workspace, &values, &stride));
  const ait_gemm product = ait_rows_transposed_product(count, h, rows->columns, r, values, stride, g);
  return device->model->gemm(device, &product);
}
