/* file.h (internal) - files that are complete or not there, and the opening of those that are read.
 *
 *     ait_file file;
 *     AIT_TRY(ait_file_begin(&file, path));
 *     fprintf(file.stream, ...);              as many writes as it takes; errors are kept by the stream
 *     return ait_file_commit(&file);          or ait_file_abandon(&file) when the writer has to give up
 *
 * Until the commit the target is untouched: what is written goes to a temporary file beside it. */
#ifndef AIT_FILE_H
#define AIT_FILE_H

#include <stdio.h>

#include "ait/status.h"

typedef struct ait_file {
  FILE *stream;    /* the temporary file, open for writing; NULL outside begin .. commit or abandon */
  char *path;      /* the target */
  char *temporary; /* the temporary file beside it */
  int reason;      /* errno of the first ait_file_write that failed, or 0 */
} ait_file;

/* Opens a temporary file beside `path` (which is copied). On failure nothing has to be ended.
 * Errors: AIT_IO_ERROR (there is no such folder, no permission, the target is a folder or a device),
 * AIT_OUT_OF_MEMORY. */
ait_status ait_file_begin(ait_file *file, const char *path);

/* fwrite that remembers why it failed, for the sentence of ait_file_commit. */
void ait_file_write(ait_file *file, const void *data, size_t bytes);

/* Flushes, syncs, renames over the target and syncs the folder. Reports any write that failed since
 * ait_file_begin. On failure the temporary file is gone and the target is what it was. In both cases
 * the file is ended. Errors: AIT_IO_ERROR. */
ait_status ait_file_commit(ait_file *file);

/* Removes the temporary file and ends the file; the target is what it was. Allowed after
 * ait_file_commit and on a zeroed ait_file, where it does nothing. */
void ait_file_abandon(ait_file *file);

/* Opens a regular file for reading: a pipe would block, and a device need have no end. Errors: AIT_NOT_FOUND,
 * AIT_IO_ERROR (a folder, a pipe or a device; no permission), AIT_OUT_OF_MEMORY. */
ait_status ait_file_open(const char *path, FILE **stream);

/* Passes over the byte order mark with which some programs begin a text in UTF-8; to be called before anything is
 * read. */
void ait_file_skip_mark(FILE *stream);

/* Makes the entries of the folder that holds `path` durable: what was created, renamed or removed in
 * it survives a power cut. Errors: AIT_IO_ERROR. */
ait_status ait_file_sync_folder(const char *path);

#endif
