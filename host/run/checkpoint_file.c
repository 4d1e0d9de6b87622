/* checkpoint_file.c - the file of a checkpoint: written whole, read only if nothing is off. */
#include "run/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "context/error.h"
#include "data/file.h"

/* What the file begins with; a transfer as text would change it. */
static const unsigned char mark[8] = {0x89, 'A', 'I', 'T', '\r', '\n', 0x1a, '\n'};

enum { LAYOUT = 1, HEAD_BYTES = 24, SUM_BYTES = 8 };

static uint64_t checksum(const ait_checkpoint_block *block) {
  return XXH3_64bits(block->memory, block->bytes - SUM_BYTES);
}

/* ---- writing ----------------------------------------------------------------------------------- */

ait_status ait_checkpoint_block_begin(size_t content, ait_checkpoint_block *block, ait_writer *writer) {
  block->bytes = HEAD_BYTES + content + SUM_BYTES;
  block->memory = malloc(block->bytes);
  if (block->memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a checkpoint of %zu bytes", block->bytes);
  }
  *writer = (ait_writer){.data = block->memory};
  ait_put_bytes(writer, sizeof mark, mark);
  ait_put_whole(writer, LAYOUT);
  ait_put_whole(writer, (int64_t)block->bytes);
  return AIT_OK;
}

ait_status ait_checkpoint_block_write(ait_checkpoint_block *block, const char *path) {
  ait_writer end = {.data = block->memory + block->bytes - SUM_BYTES};
  ait_put_whole(&end, (int64_t)checksum(block));
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  ait_file_write(&file, block->memory, block->bytes);
  return ait_file_commit(&file);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* *size of a regular file. */
static ait_status measure(int descriptor, const char *path, size_t *size) {
  struct stat about;
  if (fstat(descriptor, &about) != 0) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) {
    return ait_fail(AIT_BAD_DATA, "%s: is no regular file", path);
  }
  *size = (size_t)about.st_size;
  return AIT_OK;
}

static ait_status read_whole(int descriptor, const char *path, size_t bytes, unsigned char *memory) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t part = read(descriptor, memory + done, bytes - done);
    if (part < 0 && errno == EINTR) {
      continue;
    }
    if (part <= 0) {
      return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path,
                      part < 0 ? strerror(errno) : "it has become shorter");
    }
    done += (size_t)part;
  }
  return AIT_OK;
}

/* Looks at the beginning before there is memory for the rest. */
static ait_status check_head(const char *path, const unsigned char head[HEAD_BYTES], size_t size) {
  ait_reader reader = {.data = head + sizeof mark, .left = HEAD_BYTES - sizeof mark};
  if (memcmp(head, mark, sizeof mark) != 0) {
    return ait_fail(AIT_BAD_DATA, "%s: is no checkpoint; begin anew with --force", path);
  }
  const int64_t layout = ait_take_whole(&reader), bytes = ait_take_whole(&reader);
  if (layout != LAYOUT) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: has layout %lld of checkpoints, this program reads layout %d: resume with the version that "
                    "wrote it, or begin anew with --force",
                    path, (long long)layout, LAYOUT);
  }
  if (bytes < HEAD_BYTES + SUM_BYTES || (uint64_t)bytes != size) {
    return ait_fail(AIT_BAD_DATA, "%s: has %zu bytes of %lld: it was cut or added to; begin anew with --force", path,
                    size, (long long)bytes);
  }
  return AIT_OK;
}

static ait_status check_sum(const char *path, const ait_checkpoint_block *block) {
  ait_reader end = {.data = block->memory + block->bytes - SUM_BYTES, .left = SUM_BYTES};
  return (uint64_t)ait_take_whole(&end) == checksum(block)
             ? AIT_OK
             : ait_fail(AIT_BAD_DATA, "%s: is damaged, as its checksum tells; begin anew with --force", path);
}

static ait_status read_block(int descriptor, const char *path, ait_checkpoint_block *block) {
  unsigned char head[HEAD_BYTES];
  AIT_TRY(measure(descriptor, path, &block->bytes));
  if (block->bytes < sizeof head) {
    return ait_fail(AIT_BAD_DATA, "%s: is no checkpoint: it has %zu bytes; begin anew with --force", path,
                    block->bytes);
  }
  AIT_TRY(read_whole(descriptor, path, sizeof head, head));
  AIT_TRY(check_head(path, head, block->bytes));
  block->memory = malloc(block->bytes);
  if (block->memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for its %zu bytes", path, block->bytes);
  }
  memcpy(block->memory, head, sizeof head);
  AIT_TRY(read_whole(descriptor, path, block->bytes - sizeof head, block->memory + sizeof head));
  return check_sum(path, block);
}

ait_status ait_checkpoint_block_read(const char *path, ait_checkpoint_block *block, ait_reader *reader) {
  *block = (ait_checkpoint_block){.memory = NULL};
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const int reason = errno;
    return ait_fail(reason == ENOENT ? AIT_NOT_FOUND : AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(reason));
  }
  const ait_status status = read_block(descriptor, path, block);
  close(descriptor);
  if (status != AIT_OK) {
    ait_checkpoint_block_end(block);
    return status;
  }
  *reader =
      (ait_reader){.data = block->memory + HEAD_BYTES, .left = block->bytes - HEAD_BYTES - SUM_BYTES, .failed = 0};
  return AIT_OK;
}

int ait_checkpoint_begins(const char *path) {
  unsigned char found[sizeof mark];
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return 0;
  }
  const ssize_t bytes = read(descriptor, found, sizeof found);
  close(descriptor);
  return bytes == (ssize_t)sizeof found && memcmp(found, mark, sizeof mark) == 0;
}

void ait_checkpoint_block_end(ait_checkpoint_block *block) {
  free(block->memory);
  *block = (ait_checkpoint_block){.memory = NULL};
}
