/* rows.c - rows of data on the CUDA device in their own type: uploading a matrix, and products with a
 * chunk of rows. */
#include <stdlib.h>

#include "device/cuda/cuda.h"
#include "device/row_products.h"

/* ---- uploading ----------------------------------------------------------------------------- */

/* A column vector of a matrix on the device, in ait_real; NULL stays NULL. */
static ait_status upload_columns(ait_device *device, int64_t columns, const double *source, const ait_real **uploaded) {
  *uploaded = NULL;
  if (source == NULL) {
    return AIT_OK;
  }
  const size_t bytes = (size_t)columns * sizeof(ait_real);
  ait_real *rounded = malloc((size_t)ait_leading(columns) * sizeof *rounded);
  if (rounded == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scale of %lld columns", (long long)columns);
  }
  for (int64_t j = 0; j < columns; ++j) {
    rounded[j] = (ait_real)source[j];
  }
  void *memory = NULL;
  ait_status status = ait_cuda_allocate(device, bytes, &memory);
  *uploaded = memory;
  if (status == AIT_OK) {
    status = device->runtime->copy_in(device, bytes, rounded, memory);
  }
  free(rounded);
  return status;
}

/* The stored numbers, row behind row whatever the matrix's stride. */
static ait_status upload_data(ait_device *device, const ait_matrix *matrix, const void **uploaded) {
  const size_t element = ait_type_size(ait_matrix_type(matrix));
  const ait_upload_source source = {.host = ait_matrix_data(matrix),
                                    .count = (size_t)ait_matrix_rows(matrix),
                                    .width = (size_t)ait_matrix_columns(matrix) * element,
                                    .stride = (size_t)ait_matrix_stride(matrix) * element};
  const size_t bytes = source.count * source.width;
  ait_upload **uploads = &ait_cuda_state(device)->uploads;
  void *memory = bytes > 0 ? ait_share_upload(*uploads, &source) : NULL;
  if (bytes > 0 && memory == NULL) {
    AIT_TRY(ait_cuda_allocate(device, bytes, &memory));
    ait_status status = ait_cuda_copy_in(device, &source, memory);
    if (status == AIT_OK) {
      status = ait_keep_upload(uploads, &source, memory, bytes);
    }
    if (status != AIT_OK) {
      ait_cuda_release(device, memory);
      return status;
    }
  }
  *uploaded = memory;
  return AIT_OK;
}

ait_status ait_cuda_upload_rows(ait_device *device, const ait_matrix *matrix, ait_row_use use, ait_rows *rows) {
  (void)use;
  *rows = (ait_rows){.type = ait_matrix_type(matrix),
                     .rows = ait_matrix_rows(matrix),
                     .columns = ait_matrix_columns(matrix),
                     .stride = ait_matrix_columns(matrix)};
  ait_status status = upload_data(device, matrix, &rows->data);
  if (status == AIT_OK) {
    status = upload_columns(device, rows->columns, ait_matrix_scale(matrix), &rows->scale);
  }
  if (status == AIT_OK) {
    status = upload_columns(device, rows->columns, ait_matrix_shift(matrix), &rows->shift);
  }
  if (status != AIT_OK) {
    ait_cuda_release_rows(device, rows);
  }
  return status;
}

void ait_cuda_release_rows(ait_device *device, ait_rows *rows) {
  if (ait_drop_upload(&ait_cuda_state(device)->uploads, rows->data)) {
    ait_cuda_release(device, (void *)rows->data);
  }
  ait_cuda_release(device, (void *)rows->scale);
  ait_cuda_release(device, (void *)rows->shift);
  *rows = (ait_rows){.data = NULL};
}

/* ---- products with a chunk of rows ----------------------------------------------------------- */

/* Whether the rows are numbers of the library's own type, which a product can read as they are. */
static int are_plain(const ait_rows *rows) {
  const ait_type own = sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32;
  return rows->type == own && rows->scale == NULL && rows->shift == NULL;
}

size_t ait_cuda_rows_workspace(ait_device *device, const ait_rows *rows) {
  (void)device;
  const int64_t count = rows->rows < AIT_CUDA_ROW_CHUNK ? rows->rows : AIT_CUDA_ROW_CHUNK;
  return are_plain(rows) ? 0 : (size_t)count * (size_t)rows->columns * sizeof(ait_real);
}

/* The values of a chunk of rows: in place, or converted into the workspace. */
static ait_status chunk_values(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, void *workspace,
                               const ait_real **values, int64_t *stride) {
  if (are_plain(rows)) {
    *values = (const ait_real *)rows->data + first * rows->stride;
    *stride = ait_leading(rows->stride);
    return AIT_OK;
  }
  if (count > AIT_CUDA_ROW_CHUNK) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a chunk of %lld rows; expected at most %d", (long long)count,
                    AIT_CUDA_ROW_CHUNK);
  }
  AIT_TRY(ait_cuda_enter(device));
  *values = workspace;
  *stride = ait_leading(rows->columns);
  return ait_cuda_launched(device,
                           ait_kernel_convert_rows(ait_cuda_state(device)->stream, rows, first, count, workspace),
                           "converting rows");
}

ait_status ait_cuda_rows_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, int64_t h,
                               const ait_real *w, ait_real *z, void *workspace) {
  const ait_real *values = NULL;
  int64_t stride = 0;
  AIT_TRY(chunk_values(device, rows, first, count, workspace, &values, &stride));
  const ait_gemm product = ait_rows_product(count, h, rows->columns, values, stride, w, z);
  return ait_cuda_gemm(device, &product);
}

ait_status ait_cuda_rows_transposed_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count,
                                          int64_t h, const ait_real *r, ait_real *g, void *workspace) {
  const ait_real *values = NULL;
  int64_t stride = 0;
  AIT_TRY(chunk_values(device, rows, first, count, workspace, &values, &stride));
  const ait_gemm product = ait_rows_transposed_product(count, h, rows->columns, r, values, stride, g);
  return ait_cuda_gemm(device, &product);
}
