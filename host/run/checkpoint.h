/* checkpoint.h - what a run that was cut off goes on from, in the file checkpoint.ait of its folder.
 *
 * It tells first who wrote it (program, version, arguments, device, rows), so that a run which could not come to the
 * same bits is refused with a sentence, and then what the kind of cleaning has to keep. */
#ifndef AIT_RUN_CHECKPOINT_H
#define AIT_RUN_CHECKPOINT_H

#include <limits.h>

#include "ait/context.h"
#include "run/checkpoint_file.h"
#include "run/data.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AIT_CHECKPOINT_NAME "checkpoint.ait"

/* What the same bits depend on; everything is owned. */
typedef struct ait_checkpoint_origin {
  char *program, *version; /* "ait", "0.1.0" */
  char *folder;            /* in which the command was given */
  int64_t argument_count;
  char **arguments; /* its options, NULL-terminated */
  char *device;     /* its kind and what it computes with */
  uint64_t rows;    /* ait_fingerprint */
} ait_checkpoint_origin;

typedef struct ait_checkpoint {
  char path[PATH_MAX]; /* of the file */
  int64_t every_iterations;
  double every_seconds; /* 0 and 0: never but when asked to stop */
  ait_checkpoint_origin origin;

  ait_checkpoint_block block; /* what the run goes on from, until it has */
  ait_reader resumed;         /* data NULL: it begins, or has gone on */

  int64_t seen_iterations; /* when it was saved last, or began */
  double seen_clock;
  ait_checkpoint_block held; /* what ait_checkpoint_save_held writes; memory NULL: nothing */

  int32_t warned;   /* nonzero: it could not be saved, and that was said */
  int32_t is_there; /* nonzero: the file holds this run, at that iteration */
} ait_checkpoint;

/* Reads who wrote the checkpoint at `path`, and keeps the rest for the run. On failure nothing is left to end.
 * Errors: those of ait_checkpoint_block_read; AIT_BAD_DATA (another program or version: the sentence says how to go
 * on). */
ait_status ait_checkpoint_open(const char *path, ait_checkpoint *checkpoint);

/* Begins one for a run with these arguments, which are copied, NULL-terminated. On failure nothing is left to end. */
ait_status ait_checkpoint_begin(const char *path, char *const *arguments, ait_checkpoint *checkpoint);

/* Device and rows, which a checkpoint that was begun is told and one that was opened is held against.
 * Errors: AIT_UNSUPPORTED, AIT_BAD_DATA (another device; other rows: the sentence says how to go on). */
ait_status ait_checkpoint_bind(ait_checkpoint *checkpoint, const ait_context *context, int64_t count,
                               const ait_clean_data *data);

/* The clock of --checkpoint-every begins, at so many UL iterations. */
void ait_checkpoint_start(ait_checkpoint *checkpoint, int64_t iterations);

/* Nonzero where one is to be saved after so many UL iterations. */
int32_t ait_checkpoint_is_due(const ait_checkpoint *checkpoint, int64_t iterations);

/* Writes what a run has to keep; called with a writer that counts, then with one that has memory. */
typedef ait_status (*ait_checkpoint_put)(void *run, ait_writer *writer);

/* Saves. A file that cannot be written is a warning on stderr, the first time, and no error, as the run can go on;
 * the older one is then what it was. Errors: those of `put`, AIT_OUT_OF_MEMORY. */
ait_status ait_checkpoint_save(ait_checkpoint *checkpoint, int64_t iterations, ait_checkpoint_put put, void *run);

/* Keeps in memory what ait_checkpoint_save would write, for ait_checkpoint_save_held: the run goes on with work that
 * nothing is saved of. Errors: those of `put`, AIT_OUT_OF_MEMORY. */
ait_status ait_checkpoint_hold(ait_checkpoint *checkpoint, ait_checkpoint_put put, void *run);

/* Saves what was held last, if nothing has been saved since. A file that cannot be written is a warning. */
void ait_checkpoint_save_held(ait_checkpoint *checkpoint);

/* Fails, as what the reader (which may be NULL) has come to is not what the run needs. Errors: AIT_BAD_DATA;
 * AIT_OUT_OF_MEMORY where that is why. */
ait_status ait_checkpoint_misfit(const ait_reader *reader);

/* To be called when the run has gone on: fails where the checkpoint held less or more than it read. Errors:
 * AIT_BAD_DATA. */
ait_status ait_checkpoint_went_on(ait_checkpoint *checkpoint);

/* Nonzero where the file is there still: somebody may have removed or moved its folder. */
int32_t ait_checkpoint_look(ait_checkpoint *checkpoint);

/* Copies the file, whole, to `path`. Errors: AIT_IO_ERROR, those of ait_file_commit. */
ait_status ait_checkpoint_copy(const ait_checkpoint *checkpoint, const char *path);

/* Removes the file. */
void ait_checkpoint_remove(ait_checkpoint *checkpoint);

void ait_checkpoint_end(ait_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif
