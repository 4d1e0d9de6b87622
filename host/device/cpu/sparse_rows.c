/* sparse_rows.c - copies of rows of bytes without most of their zeros. */
#include "device/cpu/sparse_rows.h"

#include <stdlib.h>
#include <string.h>

/* Rows and columns that are too few to pay for an order; columns whose order takes too long, as its time grows with
 * their square (4,096: 0.1 s); and the hundredths of all vectors above which those that hold something are too many: by
 * the measurements of data_pass_sparse.h, whose times grow in proportion to them, 75 with AVX2 and 85 with AVX-512. Of
 * larger rows a copy takes too much memory. */
enum { LEAST_ROWS = 256, LEAST_COLUMNS = 64, MOST_COLUMNS = 4096, MOST_FILLED = 75, MOST_BYTES = 256 << 20 };

static ait_sparse_rows shape_of(const ait_rows *rows, int64_t lanes) {
  ait_sparse_rows shape = {.lanes = lanes, .vectors = ait_ceil_div(rows->columns, lanes)};
  shape.words = ait_ceil_div(shape.vectors, 64);
  return shape;
}

/* Places the parts of a copy, whose vectors take `size` bytes, in memory behind its head; returns the bytes of all.
 * memory NULL: only these are of use. */
static size_t place_parts(const ait_rows *rows, int64_t size, void *memory, ait_sparse_rows *copy) {
  const size_t n = (size_t)rows->rows, blocks = (size_t)ait_ceil_div(rows->rows, AIT_PASS_ROWS);
  size_t used = 0;
  ait_take(memory, &used, sizeof *copy);
  copy->column_at = ait_take(memory, &used, (size_t)(copy->vectors * copy->lanes) * sizeof *copy->column_at);
  copy->filled = ait_take(memory, &used, n * (size_t)copy->words * sizeof *copy->filled);
  copy->holders = ait_take(memory, &used, blocks * (size_t)copy->vectors * sizeof *copy->holders);
  copy->starts = ait_take(memory, &used, n * sizeof *copy->starts);
  copy->bytes = ait_take(memory, &used, (size_t)size);
  return used;
}

/* Whether row i holds something in vector v, whose bytes are written. */
static int gather(const ait_rows *rows, int64_t i, const ait_sparse_rows *shape, const int32_t *column_at, int64_t v,
                  uint8_t *bytes) {
  const uint8_t *row = (const uint8_t *)rows->data + i * rows->stride;
  int any = 0;
  for (int64_t l = 0; l < shape->lanes; ++l) {
    const int32_t j = column_at[v * shape->lanes + l];
    bytes[l] = j >= 0 ? row[j] : 0;
    any |= bytes[l];
  }
  return any != 0;
}

/* starts_i = the bytes of the vectors that hold something in the rows before row i; returns those of all rows. */
static int64_t find_starts(const ait_device *device, const ait_rows *rows, const ait_sparse_rows *shape,
                           const int32_t *column_at, int64_t *starts) {
#pragma omp parallel for num_threads(device->threads)
  for (int64_t i = 0; i < rows->rows; ++i) {
    uint8_t bytes[AIT_LINE];
    starts[i] = 0;
    for (int64_t v = 0; v < shape->vectors; ++v) {
      starts[i] += gather(rows, i, shape, column_at, v, bytes) ? shape->lanes : 0;
    }
  }
  int64_t size = 0;
  for (int64_t i = 0; i < rows->rows; ++i) {
    const int64_t own = starts[i];
    starts[i] = size;
    size += own;
  }
  return size;
}

/* Block b of a copy that has its order of columns and its starts. */
static void write_block(const ait_rows *rows, int64_t b, const ait_sparse_rows *copy) {
  uint32_t *holders = copy->holders + b * copy->vectors;
  const int64_t first = b * AIT_PASS_ROWS, end = ait_min64(rows->rows, first + AIT_PASS_ROWS);
  memset(holders, 0, (size_t)copy->vectors * sizeof *holders);
  memset(copy->filled + first * copy->words, 0, (size_t)((end - first) * copy->words) * sizeof *copy->filled);
  for (int64_t i = first; i < end; ++i) {
    uint8_t *target = copy->bytes + copy->starts[i];
    for (int64_t v = 0; v < copy->vectors; ++v) {
      uint8_t bytes[AIT_LINE];
      if (gather(rows, i, copy, copy->column_at, v, bytes)) {
        memcpy(target, bytes, (size_t)copy->lanes);
        target += copy->lanes;
        copy->filled[i * copy->words + v / 64] |= UINT64_C(1) << v % 64;
        holders[v] |= UINT32_C(1) << (i - first);
      }
    }
  }
}

/* Makes a copy of rows whose columns have this order. */
static ait_status make_copy(ait_device *device, const ait_rows *rows, const ait_sparse_rows *shape,
                            const int32_t *column_at, const int64_t *starts, int64_t size, void **memory,
                            size_t *bytes) {
  ait_sparse_rows copy = *shape;
  *bytes = place_parts(rows, size, NULL, &copy);
  AIT_TRY(device->runtime->allocate(device, *bytes, memory));
  place_parts(rows, size, *memory, &copy);
  memcpy(copy.column_at, column_at, (size_t)(copy.vectors * copy.lanes) * sizeof *column_at);
  memcpy(copy.starts, starts, (size_t)rows->rows * sizeof *starts);
#pragma omp parallel for num_threads(device->threads)
  for (int64_t b = 0; b < ait_ceil_div(rows->rows, AIT_PASS_ROWS); ++b) {
    write_block(rows, b, &copy);
  }
  *(ait_sparse_rows *)*memory = copy;
  return AIT_OK;
}

/* *memory = a copy, entered with one user, or NULL where too many vectors hold something. */
static ait_status try_copy(ait_device *device, const ait_upload_source *source, const ait_rows *rows, void **memory) {
  ait_cpu *cpu = device->state;
  const ait_sparse_rows shape = shape_of(rows, cpu->kernel->lanes);
  const size_t places = (size_t)(shape.vectors * shape.lanes);
  int32_t *column_at = malloc(places * sizeof *column_at);
  int64_t *starts = malloc((size_t)rows->rows * sizeof *starts);
  size_t bytes = 0;
  ait_status status = AIT_OK;
  *memory = NULL;
  if (column_at == NULL || starts == NULL) {
    status = ait_fail(AIT_OUT_OF_MEMORY, "no memory for a copy of %lld rows", (long long)rows->rows);
  } else {
    status = ait_order_columns(rows, shape.lanes, column_at);
  }
  if (status == AIT_OK) {
    const int64_t size = find_starts(device, rows, &shape, column_at, starts);
    if (100 * size <= MOST_FILLED * rows->rows * (int64_t)places) {
      status = make_copy(device, rows, &shape, column_at, starts, size, memory, &bytes);
    }
  }
  free(column_at);
  free(starts);
  if (status == AIT_OK && *memory != NULL) {
    status = ait_keep_upload(&cpu->copies, source, *memory, bytes);
    if (status != AIT_OK) {
      device->runtime->release(device, *memory);
    }
  }
  return status;
}

ait_status ait_make_sparse(ait_device *device, const ait_upload_source *source, ait_rows *rows) {
  ait_cpu *cpu = device->state;
  if (rows->type != AIT_U8 || rows->rows < LEAST_ROWS || rows->columns < LEAST_COLUMNS ||
      rows->columns > MOST_COLUMNS || rows->rows * rows->columns > MOST_BYTES || !ait_has_many_zeros(rows)) {
    return AIT_OK;
  }
  void *memory = ait_share_upload(cpu->copies, source);
  if (memory == NULL) {
    AIT_TRY(try_copy(device, source, rows, &memory));
  }
  if (memory != NULL) {
    rows->data = rows->sparse = memory;
  }
  return AIT_OK;
}

void ait_convert_sparse_row(const ait_rows *rows, int64_t i, ait_real *target) {
  const ait_sparse_rows *sparse = rows->sparse;
  const uint8_t *bytes = sparse->bytes + sparse->starts[i];
  for (int64_t v = 0; v < sparse->vectors; ++v) {
    const int holds = sparse->filled[i * sparse->words + v / 64] >> v % 64 & 1;
    for (int64_t l = 0; l < sparse->lanes; ++l) {
      const int32_t j = sparse->column_at[v * sparse->lanes + l];
      if (j >= 0) {
        target[j] = holds ? bytes[l] : 0;
      }
    }
    bytes += holds ? sparse->lanes : 0;
  }
}
