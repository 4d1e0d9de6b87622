/* checkpoint_file.h - the file of a checkpoint: a mark, the version of the layout, the file's length, what the run has
 * to say, and an XXH3 checksum of all before it, little-endian on every machine. */
#ifndef AIT_RUN_CHECKPOINT_FILE_H
#define AIT_RUN_CHECKPOINT_FILE_H

#include "ait/status.h"
#include "data/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file in memory. */
typedef struct ait_checkpoint_block {
  unsigned char *memory; /* owned */
  size_t bytes;          /* of the whole file */
} ait_checkpoint_block;

/* Makes room for `content` bytes, which `writer` is then to be given. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_checkpoint_block_begin(size_t content, ait_checkpoint_block *block, ait_writer *writer);

/* Seals what was written and puts it in the place of an older file, which stays what it was until the new one is whole
 * and on the disk. Errors: those of ait_file_commit. */
ait_status ait_checkpoint_block_write(ait_checkpoint_block *block, const char *path);

/* Reads a file, of which `reader` then gives the content; the memory is the block's. Nothing is taken from a file that
 * is cut, longer than it says, or not what its checksum says. Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA,
 * AIT_OUT_OF_MEMORY: the sentence names the file and what is off. */
ait_status ait_checkpoint_block_read(const char *path, ait_checkpoint_block *block, ait_reader *reader);

/* Nonzero where a file begins as a checkpoint does. */
int ait_checkpoint_begins(const char *path);

void ait_checkpoint_block_end(ait_checkpoint_block *block);

#ifdef __cplusplus
}
#endif
#endif
