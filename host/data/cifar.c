/* cifar.c - CIFAR-10's binary batches, plain or gzip.
 *
 * A file is records of 3073 bytes: the label, then the red, green and blue planes of 32 x 32 pixels. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/matrix.h"
#include "data/readers.h"
#include "data/stream.h"

/* Memory grows from there: what a file is long says little of what a compressed one holds. */
enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, RECORD = 1 + PIXELS, CLASSES = 10, FIRST_CAPACITY = 100 };

/* Records read so far; both arrays hold `capacity` of them. */
typedef struct cifar_records {
  int64_t rows, capacity;
  unsigned char *pixels;
  int32_t *labels;
} cifar_records;

static ait_status make_room(const char *path, cifar_records *records) {
  if (records->rows < records->capacity) {
    return AIT_OK;
  }
  int64_t capacity = records->capacity > 0 ? 2 * records->capacity : FIRST_CAPACITY;
  unsigned char *pixels = realloc(records->pixels, (size_t)capacity * PIXELS);
  if (pixels != NULL) {
    records->pixels = pixels;
  }
  int32_t *labels = realloc(records->labels, (size_t)capacity * sizeof *labels);
  if (labels != NULL) {
    records->labels = labels;
  }
  if (pixels == NULL || labels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %" PRId64 " images", path, capacity);
  }
  records->capacity = capacity;
  return AIT_OK;
}

/* Appends the file's next record; *more = 0 at its end. */
static ait_status read_record(ait_stream *stream, int64_t row, cifar_records *records, int *more) {
  unsigned char record[RECORD];
  size_t got;
  AIT_TRY(ait_stream_read(stream, record, RECORD, &got));
  *more = got > 0;
  if (got == 0) {
    return AIT_OK;
  }
  if (got < RECORD) {
    return ait_fail(AIT_BAD_DATA, "%s: is cut short: record %" PRId64 " (counted from 0) has %zu of %d bytes",
                    stream->path, row, got, RECORD);
  }
  if (record[0] >= CLASSES) {
    return ait_fail(AIT_BAD_DATA, "%s: the label of row %" PRId64 " (counted from 0) is %d; expected 0 to %d",
                    stream->path, row, record[0], CLASSES - 1);
  }
  AIT_TRY(make_room(stream->path, records));
  records->labels[records->rows] = record[0];
  memcpy(records->pixels + records->rows * PIXELS, record + 1, PIXELS);
  ++records->rows;
  return AIT_OK;
}

static ait_status read_batch(const char *path, cifar_records *records) {
  ait_stream stream;
  AIT_TRY(ait_stream_open(&stream, path));
  int more = 1;
  int64_t row = 0;
  ait_status status = AIT_OK;
  for (; more && status == AIT_OK; row += more) {
    status = read_record(&stream, row, records, &more);
  }
  if (status == AIT_OK && row == 0) {
    status = ait_fail(AIT_BAD_DATA, "%s: is empty; expected records of %d bytes", path, RECORD);
  }
  ait_stream_close(&stream);
  return status;
}

ait_status ait_cifar10_read(int32_t count, const char *const *paths, ait_matrix **images, int32_t **labels) {
  cifar_records records = {0};
  ait_status status = AIT_OK;
  for (int32_t i = 0; i < count && status == AIT_OK; ++i) {
    status = read_batch(paths[i], &records);
  }
  if (status != AIT_OK) {
    free(records.pixels);
    free(records.labels);
    return status;
  }
  status = ait_matrix_adopt(AIT_U8, records.rows, PIXELS, records.pixels, images);
  if (status != AIT_OK) {
    free(records.labels);
    return status;
  }
  (*images)->layout = (ait_image_layout){.height = SIDE, .width = SIDE, .channels = 3, .planar = 1};
  *labels = records.labels;
  return AIT_OK;
}
