/* stream.h (internal) - reads a file, plain or gzip, from front to back. */
#ifndef AIT_STREAM_H
#define AIT_STREAM_H

#include <zlib.h>

#include "ait/status.h"

typedef struct ait_stream {
  gzFile file;
  const char *path; /* borrowed */
  uint64_t bytes;   /* of the file as it lies on the disk */
} ait_stream;

/* Errors: AIT_NOT_FOUND, AIT_IO_ERROR. */
ait_status ait_stream_open(ait_stream *stream, const char *path);

/* Whether the file can hold that many bytes once decompressed: asked before memory is allocated for
 * what a header claims. */
int ait_stream_can_hold(const ait_stream *stream, uint64_t bytes);

/* Reads up to `bytes` bytes; *got is less only at the end of the file.
 * Errors: AIT_IO_ERROR, AIT_BAD_DATA (damaged or truncated gzip data). */
ait_status ait_stream_read(ait_stream *stream, void *data, size_t bytes, size_t *got);

void ait_stream_close(ait_stream *stream);

#endif
