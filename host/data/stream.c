/* stream.c - reads a file, plain or gzip, from front to back; zlib tells the two apart. */
#include "data/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "context/error.h"

/* Deflate shrinks data to no less than 1/1032. */
enum { DEFLATE_RATIO_MAX = 1032, CHUNK_BYTES = 1 << 24, BUFFER_BYTES = 1 << 17 };

ait_status ait_stream_open(ait_stream *stream, const char *path) {
  struct stat info;
  *stream = (ait_stream){.path = path};
  if (stat(path, &info) != 0) {
    return ait_fail(errno == ENOENT || errno == ENOTDIR ? AIT_NOT_FOUND : AIT_IO_ERROR, "%s: cannot be opened: %s",
                    path, strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) {
    return ait_fail(AIT_IO_ERROR, "%s: is %s; expected a regular file", path,
                    S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
  }
  stream->bytes = (uint64_t)info.st_size;
  errno = 0;
  stream->file = gzopen(path, "rbe");
  if (stream->file == NULL) {
    const int no_memory = errno == 0 || errno == ENOMEM;
    return ait_fail(no_memory ? AIT_OUT_OF_MEMORY : AIT_IO_ERROR, "%s: cannot be opened: %s", path,
                    no_memory ? "no memory" : strerror(errno));
  }
  gzbuffer(stream->file, BUFFER_BYTES);
  return AIT_OK;
}

int ait_stream_can_hold(const ait_stream *stream, uint64_t bytes) {
  return bytes / DEFLATE_RATIO_MAX <= stream->bytes;
}

static ait_status read_failure(ait_stream *stream) {
  int code;
  const char *text = gzerror(stream->file, &code);
  if (code == Z_ERRNO) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", stream->path, strerror(errno));
  }
  if (code == Z_MEM_ERROR) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to decompress it", stream->path);
  }
  return ait_fail(AIT_BAD_DATA, "%s: its gzip data are damaged or cut short (%s)", stream->path, text);
}

ait_status ait_stream_read(ait_stream *stream, void *data, size_t bytes, size_t *got) {
  *got = 0;
  while (*got < bytes) {
    size_t wanted = bytes - *got < CHUNK_BYTES ? bytes - *got : CHUNK_BYTES;
    int count = gzread(stream->file, (char *)data + *got, (unsigned)wanted);
    int code = Z_OK;
    if (count >= 0) {
      gzerror(stream->file, &code);
    }
    if (count < 0 || code != Z_OK) {
      return read_failure(stream);
    }
    if (count == 0) {
      break;
    }
    *got += (size_t)count;
  }
  return AIT_OK;
}

void ait_stream_close(ait_stream *stream) {
  if (stream->file != NULL) {
    gzclose(stream->file);
  }
  stream->file = NULL;
}
