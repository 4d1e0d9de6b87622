/* idx.c - the IDX format of MNIST and Fashion-MNIST, plain or gzip.
 *
 * A file is a magic number (two zero bytes, the type, the number of axes), the length of each axis,
 * both as 32-bit big endian numbers, and the elements. Images are u8 with three axes, labels u8 with
 * one. */
#include <inttypes.h>
#include <stdlib.h>

#include "context/error.h"
#include "data/matrix.h"
#include "data/readers.h"
#include "data/stream.h"

enum { MAGIC_U8 = 0x0800, IMAGE_AXES = 3, LABEL_AXES = 1, AXES_MAX = 3 };

static uint32_t big_endian(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Reads magic and shape; `what` is "images" or "labels". */
static ait_status read_shape(ait_stream *stream, const char *what, int axes, uint32_t *shape) {
  unsigned char bytes[4 * (AXES_MAX + 1)];
  size_t header_bytes = 4 * ((size_t)axes + 1), got;
  AIT_TRY(ait_stream_read(stream, bytes, header_bytes, &got));
  uint32_t expected = MAGIC_U8 + (uint32_t)axes;
  if (got >= 4 && big_endian(bytes) != expected) {
    return ait_fail(AIT_BAD_DATA, "%s: begins with 0x%08" PRIx32 "; expected 0x%08" PRIx32 ", an IDX file of u8 %s",
                    stream->path, big_endian(bytes), expected, what);
  }
  if (got < header_bytes) {
    return ait_fail(AIT_BAD_DATA, "%s: is cut short: holds %zu bytes; expected an IDX header of %zu", stream->path, got,
                    header_bytes);
  }
  for (int i = 0; i < axes; ++i) {
    shape[i] = big_endian(bytes + 4 * (i + 1));
    if (shape[i] == 0 || shape[i] > INT32_MAX) {
      return ait_fail(AIT_BAD_DATA, "%s: the length of axis %d is %" PRIu32 "; expected 1 to %d", stream->path, i,
                      shape[i], INT32_MAX);
    }
  }
  return AIT_OK;
}

/* Reads exactly `expected` bytes into new memory, after which the file must end. */
static ait_status read_elements(ait_stream *stream, uint64_t expected, unsigned char **elements) {
  *elements = NULL;
  if (!ait_stream_can_hold(stream, expected)) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: is cut short: its header announces %" PRIu64 " elements, the file has %" PRIu64 " bytes",
                    stream->path, expected, stream->bytes);
  }
  unsigned char *memory = malloc(expected);
  if (memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for its %" PRIu64 " elements", stream->path, expected);
  }
  size_t got, more = 0;
  unsigned char beyond;
  ait_status status = ait_stream_read(stream, memory, expected, &got);
  if (status == AIT_OK && got < expected) {
    status = ait_fail(AIT_BAD_DATA, "%s: is cut short: holds %zu elements; its header announces %" PRIu64, stream->path,
                      got, expected);
  }
  if (status == AIT_OK) {
    status = ait_stream_read(stream, &beyond, 1, &more);
  }
  if (status == AIT_OK && more > 0) {
    status = ait_fail(AIT_BAD_DATA, "%s: goes on after the %" PRIu64 " elements that its header announces",
                      stream->path, expected);
  }
  if (status != AIT_OK) {
    free(memory);
    return status;
  }
  *elements = memory;
  return AIT_OK;
}

/* Opens, reads and closes a file of `axes` axes. */
static ait_status read_file(const char *path, const char *what, int axes, uint32_t *shape, unsigned char **elements) {
  ait_stream stream;
  AIT_TRY(ait_stream_open(&stream, path));
  ait_status status = read_shape(&stream, what, axes, shape);
  uint64_t count = 1;
  for (int i = 0; i < axes && status == AIT_OK; ++i) {
    if (__builtin_mul_overflow(count, shape[i], &count) || count > PTRDIFF_MAX) {
      status = ait_fail(AIT_BAD_DATA,
                        "%s: its header announces %" PRIu32 " images of %" PRIu32 " x %" PRIu32
                        " pixels, more than any memory holds",
                        path, shape[0], shape[1], shape[2]);
    }
  }
  if (status == AIT_OK) {
    status = read_elements(&stream, count, elements);
  }
  ait_stream_close(&stream);
  return status;
}

ait_status ait_idx_read_images(const char *path, ait_matrix **images) {
  uint32_t shape[IMAGE_AXES] = {0};
  unsigned char *pixels;
  AIT_TRY(read_file(path, "images", IMAGE_AXES, shape, &pixels));
  AIT_TRY(ait_matrix_adopt(AIT_U8, shape[0], (int64_t)shape[1] * shape[2], pixels, images));
  (*images)->layout = (ait_image_layout){.height = shape[1], .width = shape[2], .channels = 1};
  return AIT_OK;
}

/* The bytes as int32, each checked. */
static ait_status widen_labels(const char *path, int32_t classes, int64_t rows, const unsigned char *bytes,
                               int32_t *labels) {
  for (int64_t i = 0; i < rows; ++i) {
    if (bytes[i] >= classes) {
      return ait_fail(AIT_BAD_DATA, "%s: the label of row %" PRId64 " (counted from 0) is %d; expected 0 to %" PRId32,
                      path, i, bytes[i], classes - 1);
    }
    labels[i] = bytes[i];
  }
  return AIT_OK;
}

ait_status ait_idx_read_labels(const char *path, int32_t classes, int64_t *rows, int32_t **labels) {
  uint32_t shape[LABEL_AXES] = {0};
  unsigned char *bytes;
  AIT_TRY(read_file(path, "labels", LABEL_AXES, shape, &bytes));
  int32_t *made = malloc(shape[0] * sizeof *made);
  ait_status status = made != NULL
                          ? widen_labels(path, classes, shape[0], bytes, made)
                          : ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %" PRIu32 " labels", path, shape[0]);
  free(bytes);
  if (status != AIT_OK) {
    free(made);
    return status;
  }
  *rows = shape[0];
  *labels = made;
  return AIT_OK;
}
